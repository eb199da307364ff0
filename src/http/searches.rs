//! Searches: a `POST`, so that no value stands in a URL.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::body;
use super::error::Problem;
use super::extract::{self, Who};
use super::openapi::SearchProblems;
use super::page::Page;
use crate::cases::search::SearchField;
use crate::cases::view::CaseRow;
use crate::domain::secret::SecretText;
use crate::service::Service;

/// What somebody looks for.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    field: SearchField,
    /// The exact value; spelling variants (spaces, hyphens, +82, full width) do not matter.
    #[schema(value_type = String)]
    value: SecretText,
    /// Purpose code, such as `handling`.
    purpose: String,
    /// At most this many rows, 1 to 200.
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Finds cases by one exact value. What is absent and what the asker may not see answer alike: no
/// rows. The access log holds the field, never the value.
#[utoipa::path(post, path = "/searches", tag = "cases", request_body = Search,
    security(("session" = [])), responses((status = 200, body = Page<CaseRow>), SearchProblems))]
pub(super) async fn search(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<Search>,
) -> Result<Json<Page<CaseRow>>, Problem> {
    let Search {
        field,
        value,
        purpose,
        limit,
        cursor,
    } = asked;
    let purpose = extract::purpose(Some(&purpose))?;
    let limit = limit.map(|limit| limit.to_string());
    let page = extract::page(limit.as_deref(), cursor)?;
    let rows = service
        .call(move |store| store.search_cases(&session, field, value, purpose, page))
        .await?;
    Ok(Page::json(rows))
}
