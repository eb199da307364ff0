//! Exports, and the record of everything that left: begin, look, fetch, call off, close.

use std::io::{Read, Write};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::body;
use super::download;
use super::error::Problem;
use super::extract::{self, Params, Who};
use super::openapi::{ReadProblems, WriteProblems};
use super::page::Page;
use super::retained::{Asked, approval, asked};
use crate::cases::search::SearchField;
use crate::cases::view::CaseState;
use crate::disclosure::output::{Form, OutputState};
use crate::domain::secret::SecretText;
use crate::domain::serial::Serial;
use crate::service::{
    Begun, Consented, Fetched, Filter, Order, OutputView, Portion, Selection, Service, ServiceError,
};

/// Bytes read from a file at once.
const PIECE_BYTES: usize = 64 << 10;

/// Which cases of one's list. What is not named fits.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportFilter {
    /// Kind of complaint.
    class: Option<String>,
    /// Department code.
    department: Option<String>,
    /// State.
    state: Option<CaseState>,
    /// Registered not before, RFC 3339.
    registered_from: Option<String>,
    /// Registered before, RFC 3339.
    registered_to: Option<String>,
}

/// One exact value.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportSearch {
    field: SearchField,
    /// The exact value; spelling variants do not matter.
    #[schema(value_type = String)]
    value: SecretText,
}

/// Which cases.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExportSelection {
    /// Ids of these.
    Cases(Vec<String>),
    /// Those of one's list that fit.
    Filter(ExportFilter),
    /// What a search finds.
    Search(ExportSearch),
}

impl ExportSelection {
    fn understood(self) -> Result<Selection, Problem> {
        Ok(match self {
            Self::Cases(ids) => Selection::Cases(ids.iter().map(|id| id.parse().ok()).collect()),
            Self::Filter(filter) => Selection::Filter(Filter {
                from: extract::time(
                    "selection.filter.registered_from",
                    filter.registered_from.as_deref(),
                )?,
                to: extract::time(
                    "selection.filter.registered_to",
                    filter.registered_to.as_deref(),
                )?,
                class: filter.class,
                department: filter.department,
                state: filter.state,
            }),
            Self::Search(search) => Selection::Search(search.field, search.value),
        })
    }
}

/// What is to be taken out.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewExport {
    /// Purpose code, such as `handling`.
    purpose: String,
    /// Why; sealed in the access log.
    reason: String,
    selection: ExportSelection,
    /// `csv`, `csv_cp949`, `xlsx`, `jsonl` or, for 500 cases at the most, `pdf`.
    format: Form,
    /// Which fields: `case_file`, `summary`, `contacts` or `register`, as far as the purpose has
    /// it; its usual one, if absent.
    template: Option<String>,
    /// Nothing is masked: a right of its own, with a second person.
    #[serde(default)]
    unmasked: bool,
    /// Public key of age (`age1…`) that opens the file; a passphrase is made, if absent.
    recipient: Option<String>,
    /// Who gets it (전달받을 자).
    receiver: String,
    /// Login name of who answers for its destruction (파기책임자); oneself, if absent.
    responsible: Option<String>,
    /// When every copy is to be destroyed (파기 예정일), RFC 3339.
    destroy_by: String,
    /// Id of the approval, once a second person has approved exactly this.
    approval: Option<String>,
}

/// An export that was begun.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ExportBegun {
    /// Serial number (일련번호).
    serial: String,
    /// `running`.
    state: OutputState,
    /// Cases that go out.
    cases: u32,
    /// People in them.
    people: u32,
    /// Cases that were named and are not there.
    absent: u32,
    /// What opens the file, shown this once; absent where the receiver has a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<String>,
}

/// Which outputs.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OutputParams {
    /// `true` for those only of which a copy may still be somewhere.
    #[param(value_type = Option<bool>)]
    open: Option<String>,
    /// At most this many rows, 1 to 200.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// That every copy is destroyed.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Closing {
    /// How: 파쇄, 소각, 삭제.
    method: String,
    /// Anything to add; sealed in the access log.
    reason: Option<String>,
}

/// A serial number in the path. One that cannot be read is one that nobody has.
fn serial(text: &str) -> Option<Serial> {
    text.parse().ok()
}

