//! What people are shown of requests and retention.

use crate::domain::tier::UnitKind;

use super::draft::{AskedBy, Authority, DeliveredBy, FormDraft, IdentityMethod, RefusalDraft};
use super::order::Stage;
use super::request::State;
use super::retention::Skipped;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// A person asked.
    Person,
    /// Retention periods have run out.
    Retention,
}

/// Where a request stands, for who may not know what it was matched to: `handling` from the review
/// until the answer, `ended` behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// 접수.
    Received,
    /// 본인 확인.
    Identified,
    /// It is being reviewed, formed, approved or carried out.
    Handling,
    /// 법령 검토.
    Reviewed,
    /// 파기요청서 작성.
    Formed,
    /// One of two approvals is given.
    Seconded,
    /// 승인.
    Approved,
    /// 거절.
    Refused,
    /// 취소.
    Cancelled,
    /// 통지.
    Answered,
    /// It was answered or cancelled.
    Ended,
}

impl Shown {
    /// As who may know sees it.
    pub const fn whole(state: State) -> Self {
        match state {
            State::Received => Self::Received,
            State::Identified => Self::Identified,
            State::Reviewed => Self::Reviewed,
            State::Formed => Self::Formed,
            State::Seconded => Self::Seconded,
            State::Approved => Self::Approved,
            State::Refused => Self::Refused,
            State::Cancelled => Self::Cancelled,
            State::Answered => Self::Answered,
        }
    }
    /// As everybody else sees it.
    pub const fn part(state: State) -> Self {
        match state {
            State::Received => Self::Received,
            State::Identified => Self::Identified,
            State::Cancelled | State::Answered => Self::Ended,
            _ => Self::Handling,
        }
    }
}

/// Who asks, as given.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AskerView {
    /// In which capacity.
    pub asked_by: AskedBy,
    /// Name.
    pub name: String,
    /// Where the answer goes.
    pub contact: String,
    /// What proves an agent's authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    /// Parts it is about; empty for all.
    pub parts: Vec<String>,
    /// What is asked for and why.
    pub reason: String,
}

/// That it was checked who asks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct IdentityView {
    /// How.
    pub method: IdentityMethod,
    /// Login name of who checked.
    pub by: String,
    /// When.
    pub at: String,
}

/// A part of a case: what it holds, never its content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PartView {
    /// Id.
    pub part: String,
    /// What it holds: narrative, person, attachment or addition.
    #[schema(value_type = String)]
    pub kind: UnitKind,
    /// destroy, keep_apart or hold, once it was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The law, article, items and end date, or the ground of a hold; `not_record` for what is
    /// destroyed because it is no part of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
}

/// A case that a request was matched to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct MatchView {
    /// Id of the case.
    pub case: String,
    /// sensitive or ordinary.
    pub tier: String,
    /// When it was registered.
    pub registered_at: String,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// How many holds stand.
    pub holds: usize,
    /// Its parts.
    pub parts: Vec<PartView>,
}

/// The form, and what an approver sends back to approve exactly it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FormView {
    /// Fields.
    pub fields: FormDraft,
    /// Login name of the author (작성자).
    pub by: String,
    /// 작성일.
    pub at: String,
    /// Units that die (현재 보관건수 of what is destroyed).
    pub units: u64,
    /// SHA-256, hex.
    pub form_hash: String,
}

/// The approval and its order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct OrderView {
    /// Id of the destruction and of its certificate.
    pub id: String,
    /// Login name of the approver.
    pub approved_by: String,
    /// When it was approved.
    pub approved_at: String,
    /// Until when it can be cancelled.
    pub cancel_until: String,
    /// How far it has come.
    #[schema(value_type = String)]
    pub stage: Stage,
}

/// One request.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RequestView {
    /// Id.
    pub id: String,
    /// From where it comes.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: Shown,
    /// When it reached the office.
    pub received_at: String,
    /// When it must have been answered at the latest.
    pub due_at: String,
    /// Calendar days until then; negative when it is over.
    pub days_left: i64,
    /// Steps that may follow.
    pub next: Vec<String>,
    /// Login name of who took it in.
    pub taken_by: String,
    /// Number on the receipt, as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asker: Option<AskerView>,
    /// That it was checked who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityView>,
    /// The cases it was matched to, for who may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<Vec<MatchView>>,
    /// The form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<FormView>,
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderView>,
    /// What the person is told of what is not destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalDraft>,
    /// How the answer reached the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_by: Option<DeliveredBy>,
}

/// One row of the list of requests.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RequestRow {
    /// Id.
    pub id: String,
    /// From where it comes.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: Shown,
    /// When it reached the office.
    pub received_at: String,
    /// When it must have been answered at the latest.
    pub due_at: String,
    /// Calendar days until then; negative when it is over.
    pub days_left: i64,
    /// Whether the term is over and no answer is recorded.
    pub overdue: bool,
}

/// The notice as it goes out.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct NoticeView {
    /// As plain text, Korean and English.
    pub text: String,
    /// As a page to print.
    pub html: String,
}

/// A rule of retention.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleView {
    /// Class of complaint; absent for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Years from 1 January after closing, 1 to 100; null keeps for good.
    pub years: Option<u16>,
    /// Whether a decision of the records appraisal must be named before.
    pub appraisal: bool,
}

/// The rules of the office: body of `PUT /retention/rules`, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesView {
    /// All of them; the default has no class.
    pub rules: Vec<RuleView>,
}

/// A case whose period has run out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ExpiredView {
    /// Id of the case.
    pub case: String,
    /// Since when.
    pub expired_at: String,
    /// Id of the request that proposes it.
    pub request: String,
}

/// A case whose period has run out and that is not proposed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct SkippedView {
    /// Id of the case.
    pub case: String,
    /// Why: held, requested, proposed or changed.
    #[schema(value_type = String)]
    pub reason: Skipped,
}

/// What a sweep found. Nothing is destroyed by it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct SweepView {
    /// Proposed, each as part of a request.
    pub proposed: Vec<ExpiredView>,
    /// Expired and not proposed.
    pub skipped: Vec<SkippedView>,
    /// Cases that were not looked at, because one sweep proposes only so many: sweep again.
    pub more: bool,
}
