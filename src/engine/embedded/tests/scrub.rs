//! What is dead is gone from every file; what lives is read by every road.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::{create, files_below, open, tamper, try_open};
use crate::domain::limit::Limit;
use crate::domain::secret::Secret;
use crate::engine::embedded::files::Layout;
use crate::engine::embedded::frame::{self, FRAME_HEADER, Kind, Opened};
use crate::engine::embedded::index::{index_key, series_key};
use crate::engine::embedded::rebuild::genesis;
use crate::engine::embedded::scan::Walk;
use crate::engine::embedded::seal::Keys;
use crate::engine::embedded::segment::FIRST;
use crate::engine::embedded::{EmbeddedEngine, Road};
use crate::engine::{
    Append, Batch, Engine, EngineError, Key, KeyRange, Leaf, Log, Series, Space, Value,
};

/// Everything a reader can see.
#[derive(PartialEq, Debug, Clone)]
pub(super) struct Seen {
    rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    pub(super) leaves: Vec<Leaf>,
    number: u64,
}

pub(super) fn seen(engine: &EmbeddedEngine) -> Seen {
    let mut rows = BTreeMap::new();
    for space in [Space::Unit, Space::List] {
        let page = engine.scan(space, KeyRange::default(), Limit::rows(10_000));
        for (key, value) in page.unwrap().rows {
            let got = engine.get(space, &key).unwrap().unwrap();
            assert_eq!(got.as_bytes(), value.as_bytes());
            rows.insert((space.byte(), key.as_bytes().to_vec()), value.into_bytes());
        }
    }
    Seen {
        rows,
        leaves: engine.leaves(Log::Access, 0, Limit::rows(10_000)).unwrap(),
        number: engine.last_number(Series([1; 16])).unwrap(),
    }
}

/// Bytes that stand nowhere else.
pub(super) fn noise(seed: u32, size: usize) -> Vec<u8> {
    let blocks = (0u32..).map(|n| {
        let input = [seed.to_be_bytes(), n.to_be_bytes()].concat();
        crate::engine::embedded::seal::digest(&input)
    });
    blocks.flatten().take(size).collect()
}

pub(super) fn key(n: u32) -> Key {
    Key::new(noise(n.wrapping_mul(7), 12)).unwrap()
}

/// Version `v` of row `n`: a large value in [`Space::Unit`], a small one in [`Space::List`].
pub(super) fn row(n: u32, v: u32) -> Batch {
    let seed = 1000 + n * 10 + v;
    let (far, inline) = (noise(seed, 3000), noise(seed + 500_000, 40));
    Batch {
        put: vec![
            (Space::Unit, key(n), Value::new(far).unwrap()),
            (Space::List, key(n), Value::new(inline).unwrap()),
        ],
        append: vec![Append {
            log: Log::Access,
            leaf: n.to_be_bytes().to_vec(),
            stamp_at: None,
            body: noise(seed + 900_000, 150),
        }],
        number: vec![Series([1; 16])],
        ..Batch::default()
    }
}

pub(super) fn removal(n: u32) -> Batch {
    Batch {
        delete: vec![(Space::Unit, key(n)), (Space::List, key(n))],
        ..Batch::default()
    }
}

/// What a frame is about.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug, Clone)]
pub(super) enum About {
    Row(Vec<u8>),
    Body(u64),
}

