//! Backups of a store that is being served: which bytes, in which order, and what vouches for them.
//!
//! A backup is the journal up to one durable group, the checkpoints of that moment and the
//! office's policies: ciphertext and public words. The keyring is never part of it, nor is the
//! separate store, nor files of exports, nor the index, which is made anew.
//!
//! While a backup is at work the engine's snapshot keeps scrubs waiting, so that the digests in
//! the list are those of the bytes that were sent; one that nobody goes on with is given up.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::{BackupFile, BackupList, BackupPlan};
use crate::audit::{Receipt, Shown};
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::BackUp;
use crate::authz::facts::Target;
use crate::destruction::copies::BackedUp;
use crate::destruction::ledger::{Entry, Event};
use crate::domain::id::{AccountId, BackupId};
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Log, Pending, Snapshot, pending};
use crate::merkle::manifest::{self, Listed, Manifest};

/// A backup that nobody has asked anything of for this long is given up.
const PATIENCE: Duration = Duration::from_secs(300);
/// Backups at work at once.
const MOST: usize = 2;
/// Longest policy file, in bytes.
const POLICY_BYTES_MAX: u64 = 4 << 20;
const BUFFER: usize = 256 << 10;

/// Which store is copied: the separate one is never part of the other's copies.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BackupSet {
    /// Cases, people, both logs.
    #[default]
    Live,
    /// What other laws keep (분리 보관).
    Retained,
}

impl BackupSet {
    const fn code(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Retained => "retained",
        }
    }
}

/// Where a file's bytes come from.
enum Bytes {
    /// The first so many of a file of the engine.
    Of(PathBuf, u64),
    /// These.
    Held(Vec<u8>),
}

struct Planned {
    name: String,
    bytes: Bytes,
    /// Known once it was sent whole, or read for the list.
    digest: OnceLock<String>,
}

impl Planned {
    fn len(&self) -> u64 {
        match &self.bytes {
            Bytes::Of(_, bytes) => *bytes,
            Bytes::Held(bytes) => bytes.len() as u64,
        }
    }

    fn from(&self, offset: u64) -> std::io::Result<Box<dyn Read + Send + '_>> {
        Ok(match &self.bytes {
            Bytes::Of(path, bytes) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(offset))?;
                Box::new(file.take(bytes.saturating_sub(offset)))
            }
            Bytes::Held(bytes) => {
                let at = usize::try_from(offset).unwrap_or(usize::MAX);
                Box::new(bytes.get(at..).unwrap_or_default())
            }
        })
    }

    /// Its digest, read from the disk where it is not known.
    fn digest(&self) -> Result<&str, ServiceError> {
        if let Some(known) = self.digest.get() {
            return Ok(known);
        }
        let from = self.from(0).map_err(|e| unreadable(&e))?;
        let (read, digest) = manifest::digest(from, |_| ()).map_err(|e| unreadable(&e))?;
        if read != self.len() {
            return Err(ServiceError::Damaged(format!("{} is too short", self.name)));
        }
        Ok(self.digest.get_or_init(|| digest))
    }
}

/// A backup at work.
struct Plan {
    set: BackupSet,
    by: AccountId,
    made: Timestamp,
    /// Checkpoints of access log and ledger.
    checkpoints: [String; 2],
    files: Vec<Planned>,
    /// Holds scrubs back.
    snapshot: Snapshot,
    /// When something was last asked of it, on the monotonic clock.
    touched: Mutex<Duration>,
}

impl Plan {
    fn touch(&self, now: Duration) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
    fn idle(&self, now: Duration) -> Duration {
        let touched = *self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_sub(touched)
    }
}

/// The backups at work.
#[derive(Default)]
pub(super) struct Backups(Mutex<HashMap<BackupId, Arc<Plan>>>);

impl Backups {
    fn of(&self, id: BackupId, by: AccountId, now: Duration) -> Result<Arc<Plan>, ServiceError> {
        let plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = plans.get(&id).filter(|plan| plan.by == by);
        let plan = plan.ok_or(ServiceError::NotFound)?;
        plan.touch(now);
        Ok(Arc::clone(plan))
    }

    /// Gives up what nobody goes on with.
    pub(super) fn tidy(&self, now: Duration) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is being sent has another holder.
        plans.retain(|_, plan| plan.idle(now) < PATIENCE || Arc::strong_count(plan) > 1);
    }
}

fn unreadable(error: &std::io::Error) -> ServiceError {
    ServiceError::Internal(format!(
        "a file to back up cannot be read: {}",
        error.kind()
    ))
}

fn shown(query: &'static str, bytes: u64) -> Shown {
    Shown {
        query: Some(query),
        bytes,
        ..Shown::default()
    }
}

