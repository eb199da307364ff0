//! Crashes at every step of a destruction, and in the recovery from them.

use std::sync::Arc;

use super::open::assemble;
use super::seal::Settings;
use super::store::Store;
use super::testing::{secret, settings};
use crate::cases::draft::Channel;
use crate::cases::head::Head;
use crate::cases::number::Reference;
use crate::cases::rows::{Marks, scopes};
use crate::cases::view::CaseState;
use crate::destruction::ledger::{Entry, Event};
use crate::destruction::order::{Ground, Order, Part, Stage, What};
use crate::domain::hold::Hold;
use crate::domain::id::{AccountId, CaseId, DepartmentId, DestructionId, RecordId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::random::{Random, SystemSource};
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::{Clock, SteppedClock, Timestamp};
use crate::engine::fault::{Fault, FaultEngine};
use crate::engine::memory::MemoryEngine;
use crate::engine::{Batch, CommitError, EngineError, Log, Value};
use crate::keyring::{Keyring, UnsealCost};
use crate::vault::UnitRef;

pub(super) const DUE: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(super) const ID: DestructionId = DestructionId::from_bytes([7; 16]);

/// What survives a crash: directories and the engine's rows.
pub(super) struct Disk {
    dir: tempfile::TempDir,
    rows: Arc<MemoryEngine>,
    pub(super) clock: Arc<SteppedClock>,
    random: Arc<dyn Random>,
}

impl Disk {
    pub(super) fn new() -> Self {
        let clock = Arc::new(SteppedClock::at(DUE));
        let random: Arc<dyn Random> = Arc::new(SystemSource::default());
        let dir = tempfile::tempdir().unwrap();
        Keyring::init(
            &dir.path().join("keyring"),
            &secret(),
            UnsealCost::minimal_for_tests(),
            Arc::clone(&random),
            clock.clone(),
        )
        .unwrap();
        Self {
            rows: Arc::new(MemoryEngine::new(clock.clone())),
            dir,
            clock,
            random,
        }
    }

    /// A process over the disk; it does not resume anything by itself.
    pub(super) fn boot(&self) -> (Store, Arc<FaultEngine>) {
        let dir = self.dir.path();
        let settings = Settings {
            segment_bytes: 4 << 20,
            ..settings(dir)
        };
        let random = Arc::clone(&self.random);
        let keyring =
            Keyring::open(&settings.keyring, &secret(), random, self.clock.clone()).unwrap();
        let engine = Arc::new(FaultEngine::new(self.rows.clone()));
        let apart = Arc::new(MemoryEngine::new(self.clock.clone()));
        let store = assemble(
            &settings,
            Arc::new(keyring),
            (engine.clone(), apart),
            Arc::clone(&self.random),
            self.clock.clone(),
        )
        .unwrap();
        (store, engine)
    }
}

/// A case of a narrative and two people, and its units.
pub(super) fn case(store: &Store, n: u8, tier: Tier) -> (CaseId, Vec<UnitId>) {
    let case = CaseId::from_bytes([n; 16]);
    let kinds = [UnitKind::Narrative, UnitKind::Person, UnitKind::Person];
    let units: Vec<(UnitRef, Value)> = kinds
        .into_iter()
        .map(|kind| {
            let unit = UnitRef {
                unit: store.keyring.allocate(tier, kind).unwrap(),
                kind,
                record: RecordId::from_bytes([n; 16]),
            };
            (unit, Value::new([n; 64]).unwrap())
        })
        .collect();
    let head = Head {
        case,
        tier,
        department: DepartmentId::from_bytes([1; 16]),
        state: CaseState::Assigned,
        channel: Channel::Visit,
        class: "도로".into(),
        registered_at: DUE,
        received_at: DUE,
        external_number: None,
        receipt: Reference::random(store.random.as_ref()).unwrap(),
        assignees: vec![AccountId::from_bytes([2; 16])],
        desk: Vec::new(),
        amended_at: None,
        closed_at: None,
        holds: Vec::new(),
        locks: Vec::new(),
        gone: Vec::new(),
        key_version: 1,
        units: units.iter().map(|(unit, _)| *unit).collect(),
        wraps: Vec::new(),
        revision: 1,
    };
    let ids = head.units.iter().map(|unit| unit.unit).collect();
    let mut batch = Batch::default();
    let marks = Marks { leaf: 0, number: 0 };
    let lists = scopes(&head);
    store
        .cases
        .put_new(&mut batch, &head, units, &lists, marks)
        .unwrap();
    let event = store.deed(ID, crate::audit::Outcome::Done, "made");
    store.log.event(event, batch).wait().unwrap();
    (case, ids)
}

pub(super) fn order(parts: Vec<Part>) -> Order {
    Order {
        id: ID,
        ground: Ground::Expiry { decision: None },
        parts,
        units: Vec::new(),
        handler: AccountId::from_bytes([3; 16]),
        approver: AccountId::from_bytes([4; 16]),
        witness: None,
        approved_at: DUE,
        due: DUE,
        stage: Stage::Waiting,
    }
}

pub(super) fn part(case: CaseId, what: What) -> Part {
    Part {
        case,
        what,
        kept: None,
    }
}

pub(super) fn place(store: &Store, order: &Order) {
    let mut batch = Batch::default();
    store.place_order(&mut batch, order).unwrap();
    store.engine.commit(batch).wait().unwrap();
}

/// Kinds of the ledger's entries.
pub(super) fn told(store: &Store) -> Vec<&'static str> {
    let leaves = store.engine.leaves(Log::Ledger, 0, Limit::rows(100));
    leaves
        .unwrap()
        .iter()
        .map(|leaf| match Entry::read(&leaf.leaf).unwrap().event {
            Event::Intent(_) => "intent",
            Event::Destroyed(_) => "destroyed",
            Event::Scrubbed(_) => "scrubbed",
            _ => "other",
        })
        .collect()
}

