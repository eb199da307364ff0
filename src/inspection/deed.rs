//! Which entries are what, to an inspection: what shows cases, what leaves, what administers.

use crate::audit::Outcome;
use crate::audit::body::Body;
use crate::audit::entry::{Decision, Header};
use crate::audit::usage::{ASK, MORE};
use crate::domain::role::Role;
use crate::domain::task::Task;

/// Policies that permit a disclosure to holders of the case alone: whoever opened it by one of them
/// handled it at that moment.
pub(super) const HOLDERS_ALONE: [&str; 6] = [
    "sensitive_own_handling",
    "sensitive_own_answering",
    "ordinary_own_handling",
    "ordinary_own_answering",
    "sensitive_own_takes_out",
    "ordinary_own_takes_out",
];

/// Policies that permit it to whoever follows the department's cases: supervision, not curiosity,
/// and so counted apart.
pub(super) const SUPERVISION: [&str; 4] = [
    "ordinary_department_lead",
    "ordinary_department_coordinator",
    "ordinary_department_lead_takes_out",
    "ordinary_department_coordinator_takes_out",
];

/// Queries under a permit to administer that change nothing, or go on with what was begun.
const LOOKS: [&str; 6] = [
    "accounts",
    "departments",
    "copies",
    "file",
    "manifest",
    "end",
];

/// Whether cases were shown by it.
pub(super) const fn shows_cases(task: Task) -> bool {
    matches!(
        task,
        Task::Read
            | Task::List
            | Task::Search
            | Task::Export
            | Task::Print
            | Task::Unmask
            | Task::Download
            | Task::OpenRetained
            | Task::HandOver
    )
}

/// Whether it is work on the store itself, its people or its keys.
pub(super) const fn administers(task: Task) -> bool {
    matches!(
        task,
        Task::ManageAccount
            | Task::ManageDepartment
            | Task::Unseal
            | Task::Seal
            | Task::Backup
            | Task::Restore
            | Task::Escrow
    )
}

/// Whether it makes a copy that leaves. What is unmasked in it is an entry beside it.
pub(super) const fn leaves(task: Task) -> bool {
    matches!(task, Task::Export | Task::Print)
}

/// Whether it opens what is in a case, rather than naming it in a list.
pub(super) const fn opens(task: Task) -> bool {
    matches!(task, Task::Read | Task::Export | Task::Print | Task::Unmask)
}

/// What an entry asked, where its body says so.
pub(super) fn query(body: Option<&Body>) -> Option<&str> {
    body.and_then(|body| body.query.as_deref())
}

/// Whether it came to nothing: over a budget, failed, or waiting for a second person.
pub(super) fn came_to_nothing(header: &Header, body: Option<&Body>) -> bool {
    header.outcome == Outcome::Refused || query(body) == Some(ASK)
}

/// Whether it is an output of its own, not the rest of another one's list.
pub(super) fn begins_output(header: &Header, body: Option<&Body>) -> bool {
    leaves(header.task) && query(body) != Some(MORE)
}

/// Whether something of the store was changed or taken by it.
pub(super) fn is_administration(header: &Header, body: Option<&Body>) -> bool {
    let looks = query(body).is_some_and(|query| LOOKS.contains(&query));
    administers(header.task) && header.outcome == Outcome::Done && !looks
}

/// Whether it is one of the steps that no ordinary day has: what another law keeps was opened, the
/// keys were brought in, copied, or a person's were made anew.
pub(super) fn is_special(header: &Header, body: Option<&Body>) -> bool {
    match header.task {
        Task::OpenRetained | Task::HandOver => header.counts.bytes > 0,
        Task::Unseal | Task::Restore => header.outcome == Outcome::Done,
        Task::Backup | Task::Escrow => {
            is_administration(header, body) && query(body) != Some("acknowledge")
        }
        Task::ManageAccount => query(body) == Some("reset"),
        _ => false,
    }
}

/// Whether a case is handed on by it.
pub(super) const fn hands_on(task: Task) -> bool {
    matches!(task, Task::Assign | Task::Reclassify)
}

/// Whether somebody opened cases that others handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Their own, or it is not for them to handle any.
    Own,
    /// The department's, which they follow.
    Followed,
    /// Somebody else's.
    Strange,
}

/// By which right the cases of an entry were opened.
pub(super) fn whose(header: &Header) -> Whose {
    let works = [
        Role::Officer,
        Role::HumanRightsOfficer,
        Role::Lead,
        Role::Coordinator,
        Role::Intake,
    ];
    let by = |policies: &[&str]| {
        header
            .policies
            .iter()
            .any(|id| policies.contains(&id.as_str()))
    };
    if !opens(header.task) || !works.into_iter().any(|role| header.roles.has(role)) {
        Whose::Own
    } else if by(&SUPERVISION) {
        Whose::Followed
    } else if by(&HOLDERS_ALONE) {
        Whose::Own
    } else {
        Whose::Strange
    }
}

/// Whether the sealed part of an entry is needed at all.
pub fn needs_body(header: &Header) -> bool {
    let done = header.outcome == Outcome::Done;
    match header.decision {
        Decision::Allow if administers(header.task) || hands_on(header.task) => done,
        Decision::Allow => {
            done && shows_cases(header.task)
                && (header.counts.cases > 0
                    || header.counts.people > 0
                    || opens(header.task)
                    || header.task == Task::OpenRetained)
        }
        Decision::Deny => true,
        Decision::None => false,
    }
}
