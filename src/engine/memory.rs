//! The engine in memory: the contract in its shortest form. For tests and models; it forgets
//! everything when dropped.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use super::tally::Tally;
use super::{
    Batch, Checked, CommitError, Committed, Engine, EngineError, Expected, Key, KeyRange, Leaf,
    Log, Page, Pending, Scrubbed, Series, Snapshot, Space, Value,
};
use crate::domain::limit::Limit;
use crate::domain::time::{Clock, Timestamp};

#[derive(Clone, Default)]
struct State {
    rows: BTreeMap<(Space, Vec<u8>), Vec<u8>>,
    access: Vec<Leaf>,
    ledger: Vec<Leaf>,
    tally: Tally,
    closed: bool,
}

impl State {
    fn log(&self, log: Log) -> &Vec<Leaf> {
        match log {
            Log::Access => &self.access,
            Log::Ledger => &self.ledger,
        }
    }

    fn holds(&self, batch: &Batch) -> bool {
        batch.expect.iter().all(|(space, key, expected)| {
            let found = self.rows.get(&(*space, key.as_bytes().to_vec()));
            match expected {
                Expected::Absent => found.is_none(),
                Expected::Equals(value) => found.is_some_and(|v| v == value.as_bytes()),
            }
        })
    }

    fn apply(&mut self, mut batch: Batch, now: Timestamp) -> Result<Committed, CommitError> {
        if self.closed {
            return Err(EngineError::Stopped.into());
        }
        if !self.holds(&batch) {
            return Err(CommitError::Conflict);
        }
        let committed = self.tally.assign(&mut batch, now)?;
        for append in batch.append {
            let log = match append.log {
                Log::Access => &mut self.access,
                Log::Ledger => &mut self.ledger,
            };
            log.push(Leaf {
                leaf: append.leaf,
                body: Some(append.body),
            });
        }
        for (space, key) in batch.delete {
            self.rows.remove(&(space, key.as_bytes().to_vec()));
        }
        for (space, key, value) in batch.put {
            self.rows
                .insert((space, key.as_bytes().to_vec()), value.into_bytes());
        }
        Ok(committed)
    }
}

/// See the module.
pub struct MemoryEngine {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

impl MemoryEngine {
    /// An empty store whose leaves are stamped by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::default(),
            clock,
        }
    }
    /// Another store with the same content: what several crashes start from.
    #[cfg(test)]
    pub(crate) fn fork(&self) -> Self {
        Self {
            state: Mutex::new(self.state().clone()),
            clock: Arc::clone(&self.clock),
        }
    }
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for MemoryEngine {
    fn get(&self, space: Space, key: &Key) -> Result<Option<Value>, EngineError> {
        let state = self.state();
        let found = state.rows.get(&(space, key.as_bytes().to_vec())).cloned();
        found
            .map(Value::new)
            .transpose()
            .map_err(|_| EngineError::Damaged("long value".into()))
    }

    fn scan(&self, space: Space, range: KeyRange, limit: Limit) -> Result<Page, EngineError> {
        let state = self.state();
        let from = Bound::Included((space, range.from.unwrap_or_default()));
        let rows = state
            .rows
            .range((from, Bound::Unbounded))
            .take_while(|((s, key), _)| *s == space && range.to.as_ref().is_none_or(|to| key < to));
        let mut page = Page::default();
        for ((_, key), value) in rows {
            if page.rows.len() == limit.get() {
                page.more = true;
                break;
            }
            let damaged = |_| EngineError::Damaged("a row outside the limits".into());
            let key = Key::new(key.clone()).map_err(damaged)?;
            page.rows
                .push((key, Value::new(value.clone()).map_err(damaged)?));
        }
        Ok(page)
    }

    fn commit(&self, batch: Batch) -> Pending<Result<Committed, CommitError>> {
        let now = self.clock.now();
        Pending::ready(self.state().apply(batch, now))
    }

    fn log_size(&self, log: Log) -> u64 {
        self.state().log(log).len() as u64
    }

    fn leaves(&self, log: Log, from: u64, limit: Limit) -> Result<Vec<Leaf>, EngineError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(self
            .state()
            .log(log)
            .iter()
            .skip(from)
            .take(limit.get())
            .cloned()
            .collect())
    }

    fn last_number(&self, series: Series) -> Result<u64, EngineError> {
        Ok(self.state().tally.series.get(&series).copied().unwrap_or(0))
    }

    fn ready(&self) -> Result<(), EngineError> {
        if self.state().closed {
            Err(EngineError::Stopped)
        } else {
            Ok(())
        }
    }

    fn scrub(&self, _: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError> {
        // What is replaced or removed is gone already.
        self.ready().map(|()| Scrubbed::default())
    }

    fn forget_bodies(&self, log: Log, from: u64, to: u64) -> Result<(), EngineError> {
        let mut state = self.state();
        if state.closed {
            return Err(EngineError::Stopped);
        }
        let leaves = match log {
            Log::Access => &mut state.access,
            Log::Ledger => &mut state.ledger,
        };
        for (index, leaf) in (0..).zip(leaves) {
            if (from..to).contains(&index) {
                leaf.body.take_if(|body| !body.is_empty());
            }
        }
        Ok(())
    }

    fn check(&self, _: &dyn Fn(u64, u64)) -> Result<Checked, EngineError> {
        Ok(Checked::default())
    }

    fn snapshot(&self) -> Result<Snapshot, EngineError> {
        let why = "a store in memory has no files to copy";
        Err(EngineError::Unusable(why.to_owned()))
    }

    fn close(&self) -> Result<(), EngineError> {
        self.state().closed = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::conformance;

    #[test]
    fn keeps_the_contract() {
        let make = |clock| Arc::new(MemoryEngine::new(clock)) as Arc<dyn Engine>;
        conformance::run(&make, None).unwrap();
    }
}
