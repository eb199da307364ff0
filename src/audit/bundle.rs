//! Proofs for single entries, and the bundle that an auditor carries to another machine.

use std::io::Write;

use crate::authz::action::ReadLog;
use crate::domain::limit::Limit;
use crate::engine::{Engine, Leaf, Log};
use crate::merkle::bundle::{WriteError, write_bundle};
use crate::merkle::proof;
use crate::merkle::tree::{Hash, leaf_hash};

use super::tree::{Tree, tree_error};
use super::{AccessLog, LogError, Receipt};

/// Entries read from the engine at once: bounds memory.
const PAGE: u64 = 128;

/// That an entry is in the log (RFC 6962 §2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Index of the entry.
    pub index: u64,
    /// Size of the tree.
    pub size: u64,
    /// Hash of the leaf.
    pub leaf: Hash,
    /// Root of the tree.
    pub root: Hash,
    /// The proof, from the leaf's sibling upwards.
    pub proof: Vec<Hash>,
}

/// That the log of one moment continues that of another (RFC 6962 §2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// Size of the earlier tree.
    pub from: u64,
    /// Size of the later tree.
    pub to: u64,
    /// Root of the earlier tree.
    pub from_root: Hash,
    /// Root of the later tree.
    pub to_root: Hash,
    /// The proof.
    pub proof: Vec<Hash>,
}

impl Inclusion {
    fn holds(&self) -> bool {
        proof::verify_inclusion(&self.proof, self.index, self.size, self.leaf, self.root).is_ok()
    }
}

impl Consistency {
    fn holds(&self) -> bool {
        let (from, to) = (self.from_root, self.to_root);
        proof::verify_consistency(&self.proof, self.from, from, self.to, to).is_ok()
    }
}

impl AccessLog {
    /// Proves that entry `index`, as it is stored now, is in the tree of the first `size`.
    /// [`LogError::Range`] where there is no such entry or size.
    pub fn inclusion(&self, log: Log, index: u64, size: u64) -> Result<Inclusion, LogError> {
        if index >= size || size > self.engine.log_size(log) {
            return Err(LogError::Range);
        }
        let leaves = self
            .engine
            .leaves(log, index, Limit::rows(1))
            .map_err(LogError::unreadable)?;
        let leaf = leaves.first().ok_or(LogError::Range)?;
        let leaf = leaf_hash(&leaf.leaf);
        let read = |tree: &Tree| {
            Ok(Inclusion {
                index,
                size,
                leaf,
                root: tree.root(size)?,
                proof: proof::inclusion(index, size, tree).map_err(tree_error)?,
            })
        };
        self.publisher
            .fitting(log, read, Inclusion::holds)?
            .ok_or_else(|| LogError::Regressed(format!("entry {index} is not what was written")))
    }

    /// Proves that the tree of the first `to` entries begins with that of the first `from`.
    /// [`LogError::Range`] for an empty tree, a size that was not reached, or `from` beyond `to`.
    pub fn consistency(&self, log: Log, from: u64, to: u64) -> Result<Consistency, LogError> {
        if from == 0 || from > to || to > self.engine.log_size(log) {
            return Err(LogError::Range);
        }
        let read = |tree: &Tree| {
            Ok(Consistency {
                from,
                to,
                from_root: tree.root(from)?,
                to_root: tree.root(to)?,
                proof: proof::consistency(from, to, tree).map_err(tree_error)?,
            })
        };
        self.publisher
            .fitting(log, read, Consistency::holds)?
            .ok_or_else(|| LogError::Regressed("the hashes do not fit the entries".into()))
    }

    /// Publishes a checkpoint of `log` as it is now and writes the bundle for it to `out`, page
    /// by page; gives the number of entries. The export is an entry itself: `receipt` proves it,
    /// and the bundle of the access log holds it.
    pub fn write_bundle(
        &self,
        _receipt: &Receipt<ReadLog>,
        log: Log,
        out: &mut dyn Write,
    ) -> Result<u64, LogError> {
        let (note, head) = self.publisher.publish(log)?;
        let leaves = Leaves {
            engine: &*self.engine,
            log,
            next: 0,
            end: head.size,
            page: Vec::new().into_iter(),
        };
        write_bundle(out, &note, leaves).map_err(|error| match error {
            WriteError::OtherLeaves(_) => LogError::Regressed(error.to_string()),
            other => LogError::unavailable(other),
        })
    }
}

/// The leaves of a log up to `end`, a page at a time.
struct Leaves<'a> {
    engine: &'a dyn Engine,
    log: Log,
    next: u64,
    end: u64,
    page: std::vec::IntoIter<Leaf>,
}

impl Leaves<'_> {
    fn turn(&mut self) -> Result<(), LogError> {
        let most = usize::try_from(PAGE.min(self.end - self.next)).unwrap_or(1);
        let page = self
            .engine
            .leaves(self.log, self.next, Limit::rows(most))
            .map_err(LogError::unreadable)?;
        if page.is_empty() {
            return Err(LogError::Range);
        }
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for Leaves<'_> {
    type Item = Result<Vec<u8>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.end {
            return None;
        }
        if self.page.as_slice().is_empty()
            && let Err(error) = self.turn()
        {
            return Some(Err(error));
        }
        self.next += 1;
        self.page.next().map(|leaf| Ok(leaf.leaf))
    }
}
