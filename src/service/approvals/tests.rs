//! The second person, for every kind of request, with a control beside every refusal.

mod ended;
mod office;
mod record;

use std::sync::Arc;
use std::time::Duration;

use office::*;

use super::*;
use crate::domain::id::{CaseId, RetainedId};
use crate::domain::purpose::Purpose;
use crate::domain::random::SystemSource;
use crate::domain::role::Roles;
use crate::domain::secret::SecretText;
use crate::domain::time::{Clock, SteppedClock, Timestamp};
use crate::engine::CommitError;
use crate::people::account::Login;
use crate::people::approval::{LIFETIME, Lock, Standing, TakeOut};
use crate::service::open;
use crate::service::testing::{here, secret, settings};

const YES: Verdict = Verdict {
    approve: true,
    hash: None,
};
const NO: Verdict = Verdict {
    approve: false,
    hash: None,
};

#[test]
fn a_raised_budget_is_carried_out_by_the_approval_for_a_day() {
    let office = Office::new();
    let asked = Asked::RaiseBudget {
        people: 5,
        cases: 7,
        reason: "r".to_owned(),
    };
    let held = |login: &str| -> Vec<(u32, u32)> {
        let now = office.clock.now();
        let all = office.store.budget.allowed(office.id(login), now);
        all.iter().map(|more| (more.people, more.cases)).collect()
    };
    let nothing: Vec<(u32, u32)> = Vec::new();
    let refused = office.ask(&asked, "rights", &[]);
    office.decide("privacy", refused, NO).unwrap();
    assert_eq!(held("rights"), nothing);
    let id = office.ask(&asked, "rights", &[]);
    assert_eq!(held("rights"), nothing);
    office.decide("privacy", id, YES).unwrap();
    assert_eq!(held("rights"), [(5, 7)]);
    assert_eq!(held("privacy"), nothing);
    // Once.
    let again = office.decide("privacy2", id, YES);
    assert_eq!(again, Err(ServiceError::Expired));
    assert_eq!(
        office.spend(id, &asked, "rights"),
        Err(ServiceError::NotApproved)
    );
    office.clock.advance(crate::audit::usage::WINDOW);
    assert_eq!(held("rights"), nothing);
}

#[test]
fn a_deferred_approval_is_spent_once_by_its_requester_for_exactly_what_was_asked() {
    let office = Office::new();
    for (asked, other) in deferred(&office) {
        let kind = asked.kind();
        let id = office.ask(&asked, "custodian", &[]);
        let spend = |asked, by| office.spend(id, asked, by);
        // Before anybody decided.
        let early = spend(&asked, "custodian");
        assert_eq!(early, Err(ServiceError::NotApproved), "{kind}");
        office.decide("privacy", id, YES).unwrap();
        // Another request, another requester.
        let changed = spend(&other, "custodian");
        assert_eq!(changed, Err(ServiceError::NotApproved), "{kind}");
        let another = spend(&asked, "admin");
        assert_eq!(another, Err(ServiceError::NotApproved), "{kind}");
        let absent = ApprovalId::from_bytes([9; 16]);
        let absent = office.spend(absent, &asked, "custodian");
        assert_eq!(absent, Err(ServiceError::NotApproved), "{kind}");
        // The control, and then it is used up.
        let approver = spend(&asked, "custodian");
        assert_eq!(approver, Ok(office.id("privacy")), "{kind}");
        assert_eq!(office.state(id), ApprovalState::Spent, "{kind}");
        let again = spend(&asked, "custodian");
        assert_eq!(again, Err(ServiceError::Expired), "{kind}");
        let decided = office.decide("privacy2", id, YES);
        assert_eq!(decided, Err(ServiceError::Expired), "{kind}");
    }
}

#[test]
fn two_who_spend_the_same_approval_at_once_conflict() {
    let office = Office::new();
    let asked = handed_over(1);
    let id = office.ask(&asked, "custodian", &[]);
    office.decide("privacy", id, YES).unwrap();
    let custodian = office.id("custodian");
    let batches = [(); 2].map(|()| {
        let mut batch = Batch::default();
        let spent = office.store.spend(&mut batch, id, &asked, custodian);
        spent.unwrap();
        batch
    });
    let [first, second] = batches.map(|batch| office.store.engine.commit(batch).wait());
    first.unwrap();
    assert_eq!(second.err(), Some(CommitError::Conflict));
}

