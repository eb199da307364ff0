//! How much one request, one connection and all of them together may take.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::code::Code;
use super::error::Problem;
use crate::config::limits::Limits;

/// Longest body of a route that anybody may call, in bytes: credentials and nothing else.
pub(super) const CREDENTIAL_BYTES_MAX: usize = 16 << 10;
/// Longest body of a chunk of import rows, in bytes.
pub(super) const IMPORT_BYTES_MAX: usize = 16 << 20;
/// Largest file that is looked through for a mark, in bytes.
pub(super) const TRACE_FILE_BYTES_MAX: usize = 8 << 20;
/// Longest body that brings one, in base64.
pub(super) const TRACE_BYTES_MAX: usize = TRACE_FILE_BYTES_MAX / 3 * 4 + (16 << 10);
/// Traces in work at once: each may hold a picture.
pub(super) const TRACES_MAX: usize = 2;
/// Most rows in one chunk of an import.
pub(super) const IMPORT_ROWS_MAX: usize = 500;
/// Rows of a page when nobody says how many.
pub(super) const PAGE_ROWS_DEFAULT: usize = 50;
/// Longest cursor, in bytes.
pub(super) const CURSOR_BYTES_MAX: usize = 512;

/// Requests in work at once on routes that anybody may call: strangers who send slowly hold
/// these and no more.
pub(super) const STRANGERS_MAX: usize = 64;
/// Import chunks in work at once: each may hold [`IMPORT_BYTES_MAX`].
pub(super) const IMPORTS_MAX: usize = 4;
/// What the kernel holds of an answer that the client has not taken, in bytes (Linux doubles it).
/// It grows to megabytes by itself, and then says nothing of a slow reader's progress for longer
/// than such a reader may be given.
pub(super) const SEND_BUFFER_BYTES: u32 = 256 << 10;
/// Connections that wait in the kernel's queue to be accepted.
pub(super) const QUEUE: u32 = 1024;

/// For the head of a request, and for the TLS handshake before it.
pub(super) const HEADER_TIME: Duration = Duration::from_secs(10);
/// For the owner of the control socket to take the next piece of a download.
pub(super) const STALL_TIME: Duration = Duration::from_secs(60);
/// Longest head of a request, in bytes.
pub(super) const HEADER_BYTES_MAX: usize = 16 << 10;

/// What one server takes on at once and how long it waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Connections at once; more wait in the kernel's queue.
    pub(super) connections: usize,
    /// Connections of one address at once; more are closed.
    pub(super) connections_per_address: usize,
    /// Requests in work at once; more are shed with 503.
    pub(super) requests: usize,
    /// From the head of a request to the head of its answer.
    pub(super) request_time: Duration,
    /// For the head of a request, and for the TLS handshake before it.
    pub(super) header_time: Duration,
    /// For a client to take a byte of its answer.
    pub(super) stall_time: Duration,
}

impl From<Limits> for Bounds {
    fn from(limits: Limits) -> Self {
        Self {
            connections: limits.connections,
            connections_per_address: limits.connections_per_address,
            requests: limits.requests,
            request_time: limits.request(),
            header_time: HEADER_TIME,
            stall_time: limits.stall(),
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Limits::default().into()
    }
}

/// How many requests may be in work at once, and for how long each.
#[derive(Clone)]
pub(super) struct Gate {
    room: Arc<Semaphore>,
    time: Duration,
}

impl Gate {
    /// Room for so many requests, so much time for each.
    pub(super) fn new(requests: usize, time: Duration) -> Self {
        Self {
            room: Arc::new(Semaphore::new(requests)),
            time,
        }
    }
}

/// Sheds what the gate has no room for before anything is read of it, and cuts what takes too long.
pub(super) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Ok(_admitted) = gate.room.try_acquire() else {
        return Problem::new(Code::Busy).into_response();
    };
    match timeout(gate.time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Code::Busy)
            .detail("no answer in time; a change may have been stored: read before trying again")
            .korean("제때 처리하지 못했습니다. 다시 시도하기 전에 조회하십시오")
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{StatusCode, header};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::sync::Notify;
    use tower::ServiceExt;

    use super::*;

    fn waiting(gate: Gate) -> (Router, Arc<Notify>, Arc<Notify>) {
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (inside, out) = (entered.clone(), leave.clone());
        let handler = move || async move {
            inside.notify_one();
            out.notified().await;
        };
        let router = Router::new()
            .route("/", get(handler))
            .layer(from_fn_with_state(gate, admit));
        (router, entered, leave)
    }

    fn asked() -> Request {
        Request::new(Body::empty())
    }

    #[tokio::test]
    async fn what_the_gate_has_no_room_for_is_shed_at_once() {
        let (router, entered, leave) = waiting(Gate::new(1, Bounds::default().request_time));
        let first = tokio::spawn(router.clone().oneshot(asked()));
        entered.notified().await;
        let shed = router.clone().oneshot(asked()).await.unwrap();
        assert_eq!(shed.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(shed.headers()[header::RETRY_AFTER], "1");
        leave.notify_one();
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        // The room is free again.
        leave.notify_one();
        assert_eq!(
            router.oneshot(asked()).await.unwrap().status(),
            StatusCode::OK
        );
    }

    #[tokio::test]
    async fn what_takes_too_long_is_cut_and_makes_room() {
        let gate = Gate::new(1, Duration::from_millis(20));
        let (router, _entered, leave) = waiting(gate);
        let cut = router.clone().oneshot(asked()).await.unwrap();
        assert_eq!(cut.status(), StatusCode::SERVICE_UNAVAILABLE);
        leave.notify_one();
        assert_eq!(
            router.oneshot(asked()).await.unwrap().status(),
            StatusCode::OK
        );
    }
}
