//! Accounts: invite, change roles, disable, reset.

use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};

use super::account_end::{Ending, cases_may_be_lost, keyless};
use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::note::{Note, Requested};
use crate::audit::{Event, Outcome, Shown};
use crate::authn::session::{Origin, Session};
use crate::authz::Permit;
use crate::authz::action::ManageAccounts;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::domain::id::{AccountId, DepartmentId};
use crate::domain::role::{Role, Roles};
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, CommitError, Pending};
use crate::people::account::{Account, Code, Login};
use crate::people::approval::{Asked, Person};
use crate::people::view::{AccountState, AccountView, Invitation, RolesChange};

/// How long an invitation can be used.
const INVITATION: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is kept of an enrolment code: SHA-256 of it without hyphens, upper case.
pub(super) fn code_hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let mut hash = [0; 32];
    let digest = digest(&SHA256, plain.to_ascii_uppercase().as_bytes());
    for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    hash
}

impl Store {
    pub(super) fn new_code(&self) -> Result<(String, Code), ServiceError> {
        let bytes: [u8; 15] = self.random.as_ref().array().map_err(fault::random)?;
        let letters = BASE32_NOPAD.encode(&bytes);
        let groups: Vec<String> = letters
            .as_bytes()
            .chunks(6)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        let text = groups.join("-");
        let code = Code {
            hash: code_hash(&text),
            expires: self.clock.now().plus(INVITATION),
        };
        Ok((text, code))
    }

    /// `POST /accounts`. The account has no role until a second person consents: a role is given by
    /// two, to a key that is there.
    pub fn add_account(
        &self,
        session: &Session,
        account: String,
        roles: Vec<Role>,
        department: Option<String>,
    ) -> Answer<Invitation> {
        self.office::<ManageAccounts, _>(session, Target::Office, |permit| {
            let _turn = self.people_turn();
            let planned = self.plan_account(session, &account, roles, department);
            self.or_fail(permit, planned, |permit, (account, batch, asked)| {
                let (invited, requests) = asked;
                let notes = noted(&account, requests);
                self.commit_people(permit, batch, "account", notes)
                    .map_err(taken)?;
                self.directory.put_account(account);
                Ok(Pending::ready(Ok(invited)))
            })
        })
    }

    fn plan_account(
        &self,
        session: &Session,
        login: &str,
        roles: Vec<Role>,
        department: Option<String>,
    ) -> Result<(Account, Batch, (Invitation, Vec<Requested>)), ServiceError> {
        let department = department
            .map(|code| self.department(&code))
            .transpose()?
            .map(|d| d.id);
        let wanted = Roles::new(roles)?;
        let (text, account) = self.newcomer(login, Roles::default(), department)?;
        let mut batch = Batch::default();
        self.put_newcomer(&mut batch, &account)?;
        let requests = self.ask_roles(&mut batch, session, &account, wanted)?;
        let invited = invitation(&account, text, wanted.iter().collect(), ids(&requests));
        Ok((account, batch, (invited, requests)))
    }

    fn newcomer(
        &self,
        login: &str,
        roles: Roles,
        department: Option<DepartmentId>,
    ) -> Result<(String, Account), ServiceError> {
        let login = Login::parse(login).map_err(|_| {
            Invalid::new(
                "account",
                "has 2 to 64 letters, digits, dots, hyphens or underscores",
            )
        })?;
        let (text, code) = self.new_code()?;
        let account = Account {
            id: AccountId::random(self.random.as_ref()).map_err(fault::random)?,
            login,
            roles,
            department,
            state: AccountState::Invited,
            code: Some(code),
            credentials: None,
            key_version: 0,
            created: self.clock.now(),
            revision: 0,
        };
        Ok((text, account))
    }

    fn put_newcomer(&self, batch: &mut Batch, account: &Account) -> Result<(), ServiceError> {
        let place = self.people.login_place(&account.login);
        self.people.claim(batch, place).map_err(fault::table)?;
        self.people.put_new(batch, account).map_err(fault::table)
    }

