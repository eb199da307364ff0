//! Requests of data subjects (삭제 요구): taken in, found again, shown.
//!
//! Whether a receipt is one of a sensitive case is known to the case's holders, and to the privacy
//! officer once it was checked who asks. Everybody else gets one and the same answer.

use super::error::ServiceError;
use super::fault;
use super::gate::Closed;
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::Shown as Logged;
use crate::authn::session::Session;
use crate::authz::action::{List, Read, ReadRequest, RequestDeletion};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::cases::head::{Head, StoredHead};
use crate::cases::rows::{Change, scopes};
use crate::cases::view::CaseState;
use crate::destruction::draft::{Judgement, RequestDraft};
use crate::destruction::petition::Texts;
use crate::destruction::records::Kept;
use crate::destruction::request::{Cause, Facts, Petition, Request, Stored};
use crate::destruction::term;
use crate::destruction::view::{RequestRow, RequestView};
use crate::domain::hold::Hold;
use crate::domain::id::{CaseId, RequestId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};

/// What somebody may know of a request.
pub(super) struct Insight {
    /// What it was matched to, and how its road goes on; otherwise only that it goes on.
    pub(super) whole: bool,
    /// Whether they may judge it: the privacy officer, or a holder of every case in it.
    pub(super) judges: bool,
    /// The cases of it that they may know of.
    pub(super) heads: Vec<StoredHead>,
}

impl Store {
    /// `POST /deletion-requests`. What it names is locked with the commit (처리정지): stored, held
    /// and drawn from for another law, and nothing else.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a case id that the taker may not see. A receipt is always
    /// taken in, whatever it is of.
    pub fn request_deletion(&self, session: &Session, draft: RequestDraft) -> Answer<RequestView> {
        let permit = self.permit_office::<RequestDeletion>(session, Target::Office)?;
        let checked = draft.check().map_err(fault::lacking);
        let checked = checked.and_then(|received| Ok((received, parts(&draft)?)));
        let (received, parts) = match checked {
            Ok(checked) => checked,
            Err(error) => return self.fail(permit, error),
        };
        let now = self.clock.now();
        let received_at = received.unwrap_or(now);
        if !term::receivable(received_at, now) {
            let why = "must not lie in the future, nor more than 30 days back";
            return self.fail(permit, Invalid::new("received_at", why).into());
        }
        let found = match self.named(session, &draft, &parts) {
            Ok(found) => found,
            Err(error) => return self.fail(permit, error),
        };
        let id = RequestId::random(self.random.as_ref()).map_err(fault::random)?;
        let said = Texts {
            name: draft.name,
            contact: draft.contact,
            reason: draft.reason,
            receipt: draft.receipt,
        };
        let texts = match self.petitions.seal(id, &said) {
            Ok(texts) => texts,
            Err(error) => return self.fail(permit, fault::petition(error)),
        };
        let request = Stored::Received(Request::of_person(Facts {
            id,
            cases: found.iter().copied().collect(),
            taken_by: session.account(),
            received_at,
            due: term::answer_due(received_at),
            cause: Cause::Person(Petition {
                asked_by: draft.asked_by,
                authority: draft.authority,
                parts,
                texts,
            }),
        }));
        let mut batch = Batch::default();
        let closed = match self.lock_cases(&mut batch, &request, Lock::Set) {
            Ok(closed) => closed,
            Err(error) => return self.fail(permit, error),
        };
        self.records
            .put_new(&mut batch, &request)
            .map_err(fault::records)?;
        let logged = Logged {
            cases: request.facts().cases.clone(),
            query: Some("request"),
            ..Logged::default()
        };
        let recorded = self.log.record_with(permit, logged, batch).wait();
        let (_receipt, _) = recorded.map_err(fault::log)?;
        drop(closed);
        let insight = self.insight(session, &request)?;
        let view = self.request_view(&request, &insight)?;
        Ok(Pending::ready(Ok(view)))
    }

