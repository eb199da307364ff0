//! The rows of requests and retention rules, sealed under a server key and bound to their place.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crypto::envelope::SealError;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::RequestId;
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::engine::{Batch, Engine, EngineError, Expected, Key, KeyRange, Space, Value};

use super::request::Stored as Request;
use super::retention::{ClockWord, Rules};

/// A row could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
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

/// A row and its bytes as read, for compare-and-swap.
#[derive(Clone)]
pub struct Kept<T> {
    /// The decoded row.
    pub row: T,
    value: Option<Value>,
}

/// Something that has a row here.
pub trait Record: Serialize + DeserializeOwned {
    /// Its space.
    const SPACE: Space;
    /// Format of its plaintext.
    const FORMAT: u8;
    /// Its id within the space.
    fn id(&self) -> [u8; 16];
}

impl Record for Request {
    const SPACE: Space = Space::Request;
    /// 2 since the first of two approvals says when and in which roles it was given, and what a
    /// person said is sealed under a unit of its own.
    const FORMAT: u8 = 2;
    fn id(&self) -> [u8; 16] {
        *self.facts().id.as_bytes()
    }
}

/// Rows of which there is one alone; each stands at a place of its own.
const RULES: [u8; 16] = *b"retention rules.";
const CLOCK: [u8; 16] = *b"word on the time";

impl Record for Rules {
    const SPACE: Space = Space::Rule;
    const FORMAT: u8 = 1;
    fn id(&self) -> [u8; 16] {
        RULES
    }
}

impl Record for ClockWord {
    const SPACE: Space = Space::Rule;
    const FORMAT: u8 = 1;
    fn id(&self) -> [u8; 16] {
        CLOCK
    }
}

/// How many rows one scan fetches.
const SCAN: Limit = Limit::rows(64);

/// Reads and prepares the rows.
pub struct Records {
    engine: Arc<dyn Engine>,
    locator: Locator,
    row_key: RowKey,
    random: Arc<dyn Random>,
}

impl Records {
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

    fn key(&self, space: Space, id: &[u8; 16]) -> Key {
        Key::from(self.locator.place("end-row", &[&[space.byte()], id]))
    }

    fn open<T: Record>(&self, key: &Key, value: &Value) -> Result<T, RecordError> {
        let plain = self
            .row_key
            .open(T::SPACE, key.as_bytes(), value.as_bytes())
            .map_err(|_| RecordError::Damaged("request row"))?;
        match plain.expose().split_first() {
            Some((&format, rest)) if format == T::FORMAT => {
                postcard::from_bytes(rest).map_err(|_| RecordError::Damaged("request row"))
            }
            _ => Err(RecordError::Damaged("request row of an unknown format")),
        }
    }

    /// The row of this id.
    fn find<T: Record>(&self, id: &[u8; 16]) -> Result<Option<Kept<T>>, RecordError> {
        let key = self.key(T::SPACE, id);
        let Some(value) = self.engine.get(T::SPACE, &key)? else {
            return Ok(None);
        };
        let row = self.open(&key, &value)?;
        Ok(Some(Kept {
            row,
            value: Some(value),
        }))
    }

    /// One request.
    pub fn request(&self, id: RequestId) -> Result<Option<Kept<Request>>, RecordError> {
        self.find(id.as_bytes())
    }

    /// The retention rules; none set, if nobody ever set any.
    pub fn rules(&self) -> Result<Kept<Rules>, RecordError> {
        self.single(&RULES)
    }

    /// What people said about a leap of the clock.
    pub fn clock_word(&self) -> Result<Kept<ClockWord>, RecordError> {
        self.single(&CLOCK)
    }

    fn single<T: Record + Default>(&self, id: &[u8; 16]) -> Result<Kept<T>, RecordError> {
        Ok(self.find(id)?.unwrap_or_else(|| Kept {
            row: T::default(),
            value: None,
        }))
    }

    /// Every request.
    pub fn requests(&self) -> Result<Vec<Request>, RecordError> {
        self.all()
    }

    /// Every row of a kind that has a space of its own.
    pub fn all<T: Record>(&self) -> Result<Vec<T>, RecordError> {
        let mut rows = Vec::new();
        let mut range = KeyRange::default();
        loop {
            let page = self.engine.scan(T::SPACE, range.clone(), SCAN)?;
            for (key, value) in page.rows {
                range = range.after(key.as_bytes());
                rows.push(self.open(&key, &value)?);
            }
            if !page.more {
                return Ok(rows);
            }
        }
    }

    fn put<T: Record>(
        &self,
        batch: &mut Batch,
        row: &T,
        expected: Expected,
    ) -> Result<(), RecordError> {
        let key = self.key(T::SPACE, &row.id());
        let plain = postcard::to_extend(row, vec![T::FORMAT])
            .map(zeroize::Zeroizing::new)
            .map_err(|_| RecordError::Damaged("row does not encode"))?;
        let sealed = self.row_key.seal(
            T::SPACE,
            key.as_bytes(),
            &plain,
            Padding::Steps,
            self.random.as_ref(),
        )?;
        let value = Value::new(sealed).map_err(|_| RecordError::Damaged("row too long"))?;
        batch.put.push((T::SPACE, key.clone(), value));
        batch.expect.push((T::SPACE, key, expected));
        Ok(())
    }

    /// Adds a new row to a batch.
    pub fn put_new<T: Record>(&self, batch: &mut Batch, row: &T) -> Result<(), RecordError> {
        self.put(batch, row, Expected::Absent)
    }

    /// Adds a changed row to a batch, on the condition that it still stands as read.
    pub fn put_changed<T: Record>(
        &self,
        batch: &mut Batch,
        before: &Kept<T>,
        row: &T,
    ) -> Result<(), RecordError> {
        let expected = before.value.clone();
        self.put(
            batch,
            row,
            expected.map_or(Expected::Absent, Expected::Equals),
        )
    }
}