    /// Invites one of the first people, when a store is made: nobody is there yet to ask a
    /// second one.
    pub(super) fn invite_founder(
        &self,
        account: &str,
        roles: Roles,
    ) -> Result<Invitation, ServiceError> {
        let (text, account) = self.newcomer(account, roles, None)?;
        let mut batch = Batch::default();
        self.put_newcomer(&mut batch, &account)?;
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
            reason: Some("founder".to_owned()),
        };
        let shown = Shown {
            notes: noted(&account, Vec::new()),
            ..Shown::default()
        };
        self.log
            .event_about(event, shown, batch)
            .wait()
            .map_err(fault::log)
            .map_err(taken)?;
        self.directory.put_account(account.clone());
        Ok(invitation(&account, text, Vec::new(), Vec::new()))
    }

    /// Invites somebody whom a restore shut out, with one role and no second person: there is none.
    pub(super) fn invite_again(
        &self,
        account: AccountId,
        role: Role,
        revision: u64,
    ) -> Result<Invitation, ServiceError> {
        let _turn = self.people_turn();
        let stored = self.account(account)?;
        let (text, code) = self.new_code()?;
        let changed = Account {
            roles: Roles::new([role])?,
            state: AccountState::Invited,
            code: Some(code),
            credentials: None,
            revision,
            ..stored.row.clone()
        };
        let mut batch = Batch::default();
        self.people
            .put_changed(&mut batch, &stored, &changed)
            .map_err(fault::table)?;
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
            reason: Some(format!("invited again by a restore: {account}")),
        };
        let shown = Shown {
            notes: noted(&changed, Vec::new()),
            ..Shown::default()
        };
        let entered = self.log.event_about(event, shown, batch).wait();
        entered.map_err(fault::log)?;
        self.directory.put_account(changed.clone());
        Ok(invitation(&changed, text, Vec::new(), Vec::new()))
    }

    /// Asks for a second person for each of these roles.
    fn ask_roles(
        &self,
        batch: &mut Batch,
        session: &Session,
        account: &Account,
        roles: Roles,
    ) -> Result<Vec<Requested>, ServiceError> {
        let to = Person::of(account);
        let asked = roles.iter().map(|role| Asked::GrantRole { to, role });
        asked
            .map(|asked| self.ask(batch, asked, session.account()))
            .collect()
    }

    /// Asks for a second person for the end of each of these roles of somebody who watches.
    fn ask_removals(
        &self,
        batch: &mut Batch,
        session: &Session,
        account: &Account,
        roles: Roles,
    ) -> Result<Vec<Requested>, ServiceError> {
        let of = Person::of(account);
        let ask = |role| {
            self.may_lose(session.account(), account, role)?;
            self.ask(batch, Asked::TakeRole { of, role }, session.account())
        };
        roles.iter().map(ask).collect()
    }

    /// Commits a change of people and rights with its entry, which notes `notes`.
    pub(super) fn commit_people<A: crate::authz::action::Action>(
        &self,
        permit: Permit<A>,
        batch: Batch,
        what: &'static str,
        notes: Vec<Note>,
    ) -> Result<(), ServiceError> {
        let shown = Shown {
            query: Some(what),
            notes,
            ..Shown::default()
        };
        self.log
            .record_with(permit, shown, batch)
            .wait()
            .map(|_| ())
            .map_err(fault::log)
    }

    /// `GET /accounts`.
    pub fn accounts(&self, session: &Session, page: PageRequest) -> Answer<Rows<AccountView>> {
        self.office::<ManageAccounts, _>(session, Target::Office, |permit| {
            let all = self.directory.accounts();
            let rows = self.page_of(&all, &page, |account| self.account_view(account));
            self.or_fail(permit, rows, |permit, rows| {
                self.record_office(permit, "accounts", rows)
            })
        })
    }

    /// One page of a list that lies in memory; the cursor is the position.
    pub(super) fn page_of<T, V>(
        &self,
        all: &[T],
        page: &PageRequest,
        view: impl Fn(&T) -> V,
    ) -> Result<Rows<V>, ServiceError> {
        let start = match page.cursor.as_deref() {
            None => 0,
            Some(text) => text
                .parse::<usize>()
                .map_err(|_| Invalid::new("cursor", "is not one this list gave"))?,
        };
        let rows: Vec<V> = all
            .iter()
            .skip(start)
            .take(page.limit.get())
            .map(view)
            .collect();
        let end = start.saturating_add(rows.len());
        let next = (end < all.len()).then(|| end.to_string());
        Ok(Rows { rows, next })
    }

    /// `PUT /accounts/{id}/roles`. A role that is new waits for a second person. One that is taken
    /// away is gone on the next request, and every session of the account ends; only that of
    /// somebody who [`watches`] is taken by two. Who loses the human-rights role loses the key with it (see
    /// [`Store::end_key`]), and what that key had been given is asked for anew.
    ///
    /// # Errors
    /// [`ServiceError::LastOfRole`] where nobody would be left to watch.
    pub fn change_roles(
        &self,
        session: &Session,
        account: AccountId,
        roles: Vec<Role>,
    ) -> Answer<RolesChange> {
        self.office::<ManageAccounts, _>(session, Target::Office, |permit| {
            if session.account() == account {
                return self.fail(permit, ServiceError::SelfApproval);
            }
            let _turn = self.people_turn();
            let planned = Roles::new(roles)
                .map_err(ServiceError::from)
                .and_then(|roles| self.plan_roles(session, account, roles));
            self.or_fail(permit, planned, |permit, (ending, change)| {
                self.commit_ending(permit, ending, "roles", change)
            })
        })
    }

    fn plan_roles(
        &self,
        session: &Session,
        account: AccountId,
        roles: Roles,
    ) -> Result<(Ending, RolesChange), ServiceError> {
        let stored = self.account(account)?;
        let before = &stored.row;
        let cut_off = before.roles.has(Role::HumanRightsOfficer)
            && !roles.has(Role::HumanRightsOfficer)
            && before.state != AccountState::Disabled;
        // What was given, was given to the key that ends.
        let held = if cut_off {
            Roles::default()
        } else {
            before.roles
        };
        let watched = held.that(|role| watches(role) && !roles.has(role));
        let kept = held.that(|role| watches(role) || roles.has(role));
        let (code, changed) = if cut_off {
            let (text, code) = self.new_code()?;
            (
                Some(text),
                keyless(before, AccountState::Invited, Some(code)),
            )
        } else {
            (None, before.clone())
        };
        let reduced = kept != before.roles;
        let changed = Account {
            roles: kept,
            revision: before.revision + u64::from(reduced || cut_off),
            ..changed
        };
        let mut batch = Batch::default();
        let pending = roles.that(|role| !held.has(role));
        let mut requests = self.ask_roles(&mut batch, session, &changed, pending)?;
        requests.extend(self.ask_removals(&mut batch, session, &changed, watched)?);
        let change = RolesChange {
            roles: kept.iter().collect(),
            pending_roles: pending.iter().collect(),
            pending_removals: watched.iter().collect(),
            approvals: ids(&requests),
            enrolment_expires_at: code.as_ref().map(|_| code_end(&changed)),
            enrolment_code: code,
            warnings: cases_may_be_lost(cut_off),
        };
        let ending = self.end_key(batch, &stored, changed, session.account())?;
        Ok((ending.noting(requests.into_iter().map(Note::Asked)), change))
    }

    /// Makes a durable change of an account felt at once.
    pub(super) fn apply_account(&self, account: Account) {
        let id = account.id;
        let before = self.directory.account(id);
        self.directory.put_account(account.clone());
        self.sessions.revoke(id);
        // Once more: something may have been finished since it was barred.
        if let Err(error) = self.bar_account(before.as_ref(), &account) {
            tracing::error!(%error, "a file that nobody may fetch any more could not be closed");
        }
        self.guard_credentials();
    }
}

