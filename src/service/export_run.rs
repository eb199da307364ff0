//! The writing of an export: one case after the other is decided on again, opened, shown as its
//! template says, and written through the lock to the disk. Nothing is kept but the list, so that
//! memory does not grow with it, and no byte in clear touches a disk.
//!
//! | meanwhile | what becomes of it |
//! |---|---|
//! | a case of the list changes in any way: destroyed, locked, re-keyed, handed on, added to | left out, and counted |
//! | something written already is destroyed, or its right goes | the export stops; nothing of it is left |
//! | its session ends, it is called off, the disk is full, a writer panics | the same |
//! | the process is killed | the next open says so and removes what is there |

use std::io::{self, BufWriter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::error::ServiceError;
use super::export_choose::Chosen;
use super::exports::{OutFile, Running, Stop, Waiting};
use super::fault;
use super::output_owed::OutputEnd;
use super::output_steps::Step;
use super::store::Store;
use crate::audit::Outcome;
use crate::audit::manifest::Manifest;
use crate::authn::session::{Pulse, Session};
use crate::authz::Permit;
use crate::authz::action::{Action, Export, Unmask};
use crate::authz::facts::Target;
use crate::cases::head::StoredHead;
use crate::cases::record::{self, Case};
use crate::cases::view::{CaseState, CaseView};
use crate::disclosure::lock::Lock;
use crate::disclosure::output::{Finished, Output, OutputState};
use crate::disclosure::paper::{Font, Marks};
use crate::disclosure::sheet::{Sheet, WriteError};
use crate::disclosure::tally::Tally;
use crate::disclosure::template::{self, Masking, Template};
use crate::domain::serial::Serial;
use crate::domain::tier::{Tier, UnitKind};
use crate::engine::Batch;
use crate::vault::{UnitRef, VaultError};

/// Bytes between the lock and the disk.
const BUFFER: usize = 256 << 10;
/// Cases after which the record notes how far it has come.
const NOTED: u32 = if cfg!(test) { 4 } else { 2_000 };

/// An export that was entered.
pub(super) struct Run {
    /// Decides, and cannot open.
    pub(super) session: Session,
    pub(super) manifest: Manifest<Export>,
    /// The entry that nothing is masked.
    pub(super) unmask: Option<Manifest<Unmask>>,
    pub(super) masking: Masking,
    pub(super) template: Template,
    /// What a PDF is written with.
    pub(super) font: Option<Font>,
    pub(super) output: Output,
    pub(super) cases: Vec<Chosen>,
    pub(super) lock: Lock,
    pub(super) running: Arc<Running>,
}

/// How an export ended that did not come to its end.
enum Broken {
    Stopped(Stop),
    Failed(ServiceError),
    Unwritable(WriteError),
    /// What writes its form, or locks it, came upon something that it does not know.
    Panicked,
}

impl From<ServiceError> for Broken {
    fn from(error: ServiceError) -> Self {
        Self::Failed(error)
    }
}

impl From<WriteError> for Broken {
    fn from(error: WriteError) -> Self {
        Self::Unwritable(error)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Unwritable(WriteError::Io(error))
    }
}

impl Broken {
    /// The state it leaves, and why, without content.
    fn tell(&self) -> (OutputState, String) {
        let interrupted = |why: String| (OutputState::Interrupted, why);
        match self {
            Self::Stopped(Stop::Cancelled) => (OutputState::Cancelled, "called off".to_owned()),
            Self::Stopped(Stop::Destroyed) => {
                interrupted("a case of it was destroyed meanwhile".to_owned())
            }
            Self::Stopped(Stop::Barred) => {
                interrupted("the right to a case of it went meanwhile".to_owned())
            }
            Self::Panicked => interrupted("the file could not be written: a defect".to_owned()),
            Self::Failed(ServiceError::SessionEnded) => {
                interrupted("the session that began it ended".to_owned())
            }
            Self::Failed(error) => interrupted(error.to_string()),
            Self::Unwritable(WriteError::Io(error)) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    interrupted(ServiceError::DiskFull.to_string())
                }
                kind => interrupted(format!("the file could not be written: {kind}")),
            },
            Self::Unwritable(error) => interrupted(error.to_string()),
        }
    }
}

