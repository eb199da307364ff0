//! How far forwarding has come, in a file that is replaced whole.
//!
//! ```text
//! bongham forward 1\n
//! <index of the first entry not sent yet>\n
//! ```

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const HEAD: &str = "bongham forward 1\n";

/// The position on disk.
pub(super) struct Position {
    dir: PathBuf,
    index: u64,
}

impl Position {
    /// The position kept in `dir`, which is made where it is missing: then everything is to be sent.
    /// So it is where the file cannot be read: rather twice than not at all.
    pub(super) fn open(dir: &Path) -> std::io::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let index = match std::fs::read_to_string(dir.join("position")) {
            Ok(text) => parse(&text).unwrap_or_else(|| {
                tracing::warn!("the position of forwarding is not readable: all is sent again");
                0
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Self {
            dir: dir.to_owned(),
            index,
        })
    }

    /// Index of the first entry that was not sent yet.
    pub(super) const fn index(&self) -> u64 {
        self.index
    }

    /// Keeps a new one, durably.
    pub(super) fn keep(&mut self, index: u64) -> std::io::Result<()> {
        if index == self.index {
            return Ok(());
        }
        let fresh = self.dir.join("position.new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(format!("{HEAD}{index}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, self.dir.join("position"))?;
        File::open(&self.dir)?.sync_all()?;
        self.index = index;
        Ok(())
    }
}

fn parse(text: &str) -> Option<u64> {
    let rest = text.strip_prefix(HEAD)?.strip_suffix('\n')?;
    rest.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_and_an_unreadable_one_is_the_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Position::open(dir.path()).unwrap();
        assert_eq!(open().index(), 0);
        open().keep(77).unwrap();
        assert_eq!(open().index(), 77);
        std::fs::write(dir.path().join("position"), "77").unwrap();
        assert_eq!(open().index(), 0);
    }
}
