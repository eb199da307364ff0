//! A prefix of the journal as bytes of files. The journal only grows, and its groups are durable
//! in order, so the bytes up to the last durable group are a store of that moment. Index, leaf
//! files and sidecars are left out: they are made anew from the journal.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::bytes::io;
use super::erase;
use super::shared::Shared;
use crate::engine::{EngineError, Snapshot, SnapshotFile};

/// The store as of the last durable group.
pub(super) fn take(shared: &Shared) -> Result<Snapshot, EngineError> {
    // First: nothing that is listed may be half erased.
    let looking = shared.upkeep.gate.look();
    let (place, tip) = shared.end();
    let layout = &shared.layout;
    let mut files = vec![whole(layout.root(), &layout.store(), false)?];
    if let Some(bytes) = shared.upkeep.forgotten.bytes() {
        let forgotten = whole(layout.root(), &layout.forgotten(), false)?;
        files.push(SnapshotFile { bytes, ..forgotten });
    }
    // Left by a scrub that failed: the open of the copy ends it.
    for number in erase::noted(layout)? {
        files.push(whole(layout.root(), &layout.erasing(number), false)?);
    }
    for number in 1..=place.segment {
        let sealed = number < place.segment;
        let mut segment = whole(layout.root(), &layout.segment(number), sealed)?;
        if !sealed {
            segment.bytes = u64::from(place.offset);
        }
        files.push(segment);
    }
    let dir = layout.root().to_path_buf();
    Ok(Snapshot::new(dir, files, tip.ends.sizes, Arc::new(looking)))
}

/// A file with all of its bytes.
fn whole(root: &Path, path: &Path, sealed: bool) -> Result<SnapshotFile, EngineError> {
    let bytes = fs::metadata(path)
        .map_err(io("looking at a file to copy"))?
        .len();
    let name = path.strip_prefix(root).unwrap_or(path);
    Ok(SnapshotFile {
        name: name.to_string_lossy().into_owned(),
        bytes,
        sealed,
    })
}
