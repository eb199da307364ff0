//! Budgets where nobody looks for them: what is kept apart, and thresholds that were never crossed.

use std::sync::Arc;
use std::time::Duration;

use bongham::config::budgets::{Budgets, Exception};
use bongham::domain::purpose::Purpose;
use bongham::domain::time::{Clock, SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::retained::{ARCHIVE, approved, drawing, drawn, drawn_as};
use crate::world::{Reply, World, ordinary, password, sensitive};

fn office(budgets: Budgets) -> (World, Arc<SteppedClock>) {
    let start = Timestamp::parse_rfc3339("2026-11-24T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(start));
    let world = World::with_budgets(Arc::clone(&clock) as Arc<dyn Clock>, budgets);
    (world, clock)
}

fn step_up(world: &World, login: &str) {
    let body = json!({"password": password(login), "reason": "a court asks"});
    let path = "/sessions/current/step-up";
    world.post(login, path, &body).expect(200);
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code));
}

/// Kinds, way and numbers of the alerts, newest first.
fn alerts(world: &World) -> Vec<(Value, Value, Value)> {
    let page = world.get("privacy", "/alerts").expect(200);
    let rows = page["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let numbers = json!([row["people"], row["downloads"]]);
        (row["kinds"].clone(), row["way"].clone(), numbers)
    })
    .collect()
}

#[test]
fn what_is_kept_apart_is_held_against_the_budget_and_told() {
    let (world, _clock) = office(Budgets {
        people: 2,
        ..Budgets::default()
    });
    let items = [drawn(&world, &sensitive()), drawn(&world, &ordinary())];
    let open = |item: &str| {
        let path = format!("/retained/{item}/open");
        let mut body = json!({"purpose": "legal", "reason": "a court asks for it"});
        body["approval"] = approved(&world, &path, &body);
        move |world: &World| world.post("custodian", &path, &body)
    };
    // The control: two people are within.
    open(&items[0])(&world).expect(200);
    assert_eq!(alerts(&world), []);
    let third = open(&items[1]);
    refused(&third(&world), 403, "step_up_required");
    let entry = &world.log("&task=open_retained")[0];
    assert_eq!(
        (&entry["query"], &entry["result"]),
        (&json!("over_budget"), &json!("refused"))
    );
    step_up(&world, "custodian");
    // The second person's consent is still there.
    third(&world).expect(200);
    let told = (json!(["threshold"]), json!("open_retained"), json!([3, 0]));
    assert_eq!(alerts(&world), std::slice::from_ref(&told));

    let mut body = json!({"items": items, "public_key": ARCHIVE, "reason": "transfer 2026"});
    body["approval"] = approved(&world, "/retained/hand-over", &body);
    let handed = world.post("custodian", "/retained/hand-over", &body);
    assert_eq!(handed.status, 200);
    let out = (json!(["output"]), json!("hand_over"), json!([3, 1]));
    assert_eq!(alerts(&world), [out, told]);
}

/// A narrative alone is somebody's too.
#[test]
fn what_is_kept_apart_without_its_people_counts_as_well() {
    let (mut world, _clock) = office(Budgets {
        people: 1,
        downloads: 1,
        ..Budgets::default()
    });
    let mut narrative = drawing("handling");
    narrative["parts"] = json!(["narrative"]);
    let items = [(); 2].map(|()| drawn_as(&world, &ordinary(), &narrative));
    let hand_over = |world: &World, item: &str| {
        let mut body = json!({"items": [item], "public_key": ARCHIVE, "reason": "transfer 2026"});
        body["approval"] = approved(world, "/retained/hand-over", &body);
        world.post("custodian", "/retained/hand-over", &body)
    };
    assert_eq!(hand_over(&world, &items[0]).status, 200, "the control");
    world.restart();
    let second = hand_over(&world, &items[1]);
    refused(&second, 403, "step_up_required");
    step_up(&world, "custodian");
    assert_eq!(hand_over(&world, &items[1]).status, 200);
    let told = (
        json!(["threshold", "output"]),
        json!("hand_over"),
        json!([2, 2]),
    );
    assert_eq!(alerts(&world), [told]);
}

#[test]
fn who_is_over_a_purpose_of_its_own_is_told_of_once_and_over_a_restart() {
    let legal = Exception {
        people: Some(1),
        ..Exception::default()
    };
    let (mut world, clock) = office(Budgets {
        people: 50,
        purpose: [(Purpose::Legal, legal)].into(),
        ..Budgets::default()
    });
    let cases: Vec<String> = (0..7)
        .map(|_| world.register("intake", &ordinary()))
        .collect();
    for case in &cases[..2] {
        world.read("officer", case, "handling").expect(200);
    }
    assert_eq!(alerts(&world), []);
    refused(
        &world.read("officer", &cases[2], "legal"),
        403,
        "step_up_required",
    );
    step_up(&world, "officer");
    world.read("officer", &cases[2], "legal").expect(200);
    let told = (json!(["threshold"]), json!("view"), json!([3, 0]));
    assert_eq!(alerts(&world), std::slice::from_ref(&told));
    world.read("officer", &cases[3], "legal").expect(200);
    world.restart();
    step_up(&world, "officer");
    world.read("officer", &cases[4], "legal").expect(200);
    assert_eq!(alerts(&world), std::slice::from_ref(&told), "once a day");
    // The next day it is news again; what was read then has left the count by now.
    clock.advance(Duration::from_secs(24 * 3600 + 301));
    ["officer", "privacy"].iter().for_each(|l| world.log_in(l));
    for case in &cases[..2] {
        world.read("officer", case, "handling").expect(200);
    }
    step_up(&world, "officer");
    world.read("officer", &cases[5], "legal").expect(200);
    assert_eq!(alerts(&world).len(), 2);
}

#[test]
fn a_clock_that_is_set_back_makes_no_allowance_live_longer() {
    let (mut world, clock) = office(Budgets::default());
    let body = json!({"people": 2, "reason": "a court asks"});
    let asked = world.post("officer", "/budget", &body).expect(202);
    world
        .approve(asked["approval"].as_str().unwrap())
        .expect(200);
    let allowances = |world: &World| {
        let view = world.get("officer", "/budget").expect(200);
        view["allowances"].as_array().unwrap().len()
    };
    clock.advance(Duration::from_secs(24 * 3600 - 60));
    clock.jump(-12 * 3_600_000);
    world.log_in("officer");
    assert_eq!(allowances(&world), 1);
    clock.advance(Duration::from_secs(120));
    assert_eq!(allowances(&world), 0);
}
