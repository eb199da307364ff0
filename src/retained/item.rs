//! One item: what was drawn from one case on one ground.

use crate::crypto::wrap::Wrap;
use crate::domain::id::{AccountId, RetainedId, UnitId};
use crate::domain::tier::UnitKind;
use crate::domain::time::Timestamp;
use crate::vault::UnitRef;

use super::basis::LegalBasis;

/// A unit of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// The unit, of kind `Extract`.
    pub unit: UnitRef,
    /// What the original held.
    pub of: UnitKind,
}

/// An item kept apart. Names accounts by their ids, and no case.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Item {
    /// Id.
    pub id: RetainedId,
    /// Why it is kept, and until when.
    pub basis: LegalBasis,
    /// When it was drawn.
    pub made_at: Timestamp,
    /// Who drew it.
    pub requester: AccountId,
    /// Who approved that, where somebody had to.
    pub approver: Option<AccountId>,
    /// When the daily look found that its end had come.
    pub due_since: Option<Timestamp>,
    /// Its units.
    pub parts: Vec<Part>,
    /// Its key, for the retention custodians.
    pub wraps: Vec<Wrap>,
    /// From what it was drawn, as a place that only the server's key makes: drawing the same again
    /// finds it.
    pub origin: [u8; 16],
}

impl Item {
    /// Its units.
    pub fn units(&self) -> Vec<UnitId> {
        self.parts.iter().map(|part| part.unit.unit).collect()
    }
    /// What the originals held.
    pub fn kinds(&self) -> Vec<UnitKind> {
        self.parts.iter().map(|part| part.of).collect()
    }
    /// Whether its end has come.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.basis.until <= now
    }
}

/// Format of an item's plaintext.
const ITEM: u8 = 1;

pub(super) fn encode(item: &Item) -> Result<Vec<u8>, &'static str> {
    postcard::to_extend(item, vec![ITEM]).map_err(|_| "item does not encode")
}

pub(super) fn decode(bytes: &[u8]) -> Result<Item, &'static str> {
    match bytes.split_first() {
        Some((&ITEM, rest)) => postcard::from_bytes(rest).map_err(|_| "item does not decode"),
        _ => Err("item of an unknown format"),
    }
}

/// What a part was drawn from, as lists, ledger and files name it.
pub const fn kind_code(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Narrative => "narrative",
        UnitKind::Person => "person",
        UnitKind::Attachment => "attachment",
        UnitKind::Extract => "extract",
        UnitKind::Account => "account",
        UnitKind::AuditEpoch => "audit_epoch",
        UnitKind::Addition => "addition",
    }
}
