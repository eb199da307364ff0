//! Rows of accounts that are older than the keyring remembers: rights and passwords that were
//! taken away or replaced since. They are not believed, wherever they come from.
//!
//! The keyring is raised after the change is durable. A crash between the two is made good at the
//! next open, from the rows themselves.

use super::error::ServiceError;
use super::fault;
use super::puncture_queue::account_end;
use super::store::Store;
use crate::audit::note::Note;
use crate::audit::{Event, Outcome, Shown};
use crate::authn::session::Origin;
use crate::destruction::ended::AccountEnd;
use crate::domain::id::AccountId;
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::engine::Batch;
use crate::people::account::Account;
use crate::people::department::Department;

impl Store {
    /// Lets the keyring remember the revisions of all accounts. If it cannot now, the background
    /// thread tries again.
    pub(super) fn guard_credentials(&self) {
        let revisions = self.directory.accounts().into_iter();
        let raised = self
            .keyring
            .raise_credentials(revisions.map(|account| (account.id, account.revision)));
        if let Err(error) = raised {
            tracing::error!(%error, "the keyring does not know of a change of rights yet");
        }
    }

    /// Enters into a batch that somebody left a desk: a right less, of which the ledger is told.
    pub(super) fn leave_desk(
        &self,
        batch: &mut Batch,
        seat: AccountId,
    ) -> Result<(Account, Option<AccountEnd>), ServiceError> {
        let stored = self.account(seat)?;
        let changed = Account {
            revision: stored.row.revision + 1,
            ..stored.row.clone()
        };
        self.people
            .put_changed(batch, &stored, &changed)
            .map_err(fault::table)?;
        let end = account_end(&stored.row, &changed, None);
        Ok((changed, end))
    }

    /// Accounts whose row is older than the keyring remembers, and what it remembers.
    pub(super) fn older(&self) -> Vec<(Account, u64)> {
        let least = self.keyring.credentials();
        let accounts = self.directory.accounts().into_iter().map(|account| {
            let revision = least.get(&account.id).copied().unwrap_or_default();
            (account, revision)
        });
        accounts
            .filter(|(account, least)| account.revision < *least)
            .collect()
    }

    /// Shuts out every account whose row is older than the keyring remembers, takes its roles and
    /// its seats, and remembers the rest.
    pub(super) fn hold_back(&self) -> Result<(), ServiceError> {
        let _turn = self.people_turn();
        for (account, revision) in self.older() {
            self.hold_back_one(&account, revision)?;
        }
        self.guard_credentials();
        Ok(())
    }

    fn hold_back_one(&self, account: &Account, revision: u64) -> Result<(), ServiceError> {
        let stored = self.account(account.id)?;
        let changed = stored.row.held_back(revision);
        let mut batch = Batch::default();
        self.people
            .put_changed(&mut batch, &stored, &changed)
            .map_err(fault::table)?;
        let mut desks = Vec::new();
        for department in self.directory.departments() {
            if !department.desk.contains(&account.id) {
                continue;
            }
            let found = self.people.department(department.id);
            let stored = found.map_err(fault::table)?.ok_or(ServiceError::NotFound)?;
            let stays = |seat: &&AccountId| **seat != account.id;
            let desk = Department {
                desk: stored.row.desk.iter().filter(stays).copied().collect(),
                ..stored.row.clone()
            };
            self.people
                .put_changed(&mut batch, &stored, &desk)
                .map_err(fault::table)?;
            desks.push(desk);
        }
        let event = Event {
            task: Task::ManageAccount,
            outcome: Outcome::Done,
            actor: None,
            roles: Roles::default(),
            origin: Origin {
                address: None,
                device: String::new(),
            },
            purpose: None,
            reason: Some(format!("older than the keyring knows: {}", account.id)),
        };
        let shown = Shown {
            notes: vec![Note::Rights {
                account: changed.id,
                roles: changed.roles,
            }],
            ..Shown::default()
        };
        let entered = self.log.event_about(event, shown, batch).wait();
        entered.map_err(fault::log)?;
        self.directory.put_account(changed);
        for desk in desks {
            self.directory.put_department(desk);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
