//! Rows of durable groups that the index may not have yet.
//!
//! Readers look here before they look into the index, so a batch is released by the sync of its
//! group, and the index comes after. A group appears here whole, and leaves only when all of it
//! is in the index.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::index::Row;
use crate::engine::Value;

/// How often somebody who waits for the index asks whether that still has a point.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A row that is on its way into the index.
pub(super) struct Fresh {
    /// `None` removes.
    pub(super) row: Option<Row>,
    /// The value, where the row only points at it.
    pub(super) value: Option<Value>,
}

/// The newest state of every key that a group touches, by index key.
pub(super) type Rows = BTreeMap<Vec<u8>, Fresh>;

/// Sequences of the last groups with rows: durable, and in the index.
struct Progress {
    published: u64,
    applied: u64,
}

/// See the module.
pub(super) struct Overlay {
    /// Oldest first.
    groups: RwLock<VecDeque<Arc<Rows>>>,
    progress: Mutex<Progress>,
    moved: Condvar,
}

impl Overlay {
    /// Nothing is on its way: the index has every group up to `sequence`.
    pub(super) const fn new(sequence: u64) -> Self {
        Self {
            groups: RwLock::new(VecDeque::new()),
            progress: Mutex::new(Progress {
                published: sequence,
                applied: sequence,
            }),
            moved: Condvar::new(),
        }
    }

    /// Shows a group that has become durable, the newest of all.
    pub(super) fn publish(&self, sequence: u64, rows: Arc<Rows>) {
        self.progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .published = sequence;
        self.groups
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(rows);
    }

    /// Lets go of the oldest group: the index has it.
    pub(super) fn retire(&self, sequence: u64) {
        let oldest = self
            .groups
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        self.progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .applied = sequence;
        self.moved.notify_all();
        drop(oldest);
    }

    /// What the newest group that touches this key says of it.
    pub(super) fn find<T>(&self, key: &[u8], read: impl FnOnce(&Fresh) -> T) -> Option<T> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        let newest = groups.iter().rev().find_map(|rows| rows.get(key));
        newest.map(read)
    }

    /// Every key of the range, `from` included, `to` excluded, that the index may not have as it
    /// is; `None` where it has been removed. Nothing may enter the index meanwhile.
    pub(super) fn between(&self, from: &[u8], to: &[u8]) -> BTreeMap<Vec<u8>, Option<Row>> {
        let groups: Vec<_> = {
            let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
            groups.iter().map(Arc::clone).collect()
        };
        let mut found = BTreeMap::new();
        if from < to {
            let range = (Bound::Included(from), Bound::Excluded(to));
            for rows in groups {
                for (key, fresh) in rows.range::<[u8], _>(range) {
                    found.insert(key.clone(), fresh.row.clone());
                }
            }
        }
        found
    }

    /// Waits until the index has every row that was durable at the call, and gives the group up to
    /// which it has them; `None` if `given_up` said so meanwhile.
    pub(super) fn settle(&self, given_up: impl Fn() -> bool) -> Option<u64> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = progress.published;
        while progress.applied < wanted {
            if given_up() {
                return None;
            }
            progress = self
                .moved
                .wait_timeout(progress, ASK_EVERY)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Some(progress.applied)
    }
}
