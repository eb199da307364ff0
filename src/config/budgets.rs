//! How much one person may open in a day, before they give their password again and before a
//! second person has to consent.

use std::collections::BTreeMap;

use super::ConfigError;
use crate::domain::purpose::Purpose;

/// How much, in 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// Distinct people (person units).
    pub people: u32,
    /// Distinct cases, also those of which only the head was shown.
    pub cases: u32,
    /// Exports and prints made.
    pub downloads: u32,
}

/// What is different for one purpose; what is not named stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exception {
    /// Distinct people.
    pub people: Option<u32>,
    /// Distinct cases.
    pub cases: Option<u32>,
    /// Exports and prints.
    pub downloads: Option<u32>,
}

/// The `[budgets]` table. What is counted is counted over all purposes; the purpose of a disclosure
/// says which threshold it is held against.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budgets {
    /// Distinct people in 24 hours before the password is asked for again: from the hundredth on
    /// (안전성 확보조치 기준 제8조제2항; EXP-02), so 99 are free.
    pub people: u32,
    /// Distinct cases in 24 hours, with those that stood in a list.
    pub cases: u32,
    /// Exports and prints in 24 hours.
    pub downloads: u32,
    /// Above so many times as much, a second person has to consent.
    pub second: u32,
    /// Distinct people within ten minutes that raise an alert.
    pub burst_people: u32,
    /// The same at night and on days off.
    pub night_people: u32,
    /// Hour at which the night begins, in the office's zone.
    pub night_from: u8,
    /// Hour at which it ends.
    pub night_to: u8,
    /// What is different for a purpose.
    pub purpose: BTreeMap<Purpose, Exception>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            people: 99,
            cases: 999,
            downloads: 49,
            second: 5,
            burst_people: 50,
            night_people: 10,
            night_from: 22,
            night_to: 6,
            purpose: BTreeMap::new(),
        }
    }
}

impl Budgets {
    /// No threshold that anybody reaches: for what measures something else.
    pub fn unbounded() -> Self {
        Self {
            people: u32::MAX,
            cases: u32::MAX,
            downloads: u32::MAX,
            second: 1,
            burst_people: u32::MAX,
            night_people: u32::MAX,
            ..Self::default()
        }
    }

    /// Above this the password is asked for again.
    pub fn first(&self, purpose: Option<Purpose>) -> Threshold {
        let own = purpose.and_then(|purpose| self.purpose.get(&purpose));
        let own = own.copied().unwrap_or_default();
        Threshold {
            people: own.people.unwrap_or(self.people),
            cases: own.cases.unwrap_or(self.cases),
            downloads: own.downloads.unwrap_or(self.downloads),
        }
    }

    /// Above this a second person has to consent.
    pub fn second(&self, purpose: Option<Purpose>) -> Threshold {
        let first = self.first(purpose);
        Threshold {
            people: first.people.saturating_mul(self.second),
            cases: first.cases.saturating_mul(self.second),
            downloads: first.downloads.saturating_mul(self.second),
        }
    }

    /// Whether this hour of the day is night.
    pub const fn is_night(&self, hour: u8) -> bool {
        if self.night_from <= self.night_to {
            self.night_from <= hour && hour < self.night_to
        } else {
            self.night_from <= hour || hour < self.night_to
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, reason| Err(ConfigError::Value { key, reason });
        let exceptions = self.purpose.values();
        let overridden = exceptions.flat_map(|own| [own.people, own.cases, own.downloads]);
        if overridden.flatten().any(|value| value == 0) {
            return refuse(
                "budgets.purpose",
                "must be at least 1 in each of its values",
            );
        }
        for (key, value) in [
            ("budgets.people", self.people),
            ("budgets.cases", self.cases),
            ("budgets.downloads", self.downloads),
            ("budgets.burst_people", self.burst_people),
            ("budgets.night_people", self.night_people),
        ] {
            if value == 0 {
                return refuse(key, "must be at least 1");
            }
        }
        if !(1..=100).contains(&self.second) {
            return refuse("budgets.second", "must be 1 to 100");
        }
        if self.night_from > 23 || self.night_to > 23 {
            return refuse("budgets.night_from", "and night_to must be hours, 0 to 23");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_follow_the_purpose_and_the_second_the_first() {
        let text = "people = 10\n[purpose.legal]\npeople = 3\ncases = 7";
        let budgets: Budgets = toml::from_str(text).unwrap();
        assert_eq!(budgets.check().ok(), Some(()));
        let of = |threshold: Threshold| (threshold.people, threshold.cases);
        assert_eq!(of(budgets.first(Some(Purpose::Handling))), (10, 999));
        assert_eq!(of(budgets.first(Some(Purpose::Legal))), (3, 7));
        assert_eq!(of(budgets.second(Some(Purpose::Legal))), (15, 35));
        assert_eq!(budgets.first(Some(Purpose::Legal)).downloads, 49);
        assert_eq!(of(budgets.first(None)), (10, 999));
    }

    #[test]
    fn what_cannot_hold_is_refused() {
        let parse = |text: &str| {
            let budgets = toml::from_str::<Budgets>(text).map_err(drop)?;
            budgets.check().map_err(drop)
        };
        assert_eq!(parse("night_from = 0\nnight_to = 5"), Ok(()));
        for bad in [
            "people = 0",
            "cases = -1",
            "downloads = 0",
            "burst_people = 0",
            "night_people = 0",
            "second = 0",
            "second = 101",
            "night_from = 24",
            "night_to = 99",
            "people_a_day = 1",
            "[purpose.curiosity]\npeople = 1",
            "[purpose.legal]\npeople = 0",
            "[purpose.legal]\nperson = 1",
        ] {
            assert_eq!(parse(bad), Err(()), "{bad}");
        }
    }

    #[test]
    fn the_night_may_span_midnight() {
        let night = |budgets: &Budgets| -> Vec<u8> {
            (0..24).filter(|hour| budgets.is_night(*hour)).collect()
        };
        assert_eq!(night(&Budgets::default()), [0, 1, 2, 3, 4, 5, 22, 23]);
        let early = Budgets {
            night_from: 2,
            night_to: 5,
            ..Budgets::default()
        };
        assert_eq!(night(&early), [2, 3, 4]);
    }
}
