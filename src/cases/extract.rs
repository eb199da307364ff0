//! What another law keeps of a case, opened by a retention custodian: whole parts, without head.

use std::collections::BTreeMap;
use std::mem::take;

use crate::authz::facts::Fields;
use crate::domain::tier::UnitKind;
use crate::vault::{Decode, Plain, Reduce};

use super::draft::Part;
use super::record::{Addition, Narrative, Person, read};

/// One part of what is kept.
#[derive(Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExtractPart {
    /// A narrative.
    Narrative {
        /// Title.
        title: String,
        /// Narrative.
        narrative: String,
        /// Further columns of the source.
        attributes: BTreeMap<String, String>,
    },
    /// A statement that was added later.
    Addition {
        /// The statement.
        statement: String,
        /// When it was added.
        added_at: String,
    },
    /// A person.
    Person {
        /// What they were in the case.
        part: Part,
        /// Name.
        name: String,
        /// Telephone.
        #[serde(skip_serializing_if = "Option::is_none")]
        telephone: Option<String>,
        /// E-mail address.
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<String>,
        /// Postal address.
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// Note.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

impl ExtractPart {
    /// What it is, as lists and files name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Narrative { .. } => "narrative",
            Self::Addition { .. } => "addition",
            Self::Person { .. } => "person",
        }
    }
}

enum Content {
    Narrative(Narrative),
    Addition(Addition),
    Person(Person),
}

/// Opened parts, not yet released.
pub struct Extract(Vec<Content>);

impl Decode for Extract {
    /// What each part was drawn from, in the order of the parts.
    type Context = Vec<UnitKind>;
    fn decode(plain: &Plain, kinds: Vec<UnitKind>) -> Result<Self, &'static str> {
        if plain.parts().len() != kinds.len() {
            return Err("not as many parts as kinds");
        }
        plain
            .parts()
            .iter()
            .zip(kinds)
            .map(|((_, content), kind)| match kind {
                UnitKind::Narrative => read(content.expose()).map(Content::Narrative),
                UnitKind::Addition => read(content.expose()).map(Content::Addition),
                UnitKind::Person => read(content.expose()).map(Content::Person),
                _ => Err("a part of another kind in what is kept"),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Reduce for Extract {
    type View = Vec<ExtractPart>;
    /// An item holds nothing but what a law names, so that its second person approves all of it.
    fn reduce(self, _: Fields) -> Vec<ExtractPart> {
        self.0
            .into_iter()
            .map(|content| match content {
                Content::Narrative(mut n) => ExtractPart::Narrative {
                    title: take(&mut n.title),
                    narrative: take(&mut n.narrative),
                    attributes: take(&mut n.attributes),
                },
                Content::Addition(mut a) => ExtractPart::Addition {
                    statement: take(&mut a.statement),
                    added_at: a.added_at.rfc3339(),
                },
                Content::Person(mut p) => ExtractPart::Person {
                    part: p.part,
                    name: take(&mut p.name),
                    telephone: p.telephone.take(),
                    email: p.email.take(),
                    address: p.address.take(),
                    note: p.note.take(),
                },
            })
            .collect()
    }
}
