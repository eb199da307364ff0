//! Bytes: rows in spaces, leaves in logs, numbers in series, one atomic durable batch at a time.
//!
//! # The written contract
//! Every engine passes the one suite in [`conformance`]. What it holds an engine to:
//!
//! - **Atomic.** A [`Batch`] takes effect whole or not at all, across a crash at any point.
//! - **Durable.** When [`Pending::wait`] (or [`Pending::done`]) gives `Ok`, the batch survives
//!   power loss. Nothing is acknowledged earlier.
//! - **`Conflict`** means nothing changed: an `expect` did not hold at the batch's place in the
//!   order, counting every earlier batch, applied or in flight.
//! - **`Unknown`** means the batch may or may not have happened: read before acting. After it
//!   the engine refuses every further commit until it is opened again.
//! - **Order.** Batches have one total order. A batch's leaves come before any later batch's.
//!   Leaf times never decrease; where the wall clock went back the flag byte says so.
//! - **Reads** see every batch whose `Pending` has resolved `Ok` (read your own writes), and never
//!   part of a batch within one call.
//! - **`scan`** answers in byte order of keys and never more rows than its limit.
//! - **Scrub.** After [`Engine::scrub`] nothing that was removed or replaced before it, and no body
//!   that was forgotten before it, stands in any file. Nothing else changes, whoever reads or
//!   commits meanwhile, and wherever it dies.
//! - Keys hold at most [`KEY_BYTES_MAX`] bytes, values at most [`VALUE_BYTES_MAX`].
//! - An engine knows nothing of keys, people or cases, and keeps no plaintext from anyone: what
//!   it is given is already sealed.

pub mod conformance;
pub mod embedded;
pub mod fault;
pub mod memory;
mod pending;
mod slot;
mod snapshot;
mod tally;

use crate::domain::limit::{KEY_BYTES_MAX, Limit, VALUE_BYTES_MAX};
use crate::domain::time::Timestamp;

pub use pending::{Pending, pending};
pub use slot::{Completer, Wakes};
pub use snapshot::{Snapshot, SnapshotFile};

/// A family of rows. The number stands in files and in associated data; never reassigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Space {
    /// Head of a case: sealed facts and wraps.
    Head = 1,
    /// A sealed unit of a case.
    Unit = 2,
    /// Rows of case lists, by scope.
    List = 3,
    /// The register: series and number to case.
    Register = 4,
    /// Accounts.
    Account = 5,
    /// Login names to accounts.
    Login = 6,
    /// Departments and desks.
    Department = 7,
    /// Approvals.
    Approval = 8,
    /// Access-log entries by case.
    LogByCase = 9,
    /// Access-log entries by actor.
    LogByActor = 10,
    /// Months of the access log and their units.
    AuditEpoch = 11,
    /// Import jobs and their positions.
    Import = 12,
    /// Small facts of the store itself (format, identity).
    Meta = 13,
    /// Receipt numbers to cases.
    ReceiptNumber = 14,
    /// Requests of data subjects: deletion and its steps.
    Request = 15,
    /// Destruction orders, from intent to scrubbed.
    Order = 16,
    /// Postings of the blind index.
    Posting = 17,
    /// What is kept apart: items of the separate store.
    Retained = 18,
    /// Holders of copies of the keyring.
    KeyHolder = 19,
    /// Rules of the office: retention by class.
    Rule = 20,
    /// Outputs: exports and prints that left the house.
    Output = 21,
    /// Access-log entries to the outputs that they began.
    OutputByEntry = 22,
    /// Alerts to the privacy officer.
    Alert = 23,
    /// Inspections of the access log, their findings and answers.
    Inspection = 24,
    /// Raised budgets.
    Allowance = 25,
    /// Access-log entries to the alerts that they raised.
    AlertByEntry = 26,
}

impl Space {
    /// Every space, in numeric order.
    pub const ALL: [Self; 26] = [
        Self::Head,
        Self::Unit,
        Self::List,
        Self::Register,
        Self::Account,
        Self::Login,
        Self::Department,
        Self::Approval,
        Self::LogByCase,
        Self::LogByActor,
        Self::AuditEpoch,
        Self::Import,
        Self::Meta,
        Self::ReceiptNumber,
        Self::Request,
        Self::Order,
        Self::Posting,
        Self::Retained,
        Self::KeyHolder,
        Self::Rule,
        Self::Output,
        Self::OutputByEntry,
        Self::Alert,
        Self::Inspection,
        Self::Allowance,
        Self::AlertByEntry,
    ];
    /// The number in files.
    pub const fn byte(self) -> u8 {
        self as u8
    }
    /// The space with this number.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.byte() == byte)
    }
}

