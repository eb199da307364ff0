//! Approval by a second person: bound to the exact thing asked for, single use, short-lived.
//!
//! Some requests are carried out by the approval itself ([`Effect::AtOnce`]); the others are
//! handed back to who asked, who spends them with the act ([`Effect::Deferred`]), in one batch.

use std::time::Duration;

use ring::digest::{Context, SHA256};

use crate::crypto::wrap::Fingerprint;
use crate::domain::id::{AccountId, ApprovalId, CaseId, DepartmentId, RetainedId};
use crate::domain::purpose::Purpose;
use crate::domain::role::{Role, Roles};
use crate::domain::time::Timestamp;

use super::account::Account;
use super::view::ApprovalState;

mod take_out;

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
        /// [`text_hash`] of the reason given.
        reason_hash: [u8; 32],
    },
    /// Items kept apart go to the archive.
    HandOver {
        /// [`content_hash`] of the items.
        items_hash: [u8; 32],
    },
    /// A hold on a case ends.
    LiftHold {
        /// Which case.
        case: CaseId,
        /// The law or matter that the hold rests on.
        ground: String,
        /// [`content_hash`] of who set the holds on that ground that stand, and when.
        standing_hash: [u8; 32],
    },
    /// The end of what is kept apart. The end of cases is approved on its own form, step by step.
    Destroy {
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
        /// [`content_hash`] of who set the holds on that ground that stand, and when.
        standing_hash: [u8; 32],
    },
    /// What is kept apart gets a later end.
    RenewTerm {
        /// Which item.
        item: RetainedId,
        /// Until when.
        until: Timestamp,
        /// Id of the decision of the records appraisal.
        decision: Option<String>,
        /// [`text_hash`] of the reason given.
        reason_hash: [u8; 32],
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
    /// The people it is about, by the keys that were shown.
    pub fn people(&self) -> &[Person] {
        match self {
            Self::GrantRole { to: person, .. }
            | Self::TakeRole { of: person, .. }
            | Self::ResetAccount { of: person }
            | Self::DisableAccount { of: person } => std::slice::from_ref(person),
            Self::SeatDesk { members, .. } => members,
            Self::OpenRetained { .. }
            | Self::HandOver { .. }
            | Self::LiftHold { .. }
            | Self::TakeOut(_)
            | Self::RaiseBudget { .. }
            | Self::Destroy { .. }
            | Self::LiftItemHold { .. }
            | Self::RenewTerm { .. } => &[],
        }
    }
    /// Whom it is about.
    pub fn concerned(&self) -> Vec<AccountId> {
        self.people().iter().map(|person| person.account).collect()
    }
    /// Which role is given or taken.
    pub const fn role(&self) -> Option<Role> {
        match self {
            Self::GrantRole { role, .. } | Self::TakeRole { role, .. } => Some(*role),
            _ => None,
        }
    }
    /// Whose desk is seated.
    pub const fn department(&self) -> Option<DepartmentId> {
        match self {
            Self::SeatDesk { department, .. } => Some(*department),
            _ => None,
        }
    }
    /// Who answers for what is asked and so does not consent to it.
    fn responsible(&self) -> Option<AccountId> {
        match self {
            Self::TakeOut(taken) => Some(taken.responsible),
            _ => None,
        }
    }
    /// What an approval is bound to: SHA-256 over a canonical encoding of kind, content and
    /// requester. Each part stands after its length, so that no two requests share an encoding.
    pub fn hash(&self, requester: AccountId) -> [u8; 32] {
        let mut content = Parts::default();
        match self {
            Self::GrantRole { to: person, role } | Self::TakeRole { of: person, role } => {
                content.person(person).part(role.code().as_bytes())
            }
            Self::SeatDesk {
                department,
                members,
            } => members
                .iter()
                .fold(content.part(department.as_bytes()), Parts::person),
            Self::ResetAccount { of } | Self::DisableAccount { of } => content.person(of),
            Self::OpenRetained {
                item,
                purpose,
                reason_hash,
            } => content
                .part(item.as_bytes())
                .part(purpose.code().as_bytes())
                .part(reason_hash),
            Self::HandOver { items_hash: hash } | Self::Destroy { order_hash: hash } => {
                content.part(hash)
            }
            Self::LiftItemHold {
                item,
                ground,
                reason,
                standing_hash,
            } => content
                .part(item.as_bytes())
                .part(ground.as_bytes())
                .part(reason.as_bytes())
                .part(standing_hash),
            Self::RenewTerm {
                item,
                until,
                decision,
                reason_hash,
            } => content
                .part(item.as_bytes())
                .part(&until.as_millis().to_be_bytes())
                .part(decision.as_deref().unwrap_or_default().as_bytes())
                .part(reason_hash),
            Self::LiftHold {
                case,
                ground,
                standing_hash,
            } => content
                .part(case.as_bytes())
                .part(ground.as_bytes())
                .part(standing_hash),
            Self::TakeOut(taken) => {
                taken.parts(&mut content);
                &mut content
            }
            Self::RaiseBudget {
                people,
                cases,
                reason,
            } => content
                .part(&people.to_be_bytes())
                .part(&cases.to_be_bytes())
                .part(reason.as_bytes()),
        };
        Parts::default()
            .part(b"bongham approval request v1")
            .part(self.kind().as_bytes())
            .part(&content.0)
            .part(requester.as_bytes())
            .sha256()
    }
}

