//! Handing over: content kept apart, sealed anew to the public key of an archive (기록관), which
//! opens it years later without keyring and without store.
//!
//! ```text
//! content key   enc 32 ‖ ct 32 ‖ tag 16
//!               HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM,
//!               info = "bongham/archive/1" ‖ suite ‖ item 16, aad empty
//! part          as in [`super::sealed`], unpadded, under the content key,
//!               space = Retained, key of the row = item 16 ‖ number u32
//! ```
//! Nothing in it can be destroyed by the office: what the archive has is the archive's.

use super::sealed::{Padding, RowKey};
use super::wrap::{PrivateKey, PublicKey, WrapError, hpke_open, hpke_seal};
use super::{OpenError, SUITE, SealError};
use crate::domain::id::RetainedId;
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::{Secret, SecretBytes};
use crate::engine::Space;

/// The key of one item on its way to an archive.
pub struct ArchiveKey(Secret<32>);

fn info(item: RetainedId) -> Vec<u8> {
    [
        b"bongham/archive/1",
        [SUITE].as_slice(),
        item.as_bytes().as_slice(),
    ]
    .concat()
}

fn place(item: RetainedId, number: u32) -> Vec<u8> {
    [item.as_bytes().as_slice(), &number.to_be_bytes()].concat()
}

impl ArchiveKey {
    /// A fresh key.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        Secret::random(random).map(Self)
    }

    /// The key for the archive alone: one HPKE message of 80 bytes, bound to the item.
    pub fn wrap_to(
        &self,
        item: RetainedId,
        archive: &PublicKey,
        random: &dyn Random,
    ) -> Result<Vec<u8>, WrapError> {
        hpke_seal(archive, &info(item), &self.0, random)
    }

    /// Opens what [`ArchiveKey::wrap_to`] made.
    pub fn unwrap_with(
        item: RetainedId,
        message: &[u8],
        archive: &PrivateKey,
    ) -> Result<Self, WrapError> {
        hpke_open(archive, &info(item), message).map(Self)
    }

    /// Seals part `number` of the item.
    pub fn seal(
        &self,
        item: RetainedId,
        number: u32,
        content: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, SealError> {
        let place = place(item, number);
        RowKey::new(self.0.duplicate()).seal(
            Space::Retained,
            &place,
            content,
            Padding::None,
            random,
        )
    }

    /// Opens part `number` of the item.
    pub fn open(
        &self,
        item: RetainedId,
        number: u32,
        sealed: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        let place = place(item, number);
        RowKey::new(self.0.duplicate()).open(Space::Retained, &place, sealed)
    }
}

/// SHA-256 of a whole hand-over, so that one cut short is seen.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    let made = ring::digest::digest(&ring::digest::SHA256, bytes);
    for (to, from) in digest.iter_mut().zip(made.as_ref()) {
        *to = *from;
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::super::wrap::generate;
    use super::*;
    use crate::domain::random::SystemSource;

    #[test]
    fn only_the_archive_opens_it_and_only_in_its_place() {
        let random = SystemSource::default();
        let (private, public) = generate(&random).unwrap();
        let (stranger, _) = generate(&random).unwrap();
        let (item, other) = (
            RetainedId::from_bytes([1; 16]),
            RetainedId::from_bytes([2; 16]),
        );
        let key = ArchiveKey::random(&random).unwrap();
        let message = key.wrap_to(item, &public, &random).unwrap();
        let sealed = key.seal(item, 0, b"content", &random).unwrap();
        assert_eq!(message.len(), 80);

        let opened = ArchiveKey::unwrap_with(item, &message, &private).unwrap();
        assert_eq!(opened.open(item, 0, &sealed).unwrap().expose(), b"content");
        assert!(ArchiveKey::unwrap_with(item, &message, &stranger).is_err());
        assert!(ArchiveKey::unwrap_with(other, &message, &private).is_err());
        assert!(opened.open(item, 1, &sealed).is_err());
        assert!(opened.open(other, 0, &sealed).is_err());
    }
}
