//! The embedded engine: an append-only journal that is the truth, and an index that is only a
//! way into it.
//!
//! ```text
//! commit ─► queue ─► committer ── expect, places, numbers ─► one group, one write, one sync
//!                        │                                     ├─► overlay, released
//!                        └─ next group while …                 └─► applier ─► index
//! ```
//! | module | holds |
//! |---|---|
//! | [`files`] | names in the data directory |
//! | [`segment`], [`group`], [`frame`] | the journal's bytes, from file to row |
//! | [`seal`] | keys and formulas |
//! | [`threads`], [`committer`], [`encode`], [`keeper`], [`reclaim`] | writing |
//! | [`overlay`], [`index`], [`base`], [`leaves`], [`read`] | reading |
//! | [`scrub`], [`judge`], [`erase`], [`renew`], [`wipe`], [`forgotten`] | overwriting what is dead |
//! | [`readers`], [`gate`], [`upkeep`] | whom a scrub waits for |
//! | [`check`], [`carve`], [`snapshot`] | the journal as files |
//! | [`sum`], [`window`], [`sidecar`] | summing up a full segment |
//! | [`close`], [`marker`], [`recover`], [`scan`], [`rebuild`] | opening again |
//! | [`store`], [`lock`] | whose directory it is |
//!
//! All numbers in files are big endian. Every file begins with eight bytes of magic, a format
//! version and a cipher suite; a newer one is refused by name. Disk thieves see sizes, counts and
//! the index's keys, which their owners make opaque; frames show neither keys nor rows.
//!
//! Known limit: damage to the index's files between a kill and the next open under the same boot
//! is found only where sled finds it. After a clean stop the files are compared by digest, and
//! under another boot they are not used at all.

mod base;
mod bytes;
pub mod carve;
mod check;
mod close;
mod committer;
mod encode;
mod erase;
mod files;
mod forget;
mod forgotten;
mod frame;
mod gate;
mod group;
mod index;
mod judge;
mod keeper;
mod leaves;
mod lock;
mod marker;
mod overlay;
mod read;
mod readers;
mod rebuild;
mod reclaim;
mod recover;
mod renew;
pub mod room;
mod scan;
mod scrub;
mod seal;
mod segment;
mod shared;
mod sidecar;
mod snapshot;
mod store;
mod sum;
#[cfg(test)]
mod tests;
mod threads;
mod upkeep;
mod window;
mod wipe;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use close::vouch;
use committer::Message;
use files::Layout;
use forgotten::Forgotten;
use keeper::record_position;
use lock::DirLock;
use marker::Here;
use read::LeafReader;
use recover::{Opening, Recovered};
use seal::Keys;
use segment::{Segments, StoreName};
use shared::{Parts, Shared};
use threads::{Running, join, start};

use super::tally::Tally;
use super::{
    Batch, Checked, CommitError, Committed, Engine, EngineError, Key, KeyRange, Leaf, Log, Page,
    Pending, Scrubbed, Series, Snapshot, Space, Value, Written, pending,
};
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::domain::secret::Secret;
use crate::domain::time::Clock;

pub use recover::Road;

/// The key under which the journal is sealed and authenticated; the keyring's.
pub type JournalKey = Secret<32>;

/// What an embedded engine is opened with.
pub struct Options {
    /// The engine's own directory.
    pub dir: PathBuf,
    /// The journal's key.
    pub key: JournalKey,
    /// Stamps leaves.
    pub clock: Arc<dyn Clock>,
    /// Gives salts and the store's name.
    pub random: Arc<dyn Random>,
    /// Leaves of access log and ledger that are known to have been durable: a journal that ends
    /// before is damaged, not torn.
    pub floor: [u64; 2],
    /// Told of rows done and rows in all while the index is made anew.
    pub progress: Box<dyn Fn(u64, u64) + Send + Sync>,
    /// Bytes for sled's page cache; it takes several times as much.
    pub cache_bytes: u64,
    /// Bytes of a new segment; a multiple of 512.
    pub segment_bytes: u32,
    /// Whether to keep a segment's worth of zeros for the day the disk is full.
    pub reserve: bool,
}

impl Options {
    /// The usual sizes, no floor, silent progress.
    pub fn new(
        dir: impl Into<PathBuf>,
        key: JournalKey,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            dir: dir.into(),
            key,
            clock,
            random,
            floor: [0; 2],
            progress: Box::new(|_, _| ()),
            cache_bytes: 128 << 20,
            segment_bytes: 64 << 20,
            reserve: true,
        }
    }
}

