//! Alive and ready: no secrets, no counts.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::openapi::OpenApi;

use super::error::Problem;
use super::openapi::ReadyProblems;
use crate::service::Service;

/// How the process is.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
pub(super) async fn alive() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Whether the store is open and the access log can be written.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = Health), ReadyProblems))]
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Result<Json<Health>, Problem> {
    service.ready()?;
    Ok(Json(Health { status: "ready" }))
}

/// This document, written once: anybody may ask for it as often as they like.
#[derive(Clone)]
pub(super) struct Description(Bytes);

impl Description {
    /// What `document` says, as JSON.
    pub(super) fn of(document: &OpenApi) -> Self {
        Self(serde_json::to_vec(document).unwrap_or_default().into())
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "health",
    responses((status = 200, body = Object, description = "OpenAPI document")))]
pub(super) async fn description(Extension(document): Extension<Description>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, document.0)
}
