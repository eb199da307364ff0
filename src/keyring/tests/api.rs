//! What callers rely on, on a real disk.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::domain::id::{DepartmentId, UnitId};
use crate::domain::tier::{Tier, UnitKind};
use crate::keyring::puncture::Holder;
use crate::keyring::storage::Disk;
use crate::keyring::{Floor, ServerKey};

const NARRATIVE: (Tier, UnitKind) = (Tier::Sensitive, UnitKind::Narrative);

fn init(dir: &Path) -> Keyring {
    Keyring::init(dir, &secret("봉함"), COST, random(), clock()).unwrap()
}

fn open_with(dir: &Path, passphrase: &str) -> Result<Keyring, KeyringError> {
    Keyring::open(dir, &secret(passphrase), random(), clock())
}

fn open(dir: &Path) -> Keyring {
    open_with(dir, "봉함").unwrap()
}

fn allocate(keyring: &Keyring, count: usize) -> Vec<UnitId> {
    let one = |_| keyring.allocate(NARRATIVE.0, NARRATIVE.1).unwrap();
    (0..count).map(one).collect()
}

fn half(keyring: &Keyring, unit: UnitId) -> Option<[u8; 32]> {
    keyring
        .shred_half(unit)
        .ok()
        .map(|half| *half.secret().expose())
}

/// Every file of the keyring with its bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for folder in [dir.to_owned(), dir.join("buckets")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                all.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

fn copy_to(from: &Path, to: &Path) {
    fs::create_dir(to.join("buckets")).unwrap();
    for (path, bytes) in files(from) {
        fs::write(to.join(Path::new(&path).strip_prefix(from).unwrap()), bytes).unwrap();
    }
}

#[test]
fn everything_is_there_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let units = allocate(&keyring, 3);
    let department = DepartmentId::from_bytes([4; 16]);
    let (version, key) = keyring.department_key(department).unwrap();
    let floor = Floor {
        access_size: 9,
        access_root: [9; 32],
        ..Floor::default()
    };
    keyring.set_floor(floor).unwrap();
    let at = keyring.puncture(&units[..1]).unwrap();
    let halves: Vec<_> = units.iter().map(|unit| half(&keyring, *unit)).collect();
    assert!(halves[0].is_none() && halves[1].is_some() && halves[1] != halves[2]);
    let (row, seed) = (
        keyring.server_key(ServerKey::Row),
        keyring.log_signing_seed(),
    );
    drop(keyring);

    let again = open(dir.path());
    assert_eq!(
        units
            .iter()
            .map(|unit| half(&again, *unit))
            .collect::<Vec<_>>(),
        halves
    );
    assert_eq!((again.root_version(), again.floor()), (at, floor));
    assert_eq!(again.server_key(ServerKey::Row).expose(), row.expose());
    assert_eq!(again.log_signing_seed().expose(), seed.expose());
    let (same, found) = again.department_key(department).unwrap();
    assert_eq!(
        (same, found.secret().expose()),
        (version, key.secret().expose())
    );
    assert!(
        again
            .department_key_version(department, version + 1)
            .is_none()
    );
    assert!(again.department_key_version(department, version).is_some());
    assert_eq!(again.root_version(), at, "nothing of this wrote");
}

#[test]
fn server_keys_differ_from_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let all = [
        ServerKey::Location,
        ServerKey::Row,
        ServerKey::LogIndex,
        ServerKey::Pepper,
        ServerKey::Journal,
        ServerKey::Audit,
        ServerKey::RetainedJournal,
        ServerKey::RetainedLocation,
        ServerKey::RetainedRow,
    ];
    let keys: BTreeSet<_> = all
        .iter()
        .map(|key| *keyring.server_key(*key).expose())
        .collect();
    assert_eq!(keys.len(), all.len());
}

#[test]
fn registering_from_an_open_block_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let before = files(dir.path());
    let first = allocate(&keyring, 1);
    let opened = files(dir.path());
    assert_ne!(
        opened, before,
        "opening a block is seen by this very comparison"
    );
    let rest = allocate(&keyring, 1023);
    assert_eq!(files(dir.path()), opened);
    assert_eq!(keyring.root_version(), 2);
    let all: BTreeSet<UnitId> = first.into_iter().chain(rest).collect();
    assert_eq!(all.len(), 1024);
}

