//! The stored hashes of a log's tree: a dense file beside the engine, never the truth. It is
//! caught up lazily from the durable leaves and made anew from them whenever it is in doubt.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::domain::limit::Limit;
use crate::engine::{Engine, Log};
use crate::merkle::tree::{
    Hash, HashStore, TreeError, hashes_for_leaf, leaf_hash, root, stored_count,
};

use super::LogError;

/// Head of the file: magic, format version, number of the log, zeros.
const HEAD: u64 = 32;
const MAGIC: &[u8; 16] = b"bongham/hashes\0\0";
const VERSION: u8 = 1;
/// Leaves read from the engine at once: bounds memory, not work.
const PAGE: usize = 256;
/// Newest leaves compared with the engine when the file is opened.
const CHECKED: u64 = 64;

/// The name of a log in file names and origins.
pub(super) const fn name(log: Log) -> &'static str {
    match log {
        Log::Access => "access",
        Log::Ledger => "ledger",
    }
}

/// The tree of one log.
pub(super) struct Tree {
    log: Log,
    file: File,
    /// Where the file belongs.
    path: PathBuf,
    /// Whether it lies beside its place still: see [`Tree::accept`].
    fresh: bool,
    /// Leaves whose hashes are in the file.
    size: u64,
    /// Hashes made but not yet in the file.
    tail: Vec<Hash>,
}

impl Tree {
    /// Opens `hashes.<log>` in `dir`, or begins anew if that is missing, of another format, or
    /// not of this log.
    pub(super) fn open(dir: &Path, log: Log, engine: &dyn Engine) -> Result<Self, LogError> {
        let path = dir.join(format!("hashes.{}", name(log)));
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::fresh(dir, log),
            Err(error) => return Err(io(error)),
        };
        let bytes = file.metadata().map_err(io)?.len();
        let tree = Self {
            log,
            file,
            path,
            fresh: false,
            size: leaves_in(bytes.saturating_sub(HEAD) / 32),
            tail: Vec::new(),
        };
        let mut head = [0; HEAD as usize];
        let known = tree.file.read_exact_at(&mut head, 0).is_ok() && head == tree.head();
        if known && tree.size <= engine.log_size(log) && tree.agrees(engine)? {
            Ok(tree)
        } else {
            Self::fresh(dir, log)
        }
    }

    /// An empty tree in a file beside the old one, which stays until the new one is accepted: if
    /// the log was changed, the old hashes say where.
    pub(super) fn fresh(dir: &Path, log: Log) -> Result<Self, LogError> {
        let path = dir.join(format!("hashes.{}", name(log)));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path.with_extension(format!("{}.new", name(log))))
            .map_err(io)?;
        let tree = Self {
            log,
            file,
            path,
            fresh: true,
            size: 0,
            tail: Vec::new(),
        };
        tree.file.write_all_at(&tree.head(), 0).map_err(io)?;
        Ok(tree)
    }

    /// Puts a fresh file in its place.
    pub(super) fn accept(&mut self) -> Result<(), LogError> {
        if self.fresh {
            let beside = self.path.with_extension(format!("{}.new", name(self.log)));
            std::fs::rename(beside, &self.path).map_err(io)?;
            self.fresh = false;
        }
        Ok(())
    }

    fn head(&self) -> [u8; HEAD as usize] {
        let mut head = [0; HEAD as usize];
        let parts = MAGIC.iter().copied().chain([VERSION, self.log as u8]);
        for (to, from) in head.iter_mut().zip(parts) {
            *to = from;
        }
        head
    }

    /// Whether the newest hashes are those of the engine's leaves. A log that was cut back and
    /// has grown again differs in its newest leaf, whatever its length.
    fn agrees(&self, engine: &dyn Engine) -> Result<bool, LogError> {
        let from = self.size.saturating_sub(CHECKED);
        for (index, leaf) in (from..self.size).zip(read(engine, self.log, from, CHECKED)?) {
            if self.leaf(index)? != leaf {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds the hashes of every durable leaf that is not in the file yet.
    pub(super) fn catch_up(&mut self, engine: &dyn Engine) -> Result<(), LogError> {
        let target = engine.log_size(self.log);
        if target < self.size {
            return Err(LogError::Regressed(format!(
                "the {} log has {target} entries and had {}",
                name(self.log),
                self.size
            )));
        }
        while self.size < target {
            let added = self.add_page(engine, target);
            if added.is_err() {
                self.tail.clear();
            }
            added?;
        }
        Ok(())
    }

    fn add_page(&mut self, engine: &dyn Engine, target: u64) -> Result<(), LogError> {
        let mut size = self.size;
        for hash in read(engine, self.log, size, target - size)? {
            let new = hashes_for_leaf(size, hash, self).map_err(tree_error)?;
            self.tail.extend(new);
            size += 1;
        }
        if size == self.size {
            return Err(LogError::unavailable("durable entries cannot be read back"));
        }
        let bytes: Vec<u8> = self.tail.iter().flat_map(|h| h.0).collect();
        let at = HEAD + 32 * stored_count(self.size);
        self.file.write_all_at(&bytes, at).map_err(io)?;
        self.tail.clear();
        self.size = size;
        Ok(())
    }

    /// Leaves caught up so far.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Root of the first `size` leaves.
    pub(super) fn root(&self, size: u64) -> Result<Hash, LogError> {
        if size > self.size {
            return Err(LogError::Range);
        }
        root(size, self).map_err(tree_error)
    }

    /// Stored hash of leaf `index`: it follows the hashes of the tree of `index` leaves.
    pub(super) fn leaf(&self, index: u64) -> Result<Hash, LogError> {
        let read = self.read(&[stored_count(index)]).map_err(tree_error)?;
        read.first().copied().ok_or(LogError::Range)
    }
}

impl HashStore for Tree {
    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, TreeError> {
        let stored = stored_count(self.size);
        let one = |position: &u64| {
            if let Some(ahead) = position.checked_sub(stored) {
                let ahead = usize::try_from(ahead).map_err(|_| TreeError::Range)?;
                return self.tail.get(ahead).copied().ok_or(TreeError::Range);
            }
            let mut hash = Hash::default();
            self.file
                .read_exact_at(&mut hash.0, HEAD + 32 * position)
                .map_err(|e| TreeError::Read(e.to_string()))?;
            Ok(hash)
        };
        positions.iter().map(one).collect()
    }
}

/// Hashes of the leaves from `from`: at least one where there is one, at most a page or `most`.
fn read(engine: &dyn Engine, log: Log, from: u64, most: u64) -> Result<Vec<Hash>, LogError> {
    let limit = usize::try_from(most).unwrap_or(PAGE).min(PAGE);
    let leaves = engine
        .leaves(log, from, Limit::rows(limit))
        .map_err(LogError::unreadable)?;
    Ok(leaves.iter().map(|l| leaf_hash(&l.leaf)).collect())
}

/// The most leaves whose tree has no more than `hashes` stored hashes.
fn leaves_in(hashes: u64) -> u64 {
    // A tree of n leaves stores fewer than 2n hashes and at least n.
    let (mut low, mut high) = (hashes / 2, hashes);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if stored_count(middle) <= hashes {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

pub(super) fn tree_error(error: TreeError) -> LogError {
    match error {
        TreeError::Range => LogError::Range,
        read @ TreeError::Read(_) => LogError::unavailable(read),
    }
}

pub(super) fn io(error: std::io::Error) -> LogError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            LogError::disk_full()
        }
        _ => LogError::Unavailable(format!("a file of the access log: {error}")),
    }
}
