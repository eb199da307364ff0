//! What verbs take and give.

use crate::audit::Position;
use crate::authn::session::Token;
use crate::cases::draft::{CaseDraft, Classification};
use crate::cases::view::CaseView;
use crate::domain::limit::Limit;
use crate::domain::time::Timestamp;
use crate::people::view::{AccountView, CopyState, Warning};

/// One page of a list.
#[derive(Debug)]
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts; opaque.
    pub next: Option<String>,
}

/// What somebody asks a list for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// At most this many rows.
    pub limit: Limit,
    /// Where to start; opaque.
    pub cursor: Option<String>,
}

/// Answer to a registration.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Registered {
    /// Id of the case.
    pub id: String,
    /// Register number; for a sensitive case a random one that says nothing about how many there are.
    pub number: String,
    /// Number for the petitioner's receipt (접수증).
    pub receipt: String,
    /// What to mind.
    pub warnings: Vec<Warning>,
}

/// A case, and the entry of its reading.
pub struct Opened {
    /// The view.
    pub view: CaseView,
    /// Where the access-log entry stands.
    pub position: Position,
}

/// How far a change has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Old keys are gone.
    Done,
    /// Stored, but the keyring has not flipped yet; it will, also after a restart.
    Pending,
}

/// Answer to a change of assignees.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Assigned {
    /// Login names now.
    pub assignees: Vec<String>,
    /// Whether the case got new keys.
    pub rekeyed: bool,
    /// Whether the old keys are gone.
    pub state: Progress,
    /// What to mind.
    pub warnings: Vec<Warning>,
}

/// Answer to a change of tier.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Reclassified {
    /// Tier now.
    pub tier: Classification,
    /// Whether the old keys are gone.
    pub state: Progress,
    /// What to mind.
    pub warnings: Vec<Warning>,
}

/// Answer to a reset.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Reset {
    /// A second person is needed first: come back with the approval's id.
    Asked {
        /// Ids of the approvals that were asked for.
        approvals: Vec<String>,
        /// What to mind.
        warnings: Vec<Warning>,
    },
    /// Done; the code is shown once.
    Done {
        /// One-time code with which the person sets their own password.
        enrolment_code: String,
        /// Until when it can be used.
        enrolment_expires_at: String,
        /// What to mind.
        warnings: Vec<Warning>,
    },
}

/// A new session.
pub struct LoggedIn {
    /// The token, shown once.
    pub token: Token,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub account: AccountView,
    /// Secret by which this device is known next time.
    pub device: String,
}

/// A file of a backup.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct BackupFile {
    /// Path within the backup.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// What is to be copied.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct BackupPlan {
    /// Id of the backup.
    pub id: String,
    /// Its files; they are asked for by their place in this list, from 0.
    pub files: Vec<BackupFile>,
}

/// The signed list of a backup, to be kept beside its files.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct BackupList {
    /// Bytes of `manifest.json`.
    pub manifest: String,
    /// Bytes of `manifest.note`.
    pub note: String,
}

/// A copy of the keyring that was just made.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct KeyCopyMade {
    /// Serial number.
    pub serial: String,
    /// The sealed capsule, base64.
    pub capsule: String,
}

/// One copy of the keyring.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct KeyHolderView {
    /// Serial number.
    pub serial: String,
    /// Who keeps it.
    pub holder: String,
    /// When it was made.
    pub made_at: String,
    /// Login name of who made it.
    pub by: String,
    /// What it is worth, and what it endangers.
    pub state: CopyState,
    /// When its destruction was acknowledged.
    pub acknowledged_at: Option<String>,
}

/// State of an import.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ImportState {
    /// Id of the job.
    pub id: String,
    /// First row that has not been taken yet, from 0.
    pub next_row: u64,
    /// Rows registered so far.
    pub accepted: u64,
    /// Rows refused so far.
    pub rejected: u64,
    /// Those of them in the chunks from `rejects_from` on, as many as fit.
    pub rejected_rows: Vec<RejectedRow>,
    /// The `rejects_from` of the next of them; null where these are all.
    pub rejects_next: Option<u64>,
}

/// One row of an import.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// Line in the source file.
    pub line: u64,
    /// The case.
    pub case: CaseDraft,
}

/// Why a row was refused, as a stable word.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// The field does not hold what it must; `reason` says what.
    Invalid,
    /// A sensitive case without assignee or desk.
    NoRecipient,
    /// An assignee who has no key yet.
    NotEnrolled,
}

/// A row that was refused. Holds no content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RejectedRow {
    /// Line in the source file.
    pub line: u64,
    /// Why.
    pub code: RejectCode,
    /// Which field.
    pub field: Option<String>,
    /// What is wrong with it, in words that may change.
    pub reason: Option<String>,
}

/// Answer to a chunk of an import.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ImportProgress {
    /// First row that has not been taken yet.
    pub next_row: u64,
    /// Rows registered so far, over all chunks.
    pub accepted: u64,
    /// The rows of this chunk that were refused.
    pub rejected: Vec<RejectedRow>,
}

/// One entry of the access log, with the login name of its actor as it is today.
#[derive(Debug, serde::Serialize)]
pub struct LogEntry {
    /// Login name; `None` for nobody known.
    pub login: Option<String>,
    /// The entry.
    #[serde(flatten)]
    pub row: crate::audit::query::Row,
}

/// A proof of the log; hashes are base64.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct InclusionView {
    /// Index of the entry.
    pub index: u64,
    /// Size of the tree.
    pub size: u64,
    /// Hash of the leaf.
    pub leaf: String,
    /// Root of the tree.
    pub root: String,
    /// The proof.
    pub proof: Vec<String>,
}

/// A proof that one tree continues another; hashes are base64.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ConsistencyView {
    /// Size of the earlier tree.
    pub from: u64,
    /// Size of the later tree.
    pub to: u64,
    /// Root of the earlier tree.
    pub from_root: String,
    /// Root of the later tree.
    pub to_root: String,
    /// The proof.
    pub proof: Vec<String>,
}

/// Answer to an amendment.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Amended {
    /// State now.
    pub state: crate::cases::view::CaseState,
    /// When the work on it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// Ids of the parts that were added.
    pub added: Vec<String>,
}

/// A hold on a case.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct HoldView {
    /// Login name of who set it; somebody else lifts it.
    pub by: String,
    /// When.
    pub at: String,
    /// The law or matter it rests on.
    pub ground: String,
}

/// Answer to a change of holds.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Holds {
    /// Holds that stand now.
    pub holds: Vec<HoldView>,
}
