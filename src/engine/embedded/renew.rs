//! Making the index anew while it is being used: sled never overwrites, and the base is as old as
//! the last fold, so both keep what was removed. Their live rows are written into a new base, new
//! rows are caught up with, the new index takes the place of the old, whose files are overwritten.
//!
//! The two take turns in two directories. While both are there neither is trusted, so a process
//! that dies in the middle costs a rebuild from the journal. The position marker stays true: the
//! new index has every row that the old one had.

use std::collections::HashMap;
use std::fs;
use std::sync::PoisonError;

use super::bytes::io;
use super::close::{FOLD_ROWS, fold, sole};
use super::files;
use super::index::{Index, Row};
use super::shared::Shared;
use super::wipe;
use crate::engine::EngineError;

/// So many rows may be left for the moment in which nothing goes into the index.
const FEW: usize = 256;

/// Rows that went into the index since the fold began, the newest state of each.
pub(super) type Meanwhile = HashMap<Vec<u8>, Option<Row>>;

/// Makes the index anew. Tells `begun` when every later change is being kept, and then `seen` of
/// each row.
pub(super) fn renew(
    shared: &Shared,
    begun: impl FnOnce() -> Result<(), EngineError>,
    seen: impl FnMut(&[u8], &Row),
) -> Result<(), EngineError> {
    {
        let _whole = shared
            .whole_groups
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        shared.upkeep.keep_rows(true);
    }
    let exchanged = begun()
        .and_then(|()| prepare(shared, seen))
        .and_then(|next| exchange(shared, next));
    shared.upkeep.keep_rows(false);
    exchanged
}

/// A new index with every row, but for a few that come meanwhile.
fn prepare(shared: &Shared, seen: impl FnMut(&[u8], &Row)) -> Result<Index, EngineError> {
    let layout = &shared.layout;
    let page = |from: &[u8]| {
        shared.wanted()?;
        shared.index()?.scan(from, &[u8::MAX], FOLD_ROWS)
    };
    fold(shared, page, seen)?;
    shared.point("folded")?;
    let place = layout.other_index();
    wipe::dir(&place)?;
    fs::rename(layout.new_index(), &place).map_err(io("making the index anew"))?;
    files::sync_dir(layout.root())?;
    shared.point("two indices")?;
    let made = Index::open(&place, &shared.store, shared.cache_bytes).and_then(|next| {
        loop {
            let rows = shared.upkeep.take_rows();
            catch_up(&next, &rows)?;
            if rows.len() <= FEW {
                return Ok(next);
            }
        }
    });
    if made.is_err() {
        // The old one goes on; nothing may make it doubtful.
        wipe::dir(&place)?;
    }
    made
}

fn catch_up(next: &Index, rows: &Meanwhile) -> Result<(), EngineError> {
    let mut buffer = Vec::new();
    for (key, row) in rows {
        next.set(key, row.as_ref(), &mut buffer)?;
    }
    Ok(())
}

/// Puts the new index in the place of the old one, and overwrites that.
fn exchange(shared: &Shared, next: Index) -> Result<(), EngineError> {
    let layout = &shared.layout;
    let old_place = layout.index();
    let old = {
        let _whole = shared
            .whole_groups
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        shared.wanted()?;
        catch_up(&next, &shared.upkeep.take_rows())?;
        let old = shared.replace_index(next);
        layout.switch_index();
        old
    };
    shared.point("exchanged")?;
    // What the marker says is in the index must be in the kernel's hands for this one as well.
    shared.index()?.flush()?;
    if let Some(old) = old {
        drop(sole(old));
    }
    wipe::set_aside(layout, &old_place)?;
    shared.point("set aside")?;
    wipe::dir(&layout.old_index())
}
