//! Approvals: a second person decides, once, on exactly what was asked.

use super::error::ServiceError;
use super::fault;
use super::second_person::{Consent, requested};
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::note::{Note, Requested};
use crate::authn::session::Session;
use crate::authz::action::{
    Action, Approve, ApproveDestruction, ManageAccounts, ManageDepartments, RaiseBudget,
    ReadApprovals,
};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::crypto::table::Stored;
use crate::disclosure::budget::Allowance;
use crate::domain::id::{AccountId, ApprovalId, DepartmentId};
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::engine::{Batch, Pending};
use crate::people::account::Account;
use crate::people::approval::{Approval, Asked, Decided, Effect, KeyState, Person};
use crate::people::department::Department;
use crate::people::view::{ApprovalState, ApprovalView};

/// What an approval changes, to be felt once it is durable.
enum Change {
    Account(Box<Account>),
    Department(Department, Vec<Account>),
    Budget(Allowance),
    Nothing,
}

/// What the second person says, and about what.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    /// Yes or no.
    pub approve: bool,
    /// [`Asked::hash`] of what they mean, if they named it.
    pub hash: Option<[u8; 32]>,
}

impl Change {
    /// What the entry of the decision notes besides.
    fn note(&self) -> Option<Note> {
        match self {
            Self::Account(account) => Some(Note::Rights {
                account: account.id,
                roles: account.roles,
            }),
            Self::Department(..) | Self::Budget(_) | Self::Nothing => None,
        }
    }
}

impl Store {
    /// Enters a request for a second person into a batch; gives what its entry is to note.
    pub(super) fn ask(
        &self,
        batch: &mut Batch,
        asked: Asked,
        requester: AccountId,
    ) -> Result<Requested, ServiceError> {
        self.ask_without(batch, asked, requester, Vec::new())
    }

    /// The same, and these people may not decide on it either: who had a part in it.
    pub(super) fn ask_without(
        &self,
        batch: &mut Batch,
        asked: Asked,
        requester: AccountId,
        barred: Vec<AccountId>,
    ) -> Result<Requested, ServiceError> {
        let id = ApprovalId::random(self.random.as_ref()).map_err(fault::random)?;
        let approval = Approval::new(id, asked, requester, barred, self.approval_time());
        self.people
            .put_new(batch, &approval)
            .map_err(fault::table)?;
        Ok(requested(&approval))
    }

    /// Spends an approval for exactly this, in the batch of the act, whose entry is to note it. The
    /// batch conflicts if somebody spends it at the same time.
    ///
    /// # Errors
    /// [`ServiceError::NotApproved`] for an id that is absent, of another requester, of another
    /// request, not decided yet or refused; [`ServiceError::Expired`] for one that was spent, is too
    /// old, or whose approver could not give it any more.
    pub(super) fn spend(
        &self,
        batch: &mut Batch,
        id: ApprovalId,
        asked: &Asked,
        requester: AccountId,
    ) -> Result<Consent, ServiceError> {
        let stored = self.people.approval(id).map_err(fault::table)?;
        let stored = stored
            .filter(|stored| stored.row.is_for(asked, requester))
            .filter(|_| asked.effect() == Effect::Deferred)
            .ok_or(ServiceError::NotApproved)?;
        match self.state_of(&stored.row) {
            ApprovalState::Approved => {}
            ApprovalState::Open | ApprovalState::Refused => return Err(ServiceError::NotApproved),
            ApprovalState::Expired | ApprovalState::Spent | ApprovalState::Void => {
                return Err(ServiceError::Expired);
            }
        }
        let decided = stored.row.decided.ok_or(ServiceError::NotApproved)?;
        if !self.stands_by(&decided) {
            return Err(ServiceError::Expired);
        }
        let spent = Approval {
            state: ApprovalState::Spent,
            ..stored.row.clone()
        };
        self.people
            .put_changed(batch, &stored, &spent)
            .map_err(fault::table)?;
        Ok(Consent {
            by: decided.by,
            requested: requested(&spent),
        })
    }

    /// Whether the approver is still who they were when they approved.
    pub(super) fn stands_by(&self, decided: &Decided) -> bool {
        self.directory
            .account(decided.by)
            .is_some_and(|now| now.receives().is_some() && now.roles == decided.roles)
    }

    /// State at this moment, with what has become of the keys that were shown.
    pub(super) fn state_of(&self, approval: &Approval) -> ApprovalState {
        let gone = |person: &Person| {
            let now = self.directory.account(person.account);
            now.is_none_or(|now| person.key.against(&now) == KeyState::Gone)
        };
        let state = approval.state_at(self.approval_time());
        let people = approval.asked().map_or(&[][..], Asked::people);
        if approval.awaits(state) && people.iter().any(gone) {
            ApprovalState::Void
        } else {
            state
        }
    }

    /// What time it is for requests: a wall clock that is set back brings none to life again, and one
    /// that leapt ahead, or a machine that slept, lets none live longer.
    pub(super) fn approval_time(&self) -> Timestamp {
        self.log.usage().now().max(self.clock.now())
    }

