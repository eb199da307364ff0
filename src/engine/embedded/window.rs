//! The rows of a segment in order of their keys, with no more of them in memory than a window
//! takes: the segment is told once for each window, which keeps the smallest keys that it has not
//! had before.

use super::bytes::Reader;
use super::index::{Row, read_entry};
use super::scan::Holder;
use super::seal::Tampered;
use super::sidecar::encode_row;
use crate::engine::EngineError;

/// Bytes of a window for a store at work.
pub(super) const WINDOW: usize = 6 << 20;

/// Where a row begins, and the first eight bytes of its key: most keys differ there.
#[derive(Clone, Copy)]
struct Start {
    front: u64,
    at: usize,
}

/// Rows of one stretch of keys, the newest state of each.
pub(super) struct Window {
    /// Bytes that it takes at most, unless one row is longer.
    most: usize,
    /// Rows as a sidecar holds them, one behind the other.
    bytes: Vec<u8>,
    /// Where each begins.
    starts: Vec<Start>,
    /// Keys before this one have been in an earlier window.
    from: Vec<u8>,
    /// The first key that did not fit.
    until: Option<Vec<u8>>,
}

/// Tells `put` of every row in order of its key, as a sidecar holds it. `tell` tells a window of all
/// of them, in the order in which they were written.
///
/// # Errors
/// What `tell` and `put` say.
pub(super) fn in_order(
    most: usize,
    mut tell: impl FnMut(&mut Window) -> Result<(), EngineError>,
    mut put: impl FnMut(&[u8]) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut window = Window {
        most,
        bytes: Vec::with_capacity(most),
        starts: Vec::new(),
        from: Vec::new(),
        until: None,
    };
    loop {
        tell(&mut window)?;
        window.sort();
        window.rows().try_for_each(&mut put)?;
        let Some(next) = window.until.take() else {
            return Ok(());
        };
        window.from = next;
        window.bytes.clear();
        window.starts.clear();
    }
}

fn front(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(bytes)
}

/// The row at the front of these bytes: its key, and how long it is.
fn row(bytes: &[u8]) -> (&[u8], usize) {
    let mut reader = Reader::new(bytes.get(1..).unwrap_or_default());
    let (key, _) = read_entry(&mut reader).unwrap_or_default();
    (key, bytes.len() - reader.rest().len())
}

impl Window {
    /// The bytes from a row on.
    fn at(&self, start: Start) -> &[u8] {
        self.bytes.get(start.at..).unwrap_or_default()
    }

    fn key(&self, start: Start) -> &[u8] {
        row(self.at(start)).0
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.starts.iter().map(|start| {
            let bytes = self.at(*start);
            bytes.get(..row(bytes).1).unwrap_or_default()
        })
    }

    /// Bytes that so many rows of so many bytes take.
    const fn taken(bytes: usize, rows: usize) -> usize {
        bytes.saturating_add(rows.saturating_mul(size_of::<Start>()))
    }

    fn is_full(&self) -> bool {
        Self::taken(self.bytes.len(), self.starts.len()) >= self.most
    }

    fn takes(&self, key: &[u8]) -> bool {
        key >= self.from.as_slice() && self.until.as_deref().is_none_or(|until| key < until)
    }

    /// Puts the rows in order and lets go of older states.
    fn sort(&mut self) {
        let mut starts = std::mem::take(&mut self.starts);
        let keys = |one: &Start, other: &Start| {
            let fronts = one.front.cmp(&other.front);
            fronts.then_with(|| self.key(*one).cmp(self.key(*other)))
        };
        // They lie as they were told. Of equals the newest comes first, and stays.
        starts.sort_unstable_by(|one, other| keys(one, other).then(other.at.cmp(&one.at)));
        starts.dedup_by(|one, other| keys(one, other).is_eq());
        self.starts = starts;
    }

    /// Makes room: lets go of older states and, where that is not enough, of the last keys.
    fn tighten(&mut self) {
        self.sort();
        let mut kept = 0;
        let fits = |length: usize| {
            kept += Self::taken(length, 1);
            kept <= self.most / 4 * 3
        };
        let count = self
            .rows()
            .map(<[u8]>::len)
            .map(fits)
            .take_while(|fits| *fits);
        let count = count.count().max(1);
        if let Some(start) = self.starts.get(count) {
            self.until = Some(self.key(*start).to_vec());
        }
        self.starts.truncate(count);
        self.compact();
    }

    /// Moves what is left to the front, in the order in which it lies.
    fn compact(&mut self) {
        let mut lying: Vec<usize> = (0..self.starts.len()).collect();
        lying.sort_unstable_by_key(|nth| self.starts.get(*nth).map(|start| start.at));
        let mut end = 0;
        for nth in lying {
            let Some(start) = self.starts.get(nth).copied() else {
                continue;
            };
            let length = row(self.at(start)).1;
            self.bytes.copy_within(start.at..start.at + length, end);
            if let Some(start) = self.starts.get_mut(nth) {
                start.at = end;
            }
            end += length;
        }
        self.bytes.truncate(end);
    }
}

impl Holder for Window {
    fn row(&mut self, key: Vec<u8>, row: Option<Row>) -> Result<(), Tampered> {
        if self.is_full() && self.takes(&key) {
            self.tighten();
        }
        if self.takes(&key) {
            self.starts.push(Start {
                front: front(&key),
                at: self.bytes.len(),
            });
            encode_row(&key, row.as_ref(), &mut self.bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    /// Bytes that the longest row of these tests takes.
    const LONGEST: usize = 1 + 2 + 4 + 2 + 9 + size_of::<Start>();

    fn encoded(key: &[u8], row: Option<&Row>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_row(key, row, &mut bytes).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn every_row_once_in_its_newest_state_and_never_more_than_a_window(
            told in prop::collection::vec((prop::collection::vec(0_u8..4, 0..5), prop::option::of(0_u8..9)), 0..300),
            most in 96_usize..900,
        ) {
            let row = |state: Option<u8>| state.map(|state| Row::Inline(vec![state; state.into()]));
            let whole: BTreeMap<_, _> = told.iter().map(|(key, state)| (key, row(*state))).collect();
            let expected: Vec<u8> = whole.iter().flat_map(|(key, row)| encoded(key, row.as_ref())).collect();
            let (mut put, mut windows) = (Vec::new(), 0);
            let tell = |window: &mut Window| {
                windows += 1;
                for (key, state) in &told {
                    window.row(key.clone(), row(*state)).unwrap();
                    // A window takes no further row.
                    let taken = Window::taken(window.bytes.len(), window.starts.len());
                    assert!(taken < most + LONGEST, "more than a window");
                }
                Ok(())
            };
            in_order(most, tell, |row| { put.extend_from_slice(row); Ok(()) }).unwrap();
            prop_assert_eq!(&put, &expected);
            let taken = Window::taken(expected.len(), whole.len());
            let filled = most / 4 * 3 - LONGEST;
            prop_assert!(windows <= 1 + taken / filled, "{} windows of {} bytes", windows, taken);
        }
    }

    #[test]
    fn what_fails_in_the_middle_is_an_error() {
        let failure = || EngineError::Io("here".into());
        let tell = |window: &mut Window| window.row(vec![1], None).map_err(|_| failure());
        let put = |_: &[u8]| Err(failure());
        assert!(in_order(64, tell, put).is_err());
        assert!(in_order(64, |_| Err(failure()), |_| Ok(())).is_err());
        assert!(in_order(64, tell, |_| Ok(())).is_ok(), "the control");
    }
}
