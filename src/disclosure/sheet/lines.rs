//! A case as one line of JSON: what the template's columns hold, each by its code, and nothing else.
//!
//! Times and words are those of the API. The people are one list, as the columns of a spreadsheet
//! cannot be: what each is in the case, and of them what the template shows. Of a template with one
//! row a person, a case without anybody has no line, as it has no row.

use std::io;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::cases::view::{AdditionView, CaseView, PersonView};
use crate::disclosure::template::{Column, Template};
use crate::domain::serial::Serial;

/// The line of a case with its end, if it has one.
pub(super) fn line(
    template: Template,
    serial: Serial,
    view: &CaseView,
) -> Result<Option<Vec<u8>>, io::Error> {
    if template.rows(serial, view).is_empty() {
        return Ok(None);
    }
    let line = Line {
        template,
        serial,
        view,
    };
    let mut json = serde_json::to_vec(&line).map_err(io::Error::other)?;
    json.push(b'\n');
    Ok(Some(json))
}

struct Line<'a> {
    template: Template,
    serial: Serial,
    view: &'a CaseView,
}

#[derive(serde::Serialize)]
struct Person<'a> {
    part: crate::cases::draft::Part,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    telephone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl<'a> From<&'a PersonView> for Person<'a> {
    fn from(person: &'a PersonView) -> Self {
        Self {
            part: person.part,
            name: &person.name,
            telephone: person.telephone.as_deref(),
            email: person.email.as_deref(),
            address: person.address.as_deref(),
            note: person.note.as_deref(),
        }
    }
}

#[derive(serde::Serialize)]
struct Addition<'a> {
    added_at: &'a str,
    statement: &'a str,
}

impl<'a> From<&'a AdditionView> for Addition<'a> {
    fn from(addition: &'a AdditionView) -> Self {
        Self {
            added_at: &addition.added_at,
            statement: &addition.statement,
        }
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = self.view;
        let mut line = serializer.serialize_map(None)?;
        let mut last = "";
        for column in self.template.columns() {
            let code = column.code();
            // The columns of people stand side by side.
            if code == last {
                continue;
            }
            last = code;
            match column {
                Column::Output => line.serialize_entry(code, &self.serial.to_string())?,
                Column::Number => line.serialize_entry(code, &view.number)?,
                Column::Tier => line.serialize_entry(code, &view.tier)?,
                Column::Class => line.serialize_entry(code, &view.class)?,
                Column::State => line.serialize_entry(code, &view.state)?,
                Column::Channel => line.serialize_entry(code, &view.channel)?,
                Column::Department => line.serialize_entry(code, &view.department)?,
                Column::ReceivedAt => line.serialize_entry(code, &view.received_at)?,
                Column::RegisteredAt => line.serialize_entry(code, &view.registered_at)?,
                Column::ClosedAt => line.serialize_entry(code, &view.closed_at)?,
                Column::ExternalNumber => line.serialize_entry(code, &view.external_number)?,
                Column::Assignees => line.serialize_entry(code, &view.assignees)?,
                Column::Title => line.serialize_entry(code, &view.title)?,
                Column::Narrative => line.serialize_entry(code, &view.narrative)?,
                Column::Attributes => line.serialize_entry(code, &view.attributes)?,
                Column::Additions => {
                    let added: Vec<Addition<'_>> = view.additions.iter().map(Into::into).collect();
                    line.serialize_entry(code, &added)?;
                }
                Column::Names(_)
                | Column::Reach(_)
                | Column::Part
                | Column::Name
                | Column::Telephone
                | Column::Email
                | Column::Address
                | Column::Note => {
                    let people = view.people.as_ref();
                    let people: Option<Vec<Person<'_>>> =
                        people.map(|all| all.iter().map(Into::into).collect());
                    line.serialize_entry(code, &people)?;
                }
            }
        }
        line.end()
    }
}
