//! Backups of the store and copies of its keyring: for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body;
use super::download;
use super::error::Problem;
use super::extract::{self, Params, Who};
use super::limits::CREDENTIAL_BYTES_MAX;
use super::openapi::{ReadProblems, WriteProblems};
use super::page::Page;
use crate::domain::secret::SecretText;
use crate::service::{
    BackupList, BackupPlan, BackupSet, KeyCopyMade, KeyHolderView, Rows, Service,
};

/// From where on.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OffsetParams {
    /// First byte wanted, from 0: what is there already needs not be sent again.
    #[param(value_type = Option<u64>)]
    offset: Option<String>,
}

/// A backup to make.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBackup {
    /// Of which store.
    #[serde(default)]
    set: BackupSet,
}

/// A copy of the keyring to make.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCopy {
    /// Who will keep it.
    holder: String,
    /// What will open it, besides the store's own passphrase.
    #[schema(value_type = String)]
    passphrase: SecretText,
}

/// Begins a backup: what is to be copied.
#[utoipa::path(post, path = "/backups", tag = "backups", request_body = NewBackup,
    security(("session" = [])), responses((status = 201, body = BackupPlan), WriteProblems))]
pub(super) async fn begin(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<NewBackup>,
) -> Result<(StatusCode, Json<BackupPlan>), Problem> {
    let plan = service
        .call(move |store| store.begin_backup(&session, asked.set))
        .await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

/// The bytes of one file of a backup.
#[utoipa::path(get, path = "/backups/{id}/files/{n}", tag = "backups", params(
        ("id" = String, Path, description = "Backup id"),
        ("n" = u64, Path, description = "Place in the list of files, from 0"), OffsetParams),
    security(("session" = [])),
    responses((status = 200, body = [u8], content_type = "application/octet-stream"), ReadProblems))]
pub(super) async fn file(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path((id, n)): Path<(String, String)>,
    Params(asked): Params<OffsetParams>,
) -> Result<Response, Problem> {
    let offset = extract::parsed("offset", "must be a number", asked.offset.as_deref())?;
    // What cannot be read is asked for all the same, as one that nobody has.
    let (id, n) = (id.parse().ok(), n.parse().unwrap_or(usize::MAX));
    let (out, body) = download::pipe();
    let work = async move {
        let out = Box::new(out);
        service
            .call(move |store| store.backup_file(&session, id, n, offset.unwrap_or_default(), out))
            .await
    };
    Ok(body.after(work).await?.into_response())
}

/// The signed list of a backup.
#[utoipa::path(post, path = "/backups/{id}/manifest", tag = "backups",
    params(("id" = String, Path, description = "Backup id")), security(("session" = [])),
    responses((status = 200, body = BackupList), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(id): Path<String>,
) -> Result<Json<BackupList>, Problem> {
    let id = id.parse().ok();
    let list = service
        .call(move |store| store.backup_list(&session, id))
        .await?;
    Ok(Json(list))
}

/// Ends a backup: the copy is whole, or given up.
#[utoipa::path(delete, path = "/backups/{id}", tag = "backups",
    params(("id" = String, Path, description = "Backup id")), security(("session" = [])),
    responses((status = 204), ReadProblems))]
pub(super) async fn end(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = id.parse().ok();
    service
        .call(move |store| store.end_backup(&session, id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a sealed copy of the keyring and enters who keeps it.
#[utoipa::path(post, path = "/keyring/copies", tag = "keyring", request_body = NewCopy,
    security(("session" = [])), responses((status = 201, body = KeyCopyMade), WriteProblems))]
pub(super) async fn escrow(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(asked): body::Json<NewCopy, CREDENTIAL_BYTES_MAX>,
) -> Result<(StatusCode, Json<KeyCopyMade>), Problem> {
    let NewCopy { holder, passphrase } = asked;
    let made = service
        .call_apart(move |store| store.escrow_keyring(&session, holder, &passphrase))
        .await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Lists the copies of the keyring, all on one page.
#[utoipa::path(get, path = "/keyring/copies", tag = "keyring", security(("session" = [])),
    responses((status = 200, body = Page<KeyHolderView>), ReadProblems))]
pub(super) async fn holders(
    State(service): State<Arc<Service>>,
    Who(session): Who,
) -> Result<Json<Page<KeyHolderView>>, Problem> {
    let rows = service
        .call(move |store| store.list_key_holders(&session))
        .await?;
    Ok(Page::json(Rows { rows, next: None }))
}

/// Enters that a copy of the keyring was destroyed by its holder.
#[utoipa::path(post, path = "/keyring/copies/{id}/acknowledge", tag = "keyring",
    params(("id" = String, Path, description = "Serial number")), security(("session" = [])),
    responses((status = 200, body = KeyHolderView), ReadProblems))]
pub(super) async fn acknowledge(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(id): Path<String>,
) -> Result<Json<KeyHolderView>, Problem> {
    let serial = id.parse().ok();
    let view = service
        .call(move |store| store.acknowledge_copy(&session, serial))
        .await?;
    Ok(Json(view))
}
