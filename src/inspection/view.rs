//! What the API shows of inspections.

use std::collections::BTreeMap;

use super::evidence::Words;
use super::pack::FindingState;
use super::rule::Rule;
use super::sheet::{Remark, Sentence, Sheet};

/// The sign-off of an inspection.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct SignedView {
    /// Login name of who signed.
    pub by: String,
    /// When.
    pub at: String,
    /// Hash of the sheet that was signed; it stands in the access log, too.
    pub hash: String,
    /// Why it was signed while findings were not settled.
    pub statement: Option<String>,
    /// Whether the sheet still is the one that was signed.
    pub intact: bool,
}

/// One inspection.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct InspectionView {
    /// What a signature binds to.
    pub sheet: Sheet,
    /// SHA-256 of the sheet's canonical JSON (RFC 8785): what is sent back to sign it.
    pub hash: String,
    /// Login names, as they are today, by account id.
    pub people: BTreeMap<String, String>,
    /// The sign-off.
    pub signed: Option<SignedView>,
}

/// One inspection in a list.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct InspectionRow {
    /// Id.
    pub id: String,
    /// The month.
    pub month: String,
    /// Whether the month was over.
    pub whole: bool,
    /// When it was made.
    pub made_at: String,
    /// How many findings there are.
    pub findings: u32,
    /// When it was signed.
    pub signed_at: Option<String>,
}

/// The inspections there are, and those that there should be.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct InspectionList {
    /// The newest first.
    pub rows: Vec<InspectionRow>,
    /// Months whose inspection nobody made in time.
    pub overdue: Vec<String>,
}

/// A finding about the asker.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct FindingView {
    /// Id, to explain it under.
    pub id: String,
    /// Why it is one.
    pub rule: Rule,
    /// Entries, or copies.
    pub count: u32,
    /// What was found, in words.
    #[schema(value_type = Sentence)]
    pub says: Words,
    /// Time of the first.
    pub first: String,
    /// Time of the last.
    pub last: String,
    /// How far it has come.
    pub state: FindingState,
    /// What the asker said.
    pub explanation: Option<Remark>,
    /// What the auditor said.
    pub verdict: Option<Remark>,
}

/// An inspection to make.
#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectionDraft {
    /// The month, as `2026-10`. One that is not over yet is inspected so far as it has come.
    pub month: String,
}

/// What the person concerned says.
#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplanationDraft {
    /// In their words.
    pub text: String,
}

/// What the auditor says of a finding.
#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictDraft {
    /// Whether what was found is accepted as explained.
    pub accepted: bool,
    /// Why.
    pub note: String,
}

/// A sign-off.
#[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignDraft {
    /// Hash of the sheet, as it was shown.
    pub hash: String,
    /// Why it is signed although findings are not settled; needed exactly then.
    pub statement: Option<String>,
}
