//! Printing: the font, and how long a print document can be fetched.

use std::path::PathBuf;
use std::time::Duration;

use super::ConfigError;

/// The `[print]` table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Print {
    /// A TrueType file with Hangul and Hanja, or a directory with NanumGothic in it; the system's
    /// NanumGothic, if absent.
    pub font: Option<PathBuf>,
    /// Minutes for which a print document can be fetched by who made it.
    pub minutes: u64,
}

impl Default for Print {
    fn default() -> Self {
        Self {
            font: None,
            minutes: 5,
        }
    }
}

impl Print {
    /// How long a document can be fetched.
    pub const fn time(&self) -> Duration {
        Duration::from_secs(self.minutes.saturating_mul(60))
    }
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if (1..=60).contains(&self.minutes) {
            return Ok(());
        }
        Err(ConfigError::Value {
            key: "print.minutes",
            reason: "must be 1 to 60",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_waits_minutes_and_no_longer() {
        for (minutes, fits) in [(0, false), (1, true), (60, true), (61, false)] {
            let print = Print {
                minutes,
                ..Print::default()
            };
            assert_eq!(print.check().is_ok(), fits, "{minutes}");
        }
    }
}
