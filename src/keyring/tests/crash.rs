//! Crashes at every step, crashes inside the recovery from them, and failing disks.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use super::sim::{Dice, Fault, SimDisk};
use super::*;
use crate::domain::id::{DepartmentId, UnitId};
use crate::domain::tier::{Tier, UnitKind};
use crate::keyring::puncture::Holder;
use crate::keyring::storage::{Side, Storage};
use crate::keyring::{Floor, ServerKey};

const DEPARTMENT: DepartmentId = DepartmentId::from_bytes([3; 16]);
const FLOOR: Floor = Floor {
    access_size: 7,
    access_root: [7; 32],
    ledger_size: 8,
    ledger_root: [8; 32],
};

fn holder(disk: &Arc<SimDisk>) -> Holder {
    let mut holder = Holder::new(Arc::clone(disk) as _, random());
    holder.root_bytes = 2048;
    holder
}

fn open(disk: &Arc<SimDisk>, passphrase: &str) -> Result<Keyring, KeyringError> {
    Keyring::open_on(holder(disk), &secret(passphrase), clock())
}

fn half(keyring: &Keyring, unit: UnitId) -> Option<[u8; 32]> {
    keyring
        .shred_half(unit)
        .ok()
        .map(|half| *half.secret().expose())
}

/// A keyring with a past, and what must be true of it.
struct World {
    disk: Arc<SimDisk>,
    live: BTreeMap<UnitId, [u8; 32]>,
    dead: Vec<UnitId>,
    server_key: [u8; 32],
    version: u64,
}

impl World {
    fn new() -> Self {
        let disk = SimDisk::new(1);
        let keyring = Keyring::init_on(holder(&disk), &secret("old"), COST, clock()).unwrap();
        let kinds = [UnitKind::Narrative, UnitKind::Person, UnitKind::Attachment];
        let mut units = Vec::new();
        for kind in kinds {
            units.extend((0..6).map(|_| keyring.allocate(Tier::Ordinary, kind).unwrap()));
        }
        let live = units
            .iter()
            .map(|unit| (*unit, half(&keyring, *unit).unwrap()));
        let mut world = Self {
            disk: Arc::clone(&disk),
            live: live.collect(),
            dead: vec![units[0], units[1], units[7]],
            server_key: *keyring.server_key(ServerKey::Row).expose(),
            version: keyring.puncture(&[units[0], units[1], units[7]]).unwrap(),
        };
        world.live.retain(|unit, _| !world.dead.contains(unit));
        world
    }
    /// The units that [`Deed::Puncture`] destroys: some of punctured and of whole buckets.
    fn doomed(&self) -> Vec<UnitId> {
        self.live.keys().step_by(2).copied().collect()
    }

    /// Everything that must be true of what is found after a crash in `deed`. `done`: the deed
    /// had returned `Ok`. Tells whether the deed took effect.
    fn check(&self, found: &Keyring, deed: Deed, done: bool) -> bool {
        assert!(found.root_version() >= self.version);
        assert_eq!(*found.server_key(ServerKey::Row).expose(), self.server_key);
        let doomed = if deed == Deed::Puncture {
            self.doomed()
        } else {
            Vec::new()
        };
        for (unit, key) in self.live.iter().filter(|(unit, _)| !doomed.contains(unit)) {
            assert_eq!(half(found, *unit), Some(*key), "a live unit is lost");
        }
        for unit in &self.dead {
            assert_eq!(half(found, *unit), None, "a dead unit came back");
        }
        let gone = doomed
            .iter()
            .filter(|unit| half(found, **unit).is_none())
            .count();
        assert!(gone == 0 || gone == doomed.len(), "half punctured");
        let floor = found.floor();
        assert!(floor == FLOOR || floor == Floor::default());
        let effect = match deed {
            Deed::Puncture => gone > 0,
            Deed::Floor => floor == FLOOR,
            Deed::Department => found.department_key_version(DEPARTMENT, 1).is_some(),
            Deed::Block | Deed::Secret => found.root_version() > self.version,
        };
        assert!(effect || !done, "{deed:?} had returned Ok and is undone");
        effect
    }
}