/// One of the two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Log {
    /// The access log (접속기록).
    Access = 0,
    /// The destruction ledger (파기 관리대장).
    Ledger = 1,
}

impl Log {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Access, Self::Ledger];
}

/// A key or value that is too long, or an empty key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row of {0} bytes is outside the engine's limits")]
pub struct TooLong(pub usize);

/// The key of a row: 1 to [`KEY_BYTES_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// The key with these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, TooLong> {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes.len() > KEY_BYTES_MAX {
            Err(TooLong(bytes.len()))
        } else {
            Ok(Self(bytes))
        }
    }
    /// The key that a mark makes alone: a place in a log, eight bytes, big endian.
    pub fn from_index(index: u64) -> Self {
        Self(index.to_be_bytes().to_vec())
    }
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 16]> for Key {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes.to_vec())
    }
}

/// The value of a row: at most [`VALUE_BYTES_MAX`] bytes, sealed by its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Vec<u8>);

impl Value {
    /// The value with these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, TooLong> {
        let bytes = bytes.into();
        if bytes.len() > VALUE_BYTES_MAX {
            Err(TooLong(bytes.len()))
        } else {
            Ok(Self(bytes))
        }
    }
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    /// The bytes, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// What must hold of a row for a batch to happen.
#[derive(Clone, PartialEq, Eq)]
pub enum Expected {
    /// There is no such row.
    Absent,
    /// The row has exactly this value.
    Equals(Value),
}

/// A leaf to append to a log.
///
/// The committer overwrites the nine bytes at `stamp_at`: eight of time (milliseconds, big
/// endian, never decreasing within a log) and one of flags ([`CLOCK_BACK`]).
#[derive(Clone, PartialEq, Eq)]
pub struct Append {
    /// Which log.
    pub log: Log,
    /// The leaf's bytes, as hashed into the tree after stamping.
    pub leaf: Vec<u8>,
    /// Where the committer stamps; `None` leaves the bytes alone.
    pub stamp_at: Option<usize>,
    /// The sealed body that the leaf commits to by its hash; empty where there is none.
    pub body: Vec<u8>,
}

/// Flag in a stamped leaf: the wall clock had gone back, so the time of the leaf before stands.
pub const CLOCK_BACK: u8 = 1;

/// A number that only the committer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The index of the n-th leaf that this batch appends.
    Leaf(usize),
    /// The value taken for the n-th entry of `Batch::number`.
    Number(usize),
}

/// A row completed by the committer: each mark adds eight big-endian bytes to the end.
#[derive(Clone, PartialEq, Eq)]
pub struct Late {
    /// The space.
    pub space: Space,
    /// The key, or its beginning.
    pub key: Vec<u8>,
    /// The value, or its beginning.
    pub value: Vec<u8>,
    /// What is added to the key.
    pub key_marks: Vec<Mark>,
    /// What is added to the value.
    pub value_marks: Vec<Mark>,
}

/// A number series of the register: 16 opaque bytes. Values start at 1, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series(pub [u8; 16]);

/// One transaction, as a value.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Conditions, all of which must hold.
    pub expect: Vec<(Space, Key, Expected)>,
    /// Rows to write.
    pub put: Vec<(Space, Key, Value)>,
    /// Rows to remove; removing an absent row is not an error.
    pub delete: Vec<(Space, Key)>,
    /// Leaves to append, in this order.
    pub append: Vec<Append>,
    /// Series from which to take the next value, in this order.
    pub number: Vec<Series>,
    /// Rows that the committer completes.
    pub late: Vec<Late>,
}

/// A leaf's place in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped {
    /// Which log.
    pub log: Log,
    /// The leaf's index, from 0.
    pub index: u64,
    /// The log's size when the leaf became durable; greater than `index`.
    pub size: u64,
    /// The time stamped into the leaf.
    pub time: Timestamp,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// Where its leaves stand, in the order of `Batch::append`.
    pub leaves: Vec<Stamped>,
    /// The values taken, in the order of `Batch::number`.
    pub numbers: Vec<u64>,
}

/// A leaf read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// The sealed body; `None` once it has been shredded.
    pub body: Option<Vec<u8>>,
}

/// A range of keys: `from` included, `to` excluded; `None` is open.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct KeyRange {
    /// First key, included.
    pub from: Option<Vec<u8>>,
    /// End, excluded.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            from: Some(prefix.to_vec()),
            to: successor(prefix),
        }
    }
    /// The same range, starting just behind `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        let mut from = key.to_vec();
        from.push(0);
        self.from = Some(from);
        self
    }
}

/// The first key behind every key that begins with `prefix`.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// Rows in byte order, and whether more follow.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<(Key, Value)>,
    /// Whether the range holds more.
    pub more: bool,
}

