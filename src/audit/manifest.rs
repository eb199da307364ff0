//! The list of a bulk disclosure: every case and everybody in it, in the log before the first
//! byte of any of them leaves.

use std::marker::PhantomData;
use std::sync::Arc;

use super::note::Note;
use super::sealer::Act;
use super::usage::MORE;
use super::{AccessLog, LogError, Position, Shown, position};
use crate::authz::action::{Action, Unmask};
use crate::authz::{Basis, Permit};
use crate::domain::id::{CaseId, UnitId};
use crate::engine::{Batch, CommitError, Late};

/// People of one case. Most have one, who takes no place of their own: a list is a hundred thousand
/// long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum People {
    /// One.
    One(UnitId),
    /// None, or several.
    Several(Box<[UnitId]>),
}

impl FromIterator<UnitId> for People {
    fn from_iter<I: IntoIterator<Item = UnitId>>(units: I) -> Self {
        let mut units = units.into_iter();
        match (units.next(), units.next()) {
            (Some(one), None) => Self::One(one),
            (first, second) => {
                Self::Several(first.into_iter().chain(second).chain(units).collect())
            }
        }
    }
}

impl std::ops::Deref for People {
    type Target = [UnitId];
    fn deref(&self) -> &[UnitId] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// One case of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The case.
    pub case: CaseId,
    /// The person units in it that are disclosed (처리한 정보주체).
    pub people: People,
    /// Ids of the policies that decided on it.
    pub policies: Arc<[String]>,
}

impl AsRef<Self> for Listed {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// What is recorded with a list.
#[derive(Default)]
pub struct Beside {
    /// Why, in the words of whoever asked.
    pub reason: Option<String>,
    /// What the first entry says was asked; those behind it say [`MORE`], so that the list counts
    /// as one output.
    pub query: &'static str,
    /// What the first entry notes: whose consent the list goes out with.
    pub notes: Vec<Note>,
    /// What stands or falls with the first entry, which is leaf 0 of it: its conditions, the record
    /// of an output.
    pub batch: Batch,
    /// Rows that come with every entry behind the first; mark 0 is the entry.
    pub more: Vec<Late>,
}

/// Bytes of ids that one entry's body holds; padding adds at most a quarter. A list of a hundred
/// thousand neither keeps everybody else's commits waiting nor stands in memory in all its rows.
const IDS_BYTES_MAX: usize = 64 << 10;
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
    action: PhantomData<A>,
}

impl<A: Action> Manifest<A> {
    fn of<L: AsRef<Listed>>(list: &[L], first: Position) -> Self {
        let mut cases: Vec<CaseId> = list.iter().map(|one| one.as_ref().case).collect();
        cases.sort_unstable();
        Self {
            cases,
            first,
            action: PhantomData,
        }
    }
    /// Whether this case is on the list.
    pub fn holds(&self, case: CaseId) -> bool {
        self.cases.binary_search(&case).is_ok()
    }
    /// Where the list's first entry stands.
    pub const fn position(&self) -> Position {
        self.first
    }
}

/// Cases on which the same policies decided, in the order of the list.
type Group<'a> = (&'a Arc<[String]>, Vec<&'a Listed>);

/// The list by the policies that decided, of which there are few: an entry names those by which each
/// case of it was taken out, as that of a read does.
fn groups<L: AsRef<Listed>>(list: &[L]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in list.iter().map(AsRef::as_ref) {
        let by = &one.policies;
        match groups.iter_mut().find(|(policies, _)| *policies == by) {
            Some((_, group)) => group.push(one),
            None => groups.push((by, vec![one])),
        }
    }
    groups
}

/// The list in pieces that one entry holds each.
fn pieces<L: AsRef<Listed>>(list: &[L]) -> impl Iterator<Item = &[L]> {
    let mut bytes = 0;
    list.chunk_by(move |before, next| {
        let ids = |one: &L| CASE_BYTES + UNIT_BYTES * one.as_ref().people.len();
        bytes += ids(before);
        let fits = bytes + ids(next) <= IDS_BYTES_MAX;
        if !fits {
            bytes = 0;
        }
        fits
    })
}

