//! Which cases an export is of: from what was asked to exactly these cases, each decided on by
//! itself. What is absent and what may not be taken out are the same: they are not there.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::ServiceError;
use super::export::{Filter, Order, Selection};
use super::fault;
use super::list::scope;
use super::store::Store;
use super::types::PageRequest;
use crate::audit::manifest::Listed;
use crate::authn::session::Session;
use crate::authz::Denied;
use crate::authz::action::{Action, Export, Unmask};
use crate::authz::facts::{Field, Target};
use crate::cases::draft::Invalid;
use crate::cases::head::{Head, StoredHead};
use crate::cases::record;
use crate::cases::view::CaseState;
use crate::crypto::wrap::CaseKey;
use crate::disclosure::manifest::{CASES_MAX, Going};
use crate::disclosure::template::Template;
use crate::domain::id::{CaseId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::tier::{Tier, UnitKind};

/// Rows of a list that are looked at in one go.
const SCAN: Limit = Limit::rows(1024);

/// Cases from which on a list is a long one.
const LONG: usize = 4096;

/// One case that goes out.
pub(super) struct Chosen {
    /// Place in every list: the order of the file.
    pub(super) ordinal: u64,
    /// The case and the people in it that go out.
    pub(super) listed: Listed,
    /// Revision of its head when it was chosen: what a second person consented to. Of another one
    /// nothing goes out: a statement that is added may name a person who is not on the list, and
    /// whom nothing would mask.
    pub(super) revision: u64,
    /// Of a sensitive case: its key and the version of it. Decision 24: it is unwrapped in the
    /// request that begins the export, and zeroed with it.
    pub(super) key: Option<Box<(CaseKey, u32)>>,
}

impl Chosen {
    /// As an approval is bound to it.
    pub(super) fn going(&self) -> Going<'_> {
        Going {
            listed: &self.listed,
            revision: self.revision,
            tier: if self.key.is_some() {
                Tier::Sensitive
            } else {
                Tier::Ordinary
            },
        }
    }
}

impl AsRef<Listed> for Chosen {
    fn as_ref(&self) -> &Listed {
        &self.listed
    }
}

/// What an export is of.
#[derive(Default)]
pub(super) struct Choice {
    /// In the order of registration.
    pub(super) cases: Vec<Chosen>,
    /// How many were named and are not there.
    pub(super) absent: u32,
}

impl Choice {
    pub(super) fn people(&self) -> Vec<UnitId> {
        let of = |one: &Chosen| one.listed.people.len();
        let mut people = Vec::with_capacity(self.cases.iter().map(of).sum());
        people.extend(self.cases.iter().flat_map(|one| one.listed.people.iter()));
        people
    }

    /// One more. A list that grows long takes its place once: each of many doublings would stand
    /// beside what it grew out of.
    fn push(&mut self, chosen: Chosen) -> Result<(), ServiceError> {
        let count = self.cases.len();
        if count == CASES_MAX {
            return Err(too_many());
        }
        if count >= LONG && count == self.cases.capacity() {
            self.cases.reserve_exact(CASES_MAX - count);
        }
        self.cases.push(chosen);
        Ok(())
    }

    pub(super) fn is_sensitive(&self) -> bool {
        self.cases.iter().any(|one| one.key.is_some())
    }
}

/// Most named cases of one order that are absent or may not be taken out.
const ABSENT_MAX: u32 = 100;

fn too_many() -> ServiceError {
    let why = "holds more than 100,000 cases: take them out in parts";
    Invalid::new("selection", why).into()
}

impl Store {
    /// The cases that were asked for and may be taken out.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for none and for too many; what a search says.
    pub(super) fn choose(
        &self,
        session: &Session,
        order: &Order,
        template: Template,
    ) -> Result<Choice, ServiceError> {
        let mut choice = Choice::default();
        match &order.selection {
            Selection::Cases(named) => {
                if named.len() > CASES_MAX {
                    return Err(too_many());
                }
                let unreadable = named.iter().filter(|id| id.is_none()).count();
                choice.absent = u32::try_from(unreadable).unwrap_or(u32::MAX);
                let mut seen = HashSet::new();
                let cases = named.iter().copied().flatten();
                for case in cases.filter(|case| seen.insert(*case)) {
                    self.choose_named(session, order, template, case, &mut choice)?;
                }
            }
            Selection::Filter(filter) => {
                self.choose_listed(session, order, template, filter, &mut choice)?;
            }
            Selection::Search(field, value) => {
                // It has entries of its own; what it finds is decided on again.
                let mut page = PageRequest {
                    limit: Limit::rows(crate::domain::limit::PAGE_ROWS_MAX),
                    cursor: None,
                };
                loop {
                    let wanted = (*field, value);
                    let (found, next) = self.choose_found(session, order.purpose, wanted, &page)?;
                    for case in found {
                        self.choose_named(session, order, template, case, &mut choice)?;
                    }
                    page.cursor = next;
                    if page.cursor.is_none() {
                        break;
                    }
                }
            }
        }
        if choice.cases.is_empty() {
            return Err(Invalid::new("selection", "holds no case that you may take out").into());
        }
        choice.cases.sort_unstable_by_key(|one| one.ordinal);
        Ok(choice)
    }

