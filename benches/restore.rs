//! How long a store of Seoul's size takes to come back from a backup: verified, laid out, index made
//! anew, every case looked at, entered in both logs.
//!
//! ```text
//! BONGHAM_BENCH_CASES=215781 cargo bench --bench restore
//! ```
//! `BONGHAM_BENCH_DIR` says where to build the store.

#[path = "support/machine.rs"]
mod machine;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::authn::password::PasswordCost;
use bongham::authn::session::{Origin, SessionLimits, Token};
use bongham::cases::draft::{CaseDraft, Channel, Classification, Part, PersonDraft};
use bongham::domain::random::SystemSource;
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::SecretText;
use bongham::domain::time::SystemClock;
use bongham::keyring::{UnsealCost, UnsealSecret};
use bongham::service::{BackupSet, Chunk, Founder, ImportRow, Service, Settings, Verdict, restore};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const WORDS: &str = "quiet-harbour-71-for-everybody";
const CHUNK: u64 = 500;

fn settings(dir: &Path, data: &str) -> Settings {
    Settings {
        data: dir.join(data),
        keyring: dir.join("keyring"),
        policies: None,
        password_cost: PasswordCost {
            memory_kib: 64,
            passes: 1,
        },
        unseal_cost: UnsealCost::DEFAULT,
        sessions: SessionLimits {
            idle: Duration::from_secs(3600),
            absolute: Duration::from_secs(8 * 3600),
            per_account: 3,
        },
        threads: 2,
        queue: 1024,
        index_cache_bytes: 128 << 20,
        segment_bytes: 64 << 20,
        terms: bongham::destruction::term::Terms::default(),
        budgets: bongham::config::budgets::Budgets::unbounded(),
        outputs: bongham::config::outputs::Outputs::default(),
        print: bongham::config::print::Print::default(),
        inspection: Default::default(),
        disk: bongham::config::disk::Disk::UNWATCHED,
        forward: None,
        progress: None,
    }
}

fn secret() -> UnsealSecret {
    UnsealSecret {
        passphrase: SecretText::new("correct horse battery staple".to_owned()),
        key_file: None,
    }
}

fn here() -> Origin {
    Origin {
        address: None,
        device: "bench".to_owned(),
    }
}

fn draft() -> CaseDraft {
    CaseDraft {
        tier: Classification::Ordinary,
        department: "civil".to_owned(),
        channel: Channel::Online,
        class: "도로".to_owned(),
        title: "보도블록 파손 신고".to_owned(),
        narrative: "역 앞 보도블록이 깨져 있어 넘어질 뻔했습니다. ".repeat(28),
        people: vec![PersonDraft {
            part: Part::Petitioner,
            name: "홍길동".to_owned(),
            telephone: Some("010-0000-1234".to_owned()),
            email: None,
            address: None,
            note: None,
        }],
        assignees: Vec::new(),
        external_number: None,
        received_at: None,
        attributes: std::collections::BTreeMap::new(),
    }
}

const YES: Verdict = Verdict {
    approve: true,
    hash: None,
};

async fn enter(service: &Service, login: &str, code: &str) -> Result<Token, Failure> {
    let (name, code) = (login.to_owned(), SecretText::new(code.to_owned()));
    let words = || SecretText::new(WORDS.to_owned());
    service
        .call_apart(move |store| store.enrol(name, code, words(), here()))
        .await?;
    log_in(service, login).await
}

async fn log_in(service: &Service, login: &str) -> Result<Token, Failure> {
    let (name, words) = (login.to_owned(), SecretText::new(WORDS.to_owned()));
    let session = service.call_apart(move |store| store.log_in(name, words, None, here()));
    Ok(session.await?.token)
}

