//! What may be shown of people and their rights.

use crate::domain::role::Role;

/// State of an account.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Created; has no key yet and can receive no case.
    Invited,
    /// Has set their own password and got a key pair.
    Enrolled,
    /// May not log in.
    Disabled,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AccountView {
    /// Id.
    pub id: String,
    /// Login name.
    pub account: String,
    /// Roles in force.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Department code.
    pub department: Option<String>,
    /// State.
    pub state: AccountState,
    /// Fingerprint of the public key.
    pub fingerprint: Option<String>,
}

/// A created or reset account: the code is shown once.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct Invitation {
    /// Id.
    pub id: String,
    /// Login name.
    pub account: String,
    /// Roles in force.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Roles that wait for a second person.
    #[schema(value_type = Vec<String>)]
    pub pending_roles: Vec<Role>,
    /// State.
    pub state: AccountState,
    /// One-time code with which the person sets their own password.
    pub enrolment_code: String,
    /// Until when it can be used.
    pub enrolment_expires_at: String,
    /// Ids of the approvals that were asked for.
    pub approvals: Vec<String>,
}

/// Outcome of a change of roles.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub struct RolesChange {
    /// Roles in force.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Roles that wait for a second person.
    #[schema(value_type = Vec<String>)]
    pub pending_roles: Vec<Role>,
    /// Roles in force whose end waits for a second person.
    #[schema(value_type = Vec<String>)]
    pub pending_removals: Vec<Role>,
    /// Ids of the approvals that were asked for.
    pub approvals: Vec<String>,
    /// One-time code, where the old key ended with the human-rights role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment_code: Option<String>,
    /// Until when it can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment_expires_at: Option<String>,
    /// What to mind.
    pub warnings: Vec<Warning>,
}

/// Something that was done although it may harm.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// The person's key ends: a sensitive case that nobody else holds can never be opened again.
    /// Said of every human-rights officer, whatever they hold.
    CasesMayBeLost,
    /// One person alone can open this sensitive case.
    SingleRecipient,
}

/// An account after a change.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct AccountChange {
    /// State now.
    pub state: AccountState,
    /// Ids of the approvals that were asked for: nothing has changed yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
    /// What to mind.
    pub warnings: Vec<Warning>,
}

/// Outcome of an enrolment.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct Enrolled {
    /// Login name.
    pub account: String,
    /// Fingerprint of the new public key.
    pub fingerprint: String,
}

/// One department.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct DepartmentView {
    /// Code, used in requests.
    pub code: String,
    /// Name.
    pub name: String,
    /// Login names of the sensitive desk.
    pub desk: Vec<String>,
}

/// State of an approval.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Waits.
    Open,
    /// Approved: carried out, or for its requester to use.
    Approved,
    /// Refused.
    Refused,
    /// Too old.
    Expired,
    /// Approved and used up.
    Spent,
    /// The key of somebody it is about changed: it can never be approved.
    Void,
}

/// One request for a second person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ApprovalView {
    /// Id.
    pub id: String,
    /// `grant_role`, `take_role`, `seat_desk`, `reset_account`, `disable_account`, `open_retained`,
    /// `hand_over`, `lift_hold`, `lift_item_hold`, `renew_term`, `take_out`, `raise_budget` or
    /// `destroy`.
    pub kind: String,
    /// SHA-256 of exactly what is asked and by whom, hexadecimal: sent back with the decision, it
    /// makes sure that this and nothing else is decided.
    pub hash: String,
    /// Login name of who asks.
    pub requester: String,
    /// Login names of whom it is about.
    pub concerned: Vec<String>,
    /// What is asked, in words.
    pub asked: String,
    /// The same in Korean.
    pub asked_ko: String,
    /// When.
    pub created_at: String,
    /// Until when it can be decided or, once approved, used.
    pub expires_at: String,
    /// State.
    pub state: ApprovalState,
    /// Login name of who approved or refused.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<String>,
}

/// What a copy is worth and what it endangers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// It opens what the store opens, and nothing that was destroyed.
    Current,
    /// Keys were made since: after a restore from it, what was registered with them is lost.
    Behind,
    /// Keys were destroyed since, which it still has: replace it, destroy it, acknowledge it.
    Stale,
    /// It is destroyed, says its holder.
    Acknowledged,
}
