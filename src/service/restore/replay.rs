//! What happened after the copy was made, done again: the destroyed stay destroyed, rights that
//! were taken stay taken.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::cases::head::{Gone, Head, StoredHead};
use crate::cases::rows::Cases;
use crate::destruction::ended::AccountEnd;
use crate::destruction::ledger::{Entry, Event};
use crate::domain::id::{AccountId, CaseId, DestructionId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::tier::{Tier, UnitKind};
use crate::engine::{Batch, Engine, Log};
use crate::keyring::Keyring;
use crate::vault::UnitRef;

use super::super::error::ServiceError;
use super::super::fault;
use super::super::standing::Standing;
use super::super::store::Store;

/// Leaves read at once.
const LEAVES: usize = 256;
/// Buckets left out after a keyring was brought back: more than any lost time opened for kinds of
/// unit whose rows are not read here.
pub(super) const MARGIN: u32 = 1 << 16;

/// Kinds of unit of which every live one stands in a row that is read here.
const KNOWN: [(Tier, UnitKind); 8] = [
    (Tier::Sensitive, UnitKind::Narrative),
    (Tier::Sensitive, UnitKind::Person),
    (Tier::Sensitive, UnitKind::Addition),
    (Tier::Ordinary, UnitKind::Narrative),
    (Tier::Ordinary, UnitKind::Person),
    (Tier::Ordinary, UnitKind::Addition),
    (Tier::Ordinary, UnitKind::Account),
    (Tier::Ordinary, UnitKind::Petition),
];

/// What happened according to the ledger, from its first entry on.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Units that were destroyed, and by which destruction.
    pub(super) dead: HashMap<UnitId, DestructionId>,
    /// Units whose keys ended otherwise: by new ones, or with an account.
    pub(super) ended: HashSet<UnitId>,
    /// The least revision of each account's row that is believed.
    pub(super) least: BTreeMap<AccountId, u64>,
    /// Locks and holds that stand at its end.
    pub(super) standing: Standing,
}

impl Past {
    /// Reads it out of the ledger.
    pub(super) fn read(engine: &dyn Engine) -> Result<Self, ServiceError> {
        let mut past = Self::default();
        let (mut from, size) = (0, engine.log_size(Log::Ledger));
        while from < size {
            let leaves = engine
                .leaves(Log::Ledger, from, Limit::rows(LEAVES))
                .map_err(fault::engine)?;
            if leaves.is_empty() {
                return Err(ServiceError::Damaged(
                    "the ledger ends too early".to_owned(),
                ));
            }
            from += leaves.len() as u64;
            for leaf in leaves {
                let read = past.take(&leaf.leaf);
                read.ok_or_else(|| ServiceError::Damaged("an entry of the ledger".to_owned()))?;
            }
        }
        Ok(past)
    }

    fn take(&mut self, leaf: &[u8]) -> Option<()> {
        if let Some((by, units)) = Entry::named(leaf) {
            self.dead.extend(units.into_iter().map(|unit| (unit, by)));
        }
        match Entry::read(leaf).map(|entry| entry.event) {
            Some(Event::KeysEnded(said)) => {
                self.ended.extend(said.units()?);
                said.raise(&mut self.least)
            }
            Some(event) => self.standing.take(event),
            None => Some(()),
        }
    }

    /// Every unit that must refuse to open.
    pub(super) fn units(&self) -> impl Iterator<Item = UnitId> {
        self.dead.keys().chain(&self.ended).copied()
    }

    /// Makes the keyring know what the ledger knows: these keys are gone, and these rows of
    /// accounts are too old. For a keyring that was there all along it is what it knows already,
    /// but for what was committed and not yet carried out when the data was lost.
    pub(super) fn teach(&self, keyring: &Keyring) -> Result<(), ServiceError> {
        let units: Vec<UnitId> = self.units().collect();
        keyring.puncture(&units).map_err(fault::keyring)?;
        let least = self.least.iter().map(|(id, revision)| (*id, *revision));
        keyring.raise_credentials(least).map_err(fault::keyring)
    }

    /// What the keyring believes of accounts and no entry of the ledger tells.
    pub(super) fn untold(&self, keyring: &Keyring) -> Vec<AccountEnd> {
        let told = |id: &AccountId| self.least.get(id).copied().unwrap_or_default();
        let known = keyring.credentials().into_iter();
        let newer = known.filter(|(id, revision)| told(id) < *revision);
        let end = |(id, revision): (AccountId, u64)| AccountEnd {
            account: id.to_string(),
            revision,
            key: None,
            by: None,
        };
        newer.map(end).collect()
    }
}

/// What a restore found and did.
#[derive(Debug, Default)]
pub(super) struct Swept {
    /// Cases looked at.
    pub(super) cases: u64,
    /// Cases of which something was destroyed after the copy.
    pub(super) dropped: u64,
    /// Cases that do not open although the ledger names no destruction.
    pub(super) lost: Vec<CaseId>,
    /// Slots that died because no row names them.
    pub(super) unnamed: u64,
    /// Cases of which locks or holds were set again.
    pub(super) bound: u64,
}