impl AccessLog {
    /// Records the whole list under one permit and waits until all of it is durable: an entry and
    /// a batch for each piece, in order, the first with what is recorded beside it. Entries of
    /// others may stand between them. All cases of a piece were decided on by the same policies,
    /// which its entry names.
    ///
    /// Of a list that goes out with nothing masked, behind each of its entries stands one of its own
    /// that says so, in the same batch. What the batch of the first is conditional on, a consent
    /// that is spent with it, they have in common: of a list that never began there is neither.
    ///
    /// # Errors
    /// [`LogError`]; an empty list is one. Where the first entry failed nothing was recorded. Where
    /// a later one did, those before it stand and count, and nothing may be opened.
    pub fn record_list<A: Action, L: AsRef<Listed>>(
        &self,
        permit: Permit<A>,
        unmask: Option<Permit<Unmask>>,
        list: &[L],
        beside: Beside,
    ) -> Result<(Manifest<A>, Option<Manifest<Unmask>>), LogError> {
        let (first, second) = self.enter_list(&permit, unmask.as_ref(), list, beside)?;
        let unmask = second.map(|second| Manifest::of(list, second));
        Ok((Manifest::of(list, first), unmask))
    }

    fn enter_list<A: Action, L: AsRef<Listed>>(
        &self,
        permit: &Permit<A>,
        unmask: Option<&Permit<Unmask>>,
        list: &[L],
        beside: Beside,
    ) -> Result<(Position, Option<Position>), LogError> {
        let Beside {
            reason,
            query,
            mut notes,
            batch,
            more,
        } = beside;
        let mut first = None;
        let mut with = Some(batch);
        let groups = groups(list);
        let pieces = groups.iter().flat_map(|(by, group)| {
            let by = |piece| (*by, piece);
            pieces(group).map(by)
        });
        for (by, piece) in pieces {
            if first.is_some() {
                let settled = self.engine.settle().map_err(CommitError::from);
                settled.map_err(LogError::from)?;
            }
            let shown = Shown {
                cases: piece.iter().map(|one| one.case).collect(),
                people: piece
                    .iter()
                    .flat_map(|one| one.people.iter().copied())
                    .collect(),
                reason: reason.clone(),
                query: Some(if first.is_none() { query } else { MORE }),
                notes: std::mem::take(&mut notes),
                ..Shown::default()
            };
            let batch = with.take().unwrap_or_else(|| Batch {
                late: more.clone(),
                ..Batch::default()
            });
            let unmasked =
                unmask.map(|unmask| Act::allowed(Unmask::TASK, unmask.basis(), shown.clone()));
            let basis = Basis {
                policies: Arc::clone(by),
                ..permit.basis().clone()
            };
            let act = Act::allowed(A::TASK, &basis, shown);
            let acts = std::iter::once(act).chain(unmasked);
            let both = unmask.is_some();
            let entered = self.write(acts, batch, move |committed| {
                let second = both.then(|| position(&committed, 1)).transpose()?;
                Ok((position(&committed, 0)?, second))
            });
            let entered = entered.wait()?;
            first.get_or_insert(entered);
        }
        first.ok_or_else(|| LogError::unavailable("a list of nothing"))
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
            policies: Arc::from([]),
        };
        (0..cases).map(listed).collect()
    }

    #[test]
    fn people_are_those_that_were_collected_and_one_takes_no_place_of_its_own() {
        for count in 0..4 {
            let units: Vec<UnitId> = (0..count).map(UnitId::from_u64).collect();
            let people: People = units.iter().copied().collect();
            assert_eq!(*people, *units);
            assert_eq!(matches!(people, People::One(_)), count == 1);
        }
        assert_eq!(size_of::<People>(), size_of::<Box<[UnitId]>>());
    }

    #[test]
    fn a_long_list_is_cut_into_entries_that_hold_it_and_loses_nothing() {
        let random = SystemSource::default();
        for (cases, people) in [
            (0, 0),
            (1, 0),
            (100, 64),
            (30_000, 1),
            (26_000, 0),
            (2, 9_000),
        ] {
            let list = sample(&random, cases, people);
            let cut: Vec<&[Listed]> = pieces(&list).collect();
            let again: Vec<Listed> = cut.iter().flat_map(|piece| piece.to_vec()).collect();
            assert!(again == list, "{cases}");
            let size = |piece: &[Listed]| -> usize {
                piece.iter().map(|l| 16 + 10 * l.people.len()).sum()
            };
            for pair in cut.windows(2) {
                let begun = size(pair[0]) + size(&pair[1][..1]);
                assert!(begun > IDS_BYTES_MAX, "as few as can be");
            }
            for piece in cut {
                assert!(piece.len() == 1 || size(piece) <= IDS_BYTES_MAX);
            }
        }
        assert!(pieces(&sample(&random, 30_000, 1)).count() > 1);
    }
}
