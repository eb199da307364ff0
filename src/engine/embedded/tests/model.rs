//! Random batches against a map, through clean stops, dead processes, power cuts and torn tails.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::{copy, create, groups, open, tamper, try_open};
use crate::domain::limit::Limit;
use crate::engine::embedded::files::Layout;
use crate::engine::embedded::{EmbeddedEngine, Road};
use crate::engine::{
    Append, Batch, CommitError, Engine, EngineError, Expected, Key, KeyRange, Late, Leaf, Log,
    Mark, Series, Space, Value,
};

/// What the store must hold.
#[derive(Clone, Default, PartialEq, Debug)]
struct Model {
    rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    logs: [Vec<Leaf>; 2],
    numbers: BTreeMap<u8, u64>,
}

#[derive(Clone, Debug)]
enum Edit {
    Put(u8, u8, usize),
    Delete(u8, u8),
    Append(bool, usize),
    Number(u8),
    Late(u8),
    ExpectAbsent(u8, u8),
    ExpectEqual(u8, u8),
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Edit>),
    Close,
    Die,
    PowerCut,
    TornTail {
        garble: bool,
        from: u16,
    },
    Scrub,
    /// A scrub that ends at this of its writes; then the process dies, or the power goes.
    ScrubDies {
        at: u32,
        power: bool,
    },
    Forget {
        ledger: bool,
        from: u8,
        count: u8,
    },
}

