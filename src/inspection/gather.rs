//! From entries to findings, in one pass: what is kept on the way is a few counters for each person.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;

use super::rule::{Extent, Rule};
use crate::audit::body::Body;
use crate::audit::entry::{Decision, Header};
use crate::audit::usage::{ASK, MORE};
use crate::audit::{Outcome, pass::Sealed};
use crate::config::inspection::Inspection;
use crate::domain::id::{AccountId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;

/// Entries that a finding names at the most; how many there are is said besides.
pub const ENTRIES_MAX: usize = 200;
const HOUR_MS: i64 = 3_600_000;

/// Policies that permit a read to holders of the case alone: whoever read by one of them handled it
/// at that moment.
const HOLDERS_ALONE: [&str; 4] = [
    "sensitive_own_handling",
    "sensitive_own_answering",
    "ordinary_own_handling",
    "ordinary_own_answering",
];

/// What only the store knows.
pub trait Known {
    /// Why it could not be looked up.
    type Error;
    /// Whether a case is sensitive; one that does not exist is not.
    fn sensitive(&mut self, case: CaseId) -> Result<bool, Self::Error>;
    /// Whether an account is shut.
    fn shut(&self, account: AccountId) -> bool;
}

/// Entries behind one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// How much.
    pub extent: Extent,
    /// Indexes of the first [`ENTRIES_MAX`].
    pub entries: Vec<u64>,
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
}

impl Hits {
    /// One entry.
    pub fn one(index: u64, time: Timestamp) -> Self {
        Self {
            extent: Extent { count: 1, most: 0 },
            entries: vec![index],
            first: time,
            last: time,
        }
    }