#[test]
fn neither_a_refused_nor_an_old_nor_an_orphaned_approval_is_spent() {
    let office = Office::new();
    let asked = handed_over(1);
    let approved = || {
        let id = office.ask(&asked, "custodian", &[]);
        office.decide("privacy", id, YES).unwrap();
        id
    };
    let refused = office.ask(&asked, "custodian", &[]);
    office.decide("privacy", refused, NO).unwrap();
    let spent = office.spend(refused, &asked, "custodian");
    assert_eq!(spent, Err(ServiceError::NotApproved));

    // Half an hour from the decision on; the control comes a moment before.
    let (old, in_time) = (approved(), approved());
    office.clock.advance(LIFETIME - Duration::from_secs(1));
    office.spend(in_time, &asked, "custodian").unwrap();
    office.clock.advance(Duration::from_secs(1));
    let spent = office.spend(old, &asked, "custodian");
    assert_eq!(spent, Err(ServiceError::Expired));
    // A request is no older than that when it is decided, either.
    let waiting = office.ask(&asked, "custodian", &[]);
    office.clock.advance(LIFETIME);
    let late = office.decide("privacy", waiting, YES);
    assert_eq!(late, Err(ServiceError::Expired));

    // Who approved is not who they were any more.
    let orphan = approved();
    let admin = office.session("admin");
    let privacy = office.id("privacy");
    let shut = |approval| {
        let shut = office.store.disable_account(&admin, privacy, approval);
        shut.unwrap().wait().unwrap()
    };
    let consent = shut(None).approvals[0].parse().unwrap();
    office.decide("privacy2", consent, YES).unwrap();
    shut(Some(consent));
    let spent = office.spend(orphan, &asked, "custodian");
    assert_eq!(spent, Err(ServiceError::Expired));
}

#[test]
fn a_request_that_takes_effect_at_once_is_never_spent() {
    let office = Office::new();
    let asked = Asked::GrantRole {
        to: Person::of(&office.account("rights")),
        role: Role::Officer,
    };
    let id = office.ask(&asked, "admin", &[]);
    office.decide("privacy", id, YES).unwrap();
    assert!(office.account("rights").roles.has(Role::Officer));
    let spent = office.spend(id, &asked, "admin");
    assert_eq!(spent, Err(ServiceError::NotApproved));
}

#[test]
fn each_kind_is_approved_by_a_privacy_officer_who_had_no_part_in_it() {
    let office = Office::new();
    let grant = Asked::GrantRole {
        to: Person::of(&office.account("rights")),
        role: Role::Officer,
    };
    let take = Asked::TakeRole {
        of: Person::of(&office.account("auditor")),
        role: Role::Auditor,
    };
    let desk = Asked::SeatDesk {
        department: DepartmentId::from_bytes([1; 16]),
        members: vec![Person::of(&office.account("rights"))],
    };
    let more = Asked::RaiseBudget {
        people: 5,
        cases: 5,
        reason: "r".to_owned(),
    };
    let kinds = deferred(&office).into_iter().map(|(asked, _)| asked);
    let kinds: Vec<Asked> = kinds.chain([grant, take, desk, more]).collect();
    let places: std::collections::BTreeSet<usize> = kinds.iter().map(place).collect();
    assert_eq!(places, (0..KINDS).collect(), "a kind is not in this table");
    for asked in kinds {
        let kind = asked.kind();
        let id = office.ask(&asked, "privacy", &["privacy2"]);
        for login in ["admin", "custodian", "auditor", "rights"] {
            let reply = office.decide(login, id, YES);
            assert_eq!(reply, Err(ServiceError::RoleRefused), "{kind} by {login}");
        }
        for login in ["privacy", "privacy2"] {
            let reply = office.decide(login, id, YES);
            assert_eq!(reply, Err(ServiceError::SelfApproval), "{kind} by {login}");
        }
        assert_eq!(office.state(id), ApprovalState::Open, "{kind}");
        let reply = office.decide("privacy3", id, NO);
        assert_eq!(reply, Ok(ApprovalState::Refused), "{kind}");
    }
    // Who answers for what leaves is no second person for it.
    let mut theirs = deferred(&office).into_iter().map(|(asked, _)| asked);
    let theirs = theirs.find(|asked| matches!(asked, Asked::TakeOut(_)));
    let Some(Asked::TakeOut(mut taken)) = theirs else {
        panic!("a kind is not in this table")
    };
    taken.responsible = office.id("privacy");
    let id = office.ask(&Asked::TakeOut(taken), "rights", &[]);
    let reply = office.decide("privacy", id, YES);
    assert_eq!(reply, Err(ServiceError::SelfApproval));
    office.decide("privacy2", id, YES).unwrap();
    // Whom it is about.
    let own = Asked::ResetAccount {
        of: Person::of(&office.account("privacy2")),
    };
    let id = office.ask(&own, "admin", &[]);
    let reply = office.decide("privacy2", id, YES);
    assert_eq!(reply, Err(ServiceError::SelfApproval));
    office.decide("privacy", id, YES).unwrap();
}