fn edit() -> impl Strategy<Value = Edit> {
    let size = prop_oneof![4 => 0usize..80, 2 => 80usize..3000, 1 => Just(40_000usize)];
    prop_oneof![
        4 => (0u8..2, 0u8..12, size).prop_map(|(s, k, n)| Edit::Put(s, k, n)),
        2 => (0u8..2, 0u8..12).prop_map(|(s, k)| Edit::Delete(s, k)),
        2 => (any::<bool>(), 0usize..300).prop_map(|(log, n)| Edit::Append(log, n)),
        1 => (0u8..3).prop_map(Edit::Number),
        1 => (0u8..2).prop_map(Edit::Late),
        1 => (0u8..2, 0u8..12).prop_map(|(s, k)| Edit::ExpectAbsent(s, k)),
        1 => (0u8..2, 0u8..12).prop_map(|(s, k)| Edit::ExpectEqual(s, k)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => prop::collection::vec(edit(), 1..8).prop_map(Step::Commit),
        1 => Just(Step::Close),
        1 => Just(Step::Die),
        1 => Just(Step::PowerCut),
        2 => (any::<bool>(), any::<u16>())
            .prop_map(|(garble, from)| Step::TornTail { garble, from }),
        1 => Just(Step::Scrub),
        2 => (0u32..60, any::<bool>()).prop_map(|(at, power)| Step::ScrubDies { at, power }),
        1 => (any::<bool>(), any::<u8>(), 0u8..9)
            .prop_map(|(ledger, from, count)| Step::Forget { ledger, from, count }),
    ]
}

fn space(n: u8) -> Space {
    if n == 0 { Space::Head } else { Space::Unit }
}

fn key(n: u8) -> Key {
    Key::new(vec![b'k'; usize::from(n) + 1]).unwrap()
}

/// The batch, and the model after it if it succeeds; `None` if it must conflict.
fn batch(model: &Model, edits: &[Edit], salt: u8) -> (Batch, Option<Model>) {
    let mut batch = Batch::default();
    let mut after = model.clone();
    let mut holds = true;
    let row = |s: u8, k: u8| model.rows.get(&(s, key(k).as_bytes().to_vec()));
    for edit in edits {
        match edit {
            Edit::ExpectAbsent(s, k) => {
                holds &= row(*s, *k).is_none();
                batch.expect.push((space(*s), key(*k), Expected::Absent));
            }
            Edit::ExpectEqual(s, k) => {
                // The true value where there is one; else a value that cannot be right.
                holds &= row(*s, *k).is_some();
                let value = row(*s, *k).cloned().unwrap_or_default();
                let value = Value::new(value).unwrap();
                batch
                    .expect
                    .push((space(*s), key(*k), Expected::Equals(value)));
            }
            Edit::Delete(s, k) => {
                batch.delete.push((space(*s), key(*k)));
                after.rows.remove(&(*s, key(*k).as_bytes().to_vec()));
            }
            Edit::Append(ledger, size) => {
                let log = if *ledger { Log::Ledger } else { Log::Access };
                let (leaf, body) = (vec![salt; size % 50 + 1], vec![salt; *size]);
                after.logs[log as usize].push(Leaf {
                    leaf: leaf.clone(),
                    body: Some(body.clone()),
                });
                batch.append.push(Append {
                    log,
                    leaf,
                    stamp_at: None,
                    body,
                });
            }
            Edit::Number(n) => {
                *after.numbers.entry(*n).or_default() += 1;
                batch.number.push(Series([*n; 16]));
            }
            Edit::Put(..) | Edit::Late(_) => {}
        }
    }
    for edit in edits {
        if let Edit::Put(s, k, size) = edit {
            let value = vec![salt; *size];
            batch
                .put
                .push((space(*s), key(*k), Value::new(value.clone()).unwrap()));
            after.rows.insert((*s, key(*k).as_bytes().to_vec()), value);
        }
    }
    for edit in edits {
        if let (Edit::Late(s), Some(first)) = (edit, batch.append.first()) {
            let index = after.logs[first.log as usize].len()
                - batch.append.iter().filter(|a| a.log == first.log).count();
            let late = Late {
                space: space(*s),
                key: b"late".to_vec(),
                value: vec![salt],
                key_marks: vec![Mark::Leaf(0)],
                value_marks: Vec::new(),
            };
            let key = [b"late".as_slice(), &(index as u64).to_be_bytes()].concat();
            after.rows.insert((*s, key), vec![salt]);
            batch.late.push(late);
        }
    }
    (batch, holds.then_some(after))
}

fn observed(engine: &EmbeddedEngine) -> Model {
    let mut model = Model::default();
    for s in 0..2 {
        let page = engine
            .scan(space(s), KeyRange::default(), Limit::rows(10_000))
            .unwrap();
        for (key, value) in page.rows {
            let got = engine.get(space(s), &key).unwrap().unwrap();
            assert_eq!(got.as_bytes(), value.as_bytes());
            model
                .rows
                .insert((s, key.as_bytes().to_vec()), value.into_bytes());
        }
    }
    for log in Log::ALL {
        model.logs[log as usize] = engine.leaves(log, 0, Limit::rows(100_000)).unwrap();
        assert_eq!(engine.log_size(log), model.logs[log as usize].len() as u64);
    }
    for n in 0..3 {
        let last = engine.last_number(Series([n; 16])).unwrap();
        if last > 0 {
            model.numbers.insert(n, last);
        }
    }
    model
}

/// Spoils the last group of a journal from somewhere inside it, as an unfinished write would.
fn tear(dir: &Path, garble: bool, from: u16) {
    let (place, _, length) = *groups(dir).last().unwrap();
    let cut = place.offset as usize + usize::from(from) % (length as usize - 8);
    let end = (place.offset + length) as usize;
    let path = Layout::new(dir.to_path_buf()).segment(place.segment);
    tamper(&path, |bytes| {
        if garble {
            bytes[cut..end]
                .iter_mut()
                .step_by(97)
                .for_each(|byte| *byte ^= 0x5a);
            bytes[cut] ^= 0xff;
        } else {
            bytes[cut..end].fill(0);
        }
    });
}

/// Lets a scrub die at its `at`-th write, if it has so many.
fn die_scrubbing(engine: &EmbeddedEngine, at: u32) {
    let count = AtomicU32::new(0);
    let point = move |_| match count.fetch_add(1, Ordering::SeqCst) {
        n if n >= at => Err(EngineError::Stopped),
        _ => Ok(()),
    };
    *engine.shared.upkeep.points.lock().unwrap() = Some(Box::new(point));
    match engine.scrub(&|_, _| ()) {
        Ok(_) | Err(EngineError::Stopped) => {}
        Err(other) => panic!("{other}"),
    }
}

fn live(steps: &[Step]) {
    let root = tempfile::tempdir().unwrap();
    let mut dir = root.path().join("0");
    let mut engine = create(&dir);
    let mut model = Model::default();
    // The model before the last batch, if that batch was written since the last opening.
    let mut before: Option<Model> = None;
    for (n, step) in steps.iter().enumerate() {
        let next = root.path().join(format!("{}", n + 1));
        match step {
            Step::Commit(edits) => {
                let (batch, after) = batch(&model, edits, n as u8);
                let written =
                    batch.put.len() + batch.delete.len() + batch.append.len() + batch.number.len()
                        > 0;
                match (engine.commit(batch).wait(), after) {
                    (Ok(_), Some(after)) => {
                        let old = std::mem::replace(&mut model, after);
                        if written {
                            before = Some(old);
                        }
                    }
                    (Err(CommitError::Conflict), None) => {}
                    (found, wanted) => {
                        panic!("{found:?}, though the model says {}", wanted.is_some());
                    }
                }
                continue;
            }
            Step::Close => {
                engine.close().unwrap();
                drop(engine);
                engine = open(&dir);
                assert_eq!(engine.road(), Road::Clean);
            }
            Step::Die => {
                drop(engine);
                engine = open(&dir);
                assert_eq!(engine.road(), Road::Replayed);
            }
            Step::PowerCut => {
                copy(&dir, &next);
                drop(engine);
                engine = open(&next);
                assert_eq!(engine.road(), Road::Rebuilt);
                dir = next;
            }
            Step::Scrub => {
                engine.scrub(&|_, _| ()).unwrap();
                assert_eq!(engine.scrub(&|_, _| ()).unwrap().frames, 0);
            }
            Step::ScrubDies { at, power } => {
                die_scrubbing(&engine, *at);
                if *power {
                    copy(&dir, &next);
                    dir = next;
                }
                drop(engine);
                engine = open(&dir);
            }
            Step::Forget {
                ledger,
                from,
                count,
            } => {
                let log = if *ledger { Log::Ledger } else { Log::Access };
                let leaves = &mut model.logs[log as usize];
                let from = usize::from(*from) % (leaves.len() + 1);
                let to = from + usize::from(*count);
                for leaf in leaves.iter_mut().take(to).skip(from) {
                    drop(leaf.body.take_if(|body| !body.is_empty()));
                }
                engine.forget_bodies(log, from as u64, to as u64).unwrap();
            }
            Step::TornTail { garble, from } => {
                let Some(old) = before.take() else { continue };
                copy(&dir, &next);
                drop(engine);
                // A group that a marker vouches for cannot be torn; this one must not be.
                let _ = fs::remove_file(next.join("position"));
                tear(&next, *garble, *from);
                engine = open(&next);
                dir = next;
                model = old;
            }
        }
        before = None;
        assert_eq!(observed(&engine), model, "after step {n}: {step:?}");
    }
    assert_eq!(observed(&engine), model);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("BONGHAM_MODEL").ok().and_then(|n| n.parse().ok()).unwrap_or(16),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn behaves_like_a_map(steps in prop::collection::vec(step(), 1..60)) {
        live(&steps);
    }
}

/// The model test would notice: a journal that lost its last batch is not what the model says.
#[test]
fn the_model_notices_a_lost_batch() {
    let root = tempfile::tempdir().unwrap();
    let (dir, cut) = (root.path().join("a"), root.path().join("b"));
    let engine = create(&dir);
    let mut model = Model::default();
    for n in 0..3 {
        let (batch, after) = batch(&model, &[Edit::Put(0, n, 50), Edit::Append(false, 9)], n);
        engine.commit(batch).wait().unwrap();
        model = after.unwrap();
    }
    copy(&dir, &cut);
    assert_eq!(observed(&open(&cut)), model);
    copy(&dir, &cut);
    tear(&cut, false, 0);
    assert_ne!(observed(&open(&cut)), model);
}

/// A torn tail is one only where nothing says that it had been acknowledged.
#[test]
fn a_torn_tail_below_the_floor_is_damage() {
    let root = tempfile::tempdir().unwrap();
    let (dir, cut) = (root.path().join("a"), root.path().join("b"));
    let engine = create(&dir);
    for n in 0..3 {
        let (batch, _) = batch(&Model::default(), &[Edit::Append(false, 9)], n);
        engine.commit(batch).wait().unwrap();
    }
    copy(&dir, &cut);
    tear(&cut, true, 100);
    let opened = |floor| {
        let options = super::options(&cut, super::system());
        EmbeddedEngine::open(super::Options {
            floor: [floor, 0],
            ..options
        })
    };
    assert!(matches!(opened(3), Err(EngineError::Damaged(_))));
    assert!(opened(2).is_ok());
}

/// What a marker vouches for cannot have been torn.
#[test]
fn a_last_group_that_was_closed_over_is_damage() {
    let root = tempfile::tempdir().unwrap();
    let (dir, cut) = (root.path().join("a"), root.path().join("b"));
    let engine = create(&dir);
    let (batch, _) = batch(&Model::default(), &[Edit::Put(0, 1, 5)], 1);
    engine.commit(batch).wait().unwrap();
    engine.close().unwrap();
    copy(&dir, &cut);
    assert!(try_open(&cut).is_ok());
    copy(&dir, &cut);
    tear(&cut, true, 100);
    assert!(matches!(try_open(&cut), Err(EngineError::Damaged(_))));
    fs::remove_dir_all(&cut).unwrap();
}

/// The first group of a segment is named by the position that is recorded when the segment before
/// it is summed up: losing it is damage from then on.
#[test]
fn a_last_group_that_a_position_names_is_damage() {
    let root = tempfile::tempdir().unwrap();
    let (dir, cut) = (root.path().join("a"), root.path().join("b"));
    let engine = create(&dir);
    for n in 0.. {
        let (batch, _) = batch(&Model::default(), &[Edit::Put(0, 1, 40_000)], n);
        engine.commit(batch).wait().unwrap();
        if groups(&dir).last().unwrap().0.segment == 2 {
            break;
        }
    }
    // The sidecar comes after the position.
    let sidecar = Layout::new(dir.clone()).sidecar(1);
    for _ in 0..1000 {
        if sidecar.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(sidecar.exists(), "the first segment is not summed up");
    copy(&dir, &cut);
    assert!(try_open(&cut).is_ok());
    copy(&dir, &cut);
    tear(&cut, true, 100);
    assert!(matches!(try_open(&cut), Err(EngineError::Damaged(_))));
    copy(&dir, &cut);
    fs::remove_file(cut.join("position")).unwrap();
    tear(&cut, true, 100);
    assert!(try_open(&cut).is_ok());
}
