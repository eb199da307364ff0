//! How a verb fails. One map to HTTP (`http::error`) and to exit codes (`cli`).

use std::time::Duration;

use crate::cases::draft::Invalid;
use crate::domain::role::{Exclusive, Role};

/// A verb did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// Absent or forbidden: the same.
    #[error("not found")]
    NotFound,
    /// No session, or one that ended.
    #[error("the session has ended: log in again")]
    SessionEnded,
    /// Wrong login name, password, code: all alike.
    #[error("the credentials are not right")]
    CredentialsRefused,
    /// Slow down.
    #[error("too many failures: wait before the next try")]
    Throttled(Duration),
    /// Slow down, though nothing is wrong.
    #[error("too many requests: wait before the next one")]
    TooFast(Duration),
    /// This purpose is of no use to this person's roles, whatever the case.
    #[error("your roles cannot use this purpose")]
    PurposeRefused,
    /// This action is of no use to this person's roles, whatever its target.
    #[error("your roles cannot do this")]
    RoleRefused,
    /// Nobody approves their own request, or one about themselves.
    #[error("nobody approves their own request or one about themselves")]
    SelfApproval,
    /// Nobody has approved exactly this for this person.
    #[error("a second person has not approved exactly this: ask for it, or wait for the decision")]
    NotApproved,
    /// Nobody would be left who could be the second person for this.
    #[error("nobody is left who could approve this: give another person that role first")]
    NoSecondPerson,
    /// Nobody would be left in a role that an office cannot be without.
    #[error("nobody else is {0}: give another person that role first")]
    LastOfRole(Role),
    /// A sensitive case without assignee or desk.
    #[error("a sensitive case needs an assignee or a department with a sensitive desk")]
    NoRecipient,
    /// Nobody to whom something could be sealed that another law keeps.
    #[error("nobody keeps what is kept apart: enrol a retention custodian first")]
    NoCustodian,
    /// An assignee who has no key yet.
    #[error("an assignee has not enrolled yet and cannot receive a case")]
    NotEnrolled,
    /// Two roles that exclude each other.
    #[error(transparent)]
    ExclusiveRoles(#[from] Exclusive),
    /// There is one already.
    #[error("there is one with this name already")]
    Exists,
    /// It changed meanwhile; read it again.
    #[error("it changed meanwhile: read it again")]
    Conflict,
    /// An import chunk that does not continue where the job stands.
    #[error("the import stands at row {0}")]
    ImportPosition(u64),
    /// A code or approval that is too old or used.
    #[error("it has expired or was used")]
    Expired,
    /// A field that cannot be taken in.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// This person's key does not open the case any more (a reset without re-wrapping).
    #[error("your key does not open this case: ask another assignee to assign it to you again")]
    KeyMissing,
    /// A step that does not follow where the request stands; the text is that state's code.
    #[error("the request is {0}: see which steps may follow")]
    WrongState(&'static str),
    /// A finding that was judged is not explained any more.
    #[error("this finding was judged: ask the auditor to take the judgement back (reopen)")]
    Judged,
    /// A hold stands on the case.
    #[error("a hold stands on the case: nothing of it is destroyed until it is lifted")]
    Held,
    /// A retention rule still runs over what was to be destroyed; the text says which. No personal
    /// data: rules are the office's own.
    #[error("{0}: keep it apart for that long, hold it, or refuse the request")]
    RetentionRuns(String),
    /// The wall clock is ahead of what the access log and the process know.
    #[error("the clock is ahead of what the store knows: two people must confirm the time")]
    ClockDisagrees,
    /// More people or cases than this person opens without giving the password again.
    #[error("over the budget: give your password again, with a reason")]
    StepUpRequired,
    /// More people or cases than this person opens without a second person.
    #[error("over the budget: a second person must approve more")]
    BudgetExceeded,
    /// A print document cannot be made: no font for Korean; the text says where it was looked for.
    #[error("no Korean font: {0}")]
    FontMissing(String),
    /// Too much at once.
    #[error("busy: try again in a moment")]
    Busy,
    /// Sealed.
    #[error("the store is sealed: unseal it first")]
    Sealed,
    /// Nothing may be read because nothing can be logged.
    #[error("the access log cannot be written, so nothing is shown")]
    LogUnavailable,
    /// No room.
    #[error("the disk is full: free space in the data directory")]
    DiskFull,
    /// The write may or may not have happened.
    #[error("it is not known whether this was stored: read before trying again")]
    Unknown,
    /// Wrong passphrase or key file.
    #[error("the passphrase or key file does not open the keyring")]
    WrongPassphrase,
    /// The store was not initialised.
    #[error("there is no store here: run `bongham init` or `bongham quickstart`")]
    Uninitialised,
    /// There is a store, but no keyring where it should be.
    #[error("the keyring is not there: mount it, or name its directory with --keyring")]
    KeyringMissing,
    /// There is a store, but not what another law keeps apart from it.
    #[error(
        "the separate store of what another law keeps is not there: put DATA/retained back in its place"
    )]
    RetainedMissing,
    /// The store is of a newer format.
    #[error("the store was written by a newer version: {0}")]
    Newer(String),
    /// Data directory or keyring may not be written; the text names which and what was tried.
    #[error("{0}: read-only disk or wrong owner")]
    ReadOnly(String),
    /// A restore was begun and is not finished.
    #[error("a restore was begun and is not finished: run the same restore again")]
    Restoring,
    /// A restore that would bring back what must not come back, or lose what need not be lost.
    #[error("the restore is refused: {0}")]
    RestoreRefused(String),
    /// Another process has it.
    #[error("the data directory is in use by another process")]
    InUse,
    /// Stored bytes are wrong; the text names place, never content.
    #[error("damaged store: {0}")]
    Damaged(String),
    /// A fault of the program or the machine; the text holds no personal data.
    #[error("internal error: {0}")]
    Internal(String),
}
