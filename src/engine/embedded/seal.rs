//! The one place of the engine that calls ring: every key is derived from the journal key here.
//!
//! ```text
//! PRK        = HKDF-Extract(salt = "bongham journal 1", journal key)
//! mac key    = HKDF-Expand(PRK, "mac")      HMAC-SHA-256 over headers, groups, marks
//! group key  = HKDF-Expand(PRK, "group"   ‖ salt[16] ‖ sequence)       AES-256-GCM
//! side key   = HKDF-Expand(PRK, "sidecar" ‖ salt[16] ‖ segment)        AES-256-GCM
//! ```
//! Each GCM key lives for one group or file and takes a counter as nonce, so no nonce repeats:
//! a group written again after a torn tail has another salt.

use ring::{aead, digest, hkdf, hmac};

use crate::domain::secret::Secret;

/// Bytes of a GCM tag.
pub(super) const TAG: usize = 16;
/// Random bytes that make a group's key its own.
pub(super) type Salt = [u8; 16];
/// A SHA-256 digest or an HMAC-SHA-256.
pub(super) type Digest = [u8; 32];

/// Bytes failed their check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tampered;

/// All keys of one journal.
pub(super) struct Keys {
    root: hkdf::Prk,
    mac: hmac::Key,
}

impl Keys {
    /// `None` only if ring refuses its own lengths.
    pub(super) fn derive(journal: &Secret<32>) -> Option<Self> {
        let root =
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"bongham journal 1").extract(journal.expose());
        let mac = hmac::Key::from(root.expand(&[b"mac"], hmac::HMAC_SHA256).ok()?);
        Some(Self { root, mac })
    }

    /// The key of the group with this salt and sequence.
    pub(super) fn group(&self, salt: &Salt, sequence: u64) -> Result<Sealer, Tampered> {
        self.sealer(&[b"group", salt, &sequence.to_be_bytes()])
    }

    /// The key of a sidecar.
    pub(super) fn sidecar(&self, salt: &Salt, segment: u32) -> Result<Sealer, Tampered> {
        self.sealer(&[b"sidecar", salt, &segment.to_be_bytes()])
    }

    fn sealer(&self, info: &[&[u8]]) -> Result<Sealer, Tampered> {
        let okm = self.root.expand(info, &aead::AES_256_GCM);
        let key = aead::UnboundKey::from(okm.map_err(|_| Tampered)?);
        Ok(Sealer(aead::LessSafeKey::new(key)))
    }

    /// A MAC to be fed piece by piece.
    pub(super) fn mac(&self, domain: &[u8; 4]) -> Mac {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(domain);
        Mac(context)
    }

    /// The MAC of one piece.
    pub(super) fn mac_of(&self, domain: &[u8; 4], bytes: &[u8]) -> Digest {
        let mut mac = self.mac(domain);
        mac.update(bytes);
        mac.finish()
    }

    /// Whether `tag` is the MAC of `bytes`, in constant time.
    pub(super) fn verifies(&self, domain: &[u8; 4], bytes: &[u8], tag: &[u8]) -> bool {
        let mut input = Vec::with_capacity(4 + bytes.len());
        input.extend_from_slice(domain);
        input.extend_from_slice(bytes);
        hmac::verify(&self.mac, &input, tag).is_ok()
    }
}

/// A MAC being computed.
pub(super) struct Mac(hmac::Context);

impl Mac {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    pub(super) fn finish(self) -> Digest {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.sign().as_ref());
        out
    }
}

/// A key that seals numbered pieces, each number once.
pub(super) struct Sealer(aead::LessSafeKey);

impl Sealer {
    fn nonce(number: u32) -> aead::Nonce {
        let mut nonce = [0; 12];
        super::bytes::patch(&mut nonce, 8, &number.to_be_bytes());
        aead::Nonce::assume_unique_for_key(nonce)
    }

    /// Encrypts in place and gives the tag.
    pub(super) fn seal(
        &self,
        number: u32,
        aad: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG], Tampered> {
        let tag = self
            .0
            .seal_in_place_separate_tag(Self::nonce(number), aead::Aad::from(aad), bytes)
            .map_err(|_| Tampered)?;
        tag.as_ref().try_into().map_err(|_| Tampered)
    }

    /// Decrypts `ciphertext ‖ tag` in place and gives the plaintext.
    pub(super) fn open<'a>(
        &self,
        number: u32,
        aad: &[u8],
        bytes: &'a mut [u8],
    ) -> Result<&'a mut [u8], Tampered> {
        self.0
            .open_in_place(Self::nonce(number), aead::Aad::from(aad), bytes)
            .map_err(|_| Tampered)
    }
}

/// SHA-256.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// SHA-256 of everything a reader gives.
pub(super) fn digest_of(mut from: impl std::io::Read) -> std::io::Result<Digest> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        context.update(buffer.get(..count).unwrap_or_default());
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Ok(out)
}
