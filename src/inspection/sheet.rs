//! The sheet of an inspection: what a signature binds to, as canonical JSON (RFC 8785). Its SHA-256
//! stands in the sign-off and in the access-log entry of the signing, so that a change afterwards
//! shows, to whoever has the sheet and to the store itself.
//!
//! People stand in it by account id, which does not change; names are told beside it. Cases do not
//! stand in it at all: findings name entries and counts.

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, digest};

use super::evidence::Words;
use super::pack::{Finding, FindingState, Whole};
use super::rule::Rule;
use crate::config::inspection::Inspection;

/// Format of a sheet.
const VERSION: u8 = 1;
/// What the sheet says it is.
const KIND: &str = "bongham inspection of the access log";

/// A sentence in both languages, for the API's description.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "a description: never made, only described")]
pub struct Sentence {
    ko: String,
    en: String,
}

/// What somebody says of a finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Remark {
    /// Account id of the auditor; absent for the person concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    pub at: String,
    /// In their words.
    pub text: String,
}

/// One finding of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct SheetFinding {
    /// Its number, from 1.
    pub number: u32,
    /// Why it is one.
    pub rule: Rule,
    /// Account id of the person concerned; null where nobody is known.
    pub person: Option<String>,
    /// Entries, or copies.
    pub count: u32,
    /// What was found, in words.
    #[schema(value_type = Sentence)]
    pub says: Words,
    /// Indexes in the access log of the entries behind it: the first 200.
    pub entries: Vec<u64>,
    /// Time of the first.
    pub first: String,
    /// Time of the last.
    pub last: String,
    /// How far it has come.
    pub state: FindingState,
    /// What the person concerned says (소명).
    pub explanation: Option<Remark>,
    /// What the auditor says.
    pub verdict: Option<Remark>,
}

impl SheetFinding {
    /// Of a stored finding.
    pub fn of(finding: &Finding) -> Self {
        Self {
            number: finding.number,
            rule: finding.rule,
            person: finding.person.map(|id| id.to_string()),
            count: finding.count,
            says: finding.says.clone(),
            entries: finding.entries.clone(),
            first: finding.first.rfc3339(),
            last: finding.last.rfc3339(),
            state: finding.state,
            explanation: finding.explanation.as_ref().map(|said| Remark {
                by: None,
                at: said.at.rfc3339(),
                text: said.text.clone(),
            }),
            verdict: finding.judgement.as_ref().map(|said| Remark {
                by: Some(said.by.to_string()),
                at: said.at.rfc3339(),
                text: said.note.clone(),
            }),
        }
    }
}

/// Use of one person by the hour.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Usage {
    /// Account id; null for nobody known.
    pub person: Option<String>,
    /// Entries by hour of the day, 0 to 23, in the office's zone.
    pub hours: Vec<u32>,
}

/// Exports and prints of which a copy may still be somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CopiesOut {
    /// All of them.
    pub total: u32,
    /// Those whose date of destruction had passed: the findings tell of them.
    pub overdue: u32,
}

/// The sheet.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Sheet {
    /// Format.
    pub version: u8,
    /// What it is.
    pub kind: String,
    /// Id of the inspection.
    pub id: String,
    /// The month, as `2026-10`.
    pub month: String,
    /// Whether the month was over.
    pub whole: bool,
    /// When it was made.
    pub made_at: String,
    /// Account id of who made it.
    pub made_by: String,
    /// Index of the first entry.
    pub from: u64,
    /// Index behind the last.
    pub to: u64,
    /// Root of the access log's tree of the first `to` entries, base64.
    pub root: String,
    /// Sealed parts of entries that were needed and are gone.
    pub unread: u64,
    /// Copies that were out when it was made; absent where they were not counted yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copies: Option<CopiesOut>,
    /// The rules in force.
    #[schema(value_type = Object)]
    pub rules: Inspection,
    /// Use by person and hour, the heaviest first.
    pub usage: Vec<Usage>,
    /// The findings.
    pub findings: Vec<SheetFinding>,
}

/// It has no canonical form. A defect of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sheet has no canonical form")]
pub struct NotCanonical;

impl Sheet {
    /// Of a pack with its findings.
    pub fn of(whole: &Whole) -> Self {
        let pack = &whole.pack;
        let usage = |(person, hours): &(Option<_>, [u32; 24])| Usage {
            person: person.as_ref().map(ToString::to_string),
            hours: hours.to_vec(),
        };
        Self {
            version: VERSION,
            kind: KIND.to_owned(),
            id: pack.id.to_string(),
            month: pack.month.to_string(),
            whole: pack.whole,
            made_at: pack.made_at.rfc3339(),
            made_by: pack.by.to_string(),
            from: pack.from,
            to: pack.to,
            root: BASE64.encode(&pack.root),
            unread: pack.unread,
            copies: whole.copies.map(|copies| CopiesOut {
                total: copies.out,
                overdue: copies.overdue,
            }),
            rules: pack.rules.clone(),
            usage: pack
                .usage
                .iter()
                .map(|(id, hours)| usage(&(*id, *hours)))
                .collect(),
            findings: whole.findings.iter().map(SheetFinding::of).collect(),
        }
    }

    /// SHA-256 of its canonical JSON.
    ///
    /// # Errors
    /// [`NotCanonical`], a defect of the program.
    pub fn hash(&self) -> Result<[u8; 32], NotCanonical> {
        let bytes = serde_json_canonicalizer::to_vec(self).map_err(|_| NotCanonical)?;
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest(&SHA256, &bytes).as_ref()) {
            *to = *from;
        }
        Ok(hash)
    }
}

/// A hash as it is shown and sent back: 64 hexadecimal digits.
pub fn hex(hash: &[u8; 32]) -> String {
    HEXLOWER.encode(hash)
}

/// Reads what [`hex`] writes.
pub fn from_hex(text: &str) -> Option<[u8; 32]> {
    let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}
