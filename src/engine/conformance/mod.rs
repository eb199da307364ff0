//! The contract as a suite: every engine runs the same, one function a sentence.
//!
//! Ordinary code that returns what went wrong rather than panicking, so that a test of any kind,
//! in this crate or beside it, can run it on its engine.

mod logs;
mod order;
mod rows;
mod scrub;

use std::sync::Arc;

use super::{
    Append, Batch, CommitError, Committed, Engine, EngineError, Expected, Key, Log, Series, Space,
    Value,
};
use crate::domain::time::{Clock, SteppedClock, Timestamp};

/// What is wrong with an engine, in a sentence.
pub type Verdict = Result<(), String>;

/// Makes an empty engine that stamps by the given clock.
pub type Make<'a> = &'a dyn Fn(Arc<dyn Clock>) -> Arc<dyn Engine>;
/// Closes an engine made by the same test and opens what it left.
pub type Reopen<'a> = &'a dyn Fn(Arc<dyn Engine>, Arc<dyn Clock>) -> Arc<dyn Engine>;

/// Holds an engine to every sentence of the contract. `reopen` is `None` for an engine that
/// forgets everything.
pub fn run(make: Make<'_>, reopen: Option<Reopen<'_>>) -> Verdict {
    let suite: [(&str, Check); 19] = [
        ("rows come back", rows::come_back),
        ("limits of keys and values", rows::limits),
        ("spaces are apart", rows::spaces_apart),
        ("scan order and limit", rows::scan_order),
        ("scan ranges", rows::scan_ranges),
        ("delete, put and late in one batch", rows::order_in_batch),
        ("absent and equal", rows::expectations),
        ("a conflict changes nothing", rows::conflict_changes_nothing),
        ("conflicts in flight", order::conflicts_in_flight),
        ("numbers without gaps", order::numbers_gapless),
        ("reads see what was answered", order::read_your_writes),
        ("no half of a batch", order::whole_batches),
        ("leaves come back in order", logs::come_back),
        ("stamps", logs::stamps),
        ("the clock goes back", logs::clock_back),
        ("late marks", logs::late_marks),
        ("a refused batch moves nothing", logs::refused_moves_nothing),
        ("a scrub keeps what lives", scrub::keeps_the_living),
        ("bodies are forgotten", scrub::forgets_bodies),
    ];
    for (name, check) in suite {
        let clock = Arc::new(SteppedClock::at(Timestamp::from_millis(START_MS)));
        let engine = make(Arc::clone(&clock) as Arc<dyn Clock>);
        let bench = Bench {
            engine: &engine,
            clock: &clock,
        };
        check(&bench).map_err(|why| format!("{name}: {why}"))?;
        engine
            .close()
            .map_err(|why| format!("{name}: close: {why}"))?;
    }
    let clock = Arc::new(SteppedClock::at(Timestamp::from_millis(START_MS)));
    let make = || make(Arc::clone(&clock) as Arc<dyn Clock>);
    order::closed(make()).map_err(|why| format!("closing: {why}"))?;
    if let Some(reopen) = reopen {
        let reopen = |engine| reopen(engine, Arc::clone(&clock) as Arc<dyn Clock>);
        order::reopened(make(), &reopen).map_err(|why| format!("reopening: {why}"))?;
        scrub::reopened(make(), &reopen).map_err(|why| format!("scrubbed: {why}"))?;
    }
    Ok(())
}

const START_MS: i64 = 1_790_000_000_000;

type Check = fn(&Bench<'_>) -> Verdict;

struct Bench<'a> {
    engine: &'a Arc<dyn Engine>,
    clock: &'a SteppedClock,
}

impl Bench<'_> {
    fn commit(&self, batch: Batch) -> Result<Committed, String> {
        commit(self.engine.as_ref(), batch)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        get(self.engine.as_ref(), name)
    }

    fn conflicts(&self, batch: Batch) -> Verdict {
        match self.engine.commit(batch).wait() {
            Err(CommitError::Conflict) => Ok(()),
            other => Err(format!("wanted a conflict, got {other:?}")),
        }
    }
}

fn commit(engine: &dyn Engine, batch: Batch) -> Result<Committed, String> {
    engine
        .commit(batch)
        .wait()
        .map_err(|error| format!("commit: {error}"))
}

fn get(engine: &dyn Engine, name: &str) -> Result<Option<Vec<u8>>, String> {
    let found = engine.get(Space::Head, &key(name)?).map_err(told)?;
    Ok(found.map(Value::into_bytes))
}

fn told(error: EngineError) -> String {
    error.to_string()
}

fn ensure(holds: bool, why: &str) -> Verdict {
    if holds { Ok(()) } else { Err(why.into()) }
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T, what: &str) -> Verdict {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, wanted {wanted:?}"))
    }
}

fn key(name: &str) -> Result<Key, String> {
    Key::new(name.as_bytes()).map_err(|error| error.to_string())
}

fn value(bytes: impl Into<Vec<u8>>) -> Result<Value, String> {
    Value::new(bytes).map_err(|error| error.to_string())
}

/// A batch that puts one row into [`Space::Head`].
fn put(name: &str, bytes: impl Into<Vec<u8>>) -> Result<Batch, String> {
    let put = vec![(Space::Head, key(name)?, value(bytes)?)];
    Ok(Batch {
        put,
        ..Batch::default()
    })
}

fn expecting(mut batch: Batch, name: &str, expected: Expected) -> Result<Batch, String> {
    batch.expect.push((Space::Head, key(name)?, expected));
    Ok(batch)
}

fn leaf(log: Log, bytes: &[u8], body: &[u8]) -> Append {
    Append {
        log,
        leaf: bytes.to_vec(),
        stamp_at: None,
        body: body.to_vec(),
    }
}

const fn series(n: u8) -> Series {
    Series([n; 16])
}
