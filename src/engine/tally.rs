//! What only the committer knows: places in the logs, times, numbers. Shared by every engine, so
//! that all of them stamp and complete a batch in the same way.

use std::collections::HashMap;

use super::{
    Append, Batch, CLOCK_BACK, Committed, EngineError, Key, Late, Log, Mark, Series, Stamped, Value,
};
use crate::domain::limit::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::domain::time::Timestamp;

/// Bytes that a stamp takes in a leaf: eight of time, one of flags.
const STAMP_BYTES: usize = 9;

/// Sizes of both logs and the time of their last leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ends {
    pub(super) sizes: [u64; 2],
    pub(super) times: [i64; 2],
}

impl Ends {
    pub(super) const fn size(&self, log: Log) -> u64 {
        let [access, ledger] = self.sizes;
        match log {
            Log::Access => access,
            Log::Ledger => ledger,
        }
    }

    /// Takes the next place of `log` and its time; `true` where the wall clock had gone back.
    const fn take(&mut self, log: Log, now: Timestamp) -> (Stamped, bool) {
        let Self {
            sizes: [access, ledger],
            times: [access_time, ledger_time],
        } = self;
        let (size, last) = match log {
            Log::Access => (access, access_time),
            Log::Ledger => (ledger, ledger_time),
        };
        let back = now.as_millis() < *last;
        if !back {
            *last = now.as_millis();
        }
        let index = *size;
        *size = index.saturating_add(1);
        let stamped = Stamped {
            log,
            index,
            size: *size,
            time: Timestamp::from_millis(*last),
        };
        (stamped, back)
    }
}

/// The counters that a commit moves on.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) ends: Ends,
    pub(super) series: HashMap<Series, u64>,
}

impl Tally {
    /// Gives the batch its places, times and numbers: stamps its leaves and turns its late rows
    /// into puts. A batch that cannot be completed moves no counter.
    pub(super) fn assign(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<Committed, EngineError> {
        check(batch)?;
        let mut committed = Committed::default();
        for append in &mut batch.append {
            let (stamped, back) = self.ends.take(append.log, now);
            stamp(append, stamped.time, back);
            committed.leaves.push(stamped);
        }
        for series in &batch.number {
            let last = self.series.entry(*series).or_default();
            *last = last.saturating_add(1);
            committed.numbers.push(*last);
        }
        for late in std::mem::take(&mut batch.late) {
            let Late {
                space, key, value, ..
            } = &late;
            let key = extend(key, &late.key_marks, &committed);
            let value = extend(value, &late.value_marks, &committed);
            let outside = |_| EngineError::Io("a late row is outside the limits".into());
            let (key, value) = (Key::new(key), Value::new(value));
            batch
                .put
                .push((*space, key.map_err(outside)?, value.map_err(outside)?));
        }
        Ok(committed)
    }
}

/// Everything that could fail later, before anything moves.
fn check(batch: &Batch) -> Result<(), EngineError> {
    let refuse = |why: &str| Err(EngineError::Io(format!("a batch was refused: {why}")));
    for append in &batch.append {
        let room = |at: usize| {
            at.checked_add(STAMP_BYTES)
                .is_some_and(|end| end <= append.leaf.len())
        };
        if !append.stamp_at.is_none_or(room) {
            return refuse("a leaf has no room for its time");
        }
        if append.leaf.len() > VALUE_BYTES_MAX || append.body.len() > VALUE_BYTES_MAX {
            return refuse("a leaf is longer than a value may be");
        }
    }
    for late in &batch.late {
        let known = |mark: &Mark| match mark {
            Mark::Leaf(n) => *n < batch.append.len(),
            Mark::Number(n) => *n < batch.number.len(),
        };
        if !late.key_marks.iter().chain(&late.value_marks).all(known) {
            return refuse("a mark names a leaf or number that the batch does not have");
        }
        let key = late
            .key
            .len()
            .saturating_add(late.key_marks.len().saturating_mul(8));
        let value = late
            .value
            .len()
            .saturating_add(late.value_marks.len().saturating_mul(8));
        if key == 0 || key > KEY_BYTES_MAX || value > VALUE_BYTES_MAX {
            return refuse("a late row is outside the limits");
        }
    }
    Ok(())
}

/// Writes time and flags into a leaf at the place its author left for them.
fn stamp(append: &mut Append, time: Timestamp, back: bool) {
    let place = append
        .stamp_at
        .and_then(|at| append.leaf.get_mut(at..at + STAMP_BYTES))
        .and_then(|place| place.split_last_mut());
    if let Some((flags, bytes)) = place {
        bytes.copy_from_slice(&time.as_millis().to_be_bytes());
        *flags = if back { CLOCK_BACK } else { 0 };
    }
}

fn extend(start: &[u8], marks: &[Mark], committed: &Committed) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(start.len() + 8 * marks.len());
    bytes.extend_from_slice(start);
    for mark in marks {
        let value = match mark {
            Mark::Leaf(n) => committed.leaves.get(*n).map(|leaf| leaf.index),
            Mark::Number(n) => committed.numbers.get(*n).copied(),
        };
        bytes.extend_from_slice(&value.unwrap_or_default().to_be_bytes());
    }
    bytes
}
