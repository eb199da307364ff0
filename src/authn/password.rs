//! Passwords: one argon2id run (RFC 9106) gives verifier ‖ KEK; only `HMAC(pepper, verifier)` is
//! stored, so that neither half can be had from the disk.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use ring::hmac;
use zeroize::{Zeroize, Zeroizing};

use super::strength;
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::{Secret, SecretText};
use crate::engine::{Pending, pending};
use lanes::Lanes;

mod lanes;

/// `algorithm` of a record: argon2id 1.3, one lane of its own, 64 bytes, HMAC-SHA-256 of the
/// first 32. Never reassigned.
const ARGON2ID: u8 = 1;

/// argon2id cost of a log-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PasswordCost {
    /// 64 MiB, three passes: RFC 9106's second recommendation.
    fn default() -> Self {
        Self {
            memory_kib: 64 << 10,
            passes: 3,
        }
    }
}

impl PasswordCost {
    /// Most memory that a record, which may be damaged, can make a log-in ask for: 1 GiB.
    const MEMORY_KIB_MAX: u32 = 1 << 20;
    const PASSES_MAX: u32 = 16;

    fn params(self) -> Option<Params> {
        let sane = self.memory_kib <= Self::MEMORY_KIB_MAX && self.passes <= Self::PASSES_MAX;
        sane.then(|| Params::new(self.memory_kib, self.passes, 1, Some(64)).ok())?
    }
}

/// What is stored of a password. No PHC string: nothing here can be ground against without the pepper.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PasswordRecord {
    /// Which algorithm; 1 is the only one yet.
    pub algorithm: u8,
    /// The cost it was set with. Where it is not [`Hasher::cost`] any more, set it anew at log-in.
    pub cost: PasswordCost,
    /// Fresh for each password.
    pub salt: [u8; 16],
    /// `HMAC-SHA-256(pepper, verifier)`.
    pub mac: [u8; 32],
}

/// The half that seals the account's private key; never stored.
pub struct KeyHalf(pub Secret<32>);

/// Why a password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Not this account's, or no such account: alike.
    #[error("wrong password")]
    Wrong,
    /// The queue is full, or the memory that argon2 needs was not there.
    #[error("too many log-ins at once: try again in a moment")]
    Busy,
    /// Choose another.
    #[error("the password must have 10 to 128 characters and be no common or office word")]
    Weak,
    /// No salt could be made.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Runs argon2id on a bounded number of threads with a bounded queue. Dropping it ends the
/// threads; what still waits is answered [`PasswordError::Busy`].
pub struct Hasher {
    cost: PasswordCost,
    pepper: Arc<hmac::Key>,
    /// What an unknown account is checked against.
    nobody: PasswordRecord,
    lanes: Lanes,
}

impl Hasher {
    /// `lanes` runs at once (0 counts as 1), at most `queue` waiting.
    pub fn new(cost: PasswordCost, lanes: usize, queue: usize, pepper: Secret<32>) -> Self {
        let pepper = hmac::Key::new(hmac::HMAC_SHA256, pepper.expose());
        let mut salt = [0; 16];
        // Verifiers have 32 bytes and this label has not, so it collides with no account's MAC.
        let derived = hmac::sign(&pepper, b"bongham salt of nobody v1");
        for (to, from) in salt.iter_mut().zip(derived.as_ref()) {
            *to = *from;
        }
        Self {
            cost,
            nobody: PasswordRecord {
                algorithm: ARGON2ID,
                cost,
                salt,
                mac: [0; 32],
            },
            pepper: Arc::new(pepper),
            lanes: Lanes::new(lanes.max(1), queue),
        }
    }
    /// The cost of new passwords.
    pub const fn cost(&self) -> PasswordCost {
        self.cost
    }
    /// Checks strength and makes a record and key half for a new password. `context` words
    /// (login, office) are refused inside it.
    pub fn set(
        &self,
        password: SecretText,
        context: &[&str],
        random: &dyn Random,
    ) -> Pending<Result<(PasswordRecord, KeyHalf), PasswordError>> {
        let Some(password) = strength::normal(&password) else {
            return Pending::ready(Err(PasswordError::Weak));
        };
        if !strength::acceptable(&password, context) {
            return Pending::ready(Err(PasswordError::Weak));
        }
        let salt = match random.array() {
            Ok(salt) => salt,
            Err(e) => return Pending::ready(Err(e.into())),
        };
        let (cost, pepper) = (self.cost, Arc::clone(&self.pepper));
        self.run(move || {
            let halves = Halves::of(&password, &salt, cost).ok_or(PasswordError::Busy)?;
            let record = PasswordRecord {
                algorithm: ARGON2ID,
                cost,
                salt,
                mac: halves.mac(&pepper),
            };
            Ok((record, halves.key()))
        })
    }
    /// Checks a password. For an unknown account pass `None`: the same work is done, the answer
    /// is `Wrong`.
    pub fn check(
        &self,
        password: SecretText,
        record: Option<PasswordRecord>,
    ) -> Pending<Result<KeyHalf, PasswordError>> {
        // Says nothing about the account: it depends on what was typed alone.
        let Some(password) = strength::normal(&password) else {
            return Pending::ready(Err(PasswordError::Wrong));
        };
        let known = record.is_some();
        let record = record.unwrap_or_else(|| self.nobody.clone());
        let pepper = Arc::clone(&self.pepper);
        self.run(move || {
            if record.algorithm != ARGON2ID {
                return Err(PasswordError::Wrong);
            }
            let halves =
                Halves::of(&password, &record.salt, record.cost).ok_or(PasswordError::Busy)?;
            let right = hmac::verify(&pepper, halves.verifier.expose(), &record.mac).is_ok();
            if right & known {
                Ok(halves.key())
            } else {
                Err(PasswordError::Wrong)
            }
        })
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Pending<Result<T, PasswordError>> {
        let (completer, pending) = pending(|| Err(PasswordError::Busy));
        // Where the queue is full the job is dropped, and with it the completer: that is `Busy`.
        self.lanes.submit(move || completer.complete(work()));
        pending
    }
}

/// `argon2id(password, salt, cost)`, 64 bytes: verifier ‖ KEK. They are halves of one BLAKE2b
/// output, so that the one says nothing about the other.
struct Halves {
    verifier: Secret<32>,
    key: Secret<32>,
}

impl Halves {
    /// `None` if the cost is not sane or its memory not there.
    fn of(password: &SecretText, salt: &[u8; 16], cost: PasswordCost) -> Option<Self> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
        let count = argon2.params().block_count();
        let mut blocks: Vec<Block> = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::new());
        let mut out = Zeroizing::new([0; 64]);
        let done = argon2.hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            out.as_mut_slice(),
            blocks.as_mut_slice(),
        );
        blocks.zeroize();
        done.ok()?;
        let (verifier, key) = out.split_first_chunk::<32>()?;
        Some(Self {
            verifier: Secret::new(*verifier),
            key: Secret::from_slice(key)?,
        })
    }
    fn mac(&self, pepper: &hmac::Key) -> [u8; 32] {
        let tag = hmac::sign(pepper, self.verifier.expose());
        let mut mac = [0; 32];
        for (to, from) in mac.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        mac
    }
    fn key(self) -> KeyHalf {
        KeyHalf(self.key)
    }
}

#[cfg(test)]
mod tests;