/// See the module.
pub struct EmbeddedEngine {
    shared: Arc<Shared>,
    queue: SyncSender<Message>,
    running: Mutex<Option<Running>>,
    road: Road,
    _lock: DirLock,
}

fn keys_of(options: &Options) -> Result<Keys, EngineError> {
    Keys::derive(&options.key)
        .ok_or_else(|| EngineError::Unusable("the journal key cannot be used".into()))
}

impl EmbeddedEngine {
    /// Makes an empty store in a directory that holds none, and opens it.
    pub fn create(options: Options) -> Result<Self, EngineError> {
        let making = bytes::io("making the data directory");
        let layout = Layout::new(options.dir.clone());
        std::fs::create_dir_all(layout.root()).map_err(&making)?;
        let lock = DirLock::take(layout.root())?;
        if layout.store().exists() || layout.journal().exists() {
            return Err(EngineError::Unusable("it holds a store already".into()));
        }
        let keys = keys_of(&options)?;
        let name: StoreName = options
            .random
            .array()
            .map_err(|e| EngineError::Io(e.to_string()))?;
        std::fs::create_dir(layout.journal()).map_err(&making)?;
        segment::create(&layout, &keys, &name, 1, options.segment_bytes)?;
        store::write(&layout, &keys, &name)?;
        files::sync_dir(layout.root())?;
        Self::open_locked(options, lock)
    }

    /// Opens a store. Only [`EmbeddedEngine::create`] makes one: where there is none this fails.
    pub fn open(options: Options) -> Result<Self, EngineError> {
        let layout = Layout::new(options.dir.clone());
        if !layout.journal().is_dir() {
            return Err(EngineError::Unusable(
                "it holds no journal; run init first".into(),
            ));
        }
        let lock = DirLock::take(layout.root())?;
        Self::open_locked(options, lock)
    }

    fn open_locked(options: Options, lock: DirLock) -> Result<Self, EngineError> {
        let keys = keys_of(&options)?;
        let layout = Layout::new(options.dir);
        let last = segment::list(&layout)?;
        let segments = Segments::new();
        for number in 1..=last {
            segments.add(&layout, number)?;
        }
        let name = store::read(&layout, &keys, &segments)?;
        for dir in [layout.new_index(), layout.old_index()] {
            wipe::dir(&dir)?;
        }
        for number in 1..=last {
            let of = segment::check(&keys, &*segments.get(number)?, number)?;
            if of != name {
                return Err(segment::damaged(number, 0, "it belongs to another store"));
            }
        }
        files::wipe_unfinished(&layout, last)?;
        // Before anything is read: until then frames may be half erased.
        erase::finish(&layout, &keys, &name, &segments)?;
        let forgotten = Forgotten::open(&layout, &keys, &name)?;
        let unknown = options
            .random
            .array()
            .map_err(|e| EngineError::Io(e.to_string()))?;
        let here = Here::look(&layout, unknown)?;
        let recovered = Opening {
            layout: &layout,
            keys: &keys,
            store: &name,
            segments: &segments,
            random: options.random.as_ref(),
            last,
            floor: options.floor,
            cache_bytes: options.cache_bytes,
            here,
            progress: options.progress.as_ref(),
        }
        .recover()?;
        let Recovered {
            index,
            leaves,
            tip,
            place,
            road,
        } = recovered;
        // A sidecar of the segment that is written on would be out of date.
        wipe::file(&layout.sidecar(place.segment))?;
        let series: HashMap<Series, u64> = index.numbers()?.into_iter().collect();
        let shared = Arc::new(Shared::new(Parts {
            layout,
            keys,
            store: name,
            here,
            segments,
            segment_bytes: options.segment_bytes,
            reserve: options.reserve,
            leaves,
            random: options.random,
            index,
            forgotten,
            cache_bytes: options.cache_bytes,
            place,
            tip,
        }));
        if road != Road::Rebuilt {
            record_position(&shared, place, tip)?;
        }
        let tally = Tally {
            ends: tip.ends,
            series,
        };
        let running = start(&shared, options.clock, tally, tip, place)?;
        let queue = running.queue.clone();
        Ok(Self {
            shared,
            queue,
            running: Mutex::new(Some(running)),
            road,
            _lock: lock,
        })
    }

    /// How much of the index was trusted when this engine was opened.
    pub const fn road(&self) -> Road {
        self.road
    }

