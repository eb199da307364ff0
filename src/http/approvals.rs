//! Requests that wait for a second person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::body;
use super::error::Problem;
use super::extract::{Id, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::{Page, PageParams};
use crate::domain::id::ApprovalId;
use crate::people::view::{ApprovalState, ApprovalView};
use crate::service::{Service, Verdict};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Approve,
    Refuse,
}

/// What the second person says.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    decision: Word,
    /// Hash of the request, as `GET /approvals` shows it: another request is refused.
    hash: Option<String>,
}

fn hash(text: &str) -> Result<[u8; 32], Problem> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes());
    bytes
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Problem::invalid("hash", "is not 64 hexadecimal digits"))
}

/// State of an approval after a decision.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Decided {
    /// State now.
    state: ApprovalState,
}

/// Lists requests.
#[utoipa::path(get, path = "/approvals", tag = "approvals", params(PageParams),
    security(("session" = [])),
    responses((status = 200, body = Page<ApprovalView>), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Params(params): Params<PageParams>,
) -> Result<Json<Page<ApprovalView>>, Problem> {
    let page = params.page()?;
    let rows = service
        .call(move |store| store.approvals(&session, page))
        .await?;
    Ok(Page::json(rows))
}

/// Approves or refuses one.
#[utoipa::path(post, path = "/approvals/{id}", tag = "approvals", request_body = Decision,
    params(("id" = String, Path, description = "Approval id")), security(("session" = [])),
    responses((status = 200, body = Decided), WriteProblems))]
pub(super) async fn decide(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<ApprovalId>,
    body::Json(asked): body::Json<Decision>,
) -> Result<Json<Decided>, Problem> {
    let verdict = Verdict {
        approve: matches!(asked.decision, Word::Approve),
        hash: asked.hash.as_deref().map(hash).transpose()?,
    };
    let approval = id.known()?;
    let state = service
        .call(move |store| store.decide_approval(&session, approval, verdict))
        .await?;
    Ok(Json(Decided { state }))
}
