//! The steps of a request: identity check, review, form, approval, refusal, cancellation, notice.

use data_encoding::HEXLOWER_PERMISSIVE;

use super::approvals::NOBODY;
use super::deletion::{Insight, Lock};
use super::deletion_view;
use super::error::ServiceError;
use super::fault;
use super::gate::Closed;
use super::store::{Answer, Store};
use crate::audit::Shown as Logged;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{
    Action, ApproveDestruction, CheckIdentity, CloseRequest, FormDestruction, ReadRequest,
    ReviewDeletion,
};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::destruction::draft::{
    ApprovalDraft, CancelDraft, DeliveredBy, DeliveryDraft, FormDraft, IdentityDraft, RefuseDraft,
    ReviewDraft,
};
use crate::destruction::notice::{Act, Contents, Notice};
use crate::destruction::order::Order;
use crate::destruction::request::{
    Cancellation, CarriedOut, Cause, Delivery, Identity, Judged, JudgedCase, Refusal, Review,
    Sanction, Stored, Word,
};
use crate::destruction::view::{NoticeView, RequestView};
use crate::domain::id::{AccountId, DestructionId, RequestId, RetainedId};
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};
use crate::people::account::Login;

/// A step on its way: what it starts from and what it adds to.
struct Going<'a> {
    store: &'a Store,
    session: &'a Session,
    insight: &'a Insight,
    batch: Batch,
    closed: Vec<Closed>,
    now: Timestamp,
}

impl Going<'_> {
    /// Steps that judge are for the privacy officer and for holders of every case in it.
    fn judges(&self) -> Result<(), ServiceError> {
        if self.insight.judges {
            Ok(())
        } else {
            Err(ServiceError::RoleRefused)
        }
    }

    fn by(&self) -> AccountId {
        self.session.account()
    }

    fn lock(&mut self, request: &Stored, lock: Lock) -> Result<(), ServiceError> {
        let closed = self.store.lock_cases(&mut self.batch, request, lock)?;
        self.closed.extend(closed);
        Ok(())
    }
}

impl Store {
    /// Finds the request, takes the step, commits it with its entry, and shows where it stands.
    fn step<A: Action>(
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
            let kept = match draft.kept.as_deref().map(str::parse::<RetainedId>) {
                None => None,
                Some(Ok(item)) => Some(item),
                Some(Err(_)) => {
                    return Err(Invalid::new("kept", "is not the id of an item").into());
                }
            };
            let formed = request.form(draft, witness, kept, going.by(), going.now);
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
        let form_hash = form_hash(&draft)?;
        session.pulse().beats().map_err(fault::ended)?;
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
            let needs_two = going.above_cap(&request)?;
            let due = self.terms.window_end(going.now, request.facts().due);
            let Stored::Formed(formed) = request.clone() else {
                return Err(fault::step(request.wrong()));
            };
            going.unchanged(&request)?;
            let order = DestructionId::random(self.random.as_ref()).map_err(fault::random)?;
            let word = Word {
                by: going.by(),
                at: going.now,
                form_hash,
                needs_two,
            };
            match formed.approve(word, order, due).map_err(fault::step)? {
                Sanction::Seconded(formed) => Ok(Stored::Formed(formed)),
                Sanction::Ordered(approved, order) => {
                    self.place_order(&mut going.batch, &order)?;
                    // From here nothing new may come into an expired case either.
                    going.lock(&request, Lock::Set)?;
                    Ok(Stored::Approved(approved))
                }
            }
        })
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
            going.lock(&request, Lock::Lift)?;
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
    /// the order is cancelled with it; nothing is destroyed, the lock goes.
    pub fn cancel_deletion(
        &self,
        session: &Session,
        id: RequestId,
        draft: CancelDraft,
    ) -> Answer<RequestView> {
        draft.check().map_err(fault::lacking)?;
        let permit = self.permit_office::<CloseRequest>(session, Target::Office)?;
        self.step(session, permit, id, |going, request| {
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
                    let cancelled = approved.cancel(cancellation, &order).map_err(fault::step)?;
                    self.cancel_order(&mut going.batch, order.id)?;
                    cancelled
                }
                other => return Err(fault::step(other.wrong())),
            };
            Ok(Stored::Cancelled(cancelled))
        })
    }

    /// The order of an approved request.
    fn order_of(&self, request: &Stored) -> Result<Order, ServiceError> {
        let approval = request.approval();
        let approval = approval.ok_or_else(|| fault::step(request.wrong()))?;
        let lost = || ServiceError::Damaged("an order is missing".to_owned());
        self.order(approval.order)?.ok_or_else(lost)
    }

    /// `GET …/notice` (결과 통지서): text and page of what the person is told; an entry is durable
    /// before it is shown.
    pub fn notice(&self, session: &Session, id: RequestId) -> Answer<NoticeView> {
        let permit = self.permit_office::<ReadRequest>(session, Target::Office)?;
        let made = self
            .known_request(session, id)
            .and_then(|(kept, insight)| Ok((self.notice_of(&kept.row, &insight)?, kept)));
        let (view, kept) = match made {
            Ok(made) => made,
            Err(error) => return self.fail(permit, error),
        };
        let logged = Logged {
            cases: kept.row.facts().cases.clone(),
            query: Some("notice"),
            bytes: (view.text.len() + view.html.len()) as u64,
            ..Logged::default()
        };
        Ok(self
            .log
            .record(permit, logged)
            .map(|recorded| recorded.map(|_| view).map_err(fault::log)))
    }

    /// Who may know what it was matched to sees every notice; who took it in besides one that says
    /// the same whatever it was matched to.
    fn notice_of(&self, request: &Stored, insight: &Insight) -> Result<NoticeView, ServiceError> {
        let Cause::Person(petition) = &request.facts().cause else {
            return Err(fault::step(request.wrong()));
        };
        if !insight.whole && !deletion_view::blank_refusal(request) {
            let state = deletion_view::hidden_state(request);
            return Err(ServiceError::WrongState(state));
        }
        let review = request.review();
        let (act, told, sender, acted_at, certificate) = match (request.refusal(), request.form()) {
            (Some(refusal), _) => (
                Act::Refused,
                Some(&refusal.told),
                &refusal.sender,
                refusal.at,
                None,
            ),
            (None, Some(form)) => {
                let order = self.order_of(request)?;
                CarriedOut::by(&order).ok_or_else(|| fault::step(request.wrong()))?;
                let kept = review.is_some_and(Review::keeps_something);
                let act = if kept {
                    Act::DestroyedInPart
                } else {
                    Act::Destroyed
                };
                let told = review.and_then(|review| review.refusal.as_ref());
                let certificate = Some(order.id.to_string());
                (act, told, &form.fields.sender, order.due, certificate)
            }
            (None, None) => return Err(fault::step(request.wrong())),
        };
        let date = request
            .delivery()
            .map_or_else(|| self.clock.now(), |d| d.at);
        let notice = Notice::new(Contents {
            act,
            told,
            name: &petition.name,
            asked: &petition.reason,
            receipt: request.facts().receipt.as_deref(),
            received_at: request.facts().received_at,
            acted_at,
            certificate,
            sender,
            date,
        })
        .map_err(|error| ServiceError::Internal(error.to_string()))?;
        Ok(NoticeView {
            text: notice.text(),
            html: notice.html(),
        })
    }

    /// `POST …/notice`: records that it was handed over or sent. This ends the request, and the
    /// lock on what is left of the case.
    pub fn deliver_notice(
        &self,
        session: &Session,
        id: RequestId,
        draft: DeliveryDraft,
    ) -> Answer<RequestView> {
        let permit = self.permit_office::<CloseRequest>(session, Target::Office)?;
        self.step(session, permit, id, |going, request| {
            let person = matches!(request.facts().cause, Cause::Person(_));
            if person == (draft.delivered_by == DeliveredBy::FiledOnly) {
                let why = "is filed_only where nobody asked, and only there";
                return Err(Invalid::new("delivered_by", why).into());
            }
            if person {
                // What cannot be shown cannot have been handed over.
                self.notice_of(&request, going.insight)?;
            } else {
                going.judges()?;
            }
            let delivery = Delivery {
                delivered_by: draft.delivered_by,
                by: going.by(),
                at: going.now,
            };
            going.lock(&request, Lock::Lift)?;
            let answered = match request {
                Stored::Refused(request) => request.answer(delivery),
                Stored::Approved(approved) => {
                    let stored = Stored::Approved(approved.clone());
                    let order = self.order_of(&stored)?;
                    let done = CarriedOut::by(&order);
                    let done = done.ok_or_else(|| fault::step(stored.wrong()))?;
                    approved.answer(&done, delivery)
                }
                other => return Err(fault::step(other.wrong())),
            };
            Ok(Stored::Answered(answered))
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

    /// Every case is as it was judged, and no hold stands.
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
        }
        Ok(())
    }
}

