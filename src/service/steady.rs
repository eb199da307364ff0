//! Time that a clock set wrong cannot hurry: nothing is destroyed because a clock jumped.
//!
//! Steady time goes on by the machine's monotonic clock and never runs ahead of the wall clock. Over
//! a restart it takes up where it was last recorded and believes the wall clock for a day at most;
//! a store that was shut for a week catches up a day with each opening and then with each second.
//! Being late destroys nothing too early, which is the side to err on.

use std::sync::Arc;
use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::random::Random;
use crate::domain::time::{Clock, Timestamp};
use crate::engine::{Batch, Engine, Key, Space, Value};

/// What the wall clock is believed to have gone on while the store was shut.
const WHILE_SHUT: Duration = Duration::from_secs(24 * 60 * 60);

/// See the module.
pub(super) struct Steady {
    clock: Arc<dyn Clock>,
    base: Timestamp,
    since: Duration,
    key: Key,
}

impl Steady {
    /// Takes up the time that was last recorded; in a new store, the wall clock's.
    pub(super) fn open(
        engine: &dyn Engine,
        locator: &Locator,
        row_key: &RowKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServiceError> {
        let key = Key::from(locator.place("steady-time", &[]));
        let wall = clock.now();
        let base = match engine.get(Space::Meta, &key).map_err(fault::engine)? {
            None => wall,
            Some(value) => {
                let damaged = || ServiceError::Damaged("recorded time".to_owned());
                let plain = row_key
                    .open(Space::Meta, key.as_bytes(), value.as_bytes())
                    .map_err(|_| damaged())?;
                let millis = plain.expose().try_into().map_err(|_| damaged())?;
                let recorded = Timestamp::from_millis(i64::from_be_bytes(millis));
                wall.min(recorded.plus(WHILE_SHUT))
            }
        };
        Ok(Self {
            since: clock.monotonic(),
            clock,
            base,
            key,
        })
    }

    /// Steady time.
    pub(super) fn now(&self) -> Timestamp {
        let elapsed = self.clock.monotonic().saturating_sub(self.since);
        self.clock.now().min(self.base.plus(elapsed))
    }

    /// Records it; every few minutes and at a clean stop.
    pub(super) fn record(
        &self,
        engine: &dyn Engine,
        row_key: &RowKey,
        random: &dyn Random,
    ) -> Result<(), ServiceError> {
        let plain = self.now().as_millis().to_be_bytes();
        let sealed = row_key
            .seal(
                Space::Meta,
                self.key.as_bytes(),
                &plain,
                Padding::None,
                random,
            )
            .map_err(fault::seal)?;
        let value = Value::new(sealed)
            .map_err(|_| ServiceError::Internal("recorded time too long".to_owned()))?;
        let batch = Batch {
            put: vec![(Space::Meta, self.key.clone(), value)],
            ..Batch::default()
        };
        engine.commit(batch).wait().map_err(fault::commit)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SeededSource;
    use crate::domain::secret::Secret;
    use crate::domain::time::SteppedClock;
    use crate::engine::memory::MemoryEngine;

    const HOUR: Duration = Duration::from_secs(3600);
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;

    #[test]
    fn neither_a_jump_nor_a_restart_after_it_hurries_it() {
        let start = Timestamp::from_millis(1_800_000_000_000);
        let clock = Arc::new(SteppedClock::at(start));
        let engine = MemoryEngine::new(clock.clone());
        let (locator, row_key) = (
            Locator::new(&Secret::new([1; 32])),
            RowKey::new(Secret::new([2; 32])),
        );
        let random = SeededSource::new(1);
        let open = || Steady::open(&engine, &locator, &row_key, clock.clone()).unwrap();
        let steady = open();
        clock.advance(HOUR);
        assert_eq!(steady.now(), start.plus(HOUR), "it does go on");
        clock.jump(YEAR_MS);
        assert_eq!(steady.now(), start.plus(HOUR), "a jump is not followed");
        steady.record(&engine, &row_key, &random).unwrap();
        let again = open();
        assert_eq!(again.now(), start.plus(HOUR).plus(WHILE_SHUT));
        clock.jump(-2 * YEAR_MS);
        assert_eq!(again.now(), clock.now(), "back it goes with the wall clock");
    }
}
