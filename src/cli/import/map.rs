//! The map of an import: which column is which field of a case. TOML; unknown keys are errors,
//! and every error names the key.
//!
//! ```toml
//! [source]                       # all optional
//! format = "auto"                # csv | jsonl | auto
//! encoding = "auto"              # utf-8 | cp949 | auto
//! delimiter = ","
//! zone = "Asia/Seoul"            # of dates without an offset
//! whole_numbers = ["house"]      # 244.0 is written 244
//!
//! [case]                         # every field is a table: value, column, template or lines
//! tier = { value = "ordinary" }
//! department = { column = "dept", values = { "Road" = "civil" }, default = "civil" }
//! channel = { value = "online" }
//! class = { column = "category", default = "other" }
//! title = { template = "{category}: {subject}" }
//! narrative = { lines = ["place", "what"] }      # "place: …" and "what: …", empty ones left out
//! external_number = { column = "id" }
//! received_at = { column = "date", formats = ["%Y-%m-%d"] }
//! assignees = ["kim"]
//!
//! [[people]]                     # left out of a row where all its columns are empty
//! part = "petitioner"
//! name = { column = "name", default = "(not recorded)" }
//! telephone = { column = "address", find = "telephone" }
//!
//! [attributes]
//! columns = ["status"]           # or: others = true, all columns that nothing else uses
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::decode::Encoding;
use crate::cli::failure::Failure;

/// Maps that come with the program, by the name behind `builtin:`.
const BUILTIN: [(&str, &str); 3] = [
    ("chicago", include_str!("maps/chicago.toml")),
    ("bluehouse", include_str!("maps/bluehouse.toml")),
    ("keyword", include_str!("maps/keyword.toml")),
];

/// A map, checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportMap {
    /// How the file is read.
    #[serde(default)]
    pub source: SourceMap,
    /// The case.
    pub case: CaseMap,
    /// The people in it.
    #[serde(default)]
    pub people: Vec<PersonMap>,
    /// Everything else worth keeping.
    #[serde(default)]
    pub attributes: AttributeMap,
}

/// `[source]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceMap {
    /// Kind of file.
    pub format: Format,
    /// Encoding of its letters.
    pub encoding: Encoding,
    /// One ASCII character.
    pub delimiter: String,
    /// IANA zone of dates without an offset.
    pub zone: String,
    /// Columns whose `244.0` means 244.
    pub whole_numbers: BTreeSet<String>,
}

impl Default for SourceMap {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            encoding: Encoding::Auto,
            delimiter: ",".to_owned(),
            zone: "Asia/Seoul".to_owned(),
            whole_numbers: BTreeSet::new(),
        }
    }
}

impl SourceMap {
    /// The delimiter as a byte.
    pub fn delimiter(&self) -> Result<u8, Failure> {
        match self.delimiter.as_bytes() {
            [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
            _ => Err(Failure::usage(
                "source.delimiter must be one ASCII character",
            )),
        }
    }
    /// The zone of dates without an offset.
    pub fn time_zone(&self) -> Result<TimeZone, Failure> {
        TimeZone::get(&self.zone).map_err(|_| {
            Failure::usage(format!(
                "source.zone: no such zone {:?}; write Asia/Seoul",
                self.zone
            ))
        })
    }
}

/// Kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Found out: JSONL where the first letter is `{`.
    #[default]
    Auto,
    /// RFC 4180.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// `[case]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseMap {
    /// ordinary or sensitive.
    pub tier: Field,
    /// Code of the department.
    pub department: Field,
    /// How it came in.
    pub channel: Field,
    /// Class.
    pub class: Field,
    /// Title.
    pub title: Field,
    /// Narrative.
    pub narrative: Field,
    /// Number in the old register.
    pub external_number: Option<Field>,
    /// When it came in.
    pub received_at: Option<Field>,
    /// Logins of the assignees of every case.
    #[serde(default)]
    pub assignees: Vec<String>,
}

/// `[[people]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonMap {
    /// petitioner, agent, subject or witness.
    pub part: Part,
    /// Name.
    pub name: Field,
    /// Telephone number.
    pub telephone: Option<Field>,
    /// Mail address.
    pub email: Option<Field>,
    /// Postal address.
    pub address: Option<Field>,
    /// Anything else about them.
    pub note: Option<Field>,
}

/// A person's part in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// 민원인.
    Petitioner,
    /// 대리인.
    Agent,
    /// 피신고인.
    Subject,
    /// 참고인.
    Witness,
}

/// `[attributes]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeMap {
    /// These columns.
    pub columns: Vec<String>,
    /// All columns that nothing else uses.
    pub others: bool,
}

