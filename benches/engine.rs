//! Creates and audited reads, durable, against SQLCipher doing equal work, by ratio in one run.
//!
//! ```text
//! cargo bench --bench engine --features bench-sqlcipher
//! ```
//! One operation: a record of 2 KiB (sealed by its client under a key of its own) and an entry of
//! 300 B; a create writes both, an audited read reads and opens the record and is released when its
//! entry is durable. Both engines have one committer that takes whatever is queued (≤ 512) into one
//! durable transaction; SQLCipher encrypts for itself, WAL, synchronous = FULL, four readers.
//! `BONGHAM_BENCH_ONLY` = reads or creates leaves the other out; `BONGHAM_BENCH_SECONDS` (default
//! 3) is the length of one measurement, `BONGHAM_BENCH_ROUNDS` (default 3) how often both take
//! turns; ratios are medians over rounds.

#[path = "support/machine.rs"]
mod machine;
mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::ours::Ours;
#[cfg(feature = "bench-sqlcipher")]
use support::sqlcipher::Cipher;
use support::{Outcome, fdatasync_rate, median, number_from_env, run_clients};

/// Records there are before anything is measured.
const RECORDS: u64 = 100_000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let seconds = Duration::from_secs(number_from_env("BONGHAM_BENCH_SECONDS", 3));
    let rounds = number_from_env("BONGHAM_BENCH_ROUNDS", 3);
    let dir = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", machine::machine()?)?;

    let started = Instant::now();
    let ours = Arc::new(Ours::create(&dir.path().join("ours"))?);
    ours.load(RECORDS)?;
    writeln!(out, "loaded {RECORDS} records in {:.1?}", started.elapsed())?;
    #[cfg(feature = "bench-sqlcipher")]
    let cipher = {
        let started = Instant::now();
        let cipher = Arc::new(Cipher::create(&dir.path().join("sqlcipher"))?);
        cipher.load(RECORDS)?;
        writeln!(out, "SQLCipher loaded them in {:.1?}", started.elapsed())?;
        cipher
    };
    ours.warm(RECORDS)?;

    let only = std::env::var("BONGHAM_BENCH_ONLY");
    for clients in [64, 256] {
        for reading in [true, false] {
            if only.as_ref().is_ok_and(|only| (only == "reads") != reading) {
                continue;
            }
            let mut mine = Vec::new();
            #[cfg_attr(
                not(feature = "bench-sqlcipher"),
                expect(unused_mut, reason = "nothing to compare")
            )]
            let mut theirs = Vec::new();
            let mut per_sync = Vec::new();
            for _ in 0..rounds {
                let syncs = fdatasync_rate(dir.path(), seconds / 4)?;
                let subject = Arc::clone(&ours);
                let outcome = runtime.block_on(run_clients(clients, seconds, move |n| {
                    let subject = Arc::clone(&subject);
                    async move { subject.one(reading, n, RECORDS).await }
                }))?;
                per_sync.push(outcome.rate / syncs);
                mine.push(outcome);
                #[cfg(feature = "bench-sqlcipher")]
                {
                    let subject = Arc::clone(&cipher);
                    theirs.push(runtime.block_on(run_clients(clients, seconds, move |n| {
                        let subject = Arc::clone(&subject);
                        async move { subject.one(reading, n, RECORDS).await }
                    }))?);
                }
            }
            report(&mut out, reading, clients, &mine, &theirs, per_sync)?;
        }
    }
    ours.close()?;
    Ok(())
}

fn report(
    out: &mut impl Write,
    reading: bool,
    clients: u64,
    mine: &[Outcome],
    theirs: &[Outcome],
    per_sync: Vec<f64>,
) -> Result<(), Failure> {
    let name = if reading { "audited reads" } else { "creates" };
    for (who, list) in [("ours", mine), ("SQLCipher", theirs)] {
        if list.is_empty() {
            continue;
        }
        writeln!(
            out,
            "{name:14} k={clients:<4} {who:10} {:>9.0}/s  p50 {:>7.3} ms  p99 {:>7.3} ms  {:>6.1} µs CPU",
            median(list.iter().map(|o| o.rate)),
            median(list.iter().map(|o| o.p50_ms)),
            median(list.iter().map(|o| o.p99_ms)),
            median(list.iter().map(|o| o.cpu_us)),
        )?;
    }
    if !theirs.is_empty() {
        let ratios: Vec<f64> = mine
            .iter()
            .zip(theirs)
            .map(|(a, b)| a.rate / b.rate)
            .collect();
        let rounds: Vec<String> = ratios.iter().map(|r| format!("{r:.1}")).collect();
        let ratio = median(ratios.iter().copied());
        writeln!(
            out,
            "{name:14} k={clients:<4} ratio {ratio:.1}x  (rounds {})",
            rounds.join(" ")
        )?;
    }
    let per_sync = median(per_sync.into_iter());
    writeln!(
        out,
        "{name:14} k={clients:<4} operations per available fdatasync {per_sync:.1}"
    )?;
    Ok(())
}
