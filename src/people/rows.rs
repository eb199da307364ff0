//! The rows of people in the engine, sealed under a server key and bound to their place.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::crypto::envelope::SealError;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::{AccountId, ApprovalId, DepartmentId, KeyHolderId};
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::engine::{Batch, Engine, EngineError, Expected, Key, KeyRange, Space, Value};

use super::account::{Account, Login};
use super::approval::Approval;
use super::department::Department;
use super::holder::KeyHolder;

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

/// A row and its bytes as read, for compare-and-swap.
#[derive(Clone)]
pub struct Stored<T> {
    /// The decoded row.
    pub row: T,
    value: Value,
}

/// Something that has a row of its own.
pub trait Row: Serialize + DeserializeOwned {
    /// Its space.
    const SPACE: Space;
    /// Its id.
    fn id(&self) -> [u8; 16];
}

impl Row for Account {
    const SPACE: Space = Space::Account;
    fn id(&self) -> [u8; 16] {
        *self.id.as_bytes()
    }
}
impl Row for Department {
    const SPACE: Space = Space::Department;
    fn id(&self) -> [u8; 16] {
        *self.id.as_bytes()
    }
}
impl Row for Approval {
    const SPACE: Space = Space::Approval;
    fn id(&self) -> [u8; 16] {
        *self.id.as_bytes()
    }
}

impl Row for KeyHolder {
    const SPACE: Space = Space::KeyHolder;
    fn id(&self) -> [u8; 16] {
        *self.id.as_bytes()
    }
}

/// Format of a row's plaintext.
const ROW: u8 = 1;
/// How many rows one scan fetches.
const SCAN: Limit = Limit::rows(256);

/// Reads and prepares the rows of people.
pub struct People {
    engine: Arc<dyn Engine>,
    locator: Locator,
    row_key: RowKey,
    random: Arc<dyn Random>,
}

impl People {
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
        Key::from(self.locator.place("person-row", &[&[space.byte()], id]))
    }

    /// The place of a login name; also its tag for throttling.
    pub fn login_place(&self, login: &Login) -> [u8; 16] {
        self.locator.place("login", &[login.as_str().as_bytes()])
    }

    fn open<T: Row>(&self, key: &Key, value: Value) -> Result<Stored<T>, RowError> {
        let plain = self
            .row_key
            .open(T::SPACE, key.as_bytes(), value.as_bytes())
            .map_err(|_| RowError::Damaged("person row"))?;
        match plain.expose().split_first() {
            Some((&ROW, rest)) => {
                let row =
                    postcard::from_bytes(rest).map_err(|_| RowError::Damaged("person row"))?;
                Ok(Stored { row, value })
            }
            _ => Err(RowError::Damaged("person row of an unknown format")),
        }
    }

    fn find<T: Row>(&self, id: &[u8; 16]) -> Result<Option<Stored<T>>, RowError> {
        let key = self.key(T::SPACE, id);
        let found = self.engine.get(T::SPACE, &key)?;
        found.map(|value| self.open(&key, value)).transpose()
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, RowError> {
        self.find(id.as_bytes())
    }
    /// One department.
    pub fn department(&self, id: DepartmentId) -> Result<Option<Stored<Department>>, RowError> {
        self.find(id.as_bytes())
    }
    /// One approval.
    pub fn approval(&self, id: ApprovalId) -> Result<Option<Stored<Approval>>, RowError> {
        self.find(id.as_bytes())
    }

    /// One holder of a copy of the keyring.
    pub fn key_holder(&self, id: KeyHolderId) -> Result<Option<Stored<KeyHolder>>, RowError> {
        self.find(id.as_bytes())
    }

    /// Every row of a kind.
    pub fn all<T: Row>(&self) -> Result<Vec<T>, RowError> {
        let mut rows = Vec::new();
        let mut range = KeyRange::default();
        loop {
            let page = self.engine.scan(T::SPACE, range.clone(), SCAN)?;
            for (key, value) in page.rows {
                range = range.after(key.as_bytes());
                rows.push(self.open::<T>(&key, value)?.row);
            }
            if !page.more {
                return Ok(rows);
            }
        }
    }

    fn seal<T: Row>(&self, key: &Key, row: &T) -> Result<Value, RowError> {
        let plain = postcard::to_extend(row, vec![ROW])
            .map_err(|_| RowError::Damaged("row does not encode"))?;
        let sealed = self.row_key.seal(
            T::SPACE,
            key.as_bytes(),
            &plain,
            Padding::Steps,
            self.random.as_ref(),
        )?;
        Value::new(sealed).map_err(|_| RowError::Damaged("row too long"))
    }

    /// Adds a new row to a batch.
    pub fn put_new<T: Row>(&self, batch: &mut Batch, row: &T) -> Result<(), RowError> {
        let key = self.key(T::SPACE, &row.id());
        batch
            .put
            .push((T::SPACE, key.clone(), self.seal(&key, row)?));
        batch.expect.push((T::SPACE, key, Expected::Absent));
        Ok(())
    }

    /// Adds a changed row to a batch, on the condition that it still stands as read.
    pub fn put_changed<T: Row>(
        &self,
        batch: &mut Batch,
        before: &Stored<T>,
        row: &T,
    ) -> Result<(), RowError> {
        let key = self.key(T::SPACE, &row.id());
        batch
            .put
            .push((T::SPACE, key.clone(), self.seal(&key, row)?));
        batch
            .expect
            .push((T::SPACE, key, Expected::Equals(before.value.clone())));
        Ok(())
    }

    /// Claims a unique name (a login, a department code): the batch conflicts if it is taken.
    pub fn claim(&self, batch: &mut Batch, place: [u8; 16]) -> Result<(), RowError> {
        let key = Key::from(place);
        batch
            .expect
            .push((Space::Login, key.clone(), Expected::Absent));
        let taken = Value::new([ROW]).map_err(|_| RowError::Damaged("claim"))?;
        batch.put.push((Space::Login, key, taken));
        Ok(())
    }

    /// The place of a department's code among the unique names.
    pub fn code_place(&self, code: &str) -> [u8; 16] {
        self.locator.place("department-code", &[code.as_bytes()])
    }
}