    /// A case that was named: a refusal is an entry, like that of a read.
    fn choose_named(
        &self,
        session: &Session,
        order: &Order,
        template: Template,
        case: CaseId,
        choice: &mut Choice,
    ) -> Result<(), ServiceError> {
        let chosen = match self.decide_on::<Export>(session, case, order.purpose)? {
            Ok((permit, stored)) if !order.unmasked => {
                self.take(session, &permit, &stored, template)?
            }
            Ok((permit, stored)) => {
                match self.decide_on::<Unmask>(session, case, order.purpose)? {
                    Ok(_) => self.take(session, &permit, &stored, template)?,
                    Err(denied) => self.is_absent(denied)?,
                }
            }
            Err(denied) => self.is_absent(denied)?,
        };
        match chosen {
            Some(chosen) => choice.push(chosen)?,
            None => choice.absent = choice.absent.saturating_add(1),
        }
        // Each refusal is an entry of its own: a list of guesses is not gone through to its end.
        if choice.absent > ABSENT_MAX {
            let why = "names more than 100 cases that are not there";
            return Err(Invalid::new("selection", why).into());
        }
        Ok(())
    }

    fn is_absent<A: Action>(&self, denied: Denied<A>) -> Result<Option<Chosen>, ServiceError> {
        let refused = self.log.refuse(denied).wait();
        refused.map(|_| None).map_err(fault::log)
    }

    /// The cases of the asker's list that fit a filter. What they may not take out they do not see
    /// here, as in a list.
    fn choose_listed(
        &self,
        session: &Session,
        order: &Order,
        template: Template,
        filter: &Filter,
        choice: &mut Choice,
    ) -> Result<(), ServiceError> {
        let Some(scope) = scope(session, order.purpose) else {
            return Ok(());
        };
        let mut after = None;
        loop {
            session.pulse().beats().map_err(fault::ended)?;
            let (rows, more) = self.cases.list(scope, after, SCAN).map_err(fault::cases)?;
            for (ordinal, case) in rows {
                after = Some(ordinal);
                let Some(stored) = self.cases.head(case).map_err(fault::cases)? else {
                    continue;
                };
                if !filter.takes(&stored.head, &self.directory.code(stored.head.department)) {
                    continue;
                }
                let facts = stored.head.facts();
                let target = Target::Case(&facts);
                let purpose = Some(order.purpose);
                let Ok(permit) = self.authority.decide::<Export>(session, target, purpose) else {
                    continue;
                };
                let unmask = || self.authority.decide::<Unmask>(session, target, purpose);
                if order.unmasked && unmask().is_err() {
                    continue;
                }
                if let Some(chosen) = self.take(session, &permit, &stored, template)? {
                    choice.push(chosen)?;
                }
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// What goes out of a case; `None` where nothing does, or where it does not open.
    fn take(
        &self,
        session: &Session,
        permit: &crate::authz::Permit<Export>,
        stored: &StoredHead,
        template: Template,
    ) -> Result<Option<Chosen>, ServiceError> {
        let head = &stored.head;
        if !permit.fields().has(Field::Head) {
            return Ok(None);
        }
        let key = if head.tier == Tier::Sensitive {
            match self.vault.unlock(permit, session, &head.wraps) {
                Ok(key) => Some(Box::new((key, head.key_version))),
                // A reset account that has not been given this case again opens nothing of it.
                Err(crate::vault::VaultError::NoWrap) => return Ok(None),
                Err(error) => return Err(fault::vault(error)),
            }
        } else {
            None
        };
        let goes =
            |kind| record::needs(permit.fields(), kind) && record::needs(template.fields(), kind);
        let people = head
            .units
            .iter()
            .filter(|unit| unit.kind == UnitKind::Person && goes(unit.kind));
        Ok(Some(Chosen {
            ordinal: stored.ordinal,
            listed: Listed {
                case: head.case,
                people: people.map(|unit| unit.unit).collect(),
                policies: Arc::clone(&permit.basis().policies),
            },
            revision: head.revision,
            key,
        }))
    }
}

impl Filter {
    /// Whether a case fits.
    fn takes(&self, head: &Head, department: &str) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        head.state != CaseState::Destroyed
            && same(&self.class, &head.class)
            && same(&self.department, department)
            && self.state.is_none_or(|state| state == head.state)
            && self.from.is_none_or(|from| from <= head.registered_at)
            && self.to.is_none_or(|to| head.registered_at < to)
    }
}