/// Sealed bytes of every live put and body frame, oldest first, and what it is about.
pub(super) fn sealed(dir: &Path) -> Vec<(About, Vec<u8>)> {
    let keys = Keys::derive(&Secret::new([7; 32])).unwrap();
    let layout = Layout::new(dir.to_path_buf());
    let store = fs::read(layout.store()).unwrap()[12..28]
        .try_into()
        .unwrap();
    let mut tip = genesis(&keys, &store);
    let mut found = Vec::new();
    for number in 1.. {
        if !layout.segment(number).exists() {
            return found;
        }
        let mut walk = Walk::load(&layout, number).unwrap();
        let mut offset = FIRST;
        while let Some((header, bytes)) = walk.authentic(&keys, offset, &tip) {
            let sealer = keys.group(&header.salt, header.sequence).unwrap();
            let mut leaf = 0;
            for (at, one, bytes) in header.frames(bytes).unwrap() {
                let mut whole = [&one.bytes()[..], bytes].concat();
                assert_eq!(whole.len(), FRAME_HEADER + one.length as usize);
                let opened = frame::open(&sealer, header.sequence, one.kind, &mut whole);
                let Ok((_, Opened::Live(plain))) = opened else {
                    assert!(one.erased, "{number} {offset} {at}");
                    continue;
                };
                match one.kind {
                    Kind::Put => {
                        let (space, key, _) = frame::parse_row(plain).unwrap();
                        found.push((About::Row(index_key(space, key)), bytes.to_vec()));
                    }
                    Kind::Leaf => leaf = frame::parse_leaf(plain).unwrap().1,
                    Kind::Body => found.push((About::Body(leaf), bytes.to_vec())),
                    _ => {}
                }
            }
            tip = header.tip;
            offset += header.length;
        }
    }
    unreachable!()
}

/// Which files hold each needle's first 16 bytes; needles that stand nowhere are not named.
pub(super) fn holding<'a>(
    dir: &Path,
    needles: impl IntoIterator<Item = &'a [u8]>,
) -> BTreeMap<Vec<u8>, Vec<PathBuf>> {
    let mut wanted: HashMap<[u8; 16], Vec<PathBuf>> = HashMap::new();
    let mut begins = vec![false; 1 << 16];
    let pair = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    for needle in needles {
        begins[pair(needle)] = true;
        wanted.insert(needle[..16].try_into().unwrap(), Vec::new());
    }
    for file in files_below(dir) {
        // sled may be exchanging a file of its own.
        let bytes = fs::read(dir.join(&file)).unwrap_or_default();
        for part in bytes.windows(16) {
            if begins[pair(part)]
                && let Some(files) = wanted.get_mut(part)
                && files.last() != Some(&file)
            {
                files.push(file.clone());
            }
        }
    }
    wanted.retain(|_, files| !files.is_empty());
    wanted
        .into_iter()
        .map(|(n, files)| (n.to_vec(), files))
        .collect()
}

/// Opens by this road what was left.
fn by(dir: &Path, road: &str) -> EmbeddedEngine {
    let gone: &[&str] = match road {
        "rebuilt" => &["position"],
        "without sidecars" => {
            for file in files_below(dir) {
                if file.extension().is_some_and(|e| e == "rows") {
                    fs::remove_file(dir.join(file)).unwrap();
                }
            }
            &["position"]
        }
        _ => &[],
    };
    for file in gone {
        fs::remove_file(dir.join(file)).unwrap();
    }
    if road == "index forgotten" {
        EmbeddedEngine::forget_index(dir).unwrap();
    }
    open(dir)
}

const ROWS: u32 = 120;

/// A store with a base that has every row; then a third of the rows go, a third get new values.
/// Gives the sealed bytes of what is dead, and inline values that are.
pub(super) fn worn(dir: &Path) -> (EmbeddedEngine, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let engine = create(dir);
    for n in 0..ROWS {
        engine.commit(row(n, 0)).wait().unwrap();
    }
    engine.close().unwrap();
    drop(engine);
    EmbeddedEngine::forget_index(dir).unwrap();
    let engine = open(dir);
    let mut dead: Vec<Vec<u8>> = Vec::new();
    let first = sealed(dir);
    for n in (0..ROWS).filter(|n| n % 3 != 2) {
        let batch = if n % 3 == 0 { removal(n) } else { row(n, 1) };
        engine.commit(batch).wait().unwrap();
        let key = key(n).as_bytes().to_vec();
        for space in [Space::Unit, Space::List] {
            let about = About::Row(index_key(space.byte(), &key));
            dead.extend(first.iter().filter(|f| f.0 == about).map(|f| f.1.clone()));
        }
    }
    let inline = (0..ROWS).filter(|n| n % 3 != 2);
    let inline = inline.map(|n| noise(501_000 + n * 10, 40)).collect();
    engine.shared.index().unwrap().flush().unwrap();
    (engine, dead, inline)
}

