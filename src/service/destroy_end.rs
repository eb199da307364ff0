//! The second half of a destruction: keys, rows, the entry that says so.

use super::destroy::{LEDGER_LEAF, about, at_stage};
use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::audit::Outcome;
use crate::cases::head::{Gone, Head, StoredHead};
use crate::cases::view::CaseState;
use crate::destruction::ledger::{self, Destroyed, Method, Totals};
use crate::destruction::order::Stage;
use crate::destruction::rows::{Doomed, Record, Stored};
use crate::domain::id::{DestructionId, UnitId};
use crate::domain::limit::Limit;
use crate::engine::{Batch, Log};
use crate::merkle::tree::leaf_hash;

/// How often the rows are taken away before somebody has to come again.
const TRIES: u32 = 3;
/// Cases whose rows go in one batch.
const CASES_AT_ONCE: usize = 128;

impl Store {
    /// Steps (c) and (d) of an order that has begun, as often as needed.
    pub(super) fn end_keys_and_rows(&self, begun: &Stored) -> Result<Stage, ServiceError> {
        let record = &begun.record;
        let id = record.order.id;
        let units = every_unit(record);
        let root_version = self.keyring.puncture(&units).map_err(fault::keyring)?;
        if let Some(alive) = units.iter().find(|u| self.keyring.shred_half(**u).is_ok()) {
            let unit = alive.as_u64();
            return Err(ServiceError::Damaged(format!(
                "the keyring still has the key of unit {unit}"
            )));
        }
        self.drop_apart(&record.order)?;
        let mut more = 1..TRIES;
        let index = loop {
            match self.end_rows(begun, root_version, units.len()) {
                // The index, on its way under a new key, wrote a row of these anew meanwhile.
                Err(ServiceError::Conflict) if more.next().is_some() => {}
                ended => break ended?,
            }
        };
        self.destructions.scrub.want(id, index);
        self.open_gates(id);
        Ok(Stage::Destroyed)
    }

    /// Step (d); gives the epoch of the index that has to be over.
    fn end_rows(
        &self,
        begun: &Stored,
        root_version: u64,
        verified: usize,
    ) -> Result<Option<u64>, ServiceError> {
        let last = self.drop_all_but_the_last(&begun.record)?;
        self.enter_destroyed(begun, last, root_version, verified)
    }

    /// The rows of every case but the last batch's, which goes together with the entry.
    fn drop_all_but_the_last(&self, record: &Record) -> Result<Batch, ServiceError> {
        let mut batch = Batch::default();
        let mut full = 0;
        for doomed in &record.doomed {
            if full == CASES_AT_ONCE {
                let dropped = self.engine.commit(std::mem::take(&mut batch)).wait();
                dropped.map_err(fault::commit)?;
                full = 0;
            }
            let stored = self.cases.head(doomed.case).map_err(fault::cases)?;
            // A head that names none of them any more was done before a crash.
            let Some(stored) = stored.filter(|stored| names(stored, doomed)) else {
                continue;
            };
            self.drop_rows(&mut batch, &stored, doomed, record.order.id)?;
            full += 1;
        }
        Ok(batch)
    }

    fn drop_rows(
        &self,
        batch: &mut Batch,
        stored: &StoredHead,
        doomed: &Doomed,
        by: DestructionId,
    ) -> Result<(), ServiceError> {
        let dead: Vec<UnitId> = doomed.units.iter().map(|(unit, _)| *unit).collect();
        let after = without(&stored.head, doomed, by);
        self.cases
            .put_gone(batch, stored, &after, &dead)
            .map_err(fault::cases)?;
        self.drop_traces(batch, &stored.head, &dead, doomed.whole)
    }

