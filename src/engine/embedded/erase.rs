//! Erasing frames in place, so that it is done whole even if the process dies within it.
//!
//! First a note says which frames of a segment will be erased, synced; then each of them gets its
//! mark and zeros, in any order, and one sync; last the note goes. A write that spans living
//! bytes gives them back as they are, so it may reach the disk in part like any other. Whoever
//! opens the store ends
//! what a note still says, before anything is read: so a frame is live or all zeros to every
//! reader, and a mark over bytes that are still there stays what it is, damage.
//!
//! ```text
//! 0    "BONGHAME" · version u16 · suite u8 · 0
//! 12   segment u32 · store [16]
//! 32   per frame: offset u32 · length u32, header included
//! end  MAC [32]     HMAC-SHA-256("ers1" ‖ everything before)
//! ```

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::bytes::{Reader, check_preamble, io, preamble};
use super::files::{self, Layout};
use super::frame::{FRAME_HEADER, FrameHeader};
use super::seal::Keys;
use super::segment::{Segments, StoreName, damaged};
use super::wipe;
use crate::engine::EngineError;

const MAGIC: &[u8; 8] = b"BONGHAME";
const DOMAIN: [u8; 4] = *b"ers1";
/// What the kernel writes to the disk at least (x86-64 and most others; larger ones write no less).
const PAGE: u32 = 4096;
/// Most bytes overwritten at once.
const STRETCH: u32 = 256 << 10;

/// A frame to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dead {
    pub(super) offset: u32,
    /// With its header.
    pub(super) length: u32,
}

impl Dead {
    const fn end(&self) -> u32 {
        self.offset.saturating_add(self.length)
    }
}

/// Says durably what will be erased.
pub(super) fn note(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    segment: u32,
    dead: &[Dead],
) -> Result<(), EngineError> {
    let mut bytes = preamble(MAGIC).to_vec();
    bytes.extend_from_slice(&segment.to_be_bytes());
    bytes.extend_from_slice(store);
    for Dead { offset, length } in dead {
        bytes.extend_from_slice(&offset.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
    }
    let mac = keys.mac_of(&DOMAIN, &bytes);
    bytes.extend_from_slice(&mac);
    files::replace(&layout.erasing(segment), &bytes)
}

/// What a note says; `None` if it is not intact or of another store. Then nothing is erased on its
/// word, and a frame that it left half erased is found as damage.
fn read(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    segment: u32,
) -> Result<Option<Vec<Dead>>, EngineError> {
    let bytes = files::read(&layout.erasing(segment))?.unwrap_or_default();
    let mut reader = Reader::new(&bytes);
    match check_preamble(&mut reader, MAGIC, "the note of a scrub") {
        Err(EngineError::Damaged(_)) => return Ok(None),
        other => other?,
    }
    if reader.u32() != Some(segment) || reader.array().as_ref() != Some(store) {
        return Ok(None);
    }
    let signed = bytes.len().saturating_sub(32);
    let intact = bytes
        .split_at_checked(signed)
        .is_some_and(|(signed, mac)| keys.verifies(&DOMAIN, signed, mac));
    if !intact {
        return Ok(None);
    }
    let mut dead = Vec::new();
    let entries = bytes.get(32..signed).unwrap_or_default();
    let mut reader = Reader::new(entries);
    while let (Some(offset), Some(length)) = (reader.u32(), reader.u32()) {
        dead.push(Dead { offset, length });
    }
    Ok(Some(dead))
}

/// Writes mark and zeros over the frames, durably, and gives their blocks back. `point` is told
/// between the writes.
///
/// Neighbours are written at once, with what lives between them as it was read: see [`together`].
pub(super) fn erase(
    file: &File,
    segment: u32,
    dead: &[Dead],
    point: impl Fn(&'static str) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut buffer = Vec::new();
    let mut rest = dead;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(together(rest));
        overwrite(file, segment, now, &mut buffer)?;
        point("overwritten")?;
        rest = later;
    }
    file.sync_data().map_err(io("erasing in the journal"))?;
    for one in dead {
        let at = u64::from(one.offset) + FRAME_HEADER as u64;
        wipe::punch(file, at, u64::from(one.length) - FRAME_HEADER as u64);
    }
    Ok(())
}

/// How many of the first frames are written at once: those with less than a page between one and
/// the next. Every page that is written then holds a byte of a dead frame, so the disk gets no
/// page that it would not get if each frame were written alone. At most [`STRETCH`] bytes, unless
/// one frame is longer: a commit to the same file waits for no more.
fn together(dead: &[Dead]) -> usize {
    let Some((first, others)) = dead.split_first() else {
        return 0;
    };
    let mut end = first.end();
    let near = |one: &&Dead| {
        let gap = one.offset.checked_sub(end);
        end = one.end();
        gap.is_some_and(|gap| gap < PAGE) && end.saturating_sub(first.offset) <= STRETCH
    };
    1 + others.iter().take_while(near).count()
}

/// Marks and empties frames that stand close together, in one write.
fn overwrite(
    file: &File,
    segment: u32,
    dead: &[Dead],
    buffer: &mut Vec<u8>,
) -> Result<(), EngineError> {
    let erasing = io("erasing in the journal");
    let (Some(first), Some(last)) = (dead.first(), dead.last()) else {
        return Ok(());
    };
    let (from, bytes) = (first.offset, last.end().saturating_sub(first.offset));
    buffer.resize(bytes as usize, 0);
    file.read_exact_at(buffer, u64::from(from))
        .map_err(&erasing)?;
    for one in dead {
        let none = || damaged(segment, one.offset, "there is no frame to erase here");
        let at = one.offset.checked_sub(from).ok_or_else(none)? as usize;
        let frame = buffer.get_mut(at..at + one.length as usize);
        let (head, body) = frame
            .and_then(|frame| frame.split_at_mut_checked(FRAME_HEADER))
            .ok_or_else(none)?;
        let header = FrameHeader::parse(&mut Reader::new(head))
            .filter(|header| header.length as usize == body.len())
            .ok_or_else(none)?;
        let marked = FrameHeader {
            erased: true,
            ..header
        };
        head.copy_from_slice(&marked.bytes());
        body.fill(0);
    }
    file.write_all_at(buffer, u64::from(from)).map_err(&erasing)
}

/// Ends what notes still say, and takes them away with the sidecars of their segments, which may
/// name what is dead.
pub(super) fn finish(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    segments: &Segments,
) -> Result<(), EngineError> {
    for number in noted(layout)? {
        match read(layout, keys, store, number)? {
            Some(dead) => {
                let file = segments.get(number)?;
                erase(&file, number, &dead, |_| Ok(()))?;
                wipe::file(&layout.sidecar(number))?;
            }
            None => tracing::warn!(segment = number, "the note of a scrub is not intact"),
        }
        files::remove(&layout.erasing(number))?;
    }
    Ok(())
}

/// Segments of which there is a note, in order.
pub(super) fn noted(layout: &Layout) -> Result<Vec<u32>, EngineError> {
    let listing = io("listing the journal");
    let mut found = Vec::new();
    for entry in fs::read_dir(layout.journal()).map_err(&listing)? {
        let name = entry.map_err(&listing)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".erase"));
        found.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}
