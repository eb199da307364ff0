//! Rows of 0.3.0 (format 1). Of rights they are all that says who gave which to whom and with whose
//! consent; of everything else they are read as over.

use super::{Approval, Asked, Decided, Person, What};
use crate::domain::id::{AccountId, ApprovalId, CaseId, DepartmentId, RetainedId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::time::Timestamp;
use crate::people::view::ApprovalState;

type Hash = [u8; 32];

/// What was asked for; its places never change.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "read to come to what is behind")
)]
pub(crate) enum AskedBefore {
    GrantRole(Person, Role),
    SeatDesk(DepartmentId, Vec<Person>),
    ResetAccount(Person),
    OpenRetained(RetainedId, Purpose, Hash),
    HandOver(Hash),
    LiftHold(CaseId, String),
    Destroy(Hash),
    LiftItemHold(RetainedId, String, Hash),
    RenewTerm(RetainedId, Timestamp, Option<String>, Hash),
    TakeOut(Hash, String, Purpose, u32, u32, bool, String),
    RaiseBudget(u32, u32, Hash),
}

/// One request; its places never change.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(crate) struct ApprovalBefore(
    pub(crate) ApprovalId,
    pub(crate) AskedBefore,
    pub(crate) Hash,
    pub(crate) AccountId,
    pub(crate) Vec<AccountId>,
    pub(crate) Timestamp,
    pub(crate) Option<Decided>,
    pub(crate) ApprovalState,
);

impl AskedBefore {
    fn now(self) -> What {
        let emptied = |kind: &str| What::Emptied {
            kind: kind.to_owned(),
        };
        match self {
            Self::GrantRole(to, role) => What::Asked(Asked::GrantRole { to, role }),
            Self::SeatDesk(department, members) => What::Asked(Asked::SeatDesk {
                department,
                members,
            }),
            Self::ResetAccount(of) => What::Asked(Asked::ResetAccount { of }),
            Self::OpenRetained(..) => emptied("open_retained"),
            Self::HandOver(_) => emptied("hand_over"),
            Self::LiftHold(..) => emptied("lift_hold"),
            Self::Destroy(_) => emptied("destroy"),
            Self::LiftItemHold(..) => emptied("lift_item_hold"),
            Self::RenewTerm(..) => emptied("renew_term"),
            Self::TakeOut(..) => emptied("take_out"),
            Self::RaiseBudget(..) => emptied("raise_budget"),
        }
    }
}

impl From<ApprovalBefore> for Approval {
    fn from(before: ApprovalBefore) -> Self {
        let ApprovalBefore(id, asked, hash, requester, barred, created, decided, state) = before;
        let raised = matches!(asked, AskedBefore::RaiseBudget(..));
        let what = asked.now();
        let state = match (&what, state) {
            (What::Emptied { .. }, ApprovalState::Open) => ApprovalState::Expired,
            (What::Emptied { .. }, ApprovalState::Approved) if !raised => ApprovalState::Expired,
            (_, state) => state,
        };
        Self {
            id,
            what,
            hash,
            requester,
            barred,
            created,
            decided,
            state,
        }
    }
}
