//! The blind index of ordinary cases: entered with the units, removed with the units, under a new
//! key every month and after every destruction.
//!
//! The rows of a destroyed unit go with it, but older images keep them, and the journal keeps the
//! keys of removed rows. Whoever has the index's key of that time could still try names and
//! telephone numbers on those. So a destruction is not over before that key is destroyed: its
//! order carries the epoch in force when it was carried out, the background puts the living under
//! a new key, and only then the scrub enters its end. Several destructions share one rotation; one
//! that comes in the middle of a rotation waits for the next. A stop in between loses nothing: the
//! keyring says that two epochs are there, the rows under which they stand.
//!
//! A sensitive case has nothing in it: whoever registers one holds public keys only, and a token
//! that the server could make would let the server test guesses (decisions.md 20).

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::cases::search::{self, SearchField};
use crate::crypto::blind::{ScopeKey, Term};
use crate::domain::id::{CaseId, DepartmentId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::Timestamp;
use crate::engine::{Batch, CommitError};

/// Rows looked at in one step: some hundred units, one batch.
const STEP: Limit = Limit::rows(2000);
/// How long an old key stays after nothing stands under it any more: longer than any registration
/// that began under it takes to commit.
const GRACE: Duration = Duration::from_secs(60);

/// Ticks between two steps, and after one that failed.
const PAUSES: [u32; 2] = [1, 60];
/// Thousandths after which the operator is told again how far a pass has come.
const TELL_EVERY: u16 = 100;

/// How far the index is on its way under a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct IndexProgress {
    /// Whether two epochs are there.
    pub running: bool,
    /// Thousandths of the present pass.
    pub permille: u16,
    /// Steps that failed since the last that did not.
    pub failures: u64,
}

/// How far a rotation is.
#[derive(Default)]
pub(super) struct Rotation {
    /// The last row looked at; `None` at the beginning of a pass.
    after: Option<Vec<u8>>,
    /// Units of another epoch that this pass met.
    behind: usize,
    /// Monotonic time since which this process knows of the newest epoch.
    since: Option<Duration>,
    /// Version of the keyring's root with which the last old key went, in this process.
    died_with: Option<u64>,
    failures: u64,
    told: u16,
}

impl Rotation {
    /// Keys are HMACs: where the last one lies among all says how far the pass is.
    fn permille(&self) -> u16 {
        let first = self.after.as_deref().and_then(<[u8]>::first_chunk::<2>);
        let at = first.map_or(0, |bytes| u32::from(u16::from_be_bytes(*bytes)));
        u16::try_from(at * 1000 / (1 << 16)).unwrap_or_default()
    }
}

/// Where units are entered: a department's index or, for cases that have none, nowhere.
pub(super) struct Scope(Option<ScopeKey>);

impl Scope {
    /// What a unit is found by: a person by their own words, the narrative by the number that the
    /// case has in another system.
    pub(super) fn terms(
        &self,
        kind: UnitKind,
        content: &[u8],
        external_number: Option<&str>,
    ) -> Vec<Term> {
        match (&self.0, kind) {
            (None, _) => Vec::new(),
            (Some(scope), UnitKind::Narrative) => external_number
                .and_then(|number| search::term(scope, SearchField::Number, number))
                .into_iter()
                .collect(),
            (Some(scope), _) => search::terms(scope, kind, content),
        }
    }
}

impl Store {
    /// The index in which units of this tier and department are entered.
    pub(super) fn scope(&self, tier: Tier, department: DepartmentId) -> Scope {
        Scope((tier == Tier::Ordinary).then(|| self.postings.scope(department)))
    }

    /// Enters freshly sealed units of a case, as part of the batch that stores them. The terms
    /// come from [`Scope::terms`], so that a sensitive case adds nothing.
    pub(super) fn index_people(
        &self,
        batch: &mut Batch,
        case: CaseId,
        terms: &[(UnitId, Vec<Term>)],
    ) -> Result<(), ServiceError> {
        terms.iter().try_for_each(|(unit, terms)| {
            self.postings
                .put(batch, case, *unit, terms)
                .map_err(fault::cases)
        })
    }

    /// Adds the removal of all that these units are found by to a batch. To be called in the batch
    /// that removes the units' other rows: before the puncture or after it, and again after a
    /// crash, as the keys of the postings can be read without the shred half.
    ///
    /// The batch conflicts if the monthly rotation wrote one of them anew meanwhile: call again.
    pub(super) fn drop_postings(
        &self,
        batch: &mut Batch,
        units: &[UnitId],
    ) -> Result<(), ServiceError> {
        self.postings.remove(batch, units).map_err(fault::cases)
    }

