//! Access log and ledger: for auditors. Everybody else gets the answer of a route that is not
//! there, and the refusal is an entry of the log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::download;
use super::entry::LogEntry;
use super::error::Problem;
use super::extract::{self, Audit, Judged};
use super::openapi::ReadProblems;
use super::page::Page;
use crate::domain::limit::Limit;
use crate::engine::Log;
use crate::service::{ConsistencyView, InclusionView, LogQuery, PageRequest, Service};

/// Which entries.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntryParams {
    /// Not before this time, RFC 3339.
    from: Option<String>,
    /// Before this time, RFC 3339.
    to: Option<String>,
    /// By this account id.
    account: Option<String>,
    /// About this case id.
    case: Option<String>,
    /// This task code, such as `read`.
    task: Option<String>,
    /// The entry of this index alone.
    #[param(value_type = Option<u64>)]
    index: Option<String>,
    /// At most this many rows, 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Entries that are looked for, and which page of them.
pub(super) struct Wanted {
    query: LogQuery,
    page: PageRequest,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            query: LogQuery::default(),
            page: PageRequest {
                limit: Limit::rows(1),
                cursor: None,
            },
        }
    }
}

impl Judged for Wanted {
    type Asked = EntryParams;
    fn judge(asked: EntryParams) -> Result<Self, Problem> {
        let id = "is not an id";
        let query = LogQuery {
            from: extract::time("from", asked.from.as_deref())?,
            to: extract::time("to", asked.to.as_deref())?,
            account: extract::parsed("account", id, asked.account.as_deref())?,
            case: extract::parsed("case", id, asked.case.as_deref())?,
            task: extract::parsed("task", "is not a task code", asked.task.as_deref())?,
            index: extract::parsed("index", "must be a number", asked.index.as_deref())?,
        };
        Ok(Self {
            query,
            page: extract::page(asked.limit.as_deref(), asked.cursor)?,
        })
    }
}

/// Which entry, in the tree of which size.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InclusionParams {
    /// Index of the entry, from 0.
    #[param(value_type = u64, required = true)]
    index: Option<String>,
    /// Size of the tree.
    #[param(value_type = u64, required = true)]
    size: Option<String>,
}

/// From the tree of which size to that of which size.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConsistencyParams {
    /// Size of the earlier tree.
    #[param(value_type = u64, required = true)]
    from: Option<String>,
    /// Size of the later tree.
    #[param(value_type = u64, required = true)]
    to: Option<String>,
}

fn number(field: &'static str, text: Option<&str>) -> Result<u64, Problem> {
    extract::parsed(field, "must be a number", text)?
        .ok_or_else(|| Problem::invalid(field, "is needed"))
}

/// An entry and a size.
#[derive(Default)]
pub(super) struct Place {
    pub(super) index: u64,
    pub(super) size: u64,
}

impl Judged for Place {
    type Asked = InclusionParams;
    fn judge(asked: InclusionParams) -> Result<Self, Problem> {
        Ok(Self {
            index: number("index", asked.index.as_deref())?,
            size: number("size", asked.size.as_deref())?,
        })
    }
}

/// Two sizes.
#[derive(Default)]
pub(super) struct Span {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Judged for Span {
    type Asked = ConsistencyParams;
    fn judge(asked: ConsistencyParams) -> Result<Self, Problem> {
        Ok(Self {
            from: number("from", asked.from.as_deref())?,
            to: number("to", asked.to.as_deref())?,
        })
    }
}

/// A route without parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl Judged for () {
    type Asked = Nothing;
    fn judge(_asked: Nothing) -> Result<Self, Problem> {
        Ok(())
    }
}

/// Searches the access log; the search is an entry itself.
#[utoipa::path(get, path = "/log/entries", tag = "log", params(EntryParams),
    security(("session" = [])), responses((status = 200, body = Page<LogEntry>), ReadProblems))]
pub(super) async fn entries(
    State(service): State<Arc<Service>>,
    Audit { session, query }: Audit<Wanted>,
) -> Result<Json<Page<crate::service::LogEntry>>, Problem> {
    let Wanted { query, page } = query;
    let rows = service
        .call(move |store| store.log_entries(&session, query, page))
        .await?;
    Ok(Page::json(rows))
}

