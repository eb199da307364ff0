//! Typed parts of a request's head: no raw string travels further down than here.
//!
//! Parts are taken in the order of a handler's arguments: who asks comes first, so that nothing is
//! told to a stranger.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::code::Code;
use super::error::Problem;
use super::limits::{CURSOR_BYTES_MAX, PAGE_ROWS_DEFAULT};
use crate::authn::session::{Origin, Session, Token};
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::service::{PageRequest, Service, ServiceError};

/// The other end of the connection, put into every request by the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    /// Network address; `None` for the control socket and streams inside the process.
    pub(super) address: Option<IpAddr>,
    /// Whether the connection is TLS.
    pub(super) tls: bool,
}

/// From where a request comes (접속지).
pub(super) struct Caller(pub(super) Origin);

/// What a device says of itself: the first 64 bytes of User-Agent, printable ASCII only.
fn device(headers: &HeaderMap) -> String {
    let said = headers
        .get(header::USER_AGENT)
        .map_or(&[][..], |value| value.as_bytes());
    let printable = |byte: &u8| {
        if byte.is_ascii_graphic() || *byte == b' ' {
            *byte
        } else {
            b'?'
        }
    };
    said.iter()
        .take(64)
        .map(printable)
        .map(char::from)
        .collect()
}

fn origin(parts: &Parts) -> Origin {
    Origin {
        address: parts.extensions.get::<Peer>().and_then(|peer| peer.address),
        device: device(&parts.headers),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(origin(parts)))
    }
}

/// The token of `Authorization: Bearer` (RFC 6750). None is `unauthenticated`; one that cannot
/// be a token is `session_ended`, like any token that is not known.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Token, Problem> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or(const { Problem::new(Code::Unauthenticated) })?;
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(const { Problem::new(Code::Unauthenticated) })?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::new(Code::Unauthenticated));
    }
    Token::parse(token.trim_start()).ok_or(const { Problem::new(Code::SessionEnded) })
}

/// Who asks. A sealed store answers `sealed` before anything else.
pub(super) struct Who(pub(super) Session);

impl FromRequestParts<Arc<Service>> for Who {
    type Rejection = Problem;
    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        if !service.is_open() {
            return Err(ServiceError::Sealed.into());
        }
        let token = bearer(&parts.headers)?;
        let session = service.session(&token, origin(parts))?;
        service.pace(&session).await?;
        Ok(Self(session))
    }
}

/// An identifier in the path. One that cannot be read is kept as absent until every other part
/// was taken, so that it is answered exactly like one that nobody has.
pub(super) struct Id<T>(Option<T>);

impl<T> Id<T> {
    /// The identifier, or the answer of an absent one.
    pub(super) fn known(self) -> Result<T, Problem> {
        self.0.ok_or(const { Problem::new(Code::NotFound) })
    }
}

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(text.ok().and_then(|Path(text)| text.parse().ok())))
    }
}

/// The query. Unknown and repeated parameters are refused.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(_) => Err(Problem::new(Code::Malformed)
                .detail("the query has an unknown, repeated or unreadable parameter")
                .korean("알 수 없거나 중복되었거나 읽을 수 없는 질의 항목이 있습니다")),
        }
    }
}

/// The session and query of a reader of the logs. For anybody else the query is not judged but left empty: the
/// service refuses, logs the refusal, and the answer is that of an absent route whatever was asked.
pub(super) struct Audit<T> {
    /// Who asks.
    pub(super) session: Session,
    /// What for.
    pub(super) query: T,
}

impl<T: Judged> FromRequestParts<Arc<Service>> for Audit<T> {
    type Rejection = Problem;
    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Problem> {
        let Who(session) = Who::from_request_parts(parts, service).await?;
        let reads = |role: &Role| session.roles().has(*role);
        if !T::READERS.iter().any(reads) {
            return Ok(Self {
                session,
                query: T::default(),
            });
        }
        let Params(asked) = Params::<T::Asked>::from_request_parts(parts, service).await?;
        Ok(Self {
            session,
            query: T::judge(asked)?,
        })
    }
}

/// A query of the logs that a reader's parameters are parsed into.
pub(super) trait Judged: Default + Send {
    /// Whose parameters are looked at; for everybody else there is no such route.
    const READERS: &[Role] = &[Role::Auditor];
    /// The parameters as they stand in the URL.
    type Asked: DeserializeOwned + Send;
    /// Parses them.
    fn judge(asked: Self::Asked) -> Result<Self, Problem>;
}

/// The purpose, which every disclosure names.
pub(super) fn purpose(text: Option<&str>) -> Result<Purpose, Problem> {
    Ok(text.unwrap_or_default().parse()?)
}

