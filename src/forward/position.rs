//! How far forwarding has come, in a file that is replaced whole.
//!
//! ```text
//! bongham forward 2\n
//! <index of the first entry not sent yet>\n
//! <hash of the leaf before it (RFC 6962 §2.1), base64; empty before the first>\n
//! ```
//! Format 1 had no hash.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::ForwardError;
use crate::domain::limit::Limit;
use crate::engine::{Engine, EngineError, Log};
use crate::merkle::tree::leaf_hash;

const HEAD: &str = "bongham forward 2\n";
const BEFORE: &str = "bongham forward 1\n";

/// The position on disk.
pub(super) struct Position {
    dir: PathBuf,
    index: u64,
    /// Where the file said so: by it another log is told from this one.
    last: Option<String>,
}

/// The hash of the leaf before this place; empty where there is none.
fn last_before(engine: &dyn Engine, index: u64) -> Result<String, EngineError> {
    let Some(before) = index.checked_sub(1) else {
        return Ok(String::new());
    };
    let leaf = engine.leaves(Log::Access, before, Limit::rows(1))?;
    Ok(leaf
        .first()
        .map_or_else(String::new, |leaf| leaf_hash(&leaf.leaf).base64()))
}

impl Position {
    /// In `dir`, where nothing was looked at yet.
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            index: 0,
            last: None,
        }
    }

    /// Reads it; the directory is made where it is missing: then everything is to be sent. So it is
    /// where the file holds something else: rather twice than not at all. Where it cannot be looked
    /// at, nobody knows, and it is tried again.
    pub(super) fn read(&mut self) -> std::io::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)?;
        let kept = match std::fs::read(self.dir.join("position")) {
            Ok(bytes) => parse(&bytes).unwrap_or_else(|| {
                tracing::warn!("the position of forwarding is not readable: all is sent again");
                (0, None)
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        (self.index, self.last) = kept;
        Ok(())
    }

    /// Whether this is the log of which the entries before the position were sent. After a restore
    /// it is not where the two parted before it, however long the log has grown again.
    pub(super) fn is_of(&self, engine: &dyn Engine) -> Result<bool, EngineError> {
        match &self.last {
            Some(last) => Ok(*last == last_before(engine, self.index)?),
            None => Ok(true),
        }
    }

    /// Index of the first entry that was not sent yet.
    pub(super) const fn index(&self) -> u64 {
        self.index
    }

    /// Keeps a new one in this log, durably.
    pub(super) fn keep(&mut self, engine: &dyn Engine, index: u64) -> Result<(), ForwardError> {
        let last = last_before(engine, index)?;
        if index == self.index && self.last.as_ref() == Some(&last) {
            return Ok(());
        }
        let fresh = self.dir.join("position.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(format!("{HEAD}{index}\n{last}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, self.dir.join("position"))?;
        File::open(&self.dir)?.sync_all()?;
        self.index = index;
        self.last = Some(last);
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Option<(u64, Option<String>)> {
    let text = std::str::from_utf8(bytes).ok()?;
    if let Some(index) = text.strip_prefix(BEFORE) {
        return Some((index.strip_suffix('\n')?.parse().ok()?, None));
    }
    let rest = text.strip_prefix(HEAD)?.strip_suffix('\n')?;
    let (index, last) = rest.split_once('\n')?;
    Some((index.parse().ok()?, Some(last.to_owned())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::time::SystemClock;
    use crate::engine::memory::MemoryEngine;

    #[test]
    fn a_position_is_read_back_and_an_unreadable_one_is_the_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let mut position = Position::new(dir.path());
            position.read().unwrap();
            position
        };
        let engine = MemoryEngine::new(Arc::new(SystemClock::default()));
        assert_eq!(open().index(), 0);
        open().keep(&engine, 77).unwrap();
        assert_eq!(open().index(), 77);
        for other in [&b"77"[..], b"\xff\xfe", b"bongham forward 1\n77\n\xff", b""] {
            std::fs::write(dir.path().join("position"), other).unwrap();
            assert_eq!(open().index(), 0, "{other:?}");
        }
        std::fs::write(dir.path().join("position"), "bongham forward 1\n77\n").unwrap();
        assert_eq!(open().index(), 77, "as 0.3.0 left it");
        assert!(open().is_of(&engine).unwrap());
    }
}
