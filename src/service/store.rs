//! An open store, and what every verb shares.

use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::audit::usage::FAILED;
use crate::audit::{AccessLog, Shown};
use crate::authn::device::Devices;
use crate::authn::password::Hasher;
use crate::authn::session::{Session, Sessions};
use crate::authn::throttle::Throttle;
use crate::authz::action::Action;
use crate::authz::facts::Target;
use crate::authz::{Authority, Denied, Permit};
use crate::cases::head::StoredHead;
use crate::cases::postings::Postings;
use crate::cases::record::Frame;
use crate::cases::rows::Cases;
use crate::cases::view::CaseState;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::RowKey;
use crate::destruction::petition::Petitions;
use crate::destruction::records::Records;
use crate::destruction::rows::Orders;
use crate::destruction::term::Terms;
use crate::disclosure::rows::Outputs;
use crate::domain::id::{AccountId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::random::Random;
use crate::domain::time::{Clock, Timestamp};
use crate::engine::{Engine, Pending};
use crate::inspection::pack::Inspections;
use crate::keyring::Keyring;
use crate::people::account::Account;
use crate::people::directory::Directory;
use crate::people::rows::People;
use crate::people::view::AccountView;
use crate::retained::rows::Items;
use crate::vault::Vault;

use super::backup::Backups;
use super::budget::Budget;
use super::destroy::Destructions;
use super::error::ServiceError;
use super::exports::Exports;
use super::fault;
use super::gate::Gates;
use super::headroom::Headroom;
use super::index::Rotation;
use super::output_owed::Owed;
use super::output_steps::Steps;
use super::own_time::OwnTime;
use super::prints::Prints;

/// What a verb gives: the part done on the pool, then what the committer answers.
pub type Answer<T> = Result<Pending<Result<T, ServiceError>>, ServiceError>;

/// An open store: every verb is a method.
pub struct Store {
    pub(super) engine: Arc<dyn Engine>,
    /// The engine of the separate store.
    pub(super) apart: Arc<dyn Engine>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) vault: Vault,
    pub(super) cases: Cases,
    pub(super) postings: Postings,
    /// How far the blind index has been written anew.
    pub(super) rotation: Mutex<Rotation>,
    pub(super) people: People,
    /// What another law keeps, in an engine of its own.
    pub(super) items: Items,
    pub(super) records: Records,
    /// What people said in requests.
    pub(super) petitions: Petitions,
    /// Exports and prints that left the house.
    pub(super) outputs: Outputs,
    /// Print documents that wait to be fetched.
    pub(super) prints: Prints,
    /// Ends that records of outputs could not be told yet.
    pub(super) owed: Owed,
    pub(super) steps: Steps,
    /// Files of exports, and what writes them.
    pub(super) exports: Exports,
    /// Room on the disk.
    pub(super) headroom: Headroom,
    /// Inspections of the access log and their findings.
    pub(super) inspections: Inspections,
    /// One inspection is made at a time.
    pub(super) inspecting: Mutex<()>,
    /// Day, counted from 1970, of the last look for inspections that nobody made.
    pub(super) inspections_looked_on: AtomicI64,
    pub(super) directory: Directory,
    pub(super) authority: Authority,
    pub(super) log: AccessLog,
    pub(super) sessions: Sessions,
    pub(super) hasher: Hasher,
    pub(super) throttle: Throttle,
    pub(super) devices: Devices,
    pub(super) gates: Gates,
    pub(super) orders: Orders,
    pub(super) destructions: Destructions,
    pub(super) own_time: OwnTime,
    /// Changes of accounts, departments and approvals happen one after the other, so that the
    /// directory in memory follows the order of the commits.
    pub(super) people_turn: Mutex<()>,
    /// Items are drawn and dropped one after the other, so that none is drawn twice.
    pub(super) items_turn: Mutex<()>,
    /// Approvals of destructions come one after the other, so that the day's cap is counted once.
    pub(super) expiry_turn: Mutex<()>,
    /// Day, counted from 1970, of the last look for items whose end has come.
    pub(super) due_looked_on: AtomicI64,
    pub(super) locator: Locator,
    pub(super) row_key: RowKey,
    pub(super) random: Arc<dyn Random>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) backups: Backups,
    pub(super) home: Home,
    pub(super) terms: Terms,
    pub(super) budget: Budget,
    /// Time of the newest access-log entry when the store was opened (now, in an empty one), and
    /// the process's own time then: what a wall clock that leapt is held against.
    pub(super) known: Mutex<(Timestamp, Duration)>,
}

/// What of the settings an open store still needs.
pub(super) struct Home {
    /// The office's own policies, if it has any.
    pub(super) policies: Option<std::path::PathBuf>,
    /// What the inspection of the access log looks for.
    pub(super) inspection: crate::config::inspection::Inspection,
    /// Cost of what seals a copy of the keyring.
    pub(super) unseal_cost: crate::keyring::UnsealCost,
    /// How long files of exports lie here.
    pub(super) outputs: crate::config::outputs::Outputs,
}

