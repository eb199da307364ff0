//! Making index and leaf files anew: sidecars are sorted, so they are merged into the index's new
//! base in key order, with one chunk per sidecar in memory.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, btree_map};
use std::fs;

use super::base::BaseWriter;
use super::bytes::io;
use super::group::{Place, Tip};
use super::index::{Index, Row, base_in};
use super::leaves::Leaves;
use super::marker::{Mark, MarkKind, sync_files};
use super::recover::{Contents, Opening, Recovered, Road, write_leaves};
use super::segment::{self, FIRST, StoreName, damaged};
use super::sidecar::{Entry, Stream, Summary};
use super::sum::{self, continues, sum};
use super::{Keys, wipe};
use crate::engine::EngineError;
use crate::engine::tally::Ends;

/// How many rows pass between two reports of progress.
const REPORT_EVERY: u64 = 1 << 14;
/// Bytes of a window that takes all rows of most segments: nobody else needs memory yet.
const WHOLE: usize = 64 << 20;

/// Before the first group.
pub(super) fn genesis(keys: &Keys, store: &StoreName) -> Tip {
    Tip {
        sequence: 0,
        mac: keys.mac_of(b"gen1", store),
        ends: Ends::default(),
    }
}

/// Rebuilds `index/` and `leaves/` from the journal and records the position.
pub(super) fn rebuild(opening: &Opening<'_>) -> Result<Recovered, EngineError> {
    let index_dir = opening.layout.index();
    // First out of the way: an index that is half overwritten must not be found in its place.
    for dir in [&index_dir, &opening.layout.other_index()] {
        wipe::set_aside(opening.layout, dir)?;
        wipe::dir(&opening.layout.old_index())?;
    }
    let leaves = Leaves::create(opening.layout, opening.store)?;
    let mut tip = genesis(opening.keys, opening.store);
    let mut sealed = 0;
    let mut rows = 0;
    while let Some(summary) = sealed_segment(opening, sealed + 1, &tip, &leaves)? {
        sealed += 1;
        tip = summary.tip;
        rows += summary.rows;
    }
    let from = Place {
        segment: sealed + 1,
        offset: FIRST,
    };
    let mut contents = Contents::default();
    let place = opening.tail(from, &mut tip, &mut contents)?;
    write_leaves(&leaves, &contents.leaves)?;
    rows += contents.rows.len() as u64;

    let making = io("making a new index");
    fs::create_dir(&index_dir).map_err(&making)?;
    let mut base = BaseWriter::create(&base_in(&index_dir), opening.store)?;
    let mut merge = Merge::new(opening, sealed, contents)?;
    let mut told = 0;
    while let Some((key, row)) = merge.next()? {
        if let Some(row) = row {
            base.push(&key, &row)?;
        }
        if merge.taken - told >= REPORT_EVERY {
            told = merge.taken;
            (opening.progress)(told, rows);
        }
    }
    base.finish()?;
    (opening.progress)(rows, rows);
    let index = Index::open(&index_dir, opening.store, opening.cache_bytes)?;
    index.flush()?;
    sync_files(opening.layout)?;
    let mark = Mark {
        here: opening.here,
        place,
        tip,
        files: [0; 32],
    };
    mark.write(
        MarkKind::Position,
        opening.layout,
        opening.keys,
        opening.store,
    )?;
    Ok(Recovered {
        index,
        leaves,
        tip,
        place,
        road: Road::Rebuilt,
    })
}

/// Takes a sealed segment's leaves and gives its summary; `None` if it is not sealed: no
/// following segment continues it.
fn sealed_segment(
    opening: &Opening<'_>,
    number: u32,
    tip: &Tip,
    leaves: &Leaves,
) -> Result<Option<Summary>, EngineError> {
    if number >= opening.last {
        return Ok(None);
    }
    if let Some(summary) = intact_sidecar(opening, number, tip, leaves)? {
        return Ok(Some(summary));
    }
    let Opening {
        layout,
        keys,
        store,
        segments,
        ..
    } = opening;
    let file = segments.get(number)?;
    let sum = sum(&file, number, keys, Some(*tip))?;
    let next = segments.get(number + 1)?;
    if !continues(&next, keys, &sum.after)? {
        return Ok(None);
    }
    write_leaves(leaves, &sum.leaves)?;
    let salt = opening.random.array();
    let salt = salt.map_err(|error| EngineError::Io(error.to_string()))?;
    let from = (number, &*file);
    sum::write(layout, keys, store, salt, from, &sum, WHOLE).map(Some)
}

