//! A group: all batches that one sync makes durable.
//!
//! ```text
//! 0    "BGRP"
//! 4    length u32      of the group with its padding; a multiple of 512
//! 8    sequence u64    one more than the group before, across segments; the first is 1
//! 16   frames u32
//! 20   bytes u32       without padding
//! 24   salt [16]       random
//! 40   previous [32]   MAC of the group before; for the first, the MAC of the store's name
//! 72   sizes 2 × u64   of access log and ledger after this group
//! 88   times 2 × i64   of their last leaves after this group, milliseconds
//! 104  MAC [32]        HMAC-SHA-256("grp1" ‖ every frame header, state 0 ‖ bytes 0..104)
//! 136  frames          see `frame`, then zeros
//! ```
//! The MAC covers digests and lengths, not the sealed bytes: an erased frame leaves it valid.
//! It chains the groups, so that an old group cannot be put back nor one left out.

use super::bytes::{Reader, patch};
use super::frame::{self, FRAME_HEADER, FrameHeader, Kind, Opened};
use super::seal::{Digest, Keys, Mac, Salt, Sealer, TAG, Tampered, digest};
use crate::engine::tally::Ends;

/// Bytes of a group's header.
pub(super) const GROUP_HEADER: usize = 136;
/// What groups and segment headers are padded to, in bytes.
pub(super) const BLOCK: usize = 512;
const MAGIC: [u8; 4] = *b"BGRP";
const DOMAIN: [u8; 4] = *b"grp1";
const MAC_AT: usize = 104;

/// A byte in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u32,
}

/// Where the chain stands after a group: what the next one must continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) sequence: u64,
    pub(super) mac: Digest,
    pub(super) ends: Ends,
}

/// A group being put together.
pub(super) struct Builder {
    bytes: Vec<u8>,
    frames: u32,
    sequence: u64,
    salt: Salt,
    sealer: Sealer,
    mac: Mac,
}

impl Builder {
    /// An empty group. `bytes` is an old buffer to fill again.
    pub(super) fn new(
        keys: &Keys,
        salt: Salt,
        sequence: u64,
        mut bytes: Vec<u8>,
    ) -> Result<Self, Tampered> {
        bytes.clear();
        bytes.resize(GROUP_HEADER, 0);
        Ok(Self {
            bytes,
            frames: 0,
            sequence,
            salt,
            sealer: keys.group(&salt, sequence)?,
            mac: keys.mac(&DOMAIN),
        })
    }

    pub(super) const fn salt(&self) -> &Salt {
        &self.salt
    }
    pub(super) const fn sequence(&self) -> u64 {
        self.sequence
    }
    /// Bytes so far, without padding.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Seals a frame of these plaintext parts; gives its offset in the group and its length.
    pub(super) fn push(&mut self, kind: Kind, parts: &[&[u8]]) -> Result<(u32, u32), Tampered> {
        let start = self.bytes.len();
        let body = start + FRAME_HEADER;
        self.bytes.resize(body, 0);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        let ordinal = self.frames;
        self.frames = ordinal.checked_add(1).ok_or(Tampered)?;
        let aad = frame::aad(self.sequence, ordinal, kind);
        let plain = self.bytes.get_mut(body..).ok_or(Tampered)?;
        let tag: [u8; TAG] = self.sealer.seal(ordinal, &aad, plain)?;
        self.bytes.extend_from_slice(&tag);
        let sealed = self.bytes.get(body..).ok_or(Tampered)?;
        let header = FrameHeader {
            kind,
            erased: false,
            ordinal,
            length: u32::try_from(sealed.len()).map_err(|_| Tampered)?,
            digest: digest(sealed),
        }
        .bytes();
        self.mac.update(&header);
        patch(&mut self.bytes, start, &header);
        let length = self.bytes.len() - start;
        Ok((
            u32::try_from(start).map_err(|_| Tampered)?,
            u32::try_from(length).map_err(|_| Tampered)?,
        ))
    }

    /// Closes the group: its padded bytes and the new tip.
    pub(super) fn finish(mut self, before: &Tip, ends: Ends) -> Result<(Vec<u8>, Tip), Tampered> {
        let plain = u32::try_from(self.bytes.len()).map_err(|_| Tampered)?;
        let padded = self.bytes.len().next_multiple_of(BLOCK);
        let length = u32::try_from(padded).map_err(|_| Tampered)?;
        self.bytes.resize(padded, 0);
        let [access, ledger] = ends.sizes;
        let [access_time, ledger_time] = ends.times;
        patch(&mut self.bytes, 0, &MAGIC);
        patch(&mut self.bytes, 4, &length.to_be_bytes());
        patch(&mut self.bytes, 8, &self.sequence.to_be_bytes());
        patch(&mut self.bytes, 16, &self.frames.to_be_bytes());
        patch(&mut self.bytes, 20, &plain.to_be_bytes());
        patch(&mut self.bytes, 24, &self.salt);
        patch(&mut self.bytes, 40, &before.mac);
        patch(&mut self.bytes, 72, &access.to_be_bytes());
        patch(&mut self.bytes, 80, &ledger.to_be_bytes());
        patch(&mut self.bytes, 88, &access_time.to_be_bytes());
        patch(&mut self.bytes, 96, &ledger_time.to_be_bytes());
        self.mac.update(self.bytes.get(..MAC_AT).ok_or(Tampered)?);
        let mac = self.mac.finish();
        patch(&mut self.bytes, MAC_AT, &mac);
        let tip = Tip {
            sequence: self.sequence,
            mac,
            ends,
        };
        Ok((self.bytes, tip))
    }
}

