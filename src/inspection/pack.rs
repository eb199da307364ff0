//! The inspection pack of a month and its findings as they are kept: sealed rows in one space.
//!
//! A change of a finding changes the pack's revision in the same batch, so that a signature and a
//! change never cross: one of them conflicts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::evidence::Words;
use super::gather::Hours;
use super::hits::Outlet;
use super::kept::{Kept, Told, finding_id};
use super::month::Month;
use super::rule::Rule;
use crate::crypto::table::{Stored, Table, TableError};
use crate::domain::id::{AccountId, BadId, InspectionId};
use crate::domain::time::Timestamp;
use crate::engine::Batch;

/// Form of the sheet of an inspection that is made now.
pub const SHEET: u8 = 2;
/// Form of those that were made by 0.3.0.
pub const SHEET_BEFORE: u8 = 1;

/// People on the chart at the most: those with most entries.
pub const PEOPLE_MAX: usize = 2_000;

/// A finding by its inspection and number there, written `ID-7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingId {
    /// The inspection.
    pub inspection: InspectionId,
    /// The number there, from 1.
    pub number: u32,
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.inspection, self.number)
    }
}

impl FromStr for FindingId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let (inspection, number) = text.split_once('-').ok_or(BadId)?;
        let id = Self {
            inspection: inspection.parse()?,
            number: number.parse().map_err(|_| BadId)?,
        };
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(BadId)
        }
    }
}

/// How far a finding has come.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Nobody has said anything yet.
    Open,
    /// The person concerned has explained it (소명).
    Explained,
    /// The auditor accepted it.
    Accepted,
    /// The auditor did not.
    Rejected,
}

impl FindingState {
    /// Whether the auditor has judged it.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Accepted | Self::Rejected)
    }
}

/// What the person concerned says (소명).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Explanation {
    /// In their words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// What a judgement comes to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Accepted as explained.
    Accepted,
    /// Not accepted.
    Rejected,
    /// Taken back: the person concerned may explain it again.
    Reopened,
}

impl Verdict {
    /// The code in the API, in the log and in reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Reopened => "reopened",
        }
    }
}

/// What the auditor says of a finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Judgement {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub note: String,
    /// What it comes to; `None` in those of 0.3.0, whose sheets do not say it.
    pub verdict: Option<Verdict>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The inspection.
    pub inspection: InspectionId,
    /// Its number there, from 1.
    pub number: u32,
    /// Why it is one.
    pub rule: Rule,
    /// The person concerned; `None` where nobody is known.
    pub person: Option<AccountId>,
    /// Entries; cases, outputs or copies where the rule counts those.
    pub count: u32,
    /// What was found, in words.
    pub says: Words,
    /// Indexes in the access log of the entries behind it, the first ones.
    pub entries: Vec<u64>,
    /// How many entries there are; `None` in findings of 0.3.0.
    pub behind: Option<u32>,
    /// Outputs whose reason is to be confirmed, where it is about those.
    pub outputs: Vec<Outlet>,
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
    /// How far it has come.
    pub state: FindingState,
    /// What the person concerned says.
    pub explanation: Option<Explanation>,
    /// What the auditor says.
    pub judgement: Option<Judgement>,
}

/// The sign-off.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Signed {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// Hash of the sheet that was signed. The entry of the signing says so, too
    /// ([`Sheet::sealed`](super::sheet::Sheet::sealed)): it alone is believed.
    pub hash: [u8; 32],
    /// Why it was signed while findings were not settled.
    pub statement: Option<String>,
}

/// One inspection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pack {
    /// Form of its sheet.
    pub sheet: u8,
    /// Id.
    pub id: InspectionId,
    /// The month.
    pub month: Month,
    /// Whether the month was over: one that was not is for information.
    pub whole: bool,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who made it.
    pub by: AccountId,
    /// Index of the first entry of the month.
    pub from: u64,
    /// Index behind the last.
    pub to: u64,
    /// Root of the access log's tree of the first `to` entries.
    pub root: [u8; 32],
    /// Sealed parts that were needed and are gone.
    pub unread: u64,
    /// The rules in force, as JSON: what is signed does not change with a later program's rules.
    pub rules: String,
    /// Days of the month, no weekends, on which the office rests.
    pub days_off: Vec<Date>,
    /// What whoever reads it must know.
    pub notes: Vec<Words>,
    /// Use by person and hour, the heaviest first.
    pub usage: Vec<(Option<AccountId>, Hours)>,
    /// How many findings there are.
    pub findings: u32,
    /// Counts every change.
    pub revision: u64,
    /// The sign-off.
    pub signed: Option<Signed>,
    /// The one before it, which nobody had signed.
    pub supersedes: Option<InspectionId>,
    /// The one that took its place before anybody signed it.
    pub superseded_by: Option<InspectionId>,
}

impl Pack {
    /// Of two of one month the later one is the greater: a whole one behind those for information,
    /// and behind all of those in whose place it is, whatever a clock that was set back says.
    fn order(&self) -> (bool, bool, Timestamp, InspectionId) {
        (self.whole, self.stands(), self.made_at, self.id)
    }

    /// Whether it is the one of its month that counts: of the whole month, and in nobody's place.
    pub const fn stands(&self) -> bool {
        self.whole && self.superseded_by.is_none()
    }
}

/// Outputs of which a copy may still be somewhere, when a pack was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Copies {
    /// The inspection.
    pub inspection: InspectionId,
    /// All of them.
    pub out: u32,
    /// Those whose date of destruction had passed.
    pub overdue: u32,
}

