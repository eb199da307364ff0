//! Orders of destruction: the row of one, from approval to the end of the scrub.

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::destruction::order::{Order, Stage};
use crate::destruction::records::Record;
use crate::domain::id::DestructionId;
use crate::engine::{Batch, Space};

impl Record for Order {
    const SPACE: Space = Space::Order;
    fn id(&self) -> [u8; 16] {
        *self.id.as_bytes()
    }
}

impl Store {
    /// Adds a waiting order to a batch.
    pub(super) fn place_order(&self, batch: &mut Batch, order: &Order) -> Result<(), ServiceError> {
        self.records.put_new(batch, order).map_err(fault::records)
    }

    /// One order.
    pub(super) fn order(&self, id: DestructionId) -> Result<Option<Order>, ServiceError> {
        let found = self.records.find::<Order>(id.as_bytes());
        Ok(found.map_err(fault::records)?.map(|kept| kept.row))
    }

    /// Cancels an order that still waits, as part of a batch.
    pub(super) fn cancel_order(
        &self,
        batch: &mut Batch,
        id: DestructionId,
    ) -> Result<(), ServiceError> {
        let found = self.records.find::<Order>(id.as_bytes());
        let kept = found
            .map_err(fault::records)?
            .filter(|kept| kept.row.stage == Stage::Waiting)
            .ok_or(ServiceError::Conflict)?;
        let cancelled = Order {
            stage: Stage::Cancelled,
            ..kept.row.clone()
        };
        self.records
            .put_changed(batch, &kept, &cancelled)
            .map_err(fault::records)
    }
}