    fn take_running(&self) -> Option<Running> {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Engine for EmbeddedEngine {
    fn get(&self, space: Space, key: &Key) -> Result<Option<Value>, EngineError> {
        let _reading = self.shared.upkeep.readers.enter();
        read::get(&self.shared, space, key)
    }

    fn scan(&self, space: Space, range: KeyRange, limit: Limit) -> Result<Page, EngineError> {
        let _reading = self.shared.upkeep.readers.enter();
        read::scan(&self.shared, space, range, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<Result<Committed, CommitError>> {
        let (reply, answer) = pending(|| Err(CommitError::Unknown));
        match self.queue.send(Message::Commit(batch, reply)) {
            Ok(()) => answer,
            Err(_) => Pending::ready(Err(EngineError::Stopped.into())),
        }
    }

    fn log_size(&self, log: Log) -> u64 {
        self.shared.size(log)
    }

    fn settle(&self) -> Result<(), EngineError> {
        self.shared.settle().map(drop)
    }

    fn leaves(&self, log: Log, from: u64, limit: Limit) -> Result<Vec<Leaf>, EngineError> {
        let _reading = self.shared.upkeep.readers.enter();
        let left = self.shared.size(log).saturating_sub(from);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(limit.get());
        let mut reader = LeafReader::default();
        let locations = self.shared.leaves.read(log, from, count)?;
        (from..)
            .zip(&locations)
            .map(|(index, location)| reader.read(&self.shared, log, index, location))
            .collect()
    }

    fn last_number(&self, series: Series) -> Result<u64, EngineError> {
        read::last_number(&self.shared, series)
    }

    fn written(&self) -> Written {
        let [commits, groups] = [&self.shared.commits, &self.shared.groups];
        Written {
            commits: commits.load(Ordering::Relaxed),
            groups: groups.load(Ordering::Relaxed),
        }
    }

    fn ready(&self) -> Result<(), EngineError> {
        let closed = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_none();
        if closed {
            Err(EngineError::Stopped)
        } else if self.shared.is_stopped() {
            Err(self.shared.stopped_by())
        } else if self.shared.full.load(Ordering::Acquire) {
            Err(EngineError::DiskFull)
        } else if self.shared.stuck.load(Ordering::Acquire) {
            Err(EngineError::Io("the journal cannot grow".to_owned()))
        } else {
            Ok(())
        }
    }

    fn scrub(&self, progress: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError> {
        let turn = self.shared.upkeep.turn.lock();
        let _turn = turn.unwrap_or_else(PoisonError::into_inner);
        scrub::scrub(&self.shared, progress)
    }

    fn forget_bodies(&self, log: Log, from: u64, to: u64) -> Result<(), EngineError> {
        let shared = &self.shared;
        shared.wanted()?;
        // Leaves to come are none of those that were meant.
        let range = (from, to.min(shared.size(log)));
        let Shared {
            layout,
            keys,
            store,
            upkeep,
            ..
        } = shared.as_ref();
        upkeep.forgotten.add(layout, keys, store, log, range)
    }

    fn check(&self, progress: &dyn Fn(u64, u64)) -> Result<Checked, EngineError> {
        check::check(&self.shared, progress)
    }

    fn snapshot(&self) -> Result<Snapshot, EngineError> {
        snapshot::take(&self.shared)
    }

    fn close(&self) -> Result<(), EngineError> {
        let upkeep = &self.shared.upkeep;
        upkeep.closing.store(true, Ordering::Release);
        let _turn = upkeep.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Running { queue, threads }) = self.take_running() else {
            return Ok(());
        };
        let (reply, answer) = pending(|| None);
        // If the committer is gone the answer is `None` by itself.
        drop(queue.send(Message::Close(reply)));
        drop(queue);
        let end = answer.wait();
        join(threads);
        match end {
            Some((place, tip)) if !self.shared.is_stopped() => vouch(&self.shared, place, tip),
            _ => {
                drop(self.shared.take_index());
                Err(EngineError::Stopped)
            }
        }
    }
}

impl Drop for EmbeddedEngine {
    /// Ends the threads. Without [`Engine::close`] the next open finds what a crash would leave.
    fn drop(&mut self) {
        let Some(Running { queue, threads }) = self.take_running() else {
            return;
        };
        let (reply, _) = pending(|| None);
        drop(queue.send(Message::Close(reply)));
        drop(queue);
        join(threads);
    }
}