#[test]
fn no_key_is_issued_twice_neither_after_a_restart_nor_from_an_older_copy() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let mut issued = BTreeSet::new();
    let mut issue = |keyring: &Keyring| {
        for unit in allocate(keyring, 10) {
            assert!(issued.insert(half(keyring, unit).unwrap()));
        }
    };
    let keyring = init(dir.path());
    issue(&keyring);
    copy_to(dir.path(), copy.path());
    issue(&keyring);
    drop(keyring);
    issue(&open(dir.path()));
    issue(&open(copy.path()));
}

#[test]
fn blocks_double_while_they_are_used_up_quickly_and_start_over_when_not() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let keyring = Keyring::init(
        dir.path(),
        &secret("a"),
        COST,
        random(),
        Arc::clone(&clock) as _,
    )
    .unwrap();
    allocate(&keyring, 7 * 1024);
    assert_eq!(keyring.root_version(), 4, "blocks of 1, 2 and 4 buckets");
    clock.advance(Duration::from_secs(3600));
    allocate(&keyring, 1024);
    assert_eq!(keyring.root_version(), 5);
    clock.advance(Duration::from_secs(3600));
    allocate(&keyring, 1);
    assert_eq!(
        keyring.root_version(),
        6,
        "a bucket that lasted an hour is followed by one"
    );
}

#[test]
fn a_full_root_goes_on_in_a_larger_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Holder::new(Arc::new(Disk::create(dir.path()).unwrap()), random());
    holder.root_bytes = 2048;
    let keyring = Keyring::init_on(holder, &secret("봉함"), COST, clock()).unwrap();
    let units = allocate(&keyring, 130 * 1024);
    let last = half(&keyring, units[units.len() - 1]);
    let sizes = ["r0", "r1"].map(|name| fs::metadata(dir.path().join(name)).unwrap().len());
    assert!(sizes.iter().all(|size| *size >= 4096), "{sizes:?}");
    drop(keyring);
    assert_eq!(half(&open(dir.path()), units[units.len() - 1]), last);
}

#[test]
fn classes_do_not_share_buckets() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let keyring = Keyring::init(
        dir.path(),
        &secret("a"),
        COST,
        random(),
        Arc::clone(&clock) as _,
    )
    .unwrap();
    let bucket = |tier, kind| keyring.allocate(tier, kind).unwrap().bucket();
    let mut seen = BTreeSet::new();
    seen.insert(bucket(Tier::Sensitive, UnitKind::Narrative));
    seen.insert(bucket(Tier::Ordinary, UnitKind::Narrative));
    seen.insert(bucket(Tier::Sensitive, UnitKind::Person));
    clock.advance(Duration::from_secs(92 * 86_400));
    seen.insert(bucket(Tier::Sensitive, UnitKind::Narrative));
    assert_eq!(seen.len(), 4);
}

#[test]
fn threads_get_different_units() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let each = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| allocate(&keyring, 1000)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(each.iter().collect::<BTreeSet<_>>().len(), 4000);
}

#[test]
fn a_puncture_is_final_repeatable_and_spares_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let units = allocate(&keyring, 2000);
    let halves: Vec<_> = units
        .iter()
        .map(|unit| half(&keyring, *unit).unwrap())
        .collect();
    let gone: Vec<UnitId> = units.iter().step_by(7).copied().collect();
    let version = keyring.puncture(&gone).unwrap();
    assert_eq!(
        keyring.puncture(&gone).unwrap(),
        version,
        "nothing left to do, nothing written"
    );
    let unknown = UnitId::new(900_000, 1).unwrap();
    assert_eq!(keyring.puncture(&[unknown]).unwrap(), version);
    let copy = tempfile::tempdir().unwrap();
    copy_to(dir.path(), copy.path());
    for keyring in [keyring, open(copy.path())] {
        for (at, unit) in units.iter().enumerate() {
            let wanted = (at % 7 != 0).then_some(halves[at]);
            assert_eq!(half(&keyring, *unit), wanted);
        }
        assert_eq!(half(&keyring, unknown), None);
    }
}

#[test]
fn a_bucket_without_live_slots_leaves_no_file_and_is_never_issued_from() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let first = allocate(&keyring, 1)[0];
    keyring.puncture(&[first]).unwrap();
    assert_eq!(fs::read_dir(dir.path().join("buckets")).unwrap().count(), 1);
    let all: Vec<UnitId> = (0..1024)
        .map(|slot| UnitId::new(first.bucket(), slot).unwrap())
        .collect();
    keyring.puncture(&all).unwrap();
    assert_eq!(fs::read_dir(dir.path().join("buckets")).unwrap().count(), 0);
    let next = allocate(&keyring, 1)[0];
    assert!(next.bucket() != first.bucket() && half(&keyring, next).is_some());
}