/// Signed checkpoint of the access log (C2SP signed note).
#[utoipa::path(get, path = "/log/checkpoint", tag = "log", security(("session" = [])),
    responses((status = 200, body = String, content_type = "text/plain"), ReadProblems))]
pub(super) async fn checkpoint(
    State(service): State<Arc<Service>>,
    audit: Audit<()>,
) -> Result<String, Problem> {
    note(&service, audit, Log::Access).await
}

/// Signed checkpoint of the ledger.
#[utoipa::path(get, path = "/ledger/checkpoint", tag = "ledger", security(("session" = [])),
    responses((status = 200, body = String, content_type = "text/plain"), ReadProblems))]
pub(super) async fn ledger_checkpoint(
    State(service): State<Arc<Service>>,
    audit: Audit<()>,
) -> Result<String, Problem> {
    note(&service, audit, Log::Ledger).await
}

async fn note(service: &Service, audit: Audit<()>, log: Log) -> Result<String, Problem> {
    Ok(service
        .call(move |store| store.checkpoint(&audit.session, log))
        .await?)
}

/// Public key that checks the access log's checkpoints (C2SP verifier key).
#[utoipa::path(get, path = "/log/key", tag = "log", security(("session" = [])),
    responses((status = 200, body = String, content_type = "text/plain"), ReadProblems))]
pub(super) async fn key(
    State(service): State<Arc<Service>>,
    audit: Audit<()>,
) -> Result<String, Problem> {
    Ok(service
        .call(move |store| store.verifier_key(&audit.session))
        .await?)
}

/// Public key that checks the ledger's checkpoints.
#[utoipa::path(get, path = "/ledger/key", tag = "ledger", security(("session" = [])),
    responses((status = 200, body = String, content_type = "text/plain"), ReadProblems))]
pub(super) async fn ledger_key(
    State(service): State<Arc<Service>>,
    audit: Audit<()>,
) -> Result<String, Problem> {
    Ok(service
        .call(move |store| store.verifier_key(&audit.session))
        .await?)
}

/// Proof that an entry is in the access log.
#[utoipa::path(get, path = "/log/proofs/inclusion", tag = "log", params(InclusionParams),
    security(("session" = [])), responses((status = 200, body = InclusionView), ReadProblems))]
pub(super) async fn inclusion(
    State(service): State<Arc<Service>>,
    Audit { session, query }: Audit<Place>,
) -> Result<Json<InclusionView>, Problem> {
    let Place { index, size } = query;
    let proof = service
        .call(move |store| store.prove_inclusion(&session, Log::Access, index, size))
        .await?;
    Ok(Json(proof))
}

/// Proof that the later access log continues the earlier one.
#[utoipa::path(get, path = "/log/proofs/consistency", tag = "log", params(ConsistencyParams),
    security(("session" = [])), responses((status = 200, body = ConsistencyView), ReadProblems))]
pub(super) async fn consistency(
    State(service): State<Arc<Service>>,
    Audit { session, query }: Audit<Span>,
) -> Result<Json<ConsistencyView>, Problem> {
    let Span { from, to } = query;
    let proof = service
        .call(move |store| store.prove_consistency(&session, Log::Access, from, to))
        .await?;
    Ok(Json(proof))
}

/// The whole access log in a form that can be checked without this server.
#[utoipa::path(get, path = "/log/bundle", tag = "log", security(("session" = [])),
    responses((status = 200, body = [u8], content_type = "application/octet-stream"), ReadProblems))]
pub(super) async fn bundle(
    State(service): State<Arc<Service>>,
    audit: Audit<()>,
) -> Result<Response, Problem> {
    whole(service, audit, Log::Access).await
}

/// The whole ledger in the same form.
#[utoipa::path(get, path = "/ledger/bundle", tag = "ledger", security(("session" = [])),
    responses((status = 200, body = [u8], content_type = "application/octet-stream"), ReadProblems))]
pub(super) async fn ledger_bundle(
    State(service): State<Arc<Service>>,
    audit: Audit<()>,
) -> Result<Response, Problem> {
    whole(service, audit, Log::Ledger).await
}

async fn whole(service: Arc<Service>, audit: Audit<()>, log: Log) -> Result<Response, Problem> {
    let (out, body) = download::pipe();
    let export = async move {
        service
            .call(move |store| store.export_bundle(&audit.session, log, Box::new(out)))
            .await
    };
    Ok(body.after(export).await?.into_response())
}
