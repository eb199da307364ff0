//! What leaves, in what form, and that nothing is left out whatever dies.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;

use super::format::{cef, extension_value, header_field};
use super::*;
use crate::audit::Outcome;
use crate::audit::entry::{Counts, Decision, hash_body};
use crate::config::forward::{FileForm, SyslogForm};
use crate::domain::id::{AccountId, EntryId};
use crate::domain::purpose::Purpose;
use crate::domain::role::{Role, Roles};
use crate::domain::task::Task;
use crate::domain::time::{SystemClock, Timestamp};
use crate::engine::memory::MemoryEngine;
use crate::engine::{
    Append, Batch, Checked, CommitError, Committed, EngineError, Key, KeyRange, Leaf, Page,
    Pending, Scrubbed, Series, Snapshot, Space,
};

mod collector;

const NASTY: &str = "a|b=c\\d\r\nCEF:0|x]\"";

fn header() -> Header {
    Header {
        id: EntryId::from_bytes([7; 16]),
        time: Timestamp::from_millis(1_790_000_000_000),
        clock_back: false,
        boot: [0; 16],
        actor: Some(AccountId::from_bytes([1; 16])),
        roles: Roles::new([Role::Officer]).unwrap(),
        task: Task::Read,
        purpose: Some(Purpose::Handling),
        decision: Decision::Deny,
        policies: Arc::from([NASTY.to_owned()]),
        policy_set: [1; 32],
        counts: Counts {
            cases: 1,
            people: 2,
            bytes: 3,
        },
        outcome: Outcome::Refused,
        epoch: None,
        body_hash: hash_body(&[]),
    }
}

fn grow(engine: &MemoryEngine, entries: usize) {
    grow_by(engine, entries, &header());
}

fn grow_by(engine: &MemoryEngine, entries: usize, header: &Header) {
    let append = Append {
        log: Log::Access,
        leaf: header.encode().unwrap(),
        stamp_at: None,
        body: b"body-canary".to_vec(),
    };
    let batch = Batch {
        append: vec![append; entries],
        ..Batch::default()
    };
    engine.commit(batch).wait().unwrap();
}

fn engine(entries: usize) -> Arc<MemoryEngine> {
    let engine = Arc::new(MemoryEngine::new(Arc::new(SystemClock::default())));
    grow(&engine, entries);
    engine
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Forwards all of a log, and ends.
fn sent(log: Arc<MemoryEngine>, forward: &Forward, data: &Path) {
    let size = log.log_size(Log::Access);
    let forwarder = Forwarder::start(log, forward, data).unwrap();
    let all = || forwarder.progress().lag == 0 && forwarder.status().position() == size;
    wait_until("all is there", all);
}

fn one(forward: &Forward) -> String {
    let mut bytes = Vec::new();
    Format::of(forward)
        .write(&mut bytes, 41, &header())
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

fn syslog(address: SocketAddr, ca: PathBuf, form: SyslogForm) -> Forward {
    Forward::Syslog {
        address: address.to_string(),
        name: Some("localhost".into()),
        ca,
        cert: None,
        key: None,
        resend_bytes: 64 << 20,
        form,
        host: Some("office1".into()),
    }
}

fn nowhere(form: SyslogForm) -> Forward {
    syslog(([127, 0, 0, 1], 1).into(), PathBuf::new(), form)
}

#[test]
fn cef_escapes_pipes_in_its_head_and_equals_in_its_extension_and_stays_one_line() {
    assert_eq!(header_field("a|b\\c\nd=e"), "a\\|b\\\\c d=e");
    assert_eq!(extension_value("a|b=c\\d\r\ne"), "a|b\\=c\\\\d\\r\\ne");
    let line = cef(&super::format::Fields::of(41, &header()));
    assert!(line.starts_with("CEF:0|bongham|bongham|"), "{line}");
    let id = header().id.to_string();
    let begin = format!("|read|access log read|6|rt=1790000000000 externalId={id} ");
    assert!(
        line.contains(&begin),
        "a place is another's after a restore"
    );
    assert!(line.ends_with(" cn3Label=index cn3=41"), "{line}");
    assert!(
        line.contains("reason=a|b\\=c\\\\d\\r\\nCEF:0|x]\""),
        "{line}"
    );
    assert!(!line.chars().any(char::is_control));
    let head: Vec<&str> = line.splitn(8, '|').collect();
    assert_eq!(head.len(), 8, "seven fields and the extension");
}

#[test]
fn syslog_counts_octets_and_escapes_its_values() {
    let message = one(&nowhere(SyslogForm::Rfc5424));
    let (count, text) = message.split_once(' ').unwrap();
    assert_eq!(count.parse::<usize>().unwrap(), text.len());
    assert!(text.starts_with("<84>1 2026-"), "{text}");
    assert!(text.contains(" office1 bongham - read [bongham@32473 index=\"41\" "));
    assert!(
        text.contains("policies=\"a|b=c\\\\d  CEF:0|x\\]\\\"\""),
        "{text}"
    );
    assert!(!text.chars().any(char::is_control));
    let message = one(&nowhere(SyslogForm::Cef));
    let (count, text) = message.split_once(' ').unwrap();
    assert_eq!(count.parse::<usize>().unwrap(), text.len());
    assert!(text.contains(" read - CEF:0|bongham|"), "{text}");
}

fn file(path: PathBuf, max_bytes: u64) -> Forward {
    Forward::File {
        path,
        form: FileForm::Json,
        max_bytes,
        keep: 1000,
    }
}

/// Indexes in the file and in what was set aside, and every byte of them.
fn lines(path: &Path) -> (Vec<u64>, String) {
    let dir = path.parent().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.is_file())
        .collect();
    names.sort();
    let texts = names.iter().map(|p| std::fs::read_to_string(p).unwrap());
    let text: String = texts.collect();
    let index = |line: &str| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64();
    let mut indexes: Vec<u64> = text.lines().filter_map(index).collect();
    indexes.sort_unstable();
    (indexes, text)
}

#[test]
fn a_file_gets_every_entry_once_is_set_aside_and_goes_on_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("access.jsonl");
    let forward = file(path.clone(), 100 << 10);
    let engine = engine(700);
    let start = || Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    let forwarder = start();
    wait_until("all is there", || forwarder.status().position() == 700);
    drop(forwarder);
    // A crash in the middle of a line: its entry was not counted as sent.
    let mut torn = std::fs::read(&path).unwrap();
    torn.extend_from_slice(b"{\"index\":700,\"id");
    std::fs::write(&path, torn).unwrap();
    grow(&engine, 300);
    let forwarder = start();
    wait_until("the rest is there", || {
        forwarder.status().position() == 1000
    });
    drop(forwarder);
    let (indexes, text) = lines(&path);
    assert_eq!(indexes, (0..1000).collect::<Vec<u64>>());
    assert!(!text.contains("canary"), "no body leaves");
    assert!(out.path().join("access.jsonl.1").exists());
    assert!(std::fs::metadata(&path).unwrap().len() < 200 << 10);
}

