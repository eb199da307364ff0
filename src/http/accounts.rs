//! People and their roles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::body;
use super::error::Problem;
use super::extract::{Id, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::{Page, PageParams};
use crate::domain::id::AccountId;
use crate::domain::role::{Role, Roles};
use crate::people::view::{AccountState, AccountView, Invitation, RolesChange};
use crate::service::{Service, ServiceError};

/// A person to invite.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    /// Login name.
    account: String,
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// Department code.
    department: Option<String>,
}

/// All the roles somebody shall have.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRoles {
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
}

/// State of an account after a change.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct AccountChange {
    /// State now.
    state: AccountState,
}

/// A fresh one-time code, shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Reset {
    /// One-time code with which the person sets their own password.
    enrolment_code: String,
    /// Until when it can be used.
    enrolment_expires_at: String,
}

fn roles(asked: Vec<Role>) -> Result<Roles, Problem> {
    Roles::new(asked).map_err(|pair| ServiceError::ExclusiveRoles(pair).into())
}

/// Invites a person.
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = NewAccount,
    security(("session" = [])), responses((status = 201, body = Invitation), WriteProblems))]
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<NewAccount>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let NewAccount {
        account,
        department,
        ..
    } = asked;
    let roles = roles(asked.roles)?;
    let invitation = service
        .call(move |store| store.add_account(&session, account, roles, department))
        .await?;
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Lists people.
#[utoipa::path(get, path = "/accounts", tag = "accounts", params(PageParams),
    security(("session" = [])), responses((status = 200, body = Page<AccountView>), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Params(params): Params<PageParams>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let page = params.page()?;
    let rows = service
        .call(move |store| store.accounts(&session, page))
        .await?;
    Ok(Page::json(rows))
}

/// Changes somebody's roles; some wait for a second person.
#[utoipa::path(put, path = "/accounts/{id}/roles", tag = "accounts", request_body = NewRoles,
    params(("id" = String, Path, description = "Account id")), security(("session" = [])),
    responses((status = 200, body = RolesChange), WriteProblems))]
pub(super) async fn change_roles(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<AccountId>,
    body::Json(asked): body::Json<NewRoles>,
) -> Result<Json<RolesChange>, Problem> {
    let roles = roles(asked.roles)?;
    let account = id.known()?;
    let change = service
        .call(move |store| store.change_roles(&session, account, roles))
        .await?;
    Ok(Json(change))
}

/// Shuts an account: its sessions end at once.
#[utoipa::path(post, path = "/accounts/{id}/disable", tag = "accounts",
    params(("id" = String, Path, description = "Account id")), security(("session" = [])),
    responses((status = 200, body = AccountChange), WriteProblems))]
pub(super) async fn disable(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<AccountId>,
) -> Result<Json<AccountChange>, Problem> {
    let account = id.known()?;
    let state = service
        .call(move |store| store.disable_account(&session, account))
        .await?;
    Ok(Json(AccountChange { state }))
}

/// Gives a new one-time code; the old key opens nothing any more.
#[utoipa::path(post, path = "/accounts/{id}/reset", tag = "accounts",
    params(("id" = String, Path, description = "Account id")), security(("session" = [])),
    responses((status = 200, body = Reset), WriteProblems))]
pub(super) async fn reset(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<AccountId>,
) -> Result<Json<Reset>, Problem> {
    let account = id.known()?;
    let invitation = service
        .call(move |store| store.reset_account(&session, account))
        .await?;
    let Invitation {
        enrolment_code,
        enrolment_expires_at,
        ..
    } = invitation;
    Ok(Json(Reset {
        enrolment_code,
        enrolment_expires_at,
    }))
}
