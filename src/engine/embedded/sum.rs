//! Summing up a segment that is full, one group in memory at a time: a store at work has no room
//! to spare for a whole segment whenever one fills up, nor for all of its rows.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::bytes::io;
use super::files::Layout;
use super::group::{BLOCK, GroupHeader, Place, Tip};
use super::index::Row;
use super::scan::{Holder, Walk, collect};
use super::seal::{Keys, Salt, Tampered};
use super::segment::{FIRST, StoreName, damaged};
use super::sidecar::{self, Leaf, Summary};
use super::window::{WINDOW, in_order};
use crate::engine::EngineError;

/// What a full segment continues, its newest group, where that ends, and what is in it.
pub(super) struct Sum {
    pub(super) before: Tip,
    pub(super) after: Tip,
    pub(super) end: u32,
    pub(super) leaves: Vec<Leaf>,
    /// How often it says of a row what its state is.
    pub(super) rows: u64,
}

/// Writes the sidecar of a segment that is full, for a store at work.
///
/// # Errors
/// As [`sum`] and [`write`].
pub(super) fn seal_segment(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    salt: Salt,
    number: u32,
) -> Result<Summary, EngineError> {
    let file = File::open(layout.segment(number)).map_err(io("reading the journal"))?;
    let sum = sum(&file, number, keys, None)?;
    write(layout, keys, store, salt, (number, &file), &sum, WINDOW)
}

/// Writes the sidecar of a segment that has been summed up, by windows of so many bytes.
///
/// # Errors
/// [`EngineError::Damaged`] where the segment is another than the one that was summed up; an error of
/// the disk.
pub(super) fn write(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    salt: Salt,
    (number, file): (u32, &File),
    sum: &Sum,
    window: usize,
) -> Result<Summary, EngineError> {
    sidecar::write(layout, keys, store, salt, number, sum, |put| {
        in_order(window, |window| tell(file, number, keys, sum, window), put)
    })
}

/// Leaves, and how many rows.
#[derive(Default)]
struct Counted {
    leaves: Vec<Leaf>,
    rows: u64,
}

impl Holder for Counted {
    fn row(&mut self, _: Vec<u8>, _: Option<Row>) -> Result<(), Tampered> {
        self.rows += 1;
        Ok(())
    }
    fn leaves(&mut self) -> Option<&mut Vec<Leaf>> {
        Some(&mut self.leaves)
    }
}

/// Visits every group of a full segment, in order. The first one has to continue `from`, where that is
/// known; then there may be none at all.
///
/// # Errors
/// [`EngineError::Damaged`] where no group stands, or a later one behind a bad place.
pub(super) fn sum(
    file: &File,
    segment: u32,
    keys: &Keys,
    from: Option<Tip>,
) -> Result<Sum, EngineError> {
    let size = file.metadata().map_err(io("reading the journal"))?.len();
    let (mut group, mut counted) = (Vec::new(), Counted::default());
    let mut offset = FIRST;
    let mut ends: Option<(Tip, Tip)> = from.map(|from| (from, from));
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
        collect(keys, &header, place, &mut group, &mut counted)
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
    let Counted { leaves, rows } = counted;
    Ok(Sum {
        before,
        after,
        end: offset,
        leaves,
        rows,
    })
}

/// Whether a group that continues `tip` stands at the segment's beginning.
pub(super) fn continues(file: &File, keys: &Keys, tip: &Tip) -> Result<bool, EngineError> {
    let size = file.metadata().map_err(io("reading the journal"))?.len();
    let mut group = Vec::new();
    let first = read(file, size, FIRST, &mut group)?;
    Ok(first.is_some_and(|header| header.continues(keys, tip, &group)))
}

/// Tells once more what the groups hold that have been summed up.
///
/// # Errors
/// [`EngineError::Damaged`] where they are not what they were.
pub(super) fn tell(
    file: &File,
    segment: u32,
    keys: &Keys,
    sum: &Sum,
    holder: &mut impl Holder,
) -> Result<(), EngineError> {
    let (mut group, mut offset, mut tip) = (Vec::new(), FIRST, sum.before);
    while offset < sum.end {
        let place = Place { segment, offset };
        let changed = || damaged(segment, offset, "this group was another a moment ago");
        let header = read(file, u64::from(sum.end), offset, &mut group)?;
        let header = header.filter(|header| {
            // Its frames vouch for themselves as they are opened.
            header.follows(&tip, &group) && header.authentic(keys, &group)
        });
        let header = header.ok_or_else(changed)?;
        collect(keys, &header, place, &mut group, holder).map_err(|_| changed())?;
        tip = header.tip;
        offset += header.length;
    }
    Ok(())
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
