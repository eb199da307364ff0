//! Leaves of the destruction ledger (파기 관리대장): one canonical JSON object each (RFC 8785), kept
//! for ever, without personal data, so that an auditor can check one with `jq` and `sha256sum`.
//!
//! People stand here by the opaque ids of their accounts; cases and units by theirs.

use crate::domain::tier::UnitKind;
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
}

/// What is about to be destroyed: from here it only goes forward.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Intent {
    /// Id of the order and of its certificate.
    pub destruction: String,
    /// Why: `request`, `expiry`, `retention_end`, `account`, `audit_epoch`.
    pub ground: String,
    /// The law that this rests on.
    pub basis: String,
    /// Id of the request or of the appraisal's decision, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Account id of who filled in the destruction request form (처리담당자).
    pub handler: String,
    /// Account id of who approved it (개인정보 보호책임자).
    pub approver: String,
    /// Account id of who stood by (입회자).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// What will be destroyed.
    pub units: Vec<UnitLine>,
    /// Items kept apart that were made of it first.
    pub kept: Vec<String>,
}

/// One unit in an intent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnitLine {
    /// The case it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The unit; the subject id of the access log where it is a person. In decimal.
    pub unit: String,
    /// Kind of material (자료의 종류).
    pub material: UnitKind,
    /// Date on which it came to be, where the case tells: `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// SHA-256 of the sealed bytes as they lay in the store, hexadecimal; none where they were gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Every key is gone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Destroyed {
    /// Id of the order and of its certificate.
    pub destruction: String,
    /// SHA-256 of the intent's leaf, hexadecimal.
    pub intent: String,
    /// Units destroyed.
    pub count: u64,
    /// How (폐기방법).
    pub method: String,
    /// Version of the keyring's root from which the keys are gone.
    pub root_version: u64,
    /// How it was checked (폐기 확인 방법): every key asked for again and refused.
    pub verification: String,
    /// Key holders whose copies have to be destroyed as well, by serial number.
    pub holders_pending: Vec<String>,
}

/// The bytes are gone as well.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scrubbed {
    /// Id of the order and of its certificate.
    pub destruction: String,
    /// Values overwritten by the scrub that covered it, of this and other orders.
    pub frames: u64,
    /// Bytes overwritten.
    pub bytes: u64,
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
