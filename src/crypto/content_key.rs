//! The content key and its two halves.

use ring::hkdf::{HKDF_SHA256, Prk, Salt};

use super::{SUITE, aead};
use crate::domain::id::UnitId;
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;
use crate::domain::tier::Tier;

/// The half that the keyring holds and destroys: `SK_u`.
pub struct ShredHalf(Secret<32>);
/// The half that only ever leaves memory wrapped to its recipients: `DEK_u`.
pub struct RecipientHalf(Secret<32>);
/// `CEK_u = HKDF(salt = SK_u, ikm = DEK_u, info = "bongham/cek/1" ‖ suite ‖ unit ‖ tier ‖ key version)`.
///
/// Both halves are needed: the unit dies with `SK_u` though wraps of `DEK_u` live on in old
/// images, and `SK_u` alone opens nothing (HKDF is a dual PRF under the usual assumption on HMAC).
pub struct ContentKey(Secret<32>);

impl ShredHalf {
    /// As derived by the keyring.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }
    /// The bytes.
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }
}
impl RecipientHalf {
    /// The half of a fresh unit.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        Secret::random(random).map(Self)
    }
    /// As unwrapped by a recipient.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }
    /// The bytes.
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }
}
impl ContentKey {
    /// The formula above. `key_version` counts the re-keyings of the case, from 1.
    pub fn combine(
        shred: &ShredHalf,
        recipient: &RecipientHalf,
        unit: UnitId,
        tier: Tier,
        key_version: u32,
    ) -> Self {
        let prk = Salt::new(HKDF_SHA256, shred.0.expose()).extract(recipient.0.expose());
        Self(aead::expand(
            &prk,
            &[
                b"bongham/cek/1",
                &[SUITE],
                &unit.as_u64().to_be_bytes(),
                &[tier.byte()],
                &key_version.to_be_bytes(),
            ],
        ))
    }

    /// A key that a test knows.
    #[cfg(test)]
    pub(super) const fn from_bytes_for_tests(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The key as HKDF's pseudorandom key, from which each record draws its own.
    pub(super) fn prk(&self) -> Prk {
        aead::prk(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula written out with HMAC alone, independent of HKDF's code.
    fn by_hmac(sk: &[u8; 32], dek: &[u8; 32], info: &[u8]) -> Vec<u8> {
        use ring::hmac::{HMAC_SHA256, Key, sign};
        let prk = sign(&Key::new(HMAC_SHA256, sk), dek);
        let block = [info, &[1]].concat();
        sign(&Key::new(HMAC_SHA256, prk.as_ref()), &block)
            .as_ref()
            .to_vec()
    }

    #[test]
    fn the_formula_is_the_documented_one() {
        let unit = UnitId::new(3, 5).unwrap();
        let key = ContentKey::combine(
            &ShredHalf::new(Secret::new([1; 32])),
            &RecipientHalf::new(Secret::new([2; 32])),
            unit,
            Tier::Sensitive,
            9,
        );
        let info = [
            b"bongham/cek/1\x01".as_slice(),
            &(3_u64 << 10 | 5).to_be_bytes(),
            b"S",
            &9_u32.to_be_bytes(),
        ]
        .concat();
        assert_eq!(
            key.0.expose().as_slice(),
            by_hmac(&[1; 32], &[2; 32], &info)
        );
    }

    #[test]
    fn every_input_changes_the_key() {
        let key = |sk: u8, dek: u8, unit: u64, tier, version| {
            *ContentKey::combine(
                &ShredHalf::new(Secret::new([sk; 32])),
                &RecipientHalf::new(Secret::new([dek; 32])),
                UnitId::from_u64(unit),
                tier,
                version,
            )
            .0
            .expose()
        };
        let one = key(1, 2, 3, Tier::Ordinary, 4);
        assert_eq!(one, key(1, 2, 3, Tier::Ordinary, 4));
        for other in [
            key(2, 2, 3, Tier::Ordinary, 4),
            key(1, 1, 3, Tier::Ordinary, 4),
            key(2, 1, 3, Tier::Ordinary, 4),
            key(1, 2, 4, Tier::Ordinary, 4),
            key(1, 2, 3, Tier::Sensitive, 4),
            key(1, 2, 3, Tier::Ordinary, 5),
        ] {
            assert_ne!(one, other);
        }
    }
}
