//! How the key of a case reaches people: HPKE to officers, AEAD to a department's key.
//!
//! ```text
//! to a key pair    enc 32 ‖ ct 32 ‖ tag 16
//!                  HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM,
//!                  info = "bongham/wrap/1" ‖ suite ‖ terms, aad empty
//! to a department  nonce 12 ‖ ct 32 ‖ tag 16
//!                  AES-256-GCM(department key, random nonce, aad = "bongham/wrap/1" ‖ suite ‖ terms)
//! recipient half   nonce 12 ‖ ct 32 ‖ tag 16
//!                  AES-256-GCM(case key, random nonce, aad = "bongham/half/1" ‖ suite ‖ half's place)
//!
//! terms        = case 16 ‖ recipient ‖ key version u32 ‖ not-after (0 or 1, then i64 ms)
//! half's place = case 16 ‖ unit u64 ‖ key version u32
//! ```
//! A wrap opens only for the case, recipient, version and end that it was made for. Random nonces
//! hold for 2^32 messages of one key; a department's key wraps one case each, a case key the few
//! units of one case.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, Serializable};
use zeroize::{Zeroize, Zeroizing};

use super::aead::{self, NONCE};
use super::content_key::RecipientHalf;
pub use super::recipient::Recipient;
use super::{OpenError, SUITE, SealError};
use crate::domain::id::{CaseId, UnitId};
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// Bytes of a boxed recipient half: nonce, half, tag.
pub const BOXED: usize = NONCE + 32 + aead::TAG;

pub(super) type Kem = X25519HkdfSha256;
pub(super) type Kdf = HkdfSha256;
pub(super) type Aead = AesGcm256;
type HpkePrivateKey = <Kem as hpke::Kem>::PrivateKey;
type HpkePublicKey = <Kem as hpke::Kem>::PublicKey;
type EncappedKey = <Kem as hpke::Kem>::EncappedKey;

/// An officer's public key (X25519).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PublicKey([u8; 32]);
/// SHA-256 of a public key, first 16 bytes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Fingerprint([u8; 16]);
/// An officer's private key (X25519).
pub struct PrivateKey(Secret<32>);
/// A department's key, held in the keyring root.
pub struct DepartmentKey(Secret<32>);
/// The key of one case under which the recipient halves of its units are wrapped.
pub struct CaseKey(Secret<32>);

impl PublicKey {
    /// As read back from storage. Whether HPKE accepts it shows when something is wrapped to it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The bytes (RFC 7748 u-coordinate).
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// Whether a secret can be agreed on with it. With the points of low order (RFC 7748 §6.1) it
    /// is zero, whoever asks: any private key shows it, so a fixed one does.
    pub fn agrees(&self) -> bool {
        let probe = HpkePrivateKey::from_bytes(&[1; 32]);
        let theirs = EncappedKey::from_bytes(&self.0);
        probe.ok().zip(theirs.ok()).is_some_and(|(probe, theirs)| {
            hpke::setup_receiver::<Aead, Kdf, Kem>(&OpModeR::Base, &probe, &theirs, &[]).is_ok()
        })
    }
    /// `SHA-256(public key)[..16]`.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.0);
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Fingerprint(bytes)
    }
}
impl Fingerprint {
    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}
impl PrivateKey {
    /// As unsealed with its owner's password.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }
    /// The bytes (RFC 7748 scalar).
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }
    /// `X25519(private key, base point)`.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        // Every 32 bytes are a scalar; were it otherwise, the zero point that is left is one that
        // HPKE refuses to wrap to.
        if let Ok(key) = HpkePrivateKey::from_bytes(self.0.expose()) {
            Kem::sk_to_pk(&key).write_exact(&mut bytes);
        }
        PublicKey(bytes)
    }
}
/// A fresh key pair: `DeriveKeyPair(32 random bytes)` (RFC 9180 §7.1.3).
pub fn generate(random: &dyn Random) -> Result<(PrivateKey, PublicKey), RandomError> {
    let material: Secret<32> = Secret::random(random)?;
    let (private, public) = Kem::derive_keypair(material.expose());
    let mut bytes = Zeroizing::new([0; 32]);
    private.write_exact(bytes.as_mut());
    Ok((
        PrivateKey(Secret::new(*bytes)),
        PublicKey(public.to_bytes().into()),
    ))
}
impl DepartmentKey {
    /// As opened by the keyring.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }
    /// The bytes.
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }
}

