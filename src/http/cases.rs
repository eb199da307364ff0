//! Cases: register, list, open, assign, reclassify.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{self, Id, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::Page;
use crate::cases::draft::{CaseDraft, Classification};
use crate::cases::view::{CaseRow, CaseView};
use crate::domain::id::CaseId;
use crate::service::{Assigned, Progress, Reclassified, Registered, Service};

/// Why somebody looks.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PurposeParams {
    /// Purpose code, such as `handling`.
    #[param(required = true)]
    purpose: Option<String>,
}

/// Why somebody looks, and at which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Purpose code, such as `handling`.
    #[param(required = true)]
    purpose: Option<String>,
    /// At most this many rows, 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Who shall handle a case.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Assignment {
    /// Purpose code.
    purpose: String,
    /// Login names of all who shall handle it.
    assignees: Vec<String>,
    /// Why; sealed in the access log.
    reason: Option<String>,
}

/// What tier a case shall have.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reclassification {
    /// Purpose code.
    purpose: String,
    tier: Classification,
    /// Login names of all who shall handle it; the department's desk, if absent.
    #[serde(default)]
    assignees: Vec<String>,
    /// Why; sealed in the access log.
    reason: String,
}

/// Registers a case.
#[utoipa::path(post, path = "/cases", tag = "cases", request_body = CaseDraft,
    security(("session" = [])), responses((status = 201, body = Registered), WriteProblems))]
pub(super) async fn register(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(draft): body::Json<CaseDraft>,
) -> Result<(StatusCode, Json<Registered>), Problem> {
    let registered = service
        .call(move |store| store.register(&session, draft))
        .await?;
    Ok((StatusCode::CREATED, Json(registered)))
}

/// Lists the cases that the asker may see.
#[utoipa::path(get, path = "/cases", tag = "cases", params(ListParams),
    security(("session" = [])), responses((status = 200, body = Page<CaseRow>), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Params(params): Params<ListParams>,
) -> Result<Json<Page<CaseRow>>, Problem> {
    let purpose = extract::purpose(params.purpose.as_deref())?;
    let page = extract::page(params.limit.as_deref(), params.cursor)?;
    let rows = service
        .call(move |store| store.list_cases(&session, purpose, page))
        .await?;
    Ok(Page::json(rows))
}

/// Opens one case.
#[utoipa::path(get, path = "/cases/{id}", tag = "cases", security(("session" = [])),
    params(("id" = String, Path, description = "Case id"), PurposeParams),
    responses((status = 200, body = CaseView, headers(
        ("Bongham-Log" = String, description = "`index/size` of the access-log entry of this reading")
    )), ReadProblems))]
pub(super) async fn read(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<CaseId>,
    Params(params): Params<PurposeParams>,
) -> Result<([(&'static str, String); 1], Json<CaseView>), Problem> {
    let purpose = extract::purpose(params.purpose.as_deref())?;
    let case = id.known()?;
    let opened = service
        .call(move |store| store.read_case(&session, case, purpose))
        .await?;
    let entry = format!("{}/{}", opened.position.index, opened.position.size);
    Ok(([("bongham-log", entry)], Json(opened.view)))
}

/// Sets who handles a case; whoever leaves a sensitive case loses its keys.
#[utoipa::path(put, path = "/cases/{id}/assignees", tag = "cases", request_body = Assignment,
    params(("id" = String, Path, description = "Case id")), security(("session" = [])),
    responses((status = 200, body = Assigned, description = "Keys that it left behind are gone"),
        (status = 202, body = Assigned, description = "Stored; the old keys go shortly"),
        WriteProblems))]
pub(super) async fn assign(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<CaseId>,
    body::Json(asked): body::Json<Assignment>,
) -> Result<(StatusCode, Json<Assigned>), Problem> {
    let purpose = extract::purpose(Some(&asked.purpose))?;
    let case = id.known()?;
    let Assignment {
        assignees, reason, ..
    } = asked;
    let assigned = service
        .call(move |store| store.assign(&session, case, purpose, assignees, reason))
        .await?;
    Ok((settled(assigned.state), Json(assigned)))
}

/// Sets the tier of a case; all earlier access ends.
#[utoipa::path(put, path = "/cases/{id}/classification", tag = "cases",
    request_body = Reclassification, security(("session" = [])),
    params(("id" = String, Path, description = "Case id")),
    responses((status = 200, body = Reclassified, description = "The old keys are gone"),
        (status = 202, body = Reclassified, description = "Stored; the old keys go shortly"),
        WriteProblems))]
pub(super) async fn reclassify(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<CaseId>,
    body::Json(asked): body::Json<Reclassification>,
) -> Result<(StatusCode, Json<Reclassified>), Problem> {
    let purpose = extract::purpose(Some(&asked.purpose))?;
    let case = id.known()?;
    let Reclassification {
        tier,
        assignees,
        reason,
        ..
    } = asked;
    let done = service
        .call(move |store| store.reclassify(&session, case, purpose, tier, assignees, reason))
        .await?;
    Ok((settled(done.state), Json(done)))
}

/// Whether the old keys are gone with the answer.
fn settled(state: Progress) -> StatusCode {
    match state {
        Progress::Done => StatusCode::OK,
        Progress::Pending => StatusCode::ACCEPTED,
    }
}
