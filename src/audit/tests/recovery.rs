//! Opening again: what is made anew, and what is refused.

use super::*;
use crate::merkle::checkpoint::{Checkpoint, Verifier};
use crate::merkle::proof::verify_inclusion;
use crate::merkle::tree::Hash;

/// 80 entries, of which the checkpoints vouch for all.
fn written(seed: u64) -> (Office, u64) {
    let office = Office::new(seed);
    let log = office.open().unwrap();
    for n in 0..80 {
        let _ = read(&log, n % 3, n % 7);
    }
    log.tick().unwrap();
    (office, 80)
}

fn regressed(found: Result<AccessLog, LogError>, names: &str) {
    match found.err() {
        Some(LogError::Regressed(why)) => assert!(why.contains(names), "{why}"),
        other => panic!("{other:?}"),
    }
}

fn remove(dir: &Path, names: &[&str]) {
    for name in names {
        std::fs::remove_file(dir.join(name)).unwrap();
    }
}

const HASHES: [&str; 2] = ["hashes.access", "hashes.ledger"];
const CHECKPOINTS: [&str; 2] = ["checkpoint.access", "checkpoint.ledger"];

#[test]
fn a_log_cut_back_below_its_checkpoint_is_refused() {
    let (office, size) = written(40);
    let (_dir, whole) = office.trial(office.copy(size, |_, _| {}), |_| ());
    assert!(whole.is_ok(), "the control");
    for cut in [size - 1, 40, 0] {
        for files in [&[][..], &HASHES] {
            let engine = office.copy(cut, |_, _| {});
            let (_dir, found) = office.trial(engine, |dir| remove(dir, files));
            regressed(found, "checkpoint.access");
        }
    }
    // Beside a genuine older checkpoint, that of the other log still shows it.
    let log = office.open().unwrap();
    let old = std::fs::read(office.files().join("checkpoint.access")).unwrap();
    let _ = read(&log, 1, 1);
    log.checkpoint(Log::Ledger).unwrap();
    let older = |dir: &Path| std::fs::write(dir.join("checkpoint.access"), &old).unwrap();
    let (_dir, whole) = office.trial(office.copy(size + 1, |_, _| {}), older);
    assert!(whole.is_ok(), "the control");
    let (_dir, found) = office.trial(office.copy(size, |_, _| {}), older);
    regressed(found, "checkpoint.ledger");
}

#[test]
fn a_log_cut_back_below_the_floor_is_refused() {
    let office = Office::new(41);
    let log = office.open().unwrap();
    // Files as they were when the log was empty: genuine, but old.
    let keep = || office.trial(office.copy(0, |_, _| {}), |_| ()).0;
    let old = [keep(), keep(), keep()];
    for n in 0..80 {
        let _ = read(&log, n % 3, n % 7);
    }
    let cut = || office.copy(40, |_, _| {});
    assert!(
        office.open_at(cut(), old[0].path()).is_ok(),
        "the control: old files alone do not show it"
    );
    office.keyring.set_floor(log.floor().unwrap()).unwrap();
    regressed(office.open_at(cut(), old[1].path()), "keyring");
    let empty = office.copy(0, |_, _| {});
    regressed(office.open_at(empty, old[2].path()), "keyring");
    let whole = office.copy(80, |_, _| {});
    assert!(office.open_with(whole).is_ok());
}

#[test]
fn a_log_cut_back_and_grown_again_is_refused() {
    let (office, size) = written(42);
    // With the same keys, as a thief of them could.
    let engine = office.copy(40, |_, _| {});
    let files = tempfile::tempdir().unwrap();
    let empty = Arc::new(MemoryEngine::new(office.clock.clone()));
    drop(office.open_at(empty, files.path()).unwrap());
    let forger = office.open_at(engine.clone(), files.path()).unwrap();
    while engine.log_size(Log::Access) < size + 100 {
        let _ = read(&forger, 1, 1);
    }
    for files in [&[][..], &HASHES] {
        let (_dir, found) = office.trial(engine.clone(), |dir| remove(dir, files));
        regressed(found, "checkpoint.access");
    }
}

#[test]
fn a_changed_entry_is_refused_when_hashes_are_made_anew() {
    let (office, size) = written(43);
    let change = |index: u64, leaf: &mut Leaf| {
        if index == 3 {
            leaf.leaf[crate::audit::entry::STAMP_AT + 7] ^= 1;
        }
    };
    let without = |dir: &Path| remove(dir, &HASHES);
    let (_dir, control) = office.trial(office.copy(size, |_, _| {}), without);
    assert!(control.is_ok(), "the control");
    let (_dir, found) = office.trial(office.copy(size, change), without);
    regressed(found, "checkpoint.access");
    office
        .keyring
        .set_floor(office.open().unwrap().floor().unwrap())
        .unwrap();
    let (_dir, found) = office.trial(office.copy(size, change), without);
    regressed(found, "keyring");
}

