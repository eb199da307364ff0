//! The list of a bulk disclosure: every case and everybody in it, in the log before the first
//! byte of any of them leaves.

use std::marker::PhantomData;

use super::sealer::Act;
use super::usage::MORE;
use super::{AccessLog, LogError, Position, Shown, position};
use crate::authz::Permit;
use crate::authz::action::Action;
use crate::domain::id::{CaseId, UnitId};
use crate::engine::{Batch, Committed, Pending};

/// One case of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The case.
    pub case: CaseId,
    /// The person units in it that are disclosed (처리한 정보주체).
    pub people: Vec<UnitId>,
}

/// Bytes of ids that one entry's body holds; padding adds at most a quarter.
const IDS_BYTES_MAX: usize = 400 << 10;
/// A case id, and a unit number at its longest.
const CASE_BYTES: usize = 16;
const UNIT_BYTES: usize = 10;

/// Proof that the entries of a whole list are durable: what opens under it is a case of that list
/// or nothing. Not `Clone`; minted by [`AccessLog::record_list`] alone.
#[must_use]
pub struct Manifest<A: Action> {
    /// Sorted.
    cases: Vec<CaseId>,
    first: Position,
    entries: usize,
    action: PhantomData<A>,
}

impl<A: Action> Manifest<A> {
    /// Whether this case is on the list.
    pub fn holds(&self, case: CaseId) -> bool {
        self.cases.binary_search(&case).is_ok()
    }
    /// Where the list's first entry stands.
    pub const fn position(&self) -> Position {
        self.first
    }
    /// How many entries the list takes, one behind the other.
    pub const fn entries(&self) -> usize {
        self.entries
    }
}

/// The list in pieces that one entry holds each.
fn pieces(list: &[Listed]) -> Vec<&[Listed]> {
    let mut pieces = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, listed) in list.iter().enumerate() {
        let own = CASE_BYTES + UNIT_BYTES * listed.people.len();
        if bytes + own > IDS_BYTES_MAX && at > from {
            pieces.extend(list.get(from..at));
            (from, bytes) = (at, 0);
        }
        bytes += own;
    }
    pieces.extend(list.get(from..).filter(|rest| !rest.is_empty()));
    pieces
}

/// How many entries a list takes: as many leaves stand before whatever else its batch appends.
pub fn entries(list: &[Listed]) -> usize {
    pieces(list).len()
}

impl AccessLog {
    /// Records the whole list under one permit, with the data that it writes, in one atomic batch.
    /// Its entries are leaves 0 to [`entries`] of the batch; `query` stands in the first, [`MORE`]
    /// in those behind it, so that the list counts as one output.
    ///
    /// # Errors
    /// [`LogError`] where nothing was recorded; an empty list is one.
    pub fn record_list<A: Action>(
        &self,
        permit: Permit<A>,
        list: &[Listed],
        reason: Option<String>,
        query: &'static str,
        batch: Batch,
    ) -> Pending<Result<(Manifest<A>, Committed), LogError>> {
        let mut cases: Vec<CaseId> = list.iter().map(|listed| listed.case).collect();
        cases.sort_unstable();
        let pieces = pieces(list);
        let entries = pieces.len();
        let acts = pieces.into_iter().enumerate().map(|(at, piece)| {
            let shown = Shown {
                cases: piece.iter().map(|listed| listed.case).collect(),
                people: piece.iter().flat_map(|l| l.people.clone()).collect(),
                reason: reason.clone(),
                query: Some(if at == 0 { query } else { MORE }),
                ..Shown::default()
            };
            Act::allowed(A::TASK, permit.basis(), shown)
        });
        self.write(acts, batch, move |committed| {
            let manifest = Manifest {
                cases,
                first: position(&committed, 0)?,
                entries,
                action: PhantomData,
            };
            Ok((manifest, committed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::{Random, SystemSource};

    fn sample(random: &dyn Random, cases: usize, people: u64) -> Vec<Listed> {
        let listed = |_| Listed {
            case: CaseId::random(random).unwrap(),
            people: (0..people).map(UnitId::from_u64).collect(),
        };
        (0..cases).map(listed).collect()
    }

    #[test]
    fn a_long_list_is_cut_into_entries_that_hold_it_and_loses_nothing() {
        let random = SystemSource::default();
        for (cases, people) in [(1, 0), (100, 64), (30_000, 1), (26_000, 0)] {
            let list = sample(&random, cases, people);
            let cut = pieces(&list);
            let again: Vec<Listed> = cut.iter().flat_map(|piece| piece.to_vec()).collect();
            assert!(again == list, "{cases}");
            for piece in cut {
                let bytes: usize = piece.iter().map(|l| 16 + 10 * l.people.len()).sum();
                assert!(bytes <= IDS_BYTES_MAX);
            }
        }
        assert_eq!(entries(&[]), 0);
        assert!(entries(&sample(&random, 30_000, 1)) > 1);
    }
}
