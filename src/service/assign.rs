//! Change who handles a case (배정).

use super::error::ServiceError;
use super::fault;
use super::recipients::{Recipients, keeps_all, reason_fits, single_recipient};
use super::store::{Answer, Store};
use super::types::{Assigned, Progress};
use crate::audit::Shown;
use crate::audit::note::{Handed, Note};
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::Assign;
use crate::cases::head::{Head, StoredHead};
use crate::cases::rows::{Change, scopes};
use crate::cases::view::CaseState;
use crate::domain::id::{CaseId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::tier::Tier;
use crate::engine::{Batch, Pending};
use crate::vault::Standing;

impl Store {
    /// `PUT /cases/{id}/assignees`: these people handle it from now on, and nobody else. Removing
    /// somebody from a sensitive case re-keys it: new case key, new units, and the old units'
    /// shred halves destroyed, so that the key they had opens nothing, on any image of the disk.
    pub fn assign(
        &self,
        session: &Session,
        case: CaseId,
        purpose: Purpose,
        assignees: Vec<String>,
        reason: Option<String>,
    ) -> Answer<Assigned> {
        // Before the gate: who may not assign the case learns nothing of who is in it.
        if let Err(denied) = self.decide_on::<Assign>(session, case, purpose)? {
            return Ok(self.deny(session, denied, Some(purpose)));
        }
        let _closed = self.gates.close(case)?;
        let (permit, stored) = match self.decide_on::<Assign>(session, case, purpose)? {
            Ok(allowed) => allowed,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let planned = reason
            .as_deref()
            .map_or(Ok(()), reason_fits)
            .and_then(|()| {
                let department = self.directory.department(stored.head.department);
                department.ok_or(ServiceError::NotFound)
            })
            .and_then(|department| self.recipients(stored.head.tier, &department, &assignees))
            .and_then(|recipients| {
                let (batch, dying) = self.reassign(session, &permit, &stored, &recipients)?;
                Ok((recipients, batch, dying))
            });
        let (recipients, batch, dying) = match planned {
            Ok(planned) => planned,
            Err(error) => return self.fail(permit, error),
        };
        let names = recipients
            .assignees
            .iter()
            .map(|id| self.directory.login(*id))
            .collect();
        let warnings = single_recipient(stored.head.tier, recipients.holders.len());
        let shown = Shown {
            cases: vec![case],
            reason,
            notes: vec![handed(&stored.head, &recipients)],
            ..Shown::default()
        };
        let mut off = stored.head.holders();
        off.retain(|one| !recipients.assignees.contains(one) && !recipients.desk.contains(one));
        if !off.is_empty()
            && let Err(error) = self.bar_outputs(case, Some(&off))
        {
            return self.fail(permit, error);
        }
        let state = self.commit_change(permit, shown, batch, &dying)?;
        Ok(Pending::ready(Ok(Assigned {
            assignees: names,
            rekeyed: !dying.is_empty(),
            state,
            warnings,
        })))
    }

    /// The change, and the units that it leaves behind.
    fn reassign(
        &self,
        session: &Session,
        permit: &Permit<Assign>,
        stored: &StoredHead,
        recipients: &Recipients,
    ) -> Result<(Batch, Vec<UnitId>), ServiceError> {
        let before = &stored.head;
        let mut after = with_recipients(before, recipients);
        let mut batch = Batch::default();
        let mut dying = Vec::new();
        let mut units = None;
        if before.tier == Tier::Sensitive && !keeps_all(before, recipients) {
            let rows = self
                .cases
                .units(before.case, before.units.iter().copied())
                .map_err(fault::cases)?;
            let standing = Standing {
                tier: before.tier,
                key_version: before.key_version,
                wraps: &before.wraps,
                units: &rows,
            };
            let rekeyed = self
                .vault
                .rekey(permit, session, &standing, Tier::Sensitive)
                .map_err(fault::vault)?;
            after.key_version += 1;
            after.wraps = self
                .vault
                .wrap_to_holders(
                    before.case,
                    &rekeyed.key,
                    after.key_version,
                    &recipients.holders,
                )
                .map_err(fault::vault)?;
            after.units = rekeyed.units.iter().map(|(unit, _)| *unit).collect();
            dying = rekeyed.dying;
            units = Some(rekeyed.units);
        } else if before.tier == Tier::Sensitive {
            let key = self
                .vault
                .unlock(permit, session, &before.wraps)
                .map_err(fault::vault)?;
            after.wraps = self
                .vault
                .wrap_to_holders(before.case, &key, before.key_version, &recipients.holders)
                .map_err(fault::vault)?;
        }
        let change = Change {
            units,
            renumber: false,
            from: scopes(before),
            to: scopes(&after),
        };
        self.cases
            .put_change(&mut batch, stored, &after, change)
            .map_err(fault::cases)?;
        Ok((batch, dying))
    }

    /// Commits a change with its entry; then destroys the keys it leaves behind.
    pub(super) fn commit_change<A: crate::authz::action::Action>(
        &self,
        permit: Permit<A>,
        shown: Shown,
        mut batch: Batch,
        dying: &[UnitId],
    ) -> Result<Progress, ServiceError> {
        let row = self.end_keys(&mut batch, dying, Vec::new())?;
        let (receipt, _) = self
            .log
            .record_with(permit, shown, batch)
            .wait()
            .map_err(fault::log)?;
        drop(receipt);
        Ok(row.map_or(Progress::Done, |key| self.puncture(key, dying)))
    }
}

/// Who holds a case that goes to these people, and who held it: the entry says so, or nobody could tell
/// later who was taken off it, and who took it over.
pub(super) fn handed(before: &Head, recipients: &Recipients) -> Note {
    let after = recipients.assignees.iter().chain(&recipients.desk);
    Note::Handed(Handed {
        before: before.holders(),
        after: after.copied().collect(),
    })
}

/// The state of a case that goes to these people. A closed one stays closed: only whoever takes
/// the work up again stops its retention period.
pub(super) fn state_with(before: &Head, recipients: &Recipients) -> CaseState {
    match before.state {
        CaseState::Closed | CaseState::Destroyed => before.state,
        _ if recipients.assignees.is_empty() => CaseState::Registered,
        _ => CaseState::Assigned,
    }
}

fn with_recipients(before: &Head, recipients: &Recipients) -> Head {
    let state = state_with(before, recipients);
    Head {
        assignees: recipients.assignees.clone(),
        desk: recipients.desk.clone(),
        state,
        revision: before.revision + 1,
        ..before.clone()
    }
}
