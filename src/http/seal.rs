//! Sealing and unsealing the store.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::body;
use super::error::Problem;
use super::extract::{Caller, Who};
use super::limits::CREDENTIAL_BYTES_MAX;
use super::openapi::{OpenProblems, ReadyProblems};
use crate::domain::secret::{SecretBytes, SecretText};
use crate::service::Service;

/// Whether the keys are in memory.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Seal {
    Sealed,
    Open,
}

/// State of the seal.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SealState {
    /// Whether the store is sealed.
    state: Seal,
    /// Whether there is a store at all.
    initialised: bool,
}

/// Outcome of sealing or unsealing.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SealChange {
    /// State now.
    state: Seal,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Unseal,
    Seal,
}

/// What to do with the seal.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SealRequest {
    action: Action,
    /// For `unseal`.
    #[schema(value_type = Option<String>, format = Password)]
    passphrase: Option<SecretText>,
    /// For `unseal` where the store was made with one; base64.
    #[schema(value_type = Option<String>, format = Password)]
    key_file: Option<SecretText>,
}

/// Whether the store is sealed.
#[utoipa::path(get, path = "/seal", tag = "seal",
    responses((status = 200, body = SealState), ReadyProblems))]
pub(super) async fn state(State(service): State<Arc<Service>>) -> Json<SealState> {
    let state = if service.is_open() {
        Seal::Open
    } else {
        Seal::Sealed
    };
    let initialised = service.is_initialised();
    Json(SealState { state, initialised })
}

/// Unseals with passphrase and key file, or seals (administrators).
#[utoipa::path(post, path = "/seal", tag = "seal", request_body = SealRequest,
    security((), ("session" = [])),
    responses((status = 200, body = SealChange), OpenProblems))]
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Caller(origin): Caller,
    mut parts: Parts,
    body::Json(asked): body::Json<SealRequest, CREDENTIAL_BYTES_MAX>,
) -> Result<Json<SealChange>, Problem> {
    match asked.action {
        Action::Unseal => {
            let passphrase = asked
                .passphrase
                .ok_or_else(|| Problem::invalid("passphrase", "is needed to unseal"))?;
            let key_file = asked.key_file.as_ref().map(key_file).transpose()?;
            service.unseal(passphrase, key_file, origin).await?;
            Ok(Json(SealChange { state: Seal::Open }))
        }
        Action::Seal => {
            let Who(session) = Who::from_request_parts(&mut parts, &service).await?;
            service.seal(session).await?;
            Ok(Json(SealChange {
                state: Seal::Sealed,
            }))
        }
    }
}

fn key_file(text: &SecretText) -> Result<SecretBytes, Problem> {
    BASE64
        .decode(text.expose().as_bytes())
        .map(SecretBytes::new)
        .map_err(|_| Problem::invalid("key_file", "is not base64"))
}
