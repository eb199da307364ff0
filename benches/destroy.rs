//! What it costs to destroy one case, in a store of ten thousand and in one of a million, and a
//! thousand units at once.
//!
//! ```text
//! BONGHAM_BENCH_CASES=1000000 cargo bench --bench destroy --features bench-sqlcipher
//! ```
//! `BONGHAM_BENCH_DIR` says where to build the stores. All are there at the same time and take
//! turns, so that whatever else the machine does falls on all.
//!
//! With SQLCipher there is a store of a hundred thousand besides, and two databases with the same
//! rows, from which a case is deleted with `secure_delete` and a `VACUUM`: what it takes there
//! until no key opens the rows any more. The factor between the two must grow with the store.
//! Overwriting, which comes behind here, is timed by the bench `scrub`.
//!
//! Last, the service itself, in stores of ten and a hundred thousand registered cases: the verb
//! that carries out an approved request, from the call to its durable answer. The window in which
//! it can still be taken back is a day at least, so the clock is moved on past it each
//! time. (The service looks each minute for what is due: one in some thousands it may take first.)
//! `BONGHAM_BENCH_SERVICE=0` leaves it out.
//!
//! In stores too large to be registered case by case this takes the executor's steps that cost, in
//! its order and through the types it uses: the stored units are read and hashed; INTENT, the entry
//! in the access log and the order are committed; the keyring forgets the keys; each is asked for;
//! the intent is read back; rows and postings go, the head and the void row of the register are
//! written, DESTROYED and the entry are committed. Left out: policies, gates, opening and sealing
//! the rows of head and order, and the certificate, which is written when somebody asks for it. A
//! case is a narrative and two people; those that are destroyed have rows of the usual sizes, every
//! other case its three keys and one row of 300 bytes.
#![expect(clippy::print_stdout, reason = "a benchmark is read by people")]

#[path = "support/ahead.rs"]
mod ahead;
#[path = "support/end.rs"]
mod end;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/office.rs"]
#[expect(dead_code, reason = "other benches use more of it")]
mod office;
#[cfg(feature = "bench-sqlcipher")]
#[path = "support/vacuum.rs"]
mod vacuum;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::cases::draft::Classification;
use bongham::destruction::ledger::{
    Destroyed, Entry, Event, File, Intent, Item, Method, Reason, Totals, sha256_hex,
};
use bongham::destruction::order::{Ground, Order, Part, Stage, What};
use bongham::domain::id::{AccountId, CaseId, DestructionId, UnitId};
use bongham::domain::limit::Limit;
use bongham::domain::random::{Random, SystemSource};
use bongham::domain::secret::{Secret, SecretText};
use bongham::domain::tier::{Tier, UnitKind};
use bongham::domain::time::{Clock, SystemClock, Timestamp};
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::engine::{Append, Batch, Engine, Key, Log, Space, Value};
use bongham::keyring::{Keyring, UnsealCost, UnsealSecret};
use bongham::merkle::tree::leaf_hash;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Cases destroyed one by one.
const ROUNDS: usize = 300;
/// Cases destroyed in one order: 1,002 units.
const TOGETHER: usize = 334;
/// Cases whose rows go in one batch, as in the executor.
const CASES_AT_ONCE: usize = 128;
/// Postings of one case in the index of names, numbers and addresses.
const POSTINGS: u8 = 16;

const KINDS: [UnitKind; 3] = [UnitKind::Narrative, UnitKind::Person, UnitKind::Person];

struct Case {
    id: CaseId,
    number: u64,
    units: [UnitId; 3],
}

struct Store {
    cases: u64,
    keyring: Keyring,
    engine: EmbeddedEngine,
    random: Arc<SystemSource>,
    clock: Arc<SystemClock>,
    /// Those to be destroyed, far apart.
    doomed: std::vec::IntoIter<Case>,
}

/// A key in no order, as an HMAC is.
fn place(case: u64, what: u8) -> Key {
    let mut input = [what; 9];
    input.split_at_mut(8).0.copy_from_slice(&case.to_be_bytes());
    let digest = ring::digest::digest(&ring::digest::SHA256, &input);
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    Key::from(out)
}

fn value(size: usize) -> Result<Value, Failure> {
    Ok(Value::new(vec![7; size])?)
}

const HEAD: u8 = 0;
const ORDER: u8 = 200;
const VOID: u8 = 201;

