//! Crashes in the middle of what may never be half: commits of both engines and every step of the
//! keyring's files, in the deed and again in the recovery from it.

mod apart;
mod keys;
mod locked;
mod many;
mod scrub;
mod unwritable;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::destroy_tests::DUE;
use super::error::ServiceError;
use super::fault;
use super::open::assemble_under;
use super::store::Store;
use super::testing::{secret, settings};
use crate::authz::Authority;
use crate::cases::view::CaseState;
use crate::destruction::certificate::{State, verify};
use crate::destruction::ledger::{Entry, Event};
use crate::destruction::order::{Order, Stage, What};
use crate::domain::id::{CaseId, DestructionId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::random::{Random, SystemSource};
use crate::domain::time::SteppedClock;
use crate::engine::fault::{Fault, FaultEngine};
use crate::engine::memory::MemoryEngine;
use crate::engine::{CommitError, Engine, EngineError, Log};
use crate::keyring::SimulatedKeyring;
use crate::merkle::checkpoint::Verifier;

/// Reading the policies takes longer than all the rest of an opening.
static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::built_in().unwrap());

/// What a crash leaves: files, rows of both stores, the keyring's disk.
struct World {
    dir: tempfile::TempDir,
    keys: SimulatedKeyring,
    live: Arc<MemoryEngine>,
    apart: Arc<MemoryEngine>,
    clock: Arc<SteppedClock>,
    random: Arc<dyn Random>,
}

/// A process over it. It resumes nothing by itself.
struct Process {
    store: Store,
    live: Arc<FaultEngine>,
    apart: Arc<FaultEngine>,
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(SteppedClock::at(DUE));
        let random: Arc<dyn Random> = Arc::new(SystemSource::default());
        Self {
            dir: tempfile::tempdir().unwrap(),
            keys: SimulatedKeyring::init(&secret(), Arc::clone(&random), clock.clone()),
            live: Arc::new(MemoryEngine::new(clock.clone())),
            apart: Arc::new(MemoryEngine::new(clock.clone())),
            clock,
            random,
        }
    }

    /// The same once more, to be ended in another way.
    fn fork(&self, seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy_folder(self.dir.path(), dir.path());
        Self {
            dir,
            keys: self.keys.fork(seed),
            live: Arc::new(self.live.fork()),
            apart: Arc::new(self.apart.fork()),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
        }
    }

    fn boot(&self) -> Result<Process, ServiceError> {
        let random = || Arc::clone(&self.random);
        let opened = self.keys.open(&secret(), random(), self.clock.clone());
        let keyring = opened.map_err(fault::keyring)?;
        let live = Arc::new(FaultEngine::new(self.live.clone()));
        let apart = Arc::new(FaultEngine::new(self.apart.clone()));
        let engines = (live.clone() as Arc<dyn Engine>, apart.clone() as _);
        let settings = settings(self.dir.path());
        let clock = self.clock.clone();
        let keyring = Arc::new(keyring);
        let store = assemble_under(
            AUTHORITY.again(),
            &settings,
            keyring,
            engines,
            random(),
            clock,
        )?;
        Ok(Process { store, live, apart })
    }
}

impl Process {
    /// What an open does with what was left half-way.
    fn recover(&self) -> Result<(), ServiceError> {
        self.store.finish_punctures()?;
        self.store.resume_destructions()
    }
}

/// The ways in which a commit fails.
fn faults() -> [Fault; 3] {
    let full = CommitError::Engine(EngineError::DiskFull);
    [Fault::Before(full), Fault::After, Fault::Stop]
}

fn half(store: &Store, unit: UnitId) -> Option<[u8; 32]> {
    let half = store.keyring.shred_half(unit).ok();
    half.map(|half| *half.secret().expose())
}

/// What must be true of a world in which these orders were placed, whatever happened to it.
struct Truth {
    orders: Vec<Order>,
    /// Every case, its units and their halves.
    cases: BTreeMap<CaseId, BTreeMap<UnitId, [u8; 32]>>,
}

/// What the ledger tells of one destruction.
#[derive(Default)]
struct Told {
    intents: Vec<BTreeSet<UnitId>>,
    destroyed: Vec<u64>,
    scrubbed: usize,
}

fn told(store: &Store) -> BTreeMap<DestructionId, Told> {
    let mut all: BTreeMap<DestructionId, Told> = BTreeMap::new();
    for leaf in store
        .engine
        .leaves(Log::Ledger, 0, Limit::rows(1000))
        .unwrap()
    {
        let mut of = |id: &str| std::mem::take(all.entry(id.parse().unwrap()).or_default());
        let (id, told) = match Entry::read(&leaf.leaf).unwrap().event {
            Event::Intent(intent) => {
                let mut told = of(&intent.destruction);
                let unit = |text: &str| UnitId::from_u64(text.parse().unwrap());
                let units: Vec<_> = intent.items.iter().map(|item| unit(&item.unit)).collect();
                let once: BTreeSet<_> = units.iter().copied().collect();
                assert_eq!(once.len(), units.len(), "a unit stands twice in an intent");
                told.intents.push(once);
                (intent.destruction, told)
            }
            Event::Destroyed(destroyed) => {
                let mut told = of(&destroyed.destruction);
                told.destroyed.push(destroyed.verified);
                (destroyed.destruction, told)
            }
            Event::Scrubbed(scrubbed) => {
                let mut told = of(&scrubbed.destruction);
                told.scrubbed += 1;
                (scrubbed.destruction, told)
            }
            _ => continue,
        };
        all.insert(id.parse().unwrap(), told);
    }
    all
}

