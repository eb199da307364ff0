//! Opening: deciding how far leaves/ and index/ can be trusted, and bringing them up to the
//! journal.
//!
//! | what is found | what is done |
//! |---|---|
//! | clean marker of this directory, files as it says | trust both |
//! | position of this directory and boot | replay the journal behind it |
//! | two indices, of which a scrub was exchanging one for the other | rebuild both |
//! | anything else, or any error of the index | rebuild both from sidecars and tail |

use std::collections::BTreeMap;

use super::Keys;
use super::bytes::io;
use super::files::{self, Layout};
use super::group::{Place, Tip};
use super::index::{Index, Row};
use super::leaves::{LOCATION, Leaves};
use super::marker::{Here, Mark, MarkKind, files_digest};
use super::rebuild::rebuild;
use super::scan::{Holder, Walk, clear_tail};
use super::seal::Tampered;
use super::segment::{FIRST, Segments, StoreName, damaged};
use super::sidecar::Leaf;
use crate::domain::random::Random;
use crate::engine::{EngineError, Log};

/// Leaves, and the last state of each row, of groups that are read in order.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) leaves: Vec<Leaf>,
    pub(super) rows: BTreeMap<Vec<u8>, Option<Row>>,
}

impl Holder for Contents {
    fn row(&mut self, key: Vec<u8>, row: Option<Row>) -> Result<(), Tampered> {
        self.rows.insert(key, row);
        Ok(())
    }
    fn leaves(&mut self) -> Option<&mut Vec<Leaf>> {
        Some(&mut self.leaves)
    }
}

/// What the parts of opening share.
pub(super) struct Opening<'a> {
    pub(super) layout: &'a Layout,
    pub(super) keys: &'a Keys,
    pub(super) store: &'a StoreName,
    pub(super) segments: &'a Segments,
    pub(super) random: &'a dyn Random,
    /// Number of the last segment there is.
    pub(super) last: u32,
    pub(super) floor: [u64; 2],
    pub(super) cache_bytes: u64,
    pub(super) here: Here,
    pub(super) progress: &'a (dyn Fn(u64, u64) + Send + Sync),
}

/// An index and leaf files that agree with the journal, and the journal's end.
pub(super) struct Recovered {
    pub(super) index: Index,
    pub(super) leaves: Leaves,
    pub(super) tip: Tip,
    pub(super) place: Place,
    /// How it came about, for the operator.
    pub(super) road: Road,
}

/// How much of the index was trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// The store had been closed.
    Clean,
    /// The process had died; the journal's tail was replayed.
    Replayed,
    /// The index was made anew.
    Rebuilt,
}