/// Begins an export: exactly these cases, in a file that is always locked. It is written behind
/// the answer.
#[utoipa::path(post, path = "/exports", tag = "outputs", request_body = NewExport,
    security(("session" = [])), responses((status = 202, content(
        (ExportBegun = "application/json"), (Asked = "application/json")
    ), description = "It was begun, or a second person was asked"), WriteProblems))]
pub(super) async fn begin(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    body::Json(new): body::Json<NewExport>,
) -> Result<Response, Problem> {
    let destroy_by = extract::time("destroy_by", Some(&new.destroy_by))?;
    let order = Order {
        purpose: extract::purpose(Some(&new.purpose))?,
        approval: approval(new.approval.as_deref())?,
        destroy_by: destroy_by.ok_or_else(|| Problem::invalid("destroy_by", "is needed"))?,
        selection: new.selection.understood()?,
        reason: new.reason,
        form: new.format,
        template: new.template,
        unmasked: new.unmasked,
        recipient: new.recipient,
        receiver: new.receiver,
        responsible: new.responsible,
    };
    let begun = service
        .call(move |store| store.begin_export(session, order))
        .await?;
    Ok(match begun {
        Consented::Asked(approval) => asked(approval),
        Consented::Done(begun, position) => {
            let Begun {
                serial,
                cases,
                people,
                absent,
                passphrase,
            } = begun;
            let begun = ExportBegun {
                serial: serial.to_string(),
                state: OutputState::Running,
                cases,
                people,
                absent,
                passphrase: passphrase.map(|passphrase| passphrase.expose().to_owned()),
            };
            let entry = format!("{}/{}", position.index, position.size);
            (StatusCode::ACCEPTED, [("bongham-log", entry)], Json(begun)).into_response()
        }
    })
}

/// How far an export has come.
#[utoipa::path(get, path = "/exports/{serial}", tag = "outputs",
    params(("serial" = String, Path, description = "Serial number")), security(("session" = [])),
    responses((status = 200, body = OutputView), ReadProblems))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(text): Path<String>,
) -> Result<Json<OutputView>, Problem> {
    let view = service
        .call(move |store| store.show_output(&session, serial(&text)))
        .await?;
    Ok(Json(view))
}

/// Calls off a running export, or lets a file go that nobody has fetched.
#[utoipa::path(delete, path = "/exports/{serial}", tag = "outputs",
    params(("serial" = String, Path, description = "Serial number")), security(("session" = [])),
    responses((status = 204), WriteProblems))]
pub(super) async fn cancel(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(text): Path<String>,
) -> Result<StatusCode, Problem> {
    service
        .call(move |store| store.cancel_output(&session, serial(&text)))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file of an export, under its lock; for who began it alone. A part of it with `Range`, so
/// that a broken download goes on (RFC 9110 §14); every fetch is an entry of the access log.
#[utoipa::path(get, path = "/exports/{serial}/content", tag = "outputs",
    params(("serial" = String, Path, description = "Serial number"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "The ETag of what is there already")),
    security(("session" = [])), responses(
        (status = 200, body = [u8], content_type = "application/octet-stream"),
        (status = 206, body = [u8], content_type = "application/octet-stream"), WriteProblems))]
pub(super) async fn content(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let portion = portion(&headers);
    let etag = text_of(&headers, header::IF_RANGE);
    let fetched = service
        .call(move |store| store.fetch_output(&session, serial(&text), portion, etag.as_deref()))
        .await?;
    send(fetched).await
}

