//! Closing: lets go of the index, folds what sled has gathered into a new base where that is
//! much, and vouches for what is then on disk.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::base::BaseWriter;
use super::bytes::io;
use super::group::{Place, Tip};
use super::index::{Index, base_in};
use super::keeper::record_position;
use super::marker::{Mark, MarkKind, files_digest, sync_files};
use super::shared::Shared;
use crate::engine::EngineError;

/// Bytes of sled's files above which they are folded: the next open reads them all.
const FOLD_ABOVE: u64 = 32 << 20;
/// Rows folded at a time.
const FOLD_ROWS: usize = 1 << 12;

/// Writes the clean marker; every thread has ended and `place` is the journal's end.
pub(super) fn vouch(shared: &Shared, place: Place, tip: Tip) -> Result<(), EngineError> {
    record_position(shared, place, tip)?;
    let mut held = shared.take_index().ok_or(EngineError::Stopped)?;
    // Readers hold the index for one call only.
    let index = loop {
        match Arc::try_unwrap(held) {
            Ok(index) => break index,
            Err(still) => held = still,
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let folded = index.sled_bytes()? > FOLD_ABOVE;
    if folded {
        fold(shared, &index)?;
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

/// Writes every row of the index into a new base beside it.
fn fold(shared: &Shared, index: &Index) -> Result<(), EngineError> {
    let folding = io("folding the index");
    let new = shared.layout.index().with_extension("new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(&folding)?;
    }
    fs::create_dir(&new).map_err(&folding)?;
    let mut base = BaseWriter::create(&base_in(&new), &shared.store)?;
    let mut from = Vec::new();
    loop {
        let (rows, more) = index.scan(&from, &[u8::MAX], FOLD_ROWS)?;
        for (key, row) in &rows {
            base.push(key, row)?;
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
    let folding = io("folding the index");
    let index = shared.layout.index();
    fs::remove_dir_all(&index).map_err(&folding)?;
    fs::rename(index.with_extension("new"), &index).map_err(&folding)
}
