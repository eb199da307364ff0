//! The end of a key: reset, disabling, the loss of the human-rights role.
//!
//! Cases are wrapped to keys, and the server cannot unwrap a sensitive one: what a person's key
//! opens is cut off for good only when the key dies. So it dies here, by its unit in the keyring,
//! and with it whatever nobody else holds. How much that is must not be told to an administrator,
//! and a refusal would tell it; so the answer warns of it always, whatever the person holds.

use super::accounts::{BY_TWO, code_end, split_pending};
use super::error::ServiceError;
use super::fault;
use super::puncture_queue::{account_end, dying_key};
use super::store::{Answer, Store};
use super::types::Reset;
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, ManageAccounts};
use crate::authz::facts::Target;
use crate::domain::id::{AccountId, ApprovalId, UnitId};
use crate::domain::role::{Role, Roles};
use crate::engine::{Batch, Key, Pending};
use crate::people::account::{Account, Code};
use crate::people::approval::{Asked, Person};
use crate::people::rows::Stored;
use crate::people::view::{AccountChange, AccountState, Warning};

/// A change of an account, ready to be committed, and the key that dies with it.
pub(super) struct Ending {
    batch: Batch,
    changed: Account,
    dying: Option<(Key, UnitId)>,
}

impl Store {
    /// `POST /accounts/{id}/reset`: a new invitation. The person sets a new password and gets a new
    /// key pair; wraps to the old one open for nobody any more, until another holder assigns
    /// those cases to them again. Roles that need a second person end with the old key: they are
    /// asked for once the new one is there. For whoever has such a role the reset itself needs a
    /// second person: asked for first, carried out when `approval` is presented.
    ///
    /// # Errors
    /// [`ServiceError::NoSecondPerson`] when no other privacy officer is there.
    pub fn reset_account(
        &self,
        session: &Session,
        account: AccountId,
        approval: Option<ApprovalId>,
    ) -> Answer<Reset> {
        self.office::<ManageAccounts, _>(session, Target::Office, |permit| {
            if session.account() == account {
                return self.fail(permit, ServiceError::SelfApproval);
            }
            let _turn = self.people_turn();
            self.or_fail(permit, self.account(account), |permit, stored| {
                let by_two = BY_TWO.iter().any(|role| stored.row.roles.has(*role));
                match approval {
                    None if by_two => self.ask_reset(session, permit, &stored.row),
                    presented => {
                        let approval = presented.filter(|_| by_two);
                        self.carry_out_reset(session, permit, &stored, approval)
                    }
                }
            })
        })
    }

    fn ask_reset(
        &self,
        session: &Session,
        permit: Permit<ManageAccounts>,
        account: &Account,
    ) -> Answer<Reset> {
        if !self.has_second_person(session, account.id) {
            return self.fail(permit, ServiceError::NoSecondPerson);
        }
        let mut batch = Batch::default();
        let asked = Asked::ResetAccount {
            of: Person::of(account),
        };
        let id = self.ask(&mut batch, asked, session.account())?;
        let warnings = cases_may_be_lost(account.roles.has(Role::HumanRightsOfficer));
        self.commit_people(permit, batch, "reset asked")?;
        Ok(Pending::ready(Ok(Reset::Asked {
            approvals: vec![id.to_string()],
            warnings,
        })))
    }

    /// Whether somebody is there who can approve what this session asks for about this account.
    fn has_second_person(&self, session: &Session, concerned: AccountId) -> bool {
        self.directory.accounts().iter().any(|other| {
            other.id != concerned
                && other.id != session.account()
                && other.receives().is_some()
                && other.roles.has(Role::PrivacyOfficer)
        })
    }

    fn carry_out_reset(
        &self,
        session: &Session,
        permit: Permit<ManageAccounts>,
        stored: &Stored<Account>,
        approval: Option<ApprovalId>,
    ) -> Answer<Reset> {
        let planned = self.plan_reset(session, stored, approval);
        self.or_fail(permit, planned, |permit, (ending, reset)| {
            self.commit_ending(permit, ending, "reset", reset)
        })
    }

