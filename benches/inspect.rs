//! How long the inspection of a month takes: one pass over its entries, read from the journal,
//! checked against the tree, opened and gathered, as `Store::make_inspection` does it.
//!
//! ```text
//! cargo bench --bench inspect
//! ```
//! `BONGHAM_BENCH_ENTRIES` (default 1000000) is the number of entries: reads by a hundred people.
//! The page cache is as warm as writing them left it. The
//! ratio is to a bare pass of SHA-256 over the leaves, which no check can beat.

#[path = "support/machine.rs"]
mod machine;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::audit::{AccessLog, Shown};
use bongham::authn::session::{Origin, Session, SessionLimits, Sessions, Subject};
use bongham::authz::Authority;
use bongham::authz::action::{Inspect, Read};
use bongham::authz::facts::{CaseFacts, Target};
use bongham::config::inspection::Inspection;
use bongham::domain::id::{AccountId, CaseId, DepartmentId, UnitId};
use bongham::domain::limit::Limit;
use bongham::domain::purpose::Purpose;
use bongham::domain::random::{Random, SystemSource};
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::SecretText;
use bongham::domain::tier::Tier;
use bongham::domain::time::{Clock, SystemClock};
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::engine::{Batch, Engine, Log};
use bongham::inspection::deed::needs_body;
use bongham::inspection::gather::{Gatherer, Known};
use bongham::inspection::month::Month;
use bongham::keyring::{Keyring, ServerKey, UnsealCost, UnsealSecret};
use bongham::merkle::tree::leaf_hash;
use machine::{load, machine};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PEOPLE: u64 = 100;
/// Entries of one batch.
const BATCH: u64 = 500;

struct Nobody;
impl Known for Nobody {
    type Error = bongham::audit::LogError;
    fn sensitive(&mut self, _case: CaseId, _index: u64) -> Result<bool, Self::Error> {
        Ok(false)
    }
    fn taken_off(
        &mut self,
        _case: CaseId,
        _account: AccountId,
        _index: u64,
    ) -> Result<bool, Self::Error> {
        Ok(false)
    }
    fn shut(&mut self, _account: AccountId) -> Result<bool, Self::Error> {
        Ok(false)
    }
}

struct Office {
    engine: Arc<dyn Engine>,
    log: AccessLog,
    authority: Authority,
    sessions: Sessions,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
}

