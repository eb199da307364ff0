//! Whose cases were opened, and what is no ordinary day's work.

use super::*;
use crate::audit::note::{Handed, Note};
use crate::inspection::deed::{HOLDERS_ALONE, SUPERVISION};

/// Somebody's opening of one case under these policies.
fn opened(task: Task, role: Role, policy: &str, case: u8) -> (Header, Sealed) {
    let header = Header {
        task,
        roles: Roles::new([role]).unwrap(),
        policies: Arc::from([policy.to_owned()]),
        ..read()
    };
    let case = CaseId::from_bytes([case; 16]);
    (header, body(&[1], case, Some("reason")))
}

#[test]
fn cases_of_others_are_counted_as_cases_whatever_opens_them() {
    let rules = Inspection {
        neighbour_reads: 2,
        ..Inspection::default()
    };
    let strange = |task, case| opened(task, Role::Officer, "somebody_let_them", case);
    let again = [1; 20].map(|case| strange(Task::Read, case));
    assert_eq!(rules_of(&rules, &again), [], "one case, however often");
    for task in [Task::Read, Task::Export, Task::Print, Task::Unmask] {
        let two = [strange(Task::Read, 1), strange(task, 2)];
        assert_eq!(rules_of(&rules, &two), [Rule::NeighbourRead], "{task:?}");
    }
    let listed = [strange(Task::List, 1), strange(Task::List, 2)];
    assert_eq!(rules_of(&rules, &listed), [], "a list opens nothing");
    let own = HOLDERS_ALONE.map(|id| opened(Task::Read, Role::Officer, id, id.len() as u8));
    assert_eq!(rules_of(&rules, &own), []);
    let privacy = [1, 2].map(|case| opened(Task::Read, Role::PrivacyOfficer, "request", case));
    assert_eq!(rules_of(&rules, &privacy), [], "handles none");
}

#[test]
fn supervision_is_no_read_of_neighbours_and_has_a_number_of_its_own() {
    let rules = Inspection {
        neighbour_reads: 1,
        supervision_reads: 3,
        ..Inspection::default()
    };
    let lead = |case: u8| {
        let policy = SUPERVISION[usize::from(case) % 4];
        let (header, body) = opened(Task::Read, Role::Lead, policy, case);
        let actor = Some(LEAD);
        (Header { actor, ..header }, body)
    };
    assert_eq!(rules_of(&rules, &[lead(1), lead(2), lead(2)]), []);
    let many = [lead(1), lead(2), lead(3)];
    assert_eq!(rules_of(&rules, &many), [Rule::SupervisionRead]);
    let gathered = found(&rules, &[lead(1), lead(2), lead(3), lead(3)]);
    let (_, _, hits) = &gathered.found[0];
    assert_eq!((hits.extent.count, hits.behind), (3, 4));
}

/// A policy that no longer speaks of holders must not count as one of theirs.
#[test]
fn policies_of_holders_and_of_supervision_are_what_they_are_taken_for() {
    let text = [
        include_str!("../../../../policies/case_read.cedar"),
        include_str!("../../../../policies/disclosure.cedar"),
    ]
    .concat();
    let policy = |id: &str| {
        let (_, rest) = text.split_once(&format!("@id(\"{id}\")")).unwrap();
        rest.split("@id(").next().unwrap().to_owned()
    };
    for id in HOLDERS_ALONE {
        let own = "resource.holders.contains(principal)";
        assert!(policy(id).contains(own), "{id}");
    }
    for id in SUPERVISION {
        let text = policy(id);
        let follows = "resource.department == principal.department";
        assert!(
            text.contains(follows) && text.contains("supervision"),
            "{id}"
        );
        assert!(!text.contains("holders"), "{id}");
    }
}

#[test]
fn what_no_ordinary_day_has_is_a_finding() {
    let rules = Inspection::default();
    let done = |task, bytes, query: Option<&str>, decision| {
        let header = Header {
            task,
            decision,
            counts: Counts {
                bytes,
                ..Counts::default()
            },
            ..read()
        };
        let Sealed::Open(said) = body(&[], PLAIN, None) else {
            unreachable!()
        };
        let query = query.map(str::to_owned);
        (header, Sealed::Open(Body { query, ..said }))
    };
    let of = |entry| rules_of(&rules, &[entry]);
    let by = |task, query| of(done(task, 0, query, Decision::Allow));
    let kept = |bytes| of(done(Task::OpenRetained, bytes, None, Decision::Allow));
    assert_eq!(kept(5), [Rule::BreakGlass]);
    assert_eq!(kept(0), [], "a list opens nothing");
    for task in [Task::Unseal, Task::Restore] {
        assert_eq!(of(done(task, 0, None, Decision::None)), [Rule::BreakGlass]);
    }
    for (task, query, look) in [
        (Task::Backup, "begin", "file"),
        (Task::Escrow, "copy", "copies"),
        (Task::ManageAccount, "reset", "accounts"),
    ] {
        assert_eq!(by(task, Some(query)), [Rule::BreakGlass], "{query}");
        assert_eq!(by(task, Some(look)), [], "the control: {look}");
    }
    let recovery = Header {
        purpose: Some(Purpose::Recovery),
        ..read()
    };
    assert_eq!(of((recovery, body(&[1], PLAIN, None))), [Rule::BreakGlass]);
}

