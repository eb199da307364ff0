//! Requests of data subjects: from receipt to result notice.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::body;
use super::error::Problem;
use super::extract::{Id, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::{Page, PageParams};
use crate::destruction::draft::{
    ApprovalDraft, CancelDraft, DeliveryDraft, FormDraft, IdentityDraft, RefuseDraft, RequestDraft,
    ReviewDraft,
};
use crate::destruction::view::{NoticeView, RequestRow, RequestView};
use crate::domain::id::RequestId;
use crate::service::Service;

/// Takes in a request (삭제 요구); what it names is locked at once.
#[utoipa::path(post, path = "/deletion-requests", tag = "deletion", request_body = RequestDraft,
    security(("session" = [])), responses((status = 201, body = RequestView), WriteProblems))]
pub(super) async fn take_in(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(draft): body::Json<RequestDraft>,
) -> Result<(StatusCode, Json<RequestView>), Problem> {
    let view = service
        .call(move |store| store.request_deletion(&session, draft))
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Lists requests, overdue first: one's own, or all for the privacy officer.
#[utoipa::path(get, path = "/deletion-requests", tag = "deletion", params(PageParams),
    security(("session" = [])), responses((status = 200, body = Page<RequestRow>), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Params(params): Params<PageParams>,
) -> Result<Json<Page<RequestRow>>, Problem> {
    let page = params.page()?;
    let rows = service
        .call(move |store| store.deletion_requests(&session, page))
        .await?;
    Ok(Page::json(rows))
}

/// Shows a request, its state, its due date and what may follow.
#[utoipa::path(get, path = "/deletion-requests/{id}", tag = "deletion",
    params(("id" = String, Path, description = "Request id")), security(("session" = [])),
    responses((status = 200, body = RequestView), ReadProblems))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.deletion_request(&session, id));
    Ok(Json(call.await?))
}

/// Records how it was checked who asks (본인 확인). No copy of a document is taken in.
#[utoipa::path(post, path = "/deletion-requests/{id}/identity", tag = "deletion",
    request_body = IdentityDraft, params(("id" = String, Path, description = "Request id")),
    security(("session" = [])), responses((status = 200, body = RequestView), WriteProblems))]
pub(super) async fn identity(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
    body::Json(draft): body::Json<IdentityDraft>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.check_identity(&session, id, draft));
    Ok(Json(call.await?))
}

/// Judges every part (법령 검토): destroy, keep apart under a law, or hold.
#[utoipa::path(post, path = "/deletion-requests/{id}/review", tag = "deletion",
    request_body = ReviewDraft, params(("id" = String, Path, description = "Request id")),
    security(("session" = [])), responses((status = 200, body = RequestView), WriteProblems))]
pub(super) async fn review(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
    body::Json(draft): body::Json<ReviewDraft>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.review_deletion(&session, id, draft));
    Ok(Json(call.await?))
}

/// Fills in the destruction request form (파기요청서).
#[utoipa::path(post, path = "/deletion-requests/{id}/form", tag = "deletion",
    request_body = FormDraft, params(("id" = String, Path, description = "Request id")),
    security(("session" = [])), responses((status = 200, body = RequestView), WriteProblems))]
pub(super) async fn form(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
    body::Json(draft): body::Json<FormDraft>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.form_destruction(&session, id, draft));
    Ok(Json(call.await?))
}

/// Approves exactly the form whose hash is sent back; the destruction waits for its window.
#[utoipa::path(post, path = "/deletion-requests/{id}/approve", tag = "deletion",
    request_body = ApprovalDraft, params(("id" = String, Path, description = "Request id")),
    security(("session" = [])), responses((status = 200, body = RequestView), WriteProblems))]
pub(super) async fn approve(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
    body::Json(draft): body::Json<ApprovalDraft>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.approve_destruction(&session, id, draft));
    Ok(Json(call.await?))
}

/// Refuses it, with the law, the reason and the way to object.
#[utoipa::path(post, path = "/deletion-requests/{id}/refuse", tag = "deletion",
    request_body = RefuseDraft, params(("id" = String, Path, description = "Request id")),
    security(("session" = [])), responses((status = 200, body = RequestView), WriteProblems))]
pub(super) async fn refuse(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
    body::Json(draft): body::Json<RefuseDraft>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.refuse_deletion(&session, id, draft));
    Ok(Json(call.await?))
}

/// Cancels it; inside the window, the approved destruction with it.
#[utoipa::path(post, path = "/deletion-requests/{id}/cancel", tag = "deletion",
    request_body = CancelDraft, params(("id" = String, Path, description = "Request id")),
    security(("session" = [])), responses((status = 200, body = RequestView), WriteProblems))]
pub(super) async fn cancel(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
    body::Json(draft): body::Json<CancelDraft>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.cancel_deletion(&session, id, draft));
    Ok(Json(call.await?))
}

/// The result notice (결과 통지서), once there is a result.
#[utoipa::path(get, path = "/deletion-requests/{id}/notice", tag = "deletion",
    params(("id" = String, Path, description = "Request id")), security(("session" = [])),
    responses((status = 200, body = NoticeView), ReadProblems))]
pub(super) async fn notice(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
) -> Result<Json<NoticeView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.notice(&session, id));
    Ok(Json(call.await?))
}

/// Records that the notice reached the person; this ends the request.
#[utoipa::path(post, path = "/deletion-requests/{id}/notice", tag = "deletion",
    request_body = DeliveryDraft, params(("id" = String, Path, description = "Request id")),
    security(("session" = [])), responses((status = 200, body = RequestView), WriteProblems))]
pub(super) async fn deliver(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<RequestId>,
    body::Json(draft): body::Json<DeliveryDraft>,
) -> Result<Json<RequestView>, Problem> {
    let id = id.known()?;
    let call = service.call(move |store| store.deliver_notice(&session, id, draft));
    Ok(Json(call.await?))
}
