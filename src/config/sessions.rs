//! How long a person stays logged in (안전성 확보조치 기준 제6조: 자동 접속차단).

use std::time::Duration;

use super::ConfigError;

/// The `[sessions]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u64,
    /// Hours after which it ends in any case.
    pub absolute_hours: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle_minutes: 15,
            absolute_hours: 10,
        }
    }
}

impl Sessions {
    /// Time without a request after which a session ends.
    pub const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_minutes.saturating_mul(60))
    }
    /// Time after which it ends in any case.
    pub const fn absolute(&self) -> Duration {
        Duration::from_secs(self.absolute_hours.saturating_mul(3600))
    }
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, reason| Err(ConfigError::Value { key, reason });
        if !(1..=480).contains(&self.idle_minutes) {
            return refuse("sessions.idle_minutes", "must be 1 to 480");
        }
        if !(1..=24).contains(&self.absolute_hours) {
            return refuse("sessions.absolute_hours", "must be 1 to 24");
        }
        if self.idle() > self.absolute() {
            return refuse("sessions.idle_minutes", "must not exceed absolute_hours");
        }
        Ok(())
    }
}
