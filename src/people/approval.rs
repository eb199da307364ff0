//! Approval by a second person: bound to the exact thing asked for, single use, short-lived.
//!
//! Some requests are carried out by the approval itself ([`Effect::AtOnce`]); the others are
//! handed back to who asked, who spends them with the act ([`Effect::Deferred`]), in one batch.

use std::time::Duration;

use crate::crypto::wrap::Fingerprint;
use crate::domain::id::{AccountId, ApprovalId, CaseId, DepartmentId, RetainedId};
use crate::domain::purpose::Purpose;
use crate::domain::role::{Role, Roles};
use crate::domain::time::Timestamp;

use super::account::Account;
use super::view::ApprovalState;

mod about;
pub(crate) mod before;
mod hash;
mod take_out;

pub use hash::content_hash;
pub use take_out::{Lock, TakeOut};

/// How long a request can be decided, and after that how long an approval can be spent.
pub const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The key pair that a request is about: a right that two people give goes to this one or to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyShown {
    /// Version: that of the key in force or, before the enrolment, of the first key to be made.
    /// Two keys of an account never share one.
    pub version: u32,
    /// Its fingerprint, where the key was there when the request was made.
    pub fingerprint: Option<Fingerprint>,
}

/// How an account's key stands to the one a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is that key.
    Same,
    /// The person has not enrolled yet.
    Awaited,
    /// That key is gone, for good.
    Gone,
}

impl KeyShown {
    /// The key of this account, or the one that its next enrolment makes.
    pub fn of(account: &Account) -> Self {
        match account.receives() {
            Some(key) => Self {
                version: account.key_version,
                fingerprint: Some(key.fingerprint()),
            },
            None => Self {
                version: account.key_version.saturating_add(1),
                fingerprint: None,
            },
        }
    }
    /// Whether this is still the key of the account.
    pub fn against(&self, account: &Account) -> KeyState {
        match account.receives() {
            None if account.key_version < self.version => KeyState::Awaited,
            Some(key)
                if account.key_version == self.version
                    && self
                        .fingerprint
                        .is_none_or(|shown| shown == key.fingerprint()) =>
            {
                KeyState::Same
            }
            _ => KeyState::Gone,
        }
    }
}

/// One account, and the key by which it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// Who.
    pub account: AccountId,
    /// By which key.
    pub key: KeyShown,
}

impl Person {
    /// This account as it stands now.
    pub fn of(account: &Account) -> Self {
        Self {
            account: account.id,
            key: KeyShown::of(account),
        }
    }
}

/// A hold that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Standing {
    /// Who set it.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

/// What is asked for. Everything that the act depends on is in here, by value or by hash, so that
/// it is exactly this that is approved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Asked {
    /// A role for a person.
    GrantRole {
        /// To whom.
        to: Person,
        /// Which.
        role: Role,
    },
    /// The end of a role of somebody who watches over the others.
    TakeRole {
        /// Whose.
        of: Person,
        /// Which.
        role: Role,
    },
    /// These people, and no others, on a department's sensitive desk.
    SeatDesk {
        /// Which department.
        department: DepartmentId,
        /// Who.
        members: Vec<Person>,
    },
    /// A new one-time code for a person who has a role: their key dies.
    ResetAccount {
        /// Whose.
        of: Person,
    },
    /// Somebody who watches over the others is shut out: their key dies.
    DisableAccount {
        /// Who.
        of: Person,
    },
    /// A look at what another law keeps apart.
    OpenRetained {
        /// Which item.
        item: RetainedId,
        /// What for.
        purpose: Purpose,
        /// Why, in the requester's words.
        reason: String,
    },
    /// Items kept apart go to the archive.
    HandOver {
        /// How many.
        count: u32,
        /// The items, where they are few.
        named: Vec<RetainedId>,
        /// Fingerprint of the archive's key, in hexadecimal.
        archive: String,
        /// Why, in the requester's words.
        reason: String,
        /// [`content_hash`] of the items and of the archive's key.
        items_hash: [u8; 32],
    },
    /// A hold on a case ends.
    LiftHold {
        /// Which case.
        case: CaseId,
        /// The law or matter that the hold rests on.
        ground: String,
        /// Why, in the requester's words.
        reason: String,
        /// The holds on that ground that stand: one that is set later is not lifted by it.
        standing: Vec<Standing>,
    },
    /// The end of what is kept apart. The end of cases is approved on its own form, step by step.
    Destroy {
        /// Which item.
        item: RetainedId,
        /// Of how many units.
        units: u32,
        /// The law that kept it, and its article.
        basis: (String, String),
        /// Id of the decision of the records appraisal, where one is needed.
        decision: Option<String>,
        /// Why, in the requester's words.
        reason: String,
        /// [`content_hash`] of the order.
        order_hash: [u8; 32],
    },
    /// A hold on what is kept apart ends.
    LiftItemHold {
        /// Which item.
        item: RetainedId,
        /// The law or matter that the hold rests on.
        ground: String,
        /// Why, in the requester's words.
        reason: String,
        /// The holds on that ground that stand: one that is set later is not lifted by it.
        standing: Vec<Standing>,
    },
    /// What is kept apart gets a later end.
    RenewTerm {
        /// Which item.
        item: RetainedId,
        /// Until when.
        until: Timestamp,
        /// Id of the decision of the records appraisal.
        decision: Option<String>,
        /// Why, in the requester's words.
        reason: String,
    },
    /// Cases leave the store in a file or on paper.
    TakeOut(Box<TakeOut>),
    /// More people and cases than the budget lets one person open.
    RaiseBudget {
        /// More people.
        people: u32,
        /// More cases.
        cases: u32,
        /// Why, in the requester's words.
        reason: String,
    },
}

