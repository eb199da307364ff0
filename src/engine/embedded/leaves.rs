//! Where each leaf stands: one dense file a log, 16 bytes a leaf, so that the n-th leaf is found
//! by arithmetic. Derived from the journal; a wrong entry cannot pass, because the leaf's frame
//! names its log and index.
//!
//! ```text
//! 0    "BONGHAML" · version u16 · suite u8 · 0
//! 12   log u32 · store [16]
//! 32   per leaf: segment u32 · offset of the group u32 · offset of the frame u32 · length u32
//! ```
//! The length spans the leaf's frame and its body's, which follows.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::bytes::{Reader, check_preamble, io, preamble};
use super::files::Layout;
use super::segment::StoreName;
use crate::engine::{EngineError, Log};

const MAGIC: &[u8; 8] = b"BONGHAML";
const HEADER: usize = 32;
/// Bytes of an entry.
pub(super) const LOCATION: usize = 16;

/// Where a leaf stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) segment: u32,
    pub(super) group: u32,
    pub(super) frame: u32,
    pub(super) length: u32,
}

impl Location {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for field in [self.segment, self.group, self.frame, self.length] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }
    pub(super) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            segment: reader.u32()?,
            group: reader.u32()?,
            frame: reader.u32()?,
            length: reader.u32()?,
        })
    }
}

/// Both files.
pub(super) struct Leaves {
    access: File,
    ledger: File,
}

const fn name(log: Log) -> &'static str {
    match log {
        Log::Access => "access",
        Log::Ledger => "ledger",
    }
}

fn header(log: Log, store: &StoreName) -> Vec<u8> {
    let mut bytes = preamble(MAGIC).to_vec();
    bytes.extend_from_slice(&u32::from(log as u8).to_be_bytes());
    bytes.extend_from_slice(store);
    bytes
}

fn at(index: u64) -> u64 {
    (HEADER as u64).saturating_add(index.saturating_mul(LOCATION as u64))
}

impl Leaves {
    /// Makes both files anew, empty.
    pub(super) fn create(layout: &Layout, store: &StoreName) -> Result<Self, EngineError> {
        fs::create_dir_all(layout.leaves()).map_err(io("making leaves/"))?;
        let make = |log| {
            let path = layout.leaves().join(name(log));
            let file = File::options()
                .create(true)
                .truncate(true)
                .read(true)
                .write(true)
                .open(path)
                .map_err(io("making a leaf file"))?;
            file.write_all_at(&header(log, store), 0)
                .map_err(io("making a leaf file"))?;
            Ok(file)
        };
        Ok(Self {
            access: make(Log::Access)?,
            ledger: make(Log::Ledger)?,
        })
    }

    /// Opens both files, which must hold at least `sizes` entries, and cuts them to that.
    pub(super) fn open(
        layout: &Layout,
        store: &StoreName,
        sizes: [u64; 2],
    ) -> Result<Self, EngineError> {
        let [access, ledger] = sizes;
        let open = |log, size| {
            let path = layout.leaves().join(name(log));
            let file = File::options().read(true).write(true).open(path);
            let file = file.map_err(io("opening a leaf file"))?;
            let mut found = [0; HEADER];
            file.read_exact_at(&mut found, 0)
                .map_err(io("opening a leaf file"))?;
            check_preamble(&mut Reader::new(&found), MAGIC, "a leaf file")?;
            let length = file.metadata().map_err(io("opening a leaf file"))?.len();
            if found.as_slice() != header(log, store) || length < at(size) {
                return Err(EngineError::Damaged("a leaf file is too short".into()));
            }
            file.set_len(at(size)).map_err(io("opening a leaf file"))?;
            Ok(file)
        };
        Ok(Self {
            access: open(Log::Access, access)?,
            ledger: open(Log::Ledger, ledger)?,
        })
    }

    const fn file(&self, log: Log) -> &File {
        match log {
            Log::Access => &self.access,
            Log::Ledger => &self.ledger,
        }
    }

    /// Writes encoded entries from index `first`.
    pub(super) fn write(&self, log: Log, first: u64, entries: &[u8]) -> Result<(), EngineError> {
        self.file(log)
            .write_all_at(entries, at(first))
            .map_err(io("writing a leaf file"))
    }

    /// Reads `count` entries from index `first`.
    pub(super) fn read(
        &self,
        log: Log,
        first: u64,
        count: usize,
    ) -> Result<Vec<Location>, EngineError> {
        let mut bytes = vec![0; count.saturating_mul(LOCATION)];
        let damaged = || EngineError::Damaged("a leaf file is too short; restart".into());
        self.file(log)
            .read_exact_at(&mut bytes, at(first))
            .map_err(|_| damaged())?;
        let mut reader = Reader::new(&bytes);
        (0..count)
            .map(|_| Location::decode(&mut reader).ok_or_else(damaged))
            .collect()
    }
}
