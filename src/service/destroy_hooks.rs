//! What a destruction needs of other parts of the store, each in one place.

use super::error::ServiceError;
use super::store::Store;
use crate::cases::head::Head;
use crate::destruction::ledger::{Holder, Kept};
use crate::destruction::order::{Ground, Order};
use crate::domain::id::{RetainedId, UnitId};
use crate::engine::Batch;

impl Store {
    /// What is kept apart under this id, if it was drawn. An order that relies on an item that was
    /// not waits.
    pub(super) fn kept_apart(&self, item: RetainedId) -> Result<Option<Kept>, ServiceError> {
        if !self.is_kept(item)? {
            return Ok(None);
        }
        let told = |stored: crate::retained::rows::StoredItem| Kept {
            item: stored.item.id.to_string(),
            law: stored.item.basis.law.clone(),
            article: stored.item.basis.article.clone(),
            until: stored.item.basis.until.rfc3339(),
        };
        Ok(self.kept(item)?.map(told))
    }

    /// Adds the end of whatever points to these units to a batch: postings of the blind index and,
    /// if the case ends, the row of its receipt's number.
    pub(super) fn drop_traces(
        &self,
        batch: &mut Batch,
        before: &Head,
        dead: &[UnitId],
        whole: bool,
    ) -> Result<(), ServiceError> {
        if whole {
            self.cases.drop_receipt(batch, before);
        }
        self.drop_postings(batch, dead)
    }

    /// Ends what lies outside of the cases: the rows of an item kept apart. May be called again.
    pub(super) fn drop_apart(&self, order: &Order) -> Result<(), ServiceError> {
        match order.ground {
            Ground::RetentionEnd(item) => self.drop_retained(item),
            Ground::Request(_)
            | Ground::Expiry { .. }
            | Ground::Account(_)
            | Ground::AuditEpoch => Ok(()),
        }
    }

    /// Copies of the keyring, and which of them still have keys that died with this version.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "copies are made by a part that is not here yet"
    )]
    pub(super) fn key_holders(&self, _root_version: u64) -> Result<Vec<Holder>, ServiceError> {
        Ok(Vec::new())
    }
}
