//! Damage to any file: found and named, or made good; never a row or leaf lost without a word.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{create, files_below, groups, open, options, system, tamper, try_open};
use crate::domain::limit::Limit;
use crate::domain::random::{Random, SeededSource};
use crate::domain::secret::Secret;
use crate::engine::embedded::bytes::Reader;
use crate::engine::embedded::files::Layout;
use crate::engine::embedded::frame::{FRAME_HEADER, FrameHeader, Kind};
use crate::engine::embedded::group::GROUP_HEADER;
use crate::engine::embedded::{EmbeddedEngine, Options, Road};
use crate::engine::{Append, Batch, Engine, EngineError, Key, Log, Series, Space, Value};

const BATCHES: u32 = 120;

fn row(n: u32) -> (Key, Value) {
    let size = if n.is_multiple_of(3) { 20 } else { 1500 };
    (
        Key::new(n.to_be_bytes()).unwrap(),
        Value::new(vec![n as u8; size]).unwrap(),
    )
}

/// Three segments, rows far and inline, leaves with bodies, a number each.
fn fill(dir: &Path) {
    let engine = create(dir);
    for n in 0..BATCHES {
        let (key, value) = row(n);
        let append = Append {
            log: if n % 10 == 9 {
                Log::Ledger
            } else {
                Log::Access
            },
            leaf: n.to_be_bytes().to_vec(),
            stamp_at: None,
            body: vec![n as u8; 100],
        };
        let batch = Batch {
            put: vec![(Space::Head, key, value)],
            append: vec![append],
            number: vec![Series([2; 16])],
            ..Batch::default()
        };
        engine.commit(batch).wait().unwrap();
    }
    engine.close().unwrap();
}

