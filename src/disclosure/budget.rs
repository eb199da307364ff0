//! Within the budget or over it: one judgement, from numbers alone.

use crate::audit::usage::Totals;
use crate::config::budgets::Threshold;
use crate::crypto::table::Row;
use crate::domain::id::{AccountId, AllowanceId, ApprovalId};
use crate::domain::time::Timestamp;
use crate::engine::Space;

use super::alert::AlertKind;

/// A raised budget: so many people and cases more, until a day after a second person said so.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Allowance {
    /// Id.
    pub id: AllowanceId,
    /// Whose.
    pub account: AccountId,
    /// So many people more.
    pub people: u32,
    /// So many cases more.
    pub cases: u32,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The second person.
    pub by: AccountId,
    /// Their decision.
    pub approval: ApprovalId,
}

impl Allowance {
    /// Whether it holds now.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl Row for Allowance {
    const SPACE: Space = Space::Allowance;
    const KIND: &'static str = "allowance";
    fn id(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }
}

/// Everything that a judgement rests on.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// Above this the password is asked for again.
    pub first: Threshold,
    /// Above this a second person has to consent.
    pub second: Threshold,
    /// What second persons have allowed beyond it: people and cases.
    pub raised: (u32, u32),
    /// What was shown so far, and what will have been.
    pub before: Totals,
    /// The same, with the disclosure.
    pub after: Totals,
    /// Whether it leaves the house, in a file or on paper, and how many cases of it.
    pub leaves: Option<usize>,
    /// Whether the password was given again a moment ago, with a reason.
    pub stepped_up: bool,
    /// Whether a second person consented to exactly this.
    pub consented: bool,
    /// Whether it is night or a day off, and how many people within ten minutes are a burst then.
    pub night: bool,
    /// Above this many distinct people within ten minutes it is one.
    pub burst: u32,
}

/// Over the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The password has to be given again.
    First,
    /// A second person has to consent.
    Second,
}

fn numbers(totals: Totals) -> [u32; 3] {
    [totals.people, totals.cases, totals.outputs]
}

impl Situation {
    /// Whether what will have been shown exceeds this. What was opened already may be opened
    /// again; what leaves the house is held against the budget every time.
    fn exceeds(&self, limits: [u32; 3]) -> bool {
        let (before, after) = (numbers(self.before), numbers(self.after));
        let measures = before.into_iter().zip(after).zip(limits);
        measures.into_iter().any(|((before, after), limit)| {
            after > limit && (after > before || self.leaves.is_some())
        })
    }

    fn crosses(&self, limits: [u32; 3]) -> bool {
        let (before, after) = (numbers(self.before), numbers(self.after));
        let measures = before.into_iter().zip(after).zip(limits);
        measures
            .into_iter()
            .any(|((before, after), limit)| before <= limit && limit < after)
    }

