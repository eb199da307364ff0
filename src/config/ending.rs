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
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            cancel_days: 3,
            quiet_days: 30,
            daily_units: 100,
            daily_percent: 1,
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
    fn the_cancel_window_lies_inside_the_ten_days() {
        assert!(Ending::default().check().is_ok());
        for cancel_days in [0, 10] {
            let ending = Ending {
                cancel_days,
                ..Ending::default()
            };
            assert!(ending.check().is_err(), "{cancel_days}");
        }
    }
}
