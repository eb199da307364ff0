//! How much one person may open: over every way, over restarts, for many requests at once; and what
//! the privacy officer hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bongham::config::budgets::{Budgets, Exception};
use bongham::domain::purpose::Purpose;
use bongham::domain::time::{Clock, SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::world::{Reply, World, ordinary, password, sensitive};

const STEP_UP: &str = "/sessions/current/step-up";

/// So little that few cases are over it.
fn small() -> Budgets {
    Budgets {
        people: 3,
        cases: 20,
        second: 2,
        ..Budgets::default()
    }
}

/// An office at this hour of a working day, and so many ordinary cases of one person each.
fn office(budgets: Budgets, hour: u8, cases: usize) -> (World, Arc<SteppedClock>, Vec<String>) {
    let start = format!("2026-11-24T{hour:02}:00:00+09:00");
    let clock = Arc::new(SteppedClock::at(Timestamp::parse_rfc3339(&start).unwrap()));
    let world = World::with_budgets(Arc::clone(&clock) as Arc<dyn Clock>, budgets);
    let cases = (0..cases).map(|_| world.register("intake", &ordinary()));
    let cases = cases.collect();
    (world, clock, cases)
}

fn read(world: &World, case: &str) -> Reply {
    world.read("officer", case, "handling")
}

fn step_up(world: &World, login: &str) -> Reply {
    let body = json!({"password": password(login), "reason": "yearly report"});
    world.post(login, STEP_UP, &body)
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code));
}

fn alerts(world: &World, query: &str) -> Vec<Value> {
    let page = world.get("privacy", &format!("/alerts{query}")).expect(200);
    page["rows"].as_array().unwrap().clone()
}

/// Raises the budget of `login` with the consent of `second`.
fn raise(world: &World, login: &str, people: u32, second: &str) {
    let body = json!({"people": people, "reason": "yearly report"});
    let asked = world.post(login, "/budget", &body).expect(202);
    let path = format!("/approvals/{}", asked["approval"].as_str().unwrap());
    let yes = json!({"decision": "approve"});
    let decided = world.post(second, &path, &yes).expect(200);
    assert_eq!(decided["state"], "approved");
}

#[test]
fn over_the_first_threshold_the_password_is_asked_for_and_over_the_second_a_second_person() {
    let (world, clock, cases) = office(small(), 9, 8);
    for case in &cases[..3] {
        read(&world, case).expect(200);
    }
    refused(&read(&world, &cases[3]), 403, "step_up_required");
    // What was opened already is opened again, and so is what shows nobody.
    read(&world, &cases[0]).expect(200);
    assert_eq!(alerts(&world, ""), Vec::<Value>::new());

    // A wrong password is an entry and slows the next, and the session goes on.
    let wrong = json!({"password": "not this one at all", "reason": "r"});
    refused(
        &world.post("officer", STEP_UP, &wrong),
        401,
        "credentials_refused",
    );
    refused(&step_up(&world, "officer"), 429, "throttled");
    let failed = &world.log("&task=login_failed");
    assert_eq!(failed[0]["reason"], "throttled");
    assert_eq!(failed[1]["reason"], "step-up");
    clock.advance(Duration::from_secs(2));
    let unsaid = json!({"password": password("officer"), "reason": " "});
    refused(&world.post("officer", STEP_UP, &unsaid), 422, "invalid");
    refused(&read(&world, &cases[3]), 403, "step_up_required");
    let stepped = step_up(&world, "officer").expect(200);
    assert_eq!(stepped["step"], Value::Null);
    let entry = &world.log("&task=step_up")[0];
    assert_eq!(
        (&entry["login"], &entry["reason"]),
        (&json!("officer"), &json!("yearly report"))
    );

    for case in &cases[3..6] {
        read(&world, case).expect(200);
    }
    refused(&read(&world, &cases[6]), 403, "budget_exceeded");
    refused(&read(&world, &cases[7]), 403, "budget_exceeded");
    // Five minutes later the password is wanted again.
    clock.advance(Duration::from_secs(300));
    raise(&world, "officer", 1, "privacy");
    refused(&read(&world, &cases[6]), 403, "step_up_required");
    step_up(&world, "officer").expect(200);
    read(&world, &cases[6]).expect(200);
    refused(&read(&world, &cases[7]), 403, "budget_exceeded");
    // What was refused says so in the log.
    let entries = world.log("&task=read");
    assert_eq!(entries[0]["query"], "over_budget");
    assert_eq!(entries[0]["decision"], "allow");
    assert_eq!(entries[0]["result"], "refused");

    let told = alerts(&world, "");
    let kinds: Vec<&Value> = told.iter().map(|alert| &alert["kinds"]).collect();
    let wanted = [
        json!(["second_threshold"]),
        json!(["refused"]),
        json!(["threshold"]),
    ];
    assert_eq!(kinds, wanted.iter().collect::<Vec<_>>());
    for alert in &told {
        let at = alert["entry"].as_u64().unwrap();
        let entry = world.log("").into_iter().find(|entry| entry["index"] == at);
        let entry = entry.unwrap();
        assert_eq!(
            (&entry["task"], &entry["login"]),
            (&json!("read"), &alert["account"])
        );
        assert!(
            cases
                .iter()
                .all(|case| !alert.to_string().contains(case.as_str()))
        );
    }
    assert_eq!(
        (&told[2]["people"], &told[2]["way"]),
        (&json!(4), &json!("view"))
    );
}