    /// What is to be told to the privacy officer if it goes on; or why it does not.
    ///
    /// # Errors
    /// [`Over`]: what is missing.
    pub fn judge(&self) -> Result<Vec<AlertKind>, Over> {
        let of = |limit: Threshold| [limit.people, limit.cases, limit.downloads];
        let (first, second) = (of(self.first), of(self.second));
        let [people, cases, outputs] = second;
        let (more_people, more_cases) = self.raised;
        let raised = [
            people.saturating_add(more_people),
            cases.saturating_add(more_cases),
            outputs,
        ];
        if self.exceeds(raised) && !self.consented {
            return Err(Over::Second);
        }
        if self.exceeds(first) && !self.stepped_up {
            return Err(Over::First);
        }
        let (before, after) = (self.before.recent_people, self.after.recent_people);
        let burst = before <= self.burst && self.burst < after;
        let bulk = self.leaves.is_some_and(|cases| cases > 1);
        let kinds = [
            (self.crosses(first), AlertKind::Threshold),
            (self.crosses(second), AlertKind::SecondThreshold),
            (
                self.leaves.is_some() && self.exceeds(first),
                AlertKind::Output,
            ),
            (burst && !self.night, AlertKind::Burst),
            ((burst || bulk) && self.night, AlertKind::Night),
        ];
        let told = kinds.into_iter().filter(|(so, _)| *so);
        Ok(told.map(|(_, kind)| kind).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn totals(people: u32, cases: u32, outputs: u32, recent_people: u32) -> Totals {
        Totals {
            people,
            cases,
            outputs,
            recent_people,
        }
    }

    fn threshold(people: u32, cases: u32, downloads: u32) -> Threshold {
        Threshold {
            people,
            cases,
            downloads,
        }
    }

    fn situation(before: Totals, after: Totals) -> Situation {
        Situation {
            first: threshold(10, 20, 2),
            second: threshold(50, 100, 10),
            raised: (0, 0),
            before,
            after,
            leaves: None,
            stepped_up: false,
            consented: false,
            night: false,
            burst: 30,
        }
    }

    #[test]
    fn thresholds_ask_for_the_password_and_then_for_a_second_person() {
        let within = situation(totals(0, 0, 0, 0), totals(10, 20, 0, 10));
        assert_eq!(within.judge(), Ok(vec![]));
        for after in [totals(11, 0, 0, 0), totals(0, 21, 0, 0), totals(0, 0, 3, 0)] {
            let over = situation(totals(0, 0, 0, 0), after);
            assert_eq!(over.judge(), Err(Over::First), "{after:?}");
            let stepped = Situation {
                stepped_up: true,
                ..over
            };
            assert_eq!(stepped.judge(), Ok(vec![AlertKind::Threshold]));
        }
        for after in [
            totals(51, 0, 0, 0),
            totals(0, 101, 0, 0),
            totals(0, 0, 11, 0),
        ] {
            let far = Situation {
                stepped_up: true,
                ..situation(totals(11, 21, 3, 0), after)
            };
            assert_eq!(far.judge(), Err(Over::Second), "{after:?}");
            let consented = Situation {
                consented: true,
                ..far
            };
            assert_eq!(consented.judge(), Ok(vec![AlertKind::SecondThreshold]));
            let alone = Situation {
                stepped_up: false,
                ..consented
            };
            assert_eq!(alone.judge(), Err(Over::First), "consent is no password");
        }
    }

    #[test]
    fn an_allowance_moves_the_second_threshold_alone() {
        let raised = Situation {
            raised: (5, 5),
            stepped_up: true,
            ..situation(totals(50, 0, 0, 0), totals(55, 0, 0, 0))
        };
        assert_eq!(raised.judge(), Ok(vec![AlertKind::SecondThreshold]));
        let more = Situation {
            after: totals(56, 0, 0, 0),
            ..raised
        };
        assert_eq!(more.judge(), Err(Over::Second));
        let unstepped = Situation {
            stepped_up: false,
            ..raised
        };
        assert_eq!(unstepped.judge(), Err(Over::First));
    }

    #[test]
    fn what_was_opened_is_opened_again_but_does_not_leave_again() {
        let again = situation(totals(40, 5, 0, 40), totals(40, 5, 0, 40));
        assert_eq!(again.judge(), Ok(vec![]));
        let out = Situation {
            leaves: Some(1),
            ..again
        };
        assert_eq!(out.judge(), Err(Over::First));
        let stepped = Situation {
            stepped_up: true,
            ..out
        };
        assert_eq!(stepped.judge(), Ok(vec![AlertKind::Output]));
    }

    #[test]
    fn bursts_and_nights_are_told() {
        let burst = situation(totals(1, 1, 0, 30), totals(2, 1, 0, 31));
        assert_eq!(burst.judge(), Ok(vec![AlertKind::Burst]));
        let night = Situation {
            night: true,
            ..burst
        };
        assert_eq!(night.judge(), Ok(vec![AlertKind::Night]));
        let on = situation(totals(1, 1, 0, 31), totals(2, 1, 0, 32));
        assert_eq!(on.judge(), Ok(vec![]), "told once, when it begins");
        let out = |cases, night| Situation {
            leaves: Some(cases),
            night,
            ..situation(totals(0, 0, 0, 0), totals(2, 2, 1, 2))
        };
        assert_eq!(out(2, true).judge(), Ok(vec![AlertKind::Night]));
        assert_eq!(out(1, true).judge(), Ok(vec![]));
        assert_eq!(out(2, false).judge(), Ok(vec![]));
    }
}