    /// The case that a draft names, if there is one that still holds anything.
    fn named(
        &self,
        session: &Session,
        draft: &RequestDraft,
        parts: &[UnitId],
    ) -> Result<Option<CaseId>, ServiceError> {
        let stored = match (&draft.case, &draft.receipt) {
            (Some(case), _) => {
                let case = case.parse::<CaseId>().map_err(|_| ServiceError::NotFound)?;
                let found = self.cases.head(case).map_err(fault::cases)?;
                let seen = found.filter(|stored| self.may_see(session, &stored.head));
                let stored = seen.ok_or(ServiceError::NotFound)?;
                let units = &stored.head.units;
                if parts.iter().any(|p| !units.iter().any(|u| u.unit == *p)) {
                    let why = "name something that is no part of the case";
                    return Err(Invalid::new("parts", why).into());
                }
                Some(stored)
            }
            (None, Some(receipt)) => self.cases.by_receipt(receipt).map_err(fault::cases)?,
            (None, None) => None,
        };
        let standing = stored.filter(|stored| stored.head.state != CaseState::Destroyed);
        Ok(standing.map(|stored| stored.head.case))
    }

    /// Whether somebody would see the case for any purpose, were it not locked.
    pub(super) fn may_see(&self, session: &Session, head: &Head) -> bool {
        let mut facts = head.facts();
        facts.restricted = false;
        let target = || Target::Case(&facts);
        Purpose::ALL.into_iter().any(|purpose| {
            let purpose = Some(purpose);
            self.authority
                .decide::<Read>(session, target(), purpose)
                .is_ok()
                || self
                    .authority
                    .decide::<List>(session, target(), purpose)
                    .is_ok()
        })
    }

    /// Locks or unlocks the cases of a request in a batch, and says so in the ledger. With the lock of
    /// an asker whose identity was checked goes that of a request that a restore lost: it is answered
    /// in its place. Their gates stay closed while the answer lives: whoever reads is out before the
    /// lock is in force, and nobody is let in before it is durable.
    pub(super) fn lock_cases(
        &self,
        batch: &mut Batch,
        request: &Stored,
        lock: Lock,
    ) -> Result<Vec<Closed>, ServiceError> {
        let Facts { id, cases, .. } = request.facts();
        let closed = self.close_in_order(cases.iter().copied())?;
        let ends = lock != Lock::Set;
        let answers = ends && request.identity().is_some();
        // A refusal has lifted it already.
        let lifts = ends && request.refusal().is_none();
        let mut changed = lifts || cases.is_empty() && lock == Lock::Set;
        for case in cases {
            let found = self.cases.head(*case).map_err(fault::cases)?;
            let Some(stored) = found.filter(|s| s.head.state != CaseState::Destroyed) else {
                continue;
            };
            let mut after = stored.head.clone();
            after.locks.retain(|held| held != id);
            match lock {
                Lock::Set => {
                    self.bar_outputs(*case, None)?;
                    after.locks.push(*id);
                }
                _ if answers => after.locks = self.not_orphaned(&after.locks)?,
                Lock::Lift | Lock::Settle => {}
            }
            // A refusal has set them already, and somebody may have lifted them since.
            if lock == Lock::Settle && request.refusal().is_none() {
                set_holds(&mut after, request, self.clock.now());
            }
            if after == stored.head {
                continue;
            }
            if after.holds != stored.head.holds {
                self.tell_holds(batch, &after)?;
            }
            changed = true;
            after.revision += 1;
            let change = Change {
                units: None,
                renumber: false,
                from: scopes(&stored.head),
                to: scopes(&after),
            };
            self.cases
                .put_change(batch, &stored, &after, change)
                .map_err(fault::cases)?;
        }
        if changed {
            self.tell_lock(batch, request, lock)?;
        }
        Ok(closed)
    }

    /// What somebody may know of a request; nothing at all is [`ServiceError::NotFound`].
    pub(super) fn insight(
        &self,
        session: &Session,
        request: &Stored,
    ) -> Result<Insight, ServiceError> {
        let privacy = session.roles().has(Role::PrivacyOfficer);
        let taker = request.facts().taken_by == session.account();
        // Before it was checked who asks, a receipt tells the privacy officer nothing either.
        let proposed = matches!(request.facts().cause, Cause::Retention { .. });
        let checked = proposed || request.identity().is_some() || request.review().is_some();
        let mut heads = Vec::new();
        let mut holds_all = !request.facts().cases.is_empty();
        for case in &request.facts().cases {
            let Some(stored) = self.cases.head(*case).map_err(fault::cases)? else {
                holds_all = false;
                continue;
            };
            let head = &stored.head;
            let holder = head.holders().contains(&session.account()) && self.may_see(session, head);
            holds_all &= holder;
            let ordinary = head.tier == Tier::Ordinary;
            if holder || privacy && (ordinary || checked) || taker && self.may_see(session, head) {
                heads.push(stored);
            }
        }
        if !(privacy || taker || !heads.is_empty()) {
            return Err(ServiceError::NotFound);
        }
        Ok(Insight {
            whole: privacy && checked || !heads.is_empty(),
            judges: privacy || holds_all,
            heads,
        })
    }

