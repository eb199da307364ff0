//! The whole road inside the process: registrations and audited reads, ordinary and sensitive
//! apart, durable, with the CPU of every stage, against SQLCipher behind the same policy, wraps
//! and envelope, by ratio in one run.
//!
//! ```text
//! cargo bench --bench road --features bench-sqlcipher
//! ```
//! `service` is the product: `Service::call` with the verbs of `Store`, as the doors call them.
//! `bare` is the same steps without pool, gate and directory (`support/bare.rs`), over the
//! embedded engine; `SQLCipher` is `bare` over SQLCipher (`support/cipher_engine.rs`): one durable
//! transaction for whatever is queued. `BONGHAM_BENCH_LEAN=1` spares SQLCipher the rows by which
//! the log is looked up, which the others write. A stage's time is the median over single calls on
//! one thread; what the process takes beyond the stages is the rest: hand-over between threads,
//! journal, index, and the bench's own clients.
//!
//! `BONGHAM_BENCH_SECONDS` (default 2) is the length of one measurement, `BONGHAM_BENCH_ROUNDS`
//! (default 3) how often all take turns, `BONGHAM_BENCH_CASES` (default 20000) how many cases of
//! each tier there are; `BONGHAM_BENCH_ONLY=service` leaves the others out.

#[path = "support/bare.rs"]
mod bare;
#[cfg(feature = "bench-sqlcipher")]
#[path = "support/cipher_engine.rs"]
mod cipher_engine;
#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/measure.rs"]
mod measure;
#[path = "support/office.rs"]
mod office;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::cases::draft::Classification;
use bongham::domain::id::CaseId;
use bongham::domain::purpose::Purpose;
use bongham::domain::tier::Tier;
use bongham::domain::time::SystemClock;
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::keyring::ServerKey;

use tokio::runtime::Runtime;

use bare::Road;
use cpu::{cpu_by_thread, cpu_per_operation, listed};
use machine::{load, machine};
use measure::{Outcome, median, number_from_env, run_clients};
use office::{Office, origin};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Single calls behind a stage's median.
const CALLS: usize = 2_000;

/// Ids of the cases of each tier.
struct Filled {
    ordinary: Vec<CaseId>,
    sensitive: Vec<CaseId>,
}

impl Filled {
    fn nth(&self, tier: Classification, n: u64) -> Result<CaseId, Failure> {
        let list = match tier {
            Classification::Ordinary => &self.ordinary,
            Classification::Sensitive => &self.sensitive,
        };
        let at = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % list.len() as u64;
        let case = list.get(usize::try_from(at)?);
        Ok(*case.ok_or("no case")?)
    }
}

/// Who is measured.
enum Subject {
    Service(Arc<Office>, Filled),
    Bare(Box<Road>, Filled),
}

impl Subject {
    async fn one(&self, tier: Classification, reading: bool, n: u64) -> Result<(), Failure> {
        match self {
            Self::Service(office, filled) if reading => {
                let case = filled.nth(tier, n)?;
                let session = office.service.session(office.holder(tier), origin())?;
                let verb = office
                    .service
                    .call(move |store| store.read_case(&session, case, Purpose::Handling));
                let view = verb.await?.view;
                std::hint::black_box(view);
            }
            Self::Service(office, _) => {
                office.register(tier).await?;
            }
            Self::Bare(road, filled) if reading => {
                let case = filled.nth(tier, n)?;
                std::hint::black_box(road.read(tier.into(), case)?.done().await?);
            }
            Self::Bare(road, _) => {
                road.register(tier.into())?.done().await?;
            }
        }
        Ok(())
    }
}

async fn fill(road: &Road, tier: Tier, count: usize) -> Result<Vec<CaseId>, Failure> {
    let mut cases = Vec::with_capacity(count);
    let mut waiting = std::collections::VecDeque::new();
    for _ in 0..count {
        waiting.push_back(road.register(tier)?);
        if waiting.len() == 256
            && let Some(next) = waiting.pop_front()
        {
            cases.push(next.done().await?);
        }
    }
    for next in waiting {
        cases.push(next.done().await?);
    }
    Ok(cases)
}

