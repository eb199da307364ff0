//! What may be shown: the only forms of a case that can be serialised. They come out of
//! [`crate::vault::Disclosed`] alone, reduced to the permit's fields.

use std::collections::BTreeMap;

use super::draft::{Channel, Classification, Part};
use crate::domain::tier::UnitKind;

/// State of a case.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// 접수: registered, not yet assigned.
    Registered,
    /// 배정: has assignees.
    Assigned,
    /// 종결: the work on it is done.
    Closed,
    /// 파기: nothing is left of it but the register's void row.
    Destroyed,
}

/// One row of a list: head facts only.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CaseRow {
    /// Id of the case.
    pub id: String,
    /// Register number.
    pub number: String,
    /// 보안 or 일반.
    pub tier: Classification,
    /// Kind of complaint.
    pub class: String,
    /// State.
    pub state: CaseState,
    /// How it came.
    pub channel: Channel,
    /// Department code.
    pub department: String,
    /// When it was registered.
    pub registered_at: String,
    /// Whether the asker handles it.
    pub mine: bool,
}

/// One person in a case, as far as the purpose allows.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct PersonView {
    /// Id of the person's unit; the subject id of the access log.
    pub id: String,
    /// What they are in this case.
    pub part: Part,
    /// Name.
    pub name: String,
    /// Telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A statement that was added later (보정).
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AdditionView {
    /// Id of its unit.
    pub id: String,
    /// When it was added.
    pub added_at: String,
    /// What it says.
    pub statement: String,
}

/// Something of a case that was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct GoneView {
    /// What it held.
    #[schema(value_type = String)]
    pub kind: UnitKind,
    /// Id of the certificate of its destruction.
    pub certificate: String,
}

/// One case, as far as the purpose allows.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CaseView {
    /// Id of the case.
    pub id: String,
    /// Register number.
    pub number: String,
    /// Number on the receipt.
    pub receipt: String,
    /// 보안 or 일반.
    pub tier: Classification,
    /// Kind of complaint.
    pub class: String,
    /// State.
    pub state: CaseState,
    /// How it came.
    pub channel: Channel,
    /// Department code.
    pub department: String,
    /// When it was registered.
    pub registered_at: String,
    /// When it reached the office.
    pub received_at: String,
    /// When the work on it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// Number in another system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_number: Option<String>,
    /// Login names of those who handle it.
    pub assignees: Vec<String>,
    /// Title, where the purpose allows the narrative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Narrative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrative: Option<String>,
    /// Further columns of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<String, String>>,
    /// Statements that were added later, where the purpose allows the narrative.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<AdditionView>,
    /// The people, where the purpose allows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<Vec<PersonView>>,
    /// What was destroyed of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<GoneView>,
}

impl CaseView {
    /// Everybody in the case; `None` where they were not opened, and where one of them was
    /// destroyed: nobody knows then what names them in the texts.
    pub fn everybody(&self) -> Option<&[PersonView]> {
        let one_gone = self.gone.iter().any(|gone| gone.kind == UnitKind::Person);
        self.people.as_deref().filter(|_| !one_gone)
    }
}
