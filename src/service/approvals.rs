//! Approvals: a second person decides, once, on exactly what was asked.

use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store, fingerprint};
use super::types::{PageRequest, Rows};
use crate::authn::session::Session;
use crate::authz::action::Approve;
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::domain::id::{AccountId, ApprovalId, DepartmentId};
use crate::domain::role::Role;
use crate::engine::{Batch, Pending};
use crate::people::account::Account;
use crate::people::approval::{Approval, Asked};
use crate::people::department::Department;
use crate::people::view::{ApprovalState, ApprovalView};

/// What an approval changes, to be felt once it is durable.
enum Effect {
    Account(Box<Account>),
    Department(Department, Vec<Account>),
    Nothing,
}

impl Store {
    fn target<'a>(&self, session: &Session, approval: &Approval) -> Target<'a> {
        let concerned = approval.asked.concerned();
        let oneself = concerned
            .contains(&session.account())
            .then(|| session.account());
        Target::Request {
            requester: approval.requester,
            concerned: oneself.or(concerned.first().copied()),
        }
    }

    /// `GET /approvals`: open ones first, then newest first.
    pub fn approvals(&self, session: &Session, page: PageRequest) -> Answer<Rows<ApprovalView>> {
        let target = Target::Request {
            requester: NOBODY,
            concerned: None,
        };
        let permit = self.permit_office::<Approve>(session, target)?;
        let now = self.clock.now();
        let mut all: Vec<Approval> = self.people.all().map_err(fault::people)?;
        all.sort_by_key(|a| {
            (
                a.state_at(now) != ApprovalState::Open,
                std::cmp::Reverse(a.created),
            )
        });
        let rows = self.page_of(&all, &page, |approval| self.approval_view(approval))?;
        self.record_office(permit, "approvals", rows)
    }

    fn approval_view(&self, approval: &Approval) -> ApprovalView {
        let names = |ids: &[AccountId]| {
            ids.iter()
                .map(|id| self.directory.login(*id))
                .collect::<Vec<_>>()
        };
        let concerned = names(&approval.asked.concerned());
        let asked = match &approval.asked {
            Asked::GrantRole { account, role } => {
                // Whoever approves compares this with what the person reads out.
                let key = self.directory.account(*account).and_then(|a| a.receives());
                let key = key.map_or("no key yet".to_owned(), |k| {
                    format!("key {}", fingerprint(&k))
                });
                format!("role {role} for {} ({key})", concerned.join(", "))
            }
            Asked::SeatDesk { department, .. } => {
                format!(
                    "sensitive desk of {}: {}",
                    self.directory.code(*department),
                    concerned.join(", ")
                )
            }
        };
        ApprovalView {
            id: approval.id.to_string(),
            kind: approval.asked.kind().to_owned(),
            requester: self.directory.login(approval.requester),
            concerned,
            asked,
            created_at: approval.created.rfc3339(),
            expires_at: approval.expires().rfc3339(),
            state: approval.state_at(self.clock.now()),
        }
    }

    /// `POST /approvals/{id}`: carries out exactly what the request holds, in the same batch that
    /// spends it.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`] for the requester and whom it is about;
    /// [`ServiceError::Expired`] for a request that was decided or is too old.
    pub fn decide_approval(
        &self,
        session: &Session,
        approval: ApprovalId,
        approve: bool,
    ) -> Answer<ApprovalState> {
        let _turn = self.people_turn();
        let stored = self.people.approval(approval).map_err(fault::people)?;
        let Some(stored) = stored else {
            let target = Target::Request {
                requester: NOBODY,
                concerned: None,
            };
            let permit = self.permit_office::<Approve>(session, target)?;
            let recorded = self.record_office(permit, "approval", ())?;
            return Ok(recorded.map(|recorded| recorded.and(Err(ServiceError::NotFound))));
        };
        let target = self.target(session, &stored.row);
        let permit = match self.authority.decide::<Approve>(session, target, None) {
            Ok(permit) => permit,
            Err(denied) => {
                let answer = self
                    .deny::<Approve, ApprovalState>(session, denied, None)
                    .wait();
                let oneself = stored.row.requester == session.account()
                    || stored.row.asked.concerned().contains(&session.account());
                return match answer {
                    Err(ServiceError::NotFound) if oneself => Err(ServiceError::SelfApproval),
                    Err(ServiceError::NotFound) => Err(ServiceError::RoleRefused),
                    other => Ok(Pending::ready(other)),
                };
            }
        };
        if stored.row.state_at(self.clock.now()) != ApprovalState::Open {
            return self.fail(permit, ServiceError::Expired);
        }
        let state = if approve {
            ApprovalState::Approved
        } else {
            ApprovalState::Refused
        };
        let mut batch = Batch::default();
        let decided = Approval {
            state,
            ..stored.row.clone()
        };
        self.people
            .put_changed(&mut batch, &stored, &decided)
            .map_err(fault::people)?;
        let carried = if approve {
            self.carry_out(&mut batch, &stored.row.asked)
        } else {
            Ok(Effect::Nothing)
        };
        let effect = match carried {
            Ok(effect) => effect,
            Err(error) => return self.fail(permit, error),
        };
        self.commit_people(permit, batch, if approve { "approve" } else { "refuse" })?;
        match effect {
            Effect::Account(account) => self.apply_account(*account),
            Effect::Department(department, left) => {
                self.directory.put_department(department);
                left.into_iter().for_each(|a| self.directory.put_account(a));
                self.guard_credentials();
            }
            Effect::Nothing => {}
        }
        Ok(Pending::ready(Ok(state)))
    }

    fn carry_out(&self, batch: &mut Batch, asked: &Asked) -> Result<Effect, ServiceError> {
        match asked {
            Asked::GrantRole { account, role } => {
                let stored = self.account(*account)?;
                // The role goes to a key that is there, not to whoever uses the code.
                stored.row.receives().ok_or(ServiceError::NotEnrolled)?;
                let changed = Account {
                    roles: stored.row.roles.with(*role)?,
                    ..stored.row.clone()
                };
                self.people
                    .put_changed(batch, &stored, &changed)
                    .map_err(fault::people)?;
                Ok(Effect::Account(Box::new(changed)))
            }
            Asked::SeatDesk {
                department,
                members,
            } => self.seat_desk(batch, *department, members),
        }
    }

    fn seat_desk(
        &self,
        batch: &mut Batch,
        department: DepartmentId,
        members: &[AccountId],
    ) -> Result<Effect, ServiceError> {
        for member in members {
            let account = self
                .directory
                .account(*member)
                .ok_or(ServiceError::NotFound)?;
            if !account.roles.has(Role::HumanRightsOfficer) {
                let why = "name somebody who is no human-rights officer";
                return Err(ServiceError::Invalid(Invalid::new("members", why)));
            }
            account.receives().ok_or(ServiceError::NotEnrolled)?;
        }
        let stored = self
            .people
            .department(department)
            .map_err(fault::people)?
            .ok_or(ServiceError::NotFound)?;
        let changed = Department {
            desk: members.to_vec(),
            ..stored.row.clone()
        };
        let leaves = |seat: &&AccountId| !members.contains(seat);
        let left = stored.row.desk.iter().filter(leaves);
        let left = left
            .map(|seat| self.leave_desk(batch, *seat))
            .collect::<Result<Vec<_>, _>>()?;
        self.people
            .put_changed(batch, &stored, &changed)
            .map_err(fault::people)?;
        Ok(Effect::Department(changed, left))
    }
}

/// Stands for no account in a question that concerns none.
pub(super) const NOBODY: AccountId = AccountId::from_bytes([0; 16]);
