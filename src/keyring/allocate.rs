//! Fresh units. Which slot comes next is known to this process alone and never written down:
//! a new process begins with new buckets, so that no crash and no restored copy can make a slot
//! be issued twice. Registering therefore writes nothing to the keyring.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::UnitId;
use crate::domain::tier::{Tier, UnitKind};

use super::bucket::{Bucket, Class};
use super::{Keyring, KeyringError};

/// Most buckets opened at once.
const BLOCK_MAX: u32 = 64;
/// A block used up within this time is followed by one twice its size, otherwise by one bucket.
const QUICK: Duration = Duration::from_secs(60);

/// The open block of each class.
pub(super) type Cursors = HashMap<Class, Cursor>;

/// The slots of one block that are not issued yet.
pub(super) struct Cursor {
    bucket: u32,
    /// One past the block's last bucket.
    end: u32,
    slot: u16,
    /// Buckets in the block.
    size: u32,
    /// Monotonic time of its opening.
    opened: Duration,
}

impl Cursor {
    fn next(&mut self) -> Option<UnitId> {
        if self.slot == UnitId::SLOTS {
            self.bucket += 1;
            self.slot = 0;
        }
        if self.bucket >= self.end {
            return None;
        }
        let unit = UnitId::new(self.bucket, self.slot);
        self.slot += 1;
        unit
    }
}

impl Keyring {
    /// A fresh unit. Writes to the keyring only when a block of buckets is used up.
    ///
    /// # Errors
    /// Only when a block must be opened: [`KeyringError::DiskFull`], [`KeyringError::ReadOnly`],
    /// [`KeyringError::Io`]. Nothing is issued then.
    pub fn allocate(&self, tier: Tier, kind: UnitKind) -> Result<UnitId, KeyringError> {
        let class = Class::new(tier, kind, self.clock.now().quarter());
        let mut cursors = self.cursors.lock().map_err(|_| KeyringError::Stopped)?;
        loop {
            if let Some(unit) = cursors.get_mut(&class).and_then(Cursor::next) {
                if self.is_live(unit) {
                    return Ok(unit);
                }
            } else {
                let now = self.clock.monotonic();
                let size = match cursors.get(&class) {
                    Some(used) if now.saturating_sub(used.opened) <= QUICK => {
                        (used.size * 2).min(BLOCK_MAX)
                    }
                    _ => 1,
                };
                let bucket = self.open_block(class, size)?;
                let cursor = Cursor {
                    bucket,
                    end: bucket + size,
                    slot: 0,
                    size,
                    opened: now,
                };
                cursors.insert(class, cursor);
            }
        }
    }

    /// After a keyring was restored from an older copy: gives no number any more that `unit`'s
    /// bucket or one before it had, so that a unit of the time that was lost, which ledger and
    /// log still name, is never mistaken for a new one. Their keys differ in any case.
    ///
    /// # Errors
    /// [`KeyringError::Full`] if no number is left, or what the disk said.
    pub fn issue_only_after(&self, unit: UnitId) -> Result<(), KeyringError> {
        let mut cursors = self.cursors.lock().map_err(|_| KeyringError::Stopped)?;
        cursors.clear();
        self.change(|next, _| {
            let least = unit.bucket().checked_add(1).ok_or(KeyringError::Full)?;
            let raised = next.next_bucket < least;
            next.next_bucket = next.next_bucket.max(least);
            Ok(raised)
        })
    }

    /// Opens `size` new buckets by one root write and gives the number of the first.
    fn open_block(&self, class: Class, size: u32) -> Result<u32, KeyringError> {
        let mut first = 0;
        self.change(|next, random| {
            first = next.next_bucket;
            next.next_bucket = first.checked_add(size).ok_or(KeyringError::Full)?;
            for id in first..next.next_bucket {
                let bucket = Bucket::fresh(id, class, random)?;
                next.buckets.insert(id, Arc::new(bucket));
            }
            Ok(true)
        })?;
        Ok(first)
    }
}
