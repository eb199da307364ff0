//! Content of a case: the narrative in one unit, each person in another; versioned bytes.

use std::collections::BTreeMap;
use std::mem::take;

use zeroize::Zeroize;

use crate::authz::facts::{Field, Fields};
use crate::domain::tier::UnitKind;
use crate::domain::time::Timestamp;
use crate::vault::{Decode, Plain, Reduce};

use super::draft::{Amendment, CaseDraft, Classification, Part, PersonDraft};
use super::head::StoredHead;
use super::number::register_number;
use super::search::SearchField;
use super::view::{AdditionView, CaseRow, CaseView, GoneView, PersonView};
use crate::domain::tier::Tier;

/// Format of a unit's plaintext.
const UNIT: u8 = 1;

#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Narrative {
    pub(super) title: String,
    pub(super) narrative: String,
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Person {
    pub(super) part: Part,
    pub(super) name: String,
    pub(super) telephone: Option<String>,
    pub(super) email: Option<String>,
    pub(super) address: Option<String>,
    pub(super) note: Option<String>,
}

/// A statement that was added later.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Addition {
    pub(super) statement: String,
    pub(super) added_at: Timestamp,
}

/// The same.
impl Drop for Addition {
    fn drop(&mut self) {
        self.statement.zeroize();
    }
}

/// Whatever is not shown in the end is zeroed, also where an entry cannot be written.
impl Drop for Narrative {
    fn drop(&mut self) {
        self.title.zeroize();
        self.narrative.zeroize();
        self.attributes.values_mut().for_each(Zeroize::zeroize);
    }
}

/// The same.
impl Drop for Person {
    fn drop(&mut self) {
        let Self {
            part: _,
            name,
            telephone,
            email,
            address,
            note,
        } = self;
        name.zeroize();
        for text in [telephone, email, address, note] {
            text.zeroize();
        }
    }
}

impl Person {
    /// Reads a person's unit.
    pub(super) fn read(content: &[u8]) -> Result<Self, &'static str> {
        read(content)
    }
    /// What a person can be searched by.
    pub(super) fn texts(&self) -> [(SearchField, Option<&str>); 4] {
        [
            (SearchField::Name, Some(&self.name)),
            (SearchField::Telephone, self.telephone.as_deref()),
            (SearchField::Email, self.email.as_deref()),
            (SearchField::Address, self.address.as_deref()),
        ]
    }
}

impl From<PersonDraft> for Person {
    fn from(draft: PersonDraft) -> Self {
        let PersonDraft {
            part,
            name,
            telephone,
            email,
            address,
            note,
        } = draft;
        Self {
            part,
            name,
            telephone,
            email,
            address,
            note,
        }
    }
}

/// The plaintext of what is added to a case: a statement, a person.
pub fn encode_added(
    amendment: Amendment,
    added_at: Timestamp,
) -> Result<Vec<(UnitKind, zeroize::Zeroizing<Vec<u8>>)>, &'static str> {
    let mut units = Vec::new();
    if let Some(statement) = amendment.statement {
        let addition = Addition {
            statement,
            added_at,
        };
        units.push((UnitKind::Addition, bytes(&addition)?));
    }
    if let Some(person) = amendment.person {
        units.push((UnitKind::Person, bytes(&Person::from(person))?));
    }
    Ok(units)
}

/// The plaintext of each unit of a draft: the narrative, then the people.
pub fn encode(
    draft: CaseDraft,
) -> Result<Vec<(UnitKind, zeroize::Zeroizing<Vec<u8>>)>, &'static str> {
    let narrative = Narrative {
        title: draft.title,
        narrative: draft.narrative,
        attributes: draft.attributes,
    };
    let mut units = vec![(UnitKind::Narrative, bytes(&narrative)?)];
    for person in draft.people {
        units.push((UnitKind::Person, bytes(&Person::from(person))?));
    }
    Ok(units)
}

fn bytes<T: serde::Serialize>(value: &T) -> Result<zeroize::Zeroizing<Vec<u8>>, &'static str> {
    postcard::to_extend(value, vec![UNIT])
        .map(zeroize::Zeroizing::new)
        .map_err(|_| "content does not encode")
}

pub(super) fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, &'static str> {
    match bytes.split_first() {
        Some((&UNIT, rest)) => postcard::from_bytes(rest).map_err(|_| "content does not decode"),
        _ => Err("content of an unknown format"),
    }
}

