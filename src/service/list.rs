//! List the cases the asker may see.

use super::budget::Disclosure;
use super::error::ServiceError;
use super::fault;
use super::gate::Inside;
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::action::List;
use crate::authz::facts::{Field, Target};
use crate::cases::draft::Invalid;
use crate::cases::record::{Frame, Listing};
use crate::cases::rows::Scope;
use crate::cases::view::CaseRow;
use crate::disclosure::alert::Way;
use crate::domain::id::CaseId;
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::engine::Batch;
use crate::vault::Disclosed;

/// How many candidates are looked at for one page at the most: a page may be shorter than asked
/// for and still have a next one.
const CANDIDATES: Limit = Limit::rows(2000);

/// One page.
#[derive(Default)]
struct Visible {
    listing: Vec<(Frame, bool)>,
    /// No row changes hands before it is out. Gates are entered in the order of registration, in
    /// which every list runs: so no two lists wait for each other.
    inside: Vec<Inside>,
    next: Option<String>,
}

impl Store {
    /// `GET /cases`: candidates from the index, then the one decision function on each, then the
    /// page; in order of registration. For `supervision` and `intake` the department's ordinary
    /// cases are looked through, otherwise the asker's own.
    pub fn list_cases(
        &self,
        session: &Session,
        purpose: Purpose,
        page: PageRequest,
    ) -> Answer<Rows<CaseRow>> {
        let pulse = session.pulse();
        pulse.beats().map_err(fault::ended)?;
        let permit = match self.authority.survey::<List>(session, purpose) {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let Visible {
            listing,
            inside,
            next,
        } = self.visible(session, purpose, &page)?;
        let cases: Vec<CaseId> = listing
            .iter()
            .map(|(frame, _)| frame.stored.head.case)
            .collect();
        let disclosure = Disclosure {
            way: Way::List,
            purpose,
            cases: &cases,
            people: &[],
            consent: None,
        };
        let mut batch = Batch::default();
        let reserved = match self.afford(session, &disclosure, &mut batch) {
            Ok(reserved) => reserved,
            Err(over) => return self.over_budget(permit, over, Shown::default()),
        };
        let shown = Shown {
            cases,
            query: Some("list"),
            ..Shown::default()
        };
        let disclosed = Disclosed::hold(&permit, Listing(listing), 0);
        let recorded = self.log.record_with(permit, shown, batch);
        drop(reserved);
        Ok(recorded.map(move |recorded| {
            let (receipt, _) = recorded.map_err(fault::log)?;
            pulse.beats().map_err(fault::ended)?;
            let rows = disclosed.reveal(receipt).map_err(fault::vault)?;
            drop(inside);
            Ok(Rows { rows, next })
        }))
    }

    fn visible(
        &self,
        session: &Session,
        purpose: Purpose,
        page: &PageRequest,
    ) -> Result<Visible, ServiceError> {
        let mut seen = Visible::default();
        let Some(scope) = scope(session, purpose) else {
            return Ok(seen);
        };
        let mut after = page.cursor.as_deref().map(parse_cursor).transpose()?;
        let mut looked_at = 0;
        loop {
            let (candidates, more) = self
                .cases
                .list(scope, after, Limit::rows(page.limit.get()))
                .map_err(fault::cases)?;
            let last = candidates.last().map(|(ordinal, _)| *ordinal);
            for (ordinal, case) in candidates {
                after = Some(ordinal);
                looked_at += 1;
                let inside = self.gates.enter(case)?;
                let Some(stored) = self.cases.head(case).map_err(fault::cases)? else {
                    continue;
                };
                let facts = stored.head.facts();
                let decided =
                    self.authority
                        .decide::<List>(session, Target::Case(&facts), Some(purpose));
                let Ok(permit) = decided else { continue };
                if !permit.fields().has(Field::Head) {
                    continue;
                }
                let mine = facts.holders.contains(&session.account());
                seen.listing.push((self.frame(stored), mine));
                seen.inside.push(inside);
                if seen.listing.len() == page.limit.get() {
                    break;
                }
            }
            let more = more || after != last;
            let full = seen.listing.len() == page.limit.get() || looked_at >= CANDIDATES.get();
            if full || !more {
                seen.next = after.filter(|_| full && more).map(|o| format!("{o:x}"));
                return Ok(seen);
            }
        }
    }
}

pub(super) fn scope(session: &Session, purpose: Purpose) -> Option<Scope> {
    match purpose {
        Purpose::Supervision | Purpose::Intake => session.department().map(Scope::Department),
        _ => Some(Scope::Holder(session.account())),
    }
}

pub(super) fn parse_cursor(text: &str) -> Result<u64, ServiceError> {
    u64::from_str_radix(text, 16)
        .map_err(|_| ServiceError::Invalid(Invalid::new("cursor", "is not one this list gave")))
}
