//! Proofs and bundles, as somebody without any key checks them.

use super::*;
use crate::audit::entry::Header;
use crate::merkle::bundle::{Violation, verify};
use crate::merkle::checkpoint::Verifier;
use crate::merkle::proof::{verify_consistency, verify_inclusion};
use crate::merkle::tree::{Frontier, leaf_hash};

/// `count` entries in batches of 100.
fn fill(log: &AccessLog, count: usize) {
    for start in (0..count).step_by(100) {
        let permits = (start..count.min(start + 100))
            .map(|_| (permit::<Read>(1, Some(case(1))), shown(&[1], "r")))
            .collect();
        let _ = log.record_all(permits, Batch::default()).wait().unwrap();
    }
}

fn bundle(log: &AccessLog, which: Log) -> Result<Vec<u8>, LogError> {
    let mut out = Vec::new();
    let count = log.write_bundle(&ask(log), which, &mut out)?;
    let head = String::from_utf8_lossy(&out).into_owned();
    assert!(head.contains(&format!("\n{count}\n")));
    Ok(out)
}

#[test]
fn a_bundle_verifies_with_the_public_key_alone() {
    let office = Office::new(30);
    let log = office.open().unwrap();
    fill(&log, 300);
    let kept = log.checkpoint(Log::Access).unwrap();
    fill(&log, 40);
    let bytes = bundle(&log, Log::Access).unwrap();
    let verifier = Verifier::parse(&log.verifier_key()).unwrap();
    let mut tasks = Vec::new();
    let verified = verify(&bytes[..], &verifier, Some(&kept), |_, leaf| {
        let header = Header::decode(leaf).map_err(|e| e.to_string())?;
        tasks.push(header.task);
        Ok(())
    })
    .unwrap();
    assert_eq!(verified.leaves, 341);
    assert_eq!(
        tasks.last(),
        Some(&Task::ReadLog),
        "the export is in the bundle"
    );
    for needle in ["device-canary", "2001:db8"] {
        assert!(!holds(&bytes, needle.as_bytes()));
    }

    let mut changed = bytes.clone();
    let at = bytes.len() / 2;
    changed[at] ^= 1;
    assert!(verify(&changed[..], &verifier, None, |_, _| Ok(())).is_err());
    let other = Office::new(31).open().unwrap();
    let stranger = Verifier::parse(&other.verifier_key()).unwrap();
    assert!(matches!(
        verify(&bytes[..], &stranger, None, |_, _| Ok(())),
        Err(Violation::Checkpoint(_))
    ));
}

#[test]
fn the_empty_ledger_has_checkpoint_and_bundle_too() {
    let office = Office::new(32);
    let log = office.open().unwrap();
    let bytes = bundle(&log, Log::Ledger).unwrap();
    let verifier = Verifier::parse(&log.verifier_key()).unwrap();
    let verified = verify(&bytes[..], &verifier, None, |_, _| Ok(())).unwrap();
    assert_eq!(verified.leaves, 0);
    assert!(verified.checkpoint.origin.ends_with("/ledger"));
    let other = verified.checkpoint.other().unwrap();
    assert!(other.origin.ends_with("/access"));
    assert_eq!(other.size, 1, "it names the log with the export's entry");
}

#[test]
fn thousands_of_entries_are_caught_up_and_every_proof_holds() {
    let office = Office::new(33);
    let log = office.open().unwrap();
    fill(&log, 1500);
    log.tick().unwrap();
    fill(&log, 37);
    let (from, to) = (1500, 1537);
    let leaves = office.engine.leaves(Log::Access, 0, Limit::rows(2000));
    let mut model = Frontier::default();
    let mut roots = vec![model.root()];
    for leaf in leaves.unwrap() {
        model.push(leaf_hash(&leaf.leaf));
        roots.push(model.root());
    }
    let floor = log.floor().unwrap();
    assert_eq!(floor.access_size, to);
    assert_eq!(floor.access_root, model.root().0);

    for index in (0..to).step_by(61).chain([0, 1499, 1500, 1536]) {
        let proof = log.inclusion(Log::Access, index, to).unwrap();
        assert_eq!(proof.root, model.root());
        verify_inclusion(&proof.proof, index, to, proof.leaf, proof.root).unwrap();
        let elsewhere = verify_inclusion(&proof.proof, index ^ 1, to, proof.leaf, proof.root);
        assert!(elsewhere.is_err());
    }
    for earlier in [1, 2, 255, 256, 1024, from, to] {
        let proof = log.consistency(Log::Access, earlier, to).unwrap();
        assert_eq!(proof.from_root, roots[usize::try_from(earlier).unwrap()]);
        verify_consistency(&proof.proof, earlier, proof.from_root, to, proof.to_root).unwrap();
    }
    let outside = [
        log.inclusion(Log::Access, to, to).err(),
        log.inclusion(Log::Access, 0, to + 1).err(),
        log.inclusion(Log::Ledger, 0, 1).err(),
        log.consistency(Log::Access, 0, to).err(),
        log.consistency(Log::Access, to, to + 1).err(),
        log.consistency(Log::Access, to, from).err(),
    ];
    assert!(outside.iter().all(|e| *e == Some(LogError::Range)));
}

#[test]
fn a_changed_leaf_is_found_by_proof_query_and_bundle() {
    let office = Office::new(34);
    let log = office.open().unwrap();
    fill(&log, 100);
    log.tick().unwrap();
    drop(log);
    let login = Query {
        task: Some(Task::Login),
        ..Query::default()
    };
    let read = Query {
        task: Some(Task::Read),
        ..Query::default()
    };

    let (_dir, log) = office.trial(office.copy(100, |_, _| {}), |_| ());
    let log = log.unwrap();
    assert!(log.inclusion(Log::Access, 3, 100).is_ok(), "the control");
    assert_eq!(all(&log, read, 200).0.len(), 100, "the control");
    assert!(bundle(&log, Log::Access).is_ok(), "the control");

    // Old enough that opening does not look at it: only its task is another.
    let changed = office.copy(100, |index, leaf| {
        if index == 3 {
            let mut header = Header::decode(&leaf.leaf).unwrap();
            header.task = Task::Login;
            leaf.leaf = header.encode().unwrap();
        }
    });
    let (_dir, log) = office.trial(changed, |_| ());
    let log = log.unwrap();
    let regressed = |found: Option<LogError>| {
        assert!(matches!(found, Some(LogError::Regressed(_))), "{found:?}");
    };
    regressed(log.inclusion(Log::Access, 3, 100).err());
    let found = log.entries(&ask(&log), &login, None, Limit::rows(10));
    regressed(found.err());
    regressed(bundle(&log, Log::Access).err());
    assert!(
        log.inclusion(Log::Access, 4, 100).is_ok(),
        "its neighbour stands"
    );
    let body = office.copy(100, |index, leaf| {
        if index == 3 {
            leaf.body.as_mut().unwrap()[200] ^= 1;
        }
    });
    let (_dir, log) = office.trial(body, |_| ());
    let log = log.unwrap();
    let found = log.entries(&ask(&log), &read, None, Limit::rows(200));
    let why = found.unwrap_err().to_string();
    assert!(why.contains("entry 3: its body is not the one"), "{why}");
}
