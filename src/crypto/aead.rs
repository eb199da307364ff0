//! AES-256-GCM and HKDF-SHA-256 as this program uses them: one key, one nonce, one answer.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk};
use zeroize::Zeroize;

use crate::domain::random::RandomError;
use crate::domain::secret::Secret;

/// Length of an AES-GCM tag in bytes.
pub(super) const TAG: usize = 16;
/// Length of an AES-GCM nonce in bytes.
pub(super) const NONCE: usize = 12;

/// Why something could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No randomness for a salt or nonce.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Longer than the format can say (4 GiB); the engine's bound on values is far below.
    #[error("too long to be sealed: store it in pieces")]
    TooLong,
}

/// Why something does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not an envelope, or of a format or suite this program does not know.
    #[error("not an envelope of a known format")]
    Format,
    /// The key, the place or the bytes are not those it was sealed with.
    #[error("the envelope does not open")]
    Refused,
}

fn key_of(key: &Secret<32>) -> Option<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose()).ok()?;
    Some(LessSafeKey::new(key))
}

/// Encrypts the bytes of `out` from `from` on where they stand and appends the tag. On failure
/// those bytes are zeroed, so that no plaintext goes further.
pub(super) fn seal(
    key: &Secret<32>,
    nonce: [u8; NONCE],
    aad: &[u8],
    out: &mut Vec<u8>,
    from: usize,
) -> Result<(), SealError> {
    let sealed = match (key_of(key), out.get_mut(from..)) {
        (Some(key), Some(text)) => key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
            .ok(),
        _ => None,
    };
    if let Some(tag) = sealed {
        out.extend_from_slice(tag.as_ref());
        Ok(())
    } else {
        out.zeroize();
        Err(SealError::TooLong)
    }
}

/// Decrypts `ct ‖ tag` where it stands and leaves the plaintext in `text`.
pub(super) fn open(
    key: &Secret<32>,
    nonce: [u8; NONCE],
    aad: &[u8],
    text: &mut Vec<u8>,
) -> Result<(), OpenError> {
    let key = key_of(key).ok_or(OpenError::Refused)?;
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
        .map_err(|_| OpenError::Refused)?
        .len();
    text.truncate(length);
    Ok(())
}

/// Whether two byte strings are equal, in time that does not depend on where they differ.
pub(super) fn same<const N: usize>(ours: &[u8; N], theirs: &[u8; N]) -> Result<(), OpenError> {
    let differing = ours
        .iter()
        .zip(theirs)
        .fold(0, |bits, (a, b)| bits | (a ^ b));
    if std::hint::black_box(differing) == 0 {
        Ok(())
    } else {
        Err(OpenError::Refused)
    }
}

pub(super) struct Bytes(pub(super) usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

/// `HKDF-Expand(prk, info, N)` (RFC 5869 §2.3). `info` is the concatenation of its parts: each
/// caller gives parts of fixed length, but for the last.
pub(super) fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32, "HKDF gives at most 255 blocks") };
    let mut bytes = [0; N];
    // Only a length above 255 blocks fails, and that does not compile.
    let _infallible = prk
        .expand(info, Bytes(N))
        .and_then(|okm| okm.fill(&mut bytes));
    let secret = Secret::new(bytes);
    bytes.zeroize();
    secret
}

/// The pseudorandom key that `secret` is, without an extract step: it is uniform already.
pub(super) fn prk(secret: &Secret<32>) -> Prk {
    Prk::new_less_safe(HKDF_SHA256, secret.expose())
}
