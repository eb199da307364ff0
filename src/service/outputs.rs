//! Outputs as people see them: their own files and copies, and for privacy officers and auditors
//! every one of the office. No answer here names a case.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use super::error::ServiceError;
use super::exports::Stop;
use super::fault;
use super::output_steps::Step;
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, CloseOutput, Download, ReadOutputs};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::crypto::table::Stored;
use crate::disclosure::output::{ClosedBy, Form, Output, OutputState};
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::role::Role;
use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;
use crate::engine::Batch;

/// One output.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct OutputView {
    /// Serial number (일련번호).
    pub serial: String,
    /// Form (형태).
    pub form: Form,
    /// Login name of who took it out (출력자).
    pub by: String,
    /// Code of their department then (소속).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Purpose code (목적).
    pub purpose: String,
    /// Template code: which fields.
    pub template: String,
    /// Whether nothing is masked.
    pub unmasked: bool,
    /// Who gets it (전달받을 자).
    pub receiver: String,
    /// Login name of who answers for its destruction (파기책임자).
    pub responsible: String,
    /// When its copies are to be destroyed (파기 예정일).
    pub destroy_by: String,
    /// Whether that time is over and nobody has said that they are.
    pub overdue: bool,
    /// Copies on paper; 1 for a file.
    pub copies: u16,
    /// Whether a sensitive case is in it.
    pub sensitive: bool,
    /// Cases of the list.
    pub cases: u32,
    /// People of the list.
    pub people: u32,
    /// When it was asked for.
    pub requested_at: String,
    /// How far it has come.
    pub state: OutputState,
    /// Cases opened for it so far.
    pub opened: u32,
    /// People in them.
    pub opened_people: u32,
    /// Cases that were on the list and could not be taken out any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u32>,
    /// Why it failed, in words without content, as long as the server remembers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Length of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Until when the file can be fetched; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_until: Option<String>,
    /// How often it was fetched.
    pub fetched: u32,
    /// When last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<String>,
    /// Login name of who said that every copy is destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// How they were destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Id of the second person's consent, where one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// Login name of who consented; absent in records of before version 0.4.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// Which part of a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// All of it.
    Whole,
    /// From this byte on, to this one if named.
    From(u64, Option<u64>),
    /// The last so many.
    Last(u64),
}

impl Portion {
    /// First byte and length of it in a file of this length; `None` where it is all of it, also
    /// because there is no such part.
    pub fn within(self, total: u64) -> Option<(u64, u64)> {
        let (from, to) = match self {
            Self::Whole => return None,
            Self::From(from, to) => (from, to.map_or(total, |to| to.saturating_add(1)).min(total)),
            Self::Last(count) => (total.saturating_sub(count), total),
        };
        (from < to).then(|| (from, to - from))
    }
}

/// A file that may be sent: its entry is durable.
pub struct Fetched {
    /// Serial number.
    pub serial: Serial,
    /// What it is, under the lock.
    pub form: Form,
    /// The file, at the first byte wanted.
    pub file: File,
    /// First byte.
    pub from: u64,
    /// How many bytes.
    pub length: u64,
    /// Length of the whole file.
    pub total: u64,
    /// SHA-256 of the whole file, hexadecimal.
    pub sha256: String,
}

