//! The list of a backup's files, signed with the log's key, and its offline verification.
//!
//! ```text
//! DIR/manifest.json   what the backup is made of
//! DIR/manifest.note   C2SP signed note: origin `bongham/<store>/backup`, bytes of manifest.json,
//!                     SHA-256 of manifest.json, `backup <id>`
//! DIR/store/…         the journal's files up to one durable group
//! DIR/logs/…          the signed checkpoints of that moment
//! DIR/policies/…      the office's own policies, if it has any
//! ```
//! A backup holds ciphertext alone and no key; the note has the form of a checkpoint, and its
//! origin keeps it from being taken for one of a log.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, CheckpointError, Verifier};
use super::tree::Hash;

/// Format of a manifest.
pub const VERSION: u32 = 1;
/// The list.
pub const MANIFEST: &str = "manifest.json";
/// Its signature.
pub const NOTE: &str = "manifest.note";
/// How the origin of its signature ends.
pub const ORIGIN_END: &str = "/backup";
/// Longest list and note, in bytes.
const TEXT_MAX: u64 = 64 << 20;
const BUFFER: usize = 1 << 20;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Path within the backup, with `/`.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// What a backup is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format.
    pub version: u32,
    /// Id of the backup, as the ledger has it.
    pub backup: String,
    /// Which set: `live`, or `retained` for the separate store.
    pub set: String,
    /// When, RFC 3339.
    pub made_at: String,
    /// Signed checkpoint of the access log in it.
    pub access: String,
    /// Signed checkpoint of the ledger in it.
    pub ledger: String,
    /// Leaves of access log and ledger in the journal: at least what the checkpoints sign.
    pub sizes: [u64; 2],
    /// Every file but this list and its note.
    pub files: Vec<Listed>,
}

