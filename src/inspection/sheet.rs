//! The sheet of an inspection: what a signature binds to, as canonical JSON (RFC 8785). Its SHA-256
//! stands in the sign-off and in the access-log entry of the signing, so that a change afterwards
//! shows, to whoever has the sheet and to the store itself.
//!
//! People stand in it by account id, which does not change; names are told beside it. Cases do not
//! stand in it at all: findings name entries and counts.

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, digest};

use super::evidence::Words;
use super::hits::Outlet;
use super::pack::{Finding, FindingState, SHEET_BEFORE, Signed, Verdict, Whole};
use super::rule::Rule;
use crate::domain::purpose::Purpose;
use crate::domain::task::Task;

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
    /// What a judgement comes to; absent in an explanation, and in judgements of 0.3.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Verdict>,
}

/// One export or print whose reason is to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct SheetOutput {
    /// Serial number; null where its record is gone.
    pub serial: Option<String>,
    /// Index of its entry, in whose sealed part the reason stands.
    pub entry: u64,
    /// When it was asked for.
    pub at: String,
    /// Export or print.
    #[schema(value_type = String)]
    pub task: Task,
    /// For what.
    #[schema(value_type = Option<String>)]
    pub purpose: Option<Purpose>,
    /// Whether its reason hardly says anything: a hint, no judgement.
    pub doubtful: bool,
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
    /// Entries; cases, outputs or copies where the rule counts those.
    pub count: u32,
    /// What was found, in words.
    #[schema(value_type = Sentence)]
    pub says: Words,
    /// Indexes in the access log of the entries behind it: the first 200.
    pub entries: Vec<u64>,
    /// How many entries there are besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_entries: Option<u32>,
    /// The outputs whose reason is to be confirmed: the first 1,000.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<SheetOutput>,
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

impl SheetOutput {
    fn of(outlet: &Outlet) -> Self {
        Self {
            serial: outlet.serial.map(|serial| serial.to_string()),
            entry: outlet.entry,
            at: outlet.at.rfc3339(),
            task: outlet.task,
            purpose: outlet.purpose,
            doubtful: outlet.doubtful,
        }
    }
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
            more_entries: finding.behind.map(|behind| {
                let named = u32::try_from(finding.entries.len()).unwrap_or(u32::MAX);
                behind.saturating_sub(named)
            }),
            outputs: finding.outputs.iter().map(SheetOutput::of).collect(),
            first: finding.first.rfc3339(),
            last: finding.last.rfc3339(),
            state: finding.state,
            explanation: finding.explanation.as_ref().map(|said| Remark {
                by: None,
                at: said.at.rfc3339(),
                text: said.text.clone(),
                outcome: None,
            }),
            verdict: finding.judgement.as_ref().map(|said| Remark {
                by: Some(said.by.to_string()),
                at: said.at.rfc3339(),
                text: said.note.clone(),
                outcome: said.verdict,
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
    /// The rules in force: hours, thresholds, days off that the office has set.
    #[schema(value_type = Object)]
    pub rules: serde_json::Value,
    /// Days of the month, no weekends, that counted as days off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_off: Option<Vec<String>>,
    /// What whoever reads it must know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Sentence>)]
    pub notes: Vec<Words>,
    /// Id of the one before it, which nobody had signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<String>,
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
            version: pack.sheet,
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
            rules: serde_json::from_str(&pack.rules).unwrap_or_default(),
            days_off: (pack.sheet > SHEET_BEFORE)
                .then(|| pack.days_off.iter().map(ToString::to_string).collect()),
            notes: pack.notes.clone(),
            supersedes: pack.supersedes.map(|id| id.to_string()),
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
        hash_of(self)
    }

    /// What the entry of a signing says, for a sheet with this hash: SHA-256 of the canonical JSON of
    /// `{"sheet": …, "statement": …, "by": …, "at": …}`, so that neither the sheet nor the statement,
    /// the signer or the time can be changed behind it.
    ///
    /// # Errors
    /// [`NotCanonical`], a defect of the program.
    pub fn sealed(signed: &Signed) -> Result<String, NotCanonical> {
        let text = hash_of(&serde_json::json!({
            "sheet": hex(&signed.hash),
            "statement": signed.statement,
            "by": signed.by.to_string(),
            "at": signed.at.rfc3339(),
        }))?;
        Ok(format!("signed sha256 {}", hex(&text)))
    }

    /// The same as 0.3.0 wrote it, for the sheets of then.
    pub fn sealed_before(signed: &Signed) -> String {
        format!("sha256 {}", hex(&signed.hash))
    }
}

fn hash_of(value: &impl serde::Serialize) -> Result<[u8; 32], NotCanonical> {
    let bytes = serde_json_canonicalizer::to_vec(value).map_err(|_| NotCanonical)?;
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, &bytes).as_ref()) {
        *to = *from;
    }
    Ok(hash)
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
