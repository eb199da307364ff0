//! Who keeps a copy of the keyring: a destruction is complete only when every copy from before it
//! is destroyed, too.

use crate::domain::id::{AccountId, KeyHolderId};
use crate::domain::time::Timestamp;

use super::view::CopyState;

/// The end of a copy, as its holder told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acknowledged {
    /// Who entered it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// One copy of the keyring and its holder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyHolder {
    /// Serial number of the copy.
    pub id: KeyHolderId,
    /// Who keeps it, as people call them. Empty where a restore lost the name.
    pub name: String,
    /// When it was made.
    pub made: Timestamp,
    /// Who made it.
    pub by: AccountId,
    /// Version of the keyring that is in it.
    pub version: u64,
    /// One above the highest bucket that is in it.
    pub next_bucket: u32,
    /// That it is destroyed.
    pub ended: Option<Acknowledged>,
}

impl KeyHolder {
    /// What the copy is now, where a unit last died with version `punctured` of the keyring and
    /// the next bucket would be `next_bucket`.
    pub const fn state(&self, punctured: u64, next_bucket: u32) -> CopyState {
        if self.ended.is_some() {
            CopyState::Acknowledged
        } else if punctured > self.version {
            CopyState::Stale
        } else if next_bucket > self.next_bucket {
            CopyState::Behind
        } else {
            CopyState::Current
        }
    }
}
