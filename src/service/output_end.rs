//! How files of exports end: after their time, with the session that began them where something in
//! them is sensitive, with the right to something in them, with what is destroyed. The file goes
//! first, then its record says so; what cannot be done is tried again every minute.

use std::cell::Cell;

use super::error::ServiceError;
use super::exports::Stop;
use super::fault;
use super::store::Store;
use crate::audit::Outcome;
use crate::disclosure::output::{Output, OutputState};
use crate::domain::id::{AccountId, CaseId};
use crate::domain::serial::Serial;
use crate::people::account::Account;

/// What became of a file that was to die, and of its record.
#[must_use]
pub(super) struct FileEnd {
    dropped: Result<(), ServiceError>,
    told: Result<(), ServiceError>,
}

impl FileEnd {
    /// # Errors
    /// Where something of it is left, which is tried again every minute.
    pub(super) fn whole(self) -> Result<(), ServiceError> {
        self.dropped.and(self.told)
    }

    /// # Errors
    /// Where a restart would let it wait again: it is there, and its record says so.
    fn shut(self) -> Result<(), ServiceError> {
        if let Err(error) = &self.dropped {
            tracing::error!(%error, "a file that nobody may fetch any more could not be removed");
        }
        self.dropped.or(self.told)
    }
}

impl Store {
    /// Whatever of outputs is due: files and documents that are to die, and records that could not
    /// be told so far how theirs ended. To be called every minute.
    pub(super) fn expire_outputs(&self) {
        self.expire_exports();
        self.expire_prints();
        self.tell_owed();
    }

    fn expire_exports(&self) {
        for (serial, why) in self.exports.due(self.clock.monotonic()) {
            if let Err(error) = self.end_file(serial, why).whole() {
                tracing::error!(%error, %serial, "an export whose time is over could not be closed");
            }
        }
    }

    /// The file of an output dies, then its record says so; also where the file stays, for a
    /// restart would let it wait again. From here on nobody fetches it, and what could not be done
    /// is tried again every minute. So is the end of a record that is still to say that its file is
    /// there. May be called again.
    pub(super) fn end_file(&self, serial: Serial, why: &'static str) -> FileEnd {
        self.exports.doom(serial, why);
        let dropped = self.drop_file(serial);
        let died = if dropped.is_ok() {
            "its file died"
        } else {
            "its file is fetched by nobody and will be removed: it was to die"
        };
        let early = Cell::new(false);
        let told = self.change_output(serial, |output| {
            early.set(output.state == OutputState::Running);
            output.file_until?;
            let fetched = output.fetched.1;
            if fetched == 0 && output.state == OutputState::Ready {
                output.state = OutputState::Expired;
            }
            output.file_until = None;
            Some((
                Outcome::Done,
                format!("{died} {why}, fetched {fetched} times"),
            ))
        });
        if dropped.is_ok() && told.is_ok() && !early.get() {
            self.exports.forget(serial);
        }
        FileEnd {
            dropped,
            told: told.map(drop),
        }
    }

    /// Something of these cases is destroyed: files that hold it die, exports that have written it
    /// stop; those that have not come to it leave it out. What has been fetched is called back by
    /// the certificate. May be called again.
    ///
    /// # Errors
    /// The first of what could not be done; the rest was done.
    pub(super) fn drop_exports_of(
        &self,
        cases: impl Iterator<Item = CaseId>,
    ) -> Result<(), ServiceError> {
        let mut done = Ok(());
        for case in cases {
            let dropped = self.drop_exports_with(case, Stop::Destroyed, |_| true, FileEnd::whole);
            done = done.and(dropped);
        }
        done
    }

    /// The right to a case goes: from these people, or from everybody. What was made of it and
    /// waits to be fetched dies; an export that has written it stops. To be called while its gate is
    /// closed and before the change is durable: a crash between the two leaves no file behind that
    /// outlives the right.
    ///
    /// # Errors
    /// Where a file may be fetched after a restart, so that the change is not to be made.
    pub(super) fn bar_outputs(
        &self,
        case: CaseId,
        from: Option<&[AccountId]>,
    ) -> Result<(), ServiceError> {
        self.prints.drop_of(&[case]);
        self.expire_prints();
        if self.exports.is_empty() {
            return Ok(());
        }
        let whose = |output: &Output| from.is_none_or(|from| from.contains(&output.by));
        self.drop_exports_with(case, Stop::Barred, whose, FileEnd::shut)
    }

    fn drop_exports_with(
        &self,
        case: CaseId,
        stop: Stop,
        whose: impl Fn(&Output) -> bool,
        enough: impl Fn(FileEnd) -> Result<(), ServiceError>,
    ) -> Result<(), ServiceError> {
        let stored = self.cases.head(case).map_err(fault::cases)?;
        let ordinal = stored.map_or(0, |stored| stored.ordinal);
        let mut done = Ok(());
        for output in self.outputs_of(case)? {
            if !whose(&output) {
                continue;
            }
            let running = self.exports.running(output.serial);
            if let Some(running) = running.filter(|running| running.has_begun(ordinal)) {
                running.stop(stop);
            }
            if output.form.is_print() || !self.exports.has_file(output.serial) {
                continue;
            }
            done = done.and(enough(self.end_file(output.serial, stop.why())));
        }
        done
    }

    /// An account changes: whoever loses a role or their key fetches nothing that they began with
    /// it. To be called before the change is durable, as [`Store::bar_outputs`] is.
    ///
    /// # Errors
    /// As [`Store::bar_outputs`].
    pub(super) fn bar_account(
        &self,
        before: Option<&Account>,
        now: &Account,
    ) -> Result<(), ServiceError> {
        let keeps = |before: &Account| {
            let roles = before.roles.iter().all(|role| now.roles.has(role));
            roles && before.department == now.department && now.receives().is_some()
        };
        if before.is_some_and(keeps) {
            return Ok(());
        }
        let mut done = Ok(());
        self.exports.stop_of(now.id, Stop::Barred);
        for serial in self.exports.left_to(now.id) {
            done = done.and(self.end_file(serial, Stop::Barred.why()).shut());
        }
        done
    }
}
