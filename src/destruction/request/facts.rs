//! What each step of a request brings: who asked, what was judged, written, approved, told.

use crate::domain::id::{AccountId, CaseId, DestructionId, RequestId, RetainedId, UnitId};
use crate::domain::role::Roles;
use crate::domain::tier::UnitKind;
use crate::domain::time::Timestamp;

use super::super::draft::{
    AskedBy, Authority, DeliveredBy, FormDraft, IdentityMethod, Judgement, RefusalDraft,
    SenderDraft,
};
use super::super::order::{Part, What};
use super::super::petition::SealedTexts;

/// What a person asked.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Petition {
    /// In which capacity.
    pub asked_by: AskedBy,
    /// What proves an agent's authority.
    pub authority: Option<Authority>,
    /// The parts it is about; empty for all.
    pub parts: Vec<UnitId>,
    /// Who asked, in their words; these end before the row does.
    pub texts: SealedTexts,
}

/// Where a request comes from.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Cause {
    /// A person.
    Person(Petition),
    /// Retention periods that have run out.
    Retention {
        /// Whether a decision of the records appraisal must be named.
        appraisal: bool,
        /// Units that may expire in a day by the word of one approver.
        daily_cap: u64,
    },
}

/// What does not change from the first step to the last.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// Id.
    pub id: RequestId,
    /// From where it comes.
    pub cause: Cause,
    /// The cases it was matched to; none, if the receipt is of no case.
    pub cases: Vec<CaseId>,
    /// Who took it in, or ran the sweep.
    pub taken_by: AccountId,
    /// When it reached the office.
    pub received_at: Timestamp,
    /// When it must have been answered at the latest.
    pub due: Timestamp,
}

/// That it was checked who asks. What was seen is named; no copy is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identity {
    /// How.
    pub method: IdentityMethod,
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// One unit of a case, judged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Judged {
    /// The unit.
    pub unit: UnitId,
    /// What it holds.
    pub kind: UnitKind,
    /// What shall become of it.
    pub judgement: Judgement,
    /// Why.
    pub reason: String,
}

/// A case, judged unit by unit as it stood then.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JudgedCase {
    /// The case.
    pub case: CaseId,
    /// Its units, every one.
    pub units: Vec<Judged>,
}

impl JudgedCase {
    fn all(&self, is: impl Fn(&Judgement) -> bool) -> bool {
        self.units.iter().all(|unit| is(&unit.judgement))
    }
    fn any(&self, is: impl Fn(&Judgement) -> bool) -> bool {
        self.units.iter().any(|unit| is(&unit.judgement))
    }
    /// What an order does to it: units that are destroyed or whose original follows what was
    /// kept apart of it; a hold leaves its unit as it is.
    pub(super) fn order(&self, kept: &[RetainedId]) -> Vec<Part> {
        let dies = |judgement: &Judgement| !matches!(judgement, Judgement::Hold { .. });
        let keeps = self.any(|judgement| matches!(judgement, Judgement::KeepApart { .. }));
        let what = if self.all(dies) {
            What::Whole
        } else {
            let dying = self.units.iter().filter(|unit| dies(&unit.judgement));
            What::Units(dying.map(|unit| unit.unit).collect())
        };
        let nothing = matches!(&what, What::Units(units) if units.is_empty());
        if nothing || self.units.is_empty() {
            return Vec::new();
        }
        let part = |kept| Part {
            case: self.case,
            what: what.clone(),
            kept,
        };
        match kept {
            // The same part once for each item that has to be there first.
            [_, ..] if keeps => kept.iter().map(|item| part(Some(*item))).collect(),
            _ => vec![part(None)],
        }
    }
}

/// The legal review, with its reasons.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Review {
    /// Case by case.
    pub cases: Vec<JudgedCase>,
    /// What the person is told of what is not destroyed.
    pub refusal: Option<RefusalDraft>,
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

impl Review {
    fn any(&self, is: impl Fn(&Judgement) -> bool + Copy) -> bool {
        self.cases.iter().any(|case| case.any(is))
    }
    /// Whether something of it is kept, by law or by a hold.
    pub fn keeps_something(&self) -> bool {
        self.any(|judgement| !judgement.destroys())
    }
    /// Whether something of it is to be kept apart first.
    pub fn keeps_apart(&self) -> bool {
        self.any(|judgement| matches!(judgement, Judgement::KeepApart { .. }))
    }
    /// Whether anything of it is destroyed.
    pub fn destroys_something(&self) -> bool {
        self.any(|judgement| !matches!(judgement, Judgement::Hold { .. }))
    }
    /// Takes out what was written about a person; what became of each part stays.
    pub(super) fn forget(&mut self) {
        self.refusal = None;
        for unit in self.cases.iter_mut().flat_map(|case| &mut case.units) {
            unit.reason.clear();
        }
    }
    /// Units that die.
    pub fn dying(&self) -> u64 {
        let units = self.cases.iter().flat_map(|case| &case.units);
        let dying = units.filter(|unit| !matches!(unit.judgement, Judgement::Hold { .. }));
        u64::try_from(dying.count()).unwrap_or(u64::MAX)
    }
}

/// The destruction request form (파기요청서), filled in.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Form {
    /// Its fields.
    pub fields: FormDraft,
    /// Who stands by (입회자).
    pub witness: Option<AccountId>,
    /// What was kept apart first.
    pub kept: Vec<RetainedId>,
    /// 작성자.
    pub by: AccountId,
    /// 작성일.
    pub at: Timestamp,
    /// SHA-256 of form and review in canonical JSON: what an approver approves.
    pub hash: [u8; 32],
}

/// The first of two approvals. It counts only while it is fresh and its giver is still who they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FirstWord {
    /// Who.
    pub by: AccountId,
    /// In which roles.
    pub roles: Roles,
    /// When.
    pub at: Timestamp,
}

/// The approval and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    /// 승인자.
    pub by: AccountId,
    /// Who approved before, where it took two.
    pub before: Option<AccountId>,
    /// 파기 승인일.
    pub at: Timestamp,
    /// The order.
    pub order: DestructionId,
    /// End of the cancel window.
    pub due: Timestamp,
}

/// How the answer reached the person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delivery {
    /// How.
    pub delivered_by: DeliveredBy,
    /// Who recorded it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// A refusal of everything.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// What the person is told.
    pub told: RefusalDraft,
    /// Who answers for the office.
    pub sender: SenderDraft,
    /// Who refused.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// A cancellation: the person withdrew, or the office found a mistake.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cancellation {
    /// Why.
    pub reason: String,
    /// Who recorded it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}
