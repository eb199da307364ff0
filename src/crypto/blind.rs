//! The blind index: what stands on the disk in place of a value that is searched for.
//!
//! ```text
//! K_scope = HMAC-SHA-256(K_index, "bongham/index-scope/1" ‖ department)
//! t0      = HMAC-SHA-256(K_scope, field u8 ‖ normalised value)[..16]
//! token   = HMAC-SHA-256(K_epoch, t0)[..16]
//! K_u     = HKDF-Expand(SK_u, "bongham/index-unit/1" ‖ unit u64)
//! ```
//! `K_index` is a server key, `K_epoch` lives in the keyring's root and is replaced every
//! month and after every destruction.
//! A unit's `t0` values are stored under `K_u` alone, so they die with the unit, and tokens can be
//! made anew for the living without any officer.
//!
//! **What it leaks.** Without the keyring: which rows of one scope and epoch hold the same value,
//! and how many. With the root of a running server: whether a guessed telephone number stands in
//! some ordinary case of a department. Sensitive cases have no tokens at all.

use ring::hkdf::{HKDF_SHA256, Prk};
use ring::hmac;

use super::aead;
use super::content_key::ShredHalf;
use super::sealed::RowKey;
use crate::domain::id::{DepartmentId, UnitId};
use crate::domain::secret::Secret;

/// `K_index`, from which every scope draws its key.
pub struct IndexKey(hmac::Key);

/// `K_scope`: the blind index of one department.
pub struct ScopeKey(hmac::Key);

/// `K_epoch`: the tokens of one epoch.
pub struct EpochKey(hmac::Key);

/// A value of one field in one scope, blinded: `t0`. Secret all the same, as whoever has it and an
/// epoch's key finds its rows.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, zeroize::Zeroize)]
pub struct Term([u8; 16]);

impl IndexKey {
    /// As derived by the keyring.
    pub fn new(secret: &Secret<32>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
    }
    /// The key of a department's index.
    pub fn scope(&self, department: DepartmentId) -> ScopeKey {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"bongham/index-scope/1");
        context.update(department.as_bytes());
        ScopeKey(hmac::Key::new(hmac::HMAC_SHA256, context.sign().as_ref()))
    }
}

impl ScopeKey {
    /// `t0` of a value. `field` tells a name from an address that reads the same.
    pub fn blind(&self, field: u8, normalised: &str) -> Term {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[field]);
        context.update(normalised.as_bytes());
        Term(short(&context.sign()))
    }
}

impl EpochKey {
    /// As held by the keyring.
    pub fn new(secret: &Secret<32>) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
    }
    /// The token of a term, with which the keys of its rows begin.
    pub fn token(&self, term: &Term) -> [u8; 16] {
        short(&hmac::sign(&self.0, &term.0))
    }
}

fn short(tag: &hmac::Tag) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    bytes
}

/// `K_u`: seals what the index knows of one unit, and is gone when the unit is.
pub fn unit_key(shred: &ShredHalf, unit: UnitId) -> RowKey {
    let prk = Prk::new_less_safe(HKDF_SHA256, shred.secret().expose());
    let number = unit.as_u64().to_be_bytes();
    RowKey::new(aead::expand(&prk, &[b"bongham/index-unit/1", &number]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sealed::Padding;
    use crate::domain::random::SeededSource;
    use crate::engine::Space;

    fn department(byte: u8) -> DepartmentId {
        DepartmentId::from_bytes([byte; 16])
    }

    #[test]
    fn field_value_scope_index_and_epoch_all_change_the_token() {
        let token = |index: u8, scope: u8, field: u8, value: &str, epoch: u8| {
            let scope = IndexKey::new(&Secret::new([index; 32])).scope(department(scope));
            EpochKey::new(&Secret::new([epoch; 32])).token(&scope.blind(field, value))
        };
        let one = token(1, 2, 3, "01000001234", 4);
        assert_eq!(one, token(1, 2, 3, "01000001234", 4));
        for other in [
            token(9, 2, 3, "01000001234", 4),
            token(1, 9, 3, "01000001234", 4),
            token(1, 2, 9, "01000001234", 4),
            token(1, 2, 3, "01000001235", 4),
            token(1, 2, 3, "01000001234", 9),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_formula_is_the_documented_one() {
        let mac = |key: &[u8], text: &[u8]| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
                .as_ref()
                .to_vec()
        };
        let scope = mac(
            &[1; 32],
            &[b"bongham/index-scope/1".as_slice(), &[2; 16]].concat(),
        );
        let term = &mac(&scope, b"\x03value")[..16];
        let ours = IndexKey::new(&Secret::new([1; 32]))
            .scope(department(2))
            .blind(3, "value");
        assert_eq!(ours.0, term);
        let token = EpochKey::new(&Secret::new([4; 32])).token(&ours);
        assert_eq!(token, mac(&[4; 32], term)[..16]);
    }

    #[test]
    fn what_a_unit_sealed_opens_with_its_half_alone() {
        let random = SeededSource::new(1);
        let unit = UnitId::from_u64(5);
        let key = |half: u8, unit| unit_key(&ShredHalf::new(Secret::new([half; 32])), unit);
        let sealed = key(1, unit)
            .seal(Space::Posting, b"row", b"terms", Padding::None, &random)
            .unwrap();
        let open = |key: RowKey| key.open(Space::Posting, b"row", &sealed).is_ok();
        assert!(open(key(1, unit)));
        assert!(!open(key(2, unit)));
        assert!(!open(key(1, UnitId::from_u64(6))));
    }
}
