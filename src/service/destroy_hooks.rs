//! What a destruction needs of other parts of the store, each in one place.

use super::error::ServiceError;
use super::store::Store;
use crate::destruction::ledger::{Holder, Kept};
use crate::destruction::order::Order;
use crate::domain::id::RetainedId;

#[expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the parts that these stand for are not here yet"
)]
impl Store {
    /// What is kept apart under this id, if it was drawn and opens. Without the separate store
    /// nothing is, so that an order that relies on an item waits.
    pub(super) fn kept_apart(&self, _item: RetainedId) -> Result<Option<Kept>, ServiceError> {
        Ok(None)
    }

    /// Ends what lies outside of the cases: the row of an item kept apart, the bodies of a month of
    /// the log. May be called again.
    pub(super) fn drop_apart(&self, _order: &Order) -> Result<(), ServiceError> {
        Ok(())
    }

    /// Copies of the keyring, and which of them still have keys that died with this version.
    pub(super) fn key_holders(&self, _root_version: u64) -> Result<Vec<Holder>, ServiceError> {
        Ok(Vec::new())
    }
}
