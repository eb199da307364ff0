//! What the API shows of inspections.

use std::collections::BTreeMap;

use super::evidence::Words;
use super::pack::FindingState;
use super::rule::Rule;
use super::sheet::{Remark, Sentence, Sheet, SheetOutput};

/// The sign-off of an inspection.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct SignedView {
    /// Login name of who signed.
    pub by: String,
    /// When.
    pub at: String,
    /// Hash of the sheet that was signed.
    pub hash: String,
    /// Why it was signed while findings were not settled.
    pub statement: Option<String>,
    /// Whether sheet, statement, signer and time are those of the signing's entry in the access log.
    pub intact: bool,
    /// Index of that entry, where it was found.
    pub entry: Option<u64>,
    /// What the access log says of it.
    pub witness: Witness,
}

/// What the access log says of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The entry of the signing says the same.
    Entry,
    /// There is such an entry, but what it says was destroyed with its month.
    Gone,
    /// No entry says it.
    None,
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
    /// Id of the inspection that took its place before anybody signed it.
    pub superseded_by: Option<String>,
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
    /// Id of the one that took its place.
    pub superseded_by: Option<String>,
}

/// The inspections there are, and those that there should be.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct InspectionList {
    /// The newest first.
    pub rows: Vec<InspectionRow>,
    /// Months whose inspection nobody made and signed in time.
    pub overdue: Vec<String>,
}

/// A finding about the asker.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct FindingView {
    /// Id, to explain it under.
    pub id: String,
    /// Why it is one.
    pub rule: Rule,
    /// Entries; cases, outputs or copies where the rule counts those.
    pub count: u32,
    /// What was found, in words.
    #[schema(value_type = Sentence)]
    pub says: Words,
    /// The outputs whose reason is to be confirmed, where it is about those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<SheetOutput>,
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
    pub accepted: Option<bool>,
    /// In its place: the judgement is taken back, so that the person concerned may explain again.
    #[serde(default)]
    pub reopen: bool,
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
