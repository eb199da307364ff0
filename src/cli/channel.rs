//! HTTP/1.1 over any stream: a server's control socket, or a pipe to the API in this process.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, IF_RANGE, RANGE, RETRY_AFTER};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::failure::{Failure, Problem};
use super::host::{Host, Place, Task};
use crate::domain::secret::SecretText;

/// Name of the socket inside the data directory.
pub const SOCKET: &str = "control.sock";
/// Longest answer held in memory, in bytes; bundles are streamed instead.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How often a busy server is asked again.
const BUSY_RETRIES: u32 = 6;

enum Dial {
    Socket(PathBuf),
    Once,
}

/// A connection to the API.
pub struct Channel {
    dial: Dial,
    sender: SendRequest<Full<Bytes>>,
    closed: Option<Task<()>>,
}

/// One request.
#[derive(Clone)]
pub struct Call<'a> {
    method: Method,
    path: String,
    body: Option<Bytes>,
    token: Option<&'a SecretText>,
    /// From which byte on, of the file with this ETag.
    range: Option<(u64, String)>,
}

impl<'a> Call<'a> {
    /// `GET path?query`; empty values are left out.
    pub fn get(path: &str, query: &[(&str, &str)]) -> Self {
        let mut path = path.to_owned();
        let mut mark = '?';
        for (key, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
            path.push(mark);
            path.push_str(key);
            path.push('=');
            percent_encode(value, &mut path);
            mark = '&';
        }
        Self::bare(Method::GET, path)
    }
    /// `DELETE path`.
    pub fn delete(path: &str) -> Self {
        Self::bare(Method::DELETE, path.to_owned())
    }
    /// `POST path` with a JSON body.
    pub fn post(path: &str, body: &impl Serialize) -> Result<Self, Failure> {
        Self::with_body(Method::POST, path, body)
    }
    /// `PUT path` with a JSON body.
    pub fn put(path: &str, body: &impl Serialize) -> Result<Self, Failure> {
        Self::with_body(Method::PUT, path, body)
    }
    /// `PATCH path` with a JSON body.
    pub fn patch(path: &str, body: &impl Serialize) -> Result<Self, Failure> {
        Self::with_body(Method::PATCH, path, body)
    }
    /// `POST path` with a body that is JSON already.
    pub fn post_bytes(path: &str, body: Bytes) -> Self {
        Self {
            body: Some(body),
            ..Self::bare(Method::POST, path.to_owned())
        }
    }
    /// The rest of a file whose first bytes are there already.
    #[must_use]
    pub fn from_byte(mut self, offset: u64, etag: &str) -> Self {
        self.range = (offset > 0).then(|| (offset, format!("\"{etag}\"")));
        self
    }
    /// The same under this session.
    #[must_use]
    pub fn under(mut self, token: Option<&'a SecretText>) -> Self {
        self.token = token;
        self
    }
    fn with_body(method: Method, path: &str, body: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self {
            body: Some(json_bytes(body)?),
            ..Self::bare(method, path.to_owned())
        })
    }
    fn bare(method: Method, path: String) -> Self {
        Self {
            method,
            path,
            body: None,
            token: None,
            range: None,
        }
    }
    fn request(&self) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(HOST, "localhost");
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some((offset, etag)) = &self.range {
            request = request
                .header(RANGE, format!("bytes={offset}-"))
                .header(IF_RANGE, etag);
        }
        if let Some(token) = self.token {
            let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
            let mut value = HeaderValue::from_str(&bearer)
                .map_err(|_| Failure::failed("the server gave an unusable session token"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request
            .body(Full::new(self.body.clone().unwrap_or_default()))
            .map_err(|error| Failure::failed(format!("not a request: {error}")))
    }
}

/// A body of JSON whose memory is zeroed when it has been sent: it may hold a password or a case.
pub fn json_bytes(body: &impl Serialize) -> Result<Bytes, Failure> {
    let bytes = serde_json::to_vec(body)
        .map_err(|error| Failure::failed(format!("the request cannot be written: {error}")))?;
    Ok(Bytes::from_owner(Zeroizing::new(bytes)))
}

/// A good answer.
pub struct Reply {
    /// The header `Bongham-Log`: where this reading stands in the access log.
    pub log: Option<String>,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Failure::failed(format!(
                "the server's answer is not what it should be: {error}"
            ))
        })
    }
}

impl Channel {
    /// A connection to the server that has the store; `None` where none runs.
    pub async fn dial(place: &Place) -> Result<Option<Self>, Failure> {
        let socket = place.data.join(SOCKET);
        match UnixStream::connect(&socket).await {
            Ok(stream) => Self::start(Dial::Socket(socket), stream, None)
                .await
                .map(Some),
            Err(error) if nobody_listens(&error) => Ok(None),
            Err(error) => Err(Failure::file("connect to", &socket, &error)),
        }
    }

    /// A connection to the store opened in this process, sealed.
    pub async fn open(host: &Host, place: &Place) -> Result<Self, Failure> {
        let opened = (host.open)(place.clone()).await?;
        Self::start(Dial::Once, opened.stream, Some(opened.closed)).await
    }

    /// A connection to a running server only.
    pub async fn to_server(place: &Place) -> Result<Self, Failure> {
        Self::dial(place).await?.ok_or_else(|| {
            Failure::failed(format!(
                "no server runs on {}; start one with: bongham serve --data {0}",
                place.data.display()
            ))
            .korean("이 데이터 디렉터리에서 실행 중인 서버가 없습니다.")
        })
    }

