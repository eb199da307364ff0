//! The end of what is kept apart: a daily look proposes, a custodian asks, a privacy officer
//! approves, and an order destroys (개인정보 보호법 제21조제1항, 공공기록물법 시행령 제43조). Nothing here
//! destroys anything by itself.

use std::sync::atomic::Ordering;

use super::error::ServiceError;
use super::fault;
use super::second_person::Consented;
use super::store::{Answer, Store};
use super::take_out::count;
use crate::audit::{Event, Outcome, Shown};
use crate::authn::session::{Origin, Session};
use crate::authz::action::OpenRetained;
use crate::cases::draft::Invalid;
use crate::destruction::draft;
use crate::destruction::order::{Ground, Order, Stage};
use crate::domain::id::{AccountId, ApprovalId, DestructionId, RetainedId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::engine::{Batch, Pending};
use crate::people::approval::{Asked, content_hash};
use crate::retained::item::Item;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Why an item shall be destroyed, and with whose consent.
pub struct End {
    /// Why; sealed in the access log.
    pub reason: String,
    /// Id of the decision 폐기 of the records appraisal, where its end needs one.
    pub decision: Option<String>,
    /// Consent of a second person to exactly this, once there is one.
    pub approval: Option<ApprovalId>,
}

/// A destruction that was ordered.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Ordered {
    /// Id of the order and of its certificate.
    pub destruction: String,
    /// Not before; until then it can be cancelled.
    pub due: String,
}

impl Store {
    /// The look of this day, unless there was one already.
    pub(super) fn look_for_due_today(&self) -> Result<(), ServiceError> {
        let today = self.clock.now().as_millis().div_euclid(DAY_MS);
        if self.due_looked_on.swap(today, Ordering::Relaxed) == today {
            return Ok(());
        }
        let found = self.look_for_due()?;
        if found > 0 {
            tracing::info!(found, "items kept apart have come to their end");
        }
        let ordered = self.end_petitions()?;
        if ordered > 0 {
            tracing::info!(ordered, "requests long answered lose whose they were");
        }
        Ok(())
    }

    /// The daily look: marks items whose end has come, and says in the access log how many there
    /// are now. The mark proposes; it changes nothing else.
    pub(super) fn look_for_due(&self) -> Result<usize, ServiceError> {
        let _turn = self.items_turn();
        let now = self.clock.now();
        let mut found = 0;
        for stored in self.items.all().map_err(fault::items)? {
            if stored.item.due_since.is_some() || !stored.item.is_due(now) {
                continue;
            }
            let marked = Item {
                due_since: Some(now),
                ..stored.item.clone()
            };
            let mut batch = Batch::default();
            self.items
                .put_changed(&mut batch, &stored, &marked)
                .map_err(fault::items)?;
            self.commit_apart(batch)?;
            found += 1;
        }
        if found > 0 {
            let event = Event {
                task: Task::Retention,
                outcome: Outcome::Done,
                actor: None,
                roles: Roles::default(),
                origin: Origin {
                    address: None,
                    device: String::new(),
                },
                purpose: None,
                reason: Some(format!("kept apart and due: {found}")),
            };
            let logged = self.log.event(event, Batch::default()).wait();
            logged.map_err(fault::log)?;
        }
        Ok(found)
    }

