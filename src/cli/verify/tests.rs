//! Bundles that are whole, changed, cut back, of the other log, or under another key.

use std::fs;
use std::path::PathBuf;

use super::super::testing::Tape;
use super::*;
use crate::domain::secret::Secret;
use crate::merkle::bundle::write_bundle;
use crate::merkle::checkpoint::{Checkpoint, Signer};
use crate::merkle::tree::{Frontier, leaf_hash};

const LEAVES: u64 = 300;

struct Desk {
    dir: tempfile::TempDir,
    signer: Signer,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            dir: tempfile::tempdir().unwrap(),
            signer: Signer::new("bongham/test", &Secret::new([7; 32])).unwrap(),
        };
        fs::write(desk.at("key"), desk.signer.verifier_key()).unwrap();
        desk
    }
    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn leaf(index: u64) -> Vec<u8> {
        format!("leaf number {index}").into_bytes()
    }
    fn note(&self, log: &str, size: u64) -> String {
        let mut tree = Frontier::default();
        (0..size).for_each(|i| tree.push(leaf_hash(&Self::leaf(i))));
        let checkpoint = Checkpoint {
            origin: format!("bongham/test/{log}"),
            size,
            root: tree.root(),
            extensions: Vec::new(),
        };
        self.signer.sign(&checkpoint).unwrap()
    }
    fn bundle(&self, name: &str, log: &str, size: u64) -> PathBuf {
        let leaves = (0..size).map(|i| Ok::<_, String>(Self::leaf(i)));
        let mut bytes = Vec::new();
        write_bundle(&mut bytes, &self.note(log, size), leaves).unwrap();
        fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }
    fn verify(&self, bundle: &Path, kept: Option<&Path>) -> Result<String, Failure> {
        let result = Tape::default();
        let mut out = Out::new(true, Box::new(result.clone()), Box::new(std::io::sink()));
        verify(Trail::Log, bundle, &self.at("key"), kept, &mut out)?;
        Ok(result.text())
    }
}

#[test]
fn a_whole_bundle_passes_and_a_changed_one_names_the_entry() {
    let desk = Desk::new();
    let bundle = desk.bundle("b", "access", LEAVES);
    let shown: serde_json::Value =
        serde_json::from_str(&desk.verify(&bundle, None).unwrap()).unwrap();
    assert_eq!(
        (&shown["whole"], &shown["entries"]),
        (&json!(true), &json!(LEAVES))
    );
    let mut bytes = fs::read(&bundle).unwrap();
    let leaf = Desk::leaf(123);
    let at = bytes.windows(leaf.len()).position(|w| w == leaf).unwrap();
    bytes[at] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let failure = desk.verify(&bundle, None).unwrap_err();
    assert_eq!(failure.exit(), super::super::failure::Exit::Failed);
    assert!(failure.to_string().contains("entry 123"), "{failure}");
}

#[test]
fn a_log_cut_back_is_found_by_the_kept_checkpoint_alone() {
    let desk = Desk::new();
    let cut = desk.bundle("b", "access", LEAVES - 50);
    assert!(desk.verify(&cut, None).is_ok(), "whole in itself");
    let kept = desk.at("kept");
    fs::write(&kept, desk.note("access", LEAVES)).unwrap();
    assert!(
        desk.verify(&cut, Some(&kept))
            .unwrap_err()
            .to_string()
            .contains("cut back")
    );
    fs::write(&kept, desk.note("access", 10)).unwrap();
    assert!(
        desk.verify(&cut, Some(&kept)).is_ok(),
        "an older one is no objection"
    );
}

#[test]
fn the_other_log_another_key_and_no_key_do_not_pass() {
    let desk = Desk::new();
    let ledger = desk.bundle("l", "ledger", 3);
    assert!(
        desk.verify(&ledger, None)
            .unwrap_err()
            .to_string()
            .contains("not of the access log")
    );
    let bundle = desk.bundle("b", "access", 3);
    assert!(desk.verify(&bundle, None).is_ok());
    let other = Signer::new("bongham/test", &Secret::new([8; 32])).unwrap();
    fs::write(desk.at("key"), other.verifier_key()).unwrap();
    assert!(desk.verify(&bundle, None).is_err());
    fs::write(desk.at("key"), "no key").unwrap();
    let failure = desk.verify(&bundle, None).unwrap_err();
    assert_eq!(failure.exit(), super::super::failure::Exit::Usage);
}
