//! Destruction as people meet it: a request that was approved ends in dead keys, a ledger, a
//! certificate that is checked elsewhere.

use std::sync::Arc;
use std::time::Duration;

use bongham::destruction::certificate::{State, verify};
use bongham::domain::time::{SteppedClock, Timestamp};
use bongham::merkle::checkpoint::Verifier;
use serde_json::{Value, json};

use crate::deletion::{approved, body, id_of, office, pass, petition, registered, run};
use crate::export::{Receiver, begin, ended, order, text};
use crate::world::{World, ordinary, sensitive};

fn step(world: &World, login: &str, id: &str, name: &str, body: &Value) -> Value {
    let path = format!("/deletion-requests/{id}/{name}");
    world.post(login, &path, body).expect(200)
}

/// Takes a request for this receipt as far as its approval; gives the id of the destruction.
fn ordered(world: &World, receipt: &str, reviewer: &str) -> String {
    let asked = petition(receipt);
    let view = world
        .post("intake", "/deletion-requests", &asked)
        .expect(201);
    let id = view["id"].as_str().unwrap().to_owned();
    step(world, "intake", &id, "identity", &body("identity"));
    step(world, reviewer, &id, "review", &body("review"));
    let view = step(world, reviewer, &id, "form", &body("form"));
    let hash = json!({"form_hash": view["form"]["form_hash"]});
    let view = step(world, "privacy2", &id, "approve", &hash);
    view["order"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_approved_request_ends_in_a_certificate_that_is_checked_elsewhere() {
    let morning = Timestamp::parse_rfc3339("2026-11-20T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(morning));
    let mut world = World::with_clock(clock.clone());
    let mut made = Vec::new();
    for draft in [ordinary(), ordinary(), sensitive()] {
        made.push(world.post("intake", "/cases", &draft).expect(201));
    }
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let other = text(&made[1], "id");
    let orders = [
        (text(&made[0], "id"), "officer", "privacy"),
        (text(&made[2], "id"), "rights", "rights"),
    ]
    .map(|(case, holder, reviewer)| {
        world.read(holder, &case, "handling").expect(200);
        let receipt = made.iter().find(|m| m["id"] == case.as_str()).unwrap();
        let order = ordered(&world, &text(receipt, "receipt"), reviewer);
        (case, holder, order)
    });
    for (_, _, order) in &orders {
        let early = world.get("privacy", &format!("/ledger/certificates/{order}"));
        assert_eq!(early.status, 404, "a certificate of what was not begun");
    }

    clock.advance(Duration::from_secs(8 * 86_400));
    // What is due is carried out by the background within a minute.
    let deadline = std::time::Instant::now() + Duration::from_secs(150);
    loop {
        world.log_in("auditor");
        let rows = world
            .get("auditor", "/ledger/entries?limit=200")
            .expect(200);
        let rows = rows["rows"].as_array().unwrap().clone();
        if rows.iter().filter(|row| row["kind"] == "scrubbed").count() == 2 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{rows:#?}");
        // An old key of the index stays for a minute.
        clock.advance(Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(500));
    }
    for login in ["officer", "rights", "privacy"] {
        world.log_in(login);
    }
    let verifier = Verifier::parse(&world.log_key).unwrap();
    for (case, holder, order) in &orders {
        world.read(holder, case, "handling").expect(404);
        let path = format!("/ledger/certificates/{order}");
        world.get(holder, &path).expect(404);
        let reply = world.get("privacy", &path);
        assert_eq!(reply.status, 200);
        let body = verify(&reply.bytes, &verifier, None).unwrap();
        assert_eq!((body.state, body.totals.whole_cases), (State::Complete, 1));
        assert_eq!(&body.destruction, order);
    }
    world.read("officer", &other, "handling").expect(200);
    let form = world.get("auditor", "/ledger/form");
    let page = form.page_as_shown();
    assert!(page.contains("개인정보파일 파기 관리대장") && page.contains("privacy2"));
    for name in ["홍길동", "임꺽정", "변학도"] {
        assert!(!page.contains(name));
    }
}

/// An export that has left.
fn taken_out(world: &World, case: &str) -> String {
    let mut body = order(&json!({ "cases": [case] }), "csv");
    body["recipient"] = Receiver::new().key();
    let begun = begin(world, "officer", &body).expect(202);
    let serial = text(&begun["serial"]);
    ended(world, "officer", &serial);
    let path = format!("/exports/{serial}/content");
    assert_eq!(world.get("officer", &path).status, 200);
    serial
}

/// A print, whose document somebody has fetched or not.
fn printed(world: &World, case: &str, fetched: bool) -> String {
    let body = json!({"purpose": "handling", "reason": "회의 자료", "cases": [case],
        "form": "html", "receiver": "심의위원회"});
    let made = world.post("officer", "/prints", &body).expect(201);
    let serial = text(&made["serial"]);
    if fetched {
        let path = format!("/prints/{serial}/document");
        assert_eq!(world.get("officer", &path).status, 200);
    }
    serial
}

#[test]
fn a_certificate_calls_back_the_copies_that_are_out_until_they_are_closed() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let (other, _) = registered(&world, &ordinary());
    let file = taken_out(&world, &case);
    let paper = printed(&world, &case, true);
    let waiting = printed(&world, &case, false);
    // The control: copies of something else are not called back.
    taken_out(&world, &other);
    let view = approved(&world, &receipt);
    pass(&mut world, &clock, Duration::from_secs(3 * 86_400));
    run(&world, "privacy", &id_of(&view)).expect(200);
    let verifier = Verifier::parse(&world.log_key).unwrap();
    let path = format!("/ledger/certificates/{}", text(&view["order"]["id"]));
    let called_back = || {
        let reply = world.get("privacy", &path);
        assert_eq!(reply.status, 200);
        let body = verify(&reply.bytes, &verifier, None).unwrap();
        let mut found: Vec<String> = body.recall.into_iter().map(|one| one.export).collect();
        found.sort_unstable();
        found
    };
    let mut out = [file.clone(), paper.clone()];
    out.sort_unstable();
    assert_eq!(called_back(), out);
    let record = world.get("officer", &format!("/prints/{waiting}"));
    assert_eq!(record.expect(200)["state"], "expired");
    let close = |serial: &str| {
        let body = json!({"method": "파쇄"});
        let path = format!("/outputs/{serial}/close");
        world.post("officer", &path, &body).expect(200);
    };
    close(&file);
    assert_eq!(called_back(), std::slice::from_ref(&paper));
    close(&paper);
    assert_eq!(called_back(), [""; 0]);
}