    /// `GET /approvals`: open ones first, then newest first. Auditors see them, too, without what
    /// says which cases it is about, and decide on none.
    pub fn approvals(&self, session: &Session, page: PageRequest) -> Answer<Rows<ApprovalView>> {
        self.office::<ReadApprovals, _>(session, Target::Office, |permit| {
            let mut all: Vec<Approval> = self.people.all().map_err(fault::table)?;
            all.sort_by_key(|a| {
                (
                    self.state_of(a) != ApprovalState::Open,
                    std::cmp::Reverse(a.created),
                )
            });
            let decides = self.authority.decide::<Approve>(session, anybodys(), None);
            let decides = decides.is_ok();
            let view = |approval: &Approval| match decides {
                true => self.approval_view(approval),
                false => self.approval_view(&approval.opaque()),
            };
            let rows = self.page_of(&all, &page, view);
            self.or_fail(permit, rows, |permit, rows| {
                self.record_office(permit, "approvals", rows)
            })
        })
    }

    /// `POST /approvals/{id}`: what is carried out at once is carried out in the same batch that
    /// decides; what is deferred waits for its requester.
    ///
    /// # Errors
    /// [`ServiceError::SelfApproval`] for the requester, whom it is about, and who had a part in it;
    /// [`ServiceError::Conflict`] for the hash of something else; [`ServiceError::Expired`] for a
    /// request that was decided, is too old, or whose key changed.
    pub fn decide_approval(
        &self,
        session: &Session,
        approval: ApprovalId,
        verdict: Verdict,
    ) -> Answer<ApprovalState> {
        let _turn = self.people_turn();
        let stored = self.people.approval(approval).map_err(fault::table)?;
        match stored {
            None => self.office::<Approve, _>(session, anybodys(), |permit| {
                self.fail(permit, ServiceError::NotFound)
            }),
            Some(stored) => match stored.row.asked() {
                Some(Asked::Destroy { .. }) => {
                    self.decide_as::<ApproveDestruction>(session, &stored, verdict)
                }
                _ => self.decide_as::<Approve>(session, &stored, verdict),
            },
        }
    }

    fn decide_as<A: Action>(
        &self,
        session: &Session,
        stored: &Stored<Approval>,
        verdict: Verdict,
    ) -> Answer<ApprovalState> {
        let barred = stored.row.bars(session.account());
        let target = Target::Request {
            requester: stored.row.requester,
            concerned: barred.then(|| session.account()),
        };
        let permit = match self.authority.decide::<A>(session, target, None) {
            Ok(permit) => permit,
            Err(denied) => {
                let told = self.deny::<A, ApprovalState>(session, denied, None);
                return Ok(told.map(move |answer| match answer {
                    Err(ServiceError::NotFound) if barred => Err(ServiceError::SelfApproval),
                    Err(ServiceError::NotFound) => Err(ServiceError::RoleRefused),
                    other => other,
                }));
            }
        };
        if verdict.hash.is_some_and(|hash| hash != stored.row.hash) {
            return self.fail(permit, ServiceError::Conflict);
        }
        if self.state_of(&stored.row) != ApprovalState::Open {
            return self.fail(permit, ServiceError::Expired);
        }
        let about = requested(&stored.row);
        let (state, what, note) = if verdict.approve {
            (ApprovalState::Approved, "approve", Note::Approved(about))
        } else {
            (ApprovalState::Refused, "refuse", Note::Refused(about))
        };
        let mut batch = Batch::default();
        let decided = Approval {
            state,
            decided: Some(Decided {
                by: session.account(),
                roles: session.roles(),
                at: self.approval_time(),
            }),
            ..stored.row.clone()
        };
        self.people
            .put_changed(&mut batch, stored, &decided)
            .map_err(fault::table)?;
        let carried = if verdict.approve {
            self.carry_out(&mut batch, &stored.row, session.account())
        } else {
            Ok(Change::Nothing)
        };
        let change = match carried {
            Ok(change) => change,
            Err(error) => return self.fail(permit, error),
        };
        if let Change::Account(account) = &change {
            let before = self.directory.account(account.id);
            if let Err(error) = self.bar_account(before.as_ref(), account) {
                return self.fail(permit, error);
            }
        }
        let notes = std::iter::once(note).chain(change.note()).collect();
        self.commit_people(permit, batch, what, notes)?;
        match change {
            Change::Account(account) => self.apply_account(*account),
            Change::Department(department, left) => {
                self.directory.put_department(department);
                left.into_iter().for_each(|a| self.directory.put_account(a));
                self.guard_credentials();
            }
            Change::Budget(allowance) => self.budget.allow(allowance, self.log.usage().now()),
            Change::Nothing => {}
        }
        Ok(Pending::ready(Ok(state)))
    }

