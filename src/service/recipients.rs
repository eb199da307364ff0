//! Who receives a case: the named assignees or, for a sensitive case that names none, the
//! department's sensitive desk. Without either a sensitive case is refused.

use super::error::ServiceError;
use super::store::Store;
use crate::cases::draft::Invalid;
use crate::cases::head::Head;
use crate::domain::id::AccountId;
use crate::domain::limit::{ASSIGNEES_MAX, LINE_BYTES_MAX};
use crate::domain::role::Role;
use crate::domain::tier::Tier;
use crate::people::account::{Account, Login};
use crate::people::department::Department;
use crate::people::view::Warning;
use crate::vault::Holder;

/// The people a case goes to.
pub(super) struct Recipients {
    pub(super) assignees: Vec<AccountId>,
    pub(super) desk: Vec<AccountId>,
    pub(super) holders: Vec<Holder>,
}

impl Store {
    /// Resolves login names and checks that each can receive a case of this tier.
    pub(super) fn recipients(
        &self,
        tier: Tier,
        department: &Department,
        logins: &[String],
    ) -> Result<Recipients, ServiceError> {
        if logins.len() > ASSIGNEES_MAX {
            return Err(ServiceError::Invalid(Invalid::new(
                "assignees",
                "are too many",
            )));
        }
        let mut assignees: Vec<AccountId> = Vec::new();
        let mut holders = Vec::new();
        for login in logins {
            let account = Login::parse(login)
                .ok()
                .and_then(|login| self.directory.by_login(&login));
            let account = account
                .ok_or_else(|| Invalid::new("assignees", "name an account that does not exist"))?;
            if assignees.contains(&account.id) {
                continue;
            }
            holders.push(holder(&account, tier, None)?);
            assignees.push(account.id);
        }
        if tier == Tier::Ordinary || !assignees.is_empty() {
            return Ok(Recipients {
                assignees,
                desk: Vec::new(),
                holders,
            });
        }
        let mut desk = Vec::new();
        for id in &department.desk {
            let Some(account) = self.directory.account(*id) else {
                continue;
            };
            if let Ok(holder) = holder(&account, tier, Some(department)) {
                holders.push(holder);
                desk.push(*id);
            }
        }
        if holders.is_empty() {
            Err(ServiceError::NoRecipient)
        } else {
            Ok(Recipients {
                assignees,
                desk,
                holders,
            })
        }
    }

    /// The department with this code.
    pub(super) fn department(&self, code: &str) -> Result<Department, ServiceError> {
        let found = self.directory.by_code(code);
        Ok(found.ok_or_else(|| Invalid::new("department", "is not the code of a department"))?)
    }
}

fn holder(
    account: &Account,
    tier: Tier,
    desk: Option<&Department>,
) -> Result<Holder, ServiceError> {
    let handles = match tier {
        Tier::Sensitive => account.roles.has(Role::HumanRightsOfficer),
        Tier::Ordinary | Tier::Retained => account.roles.has(Role::Officer),
    };
    if !handles {
        let why = "name an account that may not handle such a case";
        return Err(ServiceError::Invalid(Invalid::new("assignees", why)));
    }
    let key = account.receives().ok_or(ServiceError::NotEnrolled)?;
    Ok(Holder {
        account: account.id,
        key,
        desk: desk.map(|d| d.id),
    })
}

/// What to mind about a case that goes to so many people: with a single one, a forgotten password
/// loses it.
pub(super) fn single_recipient(tier: Tier, recipients: usize) -> Vec<Warning> {
    if tier == Tier::Sensitive && recipients == 1 {
        vec![Warning::SingleRecipient]
    } else {
        Vec::new()
    }
}

/// A reason goes into the log as it is, so that it is bounded before anything is looked up.
pub(super) fn reason_fits(reason: &str) -> Result<(), ServiceError> {
    if reason.len() > LINE_BYTES_MAX {
        return Err(ServiceError::Invalid(Invalid::new("reason", "is too long")));
    }
    Ok(())
}

/// Whether everybody who holds the case now still holds it afterwards.
pub(super) fn keeps_all(before: &Head, after: &Recipients) -> bool {
    before
        .holders()
        .iter()
        .all(|id| after.assignees.contains(id) || after.desk.contains(id))
}
