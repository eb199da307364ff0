//! The gate: from permit to plaintext to view.
//!
//! Content is sealed in [`seal`], opened in [`open`], looked through in [`compare`], moved to new
//! keys in [`rekey`] and copied to where another law keeps it in [`apart`]. What is opened is a
//! [`Disclosed`]: it has no accessor, and gives up a view, reduced to the permit's fields, only for
//! the receipt of the very entry that was made for it.

mod apart;
mod compare;
mod open;
mod rekey;
mod seal;

use std::sync::Arc;

use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::Action;
use crate::crypto::envelope::SealError;
use crate::crypto::wrap::{CaseKey, Recipient, Wrap, WrapError};
use crate::domain::id::{RecordId, UnitId};
use crate::domain::random::{Random, RandomError};
use crate::domain::tier::UnitKind;
use crate::keyring::{Keyring, KeyringError};

pub use apart::{Copied, Custodian, KeptApart, OpensApart, Retains};
pub use compare::{Compared, Compares};
pub use open::{Decode, Disclosed, Plain, Reduce};
pub use rekey::{Rekeyed, Rekeys, Standing};
pub use seal::{Holder, STORED_BEFORE};

/// A unit of a case, as the case's head names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnitRef {
    /// The unit.
    pub unit: UnitId,
    /// What it holds.
    pub kind: UnitKind,
    /// The record in it.
    pub record: RecordId,
}

/// Content could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No wrap of this case is for this person's present key.
    #[error("no key of this person opens the case")]
    NoWrap,
    /// The unit was destroyed.
    #[error("the unit is destroyed")]
    Destroyed,
    /// Stored bytes do not open or do not decode.
    #[error("damaged content: {0}")]
    Damaged(&'static str),
    /// A receipt that was made for something else.
    #[error("the access-log entry is not for this disclosure")]
    WrongReceipt,
    /// The keyring could not give a unit.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A wrap could not be made.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// Content could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Seals and opens content of cases.
pub struct Vault {
    keyring: Arc<Keyring>,
    random: Arc<dyn Random>,
}

impl Vault {
    /// Over this keyring.
    pub fn new(keyring: Arc<Keyring>, random: Arc<dyn Random>) -> Self {
        Self { keyring, random }
    }

    /// The key of the permit's case, unwrapped with the officer's key that the session holds or,
    /// for a wrap to a department, with the department's key.
    pub fn unlock<A: Action>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        wraps: &[Wrap],
    ) -> Result<CaseKey, VaultError> {
        let case = permit.case().ok_or(VaultError::NoWrap)?;
        for wrap in wraps {
            match &wrap.recipient {
                Recipient::Department {
                    department,
                    key_version,
                } => {
                    let Some(key) = self
                        .keyring
                        .department_key_version(*department, *key_version)
                    else {
                        continue;
                    };
                    return CaseKey::unwrap_with_department(case, wrap, &key)
                        .map_err(|_| VaultError::Damaged("wrap"));
                }
                Recipient::Officer { account, key } | Recipient::Desk { account, key, .. }
                    if *account == session.account() && session.key_fingerprint() == Some(*key) =>
                {
                    let Some(private) = session.private_key() else {
                        continue;
                    };
                    return CaseKey::unwrap_with(case, wrap, &private)
                        .map_err(|_| VaultError::Damaged("wrap"));
                }
                _ => {}
            }
        }
        Err(VaultError::NoWrap)
    }
}