fn open(dir: &std::path::Path) -> Result<Office, Failure> {
    let random: Arc<dyn Random> = Arc::new(SystemSource::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let secret = UnsealSecret {
        passphrase: SecretText::new("bench".to_owned()),
        key_file: None,
    };
    let keyring = Arc::new(Keyring::init(
        &dir.join("keyring"),
        &secret,
        UnsealCost::minimal_for_tests(),
        random.clone(),
        clock.clone(),
    )?);
    let engine: Arc<dyn Engine> = Arc::new(EmbeddedEngine::create(Options {
        dir: dir.join("store"),
        key: keyring.server_key(ServerKey::Journal),
        clock: clock.clone(),
        random: random.clone(),
        floor: [0, 0],
        progress: Box::new(|_, _| {}),
        cache_bytes: 128 << 20,
        segment_bytes: 64 << 20,
        reserve: false,
    })?);
    let logs = dir.join("logs");
    std::fs::create_dir_all(&logs)?;
    let log = AccessLog::open(
        engine.clone(),
        keyring,
        &logs,
        random.clone(),
        clock.clone(),
    )?;
    let limits = SessionLimits {
        idle: Duration::from_secs(36_000),
        absolute: Duration::from_secs(36_000),
        per_account: 1,
    };
    Ok(Office {
        engine,
        log,
        authority: Authority::built_in()?,
        sessions: Sessions::new(limits, random.clone(), clock.clone())?,
        random,
        clock,
    })
}

impl Office {
    fn session(&self, role: Role) -> Result<Session, Failure> {
        let subject = Subject {
            account: AccountId::random(&*self.random)?,
            roles: Roles::new([role])?,
            department: None,
        };
        let (token, _) = self.sessions.start(subject, None)?;
        let origin = Origin {
            address: Some([192, 0, 2, 7].into()),
            device: "Mozilla/5.0 (X11; Linux x86_64) bench".to_owned(),
        };
        Ok(self.sessions.resume(&token, origin)?)
    }

    /// Entries of reads, each a permit and a body of its own.
    fn fill(&self, entries: u64) -> Result<(), Failure> {
        let people: Vec<Session> = (0..PEOPLE)
            .map(|_| self.session(Role::Officer))
            .collect::<Result<_, _>>()?;
        let department = DepartmentId::random(&*self.random)?;
        for from in (0..entries).step_by(BATCH as usize) {
            let mut permits = Vec::new();
            for n in from..(from + BATCH).min(entries) {
                let nth = usize::try_from(n % PEOPLE)?;
                let session = people.get(nth).ok_or("nobody")?;
                let facts = CaseFacts {
                    case: CaseId::random(&*self.random)?,
                    tier: Tier::Ordinary,
                    department,
                    holders: vec![session.account()],
                    restricted: false,
                };
                let permit = self
                    .authority
                    .decide::<Read>(session, Target::Case(&facts), Some(Purpose::Handling))
                    .map_err(|_| "denied")?;
                let shown = Shown {
                    units: vec![UnitId::from_u64(n * 2), UnitId::from_u64(n * 2 + 1)],
                    people: vec![UnitId::from_u64(n * 2 + 1)],
                    bytes: 2_000,
                    ..Shown::default()
                };
                permits.push((permit, shown));
            }
            self.log.record_all(permits, Batch::default()).wait()?;
        }
        Ok(())
    }

    /// The inspection; how many findings.
    fn inspect(&self) -> Result<(u64, usize), Failure> {
        let session = self.session(Role::Auditor)?;
        let permit = self
            .authority
            .decide::<Inspect>(&session, Target::Office, None)
            .map_err(|_| "denied")?;
        let rules = Inspection::default();
        let mut gatherer = Gatherer::new(&rules, Nobody);
        let month = Month::of(self.clock.now());
        let passed = self.log.pass(
            &permit,
            (month.start(), month.next().start()),
            needs_body,
            |index, header, body| gatherer.see(index, header, body),
        )?;
        Ok((passed.to - passed.from, gatherer.end()?.found.len()))
    }

    fn bare(&self) -> Result<(), Failure> {
        let size = self.engine.log_size(Log::Access);
        let mut next = 0;
        while next < size {
            let leaves = self.engine.leaves(Log::Access, next, Limit::rows(2048))?;
            next += leaves.len() as u64;
            for leaf in leaves {
                std::hint::black_box(leaf_hash(&leaf.leaf));
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let entries = std::env::var("BONGHAM_BENCH_ENTRIES");
    let entries: u64 = entries.ok().map_or(Ok(1_000_000), |n| n.parse())?;
    let dir = tempfile::tempdir()?;
    let office = open(dir.path())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}\n{}", machine()?, load()?)?;
    let started = Instant::now();
    office.fill(entries)?;
    office.log.tick()?;
    writeln!(
        out,
        "{entries} entries made in {:.1} s",
        started.elapsed().as_secs_f64()
    )?;
    let started = Instant::now();
    let (passed, findings) = office.inspect()?;
    let took = started.elapsed();
    let started = Instant::now();
    office.bare()?;
    let bare = started.elapsed();
    writeln!(
        out,
        "inspection of {passed} entries: {:.2} s, {:.1} µs an entry, {findings} findings; {:.2} times \
         reading and hashing them on one thread\n{}",
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / passed.max(1) as f64,
        took.as_secs_f64() / bare.as_secs_f64(),
        load()?,
    )?;
    Ok(())
}
