//! The end of a key: reset, disabling, the loss of the human-rights role.
//!
//! Cases are wrapped to keys, and the server cannot unwrap a sensitive one: what a person's key
//! opens is cut off for good only when the key dies. So it dies here, by its unit in the keyring,
//! and with it whatever nobody else holds. How much that is must not be told to an administrator,
//! and a refusal would tell it; so the answer warns of it always, whatever the person holds.

use super::accounts::{code_end, watches};
use super::error::ServiceError;
use super::fault;
use super::puncture_queue::{account_end, dying_key};
use super::second_person::Consent;
use super::store::{Answer, Store};
use super::types::Reset;
use crate::audit::Shown;
use crate::audit::note::Note;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, ManageAccounts};
use crate::authz::facts::Target;
use crate::crypto::table::Stored;
use crate::domain::id::{AccountId, ApprovalId, UnitId};
use crate::domain::role::{Role, Roles};
use crate::engine::{Batch, Key, Pending};
use crate::people::account::{Account, Code};
use crate::people::approval::{Asked, Person};
use crate::people::view::{AccountChange, AccountState, Warning};

/// A change of an account, ready to be committed, and the key that dies with it.
pub(super) struct Ending {
    batch: Batch,
    changed: Account,
    /// Whether it is the same as before: something was only asked for.
    same: bool,
    dying: Option<(Key, UnitId)>,
    /// What its entry notes of second persons.
    notes: Vec<Note>,
}

impl Ending {
    /// The same, of which the entry notes this too.
    pub(super) fn noting(mut self, notes: impl IntoIterator<Item = Note>) -> Self {
        self.notes.extend(notes);
        self
    }
    /// The batch and the account, of a change with which no key dies.
    pub(super) fn without_key(self) -> (Batch, Account) {
        (self.batch, self.changed)
    }
}

impl Store {
    /// `POST /accounts/{id}/reset`: a new invitation. The person sets a new password and gets a new
    /// key pair; wraps to the old one open for nobody any more, until another holder assigns
    /// those cases to them again. Roles end with the old key: they are asked for once the new one is
    /// there. For whoever has a role the reset itself needs a second person: asked for first,
    /// carried out when `approval` is presented.
    ///
    /// # Errors
    /// [`ServiceError::NoSecondPerson`] when no other privacy officer is there.
    pub fn reset_account(
        &self,
        session: &Session,
        account: AccountId,
        approval: Option<ApprovalId>,
    ) -> Answer<Reset> {
        self.end_by_two(session, account, |permit, stored| {
            let of = Person::of(&stored.row);
            let asked = (!stored.row.roles.is_empty()).then_some(Asked::ResetAccount { of });
            let warnings = cases_may_be_lost(stored.row.roles.has(Role::HumanRightsOfficer));
            match asked {
                Some(asked) if approval.is_none() => {
                    let told = |id| Reset::Asked {
                        approvals: vec![id],
                        warnings,
                    };
                    self.ask_end(session, permit, asked, "reset asked", told)
                }
                asked => {
                    let planned = self.plan_reset(session, &stored, asked.zip(approval), warnings);
                    self.or_fail(permit, planned, |permit, (ending, reset)| {
                        self.commit_ending(permit, ending, "reset", reset)
                    })
                }
            }
        })
    }

    /// `POST /accounts/{id}/disable`: the account's sessions end, its key dies. Who [`watches`] over
    /// the others is shut out by two, as in a reset.
    ///
    /// # Errors
    /// [`ServiceError::LastOfRole`] where nobody would be left to watch;
    /// [`ServiceError::NoSecondPerson`] when no other privacy officer is there.
    pub fn disable_account(
        &self,
        session: &Session,
        account: AccountId,
        approval: Option<ApprovalId>,
    ) -> Answer<AccountChange> {
        self.end_by_two(session, account, |permit, stored| {
            let of = Person::of(&stored.row);
            let watched = stored.row.roles.that(watches);
            let asked = (!watched.is_empty()).then_some(Asked::DisableAccount { of });
            let may = watched
                .iter()
                .try_for_each(|role| self.may_lose(session.account(), &stored.row, role));
            if let Err(error) = may {
                return self.fail(permit, error);
            }
            let change = AccountChange {
                state: stored.row.state,
                approvals: Vec::new(),
                warnings: cases_may_be_lost(stored.row.roles.has(Role::HumanRightsOfficer)),
            };
            match asked {
                Some(asked) if approval.is_none() => {
                    let told = |id| AccountChange {
                        approvals: vec![id],
                        ..change
                    };
                    self.ask_end(session, permit, asked, "disable asked", told)
                }
                asked => {
                    let planned = self.plan_disable(session, &stored, asked.zip(approval));
                    self.or_fail(permit, planned, |permit, ending| {
                        let change = AccountChange {
                            state: AccountState::Disabled,
                            ..change
                        };
                        self.commit_ending(permit, ending, "disable", change)
                    })
                }
            }
        })
    }