fn alive(store: &Store, units: &[UnitId]) -> usize {
    let lives = |unit: &&UnitId| store.keyring.shred_half(**unit).is_ok();
    units.iter().filter(lives).count()
}

/// One whole case and one person of another are ordered to die.
struct Scene {
    disk: Disk,
    whole: (CaseId, Vec<UnitId>),
    partly: (CaseId, Vec<UnitId>),
}

impl Scene {
    fn new() -> Self {
        let disk = Disk::new();
        let (store, _) = disk.boot();
        let whole = case(&store, 1, Tier::Sensitive);
        let partly = case(&store, 2, Tier::Ordinary);
        let parts = vec![
            part(whole.0, What::Whole),
            part(partly.0, What::Units(vec![partly.1[1]])),
        ];
        place(&store, &order(parts));
        Self {
            disk,
            whole,
            partly,
        }
    }

    fn untouched(&self, store: &Store) {
        assert_eq!(alive(store, &self.whole.1), 3);
        assert_eq!(alive(store, &self.partly.1), 3);
        let head = store.cases.head(self.whole.0).unwrap().unwrap().head;
        assert_eq!(head.state, CaseState::Assigned);
    }

    fn finished(&self, store: &Store) {
        assert_eq!(alive(store, &self.whole.1), 0);
        assert_eq!(alive(store, &self.partly.1), 2, "a living unit was lost");
        let whole = store.cases.head(self.whole.0).unwrap().unwrap().head;
        assert_eq!(whole.state, CaseState::Destroyed);
        assert!(whole.units.is_empty() && whole.wraps.is_empty());
        assert_eq!(whole.gone.len(), 3);
        let partly = store.cases.head(self.partly.0).unwrap().unwrap().head;
        assert_eq!(partly.state, CaseState::Assigned);
        assert_eq!((partly.units.len(), partly.gone.len()), (2, 1));
        for unit in self.whole.1.iter().chain([&self.partly.1[1]]) {
            for case in [self.whole.0, self.partly.0] {
                assert!(store.cases.unit(case, *unit).unwrap().is_none());
            }
        }
        assert!(
            store
                .cases
                .unit(self.partly.0, self.partly.1[0])
                .unwrap()
                .is_some()
        );
        assert_eq!(told(store), ["intent", "destroyed"]);
        assert!(store.destructions.scrub.is_wanted());
    }
}

