//! Change a case's tier (분류 변경: 일반 ↔ 보안).

use super::assign::{handed, state_with};
use super::error::ServiceError;
use super::fault;
use super::recipients::{Recipients, reason_fits, single_recipient};
use super::store::{Answer, Store};
use super::types::Reclassified;
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::Reclassify;
use crate::cases::draft::{Classification, Invalid};
use crate::cases::head::{Head, StoredHead};
use crate::cases::rows::{Change, scopes};
use crate::domain::id::{CaseId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::tier::Tier;
use crate::engine::{Batch, Pending};
use crate::vault::Standing;

impl Store {
    /// `PUT /cases/{id}/classification`. General → sensitive: every unit is sealed anew for the
    /// recipients alone, earlier access ends with the commit, and the units that the server could
    /// read are punctured; the answer says `pending` until the keyring's root has flipped. The
    /// case moves to the other number series and leaves a void row behind.
    pub fn reclassify(
        &self,
        session: &Session,
        case: CaseId,
        purpose: Purpose,
        tier: Classification,
        assignees: Vec<String>,
        reason: String,
    ) -> Answer<Reclassified> {
        // Before the gate: who may not reclassify the case learns nothing of who is in it.
        if let Err(denied) = self.decide_on::<Reclassify>(session, case, purpose)? {
            return Ok(self.deny(session, denied, Some(purpose)));
        }
        let _closed = self.gates.close(case)?;
        let (permit, stored) = match self.decide_on::<Reclassify>(session, case, purpose)? {
            Ok(allowed) => allowed,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let planned = reason_fits(&reason)
            .and_then(|()| self.new_holders(&stored, tier, &assignees))
            .and_then(|recipients| {
                let (batch, dying) =
                    self.move_tier(session, &permit, &stored, &recipients, tier.into())?;
                Ok((recipients, batch, dying))
            });
        let (recipients, batch, dying) = match planned {
            Ok(planned) => planned,
            Err(error) => return self.fail(permit, error),
        };
        let shown = Shown {
            cases: vec![case],
            reason: Some(reason),
            notes: vec![handed(&stored.head, &recipients)],
            ..Shown::default()
        };
        let warnings = single_recipient(tier.into(), recipients.holders.len());
        if let Err(error) = self.bar_outputs(case, None) {
            return self.fail(permit, error);
        }
        let state = self.commit_change(permit, shown, batch, &dying)?;
        Ok(Pending::ready(Ok(Reclassified {
            tier,
            state,
            warnings,
        })))
    }

    fn new_holders(
        &self,
        stored: &StoredHead,
        tier: Classification,
        assignees: &[String],
    ) -> Result<Recipients, ServiceError> {
        if Tier::from(tier) == stored.head.tier {
            return Err(ServiceError::Invalid(Invalid::new(
                "tier",
                "is what the case has already",
            )));
        }
        let department = self
            .directory
            .department(stored.head.department)
            .ok_or(ServiceError::NotFound)?;
        self.recipients(tier.into(), &department, assignees)
    }

    /// The change, and the units that it leaves behind.
    fn move_tier(
        &self,
        session: &Session,
        permit: &Permit<Reclassify>,
        stored: &StoredHead,
        recipients: &Recipients,
        tier: Tier,
    ) -> Result<(Batch, Vec<UnitId>), ServiceError> {
        let before = &stored.head;
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
        let scope = self.scope(tier, before.department);
        let number = before.external_number.as_deref();
        let rekeyed = self
            .vault
            .rekey_blinded(permit, session, &standing, tier, &|kind, content| {
                scope.terms(kind, content, number)
            })
            .map_err(fault::vault)?;
        let key_version = before.key_version + 1;
        let wraps = match tier {
            Tier::Sensitive => self.vault.wrap_to_holders(
                before.case,
                &rekeyed.key,
                key_version,
                &recipients.holders,
            ),
            Tier::Ordinary | Tier::Retained => self
                .vault
                .wrap_to_department(before.case, &rekeyed.key, key_version, before.department)
                .map(|wrap| vec![wrap]),
        }
        .map_err(fault::vault)?;
        let after = Head {
            tier,
            state: state_with(before, recipients),
            assignees: recipients.assignees.clone(),
            desk: recipients.desk.clone(),
            key_version,
            units: rekeyed.units.iter().map(|(unit, _)| *unit).collect(),
            wraps,
            revision: before.revision + 1,
            ..before.clone()
        };
        let mut batch = Batch::default();
        let change = Change {
            units: Some(rekeyed.units),
            renumber: true,
            from: scopes(before),
            to: scopes(&after),
        };
        self.cases
            .put_change(&mut batch, stored, &after, change)
            .map_err(fault::cases)?;
        self.drop_postings(&mut batch, &rekeyed.dying)?;
        self.index_people(&mut batch, before.case, &rekeyed.terms)?;
        Ok((batch, rekeyed.dying))
    }
}
