//! The end of a request: the destruction carried out, and the result notice.

use super::deletion::{Insight, Lock};
use super::deletion_view;
use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use crate::audit::Shown as Logged;
use crate::authn::session::Session;
use crate::authz::action::{CloseRequest, Destroy, ReadRequest};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::destruction::draft::{DeliveredBy, DeliveryDraft};
use crate::destruction::ledger;
use crate::destruction::notice::{Act, Contents, Notice};
use crate::destruction::order::Order;
use crate::destruction::request::{CarriedOut, Cause, Delivery, Review, Stored};
use crate::destruction::view::{NoticeView, RequestView};
use crate::domain::id::RequestId;
use crate::domain::time::Timestamp;

impl Store {
    /// The order of an approved request.
    pub(super) fn order_of(&self, request: &Stored) -> Result<Order, ServiceError> {
        let approval = request.approval();
        let approval = approval.ok_or_else(|| fault::step(request.wrong()))?;
        let lost = || ServiceError::Damaged("an order is missing".to_owned());
        self.order(approval.order)?.ok_or_else(lost)
    }

    /// `POST …/execution` (파기): carries out at once what would be carried out within a minute of
    /// the end of its window, and shows how far it has come. Before that nothing happens.
    ///
    /// # Errors
    /// [`ServiceError::WrongState`] while it can still be cancelled; [`ServiceError::Held`] where
    /// the order stays for another reason, which stands in the access log.
    pub fn run_destruction(&self, session: &Session, id: RequestId) -> Answer<RequestView> {
        let permit = self.permit_office::<Destroy>(session, Target::Office)?;
        let run = self.known_request(session, id).and_then(|(kept, _)| {
            let order = self.order_of(&kept.row)?;
            if self.clock.now() < order.due {
                return Err(fault::step(kept.row.wrong()));
            }
            self.execute(order.id)?;
            let done = CarriedOut::by(&self.order_of(&kept.row)?);
            done.ok_or(ServiceError::Held)?;
            let insight = self.insight(session, &kept.row)?;
            Ok((self.request_view(&kept.row, &insight)?, kept))
        });
        let (view, kept) = match run {
            Ok(run) => run,
            Err(error) => return self.fail(permit, error),
        };
        let logged = Logged {
            cases: kept.row.facts().cases.clone(),
            query: Some("execution"),
            ..Logged::default()
        };
        Ok(self
            .log
            .record(permit, logged)
            .map(|recorded| recorded.map(|_| view).map_err(fault::log)))
    }

    /// When the ledger says that an order's keys were gone.
    fn destroyed_at(&self, order: &Order) -> Result<Timestamp, ServiceError> {
        let lost = || ServiceError::Damaged("a destruction is missing from the ledger".to_owned());
        let row = self.order_row(order.id)?.ok_or_else(lost)?;
        for index in row.leaves {
            let leaf = self.ledger_leaf(index)?;
            let entry = ledger::Entry::read(&leaf).ok_or_else(lost)?;
            if matches!(entry.event, ledger::Event::Destroyed(_)) {
                return Timestamp::parse_rfc3339(&entry.time).ok_or_else(lost);
            }
        }
        Err(lost())
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
        if matches!(request.facts().cause, Cause::Retention { .. }) {
            return Err(fault::step(request.wrong()));
        }
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
                let destroyed_at = self.destroyed_at(&order)?;
                (act, told, &form.fields.sender, destroyed_at, certificate)
            }
            (None, None) => return Err(fault::step(request.wrong())),
        };
        let date = request
            .delivery()
            .map_or_else(|| self.clock.now(), |d| d.at);
        // Long after the answer nobody knows any more whom it went to.
        let said = self.said_in(request)?.ok_or(ServiceError::Expired)?;
        let notice = Notice::new(Contents {
            act,
            told,
            name: &said.name,
            asked: &said.reason,
            receipt: said.receipt.as_deref(),
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
            // A restore brings a request back without whose it was: then nobody can be told.
            let person = self.said_in(&request)?.is_some();
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
            going.lock(&request, Lock::Settle)?;
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
