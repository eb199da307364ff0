//! The columns of a spreadsheet: their heads, their names for programs, and what stands in them.

use super::{channel_word, part_word, state_word, tier_word};
use crate::cases::draft::Part;
use crate::cases::view::{CaseView, PersonView};
use crate::domain::serial::Serial;

/// What stands between two values of one cell.
const BETWEEN: &str = "; ";

/// One column of a spreadsheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Serial number of the output, in every row: a row alone tells where it came from.
    Output,
    /// Register number.
    Number,
    /// 보안 or 일반.
    Tier,
    /// Kind of complaint.
    Class,
    /// State.
    State,
    /// How it came.
    Channel,
    /// Department code.
    Department,
    /// When it reached the office.
    ReceivedAt,
    /// When it was registered.
    RegisteredAt,
    /// When it was closed.
    ClosedAt,
    /// Number in another system.
    ExternalNumber,
    /// Login names of those who handle it.
    Assignees,
    /// Names of everybody in this part.
    Names(Part),
    /// How to reach everybody in this part: telephone, e-mail, address, note.
    Reach(Part),
    /// Title.
    Title,
    /// Narrative.
    Narrative,
    /// Statements that were added later.
    Additions,
    /// Further columns of the source.
    Attributes,
    /// What the row's person is.
    Part,
    /// Their name.
    Name,
    /// Their telephone.
    Telephone,
    /// Their e-mail address.
    Email,
    /// Their postal address.
    Address,
    /// The note about them.
    Note,
}

impl Column {
    /// What stands at its head.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Output => "출력번호",
            Self::Number => "접수번호",
            Self::Tier => "구분",
            Self::Class => "민원 종류",
            Self::State => "상태",
            Self::Channel => "접수 경로",
            Self::Department => "처리부서",
            Self::ReceivedAt => "도달일시",
            Self::RegisteredAt => "접수일시",
            Self::ClosedAt => "종결일시",
            Self::ExternalNumber => "타 시스템 번호",
            Self::Assignees => "처리담당자",
            Self::Names(part) => part_word(part),
            Self::Reach(part) => match part {
                Part::Petitioner => "민원인 연락처",
                Part::Agent => "대리인 연락처",
                Part::Subject => "피민원인 연락처",
                Part::Witness => "참고인 연락처",
            },
            Self::Title => "제목",
            Self::Narrative => "내용",
            Self::Additions => "보정",
            Self::Attributes => "기타 항목",
            Self::Part => "당사자 구분",
            Self::Name => "성명",
            Self::Telephone => "전화번호",
            Self::Email => "전자우편",
            Self::Address => "주소",
            Self::Note => "비고",
        }
    }

    /// Its name in a file for programs; the columns of people share one.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Number => "number",
            Self::Tier => "tier",
            Self::Class => "class",
            Self::State => "state",
            Self::Channel => "channel",
            Self::Department => "department",
            Self::ReceivedAt => "received_at",
            Self::RegisteredAt => "registered_at",
            Self::ClosedAt => "closed_at",
            Self::ExternalNumber => "external_number",
            Self::Assignees => "assignees",
            Self::Title => "title",
            Self::Narrative => "narrative",
            Self::Additions => "additions",
            Self::Attributes => "attributes",
            Self::Names(_)
            | Self::Reach(_)
            | Self::Part
            | Self::Name
            | Self::Telephone
            | Self::Email
            | Self::Address
            | Self::Note => "people",
        }
    }

    pub(super) fn cell(
        self,
        serial: Serial,
        view: &CaseView,
        person: Option<&PersonView>,
    ) -> String {
        let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
        let of_person = |text: fn(&PersonView) -> Option<&String>| {
            person.and_then(text).cloned().unwrap_or_default()
        };
        match self {
            Self::Output => serial.to_string(),
            Self::Number => view.number.clone(),
            Self::Tier => tier_word(view.tier).to_owned(),
            Self::Class => view.class.clone(),
            Self::State => state_word(view.state).to_owned(),
            Self::Channel => channel_word(view.channel).to_owned(),
            Self::Department => view.department.clone(),
            Self::ReceivedAt => view.received_at.clone(),
            Self::RegisteredAt => view.registered_at.clone(),
            Self::ClosedAt => maybe(&view.closed_at),
            Self::ExternalNumber => maybe(&view.external_number),
            Self::Assignees => view.assignees.join(BETWEEN),
            Self::Names(part) => joined(view, part, |person| person.name.clone()),
            Self::Reach(part) => joined(view, part, reach),
            Self::Title => maybe(&view.title),
            Self::Narrative => maybe(&view.narrative),
            Self::Additions => {
                let added = view.additions.iter();
                let added = added.map(|a| format!("[{}] {}", a.added_at, a.statement));
                added.collect::<Vec<_>>().join("\n")
            }
            Self::Attributes => {
                let all = view.attributes.iter().flatten();
                let all = all.map(|(name, value)| format!("{name}: {value}"));
                all.collect::<Vec<_>>().join("\n")
            }
            Self::Part => person.map_or("", |p| part_word(p.part)).to_owned(),
            Self::Name => of_person(|person| Some(&person.name)),
            Self::Telephone => of_person(|person| person.telephone.as_ref()),
            Self::Email => of_person(|person| person.email.as_ref()),
            Self::Address => of_person(|person| person.address.as_ref()),
            Self::Note => of_person(|person| person.note.as_ref()),
        }
    }
}

fn joined(view: &CaseView, part: Part, text: impl Fn(&PersonView) -> String) -> String {
    let people = view.people.iter().flatten();
    let of_part = people.filter(|person| person.part == part);
    of_part.map(text).collect::<Vec<_>>().join(BETWEEN)
}

fn reach(person: &PersonView) -> String {
    let all = [
        &person.telephone,
        &person.email,
        &person.address,
        &person.note,
    ];
    let there = all.into_iter().flatten().map(String::as_str);
    there.collect::<Vec<_>>().join(", ")
}
