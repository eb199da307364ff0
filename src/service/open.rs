//! Making and opening the parts of a store, in order: keyring, journal, log, people, policies.

use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use super::backup::Backups;
use super::budget::Budget;
use super::destroy::Destructions;
use super::error::ServiceError;
use super::exports::Exports;
use super::fault;
use super::gate::Gates;
use super::headroom::Headroom;
use super::index::Rotation;
use super::output_owed::Owed;
use super::output_steps::Steps;
use super::own_time::OwnTime;
use super::prints::Prints;
use super::seal::Settings;
use super::store::{Home, Store};
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
use crate::crypto::table::Table;
use crate::destruction::petition::Petitions;
use crate::destruction::records::Records;
use crate::destruction::rows::Orders;
use crate::disclosure::alert::Alerts;
use crate::disclosure::rows::Outputs;
use crate::domain::random::Random;
use crate::domain::time::Clock;
use crate::engine::Engine;
use crate::engine::embedded::{EmbeddedEngine, Options};
use crate::inspection::pack::Inspections;
use crate::keyring::{Keyring, ServerKey, UnsealSecret};
use crate::people::directory::Directory;
use crate::people::rows::People;
use crate::retained::rows::Items;
use crate::vault::Vault;

/// Where the journal and index lie inside the data directory.
pub(super) fn store_dir(data: &Path) -> std::path::PathBuf {
    data.join("store")
}

/// Where what another law keeps lies: a journal and index of its own.
pub(super) fn retained_dir(data: &Path) -> std::path::PathBuf {
    data.join("retained")
}

/// Segment of the separate store at the most, in bytes: it holds few items.
const RETAINED_SEGMENT_BYTES: u32 = 8 << 20;
/// Memory of its index cache, in bytes.
const RETAINED_CACHE_BYTES: u64 = 4 << 20;

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
    let apart = EmbeddedEngine::create(options_apart(settings, &keyring, &random, &clock))
        .map_err(fault::engine)?;
    let engines = (Arc::new(engine) as _, Arc::new(apart) as _);
    assemble(settings, Arc::new(keyring), engines, random, clock)
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
    if keyring.restoring().is_some() {
        return Err(ServiceError::Restoring);
    }
    let engine = EmbeddedEngine::open(options(settings, &keyring, &random, &clock))
        .map_err(fault::engine)?;
    let apart = open_apart(settings, &keyring, &random, &clock)?;
    let engines = (Arc::new(engine) as _, Arc::new(apart) as _);
    let store = assemble(settings, Arc::new(keyring), engines, random, clock)?;
    store.finish_punctures()?;
    store.watch_clock()?;
    store.hold_back()?;
    store.settle_exports()?;
    store.settle_prints()?;
    store.resume_destructions()?;
    Ok(store)
}

/// Refuses where the separate store is missing.
pub(super) fn apart_exists(settings: &Settings) -> Result<(), ServiceError> {
    if retained_dir(&settings.data).join("journal").is_dir() {
        Ok(())
    } else {
        Err(ServiceError::RetainedMissing)
    }
}

/// The separate store. Where it is missing none is made: an empty one would say that no law keeps
/// anything.
pub(super) fn open_apart(
    settings: &Settings,
    keyring: &Keyring,
    random: &Arc<dyn Random>,
    clock: &Arc<dyn Clock>,
) -> Result<EmbeddedEngine, ServiceError> {
    apart_exists(settings)?;
    EmbeddedEngine::open(options_apart(settings, keyring, random, clock)).map_err(fault::engine)
}

fn options_apart(
    settings: &Settings,
    keyring: &Keyring,
    random: &Arc<dyn Random>,
    clock: &Arc<dyn Clock>,
) -> Options {
    Options {
        dir: retained_dir(&settings.data),
        key: keyring.server_key(ServerKey::RetainedJournal),
        // It has no logs: what is done to it stands in those of the live store.
        floor: [0; 2],
        progress: Box::new(|_, _| {}),
        cache_bytes: RETAINED_CACHE_BYTES.min(settings.index_cache_bytes),
        segment_bytes: RETAINED_SEGMENT_BYTES.min(settings.segment_bytes),
        reserve: false,
        ..options(settings, keyring, random, clock)
    }
}

pub(super) fn options(
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

pub(super) fn assemble(
    settings: &Settings,
    keyring: Arc<Keyring>,
    engines: (Arc<dyn Engine>, Arc<dyn Engine>),
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Store, ServiceError> {
    let authority = match &settings.policies {
        Some(dir) => Authority::load(dir),
        None => Authority::built_in(),
    }
    .map_err(|error| ServiceError::Internal(format!("policies: {error}")))?;
    assemble_under(authority, settings, keyring, engines, random, clock)
}

/// The same, with policies that were read before.
pub(super) fn assemble_under(
    authority: Authority,
    settings: &Settings,
    keyring: Arc<Keyring>,
    (engine, apart): (Arc<dyn Engine>, Arc<dyn Engine>),
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Store, ServiceError> {
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
    let newest = log.newest().map_err(fault::log)?;
    // A leap that nobody confirmed yet is not forgotten by a restart.
    let word = records.clock_word().map_err(fault::records)?.row;
    let known = word.leapt.or(newest).unwrap_or_else(|| clock.now());
    let known = (known, clock.monotonic());
    let directory = Directory::new(
        people.all().map_err(fault::table)?,
        people.all().map_err(fault::table)?,
    );
    let items = Items::new(
        Arc::clone(&apart),
        Locator::new(&keyring.server_key(ServerKey::RetainedLocation)),
        RowKey::new(keyring.server_key(ServerKey::RetainedRow)),
        Arc::clone(&random),
    );
    let table = |label| {
        Table::new(
            Arc::clone(&engine),
            locator(),
            row_key(),
            Arc::clone(&random),
            label,
        )
    };
    let budget = Budget::open(
        settings.budgets.clone(),
        Alerts::new(table("alert")),
        table("allowance"),
        log.usage().now(),
    )
    .map_err(fault::table)?;
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
        items,
        records,
        petitions: Petitions::new(Arc::clone(&keyring), Arc::clone(&random)),
        outputs: Outputs::new(table("output")),
        prints: Prints::new(settings.print.clone()),
        inspections: Inspections::new(table("inspection")),
        inspecting: Mutex::new(()),
        inspections_looked_on: AtomicI64::new(i64::MIN),
        directory,
        owed: Owed::default(),
        steps: Steps::default(),
        exports: Exports::new(&settings.data),
        headroom: Headroom::new(&settings.data, settings.disk),
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
        destructions: Destructions::default(),
        own_time: OwnTime::start(engine.as_ref(), &locator(), &row_key(), clock.as_ref())?,
        people_turn: Mutex::new(()),
        items_turn: Mutex::new(()),
        expiry_turn: Mutex::new(()),
        due_looked_on: AtomicI64::new(i64::MIN),
        locator: locator(),
        row_key: row_key(),
        keyring,
        engine,
        apart,
        random,
        clock,
        backups: Backups::default(),
        home: Home {
            policies: settings.policies.clone(),
            inspection: settings.inspection.clone(),
            unseal_cost: settings.unseal_cost,
            outputs: settings.outputs,
        },
        terms: settings.terms,
        budget,
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
