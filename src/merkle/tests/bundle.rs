use super::super::bundle::{Verified, Violation, WriteError, verify, write_bundle};
use super::super::checkpoint::{Checkpoint, CheckpointError, Signer, Verifier};
use super::super::tree::{Frontier, leaf_hash};
use super::{by_definition, leaves, seed};

pub(super) const FRAME: usize = 44;

pub(super) struct Log {
    pub(super) signer: Signer,
    pub(super) verifier: Verifier,
    pub(super) leaves: Vec<Vec<u8>>,
}

impl Log {
    pub(super) fn of(leaves: Vec<Vec<u8>>) -> Self {
        let signer = Signer::new("bongham/store", &seed(1)).unwrap();
        let verifier = Verifier::parse(&signer.verifier_key()).unwrap();
        Self {
            signer,
            verifier,
            leaves,
        }
    }
    pub(super) fn note(&self, size: usize) -> String {
        let mut frontier = Frontier::default();
        for leaf in &self.leaves[..size] {
            frontier.push(leaf_hash(leaf));
        }
        self.note_with(size, frontier.root())
    }
    pub(super) fn note_with(&self, size: usize, root: super::Hash) -> String {
        let checkpoint = Checkpoint {
            origin: "bongham/store/access".into(),
            size: size as u64,
            root,
            extensions: vec!["other bongham/store/ledger 0 x".into()],
        };
        self.signer.sign(&checkpoint).unwrap()
    }
    pub(super) fn bundle(&self, size: usize) -> Vec<u8> {
        write(&self.note(size), &self.leaves[..size]).unwrap()
    }
    pub(super) fn verify(&self, bytes: &[u8], kept: Option<&str>) -> Result<Verified, Violation> {
        verify(bytes, &self.verifier, kept, |_, _| Ok(()))
    }
    /// Where each entry begins, and the end of the last one.
    pub(super) fn places(&self, bundle: &[u8], size: usize) -> Vec<usize> {
        let roots = size.div_ceil(256);
        let entries: usize = self.leaves[..size]
            .iter()
            .map(|leaf| FRAME + leaf.len())
            .sum();
        let mut at = bundle.len() - entries - roots * 32;
        let mut places = Vec::new();
        for (index, leaf) in self.leaves[..size].iter().enumerate() {
            places.push(at);
            at += FRAME + leaf.len();
            if index % 256 == 255 {
                at += 32;
            }
        }
        places.push(at);
        places
    }
}

fn write(note: &str, leaves: &[Vec<u8>]) -> Result<Vec<u8>, WriteError<String>> {
    let mut bytes = Vec::new();
    write_bundle(&mut bytes, note, leaves.iter().cloned().map(Ok))?;
    Ok(bytes)
}

/// What stands before the first entry under this note, though no entry follows.
pub(super) fn head(note: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let none = std::iter::empty::<Result<_, String>>();
    assert!(write_bundle(&mut bytes, note, none).is_err());
    bytes
}

#[test]
fn what_is_written_verifies_at_every_kind_of_size() {
    let log = Log::of(leaves(1030));
    for size in [0, 1, 2, 63, 255, 256, 257, 511, 512, 513, 1030] {
        let bundle = log.bundle(size);
        let mut seen = Vec::new();
        let verified = verify(bundle.as_slice(), &log.verifier, None, |index, leaf| {
            assert_eq!(index, seen.len() as u64);
            seen.push(leaf.to_vec());
            Ok(())
        });
        let verified = verified.unwrap();
        assert_eq!(verified.leaves, size as u64);
        assert_eq!(verified.checkpoint.root, by_definition(&log.leaves[..size]));
        assert_eq!(seen, log.leaves[..size]);
        for kept in [0, size / 2, size] {
            let note = log.note(kept);
            assert!(log.verify(&bundle, Some(&note)).is_ok(), "{kept} of {size}");
        }
    }
}

