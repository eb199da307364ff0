//! The end of what is kept apart, and what puts it off: the decision of the appraisal, a hold, a
//! later end, an order that is called off; then the keys, the rows, the bytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bongham::domain::time::{Clock, SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::retained::{approved, drawn};
use crate::upkeep::rules;
use crate::world::{Reply, World, ordinary};

const DAY: Duration = Duration::from_secs(86_400);
/// The server looks for what is due once a minute, and overwrites a few seconds later.
const PATIENCE: Duration = Duration::from_secs(180);

/// An office in which the end of an item has come; its class demands the appraisal.
fn office() -> (World, Arc<SteppedClock>, String) {
    let start = Timestamp::parse_rfc3339("2026-11-23T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(start));
    let mut world = World::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    rules(&world, json!([{"years": 3, "appraisal": true}])).expect(200);
    let item = drawn(&world, &ordinary());
    world.invite("keeper", &["retention_custodian"], None);
    pass(&mut world, &clock, DAY * 365 * 6);
    (world, clock, format!("/retained/{item}"))
}

fn pass(world: &mut World, clock: &SteppedClock, by: Duration) {
    clock.advance(by);
    for login in ["custodian", "keeper", "privacy", "auditor"] {
        world.log_in(login);
    }
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    let came = (reply.status, reply.code());
    assert_eq!(came, (status, code.to_owned()), "{reply:?}");
}

fn items(world: &World, query: &str) -> Vec<Value> {
    let page = world.get("custodian", &format!("/retained{query}"));
    page.expect(200)["rows"].as_array().unwrap().clone()
}

fn ledger(world: &World) -> String {
    let bundle = world.get("auditor", "/ledger/bundle").bytes;
    String::from_utf8_lossy(&bundle).into_owned()
}

/// Orders the end, with the decision and a second person.
fn order(world: &World, item: &str) -> Value {
    let path = format!("{item}/destruction");
    let mut body = json!({"reason": "term over", "decision": "2032-9"});
    body["approval"] = approved(world, &path, &body);
    world.post("custodian", &path, &body).expect(201)
}

fn call_off(world: &World, item: &str) -> Reply {
    let path = format!("{item}/destruction/cancel");
    world.post("custodian", &path, &json!({"reason": "not yet"}))
}

fn hold(world: &World, login: &str, item: &str, action: &str, approval: Value) -> Reply {
    let mut body = json!({"action": action, "ground": "소송 2032-1", "reason": "a court asks"});
    if !approval.is_null() {
        body["approval"] = approval;
    }
    world.put(login, &format!("{item}/hold"), &body)
}

fn lift(world: &World, item: &str) {
    let keeper = |approval: Value| hold(world, "keeper", item, "lift", approval);
    let asked = keeper(Value::Null).expect(202)["approval"].clone();
    refused(&keeper(asked.clone()), 409, "not_approved");
    world.approve(asked.as_str().unwrap()).expect(200);
    let left = keeper(asked).expect(200);
    assert_eq!(left["holds"], json!([]));
}

#[test]
fn a_hold_on_an_item_is_lifted_by_two_who_did_not_set_it_as_it_stood_then() {
    let (mut world, _clock, item) = office();
    let set = |world: &World, login: &str| {
        let held = hold(world, login, &item, "set", Value::Null).expect(200);
        held["holds"].as_array().unwrap().len()
    };
    let lift =
        |world: &World, login: &str, approval: Value| hold(world, login, &item, "lift", approval);
    assert_eq!(set(&world, "custodian"), 1);
    let own = lift(&world, "custodian", Value::Null);
    refused(&own, 403, "self_approval");
    let asked = |world: &World, login: &str| {
        let asked = lift(world, login, Value::Null).expect(202);
        asked["approval"].clone()
    };
    let early = asked(&world, "keeper");
    let list = world.get("privacy", "/approvals?limit=200").expect(200);
    let mut rows = list["rows"].as_array().unwrap().iter();
    let shown = rows.find(|row| row["id"] == early).unwrap();
    let told = shown["asked"].as_str().unwrap();
    assert!(told.contains("소송 2032-1 (set by custodian at "), "{told}");
    assert!(told.ends_with("); reason: a court asks"), "{told}");
    // One that is set after the consent is not lifted by it.
    world.approve(early.as_str().unwrap()).expect(200);
    assert_eq!(set(&world, "custodian"), 2);
    let stale = lift(&world, "keeper", early);
    refused(&stale, 409, "not_approved");
    // Nor does who set one consent, whatever they have become.
    world.log_in("admin");
    assert_eq!(set(&world, "keeper"), 3);
    let theirs = asked(&world, "custodian");
    for roles in [&[][..], &["privacy_officer"]] {
        world.give("keeper", roles);
    }
    let yes = json!({"decision": "approve"});
    let path = format!("/approvals/{}", theirs.as_str().unwrap());
    refused(&world.post("keeper", &path, &yes), 403, "self_approval");
    // Their own stay, until somebody else lifts them too.
    world.approve(theirs.as_str().unwrap()).expect(200);
    let left = lift(&world, "custodian", theirs).expect(200);
    assert_eq!(left["holds"].as_array().unwrap().len(), 2);
    world.invite("third", &["retention_custodian"], None);
    let last = asked(&world, "third");
    world.approve(last.as_str().unwrap()).expect(200);
    let left = lift(&world, "third", last).expect(200);
    assert_eq!(left["holds"], json!([]));
}

#[test]
fn an_item_of_a_record_ends_only_by_a_decision_and_an_order_is_called_off() {
    let (mut world, clock, item) = office();
    let path = format!("{item}/destruction");
    assert_eq!(items(&world, "")[0]["appraisal"], true);
    let without = json!({"reason": "term over"});
    let reply = world.post("custodian", &path, &without).expect(422);
    assert_eq!(reply["field"], "decision");
    let personal = json!({"reason": "term over", "decision": "홍길동의 건"});
    let reply = world.post("custodian", &path, &personal).expect(422);
    assert_eq!(reply["field"], "decision");

    refused(&call_off(&world, &item), 409, "conflict");
    let ordered = order(&world, &item);
    assert_eq!(items(&world, "")[0]["ends_at"], ordered["due"]);
    let off = call_off(&world, &item).expect(200);
    assert_eq!(off["destruction"], ordered["destruction"]);
    refused(&call_off(&world, &item), 409, "conflict");
    assert!(items(&world, "")[0].get("ends_at").is_none());
    // Nothing happened to it, and it can be ordered anew; another decision is another approval.
    let mut other = json!({"reason": "term over", "decision": "2032-10"});
    other["approval"] = {
        let asked = json!({"reason": "term over", "decision": "2032-9"});
        approved(&world, &path, &asked)
    };
    refused(&world.post("custodian", &path, &other), 409, "not_approved");
    order(&world, &item);
    pass(&mut world, &clock, DAY * 3);
    refused(&call_off(&world, &item), 409, "conflict");
}

#[test]
fn a_later_end_needs_a_second_person_and_stands_in_the_ledger() {
    let (mut world, clock, item) = office();
    let path = format!("{item}/term");
    let term = |until: &str| json!({"until": until, "decision": "2032-5", "reason": "renewed by the appraisal"});
    for earlier in ["2030-01-01T00:00:00+09:00", "2031-06-01T00:00:00+09:00"] {
        let reply = world.post("custodian", &path, &term(earlier)).expect(422);
        assert_eq!(reply["field"], "until", "{earlier}");
    }
    let mut body = term("2040-01-01T00:00:00+09:00");
    body["approval"] = approved(&world, &path, &body);
    let mut other = body.clone();
    other["until"] = json!("2050-01-01T00:00:00+09:00");
    refused(&world.post("custodian", &path, &other), 409, "not_approved");
    assert_eq!(items(&world, "?due=true").len(), 1, "the control: due");
    let done = world.post("custodian", &path, &body).expect(200);
    assert_eq!(done["until"], "2040-01-01T00:00:00.000+09:00");
    refused(&world.post("custodian", &path, &body), 410, "expired");
    assert_eq!(items(&world, "?due=true").len(), 0);
    let told = ledger(&world);
    assert!(
        told.contains("term_set") && told.contains("2032-5"),
        "{told}"
    );
    let early = json!({"reason": "term over", "decision": "2032-9"});
    let destruction = format!("{item}/destruction");
    let reply = world.post("custodian", &destruction, &early);
    refused(&reply, 422, "invalid");
    // Ordered for its new end: no later one any more, until that is called off.
    pass(&mut world, &clock, DAY * 365 * 9);
    order(&world, &item);
    let later = term("2050-01-01T00:00:00+09:00");
    refused(&world.post("custodian", &path, &later), 409, "conflict");
    call_off(&world, &item).expect(200);
    world.post("custodian", &path, &later).expect(202);
}

#[test]
fn a_held_item_outlives_its_order_and_then_goes_to_the_last_byte() {
    let (mut world, clock, item) = office();
    let held = hold(&world, "custodian", &item, "set", Value::Null).expect(200);
    assert_eq!(held["holds"][0]["by"], "custodian");
    assert_eq!(items(&world, "")[0]["holds"], json!(["소송 2032-1"]));
    let path = format!("{item}/destruction");
    let body = json!({"reason": "term over", "decision": "2032-9"});
    refused(&world.post("custodian", &path, &body), 409, "held");
    lift(&world, &item);

    // Held while the order waits: it is called off behind its time too.
    order(&world, &item);
    hold(&world, "custodian", &item, "set", Value::Null).expect(200);
    pass(&mut world, &clock, DAY * 4);
    call_off(&world, &item).expect(200);
    lift(&world, &item);

    let ordered = order(&world, &item)["destruction"].clone();
    pass(&mut world, &clock, DAY * 3);
    let since = Instant::now();
    let scrubbed = |told: &str| {
        let of = |line: &&str| line.contains(ordered.as_str().unwrap());
        told.matches("\"kind\":\"scrubbed\"").count() == 1 && told.lines().any(|line| of(&line))
    };
    while !scrubbed(&ledger(&world)) {
        assert!(since.elapsed() < PATIENCE, "{}", ledger(&world));
        std::thread::sleep(Duration::from_millis(500));
    }
    let told = ledger(&world);
    for word in ["retention_end", "2032-9", "\"kind\":\"destroyed\""] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(items(&world, "").len(), 0);
    let opening = json!({"purpose": "legal", "reason": "a court asks"});
    let gone = world.post("custodian", &format!("{item}/open"), &opening);
    assert_eq!(gone.status, 404);
}
