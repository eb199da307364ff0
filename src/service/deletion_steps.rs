//! The steps of a request: identity check, review, form, approval, refusal, cancellation.

use std::sync::MutexGuard;

use data_encoding::HEXLOWER_PERMISSIVE;

use super::approvals::NOBODY;
use super::deletion::{Insight, Lock};
use super::deletion_review::judge;
use super::deletion_view;
use super::destroy::held;
use super::error::ServiceError;
use super::fault;
use super::gate::Closed;
use super::store::{Answer, Store};
use crate::audit::Shown as Logged;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{
    Action, ApproveDestruction, CheckIdentity, CloseRequest, FormDestruction, ReviewDeletion,
};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::destruction::draft::{
    ApprovalDraft, CancelDraft, FormDraft, IdentityDraft, RefuseDraft, ReviewDraft,
};
use crate::destruction::order::Stage;
use crate::destruction::request::{
    Cancellation, Cause, FirstWord, Identity, JudgedCase, Refusal, Review, Sanction, Stored, Word,
};
use crate::destruction::view::RequestView;
use crate::domain::id::{AccountId, DestructionId, RequestId};
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};
use crate::people::account::Login;
use crate::people::approval::{Decided, LIFETIME};

/// A step on its way: what it starts from and what it adds to.
pub(super) struct Going<'a> {
    store: &'a Store,
    session: &'a Session,
    pub(super) insight: &'a Insight,
    batch: Batch,
    closed: Vec<Closed>,
    pub(super) now: Timestamp,
}

impl Going<'_> {
    /// Steps that judge are for the privacy officer and for holders of every case in it.
    pub(super) fn judges(&self) -> Result<(), ServiceError> {
        if self.insight.judges {
            Ok(())
        } else {
            Err(ServiceError::RoleRefused)
        }
    }

    pub(super) fn by(&self) -> AccountId {
        self.session.account()
    }

    /// See [`Store::lawful`].
    pub(super) fn lawful(&self, cases: &[JudgedCase]) -> Result<bool, ServiceError> {
        self.store.lawful(cases, self.now)
    }

    pub(super) fn lock(&mut self, request: &Stored, lock: Lock) -> Result<(), ServiceError> {
        let closed = self.store.lock_cases(&mut self.batch, request, lock)?;
        self.closed.extend(closed);
        Ok(())
    }
}

