//! kill -9 at random moments under load: every acknowledged batch is there, and whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::{copy, create, groups, open, tamper};
use crate::domain::limit::Limit;
use crate::domain::random::{Random, SystemSource};
use crate::engine::embedded::EmbeddedEngine;
use crate::engine::embedded::files::Layout;
use crate::engine::{Append, Batch, Engine, Expected, Key, KeyRange, Log, Series, Space, Value};

const DIR: &str = "BONGHAM_KILL_DIR";
const ROUND: &str = "BONGHAM_KILL_ROUND";
const THREADS: u32 = 12;

fn id(round: u32, thread: u32, n: u32) -> [u8; 12] {
    let mut id = [0; 12];
    id[..4].copy_from_slice(&round.to_be_bytes());
    id[4..8].copy_from_slice(&thread.to_be_bytes());
    id[8..].copy_from_slice(&n.to_be_bytes());
    id
}

/// A row, its index row, its leaf and its number: all or nothing.
fn batch(id: [u8; 12]) -> Batch {
    let size = usize::from(id[11]) * 9 + 12;
    let value: Vec<u8> = id.iter().copied().cycle().take(size).collect();
    let key = Key::new(id).unwrap();
    Batch {
        expect: vec![(Space::Unit, key.clone(), Expected::Absent)],
        put: vec![
            (Space::Unit, key.clone(), Value::new(value).unwrap()),
            (Space::List, key, Value::new(*b"x").unwrap()),
        ],
        append: vec![Append {
            log: Log::Access,
            leaf: id.to_vec(),
            stamp_at: None,
            body: id.to_vec(),
        }],
        number: vec![Series([1; 16])],
        ..Batch::default()
    }
}

/// Run by the parent in a process of its own; commits and tells until it is killed.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let round: u32 = std::env::var(ROUND).unwrap().parse().unwrap();
    let engine = open(Path::new(&dir));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0.. {
                    let committed = engine.commit(batch(id(round, thread, n))).wait().unwrap();
                    let line = format!(
                        "\nacked {thread} {n} {} {}\n",
                        committed.leaves[0].index, committed.numbers[0]
                    );
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Acknowledged: id to place in the log and number.
type Acked = BTreeMap<[u8; 12], (u64, u64)>;

/// Lets a child commit for `life` and kills it; gives what it was told.
fn kill_one(dir: &Path, round: u32, life: Duration) -> Acked {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "engine::embedded::tests::kill::child",
            "--exact",
            "--nocapture",
        ])
        .env(DIR, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = channel();
    let reader = thread::spawn(move || {
        for line in stdout.lines() {
            let _ = send.send(line.unwrap_or_default());
        }
    });
    thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    let parse = |line: String| {
        let rest = line.strip_prefix("acked ")?;
        let numbers: Vec<u64> = rest.split(' ').filter_map(|n| n.parse().ok()).collect();
        let [thread, n, index, number] = numbers[..] else {
            return None;
        };
        Some((id(round, thread as u32, n as u32), (index, number)))
    };
    lines.iter().filter_map(parse).collect()
}

/// Every acknowledged batch is there, and every batch that is there is whole.
fn check(engine: &EmbeddedEngine, acked: &Acked) -> Result<usize, String> {
    let leaves = engine
        .leaves(Log::Access, 0, Limit::rows(usize::MAX))
        .unwrap();
    let scan = |space| {
        let page = engine
            .scan(space, KeyRange::default(), Limit::rows(usize::MAX))
            .unwrap();
        page.rows
            .into_iter()
            .map(|(k, v)| (k.as_bytes().to_vec(), v))
            .collect::<BTreeMap<_, _>>()
    };
    let (units, lists) = (scan(Space::Unit), scan(Space::List));
    for (id, (index, _)) in acked {
        let leaf = leaves.get(*index as usize);
        if leaf.is_none_or(|leaf| leaf.leaf != id) {
            return Err(format!("acknowledged leaf {index} is not there"));
        }
    }
    let numbers: BTreeSet<u64> = acked.values().map(|(_, number)| *number).collect();
    if numbers.len() != acked.len() {
        return Err("a number was given twice".into());
    }
    let logged: BTreeSet<Vec<u8>> = leaves.iter().map(|leaf| leaf.leaf.clone()).collect();
    let stored: BTreeSet<Vec<u8>> = units.keys().cloned().collect();
    if logged.len() != leaves.len() || logged != stored || !lists.keys().eq(units.keys()) {
        return Err("rows and leaves are not of the same batches".into());
    }
    for leaf in &leaves {
        let wanted = batch(leaf.leaf.clone().try_into().unwrap());
        let found = &units[&leaf.leaf];
        if found.as_bytes() != wanted.put[0].2.as_bytes() || leaf.body.as_ref() != Some(&leaf.leaf)
        {
            return Err("a batch came back changed".into());
        }
    }
    if engine.last_number(Series([1; 16])).unwrap() != leaves.len() as u64 {
        return Err("numbers have gaps".into());
    }
    Ok(leaves.len())
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let kills = std::env::var("BONGHAM_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(8);
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    drop(create(&dir));
    let chance: &dyn Random = &SystemSource::default();
    let mut acked = Acked::new();
    for round in 0..kills {
        let [a, b] = chance.array::<2>().unwrap();
        // One in eight dies while it is still opening.
        let life = if b % 8 == 0 {
            u64::from(a) / 16
        } else {
            20 + u64::from(a)
        };
        acked.extend(kill_one(&dir, round, Duration::from_millis(life)));
        let engine = open(&dir);
        check(&engine, &acked).unwrap();
        match b % 3 {
            0 => engine.close().unwrap(),
            1 => drop(engine),
            _ => {
                // As if the machine had gone too: nothing but the journal is believed.
                let moved = root.path().join("moved");
                copy(&dir, &moved);
                check(&open(&moved), &acked).unwrap();
            }
        }
    }
    assert!(!acked.is_empty(), "no child lived long enough to commit");
    the_check_would_notice(&root.path().join("control"), &dir, &acked);
}

/// Positive control: the same check on a store that did lose its last group.
fn the_check_would_notice(control: &Path, dir: &Path, acked: &Acked) {
    let mut all = acked.clone();
    let engine = open(dir);
    let committed = engine.commit(batch(id(u32::MAX, 0, 0))).wait().unwrap();
    all.insert(
        id(u32::MAX, 0, 0),
        (committed.leaves[0].index, committed.numbers[0]),
    );
    copy(dir, control);
    check(&open(control), &all).unwrap();
    copy(dir, control);
    // Where the last group is the first of its segment, a position may name it, and then opening
    // refuses before the check has a say.
    let _ = std::fs::remove_file(control.join("position"));
    let (place, ..) = *groups(control).last().unwrap();
    let segment = Layout::new(control.to_path_buf()).segment(place.segment);
    tamper(&segment, |bytes| bytes[place.offset as usize..].fill(0));
    assert!(check(&open(control), &all).is_err());
}
