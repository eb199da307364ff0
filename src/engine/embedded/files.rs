//! Names in the data directory, and files that change as a whole.
//!
//! ```text
//! lock                    one process
//! store                   name of the store, authenticated by the journal key
//! journal/00000001        segments
//! journal/00000001.rows   sidecar of a sealed segment
//! journal/reserve         a segment's worth of zeros for the day the disk is full
//! leaves/access, ledger   where each leaf stands
//! index/base              rows as of the last rebuild, sorted
//! index/sled/             rows since
//! index.b/                takes turns with index/: a scrub makes the index anew in the other one
//! index.new/, index.old/  not yet and no longer an index
//! journal/00000001.erase  frames that a scrub is erasing
//! journal/00000001.new    either of the two, not yet whole: only one is written at a time
//! forgotten               log bodies that nobody may read again
//! clean, position         how far leaves/ and index/ can be trusted
//! ```

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::bytes::io;
use super::wipe;
use crate::engine::EngineError;

/// Bytes between whoever replaces a file and the disk.
const BUFFER: usize = 128 << 10;

const FIRST: &str = "index";
const SECOND: &str = "index.b";

/// Where everything lies.
pub(super) struct Layout {
    root: PathBuf,
    /// Whether the index is in the second of its two places.
    second: AtomicBool,
}

impl Layout {
    /// Finds the index in whichever place it is. Where both are taken neither is to be trusted.
    pub(super) fn new(root: PathBuf) -> Self {
        let second = root.join(SECOND).is_dir() && !root.join(FIRST).is_dir();
        Self {
            root,
            second: AtomicBool::new(second),
        }
    }
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
    pub(super) fn store(&self) -> PathBuf {
        self.root.join("store")
    }
    pub(super) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }
    pub(super) fn segment(&self, number: u32) -> PathBuf {
        self.journal().join(format!("{number:08}"))
    }
    pub(super) fn sidecar(&self, number: u32) -> PathBuf {
        self.journal().join(format!("{number:08}.rows"))
    }
    pub(super) fn reserve(&self) -> PathBuf {
        self.journal().join("reserve")
    }
    pub(super) fn erasing(&self, number: u32) -> PathBuf {
        self.journal().join(format!("{number:08}.erase"))
    }
    pub(super) fn index(&self) -> PathBuf {
        let second = self.second.load(Ordering::Acquire);
        self.root.join(if second { SECOND } else { FIRST })
    }
    /// Where the next index will be.
    pub(super) fn other_index(&self) -> PathBuf {
        let second = self.second.load(Ordering::Acquire);
        self.root.join(if second { FIRST } else { SECOND })
    }
    /// From now on the index is in its other place.
    pub(super) fn switch_index(&self) {
        self.second.fetch_xor(true, Ordering::AcqRel);
    }
    pub(super) fn new_index(&self) -> PathBuf {
        self.root.join("index.new")
    }
    pub(super) fn old_index(&self) -> PathBuf {
        self.root.join("index.old")
    }
    pub(super) fn forgotten(&self) -> PathBuf {
        self.root.join("forgotten")
    }
    pub(super) fn leaves(&self) -> PathBuf {
        self.root.join("leaves")
    }
    pub(super) fn clean(&self) -> PathBuf {
        self.root.join("clean")
    }
    pub(super) fn position(&self) -> PathBuf {
        self.root.join("position")
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), EngineError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(io("syncing a directory"))
}

/// What a file is called until the whole of it is durable.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Replaces a small file as a whole, durably: see [`replace_with`].
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    replace_with(path, |file| {
        file.write_all(bytes).map_err(io("writing a small file"))
    })
}

/// Replaces a file as a whole, durably, by what `write` writes. Until all of it is durable the old
/// one stays, and where that fails nothing of the new one does. The old one's bytes are not
/// overwritten.
///
/// # Errors
/// What `write` says; an error of the disk.
pub(super) fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let while_writing = io("replacing a file");
    let new = unfinished(path);
    let file = File::create(&new).map_err(&while_writing)?;
    let mut file = BufWriter::with_capacity(BUFFER, file);
    let written = write(&mut file)
        .and_then(|()| file.flush().map_err(&while_writing))
        .and_then(|()| file.get_ref().sync_all().map_err(&while_writing));
    // Without another attempt to write what is still in the buffer.
    drop(file.into_parts());
    let written = written.and_then(|()| fs::rename(&new, path).map_err(&while_writing));
    if let Err(error) = written {
        if let Err(error) = wipe::file(&new) {
            tracing::warn!(%error, "half a file stays until the next opening");
        }
        return Err(error);
    }
    path.parent().map_or(Ok(()), sync_dir)
}

/// Overwrites what a process that died has left of a sidecar that it was writing: it may name what
/// has been erased since. The note of a scrub has the same name until it is durable; nothing acts
/// on one before.
pub(super) fn wipe_unfinished(layout: &Layout, segments: u32) -> Result<(), EngineError> {
    (1..=segments).try_for_each(|number| wipe::file(&unfinished(&layout.sidecar(number))))
}

/// Removes a file, durably; one that is not there is fine.
pub(super) fn remove(path: &Path) -> Result<(), EngineError> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io("removing a file")(error)),
    }
}

/// A file's bytes; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, EngineError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("reading a file")(error)),
    }
}
