//! From a row to the draft of a case, as the API takes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::map::{Field, Find, ImportMap, Part, PersonMap, Piece, pieces};
use super::reject::{Bad, Reject};
use super::rows::{Row, Rows};
use crate::cli::failure::Failure;
use crate::domain::time::Timestamp;

/// The attribute that keeps a narrative as it was written where composing its letters changed it.
const AS_WRITTEN: &str = "narrative_as_written";

/// `CaseDraft` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseDraft {
    tier: String,
    department: String,
    channel: String,
    class: String,
    title: String,
    narrative: String,
    people: Vec<PersonDraft>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    assignees: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PersonDraft {
    part: Part,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    telephone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl CaseDraft {
    /// Bytes of its longest parts, for the bound on a request.
    pub fn weight(&self) -> usize {
        let attributes = self.attributes.iter().map(|(k, v)| k.len() + v.len());
        1024 + self.narrative.len() + self.title.len() + attributes.sum::<usize>()
    }
}

/// A draft and the line it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drafted {
    /// Physical line on which the row starts.
    pub line: u64,
    /// The case.
    pub case: CaseDraft,
}

/// The drafts of a file's rows.
pub struct Drafts<'a> {
    rows: Rows,
    map: &'a ImportMap,
    zone: TimeZone,
    used: BTreeSet<&'a str>,
}

impl<'a> Drafts<'a> {
    /// Reads `rows` by `map`; fails where the file lacks a column that the map reads.
    pub fn new(rows: Rows, map: &'a ImportMap) -> Result<Self, Failure> {
        if let Some(header) = rows.header() {
            map.check_header(header)?;
        }
        let fields = map.fields();
        Ok(Self {
            rows,
            map,
            zone: map.source.time_zone()?,
            used: fields
                .iter()
                .flat_map(|(_, field)| field.columns())
                .collect(),
        })
    }

    fn draft(&self, row: &Row) -> Result<Drafted, Reject> {
        let case = &self.map.case;
        let needed = |key: &str, field: &Field| {
            let text = self.text(row, field).map_err(|r| r.at(key))?;
            text.ok_or_else(|| Reject::new(row.line, "missing").at(key))
        };
        let line = |key: &str, field: &Field| {
            let text = one_line(&needed(key, field)?);
            Ok(if field.nfc {
                text.nfc().collect()
            } else {
                text
            })
        };
        let narrative = needed("narrative", &case.narrative)?;
        let composed: Option<String> = case
            .narrative
            .nfc
            .then(|| narrative.nfc().collect())
            .filter(|text| *text != narrative);
        let mut attributes = self.attributes(row);
        let narrative = match composed {
            None => narrative,
            Some(composed) => {
                attributes.insert(AS_WRITTEN.to_owned(), narrative);
                composed
            }
        };
        let people = self
            .map
            .people
            .iter()
            .filter_map(|p| self.person(row, p).transpose());
        Ok(Drafted {
            line: row.line,
            case: CaseDraft {
                tier: line("tier", &case.tier)?,
                department: line("department", &case.department)?,
                channel: line("channel", &case.channel)?,
                class: line("class", &case.class)?,
                title: line("title", &case.title)?,
                narrative,
                people: people.collect::<Result<_, _>>()?,
                assignees: case.assignees.clone(),
                external_number: self.optional(
                    row,
                    "external_number",
                    case.external_number.as_ref(),
                )?,
                received_at: self.received_at(row)?,
                attributes,
            },
        })
    }

    fn optional(
        &self,
        row: &Row,
        key: &str,
        field: Option<&Field>,
    ) -> Result<Option<String>, Reject> {
        let Some(field) = field else {
            return Ok(None);
        };
        let text = self.text(row, field).map_err(|reject| reject.at(key))?;
        Ok(text.map(|text| one_line(&text)))
    }

    /// The person, unless the row says nothing about them.
    fn person(&self, row: &Row, map: &PersonMap) -> Result<Option<PersonDraft>, Reject> {
        let fields = [Some(&map.name), map.telephone.as_ref(), map.email.as_ref()];
        let fields = fields
            .into_iter()
            .chain([map.address.as_ref(), map.note.as_ref()])
            .flatten();
        let mut columns = fields.flat_map(Field::columns);
        if columns.all(|column| row.get(column).is_empty()) {
            return Ok(None);
        }
        let Some(name) = self.optional(row, "people.name", Some(&map.name))? else {
            return Err(Reject::new(row.line, "missing").at("people.name"));
        };
        Ok(Some(PersonDraft {
            part: map.part,
            name,
            telephone: self.optional(row, "people.telephone", map.telephone.as_ref())?,
            email: self.optional(row, "people.email", map.email.as_ref())?,
            address: self.optional(row, "people.address", map.address.as_ref())?,
            note: self.optional(row, "people.note", map.note.as_ref())?,
        }))
    }