#[test]
fn the_dead_are_gone_and_the_living_are_read_by_every_road() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let (engine, mut dead, inline) = worn(dir);
    assert_eq!(dead.len(), 160);
    engine.forget_bodies(Log::Access, 10, 60).unwrap();
    engine.forget_bodies(Log::Access, 50, 70).unwrap();
    let frames = sealed(dir);
    let bodies = frames.iter().filter_map(|(about, bytes)| match about {
        About::Body(n) => (10..70).contains(n).then(|| bytes.clone()),
        About::Row(_) => None,
    });
    dead.extend(bodies);
    assert_eq!(dead.len(), 220);
    let living: Vec<_> = frames
        .into_iter()
        .filter(|(_, bytes)| !dead.contains(bytes))
        .collect();
    let before = seen(&engine);
    // The search finds what is there.
    let found = holding(dir, dead.iter().map(Vec::as_slice));
    assert!(found.len() == dead.len() && found.values().all(|f| f.len() == 1));
    let found = holding(dir, inline.iter().map(Vec::as_slice));
    assert_eq!(found.len(), inline.len());

    let told = std::sync::Mutex::new(Vec::new());
    let scrubbed = engine
        .scrub(&|done, all| told.lock().unwrap().push((done, all)))
        .unwrap();
    assert_eq!(scrubbed.frames, 220);
    let (done, all) = *told.lock().unwrap().last().unwrap();
    assert!(done == all && scrubbed.looked == all);

    let gone = |what: &str| {
        let pieces = dead.iter().chain(&inline).flat_map(|n| n.chunks_exact(16));
        assert_eq!(holding(dir, pieces), BTreeMap::new(), "{what}");
        let found = holding(dir, living.iter().map(|(_, bytes)| bytes.as_slice()));
        assert_eq!(found.len(), living.len(), "{what}");
    };
    gone("after the scrub");
    assert_eq!(seen(&engine), before);
    assert!(before.leaves[9].body.is_some() && before.leaves[10].body.is_none());
    assert!(before.leaves[69].body.is_none() && before.leaves[70].body.is_some());
    let checked = engine.check(&|_, _| ()).unwrap();
    assert_eq!((checked.erased, checked.damage), (220, vec![]));
    assert_eq!(engine.scrub(&|_, _| ()).unwrap().frames, 0);

    let mut engine = Some(engine);
    for road in [
        "clean",
        "replayed",
        "rebuilt",
        "without sidecars",
        "index forgotten",
        "clean",
    ] {
        let engine_before = engine.take().unwrap();
        if road == "clean" {
            engine_before.close().unwrap();
        }
        drop(engine_before);
        let opened = by(dir, road);
        let wanted = match road {
            "clean" => Road::Clean,
            "replayed" => Road::Replayed,
            _ => Road::Rebuilt,
        };
        assert_eq!(opened.road(), wanted, "{road}");
        assert_eq!(seen(&opened), before, "{road}");
        gone(road);
        engine = Some(opened);
    }
    // And it goes on, in both places of the index.
    let engine = engine.unwrap();
    engine.commit(removal(2)).wait().unwrap();
    assert_eq!(engine.scrub(&|_, _| ()).unwrap().frames, 2);
    engine.commit(row(2, 3)).wait().unwrap();
    let after = seen(&engine);
    drop(engine);
    assert_eq!(seen(&open(dir)), after);
}

