//! What people hand in at each step of a request: bodies of the API, parsed once, here.

mod judgement;

pub use judgement::{Judgement, JudgementDraft, PartDraft, Verdict};

use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::time::Timestamp;

/// Longest free text of a step, in bytes.
const TEXT_BYTES_MAX: usize = 8 << 10;
/// Most parts of a case that a request or review names.
const PARTS_MAX: usize = 4096;

/// A field that cannot be taken in, and why. Never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Lacking {
    /// Path of the field, such as `refusal.law`.
    pub field: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Lacking {
    /// The field and what is wrong with it.
    pub fn new(field: impl Into<String>, why: &'static str) -> Self {
        Self {
            field: field.into(),
            why,
        }
    }
}

fn text(field: &str, value: &str, max: usize, required: bool) -> Result<(), Lacking> {
    if required && value.trim().is_empty() {
        return Err(Lacking::new(field, "must not be empty"));
    }
    if value.len() > max {
        return Err(Lacking::new(field, "is too long"));
    }
    if value
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return Err(Lacking::new(field, "must not hold control characters"));
    }
    Ok(())
}

fn line(field: &str, value: &str, required: bool) -> Result<(), Lacking> {
    text(field, value, LINE_BYTES_MAX, required)
}

/// Who asks (개인정보 보호법 제38조).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AskedBy {
    /// 본인.
    Person,
    /// 대리인, with proof of authority.
    Agent,
    /// An officer, on behalf of a person who asked by word of mouth.
    Officer,
}

/// What proves that an agent may ask (시행령 제45조).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// 법정대리인: a document that shows it.
    LegalRepresentative,
    /// 위임장.
    PowerOfAttorney,
}

/// How it was checked who asks. What was seen is named; no copy is kept.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum IdentityMethod {
    /// 주민등록증.
    ResidentCard,
    /// 운전면허증.
    DriverLicence,
    /// 여권.
    Passport,
    /// 외국인등록증.
    ResidencePermit,
    /// 행정정보 공동이용.
    SharedInformation,
    /// 전자서명.
    ElectronicSignature,
    /// 휴대전화 본인확인.
    MobileIdentification,
    /// Known to the officer from the case itself.
    KnownFromCase,
}

/// A request as it comes in (개인정보 삭제 요구서): body of `POST /deletion-requests`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestDraft {
    /// Id of the case, if the taker may see it. Either this or `receipt`.
    #[serde(default)]
    pub case: Option<String>,
    /// Number on the petitioner's receipt (접수증).
    #[serde(default)]
    pub receipt: Option<String>,
    /// Who asks.
    pub asked_by: AskedBy,
    /// Name of who asks.
    pub name: String,
    /// Where the answer goes.
    pub contact: String,
    /// What proves an agent's authority.
    #[serde(default)]
    pub authority: Option<Authority>,
    /// Ids of the parts that it is about, as the case shows them; empty for all.
    #[serde(default)]
    pub parts: Vec<String>,
    /// What is asked for and why, in the person's words.
    pub reason: String,
    /// When it reached the office, RFC 3339; now, if absent. The term runs from here.
    #[serde(default)]
    pub received_at: Option<String>,
}

impl RequestDraft {
    /// Checks everything that can be checked without the store; gives the time of receipt.
    pub fn check(&self) -> Result<Option<Timestamp>, Lacking> {
        match (&self.case, &self.receipt) {
            (Some(_), Some(_)) => {
                return Err(Lacking::new("receipt", "or case: name one of both"));
            }
            (None, None) => return Err(Lacking::new("receipt", "or case must be named")),
            (None, Some(receipt)) => text("receipt", receipt, 64, true)?,
            (Some(_), None) => {}
        }
        line("name", &self.name, true)?;
        line("contact", &self.contact, true)?;
        text("reason", &self.reason, TEXT_BYTES_MAX, true)?;
        match (self.asked_by, self.authority) {
            (AskedBy::Agent, None) => {
                return Err(Lacking::new(
                    "authority",
                    "of an agent must be proved: legal_representative or power_of_attorney",
                ));
            }
            (AskedBy::Person | AskedBy::Officer, Some(_)) => {
                return Err(Lacking::new("authority", "belongs to an agent alone"));
            }
            _ => {}
        }
        if self.parts.len() > PARTS_MAX {
            return Err(Lacking::new("parts", "are too many"));
        }
        self.received_at
            .as_deref()
            .map(|at| {
                Timestamp::parse_rfc3339(at)
                    .ok_or_else(|| Lacking::new("received_at", "is not an RFC 3339 time"))
            })
            .transpose()
    }
}

/// Body of `…/identity`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityDraft {
    /// How.
    pub method: IdentityMethod,
}

/// What a person must be told of a refusal, whole or in part (시행령 제43조제3항).
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalDraft {
    /// The law's text (근거법령의 내용).
    pub law: String,
    /// The reason.
    pub reason: String,
    /// The way to object (이의제기방법).
    pub objection: String,
}

