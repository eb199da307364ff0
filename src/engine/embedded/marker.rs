//! `clean` and `position`: how far leaves/ and index/ hold what the journal says.
//!
//! ```text
//! 0    "BONGHAMC" (clean) or "BONGHAMP" (position) · version u16 · suite u8 · 0
//! 12   store [16]
//! 28   boot [16]        the kernel's boot id
//! 44   device u64 · inode u64      of journal/
//! 60   segment u32 · offset u32    behind the last group that is in the index
//! 68   sequence u64 · MAC [32]     of that group
//! 108  sizes 2 × u64 · times 2 × i64
//! 140  files [32]       clean: SHA-256 over names and contents of leaves/ and index/; else zeros
//! 172  MAC [32]         HMAC-SHA-256("mrk1" ‖ bytes 0..172)
//! ```
//! A clean marker is written after everything was flushed and synced, so it holds across boots;
//! a position holds only while the kernel that took sled's writes lives. Both name the inode of
//! journal/, so that a copied or restored directory rebuilds its index.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::bytes::{Reader, check_preamble, io, preamble};
use super::files::{self, Layout};
use super::group::{Place, Tip};
use super::seal::{Digest, Keys, digest, digest_of};
use super::segment::StoreName;
use crate::engine::EngineError;
use crate::engine::tally::Ends;

const DOMAIN: [u8; 4] = *b"mrk1";

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkKind {
    Clean,
    Position,
}

impl MarkKind {
    const fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Clean => b"BONGHAMC",
            Self::Position => b"BONGHAMP",
        }
    }
    fn path(self, layout: &Layout) -> PathBuf {
        match self {
            Self::Clean => layout.clean(),
            Self::Position => layout.position(),
        }
    }
}

/// Where the journal directory is, and under which kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Here {
    pub(super) boot: [u8; 16],
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Here {
    /// Of this journal directory, now. An unreadable boot id is random to the caller: it equals
    /// no other, so the index is rebuilt.
    pub(super) fn look(layout: &Layout, unknown: [u8; 16]) -> Result<Self, EngineError> {
        let meta = fs::metadata(layout.journal()).map_err(io("looking at the journal"))?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let boot = boot.and_then(|text| {
            let bytes = digest(text.trim().as_bytes());
            bytes.get(..16).and_then(|half| half.try_into().ok())
        });
        Ok(Self {
            boot: boot.unwrap_or(unknown),
            device: meta.dev(),
            inode: meta.ino(),
        })
    }

    /// The same directory, whatever the kernel.
    pub(super) const fn same_directory(&self, other: &Self) -> bool {
        self.device == other.device && self.inode == other.inode
    }
}

/// One of the two markers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) here: Here,
    pub(super) place: Place,
    pub(super) tip: Tip,
    pub(super) files: Digest,
}

impl Mark {
    /// Writes the marker durably.
    pub(super) fn write(
        &self,
        kind: MarkKind,
        layout: &Layout,
        keys: &Keys,
        store: &StoreName,
    ) -> Result<(), EngineError> {
        let mut bytes = preamble(kind.magic()).to_vec();
        bytes.extend_from_slice(store);
        bytes.extend_from_slice(&self.here.boot);
        bytes.extend_from_slice(&self.here.device.to_be_bytes());
        bytes.extend_from_slice(&self.here.inode.to_be_bytes());
        bytes.extend_from_slice(&self.place.segment.to_be_bytes());
        bytes.extend_from_slice(&self.place.offset.to_be_bytes());
        bytes.extend_from_slice(&self.tip.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.tip.mac);
        for size in self.tip.ends.sizes {
            bytes.extend_from_slice(&size.to_be_bytes());
        }
        for time in self.tip.ends.times {
            bytes.extend_from_slice(&time.to_be_bytes());
        }
        bytes.extend_from_slice(&self.files);
        let mac = keys.mac_of(&DOMAIN, &bytes);
        bytes.extend_from_slice(&mac);
        files::replace(&kind.path(layout), &bytes)
    }

    /// Reads the marker; `None` if it is missing, damaged, or of another store. That only costs
    /// a rebuild.
    pub(super) fn read(
        kind: MarkKind,
        layout: &Layout,
        keys: &Keys,
        store: &StoreName,
    ) -> Result<Option<Self>, EngineError> {
        let Some(bytes) = files::read(&kind.path(layout))? else {
            return Ok(None);
        };
        let mut reader = Reader::new(&bytes);
        match check_preamble(&mut reader, kind.magic(), "a marker file") {
            Err(EngineError::Damaged(_)) => return Ok(None),
            other => other?,
        }
        Ok(Self::parse(&mut reader, store).filter(|_| {
            bytes
                .split_at_checked(bytes.len().saturating_sub(32))
                .is_some_and(|(signed, mac)| keys.verifies(&DOMAIN, signed, mac))
        }))
    }

    fn parse(reader: &mut Reader<'_>, store: &StoreName) -> Option<Self> {
        if reader.array::<16>()? != *store {
            return None;
        }
        let here = Here {
            boot: reader.array()?,
            device: reader.u64()?,
            inode: reader.u64()?,
        };
        let place = Place {
            segment: reader.u32()?,
            offset: reader.u32()?,
        };
        let tip = Tip {
            sequence: reader.u64()?,
            mac: reader.array()?,
            ends: Ends {
                sizes: [reader.u64()?, reader.u64()?],
                times: [reader.i64()?, reader.i64()?],
            },
        };
        Some(Self {
            here,
            place,
            tip,
            files: reader.array()?,
        })
    }
}

/// SHA-256 over names and digests of every file below leaves/ and index/, in order of name.
pub(super) fn files_digest(layout: &Layout) -> Result<Digest, EngineError> {
    let mut found = Vec::new();
    for dir in [layout.leaves(), layout.index()] {
        walk(&dir, &mut found).map_err(io("reading the index"))?;
    }
    found.sort();
    let mut listing = Vec::new();
    for path in found {
        let name = path.strip_prefix(layout.root()).unwrap_or(&path);
        let name = name.as_os_str().as_encoded_bytes();
        listing.extend_from_slice(&(name.len() as u64).to_be_bytes());
        listing.extend_from_slice(name);
        let file = File::open(&path).map_err(io("reading the index"))?;
        listing.extend_from_slice(&digest_of(file).map_err(io("reading the index"))?);
    }
    Ok(digest(&listing))
}

/// Makes every file and directory below leaves/ and index/ durable.
pub(super) fn sync_files(layout: &Layout) -> Result<(), EngineError> {
    for dir in [layout.leaves(), layout.index()] {
        let mut found = Vec::new();
        walk(&dir, &mut found).map_err(io("reading the index"))?;
        for path in &found {
            File::open(path)
                .and_then(|f| f.sync_all())
                .map_err(io("syncing the index"))?;
            path.parent().map_or(Ok(()), files::sync_dir)?;
        }
        files::sync_dir(&dir)?;
    }
    files::sync_dir(layout.root())
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}
