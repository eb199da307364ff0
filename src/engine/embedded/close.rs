//! Closing: lets go of the index, folds what sled has gathered into a new base where that is
//! much, and vouches for what is then on disk.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::base::BaseWriter;
use super::bytes::io;
use super::files;
use super::group::{Place, Tip};
use super::index::{Found, Index, Row, base_in};
use super::keeper::record_position;
use super::marker::{Mark, MarkKind, files_digest, sync_files};
use super::shared::Shared;
use super::wipe;
use crate::engine::EngineError;

/// Bytes of sled's files above which they are folded: the next open reads them all.
const FOLD_ABOVE: u64 = 32 << 20;
/// Rows folded at a time.
pub(super) const FOLD_ROWS: usize = 1 << 12;

/// Writes the clean marker; every thread has ended and `place` is the journal's end.
pub(super) fn vouch(shared: &Shared, place: Place, tip: Tip) -> Result<(), EngineError> {
    record_position(shared, place, tip)?;
    let index = sole(shared.take_index().ok_or(EngineError::Stopped)?);
    let folded = index.sled_bytes()? > FOLD_ABOVE;
    if folded {
        fold(
            shared,
            |from| index.scan(from, &[u8::MAX], FOLD_ROWS),
            |_, _| (),
        )?;
    }
    drop(index);
    if folded {
        exchange(shared)?;
    }
    sync_files(&shared.layout)?;
    let files = files_digest(&shared.layout)?;
    let mark = Mark {
        here: shared.here,
        place,
        tip,
        files,
    };
    mark.write(MarkKind::Clean, &shared.layout, &shared.keys, &shared.store)
}

/// The index once nobody else holds it: readers hold it for one call only.
pub(super) fn sole(mut held: Arc<Index>) -> Index {
    loop {
        match Arc::try_unwrap(held) {
            Ok(index) => return index,
            Err(still) => held = still,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Writes every row of the index into a new base beside it, told to `seen` one by one. `page`
/// gives the next rows from a key on, and whether more follow.
pub(super) fn fold(
    shared: &Shared,
    page: impl Fn(&[u8]) -> Result<(Found, bool), EngineError>,
    mut seen: impl FnMut(&[u8], &Row),
) -> Result<(), EngineError> {
    let new = shared.layout.new_index();
    wipe::dir(&new)?;
    fs::create_dir(&new).map_err(io("folding the index"))?;
    let mut base = BaseWriter::create(&base_in(&new), &shared.store)?;
    let mut from = Vec::new();
    loop {
        let (rows, more) = page(&from)?;
        for (key, row) in &rows {
            base.push(key, row)?;
            seen(key, row);
        }
        match rows.last() {
            Some((key, _)) if more => {
                from.clone_from(key);
                from.push(0);
            }
            _ => return base.finish(),
        }
    }
}

/// Puts the new base in the index's place. Between the two steps there is no index, which the
/// next open makes good.
fn exchange(shared: &Shared) -> Result<(), EngineError> {
    let layout = &shared.layout;
    wipe::set_aside(layout, &layout.index())?;
    fs::rename(layout.new_index(), layout.index()).map_err(io("folding the index"))?;
    files::sync_dir(layout.root())?;
    wipe::dir(&layout.old_index())
}
