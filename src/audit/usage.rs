//! How much each person was shown: distinct people and cases, and outputs, of the last 24 hours,
//! whatever the way. Counted from the entries themselves as they become durable; after a restart
//! from the entries of the last window. Nobody can reset it: it hangs on the account, not on a
//! session, and the log is its only source.
//!
//! What counts ([`Counted`]): a read, an opening of what is kept apart, and everything that leaves
//! in a file or on paper counts its cases and its people (person units); a row of a list or a find
//! shows the head of a case and no person, so it counts its case alone. What was opened for a
//! search to compare never left the vault. A task that came to nothing counts nothing.
//!
//! Ids are kept with the five-minute slot of their last disclosure, so an id leaves the count 24
//! hours to 24 hours 5 minutes later. Per account no more than 65,536 ids of a kind are
//! kept; what comes beyond is counted at every disclosure, as if it were new.

mod distinct;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use distinct::{Distinct, Ring};

use crate::domain::id::{AccountId, CaseId, UnitId};
use crate::domain::task::Task;
use crate::domain::time::{Clock, Timestamp};

/// Length of the window.
pub const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// Two slots, of which one has only begun, are what "recent" means.
pub const RECENT: Duration = Duration::from_secs(10 * 60);

const SLOT_MS: i64 = 5 * 60 * 1000;

/// Queries of entries under a permit that came to nothing: nothing was shown.
pub const NOT_SHOWN: [&str; 2] = [FAILED, OVER_BUDGET];
/// The query of a permitted task that failed.
pub const FAILED: &str = "failed";
/// The query of a permitted task that was over the budget.
pub const OVER_BUDGET: &str = "over_budget";
/// The query of a permitted task that asked for a second person, and did nothing yet.
pub const ASK: &str = "ask";
/// Queries of searches that choose what an export takes begin so: no row is shown, and what goes
/// out counts in the export's own entry.
pub const CHOOSES: &str = "choose:";
/// The query of every entry but the first of one list: all of them are one output.
pub const MORE: &str = "more";

/// What of a task's entry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Its people; its cases always.
    pub people: bool,
    /// Itself, as an output.
    pub output: bool,
}

impl Counted {
    /// What counts of this task; `None` where it discloses no case.
    pub const fn of(task: Task) -> Option<Self> {
        let (people, output) = match task {
            Task::Read | Task::Unmask | Task::OpenRetained => (true, false),
            Task::List | Task::Search => (false, false),
            Task::Export | Task::Print | Task::HandOver => (true, true),
            _ => return None,
        };
        Some(Self { people, output })
    }
}

/// What one disclosure shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Load<'a> {
    /// The cases.
    pub cases: &'a [CaseId],
    /// The person units.
    pub people: &'a [UnitId],
    /// Files or prints made.
    pub outputs: u32,
}

impl<'a> Load<'a> {
    /// What counts of a task that shows these cases and people; `None` where nothing does.
    pub fn of(
        task: Task,
        query: Option<&str>,
        cases: &'a [CaseId],
        people: &'a [UnitId],
    ) -> Option<Self> {
        let chooses = query.is_some_and(|query| query.starts_with(CHOOSES));
        let shows = !chooses && (!cases.is_empty() || !people.is_empty());
        let counted = Counted::of(task).filter(|_| shows)?;
        Some(Self {
            cases,
            people: if counted.people { people } else { &[] },
            outputs: u32::from(counted.output && query != Some(MORE)),
        })
    }
}

/// How much one person was shown in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Distinct people.
    pub people: u32,
    /// Distinct cases.
    pub cases: u32,
    /// Files and prints made.
    pub outputs: u32,
    /// Distinct people of the last five to ten minutes ([`RECENT`]).
    pub recent_people: u32,
}

/// What one person was shown.
struct Tally {
    people: Distinct,
    cases: Distinct,
    outputs: Ring,
    outputs_awaited: u32,
}

impl Tally {
    fn new(now: i64) -> Self {
        Self {
            people: Distinct::new(now),
            cases: Distinct::new(now),
            outputs: Ring::new(now),
            outputs_awaited: 0,
        }
    }
    fn advance(&mut self, now: i64) {
        self.people.ring.advance(now);
        self.cases.ring.advance(now);
        self.outputs.advance(now);
    }
    fn totals(&mut self) -> Totals {
        Totals {
            people: self.people.total(),
            cases: self.cases.total(),
            outputs: self.outputs.total.saturating_add(self.outputs_awaited),
            recent_people: self.people.recent(),
        }
    }
    fn hold(&mut self, ids: &Ids) {
        ids.people.iter().for_each(|id| self.people.hold(*id));
        ids.cases.iter().for_each(|id| self.cases.hold(*id));
        self.outputs_awaited = self.outputs_awaited.saturating_add(ids.outputs);
    }
    fn unhold(&mut self, ids: &Ids) {
        ids.people.iter().for_each(|id| self.people.unhold(*id));
        ids.cases.iter().for_each(|id| self.cases.unhold(*id));
        self.outputs_awaited = self.outputs_awaited.saturating_sub(ids.outputs);
    }
    fn note(&mut self, ids: &Ids, slot: i64) {
        ids.people.iter().for_each(|id| self.people.note(*id, slot));
        ids.cases.iter().for_each(|id| self.cases.note(*id, slot));
        self.outputs.add(slot, ids.outputs);
    }
}

/// A load by the numbers that are kept: ids are random, so eight bytes tell cases apart.
struct Ids {
    people: Vec<u64>,
    cases: Vec<u64>,
    outputs: u32,
}

