//! Tests of the embedded engine.

mod basics;
mod carve;
mod damage;
mod full;
mod kill;
mod model;
mod overlay;
mod scrub;
mod scrub_crash;
mod scrub_live;
mod snapshot;
mod sum;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::Layout;
use super::group::{GroupHeader, Place};
use super::segment::FIRST;
use super::{EmbeddedEngine, Options};
use crate::domain::random::SystemSource;
use crate::domain::secret::Secret;
use crate::domain::time::{Clock, SystemClock};
use crate::engine::EngineError;

/// Small segments, no reserve, a fixed key.
fn options(dir: &Path, clock: Arc<dyn Clock>) -> Options {
    Options {
        segment_bytes: 128 << 10,
        cache_bytes: 8 << 20,
        reserve: false,
        ..Options::new(
            dir,
            Secret::new([7; 32]),
            clock,
            Arc::new(SystemSource::default()),
        )
    }
}

fn system() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

fn create(dir: &Path) -> EmbeddedEngine {
    EmbeddedEngine::create(options(dir, system())).unwrap()
}

fn try_open(dir: &Path) -> Result<EmbeddedEngine, EngineError> {
    EmbeddedEngine::open(options(dir, system()))
}

fn open(dir: &Path) -> EmbeddedEngine {
    try_open(dir).unwrap()
}

/// Every file below `dir`, relative to it, in order.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                found.push(path.strip_prefix(dir).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// What a power cut at this moment would at best leave: the files as they are.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    for file in files_below(from) {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        // A file that sled replaces meanwhile is as good as absent.
        let _ = fs::copy(from.join(&file), target);
    }
}

/// Place, length and length without padding of every group in the journal, in order.
fn groups(dir: &Path) -> Vec<(Place, u32, u32)> {
    let layout = Layout::new(dir.to_path_buf());
    let mut found = Vec::new();
    for segment in 1.. {
        let Ok(bytes) = fs::read(layout.segment(segment)) else {
            break;
        };
        let mut offset = FIRST;
        while let Some(header) = bytes.get(offset as usize..).and_then(GroupHeader::parse) {
            found.push((Place { segment, offset }, header.length, header.bytes));
            offset += header.length;
        }
    }
    found
}

/// Changes the bytes of a file in place.
fn tamper(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}