#[test]
fn administration_at_odd_times_is_found_and_looking_is_not() {
    let at_night = |query: &str| {
        let header = Header {
            task: Task::ManageDepartment,
            time: at("2026-10-17T23:00:00+09:00"),
            ..read()
        };
        queried(header, &[], query)
    };
    let rules = Inspection::default();
    let found = rules_of(&rules, &[at_night("desk")]);
    assert_eq!(found, [Rule::NightUse, Rule::HolidayUse]);
    assert_eq!(rules_of(&rules, &[at_night("departments")]), []);
}

#[test]
fn one_try_on_a_case_that_one_was_taken_off_is_a_finding() {
    let rules = Inspection::default();
    let denied = |actor, case| {
        let header = Header {
            actor: Some(actor),
            decision: Decision::Deny,
            outcome: Outcome::Refused,
            counts: Counts::default(),
            ..read()
        };
        (header, body(&[], case, None))
    };
    // Entry 100 stands before they were taken off.
    let tries = [denied(OFFICER, HANDED_ON), denied(OFFICER, HANDED_ON)];
    let gathered = found(&rules, &tries);
    let [(rule, person, hits)] = &gathered.found[..] else {
        panic!("{:?}", gathered.found);
    };
    assert_eq!((*rule, *person), (Rule::TakenOff, Some(OFFICER)));
    assert_eq!(hits.entries, [101]);
    let others = [denied(OFFICER, PLAIN), denied(LEAD, HANDED_ON)];
    let others = [&tries[..1], &others].concat();
    assert_eq!(rules_of(&rules, &others), []);
    let secret = [&tries[..1], &[denied(OFFICER, SECRET)]].concat();
    let both = [Rule::DeniedSensitive, Rule::TakenOff];
    assert_eq!(rules_of(&rules, &secret), both, "whatever its tier");
    let patient = Inspection {
        taken_off: 2,
        ..Inspection::default()
    };
    assert_eq!(rules_of(&patient, &tries), []);
}

/// Who takes a colleague's case opens it as its holder: by that it would count as their own.
#[test]
fn who_takes_over_a_case_of_others_and_opens_it_is_found() {
    let handed = |task, case: u8, before: &[AccountId], after: &[AccountId]| {
        let header = Header { task, ..read() };
        assert!(needs_body(&header));
        let Sealed::Open(said) = body(&[], CaseId::from_bytes([case; 16]), None) else {
            unreachable!()
        };
        let handed = Note::Handed(Handed {
            before: before.to_vec(),
            after: after.to_vec(),
        });
        let notes = vec![handed];
        (header, Sealed::Open(Body { notes, ..said }))
    };
    let assigned =
        |case, before: &[AccountId], after: &[AccountId]| handed(Task::Assign, case, before, after);
    let own = |task, case| opened(task, Role::Officer, "ordinary_own_handling", case);
    let rules = Inspection::default();
    let of = |entries: &[(Header, Sealed)]| {
        let found = found(&rules, entries).found.into_iter();
        let mut found = found.filter(|(rule, ..)| *rule == Rule::SelfAssigned);
        found.next().map(|(_, person, hits)| {
            assert_eq!(person, Some(OFFICER));
            (hits.extent.count, hits.extent.most, hits.entries)
        })
    };
    for task in [Task::Read, Task::Export, Task::Print, Task::Unmask] {
        let taken = [
            assigned(1, &[LEAD], &[OFFICER]),
            own(task, 1),
            assigned(1, &[OFFICER], &[LEAD]),
        ];
        assert_eq!(of(&taken), Some((1, 1, vec![100, 101])), "{task:?}");
    }
    let cleared = [
        assigned(1, &[LEAD], &[]),
        assigned(1, &[], &[OFFICER]),
        own(Task::Read, 1),
        assigned(1, &[OFFICER], &[LEAD]),
        own(Task::Read, 1),
    ];
    let only_while_theirs = vec![101, 102];
    assert_eq!(of(&cleared), Some((1, 1, only_while_theirs)));
    let beside = [
        assigned(1, &[LEAD], &[LEAD, OFFICER]),
        handed(Task::Reclassify, 2, &[LEAD], &[OFFICER]),
        own(Task::Read, 2),
        own(Task::Read, 2),
        own(Task::List, 1),
    ];
    assert_eq!(of(&beside), Some((2, 1, vec![100, 101, 102, 103])));
    for (what, entries) in [
        (
            "nobody had it",
            [assigned(1, &[], &[OFFICER]), own(Task::Read, 1)],
        ),
        (
            "already their own",
            [
                assigned(1, &[LEAD, OFFICER], &[OFFICER]),
                own(Task::Read, 1),
            ],
        ),
        (
            "given away by its holder",
            [assigned(1, &[OFFICER], &[]), assigned(1, &[], &[OFFICER])],
        ),
        (
            "given to another",
            [assigned(1, &[LEAD], &[GONE]), own(Task::Read, 1)],
        ),
        ("only opened", [own(Task::Read, 1), own(Task::Read, 2)]),
    ] {
        assert_eq!(of(&entries), None, "{what}");
    }
    let patient = Inspection {
        self_assigned: 2,
        ..Inspection::default()
    };
    let one = [assigned(1, &[LEAD], &[OFFICER])];
    assert_eq!(rules_of(&patient, &one), []);
}
