//! Open one case.

use super::budget::Disclosure;
use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::Opened;
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, Read};
use crate::cases::head::StoredHead;
use crate::cases::record::{self, Case};
use crate::disclosure::alert::Way;
use crate::domain::id::CaseId;
use crate::domain::purpose::Purpose;
use crate::domain::tier::UnitKind;
use crate::engine::Batch;
use crate::vault::{Disclosed, UnitRef, VaultError};

impl Store {
    /// `GET /cases/{id}`: facts → decision → budget → plaintext in memory → entry durable → view.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for an absent case and for one the asker may not open, after
    /// the same work and the same log entry; [`ServiceError::StepUpRequired`] and
    /// [`ServiceError::BudgetExceeded`] for who may open it and has opened too much.
    pub fn read_case(&self, session: &Session, case: CaseId, purpose: Purpose) -> Answer<Opened> {
        let inside = match self.gates.try_enter(case) {
            Some(inside) => inside,
            // Somebody changes the case. Who may not open it is not to feel that.
            None => match self.decide_on::<Read>(session, case, purpose)? {
                Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
                Ok(_) => self.gates.enter(case)?,
            },
        };
        let (permit, stored) = match self.decide_on::<Read>(session, case, purpose)? {
            Ok(allowed) => allowed,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let units = needed(&permit, &stored);
        let people = people(&units);
        let disclosure = Disclosure {
            way: Way::View,
            purpose,
            cases: &[case],
            people: &people,
            consent: None,
        };
        let mut batch = Batch::default();
        let reserved = match self.afford(session, &disclosure, &mut batch) {
            Ok(reserved) => reserved,
            Err(over) => return self.over_budget(permit, over, Shown::default()),
        };
        let disclosed = match self.disclose(&permit, session, stored, &units) {
            Ok(disclosed) => disclosed,
            Err(error) => return self.fail(permit, error),
        };
        let shown = Shown {
            cases: vec![case],
            people,
            units: units.iter().map(|u| u.unit).collect(),
            bytes: disclosed.bytes(),
            ..Shown::default()
        };
        let pulse = session.pulse();
        let recorded = self.log.record_with(permit, shown, batch);
        drop(reserved);
        Ok(recorded.map(move |recorded| {
            let (receipt, _) = recorded.map_err(fault::log)?;
            // A right that went while the entry was written shows nothing any more.
            pulse.beats().map_err(fault::ended)?;
            let position = receipt.position();
            let view = disclosed.reveal(receipt).map_err(fault::vault)?;
            drop(inside);
            Ok(Opened { view, position })
        }))
    }

    /// Decrypts these units of a case; they wait for their entry.
    pub(super) fn disclose<A: Action>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        stored: StoredHead,
        units: &[UnitRef],
    ) -> Result<Disclosed<A, Case>, ServiceError> {
        let head = &stored.head;
        let key = self
            .vault
            .unlock(permit, session, &head.wraps)
            .map_err(fault::vault)?;
        let rows = self
            .cases
            .units(head.case, units.iter().copied())
            .map_err(fault::cases)?;
        let plain = self
            .vault
            .open(permit, head.tier, &key, head.key_version, &rows)
            .map_err(fault::vault)?;
        plain
            .decode::<Case>(self.frame(stored))
            .map_err(|error: VaultError| fault::vault(error))
    }
}

fn needed(permit: &Permit<Read>, stored: &StoredHead) -> Vec<UnitRef> {
    let fields = permit.fields();
    stored
        .head
        .units
        .iter()
        .copied()
        .filter(|u| record::needs(fields, u.kind))
        .collect()
}

/// The person units among these: whose data it is.
pub(super) fn people(units: &[UnitRef]) -> Vec<crate::domain::id::UnitId> {
    units
        .iter()
        .filter(|u| u.kind == UnitKind::Person)
        .map(|u| u.unit)
        .collect()
}