impl Store {
    /// Runs `act` with the output of this number, if it is one that the asker may know of; a
    /// question about another is an entry as well and answered like one about none.
    pub(super) fn with_output<A: Action, T: Send + 'static>(
        &self,
        session: &Session,
        serial: Option<Serial>,
        knows: impl Fn(&Session, &Output) -> bool,
        act: impl FnOnce(Permit<A>, Stored<Output>) -> Answer<T>,
    ) -> Answer<T> {
        self.office::<A, T>(session, Target::Office, |permit| {
            let found = match serial.map(|serial| self.outputs.find(serial)).transpose() {
                Ok(found) => found.flatten(),
                Err(error) => return self.fail(permit, fault::table(error)),
            };
            match found.filter(|stored| knows(session, &stored.row)) {
                Some(stored) => act(permit, stored),
                None => self.fail(permit, ServiceError::NotFound),
            }
        })
    }

    /// `GET /outputs`: newest first; one's own, for privacy officers and auditors all. With `open`
    /// those only of which a copy may still be somewhere.
    pub fn list_outputs(
        &self,
        session: &Session,
        open: bool,
        page: &PageRequest,
    ) -> Answer<Rows<OutputView>> {
        self.office::<ReadOutputs, _>(session, Target::Office, |permit| {
            let before = page.cursor.as_deref().map_or(Ok(u64::MAX), str::parse);
            let before = before.map_err(|_| Invalid::new("cursor", "is not one this list gave"));
            let rows = before.map_err(ServiceError::from).and_then(|before| {
                let wanted =
                    |output: &Output| knows(session, output) && (!open || output.state.is_out());
                let found = self.outputs.newest(before, page.limit, wanted);
                let (found, next) = found.map_err(fault::table)?;
                Ok(Rows {
                    rows: found.iter().map(|s| self.output_view(&s.row)).collect(),
                    next: next.map(|next| next.to_string()),
                })
            });
            self.or_fail(permit, rows, |permit, rows| {
                self.record_office(permit, "outputs", rows)
            })
        })
    }

    /// `GET /exports/{serial}`: how far it has come.
    pub fn show_output(&self, session: &Session, serial: Option<Serial>) -> Answer<OutputView> {
        self.with_output::<ReadOutputs, _>(session, serial, knows, |permit, stored| {
            let view = self.output_view(&stored.row);
            self.record_office(permit, "output", view)
        })
    }

    /// `GET /exports/{serial}/content`: the entry first, then the file. Only who began it gets it,
    /// with something sensitive in it only the session that did.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for another's, or another session's; [`ServiceError::WrongState`]
    /// for one that is not finished, or that has no file any more.
    pub fn fetch_output(
        &self,
        session: &Session,
        serial: Option<Serial>,
        portion: Portion,
        etag: Option<&str>,
    ) -> Answer<Fetched> {
        self.with_output::<Download, _>(session, serial, is_mine, |permit, stored| {
            let fetched = self.open_file(session, &stored.row, portion, etag);
            self.or_fail(permit, fetched, |permit, fetched| {
                let mut output = stored.row.clone();
                let (_, times) = output.fetched;
                output.fetched = (Some(self.clock.now()), times.saturating_add(1));
                let mut batch = Batch::default();
                self.outputs
                    .put_changed(&mut batch, &stored, &output)
                    .map_err(fault::table)?;
                let shown = Shown {
                    bytes: fetched.length,
                    reason: Some(format!("output {}", output.serial)),
                    query: Some("content"),
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch).wait();
                let (_entered, _) = recorded.map_err(fault::log)?;
                session.pulse().beats().map_err(fault::ended)?;
                self.steps.pass(Step::Fetch, ())?;
                // The right to it may have gone meanwhile, and the file with it.
                let now = self.clock.monotonic();
                if self.exports.waits_for(session, output.serial, now) != Some(true) {
                    return Err(ServiceError::WrongState(state_code(output.state)));
                }
                Ok(crate::engine::Pending::ready(Ok(fetched)))
            })
        })
    }

    fn open_file(
        &self,
        session: &Session,
        output: &Output,
        portion: Portion,
        etag: Option<&str>,
    ) -> Result<Fetched, ServiceError> {
        let now = self.clock.monotonic();
        match self.exports.waits_for(session, output.serial, now) {
            Some(true) if output.state == OutputState::Ready => {}
            Some(false) => return Err(ServiceError::NotFound),
            _ => return Err(ServiceError::WrongState(state_code(output.state))),
        }
        let finished = output.finished.as_ref().ok_or(ServiceError::NotFound)?;
        let unreadable = |error: std::io::Error| {
            ServiceError::Internal(format!("the file of an export: {}", error.kind()))
        };
        let mut file = match File::open(self.export_path(output.serial)) {
            // It died a moment ago; its record is about to say so.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ServiceError::WrongState(state_code(output.state)));
            }
            opened => opened.map_err(unreadable)?,
        };
        if file.metadata().map_err(unreadable)?.len() != finished.bytes {
            return Err(ServiceError::Damaged("the file of an export".to_owned()));
        }
        let sha256 = data_encoding::HEXLOWER.encode(&finished.sha256);
        // Another file than the one that was begun with is sent whole.
        let same = etag.is_none_or(|etag| etag.trim_matches('"') == sha256);
        let part = portion.within(finished.bytes).filter(|_| same);
        let (from, length) = part.unwrap_or((0, finished.bytes));
        file.seek(SeekFrom::Start(from)).map_err(unreadable)?;
        Ok(Fetched {
            serial: output.serial,
            form: output.form,
            file,
            from,
            length,
            total: finished.bytes,
            sha256,
        })
    }

    /// `DELETE /exports/{serial}`: a running export stops, a file that nobody has fetched goes.
    ///
    /// # Errors
    /// [`ServiceError::WrongState`] where a copy has left, or nothing is there.
    pub fn cancel_output(&self, session: &Session, serial: Option<Serial>) -> Answer<()> {
        self.with_output::<CloseOutput, _>(session, serial, is_mine, |permit, mut stored| {
            let output = &stored.row;
            let running = self.exports.running(output.serial);
            if let Some(running) = running.filter(|running| running.by == output.by) {
                running.stop(Stop::Cancelled);
                // One that has ended meanwhile was not stopped by this.
                if self.exports.running(output.serial).is_some() {
                    return self.record_office(permit, "cancel", ());
                }
                stored = match self.outputs.find(output.serial).map_err(fault::table) {
                    Ok(Some(ended)) => ended,
                    Ok(None) => return self.fail(permit, ServiceError::NotFound),
                    Err(error) => return self.fail(permit, error),
                };
            }
            let output = &stored.row;
            if let Some(end) = self.owed.take(output.serial) {
                let told = self.end_or_owe(output.serial, end);
                return self.or_fail(permit, told, |permit, ()| {
                    self.record_office(permit, "cancel", ())
                });
            }
            if output.state != OutputState::Ready || output.form.is_print() || output.fetched.1 > 0
            {
                return self.fail(permit, ServiceError::WrongState(state_code(output.state)));
            }
            let cancelled = Output {
                state: OutputState::Cancelled,
                file_until: None,
                ..output.clone()
            };
            self.end_output(permit, &stored, &cancelled, "cancel", None)
        })
    }

    /// `POST /outputs/{serial}/close` (파기 확인): whoever answers for it, or a privacy officer, says
    /// that every copy is destroyed.
    ///
    /// # Errors
    /// [`ServiceError::WrongState`] where no copy has left, or it is closed.
    pub fn close_output(
        &self,
        session: &Session,
        serial: Option<Serial>,
        method: String,
        reason: Option<String>,
    ) -> Answer<OutputView> {
        self.with_output::<CloseOutput, _>(session, serial, answers_for, |permit, stored| {
            if let Err(error) = check_words(&method, reason.as_deref()) {
                return self.fail(permit, error);
            }
            if !stored.row.state.is_out() {
                let state = state_code(stored.row.state);
                return self.fail(permit, ServiceError::WrongState(state));
            }
            let closed = Output {
                state: OutputState::Closed,
                file_until: None,
                closed: Some(ClosedBy {
                    by: session.account(),
                    at: self.clock.now(),
                    method,
                }),
                ..stored.row.clone()
            };
            let view = self.output_view(&closed);
            let ended = self.end_output(permit, &stored, &closed, "close", reason)?;
            Ok(ended.map(|ended| ended.map(|()| view)))
        })
    }

    fn end_output(
        &self,
        permit: Permit<CloseOutput>,
        stored: &Stored<Output>,
        ended: &Output,
        query: &'static str,
        reason: Option<String>,
    ) -> Answer<()> {
        let mut batch = Batch::default();
        self.outputs
            .put_changed(&mut batch, stored, ended)
            .map_err(fault::table)?;
        let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let shown = Shown {
            reason: Some(format!("output {}{why}", ended.serial)),
            query: Some(query),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch).wait();
        let (_entered, _) = recorded.map_err(fault::log)?;
        // Only now: a file that goes without its record would be missed.
        self.prints.drop_output(ended.serial);
        self.drop_closed(ended.serial)?;
        Ok(crate::engine::Pending::ready(Ok(())))
    }

    pub(super) fn output_view(&self, output: &Output) -> OutputView {
        let running = self.exports.running(output.serial);
        let running = running.filter(|_| output.state == OutputState::Running);
        let so_far = running.as_ref().map(|r| r.so_far(self.clock.now()));
        let opened = so_far.as_ref().or(output.finished.as_ref());
        let ready = matches!(output.state, OutputState::Ready | OutputState::Closed);
        let finished = output.finished.as_ref().filter(|_| ready);
        let cases = opened.map_or(0, |opened| opened.cases);
        let closed = output.closed.as_ref();
        OutputView {
            serial: output.serial.to_string(),
            form: output.form,
            by: self.directory.login(output.by),
            department: output.department.map(|id| self.directory.code(id)),
            purpose: output.purpose.code().to_owned(),
            template: output.template.clone(),
            unmasked: output.unmasked,
            receiver: output.receiver.clone(),
            responsible: self.directory.login(output.responsible),
            destroy_by: output.destroy_by.rfc3339(),
            overdue: output.state.is_out() && output.destroy_by <= self.clock.now(),
            copies: output.copies,
            sensitive: output.sensitive,
            cases: output.cases,
            people: output.people,
            requested_at: output.requested_at.rfc3339(),
            state: output.state,
            opened: cases,
            opened_people: opened.map_or(0, |opened| opened.people),
            left_out: finished.map(|_| output.cases.saturating_sub(cases)),
            problem: self.exports.failure(output.serial),
            bytes: finished.map(|finished| finished.bytes),
            sha256: finished.map(|f| data_encoding::HEXLOWER.encode(&f.sha256)),
            file_until: output.file_until.map(Timestamp::rfc3339),
            fetched: output.fetched.1,
            fetched_at: output.fetched.0.map(Timestamp::rfc3339),
            closed_by: closed.map(|closed| self.directory.login(closed.by)),
            closed_at: closed.map(|closed| closed.at.rfc3339()),
            method: closed.map(|closed| closed.method.clone()),
            approval: output.approval.map(|id| id.to_string()),
            approved_by: output.approver.map(|id| self.directory.login(id)),
        }
    }
}

