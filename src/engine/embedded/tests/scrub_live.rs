//! Scrubs while rows are read, replaced and copied: nobody misses anything.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::scrub::noise;
use super::snapshot::copy_out;
use super::{create, open};
use crate::domain::limit::Limit;
use crate::engine::embedded::EmbeddedEngine;
use crate::engine::{Append, Batch, Engine, Key, KeyRange, Log, Space, Value};

const KEYS: u32 = 40;

fn key(n: u32) -> Key {
    Key::new(n.to_be_bytes()).unwrap()
}

/// Begins with its version; every second one stands in the index itself.
fn value(n: u32, version: u32) -> Value {
    let size = if n.is_multiple_of(2) { 30 } else { 2000 };
    let bytes = [&version.to_be_bytes()[..], &noise(n + version * 100, size)].concat();
    Value::new(bytes).unwrap()
}

fn version(value: &Value) -> u32 {
    u32::from_be_bytes(value.as_bytes()[..4].try_into().unwrap())
}

/// All keys get one version in one batch.
fn round(version: u32) -> Batch {
    Batch {
        put: (0..KEYS)
            .map(|n| (Space::Unit, key(n), value(n, version)))
            .collect(),
        append: vec![Append {
            log: Log::Access,
            leaf: version.to_be_bytes().to_vec(),
            stamp_at: None,
            body: noise(version, 500),
        }],
        ..Batch::default()
    }
}

struct Shared {
    engine: EmbeddedEngine,
    stop: AtomicBool,
    acknowledged: AtomicU32,
    reads: AtomicU32,
}

fn scan(engine: &EmbeddedEngine, at_least: u32) {
    let page = engine.scan(Space::Unit, KeyRange::default(), Limit::rows(100));
    let rows = page.unwrap().rows;
    assert_eq!(rows.len(), KEYS as usize);
    let first = version(&rows[0].1);
    assert!(first >= at_least, "{first} is older than {at_least}");
    for (n, (found, bytes)) in rows.iter().enumerate() {
        assert!(*found == key(n as u32) && *bytes == value(n as u32, first));
    }
}

fn read(shared: &Shared) {
    for n in 0u32.. {
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        let at_least = shared.acknowledged.load(Ordering::Acquire);
        let found = shared.engine.get(Space::Unit, &key(n % KEYS)).unwrap();
        let found = found.expect("a living row is not there");
        assert!(version(&found) >= at_least);
        assert!(found == value(n % KEYS, version(&found)));
        if n % 5 == 0 {
            scan(&shared.engine, at_least);
        }
        let size = shared.engine.log_size(Log::Access);
        let leaves = shared
            .engine
            .leaves(Log::Access, 0, Limit::rows(1000))
            .unwrap();
        assert!(leaves.len() as u64 >= size.min(1000));
        shared.reads.fetch_add(1, Ordering::Relaxed);
    }
}

fn write(shared: &Shared) {
    for n in 1.. {
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        shared.engine.commit(round(n)).wait().unwrap();
        shared.acknowledged.store(n, Ordering::Release);
    }
}

fn copies(shared: &Shared, root: &Path) -> u32 {
    for n in 0.. {
        if shared.stop.load(Ordering::Acquire) {
            return n;
        }
        let to = root.join(n.to_string());
        let at_least = shared.acknowledged.load(Ordering::Acquire);
        let snapshot = shared.engine.snapshot().unwrap();
        copy_out(&snapshot, &to);
        let sizes = snapshot.log_sizes();
        drop(snapshot);
        let copy = open(&to);
        assert_eq!(copy.log_size(Log::Access), sizes[0]);
        scan(&copy, at_least);
        drop(copy);
        std::fs::remove_dir_all(&to).unwrap();
        assert_eq!(
            shared.engine.check(&|_, _| ()).unwrap().damage,
            Vec::<String>::new()
        );
        thread::sleep(Duration::from_millis(50));
    }
    0
}

#[test]
fn nobody_misses_anything() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    let engine = create(&dir);
    engine.commit(round(0)).wait().unwrap();
    let shared = Shared {
        engine,
        stop: AtomicBool::new(false),
        acknowledged: AtomicU32::new(0),
        reads: AtomicU32::new(0),
    };
    let seconds = std::env::var("BONGHAM_SCRUB_SECONDS").ok();
    let length = seconds.and_then(|n| n.parse().ok()).unwrap_or(4);
    let (mut scrubs, mut erased, mut copied) = (0, 0, 0);
    thread::scope(|scope| {
        let threads = [
            scope.spawn(|| read(&shared)),
            scope.spawn(|| write(&shared)),
        ];
        let copying = scope.spawn(|| copies(&shared, root.path()));
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(length)
            && !threads.iter().any(|t| t.is_finished())
            && !copying.is_finished()
        {
            let scrubbed = shared.engine.scrub(&|_, _| ()).unwrap();
            erased += scrubbed.frames;
            scrubs += 1;
            let size = shared.engine.log_size(Log::Access);
            shared
                .engine
                .forget_bodies(Log::Access, 0, size / 2)
                .unwrap();
        }
        shared.stop.store(true, Ordering::Release);
        for thread in threads {
            thread.join().unwrap();
        }
        copied = copying.join().unwrap();
    });
    let last = shared.acknowledged.load(Ordering::Acquire);
    let reads = shared.reads.load(Ordering::Relaxed);
    eprintln!("{scrubs} scrubs, {erased} erased, {last} rounds, {reads} reads, {copied} copies");
    assert!(scrubs > 2 && erased > 100 && last > 5 && reads > 20 && copied > 0);
    // Rounds that came behind the last scrub.
    shared.engine.scrub(&|_, _| ()).unwrap();
    scan(&shared.engine, last);
    let checked = shared.engine.check(&|_, _| ()).unwrap();
    assert_eq!(checked.damage, Vec::<String>::new());
    // Of each large row one frame lives; of small ones those with the living value.
    let living = checked.frames - checked.erased;
    let size = shared.engine.log_size(Log::Access);
    assert_eq!(
        living,
        u64::from(KEYS) + size + (size - forgotten_half(&shared.engine))
    );
    drop(shared);
    scan(&open(&dir), last);
}

fn forgotten_half(engine: &EmbeddedEngine) -> u64 {
    let leaves = engine.leaves(Log::Access, 0, Limit::rows(100_000)).unwrap();
    leaves.iter().filter(|leaf| leaf.body.is_none()).count() as u64
}

#[test]
fn closing_ends_a_scrub() {
    let root = tempfile::tempdir().unwrap();
    let engine = create(root.path());
    for n in 0..20 {
        engine.commit(round(n)).wait().unwrap();
    }
    // The scrub must wait for the snapshot, and give up for the close.
    let snapshot = engine.snapshot().unwrap();
    thread::scope(|scope| {
        let scrub = scope.spawn(|| engine.scrub(&|_, _| ()));
        thread::sleep(Duration::from_millis(300));
        assert!(!scrub.is_finished());
        engine.close().unwrap();
        assert!(scrub.join().unwrap().is_err());
    });
    drop(snapshot);
    drop(engine);
    let engine = open(root.path());
    scan(&engine, 19);
    assert!(engine.scrub(&|_, _| ()).unwrap().frames >= 19 * u64::from(KEYS));
}
