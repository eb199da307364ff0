//! One's own budget, asking for more of it, and the alerts that it raises.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{self, Id, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::Page;
use super::retained::{Asked, asked as told};
use crate::domain::id::AlertId;
use crate::service::{AlertView, BudgetView, Service};

/// How much more is needed.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct More {
    /// So many people more.
    #[serde(default)]
    people: u32,
    /// So many cases more.
    #[serde(default)]
    cases: u32,
    /// Why; sealed in the access log.
    reason: String,
}

/// What came of looking into an alert.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    /// In the words of who looked.
    note: String,
}

/// Which alerts.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertParams {
    /// `true` for those that nobody took note of.
    #[param(value_type = Option<bool>)]
    open: Option<String>,
    /// At most this many rows, 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// One's own budget: used, thresholds, what second persons allowed.
#[utoipa::path(get, path = "/budget", tag = "budget", security(("session" = [])),
    responses((status = 200, body = BudgetView), ReadProblems))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Who(session): Who,
) -> Result<Json<BudgetView>, Problem> {
    let view = service.call(move |store| store.budget_view(&session));
    Ok(Json(view.await?))
}

/// Asks a second person for more, for a day.
#[utoipa::path(post, path = "/budget", tag = "budget", request_body = More,
    security(("session" = [])), responses(
        (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn raise(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<More>,
) -> Result<Response, Problem> {
    let More {
        people,
        cases,
        reason,
    } = asked;
    let call = service.call(move |store| store.raise_budget(&session, people, cases, reason));
    Ok(told(call.await?))
}

/// Lists alerts, newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(AlertParams),
    security(("session" = [])),
    responses((status = 200, body = Page<AlertView>), ReadProblems))]
pub(super) async fn alerts(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Params(params): Params<AlertParams>,
) -> Result<Json<Page<AlertView>>, Problem> {
    let open = extract::parsed("open", "is true or false", params.open.as_deref())?;
    let page = extract::page(params.limit.as_deref(), params.cursor)?;
    let rows = service
        .call(move |store| store.alerts(&session, open.unwrap_or(false), page))
        .await?;
    Ok(Page::json(rows))
}

/// Takes note of an alert: for privacy officers, and none about themselves.
#[utoipa::path(post, path = "/alerts/{id}/acknowledge", tag = "alerts", request_body = Note,
    params(("id" = String, Path, description = "Alert id")), security(("session" = [])),
    responses((status = 200, body = AlertView), WriteProblems))]
pub(super) async fn acknowledge(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<AlertId>,
    body::Json(asked): body::Json<Note>,
) -> Result<Json<AlertView>, Problem> {
    let id = id.known().ok();
    let call = service.call(move |store| store.acknowledge_alert(&session, id, asked.note));
    Ok(Json(call.await?))
}
