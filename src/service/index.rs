//! The blind index of ordinary cases: entered with the units, removed with the units, under a new
//! key every month.
//!
//! A sensitive case has nothing in it: whoever registers one holds public keys only, and a token
//! that the server could make would let the server test guesses (decisions.md 20).

use std::sync::PoisonError;
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

/// How far a rotation is.
#[derive(Default)]
pub(super) struct Rotation {
    /// The last row looked at; `None` at the beginning of a pass.
    after: Option<Vec<u8>>,
    /// Units of another epoch that this pass met.
    behind: usize,
    /// Monotonic time since which this process knows of the newest epoch.
    since: Option<Duration>,
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

    /// Puts the whole index under a new key at once and destroys the old one: for after a batch of
    /// destructions. The background does the same in steps, every month.
    ///
    /// # Errors
    /// What the keyring or the engine said. It is taken up where it stopped.
    pub fn rotate_index(&self) -> Result<(), ServiceError> {
        self.keyring.rotate_index_epoch().map_err(fault::keyring)?;
        while !self.step_index(Duration::ZERO)? {}
        Ok(())
    }

    /// Begins a new key of the index whatever month it is: for a keyring that came out of an older
    /// copy and has one that was destroyed since. The background writes the rows anew under it.
    pub(super) fn renew_index(&self) -> Result<(), ServiceError> {
        if self.keyring.older_index_epoch().is_some() {
            self.rotate_index()?;
        }
        self.keyring.rotate_index_epoch().map_err(fault::keyring)
    }

    /// One step, where something is to be done.
    pub(super) fn turn_index(&self) -> Result<(), ServiceError> {
        if self.keyring.older_index_epoch().is_none() {
            let since = self.keyring.index_epoch().since;
            if !month_over(since, self.clock.now()) {
                return Ok(());
            }
            self.keyring.rotate_index_epoch().map_err(fault::keyring)?;
        }
        self.step_index(GRACE).map(|_| ())
    }

    /// Writes the next units anew; after a pass that met none of another epoch, and `grace` after
    /// the new one began, the old key is destroyed. Says whether that is done.
    fn step_index(&self, grace: Duration) -> Result<bool, ServiceError> {
        let mut rotation = self.rotation.lock().unwrap_or_else(PoisonError::into_inner);
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
        tracing::info!("the blind index stands under a new key; the old one is destroyed");
        Ok(true)
    }
}

/// Whether `now` lies in a later month than `since`. A clock that goes back rotates nothing.
fn month_over(since: Timestamp, now: Timestamp) -> bool {
    (now.year(), now.month()) > (since.year(), since.month())
}