    fn received_at(&self, row: &Row) -> Result<Option<String>, Reject> {
        let Some(field) = &self.map.case.received_at else {
            return Ok(None);
        };
        let Some(text) = self.text(row, field).map_err(|r| r.at("received_at"))? else {
            return Ok(None);
        };
        let at = field
            .formats
            .iter()
            .find_map(|f| moment(f, &text, &self.zone));
        at.or_else(|| Timestamp::parse_rfc3339(&text))
            .map(|at| Some(at.rfc3339()))
            .ok_or_else(|| Reject::new(row.line, "bad_date").at("received_at"))
    }

    fn attributes(&self, row: &Row) -> BTreeMap<String, String> {
        let map = &self.map.attributes;
        row.cells()
            .filter(|(name, _)| {
                map.columns.iter().any(|c| c == name) || (map.others && !self.used.contains(name))
            })
            .map(|(name, _)| (name.to_owned(), self.cell(row, name)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    fn cell(&self, row: &Row, column: &str) -> String {
        let text = row.get(column);
        match self.map.source.whole_numbers.contains(column) {
            true => whole_number(text).to_owned(),
            false => text.to_owned(),
        }
    }

    /// The text of a field; `None` where the row has nothing for it and there is no default.
    fn text(&self, row: &Row, field: &Field) -> Result<Option<String>, Reject> {
        let raw = match field {
            Field {
                value: Some(value), ..
            } => return Ok(Some(value.clone())),
            Field {
                column: Some(column),
                ..
            } => self.cell(row, column),
            Field {
                template: Some(template),
                ..
            } => self.filled(row, template),
            Field {
                lines: Some(columns),
                ..
            } => self.lines(row, columns),
            _ => String::new(),
        };
        let found = match field.find {
            None => raw,
            Some(Find::Telephone) => telephone(&raw).unwrap_or_default(),
        };
        if found.is_empty() {
            return Ok(field.default.clone());
        }
        if !field.values.is_empty() {
            return match field.values.get(&found).or(field.default.as_ref()) {
                Some(meant) => Ok(Some(meant.clone())),
                None => Err(Reject::new(row.line, "value_not_in_map")),
            };
        }
        Ok(Some(found))
    }

    fn filled(&self, row: &Row, template: &str) -> String {
        let mut text = String::new();
        let mut any = false;
        for piece in pieces(template) {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Column(column) => {
                    let cell = self.cell(row, column);
                    any |= !cell.is_empty();
                    text.push_str(&cell);
                }
            }
        }
        if any {
            text.trim().to_owned()
        } else {
            String::new()
        }
    }

    fn lines(&self, row: &Row, columns: &[String]) -> String {
        let lines: Vec<String> = columns
            .iter()
            .map(|column| (column, self.cell(row, column)))
            .filter(|(_, cell)| !cell.is_empty())
            .map(|(column, cell)| format!("{column}: {cell}"))
            .collect();
        lines.join("\n")
    }
}

impl Iterator for Drafts<'_> {
    type Item = Result<Drafted, Bad>;
    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.and_then(|row| self.draft(&row).map_err(Bad::Row)))
    }
}

/// Line breaks and runs of space as single spaces, for fields of one line.
fn one_line(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.split(|c: char| c.is_control())
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `244` for `244.0`; anything else as it is.
pub fn whole_number(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && whole.bytes().all(|b| b.is_ascii_digit())
                && zeros.bytes().all(|b| b == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

fn moment(format: &str, text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let parsed = strtime::parse(format, text).ok()?;
    if parsed.offset().is_some() {
        let at = parsed.to_timestamp().ok()?;
        return Some(Timestamp::from_millis(at.as_millisecond()));
    }
    let local: DateTime = parsed
        .to_datetime()
        .or_else(|_| parsed.to_date().map(|date| date.at(0, 0, 0, 0)))
        .ok()?;
    let at = local.to_zoned(zone.clone()).ok()?;
    Some(Timestamp::from_millis(at.timestamp().as_millisecond()))
}

/// The first telephone number in a text: ten digits of North America (3-3-4) or nine to eleven of
/// Korea that start with 0, in groups parted by single spaces, dots or dashes. A house number
/// beside a postal code is none.
pub fn telephone(text: &str) -> Option<String> {
    let mut runs: Vec<Vec<&str>> = vec![Vec::new()];
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (group, after) = from.split_at(end);
        if !matches!(before, " " | "-" | "." | ") " | ")") {
            runs.push(Vec::new());
        }
        if let Some(run) = runs.last_mut() {
            run.push(group);
        }
        rest = after;
    }
    runs.into_iter()
        .find(|groups| is_telephone(groups))
        .map(|groups| groups.join("-"))
}

fn is_telephone(groups: &[&str]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
    let korean = groups.first().is_some_and(|g| g.starts_with('0'));
    match lengths.as_slice() {
        [3, 3, 4] | [10] => true,
        [2 | 3, 3 | 4, 4] | [9 | 11] => korean,
        _ => false,
    }
}
