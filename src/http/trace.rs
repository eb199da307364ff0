//! One line per request for the operator: the route's pattern, never the path; no ids, queries,
//! bodies or addresses.

use std::any::Any;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::code::Code;
use super::error::Problem;
use super::metrics::Metrics;

/// Writes the line, and counts, when the head of the answer is known.
pub(super) async fn line(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let number = metrics.begin();
    // A method is free text in HTTP: an extension method could carry anything.
    let method = METHODS.into_iter().find(|known| request.method() == known);
    let method = method.unwrap_or("other");
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), started.elapsed());
    metrics.answered(method, &route, status, took);
    tracing::info!(
        request = number,
        method,
        route,
        status,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// The methods that are told by name.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A handler panicked: the process goes on. The payload may hold content and is dropped unread.
pub(super) fn panicked(_payload: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(Code::Internal).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use axum::Router;
    use axum::body::Body;
    use axum::http::header;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    /// Collects what a subscriber writes.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_trace_names_the_route_and_nothing_of_the_request() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        // For this thread alone; another test may have come across a line first, uninterested.
        let _guard = tracing::subscriber::set_default(subscriber);
        tracing::callsite::rebuild_interest_cache();
        let router = Router::new()
            .route("/traced/{id}", get(|| async {}))
            .layer(from_fn_with_state(Arc::<Metrics>::default(), line));
        let paths = [
            "/traced/tracecanary?tracecanary=tracecanary",
            "/tracecanary?tracecanary",
        ];
        for (method, path) in [
            ("GET", paths[0]),
            ("GET", paths[1]),
            ("TRACECANARY", paths[0]),
        ] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::USER_AGENT, "tracecanary")
                .header(header::AUTHORIZATION, "Bearer tracecanary")
                .body(Body::from("tracecanary"))
                .unwrap();
            drop(router.clone().oneshot(request).await.unwrap());
        }
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        for seen in ["/traced/{id}", "unmatched", "\"other\"", "405"] {
            assert!(text.contains(seen), "{seen} is not in {text}");
        }
        assert!(!text.to_lowercase().contains("tracecanary"), "{text}");
    }
}
