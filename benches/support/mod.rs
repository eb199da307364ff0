//! What the bench of the engine alone needs besides the engines: an envelope, and the disk's own
//! pace.

mod measure;
pub(crate) mod ours;
#[cfg(feature = "bench-sqlcipher")]
pub(crate) mod sqlcipher;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

use crate::Failure;

pub(crate) use measure::{Outcome, median, number_from_env, run_clients};

/// Bytes of a record before it is sealed.
pub(crate) const RECORD: usize = 2048;
/// Bytes of an entry's leaf and sealed body: 300 together.
pub(crate) const ENTRY: (usize, usize) = (140, 160);

/// How many 4 KiB writes into a preallocated file the disk makes durable in a second.
pub(crate) fn fdatasync_rate(dir: &Path, length: Duration) -> Result<f64, Failure> {
    let path = dir.join("pace");
    let block = vec![1; 4096];
    let size = 16u64 << 20;
    std::fs::write(&path, vec![0; 16 << 20])?;
    let file = File::options().write(true).open(&path)?;
    file.sync_all()?;
    let started = Instant::now();
    let mut count = 0u64;
    while started.elapsed() < length {
        file.write_all_at(&block, count * 4096 % size)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// The client's side of a record: a key of its own, wrapped, and the record under it.
pub(crate) struct Envelope {
    wrapping: LessSafeKey,
    random: SystemRandom,
}

impl Envelope {
    pub(crate) fn new() -> Result<Self, Failure> {
        let key = UnboundKey::new(&AES_256_GCM, &[9; 32]).map_err(|_| "key")?;
        Ok(Self {
            wrapping: LessSafeKey::new(key),
            random: SystemRandom::new(),
        })
    }

    /// `nonce ‖ nonce ‖ wrapped key ‖ sealed record`.
    pub(crate) fn seal(&self, id: u64) -> Result<Vec<u8>, Failure> {
        let mut fresh = [0u8; 56];
        self.random.fill(&mut fresh).map_err(|_| "random")?;
        let (nonces, key) = fresh.split_at(24);
        let mut sealed = Vec::with_capacity(24 + 48 + RECORD + 16);
        sealed.extend_from_slice(nonces);
        let (outer, inner) = nonces.split_at(12);
        let mut wrapped = key.to_vec();
        let aad = id.to_be_bytes();
        self.wrapping
            .seal_in_place_append_tag(nonce(outer)?, Aad::from(aad), &mut wrapped)
            .map_err(|_| "seal")?;
        sealed.extend_from_slice(&wrapped);
        let mut record: Vec<u8> = id.to_be_bytes().repeat(RECORD / 8);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| "key")?);
        key.seal_in_place_append_tag(nonce(inner)?, Aad::from(aad), &mut record)
            .map_err(|_| "seal")?;
        sealed.extend_from_slice(&record);
        Ok(sealed)
    }

    /// Opens and checks a record.
    pub(crate) fn open(&self, id: u64, mut sealed: Vec<u8>) -> Result<(), Failure> {
        let (head, record) = sealed.split_at_mut_checked(72).ok_or("a short record")?;
        let (nonces, wrapped) = head.split_at_mut(24);
        let (outer, inner) = nonces.split_at(12);
        let aad = id.to_be_bytes();
        let key = self
            .wrapping
            .open_in_place(nonce(outer)?, Aad::from(aad), wrapped)
            .map_err(|_| "open")?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| "key")?);
        let record = key.open_in_place(nonce(inner)?, Aad::from(aad), record);
        let record = record.map_err(|_| "open")?;
        if record.len() == RECORD && record.starts_with(&id.to_be_bytes()) {
            Ok(())
        } else {
            Err("another record came back".into())
        }
    }
}

fn nonce(bytes: &[u8]) -> Result<Nonce, Failure> {
    Nonce::try_assume_unique_for_key(bytes).map_err(|_| "nonce".into())
}

/// A number in no order (splitmix64's finish), below 2⁶³.
pub(crate) const fn opaque(n: u64) -> u64 {
    let x = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) >> 1
}

/// A record to read, any of them.
pub(crate) const fn any(n: u64, records: u64) -> u64 {
    opaque(n) % records
}
