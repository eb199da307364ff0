//! A segment summed up group by group is what a walk over the whole of it finds.

use super::*;
use crate::engine::embedded::group::Tip;
use crate::engine::embedded::rebuild::genesis;
use crate::engine::embedded::scan::Walk;
use crate::engine::embedded::sidecar::Contents;
use crate::engine::embedded::sum::sum;
use crate::engine::{Append, Batch, Engine, Key, Log, Space, Value};

fn commit(engine: &EmbeddedEngine, n: u32) {
    let key = |part: u32| Key::new([n.to_be_bytes(), part.to_be_bytes()].concat()).unwrap();
    let value = |size: usize| Value::new(vec![7; size]).unwrap();
    let batch = Batch {
        put: vec![
            (Space::Unit, key(0), value(20)),
            (Space::Unit, key(1), value(1000 + n as usize)),
        ],
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

type Found = (Tip, u32, Vec<(u8, u64)>, Vec<Vec<u8>>);

fn told(tip: Tip, end: u32, contents: Contents) -> Found {
    let leaves = contents.leaves.iter().map(|(log, index, _)| (*log, *index));
    (
        tip,
        end,
        leaves.collect(),
        contents.rows.into_keys().collect(),
    )
}

#[test]
fn group_by_group_is_the_same_as_the_whole_and_damage_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let engine = create(dir.path());
    for n in 0..150 {
        commit(&engine, n);
    }
    let shared = &engine.shared;
    let layout = Layout::new(dir.path().to_path_buf());
    let by_group = || {
        let mut contents = Contents::default();
        let file = fs::File::open(layout.segment(1)).unwrap();
        let summed = sum(&file, 1, &shared.keys, &mut contents)?;
        Ok::<_, EngineError>(told(summed.after, summed.end, contents))
    };
    let whole = {
        let mut tip = genesis(&shared.keys, &shared.store);
        let mut contents = Contents::default();
        let mut walk = Walk::load(&layout, 1).unwrap();
        let end = walk.run(&shared.keys, FIRST, &mut tip, &mut contents);
        told(tip, end.unwrap(), contents)
    };
    assert!(
        layout.segment(2).exists() && whole.2.len() > 20,
        "the control"
    );
    assert!(by_group().unwrap() == whole);

    let (third, ..) = *groups(dir.path()).get(2).unwrap();
    tamper(&layout.segment(1), |bytes| {
        bytes[third.offset as usize + 300] ^= 1;
    });
    assert!(matches!(by_group(), Err(EngineError::Damaged(_))));
}
