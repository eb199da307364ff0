//! A copy of the keyring for somebody to keep: root, slot secret and bucket blobs, sealed under a
//! passphrase of its own.
//!
//! ```text
//! header  "BHKP" | format 1 | suite 1 | serial 16 | memory KiB u32 | passes u32 | salt 16
//! body    AES-256-GCM(HKDF("", argon2id(passphrase, salt), "bongham/capsule/1"), aad = header,
//!         postcard of { root file, slot secret, blobs by name })
//! ```
//! The root in it is sealed with the store's own unseal secret as well, so that a capsule opens
//! only for somebody who has both passphrases. It says of itself that it is being restored: however
//! it is unpacked, the store stays shut until the ledger was replayed on it.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::domain::id::KeyHolderId;
use crate::domain::random::Random;
use crate::domain::secret::{Secret, SecretText};

use super::formula::{TAG_BYTES, hkdf, open_once, seal_once};
use super::puncture::Holder;
use super::root::Root;
use super::storage::{BUCKETS, Disk, HERE, Side, failed};
use super::unseal::{Terms, Unseal};
use super::{Keyring, KeyringError, Restoring, UnsealCost, UnsealSecret};

const MAGIC: &[u8; 4] = b"BHKP";
const FORMAT: u8 = 1;
const SUITE: u8 = 1;
const HEADER_BYTES: usize = 4 + 2 + 16 + 4 + 4 + 16;

/// A sealed copy, and what it holds at the most.
pub struct Capsule {
    /// The file.
    pub bytes: Vec<u8>,
    /// Version of the root that is in it.
    pub version: u64,
    /// One above the highest bucket that is in it.
    pub next_bucket: u32,
}

/// Why a capsule does not open.
#[derive(Debug, thiserror::Error)]
pub enum CapsuleError {
    /// Not a capsule, or not whole.
    #[error("this is not a whole capsule of a keyring")]
    Damaged,
    /// Written by a newer program.
    #[error("capsule of a newer format: use the newer bongham")]
    Newer,
    /// Another passphrase.
    #[error("the passphrase does not open this capsule")]
    WrongSecret,
    /// The keyring that it is unpacked to.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Body {
    version: u64,
    root: Vec<u8>,
    slot: [u8; 32],
    blobs: Vec<(String, Vec<u8>)>,
}

/// `HKDF("", argon2id(passphrase), "bongham/capsule/1")`.
fn capsule_key(passphrase: &SecretText, terms: Terms) -> Result<Secret<32>, KeyringError> {
    let secret = UnsealSecret {
        passphrase: SecretText::new(passphrase.expose().to_owned()),
        key_file: None,
    };
    let stretched = Unseal::derive(&secret, terms)?;
    Ok(hkdf(&[], stretched.key.expose(), &[b"bongham/capsule/1"]))
}

fn header(serial: KeyHolderId, terms: Terms) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[FORMAT, SUITE]);
    bytes.extend_from_slice(serial.as_bytes());
    bytes.extend_from_slice(&terms.cost.memory_kib.to_be_bytes());
    bytes.extend_from_slice(&terms.cost.passes.to_be_bytes());
    bytes.extend_from_slice(&terms.salt);
    bytes
}

/// Splits a capsule into header, serial, terms and sealed body.
fn parse(bytes: &[u8]) -> Result<(&[u8], KeyHolderId, Terms, &[u8]), CapsuleError> {
    let damaged = CapsuleError::Damaged;
    let (head, sealed) = bytes.split_at_checked(HEADER_BYTES).ok_or(damaged)?;
    let field = |from: usize, to: usize| head.get(from..to).unwrap_or_default();
    let number = |from: usize| {
        let bytes = field(from, from + 4).try_into();
        bytes
            .map(u32::from_be_bytes)
            .map_err(|_| CapsuleError::Damaged)
    };
    match (field(0, 4) == MAGIC, field(4, 6)) {
        (true, [FORMAT, SUITE]) => {}
        (true, [format, suite]) if *format > FORMAT || *suite > SUITE => {
            return Err(CapsuleError::Newer);
        }
        _ => return Err(CapsuleError::Damaged),
    }
    let serial: [u8; 16] = field(6, 22).try_into().map_err(|_| CapsuleError::Damaged)?;
    let terms = Terms {
        cost: UnsealCost {
            memory_kib: number(22)?,
            passes: number(26)?,
        },
        salt: field(30, 46)
            .try_into()
            .map_err(|_| CapsuleError::Damaged)?,
    };
    Ok((head, KeyHolderId::from_bytes(serial), terms, sealed))
}

impl Capsule {
    /// The serial number of a capsule, which is the id of its holder. Nothing is opened for it.
    ///
    /// # Errors
    /// [`CapsuleError::Damaged`], [`CapsuleError::Newer`].
    pub fn serial(bytes: &[u8]) -> Result<KeyHolderId, CapsuleError> {
        parse(bytes).map(|(_, serial, ..)| serial)
    }

