//! Walking the journal's groups in order, and telling a torn tail from damage.
//!
//! Only one group is ever being written, into zeros. So whatever does not check out at the
//! journal's end is a group that was never acknowledged, unless a valid group of a higher
//! sequence follows somewhere: then it is damage.

use super::bytes::io;
use super::files::Layout;
use super::frame::{self, Kind, Opened};
use super::group::{BLOCK, GroupHeader, Place, Tip};
use super::index::{Far, INLINE_MAX, Row, index_key, series_key};
use super::leaves::Location;
use super::seal::{Keys, Tampered};
use super::segment::{FIRST, Segments, damaged};
use super::sidecar::Leaf;
use crate::engine::EngineError;

/// Whoever is told, in order, what groups hold.
pub(super) trait Holder {
    /// The state of a row, by its index key; `None` = removed.
    fn row(&mut self, key: Vec<u8>, row: Option<Row>) -> Result<(), Tampered>;
    /// Where leaves go, if they are wanted.
    fn leaves(&mut self) -> Option<&mut Vec<Leaf>> {
        None
    }
}

/// A segment in memory, to be walked.
pub(super) struct Walk {
    segment: u32,
    bytes: Vec<u8>,
}

impl Walk {
    /// Reads a segment.
    pub(super) fn load(layout: &Layout, segment: u32) -> Result<Self, EngineError> {
        let bytes = std::fs::read(layout.segment(segment)).map_err(io("reading the journal"))?;
        Ok(Self { segment, bytes })
    }

    /// Over these bytes of a segment, which begin with a block.
    pub(super) const fn over(segment: u32, bytes: Vec<u8>) -> Self {
        Self { segment, bytes }
    }

    /// Bytes of the segment's file.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Which segment it is.
    pub(super) const fn segment(&self) -> u32 {
        self.segment
    }

    /// The group at `offset`, if it continues the chain and its MAC holds, and the bytes from
    /// there on. Its frames need not be what was written.
    pub(super) fn authentic(
        &mut self,
        keys: &Keys,
        offset: u32,
        tip: &Tip,
    ) -> Option<(GroupHeader, &mut [u8])> {
        let bytes = self.bytes.get_mut(offset as usize..)?;
        let header = GroupHeader::parse(bytes)?;
        let found = header.follows(tip, bytes) && header.authentic(keys, bytes);
        found.then_some((header, bytes))
    }

    fn at(&self, offset: u32) -> &[u8] {
        self.bytes.get(offset as usize..).unwrap_or_default()
    }

    /// The group at `offset`, where it continues `tip`.
    fn find(&self, keys: &Keys, offset: u32, tip: &Tip) -> Option<GroupHeader> {
        let bytes = self.at(offset);
        GroupHeader::parse(bytes).filter(|header| header.continues(keys, tip, bytes))
    }

    /// What the segment's first group says it continues; not checked against the chain.
    pub(super) fn before(&self) -> Option<Tip> {
        GroupHeader::parse(self.at(FIRST))?.before()
    }

    /// Whether a group that continues `tip` stands at the segment's beginning.
    pub(super) fn continues(&self, keys: &Keys, tip: &Tip) -> bool {
        self.find(keys, FIRST, tip).is_some()
    }

    /// Whether any group behind the one that should follow `tip` stands at or behind `offset`.
    /// That one itself may be torn with its MAC intact: the MAC covers digests, not bodies.
    pub(super) fn holds_later(&self, keys: &Keys, offset: u32, tip: &Tip) -> bool {
        let start = (offset as usize).next_multiple_of(BLOCK);
        (start..self.bytes.len()).step_by(BLOCK).any(|at| {
            let bytes = self.bytes.get(at..).unwrap_or_default();
            GroupHeader::parse(bytes).is_some_and(|header| {
                header.sequence > tip.sequence.saturating_add(1) && header.authentic(keys, bytes)
            })
        })
    }