#[test]
fn nothing_that_a_person_does_resets_it_and_a_restart_neither() {
    let (mut world, clock, cases) = office(small(), 9, 5);
    for case in &cases[..3] {
        read(&world, case).expect(200);
    }
    let over = |world: &World| refused(&read(world, &cases[3]), 403, "step_up_required");
    over(&world);
    // Out and in again.
    let token = world.token("officer").map(str::to_owned);
    world.send("DELETE", "/api/v1/sessions/current", token.as_deref(), None);
    world.log_in("officer");
    over(&world);
    // Another role.
    world.give("officer", &["officer", "intake"]);
    over(&world);
    // Another purpose.
    refused(
        &world.read("officer", &cases[3], "legal"),
        403,
        "step_up_required",
    );
    world.restart();
    over(&world);
    // The step-up was the old session's.
    step_up(&world, "officer").expect(200);
    read(&world, &cases[3]).expect(200);
    world.log_in("officer");
    refused(&read(&world, &cases[4]), 403, "step_up_required");
    // The control: a day later it is another day.
    clock.advance(Duration::from_secs(24 * 3600 + 301));
    world.log_in("officer");
    read(&world, &cases[4]).expect(200);
}

#[test]
fn every_way_counts_and_each_purpose_has_its_threshold() {
    let budgets = Budgets {
        cases: 3,
        purpose: [(
            Purpose::Legal,
            Exception {
                cases: Some(2),
                ..Exception::default()
            },
        )]
        .into(),
        ..small()
    };
    let (world, _clock, cases) = office(budgets, 9, 3);
    let list = || world.get("officer", "/cases?purpose=handling");
    let search = || {
        let body = json!({"field": "name", "value": "홍길동", "purpose": "handling"});
        world.post("officer", "/searches", &body)
    };
    assert_eq!(search().expect(200)["rows"].as_array().unwrap().len(), 3);
    assert_eq!(list().expect(200)["rows"].as_array().unwrap().len(), 3);
    read(&world, &cases[0]).expect(200);
    let used = |of: &str| world.get("officer", "/budget").expect(200)[of]["used"].clone();
    assert_eq!((used("cases"), used("people")), (json!(3), json!(1)));
    let _fourth = world.register("intake", &ordinary());
    refused(&list(), 403, "step_up_required");
    refused(&search(), 403, "step_up_required");
    step_up(&world, "officer").expect(200);
    // A page is as long as there is room for cases that nobody saw yet.
    let page = search().expect(200);
    assert_eq!(page["rows"].as_array().unwrap().len(), 3);
    let rest = json!({"field": "name", "value": "홍길동", "purpose": "handling",
        "cursor": page["next"]});
    let rest = world.post("officer", "/searches", &rest).expect(200);
    assert_eq!(rest["rows"].as_array().unwrap().len(), 1);
    list().expect(200);
    let told = alerts(&world, "");
    assert_eq!((told.len(), &told[0]["way"]), (1, &json!("search")));
    // Somebody else's budget is their own, and a purpose may have less.
    let more = |login: &str, purpose: &str| world.read(login, &cases[1], purpose);
    more("lead", "supervision").expect(200);
    let view = world.get("officer2", "/budget").expect(200);
    assert_eq!(view["cases"], json!({"used": 0, "first": 3, "second": 6}));
    let legal = json!({"purpose": "legal", "people": 3, "cases": 2, "downloads": 49});
    assert_eq!(view["purposes"], json!([legal]));
    assert_eq!(view["stepped_up"], false);
}

