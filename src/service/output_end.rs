//! How files of exports end: after their time, with the session that began them where something in
//! them is sensitive, with the right to something in them, with what is destroyed. The file goes
//! first, then its record says so; what cannot be done is tried again every minute.

use super::error::ServiceError;
use super::exports::Stop;
use super::fault;
use super::store::Store;
use crate::audit::Outcome;
use crate::disclosure::output::{Output, OutputState};
use crate::domain::id::{AccountId, CaseId};
use crate::domain::serial::Serial;
use crate::people::account::Account;

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
            // The next minute tries again: the file is among those that are due until both succeed.
            if let Err(error) = self.end_file(serial, why) {
                tracing::error!(%error, %serial, "an export whose time is over could not be closed");
            }
        }
    }

    /// The file of an output dies, then its record says so. May be called again.
    pub(super) fn end_file(&self, serial: Serial, why: &str) -> Result<(), ServiceError> {
        self.drop_file(serial)?;
        self.change_output(serial, |output| {
            if output.state != OutputState::Ready {
                return None;
            }
            let fetched = output.fetched.1;
            if fetched == 0 {
                output.state = OutputState::Expired;
            }
            output.file_until = None;
            Some((
                Outcome::Done,
                format!("its file died {why}, fetched {fetched} times"),
            ))
        })?;
        self.exports.forget(serial);
        Ok(())
    }

    /// The same; a file that stays is fetched by nobody and is tried again every minute.
    pub(super) fn end_or_doom(
        &self,
        serial: Serial,
        why: &'static str,
    ) -> Result<(), ServiceError> {
        let ended = self.end_file(serial, why);
        if ended.is_err() {
            self.exports.doom(serial, why);
        }
        ended
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
            done = done.and(self.drop_exports_with(case, Stop::Destroyed, |_| true));
        }
        done
    }

    /// The right to a case goes: from these people, or from everybody. What was made of it and
    /// waits to be fetched dies; an export that has written it stops. To be called while its gate is
    /// closed and before the change is durable: a crash between the two leaves no file behind that
    /// outlives the right.
    pub(super) fn bar_outputs(&self, case: CaseId, from: Option<&[AccountId]>) {
        self.prints.drop_of(&[case]);
        self.expire_prints();
        if self.exports.is_empty() {
            return;
        }
        let whose = |output: &Output| from.is_none_or(|from| from.contains(&output.by));
        if let Err(error) = self.drop_exports_with(case, Stop::Barred, whose) {
            tracing::error!(%error, "a file that nobody may fetch any more could not be removed");
        }
    }

    fn drop_exports_with(
        &self,
        case: CaseId,
        stop: Stop,
        whose: impl Fn(&Output) -> bool,
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
            done = done.and(self.end_or_doom(output.serial, stop.why()));
        }
        done
    }

    /// An account changed: whoever has lost a role or their key fetches nothing that they began
    /// with it.
    pub(super) fn bar_account(&self, before: Option<&Account>, now: &Account) {
        let keeps = |before: &Account| {
            let roles = before.roles.iter().all(|role| now.roles.has(role));
            roles && before.department == now.department && now.receives().is_some()
        };
        if before.is_some_and(keeps) {
            return;
        }
        for serial in self.exports.waiting_for(now.id) {
            if let Err(error) = self.end_or_doom(serial, Stop::Barred.why()) {
                tracing::error!(%error, %serial, "a file that nobody may fetch any more could not be removed");
            }
        }
    }
}
