//! From entries to findings, in one pass: what is kept on the way is a few counters for each person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::deed::{
    Whose, administers, begins_output, came_to_nothing, hands_on, is_administration, is_special,
    opens, query, shows_cases, whose,
};
use super::hits::{Distinct, Hits, Outlet, number};
use super::rule::{Extent, Rule};
use crate::audit::body::Body;
use crate::audit::entry::{Decision, Header};
use crate::audit::pass::Sealed;
use crate::audit::usage::{Counted, Load};
use crate::config::inspection::Inspection;
use crate::domain::id::{AccountId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;

const HOUR_MS: i64 = 3_600_000;

/// What only the store knows.
pub trait Known {
    /// Why it could not be looked up.
    type Error;
    /// Whether a case was sensitive at the entry of this index; one that is not there was not.
    fn sensitive(&mut self, case: CaseId, index: u64) -> Result<bool, Self::Error>;
    /// Whether an account had held a case and was taken off it before the entry of this index.
    fn taken_off(
        &mut self,
        case: CaseId,
        account: AccountId,
        index: u64,
    ) -> Result<bool, Self::Error>;
    /// Whether an account that the pass saw neither shut nor opened again was shut all the time.
    fn shut(&mut self, account: AccountId) -> Result<bool, Self::Error>;
}

/// Use by the hour of the day, 0 to 23.
pub type Hours = [u32; 24];

/// A case of others that somebody assigned to themselves.
#[derive(Default)]
struct TakenOver {
    /// They opened it as their own.
    opened: bool,
    /// It is not theirs any more.
    given_back: bool,
}

#[derive(Default)]
struct Person {
    hours: Hours,
    hits: BTreeMap<Rule, Hits>,
    today: Option<Today>,
    /// Cases of others, and of the department that they follow.
    strange: Distinct,
    followed: Distinct,
    /// Cases of others that they assigned to themselves.
    taken_over: BTreeMap<u64, TakenOver>,
    /// Cases that they took from others and gave to nobody yet.
    cleared: BTreeSet<u64>,
    /// Failed log-ins before the pass saw whether the account was shut.
    tried: Option<Hits>,
    shut: Option<bool>,
}

/// What one person did on one day.
struct Today {
    day: Date,
    people: Distinct,
    cases: Distinct,
    outputs: u32,
    hits: Hits,
}

impl Person {
    fn hit(&mut self, rule: Rule, hits: &Hits) -> &mut Hits {
        self.hits
            .entry(rule)
            .and_modify(|known| known.add(hits))
            .or_insert_with(|| hits.clone())
    }

    /// Ends a day: whether it was a heavy one.
    fn end_day(&mut self, rules: &Inspection) {
        let Some(mut today) = self.today.take() else {
            return;
        };
        let (people, cases) = (today.people.count(), today.cases.count());
        let heavy = people >= rules.people_a_day
            || cases >= rules.cases_a_day
            || today.outputs >= rules.outputs_a_day;
        if heavy {
            today.hits.extent.most = people.max(cases).max(today.outputs);
            self.hit(Rule::MassRead, &today.hits);
        }
    }

    /// A case handed on: whether from others to themselves.
    fn takes_over(&mut self, header: &Header, body: Option<&Body>, hit: &Hits) {
        let handed = body.and_then(Body::handed);
        let (Some(account), Some(body), Some(handed)) = (header.actor, body, handed) else {
            return;
        };
        let mut taken_over = false;
        for case in body.cases.iter().map(number) {
            let cleared = self.cleared.remove(&case);
            if handed.clears_others(account) {
                self.cleared.insert(case);
            } else if handed.goes_from(account) {
                // Whoever gave it away again opens it as anybody would.
                if let Some(taken) = self.taken_over.get_mut(&case) {
                    taken.given_back = true;
                }
            } else if handed.comes_to(account) && (cleared || !handed.before.is_empty()) {
                self.taken_over.entry(case).or_default().given_back = false;
                taken_over = true;
            }
        }
        if taken_over {
            self.hit(Rule::SelfAssigned, hit);
        }
    }

    /// An opening: whether of cases that they took over so.
    fn opens_taken_over(&mut self, header: &Header, body: Option<&Body>, hit: &Hits) {
        let mut taken_over = false;
        for case in body.iter().flat_map(|body| &body.cases).map(number) {
            let taken = self.taken_over.get_mut(&case);
            if let Some(taken) = taken.filter(|taken| opens(header.task) && !taken.given_back) {
                taken.opened = true;
                taken_over = true;
            }
        }
        if taken_over {
            self.hit(Rule::SelfAssigned, hit);
        }
    }

    /// A failed log-in: a trace of somebody who was shut out, or may turn out to be one.
    fn tries(&mut self, hit: &Hits) {
        match (self.shut, &mut self.tried) {
            (Some(true), _) => drop(self.hit(Rule::AfterRevoke, hit)),
            (Some(false), _) => {}
            (None, Some(tried)) => tried.add(hit),
            (None, tried) => *tried = Some(hit.clone()),
        }
    }
}

/// The hour of the newest entry: months, days and hours change at full hours.
struct Moment {
    hour: i64,
    day: Date,
    hour_of_day: u8,
    night: bool,
    off: bool,
}

/// See the module.
pub struct Gatherer<'a, K> {
    rules: &'a Inspection,
    known: K,
    moment: Option<Moment>,
    people: BTreeMap<Option<AccountId>, Person>,
    unread: u64,
}