    /// One at a time, by an administrator, and never of oneself.
    fn end_by_two<T: Send + 'static>(
        &self,
        session: &Session,
        account: AccountId,
        act: impl FnOnce(Permit<ManageAccounts>, Stored<Account>) -> Answer<T>,
    ) -> Answer<T> {
        self.office::<ManageAccounts, _>(session, Target::Office, |permit| {
            if session.account() == account {
                return self.fail(permit, ServiceError::SelfApproval);
            }
            let _turn = self.people_turn();
            self.or_fail(permit, self.account(account), act)
        })
    }

    fn ask_end<T: Send + 'static>(
        &self,
        session: &Session,
        permit: Permit<ManageAccounts>,
        asked: Asked,
        what: &'static str,
        told: impl FnOnce(String) -> T,
    ) -> Answer<T> {
        let concerned = asked.concerned();
        if !self.has_second_person(session.account(), &concerned) {
            return self.fail(permit, ServiceError::NoSecondPerson);
        }
        let mut batch = Batch::default();
        let requested = self.ask(&mut batch, asked, session.account())?;
        let id = requested.approval.to_string();
        self.commit_people(permit, batch, what, vec![Note::Asked(requested)])?;
        Ok(Pending::ready(Ok(told(id))))
    }

    /// Whether somebody is there who can approve what this person asks for about these.
    fn has_second_person(&self, requester: AccountId, concerned: &[AccountId]) -> bool {
        self.directory.accounts().iter().any(|other| {
            !concerned.contains(&other.id)
                && other.id != requester
                && other.receives().is_some()
                && other.roles.has(Role::PrivacyOfficer)
        })
    }

    /// Whether an office can do without this person in this role, and somebody is there to say so.
    ///
    /// # Errors
    /// [`ServiceError::LastOfRole`]; [`ServiceError::NoSecondPerson`].
    pub(super) fn may_lose(
        &self,
        requester: AccountId,
        account: &Account,
        role: Role,
    ) -> Result<(), ServiceError> {
        let all = self.directory.accounts();
        let stays = |other: &Account| {
            other.id != account.id && other.receives().is_some() && other.roles.has(role)
        };
        if account.receives().is_some() && !all.iter().any(stays) {
            return Err(ServiceError::LastOfRole(role));
        }
        if !self.has_second_person(requester, &[account.id]) {
            return Err(ServiceError::NoSecondPerson);
        }
        Ok(())
    }

    fn plan_reset(
        &self,
        session: &Session,
        stored: &Stored<Account>,
        consent: Option<(Asked, ApprovalId)>,
        warnings: Vec<Warning>,
    ) -> Result<(Ending, Reset), ServiceError> {
        let mut batch = Batch::default();
        let used = self.spend_end(&mut batch, consent, session)?;
        let (enrolment_code, code) = self.new_code()?;
        // Who gives the code out could use it: every role is to be given anew, to the key that the
        // code makes.
        let changed = Account {
            roles: Roles::default(),
            ..keyless(&stored.row, AccountState::Invited, Some(code))
        };
        let reset = Reset::Done {
            enrolment_code,
            enrolment_expires_at: code_end(&changed),
            warnings,
        };
        let ending = self.end_key(batch, stored, changed, session.account())?;
        Ok((ending.noting(used), reset))
    }

    fn plan_disable(
        &self,
        session: &Session,
        stored: &Stored<Account>,
        consent: Option<(Asked, ApprovalId)>,
    ) -> Result<Ending, ServiceError> {
        let mut batch = Batch::default();
        let used = self.spend_end(&mut batch, consent, session)?;
        let disabled = keyless(&stored.row, AccountState::Disabled, None);
        let ending = self.end_key(batch, stored, disabled, session.account())?;
        Ok(ending.noting(used))
    }

    /// Spends the consent to the end of a key, where one is needed; gives what the entry notes.
    fn spend_end(
        &self,
        batch: &mut Batch,
        consent: Option<(Asked, ApprovalId)>,
        session: &Session,
    ) -> Result<Vec<Note>, ServiceError> {
        let spend = |(asked, id)| self.spend(batch, id, &asked, session.account());
        let spent = consent.map(spend).transpose()?;
        Ok(spent.map_or_else(Vec::new, Consent::notes))
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
            .map_err(fault::table)?;
        let unit = dying_key(&stored.row, &changed);
        let units: Vec<UnitId> = unit.into_iter().collect();
        let end = account_end(&stored.row, &changed, Some(by));
        let row = self.end_keys(&mut batch, &units, end.into_iter().collect())?;
        let dying = row.zip(unit);
        Ok(Ending {
            batch,
            same: changed == stored.row,
            changed,
            dying,
            notes: Vec::new(),
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
            same,
            dying,
            mut notes,
        } = ending;
        if !same {
            // A shut account has its roles for nothing.
            let shut = changed.state == AccountState::Disabled;
            let roles = if shut {
                Roles::default()
            } else {
                changed.roles
            };
            let account = changed.id;
            notes.push(Note::Rights { account, roles });
        }
        // Whose it is: an inspection tells from it since when an account was shut.
        let shown = Shown {
            query: Some(what),
            reason: Some(changed.id.to_string()),
            notes,
            ..Shown::default()
        };
        if !same {
            let before = self.directory.account(changed.id);
            if let Err(error) = self.bar_account(before.as_ref(), &changed) {
                return self.fail(permit, error);
            }
        }
        let recorded = self.log.record_with(permit, shown, batch).wait();
        let (_receipt, _) = recorded.map_err(fault::log)?;
        if !same {
            self.apply_account(changed);
        }
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
