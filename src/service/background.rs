//! What an open store does by itself: publish checkpoints, raise the keyring's floor, destroy
//! keys that could not be destroyed when they should, put the blind index under a new key, overwrite
//! what was destroyed.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::ServiceError;
use super::seal::Settings;
use super::store::Store;
use crate::forward::{Forwarder, Progress};

/// How often a checkpoint is published at the most.
const TICK: Duration = Duration::from_secs(1);
/// Ticks between two looks for keys that could not be destroyed yet.
const PUNCTURE_TICKS: u32 = 60;
/// Ticks between two looks at the clock.
const CLOCK_TICKS: u32 = 10;
/// Ticks between two looks at the room on the disk.
const DISK_TICKS: u32 = 10;
/// Ticks between two looks for destructions that are due.
const DESTROY_TICKS: u32 = 60;
/// Ticks between two notes of the store's own time.
const OWN_TIME_TICKS: u32 = 600;
/// Ticks between two passes over the disk: the first comes soon, one that failed waits.
const SCRUB_TICKS: [u32; 2] = [5, 300];
/// Ticks between two looks for requests that are over, and for what of them is to be overwritten.
const APPROVAL_TICKS: u32 = 600;
/// Ticks between two raises of the floor.
const FLOOR_TICKS: u32 = 300;

/// The threads; they end when dropped.
pub(super) struct Background {
    stop: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    /// Entries on their way to a collector.
    forward: Option<Forwarder>,
}

impl Background {
    pub(super) fn start(store: &Arc<Store>, settings: &Settings) -> Result<Self, ServiceError> {
        let forward = settings.forward.as_ref().map(|forward| {
            Forwarder::start(Arc::clone(&store.engine), forward, &settings.data)
                .map_err(|error| ServiceError::Internal(format!("forwarding: {error}")))
        });
        let mut background = Self {
            stop: Vec::new(),
            threads: Vec::new(),
            forward: forward.transpose()?,
        };
        background.every_tick(store, "background", tick)?;
        // A pass over the disk takes its time; checkpoints are not to wait for it.
        background.every_tick(store, "scrub", overwrite)?;
        Ok(background)
    }

    /// How far forwarding has come, where there is any.
    pub(super) fn forwarding(&self) -> Option<Progress> {
        self.forward.as_ref().map(Forwarder::progress)
    }

    fn every_tick(
        &mut self,
        store: &Arc<Store>,
        name: &str,
        work: fn(&Weak<Store>, u32) -> bool,
    ) -> Result<(), ServiceError> {
        let (stop, stopped) = channel::<()>();
        let store = Arc::downgrade(store);
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                let mut ticks = 0;
                while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    ticks = (ticks + 1) % (PUNCTURE_TICKS * FLOOR_TICKS);
                    if !work(&store, ticks) {
                        return;
                    }
                }
            })
            .map_err(|error| ServiceError::Internal(format!("no thread: {}", error.kind())))?;
        self.stop.push(stop);
        self.threads.push(thread);
        Ok(())
    }
}

/// Overwrites what was destroyed.
fn overwrite(store: &Weak<Store>, ticks: u32) -> bool {
    let Some(store) = store.upgrade() else {
        return false;
    };
    let scrub = &store.destructions.scrub;
    let [soon, later] = SCRUB_TICKS;
    let pause = if scrub.progress().failures == 0 {
        soon
    } else {
        later
    };
    // Whatever else waits has waited for a day.
    let wanted = scrub.is_wanted() || ticks.is_multiple_of(APPROVAL_TICKS);
    if ticks.is_multiple_of(pause)
        && wanted
        && let Err(error) = store.scrub()
    {
        tracing::error!(%error, "destroyed bytes could not be overwritten yet; will be tried again");
    }
    true
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
    if ticks.is_multiple_of(DISK_TICKS) {
        store.headroom.look();
    }
    if ticks.is_multiple_of(CLOCK_TICKS)
        && let Err(error) = store.watch_clock()
    {
        tracing::error!(%error, "it could not be kept that the clock leapt");
    }
    if ticks.is_multiple_of(PUNCTURE_TICKS) {
        store.guard_credentials();
        store.backups.tidy(store.clock.monotonic());
        // What waits for a session goes with it.
        store.sessions.tidy();
        store.expire_outputs();
    }
    if ticks.is_multiple_of(APPROVAL_TICKS)
        && let Err(error) = store.end_approvals()
    {
        tracing::error!(%error, "requests that are over could not be emptied; will be tried again");
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
    if ticks.is_multiple_of(PUNCTURE_TICKS)
        && let Err(error) = store.warn_of_inspections()
    {
        tracing::error!(%error, "inspections could not be looked for");
    }
    if ticks.is_multiple_of(DESTROY_TICKS) {
        store.destroy_due();
    }
    if ticks.is_multiple_of(OWN_TIME_TICKS)
        && let Err(error) = store.keep_own_time()
    {
        tracing::error!(%error, "the store's own time could not be written down");
    }
    if let Err(error) = store.turn_index(ticks) {
        tracing::error!(%error, "the blind index stays under its old key for now");
    }
    true
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.clear();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}