/// Every bit of every byte; at a small size every value of every byte.
#[test]
fn every_changed_byte_is_found() {
    let log = Log::of(leaves(64));
    let flips: Vec<u8> = (0..8).map(|bit| 1 << bit).collect();
    let all: Vec<u8> = (1..=255).collect();
    for (size, changes) in [(64, &flips), (3, &all)] {
        let mut bundle = log.bundle(size);
        assert!(log.verify(&bundle, None).is_ok());
        let places = log.places(&bundle, size);
        for at in 0..bundle.len() {
            // The entry whose bytes these are, before or behind them none.
            let entry = places.windows(2).position(|p| (p[0]..p[1]).contains(&at));
            for change in changes {
                bundle[at] ^= change;
                let found = log
                    .verify(&bundle, None)
                    .expect_err("a changed byte passed");
                if let Some(entry) = entry {
                    let named = match found {
                        Violation::Changed { index }
                        | Violation::OutOfPlace { index, .. }
                        | Violation::Truncated { index, .. } => index,
                        other => panic!("byte {at} of entry {entry}: {other:?}"),
                    };
                    assert_eq!(named, entry as u64, "byte {at}");
                }
                bundle[at] ^= change;
            }
        }
        assert!(log.verify(&bundle, None).is_ok());
    }
}

#[test]
fn every_removal_insertion_and_truncation_is_found() {
    let log = Log::of(leaves(64));
    let bundle = log.bundle(64);
    let places = log.places(&bundle, 64);
    for at in 0..bundle.len() {
        assert!(log.verify(&bundle[..at], None).is_err(), "cut at byte {at}");
    }
    for (entry, place) in places.windows(2).enumerate() {
        let (from, to) = (place[0], place[1]);
        let removed = [&bundle[..from], &bundle[to..]].concat();
        let twice = [&bundle[..to], &bundle[from..]].concat();
        let found = log.verify(&removed, None).unwrap_err();
        assert_named(&found, entry as u64);
        let found = log.verify(&twice, None).unwrap_err();
        assert_named(&found, entry as u64 + 1);
    }
    for extra in [&[0][..], &bundle] {
        let longer = [&bundle, extra].concat();
        assert_eq!(log.verify(&longer, None), Err(Violation::Trailing));
    }
    assert!(log.verify(&bundle, None).is_ok());
}

/// The finding names this entry, unless it was the last and roots follow that are not an entry.
fn assert_named(found: &Violation, entry: u64) {
    match found {
        Violation::Changed { index }
        | Violation::OutOfPlace { index, .. }
        | Violation::Truncated { index, .. } => assert_eq!(*index, entry),
        Violation::Block { first, last } => assert!((*first..=*last).contains(&(entry - 1))),
        other => panic!("entry {entry}: {other:?}"),
    }
}

#[test]
fn every_swap_is_found() {
    let log = Log::of(leaves(64));
    let bundle = log.bundle(64);
    let p = log.places(&bundle, 64);
    for a in 0..64 {
        for b in a + 1..64 {
            let swapped = [
                &bundle[..p[a]],
                &bundle[p[b]..p[b + 1]],
                &bundle[p[a + 1]..p[b]],
                &bundle[p[a]..p[a + 1]],
                &bundle[p[b + 1]..],
            ]
            .concat();
            let (index, found) = (a as u64, b as u64);
            let expected = Violation::OutOfPlace { index, found };
            assert_eq!(log.verify(&swapped, None), Err(expected));
        }
    }
}

/// Forgers who write the hashes above their change anew, ever higher, are found too.
#[test]
fn a_careful_forger_is_found() {
    let log = Log::of(leaves(600));
    let mut forged = Log::of(leaves(600));
    forged.leaves[300] = b"another entry".to_vec();
    let bundle = log.bundle(600);
    let anew = forged.bundle(600);

    // The whole history written anew under the old signature.
    let head = log.places(&bundle, 600)[0];
    let whole = [&bundle[..head], &anew[head..]].concat();
    let found = log.verify(&whole, None);
    assert_eq!(found, Err(Violation::Root { from: 0, last: 599 }));
    // What the auditor kept narrows it, from either side.
    let found = log.verify(&whole, Some(&log.note(300)));
    assert_eq!(
        found,
        Err(Violation::Root {
            from: 300,
            last: 599
        })
    );
    let found = log.verify(&whole, Some(&log.note(301)));
    assert_eq!(found, Err(Violation::Rewritten { size: 301 }));

    // The entry and its hash, but not the root of its block.
    let (old, new) = (log.places(&bundle, 600), forged.places(&anew, 600));
    let entry = [
        &bundle[..old[300]],
        &anew[new[300]..new[301]],
        &bundle[old[301]..],
    ]
    .concat();
    let found = log.verify(&entry, None);
    assert_eq!(
        found,
        Err(Violation::Block {
            first: 256,
            last: 511
        })
    );

    // An entry of the last, incomplete block.
    forged.leaves[300].clone_from(&log.leaves[300]);
    forged.leaves[599] = b"another entry".to_vec();
    let anew = forged.bundle(600);
    let new = forged.places(&anew, 600);
    let entry = [
        &bundle[..old[599]],
        &anew[new[599]..new[600]],
        &bundle[old[600]..],
    ]
    .concat();
    let found = log.verify(&entry, None);
    assert_eq!(
        found,
        Err(Violation::Block {
            first: 512,
            last: 599
        })
    );
}

