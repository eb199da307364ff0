//! How much room a disk has.

use std::io;
use std::path::Path;

/// Bytes of a disk, as statvfs(3) tells them to those who are not root.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Free.
    pub free: u64,
    /// In all.
    pub all: u64,
}

impl Room {
    /// Of the disk that `dir` lies on.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(dir: &Path) -> io::Result<Self> {
        let told = rustix::fs::statvfs(dir)?;
        Ok(Self {
            free: told.f_bavail.saturating_mul(told.f_frsize),
            all: told.f_blocks.saturating_mul(told.f_frsize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let room = Room::of(dir.path()).unwrap();
        assert!(room.free <= room.all && room.all > 0);
        assert!(Room::of(&dir.path().join("nowhere")).is_err());
    }
}
