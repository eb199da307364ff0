//! A long answer at constant memory: one side writes and blocks, the other is the body.
//!
//! The body ends only when the writer's work says that it succeeded; otherwise the connection is
//! cut, so that a part never looks like the whole.

use std::io::{self, BufWriter, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

use super::limits::STALL_TIME;
use crate::service::ServiceError;

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces between writer and reader.
const PIECES: usize = 8;

/// The writing end. Blocks while the client is slow and fails when it has gone or takes nothing
/// for [`STALL_TIME`]. Not for threads of the runtime.
pub(super) struct Pieces {
    to: Sender<Bytes>,
    runtime: Handle,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        match self
            .runtime
            .block_on(self.to.send_timeout(piece, STALL_TIME))
        {
            Ok(()) => Ok(bytes.len()),
            Err(SendTimeoutError::Timeout(_)) => Err(io::ErrorKind::TimedOut.into()),
            Err(SendTimeoutError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The reading end before anything was written.
pub(super) struct Waiting(Receiver<Bytes>);

/// Both ends. Call within the runtime.
pub(super) fn pipe() -> (BufWriter<Pieces>, Waiting) {
    let (to, from) = mpsc::channel(PIECES);
    let pieces = Pieces {
        to,
        runtime: Handle::current(),
    };
    (BufWriter::with_capacity(PIECE_BYTES, pieces), Waiting(from))
}

impl Waiting {
    /// Starts the work that writes, and waits for the first piece: work that fails before it is
    /// an ordinary error.
    pub(super) async fn after<F>(mut self, work: F) -> Result<Download, ServiceError>
    where
        F: Future<Output = Result<(), ServiceError>> + Send + 'static,
    {
        let work = tokio::spawn(work);
        let first = self.0.recv().await;
        if first.is_none() {
            return match work.await {
                Ok(Ok(())) => Ok(Download {
                    first,
                    rest: self.0,
                    work: None,
                }),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(ServiceError::Internal(
                    "a download's work ended early".into(),
                )),
            };
        }
        Ok(Download {
            first,
            rest: self.0,
            work: Some(work),
        })
    }
}

/// A body of pieces.
pub(super) struct Download {
    first: Option<Bytes>,
    rest: Receiver<Bytes>,
    work: Option<JoinHandle<Result<(), ServiceError>>>,
}

impl hyper::body::Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(piece) = ready!(self.rest.poll_recv(context)) {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(work) = self.work.as_mut() else {
            return Poll::Ready(None);
        };
        let outcome = ready!(Pin::new(work).poll(context));
        self.work = None;
        match outcome {
            Ok(Ok(())) => Poll::Ready(None),
            Ok(Err(error)) => {
                tracing::error!(%error, "a download was cut");
                Poll::Ready(Some(Err(io::ErrorKind::Other.into())))
            }
            Err(_) => {
                tracing::error!("a download was cut: its work ended early");
                Poll::Ready(Some(Err(io::ErrorKind::Other.into())))
            }
        }
    }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
        (kind, Body::new(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn collect(outcome: Result<(), ServiceError>, bytes: usize) -> Option<Vec<u8>> {
        let (mut out, body) = pipe();
        let work = async move {
            let writing = tokio::task::spawn_blocking(move || {
                out.write_all(&vec![7; bytes]).unwrap();
                out.flush().unwrap();
            });
            writing.await.unwrap();
            outcome
        };
        let body = body.after(work).await.unwrap();
        Some(body.collect().await.ok()?.to_bytes().to_vec())
    }

    #[tokio::test]
    async fn a_whole_download_ends_and_a_cut_one_fails() {
        let bytes = 3 * PIECES * PIECE_BYTES + 5;
        assert_eq!(collect(Ok(()), bytes).await, Some(vec![7; bytes]));
        assert_eq!(collect(Err(ServiceError::DiskFull), bytes).await, None);
    }

    #[tokio::test]
    async fn work_that_fails_before_the_first_byte_is_an_ordinary_error() {
        let (out, body) = pipe();
        let work = async move {
            drop(out);
            Err(ServiceError::NotFound)
        };
        assert_eq!(body.after(work).await.err(), Some(ServiceError::NotFound));
    }

    #[tokio::test]
    async fn a_client_that_has_gone_stops_the_writer() {
        let (mut out, body) = pipe();
        drop(body);
        let wrote = tokio::task::spawn_blocking(move || out.write_all(&vec![7; 2 * PIECE_BYTES]));
        assert_eq!(
            wrote.await.unwrap().unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }
}
