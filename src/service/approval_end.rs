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
use crate::people::view::ApprovalState;

/// How long the row of a request is kept that is over: three of the monthly inspections.
const KEPT: Duration = Duration::from_secs(92 * 24 * 3600);
/// The same of one about rights: three years (안전성 확보조치 기준 제5조제3항).
const RIGHTS_KEPT: Duration = Duration::from_secs(3 * 366 * 24 * 3600);
/// How long one that was not used in time is left as it is: an act that used it just so is on its
/// way to the log, and another writer of the row would refuse it.
pub(super) const LEFT: Duration = Duration::from_secs(5 * 60);
/// How long what was emptied stays in the journal at the most, while the store is open.
const OVERWRITTEN: Duration = Duration::from_secs(24 * 3600);
/// Rows that one batch changes.
const CHUNK: usize = 256;

/// What waits to be overwritten: since when, and a number that every further emptying changes.
type Mark = (Timestamp, u64);

impl Store {
    /// Empties and removes requests that are over. To be called every few minutes.
    pub(super) fn end_approvals(&self) -> Result<(), ServiceError> {
        let _turn = self.people_turn();
        let mut batch = Batch::default();
        let rows = self.people.sweep_approvals(&mut batch);
        for stored in rows.map_err(fault::table)? {
            let state = self.state_of(&stored.row);
            let late = stored.row.expires().plus(LEFT);
            let lately = state == ApprovalState::Expired && self.approval_time() < late;
            if stored.row.awaits(state) || lately {
                continue;
            }
            let over = Approval {
                barred: Vec::new(),
                ..stored.row.over(state)
            };
            let kept = over.asked().map_or(KEPT, |_of_rights| RIGHTS_KEPT);
            let end = stored.row.expires().plus(kept);
            if self.own_time.has_come(end, self.clock.as_ref()) {
                self.people.remove_approval(&mut batch, &stored);
            } else if over != stored.row || stored.is_older() {
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
        let value = after(since, n)?;
        batch.put.push((Space::Meta, self.emptied_place(), value));
        let done = self.engine.commit(batch).wait();
        done.map(|_| ()).map_err(fault::commit)
    }

    fn emptied_place(&self) -> Key {
        Key::from(self.locator.place("emptied-approvals", &[]))
    }

    /// The mark, as it stands. One that cannot be read counts as one of long ago: it holds nothing up.
    pub(super) fn emptied(&self) -> Result<Option<(Value, Mark)>, ServiceError> {
        let found = self.engine.get(Space::Meta, &self.emptied_place());
        Ok(found.map_err(fault::engine)?.map(|value| {
            let mark = read(value.as_bytes()).unwrap_or((Timestamp::from_millis(0), 0));
            (value, mark)
        }))
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
            Ok(_) => Ok(()),
            Err(CommitError::Conflict) => self.emptied_again(),
            Err(error) => Err(fault::commit(error)),
        }
    }

    /// More was emptied during a pass: it waits for the next, a day from now on.
    fn emptied_again(&self) -> Result<(), ServiceError> {
        let Some((before, (_, n))) = self.emptied()? else {
            return Ok(());
        };
        let place = self.emptied_place();
        let batch = Batch {
            put: vec![(Space::Meta, place.clone(), after(self.clock.now(), n)?)],
            expect: vec![(Space::Meta, place, Expected::Equals(before))],
            ..Batch::default()
        };
        match self.engine.commit(batch).wait() {
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(error) => Err(fault::commit(error)),
        }
    }
}

/// The mark behind the one with this number.
fn after(since: Timestamp, n: u64) -> Result<Value, ServiceError> {
    let mark = [
        since.as_millis().to_be_bytes(),
        n.wrapping_add(1).to_be_bytes(),
    ];
    let value = Value::new(mark.concat());
    value.map_err(|_| ServiceError::Internal("a mark is too long".to_owned()))
}

fn read(mark: &[u8]) -> Option<Mark> {
    let (since, n) = mark.split_at_checked(8)?;
    let since = since.try_into().map(i64::from_be_bytes).ok()?;
    let n = n.try_into().map(u64::from_be_bytes).ok()?;
    Some((Timestamp::from_millis(since), n))
}