/// Everything there, or an error that says damage. A row that is absent or other is `Err`.
fn nothing_silent(engine: &EmbeddedEngine) -> Result<bool, String> {
    let mut named = false;
    let mut damaged = |error: EngineError| match error {
        EngineError::Damaged(_) => {
            named = true;
            Ok(())
        }
        other => Err(format!("not said to be damage: {other}")),
    };
    for n in 0..BATCHES {
        let (key, value) = row(n);
        match engine.get(Space::Head, &key) {
            Ok(Some(found)) if found == value => {}
            Ok(_) => return Err(format!("row {n} is silently lost or changed")),
            Err(error) => damaged(error)?,
        }
    }
    let mut leaves = [0u64; 2];
    for n in 0..BATCHES {
        let log = if n % 10 == 9 {
            Log::Ledger
        } else {
            Log::Access
        };
        let index = &mut leaves[log as usize];
        match engine.leaves(log, *index, Limit::rows(1)) {
            Ok(found)
                if found.len() == 1
                    && found[0].leaf == n.to_be_bytes()
                    && found[0].body == Some(vec![n as u8; 100]) => {}
            Ok(_) => return Err(format!("leaf {n} is silently lost or changed")),
            Err(error) => damaged(error)?,
        }
        *index += 1;
    }
    match engine.last_number(Series([2; 16])) {
        Ok(last) if last == u64::from(BATCHES) => {}
        Ok(_) => return Err("the series went back".into()),
        Err(error) => damaged(error)?,
    }
    Ok(named)
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn snapshot(dir: &Path) -> Files {
    let read = |file: PathBuf| {
        let bytes = fs::read(dir.join(&file)).unwrap();
        (file, bytes)
    };
    files_below(dir).into_iter().map(read).collect()
}

/// Puts every file back without touching the directories, whose inodes the markers name.
fn restore(dir: &Path, files: &Files) {
    for file in files_below(dir) {
        if !files.contains_key(&file) {
            fs::remove_file(dir.join(file)).unwrap();
        }
    }
    for (file, bytes) in files {
        fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
        fs::write(dir.join(file), bytes).unwrap();
    }
}

#[derive(Debug, Default)]
struct Tally {
    refused: u32,
    named: u32,
    harmless: u32,
}

/// Opens what a change left, and counts how it was met.
fn meet(dir: &Path, what: &str, tally: &mut Tally) {
    match try_open(dir) {
        Err(EngineError::Damaged(_) | EngineError::Unusable(_)) => tally.refused += 1,
        Err(other) => panic!("{what}: {other}"),
        Ok(engine) => match nothing_silent(&engine) {
            Ok(true) => tally.named += 1,
            Ok(false) => tally.harmless += 1,
            Err(why) => panic!("{what}: {why}"),
        },
    }
}

#[test]
fn no_flip_or_cut_is_silent() {
    let each: u64 = std::env::var("BONGHAM_FLIPS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(6);
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    fill(&dir);
    let files = snapshot(&dir);
    let chance: &dyn Random = &SeededSource::new(16);
    let mut tallies = BTreeMap::new();
    for (file, bytes) in files.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        let name = file.to_string_lossy().into_owned();
        let tally: &mut Tally = tallies.entry(name.clone()).or_default();
        for _ in 0..each {
            let at = u64::from_be_bytes(chance.array().unwrap()) as usize % bytes.len();
            restore(&dir, &files);
            tamper(&dir.join(file), |bytes| bytes[at] ^= 1 << (at % 8));
            meet(&dir, &format!("{name}: bit flipped at {at}"), tally);
        }
        for keep in [0, bytes.len() / 2, bytes.len() - 1] {
            restore(&dir, &files);
            tamper(&dir.join(file), |bytes| bytes.truncate(keep));
            meet(&dir, &format!("{name}: cut to {keep}"), tally);
        }
        restore(&dir, &files);
        fs::remove_file(dir.join(file)).unwrap();
        meet(&dir, &format!("{name}: removed"), tally);
        restore(&dir, &files);
        let page = bytes.len() / 2 / 4096 * 4096;
        let end = bytes.len().min(page + 4096);
        tamper(&dir.join(file), |bytes| bytes[page..end].fill(0));
        meet(&dir, &format!("{name}: page at {page} zeroed"), tally);
    }
    let met = |name: &str| &tallies[name];
    assert!(met("journal/00000001").refused + met("journal/00000001").named > 3);
    assert_eq!(met("clean").named + met("clean").refused, 0, "{tallies:?}");
    assert_eq!(met("journal/00000001.rows").refused, 0, "{tallies:?}");
    restore(&dir, &files);
    assert_eq!(open(&dir).road(), Road::Clean);
}

/// Positive control: what `nothing_silent` is for, it finds.
#[test]
fn a_silent_loss_would_be_noticed() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    fill(&dir);
    let engine = open(&dir);
    assert_eq!(nothing_silent(&engine), Ok(false));
    let delete = vec![(Space::Head, row(7).0)];
    engine
        .commit(Batch {
            delete,
            ..Batch::default()
        })
        .wait()
        .unwrap();
    assert!(nothing_silent(&engine).unwrap_err().contains("row 7"));
}

#[test]
fn damage_before_valid_groups_is_named() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    fill(&dir);
    let (place, ..) = groups(&dir)[5];
    fs::remove_file(dir.join("clean")).unwrap();
    fs::remove_file(dir.join("position")).unwrap();
    fs::remove_file(dir.join("journal/00000001.rows")).unwrap();
    assert!(try_open(&dir).is_ok());
    fs::remove_file(dir.join("position")).unwrap();
    fs::remove_file(dir.join("journal/00000001.rows")).unwrap();
    let segment = Layout::new(dir.clone()).segment(1);
    tamper(&segment, |bytes| bytes[place.offset as usize + 200] ^= 1);
    let Err(EngineError::Damaged(why)) = try_open(&dir) else {
        panic!("opened")
    };
    assert!(
        why.contains("segment 1") && why.contains(&place.offset.to_string()),
        "{why}"
    );
}

/// An old group in the place of a newer one has a valid MAC, but does not continue the chain.
#[test]
fn a_spliced_group_is_damage() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    fill(&dir);
    let all = groups(&dir);
    let same = |a: usize, b: usize| all[a].1 == all[b].1 && all[b].0.segment == 1;
    let (old, new) = (4..20)
        .map(|n| (n - 3, n))
        .find(|(a, b)| same(*a, *b))
        .unwrap();
    for file in ["clean", "position", "journal/00000001.rows"] {
        fs::remove_file(dir.join(file)).unwrap();
    }
    tamper(&Layout::new(dir.clone()).segment(1), |bytes| {
        let (from, to) = (all[old].0.offset as usize, all[new].0.offset as usize);
        bytes.copy_within(from..from + all[old].1 as usize, to);
    });
    assert!(matches!(try_open(&dir), Err(EngineError::Damaged(_))));
}

