//! The embedded engine as the bench's subject.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bongham::domain::random::SystemSource;
use bongham::domain::secret::Secret;
use bongham::domain::time::SystemClock;
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::engine::{Append, Batch, Engine, Key, Log, Space, Value};

use super::{ENTRY, Envelope, any};
use crate::Failure;

pub(crate) struct Ours {
    engine: EmbeddedEngine,
    envelope: Envelope,
    next: AtomicU64,
}

pub(crate) fn options(dir: &Path) -> Options {
    let random = Arc::new(SystemSource::default());
    Options::new(
        dir,
        Secret::new([3; 32]),
        Arc::new(SystemClock::default()),
        random,
    )
}

/// Keys as the store has them: the beginning of an HMAC, so in no order.
fn key(id: u64) -> Key {
    let mut bytes = [0; 16];
    let digest = ring::digest::digest(&ring::digest::SHA256, &id.to_be_bytes());
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    Key::from(bytes)
}

fn entry(id: u64) -> Append {
    let mut leaf = vec![5; ENTRY.0];
    leaf.splice(..8, id.to_be_bytes());
    Append {
        log: Log::Access,
        leaf,
        stamp_at: Some(16),
        body: vec![6; ENTRY.1],
    }
}

impl Ours {
    pub(crate) fn create(dir: &Path) -> Result<Self, Failure> {
        let engine = EmbeddedEngine::create(options(dir))?;
        Ok(Self {
            engine,
            envelope: Envelope::new()?,
            next: AtomicU64::new(0),
        })
    }

    fn row(&self, id: u64) -> Result<(Space, Key, Value), Failure> {
        Ok((Space::Head, key(id), Value::new(self.envelope.seal(id)?)?))
    }

    pub(crate) fn load(&self, records: u64) -> Result<(), Failure> {
        let ids: Vec<u64> = (0..records).collect();
        let mut last = None;
        for chunk in ids.chunks(500) {
            let put = chunk
                .iter()
                .map(|id| self.row(*id))
                .collect::<Result<_, _>>()?;
            last = Some(self.engine.commit(Batch {
                put,
                ..Batch::default()
            }));
        }
        last.map_or(Ok(()), |last| last.wait().map(drop))?;
        self.next.store(records, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn warm(&self, records: u64) -> Result<(), Failure> {
        for id in 0..records {
            let found = self
                .engine
                .get(Space::Head, &key(id))?
                .ok_or("a record is missing")?;
            self.envelope.open(id, found.into_bytes())?;
        }
        Ok(())
    }

    pub(crate) async fn one(&self, reading: bool, n: u64, records: u64) -> Result<(), Failure> {
        let batch = if reading {
            let id = any(n, records);
            let found = self
                .engine
                .get(Space::Head, &key(id))?
                .ok_or("a record is missing")?;
            self.envelope.open(id, found.into_bytes())?;
            Batch {
                append: vec![entry(id)],
                ..Batch::default()
            }
        } else {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            Batch {
                put: vec![self.row(id)?],
                append: vec![entry(id)],
                ..Batch::default()
            }
        };
        self.engine.commit(batch).done().await?;
        Ok(())
    }

    pub(crate) fn close(&self) -> Result<(), Failure> {
        Ok(self.engine.close()?)
    }
}
