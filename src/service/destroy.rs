//! Carrying out a destruction: intent → gates closed → keys destroyed → rows gone → ledger.
//!
//! | died after | what is found | what is done at the next opening |
//! |---|---|---|
//! | nothing durable | the order waits | it is carried out when due |
//! | intent | stage `Intent`, units listed | destroyed again from the keys on |
//! | keys destroyed | stage `Intent`, keys refuse | rows removed, ledger written |
//! | rows and ledger (one batch) | stage `Destroyed` | the scrub is run |
//! | scrub | stage `Destroyed` | it is run again, then told |
//!
//! After the intent there is no way back, so an order is never half carried out; the ledger names it
//! as destroyed exactly once, in the batch that also removes its rows.

use std::collections::BTreeMap;

use super::destroy_lines;
use super::error::ServiceError;
use super::fault;
use super::gate::Closed;
use super::store::Store;
use crate::audit::{Event, Outcome};
use crate::authn::session::Origin;
use crate::cases::head::{Gone, Head, StoredHead};
use crate::cases::view::CaseState;
use crate::destruction::ledger::{self, Entry};
use crate::destruction::order::{Doomed, Order, Stage, UNITS_MAX, What};
use crate::destruction::rows::StoredOrder;
use crate::domain::id::{CaseId, DestructionId, UnitId};
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::engine::Batch;

impl Store {
    /// Adds an order that waits for its time to a batch.
    pub(super) fn place_order(&self, batch: &mut Batch, order: &Order) -> Result<(), ServiceError> {
        self.orders.put_new(batch, order).map_err(fault::records)
    }

    /// One order.
    pub(super) fn order(&self, id: DestructionId) -> Result<Option<Order>, ServiceError> {
        let found = self.orders.find(id).map_err(fault::records)?;
        Ok(found.map(|stored| stored.order))
    }

    fn stored_order(&self, id: DestructionId) -> Result<StoredOrder, ServiceError> {
        let found = self.orders.find(id).map_err(fault::records)?;
        found.ok_or(ServiceError::NotFound)
    }

    /// Cancels an order that still waits, as part of a batch.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] once it has begun.
    pub(super) fn cancel_order(
        &self,
        batch: &mut Batch,
        id: DestructionId,
    ) -> Result<(), ServiceError> {
        let stored = self.stored_order(id)?;
        if stored.order.stage != Stage::Waiting {
            return Err(ServiceError::Conflict);
        }
        let cancelled = Order {
            stage: Stage::Cancelled,
            ..stored.order.clone()
        };
        self.orders
            .put_changed(batch, &stored, &cancelled)
            .map_err(fault::records)
    }

    /// Carries out one order as far as its keys, if its time has come by steady time; goes on with
    /// one that was begun. Gives the stage it is in afterwards.
    ///
    /// # Errors
    /// [`ServiceError::Held`] while a case of it is held; the order waits. Whatever else the store
    /// or the keyring says: the order is taken up again.
    pub(super) fn execute(&self, id: DestructionId) -> Result<Stage, ServiceError> {
        let _turn = self
            .destroying
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let stored = self.stored_order(id)?;
        let begun = match stored.order.stage {
            Stage::Waiting if self.steady.now() < stored.order.due => return Ok(Stage::Waiting),
            Stage::Waiting => {
                let _closed = self.close_gates(&stored.order)?;
                self.begin(&stored)?;
                self.stored_order(id)?
            }
            Stage::Intent => stored,
            stage => return Ok(stage),
        };
        let _closed = self.close_gates(&begun.order)?;
        self.finish(&begun)
    }

    fn close_gates(&self, order: &Order) -> Result<Vec<Closed>, ServiceError> {
        let mut cases: Vec<CaseId> = order.parts.iter().map(|part| part.case).collect();
        cases.sort_unstable();
        cases.dedup();
        cases
            .into_iter()
            .map(|case| self.gates.close(case))
            .collect()
    }

