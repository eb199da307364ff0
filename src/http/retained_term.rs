//! What is kept apart longer than it was meant to be: a hold, a later end, a destruction that is
//! called off. For retention custodians; for everybody else there are no such routes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::error::Problem;
use super::extract::{self, Id};
use super::openapi::WriteProblems;
use super::retained::{Asked, Custodian, approval, asked as waits, entry, stranger};
use super::upkeep::HoldAction;
use crate::domain::id::RetainedId;
use crate::service::{CalledOff, Consented, Holding, Holds, NewTerm, Service, Term};

/// Why a destruction is called off.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CallingOff {
    /// Why; sealed in the access log.
    reason: String,
}

/// A hold on an item, to set or lift.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemHold {
    action: HoldAction,
    /// The law or matter it rests on.
    ground: String,
    /// Why; sealed in the access log.
    reason: String,
    /// Id of the approval, once a second person has approved exactly this lift.
    approval: Option<String>,
}

/// A later end of an item.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemTerm {
    /// Until when, RFC 3339.
    until: String,
    /// Id of the decision 재책정 of the records appraisal. It goes into the ledger: no personal data.
    decision: Option<String>,
    /// Why; sealed in the access log.
    reason: String,
    /// Id of the approval, once a second person has approved exactly this.
    approval: Option<String>,
}

/// Calls the ordered destruction of an item off, until its time or while a hold keeps it.
#[utoipa::path(post, path = "/retained/{id}/destruction/cancel", tag = "retained",
    request_body = CallingOff,
    params(("id" = String, Path, description = "Id of the item")), security(("session" = [])),
    responses((status = 200, body = CalledOff), WriteProblems))]
pub(super) async fn cancel(
    State(service): State<Arc<Service>>,
    id: Id<RetainedId>,
    Custodian {
        session,
        asked: body,
    }: Custodian<CallingOff>,
) -> Result<Response, Problem> {
    let Some(body) = body else {
        return stranger(&service, session).await;
    };
    let id = id.known()?;
    let done = service
        .call(move |store| store.cancel_end(&session, id, body.reason))
        .await?;
    Ok(Json(done).into_response())
}

/// Holds an item as it is (보류), or lifts holds, with a second person: the first call asks for one.
#[utoipa::path(put, path = "/retained/{id}/hold", tag = "retained", request_body = ItemHold,
    params(("id" = String, Path, description = "Id of the item")), security(("session" = [])),
    responses((status = 200, body = Holds),
        (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn hold(
    State(service): State<Arc<Service>>,
    id: Id<RetainedId>,
    Custodian {
        session,
        asked: body,
    }: Custodian<ItemHold>,
) -> Result<Response, Problem> {
    let Some(body) = body else {
        return stranger(&service, session).await;
    };
    let holding = Holding {
        set: matches!(body.action, HoldAction::Set),
        approval: approval(body.approval.as_deref())?,
        ground: body.ground,
        reason: body.reason,
    };
    let id = id.known()?;
    let held = service
        .call(move |store| store.hold_retained(&session, id, holding))
        .await?;
    Ok(match held {
        Consented::Asked(approval) => waits(approval),
        Consented::Done(holds, position) => (entry(position), Json(holds)).into_response(),
    })
}

/// Gives an item a later end (재책정), with a second person: the first call asks for one.
#[utoipa::path(post, path = "/retained/{id}/term", tag = "retained", request_body = ItemTerm,
    params(("id" = String, Path, description = "Id of the item")), security(("session" = [])),
    responses((status = 200, body = Term),
        (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn renew(
    State(service): State<Arc<Service>>,
    id: Id<RetainedId>,
    Custodian {
        session,
        asked: body,
    }: Custodian<ItemTerm>,
) -> Result<Response, Problem> {
    let Some(body) = body else {
        return stranger(&service, session).await;
    };
    let until = extract::time("until", Some(&body.until))?;
    let term = NewTerm {
        until: until.ok_or_else(|| Problem::invalid("until", "is needed"))?,
        approval: approval(body.approval.as_deref())?,
        decision: body.decision,
        reason: body.reason,
    };
    let id = id.known()?;
    let renewed = service
        .call(move |store| store.renew_term(&session, id, term))
        .await?;
    Ok(match renewed {
        Consented::Asked(approval) => waits(approval),
        Consented::Done(term, position) => (entry(position), Json(term)).into_response(),
    })
}
