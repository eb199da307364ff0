//! The rows of orders: those that are open apart from those that are done, so that finding what is
//! left to do does not take longer with every year.

use std::sync::Arc;

use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::DestructionId;
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::engine::{Batch, Engine, Expected, Key, KeyRange, Space, Value};

use super::order::{Order, Stage};
use super::records::RecordError;

/// Format of a row's plaintext.
const ROW: u8 = 1;
/// Rows of one scan.
const SCAN: Limit = Limit::rows(200);

/// An order and its bytes as read, for compare-and-swap.
#[derive(Clone)]
pub struct StoredOrder {
    /// The order.
    pub order: Order,
    key: Key,
    value: Value,
}

/// Reads and prepares the rows of orders.
pub struct Orders {
    engine: Arc<dyn Engine>,
    locator: Locator,
    row_key: RowKey,
    random: Arc<dyn Random>,
}

impl Orders {
    /// Over this engine, under these server keys.
    pub const fn new(
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

    fn prefix(&self, open: bool) -> [u8; 16] {
        let label = if open { "orders-open" } else { "orders-done" };
        self.locator.place(label, &[])
    }

    fn key(&self, id: DestructionId, open: bool) -> Result<Key, RecordError> {
        let place = self.locator.place("order", &[id.as_bytes()]);
        Key::new([self.prefix(open), place].concat()).map_err(|_| RecordError::Damaged("order key"))
    }

    fn read(&self, key: Key, value: Value) -> Result<StoredOrder, RecordError> {
        let plain = self
            .row_key
            .open(Space::Order, key.as_bytes(), value.as_bytes())
            .map_err(|_| RecordError::Damaged("order"))?;
        match plain.expose().split_first() {
            Some((&ROW, rest)) => {
                let order =
                    postcard::from_bytes(rest).map_err(|_| RecordError::Damaged("order"))?;
                Ok(StoredOrder { order, key, value })
            }
            _ => Err(RecordError::Damaged("order of an unknown format")),
        }
    }

    /// One order, open or done.
    pub fn find(&self, id: DestructionId) -> Result<Option<StoredOrder>, RecordError> {
        for open in [true, false] {
            let key = self.key(id, open)?;
            if let Some(value) = self.engine.get(Space::Order, &key)? {
                return self.read(key, value).map(Some);
            }
        }
        Ok(None)
    }

    /// Every order that still has something to be done: waiting, begun, or not scrubbed yet.
    pub fn open(&self) -> Result<Vec<Order>, RecordError> {
        let mut found = Vec::new();
        let mut range = KeyRange::prefix(&self.prefix(true));
        loop {
            let page = self.engine.scan(Space::Order, range.clone(), SCAN)?;
            for (key, value) in page.rows {
                range = range.after(key.as_bytes());
                found.push(self.read(key, value)?.order);
            }
            if !page.more {
                return Ok(found);
            }
        }
    }

    fn seal(&self, key: &Key, order: &Order) -> Result<Value, RecordError> {
        let plain = postcard::to_extend(order, vec![ROW])
            .map_err(|_| RecordError::Damaged("order does not encode"))?;
        let random = self.random.as_ref();
        let sealed =
            self.row_key
                .seal(Space::Order, key.as_bytes(), &plain, Padding::Steps, random)?;
        Value::new(sealed).map_err(|_| RecordError::Damaged("order too long"))
    }

    /// Adds a new order to a batch.
    pub fn put_new(&self, batch: &mut Batch, order: &Order) -> Result<(), RecordError> {
        let key = self.key(order.id, true)?;
        let value = self.seal(&key, order)?;
        batch.put.push((Space::Order, key.clone(), value));
        batch.expect.push((Space::Order, key, Expected::Absent));
        Ok(())
    }

    /// Adds a changed order to a batch, on the condition that it still stands as read.
    pub fn put_changed(
        &self,
        batch: &mut Batch,
        before: &StoredOrder,
        order: &Order,
    ) -> Result<(), RecordError> {
        let done = matches!(order.stage, Stage::Scrubbed | Stage::Cancelled);
        let key = self.key(order.id, !done)?;
        let value = self.seal(&key, order)?;
        batch.expect.push((
            Space::Order,
            before.key.clone(),
            Expected::Equals(before.value.clone()),
        ));
        if key != before.key {
            batch.delete.push((Space::Order, before.key.clone()));
        }
        batch.put.push((Space::Order, key, value));
        Ok(())
    }
}
