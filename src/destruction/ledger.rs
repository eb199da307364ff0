//! Leaves of the destruction ledger (파기 관리대장): one canonical JSON object each (RFC 8785), kept
//! for ever, without personal data, so that an auditor can check one with `jq` and `sha256sum`.
//!
//! People stand here by the opaque ids of their accounts; cases and units by theirs.

use super::kept::{HandedOver, Retained};
use crate::domain::time::Timestamp;
use crate::engine::{Append, Batch, Log};

/// Format of a leaf.
const VERSION: u8 = 1;

/// A leaf.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Format.
    pub version: u8,
    /// When, RFC 3339 with offset. The order is the leaf's index.
    pub time: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What the ledger tells.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A destruction begins, and will be finished.
    Intent(Intent),
    /// Every key it names is gone.
    Destroyed(Destroyed),
    /// The bytes are gone as well.
    Scrubbed(Scrubbed),
    /// Another law keeps something: it was copied apart.
    Retained(Retained),
    /// What was kept apart went to an archive.
    HandedOver(HandedOver),
}

/// What is about to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Intent {
    /// Id of the order and of its certificate.
    pub destruction: String,
}

/// What has been destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Destroyed {
    /// Id of the order and of its certificate.
    pub destruction: String,
}

/// What has been overwritten.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scrubbed {
    /// Id of the order and of its certificate.
    pub destruction: String,
}

/// An entry that has no canonical form: a number out of range. A defect of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ledger entry has no canonical form")]
pub struct NotCanonical;

impl Entry {
    /// Of something that happens now.
    pub fn now(time: Timestamp, event: Event) -> Self {
        Self {
            version: VERSION,
            time: time.rfc3339(),
            event,
        }
    }

    /// The leaf's bytes: canonical JSON.
    pub fn leaf(&self) -> Result<Vec<u8>, NotCanonical> {
        serde_json_canonicalizer::to_vec(self).map_err(|_| NotCanonical)
    }

    /// Reads a leaf; `None` if it is none, or not in its canonical form.
    pub fn read(leaf: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(leaf).ok()?;
        (entry.leaf().ok()? == leaf).then_some(entry)
    }

    /// Adds the leaf to a batch, which the access log then commits together with its own entry.
    pub fn append(&self, batch: &mut Batch) -> Result<(), NotCanonical> {
        batch.append.push(Append {
            log: Log::Ledger,
            leaf: self.leaf()?,
            stamp_at: None,
            body: Vec::new(),
        });
        Ok(())
    }
}