    /// Puts the whole index under a new key at once and destroys every older one. The background
    /// does the same in steps.
    ///
    /// # Errors
    /// What the keyring or the engine said. It is taken up where it stopped.
    pub fn rotate_index(&self) -> Result<(), ServiceError> {
        if self.keyring.older_index_epoch().is_some() {
            self.settle_index()?;
        }
        self.keyring.rotate_index_epoch().map_err(fault::keyring)?;
        self.settle_index()
    }

    /// Puts whatever stands under another key than the newest under that one, and destroys the
    /// older.
    pub(super) fn settle_index(&self) -> Result<(), ServiceError> {
        while !self.step_index(Duration::ZERO)? {}
        Ok(())
    }

    /// One step, where something is to be done. To be called every tick of the background.
    pub(super) fn turn_index(&self, ticks: u32) -> Result<(), ServiceError> {
        let [each, later] = PAUSES;
        let failed = self.index_progress().failures > 0;
        if !ticks.is_multiple_of(if failed { later } else { each }) {
            return Ok(());
        }
        let turned = self.step_if_due();
        let mut rotation = self.rotation();
        rotation.failures = match turned {
            Ok(()) => 0,
            Err(_) => rotation.failures.saturating_add(1),
        };
        turned
    }

    fn step_if_due(&self) -> Result<(), ServiceError> {
        if self.keyring.older_index_epoch().is_none() {
            let newest = self.keyring.index_epoch();
            let dead = self.destructions.scrub.waits_for(newest.id);
            if !dead && !month_over(newest.since, self.clock.now()) {
                return Ok(());
            }
            self.keyring.rotate_index_epoch().map_err(fault::keyring)?;
            tracing::info!("the blind index goes under a new key");
        }
        if self.step_index(GRACE)? {
            return Ok(());
        }
        let permille = self.index_progress().permille;
        let mut rotation = self.rotation();
        if permille < rotation.told {
            rotation.told = 0;
        }
        if permille >= rotation.told.saturating_add(TELL_EVERY) {
            rotation.told = permille;
            tracing::info!(permille, "the blind index is on its way under a new key");
        }
        Ok(())
    }

    /// How far the index is on its way under a new key.
    pub(super) fn index_progress(&self) -> IndexProgress {
        let running = self.keyring.older_index_epoch().is_some();
        let rotation = self.rotation();
        IndexProgress {
            running,
            permille: rotation.permille(),
            failures: rotation.failures,
        }
    }

    /// A version of the keyring's root that holds no key of an epoch that is over by now.
    pub(super) fn index_died_with(&self) -> u64 {
        let died_with = self.rotation().died_with;
        died_with.unwrap_or_else(|| self.keyring.root_version())
    }

    fn rotation(&self) -> MutexGuard<'_, Rotation> {
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the next units anew; after a pass that met none of another epoch, and `grace` after
    /// the new one began, the old key is destroyed. Says whether that is done.
    fn step_index(&self, grace: Duration) -> Result<bool, ServiceError> {
        let mut rotation = self.rotation();
        let now = self.clock.monotonic();
        let since = *rotation.since.get_or_insert(now);
        let mut batch = Batch::default();
        let mut after = rotation.after.clone();
        let step = self
            .postings
            .renew(&mut batch, &mut after, STEP)
            .map_err(fault::cases)?;
        if step.behind > 0 {
            match self.engine.commit(batch).wait() {
                Ok(_) => {}
                // Somebody changed a unit of this step: the next pass comes by again.
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(fault::commit(error)),
            }
        }
        rotation.behind += step.behind;
        rotation.after = after;
        if !step.end {
            return Ok(false);
        }
        let clean = rotation.behind == 0;
        rotation.after = None;
        rotation.behind = 0;
        if !clean || now.saturating_sub(since) < grace {
            return Ok(false);
        }
        self.keyring
            .destroy_older_index_epoch()
            .map_err(fault::keyring)?;
        rotation.since = None;
        rotation.died_with = Some(self.keyring.root_version());
        tracing::info!("the blind index stands under a new key; the old one is destroyed");
        Ok(true)
    }
}

/// Whether `now` lies in a later month than `since`. A clock that goes back rotates nothing.
fn month_over(since: Timestamp, now: Timestamp) -> bool {
    (now.year(), now.month()) > (since.year(), since.month())
}
