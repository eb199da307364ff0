//! A request that is over is over for good, whatever the clock says, and its row says no more than who
//! asked, who decided, and on which hash.

use super::*;
use crate::domain::limit::Limit;
use crate::engine::embedded::carve::{Carved, Carver};
use crate::engine::{Key, KeyRange, Space, Value};
use crate::keyring::ServerKey;
use crate::people::approval::Decided;
use crate::people::approval::before::{ApprovalBefore, AskedBefore};
use crate::service::approval_end::LEFT;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Every row of requests, opened.
fn rows(office: &Office) -> Vec<(Key, Value, Vec<u8>)> {
    let store = &office.store;
    let range = KeyRange::default();
    let page = store.engine.scan(Space::Approval, range, Limit::rows(200));
    let open = |(key, value): (Key, Value)| {
        let place = key.as_bytes();
        let plain = store.row_key.open(Space::Approval, place, value.as_bytes());
        let plain = plain.unwrap().expose().to_vec();
        (key, value, plain)
    };
    page.unwrap().rows.into_iter().map(open).collect()
}

fn holds(all: &[u8], part: &str) -> bool {
    all.windows(part.len()).any(|at| at == part.as_bytes())
}

/// In how many rows this text stands.
fn told(office: &Office, text: &str) -> usize {
    let rows = rows(office).into_iter();
    rows.filter(|(_, _, plain)| holds(plain, text)).count()
}

pub(super) fn taken(office: &Office) -> Asked {
    let mut all = deferred(office).into_iter().map(|(asked, _)| asked);
    let taken = all.find(|asked| matches!(asked, Asked::TakeOut(_)));
    let Some(Asked::TakeOut(mut taken)) = taken else {
        panic!("a kind is not in this table")
    };
    taken.named = vec!["canary-named".to_owned()];
    taken.reason = "canary-reason".to_owned();
    taken.receiver = "canary-receiver".to_owned();
    Asked::TakeOut(taken)
}

#[test]
fn the_row_of_a_request_that_is_over_says_nothing_of_cases_and_people() {
    let office = Office::new();
    let asked = taken(&office);
    let more = Asked::RaiseBudget {
        people: 5,
        cases: 5,
        reason: "canary-reason".to_owned(),
    };
    let ask = |asked: &Asked, verdict: Option<Verdict>| {
        let id = office.ask(asked, "custodian", &["privacy3"]);
        if let Some(verdict) = verdict {
            office.decide("privacy", id, verdict).unwrap();
        }
        id
    };
    let expired = ask(&asked, None);
    office.clock.advance(LIFETIME + LEFT);
    let (spent, refused) = (ask(&asked, Some(YES)), ask(&asked, Some(NO)));
    let (unused, open) = (ask(&asked, Some(YES)), ask(&asked, None));
    let raised = office.ask(&more, "rights", &[]);
    office.decide("privacy", raised, YES).unwrap();
    office.spend(spent, &asked, "custodian").unwrap();
    assert_eq!(told(&office, "canary-reason"), 6);
    office.store.end_approvals().unwrap();
    // What somebody may still decide on or use says all of it.
    for canary in ["canary-named", "canary-reason", "canary-receiver"] {
        assert_eq!(told(&office, canary), 2, "{canary}");
    }
    let view = |id| {
        let stored = office.store.people.approval(id).unwrap().unwrap().row;
        office.store.approval_view(&stored)
    };
    for (id, state, by) in [
        (expired, ApprovalState::Expired, None),
        (spent, ApprovalState::Spent, Some("privacy")),
        (refused, ApprovalState::Refused, Some("privacy")),
        (raised, ApprovalState::Approved, Some("privacy")),
    ] {
        let view = view(id);
        assert_eq!((view.state, view.decided_by.as_deref()), (state, by));
        assert!(!format!("{view:?}").contains("canary"), "{view:?}");
        assert!(!view.hash.is_empty() && !view.kind.is_empty());
    }
    assert!(view(open).asked.contains("canary-named"));
    assert_eq!(view(unused).state, ApprovalState::Approved);
    // Emptied, it is still spent, and of the kind that it was.
    let again = office.spend(spent, &asked, "custodian");
    assert_eq!(again, Err(ServiceError::Expired));
    assert_eq!(view(spent).kind, "take_out");
    office.clock.advance(LIFETIME);
    // Used at the last moment, it may be on its way to the log.
    office.store.end_approvals().unwrap();
    assert_eq!(told(&office, "canary-named"), 2);
    office.clock.advance(LEFT);
    office.store.end_approvals().unwrap();
    assert_eq!(told(&office, "canary"), 0);
    // Nothing is left to be emptied, so nothing is written.
    let before = rows(&office);
    office.store.end_approvals().unwrap();
    assert!(rows(&office) == before);
}

