//! What a destruction needs of other parts of the store, each in one place.

use super::error::ServiceError;
use super::store::Store;
use crate::destruction::ledger::{Holder, Kept};
use crate::destruction::order::{Ground, Order};
use crate::domain::id::RetainedId;

impl Store {
    /// What is kept apart under this id, if it was drawn and is there.
    pub(super) fn kept_apart(&self, item: RetainedId) -> Result<Option<Kept>, ServiceError> {
        if !self.is_kept(item)? {
            return Ok(None);
        }
        Ok(self.kept(item)?.map(|stored| Kept {
            item: item.to_string(),
            law: stored.item.basis.law,
            article: stored.item.basis.article,
            until: stored.item.basis.until.rfc3339(),
        }))
    }

    /// Ends what lies outside of the cases: the row of an item kept apart. May be called again.
    pub(super) fn drop_apart(&self, order: &Order) -> Result<(), ServiceError> {
        match order.ground {
            Ground::RetentionEnd(item) => self.drop_retained(item),
            _ => Ok(()),
        }
    }

    /// Copies of the keyring, and which of them still have keys that died with this version.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "copies of the keyring are not here yet"
    )]
    pub(super) fn key_holders(&self, _root_version: u64) -> Result<Vec<Holder>, ServiceError> {
        Ok(Vec::new())
    }
}
