//! What a backup copies: a prefix of the store's files that stays as it is while it is held.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of a [`Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Path within the engine's directory, with `/`.
    pub name: String,
    /// Bytes to copy from the file's beginning; what follows is not part of the snapshot.
    pub bytes: u64,
    /// Whether no commit will ever add to these bytes: a full segment. Only a scrub changes such a
    /// file, and only to zeros. A later snapshot may give more of the others.
    pub sealed: bool,
}

/// A prefix of a store: copy these bytes, in any order, into an empty directory, and it opens as
/// the store stood when the snapshot was taken. Its index is made anew by that open.
///
/// Commits and reads go on while this is held. Scrubs wait for it to be dropped, so that no file
/// is copied half erased: hold it no longer than the copying takes.
pub struct Snapshot {
    dir: PathBuf,
    files: Vec<SnapshotFile>,
    log_sizes: [u64; 2],
    _hold: Arc<dyn Any + Send + Sync>,
}

impl Snapshot {
    pub(super) fn new(
        dir: PathBuf,
        files: Vec<SnapshotFile>,
        log_sizes: [u64; 2],
        hold: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        Self {
            dir,
            files,
            log_sizes,
            _hold: hold,
        }
    }
    /// The engine's directory, below which the files lie.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// What to copy.
    pub fn files(&self) -> &[SnapshotFile] {
        &self.files
    }
    /// Leaves of access log and ledger in the snapshot.
    pub const fn log_sizes(&self) -> [u64; 2] {
        self.log_sizes
    }
}