/// One wrap record: the case key for one recipient.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Wrap {
    /// For whom.
    pub recipient: Recipient,
    /// Which case key this is; counts up with each re-keying.
    pub key_version: u32,
    /// After this the policies refuse it; strict expiry is a re-keying.
    pub not_after: Option<Timestamp>,
    /// HPKE message or AEAD box, by the recipient's type.
    message: Vec<u8>,
}

impl Wrap {
    /// What the message is bound to: `"bongham/wrap/1" ‖ suite ‖ terms`.
    fn terms(
        case: CaseId,
        recipient: &Recipient,
        key_version: u32,
        not_after: Option<Timestamp>,
    ) -> Vec<u8> {
        let end = not_after.map_or(0, Timestamp::as_millis).to_be_bytes();
        [
            b"bongham/wrap/1",
            [SUITE].as_slice(),
            case.as_bytes(),
            &recipient.encode(),
            &key_version.to_be_bytes(),
            &[u8::from(not_after.is_some())],
            &end,
        ]
        .concat()
    }

    fn own_terms(&self, case: CaseId) -> Vec<u8> {
        Self::terms(case, &self.recipient, self.key_version, self.not_after)
    }
}

/// Why a key could not be wrapped or unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Not this recipient's, not this case's, or changed.
    #[error("the wrap does not open")]
    Refused,
    /// The public key is not a point HPKE accepts.
    #[error("not a usable public key")]
    BadKey,
    /// The recipient names another key, or takes another kind of key, than the one given.
    #[error("the recipient and the key do not belong together")]
    Mismatch,
}

impl From<SealError> for WrapError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Random(error) => Self::Random(error),
            // Only 32-byte keys are boxed here, which are never too long.
            SealError::TooLong => Self::Refused,
        }
    }
}

impl From<OpenError> for WrapError {
    fn from(_: OpenError) -> Self {
        Self::Refused
    }
}

/// [`Random`] in the shape of `rand_core`, whose trait for HPKE cannot fail: a failure fills with
/// zeros and is remembered, and [`hpke_seal`] throws the result away.
pub(super) struct Chance<'a> {
    random: &'a dyn Random,
    failed: bool,
}

impl<'a> Chance<'a> {
    pub(super) const fn new(random: &'a dyn Random) -> Self {
        Self {
            random,
            failed: false,
        }
    }
}

impl hpke::rand_core::TryRng for Chance<'_> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        if self.random.fill(bytes).is_err() {
            bytes.zeroize();
            self.failed = true;
        }
        Ok(())
    }
}

impl hpke::rand_core::TryCryptoRng for Chance<'_> {}

/// `enc ‖ ct ‖ tag` of one HPKE message.
pub(super) fn hpke_seal(
    key: &PublicKey,
    info: &[u8],
    secret: &Secret<32>,
    random: &dyn Random,
) -> Result<Vec<u8>, WrapError> {
    let key = HpkePublicKey::from_bytes(&key.0).map_err(|_| WrapError::BadKey)?;
    let mut chance = Chance::new(random);
    let setup =
        hpke::setup_sender_with_rng::<Aead, Kdf, Kem>(&OpModeS::Base, &key, info, &mut chance);
    if chance.failed {
        return Err(RandomError.into());
    }
    let (enc, mut context) = setup.map_err(|_| WrapError::BadKey)?;
    let ct = context
        .seal(secret.expose(), &[])
        .map_err(|_| WrapError::Refused)?;
    Ok([enc.to_bytes().as_slice(), &ct].concat())
}

pub(super) fn hpke_open(
    key: &PrivateKey,
    info: &[u8],
    message: &[u8],
) -> Result<Secret<32>, WrapError> {
    let (enc, ct) = message
        .split_first_chunk::<32>()
        .ok_or(WrapError::Refused)?;
    let open = || {
        let key = HpkePrivateKey::from_bytes(key.0.expose())?;
        let enc = EncappedKey::from_bytes(enc)?;
        hpke::setup_receiver::<Aead, Kdf, Kem>(&OpModeR::Base, &key, &enc, info)?.open(ct, &[])
    };
    let text = Zeroizing::new(open().map_err(|_| WrapError::Refused)?);
    Secret::from_slice(&text).ok_or(WrapError::Refused)
}

