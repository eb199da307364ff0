//! Agreement on the time: a wall clock that leaps ahead lets nothing expire, until two people say
//! that it is right.

use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::store::Store;
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::ManageRetention;
use crate::destruction::retention::ClockWord;
use crate::domain::time::Timestamp;
use crate::engine::Batch;

/// How long the word of the first person stands.
const WORD: Duration = Duration::from_secs(30 * 60);

impl Store {
    /// What the time should be by the newest access-log entry at the open and the process's own
    /// time since.
    fn expected_now(&self) -> Timestamp {
        let known = self
            .known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (wall, since) = *known;
        wall.plus(self.clock.monotonic().saturating_sub(since))
    }

    fn clock_agrees(&self) -> bool {
        self.clock.now() <= self.expected_now().plus(self.terms.clock_slack)
    }

    /// Keeps a leap of the clock in the store, so that entries written since and a restart do not
    /// make it look right.
    pub(super) fn watch_clock(&self) -> Result<(), ServiceError> {
        if self.clock_agrees() {
            return Ok(());
        }
        let word = self.records.clock_word().map_err(fault::records)?;
        if word.row.leapt.is_some() {
            return Ok(());
        }
        let leapt = ClockWord {
            leapt: Some(self.expected_now()),
            first: None,
        };
        let mut batch = Batch::default();
        self.records
            .put_changed(&mut batch, &word, &leapt)
            .map_err(fault::records)?;
        tracing::warn!("the clock is far ahead of what the store knows: nothing expires");
        let committed = self.engine.commit(batch).wait();
        committed.map(|_| ()).map_err(fault::commit)
    }

    /// Gives the permit back if the time is agreed on. With `confirm` the asker says that the wall
    /// clock is right: the first one is remembered, the word of a second one settles it.
    ///
    /// # Errors
    /// [`ServiceError::ClockDisagrees`], also after the first word.
    pub(super) fn agree_on_time(
        &self,
        session: &Session,
        permit: Permit<ManageRetention>,
        confirm: bool,
        batch: &mut Batch,
    ) -> Result<Permit<ManageRetention>, ServiceError> {
        self.watch_clock()?;
        if self.clock_agrees() {
            return Ok(permit);
        }
        let now = self.clock.now();
        let word = self.records.clock_word().map_err(fault::records)?;
        let other = word
            .row
            .first
            .is_some_and(|(by, at)| by != session.account() && at <= now && now < at.plus(WORD));
        let (said, query) = match (confirm, other) {
            (false, _) => {
                let refused: Result<(), _> =
                    self.fail(permit, ServiceError::ClockDisagrees)?.wait();
                return Err(refused.err().unwrap_or(ServiceError::ClockDisagrees));
            }
            (true, true) => (ClockWord::default(), "clock confirmed"),
            (true, false) => {
                let first = Some((session.account(), now));
                (
                    ClockWord {
                        first,
                        ..word.row.clone()
                    },
                    "clock word",
                )
            }
        };
        if other {
            self.records
                .put_changed(batch, &word, &said)
                .map_err(fault::records)?;
            let mut known = self
                .known
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            *known = (now, self.clock.monotonic());
            return Ok(permit);
        }
        let mut own = Batch::default();
        self.records
            .put_changed(&mut own, &word, &said)
            .map_err(fault::records)?;
        let shown = Shown {
            query: Some(query),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, own).wait();
        let (_receipt, _) = recorded.map_err(fault::log)?;
        Err(ServiceError::ClockDisagrees)
    }
}