/// What a pass found.
pub struct Gathered {
    /// Rule, person concerned, entries; in the order of the rules.
    pub found: Vec<(Rule, Option<AccountId>, Hits)>,
    /// Use by person and hour, the heaviest first.
    pub usage: Vec<(Option<AccountId>, Hours)>,
    /// Bodies that were needed and are destroyed or were never restored.
    pub unread: u64,
}

impl<'a, K: Known> Gatherer<'a, K> {
    /// Under these rules.
    pub const fn new(rules: &'a Inspection, known: K) -> Self {
        Self {
            rules,
            known,
            moment: None,
            people: BTreeMap::new(),
            unread: 0,
        }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// What [`Known`] says.
    pub fn see(&mut self, index: u64, header: &Header, body: &Sealed) -> Result<(), K::Error> {
        let rules = self.rules;
        let moment = moment(&mut self.moment, rules, header.time);
        let hit = Hits::one(index, header.time);
        let body = match body {
            Sealed::Open(body) => Some(body),
            Sealed::Gone => {
                self.unread += 1;
                None
            }
            Sealed::Unasked => None,
        };
        if let Some((account, shut)) = account_end(header, body) {
            let person = self.people.entry(Some(account)).or_default();
            // What came before: it was open until somebody shut it, or nobody can tell.
            person.tried = None;
            person.shut = Some(shut);
        }
        let person = self.people.entry(header.actor).or_default();
        let hour = usize::from(moment.hour_of_day);
        if let Some(count) = person.hours.get_mut(hour) {
            *count = count.saturating_add(1);
        }
        match header.decision {
            Decision::Allow if shows_cases(header.task) => {
                shown(person, rules, header, body, moment, &hit);
            }
            Decision::Allow | Decision::None if administers(header.task) => {
                if is_administration(header, body) {
                    at_odd_times(person, moment, &hit);
                }
                if is_special(header, body) {
                    person.hit(Rule::BreakGlass, &hit);
                }
            }
            Decision::Allow if hands_on(header.task) => person.takes_over(header, body, &hit),
            Decision::Allow => {}
            Decision::Deny => {
                let cases = body.map_or(&[][..], |body| &body.cases);
                denied(person, &mut self.known, (index, header.actor), cases, &hit)?;
            }
            Decision::None if header.task == Task::LoginFailed => {
                person.hit(Rule::FailedLogins, &hit);
                person.tries(&hit);
            }
            Decision::None => {}
        }
        Ok(())
    }

    /// What was found.
    ///
    /// # Errors
    /// What [`Known`] says.
    pub fn end(mut self) -> Result<Gathered, K::Error> {
        let rules = self.rules;
        let mut found = Vec::new();
        let mut usage = Vec::new();
        for (id, mut person) in self.people {
            person.end_day(rules);
            if let (Some(id), Some(tried)) = (id, person.tried.take())
                && self.known.shut(id)?
            {
                person.hit(Rule::AfterRevoke, &tried);
            }
            for (rule, mut hits) in person.hits {
                let least = match rule {
                    Rule::NeighbourRead => {
                        hits.extent.count = person.strange.count();
                        rules.neighbour_reads
                    }
                    Rule::SupervisionRead => {
                        hits.extent.count = person.followed.count();
                        rules.supervision_reads
                    }
                    Rule::SelfAssigned => {
                        let opened = person.taken_over.values().filter(|taken| taken.opened);
                        hits.extent = Extent {
                            count: size(person.taken_over.len()),
                            most: size(opened.count()),
                        };
                        rules.self_assigned
                    }
                    Rule::TakenOff => rules.taken_off,
                    Rule::DeniedMany => rules.denied,
                    Rule::FailedLogins => rules.failed_logins,
                    _ => 1,
                };
                if hits.extent.count >= least {
                    found.push((rule, id, hits));
                }
            }
            if person.hours.iter().any(|count| *count > 0) {
                usage.push((id, person.hours));
            }
        }
        found.sort_by_key(|(rule, id, _)| (*rule, *id));
        let total = |hours: &Hours| hours.iter().map(|n| u64::from(*n)).sum::<u64>();
        usage.sort_by_key(|(_, hours)| std::cmp::Reverse(total(hours)));
        Ok(Gathered {
            found,
            usage,
            unread: self.unread,
        })
    }
}

/// The account that an entry shuts or lets in again, and which of the two.
pub(crate) fn account_end(header: &Header, body: Option<&Body>) -> Option<(AccountId, bool)> {
    if header.task != Task::ManageAccount || header.decision != Decision::Allow {
        return None;
    }
    let shut = match query(body)? {
        "disable" => true,
        "reset" => false,
        _ => return None,
    };
    let account = body?.reason.as_deref()?.parse().ok()?;
    Some((account, shut))
}

fn moment<'m>(known: &'m mut Option<Moment>, rules: &Inspection, time: Timestamp) -> &'m Moment {
    let hour = time.as_millis().div_euclid(HOUR_MS);
    if known.as_ref().is_some_and(|known| known.hour != hour) {
        *known = None;
    }
    known.get_or_insert_with(|| {
        let (day, hour_of_day) = (time.date(), time.hour());
        Moment {
            hour,
            day,
            hour_of_day,
            night: rules.is_night(hour_of_day),
            off: rules.is_day_off(day),
        }
    })
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A refused attempt on these cases.
fn denied<K: Known>(
    person: &mut Person,
    known: &mut K,
    (index, actor): (u64, Option<AccountId>),
    cases: &[CaseId],
    hit: &Hits,
) -> Result<(), K::Error> {
    person.hit(Rule::DeniedMany, hit);
    let (mut sensitive, mut taken_off) = (false, false);
    for case in cases {
        sensitive = sensitive || known.sensitive(*case, index)?;
        // Whatever its tier is by then: of this finding the person is told, and it is not to tell them.
        if let Some(actor) = actor {
            taken_off = taken_off || known.taken_off(*case, actor, index)?;
        }
    }
    if sensitive {
        person.hit(Rule::DeniedSensitive, hit);
    }
    if taken_off {
        person.hit(Rule::TakenOff, hit);
    }
    Ok(())
}