#[test]
fn init_never_overwrites_and_open_needs_a_keyring() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("above/keyring");
    assert!(matches!(
        open_with(&place, "봉함"),
        Err(KeyringError::Missing)
    ));
    drop(init(&place));
    let before = files(&place);
    let again = Keyring::init(&place, &secret("other"), COST, random(), clock());
    assert!(matches!(again, Err(KeyringError::Exists)));
    assert_eq!(files(&place), before);
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    assert!(matches!(
        open_with(dir.path(), "봉함"),
        Err(KeyringError::InUse)
    ));
    drop(keyring);
    open(dir.path());
}

#[test]
fn only_the_owner_may_read_and_names_tell_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("keyring");
    let keyring = init(&place);
    let units = allocate(&keyring, 2);
    keyring.puncture(&units[..1]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place), mode(&place.join("buckets"))), (0o700, 0o700));
    let all = files(&place);
    assert_eq!(all.len(), 6, "e0 e1 r0 r1 lock and one blob");
    for (path, _) in all {
        assert_eq!(mode(Path::new(&path)), 0o600, "{path}");
        let name = Path::new(&path).file_name().unwrap().to_str().unwrap();
        let opaque = name.len() == 26 && name.bytes().all(|b| b.is_ascii_alphanumeric());
        assert!(opaque || ["e0", "e1", "r0", "r1", "lock"].contains(&name));
    }
}

#[test]
fn a_changed_secret_opens_and_the_old_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let unit = allocate(&keyring, 1)[0];
    let key = half(&keyring, unit);
    keyring.change_secret(&secret("새 봉함"), COST).unwrap();
    keyring.puncture(&allocate(&keyring, 1)).unwrap();
    drop(keyring);
    assert!(matches!(
        open_with(dir.path(), "봉함"),
        Err(KeyringError::WrongSecret)
    ));
    let again = open_with(dir.path(), "새 봉함").unwrap();
    assert_eq!(half(&again, unit), key);
}

#[test]
fn the_floor_only_rises() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let floor = |access, ledger| Floor {
        access_size: access,
        access_root: [u8::try_from(access).unwrap(); 32],
        ledger_size: ledger,
        ledger_root: [u8::try_from(ledger).unwrap(); 32],
    };
    keyring.set_floor(floor(5, 5)).unwrap();
    keyring.set_floor(floor(4, 6)).unwrap();
    assert_eq!(keyring.floor(), floor(5, 6));
}

#[test]
fn after_a_restore_the_numbers_of_the_lost_time_are_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let lost = UnitId::new(70, 3).unwrap();
    allocate(&keyring, 1);
    keyring.issue_only_after(lost).unwrap();
    assert_eq!(allocate(&keyring, 1)[0].bucket(), 71);
    let version = keyring.root_version();
    keyring.issue_only_after(lost).unwrap();
    assert_eq!(keyring.root_version(), version);
    assert_eq!(
        allocate(&keyring, 1)[0].bucket(),
        72,
        "the open block is closed all the same"
    );
}

#[test]
fn no_reader_gets_a_unit_once_its_puncture_has_returned() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = init(dir.path());
    let units = allocate(&keyring, 40);
    let gone = std::sync::atomic::AtomicUsize::new(0);
    let (late, early) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut late, mut early) = (0, 0);
            loop {
                let before = gone.load(std::sync::atomic::Ordering::SeqCst);
                late += units[..before]
                    .iter()
                    .filter(|u| half(&keyring, **u).is_some())
                    .count();
                early += units[before..]
                    .iter()
                    .filter(|u| half(&keyring, **u).is_some())
                    .count();
                if before == 20 {
                    return (late, early);
                }
            }
        });
        for (at, unit) in units[..20].iter().enumerate() {
            keyring.puncture(&[*unit]).unwrap();
            gone.store(at + 1, std::sync::atomic::Ordering::SeqCst);
        }
        reader.join().unwrap()
    });
    assert_eq!(late, 0);
    assert!(early >= 20, "the reader did read");
}
