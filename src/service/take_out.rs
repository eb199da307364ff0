//! What an order to take cases out says in a file and on paper alike: why, to whom, who answers for
//! it and until when; and what a second person consents to.

use std::time::Duration;

use super::error::ServiceError;
use super::fault;
use super::recipients::reason_fits;
use super::store::Store;
use crate::authn::session::Session;
use crate::cases::draft::Invalid;
use crate::cases::head::StoredHead;
use crate::cases::number::register_number;
use crate::disclosure::manifest::{self, Going, Terms};
use crate::domain::id::AccountId;
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::role::Role;
use crate::domain::tier::Tier;
use crate::domain::time::Timestamp;
use crate::people::account::{Account, Login};
use crate::people::approval::{Lock, TakeOut};
use crate::people::view::AccountState;

/// Who may say that the last copy of an output is destroyed (`policies/disclosure.cedar`).
const CLOSERS: [Role; 5] = [
    Role::Officer,
    Role::HumanRightsOfficer,
    Role::Lead,
    Role::Coordinator,
    Role::PrivacyOfficer,
];

/// Longest time until every copy is to be destroyed: ten years, leap days included.
pub(super) const DESTROY_WITHIN: Duration = Duration::from_secs(3653 * 24 * 60 * 60);

/// Most cases, or items kept apart, that an approver is shown one by one.
pub(super) const NAMED_MAX: usize = 10;

/// What an order says besides its cases.
pub(super) struct Said<'a> {
    /// Why.
    pub(super) reason: &'a str,
    /// Who gets it.
    pub(super) receiver: &'a str,
    /// Login name of who answers for its destruction; the asker, if absent.
    pub(super) responsible: Option<&'a str>,
    /// When every copy is to be destroyed, where somebody said.
    pub(super) destroy_by: Option<Timestamp>,
}

impl Store {
    /// Whether an order can be carried out; gives who answers for its destruction.
    pub(super) fn check_said(
        &self,
        session: &Session,
        said: &Said<'_>,
    ) -> Result<AccountId, ServiceError> {
        reason_fits(said.reason)?;
        for (field, text) in [("reason", said.reason), ("receiver", said.receiver)] {
            if text.trim().is_empty() {
                return Err(Invalid::new(field, "is needed").into());
            }
        }
        if said.receiver.len() > LINE_BYTES_MAX || said.receiver.chars().any(char::is_control) {
            return Err(Invalid::new("receiver", "is too long or holds control characters").into());
        }
        if let Some(until) = said.destroy_by {
            let now = self.clock.now();
            if until <= now {
                return Err(Invalid::new("destroy_by", "must be in the future").into());
            }
            if until > now.plus(DESTROY_WITHIN) {
                return Err(Invalid::new("destroy_by", "is more than ten years ahead").into());
            }
        }
        match said.responsible {
            None => Ok(session.account()),
            Some(login) => self.responsible(login),
        }
    }

    fn responsible(&self, login: &str) -> Result<AccountId, ServiceError> {
        let known = Login::parse(login).ok();
        let known = known.and_then(|login| self.directory.by_login(&login));
        // They must be able to say that the last copy is destroyed.
        let able = |account: &Account| {
            account.state == AccountState::Enrolled
                && CLOSERS.iter().any(|role| account.roles.has(*role))
        };
        let unknown = || Invalid::new("responsible", "is nobody here who may close an output");
        Ok(known.filter(able).ok_or_else(unknown)?.id)
    }

    /// What a second person consents to: the list as it stands now, under these terms.
    pub(super) fn take_out(
        &self,
        terms: Terms<'_>,
        reason: &str,
        list: Vec<Going<'_>>,
    ) -> Result<TakeOut, ServiceError> {
        let sensitive = list.iter().filter(|one| one.tier == Tier::Sensitive);
        let people = list.iter().map(|one| one.listed.people.len());
        Ok(TakeOut {
            form: terms.form.code().to_owned(),
            purpose: terms.purpose,
            reason: reason.to_owned(),
            template: terms.template.to_owned(),
            copies: terms.copies,
            cases: count(list.len()),
            sensitive: count(sensitive.count()),
            people: count(people.sum()),
            unmasked: terms.unmasked,
            receiver: terms.receiver.to_owned(),
            lock: match terms.recipient {
                _ if terms.form.is_print() => Lock::Paper,
                "" => Lock::Passphrase,
                key => Lock::Key(key.to_owned()),
            },
            responsible: terms.responsible,
            destroy_by: terms.destroy_by,
            named: self.few(&list)?,
            manifest_hash: manifest::hash(terms, list),
        })
    }

    fn few(&self, list: &[Going<'_>]) -> Result<Vec<String>, ServiceError> {
        if list.len() > NAMED_MAX {
            return Ok(Vec::new());
        }
        let mut named = Vec::with_capacity(list.len());
        for one in list {
            let stored = self.cases.head(one.listed.case).map_err(fault::cases)?;
            named.extend(stored.as_ref().map(name));
        }
        Ok(named)
    }
}

/// The number of an ordinary case and its kind. A sensitive one goes by its receipt: its number
/// tells how many there are, and its kind what it is about.
fn name(stored: &StoredHead) -> String {
    let head = &stored.head;
    match head.tier {
        Tier::Sensitive => head.receipt.to_string(),
        Tier::Ordinary | Tier::Retained => {
            let year = head.registered_at.year();
            let number = register_number(head.tier, year, stored.number);
            format!("{number} {}", head.class)
        }
    }
}

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