/// What a view needs besides the content.
pub struct Frame {
    /// The head.
    pub stored: StoredHead,
    /// Login names of the assignees.
    pub assignees: Vec<String>,
    /// Code of the department.
    pub department: String,
}

/// An opened case, not yet reduced.
pub struct Case {
    frame: Frame,
    narrative: Option<Narrative>,
    additions: Vec<(u64, Addition)>,
    people: Vec<(u64, Person)>,
}

impl Decode for Case {
    type Context = Frame;
    fn decode(plain: &Plain, frame: Frame) -> Result<Self, &'static str> {
        let mut case = Self {
            frame,
            narrative: None,
            additions: Vec::new(),
            people: Vec::new(),
        };
        for (unit, content) in plain.parts() {
            match unit.kind {
                UnitKind::Narrative => case.narrative = Some(read(content.expose())?),
                UnitKind::Person => case
                    .people
                    .push((unit.unit.as_u64(), read(content.expose())?)),
                UnitKind::Addition => case
                    .additions
                    .push((unit.unit.as_u64(), read(content.expose())?)),
                _ => return Err("a unit of another kind in a case"),
            }
        }
        Ok(case)
    }
}

/// The classification that people see.
pub const fn classification(tier: Tier) -> Classification {
    match tier {
        Tier::Sensitive => Classification::Sensitive,
        Tier::Ordinary | Tier::Retained => Classification::Ordinary,
    }
}

impl Reduce for Case {
    type View = CaseView;
    fn reduce(self, fields: Fields) -> CaseView {
        let StoredHead { head, number, .. } = self.frame.stored;
        let (title, narrative, attributes) = match self.narrative {
            Some(mut n) if fields.has(Field::Narrative) => (
                Some(take(&mut n.title)),
                Some(take(&mut n.narrative)),
                Some(take(&mut n.attributes)),
            ),
            _ => (None, None, None),
        };
        let additions = if fields.has(Field::Narrative) {
            self.additions
                .into_iter()
                .map(|(unit, mut a)| AdditionView {
                    id: unit.to_string(),
                    added_at: a.added_at.rfc3339(),
                    statement: take(&mut a.statement),
                })
                .collect()
        } else {
            Vec::new()
        };
        let contact = fields.has(Field::Contact);
        let only = |text: &mut Option<String>| contact.then(|| text.take()).flatten();
        let person = |(unit, mut p): (u64, Person)| PersonView {
            id: unit.to_string(),
            part: p.part,
            name: take(&mut p.name),
            telephone: only(&mut p.telephone),
            email: only(&mut p.email),
            address: only(&mut p.address),
            note: only(&mut p.note),
        };
        let people = fields
            .has(Field::People)
            .then(|| self.people.into_iter().map(person).collect());
        let gone = head.gone.iter().map(|gone| GoneView {
            kind: gone.kind,
            certificate: gone.by.to_string(),
        });
        CaseView {
            gone: gone.collect(),
            id: head.case.to_string(),
            number: register_number(head.tier, head.registered_at.year(), number),
            receipt: head.receipt.to_string(),
            tier: classification(head.tier),
            class: head.class,
            state: head.state,
            channel: head.channel,
            department: self.frame.department,
            registered_at: head.registered_at.rfc3339(),
            received_at: head.received_at.rfc3339(),
            closed_at: head.closed_at.map(Timestamp::rfc3339),
            external_number: head.external_number,
            assignees: self.frame.assignees,
            title,
            narrative,
            attributes,
            additions,
            people,
        }
    }
}

/// Which units a permit's fields need.
pub fn needs(fields: Fields, kind: UnitKind) -> bool {
    match kind {
        UnitKind::Narrative | UnitKind::Addition => fields.has(Field::Narrative),
        UnitKind::Person => fields.has(Field::People),
        _ => false,
    }
}

/// Rows of a list, each already within what the asker may see of it.
pub struct Listing(pub Vec<(Frame, bool)>);

impl Reduce for Listing {
    type View = Vec<CaseRow>;
    fn reduce(self, _: Fields) -> Vec<CaseRow> {
        let row = |(frame, mine): (Frame, bool)| {
            let StoredHead { head, number, .. } = frame.stored;
            CaseRow {
                id: head.case.to_string(),
                number: register_number(head.tier, head.registered_at.year(), number),
                tier: classification(head.tier),
                class: head.class,
                state: head.state,
                channel: head.channel,
                department: frame.department,
                registered_at: head.registered_at.rfc3339(),
                mine,
            }
        };
        self.0.into_iter().map(row).collect()
    }
}
