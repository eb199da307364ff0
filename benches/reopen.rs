//! How long a store takes to open: after a clean stop, after the process died, and when the
//! index must be made anew.
//!
//! ```text
//! BONGHAM_BENCH_CASES=215781 cargo bench --bench reopen
//! ```
//! A case here is two sealed rows (1,500 and 800 bytes), six small index rows and an entry of
//! 300 bytes. `BONGHAM_BENCH_DIR` says where to build the store.

#[path = "support/machine.rs"]
mod machine;

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bongham::domain::random::SystemSource;
use bongham::domain::secret::Secret;
use bongham::domain::time::SystemClock;
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::engine::{Append, Batch, Engine, Key, Log, Space, Value};

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

fn case(batch: &mut Batch, case: u64) -> Result<(), Failure> {
    let spaces = [
        Space::List,
        Space::List,
        Space::Register,
        Space::LogByCase,
        Space::LogByActor,
        Space::Meta,
    ];
    batch.put.push((
        Space::Head,
        Key::from(opaque(case, 0)),
        Value::new(vec![1; 800])?,
    ));
    batch.put.push((
        Space::Unit,
        Key::from(opaque(case, 1)),
        Value::new(vec![2; 1500])?,
    ));
    for (what, space) in (2u8..).zip(spaces) {
        let key = [&opaque(case % 50, what)[..], &case.to_be_bytes()].concat();
        batch
            .put
            .push((space, Key::new(key)?, Value::new(opaque(case, 9))?));
    }
    let (leaf, body) = (vec![3; 140], vec![4; 160]);
    batch.append.push(Append {
        log: Log::Access,
        leaf,
        stamp_at: Some(16),
        body,
    });
    Ok(())
}

/// Peak and present memory of this process, as the kernel tells it.
fn memory() -> Result<String, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let lines = status
        .lines()
        .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"));
    Ok(lines
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", "))
}

fn main() -> Result<(), Failure> {
    let cases = std::env::var("BONGHAM_BENCH_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    let cases: u64 = cases.unwrap_or(215_781);
    let root = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    let dir = root.path().join("store");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", machine::machine()?)?;

    let started = Instant::now();
    let engine = EmbeddedEngine::create(options(&dir))?;
    let ids: Vec<u64> = (0..cases).collect();
    let mut waiting = VecDeque::new();
    for chunk in ids.chunks(64) {
        let mut batch = Batch::default();
        for id in chunk {
            case(&mut batch, *id)?;
        }
        waiting.push_back(engine.commit(batch));
        if waiting.len() > 64
            && let Some(first) = waiting.pop_front()
        {
            first.wait()?;
        }
    }
    for answer in waiting {
        answer.wait()?;
    }
    let loaded = started.elapsed();
    let rate = cases as f64 / loaded.as_secs_f64();
    writeln!(
        out,
        "loaded {cases} cases, {} rows, in {loaded:.1?} ({rate:.0}/s); {}",
        cases * 8,
        memory()?
    )?;

    let started = Instant::now();
    engine.close()?;
    drop(engine);
    writeln!(out, "closed in {:.2?}", started.elapsed())?;

    for what in [
        "after a clean stop",
        "after the process died",
        "index made anew",
    ] {
        if what == "index made anew" {
            std::fs::remove_file(dir.join("position"))?;
            std::fs::remove_file(dir.join("clean")).ok();
        }
        let started = Instant::now();
        let engine = EmbeddedEngine::open(options(&dir))?;
        let opened = started.elapsed();
        for id in (0..cases).step_by(997) {
            let found = engine.get(Space::Unit, &Key::from(opaque(id, 1)))?;
            found
                .filter(|v| v.as_bytes().len() == 1500)
                .ok_or("a row is missing")?;
        }
        writeln!(
            out,
            "opened {what} ({:?}) in {opened:.2?}; {}",
            engine.road(),
            memory()?
        )?;
        // Dropped without closing: the next opening finds a process that died.
        drop(engine);
    }
    Ok(())
}
