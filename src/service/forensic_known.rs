//! What a forensic scan goes by: which units the ledger calls destroyed, which the heads call
//! living, where the rows of both stand, whose a row of the blind index is, and what the keyring
//! says of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::ServiceError;
use super::fault;
use super::ledger::PAGE;
use super::repair::Findings;
use super::store::Store;
use crate::cases::head::Head;
use crate::cases::postings::Owner;
use crate::crypto::sealed::RowKey;
use crate::destruction::ended::KeysEnded;
use crate::destruction::ledger::{Event, File, Intent, Item, sha256_hex};
use crate::domain::id::{CaseId, DestructionId, RetainedId, UnitId};
use crate::domain::limit::Limit;
use crate::engine::{Key, Space};
use crate::keyring::ServerKey;

/// Heads read at once.
const HEADS: Limit = Limit::rows(256);

/// Whose journal a row was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// The live store's.
    Live,
    /// That of what is kept apart.
    Apart,
}

/// How far a destruction has come, by the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Begun: its keys may still be there.
    Begun,
    /// Its keys are gone.
    Destroyed,
    /// Its bytes are said to be overwritten.
    Scrubbed,
}

/// A unit that the ledger names.
#[derive(Debug, Clone)]
pub(super) struct Dead {
    pub(super) unit: UnitId,
    pub(super) order: String,
}

/// What a row that was found is.
pub(super) enum Found<'a> {
    Living,
    Dead(&'a Dead),
    /// Neither: superseded by an amendment or new keys, or no unit at all.
    Other,
}

/// Everything that is recognised.
pub(super) struct Known {
    fates: BTreeMap<String, Fate>,
    dead: Vec<Dead>,
    /// Where in `dead` a unit stands.
    dead_units: HashMap<u64, usize>,
    /// Whose a row of the blind index is.
    index: Owner,
    /// Units whose keys ended without a destruction.
    ended: BTreeSet<u64>,
    /// Places of dead units' rows; what stands there is `dead[n]`.
    places: HashMap<(Whose, Vec<u8>), usize>,
    /// SHA-256 of what was stored of them.
    hashes: HashMap<String, usize>,
    living: HashMap<(Whose, Vec<u8>), UnitId>,
}

impl Known {
    /// Reads ledger and heads, and asks the keyring for every unit.
    pub(super) fn of(store: &Store, findings: &mut Findings) -> Result<Self, ServiceError> {
        let mut known = Self {
            fates: BTreeMap::new(),
            dead: Vec::new(),
            dead_units: HashMap::new(),
            ended: BTreeSet::new(),
            index: Owner::new(RowKey::new(store.keyring.server_key(ServerKey::Row))),
            places: HashMap::new(),
            hashes: HashMap::new(),
            living: HashMap::new(),
        };
        known.read_ledger(store)?;
        known.read_heads(store, findings)?;
        known.read_items(store)?;
        known.ask_for_the_dead(store, findings);
        known.ask_for_the_ended(store, findings);
        known.ask_for_the_living(store, findings);
        known.ask_for_index_keys(store, findings)?;
        Ok(known)
    }

    /// How far the destruction of this unit has come.
    pub(super) fn fate(&self, dead: &Dead) -> Fate {
        self.fates.get(&dead.order).copied().unwrap_or(Fate::Begun)
    }