#[test]
fn rights_stay_readable_for_three_years_and_every_other_row_goes_after_three_months() {
    let office = Office::new();
    let asked = Asked::GrantRole {
        to: Person::of(&office.account("rights")),
        role: Role::Officer,
    };
    let id = office.ask(&asked, "admin", &[]);
    office.decide("privacy", id, YES).unwrap();
    office.store.end_approvals().unwrap();
    let stored = office.store.people.approval(id).unwrap().unwrap().row;
    let view = office.store.approval_view(&stored);
    assert!(view.asked.contains("role officer for rights"), "{view:?}");
    // A leap of the clock is no time.
    let leap = i64::try_from((DAY * 100).as_millis()).unwrap();
    office.clock.jump(leap);
    office.store.end_approvals().unwrap();
    assert_eq!(rows(&office).len(), 1);
    office.clock.jump(-leap);
    let other = office.ask(&taken(&office), "custodian", &[]);
    office.decide("privacy", other, NO).unwrap();
    let after = |time, left| {
        office.clock.advance(time);
        office.store.end_approvals().unwrap();
        assert_eq!(rows(&office).len(), left, "{time:?}");
    };
    after(DAY * 92, 2);
    after(LIFETIME * 2, 1);
    after(DAY * (3 * 366 - 93), 1);
    after(DAY, 0);
}

/// Where the row of a request lies: its id is the first that it says.
fn key_of(office: &Office, id: ApprovalId) -> Key {
    let mut rows = rows(office).into_iter();
    let own = rows.find(|(_, _, plain)| plain[1..].starts_with(id.as_bytes()));
    own.unwrap().0
}

/// A row as 0.3.0 wrote it.
fn put_before(office: &Office, id: ApprovalId, before: &ApprovalBefore) {
    let store = &office.store;
    let key = key_of(office, id);
    let plain = postcard::to_extend(before, vec![1]).unwrap();
    let sealed = store.row_key.seal(
        Space::Approval,
        key.as_bytes(),
        &plain,
        crate::crypto::sealed::Padding::Steps,
        store.random.as_ref(),
    );
    let old = Value::new(sealed.unwrap()).unwrap();
    let batch = Batch {
        put: vec![(Space::Approval, key, old)],
        ..Batch::default()
    };
    store.engine.commit(batch).wait().unwrap();
}

#[test]
fn of_the_version_before_rights_are_kept_and_everything_else_is_emptied() {
    let office = Office::new();
    let [granted, out] = [(); 2].map(|()| office.ask(&taken(&office), "custodian", &[]));
    let by = |login| office.account(login).id;
    let decided = Decided {
        by: by("privacy"),
        roles: Roles::new([Role::PrivacyOfficer]).unwrap(),
        at: office.store.clock.now(),
    };
    let to = Person::of(&office.account("rights"));
    let before = |id, asked, state| {
        let (hash, now) = ([7; 32], office.store.clock.now());
        let barred = Vec::new();
        ApprovalBefore(
            id,
            asked,
            hash,
            by("admin"),
            barred,
            now,
            Some(decided),
            state,
        )
    };
    let grant = AskedBefore::GrantRole(to, Role::Officer);
    put_before(
        &office,
        granted,
        &before(granted, grant, ApprovalState::Approved),
    );
    let canary = "canary-receiver".to_owned();
    let form = "csv".to_owned();
    let take = AskedBefore::TakeOut([1; 32], form, Purpose::Legal, 1, 1, true, canary);
    put_before(&office, out, &before(out, take, ApprovalState::Approved));
    assert_eq!(told(&office, "canary-receiver"), 1, "the control");
    office.clock.advance(LIFETIME + LEFT);
    office.store.end_approvals().unwrap();
    assert_eq!(told(&office, "canary-receiver"), 0);
    assert!(
        office.store.emptied().unwrap().is_some(),
        "to be overwritten"
    );
    let view = |id| {
        let stored = office.store.people.approval(id).unwrap().unwrap().row;
        office.store.approval_view(&stored)
    };
    let (granted, out) = (view(granted), view(out));
    assert!(granted.asked.contains("role officer for rights"));
    assert_eq!(granted.decided_by.as_deref(), Some("privacy"));
    assert_eq!(
        (out.kind.as_str(), out.state),
        ("take_out", ApprovalState::Expired)
    );
    assert_eq!(out.decided_by.as_deref(), Some("privacy"));
}

/// One that cannot be read is none that holds up the others.
#[test]
fn a_damaged_row_and_a_damaged_mark_hold_nothing_up() {
    let office = Office::new();
    let [damaged, refused] = [(); 2].map(|()| office.ask(&taken(&office), "custodian", &[]));
    office.decide("privacy", refused, NO).unwrap();
    let key = key_of(&office, damaged);
    let mark = Key::from(office.store.locator.place("emptied-approvals", &[]));
    let value = || Value::new(vec![7; 64]).unwrap();
    let batch = Batch {
        put: vec![
            (Space::Approval, key, value()),
            (Space::Meta, mark, value()),
        ],
        ..Batch::default()
    };
    office.store.engine.commit(batch).wait().unwrap();
    assert!(office.store.emptied_waits().unwrap(), "as one of long ago");
    office.store.end_approvals().unwrap();
    let stored = office.store.people.approval(refused).unwrap().unwrap().row;
    assert!(stored.asked().is_none(), "it was emptied");
    let (mark, _) = office.store.emptied().unwrap().unwrap();
    office.store.emptied_overwritten(mark).unwrap();
    assert!(office.store.emptied().unwrap().is_none());
}

