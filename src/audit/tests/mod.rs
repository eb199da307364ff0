//! The log against the engine in memory, real keys and real files.

mod bundle;
mod entries;
mod pass;
mod query;
mod recovery;
mod usage;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::audit::query::{Query, Row};
use crate::audit::{AccessLog, Event, LogError, Outcome, Position, Receipt, Shown};
use crate::authn::session::Origin;
use crate::authz::action::{Action, Read, ReadLog};
use crate::authz::facts::Fields;
use crate::authz::{Basis, Denied, Permit};
use crate::domain::id::{AccountId, CaseId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::domain::random::{Random, SeededSource};
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::task::Task;
use crate::domain::time::{SteppedClock, Timestamp};
use crate::engine::memory::MemoryEngine;
use crate::engine::{
    Append, Batch, CommitError, Committed, Engine, EngineError, Key, KeyRange, Leaf, Log, Page,
    Pending, Scrubbed, Series, Space, Value,
};
use crate::keyring::{Keyring, UnsealCost, UnsealSecret};

/// What outlives a process: rows, leaves, keys, files; and the clock.
struct Office {
    engine: Arc<dyn Engine>,
    keyring: Arc<Keyring>,
    clock: Arc<SteppedClock>,
    random: Arc<dyn Random>,
    dir: tempfile::TempDir,
}

impl Office {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let noon = Timestamp::parse_rfc3339("2026-03-15T12:00:00+09:00").unwrap();
        let clock = Arc::new(SteppedClock::at(noon));
        let random: Arc<dyn Random> = Arc::new(SeededSource::new(seed));
        let secret = UnsealSecret {
            passphrase: SecretText::new("a passphrase of the tests".into()),
            key_file: None,
        };
        let cost = UnsealCost {
            memory_kib: 64,
            passes: 1,
        };
        let ring = dir.path().join("keyring");
        let keyring = Keyring::init(&ring, &secret, cost, random.clone(), clock.clone()).unwrap();
        std::fs::create_dir(dir.path().join("log")).unwrap();
        Self {
            engine: Arc::new(MemoryEngine::new(clock.clone())),
            keyring: Arc::new(keyring),
            clock,
            random,
            dir,
        }
    }
    fn files(&self) -> PathBuf {
        self.dir.path().join("log")
    }
    fn open(&self) -> Result<AccessLog, LogError> {
        self.open_with(self.engine.clone())
    }
    fn open_with(&self, engine: Arc<dyn Engine>) -> Result<AccessLog, LogError> {
        self.open_at(engine, &self.files())
    }
    fn open_at(&self, engine: Arc<dyn Engine>, files: &Path) -> Result<AccessLog, LogError> {
        AccessLog::open(
            engine,
            self.keyring.clone(),
            files,
            self.random.clone(),
            self.clock.clone(),
        )
    }
    /// Opens `engine` with a copy of the files as `prepare` leaves them; the originals stay.
    fn trial(
        &self,
        engine: Arc<dyn Engine>,
        prepare: impl FnOnce(&Path),
    ) -> (tempfile::TempDir, Result<AccessLog, LogError>) {
        let dir = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.files()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        prepare(dir.path());
        let log = self.open_at(engine, dir.path());
        (dir, log)
    }
    /// An engine with all rows and the first `leaves` leaves of this one, each as `change` leaves it.
    fn copy(&self, leaves: u64, change: impl Fn(u64, &mut Leaf)) -> Arc<dyn Engine> {
        let copy = MemoryEngine::new(self.clock.clone());
        let mut batch = Batch::default();
        for (space, key, value) in rows(&*self.engine) {
            batch.put.push((space, key, value));
        }
        let limit = Limit::rows(usize::try_from(leaves).unwrap());
        let found = self.engine.leaves(Log::Access, 0, limit).unwrap();
        for (index, mut leaf) in (0..).zip(found) {
            change(index, &mut leaf);
            batch.append.push(Append {
                log: Log::Access,
                leaf: leaf.leaf,
                stamp_at: None,
                body: leaf.body.unwrap(),
            });
        }
        copy.commit(batch).wait().unwrap();
        Arc::new(copy)
    }
}

fn rows(engine: &dyn Engine) -> Vec<(Space, Key, Value)> {
    let all = |space| {
        let page = engine.scan(space, KeyRange::default(), Limit::rows(usize::MAX));
        let rows = page.unwrap().rows.into_iter();
        rows.map(move |(key, value)| (space, key, value))
    };
    Space::ALL.into_iter().flat_map(all).collect()
}

fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}
fn case(n: u8) -> CaseId {
    CaseId::from_bytes([n; 16])
}
fn unit(n: u64) -> UnitId {
    UnitId::from_u64(n)
}

fn origin() -> Origin {
    Origin {
        address: Some("2001:db8:cafe:1:2:3:4:5".parse().unwrap()),
        device: "device-canary-81c4".into(),
    }
}

fn basis(actor: u8, about: Option<CaseId>) -> Basis {
    Basis {
        actor: account(actor),
        roles: Roles::new([Role::HumanRightsOfficer]).unwrap(),
        department: None,
        origin: origin(),
        purpose: Some(Purpose::Handling),
        case: about,
        policies: vec!["read.assignee".to_owned()].into(),
        policy_set: [9; 32],
    }
}

