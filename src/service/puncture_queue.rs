//! Units that must die: entered in the same batch as the change that makes them dead, removed
//! once the keyring's root has flipped, and taken up again every minute and when the store opens.
//! So neither a crash between the two nor a full disk leaves anything half-dead for long.
//!
//! The same batch names them in the ledger, so that a keyring which comes back out of an older copy
//! loses them again; and with them the accounts of which no older row is believed any more.

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use super::types::Progress;
use crate::crypto::sealed::Padding;
use crate::destruction::ended::{AccountEnd, KeysEnded};
use crate::destruction::ledger::Event;
use crate::domain::id::{AccountId, UnitId};
use crate::domain::limit::Limit;
use crate::engine::{Batch, Key, KeyRange, Space, Value};
use crate::people::account::Account;

impl Store {
    fn queue_prefix(&self) -> [u8; 16] {
        self.locator.place("puncture-queue", &[])
    }

    /// Enters into a batch that the keys of these units end with it, and what else ended of these
    /// accounts: one leaf of the ledger for all, and the units in the queue. To be called once for a
    /// batch. Gives the key of the queue's row, for [`Store::puncture`] once the batch is durable.
    pub(super) fn end_keys(
        &self,
        batch: &mut Batch,
        units: &[UnitId],
        accounts: Vec<AccountEnd>,
    ) -> Result<Option<Key>, ServiceError> {
        if units.is_empty() && accounts.is_empty() {
            return Ok(None);
        }
        self.append_ledger(batch, Event::KeysEnded(KeysEnded::of(units, accounts)))?;
        if units.is_empty() {
            return Ok(None);
        }
        self.queue_puncture(batch, units).map(Some)
    }

    fn queue_puncture(&self, batch: &mut Batch, units: &[UnitId]) -> Result<Key, ServiceError> {
        let random = self.random.as_ref();
        let suffix: [u8; 8] = random.array().map_err(fault::random)?;
        let damaged = |_| ServiceError::Internal("puncture queue row too long".to_owned());
        let key = Key::new([self.queue_prefix().as_slice(), &suffix].concat()).map_err(damaged)?;
        let plain = postcard::to_stdvec(units)
            .map_err(|_| ServiceError::Internal("puncture queue row does not encode".to_owned()))?;
        let sealed = self
            .row_key
            .seal(Space::Meta, key.as_bytes(), &plain, Padding::Steps, random)
            .map_err(fault::seal)?;
        batch.put.push((
            Space::Meta,
            key.clone(),
            Value::new(sealed).map_err(damaged)?,
        ));
        Ok(key)
    }

    /// Punctures what one row names, then removes the row.
    pub(super) fn puncture(&self, key: Key, units: &[UnitId]) -> Progress {
        if let Err(error) = self.keyring.puncture(units) {
            tracing::error!(%error, "old keys could not be destroyed yet; will be tried again");
            return Progress::Pending;
        }
        let batch = Batch {
            delete: vec![(Space::Meta, key)],
            ..Batch::default()
        };
        // The keys are gone; a row that stays behind is punctured again, which changes nothing.
        if let Err(error) = self.engine.commit(batch).wait() {
            tracing::warn!(%error, "a finished row stays in the puncture queue");
        }
        Progress::Done
    }

    /// Takes up what was left: by an earlier run, or by a keyring that could not be written. Does
    /// all it can before it says that something is still left.
    pub(super) fn finish_punctures(&self) -> Result<(), ServiceError> {
        let mut range = KeyRange::prefix(&self.queue_prefix());
        let mut left = 0_usize;
        loop {
            let page = self
                .engine
                .scan(Space::Meta, range.clone(), Limit::rows(1000))
                .map_err(fault::engine)?;
            for (key, value) in page.rows {
                range = range.after(key.as_bytes());
                let damaged = || ServiceError::Damaged("puncture queue".to_owned());
                let plain = self
                    .row_key
                    .open(Space::Meta, key.as_bytes(), value.as_bytes())
                    .map_err(|_| damaged())?;
                let units: Vec<UnitId> =
                    postcard::from_bytes(plain.expose()).map_err(|_| damaged())?;
                left += usize::from(self.puncture(key, &units) == Progress::Pending);
            }
            if !page.more {
                break;
            }
        }
        if left == 0 {
            Ok(())
        } else {
            Err(ServiceError::Internal(format!(
                "keys that must die cannot be destroyed: {left} left"
            )))
        }
    }
}

/// What ends of an account by a change of its row: nothing, unless older rows are not believed after
/// it. `by` is who does it.
pub(super) fn account_end(
    before: &Account,
    after: &Account,
    by: Option<AccountId>,
) -> Option<AccountEnd> {
    (after.revision > before.revision).then(|| AccountEnd {
        account: after.id.to_string(),
        revision: after.revision,
        key: dying_key(before, after).map(|unit| unit.as_u64().to_string()),
        by: by.map(|id| id.to_string()),
    })
}

/// The unit of the private key that an account loses by a change.
pub(super) fn dying_key(before: &Account, after: &Account) -> Option<UnitId> {
    let had = before.credentials.as_ref().map(|c| c.unit);
    had.filter(|_| after.credentials.is_none())
}
