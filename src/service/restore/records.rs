//! Rows that must not be taken at their word after a restore: orders that wait, requests for a second
//! person, outputs that nobody had fetched, and the list of who keeps copies of the keyring.

use crate::audit::Outcome;
use crate::destruction::copies::{CopyState, KeyCopy};
use crate::destruction::ledger::{Entry, Event};
use crate::destruction::order::Stage;
use crate::disclosure::output::{Output, OutputState};
use crate::domain::id::AccountId;
use crate::domain::limit::Limit;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Log};
use crate::people::approval::Approval;
use crate::people::holder::{Acknowledged, KeyHolder};
use crate::people::view::ApprovalState;

use super::super::error::ServiceError;
use super::super::fault;
use super::super::store::Store;

/// Leaves read at once.
const LEAVES: usize = 256;
/// Outputs read at once.
const OUTPUTS: Limit = Limit::rows(256);

impl Store {
    /// Cancels every order that waits: it may have been cancelled since, so it is to be approved
    /// anew. Ends every request for a second person that could still be used: it may have been.
    /// Gives how many of each.
    pub(super) fn withdraw(&self) -> Result<(u64, u64), ServiceError> {
        let mut orders = 0;
        for order in self.orders.unfinished().map_err(fault::orders)? {
            if order.stage != Stage::Waiting {
                continue;
            }
            let mut batch = Batch::default();
            self.cancel_order(&mut batch, order.id)?;
            self.commit_row(batch)?;
            orders += 1;
        }
        let mut approvals = 0;
        let all: Vec<Approval> = self.people.all().map_err(fault::table)?;
        for approval in all {
            let usable = approval.awaits(approval.state);
            let found = self.people.approval(approval.id).map_err(fault::table)?;
            if let Some(stored) = found.filter(|_| usable) {
                let ended = Approval {
                    state: ApprovalState::Expired,
                    ..stored.row.clone()
                };
                let mut batch = Batch::default();
                self.people
                    .put_changed(&mut batch, &stored, &ended)
                    .map_err(fault::table)?;
                self.commit_row(batch)?;
                approvals += 1;
            }
        }
        Ok((orders, approvals))
    }

    /// What was being written when the backup was made, or waited to be fetched, may have left since:
    /// the backup cannot know. It is out until somebody says that no copy is left. Gives how many.
    pub(super) fn doubt_outputs(&self) -> Result<u64, ServiceError> {
        let (mut doubted, mut before) = (0, u64::MAX);
        loop {
            let page = self.outputs.newest(before, OUTPUTS, Output::is_pending);
            let (rows, next) = page.map_err(fault::table)?;
            for stored in rows {
                let changed = self.change_output(stored.row.serial, |output| {
                    if !output.is_pending() {
                        return None;
                    }
                    output.state = OutputState::MayBeOut;
                    output.file_until = None;
                    let what = "it may be out: the store came back from a backup that does not know \
                                whether it was fetched";
                    Some((Outcome::Done, what.to_owned()))
                })?;
                doubted += u64::from(changed);
            }
            let Some(next) = next else {
                return Ok(doubted);
            };
            before = next;
        }
    }

    fn commit_row(&self, batch: Batch) -> Result<(), ServiceError> {
        let done = self.engine.commit(batch).wait();
        done.map(|_| ()).map_err(fault::commit)
    }

    /// Brings the list of copies of the keyring up to what the ledger knows. Names are lost.
    pub(super) fn relist_copies(&self) -> Result<(), ServiceError> {
        let (mut from, size) = (0, self.engine.log_size(Log::Ledger));
        while from < size {
            let leaves = self
                .engine
                .leaves(Log::Ledger, from, Limit::rows(LEAVES))
                .map_err(fault::engine)?;
            if leaves.is_empty() {
                return Ok(());
            }
            from += leaves.len() as u64;
            for entry in leaves.iter().filter_map(|leaf| Entry::read(&leaf.leaf)) {
                if let Event::KeyHolder(copy) = &entry.event {
                    self.relist_copy(copy, &entry.time)?;
                }
            }
        }
        Ok(())
    }

    fn relist_copy(&self, copy: &KeyCopy, time: &str) -> Result<(), ServiceError> {
        let damaged = || ServiceError::Damaged("an entry of the ledger".to_owned());
        let id = copy.serial.parse().map_err(|_| damaged())?;
        let by: AccountId = copy.by.parse().map_err(|_| damaged())?;
        let at = Timestamp::parse_rfc3339(time).ok_or_else(damaged)?;
        let found = self.people.key_holder(id).map_err(fault::table)?;
        let mut batch = Batch::default();
        match (copy.state, found) {
            (CopyState::Made, None) => {
                let row = KeyHolder {
                    id,
                    name: String::new(),
                    made: at,
                    by,
                    version: copy.keyring,
                    next_bucket: 0,
                    ended: None,
                };
                self.people.put_new(&mut batch, &row)
            }
            (CopyState::Acknowledged, Some(stored)) if stored.row.ended.is_none() => {
                let row = KeyHolder {
                    ended: Some(Acknowledged { by, at }),
                    ..stored.row.clone()
                };
                self.people.put_changed(&mut batch, &stored, &row)
            }
            _ => return Ok(()),
        }
        .map_err(fault::table)?;
        self.commit_row(batch)
    }
}
