//! Search (검색): by one exact value, over sealed data.
//!
//! Ordinary cases come from the blind index of the departments that the asker may look through;
//! sensitive ones by opening the asker's own people, in one disclosure. Each candidate is decided
//! on by itself, opened, and compared inside the vault; what is opened is in the access-log entry,
//! whether it matched or not.
//!
//! **Budget.** Whoever has no room for one more case is refused before anything is looked for, and a
//! page ends where the room does: neither the refusal nor its absence says whether there was
//! anything to find.
//!
//! **Time.** What is absent, what stands in a sensitive case of somebody else, and what stands in
//! another department take the same way: no candidate, in whose place one is looked at and decided
//! on that is not there. A value in one case of the asker's department that they may not see takes
//! that way too; several such cases take it as often, which tells an officer of the department that
//! there are several, and nothing else: nothing is opened for any of them. The scan of one's own
//! sensitive cases takes its time from how many they are, whatever is looked for.

use std::collections::BTreeMap;

use super::budget::Disclosure;
use super::error::ServiceError;
use super::fault;
use super::gate::Inside;
use super::list::parse_cursor;
use super::store::{Answer, Store};
use super::types::{PageRequest, Rows};
use crate::audit::Shown;
use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::Search;
use crate::authz::facts::Field;
use crate::cases::draft::Invalid;
use crate::cases::head::StoredHead;
use crate::cases::number::parse_register_number;
use crate::cases::record::{Frame, Listing};
use crate::cases::rows::Scope;
use crate::cases::search::{SearchField, Sought};
use crate::cases::view::{CaseRow, CaseState};
use crate::disclosure::alert::Way;
use crate::domain::id::{CaseId, DepartmentId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::secret::SecretText;
use crate::domain::tier::{Tier, UnitKind};
use crate::engine::Batch;
use crate::vault::{Compared, Disclosed, Standing, UnitRef, VaultError};

/// Most cases that one search looks at, of each kind.
const CANDIDATES: Limit = Limit::rows(2000);
/// Most units that one search opens: what one access-log entry holds. A page that reaches it is
/// shorter and has a next one.
const UNITS_MAX: usize = 20_000;

/// Where the value may be.
#[derive(Clone)]
enum Where {
    /// In these units, says the index.
    Units(Vec<UnitId>),
    /// In any person of a sensitive case.
    Own,
}

/// What a search came to.
#[derive(Default)]
struct Finds {
    listing: Vec<(Frame, bool)>,
    inside: Vec<Inside>,
    cases: Vec<CaseId>,
    opened: Vec<UnitId>,
    people: Vec<UnitId>,
    bytes: u64,
    next: Option<u64>,
}

/// One case that was looked at.
struct Looked {
    stored: StoredHead,
    inside: Inside,
    compared: Compared,
}

impl Store {
    /// `POST /searches`: the cases that the asker may find and that hold exactly this value, in
    /// order of registration. What is not there, not theirs and not allowed answers alike: no row.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a value that cannot be searched for, or one with more
    /// candidates than a search looks at.
    pub fn search_cases(
        &self,
        session: &Session,
        field: SearchField,
        value: SecretText,
        purpose: Purpose,
        page: PageRequest,
    ) -> Answer<Rows<CaseRow>> {
        let pulse = session.pulse();
        pulse.beats().map_err(fault::ended)?;
        let permit = match self.authority.survey::<Search>(session, purpose) {
            Ok(permit) => permit,
            Err(denied) => return Ok(self.deny(session, denied, Some(purpose))),
        };
        let room = match self.room(session, Way::Search, purpose) {
            Ok(room) => usize::try_from(room).unwrap_or(usize::MAX),
            Err(over) => return self.over_budget(permit, over, Shown::default()),
        };
        let wanted = (field, &value);
        let mut found = match self.look(session, purpose, wanted, &page, room) {
            Ok(found) => found,
            Err(error) => return self.fail(permit, error),
        };
        let disclosure = Disclosure {
            way: Way::Search,
            purpose,
            cases: &found.cases,
            people: &[],
            consent: None,
        };
        let mut batch = Batch::default();
        let reserved = match self.afford(session, &disclosure, &mut batch) {
            Ok(reserved) => reserved,
            // Somebody else took the room meanwhile; the entry says what was opened for it.
            Err(over) => return self.over_budget(permit, over, touched(found)),
        };
        let next = found.next.map(|ordinal| format!("{ordinal:x}"));
        let inside = std::mem::take(&mut found.inside);
        let listing = Listing(std::mem::take(&mut found.listing));
        let disclosed = Disclosed::hold(&permit, listing, found.bytes);
        let shown = Shown {
            query: Some(field.query()),
            ..touched(found)
        };
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

    /// The search of an export: its cases, and where the next page begins. It is an entry like any
    /// other search, and shows nothing: what goes out of it is held against the budget of exports.
    pub(super) fn choose_found(
        &self,
        session: &Session,
        purpose: Purpose,
        (field, value): (SearchField, &SecretText),
        page: &PageRequest,
    ) -> Result<(Vec<CaseId>, Option<String>), ServiceError> {
        session.pulse().beats().map_err(fault::ended)?;
        let permit = match self.authority.survey::<Search>(session, purpose) {
            Ok(permit) => permit,
            Err(denied) => return self.deny(session, denied, Some(purpose)).wait(),
        };
        let found = match self.look(session, purpose, (field, value), page, usize::MAX) {
            Ok(found) => found,
            Err(error) => return self.fail(permit, error)?.wait(),
        };
        let next = found.next.map(|ordinal| format!("{ordinal:x}"));
        let listed = found.listing.iter();
        let cases = listed.map(|(frame, _)| frame.stored.head.case).collect();
        let shown = Shown {
            query: Some(field.choosing()),
            ..touched(found)
        };
        let recorded = self.log.record(permit, shown).wait();
        let _ = recorded.map_err(fault::log)?;
        Ok((cases, next))
    }

    /// Looks for a value until the page is full, or holds as many cases as there is `room` for.
    fn look(
        &self,
        session: &Session,
        purpose: Purpose,
        (field, value): (SearchField, &SecretText),
        page: &PageRequest,
        room: usize,
    ) -> Result<Finds, ServiceError> {
        let after = page.cursor.as_deref().map(parse_cursor).transpose()?;
        let sought = Sought::parse(field, value.expose())?;
        let mut candidates = self.indexed(session, purpose, &sought, value.expose())?;
        if session.roles().has(Role::HumanRightsOfficer) {
            self.own(session, &mut candidates)?;
        }
        candidates.retain(|ordinal, _| after.is_none_or(|after| *ordinal > after));

        let mut finds = Finds::default();
        let mut left = candidates.into_iter().peekable();
        while let Some((ordinal, (case, place))) = left.next() {
            if let Some(looked) = self.look_at(session, purpose, case, &place, &sought)? {
                self.take_in(session, looked, &mut finds);
            }
            let full = finds.listing.len() == page.limit.get()
                || finds.opened.len() >= UNITS_MAX
                || finds.cases.len() >= room;
            if full && left.peek().is_some() {
                finds.next = Some(ordinal);
                break;
            }
        }
        Ok(finds)
    }

    fn take_in(&self, session: &Session, looked: Looked, finds: &mut Finds) {
        let Looked {
            stored,
            inside,
            compared,
        } = looked;
        let kind = |unit: &UnitId| stored.head.units.iter().find(|u| u.unit == *unit);
        let person = |unit: &&UnitId| kind(unit).is_some_and(|u| u.kind == UnitKind::Person);
        if compared.hit || !compared.opened.is_empty() {
            finds.cases.push(stored.head.case);
        }
        finds.people.extend(compared.opened.iter().filter(person));
        finds.bytes += compared.bytes;
        if compared.hit {
            let mine = stored.head.facts().holders.contains(&session.account());
            finds.listing.push((self.frame(stored), mine));
            finds.inside.push(inside);
        }
        finds.opened.extend(compared.opened);
    }

    /// The departments whose index the asker's purpose lets them look through.
    fn departments_of(&self, session: &Session, purpose: Purpose) -> Vec<DepartmentId> {
        let office = session.roles().has(Role::PrivacyOfficer);
        if office && purpose == Purpose::SubjectRequest {
            let all = self.directory.departments();
            all.into_iter().map(|department| department.id).collect()
        } else {
            session.department().into_iter().collect()
        }
    }

    /// Candidates by place in every list: from the blind index and, for a number, from the
    /// register and the receipts.
    fn indexed(
        &self,
        session: &Session,
        purpose: Purpose,
        sought: &Sought,
        typed: &str,
    ) -> Result<BTreeMap<u64, (CaseId, Where)>, ServiceError> {
        let mut found: BTreeMap<CaseId, Vec<UnitId>> = BTreeMap::new();
        for department in self.departments_of(session, purpose) {
            let term = sought.blind(&self.postings.scope(department));
            let (postings, more) = self
                .postings
                .find(&term, CANDIDATES)
                .map_err(fault::cases)?;
            for posting in postings {
                found.entry(posting.case).or_default().push(posting.unit);
            }
            if more || found.len() > CANDIDATES.get() {
                return Err(too_many().into());
            }
        }
        if sought.field() == SearchField::Number {
            for case in self.numbered(sought, typed)? {
                found.entry(case).or_default();
            }
        }
        if found.is_empty() {
            // It goes the way of a candidate that may not be seen, to the end.
            let absent = CaseId::random(self.random.as_ref()).map_err(fault::random)?;
            found.insert(absent, Vec::new());
        }
        let mut candidates = BTreeMap::new();
        for (case, units) in found {
            let stored = self.cases.head(case).map_err(fault::cases)?;
            // No case stands at 0: the log begins with the store's own first entry.
            let ordinal = stored.map_or(0, |stored| stored.ordinal);
            candidates.insert(ordinal, (case, Where::Units(units)));
        }
        Ok(candidates)
    }

    fn numbered(&self, sought: &Sought, typed: &str) -> Result<Vec<CaseId>, ServiceError> {
        let registered = match parse_register_number(typed) {
            Some((tier, year, number)) => self.cases.registered(tier, year, number),
            None => Ok(None),
        };
        let receipt = self.cases.receipt_case(sought.normal());
        let both = [registered, receipt].map(|case| case.map_err(fault::cases));
        let [registered, receipt] = both;
        Ok(registered?.into_iter().chain(receipt?).collect())
    }

    /// Adds the asker's own cases: which of them are sensitive is seen when they are looked at.
    fn own(
        &self,
        session: &Session,
        candidates: &mut BTreeMap<u64, (CaseId, Where)>,
    ) -> Result<(), ServiceError> {
        let scope = Scope::Holder(session.account());
        let (own, more) = self
            .cases
            .list(scope, None, CANDIDATES)
            .map_err(fault::cases)?;
        if more {
            return Err(too_many_own().into());
        }
        for (ordinal, case) in own {
            candidates.entry(ordinal).or_insert((case, Where::Own));
        }
        Ok(())
    }

    /// Decides on one candidate, opens what may hold the value, and compares; `None` where the
    /// asker has no part in it.
    fn look_at(
        &self,
        session: &Session,
        purpose: Purpose,
        case: CaseId,
        place: &Where,
        sought: &Sought,
    ) -> Result<Option<Looked>, ServiceError> {
        let inside = match self.gates.try_enter(case) {
            Some(inside) => inside,
            // Somebody changes the case. Who has no part in it is not to feel that.
            None => match self.may_find(session, purpose, case)? {
                None => return Ok(None),
                Some(_) => self.gates.enter(case)?,
            },
        };
        let Some((permit, stored)) = self.may_find(session, purpose, case)? else {
            return Ok(None);
        };
        let compared = if sought.field() == SearchField::Number {
            Compared {
                hit: sought.is_number_of(&stored.head, stored.number),
                ..Compared::default()
            }
        } else {
            self.compare(&permit, session, &stored, place, sought)?
        };
        Ok(Some(Looked {
            stored,
            inside,
            compared,
        }))
    }

    fn may_find(
        &self,
        session: &Session,
        purpose: Purpose,
        case: CaseId,
    ) -> Result<Option<(Permit<Search>, StoredHead)>, ServiceError> {
        let decided = self.decide_on::<Search>(session, case, purpose)?;
        // What was destroyed stands in no list either.
        Ok(decided.ok().filter(|(permit, stored)| {
            permit.fields().has(Field::Head) && stored.head.state != CaseState::Destroyed
        }))
    }

    fn compare(
        &self,
        permit: &Permit<Search>,
        session: &Session,
        stored: &StoredHead,
        place: &Where,
        sought: &Sought,
    ) -> Result<Compared, ServiceError> {
        let head = &stored.head;
        let wanted = |unit: &UnitRef| match place {
            Where::Units(units) => units.contains(&unit.unit),
            Where::Own => head.tier == Tier::Sensitive && unit.kind == UnitKind::Person,
        };
        let units: Vec<UnitRef> = head.units.iter().copied().filter(wanted).collect();
        if units.is_empty() {
            return Ok(Compared::default());
        }
        let rows = self
            .cases
            .units(head.case, units.into_iter())
            .map_err(fault::cases)?;
        let standing = Standing {
            tier: head.tier,
            key_version: head.key_version,
            wraps: &head.wraps,
            units: &rows,
        };
        let holds = |kind, content: &[u8]| sought.is_in(kind, content);
        match self.vault.compare(permit, session, &standing, &holds) {
            Ok(compared) => Ok(compared),
            // A reset account that has not been given this case again finds nothing in it.
            Err(VaultError::NoWrap) => Ok(Compared::default()),
            Err(error) => Err(fault::vault(error)),
        }
    }
}

/// What was found and opened.
fn touched(finds: Finds) -> Shown {
    Shown {
        cases: finds.cases,
        units: finds.opened,
        people: finds.people,
        bytes: finds.bytes,
        ..Shown::default()
    }
}

fn too_many() -> Invalid {
    let why = "has more than 2,000 candidates: search by telephone or number instead";
    Invalid::new("value", why)
}

fn too_many_own() -> Invalid {
    let why = "cannot be looked for in more than 2,000 cases of your own: close or hand over some, \
               or open the case by its number";
    Invalid::new("value", why)
}
