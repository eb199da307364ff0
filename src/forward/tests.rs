//! What leaves, in what form, and that nothing is left out whatever dies.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
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
    let append = Append {
        log: Log::Access,
        leaf: header().encode().unwrap(),
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
}

#[test]
fn a_log_that_a_restore_cut_short_is_sent_again_from_its_beginning() {
    let data = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("access.jsonl");
    let forward = file(path.clone(), u64::MAX);
    let forwarder = Forwarder::start(engine(9), &forward, data.path()).unwrap();
    wait_until("all is there", || forwarder.status().position() == 9);
    drop(forwarder);
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

/// A collector that speaks TLS, takes messages and can be told to hang up.
struct Collector {
    address: SocketAddr,
    ca: PathBuf,
    config: Arc<ServerConfig>,
    /// So many bytes of each connection it reads and loses before it breaks off, as buffers do.
    loses: usize,
    got: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    fn new(dir: &Path) -> (Self, TcpListener) {
        Self::that_asks(dir, false)
    }

    /// One that lets in whoever shows the certificate of `ca.pem`, whose key is `key.pem`.
    fn that_asks(dir: &Path, asks: bool) -> (Self, TcpListener) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let ca = dir.join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = if asks {
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        let config = config
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self {
            address: listener.local_addr().unwrap(),
            ca,
            config: Arc::new(config),
            loses: 0,
            got: Arc::default(),
        };
        (collector, listener)
    }

    /// Takes connections until told; each is cut off without a word after `most` messages.
    fn serve(&self, listener: TcpListener, most: usize, end: Arc<AtomicBool>) {
        let (config, got) = (Arc::clone(&self.config), Arc::clone(&self.got));
        let loses = self.loses;
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            while !end.load(Ordering::Acquire) {
                let Ok((socket, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                };
                socket.set_nonblocking(false).unwrap();
                let wait = Some(Duration::from_millis(200));
                socket.set_read_timeout(wait).unwrap();
                let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(session, socket);
                if take(&mut stream, most, &got, &end) {
                    // RFC 5425 section 4.4: who has read everything says so.
                    stream.conn.send_close_notify();
                    drop(stream.conn.complete_io(&mut stream.sock));
                } else {
                    lose(&mut stream, loses);
                }
            }
        });
    }

    fn indexes(&self) -> BTreeSet<u64> {
        let index = |message: &String| {
            let (_, rest) = message.split_once("index=\"").unwrap();
            rest.split('"').next().unwrap().parse().unwrap()
        };
        self.got.lock().unwrap().iter().map(index).collect()
    }
}