fn service(dir: &Path, cases: usize, runtime: &Runtime) -> Result<Subject, Failure> {
    let office = Arc::new(Office::open(
        dir,
        runtime,
        Arc::new(SystemClock::default()),
    )?);
    let fill = |tier| runtime.block_on(office.fill(tier, cases));
    let filled = Filled {
        ordinary: fill(Classification::Ordinary)?,
        sensitive: fill(Classification::Sensitive)?,
    };
    Ok(Subject::Service(office, filled))
}

fn filled(road: Road, cases: usize, runtime: &Runtime) -> Result<Subject, Failure> {
    let fill = |tier| runtime.block_on(fill(&road, tier, cases));
    let filled = Filled {
        ordinary: fill(Tier::Ordinary)?,
        sensitive: fill(Tier::Sensitive)?,
    };
    Ok(Subject::Bare(Box::new(road), filled))
}

fn embedded(dir: &Path) -> Result<Road, Failure> {
    Road::open(dir, &|keyring, clock, random| {
        let key = keyring.server_key(ServerKey::Journal);
        let engine = EmbeddedEngine::create(Options::new(dir.join("store"), key, clock, random))?;
        Ok(Arc::new(engine))
    })
}

#[cfg(feature = "bench-sqlcipher")]
fn sqlcipher(dir: &Path) -> Result<Road, Failure> {
    let lean = number_from_env("BONGHAM_BENCH_LEAN", 0) != 0;
    Road::open(dir, &|_, clock, _| {
        let engine = cipher_engine::CipherEngine::create(&dir.join("db"), clock, lean)?;
        Ok(Arc::new(engine))
    })
}

