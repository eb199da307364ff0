//! Hold a case as it is (보존 조치), and lift the hold: nothing of it is destroyed meanwhile.

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use super::types::{HoldView, Holds};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::action::HoldCase;
use crate::cases::draft::Invalid;
use crate::cases::head::{Head, Hold};
use crate::cases::rows::{Change, scopes};
use crate::cases::view::CaseState;
use crate::domain::id::{AccountId, CaseId};
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::purpose::Purpose;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};

/// Most holds that stand on one case.
const HOLDS_MAX: usize = 16;

impl Store {
    /// `PUT /cases/{id}/hold`: sets a hold on a ground, or lifts the ones on that ground. Who set
    /// one does not lift it.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`] for who set every hold on that ground.
    pub fn hold(
        &self,
        session: &Session,
        case: CaseId,
        purpose: Purpose,
        set: bool,
        ground: String,
    ) -> Answer<Holds> {
        // Before the gate: who may not hold the case learns nothing of who is in it.
        if let Err(denied) = self.decide_on::<HoldCase>(session, case, purpose)? {
            return Ok(self.deny(session, denied, Some(purpose)));
        }
        let _closed = self.gates.close(case)?;
        let (permit, stored) = match self.decide_on::<HoldCase>(session, case, purpose)? {
            Ok(allowed) => allowed,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        if ground.trim().is_empty() || ground.len() > LINE_BYTES_MAX {
            let why = "names the law or matter it rests on, in at most 1024 bytes";
            return self.fail(permit, Invalid::new("ground", why).into());
        }
        let now = self.clock.now();
        let changed = if set {
            with_hold(&stored.head, session.account(), ground, now)
        } else {
            without_hold(&stored.head, session.account(), &ground)
        };
        let after = match changed {
            Ok(after) => after,
            Err(error) => return self.fail(permit, error),
        };
        let mut batch = Batch::default();
        let change = Change {
            units: None,
            renumber: false,
            from: scopes(&stored.head),
            to: scopes(&after),
        };
        self.cases
            .put_change(&mut batch, &stored, &after, change)
            .map_err(fault::cases)?;
        self.tell_holds(&mut batch, &after)?;
        let shown = Shown {
            cases: vec![case],
            query: Some(if set { "set" } else { "lift" }),
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch).wait();
        let (_receipt, _) = recorded.map_err(fault::log)?;
        let view = |hold: &Hold| HoldView {
            by: self.directory.login(hold.by),
            at: hold.at.rfc3339(),
            ground: hold.ground.clone(),
        };
        let holds = after.holds.iter().map(view).collect();
        Ok(Pending::ready(Ok(Holds { holds })))
    }
}

fn with_hold(
    before: &Head,
    by: AccountId,
    ground: String,
    at: Timestamp,
) -> Result<Head, ServiceError> {
    if before.state == CaseState::Destroyed {
        return Err(ServiceError::NotFound);
    }
    if before.holds.len() >= HOLDS_MAX {
        return Err(Invalid::new("ground", "is one more than can stand on a case").into());
    }
    let mut after = before.clone();
    after.holds.push(Hold { by, at, ground });
    after.revision += 1;
    Ok(after)
}

fn without_hold(before: &Head, by: AccountId, ground: &str) -> Result<Head, ServiceError> {
    let lifted = |hold: &Hold| hold.ground == ground;
    if !before.holds.iter().any(lifted) {
        return Err(Invalid::new("ground", "is that of no hold on this case").into());
    }
    let mut after = before.clone();
    after.holds.retain(|hold| !lifted(hold) || hold.by == by);
    if after.holds.len() == before.holds.len() {
        return Err(ServiceError::SelfApproval);
    }
    after.revision += 1;
    Ok(after)
}