impl Store {
    /// Turns a denial into an answer, once it is durable. What is told depends on the asker's
    /// roles alone: where no target at all could be allowed, that; otherwise "not found", for
    /// what is absent and what is forbidden alike.
    pub(super) fn deny<A: Action, T: Send + 'static>(
        &self,
        session: &Session,
        denied: Denied<A>,
        purpose: Option<Purpose>,
    ) -> Pending<Result<T, ServiceError>> {
        let answer = if self.authority.conceivable::<A>(session, purpose) {
            ServiceError::NotFound
        } else if Purpose::ALL
            .into_iter()
            .any(|p| self.authority.conceivable::<A>(session, Some(p)))
        {
            ServiceError::PurposeRefused
        } else {
            ServiceError::RoleRefused
        };
        self.log.refuse(denied).map(|refused| match refused {
            Ok(_) => Err(answer),
            Err(error) => Err(fault::log(error)),
        })
    }

    /// Facts, then the decision: what every verb on one case begins with.
    pub(super) fn decide_on<A: Action>(
        &self,
        session: &Session,
        case: CaseId,
        purpose: Purpose,
    ) -> Result<Result<(Permit<A>, StoredHead), Denied<A>>, ServiceError> {
        // It may have been ended while the request waited for its turn.
        session.pulse().beats().map_err(fault::ended)?;
        let found = self.cases.head(case).map_err(fault::cases)?;
        // What was destroyed whole is absent, for everybody and for every action.
        let found = found.filter(|stored| stored.head.state != CaseState::Destroyed);
        let facts = found.as_ref().map(|stored| stored.head.facts());
        let target = facts.as_ref().map_or(Target::NoCase(case), Target::Case);
        match self.authority.decide::<A>(session, target, Some(purpose)) {
            Ok(permit) => Ok(Ok((permit, found.ok_or(ServiceError::NotFound)?))),
            Err(denied) => Ok(Err(denied)),
        }
    }

    /// A permitted task that came to nothing is logged as just that.
    pub(super) fn fail<A: Action, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        error: ServiceError,
    ) -> Answer<T> {
        let shown = Shown {
            query: Some(FAILED),
            ..Shown::default()
        };
        Ok(self
            .log
            .record(permit, shown)
            .map(move |recorded| Err(recorded.map_or_else(fault::log, |_| error))))
    }

    /// Goes on with what was planned under a permit; what cannot be done is logged as such.
    pub(super) fn or_fail<A: Action, P, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        planned: Result<P, ServiceError>,
        act: impl FnOnce(Permit<A>, P) -> Answer<T>,
    ) -> Answer<T> {
        match planned {
            Ok(planned) => act(permit, planned),
            Err(error) => self.fail(permit, error),
        }
    }

    /// Decides on something that is no case; a denial is logged before it is told, while the thread
    /// waits: [`Store::office`] does not.
    pub(super) fn permit_office<A: Action>(
        &self,
        session: &Session,
        target: Target<'_>,
    ) -> Result<Permit<A>, ServiceError> {
        session.pulse().beats().map_err(fault::ended)?;
        match self.authority.decide::<A>(session, target, None) {
            Ok(permit) => Ok(permit),
            Err(denied) => match self.deny::<A, ()>(session, denied, None).wait() {
                Err(ServiceError::NotFound) | Ok(()) => Err(ServiceError::RoleRefused),
                Err(error) => Err(error),
            },
        }
    }

    /// The same, without a thread that sleeps while a denial becomes durable: `act` runs with the
    /// permit, or the denial is the answer.
    pub(super) fn office<A: Action, T: Send + 'static>(
        &self,
        session: &Session,
        target: Target<'_>,
        act: impl FnOnce(Permit<A>) -> Answer<T>,
    ) -> Answer<T> {
        session.pulse().beats().map_err(fault::ended)?;
        match self.authority.decide::<A>(session, target, None) {
            Ok(permit) => act(permit),
            Err(denied) => Ok(self.deny::<A, T>(session, denied, None).map(not_found_here)),
        }
    }

    /// Logs a permitted task that shows people and rights, no case, and gives its result.
    pub(super) fn record_office<A: Action, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        query: &'static str,
        value: T,
    ) -> Answer<T> {
        let shown = Shown {
            query: Some(query),
            ..Shown::default()
        };
        Ok(self
            .log
            .record(permit, shown)
            .map(|receipt| receipt.map(|_| value).map_err(fault::log)))
    }

    pub(super) fn frame(&self, stored: StoredHead) -> Frame {
        let assignees = stored
            .head
            .assignees
            .iter()
            .map(|id| self.directory.login(*id))
            .collect();
        let department = self.directory.code(stored.head.department);
        Frame {
            stored,
            assignees,
            department,
        }
    }

    pub(super) fn account_view(&self, account: &Account) -> AccountView {
        AccountView {
            id: account.id.to_string(),
            account: account.login.as_str().to_owned(),
            roles: account.roles.iter().collect(),
            department: account.department.map(|id| self.directory.code(id)),
            state: account.state,
            fingerprint: account
                .credentials
                .as_ref()
                .map(|c| fingerprint(&c.public_key)),
        }
    }

    pub(super) fn people_turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.people_turn
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn account(
        &self,
        id: AccountId,
    ) -> Result<crate::crypto::table::Stored<Account>, ServiceError> {
        self.people
            .account(id)
            .map_err(fault::table)?
            .ok_or(ServiceError::NotFound)
    }
}

/// An office has no targets that could be absent.
fn not_found_here<T>(answer: Result<T, ServiceError>) -> Result<T, ServiceError> {
    match answer {
        Err(ServiceError::NotFound) => Err(ServiceError::RoleRefused),
        other => other,
    }
}

/// A key's fingerprint as people compare it.
pub(super) fn fingerprint(key: &crate::crypto::wrap::PublicKey) -> String {
    data_encoding::HEXLOWER.encode(key.fingerprint().as_bytes())
}
