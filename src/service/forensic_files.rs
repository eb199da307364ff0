//! The files that a forensic scan reads, and what it looks for in their bytes as they are.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::error::ServiceError;
use super::forensic::Needle;
use crate::crypto::envelope;
use crate::engine::embedded::carve::position;
use crate::vault::STORED_BEFORE;

/// Every file below some places.
#[derive(Default)]
pub(super) struct Files {
    /// Path and length. A device has none.
    pub(super) files: Vec<(PathBuf, u64)>,
    /// What could not be looked at, with the reason.
    pub(super) unread: Vec<String>,
    /// Links, sockets, pipes: no bytes of their own.
    pub(super) skipped: usize,
}

impl Files {
    /// Links below a place are not followed. A place itself may be a device.
    pub(super) fn below(places: &[PathBuf]) -> Self {
        let mut files = Self::default();
        for place in places {
            match std::fs::metadata(place) {
                Ok(found) if found.is_dir() => files.dir(place),
                Ok(found) => files.files.push((place.clone(), found.len())),
                Err(error) => files.refused(place, &error),
            }
        }
        files.files.sort();
        files.files.dedup();
        files
    }

    /// Bytes in all.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, length)| length).sum()
    }

    fn refused(&mut self, path: &Path, error: &io::Error) {
        let (path, kind) = (path.display(), error.kind());
        self.unread.push(format!("{path}: not looked at: {kind}"));
    }

    fn dir(&mut self, dir: &Path) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => return self.refused(dir, &error),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.refused(dir, &error);
                    continue;
                }
            };
            let path = entry.path();
            match entry.metadata() {
                Ok(found) if found.is_dir() => self.dir(&path),
                Ok(found) if found.is_file() => self.files.push((path, found.len())),
                Ok(_) => self.skipped += 1,
                Err(error) => self.refused(&path, &error),
            }
        }
    }
}

/// Whether a file stands below the data directory.
pub(super) struct Home(PathBuf);

impl Home {
    pub(super) fn new(data: &Path) -> Result<Self, ServiceError> {
        let real = std::fs::canonicalize(data);
        let lost = |error: io::Error| ServiceError::Internal(format!("data: {}", error.kind()));
        real.map(Self).map_err(lost)
    }

    pub(super) fn holds(&self, file: &Path) -> bool {
        std::fs::canonicalize(file).is_ok_and(|real| real.starts_with(&self.0))
    }
}

/// Finds texts by their first two bytes.
pub(super) struct Needles<'a> {
    needles: &'a [Needle],
    starts: Vec<Vec<usize>>,
}

impl<'a> Needles<'a> {
    pub(super) fn new(needles: &'a [Needle]) -> Self {
        let mut starts = vec![Vec::new(); 1 << 16];
        for (n, needle) in needles.iter().enumerate() {
            if let Some((start, _)) = needle.bytes.expose().split_first_chunk::<2>()
                && let Some(list) = starts.get_mut(usize::from(u16::from_be_bytes(*start)))
            {
                list.push(n);
            }
        }
        Self { needles, starts }
    }

    /// Tells of every needle that stands in these bytes, and where.
    pub(super) fn look(&self, bytes: &[u8], mut hit: impl FnMut(usize, &Needle)) {
        if self.needles.is_empty() {
            return;
        }
        for (at, pair) in bytes.windows(2).enumerate() {
            let &[first, second] = pair else { continue };
            let start = usize::from(u16::from_be_bytes([first, second]));
            for n in self.starts.get(start).into_iter().flatten() {
                if let Some(needle) = self.needles.get(*n)
                    && let Some(rest) = bytes.get(at..)
                    && rest.starts_with(needle.bytes.expose())
                {
                    hit(at, needle);
                }
            }
        }
    }
}

/// Envelopes that stand in a file as they are, outside every journal.
#[derive(Default)]
pub(super) struct Envelopes {
    /// Where whole ones begin.
    pub(super) whole: BTreeSet<u64>,
    /// Where one begins that goes on behind a stretch.
    cut: BTreeSet<u64>,
}

impl Envelopes {
    /// Tells `stored` of the bytes of a stored unit around each envelope, if there are so many.
    pub(super) fn look(
        &mut self,
        base: u64,
        bytes: &[u8],
        mut stored: impl FnMut(u64, Option<&[u8]>),
    ) {
        let mut from = 0;
        while let Some(rest) = bytes.get(from..)
            && let Some(found) = position(rest, &envelope::MARK)
        {
            let at = from + found;
            from = at + 1;
            let Some(length) = bytes.get(at..).and_then(envelope::length_of) else {
                continue;
            };
            let place = base + at as u64;
            let end = at.saturating_add(length);
            if bytes.len() < end {
                self.cut.insert(place);
            } else if self.whole.insert(place) {
                let begin = at.checked_sub(STORED_BEFORE);
                stored(place, begin.and_then(|begin| bytes.get(begin..end)));
            }
        }
    }

    /// Those that the file ends in the middle of.
    pub(super) fn torn(&self) -> impl Iterator<Item = u64> + '_ {
        self.cut.difference(&self.whole).copied()
    }
}