/// Where a field's text comes from, and what is done to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Field {
    /// Always this.
    pub value: Option<String>,
    /// What stands in this column.
    pub column: Option<String>,
    /// A text with `{column}` in it.
    pub template: Option<String>,
    /// `column: cell` lines of these.
    pub lines: Option<Vec<String>>,
    /// From what stands there to what is meant.
    pub values: BTreeMap<String, String>,
    /// Where nothing stands there, or nothing that `values` knows.
    pub default: Option<String>,
    /// Forms of a date (strptime), tried in order.
    pub formats: Vec<String>,
    /// Only this part of the text.
    pub find: Option<Find>,
    /// Composed letters (Unicode NFC), for narrative, title and class; without it the text stays as
    /// written. A narrative that this changes is kept as written, too, among the attributes.
    pub nfc: bool,
}

/// A part of a text that can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Find {
    /// A telephone number.
    Telephone,
}

impl Field {
    /// The columns it reads.
    pub fn columns(&self) -> Vec<&str> {
        let template = self.template.as_deref().map(columns_of).unwrap_or_default();
        let lines = self.lines.iter().flatten().map(String::as_str);
        self.column
            .as_deref()
            .into_iter()
            .chain(template)
            .chain(lines)
            .collect()
    }
    fn check(&self, key: &str) -> Result<(), Failure> {
        let sources = [
            self.value.is_some(),
            self.column.is_some(),
            self.template.is_some(),
            self.lines.is_some(),
        ];
        if sources.iter().filter(|given| **given).count() != 1 {
            let text = "needs exactly one of value, column, template, lines";
            return Err(Failure::usage(format!("{key} {text}")));
        }
        if key == "case.received_at" && self.value.is_none() && self.formats.is_empty() {
            let text = "needs formats, for example [\"%Y-%m-%d\"]";
            return Err(Failure::usage(format!("{key} {text}")));
        }
        Ok(())
    }
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// What stands in this column.
    Column(&'a str),
}

/// The pieces of a template; a brace without its partner is text.
pub fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    template.split('{').enumerate().flat_map(|(index, part)| {
        match part.split_once('}').filter(|_| index > 0) {
            Some((column, text)) => [Piece::Column(column), Piece::Text(text)],
            None => [
                Piece::Text(if index > 0 { "{" } else { "" }),
                Piece::Text(part),
            ],
        }
    })
}

fn columns_of(template: &str) -> Vec<&str> {
    pieces(template)
        .filter_map(|piece| match piece {
            Piece::Column(column) => Some(column),
            Piece::Text(_) => None,
        })
        .collect()
}

impl ImportMap {
    /// The text of the map called `name`: `builtin:NAME` or a path.
    pub fn text(name: &str) -> Result<String, Failure> {
        let Some(builtin) = name.strip_prefix("builtin:") else {
            let path = Path::new(name);
            return std::fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e));
        };
        BUILTIN
            .iter()
            .find(|(known, _)| *known == builtin)
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| {
                let known = BUILTIN.map(|(name, _)| name).join(", ");
                Failure::usage(format!("no built-in map {builtin:?}; there are: {known}"))
            })
    }

    /// The map of this text.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let map: Self = toml::from_str(text)
            .map_err(|error| Failure::usage(format!("the map is not valid: {error}")))?;
        for (key, field) in map.fields() {
            field
                .check(&key)
                .map_err(|e| Failure::usage(format!("the map is not valid: {e}")))?;
        }
        map.source.delimiter()?;
        map.source.time_zone()?;
        Ok(map)
    }

    /// Every field with its key.
    pub fn fields(&self) -> Vec<(String, &Field)> {
        let case = &self.case;
        let mut fields: Vec<(String, &Field)> = [
            ("tier", Some(&case.tier)),
            ("department", Some(&case.department)),
            ("channel", Some(&case.channel)),
            ("class", Some(&case.class)),
            ("title", Some(&case.title)),
            ("narrative", Some(&case.narrative)),
            ("external_number", case.external_number.as_ref()),
            ("received_at", case.received_at.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, field)| field.map(|f| (format!("case.{key}"), f)))
        .collect();
        for (index, person) in self.people.iter().enumerate() {
            let of_person = [
                ("name", Some(&person.name)),
                ("telephone", person.telephone.as_ref()),
                ("email", person.email.as_ref()),
                ("address", person.address.as_ref()),
                ("note", person.note.as_ref()),
            ];
            fields.extend(
                of_person
                    .into_iter()
                    .filter_map(|(key, field)| field.map(|f| (format!("people.{index}.{key}"), f))),
            );
        }
        fields
    }

    /// Whether a file with these columns has all that the map reads.
    pub fn check_header(&self, header: &[String]) -> Result<(), Failure> {
        let known = |column: &str| header.iter().any(|name| name == column);
        let missing = |key: &str, column: &str| {
            Failure::usage(format!(
                "the map's {key} reads column {column:?}, which the file does not have; it has: {}",
                header.join(", ")
            ))
        };
        for (key, field) in self.fields() {
            if let Some(column) = field.columns().into_iter().find(|c| !known(c)) {
                return Err(missing(&key, column));
            }
        }
        match self.attributes.columns.iter().find(|c| !known(c)) {
            Some(column) => Err(missing("attributes.columns", column)),
            None => Ok(()),
        }
    }
}