/// The kinds of change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Puncture,
    Block,
    Department,
    Floor,
    Secret,
}

impl Deed {
    const ALL: [Self; 5] = [
        Self::Puncture,
        Self::Block,
        Self::Department,
        Self::Floor,
        Self::Secret,
    ];

    fn run(self, world: &World, keyring: &Keyring) -> Result<(), KeyringError> {
        match self {
            Self::Puncture => keyring.puncture(&world.doomed()).map(drop),
            Self::Block => keyring
                .allocate(Tier::Retained, UnitKind::Extract)
                .map(drop),
            Self::Department => keyring.department_key(DEPARTMENT).map(drop),
            Self::Floor => keyring.set_floor(FLOOR),
            Self::Secret => keyring.change_secret(&secret("new"), COST),
        }
    }
}

/// Opens with whichever secret must work: the old one, or the new one once it was changed.
fn reopen(disk: &Arc<SimDisk>, deed: Deed, done: bool) -> Result<Keyring, KeyringError> {
    match open(disk, if deed == Deed::Secret { "new" } else { "old" }) {
        Err(KeyringError::WrongSecret) if deed == Deed::Secret && !done => open(disk, "old"),
        other => other,
    }
}

/// Only one root is left, and only the blobs that it names.
fn is_settled(disk: &Arc<SimDisk>, keyring: &Keyring) {
    let holder = holder(disk);
    let version = keyring.root_version();
    assert!(holder.slots.load(Side::of(version)).unwrap().is_some());
    assert!(holder.slots.load(Side::of(version + 1)).unwrap().is_none());
    let mut named: Vec<String> = keyring.look(|root| {
        root.buckets
            .values()
            .filter_map(|bucket| bucket.blob_name())
            .collect()
    });
    named.sort();
    assert_eq!(disk.blobs().unwrap(), named);
}

/// One crash at `step` of a deed and one at `second` of the recovery. `None` once `step` lies
/// behind the deed's end; else whether `second` lay within the recovery.
fn crash(
    world: &World,
    deed: Deed,
    (fault, again): (Fault, Fault),
    step: u64,
    second: u64,
    seed: u64,
) -> Option<bool> {
    let disk = world.disk.fork(seed);
    let keyring = open(&disk, "old").unwrap();
    disk.fail_at(step, fault);
    let done = deed.run(world, &keyring).is_ok();
    drop(keyring);
    disk.restart();

    disk.fail_at(second, again);
    let first = reopen(&disk, deed, done);
    let effect = first
        .as_ref()
        .ok()
        .map(|found| world.check(found, deed, done));
    drop(first);
    disk.restart();
    let within = effect.is_none();

    if done && deed == Deed::Secret {
        assert!(matches!(open(&disk, "old"), Err(KeyringError::WrongSecret)));
    }
    let found = reopen(&disk, deed, done).expect("recovery must succeed");
    let after = world.check(&found, deed, done);
    assert!(
        effect.is_none_or(|before| before == after),
        "an open undid what another saw"
    );
    is_settled(&disk, &found);
    deed.run(world, &found)
        .expect("the deed can be done after all");
    assert!(world.check(&found, deed, true));
    drop(found);
    let last = reopen(&disk, deed, true).unwrap();
    world.check(&last, deed, true);
    is_settled(&disk, &last);
    (!done || within).then_some(within)
}

/// More seeds per step for long runs, e.g. `BONGHAM_CRASH_SEEDS=50`.
fn seeds() -> u64 {
    let set = std::env::var("BONGHAM_CRASH_SEEDS").ok();
    set.map_or(1, |text| {
        text.parse().expect("BONGHAM_CRASH_SEEDS is a number")
    })
}

