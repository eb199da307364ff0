//! Bulk registration (일괄 등록), resumable: the rows of a chunk and the job's position are one
//! atomic batch, so a killed import continues where it stood, without loss or duplicate.

use super::error::ServiceError;
use super::fault;
use super::register::Refusal;
use super::store::{Answer, Store};
use super::types::{ImportProgress, ImportRow, ImportState, RejectedRow};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::action::Import;
use crate::authz::facts::Target;
use crate::crypto::sealed::Padding;
use crate::domain::id::ImportId;
use crate::engine::{Batch, Expected, Key, Space, Value};

/// Where a job stands.
#[derive(Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
struct Job {
    next_row: u64,
    accepted: u64,
    rejected: u64,
    finished: bool,
}

impl Job {
    fn state(self, id: ImportId) -> ImportState {
        let Self {
            next_row,
            accepted,
            rejected,
            ..
        } = self;
        ImportState {
            id: id.to_string(),
            next_row,
            accepted,
            rejected,
        }
    }
}

impl Store {
    /// `POST /imports`: opens the job of this file and map, or finds where it stands.
    pub fn open_import(&self, session: &Session, fingerprint: [u8; 32]) -> Answer<ImportState> {
        let permit = self.permit_office::<Import>(session, Target::Office)?;
        let id = ImportId::from_bytes(self.locator.place("import", &[&fingerprint]));
        let mut batch = Batch::default();
        let job = match self.job(id)? {
            Some((job, _)) => job,
            None => {
                self.put_job(&mut batch, id, Job::default(), Expected::Absent)?;
                Job::default()
            }
        };
        let shown = Shown {
            query: Some("import"),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch);
        Ok(recorded.map(move |recorded| recorded.map(|_| job.state(id)).map_err(fault::log)))
    }

    /// `POST /imports/{id}/rows`: registers a chunk. Rows that cannot be taken in are told by line,
    /// field and reason; the others are registered, each with an access-log entry of its own.
    ///
    /// # Errors
    /// [`ServiceError::ImportPosition`] when the chunk does not start where the job stands.
    pub fn import_rows(
        &self,
        session: &Session,
        import: ImportId,
        from_row: u64,
        rows: Vec<ImportRow>,
        last: bool,
        dry_run: bool,
    ) -> Answer<ImportProgress> {
        // Before anything is told of the job, and for a dry run as well: rows pass through it.
        let permit = self.permit_office::<Import>(session, Target::Office)?;
        let (job, before) = self.job(import)?.ok_or(ServiceError::NotFound)?;
        if from_row != job.next_row && !dry_run {
            return Err(ServiceError::ImportPosition(job.next_row));
        }
        let mut batch = Batch::default();
        let (mut entries, mut rejected) = (Vec::new(), Vec::new());
        let count = rows.len() as u64;
        for row in rows {
            // A draft that fails adds nothing to the batch: rows are put after everything is sealed.
            match self.prepare(session, row.case, &mut batch, entries.len()) {
                Ok(prepared) => entries.push((prepared.permit, prepared.shown)),
                Err(Refusal::Denied(denied)) => return Ok(self.deny(session, denied, None)),
                Err(Refusal::Error(error)) => rejected.push(reject(row.line, error)?),
            }
        }
        let next = Job {
            next_row: from_row.saturating_add(count),
            accepted: job.accepted + entries.len() as u64,
            rejected: job.rejected + rejected.len() as u64,
            finished: last,
        };
        let progress = ImportProgress {
            next_row: next.next_row,
            accepted: next.accepted,
            rejected,
        };
        if dry_run {
            return self.record_office(permit, "dry run", progress);
        }
        self.put_job(&mut batch, import, next, Expected::Equals(before))?;
        if entries.is_empty() {
            let shown = Shown {
                query: Some("import"),
                ..Shown::default()
            };
            let recorded = self.log.record_with(permit, shown, batch);
            return Ok(recorded.map(|recorded| recorded.map(|_| progress).map_err(fault::log)));
        }
        let recorded = self.log.record_all(entries, batch);
        Ok(recorded.map(|recorded| recorded.map(|_| progress).map_err(fault::log)))
    }

    fn job(&self, id: ImportId) -> Result<Option<(Job, Value)>, ServiceError> {
        let key = Key::from(*id.as_bytes());
        let Some(value) = self
            .engine
            .get(Space::Import, &key)
            .map_err(fault::engine)?
        else {
            return Ok(None);
        };
        let damaged = || ServiceError::Damaged("import job".to_owned());
        let plain = self
            .row_key
            .open(Space::Import, key.as_bytes(), value.as_bytes())
            .map_err(|_| damaged())?;
        let job = postcard::from_bytes(plain.expose()).map_err(|_| damaged())?;
        Ok(Some((job, value)))
    }

    fn put_job(
        &self,
        batch: &mut Batch,
        id: ImportId,
        job: Job,
        expected: Expected,
    ) -> Result<(), ServiceError> {
        let key = Key::from(*id.as_bytes());
        let internal = |_| ServiceError::Internal("import job does not encode".to_owned());
        let plain = postcard::to_stdvec(&job).map_err(internal)?;
        let sealed = self
            .row_key
            .seal(
                Space::Import,
                key.as_bytes(),
                &plain,
                Padding::Steps,
                self.random.as_ref(),
            )
            .map_err(fault::seal)?;
        let value = Value::new(sealed)
            .map_err(|_| ServiceError::Internal("import job too long".to_owned()))?;
        batch.expect.push((Space::Import, key.clone(), expected));
        batch.put.push((Space::Import, key, value));
        Ok(())
    }
}

/// A refusal that concerns the row alone; any other error ends the import.
fn reject(line: u64, error: ServiceError) -> Result<RejectedRow, ServiceError> {
    let (code, field) = match error {
        ServiceError::Invalid(invalid) => (invalid.why.to_owned(), Some(invalid.field)),
        ServiceError::NoRecipient => ("no_recipient".to_owned(), None),
        ServiceError::NotEnrolled => ("not_enrolled".to_owned(), Some("assignees".to_owned())),
        other => return Err(other),
    };
    Ok(RejectedRow { line, code, field })
}
