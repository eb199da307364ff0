//! Shape of an access-log entry for the API's description. The bytes are written by
//! [`crate::service::LogEntry`].

#![expect(dead_code, reason = "a description: never made, only described")]

/// One entry of the access log (접속기록). What was sealed is null once its month was destroyed.
#[derive(utoipa::ToSchema)]
pub(super) struct LogEntry {
    /// Index in the log.
    index: u64,
    /// Id of the entry.
    id: String,
    /// When, RFC 3339.
    time: String,
    /// Whether the wall clock had gone back.
    clock_back: bool,
    /// Login name of who did it, as it is today.
    login: Option<String>,
    /// Account id of who did it.
    account: Option<String>,
    /// Their roles at that moment.
    roles: Vec<String>,
    /// What was done.
    task: String,
    /// For what.
    purpose: Option<String>,
    /// What the policies said.
    decision: String,
    /// Which policies decided.
    policies: Vec<String>,
    /// SHA-256 of the policy set, hexadecimal.
    policy_set: Option<String>,
    /// How much.
    counts: LogCounts,
    /// How it ended.
    result: String,
    /// From where.
    source: Option<LogSource>,
    /// Case ids.
    cases: Option<Vec<String>>,
    /// Units of the people whose data it was.
    people: Option<Vec<String>>,
    /// Why, in the actor's words.
    reason: Option<String>,
    /// Kind of query.
    query: Option<String>,
    /// What it notes of rights, second persons and holders.
    notes: Option<Vec<LogNote>>,
}

/// A request for a second person that was made, decided or used with the entry, the roles that an
/// account has from then on (`rights`: accounts and roles alone), or who holds a case from then on
/// (`handed_on`: accounts and accounts before alone).
#[derive(utoipa::ToSchema)]
pub(super) struct LogNote {
    /// `asked`, `approved`, `refused`, `used`, `rights` or `handed_on`.
    note: String,
    /// Kind of the request, as `GET /approvals` names it.
    #[schema(required = false)]
    kind: String,
    /// Id of the request.
    #[schema(required = false)]
    approval: String,
    /// SHA-256 of exactly what was asked and by whom, hexadecimal.
    #[schema(required = false)]
    hash: String,
    /// Account ids of whom it is about.
    accounts: Vec<String>,
    /// Account ids of who held the case before.
    #[schema(required = false)]
    accounts_before: Vec<String>,
    /// Roles that are given or taken or, of `rights`, that are in force.
    #[schema(required = false)]
    roles: Vec<String>,
    /// Id of the department whose desk it is.
    #[schema(required = false)]
    department: Option<String>,
    /// What of how much was asked for, in ids and numbers.
    #[schema(required = false)]
    about: String,
}

/// How much was touched or shown.
#[derive(utoipa::ToSchema)]
pub(super) struct LogCounts {
    cases: u64,
    people: u64,
    bytes: u64,
}

/// From where (접속지).
#[derive(utoipa::ToSchema)]
pub(super) struct LogSource {
    /// Network address; null for the control socket.
    address: Option<String>,
    /// What the device said of itself.
    device: String,
}
