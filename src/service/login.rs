//! Log in, log out, set one's own password.

use super::error::ServiceError;
use super::fault;
use super::puncture_queue::account_end;
use super::store::{Answer, Store, fingerprint};
use super::types::LoggedIn;
use crate::audit::{Event, Outcome};
use crate::authn::password::{KeyHalf, PasswordError, PasswordRecord};
use crate::authn::session::{Origin, Session, Subject, Token};
use crate::authn::waiting::Whose;
use crate::crypto::wrap;
use crate::domain::secret::SecretText;
use crate::domain::task::Task;
use crate::domain::tier::{Tier, UnitKind};
use crate::engine::{Batch, Pending};
use crate::people::account::{self, Account, Credentials, Login};
use crate::people::view::{AccountState, Enrolled};

/// Who tries, for throttle and log.
pub(super) struct Attempt {
    pub(super) account: Option<Account>,
    pub(super) tag: [u8; 16],
    known: bool,
    pub(super) origin: Origin,
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    /// To log in.
    LogIn,
    /// To set one's own password with a one-time code.
    Enrol,
}

fn throttled(untold: u64) -> String {
    match untold {
        0 => "throttled".to_owned(),
        untold => format!("throttled, and {untold} before"),
    }
}

impl Attempt {
    pub(super) fn event(&self, task: Task, outcome: Outcome, reason: Option<String>) -> Event {
        Event {
            task,
            outcome,
            actor: self.account.as_ref().map(|a| a.id),
            roles: self.account.as_ref().map(|a| a.roles).unwrap_or_default(),
            origin: self.origin.clone(),
            purpose: None,
            reason,
        }
    }
}

impl Store {
    /// `POST /sessions`; `known` is the device secret of an earlier log-in. An unknown login name
    /// costs the same argon2id run and gets the same answer as a wrong password.
    pub fn log_in(
        &self,
        account: String,
        password: SecretText,
        known: Option<String>,
        origin: Origin,
    ) -> Answer<LoggedIn> {
        let attempt = self.attempt(&account, known.as_deref(), origin, Try::LogIn)?;
        let record = enrolled(attempt.account.as_ref()).map(|c| c.password.clone());
        let checked = self.hasher.check(password, record).wait();
        Ok(self.finish_log_in(&attempt, checked))
    }

    /// A try that may be made now, or its entry and the wait.
    pub(super) fn attempt(
        &self,
        name: &str,
        known: Option<&str>,
        origin: Origin,
        what: Try,
    ) -> Result<Attempt, ServiceError> {
        let (tag, known) = self.whose(name, known, what);
        let attempt = Attempt {
            account: self.account_named(name),
            tag,
            known,
            origin,
        };
        let admitted = self
            .throttle
            .admit(tag, attempt.origin.address, attempt.known);
        if let Err(wait) = admitted {
            if let Some(untold) = self.throttle.tell() {
                self.log_failure(&attempt, &throttled(untold))?;
            }
            return Err(ServiceError::Throttled(wait.0));
        }
        Ok(attempt)
    }

    fn account_named(&self, name: &str) -> Option<Account> {
        let login = Login::parse(name).ok()?;
        self.directory.by_login(&login)
    }

    /// Whose failures a try counts among. Enrolments have a count of their own: whoever tries an old
    /// password after a reset does not keep its owner from setting the new one.
    pub(super) fn whose(&self, name: &str, known: Option<&str>, what: Try) -> Whose {
        let tag = match (Login::parse(name), what) {
            (Ok(login), Try::LogIn) => self.people.login_place(&login),
            (Ok(login), Try::Enrol) => self
                .locator
                .place("enrolment", &[login.as_str().as_bytes()]),
            (Err(_), _) => self.locator.place("no-login", &[]),
        };
        let known = match (self.account_named(name), known) {
            (Some(account), Some(device)) => self.devices.knows(*account.id.as_bytes(), device),
            _ => false,
        };
        (tag, known)
    }

