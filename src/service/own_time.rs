//! The store's own account of time, for what must not happen too early.
//!
//! The wall clock may leap: a dead battery, a wrong time server, a hand on the machine. A leap
//! forward must not destroy what still waits, so an order is due only when the wall clock *and*
//! this account say so.
//!
//! - While the store is open, its own time runs with the monotonic clock.
//! - While it was closed, it is believed to have stood still for as long as the wall clock says,
//!   but for no longer than [`OUTAGE`]. A leap found at the next open is believed once, not again.
//! - Wall and monotonic clock that ran evenly for [`STEADY`] are believed: own time is then set to
//!   the wall clock. So a long outage puts a destruction off by a day at the most, and people have a
//!   day to notice a clock that stands wrong.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::time::{Clock, Timestamp};
use crate::engine::{Batch, Engine, Key, Space, Value};

/// Longest time that passes for a closed store.
const OUTAGE: Duration = Duration::from_secs(24 * 3600);
/// How long the clocks run evenly before the wall clock is believed.
const STEADY: Duration = Duration::from_secs(24 * 3600);
/// Apart by more than this, the wall clock leapt.
const LEAP_MS: i64 = 5 * 60 * 1000;

/// What is kept from one run to the next.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Kept {
    own: Timestamp,
    wall: Timestamp,
}

#[derive(Clone, Copy)]
struct State {
    own: Timestamp,
    /// Clocks when they were last looked at.
    mono: Duration,
    /// Clocks when the present even run began.
    run_wall: Timestamp,
    run_mono: Duration,
}

/// See the module.
pub(super) struct OwnTime(Mutex<State>);

fn place(locator: &Locator) -> Key {
    Key::from(locator.place("own-time", &[]))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millis().saturating_sub(from.as_millis())
}

impl State {
    /// Where nothing is kept, the wall clock is all there is.
    fn first(kept: Option<Kept>, clock: &dyn Clock) -> Self {
        let wall = clock.now();
        let own = kept.map_or(wall, |kept| {
            let closed = between(kept.wall, wall).clamp(0, millis(OUTAGE));
            Timestamp::from_millis(kept.own.as_millis().saturating_add(closed))
        });
        let mono = clock.monotonic();
        Self {
            own,
            mono,
            run_wall: wall,
            run_mono: mono,
        }
    }

    fn advance(&mut self, clock: &dyn Clock) {
        let (wall, mono) = (clock.now(), clock.monotonic());
        self.own = self.own.plus(mono.saturating_sub(self.mono));
        self.mono = mono;
        let run = mono.saturating_sub(self.run_mono);
        let apart = between(self.run_wall, wall).saturating_sub(millis(run));
        if apart.saturating_abs() > LEAP_MS {
            tracing::warn!(
                apart_ms = apart,
                "the wall clock leapt: what waits for its time waits until the clocks ran evenly"
            );
        } else if run >= STEADY {
            self.own = wall;
        } else {
            return;
        }
        self.run_wall = wall;
        self.run_mono = mono;
    }
}

impl OwnTime {
    /// Goes on where the last run of the store stopped.
    pub(super) fn start(
        engine: &dyn Engine,
        locator: &Locator,
        row_key: &RowKey,
        clock: &dyn Clock,
    ) -> Result<Self, ServiceError> {
        let key = place(locator);
        let damaged = || ServiceError::Damaged("the store's own time".to_owned());
        let found = engine.get(Space::Meta, &key).map_err(fault::engine)?;
        let kept = found
            .map(|value| {
                let plain = row_key
                    .open(Space::Meta, key.as_bytes(), value.as_bytes())
                    .map_err(|_| damaged())?;
                postcard::from_bytes(plain.expose()).map_err(|_| damaged())
            })
            .transpose()?;
        Ok(Self(Mutex::new(State::first(kept, clock))))
    }

    fn look(&self, clock: &dyn Clock) -> Kept {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.advance(clock);
        Kept {
            own: state.own,
            wall: clock.now(),
        }
    }

    /// What time it is at the latest: for what must not live too long.
    pub(super) fn latest(&self, clock: &dyn Clock) -> Timestamp {
        let Kept { own, wall } = self.look(clock);
        own.max(wall)
    }

    /// Whether `time` has come by every clock there is.
    pub(super) fn has_come(&self, time: Timestamp, clock: &dyn Clock) -> bool {
        let Kept { own, wall } = self.look(clock);
        own >= time && wall >= time
    }
}

impl Store {
    /// Writes down what time it is, for the next run. To be called every few minutes and at the
    /// end: what is not written down is time that the closed store has to account for.
    pub(super) fn keep_own_time(&self) -> Result<(), ServiceError> {
        let kept = self.own_time.look(self.clock.as_ref());
        let internal = || ServiceError::Internal("own time cannot be kept".to_owned());
        let plain = postcard::to_stdvec(&kept).map_err(|_| internal())?;
        let key = place(&self.locator);
        let random = self.random.as_ref();
        let sealed = self
            .row_key
            .seal(Space::Meta, key.as_bytes(), &plain, Padding::Steps, random)
            .map_err(fault::seal)?;
        let value = Value::new(sealed).map_err(|_| internal())?;
        let batch = Batch {
            put: vec![(Space::Meta, key, value)],
            ..Batch::default()
        };
        let kept = self.engine.commit(batch).wait();
        kept.map(|_| ()).map_err(fault::commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::SteppedClock;

    const HOUR: Duration = Duration::from_secs(3600);
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;

    fn at_zero() -> (SteppedClock, OwnTime) {
        let clock = SteppedClock::at(Timestamp::from_millis(0));
        let own = OwnTime(Mutex::new(State::first(None, &clock)));
        (clock, own)
    }

    fn reopened(own: &OwnTime, clock: &SteppedClock, closed_ms: i64) -> OwnTime {
        let kept = own.look(clock);
        clock.jump(closed_ms);
        OwnTime(Mutex::new(State::first(Some(kept), clock)))
    }

    #[test]
    fn time_that_passed_has_come_and_a_leap_has_not() {
        let (clock, own) = at_zero();
        let due = Timestamp::from_millis(0).plus(HOUR * 72);
        assert!(!own.has_come(due, &clock));
        clock.jump(YEAR_MS);
        assert!(!own.has_come(due, &clock), "a leap counts as time");
        clock.advance(HOUR * 23);
        assert!(!own.has_come(due, &clock));
        clock.advance(HOUR * 2);
        assert!(own.has_come(due, &clock), "steady for a day: believed");
        let (clock, own) = at_zero();
        clock.advance(HOUR * 72);
        assert!(own.has_come(due, &clock), "the control");
        clock.jump(-YEAR_MS);
        assert!(!own.has_come(due, &clock), "the wall clock must agree, too");
    }

    #[test]
    fn an_outage_counts_for_a_day_and_a_leap_counts_once() {
        let (clock, own) = at_zero();
        let days = |n| Timestamp::from_millis(0).plus(HOUR * 24 * n);
        let own = reopened(&own, &clock, 12 * 3_600_000);
        assert!(own.has_come(Timestamp::from_millis(12 * 3_600_000), &clock));
        let own = reopened(&own, &clock, YEAR_MS);
        assert!(own.has_come(days(1), &clock));
        assert!(!own.has_come(days(2), &clock));
        let own = reopened(&own, &clock, 1000);
        let own = reopened(&own, &clock, 1000);
        assert!(!own.has_come(days(2), &clock), "every restart counted");
        clock.advance(HOUR * 25);
        assert!(own.has_come(days(300), &clock));
    }
}
