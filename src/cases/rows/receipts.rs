//! Receipt numbers to cases, and a walk over all of them: the store's own ways to a case.

use super::super::head::{Head, StoredHead};
use super::super::number::receipt_digits;
use super::{Cases, RowError, value_of};
use crate::crypto::envelope::SealError;
use crate::crypto::sealed::Padding;
use crate::domain::id::CaseId;
use crate::domain::limit::Limit;
use crate::engine::{Batch, Key, KeyRange, Space, Value};

impl Cases {
    /// The case of a receipt (접수증), whose number is given in the normal form of a search.
    pub fn receipt_case(&self, normal: &str) -> Result<Option<CaseId>, RowError> {
        let key = self.receipt_key(normal);
        let value = self.engine.get(Space::ReceiptNumber, &key)?;
        let open = |value| self.open_case(Space::ReceiptNumber, key.as_bytes(), &value);
        value.map(open).transpose()
    }

    /// The case whose petitioner holds this receipt, however the number is written; its head, if
    /// there is one. A number that nobody holds costs the same: the decoy is read and opened in the
    /// head's place.
    pub fn by_receipt(&self, text: &str) -> Result<Option<StoredHead>, RowError> {
        let normal = receipt_digits(text)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let case = match self.receipt_case(&normal)? {
            Some(case) => case,
            None => CaseId::from_bytes(self.random.array().map_err(SealError::from)?),
        };
        self.head(case)
    }

    pub(super) fn receipt_key(&self, normal: &str) -> Key {
        Key::from(self.locator.place("receipt", &[normal.as_bytes()]))
    }

    pub(super) fn open_case(
        &self,
        space: Space,
        place: &[u8],
        value: &Value,
    ) -> Result<CaseId, RowError> {
        let damaged = || RowError::Damaged("row of a number");
        let plain = self.row_key.open(space, place, value.as_bytes());
        let plain = plain.map_err(|_| damaged())?;
        let case = plain.expose().try_into().map_err(|_| damaged())?;
        Ok(CaseId::from_bytes(case))
    }

    /// Adds the end of the row of a case's receipt number to a batch.
    pub fn drop_receipt(&self, batch: &mut Batch, head: &Head) {
        let key = self.receipt_key(&head.receipt.normal());
        batch.delete.push((Space::ReceiptNumber, key));
    }

    /// Enters a new case under the number of its receipt.
    pub(super) fn put_receipt(&self, batch: &mut Batch, head: &Head) -> Result<(), RowError> {
        let normal = head.receipt.normal();
        let key = self.receipt_key(&normal);
        let sealed = self.row_key.seal(
            Space::ReceiptNumber,
            key.as_bytes(),
            head.case.as_bytes(),
            Padding::None,
            self.random.as_ref(),
        )?;
        batch
            .put
            .push((Space::ReceiptNumber, key, value_of(sealed)?));
        Ok(())
    }

    /// Some heads of the store in the order of their places, behind the place `after`, and where
    /// the next ones begin: for work of the store itself, never for an answer.
    pub fn heads(
        &self,
        after: Option<&Key>,
        limit: Limit,
    ) -> Result<(Vec<StoredHead>, Option<Key>), RowError> {
        let range = after.map_or_else(KeyRange::default, |key| {
            KeyRange::default().after(key.as_bytes())
        });
        let page = self.engine.scan(Space::Head, range, limit)?;
        let next = page.rows.last().map(|(key, _)| key.clone());
        let heads = page
            .rows
            .into_iter()
            .map(|(key, row)| self.open_head(&key, row))
            .collect::<Result<_, _>>()?;
        Ok((heads, next.filter(|_| page.more)))
    }
}
