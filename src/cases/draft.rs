//! What a person hands in: a case before it is one. Parsed once, here.

use std::collections::BTreeMap;

use zeroize::Zeroize;

use crate::domain::limit::{ASSIGNEES_MAX, LINE_BYTES_MAX, NARRATIVE_BYTES_MAX, PEOPLE_MAX};
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;

/// Tier as a person names it at intake.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// 보안 민원.
    Sensitive,
    /// 일반 민원.
    Ordinary,
}

impl From<Classification> for Tier {
    fn from(classification: Classification) -> Self {
        match classification {
            Classification::Sensitive => Self::Sensitive,
            Classification::Ordinary => Self::Ordinary,
        }
    }
}

/// How a case reached the office.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// 방문.
    Visit,
    /// 우편.
    Mail,
    /// 서신.
    Letter,
    /// 팩스.
    Fax,
    /// 전화.
    Telephone,
    /// 구술.
    Oral,
    /// 전자우편.
    Email,
    /// 온라인.
    Online,
    /// 이첩.
    Transfer,
}

/// What a person is in a case.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// 민원인.
    Petitioner,
    /// 대리인.
    Agent,
    /// 피민원인.
    Subject,
    /// 참고인.
    Witness,
}

/// One person in a case, as handed in.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonDraft {
    /// What they are in this case.
    pub part: Part,
    /// Name as given.
    pub name: String,
    /// Telephone as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Anything else about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A case as handed in: the body of `POST /api/v1/cases` and of an import row.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseDraft {
    /// 보안 or 일반.
    pub tier: Classification,
    /// Code of the department it goes to.
    pub department: String,
    /// How it came.
    pub channel: Channel,
    /// Kind of complaint (민원 종류), at most 64 bytes.
    pub class: String,
    /// One line.
    pub title: String,
    /// The complaint itself.
    pub narrative: String,
    /// Everybody in it; each becomes a unit of their own.
    #[serde(default)]
    pub people: Vec<PersonDraft>,
    /// Login names of those who shall handle it.
    #[serde(default)]
    pub assignees: Vec<String>,
    /// Number in another system, such as 국민신문고.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_number: Option<String>,
    /// When it reached the office, RFC 3339; now, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
    /// Further columns of the source; sealed with the narrative.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// What a person wrote is zeroed when it has been sealed, and when it is refused.
impl Drop for PersonDraft {
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

/// The same.
impl Drop for CaseDraft {
    fn drop(&mut self) {
        self.title.zeroize();
        self.narrative.zeroize();
        self.external_number.zeroize();
        self.attributes.values_mut().for_each(Zeroize::zeroize);
    }
}

/// What becomes of the work on a case.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// 종결: its retention period runs from 1 January after.
    Close,
    /// 재개.
    Reopen,
}

/// What is added to a case, or becomes of it: the body of `PATCH /api/v1/cases/{id}` besides
/// purpose and reason.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Amendment {
    /// A further statement (보정).
    pub statement: Option<String>,
    /// A further person.
    pub person: Option<PersonDraft>,
    /// What becomes of the work on it.
    pub work: Option<Work>,
}

impl Amendment {
    /// Checks everything that can be checked without knowing the case.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.statement.is_none() && self.person.is_none() && self.work.is_none() {
            return Err(Invalid::new("statement", "or person or work must be named"));
        }
        if let Some(statement) = &self.statement {
            if statement.trim().is_empty() {
                return Err(Invalid::new("statement", "must not be empty"));
            }
            if statement.len() > NARRATIVE_BYTES_MAX || statement.contains('\0') {
                return Err(Invalid::new("statement", "is too long or holds NUL"));
            }
        }
        self.person
            .as_ref()
            .map_or(Ok(()), |person| person.check_as("person"))
    }
}

/// A field that cannot be taken in, and why. Never holds the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Invalid {
    /// Path of the field, such as `people.0.name`.
    pub field: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Invalid {
    /// The field and what is wrong with it.
    pub fn new(field: impl Into<String>, why: &'static str) -> Self {
        Self {
            field: field.into(),
            why,
        }
    }
}

fn line(field: &str, text: &str, max: usize, required: bool) -> Result<(), Invalid> {
    if required && text.trim().is_empty() {
        return Err(Invalid::new(field, "must not be empty"));
    }
    if text.len() > max {
        return Err(Invalid::new(field, "is too long"));
    }
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Invalid::new(field, "must not hold control characters"));
    }
    Ok(())
}

impl CaseDraft {
    /// Checks everything that can be checked without knowing the office.
    pub fn check(&self) -> Result<Option<Timestamp>, Invalid> {
        line("class", &self.class, 64, true)?;
        line("title", &self.title, LINE_BYTES_MAX, true)?;
        if self.narrative.len() > NARRATIVE_BYTES_MAX {
            return Err(Invalid::new("narrative", "is too long"));
        }
        if self.narrative.contains('\0') {
            return Err(Invalid::new("narrative", "must not hold NUL"));
        }
        if self.people.len() > PEOPLE_MAX {
            return Err(Invalid::new("people", "are too many"));
        }
        if self.assignees.len() > ASSIGNEES_MAX {
            return Err(Invalid::new("assignees", "are too many"));
        }
        for (index, person) in self.people.iter().enumerate() {
            person.check(index)?;
        }
        if let Some(number) = &self.external_number {
            line("external_number", number, 128, true)?;
        }
        let attributes: usize = self.attributes.iter().map(|(k, v)| k.len() + v.len()).sum();
        if attributes > NARRATIVE_BYTES_MAX {
            return Err(Invalid::new("attributes", "are too long"));
        }
        let Some(received) = &self.received_at else {
            return Ok(None);
        };
        Timestamp::parse_rfc3339(received)
            .map(Some)
            .ok_or_else(|| Invalid::new("received_at", "is not an RFC 3339 time"))
    }
}

impl PersonDraft {
    fn check(&self, index: usize) -> Result<(), Invalid> {
        self.check_as(&format!("people.{index}"))
    }

    fn check_as(&self, path: &str) -> Result<(), Invalid> {
        let field = |name: &str| format!("{path}.{name}");
        line(&field("name"), &self.name, LINE_BYTES_MAX, false)?;
        let optional = [
            ("telephone", &self.telephone),
            ("email", &self.email),
            ("address", &self.address),
            ("note", &self.note),
        ];
        for (name, value) in optional {
            if let Some(text) = value {
                line(&field(name), text, LINE_BYTES_MAX, false)?;
            }
        }
        Ok(())
    }
}