    /// The same and `other`, which comes later.
    pub fn add(&mut self, other: &Self) {
        self.extent.count = self.extent.count.saturating_add(other.extent.count);
        self.extent.most = self.extent.most.max(other.extent.most);
        let room = ENTRIES_MAX.saturating_sub(self.entries.len());
        self.entries.extend(other.entries.iter().take(room));
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Use by the hour of the day, 0 to 23.
pub type Hours = [u32; 24];

#[derive(Default)]
struct Person {
    hours: Hours,
    hits: BTreeMap<Rule, Hits>,
    today: Option<Today>,
}

/// What one person did on one day.
struct Today {
    day: Date,
    people: HashSet<u64>,
    outputs: u32,
    hits: Hits,
}

impl Person {
    fn hit(&mut self, rule: Rule, hits: &Hits) {
        match self.hits.get_mut(&rule) {
            Some(known) => known.add(hits),
            None => drop(self.hits.insert(rule, hits.clone())),
        }
    }

    /// Ends a day: whether it was a heavy one.
    fn end_day(&mut self, rules: &Inspection) {
        let Some(mut today) = self.today.take() else {
            return;
        };
        let people = u32::try_from(today.people.len()).unwrap_or(u32::MAX);
        if people >= rules.people_a_day || today.outputs >= rules.outputs_a_day {
            today.hits.extent.most = people.max(today.outputs);
            self.hit(Rule::MassRead, &today.hits);
        }
    }
}

/// The hour of the newest entry: months, days and hours change at full hours.
struct Moment {
    hour: i64,
    day: Date,
    hour_of_day: u8,
    night: bool,
    holiday: bool,
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

/// Whether cases were shown by it.
const fn shows_cases(task: Task) -> bool {
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

const fn takes_out(task: Task) -> bool {
    matches!(task, Task::Export | Task::Print | Task::Unmask)
}

/// Whether the sealed part of an entry is needed at all.
pub fn needs_body(header: &Header) -> bool {
    match header.decision {
        Decision::Allow => {
            header.outcome == Outcome::Done
                && shows_cases(header.task)
                && (header.counts.people > 0
                    || takes_out(header.task)
                    || header.task == Task::OpenRetained)
        }
        Decision::Deny => true,
        Decision::None => false,
    }
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
        let person = self.people.entry(header.actor).or_default();
        let hour = usize::from(moment.hour_of_day);
        if let Some(count) = person.hours.get_mut(hour) {
            *count = count.saturating_add(1);
        }
        let body = match body {
            Sealed::Open(body) => Some(body),
            Sealed::Gone => {
                self.unread += 1;
                None
            }
            Sealed::Unasked => None,
        };
        match header.decision {
            Decision::Allow if shows_cases(header.task) => {
                shown(person, rules, header, body, moment, &hit);
            }
            Decision::Allow => {}
            Decision::Deny => {
                person.hit(Rule::DeniedMany, &hit);
                for case in body.iter().flat_map(|body| &body.cases) {
                    if self.known.sensitive(*case)? {
                        person.hit(Rule::DeniedSensitive, &hit);
                        break;
                    }
                }
            }
            Decision::None if header.task == Task::LoginFailed => {
                person.hit(Rule::FailedLogins, &hit);
                if header.actor.is_some_and(|id| self.known.shut(id)) {
                    person.hit(Rule::AfterRevoke, &hit);
                }
            }
            Decision::None => {}
        }
        Ok(())
    }

    /// What was found.
    pub fn end(self) -> Gathered {
        let rules = self.rules;
        let mut found = Vec::new();
        let mut usage = Vec::new();
        for (id, mut person) in self.people {
            person.end_day(rules);
            for (rule, hits) in person.hits {
                let least = match rule {
                    Rule::NeighbourRead => rules.neighbour_reads,
                    Rule::DeniedMany => rules.denied,
                    Rule::FailedLogins => rules.failed_logins,
                    _ => 1,
                };
                if hits.extent.count >= least {
                    found.push((rule, id, hits));
                }
            }
            usage.push((id, person.hours));
        }
        found.sort_by_key(|(rule, id, _)| (*rule, *id));
        let total = |hours: &Hours| hours.iter().map(|n| u64::from(*n)).sum::<u64>();
        usage.sort_by_key(|(_, hours)| std::cmp::Reverse(total(hours)));
        Gathered {
            found,
            usage,
            unread: self.unread,
        }
    }
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
            holiday: rules.is_day_off(day),
        }
    })
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
    let query = body.and_then(|body| body.query.as_deref());
    // What was over a budget, failed or waits for a second person showed nothing.
    if header.outcome == Outcome::Refused || query == Some(ASK) {
        return;
    }
    if moment.night {
        person.hit(Rule::NightUse, hit);
    }
    if moment.holiday {
        person.hit(Rule::HolidayUse, hit);
    }
    let special = matches!(header.task, Task::OpenRetained | Task::HandOver);
    let opened = special && header.counts.bytes > 0;
    if opened || header.purpose == Some(Purpose::Recovery) {
        person.hit(Rule::BreakGlass, hit);
    }
    if takes_out(header.task) && !body.is_some_and(|body| explained(body, rules)) {
        person.hit(Rule::UnexplainedOutput, hit);
    }
    if header.task == Task::Read && of_others(header) {
        person.hit(Rule::NeighbourRead, hit);
    }
    if person
        .today
        .as_ref()
        .is_some_and(|today| today.day != moment.day)
    {
        person.end_day(rules);
    }
    let leaves = matches!(header.task, Task::Export | Task::Print);
    let outputs = u32::from(leaves && query != Some(MORE));
    let units = body.iter().flat_map(|body| &body.people);
    let units = units.map(|unit| unit.as_u64());
    match &mut person.today {
        Some(today) => {
            today.people.extend(units);
            today.outputs = today.outputs.saturating_add(outputs);
            today.hits.add(hit);
        }
        None => {
            person.today = Some(Today {
                day: moment.day,
                people: units.collect(),
                outputs,
                hits: hit.clone(),
            });
        }
    }
}

fn explained(body: &Body, rules: &Inspection) -> bool {
    let reason = body.reason.as_deref().unwrap_or_default();
    let letters = reason.chars().filter(|c| c.is_alphanumeric()).count();
    u32::try_from(letters).unwrap_or(u32::MAX) >= rules.reason_letters.max(1)
}

/// Whether somebody who works on cases read one that they did not handle.
fn of_others(header: &Header) -> bool {
    let works = [
        Role::Officer,
        Role::HumanRightsOfficer,
        Role::Lead,
        Role::Coordinator,
        Role::Intake,
    ];
    let handled = |policy: &String| HOLDERS_ALONE.contains(&policy.as_str());
    works.into_iter().any(|role| header.roles.has(role)) && !header.policies.iter().any(handled)
}

#[cfg(test)]
mod tests;
