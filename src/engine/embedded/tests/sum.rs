//! A segment summed up group by group, and window by window, is what a walk over the whole of it
//! finds.

use super::*;
use crate::engine::embedded::group::Tip;
use crate::engine::embedded::index::Row;
use crate::engine::embedded::rebuild::genesis;
use crate::engine::embedded::recover::{Contents, Road};
use crate::engine::embedded::scan::Walk;
use crate::engine::embedded::shared::Shared;
use crate::engine::embedded::sidecar::{self, Entry, Leaf, Stream};
use crate::engine::embedded::sum::{seal_segment, sum, tell};
use crate::engine::embedded::window::{Window, in_order};
use crate::engine::{Append, Batch, Engine, Key, Log, Series, Space, Value};

fn commit(engine: &EmbeddedEngine, n: u32) {
    let key = |n: u32, part: u32| Key::new([n.to_be_bytes(), part.to_be_bytes()].concat()).unwrap();
    let value = |size: usize| Value::new(vec![7; size]).unwrap();
    let batch = Batch {
        put: vec![
            (Space::Unit, key(n, 0), value(20)),
            (Space::Unit, key(n, 1), value(1000 + n as usize)),
            // What later ones replace.
            (Space::Unit, key(n % 20, 2), value(n as usize)),
        ],
        delete: n
            .checked_sub(3)
            .map(|gone| (Space::Unit, key(gone, 0)))
            .into_iter()
            .collect(),
        number: vec![Series([1; 16])],
        append: vec![Append {
            log: Log::Access,
            leaf: n.to_be_bytes().to_vec(),
            stamp_at: None,
            body: vec![1; 100],
        }],
        ..Batch::default()
    };
    engine.commit(batch).wait().unwrap();
}

/// A store whose first segment is full.
fn filled() -> (tempfile::TempDir, EmbeddedEngine) {
    let dir = tempfile::tempdir().unwrap();
    let engine = create(dir.path());
    for n in 0..150 {
        commit(&engine, n);
    }
    (dir, engine)
}

/// Everything a sidecar says.
type Said = (Tip, u32, Vec<Leaf>, Vec<(Vec<u8>, Option<Row>)>);

fn said(shared: &Shared) -> Result<Said, EngineError> {
    let (layout, keys, store) = (&shared.layout, &shared.keys, &shared.store);
    let mut stream = Stream::open(layout, keys, store, 1)?.unwrap();
    let (mut leaves, mut rows) = (Vec::new(), Vec::new());
    while let Some(entry) = stream.next()? {
        match entry {
            Entry::Leaf(log, index, location) => leaves.push((log, index, location)),
            Entry::Row(key, row) => rows.push((key, row)),
        }
    }
    let summary = stream.summary;
    assert_eq!(summary.leaves, leaves.len() as u64);
    assert!(
        summary.rows > rows.len() as u64,
        "the control: some were replaced"
    );
    Ok((summary.tip, summary.end, leaves, rows))
}

/// Writes the first segment's sidecar by small windows, and says of how many. `meanwhile` is told of
/// each before it is filled.
fn by_windows(shared: &Shared, meanwhile: impl Fn(u32)) -> Result<u32, EngineError> {
    let (layout, keys, store) = (&shared.layout, &shared.keys, &shared.store);
    let file = fs::File::open(layout.segment(1)).unwrap();
    let sum = sum(&file, 1, keys, None)?;
    let mut windows = 0;
    sidecar::write(layout, keys, store, [8; 16], 1, &sum, |put| {
        let again = |window: &mut Window| {
            windows += 1;
            meanwhile(windows);
            tell(&file, 1, keys, &sum, window)
        };
        in_order(1 << 10, again, put)
    })?;
    Ok(windows)
}