    /// A request that somebody may know of, and what they may know of it.
    pub(super) fn known_request(
        &self,
        session: &Session,
        id: RequestId,
    ) -> Result<(Kept<Stored>, Insight), ServiceError> {
        let found = self.records.request(id).map_err(fault::records)?;
        let kept = found.ok_or(ServiceError::NotFound)?;
        let insight = self.insight(session, &kept.row)?;
        Ok((kept, insight))
    }

    /// `GET /deletion-requests/{id}`.
    pub fn deletion_request(&self, session: &Session, id: RequestId) -> Answer<RequestView> {
        let permit = self.permit_office::<ReadRequest>(session, Target::Office)?;
        let shown = self
            .known_request(session, id)
            .and_then(|(kept, insight)| Ok((self.request_view(&kept.row, &insight)?, kept)));
        let (view, kept) = match shown {
            Ok(shown) => shown,
            Err(error) => return self.fail(permit, error),
        };
        let logged = Logged {
            cases: kept.row.facts().cases.clone(),
            query: Some("request"),
            ..Logged::default()
        };
        Ok(self
            .log
            .record(permit, logged)
            .map(|recorded| recorded.map(|_| view).map_err(fault::log)))
    }

    /// `GET /deletion-requests`: overdue first, then by due date; what has ended comes last. The
    /// privacy officer sees all, everybody else what they took in or hold a case of.
    pub fn deletion_requests(
        &self,
        session: &Session,
        page: PageRequest,
    ) -> Answer<Rows<RequestRow>> {
        let permit = self.permit_office::<ReadRequest>(session, Target::Office)?;
        let now = self.clock.now();
        let mut known = Vec::new();
        for request in self.records.requests().map_err(fault::records)? {
            match self.insight(session, &request) {
                Ok(insight) => known.push((request, insight.whole)),
                Err(ServiceError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        known.sort_by_key(|(request, _)| {
            let facts = request.facts();
            (request.state().ended(), facts.due, *facts.id.as_bytes())
        });
        let rows = self.page_of(&known, &page, |(request, whole)| {
            request_row(request, *whole, now)
        })?;
        self.record_office(permit, "requests", rows)
    }
}

/// What happens to the locks of a request's cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Set,
    /// The request is void.
    Lift,
    /// The request is decided: where it was judged that another matter needs a part, a hold takes
    /// the place of the lock, so that the next sweep does not propose what was just kept.
    Settle,
}

/// The holds that a review found to be needed, in the name of who reviewed: somebody else lifts
/// them, one for each ground.
fn set_holds(head: &mut Head, request: &Stored, at: Timestamp) {
    let Some(review) = request.review() else {
        return;
    };
    let judged = review.cases.iter().filter(|case| case.case == head.case);
    for unit in judged.flat_map(|case| &case.units) {
        let Judgement::Hold { ground } = &unit.judgement else {
            continue;
        };
        let there = head.units.iter().any(|u| u.unit == unit.unit);
        if there && !head.holds.iter().any(|hold| hold.ground == *ground) {
            head.holds.push(Hold {
                by: review.by,
                at,
                ground: ground.clone(),
            });
        }
    }
}

/// Ids of parts as a person gives them.
fn parts(draft: &RequestDraft) -> Result<Vec<UnitId>, ServiceError> {
    draft
        .parts
        .iter()
        .map(|text| {
            let number = text.parse::<u64>();
            let unit = number.map(UnitId::from_u64);
            unit.map_err(|_| {
                Invalid::new("parts", "name something that is no part of a case").into()
            })
        })
        .collect()
}

fn request_row(request: &Stored, whole: bool, now: Timestamp) -> RequestRow {
    let facts = request.facts();
    RequestRow {
        id: facts.id.to_string(),
        kind: super::deletion_view::kind(request),
        state: super::deletion_view::shown(request, whole),
        received_at: facts.received_at.rfc3339(),
        due_at: facts.due.rfc3339(),
        days_left: term::days_left(now, facts.due),
        overdue: !request.state().ended() && now > facts.due,
    }
}