type Named = (&'static str, Arc<Subject>);

fn subjects(dir: &Path, cases: usize, runtime: &Runtime) -> Result<Vec<Named>, Failure> {
    let only = std::env::var("BONGHAM_BENCH_ONLY").ok();
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    let below = |name: &str| {
        let dir = dir.join(name);
        std::fs::create_dir(&dir).map(|()| dir)
    };
    let mut list: Vec<Named> = Vec::new();
    if wanted("service") {
        list.push((
            "service",
            Arc::new(service(&below("service")?, cases, runtime)?),
        ));
    }
    if wanted("bare") {
        list.push((
            "bare",
            Arc::new(filled(embedded(&below("bare")?)?, cases, runtime)?),
        ));
    }
    #[cfg(feature = "bench-sqlcipher")]
    if wanted("SQLCipher") {
        let road = sqlcipher(&below("sqlcipher")?)?;
        list.push(("SQLCipher", Arc::new(filled(road, cases, runtime)?)));
    }
    Ok(list)
}

fn main() -> Result<(), Failure> {
    let seconds = Duration::from_secs(number_from_env("BONGHAM_BENCH_SECONDS", 2));
    let rounds = number_from_env("BONGHAM_BENCH_ROUNDS", 3);
    let cases = usize::try_from(number_from_env("BONGHAM_BENCH_CASES", 20_000))?;
    let dir = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("client")
        .build()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", machine()?)?;
    let started = Instant::now();
    let subjects = subjects(dir.path(), cases, &runtime)?;
    writeln!(
        out,
        "{cases} cases of each tier filled in {:.1?}",
        started.elapsed()
    )?;
    let plan = Plan { seconds, rounds };
    for (tier, letter) in [
        (Classification::Ordinary, "O"),
        (Classification::Sensitive, "S"),
    ] {
        for reading in [true, false] {
            let name = format!("{letter} {}", if reading { "read" } else { "register" });
            let mut whole = None;
            for clients in [64, 256] {
                writeln!(out, "\n{name}, {clients} at once (load {})", load()?)?;
                let work = (tier, reading, clients);
                let outcomes = turns(&mut out, &runtime, &subjects, plan, work)?;
                report(&mut out, &subjects, &outcomes)?;
                let first = outcomes.first().ok_or("nothing measured")?;
                whole.get_or_insert(median(first.iter().map(|outcome| outcome.cpu_us)));
            }
            let bare = subjects.iter().find_map(|(who, subject)| match &**subject {
                Subject::Bare(road, filled) if *who == "bare" => Some((road, filled)),
                _ => None,
            });
            if let (Some((road, filled)), Some(whole)) = (bare, whole) {
                stages(&mut out, road, filled, tier, reading, whole)?;
            }
        }
    }
    Ok(())
}

/// How long and how often.
#[derive(Clone, Copy)]
struct Plan {
    seconds: Duration,
    rounds: u64,
}

/// All subjects in turn, round by round; tells where the last round's CPU went.
fn turns(
    out: &mut impl Write,
    runtime: &Runtime,
    subjects: &[Named],
    plan: Plan,
    (tier, reading, clients): (Classification, bool, u64),
) -> Result<Vec<Vec<Outcome>>, Failure> {
    let mut outcomes: Vec<Vec<Outcome>> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 1..=plan.rounds {
        for ((who, subject), list) in subjects.iter().zip(&mut outcomes) {
            let before = cpu_by_thread()?;
            let subject = Arc::clone(subject);
            let outcome = runtime.block_on(run_clients(clients, plan.seconds, move |n| {
                let subject = Arc::clone(&subject);
                async move { subject.one(tier, reading, n).await }
            }))?;
            if round == plan.rounds {
                let done = outcome.rate * plan.seconds.as_secs_f64();
                let threads = cpu_per_operation(&before, done)?;
                writeln!(out, "  {who:9} µs CPU by thread: {}", listed(&threads))?;
            }
            list.push(outcome);
        }
    }
    Ok(outcomes)
}

fn report(
    out: &mut impl Write,
    subjects: &[Named],
    outcomes: &[Vec<Outcome>],
) -> Result<(), Failure> {
    for ((who, _), list) in subjects.iter().zip(outcomes) {
        writeln!(
            out,
            "  {who:9} {:>8.0}/s  p50 {:>7.3} ms  p99 {:>7.3} ms  {:>6.1} µs CPU",
            median(list.iter().map(|o| o.rate)),
            median(list.iter().map(|o| o.p50_ms)),
            median(list.iter().map(|o| o.p99_ms)),
            median(list.iter().map(|o| o.cpu_us)),
        )?;
    }
    let Some(((last, _), theirs)) = subjects.last().zip(outcomes.last()) else {
        return Ok(());
    };
    for ((who, _), mine) in subjects.iter().zip(outcomes).rev().skip(1) {
        let ratio = |of: fn(&Outcome) -> f64| {
            median(mine.iter().zip(theirs).map(move |(a, b)| of(a) / of(b)))
        };
        writeln!(
            out,
            "  {who} to {last}: {:.2}x the rate, {:.2}x the CPU",
            ratio(|o| o.rate),
            ratio(|o| o.cpu_us)
        )?;
    }
    Ok(())
}

/// Median of every stage over single calls, and its share of `whole`, the service's CPU.
fn stages(
    out: &mut impl Write,
    road: &Road,
    filled: &Filled,
    tier: Classification,
    reading: bool,
    whole: f64,
) -> Result<(), Failure> {
    let mut laps: Vec<(&'static str, Vec<Duration>)> = Vec::new();
    for call in 0..CALLS as u64 {
        let mut last = Instant::now();
        let mut lap = |stage: &'static str| {
            let spent = last.elapsed();
            match laps.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, list)) => list.push(spent),
                None => laps.push((stage, vec![spent])),
            }
            last = Instant::now();
        };
        if reading {
            let case = filled.nth(tier, call)?;
            std::hint::black_box(road.read_dry(tier.into(), case, &mut lap)?);
        } else {
            road.register_dry(tier.into(), &mut lap)?;
        }
    }
    let mut sum = 0.0;
    writeln!(
        out,
        "  stages, µs and share of the service's {whole:.1} µs:"
    )?;
    for (stage, list) in laps {
        let micros = median(list.iter().map(|spent| spent.as_secs_f64() * 1e6));
        sum += micros;
        writeln!(
            out,
            "    {stage:34} {micros:>6.2}  {:>4.1} %",
            micros / whole * 100.0
        )?;
    }
    writeln!(
        out,
        "    {:34} {:>6.2}  {:>4.1} %",
        "rest: hand-over, journal, index",
        whole - sum,
        (whole - sum) / whole * 100.0
    )?;
    Ok(())
}
