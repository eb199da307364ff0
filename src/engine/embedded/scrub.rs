//! Overwriting what is dead, segment by segment, while the store is served.
//!
//! A put frame is dead when the index holds another row for its key, or none. The index is asked
//! once, from first key to last, while it is made anew; only frames of groups that it had before
//! that are judged, and each that seems dead is looked up again. A dead frame stays dead: places
//! are not used twice. What replaced or removed it is durable, because the index gets only what
//! is. Then everybody who was reading is waited for, since a reader may have been led to a frame
//! before it died.
//!
//! A value that stands in the index itself has no place there: its frame counts as dead if the
//! row's value is another one. A frame that holds the very value of the living row stays.
//!
//! Frames of removals and numbers stay; they hold keys and counters. Most keys are places made by
//! HMAC, which nobody can guess. Those of the blind index begin with a token, and whoever has the
//! index's key of that time can try values on it: overwriting alone does not end that, the end of
//! that key does, and whoever orders a scrub sees to it first.

use super::bytes::io;
use super::erase::{self, Dead};
use super::files;
use super::group::{Place, Tip};
use super::judge::{Judge, Living};
use super::rebuild::genesis;
use super::renew::renew;
use super::scan::Walk;
use super::segment::{FIRST, damaged};
use super::shared::Shared;
use super::sum::seal_segment;
use super::wipe;
use crate::engine::{EngineError, Scrubbed};

/// Scrubs the whole store once. One at a time; the caller sees to that.
pub(super) fn scrub(shared: &Shared, progress: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError> {
    shared.wanted()?;
    finish_notes(shared)?;
    wipe::dir(&shared.layout.old_index())?;
    let mut living = Living::default();
    let mut known = 0;
    let begun = || {
        known = shared.known()?;
        Ok(())
    };
    renew(shared, begun, |key, row| living.add(key, row))?;
    let mut judge = Judge::new(living, shared.upkeep.forgotten.ranges(), known);
    let end = shared.end();
    shared.upkeep.readers.wait_for_earlier();
    segments(shared, &mut judge, end, progress)
}

/// Ends what an earlier scrub could not.
fn finish_notes(shared: &Shared) -> Result<(), EngineError> {
    if erase::noted(&shared.layout)?.is_empty() {
        return Ok(());
    }
    let _erasing = shared.erasing()?;
    let Shared {
        layout,
        keys,
        store,
        segments,
        ..
    } = shared;
    erase::finish(layout, keys, store, segments)
}

/// Scrubs every segment up to the durable end as it was.
fn segments(
    shared: &Shared,
    judge: &mut Judge,
    (end, last): (Place, Tip),
    progress: &dyn Fn(u64, u64),
) -> Result<Scrubbed, EngineError> {
    let mut all = u64::from(end.offset);
    for number in 1..end.segment {
        let meta = shared.segments.get(number)?.metadata();
        all += meta.map_err(io("looking at the journal"))?.len();
    }
    let mut tip = genesis(&shared.keys, &shared.store);
    let mut sum = Scrubbed::default();
    for number in 1..=end.segment {
        shared.wanted()?;
        let to = (number == end.segment).then_some(end.offset);
        let mut walk = Walk::load(&shared.layout, number)?;
        let dead = dead_frames(shared, judge, &mut walk, to, &mut tip)?;
        sum.looked += to.map_or(walk.len() as u64, u64::from);
        drop(walk);
        if !dead.is_empty() {
            erase_frames(shared, number, &dead, to.is_none())?;
        }
        sum.frames += dead.len() as u64;
        let bytes = dead.iter().map(|one| u64::from(one.length));
        sum.bytes += bytes.sum::<u64>();
        progress(sum.looked, all);
    }
    if tip == last {
        return Ok(sum);
    }
    let why = "the groups before do not lead to the last one that was written";
    Err(damaged(end.segment, end.offset, why))
}

/// Dead frames of a segment, up to an offset or to where its groups end. Moves `tip`.
fn dead_frames(
    shared: &Shared,
    judge: &mut Judge,
    walk: &mut Walk,
    to: Option<u32>,
    tip: &mut Tip,
) -> Result<Vec<Dead>, EngineError> {
    let index = shared.index()?;
    let segment = walk.segment();
    let mut offset = FIRST;
    let mut dead = Vec::new();
    while to.is_none_or(|to| offset < to) {
        let Some((header, bytes)) = walk.authentic(&shared.keys, offset, tip) else {
            break;
        };
        let place = Place { segment, offset };
        judge.group(&shared.keys, &index, (&header, bytes), place, &mut dead)?;
        *tip = header.tip;
        offset += header.length;
    }
    let whole = match to {
        Some(to) => offset == to,
        None => !walk.holds_later(&shared.keys, offset, tip),
    };
    if whole {
        Ok(dead)
    } else {
        Err(damaged(segment, offset, "the group here is not intact"))
    }
}

/// Erases the frames so that a crash anywhere leaves a note of what is left to do.
fn erase_frames(
    shared: &Shared,
    number: u32,
    dead: &[Dead],
    sealed: bool,
) -> Result<(), EngineError> {
    let Shared {
        layout,
        keys,
        store,
        ..
    } = shared;
    let _erasing = shared.erasing()?;
    erase::note(layout, keys, store, number, dead)?;
    shared.point("noted")?;
    let file = shared.segments.get(number)?;
    erase::erase(&file, number, dead, |what| shared.point(what))?;
    shared.point("erased")?;
    // A sidecar names values and keys of what is dead.
    wipe::file(&layout.sidecar(number))?;
    shared.point("without a sidecar")?;
    if sealed {
        let salt = shared.random.array();
        let salt = salt.map_err(|error| EngineError::Io(error.to_string()))?;
        seal_segment(layout, keys, store, salt, number)?;
        shared.point("with a sidecar")?;
    }
    files::remove(&layout.erasing(number))?;
    shared.point("done")
}