    /// What a row is, by its place or, where that says nothing, by its stored bytes.
    pub(super) fn row(&self, whose: Whose, space: Space, key: &[u8], value: &[u8]) -> Found<'_> {
        if space == Space::Unit {
            let place = (whose, key.to_vec());
            if let Some(dead) = self.places.get(&place).and_then(|n| self.dead.get(*n)) {
                return Found::Dead(dead);
            }
            if self.living.contains_key(&place) {
                return Found::Living;
            }
        }
        if space == Space::Posting && whose == Whose::Live {
            let unit = self.index.of(key, value);
            let dead = unit.and_then(|unit| self.dead_units.get(&unit.as_u64()));
            if let Some(dead) = dead.and_then(|n| self.dead.get(*n)) {
                return Found::Dead(dead);
            }
        }
        self.bytes(value).map_or(Found::Other, Found::Dead)
    }

    /// The dead unit of which exactly these bytes were stored.
    pub(super) fn bytes(&self, stored: &[u8]) -> Option<&Dead> {
        if self.hashes.is_empty() {
            return None;
        }
        self.dead.get(*self.hashes.get(&sha256_hex(stored))?)
    }

    fn read_ledger(&mut self, store: &Store) -> Result<(), ServiceError> {
        let mut from = 0;
        loop {
            let rows = store.read_ledger(from, PAGE)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            from = last.index + 1;
            for row in rows {
                match row.entry.event {
                    Event::Intent(intent) => self.intent(store, &intent)?,
                    Event::Destroyed(done) => {
                        self.fates.insert(done.destruction, Fate::Destroyed);
                    }
                    Event::Scrubbed(done) => {
                        self.fates.insert(done.destruction, Fate::Scrubbed);
                    }
                    Event::BackedUp(_)
                    | Event::Restored(_)
                    | Event::KeyHolder(_)
                    | Event::Retained(_)
                    | Event::HandedOver(_)
                    | Event::TermSet(_)
                    | Event::Locked(_)
                    | Event::Unlocked(_)
                    | Event::Held(_) => {}
                    Event::KeysEnded(said) => self.ended(&said)?,
                }
            }
        }
    }

    fn intent(&mut self, store: &Store, intent: &Intent) -> Result<(), ServiceError> {
        self.fates.insert(intent.destruction.clone(), Fate::Begun);
        for item in &intent.items {
            let number = item.unit.parse().map_err(|_| unread("unit"))?;
            let unit = UnitId::from_u64(number);
            let n = self.dead.len();
            if let Some(place) = place(store, intent, item, unit)? {
                self.places.insert(place, n);
            }
            if let Some(hash) = &item.ciphertext {
                self.hashes.insert(hash.clone(), n);
            }
            self.dead_units.insert(number, n);
            self.dead.push(Dead {
                unit,
                order: intent.destruction.clone(),
            });
        }
        Ok(())
    }

    fn ended(&mut self, said: &KeysEnded) -> Result<(), ServiceError> {
        let units = said.units().ok_or_else(|| unread("unit"))?;
        self.ended.extend(units.into_iter().map(UnitId::as_u64));
        Ok(())
    }

    fn read_heads(&mut self, store: &Store, findings: &mut Findings) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let (heads, next) = store
                .cases
                .heads(after.as_ref(), HEADS)
                .map_err(fault::cases)?;
            for stored in &heads {
                self.head(store, &stored.head, findings);
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn head(&mut self, store: &Store, head: &Head, findings: &mut Findings) {
        for unit in &head.units {
            let key = store.cases.unit_key(head.case, unit.unit);
            self.lives(Whose::Live, &key, unit.unit);
        }
        let untold = |unit: &UnitId| !self.dead_units.contains_key(&unit.as_u64());
        for unit in head.gone.iter().map(|gone| gone.unit).filter(untold) {
            findings.violations.push(format!(
                "unit {}: its case says that it was destroyed, and the ledger does not",
                unit.as_u64()
            ));
        }
    }

    fn read_items(&mut self, store: &Store) -> Result<(), ServiceError> {
        for stored in store.items.all().map_err(fault::items)? {
            for unit in stored.item.units() {
                let key = store.items.unit_key(stored.item.id, unit);
                self.lives(Whose::Apart, &key, unit);
            }
        }
        Ok(())
    }

    /// What the ledger names is not living, even while its rows still stand.
    fn lives(&mut self, whose: Whose, key: &Key, unit: UnitId) {
        if !self.dead_units.contains_key(&unit.as_u64()) {
            self.living.insert((whose, key.as_bytes().to_vec()), unit);
        }
    }

    fn ask_for_the_dead(&self, store: &Store, findings: &mut Findings) {
        let (mut begun, mut refused) = (0_usize, 0_usize);
        for dead in &self.dead {
            match (self.fate(dead), store.keyring.shred_half(dead.unit)) {
                (Fate::Begun, _) => begun += 1,
                (Fate::Destroyed | Fate::Scrubbed, Err(_)) => refused += 1,
                (Fate::Destroyed | Fate::Scrubbed, Ok(_)) => findings.violations.push(format!(
                    "unit {} of destruction {}: the keyring still has its key",
                    dead.unit.as_u64(),
                    dead.order
                )),
            }
        }
        let (orders, units) = (self.fates.len(), self.dead.len());
        findings.lines.push(format!(
            "destructions in the ledger: {orders}, units: {units}, of which the keyring refuses {refused}"
        ));
        if begun > 0 {
            findings.lines.push(format!(
                "note: units of destructions that have begun and not ended: {begun}; open the store to go on"
            ));
        }
    }

    fn ask_for_the_ended(&self, store: &Store, findings: &mut Findings) {
        let there = |unit: &&u64| store.keyring.shred_half(UnitId::from_u64(**unit)).is_ok();
        let left: Vec<&u64> = self.ended.iter().filter(there).collect();
        let lost =
            |unit: &&u64| format!("unit {unit}: its key ended, and the keyring still has it");
        findings.violations.extend(left.iter().map(lost));
        findings.lines.push(format!(
            "keys that ended with an account or by new ones: {}, of which the keyring refuses {}",
            self.ended.len(),
            self.ended.len() - left.len()
        ));
    }

    /// A destruction is not over while guessed values can be tried on what is left of its dead in
    /// older images. An order whose row a restore lost had its index's key end in that restore.
    fn ask_for_index_keys(
        &self,
        store: &Store,
        findings: &mut Findings,
    ) -> Result<(), ServiceError> {
        let over = self.fates.iter().filter(|(_, f)| **f == Fate::Scrubbed);
        for (name, _) in over {
            let id: DestructionId = name.parse().map_err(|_| unread("destruction"))?;
            let epoch = store.order_row(id)?.and_then(|stored| stored.record.index);
            if epoch.is_some_and(|epoch| store.keyring.has_index_epoch(epoch)) {
                findings.violations.push(format!(
                    "destruction {id}: the keyring still has the search index's key of that time"
                ));
            }
        }
        Ok(())
    }

    fn ask_for_the_living(&self, store: &Store, findings: &mut Findings) {
        let mut there = 0_usize;
        for unit in self.living.values() {
            if store.keyring.shred_half(*unit).is_ok() {
                there += 1;
            } else {
                let unit = unit.as_u64();
                let lost = format!("unit {unit}: it is living, and its key is gone");
                findings.violations.push(lost);
            }
        }
        let units = self.living.len();
        findings.lines.push(format!(
            "living units: {units}, of which the keyring has {there}"
        ));
    }
}

type Place = (Whose, Vec<u8>);

/// Where a destroyed unit's row stood.
fn place(
    store: &Store,
    intent: &Intent,
    item: &Item,
    unit: UnitId,
) -> Result<Option<Place>, ServiceError> {
    if let Some(case) = &item.case {
        let case: CaseId = case.parse().map_err(|_| unread("case"))?;
        let key = store.cases.unit_key(case, unit);
        return Ok(Some((Whose::Live, key.as_bytes().to_vec())));
    }
    match (intent.file, &intent.reason.reference) {
        (File::Retained, Some(item)) => {
            let item: RetainedId = item.parse().map_err(|_| unread("item"))?;
            let key = store.items.unit_key(item, unit);
            Ok(Some((Whose::Apart, key.as_bytes().to_vec())))
        }
        _ => Ok(None),
    }
}

fn unread(what: &str) -> ServiceError {
    ServiceError::Damaged(format!("an entry of the ledger names no {what}"))
}