/// A group's header, read back.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupHeader {
    pub(super) length: u32,
    pub(super) sequence: u64,
    pub(super) salt: Salt,
    pub(super) previous: Digest,
    pub(super) tip: Tip,
    frames: u32,
    pub(super) bytes: u32,
}

impl GroupHeader {
    /// Reads a header; nothing is checked yet but its shape.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.array::<4>()? != MAGIC {
            return None;
        }
        let length = reader.u32()?;
        let sequence = reader.u64()?;
        let (frames, plain) = (reader.u32()?, reader.u32()?);
        let (salt, previous) = (reader.array()?, reader.array()?);
        let ends = Ends {
            sizes: [reader.u64()?, reader.u64()?],
            times: [reader.i64()?, reader.i64()?],
        };
        let mac = reader.array()?;
        let shaped = (length as usize).is_multiple_of(BLOCK)
            && plain <= length
            && plain as usize >= GROUP_HEADER;
        shaped.then_some(Self {
            length,
            sequence,
            salt,
            previous,
            tip: Tip {
                sequence,
                mac,
                ends,
            },
            frames,
            bytes: plain,
        })
    }

    /// What the group says it continues; not checked against the chain.
    pub(super) fn before(&self) -> Option<Tip> {
        Some(Tip {
            sequence: self.sequence.checked_sub(1)?,
            mac: self.previous,
            ends: Ends::default(),
        })
    }

    /// The frames at the front of whose group `bytes` stands: offset in the group, header,
    /// sealed bytes. `None` where the frames do not fill the group exactly.
    pub(super) fn frames<'a>(&self, bytes: &'a [u8]) -> Option<Vec<(u32, FrameHeader, &'a [u8])>> {
        let mut frames = Vec::new();
        let mut reader = Reader::new(bytes.get(GROUP_HEADER..self.bytes as usize)?);
        let mut offset = GROUP_HEADER;
        for ordinal in 0..self.frames {
            let header = FrameHeader::parse(&mut reader)?;
            let sealed = reader.take(header.length as usize)?;
            if header.ordinal != ordinal {
                return None;
            }
            frames.push((u32::try_from(offset).ok()?, header, sealed));
            offset += FRAME_HEADER + sealed.len();
        }
        reader.is_empty().then_some(frames)
    }

    /// Whether the group says that it comes behind `tip`, and is not longer than `bytes`.
    pub(super) fn follows(&self, tip: &Tip, bytes: &[u8]) -> bool {
        tip.sequence.checked_add(1) == Some(self.sequence)
            && self.previous == tip.mac
            && self.length as usize <= bytes.len()
    }

    /// Whether the group was written by a holder of the key: the MAC holds.
    pub(super) fn authentic(&self, keys: &Keys, bytes: &[u8]) -> bool {
        let Some(frames) = self.frames(bytes) else {
            return false;
        };
        let mut mac = keys.mac(&DOMAIN);
        for (_, header, _) in frames {
            mac.update(
                &FrameHeader {
                    erased: false,
                    ..header
                }
                .bytes(),
            );
        }
        mac.update(bytes.get(..MAC_AT).unwrap_or_default());
        mac.finish() == self.tip.mac
    }

    /// Whether every sealed byte is as it was written, or erased.
    pub(super) fn sound(&self, bytes: &[u8]) -> bool {
        self.frames(bytes).is_some_and(|frames| {
            frames
                .iter()
                .all(|(_, header, sealed)| header.matches(sealed))
        })
    }

    /// Whether the group continues `tip`, and is as a holder of the key wrote it.
    pub(super) fn continues(&self, keys: &Keys, tip: &Tip, bytes: &[u8]) -> bool {
        self.follows(tip, bytes) && self.authentic(keys, bytes) && self.sound(bytes)
    }

    /// Opens every frame in order: offset in the group, bytes of the frame, kind, plaintext.
    pub(super) fn open_frames(
        &self,
        keys: &Keys,
        bytes: &mut [u8],
        mut visit: impl FnMut(u32, u32, Kind, Opened<'_>) -> Result<(), Tampered>,
    ) -> Result<(), Tampered> {
        let sealer = keys.group(&self.salt, self.sequence)?;
        let (_, mut rest) = bytes
            .get_mut(..self.bytes as usize)
            .and_then(|group| group.split_at_mut_checked(GROUP_HEADER))
            .ok_or(Tampered)?;
        let mut offset = GROUP_HEADER;
        for _ in 0..self.frames {
            let header = FrameHeader::parse(&mut Reader::new(rest)).ok_or(Tampered)?;
            let length = FRAME_HEADER + header.length as usize;
            let (one, after) = rest.split_at_mut_checked(length).ok_or(Tampered)?;
            let (_, opened) = frame::open(&sealer, self.sequence, header.kind, one)?;
            let at = u32::try_from(offset).map_err(|_| Tampered)?;
            let size = u32::try_from(length).map_err(|_| Tampered)?;
            visit(at, size, header.kind, opened)?;
            offset += length;
            rest = after;
        }
        Ok(())
    }
}
