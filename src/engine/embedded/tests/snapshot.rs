//! Copies taken while the store is served open as it stood.

use std::fs::{self, File};
use std::io::{Read, copy};
use std::path::Path;

use super::{create, open};
use crate::domain::limit::Limit;
use crate::engine::embedded::Road;
use crate::engine::{Append, Batch, Engine, Key, KeyRange, Log, Snapshot, Space, Value};

fn batch(n: u32) -> Batch {
    let key = Key::new(n.to_be_bytes()).unwrap();
    Batch {
        put: vec![(Space::Unit, key, Value::new(vec![n as u8; 3000]).unwrap())],
        append: vec![Append {
            log: Log::Access,
            leaf: n.to_be_bytes().to_vec(),
            stamp_at: None,
            body: vec![9; 100],
        }],
        ..Batch::default()
    }
}

/// Copies exactly what the snapshot lists, last file first.
pub(super) fn copy_out(snapshot: &Snapshot, to: &Path) {
    for file in snapshot.files().iter().rev() {
        let target = to.join(&file.name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        let from = File::open(snapshot.dir().join(&file.name)).unwrap();
        let copied = copy(
            &mut from.take(file.bytes),
            &mut File::create(target).unwrap(),
        );
        assert_eq!(copied.unwrap(), file.bytes, "{}", file.name);
    }
}

#[test]
fn a_copy_opens_as_the_store_stood() {
    let root = tempfile::tempdir().unwrap();
    let engine = create(&root.path().join("store"));
    for n in 0..100 {
        engine.commit(batch(n)).wait().unwrap();
    }
    let snapshot = engine.snapshot().unwrap();
    assert_eq!(snapshot.log_sizes(), [100, 0]);
    assert!(snapshot.files().iter().filter(|f| f.sealed).count() >= 2);
    // What comes later is not in it, though it stands in the same files.
    for n in 100..160 {
        engine.commit(batch(n)).wait().unwrap();
    }
    let to = root.path().join("copy");
    copy_out(&snapshot, &to);
    drop(snapshot);
    let copy = open(&to);
    assert_eq!(copy.road(), Road::Rebuilt);
    let rows = copy
        .scan(Space::Unit, KeyRange::default(), Limit::rows(1000))
        .unwrap()
        .rows;
    assert_eq!(rows.len(), 100);
    assert!(
        rows.iter()
            .all(|(k, v)| v.as_bytes() == vec![k.as_bytes()[3]; 3000])
    );
    assert_eq!(copy.log_size(Log::Access), 100);
    // And it goes on: the next group finds a place.
    copy.commit(batch(100)).wait().unwrap();
    assert_eq!(copy.log_size(Log::Access), 101);
    copy.close().unwrap();
    drop(copy);
    assert_eq!(open(&to).log_size(Log::Access), 101);
    assert_eq!(engine.log_size(Log::Access), 160);
}

#[test]
fn an_empty_store_can_be_copied() {
    let root = tempfile::tempdir().unwrap();
    let engine = create(&root.path().join("store"));
    let to = root.path().join("copy");
    copy_out(&engine.snapshot().unwrap(), &to);
    let copy = open(&to);
    assert_eq!(copy.log_size(Log::Access), 0);
    copy.commit(batch(0)).wait().unwrap();
}
