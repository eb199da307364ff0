//! What the keyring knows of a restore: that one was begun, and what older rows are not believed.
//!
//! The mark stands in the root, so that no crash and no other copy of the data can end a restore
//! half-way. Only here is the floor ever lowered.

use std::collections::{BTreeMap, HashSet};

use crate::domain::id::{AccountId, BackupId, KeyHolderId, UnitId};
use crate::domain::tier::{Tier, UnitKind};

use super::bucket::Class;
use super::{Floor, Keyring, KeyringError};

/// A restore that was begun and is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Restoring {
    /// The backup whose data is being brought back, if it is one.
    pub backup: Option<BackupId>,
    /// The capsule that this keyring came out of, if it did.
    pub capsule: Option<KeyHolderId>,
    /// What the keyring vouched for before.
    pub floor: Floor,
}

impl Keyring {
    /// The restore that is to be finished before anything else, if there is one.
    pub fn restoring(&self) -> Option<Restoring> {
        self.look(|root| root.restoring)
    }

    /// Begins a restore of `backup`, whose logs are as long as `floor` says: from now on only that
    /// is asked of the logs, and what was asked before is remembered (one root write). Repeating
    /// it with the same backup changes nothing.
    ///
    /// # Errors
    /// [`KeyringError::Restoring`] in the middle of another backup's restore, or what the disk
    /// said.
    pub fn begin_restore(&self, backup: BackupId, floor: Floor) -> Result<(), KeyringError> {
        self.change(|next, _| {
            match next.restoring.and_then(|begun| begun.backup) {
                Some(begun) if begun == backup => return Ok(false),
                Some(_) => return Err(KeyringError::Restoring),
                None => {}
            }
            next.restoring = Some(Restoring {
                backup: Some(backup),
                capsule: next.restoring.and_then(|begun| begun.capsule),
                floor: next.floor,
            });
            next.floor = floor;
            Ok(true)
        })
    }

    /// Ends the restore; from now on the logs must be as long as `floor` says (one root write).
    ///
    /// # Errors
    /// What the disk said; the restore is not ended then.
    pub fn finish_restore(&self, floor: Floor) -> Result<(), KeyringError> {
        self.change(|next, _| {
            if next.restoring.is_none() {
                return Ok(false);
            }
            next.restoring = None;
            next.floor = floor;
            Ok(true)
        })
    }

    /// Version of the root by which a unit last died; 0 if none did.
    pub fn last_puncture(&self) -> u64 {
        self.look(|root| root.punctured)
    }

    /// One above the highest bucket that was ever opened.
    pub fn next_bucket(&self) -> u32 {
        self.look(|root| root.next_bucket)
    }

    /// From now on a row of one of these accounts that is older than its revision is not believed
    /// (at most one root write). A revision is never lowered.
    ///
    /// # Errors
    /// What the disk said; nothing is raised then.
    pub fn raise_credentials(
        &self,
        revisions: impl IntoIterator<Item = (AccountId, u64)>,
    ) -> Result<(), KeyringError> {
        let known = self.credentials();
        let newer = |(id, revision): &(AccountId, u64)| {
            known.get(id).copied().unwrap_or_default() < *revision
        };
        let raised: Vec<_> = revisions.into_iter().filter(newer).collect();
        if raised.is_empty() {
            return Ok(());
        }
        self.change(|next, _| {
            let mut changed = false;
            for (id, revision) in raised {
                let least = next.credentials.entry(id).or_default();
                changed |= *least < revision;
                *least = (*least).max(revision);
            }
            Ok(changed)
        })
    }

    /// The least revision of each account's row that is believed.
    pub fn credentials(&self) -> BTreeMap<AccountId, u64> {
        self.look(|root| root.credentials.clone())
    }

    /// Destroys every unit of these kinds that is not in `keep`, slots that were never issued
    /// included. For a keyring out of a capsule: what was re-keyed since is named nowhere but by
    /// its absence. Gives how many slots died.
    ///
    /// # Errors
    /// As [`Keyring::puncture`].
    pub fn keep_only(
        &self,
        kinds: &[(Tier, UnitKind)],
        keep: &HashSet<UnitId>,
    ) -> Result<u64, KeyringError> {
        let dying: Vec<UnitId> = self.look(|root| {
            let concerned = root.buckets.values().filter(|bucket| {
                let of = |(tier, kind): &(Tier, UnitKind)| bucket.class.is_of(*tier, *kind);
                kinds.iter().any(of)
            });
            let slots = concerned.flat_map(|bucket| {
                let live = (0..UnitId::SLOTS).filter(|slot| bucket.tree.holds(*slot));
                live.filter_map(|slot| UnitId::new(bucket.id, slot))
            });
            slots.filter(|unit| !keep.contains(unit)).collect()
        });
        self.puncture(&dying)?;
        Ok(dying.len() as u64)
    }
}

impl Class {
    /// Whether it is of this tier and kind, whatever the quarter.
    fn is_of(self, tier: Tier, kind: UnitKind) -> bool {
        self == Self::new(tier, kind, self.quarter())
    }
}
