//! The rows of orders in the engine, sealed under a server key and bound to their place.
//!
//! ```text
//! n u8 ‖ sealed record ‖ n × index u64     where its n leaves stand in the ledger
//! ```
//! The committer adds an index in the very batch that appends the leaf, so that a row and the
//! ledger never tell different things.

use std::sync::Arc;

use super::order::{Order, Stage};
use crate::crypto::envelope::SealError;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::{CaseId, DestructionId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::domain::tier::UnitKind;
use crate::engine::{
    Batch, Engine, EngineError, Expected, Key, KeyRange, Late, Mark, Space, Value,
};

/// A row could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Stored bytes do not open or decode.
    #[error("damaged row: {0}")]
    Damaged(&'static str),
    /// A row could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What dies of one case: fixed with the intent, so that whoever resumes destroys the same.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Doomed {
    /// The case.
    pub case: CaseId,
    /// Whether nothing of it is left.
    pub whole: bool,
    /// The units and what they hold.
    pub units: Vec<(UnitId, UnitKind)>,
}

/// An order and, while it is carried out, what exactly dies.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// The order.
    pub order: Order,
    /// By case; empty before the intent and after the end.
    pub doomed: Vec<Doomed>,
    /// Epoch of the blind index that was in force when the keys were destroyed: until its key is
    /// destroyed too, guessed values can be tried on tokens of the dead. None before that, and
    /// where no case was touched.
    pub index: Option<u64>,
}

/// A record in rows of format 1.
#[derive(serde::Deserialize)]
struct RecordBefore {
    order: Order,
    doomed: Vec<Doomed>,
}

impl From<RecordBefore> for Record {
    fn from(before: RecordBefore) -> Self {
        Self {
            order: before.order,
            doomed: before.doomed,
            index: None,
        }
    }
}

/// A record as it stands in the engine.
#[derive(Clone)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// Where its leaves stand in the ledger: intent, destroyed, scrubbed, as far as it has come.
    pub leaves: Vec<u64>,
    value: Value,
}

/// Format of a record's plaintext.
const ROW: u8 = 2;
/// The one before, without the index's epoch; read and never written.
const ROW_BEFORE: u8 = 1;
/// How many rows one scan fetches.
const SCAN: Limit = Limit::rows(64);
/// Most leaves of one order.
const LEAVES_MAX: usize = 3;

/// Reads and prepares the rows of orders.
pub struct Orders {
    engine: Arc<dyn Engine>,
    locator: Locator,
    row_key: RowKey,
    random: Arc<dyn Random>,
}

impl Orders {
    /// Over this engine, under these server keys.
    pub fn new(
        engine: Arc<dyn Engine>,
        locator: Locator,
        row_key: RowKey,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            engine,
            locator,
            row_key,
            random,
        }
    }

    fn key(&self, id: DestructionId) -> Key {
        Key::from(self.locator.place("order", &[id.as_bytes()]))
    }

    /// One order.
    pub fn find(&self, id: DestructionId) -> Result<Option<Stored>, RowError> {
        let key = self.key(id);
        let found = self.engine.get(Space::Order, &key)?;
        found.map(|value| self.open(&key, value)).transpose()
    }

    /// Every order that is not at its end. Looks at every row: for the opening of a store.
    pub fn unfinished(&self) -> Result<Vec<Order>, RowError> {
        let mut orders = Vec::new();
        let mut range = KeyRange::default();
        loop {
            let page = self.engine.scan(Space::Order, range.clone(), SCAN)?;
            for (key, value) in page.rows {
                range = range.after(key.as_bytes());
                let order = self.open(&key, value)?.record.order;
                if !matches!(order.stage, Stage::Scrubbed | Stage::Cancelled) {
                    orders.push(order);
                }
            }
            if !page.more {
                return Ok(orders);
            }
        }
    }

    fn open(&self, key: &Key, value: Value) -> Result<Stored, RowError> {
        let damaged = || RowError::Damaged("order");
        let (sealed, leaves) = split(value.as_bytes()).ok_or_else(damaged)?;
        let plain = self
            .row_key
            .open(Space::Order, key.as_bytes(), sealed)
            .map_err(|_| damaged())?;
        let record = match plain.expose().split_first() {
            Some((&ROW, rest)) => postcard::from_bytes(rest),
            Some((&ROW_BEFORE, rest)) => postcard::from_bytes(rest).map(RecordBefore::into),
            _ => return Err(RowError::Damaged("order of an unknown format")),
        };
        Ok(Stored {
            record: record.map_err(|_| damaged())?,
            leaves,
            value,
        })
    }

    /// The row of a record with this many leaves, without their places.
    fn seal(&self, key: &Key, record: &Record, leaves: usize) -> Result<Vec<u8>, RowError> {
        let plain = postcard::to_extend(record, vec![ROW])
            .map_err(|_| RowError::Damaged("order does not encode"))?;
        let sealed = self.row_key.seal(
            Space::Order,
            key.as_bytes(),
            &plain,
            Padding::Steps,
            self.random.as_ref(),
        )?;
        let count = u8::try_from(leaves)
            .ok()
            .filter(|n| usize::from(*n) <= LEAVES_MAX)
            .ok_or(RowError::Damaged("order with too many leaves"))?;
        Ok([&[count], sealed.as_slice()].concat())
    }

    /// Adds a new order to a batch.
    pub fn put_new(&self, batch: &mut Batch, order: &Order) -> Result<(), RowError> {
        let key = self.key(order.id);
        let record = Record {
            order: order.clone(),
            doomed: Vec::new(),
            index: None,
        };
        let value = value_of(self.seal(&key, &record, 0)?)?;
        batch.put.push((Space::Order, key.clone(), value));
        batch.expect.push((Space::Order, key, Expected::Absent));
        Ok(())
    }

    /// Adds a changed record to a batch, on the condition that it still stands as read.
    pub fn put_changed(
        &self,
        batch: &mut Batch,
        before: &Stored,
        record: &Record,
    ) -> Result<(), RowError> {
        let key = self.key(record.order.id);
        let mut value = self.seal(&key, record, before.leaves.len())?;
        append_leaves(&mut value, &before.leaves);
        batch
            .put
            .push((Space::Order, key.clone(), value_of(value)?));
        self.expect(batch, key, before);
        Ok(())
    }

    /// The same, with one more leaf: the `leaf`-th that this batch appends.
    pub fn put_stamped(
        &self,
        batch: &mut Batch,
        before: &Stored,
        record: &Record,
        leaf: usize,
    ) -> Result<(), RowError> {
        let key = self.key(record.order.id);
        let mut value = self.seal(&key, record, before.leaves.len() + 1)?;
        append_leaves(&mut value, &before.leaves);
        batch.late.push(Late {
            space: Space::Order,
            key: key.as_bytes().to_vec(),
            value,
            key_marks: Vec::new(),
            value_marks: vec![Mark::Leaf(leaf)],
        });
        self.expect(batch, key, before);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "reads as the others")]
    fn expect(&self, batch: &mut Batch, key: Key, before: &Stored) {
        batch
            .expect
            .push((Space::Order, key, Expected::Equals(before.value.clone())));
    }
}

