//! The rows of the blind index (security.md: tokens die with their unit).
//!
//! ```text
//! posting   key  token 16 ‖ random 8        value  sealed(case 16 ‖ unit 8)
//! unit row  key  HMAC(K_loc, "postings", unit)[..16]
//!           value  sealed(epoch, case, unit, keys of its postings, inner)
//!           inner  sealed under K_u: its terms, in the order of the keys
//! ```
//! One posting per value, small enough to stand in the index itself; one row per unit, from which
//! its postings are found again. The keys stand outside of `inner`, under the row key: so the
//! postings of a unit can be removed also when its shred half is gone already, after a crash
//! between puncture and removal. The terms, from which tokens of any epoch could be made, stand
//! inside and die with the half.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::blind::{EpochKey, IndexKey, ScopeKey, Term, unit_key};
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::{CaseId, DepartmentId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::engine::{Batch, Engine, Expected, Key, KeyRange, Space, Value};
use crate::keyring::{IndexEpoch, Keyring, ServerKey};

use super::rows::RowError;

/// Bytes of a posting's key: token and suffix.
const POSTING_KEY: usize = 24;
/// Bytes of a unit row's key.
const UNIT_KEY: usize = 16;

/// Reads and prepares the rows of the blind index.
pub struct Postings {
    engine: Arc<dyn Engine>,
    keyring: Arc<Keyring>,
    locator: Locator,
    row_key: RowKey,
    index: IndexKey,
    random: Arc<dyn Random>,
}

/// What a token stands for; whether the value is the same is known only when the unit is open.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Posting {
    /// The case.
    pub case: CaseId,
    /// The unit that holds the value.
    pub unit: UnitId,
}

/// A unit's own row.
#[derive(serde::Serialize, serde::Deserialize)]
struct UnitRow {
    epoch: u64,
    posting: Posting,
    keys: Vec<[u8; POSTING_KEY]>,
    inner: Vec<u8>,
}

/// What one step of a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    /// Units of another epoch that were met.
    pub behind: usize,
    /// Whether the walk came to the end.
    pub end: bool,
}

