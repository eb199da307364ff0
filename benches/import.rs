//! An old register comes in by the command that an office uses; then its store is closed, opened
//! again, and its index made anew.
//!
//! ```text
//! BONGHAM_SHARED=… cargo bench --bench import
//! ```
//! With `BONGHAM_SHARED` the real file below it, `data/chicago_complaints_2000-2020.csv.gz`; else
//! made-up rows of its shape, and as many. `BONGHAM_BENCH_ROWS` takes fewer of those,
//! `BONGHAM_BENCH_DIR` says where to build the store. The memory is that of the process that
//! decodes, checks, seals and stores; log-in and unseal are as cheap as in tests, so that what is
//! timed is the store.

#[path = "support/machine.rs"]
mod machine;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::authn::password::PasswordCost;
use bongham::authn::session::{Origin, SessionLimits};
use bongham::destruction::term::Terms;
use bongham::domain::random::SystemSource;
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::SecretText;
use bongham::domain::time::SystemClock;
use bongham::keyring::{UnsealCost, UnsealSecret};
use bongham::service::{Founder, Service, ServiceError, Settings};
use serde_json::Value;
use tokio::runtime::Runtime;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PASSPHRASE: &str = "correct horse battery staple";
const PASSWORD: &str = "quiet-harbour-71";
/// Rows of the real file.
const ROWS: u64 = 215_781;
const REAL: &str = "data/chicago_complaints_2000-2020.csv.gz";
const MAP: &str = include_str!("../src/cli/import/maps/chicago.toml");
const HEAD: &str = "cr_id,address,street_number,street_direction,street_name,current_status,\
    apartment_number,city,state,zip,beat,location_code,incident_date,complaint_date,closed_date,\
    investigating_agency,complainant_type";

fn settings(dir: &Path) -> Settings {
    Settings {
        data: dir.join("data"),
        keyring: dir.join("keyring"),
        policies: None,
        password_cost: PasswordCost {
            memory_kib: 64,
            passes: 1,
        },
        unseal_cost: UnsealCost::minimal_for_tests(),
        sessions: SessionLimits {
            idle: Duration::from_secs(3600),
            absolute: Duration::from_secs(8 * 3600),
            per_account: 3,
        },
        threads: 2,
        queue: 1024,
        index_cache_bytes: 128 << 20,
        segment_bytes: 64 << 20,
        terms: Terms::default(),
        print: Default::default(),
        budgets: bongham::config::budgets::Budgets::unbounded(),
        outputs: bongham::config::outputs::Outputs::default(),
        inspection: Default::default(),
        disk: bongham::config::disk::Disk::UNWATCHED,
        forward: None,
        progress: None,
    }
}

fn here() -> Origin {
    Origin {
        address: None,
        device: "bench".to_owned(),
    }
}

fn unlock() -> UnsealSecret {
    UnsealSecret {
        passphrase: SecretText::new(PASSPHRASE.to_owned()),
        key_file: None,
    }
}

fn service(dir: &Path) -> Result<Service, ServiceError> {
    let (random, clock) = (SystemSource::default(), SystemClock::default());
    Service::new(settings(dir), Arc::new(random), Arc::new(clock))
}

/// A store with a department and somebody at intake.
fn office(dir: &Path, runtime: &Runtime) -> Result<(), Failure> {
    let founder = |account: &str, role| {
        Ok::<_, Failure>(Founder {
            account: account.to_owned(),
            roles: Roles::new([role])?,
        })
    };
    let founders = [
        founder("admin", Role::Admin)?,
        founder("intake", Role::Intake)?,
    ];
    let (random, clock) = (SystemSource::default(), SystemClock::default());
    let (random, clock) = (Arc::new(random), Arc::new(clock));
    let (invited, _) = Service::init(&settings(dir), &unlock(), &founders, random, clock)?;
    let service = service(dir)?;
    service.unseal_now(&unlock(), here())?;
    let password = || SecretText::new(PASSWORD.to_owned());
    runtime.block_on(async {
        for invitation in invited {
            let code = SecretText::new(invitation.enrolment_code);
            let account = invitation.account;
            service
                .call_apart(move |store| store.enrol(account, code, password(), here()))
                .await?;
        }
        let admin = service
            .call_apart(move |store| store.log_in("admin".to_owned(), password(), None, here()))
            .await?;
        let admin = service.session(&admin.token, here())?;
        let (code, name) = ("inspection".to_owned(), "감사과".to_owned());
        service
            .call(move |store| store.add_department(&admin, code, name))
            .await
    })?;
    service.close()?;
    Ok(())
}

