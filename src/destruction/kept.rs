//! Events of the ledger about what another law keeps apart: drawn, given a later end, handed over.

use crate::domain::id::{AccountId, RetainedId};

/// Something was copied to the separate store (분리 보관): its original may be destroyed now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Retained {
    /// Id of the item.
    pub item: String,
    /// The law that keeps it.
    pub law: String,
    /// Its article.
    pub article: String,
    /// What is kept, by kind.
    pub items: String,
    /// Until when.
    pub until: String,
    /// What its parts are, each kind once.
    pub kinds: Vec<String>,
    /// How many parts.
    pub count: u64,
    /// Who drew it.
    pub requester: String,
}

/// An item kept apart got a later end (보존기간 재책정).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TermSet {
    /// Id of the item.
    pub item: String,
    /// Its end before.
    pub from: String,
    /// Its end now.
    pub until: String,
    /// Id of the decision of the appraisal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Who asked for it.
    pub requester: String,
    /// Who approved it.
    pub approver: String,
}

/// Items went to an archive (기록관 이관).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HandedOver {
    /// Ids of the items.
    pub items: Vec<String>,
    /// Fingerprint of the archive's public key.
    pub archive: String,
    /// Who handed them over.
    pub requester: String,
    /// Who approved it.
    pub approver: String,
}

impl HandedOver {
    /// Of these items, to the archive with this key.
    pub fn new(
        items: &[RetainedId],
        archive: String,
        requester: AccountId,
        approver: AccountId,
    ) -> Self {
        Self {
            items: items.iter().map(ToString::to_string).collect(),
            archive,
            requester: requester.to_string(),
            approver: approver.to_string(),
        }
    }
}