fn permit<A: Action>(actor: u8, about: Option<CaseId>) -> Permit<A> {
    Permit::undecided(basis(actor, about), Fields::default())
}

fn shown(people: &[u64], reason: &str) -> Shown {
    Shown {
        units: people.iter().copied().map(unit).collect(),
        people: people.iter().copied().map(unit).collect(),
        bytes: 100,
        reason: Some(reason.into()),
        ..Shown::default()
    }
}

fn read(log: &AccessLog, actor: u8, about: u8) -> Receipt<Read> {
    let permit = permit(actor, Some(case(about)));
    log.record(permit, shown(&[1, 2], "r")).wait().unwrap()
}

fn login(actor: Option<AccountId>, task: Task, outcome: Outcome) -> Event {
    Event {
        task,
        outcome,
        actor,
        roles: Roles::default(),
        origin: origin(),
        purpose: None,
        reason: Some("fingerprint".into()),
    }
}

/// The auditor's own query, logged.
fn ask(log: &AccessLog) -> Receipt<ReadLog> {
    let shown = Shown {
        query: Some("entries"),
        ..Shown::default()
    };
    log.record(permit(200, None), shown).wait().unwrap()
}

/// Every matching entry, page by page, newest first; and how many pages it took.
fn all(log: &AccessLog, query: Query, limit: usize) -> (Vec<Row>, usize) {
    all_within(crate::audit::query::BUDGET, log, query, limit)
}

/// The same with another bound on the work of one call.
fn all_within(budget: u64, log: &AccessLog, query: Query, limit: usize) -> (Vec<Row>, usize) {
    let receipt = ask(log);
    let (mut found, mut before, mut pages) = (Vec::new(), None, 0);
    loop {
        let (rows, next) = log
            .entries_within(budget, &receipt, &query, before, Limit::rows(limit))
            .unwrap();
        assert!(rows.len() <= limit);
        found.extend(rows);
        pages += 1;
        match next {
            Some(next) => before = Some(next),
            None => return (found, pages),
        }
    }
}

/// An engine whose commits fail, and which can hide leaves and rows.
struct Faulty {
    inner: Arc<dyn Engine>,
    error: Option<CommitError>,
    hidden: AtomicU64,
    /// How many reads of a month's row answer as if there were none.
    blind: AtomicU64,
}

impl Faulty {
    fn new(inner: Arc<dyn Engine>) -> Self {
        Self {
            inner,
            error: None,
            hidden: AtomicU64::new(0),
            blind: AtomicU64::new(0),
        }
    }
}

impl Engine for Faulty {
    fn get(&self, space: Space, key: &Key) -> Result<Option<Value>, EngineError> {
        if space == Space::AuditEpoch && self.blind.load(Ordering::SeqCst) > 0 {
            self.blind.fetch_sub(1, Ordering::SeqCst);
            return Ok(None);
        }
        self.inner.get(space, key)
    }
    fn scan(&self, space: Space, range: KeyRange, limit: Limit) -> Result<Page, EngineError> {
        self.inner.scan(space, range, limit)
    }
    fn commit(&self, batch: Batch) -> Pending<Result<Committed, CommitError>> {
        match &self.error {
            Some(error) => Pending::ready(Err(error.clone())),
            None => self.inner.commit(batch),
        }
    }
    fn log_size(&self, log: Log) -> u64 {
        let hidden = self.hidden.load(Ordering::SeqCst);
        self.inner.log_size(log).saturating_sub(hidden)
    }
    fn leaves(&self, log: Log, from: u64, limit: Limit) -> Result<Vec<Leaf>, EngineError> {
        self.inner.leaves(log, from, limit)
    }
    fn last_number(&self, series: Series) -> Result<u64, EngineError> {
        self.inner.last_number(series)
    }
    fn ready(&self) -> Result<(), EngineError> {
        self.inner.ready()
    }
    fn scrub(&self, progress: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError> {
        self.inner.scrub(progress)
    }

    fn forget_bodies(&self, log: Log, from: u64, to: u64) -> Result<(), EngineError> {
        self.inner.forget_bodies(log, from, to)
    }

    fn check(&self, progress: &dyn Fn(u64, u64)) -> Result<crate::engine::Checked, EngineError> {
        self.inner.check(progress)
    }

    fn snapshot(&self) -> Result<crate::engine::Snapshot, EngineError> {
        self.inner.snapshot()
    }

    fn close(&self) -> Result<(), EngineError> {
        self.inner.close()
    }
}

/// Whether `needle` stands in any file under `dir`.
fn in_files(dir: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_files(&path, needle)
        } else {
            holds(&std::fs::read(path).unwrap(), needle)
        }
    })
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle)
}

/// Whether `needle` stands in any row, leaf or body.
fn in_engine(engine: &dyn Engine, needle: &[u8]) -> bool {
    let row = |(_, key, value): &(Space, Key, Value)| {
        holds(key.as_bytes(), needle) || holds(value.as_bytes(), needle)
    };
    let leaf = |leaf: &Leaf| {
        holds(&leaf.leaf, needle) || leaf.body.as_ref().is_some_and(|b| holds(b, needle))
    };
    let everything = Limit::rows(usize::MAX);
    rows(engine).iter().any(row)
        || engine
            .leaves(Log::Access, 0, everything)
            .unwrap()
            .iter()
            .any(leaf)
}
