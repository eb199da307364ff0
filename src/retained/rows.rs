//! The rows of items, in the engine that is theirs alone.

use std::sync::Arc;

use crate::crypto::envelope::SealError;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::{RetainedId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::engine::{Batch, Engine, EngineError, Expected, Key, KeyRange, Space, Value};
use crate::vault::UnitRef;

use super::item::{self, Item};

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

/// An item as it stands in the engine.
#[derive(Clone)]
pub struct StoredItem {
    /// The item.
    pub item: Item,
    /// The row as read, for compare-and-swap.
    row: Value,
}

/// How many rows one scan fetches.
const SCAN: Limit = Limit::rows(256);

/// Reads and prepares the rows of the separate store.
pub struct Items {
    engine: Arc<dyn Engine>,
    locator: Locator,
    row_key: RowKey,
    random: Arc<dyn Random>,
}

impl Items {
    /// Over the separate engine, under its own server keys.
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

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    fn item_key(&self, item: RetainedId) -> Key {
        Key::from(self.locator.place("item", &[item.as_bytes()]))
    }
    /// Where the row of a unit stands, or stood: what recognises it in carved bytes.
    pub fn unit_key(&self, item: RetainedId, unit: UnitId) -> Key {
        let parts = [item.as_bytes().as_slice(), &unit.as_u64().to_be_bytes()];
        Key::from(self.locator.place("unit", &parts))
    }
    /// The place of what an item was drawn from: case, requests, ground, units.
    pub fn origin(&self, parts: &[&[u8]]) -> [u8; 16] {
        self.locator.place("origin", parts)
    }

    fn open(&self, key: &Key, row: Value) -> Result<StoredItem, RowError> {
        let plain = self
            .row_key
            .open(Space::Retained, key.as_bytes(), row.as_bytes())
            .map_err(|_| RowError::Damaged("item"))?;
        let item = item::decode(plain.expose()).map_err(RowError::Damaged)?;
        Ok(StoredItem { item, row })
    }

    /// One item.
    pub fn item(&self, id: RetainedId) -> Result<Option<StoredItem>, RowError> {
        let key = self.item_key(id);
        let row = self.engine.get(Space::Retained, &key)?;
        row.map(|row| self.open(&key, row)).transpose()
    }

    /// Every item.
    pub fn all(&self) -> Result<Vec<StoredItem>, RowError> {
        let mut items = Vec::new();
        let mut range = KeyRange::default();
        loop {
            let page = self.engine.scan(Space::Retained, range.clone(), SCAN)?;
            for (key, row) in page.rows {
                range = range.after(key.as_bytes());
                items.push(self.open(&key, row)?);
            }
            if !page.more {
                return Ok(items);
            }
        }
    }

    /// The item that was drawn from this before.
    pub fn drawn_from(&self, origin: [u8; 16]) -> Result<Option<StoredItem>, RowError> {
        let key = Key::from(origin);
        let Some(row) = self.engine.get(Space::Meta, &key)? else {
            return Ok(None);
        };
        let damaged = || RowError::Damaged("origin of an item");
        let plain = self
            .row_key
            .open(Space::Meta, key.as_bytes(), row.as_bytes())
            .map_err(|_| damaged())?;
        let id = plain.expose().try_into().map_err(|_| damaged())?;
        self.item(RetainedId::from_bytes(id))
    }

    /// Stored bytes of an item's units.
    pub fn units(&self, item: &Item) -> Result<Vec<(UnitRef, Value)>, RowError> {
        item.parts
            .iter()
            .map(|part| {
                let key = self.unit_key(item.id, part.unit.unit);
                let value = self.engine.get(Space::Unit, &key)?;
                let value = value.ok_or(RowError::Damaged("a unit kept apart is missing"))?;
                Ok((part.unit, value))
            })
            .collect()
    }

    fn seal(&self, space: Space, key: &Key, plain: &[u8]) -> Result<Value, RowError> {
        let random = self.random.as_ref();
        let sealed = self
            .row_key
            .seal(space, key.as_bytes(), plain, Padding::Steps, random)?;
        Value::new(sealed).map_err(|_| RowError::Damaged("row too long"))
    }

    fn put(&self, batch: &mut Batch, item: &Item) -> Result<Key, RowError> {
        let key = self.item_key(item.id);
        let plain = item::encode(item).map_err(RowError::Damaged)?;
        let value = self.seal(Space::Retained, &key, &plain)?;
        batch.put.push((Space::Retained, key.clone(), value));
        Ok(key)
    }

    /// Adds a new item and its units to a batch. What was drawn from the same origin before and
    /// was never entered in the ledger makes way in the same batch.
    pub fn put_new(
        &self,
        batch: &mut Batch,
        item: &Item,
        units: Vec<(UnitRef, Value)>,
        instead_of: Option<&StoredItem>,
    ) -> Result<(), RowError> {
        if let Some(before) = instead_of {
            self.remove(batch, before);
        }
        let key = self.put(batch, item)?;
        batch.expect.push((Space::Retained, key, Expected::Absent));
        for (unit, value) in units {
            let key = self.unit_key(item.id, unit.unit);
            batch.put.push((Space::Unit, key, value));
        }
        let origin = Key::from(item.origin);
        let named = self.seal(Space::Meta, &origin, item.id.as_bytes())?;
        batch.delete.retain(|(_, key)| *key != origin);
        batch.put.push((Space::Meta, origin, named));
        Ok(())
    }

    /// Adds a changed item to a batch, on the condition that it still stands as read.
    pub fn put_changed(
        &self,
        batch: &mut Batch,
        before: &StoredItem,
        item: &Item,
    ) -> Result<(), RowError> {
        let key = self.put(batch, item)?;
        let same = Expected::Equals(before.row.clone());
        batch.expect.push((Space::Retained, key, same));
        Ok(())
    }

    /// Adds the removal of all rows of an item to a batch, on the condition that it still stands
    /// as read.
    pub fn remove(&self, batch: &mut Batch, stored: &StoredItem) {
        let item = &stored.item;
        let key = self.item_key(item.id);
        let same = Expected::Equals(stored.row.clone());
        batch.expect.push((Space::Retained, key.clone(), same));
        batch.delete.push((Space::Retained, key));
        for part in &item.parts {
            let key = self.unit_key(item.id, part.unit.unit);
            batch.delete.push((Space::Unit, key));
        }
        batch.delete.push((Space::Meta, Key::from(item.origin)));
    }
}
