//! A server for tests that answers whatever a closure says, over a pipe.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};

use super::channel::Channel;
use super::failure::Failure;
use super::host::{Host, Task};

/// A stream whose bytes can be looked at afterwards.
#[derive(Clone, Default)]
pub(super) struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The host of a binary that is not wired: every function fails.
pub(super) fn no_host() -> Host {
    fn no<T: Send + 'static>() -> Task<T> {
        Box::pin(async { Err(Failure::failed("no such function in this test")) })
    }
    Host {
        init: |_| no(),
        serve: |_| no(),
        open: |_| no(),
        restore: |_, _, _| no(),
        unpack_keyring: |_, _| no(),
        policy_check: |_| no(),
        rebuild_index: |_, _| no(),
        fsck: |_, _| no(),
        forensic_scan: |_, _, _| no(),
        archive_key: || no(),
        unseal: |_, _| no(),
    }
}

/// What reached the server.
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) bearer: Option<String>,
    pub(super) body: Value,
}

/// What the server says.
pub(super) struct Fake(Response<Full<Bytes>>);

impl Fake {
    pub(super) fn raw(status: u16, body: &[u8]) -> Self {
        let mut response = Response::new(Full::new(Bytes::copy_from_slice(body)));
        *response.status_mut() = status.try_into().unwrap();
        Self(response)
    }
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, body.to_string().as_bytes())
    }
    pub(super) fn problem(status: u16, code: &str) -> Self {
        Self::json(
            status,
            &json!({"status": status, "code": code, "detail": code}),
        )
    }
    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.0.headers_mut().insert(name, value.try_into().unwrap());
        self
    }
}

/// Answers every request on this stream by `answer`.
pub(super) async fn answer_on<S>(stream: S, answer: impl Fn(Seen) -> Fake)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = &answer;
    let service = service_fn(move |request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(read(request).await).0)
    });
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    drop(served.await);
}

/// The client's end of a pipe whose other end answers by `answer`.
pub(super) fn pipe(answer: impl Fn(Seen) -> Fake + Send + Sync + 'static) -> DuplexStream {
    let (near, far) = tokio::io::duplex(64 << 10);
    tokio::spawn(answer_on(far, answer));
    near
}

/// A channel to a server that answers by `answer`.
pub(super) async fn fake(answer: impl Fn(Seen) -> Fake + Send + Sync + 'static) -> Channel {
    Channel::over(pipe(answer)).await.unwrap()
}

async fn read(request: Request<Incoming>) -> Seen {
    let bearer = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "))
        .map(str::to_owned);
    let method = request.method().to_string();
    let path = request.uri().to_string();
    let bytes = request.into_body().collect().await.unwrap().to_bytes();
    Seen {
        method,
        path,
        bearer,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}
