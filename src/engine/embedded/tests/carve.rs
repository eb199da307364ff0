//! Rows are found in bytes that are no journal any more.

use std::collections::BTreeSet;
use std::fs;

use super::{create, groups};
use crate::domain::secret::Secret;
use crate::engine::embedded::carve::{Carver, Sight, position};
use crate::engine::embedded::files::Layout;
use crate::engine::{Batch, Engine, Key, Space, Value};

fn put(n: u8) -> (Space, Key, Value) {
    let value = Value::new(format!("value number {n}, long enough to stand in a frame").repeat(9));
    (Space::Unit, Key::new(vec![n; 16]).unwrap(), value.unwrap())
}

fn carved(image: &[u8], key: u8) -> (BTreeSet<Vec<u8>>, Sight) {
    let (mut found, mut removed) = (BTreeSet::new(), BTreeSet::new());
    let carver = Carver::new(&Secret::new([key; 32])).unwrap();
    let sight = carver.carve(
        image,
        |row| {
            let list = match row.value {
                Some(_) => &mut found,
                None => &mut removed,
            };
            assert!(row.space != Space::Unit || list.insert(row.key.to_vec()));
        },
        |_, _| {},
    );
    let expected: &[_] = if key == 7 { &[vec![3; 16]] } else { &[] };
    assert!(removed.iter().eq(expected), "{removed:?}");
    (found, sight.unwrap())
}

#[test]
fn rows_are_carved_out_of_a_raw_image_with_the_key_and_not_without() {
    let root = tempfile::tempdir().unwrap();
    let engine = create(root.path());
    for n in 1..=5 {
        let batch = Batch {
            put: vec![put(n)],
            ..Batch::default()
        };
        engine.commit(batch).wait().unwrap();
    }
    let removed = Batch {
        delete: vec![(Space::Unit, put(3).1)],
        ..Batch::default()
    };
    engine.commit(removed).wait().unwrap();
    let mut segment = fs::read(Layout::new(root.path().to_path_buf()).segment(1)).unwrap();
    // One group is torn in its frame; its neighbours are not hidden by that.
    let (place, _, length) = groups(root.path())[1];
    segment[(place.offset + length - 30) as usize] ^= 1;

    let image = [b"junk BGRP junk".repeat(99), segment, vec![0xaa; 777]].concat();
    let (found, sight) = carved(&image, 7);
    let expected: BTreeSet<Vec<u8>> = [1, 3, 4, 5].map(|n| vec![n; 16]).into();
    assert_eq!(found, expected, "also what was removed, not what was torn");
    assert_eq!(sight.bytes, image.len() as u64);
    assert_eq!(carved(&image, 8).0, BTreeSet::new(), "another key");
}

#[test]
fn a_needle_is_found_where_it_first_stands() {
    assert_eq!(position(b"aab", b"ab"), Some(1));
    assert_eq!(position(b"ab", b"abc"), None);
    assert_eq!(position(b"", b"a"), None);
}
