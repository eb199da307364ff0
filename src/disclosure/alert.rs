//! Alerts to the privacy officer: that somebody opened more than usual. Who, when, how much; no
//! case and no content.
//!
//! ```text
//! AlertByEntry: log index u64 → id of the alert, 16 bytes
//! ```
//! The committer puts the index into the key in the very batch that appends the entry, so that no
//! disclosure above a threshold is durable without its alert.

use crate::crypto::table::{Row, Stored, Table, TableError};
use crate::domain::id::{AccountId, AlertId};
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Key, KeyRange, Late, Mark, Space};

/// How many index rows one scan fetches.
const SCAN: Limit = Limit::rows(1024);

/// Why there is an alert.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// More than the first threshold, after the password was given again.
    Threshold,
    /// More than the second threshold, with a second person's consent.
    SecondThreshold,
    /// More than the second threshold was asked for, and refused.
    Refused,
    /// An export or print while above the first threshold.
    Output,
    /// Many people within a few minutes.
    Burst,
    /// Many people, or an output of several cases, at night or on a day off.
    Night,
}

/// By which way cases are shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// One case is opened.
    View,
    /// Rows of a list.
    List,
    /// Finds of a search.
    Search,
    /// A file.
    Export,
    /// Paper.
    Print,
    /// What is kept apart is opened.
    OpenRetained,
    /// What is kept apart goes to the archive, in a file.
    HandOver,
}

impl Way {
    /// Whether it leaves the house.
    pub const fn leaves(self) -> bool {
        matches!(self, Self::Export | Self::Print | Self::HandOver)
    }
}

/// Who took note of an alert.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
    /// What they found, in their words.
    pub note: String,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Alert {
    /// Id.
    pub id: AlertId,
    /// Why.
    pub kinds: Vec<AlertKind>,
    /// Who opened so much.
    pub account: AccountId,
    /// When.
    pub at: Timestamp,
    /// For what.
    pub purpose: Purpose,
    /// How.
    pub way: Way,
    /// Distinct people in the 24 hours up to then.
    pub people: u32,
    /// Distinct cases.
    pub cases: u32,
    /// Exports and prints.
    pub downloads: u32,
    /// Where the entry that raised it stands in the access log; filled in when it is read.
    #[serde(skip)]
    pub entry: Option<u64>,
    /// Who took note of it.
    pub acknowledged: Option<Acknowledged>,
}

impl Row for Alert {
    const SPACE: Space = Space::Alert;
    const KIND: &'static str = "alert";
    fn id(&self) -> Vec<u8> {
        self.id.as_bytes().to_vec()
    }
}

/// Reads and prepares rows of alerts.
pub struct Alerts {
    table: Table,
}

/// A page of alerts, newest first, and the cursor of the next page if there may be one.
pub type Page = (Vec<Alert>, Option<u64>);

impl Alerts {
    /// Over this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Adds an alert to the batch whose leaf 0 is the entry that raises it.
    ///
    /// # Errors
    /// [`TableError`] where the row cannot be made.
    pub fn put_new(&self, batch: &mut Batch, alert: &Alert) -> Result<(), TableError> {
        self.table.put_new(batch, alert)?;
        batch.late.push(Late {
            space: Space::AlertByEntry,
            key: Vec::new(),
            value: alert.id.as_bytes().to_vec(),
            key_marks: vec![Mark::Leaf(0)],
            value_marks: Vec::new(),
        });
        Ok(())
    }

    /// Adds a changed alert to a batch, on the condition that it still stands as read.
    ///
    /// # Errors
    /// As [`Alerts::put_new`].
    pub fn put_changed(
        &self,
        batch: &mut Batch,
        before: &Stored<Alert>,
        alert: &Alert,
    ) -> Result<(), TableError> {
        self.table.put_changed(batch, before, alert)
    }

    /// One alert. Its `entry` is not looked for.
    ///
    /// # Errors
    /// [`TableError`] where the row cannot be read.
    pub fn find(&self, id: AlertId) -> Result<Option<Stored<Alert>>, TableError> {
        self.table.find(id.as_bytes())
    }

    /// Alerts of entries before this one, newest first, that `wanted` takes.
    ///
    /// # Errors
    /// As [`Alerts::find`].
    pub fn newest(
        &self,
        before: u64,
        limit: Limit,
        wanted: impl Fn(&Alert) -> bool,
    ) -> Result<Page, TableError> {
        let mut rows = Vec::new();
        let mut entries = self.entries_before(before)?.into_iter().rev().peekable();
        while let Some((index, id)) = entries.next() {
            let stored = self.find(id)?;
            let stored = stored.ok_or(TableError::Damaged("an alert that is not there"))?;
            if wanted(&stored.row) {
                rows.push(Alert {
                    entry: Some(index),
                    ..stored.row
                });
            }
            if rows.len() == limit.get() {
                let more = entries.peek().is_some();
                return Ok((rows, more.then_some(index)));
            }
        }
        Ok((rows, None))
    }

    /// Alerts that were raised since then, newest first.
    ///
    /// # Errors
    /// As [`Alerts::find`].
    pub fn since(&self, time: Timestamp) -> Result<Vec<Alert>, TableError> {
        let mut found = Vec::new();
        for (_, id) in self.entries_before(u64::MAX)?.into_iter().rev() {
            let stored = self.find(id)?;
            let stored = stored.ok_or(TableError::Damaged("an alert that is not there"))?;
            if stored.row.at < time {
                break;
            }
            found.push(stored.row);
        }
        Ok(found)
    }

    /// Every entry before this one that raised an alert, oldest first.
    fn entries_before(&self, before: u64) -> Result<Vec<(u64, AlertId)>, TableError> {
        let mut found = Vec::new();
        let mut range = KeyRange {
            from: None,
            to: Some(before.to_be_bytes().to_vec()),
        };
        loop {
            let engine = self.table.engine();
            let page = engine.scan(Space::AlertByEntry, range.clone(), SCAN)?;
            for (key, value) in &page.rows {
                range = range.after(key.as_bytes());
                found.push((index(key)?, id(value.as_bytes())?));
            }
            if !page.more {
                return Ok(found);
            }
        }
    }
}

fn id(bytes: &[u8]) -> Result<AlertId, TableError> {
    let bytes = bytes.try_into().ok().map(AlertId::from_bytes);
    bytes.ok_or(TableError::Damaged("id of an alert"))
}

fn index(key: &Key) -> Result<u64, TableError> {
    let bytes = key.as_bytes().try_into().ok();
    bytes
        .map(u64::from_be_bytes)
        .ok_or(TableError::Damaged("place of an alert"))
}
