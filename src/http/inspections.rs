//! Inspections of the access log (접속기록 점검), their findings, explanations and signatures.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{Id, Params, Who};
use super::headers::styled_page;
use super::openapi::{ReadProblems, WriteProblems};
use super::page::Page;
use crate::domain::id::InspectionId;
use crate::inspection::pack::FindingId;
use crate::inspection::report::STYLE;
use crate::inspection::view::{
    ExplanationDraft, FindingView, InspectionDraft, InspectionList, InspectionView, SignDraft,
    VerdictDraft,
};
use crate::service::Service;

/// Makes the inspection of a month.
#[utoipa::path(post, path = "/inspections", tag = "inspections", request_body = InspectionDraft,
    security(("session" = [])), responses((status = 201, body = InspectionView), WriteProblems))]
pub(super) async fn make(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(draft): body::Json<InspectionDraft>,
) -> Result<(StatusCode, Json<InspectionView>), Problem> {
    let call = service.call(move |store| store.make_inspection(&session, draft));
    Ok((StatusCode::CREATED, Json(call.await?)))
}

/// Lists inspections, and the months whose inspection nobody made in time.
#[utoipa::path(get, path = "/inspections", tag = "inspections", security(("session" = [])),
    responses((status = 200, body = InspectionList), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
) -> Result<Json<InspectionList>, Problem> {
    let call = service.call(move |store| store.inspections(&session));
    Ok(Json(call.await?))
}

/// Shows an inspection: the sheet that a signature binds to, its hash, the sign-off.
#[utoipa::path(get, path = "/inspections/{id}", tag = "inspections",
    params(("id" = String, Path, description = "Inspection id")), security(("session" = [])),
    responses((status = 200, body = InspectionView), ReadProblems))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<InspectionId>,
) -> Result<Json<InspectionView>, Problem> {
    let id = id.known().ok();
    let call = service.call(move |store| store.inspection(&session, id));
    Ok(Json(call.await?))
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Form {
    #[default]
    Html,
    Pdf,
}

/// In which form.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FormParams {
    /// The form of the report.
    #[serde(default)]
    form: Form,
}

/// The report of an inspection with its chart, to be printed: a page, or PDF.
#[utoipa::path(get, path = "/inspections/{id}/report", tag = "inspections",
    params(("id" = String, Path, description = "Inspection id"), FormParams),
    security(("session" = [])),
    responses((status = 200, body = String, content_type = "text/html"), ReadProblems))]
pub(super) async fn report(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<InspectionId>,
    Params(FormParams { form }): Params<FormParams>,
) -> Result<Response, Problem> {
    let id = id.known().ok();
    if matches!(form, Form::Pdf) {
        let call = service.call(move |store| store.inspection_pdf(&session, id));
        let kind = [(header::CONTENT_TYPE, "application/pdf")];
        return Ok((kind, call.await?).into_response());
    }
    let call = service.call(move |store| store.inspection_report(&session, id));
    Ok(styled_page(STYLE, call.await?))
}

/// Judges a finding: accepted as explained, or not; or takes the judgement back.
#[utoipa::path(post, path = "/inspections/{id}/findings/{number}/verdict", tag = "inspections",
    request_body = VerdictDraft,
    params(("id" = String, Path, description = "Inspection id"),
        ("number" = u32, Path, description = "Number of the finding, from 1")),
    security(("session" = [])), responses((status = 200, body = InspectionView), WriteProblems))]
pub(super) async fn judge(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path((id, number)): Path<(String, String)>,
    body::Json(draft): body::Json<VerdictDraft>,
) -> Result<Json<InspectionView>, Problem> {
    // What cannot be read is asked for all the same, as one that nobody has.
    let id = format!("{id}-{number}").parse::<FindingId>().ok();
    let call = service.call(move |store| store.judge_finding(&session, id, draft));
    Ok(Json(call.await?))
}

/// Signs an inspection off: exactly the sheet whose hash is sent back.
#[utoipa::path(post, path = "/inspections/{id}/sign", tag = "inspections",
    request_body = SignDraft, params(("id" = String, Path, description = "Inspection id")),
    security(("session" = [])), responses((status = 200, body = InspectionView), WriteProblems))]
pub(super) async fn sign(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<InspectionId>,
    body::Json(draft): body::Json<SignDraft>,
) -> Result<Json<InspectionView>, Problem> {
    let id = id.known().ok();
    let call = service.call(move |store| store.sign_inspection(&session, id, draft));
    Ok(Json(call.await?))
}

/// Findings about oneself that wait for an answer, or for the signature.
#[utoipa::path(get, path = "/findings", tag = "inspections", security(("session" = [])),
    responses((status = 200, body = Page<FindingView>), ReadProblems))]
pub(super) async fn findings(
    State(service): State<Arc<Service>>,
    Who(session): Who,
) -> Result<Json<Page<FindingView>>, Problem> {
    let call = service.call(move |store| store.own_findings(&session));
    Ok(Page::json(call.await?))
}

/// Explains a finding about oneself (소명).
#[utoipa::path(post, path = "/findings/{id}/explanation", tag = "inspections",
    request_body = ExplanationDraft,
    params(("id" = String, Path, description = "Finding id")),
    security(("session" = [])), responses((status = 200, body = FindingView), WriteProblems))]
pub(super) async fn explain(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<FindingId>,
    body::Json(draft): body::Json<ExplanationDraft>,
) -> Result<Json<FindingView>, Problem> {
    let id = id.known().ok();
    let call = service.call(move |store| store.explain(&session, id, draft));
    Ok(Json(call.await?))
}