impl Opening<'_> {
    /// Finds the way in, opens, and checks the journal's end against what is known of it.
    pub(super) fn recover(&self) -> Result<Recovered, EngineError> {
        let clean = Mark::read(MarkKind::Clean, self.layout, self.keys, self.store)?;
        let position = Mark::read(MarkKind::Position, self.layout, self.keys, self.store)?;
        // Whatever else is wrong with a marker, the journal reached what it names.
        let reached = clean
            .iter()
            .chain(&position)
            .map(|mark| mark.tip.sequence)
            .max();
        let recovered = self.trusted(clean.as_ref(), position.as_ref());
        let recovered = match recovered {
            Ok(Some(recovered)) => recovered,
            Ok(None) => rebuild(self)?,
            Err(error @ (EngineError::Damaged(_) | EngineError::Io(_))) => {
                tracing::warn!(%error, "the index cannot be used: it is made anew from the journal");
                rebuild(self)?
            }
            Err(other) => return Err(other),
        };
        // A process that was killed may have left its last group in memory alone. Nothing builds on
        // it, no marker and no checkpoint, before the disk has it.
        let newest = self.segments.get(recovered.place.segment)?;
        newest.sync_data().map_err(io("syncing the journal"))?;
        let short = |why: String| {
            Err(damaged(
                recovered.place.segment,
                recovered.place.offset,
                &why,
            ))
        };
        if reached.is_some_and(|sequence| recovered.tip.sequence < sequence) {
            return short("acknowledged groups behind this place are missing".into());
        }
        for (log, floor) in Log::ALL.into_iter().zip(self.floor) {
            let size = recovered.tip.ends.size(log);
            if size < floor {
                return short(format!(
                    "the journal ends with {size} leaves of the {log:?} log; \
                     at least {floor} were acknowledged"
                ));
            }
        }
        files::remove(&self.layout.clean())?;
        Ok(recovered)
    }

    /// The short ways; `None` if neither is open.
    fn trusted(
        &self,
        clean: Option<&Mark>,
        position: Option<&Mark>,
    ) -> Result<Option<Recovered>, EngineError> {
        // A scrub was putting one in the place of the other: which of them has everything?
        if self.layout.other_index().exists() {
            return Ok(None);
        }
        if let Some(mark) = clean.filter(|mark| mark.here.same_directory(&self.here))
            && files_digest(self.layout)? == mark.files
        {
            return self.replay(mark, Road::Clean).map(Some);
        }
        match position.filter(|mark| clean.is_none() && mark.here == self.here) {
            Some(mark) => self.replay(mark, Road::Replayed).map(Some),
            None => Ok(None),
        }
    }

    /// Opens index and leaf files as of `mark` and applies the groups behind it.
    fn replay(&self, mark: &Mark, road: Road) -> Result<Recovered, EngineError> {
        let leaves = Leaves::open(self.layout, self.store, mark.tip.ends.sizes)?;
        let index = Index::open(&self.layout.index(), self.store, self.cache_bytes)?;
        let mut tip = mark.tip;
        let mut contents = Contents::default();
        let place = self.tail(mark.place, &mut tip, &mut contents)?;
        write_leaves(&leaves, &contents.leaves)?;
        let mut buffer = Vec::new();
        for (key, row) in &contents.rows {
            index.set(key, row.as_ref(), &mut buffer)?;
        }
        Ok(Recovered {
            index,
            leaves,
            tip,
            place,
            road,
        })
    }

    /// Walks from `from` to the journal's end, over segments; clears what is torn there.
    pub(super) fn tail(
        &self,
        from: Place,
        tip: &mut Tip,
        contents: &mut Contents,
    ) -> Result<Place, EngineError> {
        let mut place = from;
        let mut walk = Walk::load(self.layout, place.segment)?;
        loop {
            if walk.len() < place.offset as usize {
                return Err(damaged(
                    place.segment,
                    place.offset,
                    "the segment ends before this",
                ));
            }
            place.offset = walk.run(self.keys, place.offset, tip, contents)?;
            let Some(next) = place.segment.checked_add(1).filter(|n| *n <= self.last) else {
                break;
            };
            let following = Walk::load(self.layout, next)?;
            if !following.continues(self.keys, tip) {
                break;
            }
            place = Place {
                segment: next,
                offset: FIRST,
            };
            walk = following;
        }
        for number in place.segment + 1..=self.last {
            let later = Walk::load(self.layout, number)?;
            if later.holds_later(self.keys, FIRST, tip) {
                let why =
                    "groups behind this place are missing or not intact, though later ones are";
                return Err(damaged(place.segment, place.offset, why));
            }
            clear_tail(self.segments, &later, FIRST)?;
        }
        clear_tail(self.segments, &walk, place.offset)?;
        Ok(place)
    }
}

/// Writes leaf locations in runs of consecutive indices.
pub(super) fn write_leaves(leaves: &Leaves, found: &[Leaf]) -> Result<(), EngineError> {
    for log in Log::ALL {
        let mut run = Vec::new();
        let mut first = 0;
        for (_, index, location) in found.iter().filter(|(of, ..)| *of == log as u8) {
            if run.is_empty() {
                first = *index;
            }
            location.encode(&mut run);
        }
        if (run.len() / LOCATION) > 0 {
            leaves.write(log, first, &run)?;
        }
    }
    Ok(())
}
