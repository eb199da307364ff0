//! Bulk registration (일괄 등록), resumable: the rows of a chunk and the job's position are one
//! atomic batch, so a killed import continues where it stood, without loss or duplicate.

use super::error::ServiceError;
use super::fault;
use super::import_rejects::{Page, reject};
use super::register::Refusal;
use super::store::{Answer, Store};
use super::types::{ImportProgress, ImportRow, ImportState};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
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
    fn state(self, id: ImportId, rejects: Page) -> ImportState {
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
            rejected_rows: rejects.rows,
            rejects_next: rejects.next,
        }
    }
}

/// Some rows of a file.
pub struct Chunk {
    /// Row of the file with which it begins, from 0.
    pub from_row: u64,
    /// The rows.
    pub rows: Vec<ImportRow>,
    /// Whether the file ends here.
    pub last: bool,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
}

impl Store {
    /// `POST /imports`: opens the job of this file and map, or finds where it stands and which
    /// rows it refused, in the chunks from row `rejects_from` on.
    pub fn open_import(
        &self,
        session: &Session,
        fingerprint: [u8; 32],
        rejects_from: u64,
    ) -> Answer<ImportState> {
        self.office::<Import, _>(session, Target::Office, |permit| {
            self.open_job(permit, fingerprint, rejects_from)
        })
    }

    fn open_job(
        &self,
        permit: Permit<Import>,
        fingerprint: [u8; 32],
        rejects_from: u64,
    ) -> Answer<ImportState> {
        let id = ImportId::from_bytes(self.locator.place("import", &[&fingerprint]));
        let mut batch = Batch::default();
        let job = match self.job(id)? {
            Some((job, _)) => job,
            None => {
                self.put_job(&mut batch, id, Job::default(), Expected::Absent)?;
                Job::default()
            }
        };
        let state = job.state(id, self.rejects(id, rejects_from)?);
        let shown = Shown {
            query: Some("import"),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch);
        Ok(recorded.map(move |recorded| recorded.map(|_| state).map_err(fault::log)))
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
        chunk: Chunk,
    ) -> Answer<ImportProgress> {
        // Before anything is told of the job, and for a dry run as well: rows pass through it.
        self.office::<Import, _>(session, Target::Office, |permit| {
            let standing = self.job(import).and_then(|job| {
                let (job, before) = job.ok_or(ServiceError::NotFound)?;
                self.headroom.for_outputs()?;
                if chunk.from_row != job.next_row && !chunk.dry_run {
                    return Err(ServiceError::ImportPosition(job.next_row));
                }
                Ok((job, before))
            });
            self.or_fail(permit, standing, |permit, standing| {
                self.take_rows(session, permit, import, standing, chunk)
            })
        })
    }

    fn take_rows(
        &self,
        session: &Session,
        permit: Permit<Import>,
        import: ImportId,
        (job, before): (Job, Value),
        chunk: Chunk,
    ) -> Answer<ImportProgress> {
        let Chunk {
            from_row,
            rows,
            last,
            dry_run,
        } = chunk;
        let mut batch = Batch::default();
        let (mut entries, mut rejected) = (Vec::new(), Vec::new());
        let (mut accepted, count) = (0, rows.len() as u64);
        for row in rows {
            // A draft that fails adds nothing to the batch: rows are put after everything is sealed.
            let taken = if dry_run {
                self.rehearse(session, row.case).map(|()| None)
            } else {
                self.prepare(session, row.case, &mut batch, entries.len())
                    .map(Some)
            };
            match taken {
                Ok(prepared) => {
                    accepted += 1;
                    entries.extend(prepared.map(|prepared| (prepared.permit, prepared.shown)));
                }
                Err(Refusal::Denied(denied)) => return Ok(self.deny(session, denied, None)),
                Err(Refusal::Failed(_, error)) => rejected.push(reject(row.line, error)?),
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
        let next = Job {
            next_row: from_row.saturating_add(count),
            accepted: job.accepted + accepted,
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
        self.keep_rejects(&mut batch, import, from_row, &progress.rejected)?;
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

#[cfg(test)]
mod tests;