#[test]
fn many_requests_at_once_cannot_overshoot() {
    let budgets = Budgets {
        people: 10,
        ..small()
    };
    let (world, _clock, cases) = office(budgets, 9, 64);
    let (opened, refused) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for case in &cases {
            let (world, opened, refused) = (&world, &opened, &refused);
            scope.spawn(move || match read(world, case).status {
                200 => opened.fetch_add(1, Ordering::SeqCst),
                403 => refused.fetch_add(1, Ordering::SeqCst),
                other => panic!("{other}"),
            });
        }
    });
    assert_eq!((opened.into_inner(), refused.into_inner()), (10, 54));
    let view = world.get("officer", "/budget").expect(200);
    assert_eq!(view["people"]["used"], 10);
}

#[test]
fn a_second_person_allows_more_for_a_day_over_a_restart() {
    let (mut world, clock, cases) = office(small(), 9, 9);
    step_up(&world, "officer").expect(200);
    for case in &cases[..6] {
        read(&world, case).expect(200);
    }
    refused(&read(&world, &cases[6]), 403, "budget_exceeded");
    for bad in [
        json!({"people": 0, "cases": 0, "reason": "r"}),
        json!({"people": 100_001, "reason": "r"}),
        json!({"people": 1, "reason": ""}),
    ] {
        refused(&world.post("officer", "/budget", &bad), 422, "invalid");
    }
    let body = json!({"people": 2, "reason": "a court asks"});
    let asked = world.post("officer", "/budget", &body).expect(202);
    let entry = &world.log("&task=raise_budget")[0];
    assert_eq!(entry["reason"], "a court asks");
    let path = format!("/approvals/{}", asked["approval"].as_str().unwrap());
    let yes = json!({"decision": "approve"});
    refused(&world.post("officer", &path, &yes), 403, "role_refused");
    refused(&world.post("admin", &path, &yes), 403, "role_refused");
    refused(&read(&world, &cases[6]), 403, "budget_exceeded");
    world.post("privacy", &path, &yes).expect(200);
    refused(&world.post("privacy", &path, &yes), 410, "expired");
    world.restart();
    step_up(&world, "officer").expect(200);
    for case in &cases[6..8] {
        read(&world, case).expect(200);
    }
    refused(&read(&world, &cases[8]), 403, "budget_exceeded");
    let view = world.get("officer", "/budget").expect(200);
    assert_eq!(view["people"], json!({"used": 8, "first": 3, "second": 8}));
    assert_eq!(view["allowances"][0]["by"], "privacy");
    // A privacy officer asks another one.
    let own = world.post("privacy", "/budget", &body).expect(202);
    let path = format!("/approvals/{}", own["approval"].as_str().unwrap());
    refused(&world.post("privacy", &path, &yes), 403, "self_approval");
    world.post("privacy2", &path, &yes).expect(200);
    clock.advance(Duration::from_secs(24 * 3600));
    world.log_in("officer");
    let view = world.get("officer", "/budget").expect(200);
    assert_eq!(view["allowances"], json!([]));
}

#[test]
fn whoever_may_not_open_a_case_learns_nothing_from_a_budget() {
    let (world, _clock, cases) = office(small(), 9, 7);
    let hidden = world.register("intake", &sensitive());
    step_up(&world, "officer").expect(200);
    for case in &cases[..6] {
        read(&world, case).expect(200);
    }
    refused(&read(&world, &cases[6]), 403, "budget_exceeded");
    let bare = |reply: &Reply| (reply.status, reply.bytes.clone());
    let absent = read(&world, &"a".repeat(26));
    assert_eq!(absent.status, 404);
    assert_eq!(bare(&read(&world, &hidden)), bare(&absent));
    let deny = &world.log("&task=read")[0];
    assert_eq!(
        (&deny["decision"], &deny["query"]),
        (&json!("deny"), &Value::Null)
    );
    // A purpose that is of no use to them is told first as well.
    refused(
        &world.read("officer", &cases[6], "supervision"),
        403,
        "purpose_refused",
    );
}