/// Rows that a destruction takes away: units, list, postings.
fn rows(case: u64) -> impl Iterator<Item = (Space, Key, usize)> {
    let units = [(1, 1500), (2, 600), (3, 600)];
    let units = units.map(|(what, size)| (Space::Unit, place(case, what), size));
    let lists = [10, 11].map(|what| (Space::List, place(case, what), 16));
    let postings = (20..20 + POSTINGS).map(move |n| (Space::Posting, place(case, n), 16));
    units.into_iter().chain(lists).chain(postings)
}

/// An entry of the access log.
fn entry() -> Append {
    Append {
        log: Log::Access,
        leaf: vec![3; 140],
        stamp_at: Some(16),
        body: vec![4; 160],
    }
}

impl Store {
    fn build(dir: &Path, cases: u64) -> Result<Self, Failure> {
        let started = Instant::now();
        let random = Arc::new(SystemSource::default());
        let clock = Arc::new(SystemClock::default());
        let secret = UnsealSecret {
            passphrase: SecretText::new("bench".to_owned()),
            key_file: None,
        };
        let cost = UnsealCost::minimal_for_tests();
        std::fs::create_dir_all(dir)?;
        let keyring = dir.join("keyring");
        let keyring = Keyring::init(&keyring, &secret, cost, random.clone(), clock.clone())?;
        let key = Secret::new([3; 32]);
        let options = Options::new(dir.join("data"), key, clock.clone(), random.clone());
        let engine = EmbeddedEngine::create(options)?;
        let apart = cases / (ROUNDS + TOGETHER) as u64;
        let (mut doomed, mut batch, mut waiting) = (Vec::new(), Batch::default(), None);
        let mut one_of_each = BTreeMap::new();
        for number in 0..cases {
            let mut units = [UnitId::from_u64(0); 3];
            for (unit, kind) in units.iter_mut().zip(KINDS) {
                *unit = keyring.allocate(Tier::Ordinary, kind)?;
            }
            let dies = number % apart == 0;
            if !dies {
                one_of_each.extend(units.map(|unit| (unit.bucket(), unit)));
            }
            let size = if dies { 800 } else { 300 };
            batch
                .put
                .push((Space::Head, place(number, HEAD), value(size)?));
            if dies {
                for (space, key, size) in rows(number) {
                    batch.put.push((space, key, value(size)?));
                }
                let id = CaseId::random(random.as_ref())?;
                doomed.push(Case { id, number, units });
            }
            if batch.put.len() >= 500 {
                waiting = Some(engine.commit(std::mem::take(&mut batch)));
            }
        }
        engine.commit(batch).wait()?;
        waiting.map_or(Ok(()), |last| last.wait().map(drop))?;
        shuffle(&mut doomed, random.as_ref())?;
        // A bucket's first loss costs less than the next: an office of any age has had it.
        let used: Vec<UnitId> = one_of_each.into_values().collect();
        keyring.puncture(&used)?;
        println!(
            "{cases:>9} cases, {} units, made in {:.1?}",
            cases * 3,
            started.elapsed()
        );
        Ok(Self {
            cases,
            keyring,
            engine,
            random,
            clock,
            doomed: doomed.into_iter(),
        })
    }

