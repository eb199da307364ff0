//! The threads behind the committer: the applier puts durable rows into the index, the keeper
//! prepares segments ahead, the scribe writes sidecars and positions.

use std::fs::File;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::bytes::io;
use super::committer::Work;
use super::files;
use super::group::{Place, Tip};
use super::marker::{Mark, MarkKind};
use super::overlay::Rows;
use super::segment;
use super::shared::Shared;
use super::sum::seal_segment;
use crate::engine::EngineError;

/// How often space is looked for again while the disk is full.
const RETRY: Duration = Duration::from_secs(2);

/// What the keeper is asked.
pub(super) enum Ask {
    /// Have this segment ready.
    Prepare(u32),
}

/// A full segment to be summed up; everything up to `tip` is in the index.
pub(super) struct Sealed {
    number: u32,
    place: Place,
    tip: Tip,
}

/// Puts rows into the index in the order of groups. Where that fails they stay in the overlay, so
/// that what was answered can be read; the journal has them for the next open.
pub(super) fn apply(shared: &Shared, work: &Receiver<Work>, scribe: &Sender<Sealed>) {
    while let Ok(work) = work.recv() {
        match work {
            Work::Sealed { number, place, tip } => {
                // The scribe ends only after this thread.
                drop(scribe.send(Sealed { number, place, tip }));
            }
            Work::Rows { rows, sequence } => {
                if shared.is_stopped() {
                    continue;
                }
                #[cfg(test)]
                let _applying = shared.applying.lock();
                match apply_rows(shared, &rows) {
                    Ok(()) => shared.overlay.retire(sequence),
                    Err(error) => shared.stop(&error),
                }
            }
        }
    }
}

fn apply_rows(shared: &Shared, rows: &Rows) -> Result<(), EngineError> {
    let mut buffer = Vec::with_capacity(128);
    let _whole = shared
        .whole_groups
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    // Not before: a scrub puts another index in its place under the same lock.
    let index = shared.index()?;
    for (key, fresh) in rows {
        index.set(key, fresh.row.as_ref(), &mut buffer)?;
    }
    let rows = rows.iter();
    let rows = rows.map(|(key, fresh)| (key.as_slice(), fresh.row.as_ref()));
    shared.upkeep.note_rows(rows);
    Ok(())
}

type Prepared = Result<(Arc<File>, u32), EngineError>;

/// Prepares segments, and the reserve when there is space.
pub(super) fn keep(shared: &Shared, ask: &Receiver<Ask>, prepared: &Sender<Prepared>) {
    make_reserve(shared);
    let mut stuck = None;
    loop {
        match ask.recv_timeout(RETRY) {
            Ok(Ask::Prepare(number)) => {
                let ready = prepare(shared, number);
                stuck = ready.is_err().then_some(number);
                shared.stuck.store(stuck.is_some(), Ordering::Release);
                if prepared.send(ready).is_err() {
                    return;
                }
                make_reserve(shared);
            }
            Err(RecvTimeoutError::Timeout) => {
                if shared.full.load(Ordering::Acquire) {
                    make_reserve(shared);
                }
                // Nobody commits while readiness is denied, so that nobody would ask again.
                if stuck.is_some_and(|number| prepare(shared, number).is_ok()) {
                    stuck = None;
                    shared.stuck.store(false, Ordering::Release);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn prepare(shared: &Shared, number: u32) -> Prepared {
    let Shared {
        layout,
        keys,
        store,
        segment_bytes,
        ..
    } = shared;
    if !layout.segment(number).exists() {
        match segment::create(layout, keys, store, number, *segment_bytes) {
            Err(EngineError::DiskFull) => {
                shared.full.store(true, Ordering::Release);
                tracing::error!("the disk is full: the last reserve is being used");
                let reserve = layout.reserve();
                if !reserve.exists() {
                    return Err(EngineError::DiskFull);
                }
                segment::adopt(layout, keys, store, &reserve, number)?;
            }
            other => other?,
        }
    }
    if let Ok(file) = shared.segments.get(number) {
        return sized(file);
    }
    sized(shared.segments.add(layout, number)?)
}

/// A segment's file and its size in bytes.
pub(super) fn sized(file: Arc<File>) -> Prepared {
    let length = file
        .metadata()
        .map_err(io("opening a journal segment"))?
        .len();
    Ok((file, u32::try_from(length).unwrap_or(u32::MAX)))
}

/// Makes the reserve if it is missing; the disk counts as full until there is one.
fn make_reserve(shared: &Shared) {
    let Shared {
        layout,
        segment_bytes,
        ..
    } = shared;
    let reserve = layout.reserve();
    if !shared.reserve || reserve.exists() {
        return;
    }
    let raw = layout.journal().join("reserve.new");
    let made = segment::zeros(&raw, *segment_bytes).and_then(|()| {
        std::fs::rename(&raw, &reserve).map_err(io("making the reserve"))?;
        files::sync_dir(&layout.journal())
    });
    shared.full.store(made.is_err(), Ordering::Release);
    if let Err(error) = made {
        tracing::warn!(%error, "no space for the journal's reserve");
    }
}

/// Sums up full segments: records how far the index reaches, then writes the sidecar. A failure
/// here costs time at the next open and nothing else.
pub(super) fn sum_up(shared: &Shared, sealed: &Receiver<Sealed>) {
    while let Ok(Sealed { number, place, tip }) = sealed.recv() {
        if shared.is_stopped() {
            continue;
        }
        let position = record_position(shared, place, tip);
        let _looking = shared.upkeep.gate.look();
        let written = shared
            .random
            .array()
            .map_err(|e| EngineError::Io(e.to_string()));
        let written = written.and_then(|salt| {
            seal_segment(&shared.layout, &shared.keys, &shared.store, salt, number).map(drop)
        });
        for result in [position, written] {
            if let Err(error) = result {
                tracing::warn!(%error, segment = number, "a full segment was not summed up");
            }
        }
    }
}

/// Flushes the index and records that it holds everything up to `tip`.
pub(super) fn record_position(shared: &Shared, place: Place, tip: Tip) -> Result<(), EngineError> {
    shared.index()?.flush()?;
    let mark = Mark {
        here: shared.here,
        place,
        tip,
        files: [0; 32],
    };
    mark.write(
        MarkKind::Position,
        &shared.layout,
        &shared.keys,
        &shared.store,
    )
}
