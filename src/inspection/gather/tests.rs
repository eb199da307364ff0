//! Every rule finds what it is for, and the control beside it is no finding.

mod deeds;

use std::convert::Infallible;
use std::sync::Arc;

use super::*;
use crate::audit::Outcome;
use crate::audit::entry::{Counts, hash_body};
use crate::domain::id::{EntryId, UnitId};
use crate::domain::role::{Role, Roles};
use crate::inspection::deed::needs_body;
use crate::inspection::hits::{ENTRIES_MAX, OUTPUTS_MAX};

const OFFICER: AccountId = AccountId::from_bytes([1; 16]);
const LEAD: AccountId = AccountId::from_bytes([2; 16]);
const GONE: AccountId = AccountId::from_bytes([3; 16]);
const SECRET: CaseId = CaseId::from_bytes([9; 16]);
const HANDED_ON: CaseId = CaseId::from_bytes([7; 16]);
const PLAIN: CaseId = CaseId::from_bytes([8; 16]);

struct Office;
impl Known for Office {
    type Error = Infallible;
    fn sensitive(&mut self, case: CaseId, _: u64) -> Result<bool, Infallible> {
        Ok(case == SECRET)
    }
    fn taken_off(
        &mut self,
        case: CaseId,
        account: AccountId,
        index: u64,
    ) -> Result<bool, Infallible> {
        Ok([HANDED_ON, SECRET].contains(&case) && account == OFFICER && index > 100)
    }
    fn shut(&mut self, account: AccountId) -> Result<bool, Infallible> {
        Ok(account == GONE)
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// An officer's read of a case they handle, at noon of a working day.
fn read() -> Header {
    Header {
        id: EntryId::from_bytes([7; 16]),
        time: at("2026-10-14T12:00:00+09:00"),
        clock_back: false,
        boot: [0; 16],
        actor: Some(OFFICER),
        roles: Roles::new([Role::Officer]).unwrap(),
        task: Task::Read,
        purpose: Some(Purpose::Handling),
        decision: Decision::Allow,
        policies: Arc::from(["ordinary_own_handling".to_owned()]),
        policy_set: [1; 32],
        counts: Counts {
            cases: 1,
            people: 1,
            bytes: 10,
        },
        outcome: Outcome::Done,
        epoch: None,
        body_hash: hash_body(&[]),
    }
}

fn body(people: &[u64], case: CaseId, reason: Option<&str>) -> Sealed {
    Sealed::Open(Body {
        address: None,
        device: String::new(),
        cases: vec![case],
        units: Vec::new(),
        people: people.iter().map(|n| UnitId::from_u64(*n)).collect(),
        reason: reason.map(str::to_owned),
        query: None,
        notes: Vec::new(),
    })
}

fn found(rules: &Inspection, entries: &[(Header, Sealed)]) -> Gathered {
    let mut gatherer = Gatherer::new(rules, Office);
    for (index, (header, body)) in (100..).zip(entries) {
        let Ok(()) = gatherer.see(index, header, body);
    }
    let Ok(gathered) = gatherer.end();
    gathered
}

/// What was found besides outputs, of which every one is to be confirmed.
fn rules_of(rules: &Inspection, entries: &[(Header, Sealed)]) -> Vec<Rule> {
    let found = found(rules, entries).found;
    let rules = found.into_iter().map(|(rule, ..)| rule);
    rules
        .filter(|rule| *rule != Rule::UnexplainedOutput)
        .collect()
}

fn shown(header: Header) -> (Header, Sealed) {
    (header, body(&[1], PLAIN, None))
}

#[test]
fn ordinary_work_is_no_finding() {
    let list = Header {
        task: Task::List,
        counts: Counts::default(),
        ..read()
    };
    let login = Header {
        task: Task::Login,
        decision: Decision::None,
        ..read()
    };
    let entries = [
        shown(read()),
        (list, Sealed::Unasked),
        (login, Sealed::Unasked),
    ];
    let gathered = found(&Inspection::default(), &entries);
    assert_eq!(gathered.found, []);
    assert_eq!(gathered.unread, 0);
    let (person, hours) = &gathered.usage[0];
    assert_eq!((*person, hours[12], hours[13]), (Some(OFFICER), 3, 0));
}

#[test]
fn night_and_days_off_are_those_of_the_office() {
    let on = |time| {
        shown(Header {
            time: at(time),
            ..read()
        })
    };
    let rules = Inspection {
        holidays: vec!["2026-10-02".parse().unwrap()],
        ..Inspection::default()
    };
    let of = |time| rules_of(&rules, &[on(time)]);
    assert_eq!(of("2026-10-14T22:00:00+09:00"), [Rule::NightUse]);
    assert_eq!(of("2026-10-14T20:59:59Z"), [Rule::NightUse]);
    assert_eq!(of("2026-10-14T21:00:00Z"), []);
    assert_eq!(of("2026-10-17T12:00:00+09:00"), [Rule::HolidayUse]);
    assert_eq!(
        of("2026-10-09T12:00:00+09:00"),
        [Rule::HolidayUse],
        "public"
    );
    assert_eq!(of("2026-10-02T12:00:00+09:00"), [Rule::HolidayUse], "set");
    // A log-in at night shows nothing.
    let login = Header {
        task: Task::Login,
        decision: Decision::None,
        time: at("2026-10-14T23:00:00+09:00"),
        ..read()
    };
    assert_eq!(rules_of(&rules, &[(login, Sealed::Unasked)]), []);
}

/// However good a reason reads, a person confirms it; the program only points at poor ones.
#[test]
fn every_output_of_a_person_stands_in_one_finding_with_a_hint_at_poor_reasons() {
    let out = |task, reason| {
        let header = Header { task, ..read() };
        (header, body(&[1], PLAIN, reason))
    };
    let mut entries = vec![
        out(Task::Export, Some("법원 제출")),
        out(Task::Print, Some(" - ")),
        out(Task::Export, None),
        out(Task::Unmask, None),
    ];
    entries.push((
        Header {
            task: Task::Export,
            ..read()
        },
        Sealed::Gone,
    ));
    let gathered = found(&Inspection::default(), &entries);
    let [(rule, person, hits)] = &gathered.found[..] else {
        panic!("{:?}", gathered.found);
    };
    assert_eq!((*rule, *person), (Rule::UnexplainedOutput, Some(OFFICER)));
    assert_eq!((hits.extent.count, hits.extent.most), (4, 3));
    let named: Vec<_> = hits.outputs.iter().map(|o| (o.entry, o.doubtful)).collect();
    assert_eq!(named, [(100, false), (101, true), (102, true), (104, true)]);
    assert_eq!(hits.outputs[1].task, Task::Print);
    assert_eq!(hits.outputs[0].purpose, Some(Purpose::Handling));
    assert_eq!(gathered.unread, 1);
    let many: Vec<_> = (0..=OUTPUTS_MAX)
        .map(|_| out(Task::Print, Some("회의")))
        .collect();
    let gathered = found(&Inspection::default(), &many);
    let confirm = |(rule, ..): &&(Rule, _, _)| *rule == Rule::UnexplainedOutput;
    let (_, _, hits) = gathered.found.iter().find(confirm).unwrap();
    assert_eq!(hits.outputs.len(), OUTPUTS_MAX);
    assert_eq!(hits.extent.count as usize, OUTPUTS_MAX + 1);
}

fn queried(header: Header, people: &[u64], query: &str) -> (Header, Sealed) {
    let Sealed::Open(said) = body(people, PLAIN, Some("reason")) else {
        unreachable!()
    };
    let query = Some(query.to_owned());
    (header, Sealed::Open(Body { query, ..said }))
}

#[test]
fn what_came_to_nothing_is_no_deed() {
    let rules = Inspection {
        people_a_day: 1,
        outputs_a_day: 1,
        neighbour_reads: 1,
        ..Inspection::default()
    };
    let tried = |task, outcome| Header {
        task,
        outcome,
        time: at("2026-10-14T23:00:00+09:00"),
        policies: Arc::default(),
        ..read()
    };
    for task in [Task::Read, Task::Export, Task::Print, Task::Unmask] {
        let refused = (tried(task, Outcome::Refused), Sealed::Unasked);
        assert!(!needs_body(&refused.0), "{task:?}");
        assert_eq!(rules_of(&rules, &[refused]), [], "{task:?}");
        let done = (tried(task, Outcome::Done), body(&[1], PLAIN, None));
        assert!(needs_body(&done.0), "{task:?}");
        assert_ne!(rules_of(&rules, &[done]), [], "the control: {task:?}");
    }
}

#[test]
fn an_output_counts_once_however_often_it_is_asked_for_and_long_its_list_is() {
    let rules = Inspection {
        outputs_a_day: 2,
        ..Inspection::default()
    };
    let export = |query| {
        let header = Header {
            task: Task::Export,
            ..read()
        };
        queried(header, &[1], query)
    };
    let one = [
        export("ask"),
        export("ask"),
        export("export"),
        export("more"),
    ];
    assert_eq!(rules_of(&rules, &one), []);
    let two = [export("export"), export("more"), export("export")];
    assert_eq!(rules_of(&rules, &two), [Rule::MassRead]);
}

#[test]
fn many_people_in_one_day_are_distinct_people_in_one_day() {
    let rules = Inspection {
        people_a_day: 3,
        outputs_a_day: 2,
        ..Inspection::default()
    };
    let on = |day: u8, people: &[u64]| {
        let time = at(&format!("2026-10-{day}T12:00:00+09:00"));
        (Header { time, ..read() }, body(people, PLAIN, None))
    };
    let again = [on(14, &[1, 2]), on(14, &[1, 2]), on(15, &[3])];
    assert_eq!(rules_of(&rules, &again), []);
    let many = [
        on(13, &[1]),
        on(14, &[1, 2]),
        on(14, &[2, 3, 4]),
        on(15, &[1]),
    ];
    let gathered = found(&rules, &many);
    let (rule, person, hits) = &gathered.found[0];
    assert_eq!((*rule, *person), (Rule::MassRead, Some(OFFICER)));
    assert_eq!((hits.extent.most, &hits.entries), (4, &vec![101, 102]));
    let print = || {
        let header = Header {
            task: Task::Print,
            ..read()
        };
        (header, body(&[1], PLAIN, Some("reason")))
    };
    assert_eq!(rules_of(&rules, &[print()]), []);
    assert_eq!(rules_of(&rules, &[print(), print()]), [Rule::MassRead]);
}

/// Whoever sees no people, and whoever only lists, is found by the cases.
#[test]
fn many_cases_in_one_day_are_a_mass_read_in_lists_too() {
    let rules = Inspection {
        cases_a_day: 3,
        ..Inspection::default()
    };
    let list = |cases: &[u8]| {
        let header = Header {
            task: Task::List,
            counts: Counts {
                cases: 2,
                people: 0,
                bytes: 10,
            },
            ..read()
        };
        assert!(needs_body(&header));
        let Sealed::Open(said) = body(&[], PLAIN, None) else {
            unreachable!()
        };
        let cases = cases.iter().map(|n| CaseId::from_bytes([*n; 16])).collect();
        (header, Sealed::Open(Body { cases, ..said }))
    };
    assert_eq!(rules_of(&rules, &[list(&[1, 2]), list(&[1, 2])]), []);
    let many = [list(&[1, 2]), list(&[2, 3])];
    assert_eq!(rules_of(&rules, &many), [Rule::MassRead]);
    let gone = [list(&[1, 2]), (list(&[]).0, Sealed::Gone)];
    assert_eq!(rules_of(&rules, &gone), [Rule::MassRead], "nobody can tell");
}

/// A search opens every person of the asker's own cases to compare: that is no read of them.
#[test]
fn who_searches_and_lists_is_counted_by_cases_and_who_chooses_for_an_export_by_nothing() {
    let rules = Inspection {
        people_a_day: 3,
        cases_a_day: 2,
        ..Inspection::default()
    };
    let of = |task, people: &[u64], query: &str, cases: &[u8]| {
        let counts = Counts {
            cases: 2,
            people: 5,
            bytes: 10,
        };
        let header = Header {
            task,
            counts,
            ..read()
        };
        let (header, Sealed::Open(said)) = queried(header, people, query) else {
            unreachable!()
        };
        let cases = cases.iter().map(|n| CaseId::from_bytes([*n; 16])).collect();
        (header, Sealed::Open(Body { cases, ..said }))
    };
    let many = [1, 2, 3, 4];
    for task in [Task::Search, Task::List] {
        assert_eq!(rules_of(&rules, &[of(task, &many, "q", &[1])]), []);
        let cases = rules_of(&rules, &[of(task, &many, "q", &[1, 2])]);
        assert_eq!(cases, [Rule::MassRead], "the control: {task:?}");
    }
    let read = of(Task::Read, &many, "q", &[1]);
    assert_eq!(rules_of(&rules, &[read]), [Rule::MassRead], "the control");
    let chosen = of(Task::Search, &many, "choose:name", &[1, 2]);
    assert_eq!(rules_of(&rules, std::slice::from_ref(&chosen)), []);
    // What it chose is behind no finding of the day either.
    let day = [chosen, of(Task::Search, &[], "name", &[1, 2])];
    let gathered = found(&rules, &day);
    assert_eq!(gathered.found[0].2.entries, [101]);
    let gone = |task| (of(task, &[], "", &[]).0, Sealed::Gone);
    let people = Inspection {
        cases_a_day: 1000,
        ..rules
    };
    assert_eq!(rules_of(&people, &[gone(Task::Search)]), []);
    assert_eq!(rules_of(&people, &[gone(Task::Read)]), [Rule::MassRead]);
}

#[test]
fn refusals_count_and_one_on_a_sensitive_case_is_enough() {
    let rules = Inspection {
        denied: 3,
        ..Inspection::default()
    };
    let denied = |case| {
        let header = Header {
            decision: Decision::Deny,
            outcome: Outcome::Refused,
            counts: Counts::default(),
            ..read()
        };
        (header, body(&[], case, None))
    };
    assert_eq!(rules_of(&rules, &[denied(PLAIN), denied(PLAIN)]), []);
    assert_eq!(rules_of(&rules, &[denied(SECRET)]), [Rule::DeniedSensitive]);
    let many = [denied(PLAIN), denied(PLAIN), denied(PLAIN)];
    assert_eq!(rules_of(&rules, &many), [Rule::DeniedMany]);
}

#[test]
fn failed_logins_count_and_those_of_shut_accounts_at_once() {
    let rules = Inspection {
        failed_logins: 2,
        ..Inspection::default()
    };
    let failed = |actor| {
        let header = Header {
            actor,
            task: Task::LoginFailed,
            decision: Decision::None,
            outcome: Outcome::Refused,
            ..read()
        };
        (header, Sealed::Unasked)
    };
    assert_eq!(rules_of(&rules, &[failed(Some(OFFICER))]), []);
    assert_eq!(rules_of(&rules, &[failed(Some(GONE))]), [Rule::AfterRevoke]);
    let unknown = [failed(None), failed(None)];
    assert_eq!(rules_of(&rules, &unknown), [Rule::FailedLogins]);
    // What came before the account was shut in this very month, or after it was let in again.
    let ends = |query: &str| {
        let header = Header {
            actor: Some(LEAD),
            task: Task::ManageAccount,
            ..read()
        };
        assert!(needs_body(&header));
        let Sealed::Open(said) = body(&[], PLAIN, Some(&GONE.to_string())) else {
            unreachable!()
        };
        let query = Some(query.to_owned());
        (header, Sealed::Open(Body { query, ..said }))
    };
    let of = |entries: &[(Header, Sealed)]| {
        let mut rules = rules_of(&rules, entries);
        rules.retain(|rule| *rule == Rule::AfterRevoke);
        rules.len()
    };
    assert_eq!(of(&[failed(Some(GONE)), ends("disable")]), 0);
    assert_eq!(of(&[ends("disable"), failed(Some(GONE))]), 1);
    let again = [ends("disable"), ends("reset"), failed(Some(GONE))];
    assert_eq!(of(&again), 0);
}

#[test]
fn a_finding_names_the_first_entries_and_counts_all() {
    let night = || {
        shown(Header {
            time: at("2026-10-14T23:00:00+09:00"),
            ..read()
        })
    };
    let many: Vec<_> = (0..ENTRIES_MAX + 50).map(|_| night()).collect();
    let gathered = found(&Inspection::default(), &many);
    let (_, _, hits) = &gathered.found[0];
    assert_eq!(hits.entries.len(), ENTRIES_MAX);
    assert_eq!(hits.extent.count as usize, ENTRIES_MAX + 50);
    assert_eq!(hits.behind as usize, ENTRIES_MAX + 50);
}
