//! A JSON body, or why it is none. What the client sent is never part of the reason.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::code::Code;
use super::error::Problem;
use crate::domain::limit::BODY_BYTES_MAX;

/// A JSON object of at most `MAX` bytes.
pub(super) struct Json<T, const MAX: usize = BODY_BYTES_MAX>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for Json<T, MAX> {
    type Rejection = Problem;
    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        parse(&read(request, MAX).await?).map(Self)
    }
}

/// The same, where nothing at all may come instead: then it is the default.
pub(super) struct Maybe<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Maybe<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        let Json(value) = Json::<T>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str())
    else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|part| part.eq_ignore_ascii_case("charset=utf-8"))
}

/// Reads at most `max` bytes into memory that is zeroed when it is dropped.
async fn read(request: Request, max: usize) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let body = request.into_body();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(Problem::new(Code::BodyTooLarge));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(announced));
    let mut limited = Limited::new(body, max);
    while let Some(frame) = limited.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Problem::new(Code::BodyTooLarge)
            } else {
                Problem::new(Code::Malformed).detail("the body did not arrive whole")
            }
        })?;
        if let Ok(data) = frame.into_data() {
            grow(&mut bytes, data.len());
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// Makes room without leaving the old bytes behind: a vector that grows by itself does not zero them.
fn grow(bytes: &mut Zeroizing<Vec<u8>>, more: usize) {
    let needed = bytes.len().saturating_add(more);
    if needed > bytes.capacity() {
        let mut roomier = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
        roomier.extend_from_slice(bytes);
        *bytes = roomier;
    }
}

/// Depth is bounded by `serde_json`'s recursion limit of 128.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A derived struct could also be read from an array of its fields in order.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|byte| *byte == b'[') {
        return Err(Problem::new(Code::Malformed).detail("the body must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| explain(&error))?;
    reader.end().map_err(|error| syntax(&error))?;
    Ok(value)
}

fn syntax(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::new(Code::Malformed)
        .detail(format!(
            "the body is not valid JSON at line {line} column {column}"
        ))
        .korean("본문이 올바른 JSON이 아닙니다")
}

/// Says what was expected where. Serde's messages name what they found before what they expected,
/// so that only what follows the last `expected` is our own words.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    if inner.classify() != Category::Data {
        return syntax(inner);
    }
    let said = inner.to_string();
    let mut field = known(error.path());
    let (code, what) = if said.starts_with("unknown field `") {
        (Code::Malformed, "a field that does not exist")
    } else if said.starts_with("unknown variant `") {
        (Code::Invalid, "a word that does not exist")
    } else if let Some(name) = named(&said, "missing field `") {
        field.push(name.to_owned());
        (Code::Malformed, "a field is missing")
    } else if let Some(name) = named(&said, "duplicate field `") {
        field.push(name.to_owned());
        (Code::Malformed, "a field stands twice")
    } else {
        (Code::Malformed, "a value of the wrong kind")
    };
    let place = format!(" at line {} column {}", inner.line(), inner.column());
    let said = said.strip_suffix(&place).unwrap_or(&said);
    let problem = Problem::new(code).detail(match said.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{what}{place}: expected {expected}"),
        None => format!("{what}{place}"),
    });
    if field.is_empty() {
        problem
    } else {
        problem.field(field.join("."))
    }
}

/// The field that serde names: one of ours by construction, as an unknown one is said otherwise.
fn named<'a>(said: &'a str, what: &str) -> Option<&'a str> {
    let (name, _) = said.strip_prefix(what)?.split_once('`')?;
    FIELDS.contains(&name).then_some(name)
}

/// The path as far as it is made of our own names: a key of a map is the client's.
fn known(path: &serde_path_to_error::Path) -> Vec<String> {
    use serde_path_to_error::Segment;
    let mut words = Vec::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => words.push(index.to_string()),
            Segment::Map { key } if FIELDS.contains(&key.as_str()) => {
                words.push(key.clone());
                if key == "attributes" {
                    break;
                }
            }
            Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => break,
        }
    }
    words
}

/// Every field name of every body: the only words that may be repeated to a client.
const FIELDS: &[&str] = &[
    "accepted",
    "account",
    "action",
    "address",
    "appraisal",
    "approval",
    "article",
    "asked_by",
    "assignees",
    "attributes",
    "authority",
    "backups_handled",
    "case",
    "channel",
    "class",
    "code",
    "confirm_clock",
    "contact",
    "cursor",
    "decision",
    "delivered_by",
    "department",
    "device",
    "dry_run",
    "email",
    "external_number",
    "field",
    "file",
    "fingerprint",
    "form_hash",
    "from_row",
    "ground",
    "hash",
    "holder",
    "items",
    "judgement",
    "kept",
    "key_file",
    "last",
    "law",
    "limit",
    "line",
    "media_destroyed",
    "members",
    "method",
    "name",
    "narrative",
    "note",
    "objection",
    "office",
    "officer",
    "part",
    "parts",
    "passphrase",
    "password",
    "people",
    "person",
    "place",
    "public_key",
    "purpose",
    "reason",
    "receipt",
    "received_at",
    "refusal",
    "remarks",
    "reopen",
    "rest",
    "roles",
    "rows",
    "rows_total",
    "rules",
    "sender",
    "statement",
    "task",
    "set",
    "telephone",
    "tier",
    "title",
    "units",
    "until",
    "value",
    "verdict",
    "verification",
    "witness",
    "work",
    "years",
];

#[cfg(test)]
mod tests;
