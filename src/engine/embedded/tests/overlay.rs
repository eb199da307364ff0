//! What is answered is read at once, though the index has none of it: the applier is held up, so
//! that everything here is found in the overlay or would be missed.

use super::create;
use crate::domain::limit::Limit;
use crate::engine::embedded::{EmbeddedEngine, index::index_key};
use crate::engine::{Batch, CommitError, Engine, Expected, Key, KeyRange, Series, Space, Value};

fn key(n: u8) -> Key {
    Key::new([b'k', n]).unwrap()
}

fn value(n: u8, size: usize) -> Value {
    Value::new(vec![n; size]).unwrap()
}

fn batch(put: &[(u8, usize)], delete: &[u8]) -> Batch {
    Batch {
        put: put
            .iter()
            .map(|(n, size)| (Space::Head, key(*n), value(*n, *size)))
            .collect(),
        delete: delete.iter().map(|n| (Space::Head, key(*n))).collect(),
        ..Batch::default()
    }
}

fn commit(engine: &EmbeddedEngine, batch: Batch) {
    engine.commit(batch).wait().unwrap();
}

/// Keys' numbers and sizes of values, and whether there are more.
fn scanned(engine: &EmbeddedEngine, range: KeyRange, limit: usize) -> (Vec<(u8, usize)>, bool) {
    let page = engine.scan(Space::Head, range, Limit::rows(limit)).unwrap();
    let row = |(key, value): &(Key, Value)| (key.as_bytes()[1], value.as_bytes().len());
    (page.rows.iter().map(row).collect(), page.more)
}

fn got(engine: &EmbeddedEngine, n: u8) -> Option<usize> {
    let found = engine.get(Space::Head, &key(n)).unwrap();
    found.map(|value| value.as_bytes().len())
}

#[test]
fn what_the_index_lacks_is_read_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let engine = create(dir.path());
    commit(&engine, batch(&[(1, 9), (2, 900), (3, 9), (5, 900)], &[]));
    let settled = engine.shared.settle().unwrap();
    let held = engine.shared.applying.lock();
    // Fewer groups than would hold the committer up.
    let number = Batch {
        number: vec![Series([4; 16])],
        ..batch(&[(4, 700), (2, 20)], &[1])
    };
    commit(&engine, number);
    commit(&engine, batch(&[(0, 30), (4, 40)], &[3]));
    let in_index = |n| {
        let key = index_key(Space::Head.byte(), key(n).as_bytes());
        engine.shared.index().unwrap().get(&key).unwrap().is_some()
    };
    assert!(in_index(1) && !in_index(4), "the index is held up");
    let wanted = vec![(0, 30), (2, 20), (4, 40), (5, 900)];
    for n in 0..6 {
        let size = wanted
            .iter()
            .find(|(of, _)| *of == n)
            .map(|(_, size)| *size);
        assert_eq!(got(&engine, n), size, "row {n}");
    }
    assert_eq!(engine.last_number(Series([4; 16])), Ok(1));
    for limit in 1..6 {
        let (rows, more) = scanned(&engine, KeyRange::default(), limit);
        assert_eq!(rows, wanted[..limit.min(4)], "{limit} rows");
        assert_eq!(more, limit < 4, "more than {limit} rows");
    }
    let behind = KeyRange::default().after(key(0).as_bytes());
    assert_eq!(scanned(&engine, behind, 2), (wanted[1..3].to_vec(), true));
    let stale = [(2, Some(900)), (3, Some(9)), (4, None), (4, Some(700))];
    for (n, size) in stale {
        let expected = size.map_or(Expected::Absent, |size| Expected::Equals(value(n, size)));
        let expect = vec![(Space::Head, key(n), expected)];
        let answer = engine.commit(Batch {
            expect,
            ..batch(&[(9, 1)], &[])
        });
        assert_eq!(answer.wait(), Err(CommitError::Conflict), "row {n}");
    }
    drop(held);
    assert!(engine.shared.settle().unwrap() >= settled + 2);
    assert!(!in_index(1) && in_index(4), "the index has caught up");
    assert_eq!(scanned(&engine, KeyRange::default(), 9), (wanted, false));
}

/// Rows that the overlay takes away do not hide that more follow.
#[test]
fn a_page_is_full_where_there_is_more() {
    let dir = tempfile::tempdir().unwrap();
    let engine = create(dir.path());
    let rows: Vec<_> = (0..40).map(|n| (n, 8)).collect();
    commit(&engine, batch(&rows, &[]));
    engine.shared.settle().unwrap();
    let held = engine.shared.applying.lock();
    commit(&engine, batch(&[(60, 8)], &(0..20).collect::<Vec<_>>()));
    let (found, more) = scanned(&engine, KeyRange::default(), 15);
    assert_eq!((found, more), (rows[20..35].to_vec(), true));
    let (found, more) = scanned(&engine, KeyRange::default(), 20);
    assert_eq!((found, more), (rows[20..].to_vec(), true));
    let (found, more) = scanned(&engine, KeyRange::default(), 21);
    assert_eq!(
        (found.len(), found.last(), more),
        (21, Some(&(60, 8)), false)
    );
    drop(held);
}