fn crash_everywhere(faults: (Fault, Fault)) {
    let world = World::new();
    let mut rounds = 0u64;
    for deed in Deed::ALL {
        for seed in 0..seeds() {
            let mut step = 0;
            loop {
                step += 1;
                let mut second = 0;
                let inside = loop {
                    second += 1;
                    rounds += 1;
                    let seed = seed * 1_000_000 + step * 1000 + second;
                    match crash(&world, deed, faults, step, second, seed) {
                        Some(true) => {}
                        other => break other,
                    }
                };
                if inside.is_none() {
                    break;
                }
            }
            assert!(step > 12, "{deed:?} has more steps than that");
        }
    }
    println!("{faults:?}: {rounds} rounds");
    assert!(rounds > 1000);
}

#[test]
fn a_process_may_die_at_any_step_and_again_while_it_recovers() {
    crash_everywhere((Fault::Kill, Fault::Kill));
}

#[test]
fn the_power_may_fail_at_any_step_and_again_during_recovery() {
    crash_everywhere((Fault::PowerCut, Fault::PowerCut));
}

#[test]
fn the_power_may_fail_while_what_a_dead_process_wrote_is_taken_up() {
    crash_everywhere((Fault::Kill, Fault::PowerCut));
}

#[test]
fn a_process_may_die_while_it_recovers_from_a_power_cut() {
    crash_everywhere((Fault::PowerCut, Fault::Kill));
}

/// The control: if the keyring did not sync, or the harness did not cut, these would all pass.
#[test]
fn a_disk_that_does_not_sync_is_caught() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let caught = (0..40).any(|seed| {
        let mut world = World::new();
        world.disk = world.disk.fork(seed).lying();
        let round = || {
            for step in 20..60 {
                crash(
                    &world,
                    Deed::Puncture,
                    (Fault::PowerCut, Fault::PowerCut),
                    step,
                    99,
                    seed,
                );
            }
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(round)).is_err()
    });
    std::panic::set_hook(hook);
    assert!(caught);
}

