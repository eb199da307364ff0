//! What an appraisal leaves of what is kept apart (공공기록물법 시행령 제43조: 보류, 재책정), and a
//! destruction that is called off: a hold, a new end date, a cancelled order.
//!
//! What keeps longer is durable in the separate store before the rest is; what keeps shorter comes
//! after it. So a crash between the two stores leaves an item held or kept, never the reverse.

use std::sync::MutexGuard;

use super::destroy::held;
use super::error::ServiceError;
use super::fault;
use super::hold::Lift;
use super::retained_open::needed;
use super::second_person::Consented;
use super::store::{Answer, Store};
use super::types::{HoldView, Holds};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::OpenRetained;
use crate::cases::draft::Invalid;
use crate::destruction::kept::TermSet;
use crate::destruction::ledger;
use crate::destruction::order::{Order, Stage};
use crate::domain::hold::Hold;
use crate::domain::id::{ApprovalId, RetainedId};
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::purpose::Purpose;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};
use crate::people::approval::Asked;
use crate::retained::item::Item;
use crate::retained::rows::StoredItem;

/// Most holds that stand on one item.
const HOLDS_MAX: usize = 16;

/// A hold to set or to lift.
pub struct Holding {
    /// Set it, or lift the ones on this ground.
    pub set: bool,
    /// The law or matter it rests on.
    pub ground: String,
    /// Why; sealed in the access log.
    pub reason: String,
    /// Consent of a second person to exactly this, once there is one. Setting needs none: it
    /// destroys nothing, and what it stops may be near.
    pub approval: Option<ApprovalId>,
}

/// A new end date (재책정).
pub struct NewTerm {
    /// Until when it is kept from now on: never for less than before.
    pub until: Timestamp,
    /// Id of the decision 재책정 of the appraisal, as the office numbers it.
    pub decision: Option<String>,
    /// Why; sealed in the access log.
    pub reason: String,
    /// Consent of a second person to exactly this, once there is one.
    pub approval: Option<ApprovalId>,
}

/// The end date of an item as it is now.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Term {
    /// Until when.
    pub until: String,
}

/// A destruction that was called off.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct CalledOff {
    /// Id of the order.
    pub destruction: String,
}

