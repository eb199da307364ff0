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
    /// Whether it holds now, by the clock that the counts run on: a wall clock that is set back
    /// makes no allowance live longer.
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

    fn bursts(&self, told: impl Fn(AlertKind) -> bool) -> bool {
        let (before, after) = (self.before.recent_people, self.after.recent_people);
        let kind = if self.night {
            AlertKind::Night
        } else {
            AlertKind::Burst
        };
        self.burst < after && before < after && (before <= self.burst || !told(kind))
    }

    /// How many cases more may be shown, or be in the next output; none where the next one is over
    /// the budget.
    ///
    /// # Errors
    /// As [`Situation::judge`], of the next case.
    pub fn room(&self) -> Result<u32, Over> {
        let one_more = Totals {
            cases: self.before.cases.saturating_add(1),
            outputs: self
                .before
                .outputs
                .saturating_add(self.leaves.is_some().into()),
            ..self.before
        };
        let next = Self {
            after: one_more,
            ..*self
        };
        next.judge(|_| true)?;
        let limit = if self.stepped_up {
            self.second.cases.saturating_add(self.raised.1)
        } else {
            self.first.cases
        };
        Ok(limit.saturating_sub(self.before.cases))
    }

    /// What is to be told to the privacy officer if it goes on; or why it does not. `told` says of
    /// a kind whether it was told within the window. Being over a threshold that was never crossed
    /// is told as well: the limit of another purpose, or of the day, may have been higher.
    ///
    /// # Errors
    /// [`Over`]: what is missing.
    pub fn judge(&self, told: impl Fn(AlertKind) -> bool) -> Result<Vec<AlertKind>, Over> {
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
        let over = |limits, kind| self.crosses(limits) || self.exceeds(limits) && !told(kind);
        let bulk = self.leaves.is_some_and(|cases| cases > 1);
        let burst = self.bursts(&told);
        let kinds = [
            (over(first, AlertKind::Threshold), AlertKind::Threshold),
            (
                over(second, AlertKind::SecondThreshold),
                AlertKind::SecondThreshold,
            ),
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
        assert_eq!(within.judge(|_| true), Ok(vec![]));
        for after in [totals(11, 0, 0, 0), totals(0, 21, 0, 0), totals(0, 0, 3, 0)] {
            let over = situation(totals(0, 0, 0, 0), after);
            assert_eq!(over.judge(|_| true), Err(Over::First), "{after:?}");
            let stepped = Situation {
                stepped_up: true,
                ..over
            };
            assert_eq!(stepped.judge(|_| true), Ok(vec![AlertKind::Threshold]));
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
            assert_eq!(far.judge(|_| true), Err(Over::Second), "{after:?}");
            let consented = Situation {
                consented: true,
                ..far
            };
            assert_eq!(
                consented.judge(|_| true),
                Ok(vec![AlertKind::SecondThreshold])
            );
            let alone = Situation {
                stepped_up: false,
                ..consented
            };
            assert_eq!(
                alone.judge(|_| true),
                Err(Over::First),
                "consent is no password"
            );
        }
    }

    #[test]
    fn an_allowance_moves_the_second_threshold_alone() {
        let raised = Situation {
            raised: (5, 5),
            stepped_up: true,
            ..situation(totals(50, 0, 0, 0), totals(55, 0, 0, 0))
        };
        assert_eq!(raised.judge(|_| true), Ok(vec![AlertKind::SecondThreshold]));
        let more = Situation {
            after: totals(56, 0, 0, 0),
            ..raised
        };
        assert_eq!(more.judge(|_| true), Err(Over::Second));
        let unstepped = Situation {
            stepped_up: false,
            ..raised
        };
        assert_eq!(unstepped.judge(|_| true), Err(Over::First));
    }

    #[test]
    fn what_was_opened_is_opened_again_but_does_not_leave_again() {
        let again = situation(totals(40, 5, 0, 40), totals(40, 5, 0, 40));
        assert_eq!(again.judge(|_| true), Ok(vec![]));
        let out = Situation {
            leaves: Some(1),
            ..again
        };
        assert_eq!(out.judge(|_| true), Err(Over::First));
        let stepped = Situation {
            stepped_up: true,
            ..out
        };
        assert_eq!(stepped.judge(|_| true), Ok(vec![AlertKind::Output]));
    }

    #[test]
    fn who_is_over_a_threshold_that_was_never_crossed_is_told_once() {
        let never = |_| false;
        let legal = Situation {
            first: threshold(3, 20, 2),
            stepped_up: true,
            ..situation(totals(40, 5, 0, 0), totals(41, 5, 0, 0))
        };
        assert_eq!(legal.judge(never), Ok(vec![AlertKind::Threshold]));
        assert_eq!(legal.judge(|_| true), Ok(vec![]), "told already");
        let second = Situation {
            consented: true,
            second: threshold(15, 100, 10),
            ..legal
        };
        let both = vec![AlertKind::Threshold, AlertKind::SecondThreshold];
        assert_eq!(second.judge(never), Ok(both));
        let only = |kind| kind == AlertKind::Threshold;
        assert_eq!(second.judge(only), Ok(vec![AlertKind::SecondThreshold]));
        let again = Situation {
            after: legal.before,
            ..legal
        };
        assert_eq!(again.judge(never), Ok(vec![]), "nobody new");
        let night = Situation {
            night: true,
            burst: 10,
            ..situation(totals(20, 5, 0, 20), totals(21, 5, 0, 21))
        };
        let night = Situation {
            stepped_up: true,
            first: threshold(90, 90, 9),
            ..night
        };
        assert_eq!(night.judge(never), Ok(vec![AlertKind::Night]));
    }

    #[test]
    fn room_ends_where_the_next_case_is_over_the_budget() {
        let at = |cases| situation(totals(0, cases, 0, 0), totals(0, cases, 0, 0));
        assert_eq!((at(0).room(), at(19).room()), (Ok(20), Ok(1)));
        assert_eq!(at(20).room(), Err(Over::First));
        let stepped = |cases| Situation {
            stepped_up: true,
            raised: (0, 5),
            ..at(cases)
        };
        assert_eq!((stepped(20).room(), stepped(104).room()), (Ok(85), Ok(1)));
        assert_eq!(stepped(105).room(), Err(Over::Second));
    }

    #[test]
    fn bursts_and_nights_are_told() {
        let burst = situation(totals(1, 1, 0, 30), totals(2, 1, 0, 31));
        assert_eq!(burst.judge(|_| true), Ok(vec![AlertKind::Burst]));
        let night = Situation {
            night: true,
            ..burst
        };
        assert_eq!(night.judge(|_| true), Ok(vec![AlertKind::Night]));
        let on = situation(totals(1, 1, 0, 31), totals(2, 1, 0, 32));
        assert_eq!(on.judge(|_| true), Ok(vec![]), "told once, when it begins");
        let out = |cases, night| Situation {
            leaves: Some(cases),
            night,
            ..situation(totals(0, 0, 0, 0), totals(2, 2, 1, 2))
        };
        assert_eq!(out(2, true).judge(|_| true), Ok(vec![AlertKind::Night]));
        assert_eq!(out(1, true).judge(|_| true), Ok(vec![]));
        assert_eq!(out(2, false).judge(|_| true), Ok(vec![]));
    }
}