    /// Whether anything but zeros stands at or behind `offset`.
    pub(super) fn dirty(&self, offset: u32) -> bool {
        self.at(offset).iter().any(|byte| *byte != 0)
    }

    /// Visits every group from `offset` on, moving `tip`; gives the end of the last good one.
    /// A later valid group behind a bad place is damage.
    pub(super) fn run(
        &mut self,
        keys: &Keys,
        mut offset: u32,
        tip: &mut Tip,
        holder: &mut impl Holder,
    ) -> Result<u32, EngineError> {
        while let Some(header) = self.find(keys, offset, tip) {
            let place = Place {
                segment: self.segment,
                offset,
            };
            let bytes = self.bytes.get_mut(offset as usize..).unwrap_or_default();
            collect(keys, &header, place, bytes, holder)
                .map_err(|_| damaged(self.segment, offset, "a frame cannot be opened"))?;
            *tip = header.tip;
            offset += header.length;
        }
        if self.holds_later(keys, offset, tip) {
            let why = "this group is not intact, though later ones are";
            return Err(damaged(self.segment, offset, why));
        }
        Ok(offset)
    }
}

/// Takes what a group says about rows, leaves and numbers.
pub(super) fn collect(
    keys: &Keys,
    header: &GroupHeader,
    place: Place,
    bytes: &mut [u8],
    holder: &mut impl Holder,
) -> Result<(), Tampered> {
    let (sequence, salt) = (header.sequence, header.salt);
    header.open_frames(keys, bytes, |at, length, kind, opened| {
        let offset = place.offset.checked_add(at).ok_or(Tampered)?;
        if kind == Kind::Body {
            // It belongs to the leaf before it.
            if let Some((_, _, location)) = holder.leaves().and_then(|leaves| leaves.last_mut()) {
                location.length = location.length.saturating_add(length);
            }
        }
        let Opened::Live(plain) = opened else {
            return Ok(());
        };
        match kind {
            Kind::Put => {
                let (space, key, value) = frame::parse_row(plain).ok_or(Tampered)?;
                let row = if value.len() <= INLINE_MAX {
                    Row::Inline(value.to_vec())
                } else {
                    let place = Place {
                        segment: place.segment,
                        offset,
                    };
                    Row::Far(Far {
                        place,
                        length,
                        sequence,
                        salt,
                    })
                };
                holder.row(index_key(space, key), Some(row))?;
            }
            Kind::Delete => {
                let (space, key, _) = frame::parse_row(plain).ok_or(Tampered)?;
                holder.row(index_key(space, key), None)?;
            }
            Kind::Number => {
                let (series, value) = frame::parse_number(plain).ok_or(Tampered)?;
                let row = Row::Inline(value.to_be_bytes().to_vec());
                holder.row(series_key(&series), Some(row))?;
            }
            Kind::Leaf => {
                let (log, index, _, _) = frame::parse_leaf(plain).ok_or(Tampered)?;
                let (segment, group, frame) = (place.segment, place.offset, offset);
                let location = Location {
                    segment,
                    group,
                    frame,
                    length,
                };
                if let Some(leaves) = holder.leaves() {
                    leaves.push((log, index, location));
                }
            }
            Kind::Body => {}
        }
        Ok(())
    })
}

/// Clears whatever stands behind the journal's end, so that it is never taken for a group.
pub(super) fn clear_tail(segments: &Segments, walk: &Walk, offset: u32) -> Result<(), EngineError> {
    use std::os::unix::fs::FileExt;
    if !walk.dirty(offset) {
        return Ok(());
    }
    let clearing = io("clearing a torn journal tail");
    let file = segments.get(walk.segment)?;
    let zeros = vec![0; walk.len().saturating_sub(offset as usize)];
    file.write_all_at(&zeros, u64::from(offset))
        .map_err(&clearing)?;
    file.sync_all().map_err(&clearing)
}
