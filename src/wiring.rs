//! What the command door is given: stores and servers, made of the service and the JSON door.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use bongham::authn::pace::PaceLimit;
use bongham::authn::password::PasswordCost;
use bongham::authn::session::{Origin, SessionLimits};
use bongham::authz::Source;
use bongham::authz::cedar::PolicyError;
use bongham::authz::check::check;
use bongham::cli::failure::{Exit, Failure};
use bongham::cli::host::{
    ArchivePair, Findings, Host, InitDone, InitRequest, Opened, Place, RestoreDone, RestoreRequest,
    Running, ScanRequest, ServeRequest, Task, Unlock, UnpackRequest,
};
use bongham::config::ending::Ending;
use bongham::config::{Config, Overrides};
use bongham::destruction::term::Terms;
use bongham::domain::random::{Random, SystemSource};
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::{SecretBytes, SecretText};
use bongham::domain::time::{Clock, SystemClock};
use bongham::http::{Server, Tls, serve_stream};
use bongham::keyring::{UnsealCost, UnsealSecret};
use bongham::retained::handover;
use bongham::service::{Founder, Service, ServiceError, Settings, forensic, repair, restore};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Every function of the host.
pub(crate) fn host() -> Host {
    Host {
        init: |request| Box::pin(blocking(move || init(request))),
        serve: |request| Box::pin(serve(request)),
        open: |place| Box::pin(open(place)),
        restore: |place, unlock, request| {
            Box::pin(blocking(move || restore(&place, unlock, request)))
        },
        unpack_keyring: |place, request| Box::pin(blocking(move || unpack(&place, &request))),
        policy_check: |dir| Box::pin(blocking(move || policy_check(dir))),
        rebuild_index: |place, unlock| {
            Box::pin(blocking(move || {
                repair(place, unlock, repair::rebuild_index)
            }))
        },
        fsck: |place, unlock| Box::pin(blocking(move || repair(place, unlock, repair::fsck))),
        forensic_scan: |place, unlock, request| {
            Box::pin(blocking(move || forensic_scan(&place, unlock, request)))
        },
        archive_key: || Box::pin(blocking(archive_key)),
        unseal: |file, key| Box::pin(blocking(move || unseal(&file, &key))),
    }
}

/// The name of the control socket in the data directory.
const CONTROL_SOCKET: &str = "control.sock";

fn chance() -> Arc<dyn Random> {
    Arc::new(SystemSource::default())
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::failed("the work was broken off")),
    }
}

fn settings(place: &Place, config: Option<&Config>) -> Settings {
    let sessions = config.map(|c| c.sessions).unwrap_or_default();
    let threads = available_parallelism().map_or(2, usize::from);
    Settings {
        data: place.data.clone(),
        keyring: place.keyring.clone(),
        policies: Some(place.data.join("policies")).filter(|dir| dir.exists()),
        password_cost: PasswordCost::default(),
        unseal_cost: UnsealCost::DEFAULT,
        sessions: SessionLimits {
            idle: sessions.idle(),
            absolute: sessions.absolute(),
            per_account: 3,
        },
        threads,
        queue: 4096,
        index_cache_bytes: 128 << 20,
        segment_bytes: 64 << 20,
        terms: terms(config.map(|c| c.ending).unwrap_or_default()),
        budgets: config.map(|c| c.budgets.clone()).unwrap_or_default(),
        outputs: config.map(|c| c.outputs).unwrap_or_default(),
        disk: config.map(|c| c.disk).unwrap_or_default(),
        print: config.map(|c| c.print.clone()).unwrap_or_default(),
        inspection: config.map(|c| c.inspection.clone()).unwrap_or_default(),
        forward: config.and_then(|c| c.forward.clone()),
        progress: Some(Arc::new(|done, all| {
            if done % 100_000 == 0 || done == all {
                tracing::info!(done, all, "making the index anew from the journal");
            }
        })),
    }
}

/// What an office has set, for a command that opens its store without a server. Forwarding is a
/// server's alone: it goes on where it stood when one starts.
fn office(place: &Place) -> Result<Settings, Failure> {
    let config = place
        .config
        .as_deref()
        .map(|file| Config::load(Some(file), Overrides::default()))
        .transpose()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let settings = settings(place, config.as_ref());
    Ok(Settings {
        forward: None,
        ..settings
    })
}

