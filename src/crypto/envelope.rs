//! The envelope: how content of a unit is sealed to its place.
//!
//! ```text
//! "BHM1" ‖ format u8 ‖ suite u8 ‖ version u64 ‖ salt 24 ‖ nonce 12 ‖ commit 16 ‖ len u32   header
//! ct ‖ tag 16                                                            len bytes
//!
//! key    = HKDF-Expand(CEK, "bongham/rec/1"    ‖ place ‖ salt, 32)
//! commit = HKDF-Expand(CEK, "bongham/commit/1" ‖ salt, 16)
//! place  = space u8 ‖ unit u64 ‖ tier u8 ‖ record 16 ‖ field u16 ‖ schema u16 ‖ version u64
//! ct ‖ tag = AES-256-GCM(key, nonce, aad = header ‖ place, pad(plaintext))
//! ```
//! Numbers are big-endian and every part has a fixed length, so no two places share an encoding.
//! A key serves one plaintext (192-bit salt), so there is no bound on records. GCM alone does not
//! commit to its key: `commit` does, and is compared first, in constant time. At 16 bytes two
//! keys that agree cost 2^64 work to find; one that agrees with a given key costs 2^128.

use ring::hkdf::Prk;

use super::aead::{self, NONCE, TAG};
pub use super::aead::{OpenError, SealError};
use super::content_key::ContentKey;
use super::{SUITE, padding};
use crate::domain::id::{RecordId, UnitId};
use crate::domain::random::Random;
use crate::domain::secret::{Secret, SecretBytes};
use crate::domain::tier::Tier;
use crate::engine::Space;

const MAGIC: [u8; 4] = *b"BHM1";
const FORMAT: u8 = 1;
const SALT: usize = 24;
const COMMIT: usize = 16;
const HEADER: usize = 4 + 1 + 1 + 8 + SALT + NONCE + COMMIT + 4;
const PLACE: usize = 1 + 8 + 1 + 16 + 2 + 2 + 8;

/// Where a sealed record stands. Every field is associated data; none is stored in the envelope
/// except the version, so a thief of the disk cannot read tier or unit from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The engine's space it is kept in.
    pub space: Space,
    /// The unit it dies with.
    pub unit: UnitId,
    /// The tier of its case.
    pub tier: Tier,
    /// The record.
    pub record: RecordId,
    /// Which field of the record; numbered by its codec.
    pub field: u16,
    /// Version of the plaintext's schema.
    pub schema: u16,
    /// Version of the record, from 1; each amendment counts up.
    pub version: u64,
}

impl Place {
    fn encode(&self) -> [u8; PLACE] {
        concat(&[
            &[self.space.byte()],
            &self.unit.as_u64().to_be_bytes(),
            &[self.tier.byte()],
            self.record.as_bytes(),
            &self.field.to_be_bytes(),
            &self.schema.to_be_bytes(),
            &self.version.to_be_bytes(),
        ])
    }
}

/// The parts one after the other, on the stack. `N` is their length together; the constants above
/// are the sums and every caller's round trip fails if one is wrong.
fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut all = [0; N];
    let bytes = parts.iter().flat_map(|part| part.iter());
    for (to, from) in all.iter_mut().zip(bytes) {
        *to = *from;
    }
    all
}

/// What stands before the ciphertext.
struct Header {
    version: u64,
    salt: [u8; SALT],
    nonce: [u8; NONCE],
    commit: [u8; COMMIT],
    length: u32,
}

impl Header {
    fn encode(&self) -> [u8; HEADER] {
        concat(&[
            &MAGIC,
            &[FORMAT, SUITE],
            &self.version.to_be_bytes(),
            &self.salt,
            &self.nonce,
            &self.commit,
            &self.length.to_be_bytes(),
        ])
    }

    /// The header and the bytes behind it, whose number it must name.
    fn decode(sealed: &[u8]) -> Option<(Self, &[u8])> {
        let rest = sealed
            .strip_prefix(&MAGIC)?
            .strip_prefix(&[FORMAT, SUITE])?;
        let (version, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (commit, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let header = Self {
            version: u64::from_be_bytes(*version),
            salt: *salt,
            nonce: *nonce,
            commit: *commit,
            length: u32::from_be_bytes(*length),
        };
        (usize::try_from(header.length) == Ok(rest.len())).then_some((header, rest))
    }
}

/// The bytes that every envelope begins with.
pub const MARK: [u8; 4] = MAGIC;

/// How long the envelope is that seems to begin here; `None` if none does. It may go on behind the
/// end of these bytes.
pub fn length_of(bytes: &[u8]) -> Option<usize> {
    let (head, _) = bytes.split_first_chunk::<HEADER>()?;
    let rest = head.strip_prefix(&MAGIC)?.strip_prefix(&[FORMAT, SUITE])?;
    let length = u32::from_be_bytes(*rest.last_chunk()?);
    usize::try_from(length).ok()?.checked_add(HEADER)
}

fn commitment(prk: &Prk, salt: &[u8; SALT]) -> Secret<COMMIT> {
    aead::expand(prk, &[b"bongham/commit/1", salt])
}

fn record_key(prk: &Prk, place: &[u8; PLACE], salt: &[u8; SALT]) -> Secret<32> {
    aead::expand(prk, &[b"bongham/rec/1", place, salt])
}

/// Seals `plaintext`, padded, to `place` under a key of its own derived from `key`.
pub fn seal(
    key: &ContentKey,
    place: &Place,
    plaintext: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, SealError> {
    let padded = padding::padded_len(plaintext.len())?;
    let length = u32::try_from(padded + TAG).map_err(|_| SealError::TooLong)?;
    let chance: [u8; SALT + NONCE] = random.array()?;
    let (salt, nonce) = split(&chance);
    let prk = key.prk();
    let header = Header {
        version: place.version,
        salt,
        nonce,
        commit: *commitment(&prk, &salt).expose(),
        length,
    }
    .encode();
    let place = place.encode();
    let aad: [u8; HEADER + PLACE] = concat(&[&header, &place]);

    let mut sealed = Vec::with_capacity(HEADER + padded + TAG);
    sealed.extend_from_slice(&header);
    padding::append(&mut sealed, plaintext)?;
    aead::seal(
        &record_key(&prk, &place, &salt),
        nonce,
        &aad,
        &mut sealed,
        HEADER,
    )?;
    Ok(sealed)
}

fn split(chance: &[u8; SALT + NONCE]) -> ([u8; SALT], [u8; NONCE]) {
    let (salt, nonce) = chance.split_at(SALT);
    (concat(&[salt]), concat(&[nonce]))
}

/// Opens what [`seal`] made, for the same key and place.
pub fn open(key: &ContentKey, place: &Place, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
    let (header, body) = Header::decode(sealed).ok_or(OpenError::Format)?;
    let prk = key.prk();
    aead::same(commitment(&prk, &header.salt).expose(), &header.commit)?;
    if header.version != place.version {
        return Err(OpenError::Refused);
    }
    let place = place.encode();
    let aad: [u8; HEADER + PLACE] = concat(&[&header.encode(), &place]);
    let key = record_key(&prk, &place, &header.salt);

    let mut text = body.to_vec();
    aead::open(&key, header.nonce, &aad, &mut text)?;
    padding::remove(&mut text)?;
    Ok(SecretBytes::new(text))
}