    fn order(&self, cases: &[Case]) -> Result<Order, Failure> {
        let part = |case: &Case| Part {
            case: case.id,
            what: What::Whole,
            kept: None,
        };
        Ok(Order {
            id: DestructionId::random(self.random.as_ref())?,
            ground: Ground::Expiry { decision: None },
            parts: cases.iter().map(part).collect(),
            units: Vec::new(),
            handler: AccountId::random(self.random.as_ref())?,
            approver: AccountId::random(self.random.as_ref())?,
            witness: None,
            approved_at: self.now(),
            due: self.now(),
            stage: Stage::Waiting,
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is there to be destroyed, each unit with the hash of its ciphertext.
    fn plan(&self, order: &Order, cases: &[Case]) -> Result<Intent, Failure> {
        let mut items = Vec::new();
        for case in cases {
            let head = self.engine.get(Space::Head, &place(case.number, HEAD))?;
            head.ok_or("a case is missing")?;
            for ((what, unit), kind) in (1..).zip(case.units).zip(KINDS) {
                let stored = self.engine.get(Space::Unit, &place(case.number, what))?;
                let stored = stored.ok_or("a unit is missing")?;
                items.push(Item {
                    case: Some(case.id.to_string()),
                    unit: unit.as_u64().to_string(),
                    material: kind,
                    ciphertext: Some(sha256_hex(stored.as_bytes())),
                });
            }
        }
        Ok(Intent {
            destruction: order.id.to_string(),
            file: File::of(&order.ground),
            reason: Reason::of(&order.ground),
            created_from: None,
            created_to: None,
            approved: order.approved_at.rfc3339(),
            handler: order.handler.to_string(),
            approver: order.approver.to_string(),
            witness: None,
            order: order.hash().ok_or("an order does not encode")?,
            totals: Totals::of(&items, cases.len()),
            items,
            kept: Vec::new(),
        })
    }

    /// Adds leaf, entry and the order's row, and waits until they are durable; gives the leaf's
    /// index.
    fn enter(&self, mut batch: Batch, event: Event, units: usize) -> Result<u64, Failure> {
        let index = self.engine.log_size(Log::Ledger);
        batch.append.push(entry());
        Entry::now(self.now(), event).append(&mut batch)?;
        let row = value(300 + 16 * units)?;
        batch.put.push((Space::Order, place(index / 2, ORDER), row));
        self.engine.commit(batch).wait()?;
        Ok(index)
    }

    /// From what waits to keys that are gone, which the ledger says.
    fn destroy(&self, cases: &[Case]) -> Result<Duration, Failure> {
        let order = self.order(cases)?;
        let units: Vec<UnitId> = cases.iter().flat_map(|case| case.units).collect();
        let started = Instant::now();
        let intent = self.plan(&order, cases)?;
        let index = self.enter(Batch::default(), Event::Intent(intent), units.len())?;
        let root_version = self.keyring.puncture(&units)?;
        if units.iter().any(|u| self.keyring.shred_half(*u).is_ok()) {
            return Err("a key is still there".into());
        }
        let leaf = self.engine.leaves(Log::Ledger, index, Limit::rows(1))?;
        let leaf = leaf.first().ok_or("the intent is missing")?;
        let Some(Event::Intent(said)) = Entry::read(&leaf.leaf).map(|entry| entry.event) else {
            return Err("that is no intent".into());
        };
        let mut batch = Batch::default();
        for (n, case) in (1..).zip(cases) {
            let gone = rows(case.number).map(|(space, key, _)| (space, key));
            batch.delete.extend(gone);
            for (space, what, size) in [(Space::Head, HEAD, 400), (Space::Register, VOID, 60)] {
                let row = (space, place(case.number, what), value(size)?);
                batch.put.push(row);
            }
            if n % CASES_AT_ONCE == 0 {
                self.engine.commit(std::mem::take(&mut batch)).wait()?;
            }
        }
        let destroyed = Destroyed {
            destruction: order.id.to_string(),
            intent: data_encoding::HEXLOWER.encode(&leaf_hash(&leaf.leaf).0),
            totals: said.totals,
            method: Method::KeyDestructionAndOverwriting,
            root_version,
            verified: units.len() as u64,
            holders: Vec::new(),
        };
        self.enter(batch, Event::Destroyed(destroyed), 0)?;
        Ok(started.elapsed())
    }

    fn destroy_next(&mut self, count: usize) -> Result<Duration, Failure> {
        let cases: Vec<Case> = self.doomed.by_ref().take(count).collect();
        if cases.len() < count {
            return Err("there are too few cases".into());
        }
        self.destroy(&cases)
    }
}

/// So that neighbours in the list are in no neighbouring buckets.
fn shuffle(cases: &mut [Case], random: &dyn Random) -> Result<(), Failure> {
    for left in (1..cases.len()).rev() {
        let chance = u64::from_be_bytes(random.array()?);
        cases.swap(left, (chance % (left as u64 + 1)) as usize);
    }
    Ok(())
}

fn milliseconds(times: &mut [Duration], part: usize) -> f64 {
    times.sort_unstable();
    let nth = times.get(times.len() * part / 100);
    nth.copied().unwrap_or_default().as_secs_f64() * 1e3
}

fn main() -> Result<(), Failure> {
    let asked = std::env::var("BONGHAM_BENCH_CASES").ok();
    let asked: Option<u64> = asked.and_then(|n| n.parse().ok());
    // `cargo test --benches` only asks whether it runs.
    let real = std::env::args().any(|arg| arg == "--bench");
    let ([small, middle, large], rounds) = match real {
        true => ([10_000, 100_000, asked.unwrap_or(1_000_000)], ROUNDS),
        false => ([2_000, 3_000, 4_000], 10),
    };
    let mut sizes = vec![small, large];
    if cfg!(feature = "bench-sqlcipher") {
        sizes.insert(1, middle);
    }
    let root = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    let mut stores = Vec::new();
    for cases in sizes {
        let dir = root.path().join(cases.to_string());
        stores.push((Store::build(&dir, cases)?, Vec::new()));
    }
    println!("{}", machine::machine()?);
    for _ in 0..rounds {
        for (store, times) in &mut stores {
            times.push(store.destroy_next(1)?);
        }
    }
    let mut middles = Vec::new();
    for (store, times) in &mut stores {
        let (p50, p99) = (milliseconds(times, 50), milliseconds(times, 99));
        println!(
            "{:>9} cases: destroy one of 3 units, {rounds} times: p50 {p50:.2} ms (to be below \
             20), p99 {p99:.2} ms",
            store.cases
        );
        middles.push(p50);
    }
    for (store, _) in &mut stores {
        let took = store.destroy_next(TOGETHER)?;
        println!(
            "{:>9} cases: destroy {} units at once: {took:.3?} (to be below 1 s)",
            store.cases,
            TOGETHER * 3
        );
    }
    if let [small, .., large] = middles.as_slice() {
        println!(
            "p50 large : small = {:.2} (to be at most 1.3); load {}",
            large / small,
            machine::load()?
        );
    }
    #[cfg(feature = "bench-sqlcipher")]
    against_sqlcipher(root.path(), [small, middle], &middles)?;
    for (store, _) in stores {
        store.engine.close()?;
    }
    if std::env::var("BONGHAM_BENCH_SERVICE").is_ok_and(|asked| asked == "0") {
        return Ok(());
    }
    let [small, middle, rounds] = match real {
        true => [10_000, 100_000, 100],
        false => [20, 40, 5],
    };
    for cases in [small, middle] {
        through_the_service(root.path(), cases, rounds)?;
    }
    Ok(())
}

/// The same rows in SQLCipher, and by how much its way takes longer.
#[cfg(feature = "bench-sqlcipher")]
fn against_sqlcipher(root: &Path, sizes: [u64; 2], ours: &[f64]) -> Result<(), Failure> {
    const TURNS: u64 = 7;
    let mut factors = Vec::new();
    for (cases, ours) in sizes.into_iter().zip(ours) {
        let apart = cases / (ROUNDS + TOGETHER) as u64;
        let of = |case: u64| {
            let dies = case % apart == 0;
            let head = (HEAD, vec![7; if dies { 800 } else { 300 }]);
            let more = rows(case)
                .filter(|_| dies)
                .map(|(_, _, size)| vec![7; size]);
            [head].into_iter().chain((1..).zip(more)).collect()
        };
        let file = root.join(format!("sqlcipher-{cases}"));
        let database = vacuum::Vacuum::build(&file, cases, of)?;
        let mut times = Vec::new();
        for turn in 0..TURNS {
            times.push(database.destroy(turn * apart)?);
        }
        let theirs = milliseconds(&mut times, 50);
        factors.push(theirs / ours);
        println!(
            "{cases:>9} cases: SQLCipher, secure_delete and VACUUM, {TURNS} times: p50 {theirs:.1} \
             ms, ours {ours:.2} ms: {:.0} times as long; load {}",
            theirs / ours,
            machine::load()?
        );
    }
    if let [small, middle] = factors.as_slice() {
        println!(
            "factor at {} : factor at {} = {:.1} (to be above 1)",
            sizes.last().unwrap_or(&0),
            sizes.first().unwrap_or(&0),
            middle / small
        );
    }
    Ok(())
}

/// The verb that carries out an approved request, over a store of registered cases.
fn through_the_service(root: &Path, cases: usize, rounds: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let dir = root.join(format!("service-{cases}"));
    std::fs::create_dir(&dir)?;
    let clock = Arc::new(ahead::Ahead::default());
    let office = Arc::new(office::Office::open(&dir, &runtime, clock.clone())?);
    let started = Instant::now();
    let filled = runtime.block_on(office.fill(Classification::Ordinary, cases))?;
    println!("{cases:>9} cases registered in {:.1?}", started.elapsed());
    let step = cases / rounds;
    let mut times = runtime.block_on(async {
        let mut end = end::End::open(office, clock).await?;
        let mut times = Vec::new();
        for case in filled.into_iter().step_by(step).take(rounds) {
            let request = end.ordered(case).await?;
            end.let_the_window_end().await?;
            times.push(end.carried_out(request).await?);
        }
        Ok::<_, Failure>(times)
    })?;
    let (p50, p99) = (milliseconds(&mut times, 50), milliseconds(&mut times, 99));
    println!(
        "{cases:>9} cases: the service destroys one of 2 units, {rounds} times: p50 {p50:.2} ms, \
         p99 {p99:.2} ms; load {}",
        machine::load()?
    );
    Ok(())
}