fn terms(ending: Ending) -> Terms {
    let days = |days: u64| Duration::from_secs(days.saturating_mul(24 * 60 * 60));
    Terms {
        cancel_window: days(ending.cancel_days),
        quiet: days(ending.quiet_days),
        daily_floor: ending.daily_units,
        daily_percent: ending.daily_percent,
        petition_kept: days(ending.petition_days),
        ..Terms::default()
    }
}

/// A service's failure as a command tells it.
fn failure(error: ServiceError) -> Failure {
    let exit = match &error {
        ServiceError::WrongPassphrase | ServiceError::Sealed => Exit::Sealed,
        ServiceError::Damaged(_) | ServiceError::Newer(_) => Exit::Damaged,
        _ => Exit::Failed,
    };
    Failure::new(exit, error.to_string())
}

fn unseal_secret(unlock: Unlock) -> UnsealSecret {
    UnsealSecret {
        passphrase: unlock.passphrase,
        key_file: unlock.key_file,
    }
}

fn init(request: InitRequest) -> Result<InitDone, Failure> {
    let founder = |account: String, role| {
        let roles = Roles::new([role]).map_err(|e| Failure::failed(e.to_string()))?;
        Ok::<_, Failure>(Founder { account, roles })
    };
    let founders = [
        founder(request.admin, Role::Admin)?,
        founder(request.privacy_officer, Role::PrivacyOfficer)?,
    ];
    let settings = office(&request.place)?;
    let secret = unseal_secret(request.unlock);
    let (invitations, key) =
        Service::init(&settings, &secret, &founders, chance(), clock()).map_err(failure)?;
    let mut codes = invitations
        .into_iter()
        .map(|i| SecretText::new(i.enrolment_code));
    match (codes.next(), codes.next()) {
        (Some(admin_code), Some(privacy_code)) => Ok(InitDone {
            admin_code,
            privacy_code,
            log_key: key.clone(),
            ledger_key: key,
        }),
        _ => Err(Failure::failed("the first people could not be invited")),
    }
}

fn service(settings: Settings) -> Result<Arc<Service>, Failure> {
    if !settings.data.join("store").exists() {
        return Err(failure(ServiceError::Uninitialised));
    }
    Service::new(settings, chance(), clock())
        .map(Arc::new)
        .map_err(failure)
}

async fn serve(request: ServeRequest) -> Result<Running, Failure> {
    let ServeRequest {
        place,
        config,
        unlock,
    } = request;
    let tls = config
        .listen
        .tls()
        .map(|tls| Tls::load(&tls.cert, &tls.key))
        .transpose()
        .map_err(|e| Failure::failed(e.to_string()))?;
    let service = service(settings(&place, Some(&config)))?;
    service.limit_pace(PaceLimit {
        per_second: config.limits.actor_requests_per_second,
        burst: config.limits.actor_burst,
    });
    if let Some(unlock) = unlock {
        let opening = Arc::clone(&service);
        blocking(move || {
            opening
                .unseal_now(&unseal_secret(unlock), console())
                .map_err(failure)
        })
        .await?;
    }
    let listening = |e: bongham::http::ServeError| Failure::failed(e.to_string());
    let mut server = Server::new(Arc::clone(&service), config.limits);
    server
        .listen_control(&place.data.join(CONTROL_SOCKET))
        .map_err(listening)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let bound = server
        .listen(config.listen.address(), tls)
        .await
        .map_err(listening)?;
    let (mut interrupt, mut terminate) = (
        listen_for(SignalKind::interrupt())?,
        listen_for(SignalKind::terminate())?,
    );
    let drain = config.limits.drain();
    let finished = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: no new requests; those at work are finished");
        server.stop(drain).await;
        blocking(move || service.close().map_err(failure)).await
    };
    Ok(Running {
        url: format!("{scheme}://{bound}"),
        finished: Box::pin(finished),
    })
}

fn listen_for(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|e| Failure::failed(format!("signals cannot be heard: {}", e.kind())))
}

