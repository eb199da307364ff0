//! The life of a case: amend, close, reopen, hold.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{self, Id, Who};
use super::openapi::WriteProblems;
use super::retained::{self, Asked};
use crate::cases::draft::{Amendment, PersonDraft, Work};
use crate::domain::id::CaseId;
use crate::service::{Amended, Consented, HoldChange, Holds, Service};

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
    /// Why, sealed in the access log. Needed for lifting: the second person sees it.
    #[serde(default)]
    reason: Option<String>,
    /// For lifting: id of the approval, once a second person has approved exactly this.
    #[serde(default)]
    approval: Option<String>,
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

/// Holds a case as it is (보존 조치), or lifts a hold that somebody else set. Lifting asks for a
/// second person first; with their approval it is done.
#[utoipa::path(put, path = "/cases/{id}/hold", tag = "cases", request_body = HoldBody,
    params(("id" = String, Path, description = "Case id")), security(("session" = [])),
    responses((status = 200, body = Holds), (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn hold(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<CaseId>,
    body::Json(asked): body::Json<HoldBody>,
) -> Result<Response, Problem> {
    let purpose = extract::purpose(Some(&asked.purpose))?;
    let case = id.known()?;
    let HoldBody {
        action,
        ground,
        reason,
        approval,
        ..
    } = asked;
    let change = HoldChange {
        purpose,
        set: matches!(action, HoldAction::Set),
        ground,
        reason,
        approval: retained::approval(approval.as_deref())?,
    };
    let call = service.call(move |store| store.hold(&session, case, change));
    Ok(match call.await? {
        Consented::Asked(approval) => retained::asked(approval),
        Consented::Done(holds, _) => Json(holds).into_response(),
    })
}