fn append_leaves(value: &mut Vec<u8>, leaves: &[u64]) {
    for index in leaves {
        value.extend_from_slice(&index.to_be_bytes());
    }
}

fn split(row: &[u8]) -> Option<(&[u8], Vec<u64>)> {
    let (count, mut rest) = row.split_first()?;
    let mut leaves = Vec::new();
    if usize::from(*count) > LEAVES_MAX {
        return None;
    }
    for _ in 0..*count {
        let (before, index) = rest.split_last_chunk::<8>()?;
        leaves.push(u64::from_be_bytes(*index));
        rest = before;
    }
    leaves.reverse();
    Some((rest, leaves))
}

fn value_of(bytes: Vec<u8>) -> Result<Value, RowError> {
    Value::new(bytes).map_err(|_| RowError::Damaged("order too long"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destruction::order::Ground;
    use crate::domain::id::AccountId;
    use crate::domain::random::SeededSource;
    use crate::domain::secret::Secret;
    use crate::domain::time::{SteppedClock, Timestamp};
    use crate::engine::memory::MemoryEngine;

    #[test]
    fn a_row_of_the_format_before_is_read_and_written_in_the_new_one() {
        let noon = Timestamp::from_millis(1_800_000_000_000);
        let clock = Arc::new(SteppedClock::at(noon));
        let engine = Arc::new(MemoryEngine::new(clock));
        let orders = Orders::new(
            engine.clone(),
            Locator::new(&Secret::new([1; 32])),
            RowKey::new(Secret::new([2; 32])),
            Arc::new(SeededSource::new(3)),
        );
        let order = Order {
            id: DestructionId::from_bytes([4; 16]),
            ground: Ground::Expiry { decision: None },
            parts: Vec::new(),
            units: vec![UnitId::from_u64(5)],
            handler: AccountId::from_bytes([6; 16]),
            approver: AccountId::from_bytes([7; 16]),
            witness: None,
            approved_at: noon,
            due: noon,
            stage: Stage::Destroyed,
        };
        let doomed: Vec<Doomed> = Vec::new();
        let plain = postcard::to_extend(&(&order, &doomed), vec![ROW_BEFORE]).unwrap();
        let key = orders.key(order.id);
        let place = (Space::Order, key.as_bytes());
        let random = orders.random.as_ref();
        let sealed = orders
            .row_key
            .seal(place.0, place.1, &plain, Padding::Steps, random);
        let mut value = [&[2], sealed.unwrap().as_slice()].concat();
        append_leaves(&mut value, &[8, 9]);
        let put = vec![(Space::Order, key, value_of(value).unwrap())];
        let commit = |batch| engine.commit(batch).wait().unwrap();
        commit(Batch {
            put,
            ..Batch::default()
        });
        let stored = orders.find(order.id).unwrap().unwrap();
        assert_eq!(stored.leaves, [8, 9]);
        assert_eq!((&stored.record.order, stored.record.index), (&order, None));

        let changed = Record {
            index: Some(10),
            ..stored.record.clone()
        };
        let mut batch = Batch::default();
        orders.put_changed(&mut batch, &stored, &changed).unwrap();
        commit(batch);
        let again = orders.find(order.id).unwrap().unwrap();
        assert_eq!((again.record, again.leaves), (changed, vec![8, 9]));
    }
}
