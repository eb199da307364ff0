//! A calendar month in the office's zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::domain::time::Timestamp;

/// A month, written `2026-10`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Month {
    year: i16,
    month: i8,
}

/// A text that is not a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a month: write 2026-10")]
pub struct BadMonth;

impl Month {
    /// The month of a moment.
    pub fn of(time: Timestamp) -> Self {
        Self {
            year: time.year(),
            month: time.month(),
        }
    }

    fn day(self, day: i8) -> Date {
        Date::new(self.year, self.month, day).unwrap_or(Date::MAX)
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        Timestamp::start_of(self.day(1))
    }

    /// The month after it.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.month == 12 {
            Self {
                year: self.year.saturating_add(1),
                month: 1,
            }
        } else {
            Self {
                year: self.year,
                month: self.month + 1,
            }
        }
    }

    /// Its days, in their order.
    pub fn days(self) -> impl Iterator<Item = Date> {
        let inside = move |day: &Date| (day.year(), day.month()) == (self.year, self.month);
        let next = |day: &Date| day.tomorrow().ok();
        std::iter::successors(Some(self.day(1)), next).take_while(inside)
    }

    /// When its inspection is overdue: this day of the next month is over.
    pub fn due(self, day: u8) -> Timestamp {
        let day = i8::try_from(day).unwrap_or(i8::MAX);
        let day = self.next().day(day);
        Timestamp::start_of(day.tomorrow().unwrap_or(day))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = BadMonth;
    fn from_str(text: &str) -> Result<Self, BadMonth> {
        let date: Date = format!("{text}-01").parse().map_err(|_| BadMonth)?;
        let month = Self {
            year: date.year(),
            month: date.month(),
        };
        if month.to_string() == text {
            Ok(month)
        } else {
            Err(BadMonth)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_in_one_spelling_and_ends_in_seoul() {
        let month: Month = "2026-12".parse().unwrap();
        assert_eq!(month.start().rfc3339(), "2026-12-01T00:00:00.000+09:00");
        assert_eq!(month.next().to_string(), "2027-01");
        assert_eq!(month.days().count(), 31);
        assert_eq!(month.due(5).rfc3339(), "2027-01-06T00:00:00.000+09:00");
        assert_eq!(month.due(28).rfc3339(), "2027-01-29T00:00:00.000+09:00");
        let last = Timestamp::from_millis(month.next().start().as_millis() - 1);
        assert_eq!(Month::of(last), month);
        for bad in ["2026-13", "2026-1", "26-01", "", "2026-10-01", "2026-00"] {
            assert_eq!(bad.parse::<Month>(), Err(BadMonth), "{bad}");
        }
    }
}
