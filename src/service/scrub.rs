//! After the keys, the bytes: a job of the background that overwrites what is no longer reachable
//! and tells the ledger of every order that it covered.

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::destruction::ledger::{Event, Scrubbed};
use crate::destruction::order::{Order, Stage};
use crate::engine::Batch;

impl Store {
    /// Carries out every order whose time has come and goes on with those that were begun. Does all
    /// it can before it says that something is left.
    pub(super) fn execute_due(&self) -> Result<(), ServiceError> {
        let now = self.steady.now();
        let mut failed = Ok(());
        for order in self.orders.open().map_err(fault::records)? {
            let due = match order.stage {
                Stage::Waiting => order.due <= now,
                stage => stage == Stage::Intent,
            };
            if !due {
                continue;
            }
            match self.execute(order.id) {
                Ok(_) => {}
                // It waits for the hold to be lifted, as long as that takes.
                Err(ServiceError::Held) => {
                    tracing::info!(destruction = %order.id, "waits: a case of it is held");
                }
                Err(error) => failed = Err(error),
            }
        }
        failed
    }

    /// Goes on with every destruction that was begun when the store was last open.
    pub(super) fn finish_destructions(&self) -> Result<(), ServiceError> {
        for order in self.orders.open().map_err(fault::records)? {
            if order.stage == Stage::Intent {
                self.execute(order.id)?;
            }
        }
        Ok(())
    }

    /// Scrubs if an order waits for it.
    pub(super) fn scrub_due(&self) -> Result<(), ServiceError> {
        let mut waiting = self.orders.open().map_err(fault::records)?;
        waiting.retain(|order| order.stage == Stage::Destroyed);
        if waiting.is_empty() {
            return Ok(());
        }
        let tell = |done: u64, all: u64| {
            if done == all {
                tracing::info!(bytes = all, "scrubbed");
            }
        };
        let done = self.engine.scrub(&tell).map_err(fault::engine)?;
        for order in waiting {
            self.scrubbed(&order, done.frames, done.bytes)?;
        }
        Ok(())
    }

    fn scrubbed(&self, order: &Order, frames: u64, bytes: u64) -> Result<(), ServiceError> {
        let stored = self.orders.find(order.id).map_err(fault::records)?;
        let stored = stored.ok_or(ServiceError::NotFound)?;
        let order = Order {
            stage: Stage::Scrubbed,
            ..stored.order.clone()
        };
        let mut batch = Batch::default();
        self.orders
            .put_changed(&mut batch, &stored, &order)
            .map_err(fault::records)?;
        let told = Scrubbed {
            destruction: order.id.to_string(),
            frames,
            bytes,
        };
        self.enter(&order, Event::Scrubbed(told), batch)
    }
}
