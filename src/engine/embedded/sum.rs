//! Summing up a segment that is full, one group in memory at a time: a store at work has no room
//! to spare for a whole segment whenever one fills up.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::bytes::io;
use super::group::{BLOCK, GroupHeader, Place, Tip};
use super::scan::{Walk, collect};
use super::seal::Keys;
use super::segment::{FIRST, damaged};
use super::sidecar::Contents;
use crate::engine::EngineError;

/// What a full segment continues, its newest group, and where that ends.
pub(super) struct Sum {
    pub(super) before: Tip,
    pub(super) after: Tip,
    pub(super) end: u32,
}

/// Visits every group of a full segment, in order.
///
/// # Errors
/// [`EngineError::Damaged`] where no group stands, or a later one behind a bad place.
pub(super) fn sum(
    file: &File,
    segment: u32,
    keys: &Keys,
    contents: &mut Contents,
) -> Result<Sum, EngineError> {
    let size = file.metadata().map_err(io("reading the journal"))?.len();
    let mut group = Vec::new();
    let mut offset = FIRST;
    let mut ends: Option<(Tip, Tip)> = None;
    while let Some(header) = read(file, size, offset, &mut group)? {
        let continued = match ends {
            Some((_, after)) => after,
            None => match header.before() {
                Some(before) => before,
                None => break,
            },
        };
        if !header.continues(keys, &continued, &group) {
            break;
        }
        let place = Place { segment, offset };
        collect(keys, &header, place, &mut group, contents)
            .map_err(|_| damaged(segment, offset, "a frame cannot be opened"))?;
        let before = ends.map_or(continued, |(before, _)| before);
        ends = Some((before, header.tip));
        offset += header.length;
    }
    let (before, after) = ends.ok_or_else(|| damaged(segment, FIRST, "no group stands here"))?;
    let mut rest = vec![0; usize::try_from(size - u64::from(offset)).unwrap_or(0)];
    file.read_exact_at(&mut rest, u64::from(offset))
        .map_err(io("reading the journal"))?;
    if Walk::over(segment, rest).holds_later(keys, 0, &after) {
        let why = "this group is not intact, though later ones are";
        return Err(damaged(segment, offset, why));
    }
    let end = offset;
    Ok(Sum { before, after, end })
}

/// The header of the group at `offset`, and the whole group into `group`; `None` where none can
/// stand.
fn read(
    file: &File,
    size: u64,
    offset: u32,
    group: &mut Vec<u8>,
) -> Result<Option<GroupHeader>, EngineError> {
    let reading = io("reading the journal");
    let left = size.saturating_sub(u64::from(offset));
    if left < BLOCK as u64 {
        return Ok(None);
    }
    group.resize(BLOCK, 0);
    file.read_exact_at(group, u64::from(offset))
        .map_err(&reading)?;
    let Some(header) = GroupHeader::parse(group).filter(|h| u64::from(h.length) <= left) else {
        return Ok(None);
    };
    group.resize(header.length as usize, 0);
    file.read_exact_at(group, u64::from(offset))
        .map_err(&reading)?;
    Ok(Some(header))
}
