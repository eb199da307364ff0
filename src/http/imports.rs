//! Taking in many cases, in chunks that can be resumed.

use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{Id, Who};
use super::limits::{IMPORT_BYTES_MAX, IMPORT_ROWS_MAX};
use super::openapi::WriteProblems;
use crate::domain::id::{BadId, ImportId};
use crate::service::{ImportProgress, ImportRow, ImportState, Service};

/// A file to take in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewImport {
    /// SHA-256 over file and map, 64 hexadecimal digits: the same file and map resume.
    fingerprint: String,
    /// How many rows the file has, where known; for display only.
    #[serde(default, rename = "rows_total")]
    _rows_total: Option<u64>,
    /// Check everything, store nothing. The id of the answer says so from then on.
    #[serde(default)]
    dry_run: bool,
    /// From which row on the refused rows of earlier chunks are named; 0 at first.
    #[serde(default)]
    rejects_from: u64,
}

/// A chunk of rows.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chunk {
    /// Number of the first row of this chunk, from 0.
    from_row: u64,
    /// Whether no more rows follow.
    last: bool,
    /// At most 500 rows.
    rows: Vec<ImportRow>,
}

/// An import in the path. The id of a dry run says that it is one, so that no later chunk of it
/// can be stored by a flag that somebody forgot.
pub(super) struct Job {
    import: ImportId,
    dry_run: bool,
}

const DRY: &str = "dry-";

impl FromStr for Job {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let (id, dry_run) = text
            .strip_prefix(DRY)
            .map_or((text, false), |id| (id, true));
        Ok(Self {
            import: id.parse()?,
            dry_run,
        })
    }
}

fn fingerprint(text: &str) -> Result<[u8; 32], Problem> {
    HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Problem::invalid("fingerprint", "must be 64 hexadecimal digits"))
}

/// Starts or resumes an import.
#[utoipa::path(post, path = "/imports", tag = "imports", request_body = NewImport,
    security(("session" = [])),
    responses((status = 201, body = ImportState, description = "Nothing was taken in yet"),
        (status = 200, body = ImportState, description = "Goes on at `next_row`"), WriteProblems))]
pub(super) async fn open(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<NewImport>,
) -> Result<(StatusCode, Json<ImportState>), Problem> {
    let fingerprint = fingerprint(&asked.fingerprint)?;
    let mut state = service
        .call(move |store| store.open_import(&session, fingerprint, asked.rejects_from))
        .await?;
    if asked.dry_run {
        state.id.insert_str(0, DRY);
    }
    let status = if state.next_row == 0 {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(state)))
}

/// Takes in a chunk. One that does not start at `next_row` is a conflict that names it.
#[utoipa::path(post, path = "/imports/{id}/rows", tag = "imports", request_body = Chunk,
    params(("id" = String, Path, description = "Import id")), security(("session" = [])),
    responses((status = 200, body = ImportProgress), WriteProblems))]
pub(super) async fn rows(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<Job>,
    body::Json(chunk): body::Json<Chunk, IMPORT_BYTES_MAX>,
) -> Result<Json<ImportProgress>, Problem> {
    let Chunk {
        from_row,
        last,
        rows,
    } = chunk;
    if rows.len() > IMPORT_ROWS_MAX {
        return Err(Problem::invalid("rows", "must be at most 500 at once"));
    }
    let Job { import, dry_run } = id.known()?;
    let chunk = crate::service::Chunk {
        from_row,
        rows,
        last,
        dry_run,
    };
    let progress = service
        .call(move |store| store.import_rows(&session, import, chunk))
        .await?;
    Ok(Json(progress))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_dry_run_stays_dry() {
        let id = ImportId::from_bytes([7; 16]);
        let stored: Job = id.to_string().parse().unwrap();
        let dry: Job = format!("dry-{id}").parse().unwrap();
        assert_eq!((stored.import, stored.dry_run), (id, false));
        assert_eq!((dry.import, dry.dry_run), (id, true));
        assert!("dry-dry-".parse::<Job>().is_err());
    }

    #[test]
    fn fingerprints_are_sixty_four_digits() {
        assert_eq!(fingerprint(&"aB".repeat(32)).unwrap(), [0xab; 32]);
        for bad in ["", "ab", &"zz".repeat(32), &"ab".repeat(33)] {
            assert!(fingerprint(bad).is_err(), "{bad}");
        }
    }
}