/// Why a backup is not to be believed: the first thing found.
#[derive(Debug, thiserror::Error)]
pub enum BadBackup {
    /// A file of it cannot be read, or is not there.
    #[error("{name} cannot be read: {error}")]
    Read {
        /// Which.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The list is not signed by this key, or is not the one that was signed.
    #[error("manifest.note: {0}")]
    Note(CheckpointError),
    /// The list is not the one that was signed.
    #[error("manifest.json is not the list that was signed")]
    OtherList,
    /// The list cannot be read although it is signed.
    #[error("manifest.json is not a list of a known version")]
    Unknown,
    /// A checkpoint in the list.
    #[error("the checkpoint of the {0} in manifest.json: {1}")]
    Checkpoint(&'static str, CheckpointError),
    /// Bytes are missing or too many.
    #[error("{name} has {found} bytes and should have {listed}")]
    Length {
        /// Which.
        name: String,
        /// How many there are.
        found: u64,
        /// How many were signed.
        listed: u64,
    },
    /// The bytes are others.
    #[error("{name} is not what was backed up")]
    Changed {
        /// Which.
        name: String,
    },
}

/// A verified list and what its checkpoints say.
#[derive(Debug, Clone)]
pub struct Sound {
    /// The list.
    pub manifest: Manifest,
    /// Of the access log.
    pub access: Checkpoint,
    /// Of the ledger.
    pub ledger: Checkpoint,
}

/// SHA-256 of bytes as they pass.
pub struct Digest(Context);

impl Default for Digest {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Digest {
    /// More bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    /// Of all of them, in hexadecimal digits.
    pub fn finish(self) -> String {
        HEXLOWER.encode(self.0.finish().as_ref())
    }
}

/// SHA-256 of everything a reader gives, in hexadecimal digits; `each` is told the bytes.
///
/// # Errors
/// What the reader said.
pub fn digest(mut from: impl Read, mut each: impl FnMut(u64)) -> io::Result<(u64, String)> {
    let mut context = Digest::default();
    let mut buffer = vec![0; BUFFER];
    let mut all = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        context.update(buffer.get(..count).unwrap_or_default());
        all += count as u64;
        each(count as u64);
    }
    Ok((all, context.finish()))
}

/// What the note of a list with these bytes says: to be signed by the log's key.
pub fn statement(store: &str, backup: &str, list: &[u8]) -> Checkpoint {
    let digest = ring::digest::digest(&SHA256, list);
    let mut root = Hash::default();
    for (to, from) in root.0.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    Checkpoint {
        origin: format!("{store}{ORIGIN_END}"),
        size: list.len() as u64,
        root,
        extensions: vec![format!("backup {backup}")],
    }
}

/// Whether a name in a list stays inside the backup.
pub fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    let plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    plain && !name.is_empty() && !name.contains('\\')
}

fn text(dir: &Path, name: &str) -> Result<Vec<u8>, BadBackup> {
    let unread = |error| BadBackup::Read {
        name: name.to_owned(),
        error,
    };
    let mut bytes = Vec::new();
    let file = File::open(dir.join(name)).map_err(unread)?;
    file.take(TEXT_MAX)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    Ok(bytes)
}

/// Reads list and note and believes them if `verifier` signed them. Looks at no other file.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(dir: &Path, verifier: &Verifier) -> Result<Sound, BadBackup> {
    let list = text(dir, MANIFEST)?;
    let note = String::from_utf8(text(dir, NOTE)?)
        .map_err(|_| BadBackup::Note(CheckpointError::Malformed("not text")))?;
    let said = verifier.open(&note).map_err(BadBackup::Note)?;
    let store = said.origin.strip_suffix(ORIGIN_END).unwrap_or_default();
    let manifest: Option<Manifest> = serde_json::from_slice(&list).ok();
    let id = manifest.as_ref().map_or("", |m| m.backup.as_str());
    if store.is_empty() || (manifest.is_some() && statement(store, id, &list) != said) {
        return Err(BadBackup::OtherList);
    }
    let manifest = manifest.filter(|m| m.version == VERSION);
    let manifest = manifest.ok_or(BadBackup::Unknown)?;
    if !manifest.files.iter().all(|file| is_inside(&file.name)) {
        return Err(BadBackup::Unknown);
    }
    let checkpoint = |note: &str, which: &'static str, end: &str| {
        let said = verifier.open(note);
        let said = said.map_err(|error| BadBackup::Checkpoint(which, error))?;
        if said.origin == format!("{store}{end}") {
            Ok(said)
        } else {
            let other = CheckpointError::Malformed("another origin");
            Err(BadBackup::Checkpoint(which, other))
        }
    };
    Ok(Sound {
        access: checkpoint(&manifest.access, "access log", "/access")?,
        ledger: checkpoint(&manifest.ledger, "ledger", "/ledger")?,
        manifest,
    })
}

/// Verifies a whole backup with the log's public key alone; `each` is told bytes as they are read.
///
/// # Errors
/// The first file that is wrong.
pub fn verify(
    dir: &Path,
    verifier: &Verifier,
    mut each: impl FnMut(u64),
) -> Result<Sound, BadBackup> {
    let sound = read(dir, verifier)?;
    for listed in &sound.manifest.files {
        check(dir, listed, &mut each)?;
    }
    Ok(sound)
}

/// Whether a file of a backup is what is listed.
///
/// # Errors
/// What is wrong with it.
pub fn check(dir: &Path, listed: &Listed, each: impl FnMut(u64)) -> Result<(), BadBackup> {
    let name = || listed.name.clone();
    let unread = |error| BadBackup::Read {
        name: name(),
        error,
    };
    let file = File::open(dir.join(PathBuf::from(&listed.name))).map_err(unread)?;
    let found = file.metadata().map_err(unread)?.len();
    if found != listed.bytes {
        return Err(BadBackup::Length {
            name: name(),
            found,
            listed: listed.bytes,
        });
    }
    let (_, sha256) = digest(file, each).map_err(unread)?;
    if sha256 == listed.sha256 {
        Ok(())
    } else {
        Err(BadBackup::Changed { name: name() })
    }
}