#[test]
fn the_wrong_key_and_newer_formats_are_told_apart_from_damage() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    fill(&dir);
    let other = Options {
        key: Secret::new([8; 32]),
        ..options(&dir, system())
    };
    let Err(EngineError::Unusable(why)) = EmbeddedEngine::open(other) else {
        panic!("opened")
    };
    assert!(why.contains("key"), "{why}");
    let files = snapshot(&dir);
    for file in [
        "store",
        "journal/00000001",
        "journal/00000001.rows",
        "clean",
    ] {
        restore(&dir, &files);
        if file.ends_with("rows") {
            fs::remove_file(dir.join("clean")).unwrap();
            fs::remove_file(dir.join("position")).unwrap();
        }
        tamper(&dir.join(file), |bytes| bytes[9] = 2);
        let Err(EngineError::Unusable(why)) = try_open(&dir) else {
            panic!("opened {file}")
        };
        assert!(why.contains("version 2"), "{why}");
    }
    restore(&dir, &files);
    let first = open(&dir);
    assert!(matches!(try_open(&dir), Err(EngineError::InUse)));
    drop(first);
    assert!(try_open(&dir).is_ok());
    assert!(matches!(
        try_open(root.path()),
        Err(EngineError::Unusable(_))
    ));
    let again = EmbeddedEngine::create(options(&dir, system()));
    assert!(matches!(again, Err(EngineError::Unusable(_))));
}

/// Erases the frames of one group as a scrub will: same length, header kept, zeros.
fn erase(dir: &Path, group: usize, kinds: &[Kind]) {
    let (place, ..) = groups(dir)[group];
    tamper(
        &Layout::new(dir.to_path_buf()).segment(place.segment),
        |bytes| {
            let mut at = place.offset as usize + GROUP_HEADER;
            while let Some(header) = FrameHeader::parse(&mut Reader::new(&bytes[at..])) {
                let end = at + FRAME_HEADER + header.length as usize;
                if kinds.contains(&header.kind) {
                    bytes[at..at + FRAME_HEADER].copy_from_slice(
                        &FrameHeader {
                            erased: true,
                            ..header
                        }
                        .bytes(),
                    );
                    bytes[at + FRAME_HEADER..end].fill(0);
                }
                at = end;
            }
        },
    );
}

#[test]
fn erased_frames_are_understood() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    fill(&dir);
    // Group n holds batch n; batch 4 has a far row.
    erase(&dir, 4, &[Kind::Put, Kind::Body]);
    for (road, gone) in [
        (Road::Clean, &[][..]),
        (Road::Rebuilt, &["clean", "position"]),
    ] {
        for file in gone {
            fs::remove_file(dir.join(file)).unwrap();
        }
        let engine = open(&dir);
        assert_eq!(engine.road(), road);
        assert_eq!(
            engine.get(Space::Head, &row(4).0).unwrap().map(|_| ()),
            None
        );
        assert!(engine.get(Space::Head, &row(5).0).unwrap().is_some());
        let leaves = engine.leaves(Log::Access, 3, Limit::rows(3)).unwrap();
        assert_eq!(leaves[1].leaf, 4u32.to_be_bytes());
        assert_eq!(leaves[1].body, None);
        assert!(leaves[0].body.is_some() && leaves[2].body.is_some());
        engine.close().unwrap();
    }
    // The mark of erasure alone, over bytes that are still there, is damage and not erasure.
    let (place, ..) = groups(&dir)[7];
    tamper(&Layout::new(dir.clone()).segment(place.segment), |bytes| {
        bytes[place.offset as usize + GROUP_HEADER + 1] = 0xE5;
    });
    let engine = open(&dir);
    let read = engine.leaves(Log::Access, 7, Limit::rows(1));
    assert!(matches!(read, Err(EngineError::Damaged(_))));
}
