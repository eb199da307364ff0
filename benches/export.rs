//! Export of many cases, beside decrypting and serialising the same cases of the same store without
//! log and without lock: the ratio of the two is what list, second decision, budget, gate, lock and
//! disk cost. And what it costs in memory, above a store that rests.
//!
//! The index has a cache that grows with use up to its bound, whoever uses it, and a segment of the
//! journal that fills up meanwhile is summed up: both are in the figure.
//!
//! ```text
//! BONGHAM_BENCH_CASES=100000 cargo bench --bench export
//! ```
//! `BONGHAM_BENCH_CASES` (default 100000) is how many cases go out, `BONGHAM_BENCH_FORM` (default
//! `csv`) in which form, `BONGHAM_BENCH_BEFORE` (default 0) how many exports come before. Both
//! sides decide on each case, because neither may open what the policies do not let out; both mask.

#[path = "support/machine.rs"]
mod machine;
#[path = "support/measure.rs"]
#[expect(dead_code, reason = "other benches use more of it")]
mod measure;
#[path = "support/office.rs"]
#[expect(dead_code, reason = "other benches use more of it")]
mod office;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::audit::AccessLog;
use bongham::audit::manifest::{Beside, Listed, Manifest};
use bongham::authn::session::{Session, SessionLimits, Sessions, Subject};
use bongham::authz::Authority;
use bongham::authz::action::Export;
use bongham::authz::facts::Target;
use bongham::cases::draft::Classification;
use bongham::cases::record::{self, Case, Frame};
use bongham::cases::rows::Cases;
use bongham::crypto::locate::Locator;
use bongham::crypto::sealed::RowKey;
use bongham::disclosure::output::{Form, OutputState};
use bongham::disclosure::sheet::Sheet;
use bongham::disclosure::template::{Masking, Template};
use bongham::domain::id::CaseId;
use bongham::domain::purpose::Purpose;
use bongham::domain::random::{Random, SystemSource};
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::SecretText;
use bongham::domain::serial::Serial;
use bongham::domain::time::{Clock, SystemClock};
use bongham::engine::Engine;
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::engine::memory::MemoryEngine;
use bongham::keyring::{Keyring, ServerKey, UnsealCost, UnsealSecret};
use bongham::service::{Consented, Filter, Order, Selection};
use bongham::vault::Vault;
use tokio::runtime::Runtime;

use machine::machine;
use measure::number_from_env;
use office::{Office, origin};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A line of `/proc/self/status` in MiB.
fn memory(name: &str) -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = kib.ok_or("no such line in /proc/self/status")?.parse()?;
    Ok(kib / 1024.0)
}

fn order(form: Form) -> Result<Order, Failure> {
    Ok(Order {
        purpose: Purpose::Handling,
        reason: "bench".to_owned(),
        selection: Selection::Filter(Filter::default()),
        form,
        template: None,
        unmasked: false,
        recipient: None,
        receiver: "bench".to_owned(),
        responsible: None,
        destroy_by: SystemClock::default()
            .now()
            .plus(Duration::from_secs(86_400)),
        approval: None,
    })
}

struct Exported {
    begun: Duration,
    whole: Duration,
    idle: f64,
    /// Highest until the list was durable, and over all.
    listed: f64,
    peak: f64,
    bytes: u64,
}

/// Through the service, from the request to the finished file.
fn export(office: &Office, runtime: &Runtime, form: Form) -> Result<Exported, Failure> {
    let session = || office.service.session(&office.officer, origin());
    std::thread::sleep(Duration::from_secs(2));
    // The highest mark begins anew (proc(5), clear_refs).
    fs::write("/proc/self/clear_refs", "5")?;
    let idle = memory("VmRSS:")?;
    let began = Instant::now();
    let (asker, order) = (session()?, order(form)?);
    let begun = office
        .service
        .call(move |store| store.begin_export(asker, order));
    let Consented::Done(output, _) = runtime.block_on(begun)? else {
        return Err("a second person was asked".into());
    };
    let begun = began.elapsed();
    let listed = memory("VmHWM:")?;
    loop {
        let asker = session()?;
        let look = office
            .service
            .call(move |store| store.show_output(&asker, Some(output.serial)));
        let view = runtime.block_on(look)?;
        match view.state {
            OutputState::Running => std::thread::sleep(Duration::from_millis(20)),
            OutputState::Ready => {
                return Ok(Exported {
                    begun,
                    whole: began.elapsed(),
                    idle,
                    listed,
                    peak: memory("VmHWM:")?,
                    bytes: view.bytes.unwrap_or(0),
                });
            }
            _ => return Err(format!("the export ended: {:?}", view.problem).into()),
        }
    }
}

