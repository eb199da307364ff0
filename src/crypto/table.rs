//! Rows of one kind in the engine, sealed under a server key and bound to their place: what a
//! module needs that keeps small records and changes them one at a time.
//!
//! ```text
//! key   = HMAC(K_loc, label ‖ space ‖ id)[..16]
//! value = RowKey(format ‖ postcard(row)), padded in steps
//! ```

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::envelope::SealError;
use super::locate::Locator;
use super::sealed::{Padding, RowKey};
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::engine::{Batch, Engine, EngineError, Expected, Key, KeyRange, Space, Value};

/// A row could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Stored bytes do not open or decode; the text names the kind.
    #[error("damaged row: {0}")]
    Damaged(&'static str),
    /// A row could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Something that has a row of its own.
pub trait Row: Serialize + DeserializeOwned {
    /// Its space.
    const SPACE: Space;
    /// What it is, for errors: never content.
    const KIND: &'static str;
    /// Format of its plaintext. A row of an older one is what [`Row::older`] makes of it.
    const FORMAT: u8 = 1;
    /// Its id within the space.
    fn id(&self) -> Vec<u8>;
    /// Reads what is behind the format byte of an older format. As good as absent (`None`) where no
    /// row of that format is worth anything any more.
    ///
    /// # Errors
    /// Where the bytes are none of that format.
    fn older(_format: u8, _bytes: &[u8]) -> Result<Option<Self>, postcard::Error> {
        Ok(None)
    }
}

/// A row and its bytes as read, for compare-and-swap.
#[derive(Clone)]
pub struct Stored<T> {
    /// The decoded row.
    pub row: T,
    value: Value,
    older: bool,
}

impl<T> Stored<T> {
    /// Whether it was written in an older format: what it said then lies there still.
    pub const fn is_older(&self) -> bool {
        self.older
    }
}

/// How many rows one scan fetches.
const SCAN: Limit = Limit::rows(256);

/// Reads and prepares rows.
pub struct Table {
    engine: Arc<dyn Engine>,
    locator: Locator,
    row_key: RowKey,
    random: Arc<dyn Random>,
    label: &'static str,
}

impl Table {
    /// Over this engine, under these server keys. `label` keeps the places of one module apart
    /// from those of another.
    pub fn new(
        engine: Arc<dyn Engine>,
        locator: Locator,
        row_key: RowKey,
        random: Arc<dyn Random>,
        label: &'static str,
    ) -> Self {
        Self {
            engine,
            locator,
            row_key,
            random,
            label,
        }
    }

    /// The engine, for rows that hold nothing but a place.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// A place that is no row's: where a name is taken.
    pub fn place(&self, label: &str, parts: &[&[u8]]) -> [u8; 16] {
        self.locator.place(label, parts)
    }

    fn key(&self, space: Space, id: &[u8]) -> Key {
        Key::from(self.locator.place(self.label, &[&[space.byte()], id]))
    }

    fn open<T: Row>(&self, key: &Key, value: Value) -> Result<Option<Stored<T>>, TableError> {
        let plain = self
            .row_key
            .open(T::SPACE, key.as_bytes(), value.as_bytes())
            .map_err(|_| TableError::Damaged(T::KIND))?;
        let format = plain.expose().first();
        let older = format.is_some_and(|format| (1..T::FORMAT).contains(format));
        let row = match plain.expose().split_first() {
            Some((format, rest)) if older => match T::older(*format, rest) {
                Ok(None) => return Ok(None),
                read => read.ok().flatten(),
            },
            Some((format, rest)) if *format == T::FORMAT => postcard::from_bytes(rest).ok(),
            _ => None,
        };
        let row = row.ok_or(TableError::Damaged(T::KIND))?;
        Ok(Some(Stored { row, value, older }))
    }

    fn seal<T: Row>(&self, key: &Key, row: &T) -> Result<Value, TableError> {
        let plain = postcard::to_extend(row, vec![T::FORMAT])
            .map(zeroize::Zeroizing::new)
            .map_err(|_| TableError::Damaged(T::KIND))?;
        let random = self.random.as_ref();
        let sealed = self
            .row_key
            .seal(T::SPACE, key.as_bytes(), &plain, Padding::Steps, random)?;
        Value::new(sealed).map_err(|_| TableError::Damaged(T::KIND))
    }

    /// The row of this id.
    pub fn find<T: Row>(&self, id: &[u8]) -> Result<Option<Stored<T>>, TableError> {
        let key = self.key(T::SPACE, id);
        let found = self.engine.get(T::SPACE, &key)?;
        found.map_or(Ok(None), |value| self.open(&key, value))
    }

    /// Every row of a kind, in no order.
    pub fn all<T: Row>(&self) -> Result<Vec<T>, TableError> {
        let mut rows = Vec::new();
        self.each::<T>(|key, value| {
            rows.extend(self.open::<T>(&key, value)?.map(|stored| stored.row));
            Ok(())
        })?;
        Ok(rows)
    }

    fn each<T: Row>(
        &self,
        mut take: impl FnMut(Key, Value) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        let mut range = KeyRange::default();
        loop {
            let page = self.engine.scan(T::SPACE, range.clone(), SCAN)?;
            for (key, value) in page.rows {
                range = range.after(key.as_bytes());
                take(key, value)?;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Every row of a kind as it stands; those of an older format that are as good as absent are
    /// removed with `batch`, and those that are damaged passed over.
    pub fn sweep<T: Row>(&self, batch: &mut Batch) -> Result<Vec<Stored<T>>, TableError> {
        let mut rows = Vec::new();
        self.each::<T>(|key, value| {
            match self.open::<T>(&key, value.clone()) {
                Ok(Some(stored)) => rows.push(stored),
                Ok(None) => {
                    batch.delete.push((T::SPACE, key.clone()));
                    batch.expect.push((T::SPACE, key, Expected::Equals(value)));
                }
                // It is told wherever it is asked for; the others are not to wait for it.
                Err(TableError::Damaged(kind)) => {
                    tracing::error!(kind, "a damaged row was passed over");
                }
                Err(error) => return Err(error),
            }
            Ok(())
        })?;
        Ok(rows)
    }

    fn put<T: Row>(
        &self,
        batch: &mut Batch,
        row: &T,
        expected: Expected,
    ) -> Result<(), TableError> {
        let key = self.key(T::SPACE, &row.id());
        let value = self.seal(&key, row)?;
        batch.put.push((T::SPACE, key.clone(), value));
        batch.expect.push((T::SPACE, key, expected));
        Ok(())
    }

    /// Adds a new row to a batch; the batch conflicts if there is one already.
    pub fn put_new<T: Row>(&self, batch: &mut Batch, row: &T) -> Result<(), TableError> {
        self.put(batch, row, Expected::Absent)
    }

    /// Adds a changed row to a batch, on the condition that it still stands as read.
    pub fn put_changed<T: Row>(
        &self,
        batch: &mut Batch,
        before: &Stored<T>,
        row: &T,
    ) -> Result<(), TableError> {
        self.put(batch, row, Expected::Equals(before.value.clone()))
    }

    /// Removes a row, on the condition that it still stands as read.
    pub fn remove<T: Row>(&self, batch: &mut Batch, before: &Stored<T>) {
        let key = self.key(T::SPACE, &before.row.id());
        batch.delete.push((T::SPACE, key.clone()));
        let expected = Expected::Equals(before.value.clone());
        batch.expect.push((T::SPACE, key, expected));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemSource;
    use crate::domain::secret::Secret;
    use crate::domain::time::SystemClock;
    use crate::engine::memory::MemoryEngine;

    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Note(u8, String);
    impl Row for Note {
        const SPACE: Space = Space::Alert;
        const KIND: &'static str = "note";
        fn id(&self) -> Vec<u8> {
            vec![self.0]
        }
    }

    fn table(engine: &Arc<MemoryEngine>, key: u8) -> Table {
        Table::new(
            engine.clone(),
            Locator::new(&Secret::new([1; 32])),
            RowKey::new(Secret::new([key; 32])),
            Arc::new(SystemSource::default()),
            "test",
        )
    }

    #[test]
    fn rows_are_sealed_changed_once_and_removed() {
        let engine = Arc::new(MemoryEngine::new(Arc::new(SystemClock::default())));
        let rows = table(&engine, 2);
        let note = Note(7, "sealed-canary".into());
        let commit = |fill: &dyn Fn(&mut Batch)| {
            let mut batch = Batch::default();
            fill(&mut batch);
            engine.commit(batch).wait()
        };
        commit(&|batch| rows.put_new(batch, &note).unwrap()).unwrap();
        let twice = commit(&|batch| rows.put_new(batch, &note).unwrap());
        assert!(twice.is_err(), "a second one of the same id");
        let stored = rows.find::<Note>(&[7]).unwrap().unwrap();
        assert_eq!(stored.row, note);
        let change = |batch: &mut Batch| {
            rows.put_changed(batch, &stored, &Note(7, "b".into()))
                .unwrap()
        };
        commit(&change).unwrap();
        assert!(commit(&change).is_err(), "it has changed since it was read");
        assert!(matches!(
            table(&engine, 3).find::<Note>(&[7]),
            Err(TableError::Damaged("note"))
        ));
        let stored = rows.find::<Note>(&[7]).unwrap().unwrap();
        commit(&|batch| rows.remove(batch, &stored)).unwrap();
        assert_eq!(rows.all::<Note>().unwrap(), []);
    }

    /// The same kind of row in another version of the program.
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Later(u8, String, u8);
    impl Row for Later {
        const SPACE: Space = Space::Alert;
        const KIND: &'static str = "note";
        const FORMAT: u8 = 2;
        fn id(&self) -> Vec<u8> {
            vec![self.0]
        }
    }

    #[test]
    fn a_row_of_an_older_format_is_absent_and_one_of_a_newer_is_told() {
        let engine = Arc::new(MemoryEngine::new(Arc::new(SystemClock::default())));
        let rows = table(&engine, 2);
        let mut batch = Batch::default();
        rows.put_new(&mut batch, &Note(7, "a".into())).unwrap();
        rows.put_new(&mut batch, &Later(8, "b".into(), 9)).unwrap();
        engine.commit(batch).wait().unwrap();
        assert!(rows.find::<Later>(&[7]).unwrap().is_none());
        let all = rows.all::<Later>().unwrap();
        assert_eq!(all, [Later(8, "b".into(), 9)]);
        let newer = rows.find::<Note>(&[8]);
        assert!(matches!(newer, Err(TableError::Damaged("note"))));
        // The control: each reads its own.
        assert!(rows.find::<Note>(&[7]).unwrap().is_some());
        // What is as good as absent goes with the next sweep, and nothing else.
        let mut batch = Batch::default();
        let swept = rows.sweep::<Later>(&mut batch).unwrap();
        assert_eq!(swept.len(), 1);
        engine.commit(batch).wait().unwrap();
        assert!(rows.find::<Note>(&[7]).unwrap().is_none());
        assert!(rows.find::<Later>(&[8]).unwrap().is_some());
    }

    #[test]
    fn no_content_stands_in_the_engine() {
        let engine = Arc::new(MemoryEngine::new(Arc::new(SystemClock::default())));
        let rows = table(&engine, 2);
        let mut batch = Batch::default();
        rows.put_new(&mut batch, &Note(7, "sealed-canary".into()))
            .unwrap();
        let (_, _, value) = batch.put.first().unwrap();
        let found = |bytes: &[u8]| bytes.windows(13).any(|w| w == b"sealed-canary");
        assert!(!found(value.as_bytes()));
        assert!(
            found(b"a sealed-canary in clear"),
            "the search finds what is there"
        );
    }
}
