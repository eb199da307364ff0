//! Setting the index aside by hand, so that the next open makes it anew.

use std::fs;
use std::path::Path;

use super::EmbeddedEngine;
use super::bytes::io;
use super::files::Layout;
use super::lock::DirLock;
use super::wipe;
use crate::engine::EngineError;

impl EmbeddedEngine {
    /// Removes what says that the index can be trusted, and the index. Nothing is lost: the
    /// journal is the truth. [`EngineError::InUse`] while another process has the store.
    pub fn forget_index(dir: &Path) -> Result<(), EngineError> {
        let _lock = DirLock::take(dir)?;
        let layout = Layout::new(dir.to_owned());
        // First the marks of trust: a crash after them leaves an index that is not believed.
        for mark in [layout.clean(), layout.position()] {
            absent_is_fine(fs::remove_file(mark))?;
        }
        for dir in [layout.index(), layout.other_index(), layout.new_index()] {
            wipe::dir(&dir)?;
        }
        wipe::dir(&layout.old_index())
    }
}

fn absent_is_fine(done: std::io::Result<()>) -> Result<(), EngineError> {
    match done {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io("setting the index aside")(error))
        }
        _ => Ok(()),
    }
}
