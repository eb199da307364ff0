//! Departments and their sensitive desks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::body;
use super::error::Problem;
use super::extract::{Id, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::Page;
use crate::people::view::DepartmentView;
use crate::service::{Rows, Service};

/// A department to make.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDepartment {
    /// Code, used in requests.
    code: String,
    /// Name.
    name: String,
}

/// A department that was made.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Department {
    /// Code.
    code: String,
    /// Name.
    name: String,
}

/// Who shall sit at the sensitive desk.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Desk {
    /// Login names of enrolled human-rights officers.
    members: Vec<String>,
}

/// What waits for a second person.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DeskProposal {
    /// Ids of the approvals.
    approvals: Vec<String>,
}

/// Makes a department.
#[utoipa::path(post, path = "/departments", tag = "departments", request_body = NewDepartment,
    security(("session" = [])), responses((status = 201, body = Department), WriteProblems))]
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<NewDepartment>,
) -> Result<(StatusCode, Json<Department>), Problem> {
    let NewDepartment { code, name } = asked;
    let made = service
        .call(move |store| store.add_department(&session, code, name))
        .await?;
    Ok((
        StatusCode::CREATED,
        Json(Department {
            code: made.code,
            name: made.name,
        }),
    ))
}

/// Lists departments, all on one page.
#[utoipa::path(get, path = "/departments", tag = "departments", security(("session" = [])),
    responses((status = 200, body = Page<DepartmentView>), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
) -> Result<Json<Page<DepartmentView>>, Problem> {
    let rows = service
        .call(move |store| store.departments(&session))
        .await?;
    Ok(Page::json(Rows { rows, next: None }))
}

/// Proposes who sits at the sensitive desk; a second person decides.
#[utoipa::path(put, path = "/departments/{code}/desk", tag = "departments", request_body = Desk,
    params(("code" = String, Path, description = "Department code")),
    security(("session" = [])), responses((status = 202, body = DeskProposal), WriteProblems))]
pub(super) async fn propose_desk(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    code: Id<String>,
    body::Json(asked): body::Json<Desk>,
) -> Result<(StatusCode, Json<DeskProposal>), Problem> {
    let code = code.known()?;
    let approval = service
        .call(move |store| store.propose_desk(&session, code, asked.members))
        .await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(DeskProposal {
            approvals: vec![approval],
        }),
    ))
}
