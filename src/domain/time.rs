//! Time as a parameter. Nothing below the doors asks the operating system for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point with these milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }
    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }
    /// The point `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }
    fn zoned(self) -> jiff::Zoned {
        jiff::Timestamp::from_millisecond(self.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(TimeZone::get("Asia/Seoul").unwrap_or(TimeZone::UTC))
    }
    /// RFC 3339 with the offset of the office (Asia/Seoul).
    pub fn rfc3339(self) -> String {
        self.zoned()
            .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
            .to_string()
    }
    /// Reads RFC 3339 with any offset.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Self(at.as_millisecond()))
    }
    /// As officials write it in the office's zone: `2026. 11. 26. 14:05`.
    pub fn official(self) -> String {
        let at = self.zoned();
        let (year, month, day) = (at.year(), at.month(), at.day());
        let (hour, minute) = (at.hour(), at.minute());
        format!("{year}. {month}. {day}. {hour:02}:{minute:02}")
    }
    /// Year in the office's zone.
    pub fn year(self) -> i16 {
        self.zoned().year()
    }
    /// Month, 1 to 12, in the office's zone.
    pub fn month(self) -> i8 {
        self.zoned().month()
    }
    /// Hour of the day, 0 to 23, in the office's zone.
    pub fn hour(self) -> u8 {
        u8::try_from(self.zoned().hour()).unwrap_or(0)
    }
    /// Calendar day in the office's zone.
    pub fn date(self) -> jiff::civil::Date {
        self.zoned().date()
    }
    /// The first moment of a calendar day in the office's zone.
    pub fn start_of(date: jiff::civil::Date) -> Self {
        let zone = TimeZone::get("Asia/Seoul").unwrap_or(TimeZone::UTC);
        date.to_zoned(zone)
            .map_or(Self(i64::MAX), |at| Self(at.timestamp().as_millisecond()))
    }
    /// Quarters since year 0 in the office's zone: `year * 4 + (0..=3)`.
    pub fn quarter(self) -> u16 {
        let at = self.zoned();
        let index = i32::from(at.year()) * 4 + i32::from((at.month() - 1) / 3);
        u16::try_from(index).unwrap_or(0)
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Wall time. May jump; nothing may be destroyed or kept alive on its word alone.
    fn now(&self) -> Timestamp;
    /// Time since some fixed point of this process; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where wall time enters"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that tests move by hand; wall and monotonic time can be moved apart.
#[derive(Debug)]
pub struct SteppedClock {
    wall_ms: AtomicI64,
    mono_ms: AtomicI64,
}

impl SteppedClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self {
            wall_ms: AtomicI64::new(now.0),
            mono_ms: AtomicI64::new(0),
        }
    }
    /// Both clocks advance.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.mono_ms.fetch_add(ms, Ordering::SeqCst);
    }
    /// Only the wall clock jumps, forwards or backwards.
    pub fn jump(&self, by_ms: i64) {
        self.wall_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall_ms.load(Ordering::SeqCst))
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.mono_ms.load(Ordering::SeqCst)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn officials_write_days_without_zeros_and_hours_with_them() {
        for (at, written) in [
            ("2026-11-26T05:05:59Z", "2026. 11. 26. 14:05"),
            ("2018-01-01T15:03:00Z", "2018. 1. 2. 00:03"),
        ] {
            let at = Timestamp::parse_rfc3339(at).unwrap();
            assert_eq!(at.official(), written);
        }
    }

    #[test]
    fn office_time_is_seoul() {
        let at = Timestamp::parse_rfc3339("2026-12-31T15:30:00Z").unwrap();
        assert_eq!(at.rfc3339(), "2027-01-01T00:30:00.000+09:00");
        assert_eq!((at.year(), at.month(), at.quarter()), (2027, 1, 2027 * 4));
        assert_eq!(Timestamp::parse_rfc3339(&at.rfc3339()), Some(at));
    }
}