/// Every head there is, one after the other, in no order that means anything.
pub(super) fn each_head(
    cases: &Cases,
    mut visit: impl FnMut(StoredHead),
) -> Result<(), ServiceError> {
    let mut after = None;
    loop {
        let page = cases.heads(after.as_ref(), Limit::rows(LEAVES));
        let (heads, next) = page.map_err(fault::cases)?;
        heads.into_iter().for_each(&mut visit);
        match next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

impl Store {
    /// For a keyring out of a capsule: destroys what no row names any more.
    pub(super) fn keep_named(&self, swept: &mut Swept) -> Result<(), ServiceError> {
        let mut keep: HashSet<UnitId> = HashSet::new();
        each_head(&self.cases, |stored| {
            keep.extend(stored.head.units.iter().map(|unit| unit.unit));
        })?;
        let accounts = self.directory.accounts().into_iter();
        keep.extend(accounts.filter_map(|a| a.credentials.map(|c| c.unit)));
        let requests = self.records.requests().map_err(fault::records)?;
        keep.extend(requests.iter().filter_map(|r| Some(r.texts()?.unit)));
        swept.unnamed = self
            .keyring
            .keep_only(&KNOWN, &keep)
            .map_err(fault::keyring)?;
        Ok(())
    }

    /// Looks at every case and every item kept apart: rows of the destroyed go, and every unit that
    /// the ledger names must refuse to open.
    pub(super) fn sweep_dead(&self, past: &Past, swept: &mut Swept) -> Result<(), ServiceError> {
        let dead = &past.dead;
        let (mut touched, mut all) = (Vec::new(), Vec::new());
        each_head(&self.cases, |stored| {
            swept.cases += 1;
            all.push(stored.head.case);
            let units = &stored.head.units;
            if units.iter().any(|unit| dead.contains_key(&unit.unit)) {
                touched.push(stored.head.case);
            }
            let mut left = units.iter().filter(|unit| !dead.contains_key(&unit.unit));
            if left.any(|unit| self.refuses(unit.unit)) {
                swept.lost.push(stored.head.case);
            }
        })?;
        for case in touched {
            let stored = self.cases.head(case).map_err(fault::cases)?;
            if let Some(stored) = stored {
                self.drop_dead(&stored, dead)?;
                swept.dropped += 1;
            }
        }
        swept.bound = self.set_again(all, &past.standing)?;
        for stored in self.items.all().map_err(fault::items)? {
            if stored.item.units().iter().any(|u| dead.contains_key(u)) {
                self.drop_retained(stored.item.id)?;
            }
        }
        match past.units().filter(|unit| !self.refuses(*unit)).count() {
            0 => Ok(()),
            alive => Err(ServiceError::Internal(format!(
                "{alive} units that the ledger names as destroyed still open: the store stays shut"
            ))),
        }
    }

    /// The copy has the bytes of what was destroyed since; certificates say that they are gone.
    pub(super) fn overwrite_again(
        &self,
        dead: &HashMap<UnitId, DestructionId>,
    ) -> Result<(), ServiceError> {
        if dead.is_empty() {
            return Ok(());
        }
        for engine in [&self.engine, &self.apart] {
            engine.scrub(&|_, _| ()).map_err(fault::engine)?;
        }
        Ok(())
    }

    /// Rows of the blind index from before a rotation stand under a key that is gone: they are
    /// written anew, or nobody would find what they are of. A keyring out of a capsule has old
    /// keys of the index again, on which the destroyed could be guessed: they go.
    pub(super) fn settle_index_again(&self, capsule: bool) -> Result<(), ServiceError> {
        if capsule {
            self.rotate_index()
        } else {
            self.settle_index()
        }
    }

    fn refuses(&self, unit: UnitId) -> bool {
        self.keyring.shred_half(unit).is_err()
    }

    fn drop_dead(
        &self,
        stored: &StoredHead,
        dead: &HashMap<UnitId, DestructionId>,
    ) -> Result<(), ServiceError> {
        let before = &stored.head;
        let is_dead = |unit: &&UnitRef| dead.contains_key(&unit.unit);
        let gone: Vec<UnitRef> = before.units.iter().filter(is_dead).copied().collect();
        let left: Vec<UnitRef> = before
            .units
            .iter()
            .filter(|unit| !is_dead(unit))
            .copied()
            .collect();
        let whole = left.is_empty();
        let mut marks = before.gone.clone();
        marks.extend(gone.iter().filter_map(|unit| {
            let by = *dead.get(&unit.unit)?;
            Some(Gone {
                unit: unit.unit,
                kind: unit.kind,
                by,
            })
        }));
        let mut head = Head {
            units: left,
            gone: marks,
            revision: before.revision + 1,
            ..before.clone()
        };
        if whole {
            head.end();
        }
        let mut batch = Batch::default();
        let ids: Vec<UnitId> = gone.iter().map(|unit| unit.unit).collect();
        self.drop_traces(&mut batch, before, &ids, whole)?;
        self.cases
            .put_gone(&mut batch, stored, &head, &ids)
            .map_err(fault::cases)?;
        let done = self.engine.commit(batch).wait();
        done.map(|_| ()).map_err(fault::commit)
    }
}

/// After a keyring was brought back: no number is given again that a row or the ledger names.
pub(super) fn skip_named(
    keyring: &Keyring,
    named: impl Iterator<Item = UnitId>,
) -> Result<(), ServiceError> {
    let highest = named.map(UnitId::bucket).max().unwrap_or_default();
    let above = highest.max(keyring.next_bucket());
    let last = above.checked_add(MARGIN).and_then(|b| UnitId::new(b, 0));
    let last = last.ok_or_else(|| ServiceError::Internal("too many buckets".to_owned()))?;
    keyring.issue_only_after(last).map_err(fault::keyring)
}
