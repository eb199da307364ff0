//! Bounds on the work that one server takes on.

use std::time::Duration;

use super::ConfigError;

/// The `[limits]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections open at once; more wait in the listener's queue.
    pub connections: usize,
    /// Connections open at once from one address (of IPv6, one /64); more are closed. Loopback is
    /// not counted. Raise it where a proxy or an address translation stands before many people.
    pub connections_per_address: usize,
    /// Requests at work at once; more are answered 503 with `Retry-After`.
    pub requests: usize,
    /// Requests a second that one account may make in the long run; faster ones are answered 429.
    pub actor_requests_per_second: u32,
    /// Requests that one account may make at once.
    pub actor_burst: u32,
    /// Seconds one request may take.
    pub request_seconds: u64,
    /// Seconds after which a client that takes nothing of its answer is cut.
    pub stall_seconds: u64,
    /// Seconds a stopping server waits for requests at work.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 64,
            requests: 512,
            actor_requests_per_second: 20,
            actor_burst: 40,
            request_seconds: 60,
            stall_seconds: 30,
            drain_seconds: 20,
        }
    }
}

impl Limits {
    /// How long one request may take.
    pub const fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }
    /// How long a client may take nothing of its answer.
    pub const fn stall(&self) -> Duration {
        Duration::from_secs(self.stall_seconds)
    }
    /// How long a stopping server waits.
    pub const fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let reason = "must be at least 1";
        for (key, value) in [
            ("limits.connections", self.connections as u64),
            (
                "limits.connections_per_address",
                self.connections_per_address as u64,
            ),
            ("limits.requests", self.requests as u64),
            ("limits.request_seconds", self.request_seconds),
            ("limits.stall_seconds", self.stall_seconds),
            (
                "limits.actor_requests_per_second",
                u64::from(self.actor_requests_per_second),
            ),
            ("limits.actor_burst", u64::from(self.actor_burst)),
        ] {
            if value == 0 {
                return Err(ConfigError::Value { key, reason });
            }
        }
        Ok(())
    }
}