/// Parts, each after its length in eight bytes, big-endian.
#[derive(Default)]
struct Parts(Vec<u8>);

impl Parts {
    fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend((bytes.len() as u64).to_be_bytes());
        self.0.extend(bytes);
        self
    }
    fn person(&mut self, person: &Person) -> &mut Self {
        let Person { account, key } = person;
        let fingerprint = key.fingerprint.as_ref().map(Fingerprint::as_bytes);
        self.part(account.as_bytes())
            .part(&key.version.to_be_bytes())
            .part(fingerprint.map_or(&[], |bytes| bytes.as_slice()))
    }
    fn sha256(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        hash
    }
}

/// Hash of something too long to stand in a request: an order, a list of items. `label` names what
/// it is, so that a hash of one thing is never that of another.
pub fn content_hash<'a>(label: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut all = Parts::default();
    all.part(b"bongham approval content v1")
        .part(label.as_bytes());
    for part in parts {
        all.part(part);
    }
    all.sha256()
}

/// Hash of a text that the approver does not need to see.
pub fn text_hash(text: &str) -> [u8; 32] {
    content_hash("text", [text.as_bytes()])
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

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    /// Id.
    pub id: ApprovalId,
    /// What.
    pub asked: Asked,
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
            asked,
            requester,
            barred,
            created,
            decided: None,
            state: ApprovalState::Open,
        }
    }
    /// Until when it can be decided or, once approved, spent.
    pub fn expires(&self) -> Timestamp {
        self.since().plus(LIFETIME)
    }
    fn since(&self) -> Timestamp {
        self.decided.map_or(self.created, |decided| decided.at)
    }
    /// State at this moment. A clock before the request counts as too late, not as early.
    pub fn state_at(&self, now: Timestamp) -> ApprovalState {
        let in_time = self.since() <= now && now < self.expires();
        match (self.state, self.asked.effect()) {
            (ApprovalState::Open, _) | (ApprovalState::Approved, Effect::Deferred) if !in_time => {
                ApprovalState::Expired
            }
            (state, _) => state,
        }
    }
    /// Whether this person may not be the second one.
    pub fn bars(&self, account: AccountId) -> bool {
        self.requester == account
            || self.barred.contains(&account)
            || self.asked.responsible() == Some(account)
            || self.asked.people().iter().any(|p| p.account == account)
    }
    /// Whether this is the request of this person for exactly this.
    pub fn is_for(&self, asked: &Asked, requester: AccountId) -> bool {
        self.requester == requester && self.hash == asked.hash(requester)
    }
}

#[cfg(test)]
mod tests;
