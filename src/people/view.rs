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
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct RolesChange {
    /// Roles in force.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Roles that wait for a second person.
    #[schema(value_type = Vec<String>)]
    pub pending_roles: Vec<Role>,
    /// Ids of the approvals that were asked for.
    pub approvals: Vec<String>,
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
    /// Approved and carried out.
    Approved,
    /// Refused.
    Refused,
    /// Too old.
    Expired,
}

/// One request for a second person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ApprovalView {
    /// Id.
    pub id: String,
    /// `grant_role` or `seat_desk`.
    pub kind: String,
    /// Login name of who asks.
    pub requester: String,
    /// Login names of whom it is about.
    pub concerned: Vec<String>,
    /// What is asked, in words.
    pub asked: String,
    /// When.
    pub created_at: String,
    /// Until when it can be decided.
    pub expires_at: String,
    /// State.
    pub state: ApprovalState,
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
