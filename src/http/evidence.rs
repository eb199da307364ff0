//! The evidence for a petitioner: who opened their case.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::body;
use super::error::Problem;
use super::extract::Who;
use super::openapi::WriteProblems;
use crate::service::{EvidenceDraft, EvidenceView, Service};

/// Tells who opened a case (열람 내역), as roles, times, purposes and tasks, with proofs.
#[utoipa::path(post, path = "/evidence", tag = "evidence", request_body = EvidenceDraft,
    security(("session" = [])), responses((status = 200, body = EvidenceView), WriteProblems))]
pub(super) async fn give(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(draft): body::Json<EvidenceDraft>,
) -> Result<Json<EvidenceView>, Problem> {
    let call = service.call(move |store| store.give_evidence(&session, draft));
    Ok(Json(call.await?))
}