/// How many rows with a canary a thief finds in the journal who has every key of the server.
fn carved(office: &Office) -> usize {
    let store = &office.store;
    let key = store.keyring.server_key(ServerKey::Journal);
    let carver = Carver::new(&key).unwrap();
    let mut found = 0;
    let mut row = |row: Carved<'_>| {
        let value = row.value.filter(|_| row.space == Space::Approval);
        let opened = value.map(|value| store.row_key.open(row.space, row.key, value));
        if let Some(plain) = opened {
            found += usize::from(holds(plain.unwrap().expose(), "canary-named"));
        }
    };
    let mut dirs = vec![office._dir.path().to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let file = std::fs::File::open(&path).unwrap();
            carver.carve(file, &mut row, |_, _| {}).unwrap();
        }
    }
    found
}

#[test]
fn what_a_row_said_is_overwritten_on_the_disk_within_a_day() {
    let office = Office::new();
    let id = office.ask(&taken(&office), "custodian", &[]);
    office.decide("privacy", id, NO).unwrap();
    office.store.end_approvals().unwrap();
    assert_eq!(told(&office, "canary"), 0);
    // The control: asked for, and decided on.
    assert_eq!(carved(&office), 2);
    let waits = || office.store.emptied().unwrap().is_some();
    // Not each time: once a day, or with a destruction.
    office.clock.advance(DAY - MINUTE);
    office.store.scrub().unwrap();
    assert!(waits());
    assert_eq!(carved(&office), 2);
    office.clock.advance(MINUTE);
    office.store.scrub().unwrap();
    assert!(!waits());
    assert_eq!(carved(&office), 0);
}

#[test]
fn what_is_emptied_during_a_pass_waits_for_the_next() {
    let office = Office::new();
    let refuse = || {
        let id = office.ask(&taken(&office), "custodian", &[]);
        office.decide("privacy", id, NO).unwrap();
        office.store.end_approvals().unwrap();
    };
    refuse();
    let (mark, _) = office.store.emptied().unwrap().unwrap();
    office.clock.advance(DAY);
    assert!(office.store.emptied_waits().unwrap());
    refuse();
    office.store.emptied_overwritten(mark).unwrap();
    assert!(!office.store.emptied_waits().unwrap(), "a day from now on");
    let (mark, _) = office.store.emptied().unwrap().unwrap();
    office.store.emptied_overwritten(mark).unwrap();
    assert!(office.store.emptied().unwrap().is_none(), "the control");
}

#[test]
fn a_clock_that_is_set_back_brings_no_request_to_life() {
    let office = Office::new();
    let asked = taken(&office);
    let (open, approved) = (
        office.ask(&asked, "custodian", &[]),
        office.ask(&asked, "custodian", &[]),
    );
    office.decide("privacy", approved, YES).unwrap();
    let back = |minutes: i64| office.clock.jump(minutes * -60_000);
    office.clock.advance(LIFETIME + MINUTE);
    // To where both were in time.
    back(20);
    assert_eq!(office.state(open), ApprovalState::Expired);
    assert_eq!(office.state(approved), ApprovalState::Expired);
    let late = office.decide("privacy", open, YES);
    assert_eq!(late, Err(ServiceError::Expired));
    let late = office.spend(approved, &asked, "custodian");
    assert_eq!(late, Err(ServiceError::Expired));
    // The control: what is asked for under the clock that was set back lives for its time, and no
    // longer.
    let next = office.ask(&asked, "custodian", &[]);
    office.decide("privacy", next, YES).unwrap();
    back(5);
    office.clock.advance(LIFETIME - MINUTE);
    let later = office.ask(&asked, "custodian", &[]);
    office.decide("privacy", later, YES).unwrap();
    office.spend(next, &asked, "custodian").unwrap();
    office.clock.advance(LIFETIME);
    back(LIFETIME.as_secs() as i64 / 60);
    let late = office.spend(later, &asked, "custodian");
    assert_eq!(late, Err(ServiceError::Expired));
}

#[test]
fn a_clock_that_leapt_ahead_lets_no_request_live_longer() {
    let office = Office::new();
    let asked = taken(&office);
    let id = office.ask(&asked, "custodian", &[]);
    office.decide("privacy", id, YES).unwrap();
    // The machine slept, say: its own time stood still.
    office.clock.jump(31 * 60_000);
    let late = office.spend(id, &asked, "custodian");
    assert_eq!(late, Err(ServiceError::Expired));
}
