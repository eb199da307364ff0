//! The monthly inspection of the access log (접속기록 점검): what it looks for.

use jiff::civil::Date;

use super::ConfigError;
use crate::domain::day_off;

/// The `[inspection]` table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inspection {
    /// Hour at which the night begins, 0 to 23, in the office's zone.
    pub night_from: u8,
    /// Hour at which it ends.
    pub night_to: u8,
    /// Days off besides weekends and public holidays ([`day_off`]), as `"2026-10-02"`: 임시공휴일, the
    /// office's own.
    pub holidays: Vec<Date>,
    /// Distinct people that one person may open in a day before it is a mass read.
    pub people_a_day: u32,
    /// Distinct cases that one person may open or list in a day before it is a mass read.
    pub cases_a_day: u32,
    /// Exports and prints of one person in a day before it is a mass read.
    pub outputs_a_day: u32,
    /// Cases that one person may open in a month without handling them or following their department.
    pub neighbour_reads: u32,
    /// Cases of their department that one person may open in a month in supervision.
    pub supervision_reads: u32,
    /// Refused attempts of one person in a month.
    pub denied: u32,
    /// Failed log-ins for one account in a month.
    pub failed_logins: u32,
    /// Refused attempts of one person in a month on cases from which they had been taken off.
    pub taken_off: u32,
    /// Cases of others that one person may assign to themselves in a month.
    pub self_assigned: u32,
    /// Letters that the reason of an export or print has at the least, or it is pointed out to the
    /// auditor; what it says, the auditor confirms.
    pub reason_letters: u32,
    /// Last day of the following month on which the inspection may be made and signed.
    pub due_day: u8,
}

impl Default for Inspection {
    fn default() -> Self {
        Self {
            night_from: 22,
            night_to: 6,
            holidays: Vec::new(),
            people_a_day: 100,
            cases_a_day: 1000,
            outputs_a_day: 50,
            neighbour_reads: 20,
            supervision_reads: 300,
            denied: 20,
            failed_logins: 10,
            taken_off: 1,
            self_assigned: 1,
            reason_letters: 2,
            due_day: 5,
        }
    }
}

impl Inspection {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, reason| Err(ConfigError::Value { key, reason });
        if self.night_from > 23 || self.night_to > 23 {
            return refuse("inspection.night_from", "and night_to must be 0 to 23");
        }
        if !(1..=28).contains(&self.due_day) {
            return refuse("inspection.due_day", "must be 1 to 28");
        }
        let reason = "must be at least 1";
        for (key, value) in [
            ("inspection.people_a_day", self.people_a_day),
            ("inspection.cases_a_day", self.cases_a_day),
            ("inspection.outputs_a_day", self.outputs_a_day),
            ("inspection.neighbour_reads", self.neighbour_reads),
            ("inspection.supervision_reads", self.supervision_reads),
            ("inspection.denied", self.denied),
            ("inspection.failed_logins", self.failed_logins),
            ("inspection.taken_off", self.taken_off),
            ("inspection.self_assigned", self.self_assigned),
        ] {
            if value == 0 {
                return refuse(key, reason);
            }
        }
        Ok(())
    }

    /// Whether an hour of the day is night; the night may span midnight.
    pub const fn is_night(&self, hour: u8) -> bool {
        if self.night_from <= self.night_to {
            hour >= self.night_from && hour < self.night_to
        } else {
            hour >= self.night_from || hour < self.night_to
        }
    }

    /// Whether the office rests on a day: at weekends, on public holidays, on a day of its own list.
    pub fn is_day_off(&self, day: Date) -> bool {
        day_off::is_public(day) || self.holidays.contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_spans_midnight_and_a_day_off_is_public_or_one_of_the_list() {
        let rules = Inspection {
            holidays: vec!["2026-10-02".parse().unwrap()],
            ..Inspection::default()
        };
        let night = |hour| rules.is_night(hour);
        assert!(night(22) && night(0) && night(5));
        assert!(!night(6) && !night(21));
        let early = Inspection {
            night_from: 0,
            night_to: 5,
            ..Inspection::default()
        };
        assert!(early.is_night(0) && !early.is_night(5) && !early.is_night(23));
        let off = |day: &str| rules.is_day_off(day.parse().unwrap());
        assert!(off("2026-10-02") && off("2026-10-03") && off("2026-10-05"));
        assert!(!off("2026-10-06"));
        assert!(!Inspection::default().is_day_off("2026-10-02".parse().unwrap()));
    }

    #[test]
    fn bounds_that_cannot_hold_are_refused() {
        assert!(Inspection::default().check().is_ok());
        let refused = |change: fn(&mut Inspection)| {
            let mut rules = Inspection::default();
            change(&mut rules);
            rules.check().is_err()
        };
        assert!(refused(|r| r.night_from = 24));
        assert!(refused(|r| r.due_day = 29));
        assert!(refused(|r| r.people_a_day = 0));
    }
}
