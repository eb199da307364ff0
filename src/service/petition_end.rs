//! The end of what a person said in a request (개인정보 보호법 제21조제1항): the purpose is met once the
//! request was answered or withdrawn and the time in which the answer can be contested is over
//! (`[ending] petition_days`). Then the unit that name, contact, words and receipt are sealed under
//! is destroyed like any other, by an order of its own, with its leaves in the ledger.
//!
//! Nobody approves it anew: it was decided with the answer, and keeping it for longer is what would
//! need a reason. The order names who decided the request and who recorded its end.

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::audit::Outcome;
use crate::destruction::order::{Ground, Order, Stage};
use crate::destruction::petition::Texts;
use crate::destruction::request::{Ended, Stored};
use crate::domain::id::{DestructionId, RequestId, UnitId};
use crate::engine::Batch;

impl Store {
    /// What a person said in a request; `None` where nobody asked and once it is destroyed.
    pub(super) fn said_in(&self, request: &Stored) -> Result<Option<Texts>, ServiceError> {
        let Some(texts) = request.texts() else {
            return Ok(None);
        };
        let opened = self.petitions.open(request.facts().id, texts);
        opened.map_err(fault::petition)
    }

    /// The daily look: orders the end of every petition whose time is over, by every clock there
    /// is; gives how many. An order that a restore withdrew is placed again.
    pub(super) fn end_petitions(&self) -> Result<usize, ServiceError> {
        let waiting = self.orders.unfinished().map_err(fault::orders)?;
        let mut ordered = 0;
        for request in self.records.requests().map_err(fault::records)? {
            let id = request.facts().id;
            let (Some(ended), Some(texts)) = (request.ended(), request.texts()) else {
                continue;
            };
            let over = ended.at.plus(self.terms.petition_kept);
            let is_waiting = || waiting.iter().any(|o| o.ground == Ground::Petition(id));
            if texts.is_gone() {
                continue;
            }
            if self.keyring.shred_half(texts.unit).is_err() {
                // A row out of a backup: its unit has been dead for long.
                self.forget_petition(id)?;
            } else if self.own_time.has_come(over, self.clock.as_ref()) && !is_waiting() {
                self.order_petition_end(id, texts.unit, ended)?;
                ordered += 1;
            }
        }
        Ok(ordered)
    }

    fn order_petition_end(
        &self,
        request: RequestId,
        unit: UnitId,
        ended: Ended,
    ) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let order = Order {
            id: DestructionId::random(self.random.as_ref()).map_err(fault::random)?,
            ground: Ground::Petition(request),
            parts: Vec::new(),
            units: vec![unit],
            handler: ended.by,
            approver: ended.decided_by,
            witness: None,
            approved_at: ended.at,
            due: now,
            stage: Stage::Waiting,
        };
        let mut batch = Batch::default();
        self.place_order(&mut batch, &order)?;
        let event = self.deed(
            order.id,
            Outcome::Done,
            "ordered: a request is long answered",
        );
        let entered = self.log.event(event, batch).wait();
        entered.map(|_| ()).map_err(fault::log)
    }

    /// Takes out of a request's row what is left of a petition whose unit is destroyed, and what
    /// was written about the person. May be called again.
    pub(super) fn forget_petition(&self, request: RequestId) -> Result<(), ServiceError> {
        let found = self.records.request(request).map_err(fault::records)?;
        let Some(kept) = found.filter(|kept| kept.row.texts().is_some_and(|t| !t.is_gone())) else {
            return Ok(());
        };
        let mut batch = Batch::default();
        self.records
            .put_changed(&mut batch, &kept, &kept.row.clone().forget())
            .map_err(fault::records)?;
        let forgotten = self.engine.commit(batch).wait();
        forgotten.map(|_| ()).map_err(fault::commit)
    }
}

#[cfg(test)]
mod tests;
