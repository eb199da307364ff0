//! A destruction order: which units die, on what ground, on whose word. It stands in the store from
//! approval to the end of the scrub, so that a crash at any point resumes it.

use crate::domain::id::{AccountId, CaseId, DestructionId, RequestId, RetainedId, UnitId};
use crate::domain::time::Timestamp;

/// Most units in one order: its intent, with a hash of each, must fit into one leaf of a bundle.
pub const ORDER_UNITS_MAX: usize = 4096;

/// Why something is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Ground {
    /// A data subject asked for it (개인정보 보호법 제36조).
    Request(RequestId),
    /// Its retention period has run out (제21조제1항); with the decision of the records appraisal
    /// where one is needed (공공기록물법 시행령 제43조).
    Expiry {
        /// Id of the decision 폐기, as the office numbers it.
        decision: Option<String>,
    },
    /// The end date of what was kept apart has come.
    RetentionEnd(RetainedId),
    /// As [`Ground::Request`], of a record whose period is over.
    AppraisedRequest {
        /// The request.
        request: RequestId,
        /// Id of the decision 폐기, as the office numbers it.
        decision: String,
    },
    /// As [`Ground::RetentionEnd`], of what was drawn from a record.
    AppraisedEnd {
        /// The item.
        item: RetainedId,
        /// Id of the decision 폐기, as the office numbers it.
        decision: String,
    },
    /// A request is long answered: what the person said in it.
    Petition(RequestId),
}

impl Ground {
    /// The item kept apart that ends with it.
    pub const fn item(&self) -> Option<RetainedId> {
        match self {
            Self::RetentionEnd(item) | Self::AppraisedEnd { item, .. } => Some(*item),
            _ => None,
        }
    }
}

/// What of a case.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// Every unit; the register keeps a void row.
    Whole,
    /// These units; the rest stays readable.
    Units(Vec<UnitId>),
}

/// One case in an order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// The case.
    pub case: CaseId,
    /// What of it.
    pub what: What,
    /// Item of the separate store that was made of it first, if another law keeps some of it.
    pub kept: Option<RetainedId>,
}

/// How far an order has come. A later stage is never left for an earlier one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Approved; waits for its time and can still be cancelled.
    Waiting,
    /// The intent is in the ledger: from here it only goes forward.
    Intent,
    /// Every key is gone, which the ledger says.
    Destroyed,
    /// The bytes are gone too: the certificate is complete.
    Scrubbed,
    /// Cancelled while it waited.
    Cancelled,
}

/// The order. Holds ids alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Order {
    /// Id; also of the certificate.
    pub id: DestructionId,
    /// Why.
    pub ground: Ground,
    /// What, by case.
    pub parts: Vec<Part>,
    /// Units that belong to no case: those of an item kept apart.
    pub units: Vec<UnitId>,
    /// Who filled in the destruction request form (파기요청서).
    pub handler: AccountId,
    /// Who approved it.
    pub approver: AccountId,
    /// Who stood by (입회자), if anybody.
    pub witness: Option<AccountId>,
    /// When it was approved.
    pub approved_at: Timestamp,
    /// Not before; until then it can be cancelled.
    pub due: Timestamp,
    /// How far it has come.
    pub stage: Stage,
}

impl Order {
    /// SHA-256 of the order as it was approved, hexadecimal: what the ledger's intent names.
    pub fn hash(&self) -> Option<String> {
        let approved = Self {
            stage: Stage::Waiting,
            ..self.clone()
        };
        let bytes = postcard::to_stdvec(&approved).ok()?;
        Some(super::ledger::sha256_hex(&bytes))
    }
}
