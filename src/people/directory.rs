//! Who there is, in memory: read once when the store opens, changed with every durable change.
//! So a request looks nobody up on disk, and names are resolved in one place.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::domain::id::{AccountId, DepartmentId};

use super::account::{Account, Login};
use super::department::Department;

#[derive(Default)]
struct Lists {
    accounts: HashMap<AccountId, Account>,
    logins: HashMap<Login, AccountId>,
    departments: HashMap<DepartmentId, Department>,
    codes: HashMap<String, DepartmentId>,
}

/// See the module.
#[derive(Default)]
pub struct Directory(RwLock<Lists>);

impl Directory {
    /// With these entries.
    pub fn new(accounts: Vec<Account>, departments: Vec<Department>) -> Self {
        let directory = Self::default();
        for account in accounts {
            directory.put_account(account);
        }
        for department in departments {
            directory.put_department(department);
        }
        directory
    }
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Lists> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
    /// Enters a new or changed account.
    pub fn put_account(&self, account: Account) {
        let mut lists = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lists.logins.insert(account.login.clone(), account.id);
        lists.accounts.insert(account.id, account);
    }
    /// Enters a new or changed department.
    pub fn put_department(&self, department: Department) {
        let mut lists = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lists.codes.insert(department.code.clone(), department.id);
        lists.departments.insert(department.id, department);
    }
    /// One account.
    pub fn account(&self, id: AccountId) -> Option<Account> {
        self.read().accounts.get(&id).cloned()
    }
    /// One account by login name.
    pub fn by_login(&self, login: &Login) -> Option<Account> {
        let lists = self.read();
        lists
            .logins
            .get(login)
            .and_then(|id| lists.accounts.get(id))
            .cloned()
    }
    /// The login name of an account; its id where there is none any more.
    pub fn login(&self, id: AccountId) -> String {
        let lists = self.read();
        lists
            .accounts
            .get(&id)
            .map_or_else(|| id.to_string(), |a| a.login.as_str().to_owned())
    }
    /// Every account, by login name.
    pub fn accounts(&self) -> Vec<Account> {
        let mut accounts: Vec<_> = self.read().accounts.values().cloned().collect();
        accounts.sort_by(|a, b| a.login.cmp(&b.login));
        accounts
    }
    /// One department.
    pub fn department(&self, id: DepartmentId) -> Option<Department> {
        self.read().departments.get(&id).cloned()
    }
    /// One department by code.
    pub fn by_code(&self, code: &str) -> Option<Department> {
        let lists = self.read();
        lists
            .codes
            .get(code)
            .and_then(|id| lists.departments.get(id))
            .cloned()
    }
    /// The code of a department; its id where there is none.
    pub fn code(&self, id: DepartmentId) -> String {
        let lists = self.read();
        lists
            .departments
            .get(&id)
            .map_or_else(|| id.to_string(), |d| d.code.clone())
    }
    /// Every department, by code.
    pub fn departments(&self) -> Vec<Department> {
        let mut departments: Vec<_> = self.read().departments.values().cloned().collect();
        departments.sort_by(|a, b| a.code.cmp(&b.code));
        departments
    }
}
