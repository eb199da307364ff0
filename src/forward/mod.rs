//! Forwarding of access-log entries to a collector, as they become durable: the plain part alone,
//! with opaque ids, never a body.
//!
//! A thread of its own reads the log behind the committer and sends what is new. It has its own
//! durable position, `forward/position` in the data directory. It holds nobody up: a collector that
//! is gone makes the position stand still, and the thread try again after a pause that grows.
//!
//! **At least once, as far as the other side lets it be known.** The position moves on only when a
//! batch was sent: synced into the file, or given to the connection. Syslog has no acknowledgement,
//! so what was given to a connection that then broke may not have arrived: the last `resend_bytes` of
//! it are sent again, and after a crash as well. They are more than the buffers of both kernels
//! hold (64 MiB, where `tcp_wmem` and `tcp_rmem` end at 4 and 32 by default); what a collector, or a
//! relay before it, had read and then lost beyond that, syslog cannot tell and nobody sends again.
//!
//! Every message carries the entry's id, by which a collector drops what it has. It is not to go by
//! the index: after a restore of an older backup other entries stand at the same places, and
//! everything is sent again.

mod format;
mod position;
mod sink;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::audit::entry::Header;
use crate::config::forward::Forward;
use crate::domain::limit::Limit;
use crate::engine::{Engine, EngineError, Log};

use format::Format;
use position::Position;
use sink::Sink;

/// Entries of one batch.
const BATCH: Limit = Limit::rows(256);
/// How often the log is looked at while there is nothing new.
const POLL: Duration = Duration::from_millis(500);
/// First and longest pause after a failure.
const PAUSE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(60)];
/// Batches between two lines on how far behind it is.
const TOLD_EVERY: u64 = 1_000;

/// Forwarding could not begin, or not go on for now.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// A file or connection.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// TLS: the certificates that vouch for the server, or its own.
    #[error("TLS: {0}")]
    Tls(String),
    /// The log.
    #[error("the access log: {0}")]
    Log(String),
}

impl From<EngineError> for ForwardError {
    fn from(error: EngineError) -> Self {
        Self::Log(error.to_string())
    }
}

/// How far it has come.
#[derive(Debug, Default)]
pub struct Status {
    position: AtomicU64,
    failures: AtomicU64,
}

impl Status {
    /// Index of the first entry that was not sent yet.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }
    /// How often sending failed since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Acquire)
    }
}

/// How far it has come, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Index of the first entry that was not sent yet.
    pub position: u64,
    /// How often sending failed since the start.
    pub failures: u64,
    /// Entries that wait to be sent.
    pub lag: u64,
}

/// The thread; it ends when dropped.
pub struct Forwarder {
    engine: Arc<dyn Engine>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    status: Arc<Status>,
}

impl Forwarder {
    /// Begins to forward where it stopped; `data` is the store's data directory.
    ///
    /// # Errors
    /// [`ForwardError`] where no thread can be had. A collector that is not there and a position that
    /// cannot be read or kept are no errors: they are failures that are counted and told, and are
    /// tried again.
    pub fn start(
        engine: Arc<dyn Engine>,
        forward: &Forward,
        data: &Path,
    ) -> Result<Self, ForwardError> {
        let status = Arc::new(Status::default());
        let mut worker = Worker {
            engine: Arc::clone(&engine),
            forward: forward.clone(),
            format: Format::of(forward),
            position: Position::new(&data.join("forward")),
            compared: false,
            sink: None,
            sent: VecDeque::new(),
            pause: Duration::ZERO,
            batches: 0,
            status: Arc::clone(&status),
        };
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("forward".into())
            .spawn(move || worker.run(&stopped))?;
        Ok(Self {
            engine,
            stop: Some(stop),
            thread: Some(thread),
            status,
        })
    }

