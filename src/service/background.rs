//! What an open store does by itself: publish checkpoints, raise the keyring's floor, destroy
//! keys that could not be destroyed when they should, make the blind index anew every month, carry
//! out orders of destruction and overwrite what they leave behind.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::ServiceError;
use super::store::Store;

/// How often a checkpoint is published at the most.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two looks for keys that could not be destroyed yet.
const PUNCTURE_TICKS: u32 = 60;
/// Ticks between two raises of the floor.
const FLOOR_TICKS: u32 = 300;

/// How often orders of destruction are looked at.
const ORDER_TICK: Duration = Duration::from_secs(5);
/// Looks at orders between two looks for bytes to overwrite.
const SCRUB_TICKS: u32 = 12;

/// A thread that does something at every tick; ends when dropped.
struct Worker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// `work` is told the number of the tick.
    fn start(
        name: &str,
        store: &Arc<Store>,
        every: Duration,
        work: fn(&Store, u32),
    ) -> Result<Self, ServiceError> {
        let (stop, stopped) = channel::<()>();
        let store: Weak<Store> = Arc::downgrade(store);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let mut ticks = 0;
                while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    ticks = (ticks + 1) % (PUNCTURE_TICKS * FLOOR_TICKS);
                    let Some(store) = store.upgrade() else {
                        return;
                    };
                    work(&store, ticks);
                }
            })
            .map_err(|error| ServiceError::Internal(format!("no thread: {}", error.kind())))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// All threads of an open store; they end when it is dropped.
pub(super) struct Background {
    _threads: [Worker; 2],
}

impl Background {
    pub(super) fn start(store: &Arc<Store>) -> Result<Self, ServiceError> {
        Ok(Self {
            _threads: [
                Worker::start("background", store, TICK, tick)?,
                // Apart, since a scrub takes as long as the journal is large.
                Worker::start("destruction", store, ORDER_TICK, destroy)?,
            ],
        })
    }
}

fn destroy(store: &Store, ticks: u32) {
    if let Err(error) = store.execute_due() {
        tracing::error!(%error, "a destruction is not finished yet; it will be");
    }
    if ticks.is_multiple_of(SCRUB_TICKS)
        && let Err(error) = store.scrub_due()
    {
        tracing::error!(%error, "destroyed bytes are not overwritten yet; they will be");
    }
}

fn tick(store: &Store, ticks: u32) {
    if let Err(error) = store.log.tick() {
        tracing::error!(%error, "no checkpoint could be published");
    } else if ticks.is_multiple_of(FLOOR_TICKS)
        && let Err(error) = store.raise_floor()
    {
        tracing::error!(%error, "the keyring's floor could not be raised");
    }
    if ticks.is_multiple_of(FLOOR_TICKS)
        && let Err(error) = store.record_time()
    {
        tracing::error!(%error, "the time could not be recorded");
    }
    if ticks.is_multiple_of(PUNCTURE_TICKS)
        && let Err(error) = store.finish_punctures()
    {
        tracing::error!(%error, "old keys stay until the keyring can be written");
    }
    if let Err(error) = store.turn_index() {
        tracing::error!(%error, "the blind index stays under its old key for now");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
