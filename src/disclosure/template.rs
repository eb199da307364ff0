//! Templates (출력 서식): which fields leave for which purpose. A permit says what a person may
//! see; a template says what the purpose needs, and never adds to it.
//!
//! | code | for | fields | a row is |
//! |---|---|---|---|
//! | `case_file` | handling, legal, subject_request | everything | a case |
//! | `summary` | handling, legal, supervision | head, title, narrative, who the people are | a case |
//! | `contacts` | handling, subject_request | head, people and how to reach them | a person |
//! | `register` | handling, legal, supervision | head | a case |
//!
//! A spreadsheet has one row a case, as the register (민원 처리부) has, with the people of each
//! part in a cell of their own, one behind the other. `contacts` alone has one row a person: it is
//! what letters and envelopes are made from, and a person of no case stands nowhere.

mod column;

use zeroize::Zeroize;

pub use column::Column;

use super::mask;
use crate::authz::facts::{Field, Fields};
use crate::cases::draft::{Channel, Classification, Part};
use crate::cases::view::{CaseState, CaseView, PersonView};
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;

/// Which fields leave.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// 민원 전체: everything.
    CaseFile,
    /// 민원 요약: what happened and who takes part, not how to reach them.
    Summary,
    /// 연락처: the people.
    Contacts,
    /// 처리부: head facts only.
    Register,
}

/// Whether what leaves is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// By the rules of [`mask`].
    Masked,
    /// Not at all: a right and an entry of its own.
    Unmasked,
}

impl Masking {
    /// As an order says it.
    pub const fn of(unmasked: bool) -> Self {
        if unmasked {
            Self::Unmasked
        } else {
            Self::Masked
        }
    }
}

impl Template {
    const ALL: [Self; 4] = [
        Self::CaseFile,
        Self::Summary,
        Self::Contacts,
        Self::Register,
    ];

    /// The code in the API, in manifests and on records.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CaseFile => "case_file",
            Self::Summary => "summary",
            Self::Contacts => "contacts",
            Self::Register => "register",
        }
    }
    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CaseFile => "민원 전체",
            Self::Summary => "민원 요약",
            Self::Contacts => "연락처",
            Self::Register => "민원 처리부",
        }
    }
    /// The template of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.code() == code)
    }
    /// The templates of a purpose, the usual one first; none where nothing leaves for it.
    pub const fn of(purpose: Purpose) -> &'static [Self] {
        match purpose {
            Purpose::Handling => &[
                Self::CaseFile,
                Self::Summary,
                Self::Contacts,
                Self::Register,
            ],
            Purpose::Legal => &[Self::CaseFile, Self::Summary, Self::Register],
            Purpose::SubjectRequest => &[Self::CaseFile, Self::Contacts],
            Purpose::Supervision => &[Self::Register, Self::Summary],
            Purpose::Intake | Purpose::Audit | Purpose::Recovery => &[],
        }
    }
    /// The template that was asked for, if its purpose has it, or else the purpose's usual one.
    pub fn choose(purpose: Purpose, code: Option<&str>) -> Option<Self> {
        let of = Self::of(purpose);
        match code {
            Some(code) => Self::from_code(code).filter(|template| of.contains(template)),
            None => of.first().copied(),
        }
    }
    /// The parts of a case that it needs: nothing else is opened for it.
    pub fn fields(self) -> Fields {
        let fields: &[Field] = match self {
            Self::CaseFile => &Fields::ALL,
            Self::Summary => &[Field::Head, Field::Narrative, Field::People],
            Self::Contacts => &[Field::Head, Field::People, Field::Contact],
            Self::Register => &[Field::Head],
        };
        fields
            .iter()
            .fold(Fields::default(), |all, field| all.with(*field))
    }

    /// A case as this template shows it. `view` is within the permit's fields already.
    pub fn show(self, mut view: CaseView, masking: Masking) -> CaseView {
        if masking == Masking::Masked {
            mask::view(&mut view);
        }
        let fields = self.fields();
        if !fields.has(Field::Narrative) {
            view.title.zeroize();
            view.narrative.zeroize();
            let values = view.attributes.iter_mut().flat_map(|all| all.values_mut());
            values.for_each(Zeroize::zeroize);
            view.attributes = None;
            view.additions
                .iter_mut()
                .for_each(|addition| addition.statement.zeroize());
            view.additions = Vec::new();
        }
        if !fields.has(Field::Contact) {
            let people = view.people.iter_mut().flatten();
            people.for_each(forget_reach);
        }
        if !fields.has(Field::People) {
            let people = view.people.iter_mut().flatten();
            people.for_each(|person| person.name.zeroize());
            view.people = None;
        }
        view
    }

    /// The columns of its rows.
    pub const fn columns(self) -> &'static [Column] {
        use Column as C;
        match self {
            Self::CaseFile => &[
                C::Output,
                C::Number,
                C::Tier,
                C::Class,
                C::State,
                C::Channel,
                C::Department,
                C::ReceivedAt,
                C::RegisteredAt,
                C::ClosedAt,
                C::ExternalNumber,
                C::Assignees,
                C::Names(Part::Petitioner),
                C::Reach(Part::Petitioner),
                C::Names(Part::Agent),
                C::Reach(Part::Agent),
                C::Names(Part::Subject),
                C::Reach(Part::Subject),
                C::Names(Part::Witness),
                C::Reach(Part::Witness),
                C::Title,
                C::Narrative,
                C::Additions,
                C::Attributes,
            ],
            Self::Summary => &[
                C::Output,
                C::Number,
                C::Tier,
                C::Class,
                C::State,
                C::Department,
                C::RegisteredAt,
                C::ClosedAt,
                C::Assignees,
                C::Names(Part::Petitioner),
                C::Names(Part::Agent),
                C::Names(Part::Subject),
                C::Names(Part::Witness),
                C::Title,
                C::Narrative,
                C::Additions,
            ],
            Self::Contacts => &[
                C::Output,
                C::Number,
                C::Class,
                C::Part,
                C::Name,
                C::Telephone,
                C::Email,
                C::Address,
                C::Note,
            ],
            Self::Register => &[
                C::Output,
                C::Number,
                C::Tier,
                C::Class,
                C::State,
                C::Channel,
                C::Department,
                C::ReceivedAt,
                C::RegisteredAt,
                C::ClosedAt,
                C::ExternalNumber,
                C::Assignees,
            ],
        }
    }

    /// The rows of one case: one, or one a person.
    pub fn rows(self, serial: Serial, view: &CaseView) -> Vec<Row> {
        let row = |person: Option<&PersonView>| {
            let cell = |column: &Column| column.cell(serial, view, person);
            Row(self.columns().iter().map(cell).collect())
        };
        match self {
            Self::Contacts => {
                let people = view.people.iter().flatten();
                people.map(|person| row(Some(person))).collect()
            }
            Self::CaseFile | Self::Summary | Self::Register => vec![row(None)],
        }
    }
}

