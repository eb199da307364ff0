//! All that a decision may depend on, so that it can be remembered: not which case, but how the
//! actor stands to it.

use super::facts::Target;
use crate::domain::id::{AccountId, DepartmentId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;
use crate::domain::tier::Tier;

/// Who asks to do what, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The action's Cedar id.
    pub(super) action: &'static str,
    /// The actor's roles.
    pub(super) roles: Roles,
    /// The purpose given.
    pub(super) purpose: Option<Purpose>,
}

/// How the actor stands to what they aim at. Two targets with the same aim get the same decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Aim {
    Case {
        tier: Tier,
        /// The actor holds it.
        holder: bool,
        /// The actor's department handles it.
        own_department: bool,
        restricted: bool,
    },
    /// A case that does not exist.
    NoCase,
    NewCase {
        tier: Tier,
        own_department: bool,
    },
    Office,
    Request {
        /// The actor asked.
        own: bool,
        /// It is about the actor.
        concerns_actor: bool,
    },
}

const TIERS: [Tier; 3] = [Tier::Sensitive, Tier::Ordinary, Tier::Retained];
const BOTH: [bool; 2] = [false, true];

impl Aim {
    /// How this actor stands to this target.
    pub(super) fn of(
        target: Target<'_>,
        actor: AccountId,
        department: Option<DepartmentId>,
    ) -> Self {
        match target {
            Target::Case(facts) => Self::Case {
                tier: facts.tier,
                holder: facts.holders.contains(&actor),
                own_department: department == Some(facts.department),
                restricted: facts.restricted,
            },
            Target::NoCase(_) => Self::NoCase,
            Target::NewCase {
                tier,
                department: to,
            } => Self::NewCase {
                tier,
                own_department: department == Some(to),
            },
            Target::Office => Self::Office,
            Target::Request {
                requester,
                concerned,
            } => Self::Request {
                own: requester == actor,
                concerns_actor: concerned == Some(actor),
            },
        }
    }
    /// What the policies are asked about: an absent case looks to them like a stranger's
    /// sensitive one, so that both are refused by the same policies at the same cost.
    pub(super) const fn seen(self) -> Self {
        match self {
            Self::NoCase => Self::Case {
                tier: Tier::Sensitive,
                holder: false,
                own_department: false,
                restricted: false,
            },
            other => other,
        }
    }
    /// Everything that can be asked about.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let cases = TIERS.into_iter().flat_map(|tier| {
            (0..8_u8).map(move |bits| Self::Case {
                tier,
                holder: bits & 1 != 0,
                own_department: bits & 2 != 0,
                restricted: bits & 4 != 0,
            })
        });
        let new = TIERS.into_iter().flat_map(|tier| {
            BOTH.map(|own_department| Self::NewCase {
                tier,
                own_department,
            })
        });
        let requests = BOTH.into_iter().flat_map(|own| {
            BOTH.map(|concerns_actor| Self::Request {
                own,
                concerns_actor,
            })
        });
        cases
            .chain(new)
            .chain(requests)
            .chain([Self::NoCase, Self::Office])
    }
    /// Whether somebody with or without a department can come to aim at this.
    pub(super) const fn reachable(self, has_department: bool) -> bool {
        match self {
            Self::Case { own_department, .. } | Self::NewCase { own_department, .. } => {
                has_department || !own_department
            }
            Self::NoCase => false,
            Self::Office | Self::Request { .. } => true,
        }
    }
}