/// The store could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The operating system refused a read or write.
    #[error("input/output error: {0}")]
    Io(String),
    /// The disk is full; nothing was lost.
    #[error("the disk is full: free space in the data directory and restart")]
    DiskFull,
    /// Stored bytes are not what was written.
    #[error("damaged store: {0}")]
    Damaged(String),
    /// The data directory is not one of ours, or of a newer format.
    #[error("unusable data directory: {0}")]
    Unusable(String),
    /// Nothing may be written there; names what was tried.
    #[error("the data directory cannot be written ({0}): read-only disk or wrong owner")]
    ReadOnly(String),
    /// Another process has the data directory open.
    #[error("the data directory is in use by another process")]
    InUse,
    /// A commit failed earlier; open the store again.
    #[error("the store stopped after a failed write; restart to recover")]
    Stopped,
}

/// A batch did not (certainly) happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// An `expect` did not hold; nothing changed.
    #[error("the row changed meanwhile")]
    Conflict,
    /// The batch may or may not have happened.
    #[error("the write may or may not have happened")]
    Unknown,
    /// The batch certainly did not happen.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What a scrub overwrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scrubbed {
    /// Values and bodies.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes looked at.
    pub looked: u64,
}

/// What was made durable since an engine was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Batches that wrote something.
    pub commits: u64,
    /// Groups of them, each synced once.
    pub groups: u64,
}

/// What a check of everything that is written found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Groups: what was synced together.
    pub groups: u64,
    /// Frames: rows, removals, leaves, bodies, numbers.
    pub frames: u64,
    /// Frames among them that a scrub has erased.
    pub erased: u64,
    /// Bytes looked at.
    pub bytes: u64,
    /// One line for each damaged place; empty when all is well.
    pub damage: Vec<String>,
}

/// A store of bytes that keeps the contract at the head of this module.
pub trait Engine: Send + Sync + 'static {
    /// One row.
    fn get(&self, space: Space, key: &Key) -> Result<Option<Value>, EngineError>;
    /// Rows of a range, in order.
    fn scan(&self, space: Space, range: KeyRange, limit: Limit) -> Result<Page, EngineError>;
    /// Hands a batch to the committer. Errors come through the [`Pending`].
    fn commit(&self, batch: Batch) -> Pending<Result<Committed, CommitError>>;
    /// Number of durable leaves.
    fn log_size(&self, log: Log) -> u64;
    /// Up to `limit` leaves from index `from`.
    fn leaves(&self, log: Log, from: u64, limit: Limit) -> Result<Vec<Leaf>, EngineError>;
    /// The value last taken from a series; 0 if none was.
    fn last_number(&self, series: Series) -> Result<u64, EngineError>;
    /// Whether a commit could succeed now: not stopped, space on disk.
    fn ready(&self) -> Result<(), EngineError>;
    /// Waits until nothing durable is on its way into the index any more. Who writes many rows one
    /// batch after the other asks for it, so that they do not pile up in memory. An engine without
    /// an index has none on its way.
    fn settle(&self) -> Result<(), EngineError> {
        Ok(())
    }
    /// What was made durable since it was opened. An engine without a disk makes nothing durable.
    fn written(&self) -> Written {
        Written::default()
    }
    /// Overwrites on the disk whatever is no longer reachable: values of rows that were removed or
    /// replaced, bodies of [`Engine::forget_bodies`], and what the index kept of them. Reads and
    /// commits go on meanwhile. `progress` is told bytes done and bytes in all.
    ///
    /// A process that dies in the middle leaves every row readable; scrubbing again ends it.
    fn scrub(&self, progress: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError>;
    /// Marks sealed bodies of the leaves `from..to` as dead, durably: from now on they read as
    /// `None`, and the next scrub overwrites them. Leaves stay, also those that never had a body,
    /// whose body stays empty. Leaves that do not exist yet are not concerned.
    fn forget_bodies(&self, log: Log, from: u64, to: u64) -> Result<(), EngineError>;
    /// Looks at every byte that was written: authentic, in order, and what it was, or erased.
    /// `progress` is told parts done and parts in all. An engine that keeps nothing on a disk finds
    /// nothing.
    fn check(&self, progress: &dyn Fn(u64, u64)) -> Result<Checked, EngineError>;
    /// A prefix of the store at this moment, as bytes of files to be copied while everything goes
    /// on; holds scrubs back until it is dropped. [`EngineError::Unusable`] where nothing is on a
    /// disk.
    fn snapshot(&self) -> Result<Snapshot, EngineError>;
    /// Finishes what is queued, makes the index trustworthy for the next open, refuses the rest.
    fn close(&self) -> Result<(), EngineError>;
}