impl Store {
    /// Writes the file and closes the record, whatever happens.
    pub(super) fn run_export(&self, run: Run) {
        let serial = run.output.serial;
        let running = Arc::clone(&run.running);
        let (pulse, sensitive) = (run.session.pulse(), run.output.sensitive);
        let (by, cases) = (run.output.by, run.output.cases);
        // What unwinds leaves nothing half made but the file, which goes.
        let written = catch_unwind(AssertUnwindSafe(|| self.write_export(run)));
        let broken = |how| OutputEnd::broken(how, running.so_far(self.clock.now()), cases);
        let kept = written
            .unwrap_or(Err(Broken::Panicked))
            .and_then(|finished| {
                let waiting = Waiting {
                    by,
                    until: self.clock.monotonic() + self.home.outputs.file_time(),
                    session: sensitive.then(|| pulse.clone()),
                };
                self.exports.keep(serial, waiting);
                // Whoever stops it before this is heard here, whoever does after finds its file.
                go_on(&pulse, &running)?;
                Ok(finished)
            });
        let closed = match kept {
            Ok(finished) => {
                let closed = self.export_ready(serial, &running, finished);
                if let Err(error) = &closed {
                    tracing::error!(%error, %serial, "an export could not be closed; will be tried again");
                    drop(self.drop_closed(serial));
                    let why = "its end could not be recorded, its file was not kept";
                    let end = broken((OutputState::Interrupted, why));
                    self.owed.owe(serial, end);
                }
                closed
            }
            Err(how) => {
                // What stays is logged and tried again.
                drop(self.drop_closed(serial));
                let (state, why) = how.tell();
                self.exports.fail(serial, &why);
                self.end_or_owe(serial, broken((state, &why)))
            }
        };
        self.exports.end(serial);
        let late = running.stopped().map(Stop::why);
        if let (Ok(()), Some(why)) = (closed, late.or_else(|| self.exports.doomed(serial))) {
            self.drop_late(serial, why);
        }
    }

    fn export_ready(
        &self,
        serial: Serial,
        running: &Running,
        finished: Finished,
    ) -> Result<(), ServiceError> {
        let until = self.clock.now().plus(self.home.outputs.file_time());
        let left_out = running.left_out.load(Ordering::Relaxed);
        let changed = self.change_output(serial, |output| {
            output.state = OutputState::Ready;
            output.file_until = Some(until);
            output.finished = Some(finished.clone());
            let what = format!(
                "written; {} of {} cases opened, {left_out} left out, {} people; SHA-256 {}",
                finished.cases,
                output.cases,
                finished.people,
                data_encoding::HEXLOWER.encode(&finished.sha256)
            );
            Some((Outcome::Done, what))
        });
        changed.map(drop)
    }

    /// It was to stop while its record was being closed.
    pub(super) fn drop_late(&self, serial: Serial, why: &'static str) {
        if let Err(error) = self.end_file(serial, why).whole() {
            tracing::error!(%error, %serial, "an export whose file died could not be closed");
        }
    }