impl Postings {
    /// Over this engine, under the keys of this keyring.
    pub fn new(
        engine: Arc<dyn Engine>,
        keyring: Arc<Keyring>,
        locator: Locator,
        row_key: RowKey,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            index: IndexKey::new(&keyring.server_key(ServerKey::Index)),
            engine,
            keyring,
            locator,
            row_key,
            random,
        }
    }

    /// The blind index of a department.
    pub fn scope(&self, department: DepartmentId) -> ScopeKey {
        self.index.scope(department)
    }

    fn unit_place(&self, unit: UnitId) -> Key {
        let number = unit.as_u64().to_be_bytes();
        Key::from(self.locator.place("postings", &[&number]))
    }

    /// Adds the rows of one unit to a batch; none where there is nothing to find it by.
    pub fn put(
        &self,
        batch: &mut Batch,
        case: CaseId,
        unit: UnitId,
        terms: &[Term],
    ) -> Result<(), RowError> {
        if terms.is_empty() {
            return Ok(());
        }
        let epoch = self.keyring.index_epoch();
        self.put_under(&epoch, batch, Posting { case, unit }, terms)
    }

    fn put_under(
        &self,
        epoch: &IndexEpoch,
        batch: &mut Batch,
        posting: Posting,
        terms: &[Term],
    ) -> Result<(), RowError> {
        let random = self.random.as_ref();
        let key = EpochKey::new(&epoch.key);
        let value = encode(&posting)?;
        let mut keys = Vec::with_capacity(terms.len());
        for term in terms {
            let suffix: [u8; 8] = random.array().map_err(crate::crypto::SealError::from)?;
            let mut row = [0; POSTING_KEY];
            let (token, rest) = row.split_at_mut(UNIT_KEY);
            token.copy_from_slice(&key.token(term));
            rest.copy_from_slice(&suffix);
            keys.push(row);
            batch.put.push(self.sealed(&row, &value)?);
        }
        let place = self.unit_place(posting.unit);
        // A unit without its half cannot be indexed, and need not be: nobody can open it.
        let Ok(half) = self.keyring.shred_half(posting.unit) else {
            return Err(RowError::Damaged("a unit to be indexed has no shred half"));
        };
        let inner = unit_key(&half, posting.unit).seal(
            Space::Posting,
            place.as_bytes(),
            &encode(&terms)?,
            Padding::None,
            random,
        )?;
        let row = UnitRow {
            epoch: epoch.id,
            posting,
            keys,
            inner,
        };
        batch
            .put
            .push(self.sealed(place.as_bytes(), &encode(&row)?)?);
        Ok(())
    }

    fn sealed(&self, key: &[u8], plain: &[u8]) -> Result<(Space, Key, Value), RowError> {
        let random = self.random.as_ref();
        let sealed = self
            .row_key
            .seal(Space::Posting, key, plain, Padding::None, random)?;
        let long = |_| RowError::Damaged("posting too long");
        let key = Key::new(key).map_err(long)?;
        Ok((Space::Posting, key, Value::new(sealed).map_err(long)?))
    }

    fn open<T: serde::de::DeserializeOwned>(
        &self,
        key: &Key,
        value: &Value,
    ) -> Result<T, RowError> {
        let damaged = || RowError::Damaged("posting");
        let plain = self
            .row_key
            .open(Space::Posting, key.as_bytes(), value.as_bytes())
            .map_err(|_| damaged())?;
        postcard::from_bytes(plain.expose()).map_err(|_| damaged())
    }

    /// Adds the removal of everything that these units are found by to a batch; works whether
    /// their shred halves still live or not, and does nothing for units that have no rows.
    pub fn remove(&self, batch: &mut Batch, units: &[UnitId]) -> Result<(), RowError> {
        for unit in units {
            let place = self.unit_place(*unit);
            let Some(value) = self.engine.get(Space::Posting, &place)? else {
                continue;
            };
            let row: UnitRow = self.open(&place, &value)?;
            Self::remove_row(batch, place, value, &row)?;
        }
        Ok(())
    }

    /// On the condition that a rotation has not written it anew meanwhile.
    fn remove_row(
        batch: &mut Batch,
        place: Key,
        value: Value,
        row: &UnitRow,
    ) -> Result<(), RowError> {
        for key in &row.keys {
            let key = Key::new(*key).map_err(|_| RowError::Damaged("posting key"))?;
            batch.delete.push((Space::Posting, key));
        }
        batch
            .expect
            .push((Space::Posting, place.clone(), Expected::Equals(value)));
        batch.delete.push((Space::Posting, place));
        Ok(())
    }

    /// Where a term stands, in this epoch and in one that is being left; at most `limit` of each,
    /// and whether there are more.
    pub fn find(&self, term: &Term, limit: Limit) -> Result<(Vec<Posting>, bool), RowError> {
        let (mut found, mut more) = (Vec::new(), false);
        // The older first: a unit that is moved between the two looks is found twice, never not.
        let epochs = self.keyring.older_index_epoch().into_iter();
        for epoch in epochs.chain([self.keyring.index_epoch()]) {
            let token = EpochKey::new(&epoch.key).token(term);
            let range = KeyRange::prefix(&token);
            let page = self.engine.scan(Space::Posting, range, limit)?;
            more |= page.more;
            for (key, value) in &page.rows {
                found.push(self.open(key, value)?);
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok((found, more))
    }

    /// Looks at the next `limit` rows behind `after` and writes those of another epoch than the
    /// newest under the newest, in one batch that the caller commits; rows of units whose half is
    /// gone are removed.
    pub fn renew(
        &self,
        batch: &mut Batch,
        after: &mut Option<Vec<u8>>,
        limit: Limit,
    ) -> Result<Step, RowError> {
        let range = KeyRange::default();
        let range = match after.as_deref() {
            Some(key) => range.after(key),
            None => range,
        };
        let newest = self.keyring.index_epoch();
        let page = self.engine.scan(Space::Posting, range, limit)?;
        *after = page.rows.last().map(|(key, _)| key.as_bytes().to_vec());
        let mut step = Step {
            behind: 0,
            end: !page.more,
        };
        for (key, value) in page.rows {
            if key.as_bytes().len() != UNIT_KEY {
                continue;
            }
            let row: UnitRow = self.open(&key, &value)?;
            if row.epoch == newest.id {
                continue;
            }
            step.behind += 1;
            let terms = self.terms(&key, &row)?;
            let posting = row.posting;
            Self::remove_row(batch, key, value, &row)?;
            if let Some(terms) = terms {
                // Its row is replaced, not removed.
                batch.delete.pop();
                self.put_under(&newest, batch, posting, &terms)?;
            }
        }
        Ok(step)
    }

    /// The terms of a unit; `None` once its half is gone.
    fn terms(&self, key: &Key, row: &UnitRow) -> Result<Option<Zeroizing<Vec<Term>>>, RowError> {
        let unit = row.posting.unit;
        let Ok(half) = self.keyring.shred_half(unit) else {
            return Ok(None);
        };
        let damaged = || RowError::Damaged("terms of a unit");
        let plain = unit_key(&half, unit)
            .open(Space::Posting, key.as_bytes(), &row.inner)
            .map_err(|_| damaged())?;
        let terms = postcard::from_bytes(plain.expose()).map_err(|_| damaged())?;
        Ok(Some(Zeroizing::new(terms)))
    }
}

/// Tells whose a row of the index is that was found somewhere, with the row key alone.
pub struct Owner(RowKey);

impl Owner {
    /// With the key of the store's rows.
    pub const fn new(row_key: RowKey) -> Self {
        Self(row_key)
    }

    /// The unit that a posting, or a unit's own row, is of; `None` for bytes that are neither.
    pub fn of(&self, key: &[u8], value: &[u8]) -> Option<UnitId> {
        let plain = self.0.open(Space::Posting, key, value).ok()?;
        let posting = match key.len() {
            POSTING_KEY => postcard::from_bytes(plain.expose()).ok(),
            UNIT_KEY => {
                let row: Option<UnitRow> = postcard::from_bytes(plain.expose()).ok();
                row.map(|row| row.posting)
            }
            _ => None,
        };
        posting.map(|posting: Posting| posting.unit)
    }
}

fn encode<T: serde::Serialize>(row: &T) -> Result<Zeroizing<Vec<u8>>, RowError> {
    postcard::to_stdvec(row)
        .map(Zeroizing::new)
        .map_err(|_| RowError::Damaged("posting does not encode"))
}

#[cfg(test)]
mod tests;
