//! Making and opening the parts of a store, in order: keyring, journal, log, people, policies.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::error::ServiceError;
use super::fault;
use super::gate::Gates;
use super::index::Rotation;
use super::seal::Settings;
use super::steady::Steady;
use super::store::Store;
use crate::audit::AccessLog;
use crate::authn::device::Devices;
use crate::authn::password::Hasher;
use crate::authn::session::Sessions;
use crate::authn::throttle::Throttle;
use crate::authz::Authority;
use crate::cases::postings::Postings;
use crate::cases::rows::Cases;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::RowKey;
use crate::destruction::records::Records;
use crate::destruction::rows::Orders;
use crate::domain::random::Random;
use crate::domain::time::Clock;
use crate::engine::Engine;
use crate::engine::embedded::{EmbeddedEngine, Options};
use crate::keyring::{Keyring, ServerKey, UnsealSecret};
use crate::people::directory::Directory;
use crate::people::rows::People;
use crate::vault::Vault;

/// Where the journal and index lie inside the data directory.
pub(super) fn store_dir(data: &Path) -> std::path::PathBuf {
    data.join("store")
}

/// Whether there is a store here, by its directories alone.
pub(super) fn exists(settings: &Settings) -> bool {
    store_dir(&settings.data).exists()
}

/// Makes a store where there is none.
pub(super) fn create(
    settings: &Settings,
    secret: &UnsealSecret,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Store, ServiceError> {
    if exists(settings) {
        return Err(ServiceError::Exists);
    }
    private_dir(&settings.data)?;
    let keyring = Keyring::init(
        &settings.keyring,
        secret,
        settings.unseal_cost,
        Arc::clone(&random),
        Arc::clone(&clock),
    )
    .map_err(fault::keyring)?;
    let engine = EmbeddedEngine::create(options(settings, &keyring, &random, &clock))
        .map_err(fault::engine)?;
    assemble(settings, Arc::new(keyring), Arc::new(engine), random, clock)
}

/// Opens a store that exists.
pub(super) fn open(
    settings: &Settings,
    secret: &UnsealSecret,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Store, ServiceError> {
    if !exists(settings) {
        return Err(ServiceError::Uninitialised);
    }
    let keyring = Keyring::open(
        &settings.keyring,
        secret,
        Arc::clone(&random),
        Arc::clone(&clock),
    )
    .map_err(fault::keyring)?;
    let engine = EmbeddedEngine::open(options(settings, &keyring, &random, &clock))
        .map_err(fault::engine)?;
    let store = assemble(settings, Arc::new(keyring), Arc::new(engine), random, clock)?;
    store.finish_punctures()?;
    store.finish_destructions()?;
    Ok(store)
}

fn options(
    settings: &Settings,
    keyring: &Keyring,
    random: &Arc<dyn Random>,
    clock: &Arc<dyn Clock>,
) -> Options {
    let floor = keyring.floor();
    Options {
        dir: store_dir(&settings.data),
        key: keyring.server_key(ServerKey::Journal),
        clock: Arc::clone(clock),
        random: Arc::clone(random),
        floor: [floor.access_size, floor.ledger_size],
        progress: progress(settings),
        cache_bytes: settings.index_cache_bytes,
        segment_bytes: settings.segment_bytes,
        reserve: true,
    }
}

fn progress(settings: &Settings) -> Box<dyn Fn(u64, u64) + Send + Sync> {
    let told = settings.progress.clone();
    Box::new(move |done, all| {
        if let Some(tell) = &told {
            tell(done, all);
        }
    })
}

fn assemble(
    settings: &Settings,
    keyring: Arc<Keyring>,
    engine: Arc<dyn Engine>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Store, ServiceError> {
    let authority = match &settings.policies {
        Some(dir) => Authority::load(dir),
        None => Authority::built_in(),
    }
    .map_err(|error| ServiceError::Internal(format!("policies: {error}")))?;
    let logs = settings.data.join("logs");
    private_dir(&logs)?;
    let log = AccessLog::open(
        Arc::clone(&engine),
        Arc::clone(&keyring),
        &logs,
        Arc::clone(&random),
        Arc::clone(&clock),
    )
    .map_err(fault::log)?;
    let locator = || Locator::new(&keyring.server_key(ServerKey::Location));
    let row_key = || RowKey::new(keyring.server_key(ServerKey::Row));
    let people = People::new(
        Arc::clone(&engine),
        locator(),
        row_key(),
        Arc::clone(&random),
    );
    let records = Records::new(
        Arc::clone(&engine),
        locator(),
        row_key(),
        Arc::clone(&random),
    );
    let known = log.newest().map_err(fault::log)?;
    let known = (known.unwrap_or_else(|| clock.now()), clock.monotonic());
    let directory = Directory::new(
        people.all().map_err(fault::people)?,
        people.all().map_err(fault::people)?,
    );
    let pepper = || keyring.server_key(ServerKey::Pepper);
    let sessions = Sessions::new(settings.sessions, Arc::clone(&random), Arc::clone(&clock))
        .map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(Store {
        vault: Vault::new(Arc::clone(&keyring), Arc::clone(&random)),
        cases: Cases::new(
            Arc::clone(&engine),
            locator(),
            row_key(),
            Arc::clone(&random),
        )
        .map_err(fault::cases)?,
        postings: Postings::new(
            Arc::clone(&engine),
            Arc::clone(&keyring),
            locator(),
            row_key(),
            Arc::clone(&random),
        ),
        rotation: Mutex::new(Rotation::default()),
        people,
        records,
        directory,
        authority,
        log,
        sessions,
        hasher: Hasher::new(
            settings.password_cost,
            settings.threads.max(1),
            32,
            pepper(),
        ),
        throttle: Throttle::new(Arc::clone(&clock)),
        devices: Devices::new(&pepper()),
        gates: Gates::default(),
        orders: Orders::new(
            Arc::clone(&engine),
            locator(),
            row_key(),
            Arc::clone(&random),
        ),
        steady: Steady::open(engine.as_ref(), &locator(), &row_key(), Arc::clone(&clock))?,
        destroying: Mutex::new(()),
        people_turn: Mutex::new(()),
        locator: locator(),
        row_key: row_key(),
        keyring,
        engine,
        random,
        clock,
        terms: settings.terms,
        known: Mutex::new(known),
    })
}

fn private_dir(dir: &Path) -> Result<(), ServiceError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => ServiceError::DiskFull,
            kind => ServiceError::Internal(format!("the data directory cannot be made: {kind}")),
        })
}
