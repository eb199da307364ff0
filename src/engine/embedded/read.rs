//! Reading rows by overlay and index, and rows and leaves out of the journal, one frame at a time.
//! Whatever does not open is named with its place.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::bytes::Reader;
use super::frame::{self, FRAME_HEADER, FrameHeader, Kind, Opened};
use super::group::{GROUP_HEADER, GroupHeader};
use super::index::{Far, Found, Row, index_key, number, series_key};
use super::leaves::Location;
use super::seal::Sealer;
use super::segment::damaged;
use super::shared::Shared;
use crate::domain::limit::Limit;
use crate::engine::{EngineError, Key, KeyRange, Leaf, Log, Page, Series, Space, Value};

/// One row. The overlay is asked first, and the index is looked for only then: what has left the
/// overlay meanwhile is in the index that there is now.
pub(super) fn get(shared: &Shared, space: Space, key: &Key) -> Result<Option<Value>, EngineError> {
    let index_key = index_key(space.byte(), key.as_bytes());
    let fresh = shared.overlay.find(&index_key, |fresh| {
        fresh
            .value
            .clone()
            .map_or_else(|| Err(fresh.row.clone()), Ok)
    });
    let row = match fresh {
        Some(Ok(value)) => return Ok(Some(value)),
        Some(Err(row)) => row,
        None => shared.index()?.get(&index_key)?,
    };
    match row {
        None => Ok(None),
        Some(row) => row_value(shared, space, key.as_bytes(), row),
    }
}

/// Rows of a range, in order, as of the end of some group.
pub(super) fn scan(
    shared: &Shared,
    space: Space,
    range: KeyRange,
    limit: Limit,
) -> Result<Page, EngineError> {
    let from = index_key(space.byte(), &range.from.unwrap_or_default());
    let to = match range.to {
        Some(to) => index_key(space.byte(), &to),
        None => vec![space.byte() + 1],
    };
    let (rows, more) = newest(shared, &from, &to, limit.get())?;
    let mut page = Page {
        rows: Vec::with_capacity(rows.len()),
        more,
    };
    for (index_key, row) in rows {
        let key = index_key.get(1..).unwrap_or_default();
        let odd = |_| EngineError::Damaged("a row outside the limits".into());
        if let Some(value) = row_value(shared, space, key, row)? {
            page.rows.push((Key::new(key).map_err(odd)?, value));
        }
    }
    Ok(page)
}

/// Up to `limit` rows of a range with the overlay laid over the index, and whether more follow.
fn newest(
    shared: &Shared,
    from: &[u8],
    to: &[u8],
    limit: usize,
) -> Result<(Found, bool), EngineError> {
    let (fresh, (rows, more)) = {
        let _whole = shared
            .whole_groups
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let fresh = shared.overlay.between(from, to);
        // The overlay takes away at most as many rows as it names.
        let enough = limit.saturating_add(fresh.len());
        let found = shared.index()?.scan(from, to, enough)?;
        (fresh, found)
    };
    if fresh.is_empty() {
        return Ok((rows, more));
    }
    Ok(laid_over(fresh, rows, more, limit))
}

/// Merges `rows` of the index, behind which there are `more`, with what is fresher.
fn laid_over(
    mut fresh: BTreeMap<Vec<u8>, Option<Row>>,
    rows: Found,
    more: bool,
    limit: usize,
) -> (Found, bool) {
    if more && let Some((last, _)) = rows.last() {
        // Of what lies behind, the index has not told its part.
        let mut behind = fresh.split_off(last);
        fresh.extend(behind.remove_entry(last));
    }
    let mut merged: BTreeMap<_, _> = rows
        .into_iter()
        .map(|(key, row)| (key, Some(row)))
        .collect();
    merged.append(&mut fresh);
    let mut found: Found = merged
        .into_iter()
        .filter_map(|(key, row)| Some((key, row?)))
        .collect();
    let more = more || found.len() > limit;
    found.truncate(limit);
    (found, more)
}

/// The value last taken from a series.
pub(super) fn last_number(shared: &Shared, series: Series) -> Result<u64, EngineError> {
    let key = series_key(&series.0);
    let row = match shared.overlay.find(&key, |fresh| fresh.row.clone()) {
        Some(row) => row,
        None => shared.index()?.get(&key)?,
    };
    number(row)
}

fn row_value(
    shared: &Shared,
    space: Space,
    key: &[u8],
    row: Row,
) -> Result<Option<Value>, EngineError> {
    match row {
        Row::Far(far) => read_far(shared, space, key, &far),
        Row::Inline(value) => Value::new(value)
            .map(Some)
            .map_err(|_| EngineError::Damaged("a value outside the limits".into())),
    }
}

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
    /// The leaf at `location`, which must be the `index`-th of `log`. A body that is forgotten is
    /// not looked at: a scrub may be erasing it right now.
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
        let forgotten = shared.upkeep.forgotten.contains(log, index);
        let leaf = leaf_in(&open, log, index, &mut self.bytes, forgotten).ok_or_else(broken)?;
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

fn leaf_in(open: &Open, log: Log, index: u64, bytes: &mut [u8], forgotten: bool) -> Option<Leaf> {
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
        (true, false) if forgotten => None,
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
