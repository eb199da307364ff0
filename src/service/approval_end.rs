//! How requests for a second person end: once nobody can decide on one or use it any more, its row is
//! emptied of what it said of cases and people and of why, and after [`KEPT`] it goes. The access log
//! keeps who asked, who decided, on what, and why.
//!
//! Rows lie under a key of the server, so what they said can be read in the journal until it is
//! overwritten. A mark beside the rows, of the batch that emptied them, has it overwritten: by the next
//! pass, which is due [`OVERWRITTEN`] after the first of them, or earlier for a destruction.

use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, CommitError, Expected, Key, Space, Value};
use crate::people::approval::Approval;

/// How long the row of a request is kept that is over: three of the monthly inspections.
const KEPT: Duration = Duration::from_secs(92 * 24 * 3600);
/// How long what was emptied stays in the journal at the most, while the store is open.
const OVERWRITTEN: Duration = Duration::from_secs(24 * 3600);
/// Rows that one batch changes.
const CHUNK: usize = 256;

/// What waits to be overwritten: since when, and a number that every further emptying changes.
type Mark = (Timestamp, u64);

impl Store {
    /// Empties and removes requests that are over. To be called every minute.
    pub(super) fn end_approvals(&self) -> Result<(), ServiceError> {
        let _turn = self.people_turn();
        let mut batch = Batch::default();
        let rows = self.people.sweep_approvals(&mut batch);
        for stored in rows.map_err(fault::table)? {
            let state = self.state_of(&stored.row);
            if stored.row.awaits(state) {
                continue;
            }
            let over = Approval {
                barred: Vec::new(),
                ..stored.row.over(state)
            };
            let end = stored.row.expires().plus(KEPT);
            if self.own_time.has_come(end, self.clock.as_ref()) {
                self.people.remove_approval(&mut batch, &stored);
            } else if over != stored.row {
                self.people
                    .put_changed(&mut batch, &stored, &over)
                    .map_err(fault::table)?;
            }
            if batch.expect.len() >= CHUNK {
                self.commit_emptied(std::mem::take(&mut batch))?;
            }
        }
        self.commit_emptied(batch)
    }

    fn commit_emptied(&self, mut batch: Batch) -> Result<(), ServiceError> {
        if batch.expect.is_empty() {
            return Ok(());
        }
        let before = self.emptied()?;
        let (since, n) = before.map_or((self.clock.now(), 0), |(_, mark)| mark);
        let mark = [
            since.as_millis().to_be_bytes(),
            n.wrapping_add(1).to_be_bytes(),
        ];
        let value = Value::new(mark.concat());
        let value = value.map_err(|_| ServiceError::Internal("a mark is too long".to_owned()))?;
        batch.put.push((Space::Meta, self.emptied_place(), value));
        let done = self.engine.commit(batch).wait();
        done.map(|_| ()).map_err(fault::commit)
    }

    fn emptied_place(&self) -> Key {
        Key::from(self.locator.place("emptied-approvals", &[]))
    }

    /// The mark, as it stands.
    pub(super) fn emptied(&self) -> Result<Option<(Value, Mark)>, ServiceError> {
        let found = self.engine.get(Space::Meta, &self.emptied_place());
        let Some(value) = found.map_err(fault::engine)? else {
            return Ok(None);
        };
        let damaged = || ServiceError::Damaged("the mark of emptied requests".to_owned());
        let (since, n) = value.as_bytes().split_at_checked(8).ok_or_else(damaged)?;
        let since = since.try_into().map(i64::from_be_bytes);
        let n = n.try_into().map(u64::from_be_bytes);
        let since = Timestamp::from_millis(since.map_err(|_| damaged())?);
        let mark = (since, n.map_err(|_| damaged())?);
        Ok(Some((value, mark)))
    }

    /// Whether what was emptied has waited for long enough to have a pass of its own.
    pub(super) fn emptied_waits(&self) -> Result<bool, ServiceError> {
        let now = self.clock.now();
        // A clock that was set back counts as late.
        let late = |since: Timestamp| now < since || since.plus(OVERWRITTEN) <= now;
        Ok(self.emptied()?.is_some_and(|(_, (since, _))| late(since)))
    }

    /// A pass over the disk that began when the mark stood so is done.
    pub(super) fn emptied_overwritten(&self, mark: Value) -> Result<(), ServiceError> {
        let place = self.emptied_place();
        let batch = Batch {
            delete: vec![(Space::Meta, place.clone())],
            expect: vec![(Space::Meta, place, Expected::Equals(mark))],
            ..Batch::default()
        };
        match self.engine.commit(batch).wait() {
            // More was emptied meanwhile: it waits for the next pass.
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(error) => Err(fault::commit(error)),
        }
    }
}