#[test]
fn what_is_carried_out_at_once_is_that_of_somebody_who_may_still_ask_for_it() {
    let office = Office::new();
    office.employ("admin2", Role::Admin);
    office.employ("rights2", Role::HumanRightsOfficer);
    let admin = office.session("admin");
    let department = {
        let code = "civil".to_owned();
        let made = office.store.add_department(&admin, code.clone(), code);
        made.unwrap().wait().unwrap();
        office.store.directory.by_code("civil").unwrap().id
    };
    let rights = Person::of(&office.account("rights"));
    let by_admin = [
        Asked::GrantRole {
            to: rights,
            role: Role::Officer,
        },
        Asked::TakeRole {
            of: Person::of(&office.account("privacy3")),
            role: Role::PrivacyOfficer,
        },
        Asked::SeatDesk {
            department,
            members: vec![rights],
        },
    ];
    let more = Asked::RaiseBudget {
        people: 5,
        cases: 5,
        reason: "r".to_owned(),
    };
    let ask = |requester: &str| {
        let all = by_admin
            .iter()
            .map(|asked| office.ask(asked, requester, &[]));
        all.collect::<Vec<_>>()
    };
    let (orphans, theirs) = (ask("admin2"), ask("admin"));
    let (shut_out, own) = (
        office.ask(&more, "rights2", &[]),
        office.ask(&more, "rights", &[]),
    );
    // One lost the role, the other the account.
    let fewer = office
        .store
        .change_roles(&admin, office.id("admin2"), Vec::new());
    fewer.unwrap().wait().unwrap();
    let shut = office
        .store
        .disable_account(&admin, office.id("rights2"), None);
    shut.unwrap().wait().unwrap();
    for id in orphans.into_iter().chain([shut_out]) {
        let reply = office.decide("privacy", id, YES);
        assert_eq!(reply, Err(ServiceError::Expired));
        // It can still be refused.
        office.decide("privacy", id, NO).unwrap();
    }
    assert!(!office.account("rights").roles.has(Role::Officer));
    // The control.
    office.decide("privacy", own, YES).unwrap();
    for (id, asked) in theirs.into_iter().zip(&by_admin) {
        let reply = office.decide("privacy", id, YES);
        assert_eq!(reply, Ok(ApprovalState::Approved), "{}", asked.kind());
    }
    assert!(office.account("rights").roles.has(Role::Officer));
    assert!(office.account("privacy3").roles.is_empty());
}

#[test]
fn the_hash_of_something_else_decides_nothing() {
    let office = Office::new();
    let asked = handed_over(1);
    let id = office.ask(&asked, "custodian", &[]);
    let other = handed_over(2);
    let with = |asked: &Asked| Verdict {
        approve: true,
        hash: Some(asked.hash(office.id("custodian"))),
    };
    let reply = office.decide("privacy", id, with(&other));
    assert_eq!(reply, Err(ServiceError::Conflict));
    assert_eq!(office.state(id), ApprovalState::Open);
    office.decide("privacy", id, with(&asked)).unwrap();
}

#[test]
fn what_is_shown_says_what_is_asked_and_reads_no_case() {
    let office = Office::new();
    for (asked, _) in deferred(&office) {
        let id = office.ask(&asked, "custodian", &[]);
        let stored = office.store.people.approval(id).unwrap().unwrap().row;
        let view = office.store.approval_view(&stored);
        assert_eq!(view.kind, asked.kind());
        let hash = data_encoding::HEXLOWER.encode(&asked.hash(office.id("custodian")));
        assert_eq!(view.hash, hash);
        let korean = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        assert!(korean(&view.asked_ko) && !korean(&view.asked), "{view:?}");
        let telling = match &asked {
            Asked::ResetAccount { .. } | Asked::DisableAccount { .. } => "rights (key ".to_owned(),
            Asked::OpenRetained { item, reason, .. } => {
                format!("open item {item}, kept apart, for the purpose legal; reason: {reason}")
            }
            Asked::HandOver { named, .. } => format!(
                "hand 2 items kept apart ({}, {}) to the archive with the key {}; reason: to hand it \
                 over; list 0",
                named[0],
                named[1],
                "ab".repeat(32)
            ),
            Asked::Destroy { item, .. } => format!(
                "destroy item {item}, kept apart, of 3 units: a law article 9 keeps it no longer; \
                 decision 2031-4; reason: term over; order 0"
            ),
            Asked::LiftHold { case, .. } => format!("end the hold on case {case}: {HELD}"),
            Asked::LiftItemHold { item, .. } => {
                format!("end the hold on item {item}, kept apart: {HELD}")
            }
            Asked::RenewTerm { item, .. } => {
                format!("keep item {item} apart until 1970-01-01T09:00:00.001+09:00; decision -; \
                    reason: it is needed")
            }
            Asked::TakeOut(_) => {
                "take out 1 cases (2026-000001 road), 1 of them sensitive, with 1 people as csv \
                 (case_file, 2 times), masked, for the key age1x, for the purpose legal, to a court; \
                 rights has it destroyed by 1970-01-01T09:00:00.001+09:00; reason: to answer a court; \
                 list 0101"
                    .to_owned()
            }
            of_rights => panic!("{of_rights:?} is not deferred"),
        };
        assert!(view.asked.contains(&telling), "{view:?}");
        // Whatever is told in English is told in Korean.
        for word in telling
            .split([' ', ';', ','])
            .filter(|w| w.len() > 12 || *w == "2031-4")
        {
            assert!(
                view.asked_ko.contains(word.trim_matches(['(', ')', ':'])),
                "{word}: {view:?}"
            );
        }
    }
}

/// A hold that ends: on which ground, by whom and when it was set, and why.
const HELD: &str = "a (set by auditor at 1970-01-01T09:00:00.001+09:00); reason: it is over";
