//! What a forensic scan goes by: which units the ledger calls destroyed, which the heads call
//! living, where the rows of both stand, and what the keyring says of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::ServiceError;
use super::fault;
use super::ledger::PAGE;
use super::repair::Findings;
use super::store::Store;
use crate::cases::head::Head;
use crate::destruction::ledger::{Event, File, Intent, Item, sha256_hex};
use crate::domain::id::{CaseId, RetainedId, UnitId};
use crate::domain::limit::Limit;
use crate::engine::{Key, Space};

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
#[derive(Default)]
pub(super) struct Known {
    fates: BTreeMap<String, Fate>,
    dead: Vec<Dead>,
    dead_units: BTreeSet<u64>,
    /// Places of dead units' rows; what stands there is `dead[n]`.
    places: HashMap<(Whose, Vec<u8>), usize>,
    /// SHA-256 of what was stored of them.
    hashes: HashMap<String, usize>,
    living: HashMap<(Whose, Vec<u8>), UnitId>,
}

impl Known {
    /// Reads ledger and heads, and asks the keyring for every unit.
    pub(super) fn of(store: &Store, findings: &mut Findings) -> Result<Self, ServiceError> {
        let mut known = Self::default();
        known.read_ledger(store)?;
        known.read_heads(store, findings)?;
        known.read_items(store)?;
        known.ask_for_the_dead(store, findings);
        known.ask_for_the_living(store, findings);
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
                    | Event::TermSet(_) => {}
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
            self.dead_units.insert(number);
            self.dead.push(Dead {
                unit,
                order: intent.destruction.clone(),
            });
        }
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
        let untold = |unit: &UnitId| !self.dead_units.contains(&unit.as_u64());
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
        if !self.dead_units.contains(&unit.as_u64()) {
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

/// Where a destroyed unit's row stood; accounts and months of the log have none of this kind.
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
