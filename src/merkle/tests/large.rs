//! A bundle of the size of a busy month, changed in samples that are drawn anew from a seed.
//! `BONGHAM_BUNDLE_CHANGES` gives another number of each kind than the few hundred of an ordinary
//! run.
//!
//! What stands before a change is the same in every sample, so a pass goes on from a copy of one
//! that stood shortly before it: the very code that verifies a whole bundle, without its beginning.

use std::io::Read;
use std::sync::LazyLock;

use super::super::bundle::{Pass, Verified, Violation};
use super::super::tree::{Frontier, leaf_hash};
use super::bundle::{FRAME, Log};
use super::leaves;
use crate::domain::random::{Random, SeededSource};

const SIZE: usize = 100_000;
/// Entries between two copies of the pass.
const STEP: usize = 128;
const BLOCK: usize = 256;

struct Large {
    log: Log,
    bundle: Vec<u8>,
    places: Vec<usize>,
    /// Where the pass stood, in bytes, and the pass.
    passes: Vec<(usize, Pass)>,
}

static LARGE: LazyLock<Large> = LazyLock::new(Large::new);

/// Draws anew in every test, and the same in every run.
struct Chance(SeededSource);

impl Chance {
    fn of(seed: u64) -> Self {
        Self(SeededSource::new(seed))
    }
    fn below(&self, bound: usize) -> usize {
        let source: &dyn Random = &self.0;
        let number = u64::from_be_bytes(source.array().unwrap());
        usize::try_from(number % u64::try_from(bound).unwrap()).unwrap()
    }
}

fn changes() -> usize {
    let long = std::env::var("BONGHAM_BUNDLE_CHANGES").ok();
    long.and_then(|number| number.parse().ok()).unwrap_or(400)
}

impl Large {
    fn new() -> Self {
        let log = Log::of(leaves(SIZE));
        let bundle = log.bundle(SIZE);
        let places = log.places(&bundle, SIZE);
        let mut rest = &bundle[..];
        let mut pass = Pass::begin(&mut rest, &log.verifier, None).unwrap();
        let mut passes = Vec::new();
        for until in (0..SIZE).step_by(STEP) {
            let until = u64::try_from(until).unwrap();
            pass.entries(&mut rest, until, &mut |_, _| Ok(())).unwrap();
            passes.push((bundle.len() - rest.len(), pass.clone()));
        }
        Self {
            log,
            bundle,
            places,
            passes,
        }
    }

    /// Verifies a bundle that is whole before byte `at`, where `changed` takes its place.
    fn verify(&self, at: usize, mut changed: impl Read) -> Result<Verified, Violation> {
        let before = self.passes.partition_point(|(from, _)| *from <= at);
        let Some((from, pass)) = before.checked_sub(1).and_then(|n| self.passes.get(n)) else {
            let mut whole = (&self.bundle[..at]).chain(changed);
            let mut pass = Pass::begin(&mut whole, &self.log.verifier, None)?;
            pass.entries(&mut whole, pass.size(), &mut |_, _| Ok(()))?;
            return pass.end(&mut whole);
        };
        let mut reader = (&self.bundle[*from..at]).chain(&mut changed);
        let mut pass = pass.clone();
        pass.entries(&mut reader, pass.size(), &mut |_, _| Ok(()))?;
        pass.end(&mut reader)
    }

    /// One bit of byte `at` is another.
    fn flipped(&self, at: usize, bit: usize) -> Result<Verified, Violation> {
        let byte = [self.bundle[at] ^ (1 << bit)];
        self.verify(at, (&byte[..]).chain(&self.bundle[at + 1..]))
    }
}