    /// What a request does at once when it is approved. A right goes to a key that is there, not to
    /// whoever uses the code.
    fn carry_out(
        &self,
        batch: &mut Batch,
        approval: &Approval,
        by: AccountId,
    ) -> Result<Change, ServiceError> {
        let asked = approval.asked().ok_or(ServiceError::Expired)?;
        if asked.effect() == Effect::AtOnce && !self.may_still_ask(approval.requester, asked) {
            return Err(ServiceError::Expired);
        }
        match asked {
            Asked::GrantRole { to, role } => {
                let stored = self.account(to.account)?;
                same_key(to, &stored.row)?;
                let changed = Account {
                    roles: stored.row.roles.with(*role)?,
                    ..stored.row.clone()
                };
                self.people
                    .put_changed(batch, &stored, &changed)
                    .map_err(fault::table)?;
                Ok(Change::Account(Box::new(changed)))
            }
            Asked::TakeRole { of, role } => self.take_role(batch, approval.requester, of, *role),
            Asked::SeatDesk {
                department,
                members,
            } => self.seat_desk(batch, *department, members),
            Asked::RaiseBudget { people, cases, .. } => {
                let more = (*people, *cases);
                self.raise(batch, approval, by, more).map(Change::Budget)
            }
            Asked::ResetAccount { .. }
            | Asked::DisableAccount { .. }
            | Asked::OpenRetained { .. }
            | Asked::HandOver { .. }
            | Asked::LiftHold { .. }
            | Asked::TakeOut { .. }
            | Asked::Destroy { .. }
            | Asked::LiftItemHold { .. }
            | Asked::RenewTerm { .. } => Ok(Change::Nothing),
        }
    }

    /// Whether the requester is still there and could ask for the same now. Who comes back to carry
    /// out what was deferred is asked by what they do.
    fn may_still_ask(&self, requester: AccountId, asked: &Asked) -> bool {
        let Some(requester) = self.directory.account(requester) else {
            return false;
        };
        let roles = requester.roles;
        let may = match asked {
            Asked::SeatDesk { .. } => self.authority.of_office::<ManageDepartments>(roles),
            Asked::RaiseBudget { .. } => self.authority.of_office::<RaiseBudget>(roles),
            _ => self.authority.of_office::<ManageAccounts>(roles),
        };
        may && requester.receives().is_some()
    }

    /// No key dies with it: who watches holds no case.
    fn take_role(
        &self,
        batch: &mut Batch,
        requester: AccountId,
        of: &Person,
        role: Role,
    ) -> Result<Change, ServiceError> {
        let stored = self.account(of.account)?;
        same_key(of, &stored.row)?;
        // Another may have gone since it was asked for.
        self.may_lose(requester, &stored.row, role)?;
        let changed = Account {
            roles: stored.row.roles.without(role),
            revision: stored.row.revision + 1,
            ..stored.row.clone()
        };
        let ending = self.end_key(std::mem::take(batch), &stored, changed, requester)?;
        let (with_end, changed) = ending.without_key();
        *batch = with_end;
        Ok(Change::Account(Box::new(changed)))
    }

    fn seat_desk(
        &self,
        batch: &mut Batch,
        department: DepartmentId,
        members: &[Person],
    ) -> Result<Change, ServiceError> {
        for member in members {
            let account = self
                .directory
                .account(member.account)
                .ok_or(ServiceError::NotFound)?;
            if !account.roles.has(Role::HumanRightsOfficer) {
                let why = "name somebody who is no human-rights officer";
                return Err(ServiceError::Invalid(Invalid::new("members", why)));
            }
            same_key(member, &account)?;
        }
        let stored = self
            .people
            .department(department)
            .map_err(fault::table)?
            .ok_or(ServiceError::NotFound)?;
        let changed = Department {
            desk: members.iter().map(|member| member.account).collect(),
            ..stored.row.clone()
        };
        let leaves = |seat: &&AccountId| !members.iter().any(|m| m.account == **seat);
        let left = stored.row.desk.iter().filter(leaves);
        let left = left
            .map(|seat| self.leave_desk(batch, *seat))
            .collect::<Result<Vec<_>, _>>()?;
        let (left, ends): (Vec<_>, Vec<_>) = left.into_iter().unzip();
        self.end_keys(batch, &[], ends.into_iter().flatten().collect())?;
        self.people
            .put_changed(batch, &stored, &changed)
            .map_err(fault::table)?;
        Ok(Change::Department(changed, left))
    }
}

fn same_key(person: &Person, account: &Account) -> Result<(), ServiceError> {
    match person.key.against(account) {
        KeyState::Same => Ok(()),
        KeyState::Awaited => Err(ServiceError::NotEnrolled),
        KeyState::Gone => Err(ServiceError::Expired),
    }
}

/// A request that neither comes from the asker nor is about them.
pub(super) const fn anybodys() -> Target<'static> {
    Target::Request {
        requester: NOBODY,
        concerned: None,
    }
}

/// Stands for no account in a question that concerns none.
pub(super) const NOBODY: AccountId = AccountId::from_bytes([0; 16]);

#[cfg(test)]
mod tests;