fn faults() -> [Fault; 3] {
    let full = CommitError::Engine(EngineError::DiskFull);
    [Fault::Before(full), Fault::After, Fault::Stop]
}

/// Two commits make a destruction. Each fails in each way, and the first commit of the recovery in
/// each way again: whatever is found is all or nothing, and in the end it is all, told once.
#[test]
fn a_crash_at_any_commit_rolls_forward_and_is_told_once() {
    for at in 0..2 {
        for first in faults() {
            for second in faults() {
                let scene = Scene::new();
                let (store, engine) = scene.disk.boot();
                engine.arm(at, first.clone());
                assert!(store.execute(ID).is_err(), "{at} {first:?}");
                drop(store);

                let (store, engine) = scene.disk.boot();
                let stage = store.order(ID).unwrap().unwrap().stage;
                if stage == Stage::Waiting {
                    assert_eq!((at, told(&store).len()), (0, 0));
                    scene.untouched(&store);
                }
                engine.arm(0, second.clone());
                let _ = store.resume_destructions();
                let _ = store.execute(ID);
                drop(store);

                let (store, _) = scene.disk.boot();
                store.resume_destructions().unwrap();
                assert_eq!(store.execute(ID).unwrap(), Stage::Destroyed);
                scene.finished(&store);
                store.rotate_index().unwrap();
                store.scrub().unwrap();
                store.scrub().unwrap();
                assert_eq!(told(&store), ["intent", "destroyed", "scrubbed"]);
                assert_eq!(store.execute(ID).unwrap(), Stage::Scrubbed);
            }
        }
    }
}

/// Keys that are gone before the store could say so: what a crash behind the keyring's commit
/// point leaves.
#[test]
fn keys_that_are_gone_already_are_no_error() {
    let scene = Scene::new();
    let (store, engine) = scene.disk.boot();
    engine.arm(1, Fault::Stop);
    assert!(store.execute(ID).is_err());
    assert_eq!(alive(&store, &scene.whole.1), 0);
    assert_eq!(told(&store), ["intent"]);
    assert!(
        store.gates.try_enter(scene.whole.0).is_none(),
        "a case that is half-way can be entered"
    );
    drop(store);
    let (store, _) = scene.disk.boot();
    store.resume_destructions().unwrap();
    scene.finished(&store);
    assert!(store.gates.try_enter(scene.whole.0).is_some());
}

#[test]
fn holds_leaps_and_changed_units_keep_an_order_waiting() {
    let scene = Scene::new();
    let (store, _) = scene.disk.boot();
    let change = |edit: &dyn Fn(&mut Head)| {
        let stored = store.cases.head(scene.partly.0).unwrap().unwrap();
        let mut head = stored.head.clone();
        edit(&mut head);
        let mut batch = Batch::default();
        store
            .cases
            .put_gone(&mut batch, &stored, &head, &[])
            .unwrap();
        store.engine.commit(batch).wait().unwrap();
    };
    let hold = Hold {
        by: AccountId::from_bytes([5; 16]),
        at: DUE,
        ground: "감사".into(),
    };
    change(&|head| head.holds.push(hold.clone()));
    let before = store.engine.log_size(Log::Access);
    assert_eq!(store.execute(ID).unwrap(), Stage::Waiting);
    scene.untouched(&store);
    assert!(told(&store).is_empty());
    assert_eq!(store.engine.log_size(Log::Access), before + 1);
    change(&|head| head.holds.clear());
    let unit = scene.partly.1[1];
    change(&|head| head.units.retain(|u| u.unit != unit));
    assert_eq!(store.execute(ID).unwrap(), Stage::Waiting);
    scene.untouched(&store);

    // A leap of the clock is no time that has passed.
    let scene = Scene::new();
    let (store, _) = scene.disk.boot();
    scene.disk.clock.jump(-60_000);
    assert_eq!(store.execute(ID).unwrap(), Stage::Waiting);
    scene.disk.clock.jump(60_000);
    assert_eq!(store.execute(ID).unwrap(), Stage::Destroyed, "the control");
    scene.finished(&store);
    assert!(scene.disk.clock.now() >= DUE);
}