#[test]
fn every_sampled_change_of_a_large_bundle_is_found() {
    let (large, chance) = (&*LARGE, Chance::of(1));
    let head = large.places[0];
    // The control: unchanged, from every place where a pass stands.
    for n in [0, 1, 50, large.passes.len() - 1] {
        let at = large.passes[n].0;
        let whole = large.verify(at, &large.bundle[at..]).unwrap();
        assert_eq!(whole.leaves, SIZE as u64);
    }
    // Every byte of the head: magic, origin, note and signature.
    for at in 0..head {
        assert!(
            large.flipped(at, chance.below(8)).is_err(),
            "byte {at} of the head"
        );
    }
    for _ in 0..changes() {
        let anywhere = chance.below(large.bundle.len());
        assert!(
            large.flipped(anywhere, chance.below(8)).is_err(),
            "byte {anywhere}"
        );
        // One byte of each part of an entry, which the finding names, and one of a block's root.
        let entry = chance.below(SIZE);
        let from = large.places[entry];
        let leaf = large.log.leaves[entry].len();
        for (part, bytes) in [(0, 8), (8, 4), (12, 32), (FRAME, leaf)] {
            let at = from + part + chance.below(bytes);
            let found = large.flipped(at, chance.below(8)).unwrap_err();
            let index = entry as u64;
            match found {
                Violation::Changed { index: named }
                | Violation::OutOfPlace { index: named, .. }
                | Violation::Truncated { index: named, .. } => assert_eq!(named, index),
                other => panic!("byte {at} of entry {entry}: {other:?}"),
            }
        }
        let last = (entry / BLOCK * BLOCK + BLOCK - 1).min(SIZE - 1);
        let root = large.places[last] + FRAME + large.log.leaves[last].len();
        let found = large
            .flipped(root + chance.below(32), chance.below(8))
            .unwrap_err();
        let last = last as u64;
        let first = last / BLOCK as u64 * BLOCK as u64;
        assert_eq!(found, Violation::Block { first, last });
    }
}

#[test]
fn every_sampled_removal_insertion_and_swap_in_a_large_bundle_is_found() {
    let (large, chance) = (&*LARGE, Chance::of(2));
    let bundle = &large.bundle[..];
    for _ in 0..changes() {
        let a = chance.below(SIZE);
        let from = large.places[a];
        let to = from + FRAME + large.log.leaves[a].len();
        let removed = large.verify(from, &bundle[to..]);
        assert!(removed.is_err(), "without entry {a}");
        let twice = large.verify(to, &bundle[from..]);
        assert!(twice.is_err(), "entry {a} twice");
        let cut = from + chance.below(bundle.len() - from);
        assert!(large.verify(cut, &[][..]).is_err(), "cut at {cut}");
        let b = a + chance.below(BLOCK.min(SIZE - a));
        if a < b && a / BLOCK == b / BLOCK {
            let (index, found) = (a as u64, b as u64);
            let at = large.places[b];
            let end = at + FRAME + large.log.leaves[b].len();
            let swapped = (&bundle[at..end])
                .chain(&bundle[to..at])
                .chain(&bundle[from..to])
                .chain(&bundle[end..]);
            let swapped = large.verify(from, swapped);
            assert_eq!(swapped, Err(Violation::OutOfPlace { index, found }));
        }
    }
}

/// A log that was cut back to any older size, signed at the time, is whole in itself.
#[test]
fn a_large_log_cut_back_below_the_kept_checkpoint_is_found() {
    let (large, chance) = (&*LARGE, Chance::of(3));
    let (log, head) = (&large.log, large.places[0]);
    let kept = log.note(SIZE);
    let mut cuts: Vec<usize> = (0..changes() / 20)
        .map(|_| (1 + chance.below(SIZE / BLOCK)) * BLOCK)
        .collect();
    cuts.sort_unstable();
    let (mut frontier, mut tried) = (Frontier::default(), 0);
    for (index, leaf) in log.leaves.iter().enumerate() {
        frontier.push(leaf_hash(leaf));
        let size = index + 1;
        if cuts.binary_search(&size).is_err() {
            continue;
        }
        let note = log.note_with(size, frontier.root());
        let own_head = super::bundle::head(&note);
        let entries = &large.bundle[head..large.places[size]];
        let cut = [&own_head[..], entries].concat();
        let (size, whole) = (size as u64, SIZE as u64);
        let found = log.verify(&cut, Some(&kept));
        assert_eq!(found, Err(Violation::CutBack { kept: whole, size }));
        // The control, a few times, for it reads everything.
        if tried < 3 {
            assert_eq!(log.verify(&cut, None).unwrap().leaves, size);
        }
        tried += 1;
    }
    assert!(tried > 0);
}

#[test]
fn a_large_log_with_an_older_kept_checkpoint_is_vouched_for_up_to_it() {
    let large = &*LARGE;
    let log = &large.log;
    let note = log.note(SIZE / 3);
    assert!(log.verify(&large.bundle, Some(&note)).is_ok());
    let other = log.note_with(SIZE / 3, leaf_hash(b"another history"));
    let size = (SIZE / 3) as u64;
    let found = log.verify(&large.bundle, Some(&other));
    assert_eq!(found, Err(Violation::Rewritten { size }));
}
