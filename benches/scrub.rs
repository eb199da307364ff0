//! How fast a scrub looks through a store, what it costs those who read and commit meanwhile, and
//! how long the check of every group takes.
//!
//! ```text
//! BONGHAM_BENCH_CASES=100000 cargo bench --bench scrub
//! ```
//! A case is what it is in `reopen`: two sealed rows (1,500 and 800 bytes), six small index rows
//! and an entry of 300 bytes. `BONGHAM_BENCH_DIR` says where to build the store.

#[path = "support/machine.rs"]
mod machine;

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bongham::domain::random::SystemSource;
use bongham::domain::secret::Secret;
use bongham::domain::time::SystemClock;
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::engine::{Append, Batch, Engine, Key, Log, Scrubbed, Space, Value};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn options(dir: &Path) -> Options {
    let random = Arc::new(SystemSource::default());
    Options::new(
        dir,
        Secret::new([3; 32]),
        Arc::new(SystemClock::default()),
        random,
    )
}

/// Bytes in no order, as an HMAC's are.
fn opaque(case: u64, what: u8) -> [u8; 16] {
    let mut input = [what; 9];
    input.split_at_mut(8).0.copy_from_slice(&case.to_be_bytes());
    let digest = ring::digest::digest(&ring::digest::SHA256, &input);
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

const SMALL: [Space; 6] = [
    Space::List,
    Space::List,
    Space::Register,
    Space::LogByCase,
    Space::LogByActor,
    Space::Meta,
];

/// The keys of a case's rows, the large ones first.
fn keys(case: u64) -> Result<Vec<(Space, Key)>, Failure> {
    let mut keys = vec![
        (Space::Head, Key::from(opaque(case, 0))),
        (Space::Unit, Key::from(opaque(case, 1))),
    ];
    for (what, space) in (2u8..).zip(SMALL) {
        let key = [&opaque(case % 50, what)[..], &case.to_be_bytes()].concat();
        keys.push((space, Key::new(key)?));
    }
    Ok(keys)
}

fn add(batch: &mut Batch, case: u64) -> Result<(), Failure> {
    let sizes = [800, 1500].into_iter().chain(std::iter::repeat(16));
    for ((space, key), size) in keys(case)?.into_iter().zip(sizes) {
        let value: Vec<u8> = opaque(case, 9).into_iter().cycle().take(size).collect();
        batch.put.push((space, key, Value::new(value)?));
    }
    batch.append.push(Append {
        log: Log::Access,
        leaf: vec![3; 140],
        stamp_at: Some(16),
        body: vec![4; 160],
    });
    Ok(())
}

/// Commits batches, many at a time.
fn commit_all(
    engine: &EmbeddedEngine,
    batches: impl Iterator<Item = Result<Batch, Failure>>,
) -> Result<(), Failure> {
    let mut waiting = VecDeque::new();
    for batch in batches {
        waiting.push_back(engine.commit(batch?));
        if waiting.len() > 64
            && let Some(first) = waiting.pop_front()
        {
            first.wait()?;
        }
    }
    for answer in waiting {
        answer.wait()?;
    }
    Ok(())
}

fn destroy(engine: &EmbeddedEngine, cases: impl Iterator<Item = u64>) -> Result<(), Failure> {
    commit_all(
        engine,
        cases.map(|case| {
            Ok(Batch {
                delete: keys(case)?,
                ..Batch::default()
            })
        }),
    )
}

fn told(out: &mut impl Write, what: &str, found: Scrubbed, took: Duration) -> Result<(), Failure> {
    let looked = found.looked as f64 / 1e6;
    writeln!(
        out,
        "scrub {what}: looked at {looked:.0} MB in {took:.2?} = {:.0} MB/s; erased {} frames, {:.1} MB",
        looked / took.as_secs_f64(),
        found.frames,
        found.bytes as f64 / 1e6
    )?;
    Ok(())
}

/// Slowest and usual time of reads and of commits while `stop` is not set.
fn serve(engine: &EmbeddedEngine, cases: u64, stop: &AtomicBool) -> Result<String, Failure> {
    let (mut reads, mut commits) = (Vec::new(), Vec::new());
    for n in 0u64.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let started = Instant::now();
        // Cases of odd number live.
        let case = (n.wrapping_mul(7919) % cases) | 1;
        let found = engine.get(Space::Unit, &Key::from(opaque(case, 1)))?;
        if case < cases && found.is_none() {
            return Err("a living row is not there".into());
        }
        reads.push(started.elapsed());
        if n % 20 == 0 {
            let started = Instant::now();
            let mut batch = Batch::default();
            add(&mut batch, cases + n * 2 + 1)?;
            engine.commit(batch).wait()?;
            commits.push(started.elapsed());
        }
    }
    let mut line = String::new();
    for (what, mut list) in [("reads", reads), ("commits", commits)] {
        list.sort_unstable();
        let at = |part: usize| {
            list.get(list.len() * part / 1000)
                .copied()
                .unwrap_or_default()
        };
        line += &format!(
            "{what} {}: p50 {:.1?} p99 {:.1?} max {:.1?}  ",
            list.len(),
            at(500),
            at(990),
            list.last().copied().unwrap_or_default()
        );
    }
    Ok(line)
}

