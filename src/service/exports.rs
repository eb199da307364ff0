//! Files of exports: where they lie, which are being written, and how they die.
//!
//! A file lies in `DATA/exports` under a name that tells nothing, mode 0600, and holds ciphertext
//! from its first byte on. How it dies: `output_end`. A file that no record vouches for dies when the
//! store opens. Backups leave the directory out.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::output_steps::Step;
use super::places::Places;
use super::store::Store;
use crate::audit::{Event, Outcome, Shown};
use crate::authn::session::{Origin, Pulse, Session};
use crate::disclosure::output::{Finished, Output};
use crate::domain::id::{AccountId, CaseId};
use crate::domain::role::Roles;
use crate::domain::serial::Serial;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::Batch;

/// Exports at work at once; each has a thread of its own.
const MOST: usize = 2;
/// How often a change of a record that somebody else changes at the same time is tried.
const TRIES: usize = 5;
/// Why the file of a session that ended died.
pub(super) const SESSION_OVER: &str = "with the session that began it";

/// Why a running export is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Whoever began it called it off.
    Cancelled,
    /// The right to something in it went.
    Barred,
    /// Something in it is destroyed.
    Destroyed,
}

impl Stop {
    /// Why a file dies that this came too late to stop.
    pub(super) const fn why(self) -> &'static str {
        match self {
            Self::Cancelled => "when it was called off",
            Self::Barred => "with the right to it",
            Self::Destroyed => "with what is destroyed",
        }
    }
}

/// What becomes of a file.
pub(super) enum Fate {
    /// It waits to be fetched.
    Waits(Waiting),
    /// It is to die, for this reason; nobody fetches it meanwhile. Whose it was, if that is known.
    Doomed(&'static str, Option<AccountId>),
}

/// A file that waits.
pub(super) struct Waiting {
    /// Who may fetch it.
    pub(super) by: AccountId,
    /// Until when, by this process's own time: a wall clock that is set back keeps nothing alive.
    pub(super) until: Duration,
    /// The session that it lives with, where something in it is sensitive.
    pub(super) session: Option<Pulse>,
}

/// An export at work: what its progress is read from, and how it is stopped.
pub(super) struct Running {
    pub(super) by: AccountId,
    stop: AtomicU8,
    /// Place of the last case that was begun, in the order of registration, and one more.
    begun: AtomicU64,
    pub(super) cases: AtomicU32,
    pub(super) people: AtomicU32,
    pub(super) left_out: AtomicU32,
    pub(super) bytes: AtomicU64,
}

impl Running {
    fn new(by: AccountId) -> Self {
        Self {
            by,
            stop: AtomicU8::new(0),
            begun: AtomicU64::new(0),
            cases: AtomicU32::new(0),
            people: AtomicU32::new(0),
            left_out: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
        }
    }
    pub(super) fn stop(&self, why: Stop) {
        let code = match why {
            Stop::Cancelled => 1,
            Stop::Barred => 2,
            Stop::Destroyed => 3,
        };
        self.stop.fetch_max(code, Ordering::SeqCst);
    }
    pub(super) fn stopped(&self) -> Option<Stop> {
        match self.stop.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(Stop::Cancelled),
            2 => Some(Stop::Barred),
            _ => Some(Stop::Destroyed),
        }
    }
    /// The case at this place is begun; its gate is entered, so that no destruction of it runs.
    pub(super) fn begins(&self, ordinal: u64) {
        let next = ordinal.saturating_add(1);
        self.begun.fetch_max(next, Ordering::SeqCst);
    }
    pub(super) fn has_begun(&self, ordinal: u64) -> bool {
        self.begun.load(Ordering::SeqCst) > ordinal
    }
    /// How far it has come.
    pub(super) fn so_far(&self, at: Timestamp) -> Finished {
        let cases = self.cases.load(Ordering::Relaxed);
        Finished::opened(at, cases, self.people.load(Ordering::Relaxed))
    }
}