impl RefusalDraft {
    /// Takes out what was told.
    pub fn forget(&mut self) {
        for text in [&mut self.law, &mut self.reason, &mut self.objection] {
            text.clear();
        }
    }
    /// Whether anything of it is left.
    pub const fn is_gone(&self) -> bool {
        self.law.is_empty()
    }
    /// All three must be there.
    pub fn check(&self, path: &str) -> Result<(), Lacking> {
        let field = |name: &str| format!("{path}{name}");
        text(&field("law"), &self.law, TEXT_BYTES_MAX, true)?;
        text(&field("reason"), &self.reason, TEXT_BYTES_MAX, true)?;
        text(&field("objection"), &self.objection, TEXT_BYTES_MAX, true)
    }
}

/// Body of `…/review`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewDraft {
    /// Judgements by part.
    #[serde(default)]
    pub parts: Vec<PartDraft>,
    /// Judgement of every part that is not named above.
    #[serde(default)]
    pub rest: Option<JudgementDraft>,
    /// What the person is told of the parts that are not destroyed; needed if there are any.
    #[serde(default)]
    pub refusal: Option<RefusalDraft>,
}

/// Who answers for the office (민원처리법 시행령 제31조: 소속·성명·연락처).
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SenderDraft {
    /// Office.
    pub office: String,
    /// Name of the officer.
    pub officer: String,
    /// How to reach them.
    pub contact: String,
}

impl SenderDraft {
    /// All three must be there.
    pub fn check(&self) -> Result<(), Lacking> {
        line("sender.office", &self.office, true)?;
        line("sender.officer", &self.officer, true)?;
        line("sender.contact", &self.contact, true)
    }
}

/// The destruction request form (개인정보파일 파기요청서): body of `…/form`. Who writes it, who
/// approves it and when is not said here but known.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormDraft {
    /// 대상 개인정보파일.
    pub file: String,
    /// 주요 대상업무.
    pub task: String,
    /// 파기 사유.
    pub reason: String,
    /// 특기사항.
    #[serde(default)]
    pub remarks: Option<String>,
    /// 파기 장소.
    pub place: String,
    /// 파기 방법.
    pub method: String,
    /// 입회자: login name.
    #[serde(default)]
    pub witness: Option<String>,
    /// 폐기 확인 방법.
    pub verification: String,
    /// 백업 조치 유무.
    pub backups_handled: bool,
    /// 매체 폐기 여부.
    pub media_destroyed: bool,
    /// Id of the decision 폐기 of the records appraisal, where a rule demands one.
    #[serde(default)]
    pub decision: Option<String>,
    /// Ids of the items kept apart that were drawn from the case, one for each law that keeps some
    /// of it.
    #[serde(default)]
    pub kept: Vec<String>,
    /// Who answers for the office.
    pub sender: SenderDraft,
}

impl FormDraft {
    /// Every field of the form that must be filled in.
    pub fn check(&self) -> Result<(), Lacking> {
        line("file", &self.file, true)?;
        line("task", &self.task, true)?;
        text("reason", &self.reason, TEXT_BYTES_MAX, true)?;
        line("place", &self.place, true)?;
        line("method", &self.method, true)?;
        line("verification", &self.verification, true)?;
        if let Some(remarks) = &self.remarks {
            text("remarks", remarks, TEXT_BYTES_MAX, false)?;
        }
        self.decision.as_deref().map_or(Ok(()), decision)?;
        self.sender.check()
    }
}

/// The id of a decision of the records appraisal. It goes into the ledger, which is kept for ever
/// and holds nothing personal.
pub fn decision(id: &str) -> Result<(), Lacking> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        let why = "has 1 to 64 of A-Z, a-z, 0-9, - _ / and .";
        return Err(Lacking::new("decision", why));
    }
    Ok(())
}

/// Body of `…/approve`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalDraft {
    /// SHA-256 of the form as the request showed it, in hex.
    pub form_hash: String,
}

/// Body of `…/refuse`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseDraft {
    /// What the person is told.
    pub refusal: RefusalDraft,
    /// Who answers for the office.
    pub sender: SenderDraft,
}

/// Body of `…/cancel`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelDraft {
    /// Why.
    pub reason: String,
}

impl CancelDraft {
    /// A reason must be there.
    pub fn check(&self) -> Result<(), Lacking> {
        text("reason", &self.reason, TEXT_BYTES_MAX, true)
    }
}

/// How a notice reached the person.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeliveredBy {
    /// 교부: printed and handed over.
    Hand,
    /// 우편.
    Post,
    /// 전자우편.
    Email,
    /// 전자문서.
    ElectronicDocument,
    /// Nobody to tell: an expired retention period.
    FiledOnly,
}

/// Body of `POST …/notice`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryDraft {
    /// How.
    pub delivered_by: DeliveredBy,
}

#[cfg(test)]
mod tests;
