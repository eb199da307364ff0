//! An engine that fails on purpose, wrapped around one that works: for tests of everything above.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{
    Batch, Checked, CommitError, Committed, Engine, EngineError, Key, KeyRange, Leaf, Log, Page,
    Pending, Scrubbed, Series, Snapshot, Space, Value, Written,
};
use crate::domain::limit::Limit;

/// How a commit fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is persisted; the caller is told this error.
    Before(CommitError),
    /// The batch is persisted, and the caller is told [`CommitError::Unknown`].
    After,
    /// Nothing is persisted from here on: [`CommitError::Unknown`] now, then
    /// [`EngineError::Stopped`], as after a failed sync.
    Stop,
}

/// See the module.
pub struct FaultEngine {
    inner: Arc<dyn Engine>,
    /// Commits to count off before the fault, and the fault.
    armed: Mutex<Option<(u64, Fault)>>,
    stopped: AtomicBool,
    commits: AtomicU64,
    /// Commits since somebody waited for the index, and the most that there were.
    unsettled: AtomicU64,
    most_unsettled: AtomicU64,
}

impl FaultEngine {
    /// Passes everything to `inner` until a fault is armed.
    pub const fn new(inner: Arc<dyn Engine>) -> Self {
        Self {
            inner,
            armed: Mutex::new(None),
            stopped: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            unsettled: AtomicU64::new(0),
            most_unsettled: AtomicU64::new(0),
        }
    }

    /// Lets `pass` more commits through and fails the next one. [`Fault::Before`] and
    /// [`Fault::After`] strike once.
    pub fn arm(&self, pass: u64, fault: Fault) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((pass, fault));
    }

    /// How many commits were asked for so far, failed ones included.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// The most commits that were asked for without [`Engine::settle`] between two of them.
    pub fn most_unsettled(&self) -> u64 {
        self.most_unsettled.load(Ordering::SeqCst)
    }

    /// The fault that strikes the commit at hand.
    fn strike(&self) -> Option<Fault> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        match armed.take() {
            Some((0, fault)) => Some(fault),
            Some((pass, fault)) => {
                *armed = Some((pass - 1, fault));
                None
            }
            None => None,
        }
    }

    fn alive(&self) -> Result<(), EngineError> {
        if self.stopped.load(Ordering::SeqCst) {
            Err(EngineError::Stopped)
        } else {
            Ok(())
        }
    }
}

impl Engine for FaultEngine {
    fn get(&self, space: Space, key: &Key) -> Result<Option<Value>, EngineError> {
        self.inner.get(space, key)
    }

    fn scan(&self, space: Space, range: KeyRange, limit: Limit) -> Result<Page, EngineError> {
        self.inner.scan(space, range, limit)
    }

    fn commit(&self, batch: Batch) -> Pending<Result<Committed, CommitError>> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let unsettled = self.unsettled.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_unsettled.fetch_max(unsettled, Ordering::SeqCst);
        if let Err(stopped) = self.alive() {
            return Pending::ready(Err(stopped.into()));
        }
        match self.strike() {
            None => self.inner.commit(batch),
            Some(Fault::Before(error)) => Pending::ready(Err(error)),
            Some(Fault::After) => self.inner.commit(batch).map(|_| Err(CommitError::Unknown)),
            Some(Fault::Stop) => {
                self.stopped.store(true, Ordering::SeqCst);
                Pending::ready(Err(CommitError::Unknown))
            }
        }
    }

    fn log_size(&self, log: Log) -> u64 {
        self.inner.log_size(log)
    }

    fn settle(&self) -> Result<(), EngineError> {
        self.unsettled.store(0, Ordering::SeqCst);
        self.inner.settle()
    }

    fn leaves(&self, log: Log, from: u64, limit: Limit) -> Result<Vec<Leaf>, EngineError> {
        self.inner.leaves(log, from, limit)
    }

    fn last_number(&self, series: Series) -> Result<u64, EngineError> {
        self.inner.last_number(series)
    }

    fn ready(&self) -> Result<(), EngineError> {
        self.alive().and_then(|()| self.inner.ready())
    }

    fn written(&self) -> Written {
        self.inner.written()
    }

    fn scrub(&self, progress: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError> {
        self.inner.scrub(progress)
    }

    fn forget_bodies(&self, log: Log, from: u64, to: u64) -> Result<(), EngineError> {
        self.inner.forget_bodies(log, from, to)
    }

    fn check(&self, progress: &dyn Fn(u64, u64)) -> Result<Checked, EngineError> {
        self.inner.check(progress)
    }

    fn snapshot(&self) -> Result<Snapshot, EngineError> {
        self.inner.snapshot()
    }

    fn close(&self) -> Result<(), EngineError> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::SystemClock;
    use crate::engine::conformance;
    use crate::engine::memory::MemoryEngine;

    fn engine() -> FaultEngine {
        FaultEngine::new(Arc::new(MemoryEngine::new(
            Arc::new(SystemClock::default()),
        )))
    }

    fn put(name: &str) -> Batch {
        let key = Key::new(name).unwrap();
        let put = vec![(Space::Head, key, Value::new(*b"v").unwrap())];
        Batch {
            put,
            ..Batch::default()
        }
    }

    fn there(engine: &FaultEngine, name: &str) -> bool {
        engine
            .get(Space::Head, &Key::new(name).unwrap())
            .unwrap()
            .is_some()
    }

    #[test]
    fn unarmed_keeps_the_contract() {
        let make = |clock| {
            Arc::new(FaultEngine::new(Arc::new(MemoryEngine::new(clock)))) as Arc<dyn Engine>
        };
        conformance::run(&make, None).unwrap();
    }

    #[test]
    fn fails_before_and_after() {
        let engine = engine();
        engine.arm(1, Fault::Before(EngineError::DiskFull.into()));
        engine.commit(put("a")).wait().unwrap();
        let full = Err(CommitError::Engine(EngineError::DiskFull));
        assert_eq!(engine.commit(put("b")).wait(), full);
        engine.commit(put("c")).wait().unwrap();
        engine.arm(0, Fault::After);
        assert_eq!(engine.commit(put("d")).wait(), Err(CommitError::Unknown));
        let found = ["a", "b", "c", "d"].map(|name| there(&engine, name));
        assert_eq!(found, [true, false, true, true]);
        assert_eq!(engine.commits(), 4);
    }

    #[test]
    fn stops_at_the_nth_commit() {
        let engine = engine();
        engine.arm(2, Fault::Stop);
        engine.commit(put("a")).wait().unwrap();
        engine.commit(put("b")).wait().unwrap();
        assert_eq!(engine.commit(put("c")).wait(), Err(CommitError::Unknown));
        let stopped = Err(CommitError::Engine(EngineError::Stopped));
        assert_eq!(engine.commit(put("d")).wait(), stopped);
        assert_eq!(engine.ready(), Err(EngineError::Stopped));
        assert!(there(&engine, "b") && !there(&engine, "c") && !there(&engine, "d"));
    }
}
