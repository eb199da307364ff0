//! Retention rules as data (보존기간): class → years, from 1 January after a case was closed
//! (공공기록물법 시행령 제26조제5항). A sweep proposes; nothing is destroyed by it.

use std::collections::BTreeMap;

use jiff::civil::date;

use crate::domain::id::AccountId;
use crate::domain::time::Timestamp;

/// How long cases of a class are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// Years; `None` keeps for good (영구, 준영구).
    pub years: Option<u16>,
    /// Whether a decision of the records appraisal (기록물평가심의회: 폐기) must be named before.
    pub appraisal: bool,
}

/// The rules of an office. No default rule: what no class names never expires.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Rules {
    /// For every class without a rule of its own.
    pub default: Option<Rule>,
    /// By class of complaint.
    pub classes: BTreeMap<String, Rule>,
}

/// How the rules stand to destroying something of a record now (공공기록물 관리에 관한 법률 제50조:
/// 보존기간이 끝나기 전의 파기와 심의 없는 폐기는 무단 파기다).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No rule names the class: the office knows of no law that keeps such a record.
    Free,
    /// Its period runs, until then at the earliest; `None` keeps for good. Of an open case it has
    /// not even begun, so that it ends no earlier than if the case were closed today.
    Runs(Option<Timestamp>),
    /// Its period is over.
    Over {
        /// Whether a decision of the records appraisal must be named before.
        appraisal: bool,
    },
}

impl Rules {
    /// How the rule of a class stands to a case that was closed at `closed`.
    pub fn standing(&self, class: &str, closed: Option<Timestamp>, now: Timestamp) -> Standing {
        let Some(Rule { years, appraisal }) = self.of(class) else {
            return Standing::Free;
        };
        match years.map(|years| expires(closed.unwrap_or(now), years)) {
            Some(end) if closed.is_some() && end <= now => Standing::Over { appraisal },
            end => Standing::Runs(end),
        }
    }
    /// What the rule of a class says, in words. `told` lets the class be named.
    pub fn words(&self, class: &str, told: bool) -> String {
        let whose = match (self.classes.contains_key(class), told) {
            (true, true) => format!("of class {class}"),
            (true, false) => "of its class".to_owned(),
            (false, _) => "for all other classes".to_owned(),
        };
        match self.of(class).and_then(|rule| rule.years) {
            Some(years) => format!("the rule {whose}: {years} years from 1 January after closing"),
            None => format!("the rule {whose}: kept for good"),
        }
    }
}

/// Longest period in years that can be set as a number.
pub const YEARS_MAX: u16 = 100;

impl Rules {
    /// The rule of a class.
    pub fn of(&self, class: &str) -> Option<Rule> {
        self.classes.get(class).copied().or(self.default)
    }
}

/// When the period of a case closed at `closed` has run out: `years` full years from 1 January
/// of the year after.
pub fn expires(closed: Timestamp, years: u16) -> Timestamp {
    let year = i32::from(closed.year()) + 1 + i32::from(years);
    i16::try_from(year)
        .ok()
        .filter(|year| *year <= 9998)
        .map_or(Timestamp::from_millis(i64::MAX), |year| {
            Timestamp::start_of(date(year, 1, 1))
        })
}

/// Facts of a case that a sweep looks at.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Kind of complaint.
    pub class: &'a str,
    /// When it was closed; `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// When anything was last added to it.
    pub changed_at: Timestamp,
    /// Whether a hold stands.
    pub held: bool,
    /// Whether a person's request locks it.
    pub locked: bool,
    /// Whether it is proposed already.
    pub proposed: bool,
}

/// Why an expired case is not proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// A hold stands.
    Held,
    /// A person's request is being answered.
    Requested,
    /// It is part of an open proposal.
    Proposed,
    /// Something was added a short time ago.
    Changed,
}

/// What a sweep finds about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Open, without a rule, kept for good, or its period still runs.
    Kept,
    /// To be proposed; since when.
    Expired(Timestamp, Rule),
    /// Expired, and yet not proposed.
    Skipped(Skipped),
}

