//! Approval by a second person: bound to the exact thing asked for, single use, short-lived.

use std::time::Duration;

use crate::domain::id::{AccountId, ApprovalId, DepartmentId};
use crate::domain::role::Role;
use crate::domain::time::Timestamp;

use super::view::ApprovalState;

/// How long a request can be decided.
pub const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Asked {
    /// A role for an account.
    GrantRole {
        /// To whom.
        account: AccountId,
        /// Which.
        role: Role,
    },
    /// These people, and no others, on a department's sensitive desk.
    SeatDesk {
        /// Which department.
        department: DepartmentId,
        /// Who.
        members: Vec<AccountId>,
    },
}

impl Asked {
    /// The kind, as the API names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::GrantRole { .. } => "grant_role",
            Self::SeatDesk { .. } => "seat_desk",
        }
    }
    /// Whom it is about.
    pub fn concerned(&self) -> Vec<AccountId> {
        match self {
            Self::GrantRole { account, .. } => vec![*account],
            Self::SeatDesk { members, .. } => members.clone(),
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    /// Id.
    pub id: ApprovalId,
    /// What.
    pub asked: Asked,
    /// Who asks.
    pub requester: AccountId,
    /// When.
    pub created: Timestamp,
    /// State as stored; see [`Approval::state_at`].
    pub state: ApprovalState,
}

impl Approval {
    /// Until when it can be decided.
    pub fn expires(&self) -> Timestamp {
        self.created.plus(LIFETIME)
    }
    /// State at this moment. A clock before the request counts as too late, not as early.
    pub fn state_at(&self, now: Timestamp) -> ApprovalState {
        let in_time = self.created <= now && now < self.expires();
        match self.state {
            ApprovalState::Open if !in_time => ApprovalState::Expired,
            state => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_request_dies_with_time_and_with_a_clock_that_jumps_back() {
        let created = Timestamp::from_millis(1_000_000_000);
        let approval = Approval {
            id: ApprovalId::from_bytes([1; 16]),
            asked: Asked::GrantRole {
                account: AccountId::from_bytes([2; 16]),
                role: Role::HumanRightsOfficer,
            },
            requester: AccountId::from_bytes([3; 16]),
            created,
            state: ApprovalState::Open,
        };
        assert_eq!(approval.state_at(created), ApprovalState::Open);
        assert_eq!(
            approval.state_at(created.plus(LIFETIME)),
            ApprovalState::Expired
        );
        assert_eq!(
            approval.state_at(Timestamp::from_millis(0)),
            ApprovalState::Expired
        );
    }
}
