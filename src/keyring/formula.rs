//! The formulas the rest of the keyring is made of.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::{digest, hmac};
use zeroize::{Zeroize, Zeroizing};

use crate::domain::secret::Secret;

/// Bytes that sealing adds.
pub(super) const TAG_BYTES: usize = 16;

/// `HMAC-SHA-256(key, part ‖ part ‖ …)` (RFC 2104).
pub(super) fn mac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    let secret = Secret::new(bytes);
    bytes.zeroize();
    secret
}

/// `HKDF-SHA-256(salt, ikm, info, 32)` (RFC 5869):
/// `PRK = HMAC(salt, ikm)`, `OKM = HMAC(PRK, info ‖ 0x01)`, one block being all that is needed.
pub(super) fn hkdf(salt: &[u8], ikm: &[u8], info: &[&[u8]]) -> Secret<32> {
    let prk = mac(salt, &[ikm]);
    let mut parts = info.to_vec();
    parts.push(&[1]);
    mac(prk.expose(), &parts)
}

/// `SHA-256(bytes)`.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// A formula was given more than it takes: the text is longer than AES-GCM's 64 GiB.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// `AES-256-GCM(key, nonce = 0, aad, text)`, in place, tag appended.
///
/// The nonce is constant because every key of the keyring is fresh and seals one message only.
pub(super) fn seal_once(
    key: &Secret<32>,
    aad: &[u8],
    text: &mut Zeroizing<Vec<u8>>,
) -> Result<(), TooLong> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| TooLong)?;
    text.reserve_exact(TAG_BYTES);
    LessSafeKey::new(key)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key([0; 12]),
            Aad::from(aad),
            &mut **text,
        )
        .map_err(|_| TooLong)
}

/// Undoes [`seal_once`]; `None` under another key or associated data, or if a bit changed.
pub(super) fn open_once(key: &Secret<32>, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose()).ok()?;
    let mut text = Zeroizing::new(sealed.to_vec());
    let length = LessSafeKey::new(key)
        .open_in_place(
            Nonce::assume_unique_for_key([0; 12]),
            Aad::from(aad),
            &mut text,
        )
        .ok()?
        .len();
    text.truncate(length);
    Some(text)
}

/// `text` with its length before it and zeros after it, `size` bytes in all; `None` if it does
/// not fit.
pub(super) fn pad(text: &[u8], size: usize) -> Option<Zeroizing<Vec<u8>>> {
    let length = u32::try_from(text.len()).ok()?;
    if text.len().checked_add(4)? > size {
        return None;
    }
    let mut padded = Zeroizing::new(Vec::with_capacity(size + TAG_BYTES));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(text);
    padded.resize(size, 0);
    Some(padded)
}

/// Undoes [`pad`].
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (length, rest) = padded.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hkdf_is_rfc_5869() {
        let okm = hkdf(
            &(0x00..=0x0c).collect::<Vec<u8>>(),
            &[0x0b; 22],
            &[&(0xf0..=0xf9).collect::<Vec<u8>>()],
        );
        let wanted = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(data_encoding::HEXLOWER.encode(okm.expose()), wanted);
    }

    #[test]
    fn what_was_sealed_opens_only_unchanged_and_in_its_place() {
        let (key, wrong) = (Secret::new([7; 32]), Secret::new([8; 32]));
        let mut text = pad(b"text", 64).unwrap();
        seal_once(&key, b"place", &mut text).unwrap();
        assert_eq!(text.len(), 64 + TAG_BYTES);
        let open = |key, aad, sealed: &[u8]| {
            open_once(key, aad, sealed).map(|text| unpad(&text).unwrap().to_vec())
        };
        assert_eq!(open(&key, b"place", &text).as_deref(), Some(&b"text"[..]));
        assert!(open(&key, b"other", &text).is_none());
        assert!(open(&wrong, b"place", &text).is_none());
        text[3] ^= 1;
        assert!(open(&key, b"place", &text).is_none());
    }

    #[test]
    fn padding_refuses_what_does_not_fit() {
        assert!(pad(&[1; 60], 64).is_some());
        assert!(pad(&[1; 61], 64).is_none());
        assert!(unpad(&[0, 0, 0, 9, 1]).is_none());
    }
}