impl Truth {
    fn doomed(&self, order: &Order) -> BTreeSet<UnitId> {
        let mut doomed = BTreeSet::new();
        for part in &order.parts {
            match &part.what {
                What::Whole => doomed.extend(self.cases.get(&part.case).unwrap().keys()),
                What::Units(units) => doomed.extend(units),
            }
        }
        doomed
    }

    /// True at every moment, also before a recovery has gone on with anything.
    fn never_half(&self, store: &Store) {
        let told = told(store);
        let none = Told::default();
        let mut doomed_at_all = BTreeSet::new();
        for order in &self.orders {
            let doomed = self.doomed(order);
            let dead = doomed.iter().filter(|u| half(store, **u).is_none()).count();
            assert!(dead == 0 || dead == doomed.len(), "half is dead");
            let told = told.get(&order.id).unwrap_or(&none);
            let stage = store.order(order.id).unwrap().unwrap().stage;
            let leaves = (told.intents.len(), told.destroyed.len(), told.scrubbed);
            match stage {
                Stage::Waiting => assert_eq!((dead, leaves), (0, (0, 0, 0))),
                Stage::Intent => assert_eq!(leaves, (1, 0, 0)),
                Stage::Destroyed => assert_eq!((dead, leaves), (doomed.len(), (1, 1, 0))),
                Stage::Scrubbed => assert_eq!((dead, leaves), (doomed.len(), (1, 1, 1))),
                Stage::Cancelled => unreachable!("nobody cancels here"),
            }
            doomed_at_all.extend(doomed);
        }
        for (case, units) in &self.cases {
            let head = store.cases.head(*case).unwrap().unwrap().head;
            for (unit, key) in units.iter().filter(|(u, _)| !doomed_at_all.contains(u)) {
                assert_eq!(half(store, *unit), Some(*key), "a living unit was lost");
                assert!(store.cases.unit(*case, *unit).unwrap().is_some());
                assert!(head.units.iter().any(|u| u.unit == *unit));
            }
        }
    }

    /// True once everything was gone on with: every order is done, told once, and certified.
    fn finished(&self, store: &Store) {
        self.never_half(store);
        let told = told(store);
        assert_eq!(told.len(), self.orders.len(), "the ledger names a stranger");
        let verifier = Verifier::parse(&store.log.verifier_key()).unwrap();
        for order in &self.orders {
            let doomed = self.doomed(order);
            let told = told.get(&order.id).unwrap();
            assert_eq!(
                told.intents,
                vec![doomed.clone()],
                "the ledger names others"
            );
            assert_eq!(told.destroyed, [doomed.len() as u64]);
            for unit in &doomed {
                assert_eq!(half(store, *unit), None);
            }
            let row = store.order_row(order.id).unwrap().unwrap();
            let body = verify(&store.issue(&row).unwrap(), &verifier, None).unwrap();
            let numbers = |n: &String| UnitId::from_u64(n.parse().unwrap());
            let certified: BTreeSet<_> = body.units.iter().map(numbers).collect();
            assert_eq!(certified, doomed);
            let complete = row.record.order.stage == Stage::Scrubbed;
            assert_eq!(body.state == State::Complete, complete);
        }
        self.rows_agree(store);
    }

    fn rows_agree(&self, store: &Store) {
        let doomed: BTreeSet<_> = self.orders.iter().flat_map(|o| self.doomed(o)).collect();
        for (case, units) in &self.cases {
            let head = store.cases.head(*case).unwrap().unwrap().head;
            let there: BTreeSet<_> = head.units.iter().map(|u| u.unit).collect();
            let gone: BTreeSet<_> = head.gone.iter().map(|gone| gone.unit).collect();
            assert_eq!(head.gone.len(), gone.len(), "a unit is gone twice");
            for unit in units.keys() {
                let dead = doomed.contains(unit);
                assert_eq!((there.contains(unit), gone.contains(unit)), (!dead, dead));
                let row = store.cases.unit(*case, *unit).unwrap();
                assert_eq!(row.is_none(), dead);
            }
            assert_eq!(there.is_empty(), head.state == CaseState::Destroyed);
            assert!(store.gates.try_enter(*case).is_some(), "a gate stays shut");
        }
    }
}
