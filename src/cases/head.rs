//! The head of a case: its facts and wraps, one row sealed under a server key, so that a thief of
//! the disk learns neither that a sensitive case exists nor who has it.

use crate::authz::facts::CaseFacts;
use crate::crypto::wrap::Wrap;
use crate::domain::hold::Hold;
use crate::domain::id::{AccountId, CaseId, DepartmentId, DestructionId, RequestId, UnitId};
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::Timestamp;
use crate::engine::Value;
use crate::vault::UnitRef;

use super::draft::Channel;
use super::number::Reference;
use super::view::CaseState;

/// A unit that has been destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gone {
    /// Which.
    pub unit: UnitId,
    /// What it held.
    pub kind: UnitKind,
    /// By which order.
    pub by: DestructionId,
}

/// Facts of a case that are no content, and the wraps of its key.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// The case.
    pub case: CaseId,
    /// Its tier.
    pub tier: Tier,
    /// The department that handles it.
    pub department: DepartmentId,
    /// Its state.
    pub state: CaseState,
    /// How it came.
    pub channel: Channel,
    /// Kind of complaint.
    pub class: String,
    /// When it was registered; the year of its number.
    pub registered_at: Timestamp,
    /// When it reached the office.
    pub received_at: Timestamp,
    /// Number in another system.
    pub external_number: Option<String>,
    /// Number on the receipt.
    pub receipt: Reference,
    /// Who handles it.
    pub assignees: Vec<AccountId>,
    /// Desk members who hold it until it is handed on.
    pub desk: Vec<AccountId>,
    /// When anything was last added to it.
    pub amended_at: Option<Timestamp>,
    /// When the work on it was closed; its retention period runs from 1 January after.
    pub closed_at: Option<Timestamp>,
    /// Holds that stand: nothing of it is destroyed while there is one.
    pub holds: Vec<Hold>,
    /// Requests that lock it (처리정지) until they are answered.
    pub locks: Vec<RequestId>,
    /// What has been destroyed of it, by which order.
    pub gone: Vec<Gone>,
    /// Version of the case key.
    pub key_version: u32,
    /// Its units: the narrative, then the people.
    pub units: Vec<UnitRef>,
    /// Its key, wrapped to each recipient.
    pub wraps: Vec<Wrap>,
    /// Counts every change.
    pub revision: u64,
}

impl Head {
    /// Assignees and desk members: all whose lists show the case.
    pub fn holders(&self) -> Vec<AccountId> {
        self.assignees.iter().chain(&self.desk).copied().collect()
    }
    /// Nothing of the case is left: what could say whose it was goes as well.
    pub fn end(&mut self) {
        self.state = CaseState::Destroyed;
        self.wraps.clear();
        self.assignees.clear();
        self.desk.clear();
        self.locks.clear();
        self.external_number = None;
        self.class.clear();
    }
    /// What decisions are made on.
    pub fn facts(&self) -> CaseFacts {
        CaseFacts {
            case: self.case,
            tier: self.tier,
            department: self.department,
            holders: self.holders(),
            restricted: !self.locks.is_empty(),
        }
    }
}

/// Format of a head's plaintext.
const HEAD: u8 = 1;

/// The bytes that are sealed.
pub(super) fn encode(head: &Head) -> Result<Vec<u8>, &'static str> {
    postcard::to_extend(head, vec![HEAD]).map_err(|_| "head does not encode")
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(bytes: &[u8]) -> Result<Head, &'static str> {
    match bytes.split_first() {
        Some((&HEAD, rest)) => postcard::from_bytes(rest).map_err(|_| "head does not decode"),
        _ => Err("head of an unknown format"),
    }
}

/// A head as it stands in the engine.
#[derive(Clone)]
pub struct StoredHead {
    /// The head.
    pub head: Head,
    /// Place of the case in every list: the log index of its registration.
    pub ordinal: u64,
    /// Its number in its series.
    pub number: u64,
    /// The row as read, for compare-and-swap.
    pub row: Value,
}

/// Splits a row into sealed head, ordinal and number: the committer completes a head with the
/// last two, eight bytes each.
pub(super) fn split(row: &[u8]) -> Option<(&[u8], u64, u64)> {
    let (rest, number) = row.split_last_chunk::<8>()?;
    let (sealed, ordinal) = rest.split_last_chunk::<8>()?;
    Some((
        sealed,
        u64::from_be_bytes(*ordinal),
        u64::from_be_bytes(*number),
    ))
}
