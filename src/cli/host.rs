//! What the binary gives the command door: stores and servers, behind plain function pointers.
//!
//! Commands are clients of the API and know nothing of the service behind it. Whoever wires the
//! binary fills a [`Host`]; everything that comes back is a stream that speaks HTTP/1.1.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use tokio::io::DuplexStream;

use super::failure::Failure;
use crate::config::Config;
use crate::domain::secret::{SecretBytes, SecretText};

/// Work of the host, awaited by a command.
pub type Task<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// The two directories of a store, and the configuration for whoever opens it without a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Journal, index, control socket.
    pub data: PathBuf,
    /// Keyring, separately mountable.
    pub keyring: PathBuf,
    /// Configuration file; none means the defaults.
    pub config: Option<PathBuf>,
}

/// What opens the keyring's root.
pub struct Unlock {
    /// The passphrase.
    pub passphrase: SecretText,
    /// The content of the key file, where the store has one.
    pub key_file: Option<SecretBytes>,
}

/// A new store.
pub struct InitRequest {
    /// Where.
    pub place: Place,
    /// What will open it.
    pub unlock: Unlock,
    /// Login of the first administrator.
    pub admin: String,
    /// Login of the first privacy officer, the second person for rights.
    pub privacy_officer: String,
}

/// A store that has just been made. The codes are shown once and kept nowhere.
pub struct InitDone {
    /// Enrolment code of the administrator.
    pub admin_code: SecretText,
    /// Enrolment code of the privacy officer.
    pub privacy_code: SecretText,
    /// Public key of the access log (vkey), for auditors to keep.
    pub log_key: String,
    /// Public key of the ledger (vkey).
    pub ledger_key: String,
}

/// A server to start.
pub struct ServeRequest {
    /// Which store.
    pub place: Place,
    /// How.
    pub config: Config,
    /// Unseals at once; without it the server starts sealed.
    pub unlock: Option<Unlock>,
}

/// A server that accepts requests, and its control socket too, when this is handed over.
pub struct Running {
    /// Base address, for example `http://127.0.0.1:8460`, with the port really bound.
    pub url: String,
    /// Resolves when the server has stopped after SIGINT or SIGTERM, store closed cleanly.
    pub finished: Task<()>,
}

/// The API over a pipe in this process, for a store that no server holds.
pub struct Opened {
    /// The client's end: HTTP/1.1, the same router as a server's.
    pub stream: DuplexStream,
    /// Resolves when the other end has seen the client's end close and has closed the store.
    pub closed: Task<()>,
}

/// A store to bring back, and what must not be lost by it.
pub struct RestoreRequest {
    /// The backup; none where the data is there and only the keyring was brought back.
    pub backup: Option<PathBuf>,
    /// Backup or directory of the separate store; none where the data is there.
    pub retained: Option<PathBuf>,
    /// Serial number of the copy that the keyring must have come out of, if it did.
    pub capsule: Option<String>,
    /// The log's public key.
    pub key: String,
    /// Checkpoints that an auditor kept.
    pub checkpoints: Vec<String>,
    /// Bundle of the ledger.
    pub ledger: Option<PathBuf>,
    /// Bundle of the access log.
    pub log: Option<PathBuf>,
    /// Go on although nobody has the ledger's newest entries.
    pub ledger_lost: bool,
}

/// What a restore did.
pub struct RestoreDone {
    /// One line each, nothing personal.
    pub lines: Vec<String>,
    /// Login names and one-time codes of those who can let the others in again, where nobody else
    /// is left. Shown once and kept nowhere.
    pub codes: Vec<(String, SecretText)>,
}

/// A copy of a keyring to be unpacked.
pub struct UnpackRequest {
    /// Its bytes.
    pub capsule: zeroize::Zeroizing<Vec<u8>>,
    /// Its own passphrase.
    pub passphrase: SecretText,
}

/// What a repair or check found, ready to print: nothing personal in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// One line each of what was looked at or done.
    pub lines: Vec<String>,
    /// One line each of what is wrong; empty when all is well.
    pub violations: Vec<String>,
}

/// What a forensic scan looks through, and for what.
pub struct ScanRequest {
    /// Directories, files or devices.
    pub places: Vec<PathBuf>,
    /// Texts that may stand nowhere: line in their list from 1, form, bytes.
    pub needles: Vec<(usize, &'static str, SecretBytes)>,
    /// Told bytes done and bytes in all.
    pub progress: Box<dyn Fn(u64, u64) + Send>,
}

/// A key pair of an archive.
pub struct ArchivePair {
    /// What its file holds.
    pub private: SecretBytes,
    /// The public key, in hexadecimal.
    pub public: String,
    /// Its fingerprint, as the approver of a hand-over, its file and the ledger name it.
    pub fingerprint: String,
}

/// The functions that only the binary can provide.
///
/// A failure carries its own exit code: [`Exit::Sealed`](super::failure::Exit::Sealed) for a wrong
/// passphrase, [`Exit::Damaged`](super::failure::Exit::Damaged) for a store that cannot be
/// trusted.
pub struct Host {
    /// Makes a store; refuses a place where anything stands already.
    pub init: fn(InitRequest) -> Task<InitDone>,
    /// Starts a server with its control socket.
    pub serve: fn(ServeRequest) -> Task<Running>,
    /// Opens the store in this process, sealed; fails while another process has it.
    pub open: fn(Place) -> Task<Opened>,
    /// Brings a store back from a backup or with a keyring out of a copy; nobody may serve it.
    pub restore: fn(Place, Unlock, RestoreRequest) -> Task<RestoreDone>,
    /// Makes a keyring of a copy where there is none; gives the copy's serial number.
    pub unpack_keyring: fn(Place, UnpackRequest) -> Task<String>,
    /// Runs the tests of a policy directory, or of the built-in policies.
    pub policy_check: fn(Option<PathBuf>) -> Task<Findings>,
    /// Renames the index away and rebuilds it from the journal.
    pub rebuild_index: fn(Place, Unlock) -> Task<Findings>,
    /// Reads everything that can be checked and changes nothing.
    pub fsck: fn(Place, Unlock) -> Task<Findings>,
    /// Looks on disks for what was destroyed.
    pub forensic_scan: fn(Place, Unlock, ScanRequest) -> Task<Findings>,
    /// Makes a key pair for an archive.
    pub archive_key: fn() -> Task<ArchivePair>,
    /// Opens a hand-over with the archive's private key file: one line of JSON an item.
    pub unseal: fn(Vec<u8>, SecretBytes) -> Task<Vec<SecretBytes>>,
}