    /// Fixes what dies and makes the intent durable.
    fn begin(&self, stored: &StoredOrder) -> Result<(), ServiceError> {
        let order = &stored.order;
        let mut doomed = Vec::new();
        let mut lines = Vec::new();
        for part in &order.parts {
            let Some(head) = self.cases.head(part.case).map_err(fault::cases)? else {
                continue;
            };
            if !head.head.holds.is_empty() {
                return Err(ServiceError::Held);
            }
            let dies = |unit: UnitId| match &part.what {
                What::Whole => true,
                What::Units(units) => units.contains(&unit),
            };
            for unit in head.head.units.iter().filter(|unit| dies(unit.unit)) {
                doomed.push(Doomed {
                    case: Some(part.case),
                    unit: unit.unit,
                    kind: unit.kind,
                });
                lines.push(self.line_of(&head, *unit)?);
            }
        }
        for (unit, kind) in &order.units {
            doomed.push(Doomed {
                case: None,
                unit: *unit,
                kind: *kind,
            });
            lines.push(destroy_lines::apart(*unit, *kind));
        }
        if doomed.len() > UNITS_MAX {
            return Err(ServiceError::Internal("an order of too many units".into()));
        }
        let intent = Order {
            stage: Stage::Intent,
            doomed,
            ..order.clone()
        };
        let entry = destroy_lines::intent(order, lines);
        let mut batch = Batch::default();
        self.orders
            .put_changed(&mut batch, stored, &intent)
            .map_err(fault::records)?;
        self.enter(&intent, ledger::Event::Intent(entry), batch)
    }

    /// Destroys the keys, then removes the rows and tells the ledger in one batch.
    fn finish(&self, stored: &StoredOrder) -> Result<Stage, ServiceError> {
        let order = &stored.order;
        let units: Vec<UnitId> = order.doomed.iter().map(|doomed| doomed.unit).collect();
        let root_version = self.keyring.puncture(&units).map_err(fault::keyring)?;
        if units
            .iter()
            .any(|unit| self.keyring.shred_half(*unit).is_ok())
        {
            return Err(ServiceError::Internal(
                "a destroyed key is still there".to_owned(),
            ));
        }
        let mut batch = Batch::default();
        let mut by_case: BTreeMap<CaseId, Vec<Doomed>> = BTreeMap::new();
        for doomed in &order.doomed {
            if let Some(case) = doomed.case {
                by_case.entry(case).or_default().push(*doomed);
            }
        }
        for (case, dead) in &by_case {
            self.bury(&mut batch, order, *case, dead)?;
        }
        self.drop_postings(&mut batch, &units)?;
        let destroyed = Order {
            stage: Stage::Destroyed,
            ..order.clone()
        };
        self.orders
            .put_changed(&mut batch, stored, &destroyed)
            .map_err(fault::records)?;
        let told = self.destroyed_entry(order, root_version)?;
        self.enter(&destroyed, ledger::Event::Destroyed(told), batch)?;
        Ok(Stage::Destroyed)
    }

    /// The rows of dead units of one case go; its head remembers that they were.
    fn bury(
        &self,
        batch: &mut Batch,
        order: &Order,
        case: CaseId,
        dead: &[Doomed],
    ) -> Result<(), ServiceError> {
        let Some(before) = self.cases.head(case).map_err(fault::cases)? else {
            return Ok(());
        };
        let units: Vec<UnitId> = dead.iter().map(|doomed| doomed.unit).collect();
        let after = without(&before, order.id, dead);
        self.cases
            .put_destroyed(batch, &before, &after, &units)
            .map_err(fault::cases)
    }

    /// Commits a step with its leaf in the ledger and its entry in the access log. Who acts is the
    /// approver: the program carries out what they decided.
    pub(super) fn enter(
        &self,
        order: &Order,
        told: ledger::Event,
        mut batch: Batch,
    ) -> Result<(), ServiceError> {
        Entry::now(self.clock.now(), told)
            .append(&mut batch)
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        let event = Event {
            task: Task::Destroy,
            outcome: Outcome::Done,
            actor: Some(order.approver),
            roles: Roles::default(),
            origin: Origin {
                address: None,
                device: String::new(),
            },
            purpose: None,
            reason: Some(format!("destruction {} {:?}", order.id, order.stage)),
        };
        self.log
            .event(event, batch)
            .wait()
            .map(|_| ())
            .map_err(fault::log)
    }
}

/// The head once these units are gone.
fn without(before: &StoredHead, by: DestructionId, dead: &[Doomed]) -> Head {
    let mut head = before.head.clone();
    head.units
        .retain(|unit| dead.iter().all(|doomed| doomed.unit != unit.unit));
    head.gone.extend(dead.iter().map(|doomed| Gone {
        kind: doomed.kind,
        by,
    }));
    head.locks.clear();
    head.revision += 1;
    if head.units.is_empty() {
        head.state = CaseState::Destroyed;
        head.wraps.clear();
        head.assignees.clear();
        head.desk.clear();
        head.external_number = None;
    }
    head
}
