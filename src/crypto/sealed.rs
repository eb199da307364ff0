//! Rows sealed under a server key: facts, accounts, list rows.
//!
//! ```text
//! format u8 ‖ suite u8 ‖ salt 16 ‖ ct ‖ tag 16
//!
//! place = "bongham/row/1" ‖ format ‖ suite ‖ space u8 ‖ salt ‖ key bytes of the row
//! ct ‖ tag = AES-256-GCM(HKDF-Expand(K, place, 32), nonce = 0, aad = place, plaintext)
//! ```
//! Format 1 holds the plaintext as it is (34 bytes of overhead), format 2 padded.
//!
//! **Bound.** A row key serves one plaintext unless the same salt is drawn twice *for the same
//! row*. With 2^40 seals in all and at most 2^20 of one row that has probability below 2^-69,
//! where random nonces under one key would end at 2^32 seals.

use super::aead::{self, NONCE, OpenError, SealError, TAG};
use super::{SUITE, padding};
use crate::domain::random::Random;
use crate::domain::secret::{Secret, SecretBytes};
use crate::engine::Space;

const LABEL: &[u8] = b"bongham/row/1";
const SALT: usize = 16;
const HEADER: usize = 1 + 1 + SALT;
/// Every key serves once, so its nonce need not differ.
const ONCE: [u8; NONCE] = [0; NONCE];

/// A server key for rows of one purpose.
pub struct RowKey(Secret<32>);

/// How a plaintext's length is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// To the steps 256, 512, 1K, 2K, 4K, then ×1.25.
    Steps,
    /// Not at all: the length says nothing.
    None,
}

impl Padding {
    const fn format(self) -> u8 {
        match self {
            Self::None => 1,
            Self::Steps => 2,
        }
    }
    fn from_format(format: u8) -> Option<Self> {
        [Self::None, Self::Steps]
            .into_iter()
            .find(|padding| padding.format() == format)
    }
}

fn place(padding: Padding, space: Space, salt: &[u8; SALT], key: &[u8]) -> Vec<u8> {
    let numbers = [padding.format(), SUITE, space.byte()];
    [LABEL, &numbers, salt, key].concat()
}

impl RowKey {
    /// As derived by the keyring, for this purpose alone.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    fn row_key(&self, place: &[u8]) -> Secret<32> {
        aead::expand(&aead::prk(&self.0), &[place])
    }

    /// Seals a row to its space and key bytes. `pad` rounds the length up, so that whole rows of
    /// one kind look alike.
    pub fn seal(
        &self,
        space: Space,
        key: &[u8],
        plaintext: &[u8],
        pad: Padding,
        random: &dyn Random,
    ) -> Result<Vec<u8>, SealError> {
        let salt: [u8; SALT] = random.array()?;
        let place = place(pad, space, &salt, key);
        let mut sealed = Vec::with_capacity(HEADER + plaintext.len() + TAG);
        sealed.extend_from_slice(&[pad.format(), SUITE]);
        sealed.extend_from_slice(&salt);
        match pad {
            Padding::None => sealed.extend_from_slice(plaintext),
            Padding::Steps => padding::append(&mut sealed, plaintext)?,
        }
        aead::seal(&self.row_key(&place), ONCE, &place, &mut sealed, HEADER)?;
        Ok(sealed)
    }

    /// Opens what [`RowKey::seal`] made, for the same space and key bytes.
    pub fn open(&self, space: Space, key: &[u8], sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let (pad, salt, body) = parse(sealed).ok_or(OpenError::Format)?;
        let place = place(pad, space, salt, key);
        let mut text = body.to_vec();
        aead::open(&self.row_key(&place), ONCE, &place, &mut text)?;
        if pad == Padding::Steps {
            padding::remove(&mut text)?;
        }
        Ok(SecretBytes::new(text))
    }
}

fn parse(sealed: &[u8]) -> Option<(Padding, &[u8; SALT], &[u8])> {
    let ([format, suite], rest) = sealed.split_first_chunk()?;
    let (salt, body) = rest.split_first_chunk()?;
    let pad = Padding::from_format(*format)?;
    (*suite == SUITE).then_some((pad, salt, body))
}
