//! Locks (처리정지) and holds (보존 조치) in the ledger, and out of it again after a restore.

use std::collections::HashMap;

use data_encoding::HEXLOWER;

use super::approvals::NOBODY;
use super::deletion::Lock;
use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::cases::head::{Head, StoredHead};
use crate::cases::rows::{Change, scopes};
use crate::cases::view::CaseState;
use crate::destruction::ledger::Event;
use crate::destruction::request::Stored;
use crate::destruction::standing::{Held, Locked, Unlocked};
use crate::domain::hold::Hold;
use crate::domain::id::{AccountId, CaseId, RequestId};
use crate::engine::Batch;

/// Ground of a hold whose own was lost with the backup's future.
const LOST_GROUND: &str =
    "복원: 백업 뒤에 취한 보존 조치 (hold of after the backup; its ground is lost)";

/// What stands according to the ledger, by place.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) locks: HashMap<RequestId, Vec<String>>,
    pub(super) holds: HashMap<String, Vec<String>>,
}

impl Standing {
    /// Takes the next entry of the ledger; `None` if it names no request.
    pub(super) fn take(&mut self, event: Event) -> Option<()> {
        match event {
            Event::Locked(said) => {
                self.locks.insert(said.request.parse().ok()?, said.places);
            }
            Event::Unlocked(said) => {
                self.locks.remove(&said.request.parse().ok()?);
            }
            Event::Held(said) => {
                self.holds.insert(said.place, said.by);
            }
            _ => {}
        }
        Some(())
    }
}

impl Store {
    fn place_of(&self, case: CaseId) -> String {
        HEXLOWER.encode(&self.locator.place("standing", &[case.as_bytes()]))
    }

    /// Whoever sets many holds is told from others, and not named: an officer of sensitive cases
    /// holds nothing else.
    fn place_of_account(&self, account: AccountId) -> String {
        HEXLOWER.encode(&self.locator.place("standing-by", &[account.as_bytes()]))
    }

    /// Adds to a batch that a request locks its cases, or does so no more.
    pub(super) fn tell_lock(
        &self,
        batch: &mut Batch,
        request: &Stored,
        lock: Lock,
    ) -> Result<(), ServiceError> {
        let facts = request.facts();
        let id = facts.id.to_string();
        if lock != Lock::Set {
            return self.append_ledger(batch, Event::Unlocked(Unlocked { request: id }));
        }
        let cases = facts.cases.iter().map(|case| self.place_of(*case));
        let mut places: Vec<String> = cases.collect();
        if places.is_empty() {
            // The same receipt has the same place, as it would with a case.
            let said = self.said_in(request)?;
            let receipt = said.and_then(|said| said.receipt).unwrap_or_default();
            let nowhere = self
                .locator
                .place("standing-nowhere", &[receipt.as_bytes()]);
            places.push(HEXLOWER.encode(&nowhere));
        }
        let request = id;
        self.append_ledger(batch, Event::Locked(Locked { request, places }))
    }

    /// Adds to a batch how the holds of a case stand with it.
    pub(super) fn tell_holds(&self, batch: &mut Batch, after: &Head) -> Result<(), ServiceError> {
        let by = after
            .holds
            .iter()
            .map(|hold| self.place_of_account(hold.by));
        let held = Held {
            place: self.place_of(after.case),
            by: by.collect(),
        };
        self.append_ledger(batch, Event::Held(held))
    }

    /// These locks without those of requests that were lost: of after the backup, which a restore
    /// set again.
    pub(super) fn not_orphaned(&self, locks: &[RequestId]) -> Result<Vec<RequestId>, ServiceError> {
        let mut known = Vec::new();
        for lock in locks {
            let found = self.records.request(*lock).map_err(fault::records)?;
            known.extend(found.map(|_| *lock));
        }
        Ok(known)
    }

    /// Sets locks and holds again that the ledger tells of and the restored rows do not; gives the
    /// number of cases. What the rows have and the ledger has no more stays, to be lifted anew.
    pub(super) fn set_again(
        &self,
        heads: Vec<CaseId>,
        standing: &Standing,
    ) -> Result<u64, ServiceError> {
        let mut locks: HashMap<&str, Vec<RequestId>> = HashMap::new();
        for (request, places) in &standing.locks {
            for place in places {
                locks.entry(place).or_default().push(*request);
            }
        }
        let mut cases = 0;
        for case in heads {
            let place = self.place_of(case);
            let locked = locks.get(place.as_str()).map_or(&[][..], Vec::as_slice);
            let held = standing.holds.get(&place).map_or(&[][..], Vec::as_slice);
            if locked.is_empty() && held.is_empty() {
                continue;
            }
            let found = self.cases.head(case).map_err(fault::cases)?;
            if let Some(stored) = found.filter(|s| s.head.state != CaseState::Destroyed) {
                cases += u64::from(self.set_one_again(&stored, locked, held)?);
            }
        }
        Ok(cases)
    }

    fn set_one_again(
        &self,
        stored: &StoredHead,
        locked: &[RequestId],
        held: &[String],
    ) -> Result<bool, ServiceError> {
        let mut after = stored.head.clone();
        let missing = locked.iter().filter(|id| !stored.head.locks.contains(id));
        after.locks.extend(missing);
        for place in held {
            let hold = self.lost_hold(place);
            let there = |known: &Hold| {
                let same = known.by == hold.by && known.ground == hold.ground;
                same || self.place_of_account(known.by) == *place
            };
            if !after.holds.iter().any(there) {
                after.holds.push(hold);
            }
        }
        if after == stored.head {
            return Ok(false);
        }
        after.revision += 1;
        let change = Change {
            units: None,
            renumber: false,
            from: scopes(&stored.head),
            to: scopes(&after),
        };
        let mut batch = Batch::default();
        self.cases
            .put_change(&mut batch, stored, &after, change)
            .map_err(fault::cases)?;
        let done = self.engine.commit(batch).wait();
        done.map(|_| true).map_err(fault::commit)
    }

    /// A hold that the ledger tells of, with what it tells of it.
    fn lost_hold(&self, place: &str) -> Hold {
        let accounts = self.directory.accounts();
        let by = accounts
            .iter()
            .find(|a| self.place_of_account(a.id) == place);
        Hold {
            by: by.map_or(NOBODY, |account| account.id),
            at: self.clock.now(),
            ground: LOST_GROUND.to_owned(),
        }
    }
}
