//! Log bodies that nobody may read again: said here at once and durably, until a scrub erases
//! their frames. From then on the journal itself says so.
//!
//! ```text
//! 0    "BONGHAMB" · version u16 · suite u8 · 0
//! 12   store [16]
//! 28   records: log u8 · from u64 · to u64 · MAC [32]
//! ```
//! The MAC is HMAC-SHA-256("fgt1" ‖ store ‖ number of the record u64 ‖ its first 17 bytes). The file
//! only grows, so that every beginning of it is one; a last record without its end was never
//! acknowledged.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bytes::{PREAMBLE, Reader, check_preamble, io, preamble};
use super::files::{self, Layout};
use super::seal::Keys;
use super::segment::StoreName;
use crate::engine::{EngineError, Log};

const MAGIC: &[u8; 8] = b"BONGHAMB";
const DOMAIN: [u8; 4] = *b"fgt1";
const HEADER: usize = PREAMBLE + 16;
const PLAIN: usize = 17;
const RECORD: usize = PLAIN + 32;

/// Ranges of leaves of both logs, in order, apart from one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges([Vec<(u64, u64)>; 2]);

impl Ranges {
    fn of(&self, log: u8) -> &[(u64, u64)] {
        self.0.get(usize::from(log)).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing at all is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Whether a leaf of a log, by its number in files, is in it.
    pub(super) fn contains(&self, log: u8, index: u64) -> bool {
        self.covers(log, index, index.saturating_add(1))
    }

    fn covers(&self, log: u8, from: u64, to: u64) -> bool {
        let ranges = self.of(log);
        let behind = ranges.partition_point(|(start, _)| *start <= from);
        behind
            .checked_sub(1)
            .and_then(|at| ranges.get(at))
            .is_some_and(|(_, end)| *end >= to)
    }

    fn add(&mut self, log: u8, from: u64, to: u64) {
        let Some(ranges) = self.0.get_mut(usize::from(log)) else {
            return;
        };
        let (mut from, mut to) = (from, to);
        ranges.retain(|(start, end)| {
            let apart = *end < from || *start > to;
            if !apart {
                from = from.min(*start);
                to = to.max(*end);
            }
            apart
        });
        let at = ranges.partition_point(|(start, _)| *start < from);
        ranges.insert(at, (from, to));
    }
}

struct State {
    ranges: Ranges,
    /// Records in the file; `None` if there is no file yet.
    records: Option<u64>,
}

/// See the module.
pub(super) struct Forgotten {
    state: Mutex<State>,
}

fn mac(keys: &Keys, store: &StoreName, number: u64, plain: &[u8]) -> [u8; 32] {
    let mut mac = keys.mac(&DOMAIN);
    mac.update(store);
    mac.update(&number.to_be_bytes());
    mac.update(plain);
    mac.finish()
}

fn at(number: u64) -> u64 {
    (HEADER as u64).saturating_add(number.saturating_mul(RECORD as u64))
}

impl Forgotten {
    /// Reads the file; its absence says that nothing was forgotten since the last scrub.
    pub(super) fn open(
        layout: &Layout,
        keys: &Keys,
        store: &StoreName,
    ) -> Result<Self, EngineError> {
        let mut ranges = Ranges::default();
        let records = match files::read(&layout.forgotten())? {
            None => None,
            Some(bytes) => Some(load(&bytes, keys, store, &mut ranges)?),
        };
        Ok(Self {
            state: Mutex::new(State { ranges, records }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was forgotten.
    pub(super) fn ranges(&self) -> Ranges {
        self.state().ranges.clone()
    }

    /// Bytes of the file that stay as they are; `None` if there is no file.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.state().records.map(at)
    }

    /// Whether the body of this leaf was forgotten.
    pub(super) fn contains(&self, log: Log, index: u64) -> bool {
        self.state().ranges.contains(log as u8, index)
    }

    /// Forgets the bodies of a range of leaves, durably.
    pub(super) fn add(
        &self,
        layout: &Layout,
        keys: &Keys,
        store: &StoreName,
        log: Log,
        range: (u64, u64),
    ) -> Result<(), EngineError> {
        let (from, to) = range;
        let log = log as u8;
        let mut state = self.state();
        if from >= to || state.ranges.covers(log, from, to) {
            return Ok(());
        }
        let writing = io("writing the list of forgotten bodies");
        let path = layout.forgotten();
        let number = match state.records {
            Some(number) => number,
            None => {
                files::replace(&path, &[&preamble(MAGIC)[..], store].concat())?;
                0
            }
        };
        let mut record = vec![log];
        record.extend_from_slice(&from.to_be_bytes());
        record.extend_from_slice(&to.to_be_bytes());
        let mac = mac(keys, store, number, &record);
        record.extend_from_slice(&mac);
        let file = File::options().write(true).open(&path);
        let file = file.map_err(&writing)?;
        file.write_all_at(&record, at(number)).map_err(&writing)?;
        file.sync_all().map_err(&writing)?;
        state.records = Some(number.saturating_add(1));
        state.ranges.add(log, from, to);
        Ok(())
    }
}

/// Takes in every record and gives their number.
fn load(
    bytes: &[u8],
    keys: &Keys,
    store: &StoreName,
    ranges: &mut Ranges,
) -> Result<u64, EngineError> {
    let damaged = || {
        EngineError::Damaged(
            "the list of forgotten log bodies (file `forgotten`) is not intact: restore this file \
             from a backup"
                .into(),
        )
    };
    let mut reader = Reader::new(bytes);
    check_preamble(&mut reader, MAGIC, "the list of forgotten log bodies")?;
    if reader.array().as_ref() != Some(store) {
        return Err(damaged());
    }
    let mut number = 0;
    let mut rest = reader.rest();
    while let Some((record, after)) = rest.split_at_checked(RECORD) {
        let (plain, tag) = record.split_at_checked(PLAIN).ok_or_else(damaged)?;
        if mac(keys, store, number, plain) != *tag {
            let unfinished = after.is_empty() && tag.ends_with(&[0; 8]);
            return if unfinished {
                Ok(number)
            } else {
                Err(damaged())
            };
        }
        let mut reader = Reader::new(plain);
        let (log, from, to) = (reader.u8(), reader.u64(), reader.u64());
        if let (Some(log), Some(from), Some(to)) = (log, from, to) {
            ranges.add(log, from, to);
        }
        number += 1;
        rest = after;
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_join_and_stay_apart() {
        let mut ranges = Ranges::default();
        assert!(ranges.is_empty());
        for (from, to) in [(10, 20), (30, 40), (5, 8), (20, 22), (39, 50)] {
            ranges.add(0, from, to);
        }
        assert_eq!(ranges.of(0), [(5, 8), (10, 22), (30, 50)]);
        let inside: Vec<u64> = (0..60).filter(|n| ranges.contains(0, *n)).collect();
        let wanted: Vec<u64> = (5..8).chain(10..22).chain(30..50).collect();
        assert_eq!(inside, wanted);
        assert!(!ranges.contains(1, 6) && !ranges.is_empty());
        ranges.add(0, 0, 100);
        assert_eq!(ranges.of(0), [(0, 100)]);
    }
}