impl Store {
    /// Finds the request, takes the step, commits it with its entry, and shows where it stands.
    pub(super) fn step<A: Action>(
        &self,
        session: &Session,
        permit: Permit<A>,
        id: RequestId,
        take: impl FnOnce(&mut Going<'_>, Stored) -> Result<Stored, ServiceError>,
    ) -> Answer<RequestView> {
        let (kept, insight) = match self.known_request(session, id) {
            Ok(known) => known,
            Err(error) => return self.fail(permit, error),
        };
        let mut going = Going {
            store: self,
            session,
            insight: &insight,
            batch: Batch::default(),
            closed: Vec::new(),
            now: self.clock.now(),
        };
        let taken = match take(&mut going, kept.row.clone()) {
            Ok(taken) => taken,
            Err(ServiceError::WrongState(_)) if !insight.whole => {
                // No more than what the view says of where it stands.
                let state = deletion_view::hidden_state(&kept.row);
                return self.fail(permit, ServiceError::WrongState(state));
            }
            Err(error) => return self.fail(permit, error),
        };
        let Going {
            mut batch, closed, ..
        } = going;
        self.records
            .put_changed(&mut batch, &kept, &taken)
            .map_err(fault::records)?;
        let logged = Logged {
            cases: taken.facts().cases.clone(),
            query: Some(taken.state().code()),
            ..Logged::default()
        };
        let recorded = self.log.record_with(permit, logged, batch).wait();
        let (_receipt, _) = recorded.map_err(fault::log)?;
        drop(closed);
        let insight = self.insight(session, &taken)?;
        let view = self.request_view(&taken, &insight)?;
        Ok(Pending::ready(Ok(view)))
    }

    /// `POST …/identity` (본인 확인): what was seen is named, no copy is kept.
    pub fn check_identity(
        &self,
        session: &Session,
        id: RequestId,
        draft: IdentityDraft,
    ) -> Answer<RequestView> {
        let permit = self.permit_office::<CheckIdentity>(session, Target::Office)?;
        self.step(session, permit, id, |going, request| {
            let Stored::Received(request) = request else {
                return Err(fault::step(request.wrong()));
            };
            Ok(Stored::Identified(request.identify(Identity {
                method: draft.method,
                by: going.by(),
                at: going.now,
            })))
        })
    }

    /// `POST …/review` (법령 검토): every part of every case is judged, with reasons. A request that
    /// was reviewed, and not yet approved, can be reviewed anew; form and first approval are void.
    pub fn review_deletion(
        &self,
        session: &Session,
        id: RequestId,
        draft: ReviewDraft,
    ) -> Answer<RequestView> {
        let permit = self.permit_office::<ReviewDeletion>(session, Target::Office)?;
        self.step(session, permit, id, |going, request| {
            going.judges()?;
            let request = match request {
                Stored::Identified(request) => request,
                Stored::Reviewed(request) => request.again(),
                Stored::Formed(request) => request.again(),
                other => return Err(fault::step(other.wrong())),
            };
            let review = judge(going, draft)?;
            let reviewed = request.review(review).map_err(fault::step)?;
            Ok(Stored::Reviewed(reviewed))
        })
    }

    /// `POST …/form` (파기요청서).
    pub fn form_destruction(
        &self,
        session: &Session,
        id: RequestId,
        draft: FormDraft,
    ) -> Answer<RequestView> {
        let permit = self.permit_office::<FormDestruction>(session, Target::Office)?;
        self.step(session, permit, id, |going, request| {
            going.judges()?;
            let Stored::Reviewed(request) = request else {
                return Err(fault::step(request.wrong()));
            };
            let witness = match &draft.witness {
                None => None,
                Some(login) => Some(self.witness(login)?),
            };
            let review = Stored::Reviewed(request.clone());
            let (appraised, kept) = match review.review() {
                Some(review) => (
                    going.lawful(&review.cases)?,
                    self.drawn_first(going.insight, review, &draft.kept)?,
                ),
                None => (false, Vec::new()),
            };
            let by = (going.by(), going.now);
            let formed = request.form(draft, appraised, witness, kept, by);
            Ok(Stored::Formed(formed.map_err(fault::step)?))
        })
    }

    fn witness(&self, login: &str) -> Result<AccountId, ServiceError> {
        let account = Login::parse(login)
            .ok()
            .and_then(|login| self.directory.by_login(&login));
        let why = "names an account that does not exist";
        Ok(account.ok_or_else(|| Invalid::new("witness", why))?.id)
    }

    /// `POST …/approve` (보호책임자 승인): by a privacy officer who had no hand in it, on exactly the
    /// form whose hash is sent back. Places the order, which waits for the end of its window.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`]; [`ServiceError::Conflict`] for another form and for a case
    /// that has changed since it was judged; [`ServiceError::Held`].
    pub fn approve_destruction(
        &self,
        session: &Session,
        id: RequestId,
        draft: ApprovalDraft,
    ) -> Answer<RequestView> {
        session.pulse().beats().map_err(fault::ended)?;
        // Before the row is read: whoever waited counts what the one before let expire.
        let _turn = self.expiry_turn();
        let found = self.records.request(id).map_err(fault::records)?;
        let own = found
            .as_ref()
            .is_some_and(|kept| kept.row.took_part(session.account()));
        let target = Target::Request {
            requester: if own { session.account() } else { NOBODY },
            concerned: None,
        };
        let decided = self
            .authority
            .decide::<ApproveDestruction>(session, target, None);
        let permit = match decided {
            Ok(permit) => permit,
            Err(denied) => {
                let answer = self.deny::<_, RequestView>(session, denied, None).wait();
                return Err(match answer {
                    Err(ServiceError::NotFound) if own => ServiceError::SelfApproval,
                    Err(ServiceError::NotFound) | Ok(_) => ServiceError::RoleRefused,
                    Err(error) => error,
                });
            }
        };
        self.step(session, permit, id, |going, request| {
            let form_hash = form_hash(&draft)?;
            let needs_two = going.above_cap(&request)?;
            let waits = match request.facts().cause {
                Cause::Person(_) => Some(request.facts().due),
                Cause::Retention { .. } => None,
            };
            let due = self.terms.window_end(going.now, waits);
            let Stored::Formed(formed) = request.clone() else {
                return Err(fault::step(request.wrong()));
            };
            going.unchanged(&request)?;
            let judged = request.review().map_or(&[][..], |review| &review.cases);
            self.lawful_form(judged, request.form(), going.now)?;
            let order = DestructionId::random(self.random.as_ref()).map_err(fault::random)?;
            let word = Word {
                by: going.by(),
                roles: session.roles(),
                at: going.now,
                form_hash,
                needs_two,
                first_stands: formed
                    .first_word()
                    .is_some_and(|first| self.first_stands(*first, going.now)),
            };
            match formed.approve(word, order, due).map_err(fault::step)? {
                Sanction::Seconded(formed) => Ok(Stored::Formed(*formed)),
                Sanction::Ordered(ordered) => {
                    let (approved, order) = *ordered;
                    // From here nothing new may come into an expired case either. What came in
                    // before the gates were closed is looked for behind them.
                    going.lock(&request, Lock::Set)?;
                    going.unchanged(&request)?;
                    self.place_order(&mut going.batch, &order)?;
                    Ok(Stored::Approved(approved))
                }
            }
        })
    }

    /// Whether the first of two approvals still counts: as short-lived as any other, and given by
    /// somebody who could still give it.
    fn first_stands(&self, first: FirstWord, now: Timestamp) -> bool {
        let FirstWord { by, roles, at } = first;
        at <= now && now < at.plus(LIFETIME) && self.stands_by(&Decided { by, roles, at })
    }

    /// Approvals of destructions come one after the other up to their commit: two that each look
    /// at what has expired since yesterday must not both find it below the cap.
    fn expiry_turn(&self) -> MutexGuard<'_, ()> {
        held(&self.expiry_turn)
    }

