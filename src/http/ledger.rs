//! The destruction ledger: for auditors and privacy officers. Everybody else gets the answer of a
//! route that is not there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::error::Problem;
use super::extract::{self, Audit, Id, Judged};
use super::headers::styled_page;
use super::log::{ConsistencyParams, InclusionParams, Place, Span};
use super::openapi::ReadProblems;
use super::page::Page;
use crate::destruction::form::STYLE;
use crate::domain::id::DestructionId;
use crate::domain::limit::Limit;
use crate::domain::role::Role;
use crate::service::{ConsistencyView, InclusionView, LedgerEntry, PageRequest, Service};

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageParams {
    /// At most this many rows, 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A page of the ledger.
pub(super) struct Wanted(PageRequest);

impl Default for Wanted {
    fn default() -> Self {
        Self(PageRequest {
            limit: Limit::rows(1),
            cursor: None,
        })
    }
}

impl Judged for Wanted {
    const READERS: &[Role] = &[Role::Auditor, Role::PrivacyOfficer];
    type Asked = PageParams;
    fn judge(asked: PageParams) -> Result<Self, Problem> {
        extract::page(asked.limit.as_deref(), asked.cursor).map(Self)
    }
}

/// Entries of the ledger in their order, each as it is hashed.
#[utoipa::path(get, path = "/ledger/entries", tag = "ledger", params(PageParams),
    security(("session" = [])), responses((status = 200, body = Object), ReadProblems))]
pub(super) async fn entries(
    State(service): State<Arc<Service>>,
    Audit { session, query }: Audit<Wanted>,
) -> Result<Json<Page<LedgerEntry>>, Problem> {
    let rows = service
        .call(move |store| store.ledger_entries(&session, query.0))
        .await?;
    Ok(Page::json(rows))
}

/// Proof that an entry is in the ledger.
#[utoipa::path(get, path = "/ledger/proofs/inclusion", tag = "ledger", params(InclusionParams),
    security(("session" = [])), responses((status = 200, body = InclusionView), ReadProblems))]
pub(super) async fn inclusion(
    State(service): State<Arc<Service>>,
    Audit { session, query }: Audit<Place>,
) -> Result<Json<InclusionView>, Problem> {
    let Place { index, size } = query;
    let proof = service
        .call(move |store| store.prove_ledger_inclusion(&session, index, size))
        .await?;
    Ok(Json(proof))
}

/// Proof that the later ledger continues the earlier one.
#[utoipa::path(get, path = "/ledger/proofs/consistency", tag = "ledger", params(ConsistencyParams),
    security(("session" = [])), responses((status = 200, body = ConsistencyView), ReadProblems))]
pub(super) async fn consistency(
    State(service): State<Arc<Service>>,
    Audit { session, query }: Audit<Span>,
) -> Result<Json<ConsistencyView>, Problem> {
    let Span { from, to } = query;
    let proof = service
        .call(move |store| store.prove_ledger_consistency(&session, from, to))
        .await?;
    Ok(Json(proof))
}

/// The official form (개인정보파일 파기 관리대장) as a page to print.
#[utoipa::path(get, path = "/ledger/form", tag = "ledger", security(("session" = [])),
    responses((status = 200, body = String, content_type = "text/html"), ReadProblems))]
pub(super) async fn form(
    State(service): State<Arc<Service>>,
    audit: Audit<()>,
) -> Result<Response, Problem> {
    let form = service
        .call(move |store| store.ledger_form(&audit.session))
        .await?;
    Ok(styled_page(STYLE, form))
}

/// The certificate of a destruction (파기 증명서), to be checked without this server.
#[utoipa::path(get, path = "/ledger/certificates/{id}", tag = "ledger",
    params(("id" = String, Path, description = "Id of the destruction")),
    security(("session" = [])), responses((status = 200, body = Object), ReadProblems))]
pub(super) async fn certificate(
    State(service): State<Arc<Service>>,
    id: Id<DestructionId>,
    audit: Audit<()>,
) -> Result<Response, Problem> {
    let id = id.known().ok();
    let bytes = service
        .call(move |store| store.certificate(&audit.session, id))
        .await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}
