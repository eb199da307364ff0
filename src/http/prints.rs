//! Prints: cases on paper, through a document that the server makes.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::body;
use super::error::Problem;
use super::extract::{self, Who};
use super::headers::styled_page;
use super::openapi::{ReadProblems, WriteProblems};
use super::retained::{Asked, approval, asked};
use crate::disclosure::output::Form;
use crate::disclosure::paper::STYLE;
use crate::disclosure::paper::case::Identity;
use crate::service::{Consented, OutputView, PrintOrder, Service};

/// What it shall be printed from.
#[derive(Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum PrintForm {
    /// A PDF.
    Pdf,
    /// A page for a browser.
    Html,
}

const fn one() -> u16 {
    1
}

/// What is to be printed.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPrint {
    /// Purpose code, such as `handling`.
    purpose: String,
    /// Why; sealed in the access log.
    reason: String,
    /// Ids of exactly these cases, 1 to 200; one that is not there stops it all.
    cases: Vec<String>,
    form: PrintForm,
    /// Which fields: `case_file`, `summary`, `contacts` or `register`, as far as the purpose has
    /// it; its usual one, if absent.
    template: Option<String>,
    /// Nothing is masked: a right of its own, with a second person.
    #[serde(default)]
    unmasked: bool,
    /// Whether petitioner, agent and witnesses are named; if absent, they are left out of a case
    /// that is a report against somebody and named in every other.
    identity: Option<Identity>,
    /// Copies, 1 to 20; each is numbered.
    #[serde(default = "one")]
    copies: u16,
    /// Who gets it (전달받을 자).
    receiver: String,
    /// Login name of who answers for its destruction (파기책임자); oneself, if absent.
    responsible: Option<String>,
    /// When every copy is to be destroyed (파기 예정일), RFC 3339; in 30 days, if absent.
    destroy_by: Option<String>,
    /// Id of the approval, once a second person has approved exactly this.
    approval: Option<String>,
}

/// A print that was made.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PrintMade {
    /// Serial number (일련번호): on every page, and in its second mark.
    serial: String,
    /// Cases in it.
    cases: u32,
    /// People in them, at the most.
    people: u32,
    /// Where the document is, for this session alone.
    document: String,
    /// Seconds for which it is there.
    seconds: u64,
}

/// Makes a print document of exactly these cases.
#[utoipa::path(post, path = "/prints", tag = "outputs", request_body = NewPrint,
    security(("session" = [])), responses((status = 201, body = PrintMade, headers(
        ("Bongham-Log" = String, description = "`index/size` of the first access-log entry of the list")
    )), (status = 202, body = Asked, description = "A second person was asked"), WriteProblems))]
pub(super) async fn make(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(new): body::Json<NewPrint>,
) -> Result<Response, Problem> {
    let order = PrintOrder {
        purpose: extract::purpose(Some(&new.purpose))?,
        approval: approval(new.approval.as_deref())?,
        destroy_by: extract::time("destroy_by", new.destroy_by.as_deref())?,
        cases: new.cases.iter().map(|id| id.parse().ok()).collect(),
        form: match new.form {
            PrintForm::Pdf => Form::PrintPdf,
            PrintForm::Html => Form::PrintHtml,
        },
        reason: new.reason,
        template: new.template,
        unmasked: new.unmasked,
        identity: new.identity,
        copies: new.copies,
        receiver: new.receiver,
        responsible: new.responsible,
    };
    let printed = service
        .call_print(move |store| store.print(&session, order))
        .await?;
    Ok(match printed {
        Consented::Asked(approval) => asked(approval),
        Consented::Done(printed, position) => {
            let serial = printed.serial.to_string();
            let made = PrintMade {
                document: format!("/api/v1/prints/{serial}/document"),
                serial,
                cases: printed.cases,
                people: printed.people,
                seconds: printed.seconds,
            };
            let entry = format!("{}/{}", position.index, position.size);
            (StatusCode::CREATED, [("bongham-log", entry)], Json(made)).into_response()
        }
    })
}

/// The record of a print.
#[utoipa::path(get, path = "/prints/{serial}", tag = "outputs", security(("session" = [])),
    params(("serial" = String, Path, description = "Serial number")),
    responses((status = 200, body = OutputView), ReadProblems))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(serial): Path<String>,
) -> Result<Json<OutputView>, Problem> {
    let serial = serial.parse().ok();
    let view = service
        .call(move |store| store.show_print(&session, serial))
        .await?;
    Ok(Json(view))
}

/// The print document, for a few minutes, for the session that made it.
#[utoipa::path(get, path = "/prints/{serial}/document", tag = "outputs",
    params(("serial" = String, Path, description = "Serial number")), security(("session" = [])),
    responses((status = 200, headers(
        ("Bongham-Log" = String, description = "`index/size` of the access-log entry of this fetching")
    ), content((Vec<u8> = "application/pdf"), (String = "text/html"))), ReadProblems))]
pub(super) async fn document(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(serial): Path<String>,
) -> Result<Response, Problem> {
    let serial = serial.parse().ok();
    let document = service
        .call(move |store| store.print_document(&session, serial))
        .await?;
    let entry = format!("{}/{}", document.position.index, document.position.size);
    let bytes = Bytes::from_owner(document.bytes);
    let paper = match document.form {
        Form::PrintHtml => styled_page(STYLE, bytes),
        _ => ([(header::CONTENT_TYPE, "application/pdf")], bytes).into_response(),
    };
    Ok(([("bongham-log", entry)], paper).into_response())
}