#[test]
fn a_bundle_cut_back_to_an_older_checkpoint_fails_against_the_kept_one() {
    let log = Log::of(leaves(300));
    let cut = log.bundle(200);
    // The control: whole in itself, and no later checkpoint known.
    assert!(log.verify(&cut, None).is_ok());
    assert!(log.verify(&cut, Some(&log.note(200))).is_ok());
    let found = log.verify(&cut, Some(&log.note(201)));
    assert_eq!(
        found,
        Err(Violation::CutBack {
            kept: 201,
            size: 200
        })
    );
}

#[test]
fn a_second_history_of_the_same_signer_fails_against_the_kept_checkpoint() {
    let log = Log::of(leaves(300));
    let mut other = Log::of(leaves(300));
    other.leaves[10] = b"another entry".to_vec();
    let bundle = other.bundle(300);
    assert!(log.verify(&bundle, None).is_ok(), "signed by the same key");
    assert!(log.verify(&bundle, Some(&log.note(10))).is_ok());
    for size in [11, 150, 300] {
        let found = log.verify(&bundle, Some(&log.note(size)));
        let size = size as u64;
        assert_eq!(found, Err(Violation::Rewritten { size }));
    }

    // The entries that the auditor knows, under the other history's checkpoint.
    let (own, theirs) = (log.bundle(300), log.places(&log.bundle(300), 300)[0]);
    let mixed = [&bundle[..theirs], &own[theirs..]].concat();
    let found = log.verify(&mixed, Some(&log.note(300)));
    assert_eq!(found, Err(Violation::Rewritten { size: 300 }));
}

#[test]
fn a_root_that_the_leaves_do_not_have_is_refused_though_signed() {
    let log = Log::of(leaves(10));
    let wrong = log.note_with(10, leaf_hash(b"another root"));
    let result = write(&wrong, &log.leaves);
    assert!(matches!(result, Err(WriteError::OtherLeaves(10))));
    // The right root, of another number of leaves.
    let wrong_size = log.note_with(11, by_definition(&log.leaves));
    let result = write(&wrong_size, &log.leaves);
    assert!(matches!(result, Err(WriteError::OtherLeaves(10))));
    let mut bytes = Vec::new();
    let all = log.leaves.iter().cloned().map(Ok::<_, String>);
    drop(write_bundle(&mut bytes, &wrong, all));
    let found = log.verify(&bytes, None);
    assert_eq!(found, Err(Violation::Root { from: 0, last: 9 }));
}

#[test]
fn other_keys_other_logs_and_broken_sources_are_refused() {
    let log = Log::of(leaves(5));
    let bundle = log.bundle(5);
    let stranger = Signer::new("bongham/store", &seed(2)).unwrap();
    let other = Verifier::parse(&stranger.verifier_key()).unwrap();
    let found = verify(bundle.as_slice(), &other, None, |_, _| Ok(()));
    let unsigned = CheckpointError::Signature;
    assert_eq!(found, Err(Violation::Checkpoint(unsigned.clone())));

    let ledger = Checkpoint {
        origin: "bongham/store/ledger".into(),
        size: 0,
        root: by_definition(&[]),
        extensions: Vec::new(),
    };
    let kept = log.signer.sign(&ledger).unwrap();
    let found = log.verify(&bundle, Some(&kept));
    assert_eq!(found, Err(Violation::OtherLog(ledger.origin.clone())));
    let found = log.verify(&bundle, Some(&stranger.sign(&ledger).unwrap()));
    assert_eq!(found, Err(Violation::Kept(unsigned)));

    let found = verify(bundle.as_slice(), &log.verifier, None, |index, _| {
        if index == 3 {
            Err("not an entry".into())
        } else {
            Ok(())
        }
    });
    let reason = "not an entry".into();
    assert_eq!(found, Err(Violation::Entry { index: 3, reason }));

    let broken = log.leaves[..4].iter().cloned().map(Ok).chain([Err("gone")]);
    let result = write_bundle(&mut Vec::new(), &log.note(5), broken);
    assert!(matches!(result, Err(WriteError::Leaf(4, "gone"))));
}
