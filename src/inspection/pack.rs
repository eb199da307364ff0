//! The inspection pack of a month and its findings as they are kept: sealed rows in one space.
//!
//! A change of a finding changes the pack's revision in the same batch, so that a signature and a
//! change never cross: one of them conflicts.

use std::fmt;
use std::str::FromStr;

use super::evidence::Words;
use super::gather::Hours;
use super::month::Month;
use super::rule::Rule;
use crate::config::inspection::Inspection;
use crate::crypto::table::{Row, Stored, Table, TableError};
use crate::domain::id::{AccountId, BadId, InspectionId};
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Space};

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

/// What the auditor says of a finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Judgement {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub note: String,
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
    /// Entries, or copies.
    pub count: u32,
    /// What was found, in words.
    pub says: Words,
    /// Indexes in the access log of the entries behind it, the first ones.
    pub entries: Vec<u64>,
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
    /// Hash of the sheet that was signed.
    pub hash: [u8; 32],
    /// Why it was signed while findings were not settled.
    pub statement: Option<String>,
}

/// One inspection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pack {
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
    /// The rules in force.
    pub rules: Inspection,
    /// Use by person and hour, the heaviest first.
    pub usage: Vec<(Option<AccountId>, Hours)>,
    /// How many findings there are.
    pub findings: u32,
    /// Counts every change.
    pub revision: u64,
    /// The sign-off.
    pub signed: Option<Signed>,
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

/// A row of the space.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
enum Kept {
    Pack(Box<Pack>),
    Finding(Box<Finding>),
    /// Beside its pack, where number 0 would be; packs of before have none.
    Copies(Copies),
}

fn finding_id(inspection: InspectionId, number: u32) -> Vec<u8> {
    [&inspection.as_bytes()[..], &number.to_be_bytes()].concat()
}

impl Row for Kept {
    const SPACE: Space = Space::Inspection;
    const KIND: &'static str = "inspection";
    fn id(&self) -> Vec<u8> {
        match self {
            Self::Pack(pack) => pack.id.as_bytes().to_vec(),
            Self::Finding(finding) => finding_id(finding.inspection, finding.number),
            Self::Copies(copies) => finding_id(copies.inspection, 0),
        }
    }
}

/// A pack with its findings, as read.
pub struct Whole {
    /// The pack.
    pub pack: Pack,
    /// Its findings, by number.
    pub findings: Vec<Finding>,
    /// Copies that were out; `None` where it was made before they were counted.
    pub copies: Option<Copies>,
    row: Stored<Kept>,
    rows: Vec<Stored<Kept>>,
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
        let Kept::Pack(pack) = row.row.clone() else {
            return Err(OTHER);
        };
        let mut rows = Vec::new();
        let mut findings = Vec::new();
        for number in 1..=pack.findings {
            let found = self.table.find::<Kept>(&finding_id(id, number))?;
            let found = found.ok_or(OTHER)?;
            let Kept::Finding(finding) = found.row.clone() else {
                return Err(OTHER);
            };
            rows.push(found);
            findings.push(*finding);
        }
        let copies = self.table.find::<Kept>(&finding_id(id, 0))?;
        let copies = copies.and_then(|found| match found.row {
            Kept::Copies(copies) => Some(copies),
            Kept::Pack(_) | Kept::Finding(_) => None,
        });
        Ok(Some(Whole {
            pack: *pack,
            findings,
            copies,
            row,
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
            .filter_map(|row| match row {
                Kept::Pack(pack) => Some(*pack),
                Kept::Finding(_) | Kept::Copies(_) => None,
            })
            .collect();
        packs.sort_by_key(|pack| std::cmp::Reverse((pack.month, pack.made_at, pack.id)));
        Ok(packs)
    }

    /// Findings about one person in inspections that are not signed, the newest first.
    ///
    /// # Errors
    /// As [`Inspections::find`].
    pub fn about(&self, person: AccountId) -> Result<Vec<Finding>, TableError> {
        let (mut open, mut found) = (Vec::new(), Vec::new());
        for row in self.table.all::<Kept>()? {
            match row {
                Kept::Pack(pack) if pack.signed.is_none() => open.push(pack.id),
                Kept::Finding(finding) if finding.person == Some(person) => found.push(*finding),
                _ => {}
            }
        }
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
        self.table.put_changed(batch, &before.row, &kept)
    }
}
