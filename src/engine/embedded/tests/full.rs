//! No space for the next segment: refused before anything is written, told by `ready`, healed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Options, options};
use crate::domain::time::{Clock, SteppedClock, Timestamp};
use crate::engine::embedded::EmbeddedEngine;
use crate::engine::{Batch, CommitError, Engine, EngineError, Key, Space, Value};

fn put(n: u32) -> Batch {
    let key = Key::new(n.to_be_bytes()).unwrap();
    let value = Value::new(vec![n as u8; 4000]).unwrap();
    Batch {
        put: vec![(Space::Head, key, value)],
        ..Batch::default()
    }
}

fn there(engine: &EmbeddedEngine, n: u32) -> bool {
    let found = engine
        .get(Space::Head, &Key::new(n.to_be_bytes()).unwrap())
        .unwrap();
    found.is_some_and(|value| value.as_bytes() == vec![n as u8; 4000])
}

fn clock() -> Arc<SteppedClock> {
    Arc::new(SteppedClock::at(Timestamp::from_millis(0)))
}

/// Commits rows from `first` until one is refused; gives its number and why.
fn until_refused(engine: &EmbeddedEngine, first: u32) -> (u32, CommitError) {
    (first..100_000)
        .find_map(|n| engine.commit(put(n)).wait().err().map(|error| (n, error)))
        .unwrap()
}

#[test]
fn a_segment_that_cannot_be_made_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    let clock = clock();
    let options = || options(&dir, Arc::clone(&clock) as Arc<dyn Clock>);
    let engine = EmbeddedEngine::create(options()).unwrap();
    // A directory stands where the next segment would be written.
    let obstacle = dir.join("journal/next.new");
    while fs::create_dir(&obstacle).is_err() {}
    let (refused, why) = until_refused(&engine, 0);
    assert!(
        matches!(why, CommitError::Engine(EngineError::Io(_))),
        "{why}"
    );
    assert!(matches!(
        engine.commit(put(refused)).wait(),
        Err(CommitError::Engine(_))
    ));
    assert!((0..refused).all(|n| there(&engine, n)) && !there(&engine, refused));
    fs::remove_dir(&obstacle).unwrap();
    clock.advance(Duration::from_secs(2));
    engine.commit(put(refused)).wait().unwrap();
    drop(engine);
    let engine = EmbeddedEngine::open(options()).unwrap();
    assert!((0..=refused).all(|n| there(&engine, n)));
}

/// On a real small file system, named by `BONGHAM_SMALL_FS` (24 MiB will do).
#[test]
fn a_full_disk_is_told_before_it_hurts() {
    let Ok(small) = std::env::var("BONGHAM_SMALL_FS") else {
        return;
    };
    let dir = Path::new(&small).join("store");
    let ballast = Path::new(&small).join("ballast");
    let _ = fs::remove_dir_all(&dir);
    fs::write(&ballast, vec![1; 10 << 20]).unwrap();
    let clock = clock();
    let options = || Options {
        segment_bytes: 1 << 20,
        reserve: true,
        ..options(&dir, Arc::clone(&clock) as Arc<dyn Clock>)
    };
    let engine = EmbeddedEngine::create(options()).unwrap();
    let mut warned = None;
    let (refused, why) = (0..100_000)
        .find_map(|n| {
            if warned.is_none() && engine.ready() == Err(EngineError::DiskFull) {
                warned = Some(n);
            }
            engine.commit(put(n)).wait().err().map(|error| (n, error))
        })
        .unwrap();
    assert!(
        matches!(why, CommitError::Engine(EngineError::DiskFull)),
        "{why}"
    );
    // The reserve and what was prepared ahead still took hundreds of rows.
    assert!(
        warned.unwrap() + 200 < refused,
        "warned at {warned:?}, refused at {refused}"
    );
    assert!((0..refused).all(|n| there(&engine, n)));
    fs::remove_file(&ballast).unwrap();
    clock.advance(Duration::from_secs(2));
    engine.commit(put(refused)).wait().unwrap();
    drop(engine);
    let engine = EmbeddedEngine::open(options()).unwrap();
    assert!((0..=refused).all(|n| there(&engine, n)));
    engine.close().unwrap();
}