fn console() -> Origin {
    Origin {
        address: None,
        device: "console".to_owned(),
    }
}

async fn open(place: Place) -> Result<Opened, Failure> {
    let service = service(office(&place)?)?;
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let conversation = tokio::spawn(serve_stream(Arc::clone(&service), theirs));
    let closed: Task<()> = Box::pin(async move {
        // The conversation ends when the client's end closes; how it ended changes nothing here.
        drop(conversation.await);
        blocking(move || service.close().map_err(failure)).await
    });
    Ok(Opened {
        stream: ours,
        closed,
    })
}

fn policy_check(dir: Option<PathBuf>) -> Result<Findings, Failure> {
    let source = dir.map_or(Source::BuiltIn, Source::Directory);
    let report = check(&source).map_err(|e: PolicyError| Failure::failed(e.to_string()))?;
    Ok(Findings {
        lines: vec![format!("{} tests passed", report.passed)],
        violations: report.failed.iter().map(ToString::to_string).collect(),
    })
}

fn restore(place: &Place, unlock: Unlock, request: RestoreRequest) -> Result<RestoreDone, Failure> {
    let request = restore::Request {
        backup: request.backup,
        retained: request.retained,
        capsule: request.capsule.and_then(|serial| serial.parse().ok()),
        key: request.key,
        checkpoints: request.checkpoints,
        ledger: request.ledger,
        log: request.log,
        ledger_lost: request.ledger_lost,
    };
    let secret = unseal_secret(unlock);
    let report =
        restore::restore(&office(place)?, &secret, &request, chance(), clock()).map_err(failure)?;
    let codes = report.invitations.into_iter();
    Ok(RestoreDone {
        lines: report.lines,
        codes: codes
            .map(|i| (i.account, SecretText::new(i.enrolment_code)))
            .collect(),
    })
}

fn unpack(place: &Place, request: &UnpackRequest) -> Result<String, Failure> {
    restore::unpack_keyring(&place.keyring, &request.capsule, &request.passphrase)
        .map(|serial| serial.to_string())
        .map_err(failure)
}

fn archive_key() -> Result<ArchivePair, Failure> {
    let made = handover::new_key_pair(chance().as_ref());
    let (private, public) = made.map_err(|e| Failure::failed(e.to_string()))?;
    let key = handover::public_key(&public);
    let key = key.ok_or_else(|| Failure::failed("the key pair that was made is none"))?;
    Ok(ArchivePair {
        private,
        public,
        fingerprint: handover::fingerprint(&key),
    })
}

fn unseal(file: &[u8], key: &SecretBytes) -> Result<Vec<SecretBytes>, Failure> {
    let received = handover::read(file, key).map_err(|e| Failure::failed(e.to_string()))?;
    let line = |item| {
        let written = serde_json::to_vec(item).map(|mut line| {
            line.push(b'\n');
            SecretBytes::new(line)
        });
        written.map_err(|_| Failure::failed("an item is not writable as JSON"))
    };
    received.iter().map(line).collect()
}

type Work = fn(
    &Settings,
    &UnsealSecret,
    Arc<dyn Random>,
    Arc<dyn Clock>,
) -> Result<repair::Findings, ServiceError>;

fn repair(place: Place, unlock: Unlock, work: Work) -> Result<Findings, Failure> {
    let found =
        work(&office(&place)?, &unseal_secret(unlock), chance(), clock()).map_err(failure)?;
    Ok(Findings {
        lines: found.lines,
        violations: found.violations,
    })
}

fn forensic_scan(place: &Place, unlock: Unlock, request: ScanRequest) -> Result<Findings, Failure> {
    let needle = |(line, form, bytes)| forensic::Needle { line, form, bytes };
    let request = forensic::Request {
        places: request.places,
        needles: request.needles.into_iter().map(needle).collect(),
        progress: request.progress,
    };
    let secret = unseal_secret(unlock);
    let found = forensic::scan(&office(place)?, &secret, &request, chance(), clock());
    let found = found.map_err(failure)?;
    Ok(Findings {
        lines: found.lines,
        violations: found.violations,
    })
}
