//! Hold a case as it is (보존 조치), and lift the hold: nothing of it is destroyed meanwhile.

use super::error::ServiceError;
use super::fault;
use super::recipients::reason_fits;
use super::retained_open::needed;
use super::second_person::{Consent, Consented};
use super::store::{Answer, Store};
use super::types::{HoldView, Holds};
use crate::audit::Shown;
use crate::audit::note::{Note, Requested};
use crate::authn::session::Session;
use crate::authz::action::HoldCase;
use crate::cases::draft::Invalid;
use crate::cases::head::Head;
use crate::cases::rows::{Change, scopes};
use crate::cases::view::CaseState;
use crate::domain::hold::Hold;
use crate::domain::id::{AccountId, ApprovalId, CaseId};
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::purpose::Purpose;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};
use crate::people::approval::{Asked, Standing};

/// Most holds that stand on one case.
const HOLDS_MAX: usize = 16;

/// What becomes of the holds on a ground.
pub struct HoldChange {
    /// For what.
    pub purpose: Purpose,
    /// Set one, or lift those that stand.
    pub set: bool,
    /// The law or matter.
    pub ground: String,
    /// Why; sealed in the access log. To lift takes one, which the second person sees.
    pub reason: Option<String>,
    /// For lifting: the consent of a second person to exactly this, once there is one.
    pub approval: Option<ApprovalId>,
}

impl Store {
    /// `PUT /cases/{id}/hold`: sets a hold on a ground. To lift those on a ground it asks for a
    /// second person first; with their consent it lifts them. Who set one neither lifts it nor
    /// consents.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`] for who set every hold on that ground, and where the second
    /// person did; what `spend` says of the approval.
    pub fn hold(
        &self,
        session: &Session,
        case: CaseId,
        change: HoldChange,
    ) -> Answer<Consented<Holds>> {
        let purpose = change.purpose;
        // Before the gate: who may not hold the case learns nothing of who is in it.
        if let Err(denied) = self.decide_on::<HoldCase>(session, case, purpose)? {
            return Ok(self.deny(session, denied, Some(purpose)));
        }
        let _closed = self.gates.close(case)?;
        let (permit, stored) = match self.decide_on::<HoldCase>(session, case, purpose)? {
            Ok(allowed) => allowed,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let mut batch = Batch::default();
        let (after, notes) = match self.plan_hold(session, &stored.head, &change, &mut batch) {
            Ok(Plan::Change(after, consent)) => {
                (*after, consent.map_or_else(Vec::new, Consent::notes))
            }
            Ok(Plan::Ask(requested)) => {
                let approval = requested.approval;
                let shown = Shown {
                    cases: vec![case],
                    query: Some("ask"),
                    reason: change.reason,
                    notes: vec![Note::Asked(requested)],
                    ..Shown::default()
                };
                let recorded = self.log.record_with(permit, shown, batch);
                return Ok(recorded.map(move |recorded| {
                    recorded
                        .map(|_| Consented::Asked(approval))
                        .map_err(fault::log)
                }));
            }
            Err(error) => return self.fail(permit, error),
        };
        let rows = Change {
            units: None,
            renumber: false,
            from: scopes(&stored.head),
            to: scopes(&after),
        };
        self.cases
            .put_change(&mut batch, &stored, &after, rows)
            .map_err(fault::cases)?;
        self.tell_holds(&mut batch, &after)?;
        let shown = Shown {
            cases: vec![case],
            query: Some(if change.set { "set" } else { "lift" }),
            reason: change.reason,
            notes,
            ..Shown::default()
        };
        let recorded = self.log.record_with(permit, shown, batch).wait();
        let (receipt, _) = recorded.map_err(fault::log)?;
        let view = |hold: &Hold| HoldView {
            by: self.directory.login(hold.by),
            at: hold.at.rfc3339(),
            ground: hold.ground.clone(),
        };
        let holds = after.holds.iter().map(view).collect();
        let done = Consented::Done(Holds { holds }, receipt.position());
        Ok(Pending::ready(Ok(done)))
    }

    fn plan_hold(
        &self,
        session: &Session,
        head: &Head,
        change: &HoldChange,
        batch: &mut Batch,
    ) -> Result<Plan, ServiceError> {
        let HoldChange { ground, .. } = change;
        if ground.trim().is_empty() || ground.len() > LINE_BYTES_MAX {
            let why = "names the law or matter it rests on, in at most 1024 bytes";
            return Err(Invalid::new("ground", why).into());
        }
        let me = session.account();
        let reason = change.reason.as_deref().unwrap_or_default();
        if change.set {
            reason_fits(reason)?;
            let after = with_hold(head, me, ground.clone(), self.clock.now())?;
            return Ok(Plan::Change(Box::new(after), None));
        }
        needed(reason)?;
        let lift = Lift::of(&head.holds, me, ground)?;
        let asked = Asked::LiftHold {
            case: head.case,
            ground: ground.clone(),
            reason: reason.to_owned(),
            standing: lift.standing.clone(),
        };
        let Some(approval) = change.approval else {
            let asked = self.ask_without(batch, asked, me, lift.setters())?;
            return Ok(Plan::Ask(asked));
        };
        let consent = self.spend_lift(batch, approval, &asked, me, &lift)?;
        let mut after = head.clone();
        after.holds = lift.left;
        after.revision += 1;
        Ok(Plan::Change(Box::new(after), Some(consent)))
    }

    /// Spends the consent to the end of holds; it is not that of somebody who set one since.
    pub(super) fn spend_lift(
        &self,
        batch: &mut Batch,
        approval: ApprovalId,
        asked: &Asked,
        by: AccountId,
        lift: &Lift,
    ) -> Result<Consent, ServiceError> {
        let consent = self.spend(batch, approval, asked, by)?;
        if lift.setters().contains(&consent.by) {
            return Err(ServiceError::SelfApproval);
        }
        Ok(consent)
    }
}

/// The end of the holds on a ground.
pub(super) struct Lift {
    /// The holds that stay: those on other grounds, and those of who lifts.
    pub(super) left: Vec<Hold>,
    /// Those on the ground that stand: one that is set after the consent is not lifted by it.
    pub(super) standing: Vec<Standing>,
}

impl Lift {
    /// Who set the holds on the ground.
    pub(super) fn setters(&self) -> Vec<AccountId> {
        self.standing.iter().map(|hold| hold.by).collect()
    }
    /// What `by` may lift of these.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] where none stands on the ground; [`ServiceError::SelfApproval`]
    /// where each is their own.
    pub(super) fn of(holds: &[Hold], by: AccountId, ground: &str) -> Result<Self, ServiceError> {
        let on_it = || holds.iter().filter(|hold| hold.ground == ground);
        if on_it().next().is_none() {
            return Err(Invalid::new("ground", "is that of no hold here").into());
        }
        let stays = |hold: &&Hold| hold.ground != ground || hold.by == by;
        let left: Vec<Hold> = holds.iter().filter(stays).cloned().collect();
        if left.len() == holds.len() {
            return Err(ServiceError::SelfApproval);
        }
        Ok(Self {
            left,
            standing: on_it().map(standing).collect(),
        })
    }
}

/// What is done about a hold.
enum Plan {
    Change(Box<Head>, Option<Consent>),
    Ask(Requested),
}

const fn standing(hold: &Hold) -> Standing {
    Standing {
        by: hold.by,
        at: hold.at,
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