    /// The entry of a try that was turned away, unless there were too many to tell each.
    pub(super) fn throttled(&self, name: &str, origin: Origin, what: Try) -> Option<Event> {
        let untold = self.throttle.tell()?;
        let (tag, known) = self.whose(name, None, what);
        let attempt = Attempt {
            account: self.account_named(name),
            tag,
            known,
            origin,
        };
        let why = throttled(untold);
        Some(attempt.event(Task::LoginFailed, Outcome::Refused, Some(why)))
    }

    fn log_failure(&self, attempt: &Attempt, why: &str) -> Result<(), ServiceError> {
        let event = attempt.event(Task::LoginFailed, Outcome::Refused, Some(why.to_owned()));
        self.log
            .event(event, Batch::default())
            .wait()
            .map(|_| ())
            .map_err(fault::log)
    }

    fn finish_log_in(
        &self,
        attempt: &Attempt,
        checked: Result<KeyHalf, PasswordError>,
    ) -> Pending<Result<LoggedIn, ServiceError>> {
        let half = match checked {
            Ok(half) => half,
            Err(PasswordError::Wrong) => return self.refuse_password(attempt, None),
            Err(error) => return Pending::ready(Err(fault::password(error))),
        };
        // The account may have been disabled or reset while argon2id ran.
        let now = attempt
            .account
            .as_ref()
            .and_then(|a| self.directory.account(a.id));
        let (Some(account), Some(credentials)) = (now.as_ref(), enrolled(now.as_ref())) else {
            return self.refuse_password(attempt, None);
        };
        let key = match account::open_key(&self.keyring, account.id, credentials, &half) {
            Ok(key) => key,
            Err(error) => return Pending::ready(Err(fault::account_key(error))),
        };
        let subject = Subject {
            account: account.id,
            roles: account.roles,
            department: account.department,
        };
        let device = match self
            .devices
            .issue(*account.id.as_bytes(), self.random.as_ref())
        {
            Ok(device) => device,
            Err(error) => return Pending::ready(Err(fault::random(error))),
        };
        let (token, expires_at) = match self.sessions.start(subject, Some(key)) {
            Ok(started) => started,
            Err(error) => return Pending::ready(Err(ServiceError::Internal(error.to_string()))),
        };
        // A change of the account ends the sessions that are there: this one may have come a
        // moment too late to be among them.
        if self.directory.account(account.id).as_ref() != Some(account) {
            self.sessions.end(&token);
            return self.refuse_password(attempt, None);
        }
        self.throttle.succeeded(attempt.tag, attempt.origin.address);
        let view = self.account_view(account);
        let event = attempt.event(Task::Login, Outcome::Done, None);
        self.log.event(event, Batch::default()).map(move |logged| {
            logged.map_err(fault::log)?;
            Ok(LoggedIn {
                token,
                expires_at,
                account: view,
                device,
            })
        })
    }