fn main() -> Result<(), Failure> {
    let cases = std::env::var("BONGHAM_BENCH_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let cases: u64 = cases.unwrap_or(100_000);
    let root = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    let dir = root.path().join("store");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", machine::machine()?)?;

    let engine = EmbeddedEngine::create(options(&dir))?;
    let ids: Vec<u64> = (0..cases).collect();
    let batches = ids.chunks(64).map(|chunk| {
        let mut batch = Batch::default();
        for id in chunk {
            add(&mut batch, *id)?;
        }
        Ok(batch)
    });
    commit_all(&engine, batches)?;
    writeln!(out, "{cases} cases, {} rows", cases * 8)?;

    let scrub = |engine: &EmbeddedEngine| -> Result<(Scrubbed, Duration), Failure> {
        let started = Instant::now();
        let found = engine.scrub(&|_, _| ())?;
        Ok((found, started.elapsed()))
    };
    let (found, took) = scrub(&engine)?;
    told(&mut out, "with nothing dead, rows in sled", found, took)?;
    let (found, took) = scrub(&engine)?;
    told(&mut out, "with nothing dead, rows in the base", found, took)?;
    destroy(&engine, (0..cases).step_by(1000))?;
    let (found, took) = scrub(&engine)?;
    told(&mut out, "with 0.1 % of the cases dead", found, took)?;
    destroy(&engine, (0..cases / 10).step_by(2))?;
    let (found, took) = scrub(&engine)?;
    told(&mut out, "with 5 % dead, in the oldest tenth", found, took)?;

    destroy(&engine, (0..cases).step_by(2))?;
    let stop = AtomicBool::new(false);
    let served = std::thread::scope(|scope| {
        let serving = scope.spawn(|| serve(&engine, cases, &stop));
        let scrubbed = scrub(&engine);
        stop.store(true, Ordering::Release);
        let line = serving.join().map_err(|_| "the reader panicked")??;
        Ok::<_, Failure>((scrubbed?, line))
    });
    let ((found, took), line) = served?;
    told(
        &mut out,
        "with half of the cases dead, served meanwhile",
        found,
        took,
    )?;
    writeln!(out, "  meanwhile: {line}")?;

    let started = Instant::now();
    let checked = engine.check(&|_, _| ())?;
    let took = started.elapsed();
    let looked = checked.bytes as f64 / 1e6;
    writeln!(
        out,
        "check: {looked:.0} MB in {took:.2?} = {:.0} MB/s; {} groups, {} frames, {} erased, {} damaged",
        looked / took.as_secs_f64(),
        checked.groups,
        checked.frames,
        checked.erased,
        checked.damage.len()
    )?;
    engine.close()?;
    Ok(())
}