/// A pack with its findings, as read.
pub struct Whole {
    /// The pack.
    pub pack: Pack,
    /// Its findings, by number.
    pub findings: Vec<Finding>,
    /// Copies that were out; `None` where it was made before they were counted.
    pub copies: Option<Copies>,
    row: Option<Stored<Kept>>,
    rows: Vec<Stored<Kept>>,
}

#[cfg(test)]
impl Whole {
    /// A pack that lies nowhere.
    pub(super) const fn bare(pack: Pack) -> Self {
        Self {
            pack,
            findings: Vec::new(),
            copies: None,
            row: None,
            rows: Vec::new(),
        }
    }
}

/// Reads and prepares rows of inspections.
pub struct Inspections {
    table: Table,
}

const OTHER: TableError = TableError::Damaged("row of an inspection");

impl Inspections {
    /// Over this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Adds a new pack, its findings and its count of copies to a batch.
    ///
    /// # Errors
    /// [`TableError`] where a row cannot be made.
    pub fn put_new(
        &self,
        batch: &mut Batch,
        pack: Pack,
        findings: Vec<Finding>,
        copies: Copies,
    ) -> Result<(), TableError> {
        self.table.put_new(batch, &Kept::Pack(Box::new(pack)))?;
        self.table.put_new(batch, &Kept::Copies(copies))?;
        findings
            .into_iter()
            .try_for_each(|one| self.table.put_new(batch, &Kept::Finding(Box::new(one))))
    }

    /// A pack with its findings.
    ///
    /// # Errors
    /// [`TableError`] where a row cannot be read.
    pub fn find(&self, id: InspectionId) -> Result<Option<Whole>, TableError> {
        let Some(row) = self.table.find::<Kept>(id.as_bytes())? else {
            return Ok(None);
        };
        let Told::Pack(pack) = row.row.clone().into() else {
            return Err(OTHER);
        };
        let mut rows = Vec::new();
        let mut findings = Vec::new();
        for number in 1..=pack.findings {
            let found = self.table.find::<Kept>(&finding_id(id, number))?;
            let found = found.ok_or(OTHER)?;
            let Told::Finding(finding) = found.row.clone().into() else {
                return Err(OTHER);
            };
            rows.push(found);
            findings.push(*finding);
        }
        let copies = self.table.find::<Kept>(&finding_id(id, 0))?;
        let copies = copies.and_then(|found| match found.row.into() {
            Told::Copies(copies) => Some(copies),
            Told::Pack(_) | Told::Finding(_) => None,
        });
        Ok(Some(Whole {
            pack: *pack,
            findings,
            copies,
            row: Some(row),
            rows,
        }))
    }

    /// Every pack, the newest first, without findings.
    ///
    /// # Errors
    /// As [`Inspections::find`].
    pub fn packs(&self) -> Result<Vec<Pack>, TableError> {
        let rows = self.table.all::<Kept>()?.into_iter();
        let mut packs: Vec<Pack> = rows
            .filter_map(|row| match row.into() {
                Told::Pack(pack) => Some(*pack),
                Told::Finding(_) | Told::Copies(_) => None,
            })
            .collect();
        packs.sort_by_key(|pack| std::cmp::Reverse((pack.month, pack.order())));
        Ok(packs)
    }

    /// Findings about one person, the newest first: of each month those of its newest inspection,
    /// while it is not signed. Those before it found the same, or are no longer answered.
    ///
    /// # Errors
    /// As [`Inspections::find`].
    pub fn about(&self, person: AccountId) -> Result<Vec<Finding>, TableError> {
        let mut newest: BTreeMap<Month, Pack> = BTreeMap::new();
        let mut found = Vec::new();
        for row in self.table.all::<Kept>()? {
            match row.into() {
                Told::Pack(pack) => match newest.get(&pack.month) {
                    Some(known) if known.order() >= pack.order() => {}
                    _ => drop(newest.insert(pack.month, *pack)),
                },
                Told::Finding(finding) if finding.person == Some(person) => found.push(*finding),
                Told::Finding(_) | Told::Copies(_) => {}
            }
        }
        let open = newest.into_values().filter(|pack| pack.signed.is_none());
        let open: Vec<InspectionId> = open.map(|pack| pack.id).collect();
        found.retain(|finding| open.contains(&finding.inspection));
        found.sort_by_key(|f| (std::cmp::Reverse(f.last), f.inspection, f.number));
        Ok(found)
    }

    /// Adds a changed finding to a batch, and with it the pack's next revision.
    ///
    /// # Errors
    /// As [`Inspections::put_new`].
    pub fn put_finding(
        &self,
        batch: &mut Batch,
        before: &Whole,
        finding: Finding,
    ) -> Result<(), TableError> {
        let place = usize::try_from(finding.number.saturating_sub(1)).unwrap_or(usize::MAX);
        let row = before.rows.get(place).ok_or(OTHER)?;
        let kept = Kept::Finding(Box::new(finding));
        self.table.put_changed(batch, row, &kept)?;
        self.put_pack(batch, before, before.pack.clone())
    }

    /// Adds a changed pack to a batch, on the condition that neither it nor a finding has changed.
    ///
    /// # Errors
    /// As [`Inspections::put_new`].
    pub fn put_pack(
        &self,
        batch: &mut Batch,
        before: &Whole,
        pack: Pack,
    ) -> Result<(), TableError> {
        let pack = Pack {
            revision: before.pack.revision + 1,
            ..pack
        };
        let kept = Kept::Pack(Box::new(pack));
        let row = before.row.as_ref().ok_or(OTHER)?;
        self.table.put_changed(batch, row, &kept)
    }
}
