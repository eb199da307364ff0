//! Add to a case, close it, reopen it (보정, 종결, 재개).

use super::error::ServiceError;
use super::fault;
use super::read::people;
use super::recipients::reason_fits;
use super::store::{Answer, Store};
use super::types::Amended;
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::Amend;
use crate::cases::draft::{Amendment, Invalid, Work};
use crate::cases::head::{Head, StoredHead};
use crate::cases::record;
use crate::cases::rows::{Change, scopes};
use crate::cases::view::CaseState;
use crate::domain::id::CaseId;
use crate::domain::limit::PEOPLE_MAX;
use crate::domain::purpose::Purpose;
use crate::domain::tier::UnitKind;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};
use crate::vault::UnitRef;

/// Most statements that can be added to one case.
const ADDITIONS_MAX: usize = 256;

impl Store {
    /// `PATCH /cases/{id}`. What is added is a unit of its own, sealed under the case's key, so
    /// that it can be destroyed alone. Adding anything keeps the case from expiring for a while.
    pub fn amend(
        &self,
        session: &Session,
        case: CaseId,
        purpose: Purpose,
        amendment: Amendment,
        reason: Option<String>,
    ) -> Answer<Amended> {
        // Before the gate: who may not amend the case learns nothing of who is in it.
        if let Err(denied) = self.decide_on::<Amend>(session, case, purpose)? {
            return Ok(self.deny(session, denied, Some(purpose)));
        }
        let _closed = self.gates.close(case)?;
        let (permit, stored) = match self.decide_on::<Amend>(session, case, purpose)? {
            Ok(allowed) => allowed,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let fits = reason.as_deref().map_or(Ok(()), reason_fits);
        let planned = fits
            .and_then(|()| Ok(amendment.check()?))
            .and_then(|()| self.amended(session, &permit, &stored, amendment));
        let (after, added, batch) = match planned {
            Ok(amended) => amended,
            Err(error) => return self.fail(permit, error),
        };
        let shown = Shown {
            cases: vec![case],
            people: people(&added),
            units: added.iter().map(|unit| unit.unit).collect(),
            reason,
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch).wait();
        let (_receipt, _) = recorded.map_err(fault::log)?;
        Ok(Pending::ready(Ok(Amended {
            state: after.state,
            closed_at: after.closed_at.map(Timestamp::rfc3339),
            added: added.iter().map(|u| u.unit.as_u64().to_string()).collect(),
        })))
    }

    /// The head afterwards, the units that were added, and the batch.
    fn amended(
        &self,
        session: &Session,
        permit: &Permit<Amend>,
        stored: &StoredHead,
        amendment: Amendment,
    ) -> Result<(Head, Vec<UnitRef>, Batch), ServiceError> {
        let now = self.clock.now();
        let before = &stored.head;
        let mut after = worked(before, amendment.work, now)?;
        let (mut units, mut terms) = (Vec::new(), Vec::new());
        if amendment.statement.is_some() || amendment.person.is_some() {
            room(before, &amendment)?;
            let key = self
                .vault
                .unlock(permit, session, &before.wraps)
                .map_err(fault::vault)?;
            let scope = self.scope(before.tier, before.department);
            let encoded = record::encode_added(amendment, now);
            for (kind, content) in encoded.map_err(|e| ServiceError::Internal(e.to_owned()))? {
                let sealed = self.vault.seal_unit(
                    before.case,
                    before.tier,
                    kind,
                    &key,
                    before.key_version,
                    &content,
                );
                let (unit, value) = sealed.map_err(fault::vault)?;
                terms.push((unit.unit, scope.terms(kind, &content, None)));
                units.push((unit, value));
            }
        }
        let added: Vec<UnitRef> = units.iter().map(|(unit, _)| *unit).collect();
        after.units.extend(added.iter().copied());
        after.amended_at = Some(now);
        after.revision += 1;
        let mut batch = Batch::default();
        let change = Change {
            units: None,
            renumber: false,
            from: scopes(before),
            to: scopes(&after),
        };
        self.cases
            .put_change(&mut batch, stored, &after, change)
            .map_err(fault::cases)?;
        self.cases.put_added(&mut batch, before.case, units);
        self.index_people(&mut batch, before.case, &terms)?;
        Ok((after, added, batch))
    }
}

/// The head after the work on it was closed or taken up again.
fn worked(before: &Head, work: Option<Work>, now: Timestamp) -> Result<Head, ServiceError> {
    let after = before.clone();
    match (work, before.state) {
        (_, CaseState::Destroyed) => Err(ServiceError::NotFound),
        (None, _) => Ok(after),
        (Some(Work::Close), CaseState::Closed) => {
            Err(Invalid::new("work", "is closed already").into())
        }
        (Some(Work::Close), _) => Ok(Head {
            state: CaseState::Closed,
            closed_at: Some(now),
            ..after
        }),
        (Some(Work::Reopen), CaseState::Closed) => Ok(Head {
            state: if before.assignees.is_empty() {
                CaseState::Registered
            } else {
                CaseState::Assigned
            },
            closed_at: None,
            ..after
        }),
        (Some(Work::Reopen), _) => Err(Invalid::new("work", "is not closed").into()),
    }
}

fn room(head: &Head, amendment: &Amendment) -> Result<(), Invalid> {
    let count = |kind| head.units.iter().filter(|unit| unit.kind == kind).count();
    if amendment.statement.is_some() && count(UnitKind::Addition) >= ADDITIONS_MAX {
        return Err(Invalid::new(
            "statement",
            "is one more than a case can hold",
        ));
    }
    if amendment.person.is_some() && count(UnitKind::Person) >= PEOPLE_MAX {
        return Err(Invalid::new("person", "is one more than a case can hold"));
    }
    Ok(())
}
