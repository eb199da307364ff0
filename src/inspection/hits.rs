//! What stands behind a finding: its entries, the outputs it names, and how many there are.

use std::collections::HashSet;

use super::rule::Extent;
use crate::domain::id::CaseId;
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;

/// Entries that a finding names at the most; how many there are is said besides.
pub const ENTRIES_MAX: usize = 200;
/// Outputs that a finding names at the most.
pub const OUTPUTS_MAX: usize = 1_000;

/// One export or print whose reason is to be confirmed. It names no case.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outlet {
    /// Its serial number, where its record is there.
    pub serial: Option<Serial>,
    /// Where the first entry of its list stands.
    pub entry: u64,
    /// When it was asked for.
    pub at: Timestamp,
    /// Export or print.
    pub task: Task,
    /// For what.
    pub purpose: Option<Purpose>,
    /// Whether its reason hardly says anything: a hint for the auditor, no judgement.
    pub doubtful: bool,
}

/// Entries behind one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// How much.
    pub extent: Extent,
    /// Indexes of the first [`ENTRIES_MAX`].
    pub entries: Vec<u64>,
    /// How many entries there are.
    pub behind: u32,
    /// The first [`OUTPUTS_MAX`] outputs, where the rule is about them.
    pub outputs: Vec<Outlet>,
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
}

impl Hits {
    /// One entry.
    pub fn one(index: u64, time: Timestamp) -> Self {
        Self {
            extent: Extent { count: 1, most: 0 },
            entries: vec![index],
            behind: 1,
            outputs: Vec::new(),
            first: time,
            last: time,
        }
    }

    /// The same and `other`, which comes later.
    pub fn add(&mut self, other: &Self) {
        self.extent.count = self.extent.count.saturating_add(other.extent.count);
        self.extent.most = self.extent.most.max(other.extent.most);
        self.behind = self.behind.saturating_add(other.behind);
        let room = ENTRIES_MAX.saturating_sub(self.entries.len());
        self.entries.extend(other.entries.iter().take(room));
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// The same and an output, which is no new entry.
    pub fn name(&mut self, outlet: Outlet) {
        self.extent.most = self.extent.most.saturating_add(u32::from(outlet.doubtful));
        if self.outputs.len() < OUTPUTS_MAX {
            self.outputs.push(outlet);
        }
    }
}

/// Distinct ids; those that nobody can tell any more count as new ones.
#[derive(Default)]
pub(super) struct Distinct {
    known: HashSet<u64>,
    untold: u32,
}

impl Distinct {
    pub(super) fn note(&mut self, ids: impl Iterator<Item = u64>) {
        self.known.extend(ids);
    }
    pub(super) fn note_untold(&mut self, count: u32) {
        self.untold = self.untold.saturating_add(count);
    }
    pub(super) fn count(&self) -> u32 {
        let known = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        known.saturating_add(self.untold)
    }
}

/// A case by the number that is kept: ids are random, so eight bytes tell them apart.
pub(super) fn number(case: &CaseId) -> u64 {
    let bytes = case.as_bytes().first_chunk::<8>();
    bytes.copied().map_or(0, u64::from_le_bytes)
}
