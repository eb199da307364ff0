//! People and their roles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{self, Id, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::{Page, PageParams};
use crate::domain::id::{AccountId, ApprovalId};
use crate::domain::role::Role;
use crate::people::view::{AccountChange, AccountView, Invitation, RolesChange};
use crate::service::{Reset, Service};

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

/// What a reset or a disabling may come with.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ByTwo {
    /// Id of the approval, once a second person gave it.
    approval: Option<String>,
}

impl ByTwo {
    fn approval(&self) -> Result<Option<ApprovalId>, Problem> {
        let text = self.approval.as_deref();
        extract::parsed("approval", "is not the id of an approval", text)
    }
}

/// Invites a person: without a role, until a second person consents to each.
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = NewAccount,
    security(("session" = [])), responses((status = 201, body = Invitation), WriteProblems))]
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<NewAccount>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let NewAccount {
        account,
        roles,
        department,
    } = asked;
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

/// Changes somebody's roles: a new one, and the end of a privacy officer's or auditor's, wait for a
/// second person.
#[utoipa::path(put, path = "/accounts/{id}/roles", tag = "accounts", request_body = NewRoles,
    params(("id" = String, Path, description = "Account id")), security(("session" = [])),
    responses((status = 200, body = RolesChange), WriteProblems))]
pub(super) async fn change_roles(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<AccountId>,
    body::Json(asked): body::Json<NewRoles>,
) -> Result<Json<RolesChange>, Problem> {
    let account = id.known()?;
    let change = service
        .call(move |store| store.change_roles(&session, account, asked.roles))
        .await?;
    Ok(Json(change))
}

/// Shuts an account: its sessions end at once, its key dies. For a privacy officer or an auditor the
/// first call asks for a second person, and a call with the approval's id carries it out.
#[utoipa::path(post, path = "/accounts/{id}/disable", tag = "accounts", request_body = ByTwo,
    params(("id" = String, Path, description = "Account id")), security(("session" = [])),
    responses((status = 200, body = AccountChange, description = "Shut"),
        (status = 202, body = AccountChange, description = "A second person was asked for"),
        WriteProblems))]
pub(super) async fn disable(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<AccountId>,
    body::Maybe(asked): body::Maybe<ByTwo>,
) -> Result<(StatusCode, Json<AccountChange>), Problem> {
    let account = id.known()?;
    let approval = asked.approval()?;
    let change = service
        .call(move |store| store.disable_account(&session, account, approval))
        .await?;
    let status = if change.approvals.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(change)))
}

/// Gives a new one-time code; the old key dies. For whoever has a role the first call asks for
/// a second person, and a call with the approval's id carries it out.
#[utoipa::path(post, path = "/accounts/{id}/reset", tag = "accounts", request_body = ByTwo,
    params(("id" = String, Path, description = "Account id")), security(("session" = [])),
    responses((status = 200, body = Reset, description = "The code"),
        (status = 202, body = Reset, description = "A second person was asked for"),
        WriteProblems))]
pub(super) async fn reset(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    id: Id<AccountId>,
    body::Maybe(asked): body::Maybe<ByTwo>,
) -> Result<(StatusCode, Json<Reset>), Problem> {
    let account = id.known()?;
    let approval = asked.approval()?;
    let reset = service
        .call(move |store| store.reset_account(&session, account, approval))
        .await?;
    let status = match reset {
        Reset::Asked { .. } => StatusCode::ACCEPTED,
        Reset::Done { .. } => StatusCode::OK,
    };
    Ok((status, Json(reset)))
}