    /// A connection over this stream.
    #[cfg(test)]
    pub(super) async fn over<S>(stream: S) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::start(Dial::Once, stream, None).await
    }

    async fn start<S>(dial: Dial, stream: S, closed: Option<Task<()>>) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Ok(Self {
            dial,
            sender: shake_hands(stream).await?,
            closed,
        })
    }

    /// Sends one request and takes the whole answer; a busy server is asked again.
    pub async fn call(&mut self, call: Call<'_>) -> Result<Reply, Failure> {
        let mut tries = 0;
        loop {
            let response = self.send(&call).await?;
            match whole(response).await {
                Err(failure)
                    if (failure.is("busy") || failure.is("too_many_requests"))
                        && tries < BUSY_RETRIES =>
                {
                    let wait = failure.problem().and_then(|p| p.retry_after).unwrap_or(1);
                    tries += 1;
                    tokio::time::sleep(Duration::from_secs(wait.min(30))).await;
                }
                answered => return answered,
            }
        }
    }

    /// Sends one request and hands each piece of the answer on as it comes. Returns its bytes.
    pub async fn download(
        &mut self,
        call: Call<'_>,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let response = self.send(&call).await?;
        if !response.status().is_success() {
            return whole(response).await.map(|_| 0);
        }
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                bytes += data.len() as u64;
                each(&data)?;
            }
        }
        Ok(bytes)
    }

    async fn send(&mut self, call: &Call<'_>) -> Result<Response<Incoming>, Failure> {
        if self.sender.ready().await.is_err() {
            let Dial::Socket(socket) = &self.dial else {
                return Err(Failure::failed("the store closed the connection"));
            };
            let stream = UnixStream::connect(socket)
                .await
                .map_err(|error| Failure::file("connect to", socket, &error))?;
            self.sender = shake_hands(stream).await?;
        }
        self.sender
            .send_request(call.request()?)
            .await
            .map_err(broken)
    }

    /// Hangs up, and waits until a store opened in this process is closed cleanly.
    pub async fn close(self) -> Result<(), Failure> {
        drop(self.sender);
        match self.closed {
            Some(closed) => closed.await,
            None => Ok(()),
        }
    }
}

fn nobody_listens(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

async fn shake_hands<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection to the store ended");
        }
    });
    Ok(sender)
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn broken(error: hyper::Error) -> Failure {
    Failure::failed(format!(
        "the connection to the store broke ({error}); what was asked may have happened: look before trying again"
    ))
    .korean("저장소와의 연결이 끊어졌습니다. 다시 시도하기 전에 처리 여부를 확인하십시오.")
}

async fn whole(response: Response<Incoming>) -> Result<Reply, Failure> {
    let status = response.status();
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let (log, retry_after) = (header("bongham-log"), header(RETRY_AFTER.as_str()));
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
        .collect()
        .await
        .map_err(|error| Failure::failed(format!("the answer could not be read: {error}")))?
        .to_bytes();
    if status.is_success() {
        return Ok(Reply { log, body });
    }
    let mut problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
    problem.status = status.as_u16();
    problem.retry_after = retry_after.and_then(|text| text.parse().ok());
    Err(problem.into())
}

/// RFC 3986 §2.1; everything but unreserved letters is encoded.
fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{Fake, fake};
    use super::*;

    #[tokio::test]
    async fn answers_and_problems_come_back_as_such() {
        let mut channel = fake(|request| match request.path.as_str() {
            "/good?a=b%20c&k=%ED%95%9C" => Fake::json(200, &json!({"ok": true})),
            _ => Fake::problem(404, "not_found").header("retry-after", "7"),
        })
        .await;
        let good = channel
            .call(Call::get(
                "/good",
                &[("a", "b c"), ("empty", ""), ("k", "한")],
            ))
            .await
            .unwrap();
        assert_eq!(good.json::<Value>().unwrap(), json!({"ok": true}));
        let bad = channel
            .call(Call::get("/bad", &[]))
            .await
            .map(|_| ())
            .unwrap_err();
        assert!(bad.is("not_found"));
        assert_eq!(bad.problem().unwrap().retry_after, Some(7));
    }

    #[tokio::test]
    async fn bodies_and_tokens_are_sent() {
        let mut channel =
            fake(|request| Fake::json(200, &json!({"auth": request.bearer, "body": request.body})))
                .await;
        let token = SecretText::new("bgs_x".to_owned());
        let call = Call::post("/x", &json!({"a": 1}))
            .unwrap()
            .under(Some(&token));
        let seen: Value = channel.call(call).await.unwrap().json().unwrap();
        assert_eq!(seen, json!({"auth": "bgs_x", "body": {"a": 1}}));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_a_problem_is_still_a_failure() {
        let mut channel = fake(|_| Fake::raw(502, b"<html>")).await;
        let failure = channel
            .call(Call::get("/", &[]))
            .await
            .map(|_| ())
            .unwrap_err();
        assert_eq!(failure.to_string(), "the server answered 502");
    }

    #[tokio::test]
    async fn a_busy_server_is_asked_again() {
        let asked = std::sync::atomic::AtomicU32::new(0);
        let mut channel =
            fake(
                move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                    0 | 1 => Fake::problem(503, "busy").header("retry-after", "0"),
                    n => Fake::json(200, &json!({ "n": n })),
                },
            )
            .await;
        let reply = channel.call(Call::get("/", &[])).await.unwrap();
        assert_eq!(reply.json::<Value>().unwrap(), json!({"n": 2}));
    }
}
