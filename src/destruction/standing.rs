//! What the ledger keeps of locks (처리정지) and holds (보존 조치): both stand in the row of a case alone, and
//! a backup from before has them not. A restore sets them again, so that nobody works with what was
//! locked, and nothing that is held is destroyed.
//!
//! A case stands here by its place, a pseudonym under a key of the store's own: whoever reads the
//! ledger learns that some case was locked or held, and not which. A request whose receipt is of no
//! case leaves the same entries as one that is.

/// A request locks cases.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Locked {
    /// Id of the request.
    pub request: String,
    /// Places of the cases; one of no case, where the request matches none.
    pub places: Vec<String>,
}

/// A request has its answer, and locks nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unlocked {
    /// Id of the request.
    pub request: String,
}

/// Holds of a case as they stand from now on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Held {
    /// Place of the case.
    pub place: String,
    /// Who set each hold that stands, by a pseudonym as well; nobody, where none stands any more.
    pub by: Vec<String>,
}
