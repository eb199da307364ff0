//! Room on the disk. Before it is full what leaves stops, then whatever shows a case, so that the
//! log, destruction and auditors have the rest.
//!
//! | free, of the disk or of 100 GiB of it | what stops |
//! |---|---|
//! | < `[disk] warn_percent` | nothing; the operator's log says so |
//! | < `outputs_percent` | exports and imports |
//! | < `disclosure_percent` | every disclosure of a case |
//!
//! The first two are looked at when they matter; the last one every ten seconds, so that a read
//! costs no system call.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use super::error::ServiceError;
use crate::config::disk::Disk;
use crate::engine::embedded::room::Room;

/// Of a larger disk its percents are those of this much, in bytes: nobody needs a tenth of a
/// large array to be empty.
const COUNTED: u64 = 100 << 30;

/// What still goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Ample,
    Scarce,
    NoOutputs,
    NoDisclosure,
}

fn level(room: Room, disk: Disk) -> Level {
    let counted = room.all.min(COUNTED);
    let below = |percent: u8| room.free < counted / 100 * u64::from(percent);
    if below(disk.disclosure_percent) {
        Level::NoDisclosure
    } else if below(disk.outputs_percent) {
        Level::NoOutputs
    } else if below(disk.warn_percent) {
        Level::Scarce
    } else {
        Level::Ample
    }
}

/// See the module.
pub(super) struct Headroom {
    dir: PathBuf,
    disk: Disk,
    level: AtomicU8,
    /// Free percent that a test wants to be seen, of a disk watched as usual.
    #[cfg(test)]
    pub(super) feigned: AtomicU8,
}

impl Headroom {
    pub(super) fn new(dir: &Path, disk: Disk) -> Self {
        let headroom = Self {
            dir: dir.to_owned(),
            disk,
            level: AtomicU8::new(Level::Ample as u8),
            #[cfg(test)]
            feigned: AtomicU8::new(u8::MAX),
        };
        headroom.look();
        headroom
    }

    /// Looks at the disk. One that cannot be looked at tells nothing new: whatever is wrong with
    /// it shows where it is written to.
    pub(super) fn look(&self) {
        #[cfg(test)]
        match self.feigned.load(Ordering::SeqCst) {
            u8::MAX => {}
            percent => {
                let (free, all) = (u64::from(percent), 100);
                return self.now(level(Room { free, all }, Disk::default()));
            }
        }
        match Room::of(&self.dir) {
            Ok(room) => self.now(level(room, self.disk)),
            Err(error) => {
                let kind = error.kind();
                tracing::warn!(%kind, "the room on the disk cannot be read");
            }
        }
    }

    fn now(&self, level: Level) {
        let before = self.level.swap(level as u8, Ordering::Relaxed);
        if before == level as u8 {
            return;
        }
        match level {
            Level::Ample => tracing::info!("there is room on the disk again"),
            Level::Scarce => tracing::warn!("the disk is filling up: free space soon"),
            Level::NoOutputs => {
                tracing::error!("the disk is nearly full: exports and imports are refused");
            }
            Level::NoDisclosure => {
                tracing::error!("the disk is nearly full: no case is shown until there is room");
            }
        }
    }

    fn refuses_at(&self, level: Level) -> Result<(), ServiceError> {
        if self.level.load(Ordering::Relaxed) >= level as u8 {
            return Err(ServiceError::DiskFull);
        }
        Ok(())
    }

    /// Whether large things may be written now.
    ///
    /// # Errors
    /// [`ServiceError::DiskFull`].
    pub(super) fn for_outputs(&self) -> Result<(), ServiceError> {
        self.look();
        self.refuses_at(Level::NoOutputs)
    }

    /// Whether cases may be shown, as of the last look.
    ///
    /// # Errors
    /// [`ServiceError::DiskFull`].
    pub(super) fn for_disclosure(&self) -> Result<(), ServiceError> {
        self.refuses_at(Level::NoDisclosure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_depends_on_the_room_of_the_disk_or_of_a_hundred_gibibytes() {
        const GIB: u64 = 1 << 30;
        let level = |free, all| super::level(Room { free, all }, Disk::default());
        for all in [100 * GIB, 1000 * GIB] {
            assert_eq!(level(10 * GIB, all), Level::Ample);
            assert_eq!(level(10 * GIB - GIB / 2, all), Level::Scarce);
            assert_eq!(level(5 * GIB, all), Level::Scarce);
            assert_eq!(level(5 * GIB - GIB / 2, all), Level::NoOutputs);
            assert_eq!(level(2 * GIB, all), Level::NoOutputs);
            assert_eq!(level(2 * GIB - GIB / 2, all), Level::NoDisclosure);
        }
        assert_eq!(level(GIB, 10 * GIB), Level::Ample);
        assert_eq!(level(0, 10 * GIB), Level::NoDisclosure);
        let unwatched = super::level(Room { free: 0, all: GIB }, Disk::UNWATCHED);
        assert_eq!(unwatched, Level::Ample);
    }

    #[test]
    fn a_look_tells_what_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let headroom = Headroom::new(dir.path(), Disk::UNWATCHED);
        assert!(headroom.for_outputs().is_ok() && headroom.for_disclosure().is_ok());
        for (percent, outputs, disclosure) in [(4, false, true), (1, false, false), (5, true, true)]
        {
            headroom.feigned.store(percent, Ordering::SeqCst);
            assert_eq!(headroom.for_outputs().is_ok(), outputs, "{percent}");
            assert_eq!(headroom.for_disclosure().is_ok(), disclosure, "{percent}");
        }
    }
}