impl Store {
    /// `POST /backups`: what is to be copied. That a copy may exist from now on stands in the
    /// ledger before anybody gets a byte of it, and in the copy itself.
    pub fn begin_backup(&self, session: &Session, set: BackupSet) -> Answer<BackupPlan> {
        let permit = self.permit_office::<BackUp>(session, Target::Office)?;
        self.backups.tidy(self.clock.monotonic());
        let id = BackupId::random(self.random.as_ref()).map_err(fault::random)?;
        let made = self.clock.now();
        let event = Event::BackedUp(BackedUp {
            backup: id.to_string(),
            set: set.code().to_owned(),
            by: session.account().to_string(),
        });
        let mut batch = Batch::default();
        Entry::now(made, event)
            .append(&mut batch)
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        let begun = self.log.record_with(permit, shown("begin", 0), batch);
        let (receipt, _) = begun.wait().map_err(fault::log)?;
        let plan = self.plan_backup(&receipt, session.account(), made, set)?;
        let listed = |file: &Planned| BackupFile {
            name: file.name.clone(),
            bytes: file.len(),
        };
        let answer = BackupPlan {
            id: id.to_string(),
            files: plan.files.iter().map(listed).collect(),
        };
        let mut plans = self
            .backups
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // The same person beginning anew gives up what they began before.
        plans.retain(|_, other| other.by != plan.by || other.set != set);
        if plans.len() >= MOST {
            return Err(ServiceError::Busy);
        }
        plans.insert(id, Arc::new(plan));
        drop(plans);
        Ok(Pending::ready(Ok(answer)))
    }

    fn plan_backup(
        &self,
        _begun: &Receipt<BackUp>,
        by: AccountId,
        made: Timestamp,
        set: BackupSet,
    ) -> Result<Plan, ServiceError> {
        let access = self.log.checkpoint(Log::Access).map_err(fault::log)?;
        let ledger = self.log.checkpoint(Log::Ledger).map_err(fault::log)?;
        // After the checkpoints: the journal holds at least what they sign.
        let (engine, place) = match set {
            BackupSet::Live => (&self.engine, "store"),
            BackupSet::Retained => (&self.apart, "retained"),
        };
        let snapshot = engine.snapshot().map_err(fault::engine)?;
        let of_engine = |file: &crate::engine::SnapshotFile| Planned {
            name: format!("{place}/{}", file.name),
            bytes: Bytes::Of(snapshot.dir().join(&file.name), file.bytes),
            digest: OnceLock::new(),
        };
        let mut files: Vec<Planned> = snapshot.files().iter().map(of_engine).collect();
        let held = |name: String, bytes| Planned {
            name,
            bytes: Bytes::Held(bytes),
            digest: OnceLock::new(),
        };
        let logs = [("access", &access), ("ledger", &ledger)];
        let of_live = set == BackupSet::Live;
        for (name, note) in logs.into_iter().filter(|_| of_live) {
            files.push(held(
                format!("logs/checkpoint.{name}"),
                note.clone().into_bytes(),
            ));
        }
        let policies = if of_live {
            self.own_policies()?
        } else {
            Vec::new()
        };
        for (name, bytes) in policies {
            files.push(held(format!("policies/{name}"), bytes));
        }
        Ok(Plan {
            set,
            by,
            made,
            checkpoints: [access, ledger],
            files,
            snapshot,
            touched: Mutex::new(self.clock.monotonic()),
        })
    }

    /// The office's own policies, if it has any, by file name.
    fn own_policies(&self) -> Result<Vec<(String, Vec<u8>)>, ServiceError> {
        let mut found = Vec::new();
        let Some(dir) = &self.home.policies else {
            return Ok(found);
        };
        for entry in std::fs::read_dir(dir).map_err(|e| unreadable(&e))? {
            let path = entry.map_err(|e| unreadable(&e))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name.filter(|_| path.is_file()) else {
                continue;
            };
            let mut bytes = Vec::new();
            File::open(&path)
                .and_then(|file| file.take(POLICY_BYTES_MAX).read_to_end(&mut bytes))
                .map_err(|e| unreadable(&e))?;
            found.push((name.to_owned(), bytes));
        }
        found.sort();
        Ok(found)
    }

    /// `GET /backups/{id}/files/{n}?offset=`: logs it, then writes the bytes from `offset` on to
    /// `out`, on a thread of its own, at constant memory.
    pub fn backup_file(
        self: &Arc<Self>,
        session: &Session,
        id: Option<BackupId>,
        n: usize,
        offset: u64,
        mut out: Box<dyn Write + Send>,
    ) -> Answer<()> {
        let (permit, plan) = self.backup_at_work(session, id)?;
        let Some(file) = plan.files.get(n).filter(|file| offset <= file.len()) else {
            return self.fail(permit, ServiceError::NotFound);
        };
        let sent = shown("file", file.len() - offset);
        let receipt = self.log.record(permit, sent).wait().map_err(fault::log)?;
        let clock = Arc::clone(&self.clock);
        apart("backup", move || {
            if let Some(file) = plan.files.get(n) {
                send(&receipt, file, offset, &mut *out)?;
            }
            plan.touch(clock.monotonic());
            Ok(())
        })
    }