impl From<Load<'_>> for Ids {
    fn from(load: Load<'_>) -> Self {
        let case = |case: &CaseId| {
            let bytes = case.as_bytes().first_chunk::<8>();
            bytes.copied().map_or(0, u64::from_le_bytes)
        };
        Self {
            people: load.people.iter().map(|unit| unit.as_u64()).collect(),
            cases: load.cases.iter().map(case).collect(),
            outputs: load.outputs,
        }
    }
}

type Shared = Arc<Mutex<Tally>>;

fn tally(shared: &Shared) -> MutexGuard<'_, Tally> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Room for a disclosure that was judged and has no entry yet. Dropped, it is given back: by then
/// the entry holds its own ([`Charge`]), or there will be none.
#[must_use = "dropped before the entry is on its way, it reserves nothing"]
pub struct Reserved {
    shared: Shared,
    ids: Ids,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        tally(&self.shared).unhold(&self.ids);
    }
}

/// What an entry on its way discloses. Whoever goes away without waiting for it is charged: the
/// entry may be durable.
pub struct Charge {
    shared: Shared,
    ids: Ids,
    slot: i64,
    released: bool,
}

impl Charge {
    /// The entry is not there and will not be.
    pub fn release(mut self) {
        self.released = true;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let mut tally = tally(&self.shared);
        if !self.released {
            tally.note(&self.ids, self.slot);
        }
        tally.unhold(&self.ids);
    }
}

/// The counts of every account. Time is the wall clock's when the log was opened, and runs with
/// the monotonic clock from there: a wall clock that leaps opens no new window.
pub struct Usage {
    clock: Arc<dyn Clock>,
    opened: (Timestamp, Duration),
    accounts: RwLock<HashMap<AccountId, Shared>>,
}

impl Usage {
    /// Nothing counted yet. `newest` is the time of the log's last entry.
    pub fn new(clock: Arc<dyn Clock>, newest: Option<Timestamp>) -> Self {
        let now = clock.now();
        let wall = newest.map_or(now, |newest| newest.max(now));
        let opened = (wall, clock.monotonic());
        Self {
            clock,
            opened,
            accounts: RwLock::default(),
        }
    }

    /// What time it is here.
    pub fn now(&self) -> Timestamp {
        let (wall, mono) = self.opened;
        wall.plus(self.clock.monotonic().saturating_sub(mono))
    }

    /// When the window of now began.
    pub(super) fn since(&self) -> Timestamp {
        let window = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.now().as_millis().saturating_sub(window + SLOT_MS))
    }

    fn slot(&self) -> i64 {
        self.now().as_millis().div_euclid(SLOT_MS)
    }

    fn shared(&self, account: AccountId, now: i64) -> Shared {
        let known = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = known.get(&account) {
            return Arc::clone(shared);
        }
        drop(known);
        let mut all = self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Mutex::new(Tally::new(now)));
        Arc::clone(all.entry(account).or_insert_with(fresh))
    }

    /// How much this person was shown, with what is on its way.
    pub fn totals(&self, account: AccountId) -> Totals {
        let now = self.slot();
        let shared = self.shared(account, now);
        let mut tally = tally(&shared);
        tally.advance(now);
        tally.totals()
    }

    /// Judges a disclosure by the totals before and after it, and reserves room for it if the
    /// judgement lets it pass: in one step, so that many at once cannot overshoot.
    ///
    /// # Errors
    /// What the judgement says.
    pub fn reserve<T, E>(
        &self,
        account: AccountId,
        load: Load<'_>,
        judge: impl FnOnce(Totals, Totals) -> Result<T, E>,
    ) -> Result<(T, Reserved), E> {
        let ids = Ids::from(load);
        let now = self.slot();
        let shared = self.shared(account, now);
        let mut held = tally(&shared);
        held.advance(now);
        let before = held.totals();
        held.hold(&ids);
        let judged = judge(before, held.totals());
        if judged.is_err() {
            held.unhold(&ids);
        }
        drop(held);
        judged.map(|judged| (judged, Reserved { shared, ids }))
    }

    /// Holds what an entry discloses until it is known what became of it.
    pub fn charge(&self, account: AccountId, load: Load<'_>) -> Charge {
        let ids = Ids::from(load);
        let slot = self.slot();
        let shared = self.shared(account, slot);
        let mut held = tally(&shared);
        held.advance(slot);
        held.hold(&ids);
        drop(held);
        Charge {
            shared,
            ids,
            slot,
            released: false,
        }
    }

    /// Counts an entry read back from the log.
    pub(super) fn recount(&self, account: AccountId, time: Timestamp, load: Load<'_>) {
        let now = self.slot();
        let shared = self.shared(account, now);
        let slot = time.as_millis().div_euclid(SLOT_MS);
        tally(&shared).note(&Ids::from(load), slot.min(now));
    }

    /// The same for an entry whose ids are gone: each of them counts as a new one.
    pub(super) fn recount_unnamed(
        &self,
        account: AccountId,
        time: Timestamp,
        (people, cases, outputs): (u32, u32, u32),
    ) {
        let now = self.slot();
        let shared = self.shared(account, now);
        let slot = time.as_millis().div_euclid(SLOT_MS).min(now);
        let mut tally = tally(&shared);
        tally.people.ring.add(slot, people);
        tally.cases.ring.add(slot, cases);
        tally.outputs.add(slot, outputs);
    }
}

#[cfg(test)]
mod tests;