/// `nonce ‖ ct ‖ tag` of 32 bytes under a key that boxes few.
fn box_seal(
    key: &Secret<32>,
    aad: &[u8],
    secret: &Secret<32>,
    random: &dyn Random,
) -> Result<Vec<u8>, WrapError> {
    let nonce: [u8; NONCE] = random.array()?;
    let mut message = Vec::with_capacity(NONCE + 32 + aead::TAG);
    message.extend_from_slice(&nonce);
    message.extend_from_slice(secret.expose());
    aead::seal(key, nonce, aad, &mut message, NONCE)?;
    Ok(message)
}

fn box_open(key: &Secret<32>, aad: &[u8], message: &[u8]) -> Result<Secret<32>, WrapError> {
    let (nonce, ct) = message.split_first_chunk().ok_or(WrapError::Refused)?;
    let mut text = Zeroizing::new(ct.to_vec());
    aead::open(key, *nonce, aad, &mut text)?;
    Secret::from_slice(&text).ok_or(WrapError::Refused)
}

fn half_aad(case: CaseId, unit: UnitId, key_version: u32) -> Vec<u8> {
    [
        b"bongham/half/1",
        [SUITE].as_slice(),
        case.as_bytes(),
        &unit.as_u64().to_be_bytes(),
        &key_version.to_be_bytes(),
    ]
    .concat()
}

impl CaseKey {
    /// The key of a fresh case, or of a re-keyed one.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        Secret::random(random).map(Self)
    }

    /// A key that a test came by on a road of its own.
    #[cfg(test)]
    pub(super) const fn from_bytes_for_tests(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// Wraps to an officer, desk member or other holder of a key pair. `recipient` must name the
    /// fingerprint of `key`, so it cannot be a `Department`.
    pub fn wrap_to(
        &self,
        case: CaseId,
        recipient: Recipient,
        key: &PublicKey,
        key_version: u32,
        not_after: Option<Timestamp>,
        random: &dyn Random,
    ) -> Result<Wrap, WrapError> {
        if recipient.key() != Some(key.fingerprint()) {
            return Err(WrapError::Mismatch);
        }
        let info = Wrap::terms(case, &recipient, key_version, not_after);
        Ok(Wrap {
            message: hpke_seal(key, &info, &self.0, random)?,
            recipient,
            key_version,
            not_after,
        })
    }

    /// Wraps to a department's key (`recipient` must be `Department`).
    pub fn wrap_to_department(
        &self,
        case: CaseId,
        recipient: Recipient,
        key: &DepartmentKey,
        key_version: u32,
        random: &dyn Random,
    ) -> Result<Wrap, WrapError> {
        if recipient.key().is_some() {
            return Err(WrapError::Mismatch);
        }
        let aad = Wrap::terms(case, &recipient, key_version, None);
        Ok(Wrap {
            message: box_seal(&key.0, &aad, &self.0, random)?,
            recipient,
            key_version,
            not_after: None,
        })
    }

    /// Opens a wrap to a key pair with its private key. Its end is for the policies to judge.
    pub fn unwrap_with(case: CaseId, wrap: &Wrap, key: &PrivateKey) -> Result<Self, WrapError> {
        if wrap.recipient.key().is_none() {
            return Err(WrapError::Mismatch);
        }
        hpke_open(key, &wrap.own_terms(case), &wrap.message).map(Self)
    }

    /// Opens a wrap to a department with that department's key.
    pub fn unwrap_with_department(
        case: CaseId,
        wrap: &Wrap,
        key: &DepartmentKey,
    ) -> Result<Self, WrapError> {
        if wrap.recipient.key().is_some() {
            return Err(WrapError::Mismatch);
        }
        box_open(&key.0, &wrap.own_terms(case), &wrap.message).map(Self)
    }

    /// The unit's recipient half, boxed under this case key; 60 bytes (nonce ‖ ct ‖ tag).
    pub fn seal_half(
        &self,
        case: CaseId,
        unit: UnitId,
        key_version: u32,
        half: &RecipientHalf,
        random: &dyn Random,
    ) -> Result<Vec<u8>, WrapError> {
        let aad = half_aad(case, unit, key_version);
        box_seal(&self.0, &aad, half.secret(), random)
    }

    /// Opens what [`CaseKey::seal_half`] made, for the same case, unit and version.
    pub fn open_half(
        &self,
        case: CaseId,
        unit: UnitId,
        key_version: u32,
        sealed: &[u8],
    ) -> Result<RecipientHalf, WrapError> {
        let aad = half_aad(case, unit, key_version);
        box_open(&self.0, &aad, sealed).map(RecipientHalf::new)
    }
}