pub(super) fn is_mine(session: &Session, output: &Output) -> bool {
    output.by == session.account()
}

fn answers_for(session: &Session, output: &Output) -> bool {
    output.responsible == session.account() || session.roles().has(Role::PrivacyOfficer)
}

pub(super) fn knows(session: &Session, output: &Output) -> bool {
    is_mine(session, output) || answers_for(session, output) || session.roles().has(Role::Auditor)
}

fn check_words(method: &str, reason: Option<&str>) -> Result<(), ServiceError> {
    super::recipients::reason_fits(reason.unwrap_or_default())?;
    if method.trim().is_empty() {
        return Err(Invalid::new("method", "is needed").into());
    }
    if method.len() > LINE_BYTES_MAX || method.chars().any(char::is_control) {
        return Err(Invalid::new("method", "is too long or holds control characters").into());
    }
    Ok(())
}

const fn state_code(state: OutputState) -> &'static str {
    match state {
        OutputState::Running => "running",
        OutputState::Ready => "ready",
        OutputState::Interrupted => "interrupted",
        OutputState::Cancelled => "cancelled",
        OutputState::Expired => "expired",
        OutputState::Closed => "closed",
        OutputState::MayBeOut => "may_be_out",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_lies_within_its_file_or_is_all_of_it() {
        for (portion, within) in [
            (Portion::Whole, None),
            (Portion::From(0, None), Some((0, 10))),
            (Portion::From(4, None), Some((4, 6))),
            (Portion::From(4, Some(5)), Some((4, 2))),
            (Portion::From(4, Some(99)), Some((4, 6))),
            (Portion::From(10, None), None),
            (Portion::From(5, Some(4)), None),
            (Portion::From(0, Some(u64::MAX)), Some((0, 10))),
            (Portion::Last(3), Some((7, 3))),
            (Portion::Last(30), Some((0, 10))),
            (Portion::Last(0), None),
        ] {
            assert_eq!(portion.within(10), within, "{portion:?}");
        }
        assert_eq!(Portion::From(0, None).within(0), None);
    }
}