    fn write_export(&self, run: Run) -> Result<Finished, Broken> {
        let Run {
            session,
            manifest,
            unmask,
            masking,
            template,
            font,
            output,
            cases,
            lock,
            running,
        } = run;
        let file = self.export_file(output.serial)?;
        let tally = Tally::new(BufWriter::with_capacity(BUFFER, file));
        let locked = lock.on(tally)?;
        let mut sheet = match font {
            Some(font) => {
                let marked = (self.marks(&output), font);
                Sheet::begin_pages(output.serial, template, marked, locked)
            }
            None => Sheet::begin(output.form, output.serial, template, locked)?,
        };
        // Zeroed as soon as a case is written, the rest with an error.
        for one in cases {
            go_on(&session.pulse(), &running)?;
            let shown = self.show(
                &session,
                (&manifest, unmask.as_ref()),
                template,
                (&output, &running),
                one,
            )?;
            let Some((view, people)) = shown else {
                running.left_out.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            running.people.fetch_add(people, Ordering::Relaxed);
            let done = running.cases.fetch_add(1, Ordering::Relaxed) + 1;
            let view = template.show(view, masking);
            let put = sheet.put(&view);
            template::forget(view);
            put?;
            if done.is_multiple_of(NOTED) {
                self.headroom.for_outputs()?;
                self.note_progress(&output, &running)?;
            }
        }
        go_on(&session.pulse(), &running)?;
        self.headroom.for_outputs()?;
        let tally = sheet.finish()?.finish()?;
        let (bytes, sha256, buffered) = tally.finish();
        let file: OutFile = buffered
            .into_inner()
            .map_err(|error| io::Error::from(error.error().kind()))?;
        file.sync()?;
        self.steps.pass(Step::Finish, ())?;
        running.bytes.store(bytes, Ordering::Relaxed);
        let so_far = running.so_far(self.clock.now());
        Ok(Finished {
            bytes,
            sha256,
            ..so_far
        })
    }

    /// Who took it out, and when: on every page.
    fn marks(&self, output: &Output) -> Marks {
        Marks {
            serial: Some(output.serial),
            by: self.directory.login(output.by),
            department: output.department.map(|id| self.directory.code(id)),
            at: output.requested_at,
            copies: 1,
        }
    }

    /// Opens one case of the list; `None` where it is not what was chosen any more.
    fn show(
        &self,
        session: &Session,
        (manifest, unmask): (&Manifest<Export>, Option<&Manifest<Unmask>>),
        template: Template,
        (output, running): (&Output, &Running),
        one: Chosen,
    ) -> Result<Option<(CaseView, u32)>, ServiceError> {
        let case = one.listed.case;
        let inside = match self.gates.try_enter(case) {
            Some(inside) => inside,
            None => match self.gates.enter(case) {
                Ok(inside) => inside,
                // Its gate stays closed: it is being destroyed.
                Err(ServiceError::Busy) => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        running.begins(one.ordinal);
        let stored = self.cases.head(case).map_err(fault::cases)?;
        let Some(stored) = stored.filter(|stored| stored.head.state != CaseState::Destroyed) else {
            return Ok(None);
        };
        // Before any decision: a right that somebody else took away meanwhile is no attempt of theirs.
        if stored.head.revision != one.revision {
            return Ok(None);
        }
        let facts = stored.head.facts();
        let purpose = Some(output.purpose);
        let target = Target::Case(&facts);
        let permit = match self.authority.decide::<Export>(session, target, purpose) {
            Ok(permit) => permit,
            Err(denied) => return self.left_out(denied),
        };
        if let Some(unmask) = unmask {
            match self.authority.decide::<Unmask>(session, target, purpose) {
                Ok(_) if unmask.holds(case) => {}
                Ok(_) => return Ok(None),
                Err(denied) => return self.left_out(denied),
            }
        }
        let units = needed(&permit, template, &stored, &one);
        let people = units.iter().filter(|u| u.kind == UnitKind::Person).count();
        let Some(disclosed) = self.open_chosen(&permit, session, stored, &units, one)? else {
            return Ok(None);
        };
        let view = disclosed.reveal_listed(manifest).map_err(fault::vault)?;
        drop(inside);
        Ok(Some((view, u32::try_from(people).unwrap_or(u32::MAX))))
    }

    fn open_chosen(
        &self,
        permit: &Permit<Export>,
        session: &Session,
        stored: StoredHead,
        units: &[UnitRef],
        one: Chosen,
    ) -> Result<Option<crate::vault::Disclosed<Export, Case>>, ServiceError> {
        let head = &stored.head;
        let key = match (head.tier, one.key.map(|key| *key)) {
            (Tier::Sensitive, Some((key, version))) if version == head.key_version => key,
            // It changed hands, or became what it was not.
            (Tier::Sensitive, _) | (_, Some(_)) => return Ok(None),
            (_, None) => match self.vault.unlock(permit, session, &head.wraps) {
                Ok(key) => key,
                Err(VaultError::NoWrap) => return Ok(None),
                Err(error) => return Err(fault::vault(error)),
            },
        };
        let rows = self.cases.units(head.case, units.iter().copied());
        let rows = rows.map_err(fault::cases)?;
        let (tier, version) = (head.tier, head.key_version);
        let plain = match self.vault.open(permit, tier, &key, version, &rows) {
            Ok(plain) => plain,
            Err(VaultError::Destroyed) => return Ok(None),
            Err(error) => return Err(fault::vault(error)),
        };
        let case = plain.decode::<Case>(self.frame(stored));
        case.map(Some).map_err(fault::vault)
    }

    /// A right that went meanwhile: a denial like any other.
    fn left_out<A: Action, T>(
        &self,
        denied: crate::authz::Denied<A>,
    ) -> Result<Option<T>, ServiceError> {
        let refused = self.log.refuse(denied).wait();
        refused.map(|_| None).map_err(fault::log)
    }

    /// How far it has come, for whoever finds the record after a crash. No entry: nothing happened
    /// that the list does not say.
    fn note_progress(&self, output: &Output, running: &Running) -> Result<(), ServiceError> {
        let stored = self.outputs.find(output.serial).map_err(fault::table)?;
        let stored = stored.ok_or(ServiceError::NotFound)?;
        let mut noted = stored.row.clone();
        noted.finished = Some(running.so_far(self.clock.now()));
        let mut batch = Batch::default();
        let put = self.outputs.put_changed(&mut batch, &stored, &noted);
        put.map_err(fault::table)?;
        let committed = self.engine.commit(batch).wait();
        committed.map(|_| ()).map_err(fault::commit)
    }
}

fn go_on(pulse: &Pulse, running: &Running) -> Result<(), Broken> {
    if let Some(stop) = running.stopped() {
        return Err(Broken::Stopped(stop));
    }
    pulse.beats().map_err(fault::ended)?;
    Ok(())
}

/// The units that go out: those that permit and template need and, of people, only those on the
/// list, because its entry names them all.
fn needed(
    permit: &Permit<Export>,
    template: Template,
    stored: &StoredHead,
    one: &Chosen,
) -> Vec<UnitRef> {
    let units = stored.head.units.iter().copied();
    units
        .filter(|unit| record::needs(permit.fields(), unit.kind))
        .filter(|unit| record::needs(template.fields(), unit.kind))
        .filter(|unit| unit.kind != UnitKind::Person || one.listed.people.contains(&unit.unit))
        .collect()
}
