//! Writing that must go on: a client that takes nothing for too long is cut.
//!
//! What was taken counts, never how long the whole takes: a slow reader is served to the end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream as the operating system gives it, beneath TLS, whose writes fail with
/// [`io::ErrorKind::TimedOut`] when not one byte was taken for `limit`. Reads are not timed: the
/// head of a request has its own limit, and so has the work on it.
pub(super) struct Stall<S> {
    stream: S,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
}

impl<S> Stall<S> {
    /// Watches this stream. Call within the runtime.
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            timer: Box::pin(sleep(limit)),
            waiting: false,
        }
    }

    fn watch(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        if !self.waiting {
            self.waiting = true;
            self.timer.as_mut().reset(Instant::now() + self.limit);
        }
        self.timer
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stall<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stall<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watch(context, written)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
    // A socket takes what it takes when it is written: flushing it and shutting it down never wait.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_reader_that_takes_nothing_ends_the_writing_after_the_limit() {
        let (here, there) = tokio::io::duplex(16);
        let mut watched = Stall::new(here, LIMIT / 10);
        let began = Instant::now();
        let stalled = watched.write_all(&[7; 100]).await.unwrap_err();
        assert_eq!(stalled.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= LIMIT / 10);
        drop(there);
    }

    #[tokio::test]
    async fn a_reader_that_takes_a_little_at_a_time_gets_everything() {
        let (here, mut there) = tokio::io::duplex(16);
        let mut watched = Stall::new(here, LIMIT);
        let began = Instant::now();
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            while read.len() < 120 {
                sleep(LIMIT / 20).await;
                let mut piece = [0; 4];
                let count = there.read(&mut piece).await.unwrap();
                read.extend_from_slice(&piece[..count]);
            }
            read
        });
        watched.write_all(&[7; 120]).await.unwrap();
        assert_eq!(reading.await.unwrap(), [7; 120]);
        assert!(
            began.elapsed() > LIMIT,
            "the whole took longer than a stall may"
        );
    }
}
