//! A hold: something is kept as it is, whatever was ordered.

use super::id::AccountId;
use super::time::Timestamp;

/// A hold (보존 조치, 보류): another matter needs a case, or an item kept apart, as it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hold {
    /// Who set it; somebody else lifts it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// The law or matter it rests on.
    pub ground: String,
}