/// Judges one case.
pub fn judge(
    rules: &Rules,
    facts: &Facts<'_>,
    now: Timestamp,
    quiet: std::time::Duration,
) -> Finding {
    let (Some(closed), Some(rule)) = (facts.closed_at, rules.of(facts.class)) else {
        return Finding::Kept;
    };
    let Some(since) = rule.years.map(|years| expires(closed, years)) else {
        return Finding::Kept;
    };
    if now < since {
        return Finding::Kept;
    }
    if facts.held {
        Finding::Skipped(Skipped::Held)
    } else if facts.locked {
        Finding::Skipped(Skipped::Requested)
    } else if facts.proposed {
        Finding::Skipped(Skipped::Proposed)
    } else if now < facts.changed_at.plus(quiet) {
        Finding::Skipped(Skipped::Changed)
    } else {
        Finding::Expired(since, rule)
    }
}

/// What the office last knew of the time, and who vouched for a leap since.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ClockWord {
    /// The time that was known when the wall clock was found to be far ahead of it; `None` while
    /// both agree.
    pub leapt: Option<Timestamp>,
    /// Who said first that the wall clock is right after all, and when by that clock.
    pub first: Option<(AccountId, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_period_runs_from_the_first_of_january_after_closing() {
        for closed in ["2021-01-01T00:00:00+09:00", "2021-12-31T23:59:59+09:00"] {
            let end = expires(at(closed), 3);
            assert_eq!(end.rfc3339(), "2025-01-01T00:00:00.000+09:00", "{closed}");
        }
    }

    #[test]
    fn a_record_is_free_only_without_a_rule_and_over_only_behind_its_end() {
        let now = at("2026-01-05T09:00:00+09:00");
        let (five, good) = (Some(5), None);
        let rule = |years| Rules {
            default: Some(Rule {
                years,
                appraisal: true,
            }),
            ..Rules::default()
        };
        let closed = at("2020-06-01T09:00:00+09:00");
        let of = |rules: &Rules, closed| rules.standing("road", closed, now);
        assert_eq!(of(&Rules::default(), Some(closed)), Standing::Free);
        let over = Standing::Over { appraisal: true };
        assert_eq!(of(&rule(five), Some(closed)), over);
        let later = at("2021-06-01T09:00:00+09:00");
        let end = at("2027-01-01T00:00:00+09:00");
        assert_eq!(of(&rule(five), Some(later)), Standing::Runs(Some(end)));
        let end = at("2032-01-01T00:00:00+09:00");
        assert_eq!(of(&rule(five), None), Standing::Runs(Some(end)));
        assert_eq!(of(&rule(good), Some(closed)), Standing::Runs(None));
    }

    #[test]
    fn without_a_rule_nothing_expires_and_each_reason_to_wait_is_told() {
        let closed = at("2020-06-01T09:00:00+09:00");
        let facts = Facts {
            class: "road",
            closed_at: Some(closed),
            changed_at: closed,
            held: false,
            locked: false,
            proposed: false,
        };
        let now = at("2026-01-05T09:00:00+09:00");
        let rule = Rule {
            years: Some(5),
            appraisal: true,
        };
        let none = Rules::default();
        assert_eq!(judge(&none, &facts, now, DAY), Finding::Kept);
        let rules = Rules {
            default: Some(rule),
            ..Rules::default()
        };
        let since = at("2026-01-01T00:00:00+09:00");
        let expired = Finding::Expired(since, rule);
        assert_eq!(judge(&rules, &facts, now, DAY), expired);
        let early = at("2025-12-31T23:59:00+09:00");
        assert_eq!(judge(&rules, &facts, early, DAY), Finding::Kept);
        for (waiting, why) in [
            (
                Facts {
                    held: true,
                    ..facts.clone()
                },
                Skipped::Held,
            ),
            (
                Facts {
                    locked: true,
                    ..facts.clone()
                },
                Skipped::Requested,
            ),
            (
                Facts {
                    proposed: true,
                    ..facts.clone()
                },
                Skipped::Proposed,
            ),
            (
                Facts {
                    changed_at: now,
                    ..facts.clone()
                },
                Skipped::Changed,
            ),
        ] {
            assert_eq!(judge(&rules, &waiting, now, DAY), Finding::Skipped(why));
        }
        let open = Facts {
            closed_at: None,
            ..facts.clone()
        };
        assert_eq!(judge(&rules, &open, now, DAY), Finding::Kept);
        let kept = Rules {
            classes: [(
                "road".to_owned(),
                Rule {
                    years: None,
                    appraisal: true,
                },
            )]
            .into(),
            ..rules
        };
        assert_eq!(judge(&kept, &facts, now, DAY), Finding::Kept);
    }
}