/// The same store without service, log and lock.
struct Plain {
    cases: Cases,
    vault: Vault,
    authority: Authority,
    sessions: Sessions,
    log: AccessLog,
    engine: Arc<EmbeddedEngine>,
}

fn secret(text: &str) -> UnsealSecret {
    UnsealSecret {
        passphrase: SecretText::new(text.to_owned()),
        key_file: None,
    }
}

impl Plain {
    fn open(dir: &Path, aside: &Path) -> Result<Self, Failure> {
        let random: Arc<dyn Random> = Arc::new(SystemSource::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let (passphrase, keys) = (secret("correct horse battery staple"), dir.join("keyring"));
        let keyring = Keyring::open(&keys, &passphrase, random.clone(), clock.clone())?;
        let keyring = Arc::new(keyring);
        let key = keyring.server_key(ServerKey::Journal);
        let place = dir.join("data/store");
        let mut options = Options::new(place, key, clock.clone(), random.clone());
        let floor = keyring.floor();
        options.floor = [floor.access_size, floor.ledger_size];
        options.cache_bytes = 128 << 20;
        let engine = Arc::new(EmbeddedEngine::open(options)?);
        // A list has to be recorded somewhere before a view is given: in memory, once for all.
        let other = Keyring::init(
            &aside.join("keyring"),
            &secret("bench"),
            UnsealCost::minimal_for_tests(),
            random.clone(),
            clock.clone(),
        )?;
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new(clock.clone()));
        fs::create_dir_all(aside.join("logs"))?;
        let log = AccessLog::open(
            memory,
            Arc::new(other),
            &aside.join("logs"),
            random.clone(),
            clock.clone(),
        )?;
        let limits = SessionLimits {
            idle: Duration::from_secs(36_000),
            absolute: Duration::from_secs(36_000),
            per_account: 3,
        };
        Ok(Self {
            cases: Cases::new(
                engine.clone(),
                Locator::new(&keyring.server_key(ServerKey::Location)),
                RowKey::new(keyring.server_key(ServerKey::Row)),
                random.clone(),
            )?,
            vault: Vault::new(keyring, random.clone()),
            authority: Authority::built_in()?,
            sessions: Sessions::new(limits, random, clock)?,
            log,
            engine,
        })
    }

    fn session(&self, case: CaseId) -> Result<Session, Failure> {
        let head = self.cases.head(case)?.ok_or("a case is missing")?.head;
        let subject = Subject {
            account: *head.assignees.first().ok_or("nobody has the case")?,
            roles: Roles::new([Role::Officer])?,
            department: Some(head.department),
        };
        let (token, _) = self.sessions.start(subject, None)?;
        Ok(self.sessions.resume(&token, origin())?)
    }

    fn listed(&self, session: &Session, cases: &[CaseId]) -> Result<Manifest<Export>, Failure> {
        let listed = |case: &CaseId| Listed {
            case: *case,
            people: std::iter::empty().collect(),
            policies: Arc::from([]),
        };
        let list: Vec<Listed> = cases.iter().map(listed).collect();
        let permit = self.authority.survey::<Export>(session, Purpose::Handling);
        let permit = permit.map_err(|_| "denied")?;
        let beside = Beside {
            query: "bench",
            ..Beside::default()
        };
        let (manifest, _) = self.log.record_list(permit, None, &list, beside)?;
        Ok(manifest)
    }

