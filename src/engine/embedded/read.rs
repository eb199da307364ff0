//! Reading rows and leaves out of the journal, one frame at a time. Whatever does not open is
//! named with its place.

use super::bytes::Reader;
use super::frame::{self, FRAME_HEADER, FrameHeader, Kind, Opened};
use super::group::{GROUP_HEADER, GroupHeader};
use super::index::Far;
use super::leaves::Location;
use super::seal::Sealer;
use super::segment::damaged;
use super::shared::Shared;
use crate::engine::{EngineError, Leaf, Log, Space, Value};

/// The value of a put frame; `None` once it has been erased.
pub(super) fn read_far(
    shared: &Shared,
    space: Space,
    key: &[u8],
    far: &Far,
) -> Result<Option<Value>, EngineError> {
    let place = far.place;
    let broken = || {
        damaged(
            place.segment,
            place.offset,
            "the frame of a row is not intact",
        )
    };
    let mut bytes = vec![0; far.length as usize];
    shared
        .segments
        .read(place.segment, place.offset, &mut bytes)?;
    let sealer = shared
        .keys
        .group(&far.salt, far.sequence)
        .map_err(|_| broken())?;
    let opened = frame::open(&sealer, far.sequence, Kind::Put, &mut bytes);
    let (_, opened) = opened.map_err(|_| broken())?;
    let Opened::Live(plain) = opened else {
        return Ok(None);
    };
    let (found, found_key, value) = frame::parse_row(plain).ok_or_else(broken)?;
    if found != space.byte() || found_key != key {
        return Err(broken());
    }
    let (front, length) = (FRAME_HEADER + frame::ROW_PREFIX + key.len(), value.len());
    bytes.drain(..front);
    bytes.truncate(length);
    Value::new(bytes).map(Some).map_err(|_| broken())
}

/// The group whose leaves are being read.
struct Open {
    segment: u32,
    group: u32,
    sequence: u64,
    sealer: Sealer,
}

/// Reads leaves one after the other; those of one group share its key.
#[derive(Default)]
pub(super) struct LeafReader {
    open: Option<Open>,
    bytes: Vec<u8>,
}

impl LeafReader {
    /// The leaf at `location`, which must be the `index`-th of `log`.
    pub(super) fn read(
        &mut self,
        shared: &Shared,
        log: Log,
        index: u64,
        location: &Location,
    ) -> Result<Leaf, EngineError> {
        let Location {
            segment,
            group,
            frame: offset,
            length,
        } = *location;
        let broken = || damaged(segment, offset, "the frame of a leaf is not intact");
        if length > shared.segment_bytes.max(1 << 26) {
            return Err(broken());
        }
        let open = match self.open.take() {
            Some(open) if open.segment == segment && open.group == group => open,
            _ => open_group(shared, segment, group)?,
        };
        self.bytes.clear();
        self.bytes.resize(length as usize, 0);
        shared.segments.read(segment, offset, &mut self.bytes)?;
        let leaf = leaf_in(&open, log, index, &mut self.bytes).ok_or_else(broken)?;
        self.open = Some(open);
        Ok(leaf)
    }
}

fn open_group(shared: &Shared, segment: u32, group: u32) -> Result<Open, EngineError> {
    let broken = || damaged(segment, group, "the group's header is not intact");
    let mut header = [0; GROUP_HEADER];
    shared.segments.read(segment, group, &mut header)?;
    let header = GroupHeader::parse(&header).ok_or_else(broken)?;
    let sequence = header.sequence;
    let sealer = shared
        .keys
        .group(&header.salt, sequence)
        .map_err(|_| broken())?;
    Ok(Open {
        segment,
        group,
        sequence,
        sealer,
    })
}

fn leaf_in(open: &Open, log: Log, index: u64, bytes: &mut [u8]) -> Option<Leaf> {
    let length = FrameHeader::parse(&mut Reader::new(bytes))?.length as usize;
    let (first, rest) = bytes.split_at_mut_checked(FRAME_HEADER.checked_add(length)?)?;
    let (_, opened) = frame::open(&open.sealer, open.sequence, Kind::Leaf, first).ok()?;
    let Opened::Live(plain) = opened else {
        return None;
    };
    let (found, found_index, has_body, leaf) = frame::parse_leaf(plain)?;
    if found != log as u8 || found_index != index {
        return None;
    }
    let leaf = leaf.to_vec();
    let body = match (has_body, rest.is_empty()) {
        (false, true) => Some(Vec::new()),
        (true, false) => {
            let (_, opened) = frame::open(&open.sealer, open.sequence, Kind::Body, rest).ok()?;
            match opened {
                Opened::Live(body) => Some(body.to_vec()),
                Opened::Erased => None,
            }
        }
        _ => return None,
    };
    Some(Leaf { leaf, body })
}
