//! One item: what was drawn from one case on one ground.

use crate::crypto::wrap::Wrap;
use crate::domain::hold::Hold;
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
    /// Whether its end needs a decision of the records appraisal, as the rule of its class said
    /// when it was drawn: the item does not name its case, so that it cannot be looked up later.
    pub appraisal: bool,
    /// Holds that stand: nothing of it is destroyed while there is one.
    pub holds: Vec<Hold>,
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
const ITEM: u8 = 2;
/// The same without `appraisal` and `holds`, which come last: an item that was drawn before there
/// were any.
const BEFORE_HOLDS: u8 = 1;
/// `appraisal: false, holds: []`, as postcard writes them.
const NO_HOLDS: [u8; 2] = [0, 0];

pub(super) fn encode(item: &Item) -> Result<Vec<u8>, &'static str> {
    postcard::to_extend(item, vec![ITEM]).map_err(|_| "item does not encode")
}

pub(super) fn decode(bytes: &[u8]) -> Result<Item, &'static str> {
    let read = |bytes: &[u8]| postcard::from_bytes(bytes).map_err(|_| "item does not decode");
    match bytes.split_first() {
        Some((&ITEM, rest)) => read(rest),
        Some((&BEFORE_HOLDS, rest)) => read(&[rest, &NO_HOLDS].concat()),
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
        UnitKind::Petition => "petition",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retained::basis::LegalBasis;

    #[test]
    fn an_item_of_the_format_before_reads_as_one_without_holds() {
        let item = Item {
            id: RetainedId::from_bytes([1; 16]),
            basis: LegalBasis {
                law: "법".into(),
                article: "조".into(),
                items: "성명".into(),
                until: Timestamp::from_millis(2),
            },
            made_at: Timestamp::from_millis(1),
            requester: AccountId::from_bytes([2; 16]),
            approver: None,
            due_since: None,
            parts: Vec::new(),
            wraps: Vec::new(),
            origin: [3; 16],
            appraisal: false,
            holds: Vec::new(),
        };
        let bytes = encode(&item).unwrap();
        let (end, before) = (&bytes[bytes.len() - 2..], &bytes[1..bytes.len() - 2]);
        assert_eq!(end, NO_HOLDS, "the control: these are the last two fields");
        let old = [&[BEFORE_HOLDS], before].concat();
        assert!(decode(&old).unwrap() == item && decode(&bytes).unwrap() == item);
        assert!(decode(&[3, 0, 0]).is_err());
    }
}
