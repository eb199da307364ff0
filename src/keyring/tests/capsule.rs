//! Copies of a keyring, restores, and what the keyring remembers of accounts.

use std::collections::HashSet;

use super::{COST, clock, random, secret};
use crate::domain::id::{AccountId, BackupId, KeyHolderId, UnitId};
use crate::domain::secret::SecretText;
use crate::domain::tier::{Tier, UnitKind};
use crate::keyring::{Capsule, CapsuleError, Floor, Keyring, KeyringError};

const SERIAL: KeyHolderId = KeyHolderId::from_bytes([7; 16]);

fn words() -> SecretText {
    SecretText::new("the words of the copy".to_owned())
}

fn made(dir: &std::path::Path) -> Keyring {
    Keyring::init(dir, &secret("store"), COST, random(), clock()).unwrap()
}

fn open(dir: &std::path::Path) -> Keyring {
    Keyring::open(dir, &secret("store"), random(), clock()).unwrap()
}

fn half(keyring: &Keyring, unit: UnitId) -> Option<[u8; 32]> {
    keyring
        .shred_half(unit)
        .ok()
        .map(|half| *half.secret().expose())
}

#[test]
fn a_capsule_holds_what_lived_and_opens_only_with_both_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = made(&dir.path().join("own"));
    let unit = || keyring.allocate(Tier::Ordinary, UnitKind::Person).unwrap();
    let (alive, dead, dies) = (unit(), unit(), unit());
    keyring.puncture(&[dead]).unwrap();
    let version = keyring.root_version();
    let capsule = keyring.capsule(SERIAL, &words(), COST).unwrap();
    assert_eq!(keyring.root_version(), version, "making one writes nothing");
    assert!(keyring.restoring().is_none());
    assert_eq!(
        (capsule.version, keyring.last_puncture()),
        (version, version)
    );
    keyring.puncture(&[dies]).unwrap();
    assert!(
        keyring.last_puncture() > capsule.version,
        "the capsule is stale"
    );

    assert_eq!(Capsule::serial(&capsule.bytes).unwrap(), SERIAL);
    let at = dir.path().join("copy");
    let other = SecretText::new("other words".to_owned());
    let wrong = Capsule::unpack(&capsule.bytes, &other, &at);
    assert!(matches!(wrong, Err(CapsuleError::WrongSecret)) && !at.exists());
    Capsule::unpack(&capsule.bytes, &words(), &at).unwrap();
    let again = Capsule::unpack(&capsule.bytes, &words(), &at);
    assert!(matches!(
        again,
        Err(CapsuleError::Keyring(KeyringError::Exists))
    ));
    let refused = Keyring::open(&at, &secret("not the store's"), random(), clock());
    assert!(matches!(refused, Err(KeyringError::WrongSecret)));
    let copy = open(&at);
    assert_eq!(half(&copy, alive), half(&keyring, alive));
    assert!(half(&copy, alive).is_some() && half(&copy, dies).is_some());
    assert!(half(&copy, dead).is_none());
    assert_eq!(
        copy.restoring().and_then(|begun| begun.capsule),
        Some(SERIAL)
    );
    copy.finish_restore(Floor::default()).unwrap();
    drop(copy);
    assert!(open(&at).restoring().is_none());
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_capsule_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = made(&dir.path().join("own"));
    let bytes = keyring.capsule(SERIAL, &words(), COST).unwrap().bytes;
    let at = dir.path().join("copy");
    // The cost in the header is tried as it stands, and a great one takes its time.
    let places = (0..22)
        .chain(30..60)
        .chain([bytes.len() / 2, bytes.len() - 1]);
    for place in places {
        let mut bad = bytes.clone();
        bad[place] ^= 1;
        assert!(
            Capsule::unpack(&bad, &words(), &at).is_err(),
            "byte {place}"
        );
    }
    for length in [0, 10, 45, 46, bytes.len() - 1] {
        assert!(Capsule::unpack(&bytes[..length], &words(), &at).is_err());
    }
    assert!(!at.exists());
    Capsule::unpack(&bytes, &words(), &at).unwrap();
}

#[test]
fn a_restore_lowers_the_floor_once_and_survives_being_broken_off() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = made(dir.path());
    let high = Floor {
        access_size: 100,
        ledger_size: 9,
        ..Floor::default()
    };
    let low = Floor {
        access_size: 40,
        ledger_size: 9,
        ..Floor::default()
    };
    keyring.set_floor(high).unwrap();
    keyring.set_floor(low).unwrap();
    assert_eq!(keyring.floor(), high, "nothing else lowers it");
    let (one, two) = (BackupId::from_bytes([1; 16]), BackupId::from_bytes([2; 16]));
    keyring.begin_restore(one, low).unwrap();
    drop(keyring);
    let keyring = open(dir.path());
    let begun = keyring.restoring().unwrap();
    assert_eq!((begun.backup, begun.floor), (Some(one), high));
    assert_eq!(keyring.floor(), low);
    keyring.begin_restore(one, Floor::default()).unwrap();
    assert_eq!(keyring.floor(), low, "the same one goes on where it was");
    let other = keyring.begin_restore(two, low);
    assert!(matches!(other, Err(KeyringError::Restoring)));
    keyring.finish_restore(high).unwrap();
    assert_eq!((keyring.restoring(), keyring.floor()), (None, high));
}

#[test]
fn revisions_of_accounts_only_rise_and_cost_a_write_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = made(dir.path());
    let (a, b) = (
        AccountId::from_bytes([1; 16]),
        AccountId::from_bytes([2; 16]),
    );
    keyring.raise_credentials([(a, 3), (b, 0)]).unwrap();
    let version = keyring.root_version();
    keyring.raise_credentials([(a, 2), (b, 0)]).unwrap();
    assert_eq!(keyring.root_version(), version);
    keyring.raise_credentials([(b, 1)]).unwrap();
    drop(keyring);
    let known = open(dir.path()).credentials();
    assert_eq!((known.get(&a), known.get(&b)), (Some(&3), Some(&1)));
}

#[test]
fn keeping_only_what_rows_name_kills_the_rest_of_those_kinds_alone() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = made(dir.path());
    let unit = |kind| keyring.allocate(Tier::Sensitive, kind).unwrap();
    let (named, unnamed) = (unit(UnitKind::Person), unit(UnitKind::Person));
    let other = unit(UnitKind::Attachment);
    let keep = HashSet::from([named]);
    let kinds = [(Tier::Sensitive, UnitKind::Person)];
    assert_eq!(keyring.keep_only(&kinds, &keep).unwrap(), 1023);
    let lives = |unit| half(&keyring, unit).is_some();
    assert_eq!(
        (lives(named), lives(unnamed), lives(other)),
        (true, false, true)
    );
}
