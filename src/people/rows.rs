//! The rows of people in the engine, and the names that are taken.

use std::sync::Arc;

use crate::crypto::locate::Locator;
use crate::crypto::sealed::RowKey;
use crate::crypto::table::{Row, Stored, Table, TableError};
use crate::domain::id::{AccountId, ApprovalId, DepartmentId, KeyHolderId};
use crate::domain::random::Random;
use crate::engine::{Batch, Engine, Expected, Key, Space, Value};

use super::account::{Account, Login};
use super::approval::Approval;
use super::approval::before::ApprovalBefore;
use super::department::Department;
use super::holder::KeyHolder;

impl Row for Account {
    const SPACE: Space = Space::Account;
    const KIND: &'static str = "account";
    fn id(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }
}
impl Row for Department {
    const SPACE: Space = Space::Department;
    const KIND: &'static str = "department";
    fn id(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }
}
impl Row for Approval {
    const SPACE: Space = Space::Approval;
    const KIND: &'static str = "approval";
    /// 2 since it tells the approver what they consent to, and is emptied once it is over.
    const FORMAT: u8 = 2;
    fn id(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }
    fn older(_format: u8, bytes: &[u8]) -> Result<Option<Self>, postcard::Error> {
        let before = postcard::from_bytes::<ApprovalBefore>(bytes)?;
        Ok(Some(before.into()))
    }
}

impl Row for KeyHolder {
    const SPACE: Space = Space::KeyHolder;
    const KIND: &'static str = "holder of a copy of the keyring";
    fn id(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }
}

/// What stands at the place of a name that is taken.
const TAKEN: u8 = 1;

/// Reads and prepares the rows of people.
pub struct People(Table);

impl People {
    /// Over this engine, under these server keys.
    pub fn new(
        engine: Arc<dyn Engine>,
        locator: Locator,
        row_key: RowKey,
        random: Arc<dyn Random>,
    ) -> Self {
        Self(Table::new(engine, locator, row_key, random, "person-row"))
    }

    /// The place of a login name; also its tag for throttling.
    pub fn login_place(&self, login: &Login) -> [u8; 16] {
        self.0.place("login", &[login.as_str().as_bytes()])
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Result<Option<Stored<Account>>, TableError> {
        self.0.find(id.as_bytes())
    }
    /// One department.
    pub fn department(&self, id: DepartmentId) -> Result<Option<Stored<Department>>, TableError> {
        self.0.find(id.as_bytes())
    }
    /// One approval.
    pub fn approval(&self, id: ApprovalId) -> Result<Option<Stored<Approval>>, TableError> {
        self.0.find(id.as_bytes())
    }

    /// One holder of a copy of the keyring.
    pub fn key_holder(&self, id: KeyHolderId) -> Result<Option<Stored<KeyHolder>>, TableError> {
        self.0.find(id.as_bytes())
    }

    /// Every row of a kind.
    pub fn all<T: Row>(&self) -> Result<Vec<T>, TableError> {
        self.0.all()
    }

    /// Every request for a second person as it stands; those that nobody can read any more are
    /// removed with `batch`.
    pub fn sweep_approvals(&self, batch: &mut Batch) -> Result<Vec<Stored<Approval>>, TableError> {
        self.0.sweep(batch)
    }
    /// Removes a request, on the condition that it still stands as read.
    pub fn remove_approval(&self, batch: &mut Batch, before: &Stored<Approval>) {
        self.0.remove(batch, before);
    }

    /// Adds a new row to a batch.
    pub fn put_new<T: Row>(&self, batch: &mut Batch, row: &T) -> Result<(), TableError> {
        self.0.put_new(batch, row)
    }

    /// Adds a changed row to a batch, on the condition that it still stands as read.
    pub fn put_changed<T: Row>(
        &self,
        batch: &mut Batch,
        before: &Stored<T>,
        row: &T,
    ) -> Result<(), TableError> {
        self.0.put_changed(batch, before, row)
    }

    /// Claims a unique name (a login, a department code): the batch conflicts if it is taken.
    pub fn claim(&self, batch: &mut Batch, place: [u8; 16]) -> Result<(), TableError> {
        let key = Key::from(place);
        batch
            .expect
            .push((Space::Login, key.clone(), Expected::Absent));
        let taken = Value::new([TAKEN]).map_err(|_| TableError::Damaged("claim"))?;
        batch.put.push((Space::Login, key, taken));
        Ok(())
    }

    /// The place of a department's code among the unique names.
    pub fn code_place(&self, code: &str) -> [u8; 16] {
        self.0.place("department-code", &[code.as_bytes()])
    }
}
