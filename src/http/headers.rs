//! Security headers on every answer, errors included.

use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;

use super::extract::Peer;
use crate::disclosure::manifest::digest;

/// The one style sheet of a page that is made for paper; nothing else may be in that page. Without
/// it a browser drops the lines of its tables and the marks over it.
#[derive(Clone, Copy)]
struct Styled(&'static str);

/// A page with this style sheet, which may load nothing else.
pub(super) fn styled_page(style: &'static str, page: impl Into<Body>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (Extension(Styled(style)), kind, page.into()).into_response()
}

impl Styled {
    /// What the page may load: this text and nothing that comes from outside. `None` is never met:
    /// base64 stands in a header.
    fn policy(self) -> Option<HeaderValue> {
        let hash = BASE64.encode(&digest(self.0.as_bytes()));
        let policy =
            format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'");
        HeaderValue::try_from(policy).ok()
    }
}

const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Sets the headers. An answer of 404 loses `Allow`, which would tell a hidden route from none.
pub(super) async fn secure(request: Request, next: Next) -> Response {
    let tls = request
        .extensions()
        .get::<Peer>()
        .is_some_and(|peer| peer.tls);
    let mut response = next.run(request).await;
    let absent = response.status() == StatusCode::NOT_FOUND;
    let styled = response.extensions().get::<Styled>().copied();
    let headers = response.headers_mut();
    if absent {
        headers.remove(header::ALLOW);
    }
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    if let Some(policy) = styled.and_then(Styled::policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if tls {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000"),
        );
    }
    response
}
