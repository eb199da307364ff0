//! From what a person knows and holds to the key that opens the roots.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use crate::domain::random::{Random, RandomError};
use crate::domain::secret::{Secret, SecretBytes, SecretText};

use super::KeyringError;
use super::formula::{hkdf, sha256};

/// What unseals: a passphrase and, if the office uses one, a key file.
pub struct UnsealSecret {
    /// In any Unicode form: NFC is taken of it.
    pub passphrase: SecretText,
    /// The bytes of the key file.
    pub key_file: Option<SecretBytes>,
}

/// argon2id cost of the unseal (RFC 9106), one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnsealCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl UnsealCost {
    /// 256 MiB, 3 passes: about a second, once per start.
    pub const DEFAULT: Self = Self {
        memory_kib: 256 << 10,
        passes: 3,
    };

    /// 64 KiB, 1 pass. **Protects nothing**: for tests and benchmarks only.
    pub const fn minimal_for_tests() -> Self {
        Self {
            memory_kib: 64,
            passes: 1,
        }
    }

    /// Beyond 4 GiB or 64 passes a cost is a mistake, or damage, not a wish.
    const fn is_sane(self) -> bool {
        self.memory_kib >= 8 && self.memory_kib <= 4 << 20 && self.passes >= 1 && self.passes <= 64
    }
}

/// How a secret is stretched. Stands in clear before each root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) cost: UnsealCost,
    pub(super) salt: [u8; 16],
}

impl Terms {
    pub(super) fn fresh(cost: UnsealCost, random: &dyn Random) -> Result<Self, RandomError> {
        Ok(Self {
            cost,
            salt: random.array()?,
        })
    }
}

/// The unseal key and the terms it was made under.
pub(super) struct Unseal {
    pub(super) terms: Terms,
    pub(super) key: Secret<32>,
}

impl Unseal {
    /// `UK = HKDF(salt, ikm = argon2id(NFC(passphrase), salt, cost) ‖ SHA-256(key file), info =
    /// "bongham/unseal/1")`; without a key file its digest is left out.
    pub(super) fn derive(secret: &UnsealSecret, terms: Terms) -> Result<Self, KeyringError> {
        let mut ikm = Zeroizing::new(Vec::with_capacity(64));
        ikm.extend_from_slice(stretch(&secret.passphrase, terms)?.expose());
        if let Some(file) = &secret.key_file {
            ikm.extend_from_slice(&*Zeroizing::new(sha256(file.expose())));
        }
        Ok(Self {
            terms,
            key: hkdf(&terms.salt, &ikm, &[b"bongham/unseal/1"]),
        })
    }
}

/// `argon2id(NFC(passphrase), salt, m, t, p = 1)`, 32 bytes (RFC 9106).
fn stretch(passphrase: &SecretText, terms: Terms) -> Result<Secret<32>, KeyringError> {
    if !terms.cost.is_sane() {
        return Err(KeyringError::Cost);
    }
    let text = passphrase.expose();
    // NFC grows a text at most threefold (UAX #15), so the buffer never moves and leaves a copy.
    let mut normal = Zeroizing::new(String::with_capacity(text.len() * 3));
    normal.extend(text.nfc());
    let params = Params::new(terms.cost.memory_kib, terms.cost.passes, 1, Some(32))
        .map_err(|_| KeyringError::Cost)?;
    let mut memory: Zeroizing<Vec<Block>> =
        Zeroizing::new(vec![Block::default(); params.block_count()]);
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(normal.as_bytes(), &terms.salt, &mut out, &mut **memory)
        .map_err(|_| KeyringError::Cost)?;
    let stretched = Secret::new(out);
    out.zeroize();
    Ok(stretched)
}

/// Stretches a secret once for each set of terms it meets: once per open, but after a change of
/// secret that was cut short.
pub(super) struct Unsealer<'a> {
    secret: &'a UnsealSecret,
    done: Vec<Arc<Unseal>>,
}

impl<'a> Unsealer<'a> {
    pub(super) const fn new(secret: &'a UnsealSecret) -> Self {
        Self {
            secret,
            done: Vec::new(),
        }
    }

    pub(super) fn under(&mut self, terms: Terms) -> Result<Arc<Unseal>, KeyringError> {
        if let Some(unseal) = self.done.iter().find(|unseal| unseal.terms == terms) {
            return Ok(Arc::clone(unseal));
        }
        let unseal = Arc::new(Unseal::derive(self.secret, terms)?);
        self.done.push(Arc::clone(&unseal));
        Ok(unseal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        cost: UnsealCost::minimal_for_tests(),
        salt: [1; 16],
    };

    fn key(passphrase: &str, file: Option<&[u8]>, terms: Terms) -> [u8; 32] {
        let secret = UnsealSecret {
            passphrase: SecretText::new(passphrase.to_owned()),
            key_file: file.map(|bytes| SecretBytes::new(bytes.to_vec())),
        };
        *Unseal::derive(&secret, terms).unwrap().key.expose()
    }

    #[test]
    fn hangul_typed_in_either_form_is_one_passphrase() {
        assert_eq!(
            key("봉함", None, TERMS),
            key(
                "\u{1107}\u{1169}\u{11bc}\u{1112}\u{1161}\u{11b7}",
                None,
                TERMS
            )
        );
    }

    #[test]
    fn every_part_counts() {
        let salted = Terms {
            salt: [2; 16],
            ..TERMS
        };
        let all = [
            key("a", None, TERMS),
            key("b", None, TERMS),
            key("a", Some(b""), TERMS),
            key("a", Some(b"file"), TERMS),
            key("a", None, salted),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one));
        }
    }

    #[test]
    fn a_senseless_cost_is_refused_before_it_takes_memory() {
        let terms = Terms {
            cost: UnsealCost {
                memory_kib: u32::MAX,
                passes: 3,
            },
            ..TERMS
        };
        let text = SecretText::new(String::new());
        assert!(matches!(stretch(&text, terms), Err(KeyringError::Cost)));
    }
}