/// Reads a sidecar through; `None` if it is missing, damaged, or does not continue `tip`. A
/// sidecar vouches for its segment, so the segment must at least have its length.
fn intact_sidecar(
    opening: &Opening<'_>,
    number: u32,
    tip: &Tip,
    leaves: &Leaves,
) -> Result<Option<Summary>, EngineError> {
    let Opening {
        layout,
        keys,
        store,
        ..
    } = opening;
    let Some(mut stream) = Stream::open(layout, keys, store, number)? else {
        return Ok(None);
    };
    let summary = stream.summary;
    if tip.sequence.checked_add(1) != Some(summary.first) || summary.previous != tip.mac {
        return Ok(None);
    }
    let size = fs::metadata(layout.segment(number))
        .map_err(io("reading the journal"))?
        .len();
    if size < u64::from(summary.end) {
        let at = u32::try_from(size).unwrap_or(u32::MAX);
        return Err(damaged(number, at, "the segment has been cut off here"));
    }
    let file = opening.segments.get(number)?;
    segment::check(keys, &file, number)?;
    let mut found = Vec::new();
    loop {
        match stream.next() {
            Err(_) => return Ok(None),
            Ok(None) => break,
            Ok(Some(Entry::Leaf(log, index, location))) => {
                found.push((log, index, location));
            }
            Ok(Some(Entry::Row(..))) => {}
        }
    }
    write_leaves(leaves, &found)?;
    Ok(Some(summary))
}

/// An index key and its state; `None` = removed.
type Keyed = (Vec<u8>, Option<Row>);

/// All sources in key order, the newest state of each key.
struct Merge {
    sidecars: Vec<Stream>,
    tail: std::iter::Peekable<btree_map::IntoIter<Vec<u8>, Option<Row>>>,
    /// Smallest key first; of equal keys the newest source first. The tail is the last source.
    heads: BinaryHeap<Reverse<(Vec<u8>, Reverse<usize>)>>,
    taken: u64,
}

impl Merge {
    fn new(opening: &Opening<'_>, sealed: u32, tail: Contents) -> Result<Self, EngineError> {
        let Opening {
            layout,
            keys,
            store,
            ..
        } = opening;
        let mut sidecars = Vec::new();
        for number in 1..=sealed {
            let stream = Stream::open(layout, keys, store, number)?;
            sidecars.push(stream.ok_or_else(|| {
                EngineError::Damaged(format!("the sidecar of segment {number} went away"))
            })?);
        }
        let tail = tail.rows.into_iter().peekable();
        let mut merge = Self {
            sidecars,
            tail,
            heads: BinaryHeap::new(),
            taken: 0,
        };
        for source in 0..=merge.sidecars.len() {
            merge.push_head(source)?;
        }
        Ok(merge)
    }

    /// Notes the key that a source stands at.
    fn push_head(&mut self, source: usize) -> Result<(), EngineError> {
        let key = match self.sidecars.get_mut(source) {
            None => self.tail.peek().map(|(key, _)| key.clone()),
            Some(stream) => loop {
                match stream.peek()? {
                    Some(Entry::Leaf(..)) => drop(stream.next()?),
                    Some(Entry::Row(key, _)) => break Some(key.clone()),
                    None => break None,
                }
            },
        };
        if let Some(key) = key {
            self.heads.push(Reverse((key, Reverse(source))));
        }
        Ok(())
    }

    fn take(&mut self, source: usize) -> Result<Option<Keyed>, EngineError> {
        self.taken += 1;
        match self.sidecars.get_mut(source) {
            None => Ok(self.tail.next()),
            Some(stream) => Ok(match stream.next()? {
                Some(Entry::Row(key, row)) => Some((key, row)),
                _ => None,
            }),
        }
    }

    /// The next key and its newest state; `None` in the state means removed.
    fn next(&mut self) -> Result<Option<Keyed>, EngineError> {
        let Some(Reverse((key, Reverse(newest)))) = self.heads.pop() else {
            return Ok(None);
        };
        let taken = self.take(newest)?;
        self.push_head(newest)?;
        while self
            .heads
            .peek()
            .is_some_and(|Reverse((other, _))| *other == key)
        {
            if let Some(Reverse((_, Reverse(older)))) = self.heads.pop() {
                self.take(older)?;
                self.push_head(older)?;
            }
        }
        Ok(taken)
    }
}
