//! Bytes that must not be printed, compared in variable time, or left in memory.
//!
//! None of these types has `Debug`, `Display`, `Clone` or `Serialize`: a secret that reaches a
//! format string or a file does not compile. All are zeroed on drop.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::random::{Random, RandomError};

/// `N` secret bytes: a key or a half of one.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes these bytes in. The caller's copy is the caller's to zero.
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
    /// Fresh secret bytes.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        let mut secret = Self([0; N]);
        random.fill(&mut secret.0)?;
        Ok(secret)
    }
    /// Takes in exactly `N` bytes; `None` for another length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
    /// The bytes, for a primitive that needs them. Do not copy them out.
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }
    /// A second holder of the same secret, spelled out because it is rarely right.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0)
    }
}

/// Secret bytes of any length: decrypted content, a passphrase, a key file.
#[derive(Zeroize, ZeroizeOnDrop, Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes these bytes in.
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
    /// The bytes, for a decoder or a primitive.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// A secret text at the door: a password, a passphrase, an enrolment code.
#[derive(Zeroize, ZeroizeOnDrop, serde::Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Takes this text in.
    pub const fn new(text: String) -> Self {
        Self(text)
    }
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
