//! Taking files away so that nothing of them stays on the disk: zeros over every byte, synced,
//! the blocks given back, then the name. What a disk keeps by itself (spare blocks of an SSD,
//! snapshots of a file system) is beyond reach; values there are sealed, and keys get destroyed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

use super::bytes::io;
use super::files::{self, Layout};
use crate::domain::lock;
use crate::engine::EngineError;

/// Bytes of zeros written at a time.
const PIECE: usize = 1 << 20;
/// What most file systems give back: whole blocks of this many bytes.
const BLOCK: u64 = 4096;

/// Writes zeros over a file as it is, durably.
pub(super) fn contents(file: &File) -> Result<(), EngineError> {
    let wiping = io("overwriting a file");
    let length = file.metadata().map_err(&wiping)?.len();
    let zeros = vec![0; PIECE];
    let mut at = 0;
    while at < length {
        let left = usize::try_from(length - at).unwrap_or(PIECE);
        let piece = zeros.get(..left.min(PIECE)).unwrap_or(&zeros);
        file.write_all_at(piece, at).map_err(&wiping)?;
        at += piece.len() as u64;
    }
    file.sync_data().map_err(&wiping)?;
    punch(file, 0, length);
    Ok(())
}

/// Gives back the whole blocks of a stretch that has been overwritten. The stretch reads as zeros
/// before and after: a file system that cannot do this loses nothing but space.
pub(super) fn punch(file: &File, offset: u64, length: u64) {
    let from = offset.next_multiple_of(BLOCK);
    let to = (offset.saturating_add(length)) / BLOCK * BLOCK;
    if from < to {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let given_back = fallocate(file, flags, from, to - from);
        if let Err(error) = given_back {
            tracing::debug!(%error, "blocks of zeros stay allocated");
        }
    }
}

/// Overwrites and removes a file; one that is not there is fine.
pub(super) fn file(path: &Path) -> Result<(), EngineError> {
    match File::options().write(true).open(path) {
        Ok(file) => {
            contents(&file)?;
            files::remove(path)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io("overwriting a file")(error)),
    }
}

/// Overwrites and removes a directory and all below it; one that is not there is fine.
pub(super) fn dir(path: &Path) -> Result<(), EngineError> {
    let wiping = io("overwriting an old index");
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(wiping(error)),
    };
    for entry in entries {
        let entry = entry.map_err(&wiping)?;
        if entry.file_type().map_err(&wiping)?.is_dir() {
            dir(&entry.path())?;
            continue;
        }
        let file = File::options().write(true).open(entry.path());
        let file = file.map_err(&wiping)?;
        // Whoever still writes to it holds its lock.
        drop(lock::exclusive(&file));
        contents(&file)?;
        fs::remove_file(entry.path()).map_err(&wiping)?;
    }
    fs::remove_dir(path).map_err(&wiping)?;
    path.parent().map_or(Ok(()), files::sync_dir)
}

/// Makes an index one that is no longer, in one step; what lay there before is overwritten first.
pub(super) fn set_aside(layout: &Layout, index: &Path) -> Result<(), EngineError> {
    dir(&layout.old_index())?;
    match fs::rename(index, layout.old_index()) {
        Ok(()) => files::sync_dir(layout.root()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io("setting an index aside")(error)),
    }
}
