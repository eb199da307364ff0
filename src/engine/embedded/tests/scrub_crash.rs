//! A scrub that dies between any two of its writes: every living row is read, and scrubbing again
//! ends it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::scrub::{Seen, holding, key, noise, removal, row, sealed, seen};
use super::{copy, create, open, tamper};
use crate::domain::limit::Limit;
use crate::engine::embedded::EmbeddedEngine;
use crate::engine::embedded::bytes::Reader;
use crate::engine::embedded::erase::{self, Dead};
use crate::engine::embedded::files::Layout;
use crate::engine::embedded::frame::{FRAME_HEADER, FrameHeader};
use crate::engine::embedded::index::{Row, index_key};
use crate::engine::{Append, Batch, Engine, EngineError, Log, Space};

type Needles = Vec<Vec<u8>>;

/// Two full segments and one that is written on; of ten of the rows, old values in both.
fn worn(dir: &Path) -> (EmbeddedEngine, Needles) {
    let engine = create(dir);
    for n in 0..75 {
        engine.commit(row(n, 0)).wait().unwrap();
    }
    let first = sealed(dir);
    for n in [0, 1, 40, 41, 70] {
        engine.commit(row(n, 1)).wait().unwrap();
    }
    for n in [2, 42, 72] {
        engine.commit(removal(n)).wait().unwrap();
    }
    engine.forget_bodies(Log::Access, 3, 5).unwrap();
    let mut dead = Vec::new();
    for n in [0, 1, 40, 41, 70, 2, 42, 72] {
        dead.push(noise(501_000 + n * 10, 40));
        let about = super::scrub::About::Row(index_key(Space::Unit.byte(), key(n).as_bytes()));
        dead.extend(first.iter().filter(|f| f.0 == about).map(|f| f.1.clone()));
    }
    engine.shared.index().unwrap().flush().unwrap();
    assert_eq!(left(dir, &dead), dead.len());
    (engine, dead)
}

fn left(dir: &Path, dead: &Needles) -> usize {
    holding(dir, dead.iter().map(Vec::as_slice)).len()
}

/// Everything is there; scrubbing ends what was begun; and that holds for another open.
fn recovers(dir: &Path, before: &Seen, dead: &Needles, what: &str) {
    let engine = open(dir);
    assert_eq!(seen(&engine), *before, "{what}");
    engine.scrub(&|_, _| ()).unwrap();
    assert_eq!(seen(&engine), *before, "{what}");
    assert_eq!(
        engine.check(&|_, _| ()).unwrap().damage,
        Vec::<String>::new()
    );
    assert_eq!(left(dir, dead), 0, "{what}");
    assert!(
        erase::noted(&Layout::new(dir.to_path_buf()))
            .unwrap()
            .is_empty()
    );
    drop(engine);
    fs::remove_file(dir.join("position")).unwrap();
    assert_eq!(seen(&open(dir)), *before, "{what}");
}

/// Runs `at` at each point of a scrub, with the point's number and name.
fn at_points(
    engine: &EmbeddedEngine,
    at: impl Fn(u32, &'static str) -> Result<(), EngineError> + Send + 'static,
) {
    let count = AtomicU32::new(0);
    let point = move |what| at(count.fetch_add(1, Ordering::SeqCst), what);
    *engine.shared.upkeep.points.lock().unwrap() = Some(Box::new(point));
}

#[test]
fn a_power_cut_at_any_write() {
    let root = tempfile::tempdir().unwrap();
    let (dir, copies) = (root.path().join("store"), root.path().join("copies"));
    let (engine, dead) = worn(&dir);
    let before = seen(&engine);
    let names = Arc::new(Mutex::new(Vec::new()));
    let (from, to, told) = (dir, copies.clone(), Arc::clone(&names));
    at_points(&engine, move |n, what| {
        copy(&from, &to.join(n.to_string()));
        told.lock().unwrap().push(what);
        Ok(())
    });
    engine.scrub(&|_, _| ()).unwrap();
    let names = names.lock().unwrap();
    for what in [
        "folded",
        "exchanged",
        "noted",
        "overwritten",
        "with a sidecar",
        "done",
    ] {
        assert!(names.contains(&what), "{what}");
    }
    for (n, what) in names.iter().enumerate() {
        let at = format!("at {n}, {what}");
        recovers(&copies.join(n.to_string()), &before, &dead, &at);
    }
}

#[test]
fn a_process_that_dies_at_any_write() {
    let root = tempfile::tempdir().unwrap();
    let mut points = 0;
    for last in 0.. {
        let dir = root.path().join(last.to_string());
        let (engine, dead) = worn(&dir);
        let before = seen(&engine);
        let reached = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&reached);
        at_points(&engine, move |n, _| {
            count.store(n, Ordering::SeqCst);
            if n >= last {
                Err(EngineError::Stopped)
            } else {
                Ok(())
            }
        });
        let scrubbed = engine.scrub(&|_, _| ());
        if scrubbed.is_ok() {
            points = reached.load(Ordering::SeqCst);
            break;
        }
        // Until then it serves on.
        assert_eq!(seen(&engine), before, "{last}");
        if last % 2 == 0 {
            drop(engine);
            recovers(&dir, &before, &dead, &last.to_string());
        } else {
            // Or nobody dies, and the next scrub goes on.
            *engine.shared.upkeep.points.lock().unwrap() = None;
            engine.scrub(&|_, _| ()).unwrap();
            assert_eq!(left(&dir, &dead), 0, "{last}");
            engine.close().unwrap();
            drop(engine);
            assert_eq!(seen(&open(&dir)), before, "{last}");
        }
    }
    assert!(points > 15, "{points}");
}

