//! Carving: finding rows of the journal in any bytes whatever, such as a disk image, a backup or a
//! swap file, as somebody would who has the journal key and no index.
//!
//! A group is recognised by its magic at any offset; each frame is opened by itself, so that one
//! that is torn or erased does not hide its neighbours.

use std::io::{self, Read};

use super::bytes::Reader;
use super::frame::{self, FRAME_HEADER, FrameHeader, Kind, Opened};
use super::group::{GROUP_HEADER, GroupHeader};
use super::seal::Keys;
use crate::domain::secret::Secret;
use crate::engine::Space;

/// Bytes looked at together.
const WINDOW: usize = 32 << 20;
/// Bytes that two windows share, so that a group across their border is found whole.
const SHARED: usize = 8 << 20;
const MAGIC: &[u8] = b"BGRP";

/// A row found somewhere.
pub struct Carved<'a> {
    /// Where its group begins, in bytes from the start.
    pub offset: u64,
    /// Its space.
    pub space: Space,
    /// Its key.
    pub key: &'a [u8],
    /// Its value; `None` in the frame of a removal, which a scrub leaves.
    pub value: Option<&'a [u8]>,
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sight {
    /// Bytes read.
    pub bytes: u64,
    /// Groups of this store's journal.
    pub groups: u64,
    /// Rows among them that could be opened.
    pub rows: u64,
    /// Frames that had been erased.
    pub erased: u64,
}

/// Finds what one store's journal wrote.
pub struct Carver {
    keys: Keys,
}

impl Carver {
    /// With the journal key; `None` only if ring refuses its own lengths.
    pub fn new(journal: &Secret<32>) -> Option<Self> {
        Keys::derive(journal).map(|keys| Self { keys })
    }

    /// Reads to the end; tells `row` of every row and removal, and `bytes` of every stretch as it is read, with
    /// its offset. Stretches share their borders, so that nothing falls between two.
    ///
    /// # Errors
    /// What reading said.
    pub fn carve(
        &self,
        mut from: impl Read,
        mut row: impl FnMut(Carved<'_>),
        mut bytes: impl FnMut(u64, &[u8]),
    ) -> io::Result<Sight> {
        let mut sight = Sight::default();
        let mut window = Vec::with_capacity(WINDOW);
        let mut base = 0_u64;
        loop {
            let had = window.len();
            let room = (WINDOW - had) as u64;
            let read = from.by_ref().take(room).read_to_end(&mut window)?;
            sight.bytes += read as u64;
            let last = window.len() < WINDOW;
            bytes(base, &window);
            // Groups that begin in the shared part are left for the next window.
            let own = if last {
                window.len()
            } else {
                window.len() - SHARED
            };
            self.window(base, &window, own, &mut sight, &mut row);
            if last {
                return Ok(sight);
            }
            window.drain(..own);
            base += own as u64;
        }
    }

    fn window(
        &self,
        base: u64,
        window: &[u8],
        own: usize,
        sight: &mut Sight,
        row: &mut impl FnMut(Carved<'_>),
    ) {
        let mut at = 0;
        while let Some(found) = window.get(at..).and_then(|rest| position(rest, MAGIC)) {
            at += found;
            if at >= own {
                return;
            }
            let group = window.get(at..).unwrap_or_default();
            self.group(base + at as u64, group, sight, row);
            at += MAGIC.len();
        }
    }

    fn group(
        &self,
        offset: u64,
        bytes: &[u8],
        sight: &mut Sight,
        row: &mut impl FnMut(Carved<'_>),
    ) {
        let Some(header) = GroupHeader::parse(bytes) else {
            return;
        };
        let Ok(sealer) = self.keys.group(&header.salt, header.sequence) else {
            return;
        };
        let end = bytes.len().min(header.bytes as usize);
        let mut rest = bytes.get(GROUP_HEADER..end).unwrap_or_default();
        let mut ours = false;
        while let Some(frame) = FrameHeader::parse(&mut Reader::new(rest)) {
            let length = FRAME_HEADER + frame.length as usize;
            let Some((one, after)) = rest.split_at_checked(length) else {
                break;
            };
            rest = after;
            let mut one = one.to_vec();
            let opened = frame::open(&sealer, header.sequence, frame.kind, &mut one);
            let plain = match opened {
                Ok((_, Opened::Live(plain))) => plain,
                Ok((_, Opened::Erased)) => {
                    sight.erased += 1;
                    continue;
                }
                Err(_) => continue,
            };
            ours = true;
            let put = frame.kind == Kind::Put;
            if (put || frame.kind == Kind::Delete)
                && let Some((space, key, value)) = frame::parse_row(plain)
                && let Some(space) = Space::from_byte(space)
            {
                sight.rows += u64::from(put);
                row(Carved {
                    offset,
                    space,
                    key,
                    value: put.then_some(value),
                });
            }
        }
        sight.groups += u64::from(ours);
    }
}

/// Where `needle` first stands.
pub fn position(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle.first()?;
    let mut at = 0;
    loop {
        let rest = hay.get(at..)?;
        at += rest.iter().position(|byte| byte == first)?;
        if hay.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
}