/// The review of every part of every case.
fn judge(going: &Going<'_>, draft: ReviewDraft) -> Result<Review, ServiceError> {
    let now = going.now;
    let rest = draft.rest.as_ref();
    let rest = rest.map(|rest| Ok((rest.parse("rest", now)?, rest.reason.clone())));
    let rest = rest.transpose().map_err(fault::lacking)?;
    let mut named = Vec::with_capacity(draft.parts.len());
    for (index, part) in draft.parts.iter().enumerate() {
        let path = format!("parts.{index}.judgement");
        let judgement = part.judgement.parse(&path, now).map_err(fault::lacking)?;
        named.push((index, part, judgement, false));
    }
    let mut cases = Vec::new();
    for stored in &going.insight.heads {
        let mut units = Vec::new();
        for unit in &stored.head.units {
            let id = deletion_view::part_id(&unit.unit);
            let own = named.iter_mut().find(|(_, part, ..)| part.part == id);
            let (judgement, reason) = match (own, &rest) {
                (Some((_, part, judgement, used)), _) => {
                    *used = true;
                    (judgement.clone(), part.judgement.reason.clone())
                }
                (None, Some((judgement, reason))) => (judgement.clone(), reason.clone()),
                (None, None) => {
                    let why = "must judge every part of the case, or say what becomes of the rest";
                    return Err(Invalid::new("parts", why).into());
                }
            };
            units.push(Judged {
                unit: unit.unit,
                kind: unit.kind,
                judgement,
                reason,
            });
        }
        cases.push(JudgedCase {
            case: stored.head.case,
            units,
        });
    }
    if let Some((index, ..)) = named.iter().find(|(.., used)| !used) {
        let field = format!("parts.{index}.part");
        return Err(Invalid::new(field, "is no part of the case, or named twice").into());
    }
    Ok(Review {
        cases,
        refusal: draft.refusal,
        by: going.by(),
        at: now,
    })
}

fn form_hash(draft: &ApprovalDraft) -> Result<[u8; 32], ServiceError> {
    let bytes = HEXLOWER_PERMISSIVE.decode(draft.form_hash.as_bytes()).ok();
    let hash = bytes.and_then(|bytes| bytes.try_into().ok());
    Ok(hash.ok_or_else(|| Invalid::new("form_hash", "has 64 hexadecimal digits"))?)
}
