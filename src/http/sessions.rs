//! Logging in and out, and the first log-in with a one-time code.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::body;
use super::error::Problem;
use super::extract::{Caller, Who, bearer};
use super::limits::CREDENTIAL_BYTES_MAX;
use super::openapi::{AgainProblems, OpenProblems, ReadProblems};
use crate::domain::role::Role;
use crate::domain::secret::SecretText;
use crate::people::view::{AccountState, Enrolled};
use crate::service::{LoggedIn, Service, StepUp};

/// Who logs in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogIn {
    /// Login name.
    account: String,
    #[schema(value_type = String, format = Password)]
    password: SecretText,
    /// Device secret of an earlier log-in; also taken from the header `Bongham-Device`.
    device: Option<String>,
}

/// A one-time code and the password that its owner chose.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Enrolment {
    /// Login name.
    account: String,
    /// One-time code of the invitation.
    #[schema(value_type = String, format = Password)]
    code: SecretText,
    /// The new password.
    #[schema(value_type = String, format = Password)]
    password: SecretText,
}

/// Whose session it is.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SessionAccount {
    /// Id.
    id: String,
    /// Login name.
    account: String,
    /// Department code.
    department: Option<String>,
}

/// What is still missing before the session can be used.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    Enrol,
}

/// A new session. Token and device secret are shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct NewSession {
    /// For `Authorization: Bearer`.
    token: String,
    /// When the session ends at the latest, RFC 3339.
    expires_at: String,
    /// Whose it is.
    account: SessionAccount,
    /// Roles in force.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// What is still missing.
    step: Option<Step>,
    /// Secret by which this device is known next time.
    device: String,
}

impl NewSession {
    fn of(session: LoggedIn) -> Self {
        let account = session.account;
        let step = (account.state == AccountState::Invited).then_some(Step::Enrol);
        Self {
            token: session.token.reveal(),
            expires_at: session.expires_at.rfc3339(),
            roles: account.roles,
            step,
            device: session.device,
            account: SessionAccount {
                id: account.id,
                account: account.account,
                department: account.department,
            },
        }
    }
}

/// Logs in.
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = LogIn,
    params(("Bongham-Device" = Option<String>, Header, description = "Device secret of an earlier log-in")),
    responses((status = 201, body = NewSession), OpenProblems))]
pub(super) async fn log_in(
    State(service): State<Arc<Service>>,
    Caller(origin): Caller,
    headers: HeaderMap,
    body::Json(asked): body::Json<LogIn, CREDENTIAL_BYTES_MAX>,
) -> Result<(StatusCode, Json<NewSession>), Problem> {
    let header = headers
        .get("bongham-device")
        .and_then(|value| value.to_str().ok());
    let known = asked.device.or_else(|| header.map(str::to_owned));
    let (account, password) = (asked.account, asked.password);
    let session = service.log_in(account, password, known, origin).await?;
    Ok((StatusCode::CREATED, Json(NewSession::of(session))))
}

/// The password once more, and why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    #[schema(value_type = String, format = Password)]
    password: SecretText,
    /// Why more than usual is needed; sealed in the access log.
    reason: String,
}

/// A session that was stepped up.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SteppedUp {
    /// Until when, RFC 3339.
    until: String,
    /// What is still missing; null once it is stepped up.
    step: Option<Step>,
}

/// Steps the session up for five minutes: what is over one's budget needs the password again.
#[utoipa::path(post, path = "/sessions/current/step-up", tag = "sessions", request_body = Again,
    params(("Bongham-Device" = Option<String>, Header, description = "Device secret of an earlier log-in")),
    security(("session" = [])), responses((status = 200, body = SteppedUp), AgainProblems))]
pub(super) async fn step_up(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    headers: HeaderMap,
    body::Json(asked): body::Json<Again, CREDENTIAL_BYTES_MAX>,
) -> Result<Json<SteppedUp>, Problem> {
    let token = bearer(&headers)?;
    let device = headers.get("bongham-device");
    let asked = StepUp {
        password: asked.password,
        reason: asked.reason,
        device: device
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
    };
    let until = service.step_up(session, token, asked).await?;
    Ok(Json(SteppedUp {
        until: until.rfc3339(),
        step: None,
    }))
}

/// Logs out.
#[utoipa::path(delete, path = "/sessions/current", tag = "sessions", security(("session" = [])),
    responses((status = 204, description = "The session has ended"), ReadProblems))]
pub(super) async fn log_out(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let token = bearer(&headers)?;
    service
        .call(move |store| store.log_out(&session, &token))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets one's own password with the one-time code; makes the key pair.
#[utoipa::path(post, path = "/enrolments", tag = "sessions", request_body = Enrolment,
    responses((status = 201, body = Enrolled), OpenProblems))]
pub(super) async fn enrol(
    State(service): State<Arc<Service>>,
    Caller(origin): Caller,
    body::Json(asked): body::Json<Enrolment, CREDENTIAL_BYTES_MAX>,
) -> Result<(StatusCode, Json<Enrolled>), Problem> {
    let Enrolment {
        account,
        code,
        password,
    } = asked;
    let enrolled = service.enrol(account, code, password, origin).await?;
    Ok((StatusCode::CREATED, Json(enrolled)))
}
