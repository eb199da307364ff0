//! The few bytes that really can be forgotten.
//!
//! Each root is sealed under a key that needs the secret `E_v` of its side's slot. To overwrite
//! those 32 bytes is to destroy every copy of that root there ever was, wherever it lies.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::domain::random::Random;
use crate::domain::secret::Secret;

use super::KeyringError;
use super::formula::sha256;
use super::storage::{Side, Storage, failed};

/// Two slots of 32 secret bytes on something that forgets what is overwritten. What kind of
/// thing it is decides how far a certificate of destruction may go.
pub(super) trait Effaceable: Send + Sync {
    /// Puts the secret into the slot; durable and read back when it returns.
    fn store(&self, side: Side, secret: &Secret<32>) -> Result<(), KeyringError>;
    /// The secret in the slot; `None` if it was effaced, torn or damaged.
    fn load(&self, side: Side) -> Result<Option<Secret<32>>, KeyringError>;
    /// Destroys the secret; durable and read back when it returns. Repeating it is harmless.
    fn efface(&self, side: Side) -> Result<(), KeyringError>;
}

const SLOT_BYTES: usize = 4096;
/// Magic, format version, suite.
const HEAD: [u8; 6] = *b"BHKE\x01\x01";

/// Preallocated files `e0` and `e1` of 4,096 bytes, overwritten in place.
///
/// `HEAD ‖ E (32) ‖ SHA-256(HEAD ‖ E) ‖ zeros`. Best effort on flash, whose controller may keep
/// the old page: a remnant there is of use only together with the passphrase and the old root.
pub(super) struct FileSlots {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) random: Arc<dyn Random>,
}

impl FileSlots {
    fn overwrite(&self, side: Side, bytes: &[u8]) -> Result<(), KeyringError> {
        let name = side.slot();
        self.storage.write(name, bytes).map_err(failed(name))?;
        self.storage.sync(&[name]).map_err(failed(name))?;
        let found = Zeroizing::new(self.storage.read(name).map_err(failed(name))?);
        if found.as_deref() == Some(bytes) {
            Ok(())
        } else {
            Err(KeyringError::Io(format!(
                "{name}: the disk did not keep what was written"
            )))
        }
    }
}

impl Effaceable for FileSlots {
    fn store(&self, side: Side, secret: &Secret<32>) -> Result<(), KeyringError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(SLOT_BYTES));
        bytes.extend_from_slice(&HEAD);
        bytes.extend_from_slice(secret.expose());
        let check = sha256(&bytes);
        bytes.extend_from_slice(&check);
        bytes.resize(SLOT_BYTES, 0);
        self.overwrite(side, &bytes)
    }

    fn load(&self, side: Side) -> Result<Option<Secret<32>>, KeyringError> {
        let name = side.slot();
        let bytes = self.storage.read(name).map_err(failed(name))?;
        let bytes = Zeroizing::new(bytes.unwrap_or_default());
        let parts = bytes.split_at_checked(HEAD.len() + 32);
        Ok(parts.and_then(|(covered, rest)| {
            let (head, secret) = covered.split_at_checked(HEAD.len())?;
            let intact = head == HEAD && rest.starts_with(&sha256(covered));
            Secret::from_slice(secret).filter(|_| intact)
        }))
    }

    fn efface(&self, side: Side) -> Result<(), KeyringError> {
        let mut noise = vec![0; SLOT_BYTES];
        self.random.fill(&mut noise)?;
        self.overwrite(side, &noise)
    }
}
