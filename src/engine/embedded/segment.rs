//! Segments: files of one fixed size, full of zeros before the first group is written, so that a
//! sync commits data and no metadata.
//!
//! ```text
//! 0    "BONGHAMJ" · version u16 · suite u8 · 0
//! 12   segment u32     from 1, without gaps
//! 16   store [16]      the store's random name
//! 32   MAC [32]        HMAC-SHA-256("seg1" ‖ bytes 0..32)
//! 64   zeros to 512, then groups
//! ```

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::bytes::{PREAMBLE, Reader, check_preamble, io, patch, preamble};
use super::files::{Layout, sync_dir};
use super::group::BLOCK;
use super::seal::Keys;
use crate::engine::EngineError;

/// The store's random name.
pub(super) type StoreName = [u8; 16];

const MAGIC: &[u8; 8] = b"BONGHAMJ";
const DOMAIN: [u8; 4] = *b"seg1";
const MAC_AT: usize = 32;
/// Offset of the first group.
pub(super) const FIRST: u32 = BLOCK as u32;

fn header(keys: &Keys, store: &StoreName, number: u32) -> [u8; BLOCK] {
    let mut bytes = [0; BLOCK];
    patch(&mut bytes, 0, &preamble(MAGIC));
    patch(&mut bytes, PREAMBLE, &number.to_be_bytes());
    patch(&mut bytes, 16, store);
    let mac = keys.mac_of(&DOMAIN, bytes.get(..MAC_AT).unwrap_or_default());
    patch(&mut bytes, MAC_AT, &mac);
    bytes
}

/// Which store a segment belongs to, if its header holds under `keys`.
pub(super) fn check(keys: &Keys, file: &File, number: u32) -> Result<StoreName, EngineError> {
    let what = format!("journal segment {number}");
    let damaged = || EngineError::Damaged(format!("{what}: the header at offset 0 is not intact"));
    let mut bytes = [0; BLOCK];
    file.read_exact_at(&mut bytes, 0).map_err(|_| damaged())?;
    let mut reader = Reader::new(&bytes);
    check_preamble(&mut reader, MAGIC, &what)?;
    let found = reader.u32().ok_or_else(damaged)?;
    let store: StoreName = reader.array().ok_or_else(damaged)?;
    let mac = reader.take(32).ok_or_else(damaged)?;
    let signed = bytes.get(..MAC_AT).unwrap_or_default();
    if found != number || !keys.verifies(&DOMAIN, signed, mac) {
        return Err(damaged());
    }
    Ok(store)
}

/// Writes a file of zeros, synced. Removes it again if the disk is full.
pub(super) fn zeros(path: &Path, size: u32) -> Result<(), EngineError> {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        let block = vec![0; 1 << 18];
        let mut left = size as usize;
        while left > 0 {
            let part = block.get(..left.min(block.len())).unwrap_or_default();
            file.write_all(part)?;
            left -= part.len();
        }
        file.sync_all()
    };
    write().map_err(|error| {
        // The error that matters is the first one.
        drop(fs::remove_file(path));
        io("preparing a journal segment")(error)
    })
}

/// Turns a file of zeros into segment `number`.
pub(super) fn adopt(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    from: &Path,
    number: u32,
) -> Result<(), EngineError> {
    let preparing = io("preparing a journal segment");
    let file = File::options().write(true).open(from).map_err(&preparing)?;
    file.write_all_at(&header(keys, store, number), 0)
        .map_err(&preparing)?;
    file.sync_all().map_err(&preparing)?;
    fs::rename(from, layout.segment(number)).map_err(&preparing)?;
    sync_dir(&layout.journal())
}

/// Makes segment `number` out of nothing.
pub(super) fn create(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    number: u32,
    size: u32,
) -> Result<(), EngineError> {
    let raw = layout.journal().join("next.new");
    zeros(&raw, size)?;
    adopt(layout, keys, store, &raw, number)
}

/// Numbers of the segments there are; they must run from 1 without a gap.
pub(super) fn list(layout: &Layout) -> Result<u32, EngineError> {
    let listing = io("listing the journal");
    let mut found = 0u32;
    let mut highest = 0u32;
    for entry in fs::read_dir(layout.journal()).map_err(&listing)? {
        let name = entry.map_err(&listing)?.file_name();
        let number = name
            .to_str()
            .filter(|n| n.len() == 8)
            .and_then(|n| n.parse::<u32>().ok());
        if let Some(number) = number {
            found += 1;
            highest = highest.max(number);
        }
    }
    if found == 0 {
        return Err(EngineError::Damaged("the journal holds no segment".into()));
    }
    if found != highest {
        return Err(EngineError::Damaged(format!(
            "the journal holds {found} segments but the last is number {highest}: one is missing"
        )));
    }
    Ok(highest)
}

/// The segments, open for reading.
pub(super) struct Segments {
    files: RwLock<Vec<Arc<File>>>,
}

impl Segments {
    pub(super) const fn new() -> Self {
        Self {
            files: RwLock::new(Vec::new()),
        }
    }

    /// Opens the next segment for reading and, by the same handle, writing.
    pub(super) fn add(&self, layout: &Layout, number: u32) -> Result<Arc<File>, EngineError> {
        let file = File::options()
            .read(true)
            .write(true)
            .open(layout.segment(number));
        let file = Arc::new(file.map_err(io("opening a journal segment"))?);
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        if files.len() + 1 != number as usize {
            return Err(EngineError::Io(format!(
                "journal segment {number} opened out of turn"
            )));
        }
        files.push(Arc::clone(&file));
        Ok(file)
    }

    /// Segment `number`.
    pub(super) fn get(&self, number: u32) -> Result<Arc<File>, EngineError> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        (number as usize)
            .checked_sub(1)
            .and_then(|at| files.get(at).cloned())
            .ok_or_else(|| EngineError::Damaged(format!("there is no journal segment {number}")))
    }

    /// Fills `bytes` from `offset` of a segment.
    pub(super) fn read(
        &self,
        number: u32,
        offset: u32,
        bytes: &mut [u8],
    ) -> Result<(), EngineError> {
        let file = self.get(number)?;
        file.read_exact_at(bytes, u64::from(offset))
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => damaged(number, offset, "it ends too early"),
                _ => io("reading the journal")(error),
            })
    }
}

/// Damage, with its place.
pub(super) fn damaged(segment: u32, offset: u32, why: &str) -> EngineError {
    EngineError::Damaged(format!(
        "journal segment {segment} at offset {offset}: {why}"
    ))
}
