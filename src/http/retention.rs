//! Retention rules, and the sweep that proposes what has expired.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::Who;
use super::openapi::{ReadProblems, WriteProblems};
use crate::destruction::view::{RulesView, SweepView};
use crate::service::Service;

/// A sweep to run.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sweep {
    /// The asker says that the wall clock is right, after it leapt: two people have to.
    #[serde(default)]
    confirm_clock: bool,
}

/// Shows the rules.
#[utoipa::path(get, path = "/retention/rules", tag = "retention", security(("session" = [])),
    responses((status = 200, body = RulesView), ReadProblems))]
pub(super) async fn rules(
    State(service): State<Arc<Service>>,
    Who(session): Who,
) -> Result<Json<RulesView>, Problem> {
    let call = service.call(move |store| store.retention_rules(&session));
    Ok(Json(call.await?))
}

/// Sets the rules: these and no others.
#[utoipa::path(put, path = "/retention/rules", tag = "retention", request_body = RulesView,
    security(("session" = [])), responses((status = 200, body = RulesView), WriteProblems))]
pub(super) async fn set_rules(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<RulesView>,
) -> Result<Json<RulesView>, Problem> {
    let call = service.call(move |store| store.set_retention_rules(&session, asked));
    Ok(Json(call.await?))
}

/// Proposes the cases whose period has run out, and says which were passed over and why.
#[utoipa::path(post, path = "/retention/sweeps", tag = "retention", request_body = Sweep,
    security(("session" = [])), responses((status = 200, body = SweepView), WriteProblems))]
pub(super) async fn sweep(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<Sweep>,
) -> Result<Json<SweepView>, Problem> {
    let call = service.call(move |store| store.sweep(&session, asked.confirm_clock));
    Ok(Json(call.await?))
}