fn at_odd_times(person: &mut Person, moment: &Moment, hit: &Hits) {
    if moment.night {
        person.hit(Rule::NightUse, hit);
    }
    if moment.off {
        person.hit(Rule::HolidayUse, hit);
    }
}

/// What showed cases.
fn shown(
    person: &mut Person,
    rules: &Inspection,
    header: &Header,
    body: Option<&Body>,
    moment: &Moment,
    hit: &Hits,
) {
    if came_to_nothing(header, body) {
        return;
    }
    at_odd_times(person, moment, hit);
    // No policy of the program's own permits a recovery as a purpose; an office's may.
    if is_special(header, body) || header.purpose == Some(Purpose::Recovery) {
        person.hit(Rule::BreakGlass, hit);
    }
    if begins_output(header, body) {
        let outlet = outlet(rules, header, body, hit);
        person.hit(Rule::UnexplainedOutput, hit).name(outlet);
    }
    person.opens_taken_over(header, body, hit);
    match whose(header) {
        Whose::Own => {}
        Whose::Followed => {
            cases(&mut person.followed, header, body);
            person.hit(Rule::SupervisionRead, hit);
        }
        Whose::Strange => {
            cases(&mut person.strange, header, body);
            person.hit(Rule::NeighbourRead, hit);
        }
    }
    counts_today(person, rules, (header, body), moment, hit);
}

