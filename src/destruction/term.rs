//! The time the law gives (개인정보 보호법 시행령 제43조: 10일), and the windows of an office.

use std::time::Duration;

use jiff::civil::Date;

use crate::domain::day_off;
use crate::domain::time::Timestamp;

/// Calendar days for the answer to a data subject.
const ANSWER_DAYS: u8 = 10;
/// Calendar days for what is to be destroyed because its period has run out (표준지침: 5일 이내).
const EXPIRY_DAYS: u8 = 5;
/// How far back the receipt of a request may be dated. A letter lies in a post room over the longest
/// row of holidays and a clerk's leave, not longer: what is older is nobody's to check any more, is
/// long overdue by any count, and is taken in as of today with its date among the reasons.
const RECEIVED_DAYS: u32 = 30;

/// The last day of a term of `days`: the first day is not counted (민법 제157조), and a last day on
/// which the office rests moves to the next one on which it works (제161조). Days off that an office
/// sets for itself do not lengthen what the law gives a person.
fn last_day(first: Date, days: u8) -> Date {
    let mut day = first;
    for _ in 0..days {
        day = day.tomorrow().unwrap_or(day);
    }
    while day_off::is_public(day) {
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    day
}

/// The end of a day: the last millisecond before the next.
fn end_of(day: Date) -> Timestamp {
    let next = Timestamp::start_of(day.tomorrow().unwrap_or(day));
    Timestamp::from_millis(next.as_millis().saturating_sub(1))
}

/// When a request that came at `received` must have been answered at the latest.
pub fn answer_due(received: Timestamp) -> Timestamp {
    end_of(last_day(received.date(), ANSWER_DAYS))
}

/// Whether a request that is taken in at `now` may be dated so: never in the future, and at most
/// [`RECEIVED_DAYS`] back.
pub fn receivable(received: Timestamp, now: Timestamp) -> bool {
    received <= now && now <= received.plus(DAY.saturating_mul(RECEIVED_DAYS))
}

/// When what was found to have expired at `found` must have been destroyed at the latest.
pub fn expiry_due(found: Timestamp) -> Timestamp {
    end_of(last_day(found.date(), EXPIRY_DAYS))
}

/// Whole days from now to the due date; negative when it is over.
pub fn days_left(now: Timestamp, due: Timestamp) -> i64 {
    let days = now
        .date()
        .until(due.date())
        .map_or(0, |span| span.get_days());
    if now > due && days == 0 {
        -1
    } else {
        i64::from(days)
    }
}

/// What an office may set about the end of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How long an approved destruction can still be cancelled.
    pub cancel_window: Duration,
    /// How long after the last change of a case nothing in it expires.
    pub quiet: Duration,
    /// Units that may expire in a day by the word of one approver, whatever the store's size.
    pub daily_floor: u64,
    /// The same in hundredths of all units, where that is more.
    pub daily_percent: u64,
    /// How long what a person said in a request is kept after it was answered or withdrawn.
    pub petition_kept: Duration,
    /// How far the wall clock may run ahead of what the access log and the process know.
    pub clock_slack: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Least time in which an approved destruction can be cancelled, whatever the term says: a working
/// day's chance for the others to see it.
pub const WINDOW_FLOOR: Duration = DAY;

impl Default for Terms {
    fn default() -> Self {
        Self {
            cancel_window: DAY.saturating_mul(3),
            quiet: DAY.saturating_mul(30),
            daily_floor: 100,
            daily_percent: 1,
            petition_kept: DAY.saturating_mul(180),
            clock_slack: DAY,
        }
    }
}

impl Terms {
    /// The end of the cancel window of something approved now. Where a person waits for the answer
    /// it ends inside their statutory term (`due`), and yet is never shorter than [`WINDOW_FLOOR`]:
    /// whoever approves late, or dates a receipt back, is not to take the step away from those who
    /// would cancel. Nobody waits for what has merely expired: it has its whole window.
    pub fn window_end(&self, now: Timestamp, due: Option<Timestamp>) -> Timestamp {
        let whole = now.plus(self.cancel_window);
        due.map_or(whole, |due| whole.min(due))
            .max(now.plus(WINDOW_FLOOR))
    }
    /// Units that may expire in a day by the word of one approver.
    pub fn daily_cap(&self, units: u64) -> u64 {
        let share = units.saturating_mul(self.daily_percent) / 100;
        share.max(self.daily_floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(received: &str) -> String {
        let at = Timestamp::parse_rfc3339(received).unwrap();
        answer_due(at).rfc3339()[..10].to_owned()
    }

    #[test]
    fn ten_days_without_the_first_and_never_ending_on_a_day_of_rest() {
        for (received, expected) in [
            // The example of the Civil Code's way of counting: Friday, and ten days later Monday.
            ("2026-11-20T09:00:00+09:00", "2026-11-30"),
            // Late in the evening is the same day, whatever the server's zone.
            ("2026-11-20T23:59:59+09:00", "2026-11-30"),
            ("2026-11-20T15:00:00Z", "2026-12-01"),
            // Ends on a Saturday: Monday.
            ("2026-11-18T09:00:00+09:00", "2026-11-30"),
            // Ends on Christmas, a Friday: Monday.
            ("2026-12-15T09:00:00+09:00", "2026-12-28"),
            // Ends in the middle of Chuseok and a weekend.
            ("2026-09-14T09:00:00+09:00", "2026-09-28"),
        ] {
            assert_eq!(due(received), expected, "{received}");
        }
    }

    #[test]
    fn the_due_day_lasts_to_its_end_and_days_are_counted_by_the_calendar() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let due = answer_due(at("2026-11-20T09:00:00+09:00"));
        assert_eq!(due.rfc3339(), "2026-11-30T23:59:59.999+09:00");
        assert_eq!(days_left(at("2026-11-20T10:00:00+09:00"), due), 10);
        assert_eq!(days_left(at("2026-11-30T23:00:00+09:00"), due), 0);
        assert_eq!(days_left(at("2026-12-01T00:00:00+09:00"), due), -1);
    }

    #[test]
    fn the_cancel_window_ends_inside_the_term_and_is_never_gone() {
        let terms = Terms::default();
        let now = Timestamp::from_millis(1_000_000_000);
        let far = now.plus(DAY * 9);
        assert_eq!(terms.window_end(now, Some(far)), now.plus(DAY * 3));
        let near = now.plus(DAY * 2);
        assert_eq!(terms.window_end(now, Some(near)), near);
        let over = Timestamp::from_millis(5);
        for late in [over, now, now.plus(DAY / 2)] {
            assert_eq!(terms.window_end(now, Some(late)), now.plus(WINDOW_FLOOR));
        }
        // What has expired keeps its whole window; a window set too short has the floor.
        assert_eq!(terms.window_end(now, None), now.plus(DAY * 3));
        let none = Terms {
            cancel_window: Duration::ZERO,
            ..terms
        };
        assert_eq!(none.window_end(now, None), now.plus(WINDOW_FLOOR));
    }

    #[test]
    fn a_receipt_is_dated_back_a_month_and_never_ahead() {
        let now = Timestamp::from_millis(10_000_000_000);
        let back = |days: u64| {
            let millis = i64::try_from(days * 86_400_000).unwrap();
            Timestamp::from_millis(now.as_millis() - millis)
        };
        assert!(receivable(now, now) && receivable(back(30), now));
        let ahead = Timestamp::from_millis(now.as_millis() + 1);
        assert!(!receivable(ahead, now) && !receivable(back(31), now));
    }

    #[test]
    fn the_cap_is_a_share_but_never_below_the_floor() {
        let terms = Terms::default();
        assert_eq!(terms.daily_cap(0), 100);
        assert_eq!(terms.daily_cap(50_000), 500);
    }
}