    fn enter_destroyed(
        &self,
        begun: &Stored,
        mut batch: Batch,
        root_version: u64,
        verified: usize,
    ) -> Result<Option<u64>, ServiceError> {
        let id = begun.record.order.id;
        let (intent, totals) = self.said_intent(begun)?;
        let event = ledger::Event::Destroyed(Destroyed {
            destruction: id.to_string(),
            intent,
            totals,
            method: Method::KeyDestructionAndOverwriting,
            root_version,
            verified: u64::try_from(verified).unwrap_or(u64::MAX),
            holders: self.key_holders(root_version)?,
        });
        let entry = ledger::Entry::now(self.clock.now(), event);
        entry.append(&mut batch).map_err(fault::ledger)?;
        // Read after the rows that `batch` removes: no token of the dead is of a later epoch. Every
        // case counts, whatever its tier: the ledger is not to tell by the time that this takes
        // which of them were sensitive, and one that is may have been ordinary this very month.
        let cases = !begun.record.order.parts.is_empty();
        let record = Record {
            doomed: Vec::new(),
            index: cases.then(|| self.keyring.index_epoch().id),
            ..at_stage(&begun.record, Stage::Destroyed)
        };
        self.orders
            .put_stamped(&mut batch, begun, &record, LEDGER_LEAF)
            .map_err(fault::orders)?;
        let event = self.deed(id, Outcome::Done, "destroyed");
        let entered = self.log.event_about(event, about(&begun.record), batch);
        entered.wait().map_err(fault::log)?;
        Ok(record.index)
    }

    /// Leaf hash of the order's intent, and its totals.
    fn said_intent(&self, begun: &Stored) -> Result<(String, Totals), ServiceError> {
        let lost = || ServiceError::Damaged("an intent is missing from the ledger".to_owned());
        let index = begun.leaves.first().ok_or_else(lost)?;
        let leaf = self.ledger_leaf(*index)?;
        match ledger::Entry::read(&leaf).map(|entry| entry.event) {
            Some(ledger::Event::Intent(intent))
                if intent.destruction == begun.record.order.id.to_string() =>
            {
                Ok((hex(&leaf), intent.totals))
            }
            _ => Err(lost()),
        }
    }

    /// The bytes of one leaf of the ledger.
    pub(super) fn ledger_leaf(&self, index: u64) -> Result<Vec<u8>, ServiceError> {
        let leaves = self.engine.leaves(Log::Ledger, index, Limit::rows(1));
        let leaf = leaves.map_err(fault::engine)?.into_iter().next();
        Ok(leaf.ok_or(ServiceError::NotFound)?.leaf)
    }
}

/// Leaf hash (RFC 6962), hexadecimal: how one leaf names another.
pub(super) fn hex(leaf: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&leaf_hash(leaf).0)
}

fn every_unit(record: &Record) -> Vec<UnitId> {
    let of_cases = record.doomed.iter().flat_map(|doomed| &doomed.units);
    of_cases
        .map(|(unit, _)| *unit)
        .chain(record.order.units.iter().copied())
        .collect()
}

/// Whether the case is still to be done: it has one of the units, or ends without having any.
fn names(stored: &StoredHead, doomed: &Doomed) -> bool {
    let head = &stored.head;
    let has = |unit: UnitId| head.units.iter().any(|u| u.unit == unit);
    doomed.units.iter().any(|(unit, _)| has(*unit))
        || (doomed.whole && head.state != CaseState::Destroyed)
}

/// The head afterwards. Of a case that ends, what could say whose it was goes as well.
fn without(before: &Head, doomed: &Doomed, by: DestructionId) -> Head {
    let mut after = before.clone();
    after.revision += 1;
    let dead = |unit: UnitId| doomed.units.iter().any(|(dead, _)| *dead == unit);
    after.units.retain(|u| !dead(u.unit));
    let gone = |(unit, kind): &(UnitId, _)| Gone {
        unit: *unit,
        kind: *kind,
        by,
    };
    after.gone.extend(doomed.units.iter().map(gone));
    if doomed.whole {
        after.end();
    }
    after
}