#[test]
fn forgotten_bodies_stay_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    let engine = create(dir);
    for n in 0..20 {
        engine.commit(row(n, 0)).wait().unwrap();
    }
    let bodies = |engine: &EmbeddedEngine| -> Vec<u64> {
        let leaves = engine.leaves(Log::Access, 0, Limit::rows(100)).unwrap();
        let with = (0..).zip(leaves).filter(|(_, leaf)| leaf.body.is_some());
        with.map(|(n, _)| n).collect()
    };
    engine.forget_bodies(Log::Access, 3, 5).unwrap();
    engine.forget_bodies(Log::Access, 18, 90).unwrap();
    engine.forget_bodies(Log::Ledger, 0, 5).unwrap();
    let wanted: Vec<u64> = (0..18).filter(|n| *n != 3 && *n != 4).collect();
    assert_eq!(bodies(&engine), wanted);
    // Those to come are none of those that were meant.
    engine.commit(row(20, 0)).wait().unwrap();
    let wanted = [wanted, vec![20]].concat();
    assert_eq!(bodies(&engine), wanted);
    drop(engine);
    for road in ["replayed", "rebuilt", "index forgotten"] {
        assert_eq!(bodies(&by(dir, road)), wanted, "{road}");
    }
    // A record that was never finished was never acknowledged.
    let whole = fs::read(dir.join("forgotten")).unwrap();
    let cut = |length: usize| {
        fs::write(dir.join("forgotten"), &whole[..length]).unwrap();
        bodies(&open(dir))
    };
    let one = [
        (0..18).filter(|n| *n != 3 && *n != 4).collect(),
        vec![18, 19, 20],
    ]
    .concat();
    assert_eq!(cut(whole.len() - 20), one);
    assert_eq!(cut(whole.len()), wanted);
    // Anything else is damage, and says which file.
    for at in [3, 20, 30, 50, whole.len() - 1] {
        tamper(&dir.join("forgotten"), |bytes| bytes[at] ^= 1);
        let Err(EngineError::Damaged(why)) = try_open(dir) else {
            panic!("opened with byte {at} changed")
        };
        assert!(why.contains("forgotten"), "{why}");
        fs::write(dir.join("forgotten"), &whole).unwrap();
    }
}

#[test]
fn a_value_that_came_back_is_not_dead() {
    let root = tempfile::tempdir().unwrap();
    let engine = create(root.path());
    for v in [0, 1, 0, 2, 0] {
        engine.commit(row(1, v)).wait().unwrap();
    }
    let before = seen(&engine);
    // Four large values, and the small ones that are not the row's.
    assert_eq!(engine.scrub(&|_, _| ()).unwrap().frames, 6);
    assert_eq!(seen(&engine), before);
    drop(engine);
    EmbeddedEngine::forget_index(root.path()).unwrap();
    let engine = open(root.path());
    assert_eq!(seen(&engine), before);
    engine.commit(removal(1)).wait().unwrap();
    assert_eq!(engine.scrub(&|_, _| ()).unwrap().frames, 4);
    let key = series_key(&[1; 16]);
    assert!(engine.shared.index().unwrap().get(&key).unwrap().is_some());
}

#[test]
fn a_closed_store_is_not_scrubbed() {
    let root = tempfile::tempdir().unwrap();
    let engine = create(root.path());
    engine.commit(row(1, 0)).wait().unwrap();
    engine.close().unwrap();
    assert_eq!(engine.scrub(&|_, _| ()), Err(EngineError::Stopped));
    let refused = engine.forget_bodies(Log::Access, 0, 1);
    assert_eq!(refused, Err(EngineError::Stopped));
}

#[test]
fn damage_ends_a_scrub_and_is_named() {
    let root = tempfile::tempdir().unwrap();
    let engine = create(root.path());
    for n in 0..100 {
        engine.commit(row(n, 0)).wait().unwrap();
    }
    assert_eq!(
        engine.check(&|_, _| ()).unwrap().damage,
        Vec::<String>::new()
    );
    let (place, ..) = super::groups(root.path())[50];
    let segment = Layout::new(root.path().to_path_buf()).segment(place.segment);
    tamper(&segment, |bytes| bytes[place.offset as usize + 1000] ^= 1);
    let told = engine.check(&|_, _| ()).unwrap().damage;
    assert!(
        told.len() == 1 && told[0].contains(&format!("segment {}", place.segment)),
        "{told:?}"
    );
    let Err(EngineError::Damaged(why)) = engine.scrub(&|_, _| ()) else {
        panic!("scrubbed")
    };
    assert!(why.contains(&format!("segment {}", place.segment)), "{why}");
    // A group's header, too.
    tamper(&segment, |bytes| bytes[place.offset as usize + 1000] ^= 1);
    tamper(&segment, |bytes| bytes[place.offset as usize + 9] ^= 1);
    let told = engine.check(&|_, _| ()).unwrap().damage;
    assert!(told[0].contains(&place.offset.to_string()), "{told:?}");
    assert!(matches!(
        engine.scrub(&|_, _| ()),
        Err(EngineError::Damaged(_))
    ));
}
