//! Destruction (파기): from a waiting order to keys that are gone, crash-safe, forward only.
//!
//! ```text
//! Waiting ──(a) gates closed, holds, heads and time checked
//!         ──(b) INTENT in the ledger, entry in the log, plan in the order's row: one batch ──▶ Intent
//! Intent  ──(c) the keyring forgets the keys; every one is asked for and not found
//!         ──(d) rows and postings go, heads say what is gone; DESTROYED in the ledger ──▶ Destroyed
//! Destroyed ──(e) the blind index gets a new key, the old one is destroyed (see `index`)
//!           ──(f) the disk is overwritten (see `scrub`); SCRUBBED in the ledger ──▶ Scrubbed
//! ```
//! | it stops | what the next open finds | what it does |
//! |---|---|---|
//! | before (b) is durable | Waiting | nothing; the order comes up again |
//! | after (b), before (c) | Intent, keys there | (c) with the units of the plan |
//! | inside (c) | the keyring's recovery: all keys or none | (c) again; dead keys are no error |
//! | after (c), inside (d) | Intent, some heads changed | the rest of (d): a head that says so is done |
//! | after (d), inside (e) | Destroyed, its epoch's key there | (e), from wherever the index is |
//! | after (e) | Destroyed, its epoch's key gone | (f), until it is done |
//!
//! Gates stay closed from (a) to the end of (d), also over failures: nobody reads or re-keys a
//! case that is half-way. No session takes part: keys can be destroyed by those who cannot use
//! them. An order's row changes only on the condition that it stands as read, so that no leaf is
//! written twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::destroy_plan::{Plan, Refusal};
use super::error::ServiceError;
use super::fault;
use super::gate::Closed;
use super::scrub::Scrub;
use super::store::Store;
use crate::audit::{Event, Outcome, Shown};
use crate::authn::session::Origin;
use crate::cases::draft::Invalid;
use crate::destruction::ledger;
use crate::destruction::order::{ORDER_UNITS_MAX, Order, Stage, What};
use crate::destruction::rows::{Record, Stored};
use crate::domain::id::{CaseId, DestructionId};
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::domain::tier::UnitKind;
use crate::domain::time::Timestamp;
use crate::engine::Batch;

/// An order that was placed but never committed is forgotten after this time.
const NEVER_COMMITTED: Duration = Duration::from_secs(3600);

/// An order that is to be looked at.
struct Watched {
    due: Timestamp,
    /// When it was placed, monotonic.
    since: Duration,
    /// The refusal that stands in the log already.
    told: Option<Refusal>,
}

/// What is under way.
#[derive(Default)]
pub(super) struct Destructions {
    /// One destruction at a time.
    pub(super) turn: Mutex<()>,
    watched: Mutex<BTreeMap<DestructionId, Watched>>,
    /// Gates of begun orders.
    shut: Mutex<BTreeMap<DestructionId, Vec<Closed>>>,
    pub(super) scrub: Scrub,
}

pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Adds a waiting order to a batch. `order.stage` is [`Stage::Waiting`].
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for more units than one entry of the ledger can name
    /// ([`ORDER_UNITS_MAX`]): split it.
    pub(super) fn place_order(&self, batch: &mut Batch, order: &Order) -> Result<(), ServiceError> {
        let named = |part: &crate::destruction::order::Part| match &part.what {
            What::Whole => 1,
            What::Units(units) => units.len(),
        };
        let units = order.units.len() + order.parts.iter().map(named).sum::<usize>();
        if units > ORDER_UNITS_MAX {
            return Err(Invalid::new("units", "are too many for one order: split it").into());
        }
        if order.stage != Stage::Waiting {
            return Err(ServiceError::Internal(
                "an order that does not wait".to_owned(),
            ));
        }
        self.orders.put_new(batch, order).map_err(fault::orders)?;
        self.watch(order);
        Ok(())
    }

    fn watch(&self, order: &Order) {
        let watched = Watched {
            due: order.due,
            since: self.clock.monotonic(),
            told: None,
        };
        held(&self.destructions.watched).insert(order.id, watched);
    }

    /// One order.
    pub(super) fn order(&self, id: DestructionId) -> Result<Option<Order>, ServiceError> {
        Ok(self.order_row(id)?.map(|stored| stored.record.order))
    }

    pub(super) fn order_row(&self, id: DestructionId) -> Result<Option<Stored>, ServiceError> {
        self.orders.find(id).map_err(fault::orders)
    }

    /// Cancels an order that still waits, as part of a batch.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] once it has begun; [`ServiceError::NotFound`].
    pub(super) fn cancel_order(
        &self,
        batch: &mut Batch,
        id: DestructionId,
    ) -> Result<(), ServiceError> {
        let stored = self.order_row(id)?.ok_or(ServiceError::NotFound)?;
        if stored.record.order.stage != Stage::Waiting {
            return Err(ServiceError::Conflict);
        }
        let cancelled = at_stage(&stored.record, Stage::Cancelled);
        self.orders
            .put_changed(batch, &stored, &cancelled)
            .map_err(fault::orders)
    }

    /// Carries out one order whose time has come, or goes on with one begun, up to
    /// [`Stage::Destroyed`]; the overwriting follows behind. An order that is not due, or whose
    /// cases may not be touched, stays [`Stage::Waiting`]; why stands in the access log.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] while somebody reads one of the cases; what keyring or engine said.
    /// Call again, now or after a restart.
    pub(super) fn execute(&self, id: DestructionId) -> Result<Stage, ServiceError> {
        let _turn = held(&self.destructions.turn);
        let stored = self.order_row(id)?.ok_or(ServiceError::NotFound)?;
        match stored.record.order.stage {
            Stage::Waiting => match self.begin(&stored)? {
                None => Ok(Stage::Waiting),
                Some(begun) => self.end_keys_and_rows(&begun),
            },
            Stage::Intent => {
                self.shut_gates(&stored.record)?;
                self.end_keys_and_rows(&stored)
            }
            done @ (Stage::Destroyed | Stage::Scrubbed | Stage::Cancelled) => Ok(done),
        }
    }

    /// Steps (a) and (b).
    fn begin(&self, stored: &Stored) -> Result<Option<Stored>, ServiceError> {
        let order = &stored.record.order;
        if !self.own_time.has_come(order.due, self.clock.as_ref()) {
            return Ok(None);
        }
        let gates = self.close_in_order(order.parts.iter().map(|part| part.case))?;
        let plan = match self.plan(order)? {
            Ok(plan) => plan,
            Err(refusal) => {
                self.tell_once(order.id, refusal)?;
                return Ok(None);
            }
        };
        self.enter_intent(stored, plan)?;
        held(&self.destructions.shut).insert(order.id, gates);
        self.order_row(order.id)
    }

    fn enter_intent(&self, stored: &Stored, plan: Plan) -> Result<(), ServiceError> {
        let mut batch = Batch::default();
        for head in &plan.heads {
            self.cases.expect_unchanged(&mut batch, head);
        }
        let record = Record {
            doomed: plan.doomed,
            ..at_stage(&stored.record, Stage::Intent)
        };
        let shown = about(&record);
        let entry = ledger::Entry::now(self.clock.now(), ledger::Event::Intent(plan.intent));
        entry.append(&mut batch).map_err(fault::ledger)?;
        self.orders
            .put_stamped(&mut batch, stored, &record, LEDGER_LEAF)
            .map_err(fault::orders)?;
        let event = self.deed(record.order.id, Outcome::Done, "intent");
        let entered = self.log.event_about(event, shown, batch).wait();
        entered.map(|_| ()).map_err(fault::log)
    }

    /// Closes the gates of these cases and waits for those inside; in the order of registration,
    /// in which every list goes through them.
    pub(super) fn close_in_order(
        &self,
        cases: impl Iterator<Item = CaseId>,
    ) -> Result<Vec<Closed>, ServiceError> {
        let mut places = BTreeMap::new();
        for case in cases {
            let ordinal = self.cases.head(case).map_err(fault::cases)?;
            places.insert((ordinal.map(|stored| stored.ordinal), case), case);
        }
        places
            .into_values()
            .map(|case| self.gates.close(case))
            .collect()
    }

    /// The gates of an order that has begun, unless they are closed already.
    fn shut_gates(&self, record: &Record) -> Result<(), ServiceError> {
        let id = record.order.id;
        if held(&self.destructions.shut).contains_key(&id) {
            return Ok(());
        }
        let gates = self.close_in_order(record.doomed.iter().map(|doomed| doomed.case))?;
        held(&self.destructions.shut).insert(id, gates);
        Ok(())
    }

    pub(super) fn open_gates(&self, id: DestructionId) {
        drop(held(&self.destructions.shut).remove(&id));
        held(&self.destructions.watched).remove(&id);
    }

    /// Says in the access log why an order stays, once for each reason.
    fn tell_once(&self, id: DestructionId, refusal: Refusal) -> Result<(), ServiceError> {
        let told = held(&self.destructions.watched)
            .get(&id)
            .is_some_and(|watched| watched.told.as_ref() == Some(&refusal));
        if told {
            return Ok(());
        }
        let event = self.deed(id, Outcome::Refused, &refusal.to_string());
        let shown = Shown {
            cases: refusal.case().into_iter().collect(),
            ..Shown::default()
        };
        let entered = self.log.event_about(event, shown, Batch::default()).wait();
        entered.map_err(fault::log)?;
        if let Some(watched) = held(&self.destructions.watched).get_mut(&id) {
            watched.told = Some(refusal);
        }
        Ok(())
    }

    /// The entry of a step that nobody's session takes: the order names the people.
    pub(super) fn deed(&self, id: DestructionId, outcome: Outcome, what: &str) -> Event {
        Event {
            task: Task::Destroy,
            outcome,
            actor: None,
            roles: Roles::default(),
            origin: Origin {
                address: None,
                device: "bongham".to_owned(),
            },
            purpose: None,
            reason: Some(format!("destruction {id}: {what}")),
        }
    }

    /// Goes on with every order that a crash or a stop left half-way, before anybody is let in.
    /// What cannot go on now keeps its gates closed and is tried again every minute.
    pub(super) fn resume_destructions(&self) -> Result<(), ServiceError> {
        let orders = self.orders.unfinished().map_err(fault::orders)?;
        let mut begun = Vec::new();
        for order in orders {
            self.watch(&order);
            match order.stage {
                Stage::Intent => begun.push(order.id),
                Stage::Destroyed => self.want_scrub(order.id)?,
                Stage::Waiting | Stage::Scrubbed | Stage::Cancelled => {}
            }
        }
        for id in &begun {
            let stored = self.order_row(*id)?.ok_or(ServiceError::NotFound)?;
            self.shut_gates(&stored.record)?;
        }
        for id in begun {
            self.go_on(id);
        }
        Ok(())
    }

    /// Carries out what is due and goes on with what has begun. To be called every minute.
    pub(super) fn destroy_due(&self) {
        let now = self.clock.now();
        let mut due: Vec<DestructionId> = held(&self.destructions.watched)
            .iter()
            .filter(|(_, watched)| watched.due <= now)
            .map(|(id, _)| *id)
            .collect();
        due.extend(held(&self.destructions.shut).keys());
        due.sort_unstable();
        due.dedup();
        for id in due {
            self.go_on(id);
        }
    }

    fn go_on(&self, id: DestructionId) {
        match self.execute(id) {
            Ok(Stage::Waiting | Stage::Intent) => {}
            Ok(Stage::Destroyed | Stage::Scrubbed | Stage::Cancelled) => {
                held(&self.destructions.watched).remove(&id);
            }
            Err(ServiceError::NotFound) => self.forget_if_old(id),
            Err(error) => {
                tracing::error!(%error, destruction = %id, "a destruction could not go on; it will");
            }
        }
    }

    /// An order that is not there yet may still be in the committer's hands.
    fn forget_if_old(&self, id: DestructionId) {
        let now = self.clock.monotonic();
        held(&self.destructions.watched).retain(|watched, since| {
            *watched != id || now.saturating_sub(since.since) < NEVER_COMMITTED
        });
    }
}

/// A batch holds the entry of the access log, then the leaf of the ledger.
pub(super) const LEDGER_LEAF: usize = 1;

/// The same record at another stage.
pub(super) fn at_stage(record: &Record, stage: Stage) -> Record {
    Record {
        order: Order {
            stage,
            ..record.order.clone()
        },
        doomed: record.doomed.clone(),
        index: record.index,
    }
}

/// Whose data a record destroys, for the entry.
pub(super) fn about(record: &Record) -> Shown {
    let units = || record.doomed.iter().flat_map(|doomed| &doomed.units);
    Shown {
        cases: record.doomed.iter().map(|doomed| doomed.case).collect(),
        units: units().map(|(unit, _)| *unit).collect(),
        people: units()
            .filter(|(_, kind)| *kind == UnitKind::Person)
            .map(|(unit, _)| *unit)
            .collect(),
        ..Shown::default()
    }
}