#[test]
fn hash_files_in_doubt_are_made_anew() {
    let (office, size) = written(44);
    let log = office.open().unwrap();
    let floor = log.floor().unwrap();
    let edit = |dir: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let path = dir.join("hashes.access");
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
    };
    let damages: [fn(&mut Vec<u8>); 7] = [
        Vec::clear,
        |bytes| bytes.truncate(bytes.len() - 7),
        |bytes| bytes.truncate(900),
        |bytes| bytes[16] = 2,
        |bytes| bytes[17] = 1,
        // Everything behind the head, as after a crash that kept the length alone.
        |bytes| bytes[32..].fill(0),
        |bytes| bytes.extend([7; 64]),
    ];
    for (n, damage) in damages.iter().enumerate() {
        let (dir, found) = office.trial(office.engine.clone(), |dir| edit(dir, damage));
        let log = found.unwrap();
        assert_eq!(log.floor().unwrap(), floor, "damage {n}");
        let _ = log.inclusion(Log::Access, 0, size).unwrap();
        let left = dir.path().join("hashes.access.new");
        assert!(!left.exists(), "damage {n}");
    }
    // One hash that only some proofs need: found when such a proof is made.
    let (dir, found) = office.trial(office.engine.clone(), |dir| {
        edit(dir, &|bytes| bytes[32..64].fill(0));
    });
    let log = found.unwrap();
    let first = || std::fs::read(dir.path().join("hashes.access")).unwrap()[32..64].to_vec();
    assert_eq!(first(), [0; 32], "opening does not see it");
    let proof = log.inclusion(Log::Access, 1, size).unwrap();
    verify_inclusion(&proof.proof, 1, size, proof.leaf, Hash(floor.access_root)).unwrap();
    assert_ne!(first(), [0; 32]);
}

#[test]
fn checkpoints_that_are_missing_foreign_or_damaged_are_refused() {
    let (office, _) = written(45);
    let engine = || office.engine.clone();
    let (_dir, found) = office.trial(engine(), |dir| remove(dir, &["checkpoint.access"]));
    regressed(found, "missing");
    let (_dir, found) = office.trial(engine(), |dir| remove(dir, &CHECKPOINTS));
    regressed(found, "missing");
    let (_dir, found) = office.trial(engine(), |dir| {
        let path = dir.join("checkpoint.access");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\n80\n", "\n70\n", 1)).unwrap();
    });
    regressed(found, "checkpoint.access is not one of this store");
    let (_dir, found) = office.trial(engine(), |dir| {
        let from = dir.join("checkpoint.ledger");
        std::fs::copy(from, dir.join("checkpoint.access")).unwrap();
    });
    regressed(found, "another origin");
    let (_dir, found) = office.trial(engine(), |dir| {
        std::fs::write(dir.join("checkpoint.access"), [0xff; 300]).unwrap();
    });
    regressed(found, "not text");
    let (stranger, _) = written(46);
    let (_dir, found) = office.trial(engine(), |dir| {
        let from = stranger.files().join("checkpoint.access");
        std::fs::copy(from, dir.join("checkpoint.access")).unwrap();
    });
    regressed(found, "checkpoint.access is not one of this store");
    let (_dir, found) = office.trial(engine(), |_| ());
    assert!(found.is_ok(), "the control");
}

fn published(office: &Office, log: &AccessLog, which: &str) -> Checkpoint {
    let note = std::fs::read_to_string(office.files().join(which)).unwrap();
    let verifier = Verifier::parse(&log.verifier_key()).unwrap();
    verifier.open(&note).unwrap()
}

#[test]
fn both_logs_begin_with_signed_empty_checkpoints_that_name_each_other() {
    let office = Office::new(47);
    let log = office.open().unwrap();
    let access = published(&office, &log, "checkpoint.access");
    let ledger = published(&office, &log, "checkpoint.ledger");
    assert_eq!((access.size, ledger.size), (0, 0));
    let store = access.origin.strip_suffix("/access").unwrap();
    assert_eq!(ledger.origin, format!("{store}/ledger"));
    assert!(log.verifier_key().starts_with(&format!("{store}+")));
    let id = store.strip_prefix("bongham/").unwrap();
    assert!(id.parse::<AccountId>().is_ok(), "{id}");
    let other = access.other().unwrap();
    assert_eq!((other.origin, other.size), (ledger.origin, 0));
    assert_eq!(other.root, ledger.root);
}

#[test]
fn a_tick_publishes_what_has_grown_and_nothing_else() {
    let office = Office::new(48);
    let log = office.open().unwrap();
    let written = |which: &str| {
        let meta = std::fs::metadata(office.files().join(which)).unwrap();
        std::os::unix::fs::MetadataExt::ino(&meta)
    };
    let before = (written("checkpoint.access"), written("checkpoint.ledger"));
    log.tick().unwrap();
    let after = (written("checkpoint.access"), written("checkpoint.ledger"));
    assert_eq!(before, after);
    let _ = read(&log, 1, 1);
    log.tick().unwrap();
    assert_eq!(published(&office, &log, "checkpoint.access").size, 1);
    assert_eq!(written("checkpoint.ledger"), before.1);
    // On demand, the ledger's names the access log as it is now.
    log.checkpoint(Log::Ledger).unwrap();
    let other = published(&office, &log, "checkpoint.ledger").other();
    assert_eq!(other.unwrap().size, 1);
    assert!(!office.files().join("checkpoint.access.new").exists());
}

#[test]
fn nothing_smaller_is_signed_than_was_signed() {
    let office = Office::new(49);
    let faulty = Arc::new(Faulty::new(office.engine.clone()));
    let log = office.open_with(faulty.clone()).unwrap();
    for n in 0..5 {
        let _ = read(&log, n, n);
    }
    let before = log.checkpoint(Log::Access).unwrap();
    let file = || std::fs::read_to_string(office.files().join("checkpoint.access")).unwrap();
    faulty.hidden.store(2, Ordering::SeqCst);
    for refused in [log.checkpoint(Log::Access).err(), log.tick().err()] {
        assert!(matches!(refused, Some(LogError::Regressed(_))));
    }
    assert!(log.floor().is_err());
    assert_eq!(file(), before);
    faulty.hidden.store(0, Ordering::SeqCst);
    let _ = read(&log, 1, 1);
    assert_ne!(log.checkpoint(Log::Access).unwrap(), before, "the control");
}
