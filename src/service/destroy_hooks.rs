//! What a destruction needs of other parts of the store, each in one place.

use super::error::ServiceError;
use super::store::Store;
use crate::cases::head::Head;
use crate::destruction::certificate::Recall;
use crate::destruction::ledger::{Holder, HolderState, Kept};
use crate::destruction::order::{Ground, Order};
use crate::domain::id::{CaseId, RetainedId, UnitId};
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;
use crate::engine::Batch;
use crate::people::holder::KeyHolder;

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

    /// Ends what lies outside of the cases: files of exports and print documents that something of
    /// them is in, the rows of an item kept apart, what is left of a petition. May be called again.
    pub(super) fn drop_apart(&self, order: &Order) -> Result<(), ServiceError> {
        let cases: Vec<CaseId> = order.parts.iter().map(|part| part.case).collect();
        self.prints.drop_of(&cases);
        self.expire_prints();
        self.drop_exports_of(cases.into_iter())?;
        match &order.ground {
            Ground::RetentionEnd(item) | Ground::AppraisedEnd { item, .. } => {
                self.drop_retained(*item)
            }
            Ground::Petition(request) => self.forget_petition(*request),
            _ => Ok(()),
        }
    }

    /// Copies on paper and in files that something of these cases went out in and that nobody says
    /// are destroyed: no key destruction reaches them. Answers also when the cases are gone.
    pub(super) fn to_recall(&self, order: &Order) -> Result<Vec<Recall>, ServiceError> {
        let mut found: Vec<(Timestamp, Serial, Recall)> = Vec::new();
        for part in &order.parts {
            for output in self.outputs_of(part.case)? {
                let known = found.iter().any(|(_, serial, _)| *serial == output.serial);
                if known || !output.state.is_out() {
                    continue;
                }
                let recall = Recall {
                    export: output.serial.to_string(),
                    recipient: output.responsible.to_string(),
                    made: output.requested_at.rfc3339(),
                };
                found.push((output.requested_at, output.serial, recall));
            }
        }
        found.sort_by_key(|(at, serial, _)| (*at, serial.to_bytes()));
        Ok(found.into_iter().map(|(_, _, recall)| recall).collect())
    }

    /// Copies of the keyring, and which of them still have keys that are gone since this version:
    /// those made before it, unless their holders say that they are destroyed.
    pub(super) fn key_holders(&self, root_version: u64) -> Result<Vec<Holder>, ServiceError> {
        let holder = |copy: KeyHolder| Holder {
            id: copy.id.to_string(),
            state: if copy.ended.is_some() || copy.version >= root_version {
                HolderState::Acknowledged
            } else {
                HolderState::Pending
            },
        };
        Ok(self.keyring_copies()?.into_iter().map(holder).collect())
    }
}
