//! The outcome of a decision: a permit that is spent once, or a denial that can only be logged.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::action::Action;
use super::facts::Fields;
use crate::authn::session::{Origin, Session};
use crate::domain::id::{AccountId, CaseId, DepartmentId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;

static TICKETS: AtomicU64 = AtomicU64::new(1);

/// On what a decision rests, as the access log names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Who asked.
    pub actor: AccountId,
    /// Their roles at that moment.
    pub roles: Roles,
    /// Their department.
    pub department: Option<DepartmentId>,
    /// From where.
    pub origin: Origin,
    /// For what.
    pub purpose: Option<Purpose>,
    /// About which case, existing or not.
    pub case: Option<CaseId>,
    /// Ids of the policies that decided.
    pub policies: Arc<[String]>,
    /// SHA-256 of the policy set.
    pub policy_set: [u8; 32],
}

impl Basis {
    pub(super) fn of(
        session: &Session,
        purpose: Option<Purpose>,
        case: Option<CaseId>,
        policies: Arc<[String]>,
        policy_set: [u8; 32],
    ) -> Self {
        Self {
            actor: session.account(),
            roles: session.roles(),
            department: session.department(),
            origin: session.origin().clone(),
            purpose,
            case,
            policies,
            policy_set,
        }
    }
}

/// Permission for one `A`, by one person, on one thing. Not `Clone`: it is given up to open and
/// to log, once.
#[must_use = "a permit that is not recorded must not have shown anything"]
pub struct Permit<A: Action> {
    ticket: u64,
    basis: Basis,
    fields: Fields,
    action: PhantomData<A>,
}

impl<A: Action> Permit<A> {
    /// Minted by the decision alone.
    pub(super) fn mint(basis: Basis, fields: Fields) -> Self {
        let ticket = TICKETS.fetch_add(1, Ordering::Relaxed);
        Self {
            ticket,
            basis,
            fields,
            action: PhantomData,
        }
    }
    /// Tells this permit from every other of this process: what it opened and what was logged
    /// for it must match.
    pub const fn ticket(&self) -> u64 {
        self.ticket
    }
    /// On what it rests.
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }
    /// The case it is for.
    pub const fn case(&self) -> Option<CaseId> {
        self.basis.case
    }
    /// Which fields may be shown.
    pub const fn fields(&self) -> Fields {
        self.fields
    }
}

/// A refusal. It becomes an answer only through the access log.
#[must_use = "a denial is an access-log entry"]
pub struct Denied<A: Action> {
    /// Boxed, because it travels in every `Err` on the road.
    basis: Box<Basis>,
    action: PhantomData<A>,
}

impl<A: Action> Denied<A> {
    pub(super) fn mint(basis: Basis) -> Self {
        Self {
            basis: Box::new(basis),
            action: PhantomData,
        }
    }
    /// On what it rests.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

#[cfg(test)]
impl<A: Action> Permit<A> {
    /// A permit that nobody decided: for tests of what lies behind the decision.
    pub(crate) fn undecided(basis: Basis, fields: Fields) -> Self {
        Self::mint(basis, fields)
    }
}

#[cfg(test)]
impl<A: Action> Denied<A> {
    /// A denial that nobody decided: for tests of what lies behind the decision.
    pub(crate) fn undecided(basis: Basis) -> Self {
        Self::mint(basis)
    }
}
