//! A destruction after the backup, and every way to bring the data back from before it.

use std::fs;

use super::scene::{Scene, opened, settings, units_of, words};
use super::{Request, unpack_keyring};
use crate::domain::id::KeyHolderId;
use crate::service::ServiceError;

#[test]
fn what_was_destroyed_after_the_backup_stays_destroyed() {
    let scene = Scene::new();
    let short = scene.restore("keyring", &scene.request(false));
    assert!(
        matches!(short, Err(ServiceError::RestoreRefused(_))),
        "the ledger is shorter"
    );
    assert!(!scene.dir.path().join("new").exists());
    let report = scene.restore("keyring", &scene.request(true)).unwrap();
    scene.check("keyring", &report);
}

#[test]
fn a_keyring_of_before_and_no_ledger_would_bring_it_back() {
    // The control: what only the keyring and the ledger prevent.
    let scene = Scene::new();
    scene
        .restore("keyring-then", &scene.request(false))
        .unwrap();
    let store = scene.reopened("keyring-then");
    assert_eq!(units_of(&store, scene.doomed), scene.units);
    for unit in &scene.units {
        assert!(store.keyring.shred_half(*unit).is_ok());
    }
}

#[test]
fn data_and_keyring_lost_together_come_back_without_the_destroyed() {
    let scene = Scene::new();
    let at = scene.dir.path().join("keyring-back");
    let serial = unpack_keyring(&at, &scene.capsule, &words()).unwrap();
    let shut = opened(&settings(scene.dir.path(), "data", "keyring-back")).err();
    assert_eq!(shut, Some(ServiceError::Restoring));
    let stranger = Request {
        capsule: Some(KeyHolderId::from_bytes([1; 16])),
        ..scene.request(true)
    };
    assert!(scene.restore("keyring-back", &stranger).is_err());
    let request = Request {
        capsule: Some(serial),
        ..scene.request(true)
    };
    let report = scene.restore("keyring-back", &request).unwrap();
    scene.check("keyring-back", &report);
    let store = scene.reopened("keyring-back");
    for unit in &scene.unnamed {
        assert!(store.keyring.shred_half(*unit).is_err(), "{unit:?}");
    }
}

#[test]
fn a_bundle_that_was_cut_or_changed_is_refused_and_changes_nothing() {
    let scene = Scene::new();
    let bytes = fs::read(&scene.ledger).unwrap();
    for bad in [
        bytes[..bytes.len() - 40].to_vec(),
        bytes.iter().rev().copied().collect(),
        [&bytes[..], b"x"].concat(),
    ] {
        fs::write(&scene.ledger, bad).unwrap();
        let refused = scene.restore("keyring", &scene.request(true));
        assert!(matches!(refused, Err(ServiceError::RestoreRefused(_))));
    }
    fs::write(&scene.ledger, bytes).unwrap();
    opened(&settings(scene.dir.path(), "data", "keyring"))
        .unwrap()
        .close()
        .unwrap();
    scene.restore("keyring", &scene.request(true)).unwrap();
}
