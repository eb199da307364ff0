//! What a destruction needs of other parts of the store, each in one place.

use super::error::ServiceError;
use super::store::Store;
use crate::destruction::ledger::{Holder, Kept};
use crate::destruction::order::{Ground, Order};
use crate::domain::id::RetainedId;

impl Store {
    /// What is kept apart under this id, if the ledger tells of it and every part of it is there
    /// and has its key. An order that relies on an item waits for it.
    pub(super) fn kept_apart(&self, item: RetainedId) -> Result<Option<Kept>, ServiceError> {
        if !self.is_entered(item)? {
            return Ok(None);
        }
        let found = self.kept(item)?.map(|stored| stored.item);
        Ok(found
            .filter(|item| self.flaw(item).is_none())
            .map(|item| Kept {
                item: item.id.to_string(),
                law: item.basis.law,
                article: item.basis.article,
                until: item.basis.until.rfc3339(),
            }))
    }

    /// Ends what lies outside of the cases: the rows of an item kept apart. May be called again.
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
        reason = "the part that this stands for is not here yet"
    )]
    pub(super) fn key_holders(&self, _root_version: u64) -> Result<Vec<Holder>, ServiceError> {
        Ok(Vec::new())
    }
}
