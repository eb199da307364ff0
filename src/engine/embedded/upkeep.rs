//! What a running store keeps for its scrubs, and what scrubs ask of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::forgotten::Forgotten;
use super::gate::{Erasing, Gate};
use super::index::Row;
use super::readers::Readers;
use super::renew::Meanwhile;
use super::shared::Shared;
use crate::engine::EngineError;

/// Called between the writes of a scrub; an error ends it as the death of the process would.
#[cfg(test)]
pub(super) type Point = Box<dyn Fn(&'static str) -> Result<(), EngineError> + Send>;

/// See the module.
pub(super) struct Upkeep {
    /// Who is reading rows or leaves.
    pub(super) readers: Readers,
    /// Holds a scrub back while segments are copied or walked as files.
    pub(super) gate: Arc<Gate>,
    /// Log bodies that may not be read again.
    pub(super) forgotten: Forgotten,
    /// One scrub at a time; whoever closes waits for its end.
    pub(super) turn: Mutex<()>,
    /// The store is about to close.
    pub(super) closing: AtomicBool,
    meanwhile: Mutex<Option<Meanwhile>>,
    #[cfg(test)]
    pub(super) points: Mutex<Option<Point>>,
}

impl Upkeep {
    pub(super) fn new(forgotten: Forgotten) -> Self {
        Self {
            readers: Readers::default(),
            gate: Arc::default(),
            forgotten,
            turn: Mutex::default(),
            closing: AtomicBool::new(false),
            meanwhile: Mutex::default(),
            #[cfg(test)]
            points: Mutex::default(),
        }
    }

    /// Notes rows that go into the index, if anybody keeps them. To be called where the rows are
    /// put into the index, before anything else may be done with it.
    pub(super) fn note_rows<'a>(&self, rows: impl Iterator<Item = (&'a [u8], Option<&'a Row>)>) {
        let mut meanwhile = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = meanwhile.as_mut() {
            kept.extend(rows.map(|(key, row)| (key.to_vec(), row.cloned())));
        }
    }

    /// Begins or ends to keep rows.
    pub(super) fn keep_rows(&self, keep: bool) {
        let mut meanwhile = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *meanwhile = keep.then(Meanwhile::new);
    }

    /// Takes the rows kept so far.
    pub(super) fn take_rows(&self) -> Meanwhile {
        let mut meanwhile = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        meanwhile.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Shared {
    /// [`EngineError::Stopped`] where a scrub has to end.
    pub(super) fn wanted(&self) -> Result<(), EngineError> {
        if self.is_stopped() || self.upkeep.closing.load(Ordering::Acquire) {
            Err(EngineError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Keeps everybody from looking at segments as files.
    pub(super) fn erasing(&self) -> Result<Erasing<'_>, EngineError> {
        let erasing = self.upkeep.gate.erase(|| self.wanted().is_err());
        erasing.ok_or(EngineError::Stopped)
    }

    /// A group up to which the index has every row.
    pub(super) fn known(&self) -> Result<u64, EngineError> {
        self.settle()
    }

    /// Lets a test look, or die, between two writes.
    #[cfg(test)]
    pub(super) fn point(&self, what: &'static str) -> Result<(), EngineError> {
        let points = self
            .upkeep
            .points
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        points.as_ref().map_or(Ok(()), |point| point(what))
    }

    /// Nothing: tests look here.
    #[cfg(not(test))]
    pub(super) const fn point(&self, _: &'static str) -> Result<(), EngineError> {
        Ok(())
    }
}