/// Zeroes what people wrote in a view that has been written.
pub fn forget(mut view: CaseView) {
    view.title.zeroize();
    view.narrative.zeroize();
    view.external_number.zeroize();
    let values = view.attributes.iter_mut().flat_map(|all| all.values_mut());
    values.for_each(Zeroize::zeroize);
    for addition in &mut view.additions {
        addition.statement.zeroize();
    }
    for person in view.people.iter_mut().flatten() {
        person.name.zeroize();
        forget_reach(person);
    }
}

fn forget_reach(p: &mut PersonView) {
    for text in [&mut p.telephone, &mut p.email, &mut p.address, &mut p.note] {
        text.zeroize();
    }
}

/// The cells of one row; they are zeroed when it has been written.
pub struct Row(Vec<String>);

impl Row {
    /// The cells, in the order of [`Template::columns`].
    pub fn cells(&self) -> &[String] {
        &self.0
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// What a part is called.
pub const fn part_word(part: Part) -> &'static str {
    match part {
        Part::Petitioner => "민원인",
        Part::Agent => "대리인",
        Part::Subject => "피민원인",
        Part::Witness => "참고인",
    }
}

/// What a tier is called.
pub const fn tier_word(tier: Classification) -> &'static str {
    match tier {
        Classification::Sensitive => "보안",
        Classification::Ordinary => "일반",
    }
}

/// What a state is called.
pub const fn state_word(state: CaseState) -> &'static str {
    match state {
        CaseState::Registered => "접수",
        CaseState::Assigned => "배정",
        CaseState::Closed => "종결",
        CaseState::Destroyed => "파기",
    }
}

/// What a channel is called.
pub const fn channel_word(channel: Channel) -> &'static str {
    match channel {
        Channel::Visit => "방문",
        Channel::Mail => "우편",
        Channel::Letter => "서신",
        Channel::Fax => "팩스",
        Channel::Telephone => "전화",
        Channel::Oral => "구술",
        Channel::Email => "전자우편",
        Channel::Online => "온라인",
        Channel::Transfer => "이첩",
    }
}

#[cfg(test)]
pub(in crate::disclosure) mod tests;