/// What counts on this day: by the rule of the budgets ([`Load::of`]), so that what was only opened for
/// a search to compare counts for nobody.
fn counts_today(
    person: &mut Person,
    rules: &Inspection,
    (header, body): (&Header, Option<&Body>),
    moment: &Moment,
    hit: &Hits,
) {
    let over = |today: &Today| today.day != moment.day;
    if person.today.as_ref().is_some_and(over) {
        person.end_day(rules);
    }
    let none = Hits {
        extent: Extent::default(),
        entries: Vec::new(),
        behind: 0,
        ..hit.clone()
    };
    let today = person.today.get_or_insert_with(|| Today {
        day: moment.day,
        people: Distinct::default(),
        cases: Distinct::default(),
        outputs: 0,
        hits: none,
    });
    let shows = match body {
        Some(body) => {
            let load = Load::of(header.task, query(Some(body)), &body.cases, &body.people);
            let load = load.unwrap_or_default();
            today.people.note(load.people.iter().map(|u| u.as_u64()));
            today.cases.note(load.cases.iter().map(number));
            !load.cases.is_empty() || !load.people.is_empty()
        }
        None => {
            let counted = Counted::of(header.task);
            if counted.is_some_and(|counted| counted.people) {
                today.people.note_untold(header.counts.people);
            }
            if counted.is_some() {
                today.cases.note_untold(header.counts.cases);
            }
            counted.is_some()
        }
    };
    let output = begins_output(header, body);
    today.outputs = today.outputs.saturating_add(u32::from(output));
    if shows || output {
        today.hits.add(hit);
    }
}

fn cases(to: &mut Distinct, header: &Header, body: Option<&Body>) {
    match body {
        Some(body) => to.note(body.cases.iter().map(number)),
        None => to.note_untold(header.counts.cases),
    }
}

fn outlet(rules: &Inspection, header: &Header, body: Option<&Body>, hit: &Hits) -> Outlet {
    let reason = body.and_then(|body| body.reason.as_deref());
    let letters = reason.unwrap_or_default().chars();
    let letters = letters.filter(|c| c.is_alphanumeric()).count();
    let letters = u32::try_from(letters).unwrap_or(u32::MAX);
    Outlet {
        serial: None,
        entry: hit.entries.first().copied().unwrap_or_default(),
        at: header.time,
        task: header.task,
        purpose: header.purpose,
        doubtful: letters < rules.reason_letters.max(1),
    }
}

#[cfg(test)]
mod tests;