#[test]
fn a_cancelled_order_destroys_nothing_and_a_begun_one_is_not_cancelled() {
    let scene = Scene::new();
    let (store, _) = scene.disk.boot();
    let mut batch = Batch::default();
    store.cancel_order(&mut batch, ID).unwrap();
    store.engine.commit(batch).wait().unwrap();
    assert_eq!(store.execute(ID).unwrap(), Stage::Cancelled);
    scene.untouched(&store);
    let scene = Scene::new();
    let (store, _) = scene.disk.boot();
    store.execute(ID).unwrap();
    assert!(store.cancel_order(&mut Batch::default(), ID).is_err());
}

#[test]
fn many_cases_die_in_several_batches_and_a_crash_between_them_resumes() {
    let disk = Disk::new();
    let (store, engine) = disk.boot();
    let mut cases = Vec::new();
    for n in 1..=200 {
        cases.push(case(&store, n, Tier::Ordinary));
    }
    let parts = cases.iter().map(|(id, _)| part(*id, What::Whole)).collect();
    place(&store, &order(parts));
    engine.arm(2, Fault::Stop);
    assert!(store.execute(ID).is_err());
    let ended = |store: &Store| {
        let gone = |id: &CaseId| {
            let head = store.cases.head(*id).unwrap().unwrap().head;
            head.state == CaseState::Destroyed
        };
        cases.iter().filter(|(id, _)| gone(id)).count()
    };
    assert_eq!(ended(&store), 128, "the crash is to be between two batches");
    drop(store);
    let (store, _) = disk.boot();
    store.resume_destructions().unwrap();
    assert_eq!(ended(&store), 200);
    assert_eq!(told(&store), ["intent", "destroyed"]);
    assert!(cases.iter().all(|(_, units)| alive(&store, units) == 0));
}

/// A certificate of what was done is whole, and no byte of it can be changed.
#[test]
fn every_changed_byte_of_a_certificate_is_found() {
    use crate::destruction::certificate::{State, verify};
    use crate::merkle::checkpoint::Verifier;

    let scene = Scene::new();
    let (store, _) = scene.disk.boot();
    store.execute(ID).unwrap();
    let issue = |store: &Store| store.issue(&store.order_row(ID).unwrap().unwrap()).unwrap();
    let verifier = Verifier::parse(&store.log.verifier_key()).unwrap();
    let pending = verify(&issue(&store), &verifier, None).unwrap();
    assert_eq!((pending.state, pending.totals.units), (State::Pending, 4));
    store.rotate_index().unwrap();
    store.scrub().unwrap();
    let bytes = issue(&store);
    let kept = store.log.checkpoint(Log::Ledger).unwrap();
    let whole = verify(&bytes, &verifier, Some(&kept)).unwrap();
    assert_eq!(whole.state, State::Complete);
    assert_eq!(whole.leaves.len(), 3);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(verify(&changed, &verifier, None).is_err(), "byte {at}");
    }
    for end in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(verify(&bytes[..end], &verifier, None).is_err());
    }
    let other = Disk::new();
    let (stranger, _) = other.boot();
    let stranger = Verifier::parse(&stranger.log.verifier_key()).unwrap();
    assert!(verify(&bytes, &stranger, None).is_err());
}