/// Rights that a request is about.
pub struct Rights<'a> {
    /// Whose, by the keys that were shown.
    pub people: &'a [Person],
    /// The role that is given or taken.
    pub role: Option<Role>,
    /// The department whose desk is seated.
    pub department: Option<DepartmentId>,
}

/// When the thing asked for happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// By the approval itself.
    AtOnce,
    /// When the requester comes back with the approval's id and the same request.
    Deferred,
}

impl Asked {
    /// The kind, as the API names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::GrantRole { .. } => "grant_role",
            Self::TakeRole { .. } => "take_role",
            Self::SeatDesk { .. } => "seat_desk",
            Self::ResetAccount { .. } => "reset_account",
            Self::DisableAccount { .. } => "disable_account",
            Self::OpenRetained { .. } => "open_retained",
            Self::HandOver { .. } => "hand_over",
            Self::LiftHold { .. } => "lift_hold",
            Self::TakeOut(_) => "take_out",
            Self::RaiseBudget { .. } => "raise_budget",
            Self::Destroy { .. } => "destroy",
            Self::LiftItemHold { .. } => "lift_item_hold",
            Self::RenewTerm { .. } => "renew_term",
        }
    }
    /// When it takes effect.
    pub const fn effect(&self) -> Effect {
        match self {
            Self::GrantRole { .. }
            | Self::TakeRole { .. }
            | Self::SeatDesk { .. }
            | Self::RaiseBudget { .. } => Effect::AtOnce,
            Self::ResetAccount { .. }
            | Self::DisableAccount { .. }
            | Self::OpenRetained { .. }
            | Self::HandOver { .. }
            | Self::LiftHold { .. }
            | Self::TakeOut(_)
            | Self::Destroy { .. }
            | Self::LiftItemHold { .. }
            | Self::RenewTerm { .. } => Effect::Deferred,
        }
    }
    /// The rights that it is about, if it is about rights alone: then it names no case, nobody in
    /// one, and no reason.
    pub fn rights(&self) -> Option<Rights<'_>> {
        let of = |people, role, department| {
            Some(Rights {
                people,
                role,
                department,
            })
        };
        match self {
            Self::GrantRole { to: person, role } | Self::TakeRole { of: person, role } => {
                of(std::slice::from_ref(person), Some(*role), None)
            }
            Self::ResetAccount { of: person } | Self::DisableAccount { of: person } => {
                of(std::slice::from_ref(person), None, None)
            }
            Self::SeatDesk {
                department,
                members,
            } => of(members, None, Some(*department)),
            Self::OpenRetained { .. }
            | Self::HandOver { .. }
            | Self::LiftHold { .. }
            | Self::TakeOut(_)
            | Self::RaiseBudget { .. }
            | Self::Destroy { .. }
            | Self::LiftItemHold { .. }
            | Self::RenewTerm { .. } => None,
        }
    }
    /// The people it is about, by the keys that were shown.
    pub fn people(&self) -> &[Person] {
        self.rights().map_or(&[], |rights| rights.people)
    }
    /// Whom it is about.
    pub fn concerned(&self) -> Vec<AccountId> {
        self.people().iter().map(|person| person.account).collect()
    }
    /// Who answers for what is asked and so does not consent to it.
    fn responsible(&self) -> Option<AccountId> {
        match self {
            Self::TakeOut(taken) => Some(taken.responsible),
            _ => None,
        }
    }
}

