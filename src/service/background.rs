//! What an open store does by itself: publish checkpoints, raise the keyring's floor, destroy
//! keys that could not be destroyed when they should, and make the blind index anew every month.

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

/// The thread; ends when dropped.
pub(super) struct Background {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    pub(super) fn start(store: &Arc<Store>) -> Result<Self, ServiceError> {
        let (stop, stopped) = channel::<()>();
        let store = Arc::downgrade(store);
        let thread = std::thread::Builder::new()
            .name("background".into())
            .spawn(move || {
                let mut ticks = 0;
                while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    ticks = (ticks + 1) % (PUNCTURE_TICKS * FLOOR_TICKS);
                    if !tick(&store, ticks) {
                        return;
                    }
                }
            })
            .map_err(|error| ServiceError::Internal(format!("no thread: {}", error.kind())))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

fn tick(store: &Weak<Store>, ticks: u32) -> bool {
    let Some(store) = store.upgrade() else {
        return false;
    };
    if let Err(error) = store.log.tick() {
        tracing::error!(%error, "no checkpoint could be published");
    } else if ticks.is_multiple_of(FLOOR_TICKS)
        && let Err(error) = store.raise_floor()
    {
        tracing::error!(%error, "the keyring's floor could not be raised");
    }
    if ticks.is_multiple_of(PUNCTURE_TICKS)
        && let Err(error) = store.finish_punctures()
    {
        tracing::error!(%error, "old keys stay until the keyring can be written");
    }
    if ticks.is_multiple_of(PUNCTURE_TICKS)
        && let Err(error) = store.look_for_due_today()
    {
        tracing::error!(%error, "what is kept apart could not be looked through");
    }
    if let Err(error) = store.turn_index() {
        tracing::error!(%error, "the blind index stays under its old key for now");
    }
    true
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
