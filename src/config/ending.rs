//! The end of records: windows and caps of the office.

use super::ConfigError;

/// The `[ending]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ending {
    /// Days in which an approved destruction can still be cancelled. Where a person waits it ends
    /// inside the statutory term, but never before a whole day has passed.
    pub cancel_days: u64,
    /// Days after the last change of a case in which nothing of it expires.
    pub quiet_days: u64,
    /// Units that may expire in a day by the word of one approver, whatever the store's size.
    pub daily_units: u64,
    /// The same in hundredths of all units, where that is more.
    pub daily_percent: u64,
    /// Days after its answer or withdrawal for which what a person said in a request is kept: name,
    /// contact, words. 180 by default: so long a decision can be contested (행정심판법 제27조제3항).
    pub petition_days: u64,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            cancel_days: 3,
            quiet_days: 30,
            daily_units: 100,
            daily_percent: 1,
            petition_days: 180,
        }
    }
}

impl Ending {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, reason| Err(ConfigError::Value { key, reason });
        if !(1..=9).contains(&self.cancel_days) {
            return refuse(
                "ending.cancel_days",
                "must be 1 to 9: the law gives ten days",
            );
        }
        if self.quiet_days > 3650 {
            return refuse("ending.quiet_days", "must be at most 3650");
        }
        if !(1..=3650).contains(&self.petition_days) {
            return refuse("ending.petition_days", "must be 1 to 3650");
        }
        if self.daily_percent > 100 {
            return refuse("ending.daily_percent", "must be at most 100");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_between_their_bounds() {
        assert!(Ending::default().check().is_ok());
        for cancel_days in [0, 10] {
            let ending = Ending {
                cancel_days,
                ..Ending::default()
            };
            assert!(ending.check().is_err(), "{cancel_days}");
        }
        for petition_days in [0, 3651] {
            let ending = Ending {
                petition_days,
                ..Ending::default()
            };
            assert!(ending.check().is_err(), "kept for ever: {petition_days}");
        }
    }
}