/// The disk may have kept any part of what was written between two syncs.
#[test]
fn writes_that_reached_the_disk_in_part_and_in_any_order() {
    let root = tempfile::tempdir().unwrap();
    let (dir, cut) = (root.path().join("store"), root.path().join("cut"));
    let (engine, dead) = worn(&dir);
    let before = seen(&engine);
    let to = cut.clone();
    at_points(&engine, move |_, what| {
        if what == "noted" && !to.exists() {
            copy(&dir, &to);
        }
        Ok(())
    });
    engine.scrub(&|_, _| ()).unwrap();
    let layout = Layout::new(cut.clone());
    let note = fs::read(layout.erasing(1)).unwrap();
    let frames: Vec<Dead> = note[32..note.len() - 32]
        .chunks(8)
        .map(|one| Dead {
            offset: u32::from_be_bytes(one[..4].try_into().unwrap()),
            length: u32::from_be_bytes(one[4..].try_into().unwrap()),
        })
        .collect();
    assert!(frames.len() > 5);
    let again = root.path().join("again");
    for variant in 0..4 {
        copy(&cut, &again);
        tamper(&Layout::new(again.clone()).segment(1), |bytes| {
            for (n, one) in frames.iter().enumerate() {
                let (at, end) = (one.offset as usize, (one.offset + one.length) as usize);
                let body = at + FRAME_HEADER;
                let middle = body.midpoint(end);
                let header = FrameHeader::parse(&mut Reader::new(&bytes[at..])).unwrap();
                assert!(!header.erased);
                match (n + variant) % 4 {
                    // A mark and no zeros; zeros and no mark; a part of them; nothing.
                    0 => bytes[at + 1] = 0xE5,
                    1 => bytes[body..end].fill(0),
                    2 => bytes[middle..end].fill(0),
                    _ => {}
                }
            }
        });
        let torn = root.path().join("torn");
        copy(&again, &torn);
        recovers(&again, &before, &dead, "torn");
        // Without the note the same bytes are damage: it is the note that makes them good.
        let layout = Layout::new(torn.clone());
        fs::remove_file(layout.erasing(1)).unwrap();
        fs::remove_file(layout.sidecar(1)).unwrap();
        assert!(matches!(
            super::try_open(&torn),
            Err(EngineError::Damaged(_))
        ));
    }
}

/// The crash tests would notice: a living row that is erased is missed.
#[test]
fn a_living_row_that_is_erased_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let (engine, _) = worn(root.path());
    let before = seen(&engine);
    let at = index_key(Space::Unit.byte(), key(10).as_bytes());
    let Some(Row::Far(far)) = engine.shared.index().unwrap().get(&at).unwrap() else {
        panic!("not a far row")
    };
    let file = engine.shared.segments.get(far.place.segment).unwrap();
    let dead = Dead {
        offset: far.place.offset,
        length: far.length,
    };
    erase::erase(&file, far.place.segment, &[dead], |_| Ok(())).unwrap();
    let page = engine.get(Space::Unit, &key(10)).unwrap();
    assert!(page.is_none());
    drop(engine);
    fs::remove_file(root.path().join("position")).unwrap();
    assert_ne!(seen(&open(root.path())), before);
}

/// A log is read whole at any moment, also while a scrub is erasing one of its bodies.
#[test]
fn a_body_is_never_found_half_erased() {
    let root = tempfile::tempdir().unwrap();
    let engine = Arc::new(create(root.path()));
    for n in 0..4u8 {
        let append = vec![Append {
            log: Log::Access,
            leaf: vec![n; 40],
            stamp_at: None,
            body: vec![n; 600],
        }];
        let batch = Batch {
            append,
            ..Batch::default()
        };
        engine.commit(batch).wait().unwrap();
    }
    engine.forget_bodies(Log::Access, 1, 3).unwrap();
    let (reader, seen) = (Arc::downgrade(&engine), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&seen);
    at_points(&engine, move |_, what| {
        let engine = reader.upgrade().unwrap();
        let leaves = engine.leaves(Log::Access, 0, Limit::rows(10));
        let bodies = leaves.map(|all| all.iter().map(|one| one.body.is_some()).collect());
        told.lock().unwrap().push((what, bodies));
        Ok(())
    });
    let erased = engine.scrub(&|_, _| ()).unwrap().frames;
    *engine.shared.upkeep.points.lock().unwrap() = None;
    let seen = seen.lock().unwrap();
    for (what, bodies) in seen.iter() {
        assert_eq!(bodies, &Ok(vec![true, false, false, true]), "{what}");
    }
    let overwritten = seen.iter().any(|(what, _)| *what == "overwritten");
    assert_eq!((erased, overwritten), (2, true), "nothing was being erased");
}