    /// `POST /retained/{id}/destruction`: a custodian asks for the destruction of an item whose end
    /// has come; once a privacy officer has approved, the order waits out its cancel window.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] while the law still keeps it, or where the decision of the
    /// appraisal is needed and not named; [`ServiceError::Conflict`] where its end is ordered
    /// already; [`ServiceError::Held`]; what `spend` says of the approval.
    pub fn end_retained(
        &self,
        session: &Session,
        id: RetainedId,
        asked: End,
    ) -> Answer<Consented<Ordered>> {
        let End {
            reason,
            decision,
            approval,
        } = asked;
        let permit = match self.may_open_apart::<OpenRetained>(session, Purpose::Legal)? {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.hide_apart(session, denied, Purpose::Legal)),
        };
        let _turn = self.items_turn();
        let item = match self.ending(id, &reason, decision.as_deref()) {
            Ok(item) => item,
            Err(error) => return self.fail(permit, error),
        };
        let wanted = Asked::Destroy {
            item: id,
            units: count(item.units().len()),
            basis: (item.basis.law.clone(), item.basis.article.clone()),
            decision: decision.clone(),
            reason: reason.clone(),
            order_hash: ending_hash(&item, decision.as_deref()),
        };
        let Some(approval) = approval else {
            return self.ask_second(permit, session, wanted, reason);
        };
        let mut batch = Batch::default();
        let ordered = self
            .spend(&mut batch, approval, &wanted, session.account())
            .and_then(|consent| {
                let ground = match decision {
                    None => Ground::RetentionEnd(item.id),
                    Some(decision) => Ground::AppraisedEnd {
                        item: item.id,
                        decision,
                    },
                };
                let by = (session.account(), consent.by);
                let ordered = self.order_end(&mut batch, &item, ground, by)?;
                Ok((ordered, consent))
            });
        let (ordered, consent) = match ordered {
            Ok(ordered) => ordered,
            Err(error) => return self.fail(permit, error),
        };
        let shown = Shown {
            query: Some("end"),
            reason: Some(reason),
            notes: consent.notes(),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch).wait();
        let (receipt, _) = recorded.map_err(fault::log)?;
        let done = Consented::Done(ordered, receipt.position());
        Ok(Pending::ready(Ok(done)))
    }

    fn ending(
        &self,
        id: RetainedId,
        reason: &str,
        decision: Option<&str>,
    ) -> Result<Item, ServiceError> {
        super::retained_open::needed(reason)?;
        decision
            .map_or(Ok(()), draft::decision)
            .map_err(fault::lacking)?;
        let item = self.kept(id)?.ok_or(ServiceError::NotFound)?.item;
        // Two orders would count the same units twice in the ledger.
        if self.order_ending(id)?.is_some() {
            return Err(ServiceError::Conflict);
        }
        if !item.holds.is_empty() {
            return Err(ServiceError::Held);
        }
        if item.appraisal && decision.is_none() {
            let why = "of the records appraisal (폐기) must be named";
            return Err(Invalid::new("decision", why).into());
        }
        // By every clock there is, so that one set wrong ends nothing.
        if self
            .own_time
            .has_come(item.basis.until, self.clock.as_ref())
        {
            Ok(item)
        } else {
            Err(Invalid::new("id", "names what the law still keeps").into())
        }
    }

    fn order_end(
        &self,
        batch: &mut Batch,
        item: &Item,
        ground: Ground,
        (handler, approver): (AccountId, AccountId),
    ) -> Result<Ordered, ServiceError> {
        let now = self.clock.now();
        let order = Order {
            id: DestructionId::random(self.random.as_ref()).map_err(fault::random)?,
            ground,
            parts: Vec::new(),
            units: item.units(),
            handler,
            approver,
            witness: None,
            approved_at: now,
            due: self.terms.window_end(now, None),
            stage: Stage::Waiting,
        };
        self.place_order(batch, &order)?;
        Ok(Ordered {
            destruction: order.id.to_string(),
            due: order.due.rfc3339(),
        })
    }
}

/// What the second person consents to: the end of this item, with these units, by this decision.
fn ending_hash(item: &Item, decision: Option<&str>) -> [u8; 32] {
    let until = item.basis.until.as_millis().to_be_bytes();
    let units: Vec<[u8; 8]> = item
        .units()
        .into_iter()
        .map(|unit| unit.as_u64().to_be_bytes())
        .collect();
    let decision = decision.unwrap_or_default().as_bytes();
    let parts = [item.id.as_bytes().as_slice(), &until, decision];
    let units = units.iter().map(<[u8; 8]>::as_slice);
    content_hash("retention-end", parts.into_iter().chain(units))
}