#[test]
fn group_by_group_and_window_by_window_is_the_same_as_the_whole_and_damage_is_seen() {
    let (dir, engine) = filled();
    let shared = &engine.shared;
    let layout = Layout::new(dir.path().to_path_buf());
    let whole = {
        let mut tip = genesis(&shared.keys, &shared.store);
        let mut contents = Contents::default();
        let mut walk = Walk::load(&layout, 1).unwrap();
        let end = walk.run(&shared.keys, FIRST, &mut tip, &mut contents);
        let rows: Vec<_> = contents.rows.into_iter().collect();
        (tip, end.unwrap(), contents.leaves, rows)
    };
    assert!(
        layout.segment(2).exists() && whole.3.len() > 40,
        "the control"
    );
    seal_segment(&layout, &shared.keys, &shared.store, [7; 16], 1).unwrap();
    assert!(said(shared).unwrap() == whole);
    assert!(by_windows(shared, |_| ()).unwrap() > 2, "the control");
    assert!(said(shared).unwrap() == whole);

    let before = fs::read(layout.sidecar(1)).unwrap();
    let (third, ..) = *groups(dir.path()).get(2).unwrap();
    tamper(&layout.segment(1), |bytes| {
        bytes[third.offset as usize + 300] ^= 1;
    });
    let damaged = seal_segment(&layout, &shared.keys, &shared.store, [7; 16], 1);
    assert!(matches!(damaged, Err(EngineError::Damaged(_))));
    assert!(fs::read(layout.sidecar(1)).unwrap() == before, "it stays");
}

#[test]
fn what_changes_between_two_windows_is_seen_and_leaves_no_half_a_file() {
    let (dir, engine) = filled();
    let shared = &engine.shared;
    let layout = Layout::new(dir.path().to_path_buf());
    let (third, ..) = *groups(dir.path()).get(2).unwrap();
    by_windows(shared, |_| ()).unwrap();
    let before = fs::read(layout.sidecar(1)).unwrap();
    let older = dir.path().join("older");
    fs::hard_link(layout.sidecar(1), &older).unwrap();
    let changed = by_windows(shared, |window| {
        if window == 2 {
            tamper(&layout.segment(1), |bytes| {
                bytes[third.offset as usize + 300] ^= 1;
            });
        }
    });
    assert!(matches!(changed, Err(EngineError::Damaged(_))));
    assert!(fs::read(layout.sidecar(1)).unwrap() == before);
    assert!(!layout.sidecar(1).with_extension("new").exists());
    // The one before is overwritten, and not before there is another.
    assert!(fs::read(&older).unwrap() == before);
    tamper(&layout.segment(1), |bytes| {
        bytes[third.offset as usize + 300] ^= 1;
    });
    by_windows(shared, |_| ()).unwrap();
    assert!(
        fs::read(layout.sidecar(1)).unwrap() == before,
        "the same again"
    );
    assert!(fs::read(&older).unwrap().iter().all(|byte| *byte == 0));
}

#[test]
fn what_a_dead_process_left_of_a_sidecar_is_overwritten_at_the_next_opening() {
    let (dir, engine) = filled();
    engine.close().unwrap();
    drop(engine);
    let left = Layout::new(dir.path().to_path_buf())
        .sidecar(1)
        .with_extension("new");
    fs::write(&left, b"half a sidecar").unwrap();
    // Another name of the same bytes: what is overwritten can be told from what is only unlinked.
    let bytes = dir.path().join("bytes");
    fs::hard_link(&left, &bytes).unwrap();
    open(dir.path()).close().unwrap();
    assert!(!left.exists());
    assert!(fs::read(bytes).unwrap() == [0; 14]);
}

/// The first batch after an opening with larger segments may not fit the one that is there.
#[test]
fn a_segment_without_a_group_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).close().unwrap();
    let large = Options {
        segment_bytes: 1 << 20,
        ..options(dir.path(), system())
    };
    let engine = EmbeddedEngine::open(large).unwrap();
    let key = Key::new(vec![1; 8]).unwrap();
    let batch = Batch {
        put: vec![(
            Space::Unit,
            key.clone(),
            Value::new(vec![7; 200 << 10]).unwrap(),
        )],
        ..Batch::default()
    };
    engine.commit(batch).wait().unwrap();
    engine.close().unwrap();
    drop(engine);
    let first = groups(dir.path()).first().map(|(place, ..)| place.segment);
    assert_eq!(first, Some(2), "the control");
    for sidecars in ["none", "of the empty one"] {
        fs::remove_file(dir.path().join("clean")).unwrap();
        fs::remove_file(dir.path().join("position")).unwrap();
        let engine = open(dir.path());
        assert_eq!(engine.road(), Road::Rebuilt, "{sidecars}");
        assert!(engine.get(Space::Unit, &key).unwrap().is_some());
        engine.close().unwrap();
    }
}