#[test]
fn a_crash_during_init_leaves_a_keyring_or_none() {
    for fault in [Fault::Kill, Fault::PowerCut] {
        for seed in 0..400 {
            let disk = SimDisk::new(seed);
            let step = 1 + seed % 40;
            disk.fail_at(step, fault);
            let made = Keyring::init_on(holder(&disk), &secret("old"), COST, clock()).is_ok();
            disk.restart();
            match open(&disk, "old") {
                Ok(keyring) => {
                    keyring.allocate(Tier::Ordinary, UnitKind::Person).unwrap();
                }
                Err(KeyringError::Missing | KeyringError::Damaged(_)) => assert!(!made),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// Whether an error is the one that the disk's answer calls for.
fn is_typed(error: &KeyringError, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::StorageFull => matches!(error, KeyringError::DiskFull),
        ErrorKind::ReadOnlyFilesystem => matches!(error, KeyringError::ReadOnly(_)),
        _ => matches!(error, KeyringError::Io(_)),
    }
}

#[test]
fn a_failing_disk_gives_a_typed_error_and_loses_nothing() {
    let world = World::new();
    let kinds = [
        ErrorKind::StorageFull,
        ErrorKind::ReadOnlyFilesystem,
        ErrorKind::Other,
    ];
    let (mut failures, mut seed) = (0, 0);
    for deed in Deed::ALL {
        for fault in kinds
            .map(Fault::Once)
            .into_iter()
            .chain(kinds.map(Fault::From))
        {
            let (Fault::Once(kind) | Fault::From(kind)) = fault else {
                unreachable!()
            };
            for step in 1.. {
                seed += 1;
                let disk = world.disk.fork(seed);
                let keyring = open(&disk, "old").unwrap();
                disk.fail_at(step, fault);
                let result = deed.run(&world, &keyring);
                let happened = disk.mend();
                let effect = world.check(&keyring, deed, result.is_ok());
                let crashed = reopen(&disk.fork(step), deed, false).unwrap();
                world.check(&crashed, deed, effect);
                if let Err(error) = &result {
                    failures += 1;
                    assert!(is_typed(error, kind), "{deed:?} {fault:?} {step}: {error}");
                }
                deed.run(&world, &keyring)
                    .expect("it works once the disk is mended");
                assert!(world.check(&keyring, deed, true));
                // A key that is there already is given without waiting for the writer, so it is
                // the next change that finishes what the failed one left.
                keyring.change(|_, _| Ok(false)).unwrap();
                is_settled(&disk, &keyring);
                drop(keyring);
                world.check(&reopen(&disk, deed, true).unwrap(), deed, true);
                if !happened {
                    break;
                }
            }
        }
    }
    assert!(failures > 300, "{failures}");
}

#[test]
fn a_process_may_die_while_it_repairs_what_a_failing_disk_left() {
    let world = World::new();
    let mut rounds = 0;
    for step in 1.. {
        let mut happened = false;
        for second in 1..50 {
            let disk = world.disk.fork(step * 100 + second);
            let keyring = open(&disk, "old").unwrap();
            disk.fail_at(step, Fault::Once(ErrorKind::Other));
            let _ = Deed::Puncture.run(&world, &keyring);
            happened |= disk.mend();
            disk.fail_at(second, Fault::Kill);
            let done = Deed::Puncture.run(&world, &keyring).is_ok();
            disk.restart();
            let found = open(&disk, "old").expect("recovery must succeed");
            world.check(&found, Deed::Puncture, done);
            rounds += 1;
        }
        if !happened {
            break;
        }
    }
    assert!(rounds > 1000, "{rounds}");
}

#[test]
fn an_open_that_fails_loses_nothing() {
    let world = World::new();
    let mut failures = 0;
    for step in 1.. {
        let disk = world.disk.fork(step);
        disk.fail_at(step, Fault::From(ErrorKind::Other));
        let failed = open(&disk, "old").is_err();
        failures += u32::from(failed);
        if !disk.mend() {
            break;
        }
        world.check(&open(&disk, "old").unwrap(), Deed::Floor, false);
    }
    assert!(failures > 5, "{failures}");
}

#[test]
fn damage_is_named_and_not_taken_for_a_wrong_passphrase() {
    let world = World::new();
    let side = Side::of(world.version);
    let blob = world.disk.blobs().unwrap()[0].clone();
    let refusal = |harm: &dyn Fn(&SimDisk), passphrase| {
        let disk = world.disk.fork(1);
        harm(&disk);
        open(&disk, passphrase).err()
    };
    let flip = |name: &str, at: usize| {
        let name = name.to_owned();
        move |disk: &SimDisk| disk.tamper(&name, |bytes| bytes[at] ^= 1)
    };
    assert!(refusal(&|_| (), "old").is_none(), "unharmed it opens");
    assert!(matches!(
        refusal(&|_| (), "other"),
        Some(KeyringError::WrongSecret)
    ));
    let mut dice = Dice::new(1);
    for name in [side.root(), side.slot(), &blob] {
        let length = world.disk.read(name).unwrap().unwrap().len() as u64;
        // Past the 70 bytes that a slot holds nothing is read.
        let length = if name == side.slot() { 70 } else { length };
        for _ in 0..200 {
            let at = usize::try_from(dice.below(length)).unwrap();
            match refusal(&flip(name, at), "old") {
                Some(KeyringError::Damaged(what)) => assert!(what.contains(name), "{what}"),
                Some(KeyringError::Newer(what)) => assert!(what.contains(name) && at == 4),
                other => panic!(
                    "{name} byte {at}: {:?}",
                    other.map(|error| error.to_string())
                ),
            }
        }
        let cut = |disk: &SimDisk| disk.tamper(name, |bytes| bytes.truncate(60));
        assert!(matches!(
            refusal(&cut, "old"),
            Some(KeyringError::Damaged(_))
        ));
    }
    let lost = |disk: &SimDisk| disk.lose(&blob);
    assert!(matches!(
        refusal(&lost, "old"),
        Some(KeyringError::Damaged(_))
    ));
    let newer = |disk: &SimDisk| disk.tamper(side.root(), |bytes| bytes[4] = 2);
    assert!(matches!(
        refusal(&newer, "old"),
        Some(KeyringError::Newer(_))
    ));
}
