//! What a destruction costs, and that it does not depend on how much the office keeps.
//!
//! Times are of this machine and its disk; the ratio in the last line is what to look at.
#![expect(clippy::print_stdout, reason = "a benchmark is read by people")]

#[path = "support/machine.rs"]
mod machine;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::domain::id::UnitId;
use bongham::domain::random::SystemSource;
use bongham::domain::secret::SecretText;
use bongham::domain::tier::{Tier, UnitKind};
use bongham::domain::time::SystemClock;
use bongham::keyring::{Keyring, UnsealCost, UnsealSecret};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 100;

fn secret() -> UnsealSecret {
    UnsealSecret {
        passphrase: SecretText::new("bench".to_owned()),
        key_file: None,
    }
}

fn filled(dir: &Path, units: usize) -> Outcome<(Keyring, Vec<UnitId>)> {
    let keyring = Keyring::init(
        dir,
        &secret(),
        UnsealCost::minimal_for_tests(),
        Arc::new(SystemSource::default()),
        Arc::new(SystemClock::default()),
    )?;
    let start = Instant::now();
    let units: Result<Vec<_>, _> = (0..units)
        .map(|_| keyring.allocate(Tier::Ordinary, UnitKind::Narrative))
        .collect();
    let units = units?;
    println!(
        "{:>9} units allocated in {:?}, root version {}",
        units.len(),
        start.elapsed(),
        keyring.root_version()
    );
    Ok((keyring, units))
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// p50 of puncturing one unit, the units far apart.
fn one_by_one(keyring: &Keyring, units: &[UnitId]) -> Outcome<Duration> {
    let mut times = Vec::new();
    for unit in units.iter().step_by(units.len() / ROUNDS) {
        let start = Instant::now();
        keyring.puncture(&[*unit])?;
        times.push(start.elapsed());
    }
    Ok(middle(times))
}

fn main() -> Outcome<()> {
    // `cargo test --benches` only asks whether it runs.
    let large = if std::env::args().any(|arg| arg == "--bench") {
        1_000_000
    } else {
        20_000
    };
    println!("{}", machine::machine()?);
    let mut figures = Vec::new();
    for count in [10_000, large] {
        let dir = tempfile::tempdir()?;
        let (keyring, units) = filled(dir.path(), count)?;
        let p50 = one_by_one(&keyring, &units)?;
        println!("{count:>9} units: puncture one, p50 {p50:?}");
        figures.push(p50);

        let start = Instant::now();
        let read = units
            .iter()
            .take(10_000)
            .filter(|u| keyring.shred_half(**u).is_ok())
            .count();
        println!(
            "{count:>9} units: {read} shred halves in {:?}",
            start.elapsed()
        );

        let spread: Vec<UnitId> = units
            .iter()
            .step_by(count / 1000)
            .skip(1)
            .copied()
            .collect();
        let start = Instant::now();
        keyring.puncture(&spread)?;
        println!(
            "{count:>9} units: puncture 1,000 at once {:?}",
            start.elapsed()
        );

        drop(keyring);
        let start = Instant::now();
        Keyring::open(
            dir.path(),
            &secret(),
            Arc::new(SystemSource::default()),
            Arc::new(SystemClock::default()),
        )?;
        println!(
            "{count:>9} units: open without argon2id {:?}",
            start.elapsed()
        );
    }
    if let [small, large] = figures.as_slice() {
        println!(
            "p50 ratio large : small = {:.2}",
            large.as_secs_f64() / small.as_secs_f64()
        );
    }
    Ok(())
}
