//! What needs a second person: asked for with an entry, and done only once they have consented to
//! exactly this.

use super::budget::{Disclosure, Over};
use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use crate::audit::note::{Note, Requested};
use crate::audit::usage::{ASK, Reserved};
use crate::audit::{Position, Shown};
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, Unmask};
use crate::domain::id::{AccountId, ApprovalId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;
use crate::engine::{Batch, Pending};
use crate::people::approval::{Approval, Asked};
use crate::people::view::ApprovalState;

/// The request for a second person or, with their consent, the thing itself.
pub enum Consented<T> {
    /// The id of the request.
    Asked(ApprovalId),
    /// It was done; where its access-log entry stands.
    Done(T, Position),
}

/// A consent that is spent with an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Consent {
    /// Who consented.
    pub(super) by: AccountId,
    /// To what: for the entry of the act.
    pub(super) requested: Requested,
}

impl Consent {
    /// What the entry of the act notes.
    pub(super) fn notes(self) -> Vec<Note> {
        vec![Note::Used(self.requested)]
    }
}

/// A request as the entries of its asking, its decision and its use name it.
pub(super) fn requested(approval: &Approval) -> Requested {
    let asked = approval.asked();
    let rights = asked.and_then(Asked::rights);
    let role = rights.as_ref().and_then(|rights| rights.role);
    let roles = role.map(|role| Roles::default().with(role));
    Requested {
        approval: approval.id,
        kind: approval.kind().to_owned(),
        hash: approval.hash,
        accounts: approval.concerned(),
        roles: roles.and_then(Result::ok).unwrap_or_default(),
        department: rights.and_then(|rights| rights.department),
        about: asked.map(Asked::about).unwrap_or_default(),
    }
}

/// Whether what somebody would take out may go.
pub(super) enum Clearance {
    /// It may: room is held in the budget until its list is entered. With the consent, where one
    /// was spent.
    Goes(Reserved, Option<Box<Consent>>),
    /// A second person is to be asked first.
    Asks,
}

/// The right to take out, and where nothing is masked the right to that.
type Rights<A> = (Permit<A>, Option<Permit<Unmask>>);

impl Store {
    /// Whether anything may leave at all for this purpose and, if it is to, with nothing masked. The
    /// refusal is an entry, and the answer.
    pub(super) fn may_take_out<A: Action, T: Send + 'static>(
        &self,
        session: &Session,
        purpose: Purpose,
        unmasked: bool,
    ) -> Result<Rights<A>, Pending<Result<T, ServiceError>>> {
        let permit = self.authority.survey::<A>(session, purpose);
        let permit = permit.map_err(|denied| self.deny(session, denied, Some(purpose)))?;
        let unmask = unmasked.then(|| self.authority.survey::<Unmask>(session, purpose));
        let unmask = unmask.transpose();
        let unmask = unmask.map_err(|denied| self.deny(session, denied, Some(purpose)))?;
        Ok((permit, unmask))
    }

    /// Whether a second person has consented to something that this one would take out. To what,
    /// is asked when it is spent.
    ///
    /// # Errors
    /// Where the request cannot be read.
    pub(super) fn has_consent(
        &self,
        session: &Session,
        approval: Option<ApprovalId>,
    ) -> Result<bool, ServiceError> {
        let Some(id) = approval else {
            return Ok(false);
        };
        let stored = self.people.approval(id).map_err(fault::table)?;
        Ok(stored.is_some_and(|stored| {
            let own = stored.row.requester == session.account();
            let takes_out = matches!(stored.row.asked(), Some(Asked::TakeOut(_)));
            let stands = stored.row.decided.is_some_and(|said| self.stands_by(&said));
            own && takes_out && stands && self.state_of(&stored.row) == ApprovalState::Approved
        }))
    }

    /// Whether a list may leave: with the consent that is named, which is spent; where nothing is
    /// masked, and above the second threshold, only with one. `batch` takes what its first entry is
    /// to bring, or what the request for a second person is to.
    ///
    /// # Errors
    /// [`Over`], to be told by [`Store::over_budget`]: what [`Store::spend`] and [`Store::afford`]
    /// say.
    pub(super) fn clear(
        &self,
        session: &Session,
        wanted: &Asked,
        (approval, unmasked): (Option<ApprovalId>, bool),
        disclosure: Disclosure<'_>,
        batch: &mut Batch,
    ) -> Result<Clearance, Over> {
        let consent = match approval {
            Some(id) => Some(self.spend(batch, id, wanted, session.account())?),
            None if unmasked => return Ok(Clearance::Asks),
            None => None,
        };
        let disclosure = Disclosure {
            consent: consent.as_ref().map(|consent| consent.by),
            ..disclosure
        };
        match self.afford(session, &disclosure, batch) {
            Ok(reserved) => Ok(Clearance::Goes(reserved, consent.map(Box::new))),
            Err(over) if consent.is_none() => {
                *batch = over.for_second()?;
                Ok(Clearance::Asks)
            }
            Err(over) => Err(over),
        }
    }

    /// Asks for a second person, once it is sure that the asker could do it themselves.
    pub(super) fn ask_second<A: Action, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        session: &Session,
        wanted: Asked,
        reason: String,
    ) -> Answer<Consented<T>> {
        self.ask_second_with(
            permit,
            session,
            (wanted, reason),
            Vec::new(),
            Batch::default(),
        )
    }

    /// The same; `barred` may not decide on it either, and `batch` brings what is to be durable
    /// with the request.
    pub(super) fn ask_second_with<A: Action, T: Send + 'static>(
        &self,
        permit: Permit<A>,
        session: &Session,
        (wanted, reason): (Asked, String),
        barred: Vec<AccountId>,
        mut batch: Batch,
    ) -> Answer<Consented<T>> {
        let asked = self.ask_without(&mut batch, wanted, session.account(), barred);
        let requested = match asked {
            Ok(requested) => requested,
            Err(error) => return self.fail(permit, error),
        };
        let approval = requested.approval;
        let shown = Shown {
            query: Some(ASK),
            reason: Some(reason),
            notes: vec![Note::Asked(requested)],
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch);
        Ok(recorded.map(move |recorded| {
            recorded
                .map(|_| Consented::Asked(approval))
                .map_err(fault::log)
        }))
    }
}
