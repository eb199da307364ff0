//! Accounts: invite, change roles, disable, reset.

use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::{Event, Outcome, Shown};
use crate::authn::session::{Origin, Session};
use crate::authz::Permit;
use crate::authz::action::ManageAccounts;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::domain::id::{AccountId, ApprovalId};
use crate::domain::role::{Role, Roles};
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, CommitError, Pending};
use crate::people::account::{Account, Code, Login};
use crate::people::approval::{Approval, Asked};
use crate::people::rows::Stored;
use crate::people::view::{AccountState, AccountView, ApprovalState, Invitation, RolesChange};

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
    fn new_code(&self) -> Result<(String, Code), ServiceError> {
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

    /// `POST /accounts`. A human-rights or privacy officer's role waits for a second person.
    pub fn add_account(
        &self,
        session: &Session,
        account: String,
        roles: Roles,
        department: Option<String>,
    ) -> Answer<Invitation> {
        let login = Login::parse(&account).map_err(|_| {
            Invalid::new(
                "account",
                "has 2 to 64 letters, digits, dots, hyphens or underscores",
            )
        })?;
        let department = department
            .map(|code| self.department(&code))
            .transpose()?
            .map(|d| d.id);
        let permit = self.permit_office::<ManageAccounts>(session, Target::Office)?;
        let _turn = self.people_turn();
        let (text, code) = self.new_code()?;
        let id = AccountId::random(self.random.as_ref()).map_err(fault::random)?;
        let (granted, pending) = split_pending(roles, Roles::default());
        let account = Account {
            id,
            login,
            roles: granted,
            department,
            state: AccountState::Invited,
            code: Some(code),
            credentials: None,
            key_version: 0,
            created: self.clock.now(),
            revision: 0,
        };
        let mut batch = Batch::default();
        self.people
            .claim(&mut batch, self.people.login_place(&account.login))
            .map_err(fault::people)?;
        self.people
            .put_new(&mut batch, &account)
            .map_err(fault::people)?;
        let approvals = self.ask_roles(&mut batch, session, id, &pending)?;
        self.commit_people(permit, batch, "account")
            .map_err(taken)?;
        self.directory.put_account(account.clone());
        Ok(Pending::ready(Ok(invitation(
            &account, text, pending, approvals,
        ))))
    }

    /// Invites one of the first people, when a store is made: nobody is there yet to ask a
    /// second one.
    pub(super) fn invite_founder(
        &self,
        account: &str,
        roles: Roles,
    ) -> Result<Invitation, ServiceError> {
        let login = Login::parse(account).map_err(|_| {
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
            department: None,
            state: AccountState::Invited,
            code: Some(code),
            credentials: None,
            key_version: 0,
            created: self.clock.now(),
            revision: 0,
        };
        let mut batch = Batch::default();
        let place = self.people.login_place(&account.login);
        self.people
            .claim(&mut batch, place)
            .map_err(fault::people)?;
        self.people
            .put_new(&mut batch, &account)
            .map_err(fault::people)?;
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
        self.log
            .event(event, batch)
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
            .map_err(fault::people)?;
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
        self.log.event(event, batch).wait().map_err(fault::log)?;
        self.directory.put_account(changed.clone());
        Ok(invitation(&changed, text, Vec::new(), Vec::new()))
    }

    /// Asks for a second person for each of these roles.
    fn ask_roles(
        &self,
        batch: &mut Batch,
        session: &Session,
        account: AccountId,
        roles: &[Role],
    ) -> Result<Vec<String>, ServiceError> {
        roles
            .iter()
            .map(|role| {
                self.ask(
                    batch,
                    session,
                    Asked::GrantRole {
                        account,
                        role: *role,
                    },
                )
            })
            .collect()
    }

    /// Enters a request for a second person into a batch; gives its id.
    pub(super) fn ask(
        &self,
        batch: &mut Batch,
        session: &Session,
        asked: Asked,
    ) -> Result<String, ServiceError> {
        let approval = Approval {
            id: ApprovalId::random(self.random.as_ref()).map_err(fault::random)?,
            asked,
            requester: session.account(),
            created: self.clock.now(),
            state: ApprovalState::Open,
        };
        self.people
            .put_new(batch, &approval)
            .map_err(fault::people)?;
        Ok(approval.id.to_string())
    }

    /// Commits a change of people and rights with its entry.
    pub(super) fn commit_people<A: crate::authz::action::Action>(
        &self,
        permit: Permit<A>,
        batch: Batch,
        what: &'static str,
    ) -> Result<(), ServiceError> {
        let shown = Shown {
            query: Some(what),
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
        let permit = self.permit_office::<ManageAccounts>(session, Target::Office)?;
        let all = self.directory.accounts();
        let rows = self.page_of(&all, &page, |account| self.account_view(account))?;
        self.record_office(permit, "accounts", rows)
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

    /// `PUT /accounts/{id}/roles`: takes effect on the next request; every session of the account ends.
    pub fn change_roles(
        &self,
        session: &Session,
        account: AccountId,
        roles: Roles,
    ) -> Answer<RolesChange> {
        let permit = self.permit_office::<ManageAccounts>(session, Target::Office)?;
        let permit = self.not_oneself(permit, session, account)?;
        let _turn = self.people_turn();
        let stored = self.account(account)?;
        let (granted, pending) = split_pending(roles, stored.row.roles);
        let reduced = stored.row.roles.iter().any(|role| !granted.has(role));
        let changed = Account {
            roles: granted,
            revision: stored.row.revision + u64::from(reduced),
            ..stored.row.clone()
        };
        let mut batch = Batch::default();
        self.people
            .put_changed(&mut batch, &stored, &changed)
            .map_err(fault::people)?;
        let approvals = self.ask_roles(&mut batch, session, account, &pending)?;
        self.commit_people(permit, batch, "roles")?;
        self.apply_account(changed);
        Ok(Pending::ready(Ok(RolesChange {
            roles: granted.iter().collect(),
            pending_roles: pending,
            approvals,
        })))
    }

    /// Nobody changes their own account; the try is logged before it is refused.
    fn not_oneself(
        &self,
        permit: Permit<ManageAccounts>,
        session: &Session,
        account: AccountId,
    ) -> Result<Permit<ManageAccounts>, ServiceError> {
        if session.account() != account {
            return Ok(permit);
        }
        let told = self.fail::<_, ()>(permit, ServiceError::SelfApproval)?;
        told.wait().and(Err(ServiceError::SelfApproval))
    }

    /// Makes a durable change of an account felt at once.
    pub(super) fn apply_account(&self, account: Account) {
        let id = account.id;
        self.directory.put_account(account);
        self.sessions.revoke(id);
        self.guard_credentials();
    }

    /// `POST /accounts/{id}/disable`.
    pub fn disable_account(&self, session: &Session, account: AccountId) -> Answer<AccountState> {
        let permit = self.permit_office::<ManageAccounts>(session, Target::Office)?;
        let permit = self.not_oneself(permit, session, account)?;
        let _turn = self.people_turn();
        let stored = self.account(account)?;
        let changed = Account {
            state: AccountState::Disabled,
            code: None,
            revision: stored.row.revision + 1,
            ..stored.row.clone()
        };
        self.put_account(permit, &stored, changed, "disable")?;
        Ok(Pending::ready(Ok(AccountState::Disabled)))
    }

    fn put_account(
        &self,
        permit: Permit<ManageAccounts>,
        stored: &Stored<Account>,
        changed: Account,
        what: &'static str,
    ) -> Result<(), ServiceError> {
        let mut batch = Batch::default();
        self.people
            .put_changed(&mut batch, stored, &changed)
            .map_err(fault::people)?;
        self.commit_people(permit, batch, what)?;
        self.apply_account(changed);
        Ok(())
    }

    /// `POST /accounts/{id}/reset`: a new invitation. The person sets a new password and gets a new
    /// key pair; wraps to the old one open for nobody any more, until another assignee assigns
    /// those cases to them again. Roles that need a second person end with the old key: they are
    /// asked for once the new one is there.
    pub fn reset_account(&self, session: &Session, account: AccountId) -> Answer<Invitation> {
        let permit = self.permit_office::<ManageAccounts>(session, Target::Office)?;
        let permit = self.not_oneself(permit, session, account)?;
        let _turn = self.people_turn();
        let stored = self.account(account)?;
        let (text, code) = self.new_code()?;
        // Who gives the code out could use it: what needs a second person is to be given anew, to
        // the key that the code makes.
        let (roles, _) = split_pending(stored.row.roles, self.unquestioned(&stored.row));
        let changed = Account {
            roles,
            state: AccountState::Invited,
            code: Some(code),
            credentials: None,
            revision: stored.row.revision + 1,
            ..stored.row.clone()
        };
        let invitation = invitation(&changed, text, Vec::new(), Vec::new());
        let mut batch = Batch::default();
        self.people
            .put_changed(&mut batch, &stored, &changed)
            .map_err(fault::people)?;
        // The old private key dies in every image of the disk, whoever learns the old password.
        let dying = stored.row.credentials.as_ref().map(|c| [c.unit]);
        let queued = dying
            .map(|units| Ok::<_, ServiceError>((self.queue_puncture(&mut batch, &units)?, units)))
            .transpose()?;
        self.commit_people(permit, batch, "reset")?;
        self.apply_account(changed);
        if let Some((row, units)) = queued {
            self.puncture(row, &units);
        }
        Ok(Pending::ready(Ok(invitation)))
    }

    /// Roles that outlive a reset although they need a second person: those of the only privacy
    /// officer, because nobody is left who could give them back.
    fn unquestioned(&self, account: &Account) -> Roles {
        let approves = |other: &Account| {
            other.id != account.id
                && other.state == AccountState::Enrolled
                && other.roles.has(Role::PrivacyOfficer)
        };
        if account.roles.has(Role::PrivacyOfficer)
            && !self.directory.accounts().iter().any(approves)
        {
            account.roles
        } else {
            Roles::default()
        }
    }
}

/// Roles that an administrator alone cannot give: their holders read sensitive cases, are the
/// second person for those who do, see who opened what, or open what is kept apart.
const BY_TWO: [Role; 4] = [
    Role::HumanRightsOfficer,
    Role::PrivacyOfficer,
    Role::Auditor,
    Role::RetentionCustodian,
];

/// Roles that take effect at once, and those that wait for a second person.
fn split_pending(wanted: Roles, held: Roles) -> (Roles, Vec<Role>) {
    let waits = |role: &Role| wanted.has(*role) && !held.has(*role);
    let pending: Vec<Role> = BY_TWO.into_iter().filter(waits).collect();
    let granted = pending.iter().fold(wanted, |all, role| all.without(*role));
    (granted, pending)
}

fn invitation(
    account: &Account,
    text: String,
    pending_roles: Vec<Role>,
    approvals: Vec<String>,
) -> Invitation {
    let expires = account
        .code
        .as_ref()
        .map_or(Timestamp::from_millis(0), |c| c.expires);
    Invitation {
        id: account.id.to_string(),
        account: account.login.as_str().to_owned(),
        roles: account.roles.iter().collect(),
        pending_roles,
        state: account.state,
        enrolment_code: text,
        enrolment_expires_at: expires.rfc3339(),
        approvals,
    }
}

/// A unique name that is taken shows as a conflict of the batch.
pub(super) fn taken(error: ServiceError) -> ServiceError {
    if error == fault::commit(CommitError::Conflict) {
        ServiceError::Exists
    } else {
        error
    }
}