    /// The backup of this id, if it is this person's; a permitted question about another is an
    /// entry as well.
    fn backup_at_work(
        &self,
        session: &Session,
        id: Option<BackupId>,
    ) -> Result<(Permit<BackUp>, Arc<Plan>), ServiceError> {
        let permit = self.permit_office::<BackUp>(session, Target::Office)?;
        let now = self.clock.monotonic();
        let found = id.ok_or(ServiceError::NotFound);
        match found.and_then(|id| self.backups.of(id, session.account(), now)) {
            Ok(plan) => Ok((permit, plan)),
            Err(error) => match self.fail::<_, ()>(permit, error)?.wait() {
                Err(error) => Err(error),
                Ok(()) => Err(ServiceError::NotFound),
            },
        }
    }

    /// `POST /backups/{id}/manifest`: the list of what was to be copied, with digests, signed. The
    /// entry says how many bytes it vouches for.
    pub fn backup_list(
        self: &Arc<Self>,
        session: &Session,
        id: Option<BackupId>,
    ) -> Answer<BackupList> {
        let (permit, plan) = self.backup_at_work(session, id)?;
        let id = id.ok_or(ServiceError::NotFound)?;
        let store = Arc::clone(self);
        apart("backup", move || {
            let list = store.sign_list(id, &plan)?;
            let all = plan.files.iter().map(Planned::len).sum();
            let done = shown("manifest", all);
            plan.touch(store.clock.monotonic());
            let entered = store.log.record(permit, done).wait();
            entered.map(|_| list).map_err(fault::log)
        })
    }

    fn sign_list(&self, id: BackupId, plan: &Plan) -> Result<BackupList, ServiceError> {
        let listed = |file: &Planned| {
            Ok::<_, ServiceError>(Listed {
                name: file.name.clone(),
                bytes: file.len(),
                sha256: file.digest()?.to_owned(),
            })
        };
        let [access, ledger] = plan.checkpoints.clone();
        let list = Manifest {
            version: manifest::VERSION,
            backup: id.to_string(),
            set: plan.set.code().to_owned(),
            made_at: plan.made.rfc3339(),
            access,
            ledger,
            sizes: plan.snapshot.log_sizes(),
            files: plan.files.iter().map(listed).collect::<Result<_, _>>()?,
        };
        let list = serde_json::to_string_pretty(&list)
            .map_err(|_| ServiceError::Internal("the list of a backup".to_owned()))?;
        let note = self
            .log
            .vouch_for_backup(&id.to_string(), list.as_bytes())
            .map_err(fault::log)?;
        Ok(BackupList {
            manifest: list,
            note,
        })
    }

    /// `DELETE /backups/{id}`: the copy is whole, or given up; scrubs go on.
    pub fn end_backup(&self, session: &Session, id: Option<BackupId>) -> Answer<()> {
        let (permit, plan) = self.backup_at_work(session, id)?;
        let mut plans = self
            .backups
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        plans.retain(|_, other| !Arc::ptr_eq(other, &plan));
        drop(plans);
        self.record_office(permit, "end", ())
    }
}

fn send(
    _entered: &Receipt<BackUp>,
    file: &Planned,
    offset: u64,
    out: &mut dyn Write,
) -> Result<(), ServiceError> {
    let broken = |error: std::io::Error| {
        ServiceError::Internal(format!("a backup was broken off: {}", error.kind()))
    };
    let mut from = file.from(offset).map_err(broken)?;
    let mut context = (offset == 0).then(manifest::Digest::default);
    let mut buffer = vec![0; BUFFER];
    let mut sent = offset;
    loop {
        let count = from.read(&mut buffer).map_err(broken)?;
        let part = buffer.get(..count).unwrap_or_default();
        if part.is_empty() {
            break;
        }
        if let Some(context) = &mut context {
            context.update(part);
        }
        out.write_all(part).map_err(broken)?;
        sent += count as u64;
    }
    if sent != file.len() {
        return Err(ServiceError::Damaged(format!("{} is too short", file.name)));
    }
    out.flush().map_err(broken)?;
    if let Some(context) = context {
        file.digest.get_or_init(|| context.finish());
    }
    Ok(())
}

/// Does something long on a thread of its own, so that no thread of the pool waits for disks.
fn apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Answer<T> {
    let lost: fn() -> Result<T, ServiceError> =
        || Err(ServiceError::Internal("a backup stopped half-way".into()));
    let (completer, done) = pending(lost);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || completer.complete(work()))
        .map_err(|error| ServiceError::Internal(format!("no thread: {}", error.kind())))?;
    Ok(done)
}