async fn fill(service: &Service, [admin, privacy]: [&Token; 2], cases: u64) -> Result<(), Failure> {
    let session = service.session(admin, here())?;
    let roles = vec![Role::Intake];
    let invited = service
        .call(move |store| {
            let made =
                store.add_department(&session, "civil".to_owned(), "민원봉사과".to_owned())?;
            made.wait()?;
            store.add_account(
                &session,
                "intake".to_owned(),
                roles,
                Some("civil".to_owned()),
            )
        })
        .await?;
    enter(service, "intake", &invited.enrolment_code).await?;
    for approval in invited.approvals {
        let session = service.session(privacy, here())?;
        let approval = approval.parse().map_err(|_| "not an approval's id")?;
        service
            .call(move |store| store.decide_approval(&session, approval, YES))
            .await?;
    }
    let intake = log_in(service, "intake").await?;
    let session = service.session(&intake, here())?;
    let state = service
        .call(move |store| store.open_import(&session, [7; 32], 0))
        .await?;
    let job = state.id.parse().map_err(|_| "no id of an import")?;
    for from in (0..cases).step_by(CHUNK as usize) {
        let session = service.session(&intake, here())?;
        let to = cases.min(from + CHUNK);
        let row = |line| ImportRow {
            line,
            case: draft(),
        };
        let rows = (from..to).map(row).collect();
        service
            .call(move |store| {
                let chunk = Chunk {
                    from_row: from,
                    rows,
                    last: to == cases,
                    dry_run: false,
                };
                store.import_rows(&session, job, chunk)
            })
            .await?;
    }
    Ok(())
}

async fn back_up(service: &Service, admin: &Token, dir: &Path) -> Result<u64, Failure> {
    let session = service.session(admin, here())?;
    let plan = service
        .call(move |store| store.begin_backup(&session, BackupSet::Live))
        .await?;
    let id = plan.id.parse().ok();
    for (n, file) in plan.files.iter().enumerate() {
        let path = dir.join(&file.name);
        std::fs::create_dir_all(path.parent().ok_or("a file without a directory")?)?;
        let out = Box::new(File::create(path)?);
        let session = service.session(admin, here())?;
        service
            .call(move |store| store.backup_file(&session, id, n, 0, out))
            .await?;
    }
    let session = service.session(admin, here())?;
    let list = service
        .call(move |store| store.backup_list(&session, id))
        .await?;
    std::fs::write(dir.join("manifest.json"), list.manifest)?;
    std::fs::write(dir.join("manifest.note"), list.note)?;
    Ok(plan.files.iter().map(|file| file.bytes).sum())
}

fn main() -> Result<(), Failure> {
    let cases = std::env::var("BONGHAM_BENCH_CASES").ok();
    let cases: u64 = cases.and_then(|n| n.parse().ok()).unwrap_or(215_781);
    let root = tempfile::tempdir_in(std::env::var("BONGHAM_BENCH_DIR").unwrap_or(".".into()))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", machine::machine()?)?;
    let (random, clock) = (
        Arc::new(SystemSource::default()),
        Arc::new(SystemClock::default()),
    );
    let founder = |account: &str, role| {
        let roles = Roles::new([role])?;
        Ok::<_, Failure>(Founder {
            account: account.to_owned(),
            roles,
        })
    };
    let founders = [
        founder("admin", Role::Admin)?,
        founder("privacy", Role::PrivacyOfficer)?,
    ];
    let here_settings = settings(root.path(), "data");
    let (invited, key) = Service::init(
        &here_settings,
        &secret(),
        &founders,
        random.clone(),
        clock.clone(),
    )?;
    let [admin, privacy] = &*invited else {
        return Err("two are invited".into());
    };
    let service = Service::new(here_settings, random.clone(), clock.clone())?;
    service.unseal_now(&secret(), here())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let backup = root.path().join("backup");
    let admin = runtime.block_on(enter(&service, "admin", &admin.enrolment_code))?;
    let privacy = runtime.block_on(enter(&service, "privacy", &privacy.enrolment_code))?;
    let started = Instant::now();
    runtime.block_on(fill(&service, [&admin, &privacy], cases))?;
    writeln!(out, "{cases} cases in {:.1?}", started.elapsed())?;
    let started = Instant::now();
    let bytes = runtime.block_on(back_up(&service, &admin, &backup))?;
    let rate = bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
    let took = started.elapsed();
    writeln!(
        out,
        "backed up {bytes} bytes in {took:.1?} ({rate:.0} MB/s)"
    )?;
    service.close()?;
    drop(service);
    let request = restore::Request {
        backup: Some(backup),
        retained: Some(root.path().join("data/retained")),
        key,
        ..restore::Request::default()
    };
    let started = Instant::now();
    let target = settings(root.path(), "new");
    let report = restore::restore(&target, &secret(), &request, random, clock)?;
    writeln!(
        out,
        "restored in {:.1?} (to be below 60 s)",
        started.elapsed()
    )?;
    for line in report.lines {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}
