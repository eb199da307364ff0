//! What each person was shown: fed by every way into the log, the same after a restart.

use std::time::Duration;

use super::*;
use crate::audit::entry::Decision;
use crate::audit::manifest::{Beside, Listed};
use crate::audit::usage::{FAILED, OVER_BUDGET, Totals};
use crate::authz::action::{Export, List, Print, Search, Unmask};
use crate::engine::Expected;
use crate::engine::fault::FaultEngine;

fn totals(log: &AccessLog, actor: u8) -> Totals {
    let totals = log.usage().totals(account(actor));
    Totals {
        recent_people: 0,
        ..totals
    }
}

fn counts(people: u32, cases: u32, outputs: u32) -> Totals {
    Totals {
        people,
        cases,
        outputs,
        recent_people: 0,
    }
}

fn rows_of<A: Action>(log: &AccessLog, actor: u8, cases: &[u8], query: &'static str) {
    let shown = Shown {
        cases: cases.iter().copied().map(case).collect(),
        people: vec![unit(90), unit(91)],
        query: Some(query),
        ..Shown::default()
    };
    log.record::<A>(permit(actor, None), shown)
        .wait()
        .map(drop)
        .unwrap();
}

fn beside() -> Beside {
    Beside {
        query: "q",
        ..Beside::default()
    }
}

fn list_of<A: Action>(log: &AccessLog, actor: u8, listed: &[(u8, &[u64])]) {
    let list: Vec<Listed> = listed
        .iter()
        .map(|(number, people)| Listed {
            case: case(*number),
            people: people.iter().copied().map(unit).collect(),
            policies: Arc::from([]),
        })
        .collect();
    let _ = log
        .record_list::<A, _>(permit(actor, None), None, &list, beside())
        .unwrap();
}

#[test]
fn every_way_counts_and_a_restart_changes_nothing() {
    let office = Office::new(60);
    let log = office.open().unwrap();
    let _ = read(&log, 1, 1);
    assert_eq!(totals(&log, 1), counts(2, 1, 0));
    // A row of a list and a find show no person.
    rows_of::<List>(&log, 1, &[1, 2, 3], "list");
    rows_of::<Search>(&log, 1, &[4], "name");
    assert_eq!(totals(&log, 1), counts(2, 4, 0));
    list_of::<Export>(&log, 1, &[(1, &[1, 2]), (5, &[7])]);
    list_of::<Print>(&log, 1, &[(5, &[7, 8])]);
    assert_eq!(totals(&log, 1), counts(4, 5, 2));
    // Nothing was shown: failed, over the budget, denied, somebody else's, a query of the log.
    rows_of::<Read>(&log, 1, &[20], FAILED);
    rows_of::<Read>(&log, 1, &[21], OVER_BUDGET);
    let denied = log.refuse(Denied::<Read>::undecided(basis(1, Some(case(22)))));
    denied.wait().map(drop).unwrap();
    let _ = read(&log, 2, 30);
    rows_of::<ReadLog>(&log, 1, &[23], "entries");
    assert_eq!(totals(&log, 1), counts(4, 5, 2));
    assert_eq!(totals(&log, 2), counts(2, 1, 0));

    drop(log);
    let again = office.open().unwrap();
    assert_eq!(totals(&again, 1), counts(4, 5, 2));
    assert_eq!(totals(&again, 2), counts(2, 1, 0));
    let _ = read(&again, 1, 1);
    assert_eq!(totals(&again, 1), counts(4, 5, 2), "the same once more");
    // The window goes on over the restart.
    drop(again);
    office.clock.advance(Duration::from_secs(24 * 3600 + 600));
    let later = office.open().unwrap();
    assert_eq!(totals(&later, 1), counts(0, 0, 0));
}

#[test]
fn what_came_to_nothing_is_allowed_and_no_deed() {
    let office = Office::new(63);
    let log = office.open().unwrap();
    for query in [FAILED, OVER_BUDGET] {
        rows_of::<Read>(&log, 1, &[20], query);
    }
    rows_of::<Read>(&log, 1, &[20], "r");
    let leaves = office.engine.leaves(Log::Access, 0, Limit::rows(99));
    let leaves = leaves.unwrap();
    let said = |at: usize| {
        let header = crate::audit::entry::Header::decode(&leaves[at].leaf).unwrap();
        (header.decision, header.outcome, header.counts.people)
    };
    let last = leaves.len() - 1;
    for refused in [last - 2, last - 1] {
        assert_eq!(said(refused), (Decision::Allow, Outcome::Refused, 0));
    }
    assert_eq!(
        said(last),
        (Decision::Allow, Outcome::Done, 2),
        "the control"
    );
    // Also once their bodies are gone: the header says it.
    log.tick().unwrap();
    let engine = office.copy(last as u64 + 1, |_, leaf| leaf.body = Some(Vec::new()));
    let (_dir, bare) = office.trial(engine, |_| ());
    assert_eq!(totals(&bare.unwrap(), 1), counts(2, 1, 0));
}