    /// A wrong password, wherever it was tried: it slows the next try, and it is an entry.
    pub(super) fn refuse_password<T: Send + 'static>(
        &self,
        attempt: &Attempt,
        at: Option<&str>,
    ) -> Pending<Result<T, ServiceError>> {
        self.throttle
            .failed(attempt.tag, attempt.origin.address, attempt.known);
        let at = at.map(str::to_owned);
        let event = attempt.event(Task::LoginFailed, Outcome::Refused, at);
        self.log.event(event, Batch::default()).map(|logged| {
            logged
                .map_err(fault::log)
                .and(Err(ServiceError::CredentialsRefused))
        })
    }

    /// `DELETE /sessions/current`.
    pub fn log_out(&self, session: &Session, token: &Token) -> Answer<()> {
        self.sessions.end(token);
        let event = Event {
            task: Task::Logout,
            outcome: Outcome::Done,
            actor: Some(session.account()),
            roles: session.roles(),
            origin: session.origin().clone(),
            purpose: None,
            reason: None,
        };
        Ok(self
            .log
            .event(event, Batch::default())
            .map(|logged| logged.map(|_| ()).map_err(fault::log)))
    }

    /// `POST /enrolments`: a person sets their own password with the code they were given; only
    /// now their key pair is made, and only now they can receive a case.
    pub fn enrol(
        &self,
        account: String,
        code: SecretText,
        password: SecretText,
        origin: Origin,
    ) -> Answer<Enrolled> {
        let attempt = self.attempt(&account, None, origin, Try::Enrol)?;
        let invited = attempt
            .account
            .as_ref()
            .filter(|a| self.admits_code(a, &code));
        let Some(invited) = invited.cloned() else {
            self.throttle
                .failed(attempt.tag, attempt.origin.address, attempt.known);
            self.log_failure(&attempt, "enrolment code")?;
            return Err(ServiceError::CredentialsRefused);
        };
        let context = [invited.login.as_str()];
        let made = self
            .hasher
            .set(password, &context, self.random.as_ref())
            .wait();
        let (record, half) = made.map_err(fault::password)?;
        let enrolled = self.finish_enrolment(&attempt, &invited, record, &half)?;
        Ok(Pending::ready(Ok(enrolled)))
    }

    fn admits_code(&self, account: &Account, code: &SecretText) -> bool {
        let hash = super::accounts::code_hash(code.expose());
        account.state == AccountState::Invited
            && account
                .code
                .as_ref()
                .is_some_and(|c| c.hash == hash && self.clock.now() < c.expires)
    }

    fn finish_enrolment(
        &self,
        attempt: &Attempt,
        invited: &Account,
        password: PasswordRecord,
        half: &KeyHalf,
    ) -> Result<Enrolled, ServiceError> {
        let _turn = self.people_turn();
        let stored = self.account(invited.id)?;
        if stored.row.code != invited.code {
            return Err(ServiceError::Expired);
        }
        let random = self.random.as_ref();
        let (private, public_key) = wrap::generate(random).map_err(fault::random)?;
        let unit = self
            .keyring
            .allocate(Tier::Ordinary, UnitKind::Account)
            .map_err(fault::keyring)?;
        let key_version = stored.row.key_version + 1;
        let sealed_key = account::seal_key(
            &self.keyring,
            invited.id,
            unit,
            half,
            key_version,
            &private,
            random,
        )
        .map_err(fault::account_key)?;
        let account = Account {
            state: AccountState::Enrolled,
            code: None,
            credentials: Some(Credentials {
                password,
                unit,
                public_key,
                key_version,
                sealed_key,
            }),
            key_version,
            revision: stored.row.revision + 1,
            ..stored.row.clone()
        };
        let mut batch = Batch::default();
        self.people
            .put_changed(&mut batch, &stored, &account)
            .map_err(fault::table)?;
        // The code is used up, also for whoever finds its row in an older copy.
        let end = account_end(&stored.row, &account, Some(account.id));
        self.end_keys(&mut batch, &[], end.into_iter().collect())?;
        let fingerprint = fingerprint(&public_key);
        let event = attempt.event(
            Task::Enrol,
            Outcome::Done,
            Some(format!("key {fingerprint}")),
        );
        self.log.event(event, batch).wait().map_err(fault::log)?;
        self.throttle.succeeded(attempt.tag, attempt.origin.address);
        // What was tried against the old password says nothing of the new one.
        let entrance = self.people.login_place(&account.login);
        self.throttle.succeeded(entrance, attempt.origin.address);
        let login = account.login.as_str().to_owned();
        self.directory.put_account(account);
        self.guard_credentials();
        Ok(Enrolled {
            account: login,
            fingerprint,
        })
    }
}

/// The credentials of somebody who has some.
pub(super) fn enrolled(account: Option<&Account>) -> Option<&Credentials> {
    account
        .filter(|a| a.state == AccountState::Enrolled)
        .and_then(|a| a.credentials.as_ref())
}