async fn send(fetched: Fetched) -> Result<Response, Problem> {
    let Fetched {
        serial,
        form,
        mut file,
        from,
        length,
        total,
        sha256,
    } = fetched;
    let (mut out, body) = download::pipe();
    let work = async move {
        let copied = tokio::task::spawn_blocking(move || {
            let mut left = (&mut file).take(length);
            let mut piece = vec![0; PIECE_BYTES];
            loop {
                let count = left.read(&mut piece)?;
                if count == 0 {
                    break;
                }
                out.write_all(piece.get(..count).unwrap_or_default())?;
            }
            out.flush()?;
            std::io::Result::Ok(left.limit())
        });
        let broken = |why: String| ServiceError::Internal(format!("a download was cut: {why}"));
        match copied.await {
            Ok(Ok(0)) => Ok(()),
            Ok(Ok(_)) => Err(broken("the file is too short".into())),
            Ok(Err(error)) => Err(broken(error.kind().to_string())),
            Err(_) => Err(broken("its work ended early".into())),
        }
    };
    let mut answer = body.after(work).await?.into_response();
    let part = length < total;
    if part {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let named = format!(
        "attachment; filename=\"bongham-{serial}.{}.age\"",
        extension(form)
    );
    let mut say = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    };
    say(header::CONTENT_DISPOSITION, named);
    say(header::ETAG, format!("\"{sha256}\""));
    say(header::ACCEPT_RANGES, "bytes".to_owned());
    say(header::CONTENT_LENGTH, length.to_string());
    if part {
        let last = from + length.saturating_sub(1);
        say(
            header::CONTENT_RANGE,
            format!("bytes {from}-{last}/{total}"),
        );
    }
    Ok(answer)
}

const fn extension(form: Form) -> &'static str {
    match form {
        Form::Csv | Form::CsvCp949 => "csv",
        Form::Xlsx => "xlsx",
        Form::Jsonl => "jsonl",
        Form::Pdf | Form::PrintPdf => "pdf",
        Form::PrintHtml => "html",
    }
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// The one range that is asked for. What cannot be read is answered with the whole (RFC 9110
/// §14.2).
fn portion(headers: &HeaderMap) -> Portion {
    let asked = text_of(headers, header::RANGE);
    asked
        .as_deref()
        .and_then(|asked| asked.strip_prefix("bytes="))
        .and_then(|range| range.split_once('-'))
        .and_then(|(from, to)| match (from.trim(), to.trim()) {
            ("", last) => last.parse().ok().map(Portion::Last),
            (from, "") => from.parse().ok().map(|from| Portion::From(from, None)),
            (from, to) => Some(Portion::From(from.parse().ok()?, Some(to.parse().ok()?))),
        })
        .unwrap_or(Portion::Whole)
}

/// Exports and prints, newest first: one's own; for privacy officers and auditors all.
#[utoipa::path(get, path = "/outputs", tag = "outputs", params(OutputParams),
    security(("session" = [])), responses((status = 200, body = Page<OutputView>), ReadProblems))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Params(asked): Params<OutputParams>,
) -> Result<Json<Page<OutputView>>, Problem> {
    let open = extract::parsed("open", "is true or false", asked.open.as_deref())?;
    let page = extract::page(asked.limit.as_deref(), asked.cursor)?;
    let rows = service
        .call(move |store| store.list_outputs(&session, open.unwrap_or(false), &page))
        .await?;
    Ok(Page::json(rows))
}

/// Says that every copy of an output is destroyed (파기 확인).
#[utoipa::path(post, path = "/outputs/{serial}/close", tag = "outputs", request_body = Closing,
    params(("serial" = String, Path, description = "Serial number")), security(("session" = [])),
    responses((status = 200, body = OutputView), WriteProblems))]
pub(super) async fn close(
    State(service): State<Arc<Service>>,
    Who(session): Who,
    Path(text): Path<String>,
    body::Json(closing): body::Json<Closing>,
) -> Result<Json<OutputView>, Problem> {
    let Closing { method, reason } = closing;
    let view = service
        .call(move |store| store.close_output(&session, serial(&text), method, reason))
        .await?;
    Ok(Json(view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_what_is_none_means_all() {
        let of = |text: &'static str| {
            let range = (header::RANGE, HeaderValue::from_static(text));
            portion(&HeaderMap::from_iter([range]))
        };
        assert_eq!(portion(&HeaderMap::new()), Portion::Whole);
        assert_eq!(of("bytes=5-"), Portion::From(5, None));
        assert_eq!(of("bytes=5-9"), Portion::From(5, Some(9)));
        assert_eq!(of("bytes=-9"), Portion::Last(9));
        for none in ["bytes=", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5", "5-9"] {
            assert_eq!(of(none), Portion::Whole, "{none}");
        }
    }
}