#[test]
fn a_file_that_others_moved_cut_or_removed_is_begun_anew() {
    let data = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("access.jsonl");
    let engine = engine(5);
    let forwarder =
        Forwarder::start(engine.clone(), &file(path.clone(), u64::MAX), data.path()).unwrap();
    let there = |size: u64| wait_until("it is there", || forwarder.status().position() == size);
    let indexes = |path: &Path| -> Vec<u64> {
        let text = std::fs::read_to_string(path).unwrap();
        let index = |line: &str| serde_json::from_str::<Value>(line).unwrap()["index"].as_u64();
        text.lines().filter_map(index).collect()
    };
    there(5);
    let moved = out.path().join("moved");
    std::fs::rename(&path, &moved).unwrap();
    grow(&engine, 2);
    there(7);
    assert_eq!(indexes(&moved), [0, 1, 2, 3, 4]);
    assert_eq!(indexes(&path), [5, 6]);
    std::fs::remove_file(&path).unwrap();
    grow(&engine, 1);
    there(8);
    assert_eq!(indexes(&path), [7]);
    std::fs::write(&path, "").unwrap();
    grow(&engine, 1);
    there(9);
    assert_eq!(indexes(&path), [8]);
    // Moved, and another put in its place at once, as log rotation does.
    let rotated = out.path().join("rotated");
    std::fs::rename(&path, &rotated).unwrap();
    std::fs::write(&path, "").unwrap();
    grow(&engine, 1);
    there(10);
    assert_eq!(indexes(&rotated), [8]);
    assert_eq!(indexes(&path), [9]);
}