    /// Decides, decrypts, masks and serialises every case; gives how long it took.
    fn serialise(&self, cases: &[CaseId], form: Form) -> Result<Duration, Failure> {
        let first = cases.first().ok_or("no case")?;
        let session = self.session(*first)?;
        let manifest = self.listed(&session, cases)?;
        let (template, serial) = (Template::CaseFile, "7KQ4M-2XA0D".parse::<Serial>()?);
        let began = Instant::now();
        let mut sheet = Sheet::begin(form, serial, template, std::io::sink())?;
        for case in cases {
            let stored = self.cases.head(*case)?.ok_or("a case is missing")?;
            let facts = stored.head.facts();
            let target = Target::Case(&facts);
            let decided =
                self.authority
                    .decide::<Export>(&session, target, Some(Purpose::Handling));
            let permit = decided.map_err(|_| "denied")?;
            let head = &stored.head;
            let key = self.vault.unlock(&permit, &session, &head.wraps)?;
            let units = head.units.iter().copied();
            let units = units.filter(|unit| record::needs(permit.fields(), unit.kind));
            let rows = self.cases.units(*case, units)?;
            let plain = self
                .vault
                .open(&permit, head.tier, &key, head.key_version, &rows)?;
            let frame = Frame {
                stored,
                assignees: vec!["officer".to_owned()],
                department: "civil".to_owned(),
            };
            let view = plain.decode::<Case>(frame)?.reveal_listed(&manifest)?;
            sheet.put(&template.show(view, Masking::Masked))?;
        }
        sheet.finish()?;
        Ok(began.elapsed())
    }
}

fn form() -> Result<Form, Failure> {
    let code = std::env::var("BONGHAM_BENCH_FORM").unwrap_or_else(|_| "csv".to_owned());
    let forms = [Form::Csv, Form::CsvCp949, Form::Xlsx, Form::Jsonl];
    let form = forms.into_iter().find(|form| form.code() == code);
    Ok(form.ok_or("BONGHAM_BENCH_FORM is csv, csv_cp949, xlsx or jsonl")?)
}

fn main() -> Result<(), Failure> {
    let cases = usize::try_from(number_from_env("BONGHAM_BENCH_CASES", 100_000))?;
    let form = form()?;
    let dir = tempfile::tempdir()?;
    let aside = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", machine()?)?;
    writeln!(out, "{cases} ordinary cases of 2 kB, {}", form.code())?;

    let office = Arc::new(Office::open(
        dir.path(),
        &runtime,
        Arc::new(SystemClock::default()),
    )?);
    let ids = runtime.block_on(office.fill(Classification::Ordinary, cases))?;
    for nth in 1..=number_from_env("BONGHAM_BENCH_BEFORE", 0) {
        let before = export(&office, &runtime, form)?;
        writeln!(
            out,
            "before {nth}    {:>9.1} MiB above the {:.1} MiB of the store at rest",
            before.peak - before.idle,
            before.idle
        )?;
    }
    let exported = export(&office, &runtime, form)?;
    office.service.close()?;
    drop(office);

    let plain = Plain::open(dir.path(), aside.path())?;
    let again = plain.serialise(&ids, form)?;
    plain.engine.close()?;

    let count = cases as f64;
    let rate = |time: Duration| count / time.as_secs_f64();
    let Exported {
        begun,
        whole,
        idle,
        listed,
        peak,
        bytes,
    } = exported;
    writeln!(
        out,
        "export      {:>9.0} cases/s ({:.1} s, of which {:.1} s until the list was durable; {} bytes)",
        rate(whole),
        whole.as_secs_f64(),
        begun.as_secs_f64(),
        bytes
    )?;
    writeln!(
        out,
        "serialise   {:>9.0} cases/s ({:.1} s)",
        rate(again),
        again.as_secs_f64()
    )?;
    writeln!(
        out,
        "ratio       {:>9.2} (at least 0.5)",
        rate(whole) / rate(again)
    )?;
    writeln!(
        out,
        "memory      {:>9.1} MiB above the {idle:.1} MiB of the store at rest (at most 64), {:.1} of \
         them when the list was durable",
        peak - idle,
        listed - idle
    )?;
    Ok(())
}