    fn plan_reset(
        &self,
        session: &Session,
        stored: &Stored<Account>,
        approval: Option<ApprovalId>,
    ) -> Result<(Ending, Reset), ServiceError> {
        let mut batch = Batch::default();
        if let Some(approval) = approval {
            let asked = Asked::ResetAccount {
                of: Person::of(&stored.row),
            };
            self.spend(&mut batch, approval, &asked, session.account())?;
        }
        let (enrolment_code, code) = self.new_code()?;
        // Who gives the code out could use it: what needs a second person is to be given anew, to
        // the key that the code makes.
        let (roles, _) = split_pending(stored.row.roles, Roles::default());
        let changed = Account {
            roles,
            ..keyless(&stored.row, AccountState::Invited, Some(code))
        };
        let reset = Reset::Done {
            enrolment_code,
            enrolment_expires_at: code_end(&changed),
            warnings: cases_may_be_lost(stored.row.roles.has(Role::HumanRightsOfficer)),
        };
        let ending = self.end_key(batch, stored, changed, session.account())?;
        Ok((ending, reset))
    }

    /// `POST /accounts/{id}/disable`: the account's sessions end, its key dies.
    pub fn disable_account(&self, session: &Session, account: AccountId) -> Answer<AccountChange> {
        self.office::<ManageAccounts, _>(session, Target::Office, |permit| {
            if session.account() == account {
                return self.fail(permit, ServiceError::SelfApproval);
            }
            let _turn = self.people_turn();
            let ending = self.account(account).and_then(|stored| {
                let disabled = keyless(&stored.row, AccountState::Disabled, None);
                self.end_key(Batch::default(), &stored, disabled, session.account())
            });
            self.or_fail(permit, ending, |permit, ending| {
                let rights = ending.changed.roles.has(Role::HumanRightsOfficer);
                let change = AccountChange {
                    state: AccountState::Disabled,
                    warnings: cases_may_be_lost(rights),
                };
                self.commit_ending(permit, ending, "disable", change)
            })
        })
    }

    /// Adds a changed account to a batch. If it loses its key, the key's unit is queued to die in
    /// the same batch: in every image of the disk, whoever learns the old password. Where older rows
    /// are not believed after it, the ledger says so, for a keyring that comes out of an older copy.
    pub(super) fn end_key(
        &self,
        mut batch: Batch,
        stored: &Stored<Account>,
        changed: Account,
        by: AccountId,
    ) -> Result<Ending, ServiceError> {
        self.people
            .put_changed(&mut batch, stored, &changed)
            .map_err(fault::people)?;
        let unit = dying_key(&stored.row, &changed);
        let units: Vec<UnitId> = unit.into_iter().collect();
        let end = account_end(&stored.row, &changed, Some(by));
        let row = self.end_keys(&mut batch, &units, end.into_iter().collect())?;
        let dying = row.zip(unit);
        Ok(Ending {
            batch,
            changed,
            dying,
        })
    }

    /// Commits the change; then it is felt, and the key dies.
    pub(super) fn commit_ending<A: Action, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        ending: Ending,
        what: &'static str,
        answer: T,
    ) -> Answer<T> {
        let Ending {
            batch,
            changed,
            dying,
        } = ending;
        // Whose it is: an inspection tells from it since when an account was shut.
        let shown = Shown {
            query: Some(what),
            reason: Some(changed.id.to_string()),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch).wait();
        let (_receipt, _) = recorded.map_err(fault::log)?;
        self.apply_account(changed);
        if let Some((row, unit)) = dying {
            self.puncture(row, &[unit]);
        }
        Ok(Pending::ready(Ok(answer)))
    }
}

/// The account without its key.
pub(super) fn keyless(account: &Account, state: AccountState, code: Option<Code>) -> Account {
    Account {
        state,
        code,
        credentials: None,
        revision: account.revision + 1,
        ..account.clone()
    }
}

/// What is said of everybody who might hold a sensitive case, whether they do or not.
pub(super) fn cases_may_be_lost(may: bool) -> Vec<Warning> {
    if may {
        vec![Warning::CasesMayBeLost]
    } else {
        Vec::new()
    }
}
