//! The end of a destruction: the disk is overwritten, and the ledger says so.
//!
//! It comes after the end of the index's key (see `index`), so that a destruction that the ledger
//! calls over has left nothing on which a guessed value could be tried.
//!
//! One pass over the store serves every order that was destroyed before it began. It runs on a
//! thread of its own and is repeated until it succeeds; until then the certificate says that the
//! overwriting is pending. The promise does not hang on it: the keys are gone already.
//!
//! The same pass overwrites what requests for a second person said (see `approval_end`).

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::destroy::{LEDGER_LEAF, at_stage, held};
use super::destroy_end::hex;
use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::audit::{Outcome, Shown};
use crate::destruction::ledger;
use crate::destruction::order::Stage;
use crate::domain::id::DestructionId;
use crate::engine::{Batch, Scrubbed};

/// How far a pass has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(super) struct ScrubProgress {
    /// Whether one is running.
    pub running: bool,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub all: u64,
    /// Passes that failed since the last that did not.
    pub failures: u64,
}

/// What waits for a pass.
#[derive(Default)]
pub(super) struct Scrub {
    /// With the epoch of the blind index that has to be over before.
    wanted: Mutex<BTreeMap<DestructionId, Option<u64>>>,
    running: AtomicBool,
    progress: Mutex<ScrubProgress>,
}

impl Scrub {
    /// This destruction waits for the next pass, once this epoch of the blind index is over.
    pub(super) fn want(&self, id: DestructionId, index: Option<u64>) {
        held(&self.wanted).insert(id, index);
    }
    /// Whether a destruction waits for the end of this epoch.
    pub(super) fn waits_for(&self, epoch: u64) -> bool {
        held(&self.wanted)
            .values()
            .any(|index| *index == Some(epoch))
    }
    /// Whether anything waits.
    pub(super) fn is_wanted(&self) -> bool {
        !held(&self.wanted).is_empty()
    }
    /// How far the pass is.
    pub(super) fn progress(&self) -> ScrubProgress {
        *held(&self.progress)
    }
}

impl Store {
    /// Has an order that was carried out before the store was opened wait for its end.
    pub(super) fn want_scrub(&self, id: DestructionId) -> Result<(), ServiceError> {
        let record = self.order_row(id)?.ok_or(ServiceError::NotFound)?.record;
        // A row of the format before does not say which epoch it was: the one that is in force
        // now is no earlier.
        let index = match record.order.parts.is_empty() {
            true => None,
            false => record.index.or_else(|| Some(self.keyring.index_epoch().id)),
        };
        self.destructions.scrub.want(id, index);
        Ok(())
    }

    /// Overwrites what is dead and enters it for every destruction that was waiting and that no
    /// key of the index reaches any more. Does nothing while another pass runs, or where none is
    /// wanted, by a destruction or by emptied requests.
    pub(super) fn scrub(&self) -> Result<(), ServiceError> {
        let scrub = &self.destructions.scrub;
        let over = |index: &Option<u64>| index.is_none_or(|id| !self.keyring.has_index_epoch(id));
        let served: Vec<DestructionId> = held(&scrub.wanted)
            .iter()
            .filter(|(_, index)| over(index))
            .map(|(id, _)| *id)
            .collect();
        let wanted = !served.is_empty() || self.emptied_waits()?;
        if !wanted || scrub.running.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let ended = self.pass(&served);
        let mut progress = held(&scrub.progress);
        progress.running = false;
        progress.failures = if ended.is_ok() {
            0
        } else {
            progress.failures.saturating_add(1)
        };
        drop(progress);
        scrub.running.store(false, Ordering::Release);
        ended
    }

    fn pass(&self, served: &[DestructionId]) -> Result<(), ServiceError> {
        let progress = &self.destructions.scrub.progress;
        let tell = |done, all| {
            let mut progress = held(progress);
            (progress.running, progress.done, progress.all) = (true, done, all);
        };
        // What is over by now goes with this pass; it keeps no destruction from its end.
        if let Err(error) = self.end_approvals() {
            tracing::error!(%error, "requests that are over wait for the next pass");
        }
        let emptied = self.emptied()?;
        let mut found = self.engine.scrub(&tell).map_err(fault::engine)?;
        let apart = self.items.engine().scrub(&tell).map_err(fault::engine)?;
        found.frames += apart.frames;
        found.bytes += apart.bytes;
        if let Some((mark, _)) = emptied {
            self.emptied_overwritten(mark)?;
        }
        for id in served {
            self.enter_scrubbed(*id, found)?;
            held(&self.destructions.scrub.wanted).remove(id);
        }
        Ok(())
    }

    fn enter_scrubbed(&self, id: DestructionId, found: Scrubbed) -> Result<(), ServiceError> {
        let stored = self.order_row(id)?.ok_or(ServiceError::NotFound)?;
        if stored.record.order.stage != Stage::Destroyed {
            return Ok(());
        }
        let lost = || ServiceError::Damaged("an order without its entry".to_owned());
        let destroyed = self.ledger_leaf(*stored.leaves.get(1).ok_or_else(lost)?)?;
        let cases = !stored.record.order.parts.is_empty();
        let event = ledger::Event::Scrubbed(ledger::Scrubbed {
            destruction: id.to_string(),
            destroyed: hex(&destroyed),
            root_version: cases.then(|| self.index_died_with()),
            frames: found.frames,
            bytes: found.bytes,
        });
        let mut batch = Batch::default();
        let entry = ledger::Entry::now(self.clock.now(), event);
        entry.append(&mut batch).map_err(fault::ledger)?;
        let record = at_stage(&stored.record, Stage::Scrubbed);
        self.orders
            .put_stamped(&mut batch, &stored, &record, LEDGER_LEAF)
            .map_err(fault::orders)?;
        let event = self.deed(id, Outcome::Done, "scrubbed");
        let entered = self.log.event_about(event, Shown::default(), batch).wait();
        entered.map(|_| ()).map_err(fault::log)
    }
}