    /// Makes a keyring of the capsule in `dir`, where there is none. It stays in the middle of a
    /// restore until the ledger was replayed on it. Runs argon2id once.
    ///
    /// # Errors
    /// [`CapsuleError::WrongSecret`], [`KeyringError::Exists`], or what the disk said; a folder
    /// that was left half-written holds no keyring and may be removed.
    pub fn unpack(
        bytes: &[u8],
        passphrase: &SecretText,
        dir: &Path,
    ) -> Result<KeyHolderId, CapsuleError> {
        let (head, serial, terms, sealed) = parse(bytes)?;
        let key = capsule_key(passphrase, terms)?;
        let text = open_once(&key, head, sealed).ok_or(CapsuleError::WrongSecret)?;
        let body: Body = postcard::from_bytes(&text).map_err(|_| CapsuleError::Damaged)?;
        let disk = Arc::new(Disk::create(dir)?);
        for side in Side::BOTH {
            let there = super::storage::Storage::read(&*disk, side.root());
            if there.map_err(failed(side.root()))?.is_some() {
                return Err(KeyringError::Exists.into());
            }
        }
        lay(disk, &body)?;
        Ok(serial)
    }
}

/// Writes blobs, then slot, then root: without the root there is no keyring.
fn lay(disk: Arc<Disk>, body: &Body) -> Result<(), CapsuleError> {
    let storage: Arc<dyn super::storage::Storage> = disk;
    for (name, bytes) in &body.blobs {
        let (folder, own) = name.split_once('/').ok_or(CapsuleError::Damaged)?;
        let plain = own.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if folder != BUCKETS || !plain {
            return Err(CapsuleError::Damaged);
        }
        storage.write(name, bytes).map_err(failed(name))?;
        storage.sync(&[name]).map_err(failed(name))?;
    }
    storage.sync_folder(BUCKETS).map_err(failed(BUCKETS))?;
    let random: Arc<dyn Random> = Arc::new(crate::domain::random::SystemSource::default());
    let holder = Holder::new(Arc::clone(&storage), random);
    let side = Side::of(body.version);
    holder.efface(Side::of(body.version.wrapping_add(1)))?;
    holder.slots.store(side, &Secret::new(body.slot))?;
    storage
        .write(side.root(), &body.root)
        .map_err(failed(side.root()))?;
    storage.sync(&[side.root()]).map_err(failed(side.root()))?;
    storage.sync_folder(HERE).map_err(failed(HERE))?;
    Ok(())
}

impl Keyring {
    /// Seals a copy of the keyring as it is now under `passphrase`, which should not be the
    /// store's. Writes nothing. The copy opens whatever was not destroyed when it was made: every
    /// destruction after it is complete only when the copy is destroyed, too.
    ///
    /// # Errors
    /// [`KeyringError::Cost`], [`KeyringError::Full`], or what the disk said of a blob.
    pub fn capsule(
        &self,
        serial: KeyHolderId,
        passphrase: &SecretText,
        cost: UnsealCost,
    ) -> Result<Capsule, KeyringError> {
        let terms = Terms::fresh(cost, &*self.holder.random)?;
        let key = capsule_key(passphrase, terms)?;
        // Holding the writer, the root and its blobs stay as they are.
        let writer = self.writer()?;
        let mut root: Root = (*self.current()).clone();
        root.restoring = Some(Restoring {
            backup: None,
            capsule: Some(serial),
            floor: root.floor,
        });
        let slot = Secret::random(&*self.holder.random)?;
        let mut blobs = Vec::new();
        for name in root.buckets.values().filter_map(|b| b.blob_name()) {
            let bytes = self.holder.storage.read(&name).map_err(failed(&name))?;
            let missing = || KeyringError::Damaged(format!("{name} is missing"));
            let bytes = bytes.ok_or_else(missing)?;
            blobs.push((name, bytes));
        }
        let body = Body {
            version: root.version,
            root: root.seal(&writer.unseal, &slot, self.holder.root_bytes)?,
            slot: *slot.expose(),
            blobs,
        };
        drop(writer);
        let text = Zeroizing::new(postcard::to_stdvec(&body).map_err(|_| KeyringError::Full)?);
        // With room for the tag, so that the text never moves and leaves a copy.
        let mut sealed = Zeroizing::new(Vec::with_capacity(text.len() + TAG_BYTES));
        sealed.extend_from_slice(&text);
        let head = header(serial, terms);
        seal_once(&key, &head, &mut sealed).map_err(|_| KeyringError::Full)?;
        Ok(Capsule {
            bytes: [&head[..], &sealed[..]].concat(),
            version: root.version,
            next_bucket: root.next_bucket,
        })
    }
}