/// See the module.
pub(super) struct Exports {
    pub(super) dir: PathBuf,
    /// Taken also by those that still choose their cases.
    pub(super) places: Places,
    running: Mutex<HashMap<Serial, Arc<Running>>>,
    /// Files that are there.
    files: Mutex<HashMap<Serial, Fate>>,
    /// Why an export of this process failed, in words without content.
    failures: Mutex<HashMap<Serial, String>>,
    /// Bytes that a file may have: a full disk, in tests.
    #[cfg(test)]
    pub(super) room: AtomicU64,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exports {
    pub(super) fn new(data: &Path) -> Self {
        Self {
            dir: data.join("exports"),
            places: Places::new(MOST),
            running: Mutex::default(),
            files: Mutex::default(),
            failures: Mutex::default(),
            #[cfg(test)]
            room: AtomicU64::new(u64::MAX),
        }
    }

    pub(super) fn begin(&self, serial: Serial, by: AccountId) -> Arc<Running> {
        let running = Arc::new(Running::new(by));
        held(&self.running).insert(serial, Arc::clone(&running));
        running
    }
    pub(super) fn running(&self, serial: Serial) -> Option<Arc<Running>> {
        held(&self.running).get(&serial).map(Arc::clone)
    }
    /// Whatever this person has at work is to stop.
    pub(super) fn stop_of(&self, whose: AccountId, why: Stop) {
        let running = held(&self.running);
        let own = running.values().filter(|running| running.by == whose);
        own.for_each(|running| running.stop(why));
    }
    pub(super) fn end(&self, serial: Serial) {
        held(&self.running).remove(&serial);
    }
    /// Why it failed, before its record says that it did.
    pub(super) fn fail(&self, serial: Serial, why: &str) {
        held(&self.failures).insert(serial, why.to_owned());
    }
    pub(super) fn failure(&self, serial: Serial) -> Option<String> {
        held(&self.failures).get(&serial).cloned()
    }
    pub(super) fn keep(&self, serial: Serial, waiting: Waiting) {
        held(&self.files).insert(serial, Fate::Waits(waiting));
    }
    pub(super) fn doom(&self, serial: Serial, why: &'static str) {
        let mut files = held(&self.files);
        let by = match files.get(&serial) {
            Some(Fate::Waits(waiting)) => Some(waiting.by),
            Some(Fate::Doomed(_, by)) => *by,
            None => None,
        };
        files.insert(serial, Fate::Doomed(why, by));
    }
    pub(super) fn forget(&self, serial: Serial) {
        held(&self.files).remove(&serial);
    }
    /// Why the file of this output is to die, if it is.
    pub(super) fn doomed(&self, serial: Serial) -> Option<&'static str> {
        match held(&self.files).get(&serial) {
            Some(Fate::Doomed(why, _)) => Some(why),
            _ => None,
        }
    }
    pub(super) fn has_file(&self, serial: Serial) -> bool {
        held(&self.files).contains_key(&serial)
    }
    /// Whether a file waits for this session; `None` where none waits at all.
    pub(super) fn waits_for(
        &self,
        session: &Session,
        serial: Serial,
        now: Duration,
    ) -> Option<bool> {
        match held(&self.files).get(&serial)? {
            Fate::Waits(waiting) if now < waiting.until => {
                let own = waiting.session.as_ref();
                Some(own.is_none_or(|own| own.is(&session.pulse())))
            }
            _ => None,
        }
    }
    /// Files that are to die, and why.
    pub(super) fn due(&self, now: Duration) -> Vec<(Serial, &'static str)> {
        let why = |fate: &Fate| match fate {
            Fate::Doomed(why, _) => Some(*why),
            Fate::Waits(waiting) if waiting.until <= now => Some("after its time"),
            Fate::Waits(waiting) => {
                let over = |session: &Pulse| session.beats().is_err();
                let over = waiting.session.as_ref().is_some_and(over);
                over.then_some(SESSION_OVER)
            }
        };
        let files = held(&self.files);
        let due = files.iter();
        due.filter_map(|(serial, fate)| Some((*serial, why(fate)?)))
            .collect()
    }
    /// Files of this person that wait, or could not be ended yet.
    pub(super) fn left_to(&self, whose: AccountId) -> Vec<Serial> {
        let files = held(&self.files);
        let own = files.iter().filter(|(_, fate)| match fate {
            Fate::Waits(waiting) => waiting.by == whose,
            Fate::Doomed(_, by) => *by == Some(whose),
        });
        own.map(|(serial, _)| *serial).collect()
    }
    /// Whether there is neither a file nor anything that writes one.
    pub(super) fn is_empty(&self) -> bool {
        held(&self.running).is_empty() && held(&self.files).is_empty()
    }
}

/// A file that ends where a test says that the disk does.
pub(super) struct OutFile {
    file: File,
    left: u64,
}

