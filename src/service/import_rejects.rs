//! The rows that an import refused, kept beside its job by the batch of their chunk: an answer that
//! was lost, and an import that is started again, still name every one.
//!
//! ```text
//! key   = import id ‖ first row of the chunk (8 bytes, big endian)
//! value = RowKey(1 ‖ postcard([(line, code, field, reason)])), padded in steps
//! ```

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use super::types::{RejectCode, RejectedRow};
use crate::crypto::sealed::Padding;
use crate::domain::id::ImportId;
use crate::domain::limit::Limit;
use crate::engine::{Batch, Expected, Key, KeyRange, Space, Value};

/// Format of the plaintext.
const FORMAT: u8 = 1;
/// Chunks whose rejects one answer names: with the rows that a chunk has at most, a megabyte.
const CHUNKS: usize = 20;

type Kept = (u64, RejectCode, Option<String>, Option<String>);

/// Some rejects, and the row from which the next are to be asked for.
pub(super) struct Page {
    pub(super) rows: Vec<RejectedRow>,
    pub(super) next: Option<u64>,
}

/// A refusal that concerns the row alone; any other error ends the import.
pub(super) fn reject(line: u64, error: ServiceError) -> Result<RejectedRow, ServiceError> {
    let (code, field, reason) = match error {
        ServiceError::Invalid(invalid) => {
            let reason = Some(invalid.why.to_owned());
            (RejectCode::Invalid, Some(invalid.field), reason)
        }
        ServiceError::NoRecipient => (RejectCode::NoRecipient, None, None),
        ServiceError::NotEnrolled => (RejectCode::NotEnrolled, Some("assignees".to_owned()), None),
        other => return Err(other),
    };
    Ok(RejectedRow {
        line,
        code,
        field,
        reason,
    })
}

fn key(import: ImportId, from_row: u64) -> Result<Key, ServiceError> {
    let bytes = [&import.as_bytes()[..], &from_row.to_be_bytes()].concat();
    Key::new(bytes).map_err(|_| ServiceError::Internal("rejects have no key".to_owned()))
}

fn damaged() -> ServiceError {
    ServiceError::Damaged("rejects of an import".to_owned())
}

/// The first row of the chunk with this key.
fn from_row(key: &Key) -> Result<u64, ServiceError> {
    let bytes = key.as_bytes().last_chunk().ok_or_else(damaged)?;
    Ok(u64::from_be_bytes(*bytes))
}

impl Store {
    /// Adds the rejects of the chunk that begins at `from_row` to its batch, if there are any.
    pub(super) fn keep_rejects(
        &self,
        batch: &mut Batch,
        import: ImportId,
        from_row: u64,
        rejected: &[RejectedRow],
    ) -> Result<(), ServiceError> {
        if rejected.is_empty() {
            return Ok(());
        }
        let internal = |why: &str| ServiceError::Internal(why.to_owned());
        let kept = |row: &RejectedRow| (row.line, row.code, row.field.clone(), row.reason.clone());
        let kept: Vec<Kept> = rejected.iter().map(kept).collect();
        let plain = postcard::to_extend(&kept, vec![FORMAT])
            .map_err(|_| internal("rejects do not encode"))?;
        let key = key(import, from_row)?;
        let random = self.random.as_ref();
        let sealed = self
            .row_key
            .seal(
                Space::Import,
                key.as_bytes(),
                &plain,
                Padding::Steps,
                random,
            )
            .map_err(fault::seal)?;
        let value = Value::new(sealed).map_err(|_| internal("rejects are too long"))?;
        batch
            .expect
            .push((Space::Import, key.clone(), Expected::Absent));
        batch.put.push((Space::Import, key, value));
        Ok(())
    }

    /// The rejects of the chunks that begin at `from` or later, in order.
    pub(super) fn rejects(&self, import: ImportId, from: u64) -> Result<Page, ServiceError> {
        let mut range = KeyRange::prefix(import.as_bytes());
        range.from = Some(key(import, from)?.as_bytes().to_vec());
        let found = self
            .engine
            .scan(Space::Import, range, Limit::rows(CHUNKS + 1))
            .map_err(fault::engine)?;
        let next = found
            .rows
            .get(CHUNKS)
            .map(|(key, _)| from_row(key))
            .transpose()?;
        let mut rows = Vec::new();
        for (key, value) in found.rows.iter().take(CHUNKS) {
            rows.extend(self.kept_rejects(key, value)?);
        }
        Ok(Page { rows, next })
    }

    fn kept_rejects(
        &self,
        key: &Key,
        value: &Value,
    ) -> Result<impl Iterator<Item = RejectedRow>, ServiceError> {
        let plain = self
            .row_key
            .open(Space::Import, key.as_bytes(), value.as_bytes())
            .map_err(|_| damaged())?;
        let kept: Vec<Kept> = match plain.expose().split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|_| damaged())?,
            _ => return Err(damaged()),
        };
        Ok(kept
            .into_iter()
            .map(|(line, code, field, reason)| RejectedRow {
                line,
                code,
                field,
                reason,
            }))
    }
}