/// The page somebody asks for.
pub(super) fn page(limit: Option<&str>, cursor: Option<String>) -> Result<PageRequest, Problem> {
    let rows = limit.map_or(Ok(PAGE_ROWS_DEFAULT), str::parse);
    let limit = rows
        .ok()
        .and_then(Limit::page)
        .ok_or_else(|| Problem::invalid("limit", "must be 1 to 200"))?;
    if cursor
        .as_ref()
        .is_some_and(|cursor| cursor.len() > CURSOR_BYTES_MAX)
    {
        return Err(Problem::invalid("cursor", "is not one of this list"));
    }
    Ok(PageRequest { limit, cursor })
}

/// A time with offset, where given.
pub(super) fn time(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| {
        Timestamp::parse_rfc3339(text)
            .ok_or_else(|| Problem::invalid(field, "is not an RFC 3339 time"))
    })
    .transpose()
}

/// A value that is written as text, where given.
pub(super) fn parsed<T: FromStr>(
    field: &'static str,
    why: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|_| Problem::invalid(field, why)))
        .transpose()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;
    use crate::domain::id::CaseId;

    fn headers(name: header::HeaderName, value: &'static [u8]) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).unwrap())])
    }

    #[test]
    fn no_bearer_token_is_unauthenticated() {
        let basic = headers(header::AUTHORIZATION, b"Basic YTpi");
        let bare = headers(header::AUTHORIZATION, b"Bearer");
        let bytes = headers(header::AUTHORIZATION, b"Bearer \xff");
        for headers in [HeaderMap::new(), basic, bare, bytes] {
            let problem = bearer(&headers).err().unwrap();
            assert_eq!(problem.code(), Code::Unauthenticated);
        }
    }

    #[tokio::test]
    async fn an_origin_is_the_peer_and_a_printable_device() {
        let agent = [b"curl/8 \x80\xff\t".as_slice(), &[b'x'; 100]].concat();
        let mut request = Request::get("/").body(()).unwrap();
        request.extensions_mut().insert(Peer {
            address: Some([192, 0, 2, 7].into()),
            tls: true,
        });
        let agent = HeaderValue::from_bytes(&agent).unwrap();
        request.headers_mut().insert(header::USER_AGENT, agent);
        let (mut parts, ()) = request.into_parts();
        let Caller(origin) = Caller::from_request_parts(&mut parts, &()).await.unwrap();
        assert_eq!(origin.address, Some([192, 0, 2, 7].into()));
        assert_eq!(origin.device, format!("curl/8 ???{}", "x".repeat(54)));
    }

    #[test]
    fn an_unknown_purpose_is_named_so() {
        assert_eq!(purpose(Some("handling")).unwrap(), Purpose::Handling);
        for bad in [None, Some(""), Some("curiosity"), Some("Handling")] {
            assert_eq!(purpose(bad).unwrap_err().code(), Code::PurposeUnknown);
        }
    }

    #[test]
    fn a_page_has_one_to_two_hundred_rows() {
        assert_eq!(page(None, None).unwrap().limit.get(), PAGE_ROWS_DEFAULT);
        assert_eq!(page(Some("200"), None).unwrap().limit.get(), 200);
        for bad in ["0", "201", "-1", "", "ten", "99999999999999999999999"] {
            assert_eq!(
                page(Some(bad), None).unwrap_err().code(),
                Code::Invalid,
                "{bad}"
            );
        }
        assert!(page(None, Some("x".repeat(CURSOR_BYTES_MAX))).is_ok());
        assert!(page(None, Some("x".repeat(CURSOR_BYTES_MAX + 1))).is_err());
    }

    #[tokio::test]
    async fn a_query_has_no_unknown_or_repeated_parameter() {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Asked {
            limit: Option<String>,
        }
        let query = async |uri: &str| {
            let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
            Params::<Asked>::from_request_parts(&mut parts, &()).await
        };
        let Params(asked) = query("/?limit=7").await.ok().unwrap();
        assert_eq!(asked.limit.as_deref(), Some("7"));
        for bad in ["/?limit=1&limit=2", "/?other=1"] {
            assert_eq!(
                query(bad).await.err().unwrap().code(),
                Code::Malformed,
                "{bad}"
            );
        }
    }

    #[test]
    fn an_id_that_cannot_be_read_is_an_absent_one() {
        let absent = Id::<CaseId>("../../etc/passwd".parse().ok());
        assert_eq!(absent.known().unwrap_err().code(), Code::NotFound);
        assert!(
            Id::<CaseId>("aaaaaaaaaaaaaaaaaaaaaaaaaa".parse().ok())
                .known()
                .is_ok()
        );
    }
}