#[test]
fn a_list_that_takes_several_entries_is_one_output() {
    let mut office = Office::new(64);
    let engine = Arc::new(FaultEngine::new(Arc::clone(&office.engine)));
    office.engine = engine.clone();
    let log = office.open().unwrap();
    let listed = |n: u32| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_le_bytes());
        Listed {
            case: CaseId::from_bytes(id),
            people: [].into_iter().collect(),
            policies: Arc::from([]),
        }
    };
    let list: Vec<Listed> = (0..26_000).map(listed).collect();
    let before = office.engine.log_size(Log::Access);
    let permit = permit(1, None);
    engine.settle().unwrap();
    let _ = log
        .record_list::<Export, _>(permit, None, &list, beside())
        .unwrap();
    assert!(
        office.engine.log_size(Log::Access) > before + 1,
        "the control"
    );
    assert_eq!(engine.most_unsettled(), 1, "its rows do not pile up");
    assert_eq!(totals(&log, 1), counts(0, 26_000, 1));
    drop(log);
    assert_eq!(totals(&office.open().unwrap(), 1), counts(0, 26_000, 1));
}

/// Two at once spend the same consent: of the second there is neither list nor unmasking.
#[test]
fn an_unmasked_list_and_its_unmasking_stand_or_fall_together() {
    let office = Office::new(65);
    let log = office.open().unwrap();
    let consent = Key::new(vec![7; 16]).unwrap();
    let list = [Listed {
        case: case(1),
        people: [unit(1)].into_iter().collect(),
        policies: Arc::from([]),
    }];
    let spend = |n: u8| {
        let spent = Value::new(vec![n]).unwrap();
        Beside {
            batch: Batch {
                put: vec![(Space::Meta, consent.clone(), spent)],
                expect: vec![(Space::Meta, consent.clone(), Expected::Absent)],
                ..Batch::default()
            },
            ..beside()
        }
    };
    let size = || office.engine.log_size(Log::Access);
    let enter = |n| {
        let unmask = Some(permit::<Unmask>(1, None));
        log.record_list(permit::<Export>(1, None), unmask, &list, spend(n))
    };
    let before = size();
    let (manifest, unmask) = enter(1).unwrap();
    let unmask = unmask.unwrap();
    assert!(manifest.holds(case(1)) && unmask.holds(case(1)));
    assert!(!unmask.holds(case(2)));
    let places = (manifest.position().index, unmask.position().index);
    assert_eq!((places, size()), ((before, before + 1), before + 2));
    let counted = totals(&log, 1);
    assert!(enter(2).is_err());
    assert_eq!(size(), before + 2, "an entry of a list that never left");
    assert_eq!(totals(&log, 1), counted);
}

#[test]
fn an_entry_whose_body_is_gone_counts_by_its_numbers() {
    let office = Office::new(61);
    let log = office.open().unwrap();
    for _ in 0..3 {
        let _ = read(&log, 1, 1);
    }
    log.tick().unwrap();
    let engine = office.copy(3, |_, leaf| leaf.body = Some(Vec::new()));
    let (_dir, bare) = office.trial(engine, |_| ());
    assert_eq!(totals(&bare.unwrap(), 1), counts(6, 3, 0));
    let (_dir, whole) = office.trial(office.copy(3, |_, _| {}), |_| ());
    assert_eq!(totals(&whole.unwrap(), 1), counts(2, 1, 0), "the control");
}

#[test]
fn a_commit_that_fails_is_given_back_and_one_that_may_have_happened_is_not() {
    let office = Office::new(62);
    let log = office.open().unwrap();
    let conflict = Batch {
        expect: vec![(
            Space::Meta,
            Key::from_index(7),
            crate::engine::Expected::Equals(Value::new([1]).unwrap()),
        )],
        ..Batch::default()
    };
    let failed = log.record_with::<Read>(permit(1, Some(case(1))), shown(&[1], "r"), conflict);
    assert!(failed.wait().is_err());
    assert_eq!(totals(&log, 1), counts(0, 0, 0));
    // Somebody who goes away before the answer may have been answered.
    drop(log.record::<Read>(permit(1, Some(case(1))), shown(&[1], "r")));
    assert_eq!(totals(&log, 1), counts(1, 1, 0));
}