/// Nothing of it may keep the store from opening; and what was sent is not forgotten for it.
#[test]
fn a_position_that_cannot_be_looked_at_is_a_failure_that_is_told_and_tried_again() {
    let data = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("access.jsonl");
    let forward = file(path.clone(), u64::MAX);
    let engine = engine(9);
    let start = || Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    let all = |forwarder: &Forwarder| {
        wait_until("all is there", || forwarder.status().position() == 9);
    };
    all(&start());
    let position = data.path().join("forward").join("position");
    let kept = std::fs::read(&position).unwrap();
    std::fs::remove_file(&position).unwrap();
    // A link to itself: whoever reads it fails, and whoever replaces it does not.
    std::os::unix::fs::symlink("position", &position).unwrap();
    let forwarder = start();
    wait_until("it is told", || forwarder.status().failures() > 0);
    assert_eq!(forwarder.progress().lag, 9);
    drop(forwarder);
    assert!(position.is_symlink(), "what is there stays");
    let forwarder = start();
    wait_until("it is told", || forwarder.status().failures() > 0);
    std::fs::remove_file(&position).unwrap();
    std::fs::write(&position, &kept).unwrap();
    all(&forwarder);
    drop(forwarder);
    assert_eq!(lines(&path).0, (0..9).collect::<Vec<u64>>(), "each once");
    // Not even its directory.
    std::fs::remove_dir_all(data.path().join("forward")).unwrap();
    std::fs::write(data.path().join("forward"), "").unwrap();
    let forwarder = start();
    wait_until("it is told", || forwarder.status().failures() > 0);
}

#[test]
fn a_log_that_a_restore_cut_short_is_sent_again_from_its_beginning() {
    let data = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("access.jsonl");
    let forward = file(path.clone(), u64::MAX);
    sent(engine(9), &forward, data.path());
    // Five of the old ones, and two that were written behind them.
    let forwarder = Forwarder::start(engine(7), &forward, data.path()).unwrap();
    wait_until("all is there", || {
        forwarder.progress()
            == Progress {
                position: 7,
                failures: 0,
                lag: 0,
            }
    });
    drop(forwarder);
    let (indexes, _) = lines(&path);
    assert_eq!(indexes.len(), 16);
}

/// It has grown again before the forwarder starts: its length says nothing.
#[test]
fn a_restored_log_that_is_longer_than_what_was_sent_is_told_from_one_that_went_on() {
    for (parted, lines_then) in [(true, 12 + 9), (false, 12)] {
        let data = tempfile::tempdir().unwrap();
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("access.jsonl");
        let forward = file(path.clone(), u64::MAX);
        sent(engine(9), &forward, data.path());
        let mut other = header();
        other.id = EntryId::from_bytes([8; 16]);
        let log = engine(if parted { 5 } else { 9 });
        grow_by(&log, if parted { 7 } else { 3 }, &other);
        sent(log, &forward, data.path());
        assert_eq!(lines(&path).0.len(), lines_then, "parted: {parted}");
    }
}

/// A log that grows between the look at its size and the read: what is read goes beyond it.
struct Growing(Arc<MemoryEngine>);

impl Engine for Growing {
    fn get(&self, space: Space, key: &Key) -> Result<Option<crate::engine::Value>, EngineError> {
        self.0.get(space, key)
    }
    fn scan(&self, space: Space, range: KeyRange, limit: Limit) -> Result<Page, EngineError> {
        self.0.scan(space, range, limit)
    }
    fn commit(&self, batch: Batch) -> Pending<Result<Committed, CommitError>> {
        self.0.commit(batch)
    }
    fn log_size(&self, log: Log) -> u64 {
        let size = self.0.log_size(log);
        grow(&self.0, 1);
        size
    }
    fn leaves(&self, log: Log, from: u64, limit: Limit) -> Result<Vec<Leaf>, EngineError> {
        self.0.leaves(log, from, limit)
    }
    fn last_number(&self, series: Series) -> Result<u64, EngineError> {
        self.0.last_number(series)
    }
    fn ready(&self) -> Result<(), EngineError> {
        self.0.ready()
    }
    fn scrub(&self, progress: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError> {
        self.0.scrub(progress)
    }
    fn forget_bodies(&self, log: Log, from: u64, to: u64) -> Result<(), EngineError> {
        self.0.forget_bodies(log, from, to)
    }
    fn check(&self, progress: &dyn Fn(u64, u64)) -> Result<Checked, EngineError> {
        self.0.check(progress)
    }
    fn snapshot(&self) -> Result<Snapshot, EngineError> {
        self.0.snapshot()
    }
    fn close(&self) -> Result<(), EngineError> {
        self.0.close()
    }
}

#[test]
fn a_log_that_grows_while_it_is_read_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let forward = file(dir.path().join("access.jsonl"), u64::MAX);
    let mut worker = Worker {
        engine: Arc::new(Growing(engine(3))),
        format: Format::of(&forward),
        forward,
        position: Position::new(&dir.path().join("forward")),
        compared: false,
        sink: None,
        sent: VecDeque::new(),
        pause: Duration::ZERO,
        // The next one tells how far behind it is.
        batches: TOLD_EVERY - 1,
        status: Arc::default(),
    };
    let mut next = 0;
    assert!(worker.step(&mut next).unwrap());
    assert_eq!(next, 4, "one more than the log had when it was looked at");
}
