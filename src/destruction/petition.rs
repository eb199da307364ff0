//! What a person said in a request, sealed under a unit of its own, so that it ends when the request
//! is long answered: a request's row stays, whose it was does not.
//!
//! ```text
//! CEK    = HKDF(SK_unit, half)            the unit's half is in the keyring, the other in the row
//! texts  = envelope(CEK; space of requests, unit, record = request, field 1)
//! ```
//! The row around it is sealed under the server's key as any other, and is in every backup; the unit
//! is in none, so that no backup brings the texts back.

use std::sync::Arc;

use crate::crypto::content_key::{ContentKey, RecipientHalf};
use crate::crypto::envelope::{self, OpenError, Place, SealError};
use crate::domain::id::{RecordId, RequestId, UnitId};
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;
use crate::domain::tier::{Tier, UnitKind};
use crate::engine::Space;
use crate::keyring::{Keyring, KeyringError};

/// Version of a petition's content key; a petition is never re-keyed.
const KEY_VERSION: u32 = 1;
const FIELD: u16 = 1;
/// Schema of [`Texts`].
const SCHEMA: u16 = 1;

/// Who asked, in their words.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Texts {
    /// Name.
    pub name: String,
    /// Where the answer goes.
    pub contact: String,
    /// What is asked for and why.
    pub reason: String,
    /// Number on the petitioner's receipt, as given.
    pub receipt: Option<String>,
}

/// [`Texts`], sealed under a unit.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SealedTexts {
    /// The unit that they die with.
    pub unit: UnitId,
    half: [u8; 32],
    /// Empty once they are destroyed.
    sealed: Vec<u8>,
}

impl SealedTexts {
    /// Whether nothing of them is left in the row.
    pub const fn is_gone(&self) -> bool {
        self.sealed.is_empty()
    }
    /// Takes out what is left of them, once their unit is destroyed.
    pub fn forget(&mut self) {
        self.half = [0; 32];
        self.sealed = Vec::new();
    }
}

/// They could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum PetitionError {
    /// The keyring could not give a unit.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// They could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Their unit lives, and they do not open.
    #[error("what a person said in a request does not open")]
    Damaged,
}

impl From<OpenError> for PetitionError {
    fn from(_: OpenError) -> Self {
        Self::Damaged
    }
}

/// Seals and opens what people say in requests.
pub struct Petitions {
    keyring: Arc<Keyring>,
    random: Arc<dyn Random>,
}

impl Petitions {
    /// Over this keyring.
    pub fn new(keyring: Arc<Keyring>, random: Arc<dyn Random>) -> Self {
        Self { keyring, random }
    }

    /// Seals them under a new unit.
    ///
    /// # Errors
    /// Where there is no unit to be had, or no randomness.
    pub fn seal(&self, request: RequestId, texts: &Texts) -> Result<SealedTexts, PetitionError> {
        let unit = self.keyring.allocate(Tier::Ordinary, UnitKind::Petition)?;
        let half: [u8; 32] = self.random.array()?;
        let key = self.key(unit, half).ok_or(PetitionError::Damaged)?;
        let plain = postcard::to_allocvec(texts)
            .map(zeroize::Zeroizing::new)
            .map_err(|_| PetitionError::Damaged)?;
        let sealed = envelope::seal(&key, &place(request, unit), &plain, self.random.as_ref())?;
        Ok(SealedTexts { unit, half, sealed })
    }

    /// Opens them; `None` once their unit is destroyed.
    ///
    /// # Errors
    /// [`PetitionError::Damaged`] where they do not open although it lives.
    pub fn open(
        &self,
        request: RequestId,
        texts: &SealedTexts,
    ) -> Result<Option<Texts>, PetitionError> {
        let Some(key) = self
            .key(texts.unit, texts.half)
            .filter(|_| !texts.is_gone())
        else {
            return Ok(None);
        };
        let plain = envelope::open(&key, &place(request, texts.unit), &texts.sealed)?;
        let texts = postcard::from_bytes(plain.expose()).map_err(|_| PetitionError::Damaged)?;
        Ok(Some(texts))
    }

    fn key(&self, unit: UnitId, half: [u8; 32]) -> Option<ContentKey> {
        let shred = self.keyring.shred_half(unit).ok()?;
        let half = RecipientHalf::new(Secret::new(half));
        Some(ContentKey::combine(
            &shred,
            &half,
            unit,
            Tier::Ordinary,
            KEY_VERSION,
        ))
    }
}

const fn place(request: RequestId, unit: UnitId) -> Place {
    Place {
        space: Space::Request,
        unit,
        tier: Tier::Ordinary,
        record: RecordId::from_bytes(*request.as_bytes()),
        field: FIELD,
        schema: SCHEMA,
        version: 1,
    }
}