/// The real file, or one of its shape.
fn source(dir: &Path) -> Result<(PathBuf, String), Failure> {
    if let Some(shared) = std::env::var_os("BONGHAM_SHARED") {
        return Ok((Path::new(&shared).join(REAL), "the real file".to_owned()));
    }
    let rows = std::env::var("BONGHAM_BENCH_ROWS").ok();
    let rows: u64 = rows.and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let path = dir.join("rows.csv");
    let mut file = BufWriter::new(File::create(&path)?);
    writeln!(file, "{HEAD}")?;
    for n in 0..rows {
        let (number, beat) = (n % 9000 + 1, n % 2500 + 100);
        let (month, day) = (n % 12 + 1, n % 28 + 1);
        writeln!(
            file,
            "{n},{number} W MADE UP AVE CHICAGO IL,{number},W,MADE UP AVE,CLOSED,,CHICAGO,IL,60601,\
             {beat},STREET,2010-{month:02}-{day:02},2010-{month:02}-{day:02},2011-{month:02}-{day:02},\
             BIA,CIVILIAN"
        )?;
    }
    file.flush()?;
    Ok((path, "made-up rows".to_owned()))
}

/// The peak of a process's memory, as the kernel tells it; nothing once it has ended.
fn peak(child: &Child) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(
        line.split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" "),
    )
}

/// Runs the command and gives its answer, how long it took and its peak of memory.
fn import(dir: &Path, file: &Path) -> Result<(Value, Duration, String), Failure> {
    let note = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).map(|()| path)
    };
    let answer = dir.join("answer.json");
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bongham"))
        .args(["import", "--json", "--account", "intake"])
        .arg(file)
        .arg("--map")
        .arg(note("map.toml", MAP)?)
        .arg("--data")
        .arg(dir.join("data"))
        .arg("--keyring")
        .arg(dir.join("keyring"))
        .arg("--passphrase-file")
        .arg(note("passphrase", PASSPHRASE)?)
        .arg("--password-file")
        .arg(note("password", PASSWORD)?)
        .stdin(Stdio::null())
        .stdout(File::create(&answer)?)
        .spawn()?;
    let mut most = String::new();
    let status = loop {
        most = peak(&child).unwrap_or(most);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let took = started.elapsed();
    if !status.success() {
        return Err("the import failed".into());
    }
    Ok((
        serde_json::from_str(&fs::read_to_string(answer)?)?,
        took,
        most,
    ))
}

/// How long the store takes to open.
fn open(dir: &Path) -> Result<(Service, Duration), Failure> {
    let service = service(dir)?;
    let started = Instant::now();
    service.unseal_now(&unlock(), here())?;
    Ok((service, started.elapsed()))
}

fn main() -> Result<(), Failure> {
    let root = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    let dir = root.path();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", machine::machine()?)?;
    let runtime = Runtime::new()?;
    office(dir, &runtime)?;
    let (file, what) = source(dir)?;
    let (answer, took, most) = import(dir, &file)?;
    let rows = answer.get("accepted").and_then(Value::as_f64);
    let rows = rows.ok_or("the answer names no rows")?;
    let refused = answer.get("rejected").and_then(Value::as_u64).unwrap_or(0);
    writeln!(
        out,
        "imported {rows} rows of {what} ({refused} rejected) in {took:.1?}: {:.0}/s; VmHWM {most}; \
         load {}",
        rows / took.as_secs_f64(),
        machine::load()?
    )?;
    let (first, took) = open(dir)?;
    writeln!(out, "opened after a clean stop in {took:.2?}")?;
    let started = Instant::now();
    first.close()?;
    drop(first);
    writeln!(out, "closed in {:.2?}", started.elapsed())?;
    for marker in ["position", "clean"] {
        fs::remove_file(dir.join("data/store").join(marker)).ok();
    }
    let (anew, took) = open(dir)?;
    writeln!(
        out,
        "opened with the index made anew in {took:.2?}; load {}",
        machine::load()?
    )?;
    anew.close()?;
    Ok(())
}