    /// `POST …/refuse` (거절): nothing is destroyed, the lock goes.
    pub fn refuse_deletion(
        &self,
        session: &Session,
        id: RequestId,
        draft: RefuseDraft,
    ) -> Answer<RequestView> {
        let permit = self.permit_office::<CloseRequest>(session, Target::Office)?;
        self.step(session, permit, id, |going, request| {
            going.judges()?;
            let refusal = Refusal {
                told: draft.refusal,
                sender: draft.sender,
                by: going.by(),
                at: going.now,
            };
            going.lock(&request, Lock::Settle)?;
            let refused = match request {
                Stored::Received(request) => request.refuse(refusal),
                Stored::Identified(request) => request.refuse(refusal),
                Stored::Reviewed(request) => request.refuse(refusal),
                Stored::Formed(request) => request.refuse(refusal),
                other => Err(other.wrong()),
            };
            Ok(Stored::Refused(refused.map_err(fault::step)?))
        })
    }

    /// `POST …/cancel` (취소): the person withdrew, or the office found a mistake. Inside the window
    /// the order is cancelled with it; nothing is destroyed, the lock goes. Who judges can do so
    /// behind the window too, while something keeps the order from being carried out: otherwise it
    /// would be, without a further word, in the minute in which a hold is lifted.
    pub fn cancel_deletion(
        &self,
        session: &Session,
        id: RequestId,
        draft: CancelDraft,
    ) -> Answer<RequestView> {
        let permit = self.permit_office::<CloseRequest>(session, Target::Office)?;
        self.step(session, permit, id, |going, request| {
            draft.check().map_err(fault::lacking)?;
            let cancellation = Cancellation {
                reason: draft.reason,
                by: going.by(),
                at: going.now,
            };
            going.lock(&request, Lock::Lift)?;
            let cancelled = match request {
                Stored::Received(request) => request.cancel(cancellation),
                Stored::Identified(request) => request.cancel(cancellation),
                Stored::Reviewed(request) => request.cancel(cancellation),
                Stored::Formed(request) => request.cancel(cancellation),
                Stored::Approved(approved) => {
                    let stored = Stored::Approved(approved.clone());
                    let order = self.order_of(&stored)?;
                    let stuck = going.insight.judges && self.plan(&order)?.is_err();
                    let cancelled = approved.cancel(cancellation, &order, stuck);
                    let cancelled = cancelled.map_err(fault::step)?;
                    if order.stage == Stage::Waiting {
                        self.cancel_order(&mut going.batch, order.id)?;
                    }
                    cancelled
                }
                other => return Err(fault::step(other.wrong())),
            };
            Ok(Stored::Cancelled(cancelled))
        })
    }
}

impl Going<'_> {
    /// Whether this expiry, with what expired since yesterday, is above the day's cap.
    fn above_cap(&self, request: &Stored) -> Result<bool, ServiceError> {
        let Cause::Retention { daily_cap, .. } = request.facts().cause else {
            return Ok(false);
        };
        let day = std::time::Duration::from_secs(24 * 60 * 60);
        let mut units = request.review().map_or(0, Review::dying);
        for other in self.store.records.requests().map_err(fault::records)? {
            let recent = other.approval().is_some_and(|a| a.at.plus(day) > self.now);
            if recent && matches!(other.facts().cause, Cause::Retention { .. }) {
                units = units.saturating_add(other.review().map_or(0, Review::dying));
            }
        }
        Ok(units > daily_cap)
    }

    /// Every case is as it was judged, no hold stands, and what was proposed because its period
    /// had run out was not taken up again since, nor asked for by a person.
    fn unchanged(&self, request: &Stored) -> Result<(), ServiceError> {
        let judged = request.review().map_or(&[][..], |review| &review.cases);
        for case in judged {
            let head = self.store.cases.head(case.case).map_err(fault::cases)?;
            let head = head.ok_or(ServiceError::Conflict)?.head;
            let same = head.units.len() == case.units.len()
                && head
                    .units
                    .iter()
                    .all(|unit| case.units.iter().any(|judged| judged.unit == unit.unit));
            if !same {
                return Err(ServiceError::Conflict);
            }
            if !head.holds.is_empty() {
                return Err(ServiceError::Held);
            }
            let proposed = matches!(request.facts().cause, Cause::Retention { .. });
            if proposed && !self.store.still_expired(&head, self.now)? {
                return Err(ServiceError::Conflict);
            }
        }
        Ok(())
    }
}

fn form_hash(draft: &ApprovalDraft) -> Result<[u8; 32], ServiceError> {
    let bytes = HEXLOWER_PERMISSIVE.decode(draft.form_hash.as_bytes()).ok();
    let hash = bytes.and_then(|bytes| bytes.try_into().ok());
    Ok(hash.ok_or_else(|| Invalid::new("form_hash", "has 64 hexadecimal digits"))?)
}
