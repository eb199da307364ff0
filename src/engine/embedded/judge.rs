//! Which frames of the journal are dead: see [`super::scrub`].

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::erase::Dead;
use super::forgotten::Ranges;
use super::frame::{self, FRAME_HEADER, FrameHeader, Kind, Opened};
use super::group::{GroupHeader, Place};
use super::index::{Far, INLINE_MAX, Index, Row, index_key};
use super::seal::{Keys, Sealer};
use super::segment::damaged;
use crate::engine::EngineError;

/// Fingerprints of every row of the index: eight bytes a row. Two rows with one fingerprint would
/// keep a dead frame for this time, and never lose a live one.
#[derive(Default)]
pub(super) struct Living {
    hasher: RandomState,
    prints: Vec<u64>,
    buffer: Vec<u8>,
}

impl Living {
    fn print(&mut self, key: &[u8], row: &Row) -> u64 {
        self.buffer.clear();
        row.encode(&mut self.buffer);
        self.hasher.hash_one((key, self.buffer.as_slice()))
    }

    /// Takes in a row of the index.
    pub(super) fn add(&mut self, key: &[u8], row: &Row) {
        let print = self.print(key, row);
        self.prints.push(print);
    }

    fn holds(&mut self, key: &[u8], row: &Row) -> bool {
        let print = self.print(key, row);
        self.prints.binary_search(&print).is_ok()
    }
}

/// What frames are judged by.
pub(super) struct Judge {
    living: Living,
    forgotten: Ranges,
    /// The index had every row up to this group before it was asked.
    known: u64,
}

impl Judge {
    pub(super) fn new(mut living: Living, forgotten: Ranges, known: u64) -> Self {
        living.prints.sort_unstable();
        Self {
            living,
            forgotten,
            known,
        }
    }

    /// Adds the dead frames of a group that stands at `place`.
    pub(super) fn group(
        &mut self,
        keys: &Keys,
        index: &Index,
        (header, bytes): (&GroupHeader, &mut [u8]),
        place: Place,
        dead: &mut Vec<Dead>,
    ) -> Result<(), EngineError> {
        let broken = |at: u32| {
            let offset = place.offset.saturating_add(at);
            damaged(place.segment, offset, "the frame here is not intact")
        };
        let frames = header.frames(bytes).ok_or_else(|| broken(0))?;
        let frames: Vec<(u32, FrameHeader)> =
            frames.into_iter().map(|(at, one, _)| (at, one)).collect();
        let sealer = keys.group(&header.salt, header.sequence);
        let sealer = sealer.map_err(|_| broken(0))?;
        let mut leaf = None;
        for (at, one) in frames {
            let wanted = match one.kind {
                Kind::Put => header.sequence <= self.known,
                Kind::Leaf => !self.forgotten.is_empty(),
                Kind::Body => true,
                Kind::Delete | Kind::Number => false,
            };
            if !wanted {
                continue;
            }
            let length = FRAME_HEADER + one.length as usize;
            let frame = bytes.get_mut(at as usize..at as usize + length);
            let frame = Frame {
                header: one,
                bytes: frame.ok_or_else(|| broken(at))?,
                place: Place {
                    segment: place.segment,
                    offset: place.offset.checked_add(at).ok_or_else(|| broken(at))?,
                },
                group: header,
                sealer: &sealer,
            };
            let dies = match one.kind {
                Kind::Body => {
                    let of = leaf.take();
                    let forgotten = of.is_some_and(|(log, n)| self.forgotten.contains(log, n));
                    forgotten && frame.is_whole().ok_or_else(|| broken(at))?
                }
                Kind::Leaf => {
                    leaf = Some(frame.leaf().ok_or_else(|| broken(at))?);
                    false
                }
                _ => match frame.row().ok_or_else(|| broken(at))? {
                    Some((key, row)) => {
                        !self.living.holds(&key, &row) && !leads_to(index.get(&key)?, &row)
                    }
                    None => false,
                },
            };
            if dies {
                dead.push(Dead {
                    offset: place.offset.saturating_add(at),
                    length: u32::try_from(length).map_err(|_| broken(at))?,
                });
            }
        }
        Ok(())
    }
}

/// Whether the index leads to this very frame, or to the value in it.
fn leads_to(found: Option<Row>, row: &Row) -> bool {
    match (found, row) {
        (Some(Row::Far(found)), Row::Far(far)) => found.place == far.place,
        (Some(Row::Inline(found)), Row::Inline(value)) => found == *value,
        _ => false,
    }
}

/// A frame in memory, header included. Each question is `None` for a frame that is not intact.
struct Frame<'a> {
    header: FrameHeader,
    bytes: &'a mut [u8],
    place: Place,
    group: &'a GroupHeader,
    sealer: &'a Sealer,
}

impl Frame<'_> {
    /// Whether it is still to be erased.
    fn is_whole(&self) -> Option<bool> {
        let sealed = self.bytes.get(FRAME_HEADER..)?;
        self.header.matches(sealed).then_some(!self.header.erased)
    }

    fn leaf(self) -> Option<(u8, u64)> {
        let sequence = self.group.sequence;
        let opened = frame::open(self.sealer, sequence, Kind::Leaf, self.bytes);
        let (_, Opened::Live(plain)) = opened.ok()? else {
            return None;
        };
        let (log, index, ..) = frame::parse_leaf(plain)?;
        Some((log, index))
    }

    /// The index key and the row that led here, unless the frame is erased.
    fn row(self) -> Option<Option<(Vec<u8>, Row)>> {
        let sequence = self.group.sequence;
        let length = u32::try_from(self.bytes.len()).ok()?;
        let opened = frame::open(self.sealer, sequence, Kind::Put, self.bytes);
        let (_, Opened::Live(plain)) = opened.ok()? else {
            return Some(None);
        };
        let (space, key, value) = frame::parse_row(plain)?;
        let row = if value.len() <= INLINE_MAX {
            Row::Inline(value.to_vec())
        } else {
            Row::Far(Far {
                place: self.place,
                length,
                sequence,
                salt: self.group.salt,
            })
        };
        Some(Some((index_key(space, key), row)))
    }
}
