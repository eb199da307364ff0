//! How fast a bundle verifies, in entries per second, and as a ratio to one bare pass of SHA-256
//! over the same bytes, which no verifier can beat.
//!
//! `cargo bench --bench verify`

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

#[path = "support/machine.rs"]
mod machine;

use std::io::Write;
use std::time::{Duration, Instant};

use bongham::domain::secret::Secret;
use bongham::merkle::bundle::{verify, write_bundle};
use bongham::merkle::checkpoint::{Checkpoint, Signer, Verifier};
use bongham::merkle::tree::{Frontier, leaf_hash};

const ENTRIES: u32 = 200_000;
/// Leaves of the access log are a header of some 130 bytes and a hash.
const LEAF: usize = 160;
const ROUNDS: usize = 5;

fn leaf(index: u32) -> Vec<u8> {
    let mut leaf = index.to_be_bytes().to_vec();
    leaf.resize(LEAF, 7);
    leaf
}

fn bundle(signer: &Signer) -> Vec<u8> {
    let mut frontier = Frontier::default();
    (0..ENTRIES).for_each(|index| frontier.push(leaf_hash(&leaf(index))));
    let checkpoint = Checkpoint {
        origin: "bongham/bench/access".into(),
        size: frontier.size(),
        root: frontier.root(),
        extensions: Vec::new(),
    };
    let note = signer.sign(&checkpoint).unwrap();
    let mut bytes = Vec::new();
    write_bundle(
        &mut bytes,
        &note,
        (0..ENTRIES).map(|index| Ok::<_, String>(leaf(index))),
    )
    .unwrap();
    bytes
}

/// The best of some rounds: the others were disturbed.
fn best(mut round: impl FnMut()) -> Duration {
    let mut time = || {
        let start = Instant::now();
        round();
        start.elapsed()
    };
    (0..ROUNDS).map(|_| time()).min().unwrap()
}

fn main() -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{}", machine::machine()?)?;
    let signer = Signer::new("bongham/bench", &Secret::new([1; 32])).unwrap();
    let verifier = Verifier::parse(&signer.verifier_key()).unwrap();
    let bytes = bundle(&signer);

    let verifying = best(|| {
        let verified = verify(bytes.as_slice(), &verifier, None, |_, _| Ok(())).unwrap();
        assert_eq!(verified.leaves, u64::from(ENTRIES));
    });
    let hashing = best(|| {
        std::hint::black_box(ring::digest::digest(&ring::digest::SHA256, &bytes));
    });
    writeln!(
        std::io::stdout(),
        "verify: {:.0} entries/s of {LEAF} bytes; {:.2} times a bare SHA-256 pass over the {} bytes",
        f64::from(ENTRIES) / verifying.as_secs_f64(),
        verifying.as_secs_f64() / hashing.as_secs_f64(),
        bytes.len(),
    )
}
