//! Who a wrap is for, and how that is written where the wrap is bound to it.

use super::wrap::Fingerprint;
use crate::domain::id::{AccountId, DepartmentId};

/// Who a wrap is for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Recipient {
    /// An assignee, by the key they had.
    Officer {
        /// Whose.
        account: AccountId,
        /// Of which key.
        key: Fingerprint,
    },
    /// A member of a department's sensitive desk.
    Desk {
        /// Which desk.
        department: DepartmentId,
        /// Whose.
        account: AccountId,
        /// Of which key.
        key: Fingerprint,
    },
    /// The department's key: tier O.
    Department {
        /// Which department.
        department: DepartmentId,
        /// Which of its keys.
        key_version: u32,
    },
    /// Share `index` of `total`, any `needed` of which open the case together.
    Custodian {
        /// Whose.
        account: AccountId,
        /// Of which key.
        key: Fingerprint,
        /// Which share, from 1.
        index: u8,
        /// How many are needed.
        needed: u8,
        /// How many there are.
        total: u8,
    },
    /// Who keeps what another law forces the office to keep.
    Retention {
        /// Whose.
        account: AccountId,
        /// Of which key.
        key: Fingerprint,
    },
}

impl Recipient {
    /// The fingerprint of the key pair it names; none for a department.
    pub const fn key(&self) -> Option<Fingerprint> {
        match self {
            Self::Officer { key, .. }
            | Self::Desk { key, .. }
            | Self::Custodian { key, .. }
            | Self::Retention { key, .. } => Some(*key),
            Self::Department { .. } => None,
        }
    }

    /// One byte for the kind, never reassigned, then its fields at fixed lengths.
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Officer { account, key } => {
                [[1].as_slice(), account.as_bytes(), key.as_bytes()].concat()
            }
            Self::Desk {
                department,
                account,
                key,
            } => [
                [2].as_slice(),
                department.as_bytes(),
                account.as_bytes(),
                key.as_bytes(),
            ]
            .concat(),
            Self::Department {
                department,
                key_version,
            } => [
                [3].as_slice(),
                department.as_bytes(),
                &key_version.to_be_bytes(),
            ]
            .concat(),
            Self::Custodian {
                account,
                key,
                index,
                needed,
                total,
            } => [
                [4].as_slice(),
                account.as_bytes(),
                key.as_bytes(),
                &[*index, *needed, *total],
            ]
            .concat(),
            Self::Retention { account, key } => {
                [[5].as_slice(), account.as_bytes(), key.as_bytes()].concat()
            }
        }
    }
}
