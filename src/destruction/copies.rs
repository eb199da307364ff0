//! What the ledger keeps of copies: backups of the data, holders of the keyring, restores.

use crate::keyring::Floor;

/// A log at some moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogState {
    /// Its entries.
    pub size: u64,
    /// RFC 6962 root of them, in hexadecimal digits.
    pub root: String,
}

/// Both logs at some moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Logs {
    /// The access log.
    pub access: LogState,
    /// The ledger.
    pub ledger: LogState,
}

impl From<Floor> for Logs {
    fn from(floor: Floor) -> Self {
        let state = |size, root: [u8; 32]| LogState {
            size,
            root: data_encoding::HEXLOWER.encode(&root),
        };
        Self {
            access: state(floor.access_size, floor.access_root),
            ledger: state(floor.ledger_size, floor.ledger_root),
        }
    }
}

/// A backup was begun: from here on a copy of the data may exist. It stands in the backup itself,
/// so that an unchanged ledger is not longer than the backup's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BackedUp {
    /// Id of the backup.
    pub backup: String,
    /// Which store: `live` or `retained`.
    pub set: String,
    /// Who, by account id.
    pub by: String,
}

/// Data or keyring were brought back from a copy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Restored {
    /// The backup, if data was brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// Serial number of the capsule, if the keyring came out of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
    /// The logs as they went on from, before this entry.
    pub from: Logs,
    /// The logs that the keyring vouched for before: entries between the two are lost.
    pub vouched: Logs,
    /// Entries of the access log that were brought back without their bodies.
    pub headers_only: u64,
    /// Units that the ledger names as destroyed: every one of them refuses to open.
    pub destroyed: u64,
    /// Cases that do not open any more because their keys were replaced after the copy was made.
    pub lost_cases: u64,
    /// Accounts shut out because their rights or passwords were changed after it.
    pub held_back: u64,
}

/// What became of a copy of the keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// It exists.
    Made,
    /// Its holder says that it is destroyed.
    Acknowledged,
}

/// A copy of the keyring.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyCopy {
    /// Its serial number.
    pub serial: String,
    /// What became of it.
    pub state: CopyState,
    /// Version of the keyring that is in it.
    pub keyring: u64,
    /// Who entered it, by account id.
    pub by: String,
}
