//! One process at a time: an advisory lock on a file of its own, given back by the kernel when
//! the process ends in whatever way.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::bytes::io;
use crate::domain::lock;
use crate::engine::EngineError;

/// The held lock.
pub(super) struct DirLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DirLock {
    /// Takes the lock of `dir` or says who is in the way.
    pub(super) fn take(dir: &Path) -> Result<Self, EngineError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("lock"))
            .map_err(io("opening the lock file"))?;
        match lock::exclusive(&file) {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(EngineError::InUse),
            Err(TryLockError::Error(error)) => Err(io("locking the data directory")(error)),
        }
    }
}
