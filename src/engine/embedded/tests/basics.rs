//! The contract, and the ways of opening.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Options, create, open, options};
use crate::domain::time::Clock;
use crate::engine::conformance;
use crate::engine::embedded::{EmbeddedEngine, Road};
use crate::engine::{Batch, Engine, Key, Space, Value};

#[test]
fn keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    let options = |n: u32, clock| Options {
        segment_bytes: 2 << 20,
        ..options(&root.path().join(n.to_string()), clock)
    };
    let make = |clock: Arc<dyn Clock>| -> Arc<dyn Engine> {
        let n = count.fetch_add(1, Ordering::SeqCst) + 1;
        Arc::new(EmbeddedEngine::create(options(n, clock)).unwrap())
    };
    let reopen = |engine: Arc<dyn Engine>, clock: Arc<dyn Clock>| -> Arc<dyn Engine> {
        engine.close().unwrap();
        drop(engine);
        Arc::new(EmbeddedEngine::open(options(count.load(Ordering::SeqCst), clock)).unwrap())
    };
    conformance::run(&make, Some(&reopen)).unwrap();
}

fn put(n: u32, size: usize) -> Batch {
    let key = Key::new(n.to_be_bytes()).unwrap();
    let value = Value::new(vec![n as u8; size]).unwrap();
    Batch {
        put: vec![(Space::Head, key, value)],
        ..Batch::default()
    }
}

#[test]
fn opens_by_the_right_road() {
    let dir = tempfile::tempdir().unwrap();
    let engine = create(dir.path());
    engine.commit(put(1, 100)).wait().unwrap();
    engine.close().unwrap();
    drop(engine);
    let engine = open(dir.path());
    assert_eq!(engine.road(), Road::Clean);
    engine.commit(put(2, 100)).wait().unwrap();
    drop(engine);
    let engine = open(dir.path());
    assert_eq!(engine.road(), Road::Replayed);
    drop(engine);
    std::fs::remove_file(dir.path().join("position")).unwrap();
    let engine = open(dir.path());
    assert_eq!(engine.road(), Road::Rebuilt);
    for n in [1, 2] {
        let found = engine
            .get(Space::Head, &Key::new(u32::to_be_bytes(n)).unwrap())
            .unwrap();
        assert_eq!(found.unwrap().as_bytes(), vec![n as u8; 100]);
    }
}

/// More than sled is left with at closing: rows go through a new base and stay as they were.
#[test]
fn closing_folds_a_large_index() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options {
        segment_bytes: 16 << 20,
        ..options(dir.path(), super::system())
    };
    let key = |n: u32| Key::new([&n.to_be_bytes()[..], &[7; 200]].concat()).unwrap();
    let value = |n: u32| Value::new(vec![n as u8; 60]).unwrap();
    let engine = EmbeddedEngine::create(options()).unwrap();
    for first in (0..80_000u32).step_by(4000) {
        let put = (first..first + 4000)
            .map(|n| (Space::List, key(n), value(n)))
            .collect();
        engine
            .commit(Batch {
                put,
                ..Batch::default()
            })
            .wait()
            .unwrap();
    }
    let delete = (0..100).map(|n| (Space::List, key(n))).collect();
    engine
        .commit(Batch {
            delete,
            ..Batch::default()
        })
        .wait()
        .unwrap();
    let sled = || std::fs::metadata(dir.path().join("index/sled/db")).map_or(0, |m| m.len());
    // A commit is answered before its rows are in the index.
    engine.shared.settle().unwrap();
    let before = sled();
    assert!(
        before > 32 << 20,
        "sled has only {before} bytes: nothing to fold"
    );
    engine.close().unwrap();
    drop(engine);
    assert_eq!(sled(), 0);
    let engine = EmbeddedEngine::open(options()).unwrap();
    assert_eq!(engine.road(), Road::Clean);
    let delete = vec![(Space::List, key(100))];
    engine
        .commit(Batch {
            delete,
            ..Batch::default()
        })
        .wait()
        .unwrap();
    let limit = crate::domain::limit::Limit::rows(100_000);
    let page = engine
        .scan(Space::List, crate::engine::KeyRange::default(), limit)
        .unwrap();
    assert_eq!(page.rows.len(), 80_000 - 101);
    assert!(
        page.rows
            .iter()
            .zip(101..)
            .all(|((k, v), n)| *k == key(n) && *v == value(n))
    );
    assert!(engine.get(Space::List, &key(100)).unwrap().is_none());
}
