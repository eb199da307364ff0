//! One pass over the entries of a span of time, checked against the tree and opened where the caller
//! wants to look inside: by as many threads as there are, handed on in order.

use std::thread::available_parallelism;

use super::body::Body;
use super::entry::Header;
use super::epoch::Keys;
use super::query::{changed, first_not_before, open_body};
use super::tree::Tree;
use super::{AccessLog, LogError};
use crate::authz::Permit;
use crate::authz::action::Inspect;
use crate::domain::limit::Limit;
use crate::domain::time::Timestamp;
use crate::engine::{Engine, Leaf, Log};
use crate::merkle::tree::{Hash, leaf_hash};

/// Entries that one thread takes at a time.
const PIECE: u64 = 2048;

/// The sealed part of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed {
    /// Not looked at.
    Unasked,
    /// Destroyed with its month, or not brought back by a restore.
    Gone,
    /// What it says.
    Open(Body),
}

/// Which entries a pass went over, and the tree they stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Index of the first.
    pub from: u64,
    /// Index behind the last.
    pub to: u64,
    /// Root of the tree of the first `to` entries.
    pub root: Hash,
}

struct Read {
    index: u64,
    header: Header,
    body: Sealed,
}

impl AccessLog {
    /// Goes over the entries from `from` to before `to`, in their order. What comes of it may leave
    /// only once the entry of `permit` is durable: the caller records it with the result.
    ///
    /// # Errors
    /// [`LogError::Regressed`] where an entry is not the one that was written.
    pub fn pass(
        &self,
        _permit: &Permit<Inspect>,
        (from, to): (Timestamp, Timestamp),
        wants: impl Fn(&Header) -> bool + Sync,
        mut each: impl FnMut(u64, &Header, &Sealed) -> Result<(), LogError>,
    ) -> Result<Passed, LogError> {
        let size = self.engine.log_size(Log::Access);
        let to = first_not_before(&*self.engine, to, size)?;
        let from = first_not_before(&*self.engine, from, to)?;
        let threads = available_parallelism().map_or(2, |n| n.get() as u64);
        let mut next = from;
        while next < to {
            let keys = self.sealer.epochs.keys()?;
            let end = to.min(next.saturating_add(threads * PIECE));
            for piece in self.round(&keys, (next, end), &wants) {
                for read in piece? {
                    each(read.index, &read.header, &read.body)?;
                }
            }
            next = end;
        }
        let root = |tree: &Tree| tree.root(to);
        let root = self.publisher.fitting(Log::Access, root, |_| true)?;
        let root = root.ok_or_else(|| LogError::unavailable("the tree of the log"))?;
        Ok(Passed { from, to, root })
    }

    /// The entries of `span`, in pieces, each read by a thread of its own.
    fn round(
        &self,
        keys: &Keys<'_>,
        (from, to): (u64, u64),
        wants: &(impl Fn(&Header) -> bool + Sync),
    ) -> Vec<Result<Vec<Read>, LogError>> {
        std::thread::scope(|scope| {
            let starts = (0..).map(|n| from + n * PIECE).take_while(|at| *at < to);
            let threads: Vec<_> = starts
                .map(|at| {
                    let end = to.min(at + PIECE);
                    scope.spawn(move || self.piece(keys, (at, end), wants))
                })
                .collect();
            let lost = || LogError::unavailable("a thread of the pass stopped");
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| Err(lost())))
                .collect()
        })
    }

    fn piece(
        &self,
        keys: &Keys<'_>,
        (from, to): (u64, u64),
        wants: &(impl Fn(&Header) -> bool + Sync),
    ) -> Result<Vec<Read>, LogError> {
        let leaves = leaves(&*self.engine, from, to)?;
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(&leaf.leaf)).collect();
        let stored = |tree: &Tree| (from..to).map(|index| tree.leaf(index)).collect();
        let same = |stored: &Vec<Hash>| *stored == hashes;
        let fitting = self.publisher.fitting(Log::Access, stored, same)?;
        if fitting.is_none() {
            let why = "one of the entries from there is not the one that was written";
            return Err(changed(from, why));
        }
        let read = |(index, leaf): (u64, Leaf)| {
            let header = Header::decode(&leaf.leaf).map_err(|error| changed(index, error))?;
            let body = if wants(&header) {
                let opened = open_body(keys, index, &header, leaf.body.as_deref())?;
                opened.map_or(Sealed::Gone, Sealed::Open)
            } else {
                Sealed::Unasked
            };
            Ok(Read {
                index,
                header,
                body,
            })
        };
        (from..).zip(leaves).map(read).collect()
    }

    /// Time of the first entry; `None` in an empty log.
    ///
    /// # Errors
    /// [`LogError`] where it cannot be read.
    pub fn oldest(&self) -> Result<Option<Timestamp>, LogError> {
        let first = leaves(&*self.engine, 0, self.engine.log_size(Log::Access).min(1))?;
        let header = first.first().map(|leaf| Header::decode(&leaf.leaf));
        let header = header.transpose().map_err(|error| changed(0, error))?;
        Ok(header.map(|header| header.time))
    }
}

/// All of `from..to`.
fn leaves(engine: &dyn Engine, from: u64, to: u64) -> Result<Vec<Leaf>, LogError> {
    let mut leaves = Vec::new();
    let mut next = from;
    while next < to {
        let most = Limit::rows(usize::try_from(to - next).unwrap_or(usize::MAX));
        let read = engine
            .leaves(Log::Access, next, most)
            .map_err(LogError::unreadable)?;
        if read.is_empty() {
            return Err(changed(next, "it cannot be read back"));
        }
        next += read.len() as u64;
        leaves.extend(read);
    }
    Ok(leaves)
}