#[test]
fn bursts_and_nights_are_told_and_somebody_takes_note() {
    let budgets = || Budgets {
        people: 50,
        burst_people: 3,
        night_people: 1,
        ..Budgets::default()
    };
    let (mut world, clock, cases) = office(budgets(), 14, 9);
    let people = ["officer", "privacy", "privacy2", "auditor"];
    for case in &cases[..4] {
        read(&world, case).expect(200);
    }
    clock.advance(Duration::from_secs(3600));
    people.iter().for_each(|login| world.log_in(login));
    for case in &cases[4..7] {
        read(&world, case).expect(200);
    }
    let told = alerts(&world, "");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["kinds"], json!(["burst"]));
    clock.advance(Duration::from_secs(8 * 3600));
    people.iter().for_each(|login| world.log_in(login));
    for case in &cases[7..9] {
        read(&world, case).expect(200);
    }
    let told = alerts(&world, "");
    assert_eq!(told[0]["kinds"], json!(["night"]));

    let path = format!("/alerts/{}/acknowledge", told[0]["id"].as_str().unwrap());
    let note = json!({"note": "agreed with the lead"});
    refused(&world.post("officer", &path, &note), 403, "role_refused");
    // Who signs the inspection that an open alert stands in does not take it out of there.
    refused(&world.post("auditor", &path, &note), 403, "role_refused");
    refused(&world.get("officer", "/alerts"), 403, "role_refused");
    refused(
        &world.post("privacy", &path, &json!({"note": " "})),
        422,
        "invalid",
    );
    let done = world.post("privacy", &path, &note).expect(200);
    assert_eq!(done["acknowledged"]["by"], "privacy");
    refused(&world.post("privacy2", &path, &note), 409, "conflict");
    let open = alerts(&world, "?open=true");
    assert_eq!((open.len(), &open[0]["kinds"]), (1, &json!(["burst"])));
    let page = world.get("auditor", "/alerts?limit=1").expect(200);
    assert_eq!(
        page["rows"][0]["acknowledged"]["note"],
        "agreed with the lead"
    );
    let next = format!("/alerts?limit=1&cursor={}", page["next"].as_str().unwrap());
    let page = world.get("auditor", &next).expect(200);
    assert_eq!(page["rows"][0]["kinds"], json!(["burst"]));
    refused(&world.get("auditor", "/alerts?cursor=x"), 422, "invalid");
    world.restart();
    assert_eq!(alerts(&world, "").len(), 2, "they survive");
}

#[test]
fn a_hold_is_lifted_by_two_who_did_not_set_it() {
    let (world, _clock, cases) = office(Budgets::default(), 9, 1);
    let path = format!("/cases/{}/hold", cases[0]);
    let body = |action: &str| json!({"purpose": "legal", "action": action, "ground": "소송", "reason": "it is over"});
    world.put("privacy", &path, &body("set")).expect(200);
    refused(
        &world.put("privacy", &path, &body("lift")),
        403,
        "self_approval",
    );
    let mut silent = body("lift");
    silent["reason"] = json!(" ");
    refused(&world.put("officer", &path, &silent), 422, "invalid");
    let asked = world.put("officer", &path, &body("lift")).expect(202);
    let list = world.get("privacy2", "/approvals").expect(200);
    let told = list["rows"][0]["asked"].as_str().unwrap();
    assert!(told.contains("소송 (set by privacy at "), "{told}");
    assert!(told.ends_with("); reason: it is over"), "{told}");
    let with = |approval: &Value, ground: &str| {
        let mut body = body("lift");
        body["approval"] = approval.clone();
        body["ground"] = json!(ground);
        body
    };
    let lift = with(&asked["approval"], "소송");
    refused(&world.put("officer", &path, &lift), 409, "not_approved");
    let approval = format!("/approvals/{}", asked["approval"].as_str().unwrap());
    let yes = json!({"decision": "approve"});
    // Who set it, who asks, who has no such right.
    refused(
        &world.post("privacy", &approval, &yes),
        403,
        "self_approval",
    );
    refused(&world.post("officer", &approval, &yes), 403, "role_refused");
    refused(&world.post("lead", &approval, &yes), 403, "role_refused");
    world.post("privacy2", &approval, &yes).expect(200);
    // Another reason, another ground, another person.
    let mut other = lift.clone();
    other["reason"] = json!("another one");
    refused(&world.put("officer", &path, &other), 409, "not_approved");
    let other = with(&asked["approval"], "감사");
    refused(&world.put("officer", &path, &other), 422, "invalid");
    refused(&world.put("privacy2", &path, &lift), 409, "not_approved");
    let lifted = world.put("officer", &path, &lift).expect(200);
    assert_eq!(lifted["holds"], json!([]));
    let entries = world.log("&task=hold");
    assert_eq!(entries[0]["reason"], "it is over");
    assert_eq!(entries[0]["notes"][0]["note"], "used");
    assert_eq!(entries[0]["notes"][0]["approval"], asked["approval"]);
    // Used up: the same ground again needs another consent.
    world.put("privacy", &path, &body("set")).expect(200);
    refused(&world.put("officer", &path, &lift), 410, "expired");
}
