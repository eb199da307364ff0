//! What the engine's threads and its readers share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::files::Layout;
use super::forgotten::Forgotten;
use super::group::{Place, Tip};
use super::index::Index;
use super::leaves::Leaves;
use super::marker::Here;
use super::overlay::Overlay;
use super::seal::Keys;
use super::segment::{Segments, StoreName};
use super::upkeep::Upkeep;
use crate::domain::random::Random;
use crate::engine::{EngineError, Log};

/// See the module.
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) keys: Keys,
    pub(super) store: StoreName,
    pub(super) here: Here,
    pub(super) segments: Segments,
    pub(super) segment_bytes: u32,
    pub(super) reserve: bool,
    pub(super) leaves: Leaves,
    pub(super) random: Arc<dyn Random>,
    /// Taken by scans, and exclusively while a group goes into the index: no scan sees half.
    pub(super) whole_groups: RwLock<()>,
    /// Durable rows that the index may not have yet: to be asked before it.
    pub(super) overlay: Overlay,
    /// The disk is full: what is left is for finishing.
    pub(super) full: AtomicBool,
    /// The next segment could not be made, for whatever reason.
    pub(super) stuck: AtomicBool,
    /// A test that holds it keeps rows out of the index.
    #[cfg(test)]
    pub(super) applying: Mutex<()>,
    pub(super) upkeep: Upkeep,
    pub(super) cache_bytes: u64,
    /// Batches made durable, and groups of them, since the store was opened.
    pub(super) commits: AtomicU64,
    pub(super) groups: AtomicU64,
    end: Mutex<(Place, Tip)>,
    index: RwLock<Option<Arc<Index>>>,
    sizes: [AtomicU64; 2],
    stopped: AtomicBool,
    why: Mutex<Option<EngineError>>,
}

/// What [`Shared`] begins with.
pub(super) struct Parts {
    pub(super) layout: Layout,
    pub(super) keys: Keys,
    pub(super) store: StoreName,
    pub(super) here: Here,
    pub(super) segments: Segments,
    pub(super) segment_bytes: u32,
    pub(super) reserve: bool,
    pub(super) leaves: Leaves,
    pub(super) random: Arc<dyn Random>,
    pub(super) index: Index,
    pub(super) forgotten: Forgotten,
    pub(super) cache_bytes: u64,
    pub(super) place: Place,
    pub(super) tip: Tip,
}

impl Shared {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            layout: parts.layout,
            keys: parts.keys,
            store: parts.store,
            here: parts.here,
            segments: parts.segments,
            segment_bytes: parts.segment_bytes,
            reserve: parts.reserve,
            leaves: parts.leaves,
            random: parts.random,
            whole_groups: RwLock::new(()),
            overlay: Overlay::new(parts.tip.sequence),
            full: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            #[cfg(test)]
            applying: Mutex::new(()),
            upkeep: Upkeep::new(parts.forgotten),
            cache_bytes: parts.cache_bytes,
            commits: AtomicU64::new(0),
            groups: AtomicU64::new(0),
            end: Mutex::new((parts.place, parts.tip)),
            index: RwLock::new(Some(Arc::new(parts.index))),
            sizes: parts.tip.ends.sizes.map(AtomicU64::new),
            stopped: AtomicBool::new(false),
            why: Mutex::new(None),
        }
    }

    /// The index, unless the store is closed.
    pub(super) fn index(&self) -> Result<Arc<Index>, EngineError> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.clone().ok_or(EngineError::Stopped)
    }

    /// Waits until the index has every row that is durable now, for whoever asks the index alone;
    /// gives the group up to which it has them.
    pub(super) fn settle(&self) -> Result<u64, EngineError> {
        let settled = self.overlay.settle(|| self.is_stopped());
        settled.ok_or(EngineError::Stopped)
    }

    /// Puts another index in its place; `None` if the store is closed.
    pub(super) fn replace_index(&self, next: Index) -> Option<Arc<Index>> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        let old = index.take()?;
        *index = Some(Arc::new(next));
        Some(old)
    }

    /// Takes the index away from everybody.
    pub(super) fn take_index(&self) -> Option<Arc<Index>> {
        self.index
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    const fn size_of(&self, log: Log) -> &AtomicU64 {
        let [access, ledger] = &self.sizes;
        match log {
            Log::Access => access,
            Log::Ledger => ledger,
        }
    }

    /// Durable leaves of a log.
    pub(super) fn size(&self, log: Log) -> u64 {
        self.size_of(log).load(Ordering::Acquire)
    }

    /// Publishes leaves that have become durable and can be found.
    pub(super) fn publish(&self, log: Log, size: u64) {
        self.size_of(log).store(size, Ordering::Release);
    }

    /// Behind the last durable group, and that group.
    pub(super) fn end(&self) -> (Place, Tip) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a group that has become durable.
    pub(super) fn note_end(&self, place: Place, tip: Tip) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = (place, tip);
    }

    /// Stops all writing until the store is opened again.
    pub(super) fn stop(&self, why: &EngineError) {
        self.stopped.store(true, Ordering::Release);
        let mut kept = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            tracing::error!(error = %why, "the store stopped; restart to recover");
            *kept = Some(why.clone());
        }
    }

    /// What a stopped store answers: whoever can free the disk is told to.
    pub(super) fn stopped_by(&self) -> EngineError {
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        match *why {
            Some(EngineError::DiskFull) => EngineError::DiskFull,
            _ => EngineError::Stopped,
        }
    }

    /// Whether writing has stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}