impl Store {
    /// Nothing is destroyed while this lives: an item is not held on while its keys die. Taken
    /// before the items' turn, as a destruction takes them.
    fn destruction_turn(&self) -> MutexGuard<'_, ()> {
        held(&self.destructions.turn)
    }

    /// The order that ends an item and is not at its own end.
    pub(super) fn order_ending(&self, item: RetainedId) -> Result<Option<Order>, ServiceError> {
        let orders = self.orders.unfinished().map_err(fault::orders)?;
        let ends = |order: &Order| order.ground.item() == Some(item);
        Ok(orders.into_iter().find(ends))
    }

    /// `POST /retained/{id}/destruction/cancel`: calls the destruction of an item off while it
    /// waits; behind its window too, while something keeps it from being carried out.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] where none waits, or it can no longer be stopped.
    pub fn cancel_end(
        &self,
        session: &Session,
        id: RetainedId,
        reason: String,
    ) -> Answer<CalledOff> {
        let permit = match self.may_open_apart::<OpenRetained>(session, Purpose::Legal)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, Purpose::Legal)),
        };
        let _turn = self.destruction_turn();
        let mut batch = Batch::default();
        let planned = needed(&reason).and_then(|()| self.call_off(&mut batch, id));
        self.or_fail(permit, planned, |permit, done| {
            let recorded = self
                .log
                .record_with(permit, said("call off", reason), batch);
            let (_receipt, _) = recorded.wait().map_err(fault::log)?;
            Ok(Pending::ready(Ok(done)))
        })
    }

    fn call_off(&self, batch: &mut Batch, id: RetainedId) -> Result<CalledOff, ServiceError> {
        self.kept(id)?.ok_or(ServiceError::NotFound)?;
        let order = self.order_ending(id)?.ok_or(ServiceError::Conflict)?;
        let open = self.clock.now() < order.due || self.plan(&order)?.is_err();
        if order.stage != Stage::Waiting || !open {
            return Err(ServiceError::Conflict);
        }
        self.cancel_order(batch, order.id)?;
        Ok(CalledOff {
            destruction: order.id.to_string(),
        })
    }

    /// `PUT /retained/{id}/hold` (보류): nothing of a held item is destroyed, whatever was ordered.
    /// One custodian sets a hold. To lift those on a ground another asks for a second person first;
    /// with their consent it lifts those that stood when they were asked. Who set one neither lifts it
    /// nor consents.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`] for who set every hold on that ground, and where the second
    /// person did;
    /// [`ServiceError::Conflict`] where the item is being destroyed; [`ServiceError::Invalid`];
    /// what `spend` says of the approval.
    pub fn hold_retained(
        &self,
        session: &Session,
        id: RetainedId,
        asked: Holding,
    ) -> Answer<Consented<Holds>> {
        let permit = match self.may_open_apart::<OpenRetained>(session, Purpose::Legal)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, Purpose::Legal)),
        };
        let _destructions = self.destruction_turn();
        let _turn = self.items_turn();
        let found = fits(&asked.ground)
            .and_then(|()| needed(&asked.reason))
            .and_then(|()| self.not_dying(id));
        let stored = match found {
            Ok(stored) => stored,
            Err(error) => return self.fail(permit, error),
        };
        if asked.set {
            self.set_hold(permit, session, &stored, asked)
        } else {
            self.lift_hold(permit, session, &stored, asked)
        }
    }

    /// An item whose destruction has not begun.
    fn not_dying(&self, id: RetainedId) -> Result<StoredItem, ServiceError> {
        let stored = self.kept(id)?.ok_or(ServiceError::NotFound)?;
        match self.order_ending(id)? {
            Some(order) if order.stage != Stage::Waiting => Err(ServiceError::Conflict),
            _ => Ok(stored),
        }
    }

    fn set_hold(
        &self,
        permit: Permit<OpenRetained>,
        session: &Session,
        stored: &StoredItem,
        asked: Holding,
    ) -> Answer<Consented<Holds>> {
        let mut item = stored.item.clone();
        if item.holds.len() >= HOLDS_MAX {
            let why = "is one more than can stand on an item";
            return self.fail(permit, Invalid::new("ground", why).into());
        }
        item.holds.push(Hold {
            by: session.account(),
            at: self.clock.now(),
            ground: asked.ground,
        });
        let holds = self.holds_on(&item);
        if let Err(error) = self.put_item(stored, &item) {
            return self.fail(permit, error);
        }
        let recorded = self.log.record(permit, said("hold", asked.reason)).wait();
        let receipt = recorded.map_err(fault::log)?;
        let done = Consented::Done(holds, receipt.position());
        Ok(Pending::ready(Ok(done)))
    }

    fn lift_hold(
        &self,
        permit: Permit<OpenRetained>,
        session: &Session,
        stored: &StoredItem,
        asked: Holding,
    ) -> Answer<Consented<Holds>> {
        let mut item = stored.item.clone();
        let lift = match Lift::of(&item.holds, session.account(), &asked.ground) {
            Ok(lift) => lift,
            Err(error) => return self.fail(permit, error),
        };
        let wanted = Asked::LiftItemHold {
            item: item.id,
            ground: asked.ground,
            reason: asked.reason.clone(),
            standing: lift.standing.clone(),
        };
        let Some(approval) = asked.approval else {
            let wanted = (wanted, asked.reason);
            return self.ask_second_with(permit, session, wanted, lift.setters(), Batch::default());
        };
        let mut batch = Batch::default();
        let spent = self.spend_lift(&mut batch, approval, &wanted, session.account(), &lift);
        item.holds = lift.left;
        self.or_fail(permit, spent, |permit, consent| {
            let shown = Shown {
                notes: consent.notes(),
                ..said("lift", asked.reason)
            };
            let recorded = self.log.record_with(permit, shown, batch);
            let (receipt, _) = recorded.wait().map_err(fault::log)?;
            self.put_item(stored, &item)?;
            let done = Consented::Done(self.holds_on(&item), receipt.position());
            Ok(Pending::ready(Ok(done)))
        })
    }

    /// `POST /retained/{id}/term` (재책정): a later end date, with a second person; it stands in the
    /// ledger. An item whose destruction is ordered gets none: the order is called off first.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for an end that is no later; [`ServiceError::Conflict`] where a
    /// destruction is ordered; what `spend` says of the approval.
    pub fn renew_term(
        &self,
        session: &Session,
        id: RetainedId,
        asked: NewTerm,
    ) -> Answer<Consented<Term>> {
        let permit = match self.may_open_apart::<OpenRetained>(session, Purpose::Legal)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, Purpose::Legal)),
        };
        let _turn = self.items_turn();
        let stored = match self.renewable(id, &asked) {
            Ok(stored) => stored,
            Err(error) => return self.fail(permit, error),
        };
        let wanted = Asked::RenewTerm {
            item: id,
            until: asked.until,
            decision: asked.decision.clone(),
            reason: asked.reason.clone(),
        };
        let Some(approval) = asked.approval else {
            return self.ask_second(permit, session, wanted, asked.reason);
        };
        let mut batch = Batch::default();
        let planned = self
            .spend(&mut batch, approval, &wanted, session.account())
            .and_then(|consent| {
                let event = TermSet {
                    item: id.to_string(),
                    from: stored.item.basis.until.rfc3339(),
                    until: asked.until.rfc3339(),
                    decision: asked.decision,
                    requester: session.account().to_string(),
                    approver: consent.by.to_string(),
                };
                self.append_ledger(&mut batch, ledger::Event::TermSet(event))?;
                let mut item = stored.item.clone();
                item.basis.until = asked.until;
                item.due_since = None;
                self.put_item(&stored, &item)?;
                Ok(consent)
            });
        self.or_fail(permit, planned, |permit, consent| {
            let shown = Shown {
                notes: consent.notes(),
                ..said("term", asked.reason)
            };
            let recorded = self.log.record_with(permit, shown, batch);
            let (receipt, _) = recorded.wait().map_err(fault::log)?;
            let until = asked.until.rfc3339();
            let done = Consented::Done(Term { until }, receipt.position());
            Ok(Pending::ready(Ok(done)))
        })
    }

    /// An end that stands already is no error: a crash may have cut the same renewal short.
    fn renewable(&self, id: RetainedId, asked: &NewTerm) -> Result<StoredItem, ServiceError> {
        needed(&asked.reason)?;
        let stored = self.kept(id)?.ok_or(ServiceError::NotFound)?;
        if let Some(decision) = &asked.decision {
            crate::destruction::draft::decision(decision).map_err(fault::lacking)?;
        }
        if asked.until < stored.item.basis.until || asked.until <= self.clock.now() {
            let why = "must lie ahead, and no earlier than the end that the item has";
            return Err(Invalid::new("until", why).into());
        }
        match self.order_ending(id)? {
            Some(_) => Err(ServiceError::Conflict),
            None => Ok(stored),
        }
    }

    fn put_item(&self, before: &StoredItem, item: &Item) -> Result<(), ServiceError> {
        let mut batch = Batch::default();
        self.items
            .put_changed(&mut batch, before, item)
            .map_err(fault::items)?;
        self.commit_apart(batch)
    }

    fn holds_on(&self, item: &Item) -> Holds {
        let view = |hold: &Hold| HoldView {
            by: self.directory.login(hold.by),
            at: hold.at.rfc3339(),
            ground: hold.ground.clone(),
        };
        Holds {
            holds: item.holds.iter().map(view).collect(),
        }
    }
}

fn fits(ground: &str) -> Result<(), ServiceError> {
    if ground.trim().is_empty() || ground.len() > LINE_BYTES_MAX {
        let why = "names the law or matter it rests on, in at most 1024 bytes";
        return Err(Invalid::new("ground", why).into());
    }
    Ok(())
}

fn said(what: &'static str, reason: String) -> Shown {
    Shown {
        query: Some(what),
        reason: Some(reason),
        ..Shown::default()
    }
}
