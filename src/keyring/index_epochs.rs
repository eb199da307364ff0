//! Epochs of the blind index: a key of their own in the root, replaced every month and after
//! every destruction, so that rows of the index that lie in old segments come to mean nothing.
//!
//! While tokens are made anew there are two keys, the one new rows are written under and the one
//! that older rows still stand under; when none does any more, the older key is destroyed with the
//! root that held it. Beginning and ending are one root write each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

use super::{Keyring, KeyringError};

/// One epoch of the blind index.
pub struct IndexEpoch {
    /// Tells it from every other: random, so that a keyring restored from an older copy never
    /// gives a number that rows carry already.
    pub id: u64,
    /// When it began.
    pub since: Timestamp,
    /// `K_epoch`.
    pub key: Secret<32>,
}

/// The epochs of a root: never none.
pub(super) struct IndexKeys {
    pub(super) newest: IndexEpoch,
    pub(super) older: Option<IndexEpoch>,
}

impl IndexEpoch {
    fn fresh(random: &dyn Random, since: Timestamp) -> Result<Self, RandomError> {
        Ok(Self {
            id: u64::from_be_bytes(random.array()?),
            since,
            key: Secret::random(random)?,
        })
    }
    fn duplicate(&self) -> Self {
        Self {
            id: self.id,
            since: self.since,
            key: self.key.duplicate(),
        }
    }
    pub(super) fn row(&self) -> IndexRow {
        IndexRow {
            id: self.id,
            since: self.since.as_millis(),
            key: *self.key.expose(),
        }
    }
    fn of_row(row: &IndexRow) -> Self {
        Self {
            id: row.id,
            since: Timestamp::from_millis(row.since),
            key: Secret::new(row.key),
        }
    }
}

impl IndexKeys {
    /// The epoch that a new keyring begins with.
    pub(super) fn first(random: &dyn Random, now: Timestamp) -> Result<Self, RandomError> {
        Ok(Self {
            newest: IndexEpoch::fresh(random, now)?,
            older: None,
        })
    }
    pub(super) fn of_rows(newest: &IndexRow, older: Option<&IndexRow>) -> Self {
        Self {
            newest: IndexEpoch::of_row(newest),
            older: older.map(IndexEpoch::of_row),
        }
    }
}

/// An epoch as it stands in the root file.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct IndexRow {
    id: u64,
    since: i64,
    key: [u8; 32],
}

impl Keyring {
    /// The epoch that new rows of the blind index are written under.
    pub fn index_epoch(&self) -> IndexEpoch {
        self.look(|root| root.index.newest.duplicate())
    }

    /// The epoch whose rows are still to be written anew; `None` but in the middle of a rotation.
    pub fn older_index_epoch(&self) -> Option<IndexEpoch> {
        self.look(|root| root.index.older.as_ref().map(IndexEpoch::duplicate))
    }

    /// Whether the key of this epoch is still there.
    pub fn has_index_epoch(&self, id: u64) -> bool {
        self.look(|root| {
            let IndexKeys { newest, older } = &*root.index;
            newest.id == id || older.as_ref().is_some_and(|older| older.id == id)
        })
    }

    /// Begins a new epoch beside the present one (one root write), unless a rotation is under way
    /// already.
    ///
    /// # Errors
    /// What the disk said; the epochs are unchanged then.
    pub fn rotate_index_epoch(&self) -> Result<(), KeyringError> {
        let now = self.clock.now();
        self.change(|next, random| {
            if next.index.older.is_some() {
                return Ok(false);
            }
            next.index = Arc::new(IndexKeys {
                newest: IndexEpoch::fresh(random, now)?,
                older: Some(next.index.newest.duplicate()),
            });
            Ok(true)
        })
    }

    /// Destroys the key of the older epoch (one root write): its rows mean nothing from then on,
    /// on any image of the disk.
    ///
    /// # Errors
    /// What the disk said; call again then.
    pub fn destroy_older_index_epoch(&self) -> Result<(), KeyringError> {
        self.change(|next, _| {
            let there = next.index.older.is_some();
            next.index = Arc::new(IndexKeys {
                newest: next.index.newest.duplicate(),
                older: None,
            });
            Ok(there)
        })
    }
}