/// Whether who has this role watches over what the others do: an administrator alone does not take
/// it away, and two do not take the last one.
pub(super) const fn watches(role: Role) -> bool {
    matches!(role, Role::PrivacyOfficer | Role::Auditor)
}

fn ids(requests: &[Requested]) -> Vec<String> {
    let ids = requests.iter().map(|request| request.approval);
    ids.map(|id| id.to_string()).collect()
}

/// Which roles the account has, and what was asked for it.
fn noted(account: &Account, requests: Vec<Requested>) -> Vec<Note> {
    let rights = Note::Rights {
        account: account.id,
        roles: account.roles,
    };
    let asked = requests.into_iter().map(Note::Asked);
    std::iter::once(rights).chain(asked).collect()
}

fn invitation(
    account: &Account,
    text: String,
    pending_roles: Vec<Role>,
    approvals: Vec<String>,
) -> Invitation {
    Invitation {
        id: account.id.to_string(),
        account: account.login.as_str().to_owned(),
        roles: account.roles.iter().collect(),
        pending_roles,
        state: account.state,
        enrolment_code: text,
        enrolment_expires_at: code_end(account),
        approvals,
    }
}

/// Until when the one-time code of an account can be used.
pub(super) fn code_end(account: &Account) -> String {
    let expires = account.code.as_ref().map(|code| code.expires);
    expires.unwrap_or(Timestamp::from_millis(0)).rfc3339()
}

/// A unique name that is taken shows as a conflict of the batch.
pub(super) fn taken(error: ServiceError) -> ServiceError {
    if error == fault::commit(CommitError::Conflict) {
        ServiceError::Exists
    } else {
        error
    }
}