/// What the second person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decided {
    /// Who.
    pub by: AccountId,
    /// In which roles.
    pub roles: Roles,
    /// When.
    pub at: Timestamp,
}

/// What a row says of what was asked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// All of it, while somebody may decide on it or use it.
    Asked(Asked),
    /// It is over, and what was said of cases and people, and why, is gone.
    Emptied {
        /// [`Asked::kind`].
        kind: String,
    },
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    /// Id.
    pub id: ApprovalId,
    /// What.
    pub what: What,
    /// [`Asked::hash`], as it was when the request was made.
    pub hash: [u8; 32],
    /// Who asks.
    pub requester: AccountId,
    /// Who may not decide, besides the requester and whom it is about: people who had a part in
    /// what is asked for.
    pub barred: Vec<AccountId>,
    /// When.
    pub created: Timestamp,
    /// The decision, once there is one.
    pub decided: Option<Decided>,
    /// State as stored; see [`Approval::state_at`].
    pub state: ApprovalState,
}

impl Approval {
    /// A request that waits.
    pub fn new(
        id: ApprovalId,
        asked: Asked,
        requester: AccountId,
        barred: Vec<AccountId>,
        created: Timestamp,
    ) -> Self {
        Self {
            id,
            hash: asked.hash(requester),
            what: What::Asked(asked),
            requester,
            barred,
            created,
            decided: None,
            state: ApprovalState::Open,
        }
    }
    /// What is asked, while the row says so.
    pub const fn asked(&self) -> Option<&Asked> {
        match &self.what {
            What::Asked(asked) => Some(asked),
            What::Emptied { .. } => None,
        }
    }
    /// The kind, as the API names it.
    pub fn kind(&self) -> &str {
        match &self.what {
            What::Asked(asked) => asked.kind(),
            What::Emptied { kind } => kind,
        }
    }
    /// Whom it is about, while the row says so.
    pub fn concerned(&self) -> Vec<AccountId> {
        self.asked().map_or_else(Vec::new, Asked::concerned)
    }
    /// Whether it is carried out by its requester, who has yet to come back.
    fn is_deferred(&self) -> bool {
        let effect = self.asked().map(Asked::effect);
        effect == Some(Effect::Deferred)
    }
    /// Whether somebody may still decide on it or use it in this state.
    pub fn awaits(&self, state: ApprovalState) -> bool {
        match state {
            ApprovalState::Open => true,
            ApprovalState::Approved => self.is_deferred(),
            _ => false,
        }
    }
    /// The same for who does not decide: opaque ids and numbers, without what says which case it is.
    #[must_use]
    pub fn opaque(&self) -> Self {
        let mut what = self.what.clone();
        match &mut what {
            What::Asked(Asked::TakeOut(taken)) => taken.named.clear(),
            What::Asked(Asked::LiftHold { ground, .. } | Asked::LiftItemHold { ground, .. }) => {
                "-".clone_into(ground);
            }
            _ => {}
        }
        Self {
            what,
            ..self.clone()
        }
    }
    /// The same, over in this state for good. Who may have which role stays readable; what is said
    /// of cases and people, and why, does not.
    #[must_use]
    pub fn over(&self, state: ApprovalState) -> Self {
        let what = match &self.what {
            What::Asked(asked) if asked.rights().is_none() => What::Emptied {
                kind: asked.kind().to_owned(),
            },
            what => what.clone(),
        };
        Self {
            what,
            state,
            ..self.clone()
        }
    }
    /// Until when it can be decided or, once approved, spent.
    pub fn expires(&self) -> Timestamp {
        self.since().plus(LIFETIME)
    }
    /// When it was decided or, before that, made.
    pub fn since(&self) -> Timestamp {
        self.decided.map_or(self.created, |decided| decided.at)
    }
    /// State at this moment. A clock before the request counts as too late, not as early.
    pub fn state_at(&self, now: Timestamp) -> ApprovalState {
        let in_time = self.since() <= now && now < self.expires();
        if self.awaits(self.state) && !in_time {
            ApprovalState::Expired
        } else {
            self.state
        }
    }
    /// Whether this person may not be the second one.
    pub fn bars(&self, account: AccountId) -> bool {
        let has_part = |asked: &Asked| {
            asked.responsible() == Some(account)
                || asked.people().iter().any(|p| p.account == account)
        };
        self.requester == account
            || self.barred.contains(&account)
            || self.asked().is_some_and(has_part)
    }
    /// Whether this is the request of this person for exactly this.
    pub fn is_for(&self, asked: &Asked, requester: AccountId) -> bool {
        self.requester == requester && self.hash == asked.hash(requester)
    }
}

#[cfg(test)]
mod tests;