/// Reads octet-counted messages until the other side ends, or `most` have come; whether it ended.
fn take(stream: &mut impl Read, most: usize, got: &Mutex<Vec<String>>, end: &AtomicBool) -> bool {
    let (mut bytes, mut taken) = (Vec::new(), 0);
    while taken < most && !end.load(Ordering::Acquire) {
        let mut piece = [0; 4096];
        match stream.read(&mut piece) {
            Ok(0) => return true,
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
        while let Some(space) = bytes.iter().position(|b| *b == b' ') {
            let count: usize = std::str::from_utf8(&bytes[..space])
                .unwrap()
                .parse()
                .unwrap();
            if bytes.len() < space + 1 + count {
                break;
            }
            let message = bytes[space + 1..space + 1 + count].to_vec();
            got.lock()
                .unwrap()
                .push(String::from_utf8(message).unwrap());
            bytes.drain(..space + 1 + count);
            taken += 1;
        }
    }
    false
}

fn lose(stream: &mut impl Read, bytes: usize) {
    let mut lost = 0;
    while lost < bytes {
        match stream.read(&mut [0; 1 << 14]) {
            Ok(0) | Err(_) => return,
            Ok(n) => lost += n,
        }
    }
}

#[test]
fn what_the_buffers_between_lost_is_sent_again_and_more_than_that_is_not() {
    let lost = |resend: usize| {
        let data = tempfile::tempdir().unwrap();
        let (mut breaking, listener) = Collector::new(data.path());
        breaking.loses = 8 << 20;
        let end = Arc::new(AtomicBool::new(false));
        breaking.serve(listener, 100, Arc::clone(&end));
        let engine = engine(30_000);
        let size = engine.log_size(Log::Access);
        let to = |collector: &Collector| {
            let ca = collector.ca.clone();
            let mut forward = syslog(collector.address, ca, SyslogForm::Rfc5424);
            if let Forward::Syslog { resend_bytes, .. } = &mut forward {
                *resend_bytes = resend;
            }
            Forwarder::start(engine.clone(), &forward, data.path()).unwrap()
        };
        let forwarder = to(&breaking);
        wait_until("it breaks off", || forwarder.status().failures() > 0);
        drop(forwarder);
        end.store(true, Ordering::Release);
        let elsewhere = tempfile::tempdir().unwrap();
        let (patient, listener) = Collector::new(elsewhere.path());
        let end = Arc::new(AtomicBool::new(false));
        patient.serve(listener, usize::MAX, Arc::clone(&end));
        let forwarder = to(&patient);
        wait_until("the last came", || patient.indexes().contains(&(size - 1)));
        drop(forwarder);
        end.store(true, Ordering::Release);
        size - (&breaking.indexes() | &patient.indexes()).len() as u64
    };
    assert_eq!(lost(64 << 20), 0);
    assert!(lost(1 << 20) > 0, "the control: a smaller one loses");
}

#[test]
fn a_collector_that_asks_who_it_is_gets_the_certificate() {
    let data = tempfile::tempdir().unwrap();
    let (collector, listener) = Collector::that_asks(data.path(), true);
    let end = Arc::new(AtomicBool::new(false));
    collector.serve(listener, usize::MAX, Arc::clone(&end));
    let engine = engine(3);
    let mut forward = syslog(collector.address, collector.ca.clone(), SyslogForm::Cef);
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    wait_until("without one it is turned away", || {
        grow(&engine, 1);
        forwarder.status().failures() > 0
    });
    drop(forwarder);
    assert!(collector.got.lock().unwrap().is_empty());
    if let Forward::Syslog { cert, key, .. } = &mut forward {
        *cert = Some(collector.ca.clone());
        *key = Some(data.path().join("key.pem"));
    }
    let size = engine.log_size(Log::Access) as usize;
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    wait_until("all came", || collector.got.lock().unwrap().len() == size);
    drop(forwarder);
    end.store(true, Ordering::Release);
}

#[test]
fn a_collector_that_breaks_off_and_a_restart_leave_no_gap() {
    let data = tempfile::tempdir().unwrap();
    let (collector, listener) = Collector::new(data.path());
    let end = Arc::new(AtomicBool::new(false));
    // Every connection is cut in the middle of a batch: what was on its way is lost.
    collector.serve(listener, 300, Arc::clone(&end));
    let engine = engine(500);
    let forward = syslog(collector.address, collector.ca.clone(), SyslogForm::Rfc5424);
    let start = || Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    let forwarder = start();
    wait_until("something came", || !collector.indexes().is_empty());
    drop(forwarder);
    grow(&engine, 100);
    let forwarder = start();
    let all: BTreeSet<u64> = (0..600).collect();
    // Each connection takes 300 at the most, so that the last ones only come over another one.
    wait_until("all came", || {
        grow(&engine, 1);
        collector.indexes().is_superset(&(0..300).collect())
    });
    drop(forwarder);
    end.store(true, Ordering::Release);
    // A collector that stays takes everything, what was unsure a second time.
    let (patient, listener) = Collector::new(data.path());
    let end = Arc::new(AtomicBool::new(false));
    patient.serve(listener, usize::MAX, Arc::clone(&end));
    let forward = syslog(patient.address, patient.ca.clone(), SyslogForm::Rfc5424);
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    let size = engine.log_size(Log::Access);
    let both = || &collector.indexes() | &patient.indexes();
    wait_until("nothing is left out", || both().len() as u64 == size);
    assert!(both().is_superset(&all));
    // An orderly end is confirmed by the other side: nothing is sent again afterwards.
    drop(forwarder);
    assert_eq!(
        Position::open(&data.path().join("forward"))
            .unwrap()
            .index(),
        size
    );
    end.store(true, Ordering::Release);
}

#[test]
fn a_stranger_s_certificate_and_another_name_are_refused_and_a_dead_collector_moves_nothing_but_a_counter()
 {
    let data = tempfile::tempdir().unwrap();
    let (collector, listener) = Collector::new(data.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let (stranger, _unused) = Collector::new(elsewhere.path());
    let end = Arc::new(AtomicBool::new(false));
    collector.serve(listener, usize::MAX, Arc::clone(&end));
    let engine = engine(3);
    let to = |address, ca: &Path| syslog(address, ca.to_owned(), SyslogForm::Cef);
    let dead = {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        gone.local_addr().unwrap()
    };
    let mut misnamed = to(collector.address, &collector.ca);
    if let Forward::Syslog { name, .. } = &mut misnamed {
        *name = Some("elsewhere.example".into());
    }
    for forward in [
        to(collector.address, &stranger.ca),
        misnamed,
        to(dead, &collector.ca),
    ] {
        let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
        wait_until("it fails", || forwarder.status().failures() > 0);
        // The log goes on all the same.
        let before = engine.log_size(Log::Access);
        grow(&engine, 5);
        assert_eq!(engine.log_size(Log::Access), before + 5);
        assert_eq!(forwarder.status().position(), 0);
    }
    assert!(collector.got.lock().unwrap().is_empty());
    let forward = to(collector.address, &collector.ca);
    let forwarder = Forwarder::start(engine.clone(), &forward, data.path()).unwrap();
    wait_until("the control", || collector.got.lock().unwrap().len() == 18);
    drop(forwarder);
    end.store(true, Ordering::Release);
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
        position: Position::open(&dir.path().join("forward")).unwrap(),
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
