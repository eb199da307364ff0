//! The life of a case: amend, close, reopen, hold.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{self, Id, Who};
use super::openapi::WriteProblems;
use crate::cases::draft::{Amendment, PersonDraft, Work};
use crate::domain::id::CaseId;
use crate::service::{Amended, Holds, Service};

/// What is added to a case, or becomes of the work on it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AmendmentBody {
    /// Purpose code.
    purpose: String,
    /// A further statement (보정); becomes a part of its own.
    #[serde(default)]
    statement: Option<String>,
    /// A further person; becomes a part of their own.
    #[serde(default)]
    person: Option<PersonDraft>,
    /// close or reopen.
    #[serde(default)]
    work: Option<Work>,
    /// Why; sealed in the access log.
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HoldAction {
    Set,
    Lift,
}

/// A hold to set or lift.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldBody {
    /// Purpose code.
    purpose: String,
    action: HoldAction,
    /// The law or matter it rests on; lifts the holds on that ground.
    ground: String,
}

/// Adds to a case, closes or reopens it.
#[utoipa::path(patch, path = "/cases/{id}", tag = "cases", request_body = AmendmentBody,
    params(("id" = String, Path, description = "Case id")), security(("session" = [])),
    responses((status = 200, body = Amended), WriteProblems))]
pub(super) async fn amend(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<CaseId>,
    body::Json(asked): body::Json<AmendmentBody>,
) -> Result<Json<Amended>, Problem> {
    let purpose = extract::purpose(Some(&asked.purpose))?;
    let case = id.known()?;
    let AmendmentBody {
        statement,
        person,
        work,
        reason,
        ..
    } = asked;
    let amendment = Amendment {
        statement,
        person,
        work,
    };
    let call = service.call(move |store| store.amend(&session, case, purpose, amendment, reason));
    Ok(Json(call.await?))
}

/// Holds a case as it is (보존 조치), or lifts a hold that somebody else set.
#[utoipa::path(put, path = "/cases/{id}/hold", tag = "cases", request_body = HoldBody,
    params(("id" = String, Path, description = "Case id")), security(("session" = [])),
    responses((status = 200, body = Holds), WriteProblems))]
pub(super) async fn hold(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<CaseId>,
    body::Json(asked): body::Json<HoldBody>,
) -> Result<Json<Holds>, Problem> {
    let purpose = extract::purpose(Some(&asked.purpose))?;
    let case = id.known()?;
    let HoldBody { action, ground, .. } = asked;
    let set = matches!(action, HoldAction::Set);
    let call = service.call(move |store| store.hold(&session, case, purpose, set, ground));
    Ok(Json(call.await?))
}