    /// How far it has come.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The same, and how far behind the log it is.
    pub fn progress(&self) -> Progress {
        let position = self.status.position();
        Progress {
            position,
            failures: self.status.failures(),
            lag: self.engine.log_size(Log::Access).saturating_sub(position),
        }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Worker {
    engine: Arc<dyn Engine>,
    forward: Forward,
    format: Format,
    position: Position,
    /// Whether the position of the last run was read and the log held against it.
    compared: bool,
    sink: Option<Box<dyn Sink>>,
    /// Batches given to the present connection whose arrival is not sure: first index, bytes.
    sent: VecDeque<(u64, usize)>,
    pause: Duration,
    batches: u64,
    status: Arc<Status>,
}

impl Worker {
    fn run(&mut self, stopped: &Receiver<()>) {
        let mut next = 0;
        loop {
            let wait = match self.step(&mut next) {
                Ok(true) => Duration::ZERO,
                Ok(false) => POLL,
                Err(error) => self.failed(&error, &mut next),
            };
            self.tell(next);
            if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                self.end(next);
                return;
            }
        }
    }

    fn tell(&self, next: u64) {
        self.status.position.store(next, Ordering::Release);
    }

    /// Sends the next batch; whether there was one.
    fn step(&mut self, next: &mut u64) -> Result<bool, ForwardError> {
        let size = self.engine.log_size(Log::Access);
        let same = self.compared || {
            self.position.read()?;
            *next = self.position.index();
            self.position.is_of(self.engine.as_ref())?
        };
        self.compared = true;
        if !same || *next > size {
            // A restore has brought back an older log, and entries were written behind it: nobody
            // knows where the two part.
            tracing::warn!(
                position = *next,
                size,
                "the log is not the one that was forwarded: all of it is sent again"
            );
            *next = 0;
            self.sent.clear();
        }
        // Before a collector that may not answer is waited for.
        self.tell(*next);
        if *next == size {
            return Ok(false);
        }
        let leaves = self.engine.leaves(Log::Access, *next, BATCH)?;
        let mut bytes = Vec::new();
        let mut behind = *next;
        for leaf in leaves {
            let header = Header::decode(&leaf.leaf);
            let header = header.map_err(|error| ForwardError::Log(error.to_string()))?;
            self.format.write(&mut bytes, behind, &header)?;
            behind += 1;
        }
        if self.sink.is_none() {
            self.sink = Some(sink::open(&self.forward)?);
            self.sent.clear();
        }
        if let Some(sink) = &mut self.sink {
            sink.send(&bytes)?;
        }
        self.note_sent(*next, bytes.len());
        *next = behind;
        let sure = self.sure(behind);
        self.position.keep(self.engine.as_ref(), sure)?;
        self.pause = Duration::ZERO;
        self.batches += 1;
        if self.batches.is_multiple_of(TOLD_EVERY) {
            // The log goes on while it is read: what was sent may end behind `size`.
            let lag = size.saturating_sub(behind);
            tracing::info!(position = behind, lag, "entries forwarded");
        }
        Ok(true)
    }

    fn note_sent(&mut self, first: u64, bytes: usize) {
        if self.sink.as_ref().is_some_and(|sink| sink.is_sure()) {
            return;
        }
        self.sent.push_back((first, bytes));
        let mut held: usize = self.sent.iter().map(|(_, bytes)| bytes).sum();
        while held > self.forward.resend_bytes() && self.sent.len() > 1 {
            if let Some((_, bytes)) = self.sent.pop_front() {
                held = held.saturating_sub(bytes);
            }
        }
    }

    /// Index before which everything has surely arrived.
    fn sure(&self, next: u64) -> u64 {
        self.sent.front().map_or(next, |(first, _)| *first)
    }

    /// Goes back to what is sure; gives the pause before the next try.
    fn failed(&mut self, error: &ForwardError, next: &mut u64) -> Duration {
        *next = self.sure(*next);
        self.sink = None;
        self.sent.clear();
        self.status.failures.fetch_add(1, Ordering::AcqRel);
        let lag = self.engine.log_size(Log::Access).saturating_sub(*next);
        tracing::warn!(%error, position = *next, lag, "entries cannot be forwarded now; will be tried again");
        let [first, longest] = PAUSE;
        self.pause = (self.pause * 2).clamp(first, longest);
        self.pause
    }

    /// Ends the connection in order: if the other side confirms its end, everything has arrived.
    fn end(&mut self, next: u64) {
        if !self.compared {
            // Nobody knows what was sent before: what is kept stays.
            return;
        }
        let confirmed = self.sink.take().is_none_or(|mut sink| sink.close());
        let sure = if confirmed { next } else { self.sure(next) };
        if let Err(error) = self.position.keep(self.engine.as_ref(), sure) {
            tracing::warn!(%error, "the position of forwarding could not be kept: some is sent again");
        }
    }
}

#[cfg(test)]
mod tests;