impl OutFile {
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(io::ErrorKind::StorageFull)?;
        let written = self.file.write(bytes)?;
        Ok(written)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Overwrites and unlinks a file; one that is not there is no error.
pub(super) fn wipe(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut left = file.metadata()?.len();
    let zeros = vec![0; 64 << 10];
    file.seek(SeekFrom::Start(0))?;
    while left > 0 {
        let now = usize::try_from(left)
            .unwrap_or(zeros.len())
            .min(zeros.len());
        file.write_all(zeros.get(..now).unwrap_or_default())?;
        left -= now as u64;
    }
    file.sync_data()?;
    fs::remove_file(path)
}

impl Store {
    /// Where the file of an output lies. The name cannot be guessed and says nothing.
    pub(super) fn export_path(&self, serial: Serial) -> PathBuf {
        let place = self.locator.place("export-file", &[&serial.to_bytes()]);
        let name = data_encoding::HEXLOWER.encode(&place);
        self.exports.dir.join(format!("{name}.age"))
    }

    /// A new, empty file for an output.
    pub(super) fn export_file(&self, serial: Serial) -> io::Result<OutFile> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.exports.dir)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.export_path(serial))?;
        #[cfg(test)]
        let left = self.exports.room.load(Ordering::SeqCst);
        #[cfg(not(test))]
        let left = u64::MAX;
        Ok(OutFile { file, left })
    }

    /// The file of an output goes, if there is one. It stays among those that are to die until its
    /// record says that it did.
    pub(super) fn drop_file(&self, serial: Serial) -> Result<(), ServiceError> {
        wipe(&self.export_path(serial)).map_err(|error| {
            let kind = error.kind();
            tracing::error!(%kind, %serial, "the file of an export could not be removed");
            ServiceError::Internal(format!("the file of an export stays: {kind}"))
        })
    }

    /// The file of an output whose record says already that there is none goes; one that cannot be
    /// removed is tried again every minute.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] where it is still there.
    pub(super) fn drop_closed(&self, serial: Serial) -> Result<(), ServiceError> {
        let dropped = self.drop_file(serial);
        match dropped {
            Ok(()) => self.exports.forget(serial),
            Err(_) => self.exports.doom(serial, "after its record was closed"),
        }
        dropped
    }

    /// An entry about an output that nobody's request makes.
    pub(super) fn output_event(output: &Output, outcome: Outcome, what: &str) -> Event {
        Event {
            task: if output.form.is_print() {
                Task::Print
            } else {
                Task::Export
            },
            outcome,
            actor: Some(output.by),
            roles: Roles::default(),
            origin: Origin {
                address: None,
                device: "bongham".to_owned(),
            },
            purpose: Some(output.purpose),
            reason: Some(format!("output {}: {what}", output.serial)),
        }
    }

    /// Changes the record of an output together with an entry that says so. `change` says what the
    /// entry says, or that there is nothing to change any more.
    pub(super) fn change_output(
        &self,
        serial: Serial,
        change: impl Fn(&mut Output) -> Option<(Outcome, String)>,
    ) -> Result<bool, ServiceError> {
        self.steps.pass(Step::Close, ())?;
        for _ in 0..TRIES {
            let stored = self.outputs.find(serial).map_err(fault::table)?;
            let stored = stored.ok_or(ServiceError::NotFound)?;
            let mut output = stored.row.clone();
            let Some((outcome, what)) = change(&mut output) else {
                return Ok(false);
            };
            let mut batch = Batch::default();
            let put = self.outputs.put_changed(&mut batch, &stored, &output);
            put.map_err(fault::table)?;
            let shown = Shown {
                bytes: output
                    .finished
                    .as_ref()
                    .map_or(0, |finished| finished.bytes),
                query: Some("output"),
                ..Shown::default()
            };
            let event = Self::output_event(&output, outcome, &what);
            let entered = self.log.event_about(event, shown, batch).wait();
            match entered.map_err(fault::log) {
                Ok(_) => return Ok(true),
                Err(ServiceError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ServiceError::Conflict)
    }

    /// Every output that a case went into, oldest first; also of a case that is destroyed.
    pub(super) fn outputs_of(&self, case: CaseId) -> Result<Vec<Output>, ServiceError> {
        let mut found = Vec::new();
        for index in self.log.places_about(case).map_err(fault::log)? {
            if let Some(stored) = self.outputs.by_entry(index).map_err(fault::table)? {
                found.push(stored.row);
            }
        }
        Ok(found)
    }
}
