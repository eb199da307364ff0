//! An account: one person who may log in, their rights and their key.

use unicode_normalization::UnicodeNormalization;

use crate::authn::password::{KeyHalf, PasswordRecord};
use crate::crypto::content_key::{ContentKey, RecipientHalf};
use crate::crypto::envelope::{self, OpenError, Place, SealError};
use crate::crypto::wrap::{PrivateKey, PublicKey};
use crate::domain::id::{AccountId, DepartmentId, RecordId, UnitId};
use crate::domain::random::Random;
use crate::domain::role::Roles;
use crate::domain::secret::Secret;
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;
use crate::engine::Space;
use crate::keyring::{Keyring, Punctured};

use super::view::AccountState;

/// A login name: 2 to 64 characters, letters of any script, digits, `.`, `-`, `_`; NFC, lower case.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Login(String);

/// A text that is not a login name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a login name has 2 to 64 letters, digits, dots, hyphens or underscores")]
pub struct BadLogin;

impl Login {
    /// Reads a login name.
    pub fn parse(text: &str) -> Result<Self, BadLogin> {
        let name: String = text.trim().nfc().flat_map(char::to_lowercase).collect();
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let length = name.chars().count();
        if (2..=64).contains(&length) && name.chars().all(allowed) {
            Ok(Self(name))
        } else {
            Err(BadLogin)
        }
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An invitation that has not been used: the hash of its code and its end.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Code {
    /// SHA-256 of the code; the code itself has 100 random bits, so a slow hash adds nothing.
    pub hash: [u8; 32],
    /// Until when it can be used.
    pub expires: Timestamp,
}

/// What exists once a person has set their own password.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Credentials {
    /// The password, as stored.
    pub password: PasswordRecord,
    /// The unit whose shred half is in the private key's seal: destroying it kills the key in
    /// every image of the disk.
    pub unit: UnitId,
    /// The public key.
    pub public_key: PublicKey,
    /// Version of the key pair.
    pub key_version: u32,
    /// The private key, sealed.
    pub sealed_key: Vec<u8>,
}

/// One account.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// Id.
    pub id: AccountId,
    /// Login name.
    pub login: Login,
    /// Roles in force.
    pub roles: Roles,
    /// Department.
    pub department: Option<DepartmentId>,
    /// State.
    pub state: AccountState,
    /// Open invitation.
    pub code: Option<Code>,
    /// Password and key, once enrolled.
    pub credentials: Option<Credentials>,
    /// Counts key pairs, over resets.
    pub key_version: u32,
    /// When it was created.
    pub created: Timestamp,
    /// Counts what takes rights away or sets credentials anew. The keyring knows the least one
    /// that is believed, so that no older copy of this row gives anything back.
    pub revision: u64,
}

impl Account {
    /// The row of an account whose newer rows are lost: shut out, without roles and credentials,
    /// until an administrator resets it and its rights are given anew.
    #[must_use]
    pub fn held_back(&self, revision: u64) -> Self {
        Self {
            roles: Roles::default(),
            state: AccountState::Disabled,
            code: None,
            credentials: None,
            revision,
            ..self.clone()
        }
    }

    /// The public key, if a case can be wrapped to this account now.
    pub fn receives(&self) -> Option<PublicKey> {
        let enrolled = self.state == AccountState::Enrolled;
        self.credentials
            .as_ref()
            .filter(|_| enrolled)
            .map(|c| c.public_key)
    }
}

fn place(account: AccountId, unit: UnitId, key_version: u32) -> Place {
    Place {
        space: Space::Account,
        unit,
        tier: Tier::Ordinary,
        record: RecordId::from_bytes(*account.as_bytes()),
        field: 0,
        schema: 1,
        version: u64::from(key_version),
    }
}

/// A private key could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The account's unit is destroyed.
    #[error(transparent)]
    Punctured(#[from] Punctured),
    /// The key could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The sealed key does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// `KEK = HKDF(salt = SK_account, ikm = argon2id half)`, the same two-halves rule as content.
fn key(
    keyring: &Keyring,
    unit: UnitId,
    half: &KeyHalf,
    key_version: u32,
) -> Result<ContentKey, Punctured> {
    let shred = keyring.shred_half(unit)?;
    let half = RecipientHalf::new(half.0.duplicate());
    Ok(ContentKey::combine(
        &shred,
        &half,
        unit,
        Tier::Ordinary,
        key_version,
    ))
}

/// Seals an officer's private key under their password's half and the account's shred half.
pub fn seal_key(
    keyring: &Keyring,
    account: AccountId,
    unit: UnitId,
    half: &KeyHalf,
    key_version: u32,
    private: &PrivateKey,
    random: &dyn Random,
) -> Result<Vec<u8>, KeyError> {
    let kek = key(keyring, unit, half, key_version)?;
    Ok(envelope::seal(
        &kek,
        &place(account, unit, key_version),
        private.secret().expose(),
        random,
    )?)
}

/// Opens what [`seal_key`] sealed.
pub fn open_key(
    keyring: &Keyring,
    account: AccountId,
    credentials: &Credentials,
    half: &KeyHalf,
) -> Result<PrivateKey, KeyError> {
    let Credentials {
        unit,
        key_version,
        sealed_key,
        ..
    } = credentials;
    let kek = key(keyring, *unit, half, *key_version)?;
    let plain = envelope::open(&kek, &place(account, *unit, *key_version), sealed_key)?;
    let secret = Secret::from_slice(plain.expose()).ok_or(OpenError::Format)?;
    Ok(PrivateKey::new(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_names_are_folded_and_checked() {
        assert_eq!(Login::parse(" Kim.Min-Su ").unwrap().as_str(), "kim.min-su");
        assert_eq!(Login::parse("김민수").unwrap().as_str(), "김민수");
        for bad in ["", "a", "a b", "a/b", "a@b", &"x".repeat(65)] {
            assert!(Login::parse(bad).is_err(), "{bad}");
        }
    }
}
