//! From a mark, a file or a photographed page back to its record: for privacy officers and
//! auditors.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::body;
use super::error::Problem;
use super::extract::Who;
use super::limits::{TRACE_BYTES_MAX, TRACE_FILE_BYTES_MAX};
use super::openapi::WriteProblems;
use crate::domain::secret::SecretText;
use crate::service::{Evidence, Service, Traced};

/// What was found: one of the two.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Found {
    /// A serial number as it was read off a page.
    serial: Option<String>,
    /// A PDF (what it says about itself, and the scanned pages in it), or a picture of paper (PNG,
    /// JPEG), in base64; 8 MiB at the most.
    #[schema(value_type = Option<String>)]
    file: Option<SecretText>,
}

/// Finds the print or export that something came from.
#[utoipa::path(post, path = "/traces", tag = "outputs", request_body = Found,
    security(("session" = [])), responses((status = 200, body = Traced), WriteProblems))]
pub(super) async fn trace(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<Found, TRACE_BYTES_MAX>,
) -> Result<Json<Traced>, Problem> {
    let evidence = match (asked.serial, asked.file) {
        (Some(serial), None) => Evidence::Serial(serial),
        (None, Some(file)) => {
            let bytes = BASE64.decode(file.expose().as_bytes());
            let bytes = bytes.map_err(|_| Problem::invalid("file", "is not base64"))?;
            let bytes = Zeroizing::new(bytes);
            if bytes.len() > TRACE_FILE_BYTES_MAX {
                return Err(Problem::invalid("file", "is larger than 8 MiB"));
            }
            Evidence::File(bytes)
        }
        _ => {
            return Err(Problem::invalid(
                "serial",
                "or a file is needed, and one only",
            ));
        }
    };
    let found = service
        .call_trace(move |store| store.trace(&session, evidence))
        .await?;
    Ok(Json(found))
}
