//! What leaves the house: how long it may lie here.

use std::time::Duration;

use super::ConfigError;

/// The `[outputs]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outputs {
    /// Hours after which the file of an export dies on the server.
    pub file_hours: u64,
}

impl Default for Outputs {
    fn default() -> Self {
        Self { file_hours: 24 }
    }
}

impl Outputs {
    /// How long a file lives.
    pub const fn file_time(&self) -> Duration {
        Duration::from_secs(self.file_hours.saturating_mul(3600))
    }
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if (1..=24 * 30).contains(&self.file_hours) {
            return Ok(());
        }
        Err(ConfigError::Value {
            key: "outputs.file_hours",
            reason: "must be 1 to 720",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lives_an_hour_at_least_and_a_month_at_most() {
        assert_eq!(Outputs::default().file_time().as_secs(), 86_400);
        for (file_hours, fits) in [(0, false), (1, true), (720, true), (721, false)] {
            assert_eq!(Outputs { file_hours }.check().is_ok(), fits, "{file_hours}");
        }
    }
}
