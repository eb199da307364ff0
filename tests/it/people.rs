//! People: enrolment, the second person, sessions, resets, and the brake on guessing.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bongham::authn::pace::PaceLimit;
use bongham::domain::time::{Clock, SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::world::{Reply, World, ordinary, password, sensitive};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn office() -> (World, Arc<SteppedClock>) {
    let morning = Timestamp::parse_rfc3339("2026-11-23T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(morning));
    let world = World::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    (world, clock)
}

fn invite(world: &World, login: &str, roles: &[&str]) -> Value {
    let body = json!({"account": login, "roles": roles, "department": "civil"});
    world.post("admin", "/accounts", &body).expect(201)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Sets a password with a code.
fn enrol(world: &World, login: &str, code: &Value) -> Reply {
    let body = json!({"account": login, "code": code, "password": password(login)});
    world.send("POST", "/api/v1/enrolments", None, Some(&body))
}

fn log_in(world: &World, login: &str, password: &str, device: Option<&str>) -> Reply {
    let body = json!({"account": login, "password": password, "device": device});
    world.send("POST", "/api/v1/sessions", None, Some(&body))
}

fn set_roles(world: &World, id: &str, roles: &[&str]) -> Reply {
    let path = format!("/accounts/{id}/roles");
    world.put("admin", &path, &json!({"roles": roles}))
}

fn decide(world: &World, login: &str, approval: &str, decision: &str) -> Reply {
    let path = format!("/approvals/{approval}");
    world.post(login, &path, &json!({"decision": decision}))
}

fn propose_desk(world: &World, department: &str, members: &[&str]) -> String {
    let path = format!("/departments/{department}/desk");
    let asked = world.put("admin", &path, &json!({"members": members}));
    text(&asked.expect(202)["approvals"][0])
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code));
}

#[test]
fn an_enrolment_code_works_once_and_for_a_week() {
    let (mut world, clock) = office();
    let code = invite(&world, "kim", &["officer"])["enrolment_code"].clone();
    let other = invite(&world, "lee", &["officer"])["enrolment_code"].clone();
    refused(&enrol(&world, "kim", &other), 401, "credentials_refused");
    clock.advance(2 * SECOND);
    enrol(&world, "kim", &code).expect(201);
    log_in(&world, "kim", &password("kim"), None).expect(201);
    refused(&enrol(&world, "kim", &code), 401, "credentials_refused");

    clock.advance(7 * 24 * HOUR - MINUTE);
    enrol(&world, "lee", &other).expect(201);
    world.log_in("admin");
    let late = invite(&world, "park", &["officer"])["enrolment_code"].clone();
    clock.advance(7 * 24 * HOUR);
    refused(&enrol(&world, "park", &late), 401, "credentials_refused");
}

#[test]
fn a_human_rights_role_waits_for_a_second_person_and_only_for_that() {
    let (world, _) = office();
    let invited = invite(&world, "kim", &["human_rights_officer"]);
    assert_eq!(invited["roles"], json!([]));
    enrol(&world, "kim", &invited["enrolment_code"]).expect(201);
    let mut draft = sensitive();
    draft["assignees"] = json!(["kim"]);
    refused(&world.post("intake", "/cases", &draft), 422, "invalid");

    let approval = text(&invited["approvals"][0]);
    for login in [
        "admin",
        "intake",
        "officer",
        "rights",
        "lead",
        "coordinator",
        "auditor",
    ] {
        refused(
            &decide(&world, login, &approval, "approve"),
            403,
            "role_refused",
        );
    }
    decide(&world, "privacy", &approval, "approve").expect(200);
    world.post("intake", "/cases", &draft).expect(201);
    for decision in ["approve", "refuse"] {
        refused(
            &decide(&world, "privacy", &approval, decision),
            410,
            "expired",
        );
    }

    let invited = invite(&world, "lee", &["human_rights_officer"]);
    let approval = text(&invited["approvals"][0]);
    decide(&world, "privacy", &approval, "refuse").expect(200);
    refused(
        &decide(&world, "privacy", &approval, "approve"),
        410,
        "expired",
    );
}

#[test]
fn nobody_is_the_second_person_for_themselves() {
    let (mut world, _) = office();
    // Whom it is about.
    let desk = propose_desk(&world, "rights", &["rights", "privacy"]);
    refused(
        &decide(&world, "privacy", &desk, "approve"),
        403,
        "self_approval",
    );
    // Who asked, though they have become somebody who may approve.
    world.invite("boss", &["admin"], None);
    let boss = world.ids["boss"].clone();
    let body = json!({"account": "kim", "roles": ["human_rights_officer"], "department": null});
    let own = world.post("boss", "/accounts", &body).expect(201);
    enrol(&world, "kim", &own["enrolment_code"]).expect(201);
    let own = text(&own["approvals"][0]);
    let asked = world.put(
        "boss",
        "/departments/rights/desk",
        &json!({"members": ["rights2"]}),
    );
    let another = text(&asked.expect(202)["approvals"][0]);
    let theirs = propose_desk(&world, "rights", &["rights2"]);
    let becomes = set_roles(&world, &boss, &["privacy_officer"]).expect(200);
    decide(
        &world,
        "privacy",
        &text(&becomes["approvals"][0]),
        "approve",
    )
    .expect(200);
    world.log_in("boss");
    refused(
        &decide(&world, "boss", &own, "approve"),
        403,
        "self_approval",
    );
    // The control: they may approve what others asked. Theirs died with their right to ask it.
    decide(&world, "boss", &theirs, "approve").expect(200);
    for own in [&own, &another] {
        refused(&decide(&world, "privacy", own, "approve"), 410, "expired");
    }
    // Nor does anybody change their own account.
    let another = &world.ids["rights"];
    set_roles(&world, another, &["human_rights_officer", "officer"]).expect(200);
    let accounts = world.get("admin", "/accounts").expect(200);
    let mut rows = accounts["rows"].as_array().unwrap().iter();
    let id = text(&rows.find(|a| a["account"] == "admin").unwrap()["id"]);
    refused(
        &set_roles(&world, &id, &["privacy_officer"]),
        403,
        "self_approval",
    );
}

#[test]
fn a_request_for_a_second_person_dies_after_half_an_hour() {
    let (mut world, clock) = office();
    let asked = propose_desk(&world, "rights", &["rights2"]);
    clock.advance(15 * MINUTE);
    for login in ["admin", "privacy"] {
        world.log_in(login);
    }
    let later = propose_desk(&world, "rights", &["rights2"]);
    clock.advance(14 * MINUTE);
    let open = world.get("privacy", "/approvals").expect(200);
    // Every right of the office that takes two, the desk, and the two asked for here.
    assert_eq!(open["rows"].as_array().unwrap().len(), 13);
    clock.advance(MINUTE);
    refused(
        &decide(&world, "privacy", &asked, "approve"),
        410,
        "expired",
    );
    decide(&world, "privacy", &later, "approve").expect(200);
}

#[test]
fn roles_that_exclude_each_other_are_never_held_together() {
    let (world, _) = office();
    for roles in [
        ["admin", "officer"],
        ["auditor", "privacy_officer"],
        ["human_rights_officer", "intake"],
        ["lead", "human_rights_officer"],
    ] {
        let body = json!({"account": "kim", "roles": roles, "department": null});
        let reply = world.post("admin", "/accounts", &body);
        refused(&reply, 409, "exclusive_roles");
        let reply = set_roles(&world, &world.ids["officer"], &roles);
        refused(&reply, 409, "exclusive_roles");
    }
    // Nor by way of a request that is still open when the other role comes.
    let invited = invite(&world, "kim", &["human_rights_officer"]);
    enrol(&world, "kim", &invited["enrolment_code"]).expect(201);
    let other = set_roles(&world, &text(&invited["id"]), &["lead"]).expect(200);
    let [first, second] = [&invited, &other].map(|asked| text(&asked["approvals"][0]));
    decide(&world, "privacy", &first, "approve").expect(200);
    let reply = decide(&world, "privacy", &second, "approve");
    refused(&reply, 409, "exclusive_roles");
    invite(&world, "lee", &["officer", "human_rights_officer"]);
}

#[test]
fn who_has_no_key_yet_receives_no_case_and_no_seat() {
    let (world, _) = office();
    let kim = invite(&world, "kim", &["officer"]);
    let mut draft = ordinary();
    draft["assignees"] = json!(["kim"]);
    // Nor any role: that goes to a key.
    refused(&world.post("intake", "/cases", &draft), 422, "invalid");
    let case = world.register("intake", &ordinary());
    let path = format!("/cases/{case}/assignees");
    let change = json!({"purpose": "handling", "assignees": ["kim"]});
    refused(&world.put("officer", &path, &change), 422, "invalid");

    let invited = invite(&world, "lee", &["human_rights_officer"]);
    let role = text(&invited["approvals"][0]);
    let seat = propose_desk(&world, "welfare", &["lee"]);
    refused(
        &decide(&world, "privacy", &role, "approve"),
        409,
        "not_enrolled",
    );
    refused(&decide(&world, "privacy", &seat, "approve"), 422, "invalid");

    enrol(&world, "kim", &kim["enrolment_code"]).expect(201);
    decide(&world, "privacy", &text(&kim["approvals"][0]), "approve").expect(200);
    enrol(&world, "lee", &invited["enrolment_code"]).expect(201);
    world.put("officer", &path, &change).expect(200);
    world.post("intake", "/cases", &draft).expect(201);
    for approval in [role, seat] {
        decide(&world, "privacy", &approval, "approve").expect(200);
    }
}

#[test]
fn a_change_of_roles_a_reset_and_a_disabling_end_sessions_at_once() {
    let (mut world, _) = office();
    let list = "/cases?purpose=handling";
    let id = world.ids["officer2"].clone();
    let order = |world: &World, what: &str| {
        let path = format!("/api/v1/accounts/{id}/{what}");
        world
            .send("POST", &path, world.token("admin"), None)
            .expect(200)
    };
    world.get("officer2", list).expect(200);
    let asked = set_roles(&world, &id, &["officer", "lead"]).expect(200);
    world.get("officer2", list).expect(200);
    decide(&world, "privacy", &text(&asked["approvals"][0]), "approve").expect(200);
    refused(&world.get("officer2", list), 401, "session_ended");
    world.log_in("officer2");
    world
        .get("officer2", "/cases?purpose=supervision")
        .expect(200);

    let code = world.reset("officer2");
    refused(&world.get("officer2", list), 401, "session_ended");
    world.enrol("officer2", &code);
    refused(&world.get("officer2", list), 403, "role_refused");
    world.give("officer2", &["officer"]);
    world.get("officer2", list).expect(200);

    order(&world, "disable");
    refused(&world.get("officer2", list), 401, "session_ended");
    let reply = log_in(&world, "officer2", &password("officer2"), None);
    refused(&reply, 401, "credentials_refused");
    world.get("officer", list).expect(200);
}

#[test]
fn a_reset_makes_a_new_key_that_opens_nothing_until_somebody_assigns_again() {
    let (mut world, _) = office();
    let mut draft = sensitive();
    draft["assignees"] = json!(["rights", "rights2"]);
    let case = world.register("intake", &draft);
    world.read("rights", &case, "handling").expect(200);
    let fingerprint = |world: &World| {
        let accounts = world.get("admin", "/accounts").expect(200);
        let mut rows = accounts["rows"].as_array().unwrap().iter();
        rows.find(|a| a["account"] == "rights").unwrap()["fingerprint"].clone()
    };
    let old = fingerprint(&world);
    let code = world.reset("rights");
    assert_eq!(fingerprint(&world), Value::Null);
    world.enrol("rights", &code);
    assert!(old.is_string() && fingerprint(&world).is_string());
    assert_ne!(fingerprint(&world), old);

    // The role went with the key; a second person gives it to the new one.
    refused(
        &world.read("rights", &case, "handling"),
        403,
        "role_refused",
    );
    let again = set_roles(&world, &world.ids["rights"], &["human_rights_officer"]).expect(200);
    decide(&world, "privacy", &text(&again["approvals"][0]), "approve").expect(200);
    world.log_in("rights");
    let locked = world.read("rights", &case, "handling");
    assert_eq!(locked.status, 409, "{locked:?}");
    assert!(!String::from_utf8_lossy(&locked.bytes).contains("괴롭힘"));
    let change = json!({"purpose": "handling", "assignees": ["rights", "rights2"]});
    let path = format!("/cases/{case}/assignees");
    assert_eq!(world.put("rights", &path, &change).status, 409);
    world.put("rights2", &path, &change).expect(200);
    let view = world.read("rights", &case, "handling").expect(200);
    assert_eq!(view["title"], "괴롭힘 신고");
}

#[test]
fn guessing_is_slowed_more_and_more_and_a_known_device_is_not() {
    let (world, clock) = office();
    let right = password("officer");
    let device = log_in(&world, "officer", &right, None).expect(201)["device"].clone();
    let device = device.as_str();
    let mut delays = Vec::new();
    for _ in 0..9 {
        refused(
            &log_in(&world, "officer", "not the right one", None),
            401,
            "credentials_refused",
        );
        let slowed = log_in(&world, "officer", &right, None);
        refused(&slowed, 429, "throttled");
        let wait: u64 = slowed.headers["retry-after"].parse().unwrap();
        delays.push(wait);
        clock.advance(Duration::from_secs(wait));
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);

    refused(
        &log_in(&world, "officer", "not the right one", None),
        401,
        "credentials_refused",
    );
    refused(&log_in(&world, "officer", &right, None), 429, "throttled");
    refused(
        &log_in(&world, "officer", &right, Some("bgd_made-up")),
        429,
        "throttled",
    );
    let of_another = log_in(&world, "officer2", &password("officer2"), None).expect(201);
    let of_another = of_another["device"].as_str();
    refused(
        &log_in(&world, "officer", &right, of_another),
        429,
        "throttled",
    );
    log_in(&world, "officer", &right, device).expect(201);
}

#[test]
fn an_unknown_login_and_a_wrong_password_are_answered_alike() {
    let (world, _) = office();
    let told = |reply: Reply| {
        let mut headers = reply.headers;
        headers.remove("x-request-id");
        (
            reply.status,
            headers,
            String::from_utf8(reply.bytes).unwrap(),
        )
    };
    // The second try of each is throttled, alike as well.
    for status in [401, 429] {
        let wrong = told(log_in(&world, "officer", "not the right one", None));
        let unknown = told(log_in(&world, "nobody-here", "not the right one", None));
        assert_eq!(wrong.0, status);
        assert_eq!(wrong, unknown);
    }
    let right = told(log_in(&world, "rights", &password("rights"), None));
    assert_eq!(right.0, 201);
    let entries = world.log("&task=login_failed");
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[3]["account"], world.ids["officer"]);
    assert_eq!(entries[2]["account"], Value::Null);
}

#[test]
fn a_session_ends_when_idle_and_at_last() {
    let (mut world, clock) = office();
    let ask = |world: &World| world.get("officer", "/cases?purpose=handling");
    clock.advance(15 * MINUTE - SECOND);
    ask(&world).expect(200);
    clock.advance(15 * MINUTE - SECOND);
    ask(&world).expect(200);
    clock.advance(15 * MINUTE);
    refused(&ask(&world), 401, "session_ended");

    world.log_in("officer");
    for _ in 0..47 {
        clock.advance(10 * MINUTE);
        ask(&world).expect(200);
    }
    clock.advance(10 * MINUTE - SECOND);
    ask(&world).expect(200);
    clock.advance(SECOND);
    refused(&ask(&world), 401, "session_ended");
}

#[test]
fn log_ins_log_outs_and_failures_name_their_source() {
    let (world, clock) = office();
    let send = |method: &str, path: &str, token: Option<&str>, body: Value| {
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("content-type", "application/json")
            .header("user-agent", "Desk/4.2");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        world.raw(request.body(Body::from(body.to_string())).unwrap())
    };
    let credentials = |password: &str| json!({"account": "lead", "password": password});
    send("POST", "/sessions", None, credentials("not the right one")).expect(401);
    clock.advance(2 * SECOND);
    let session = send("POST", "/sessions", None, credentials(&password("lead"))).expect(201);
    let token = session["token"].as_str();
    let out = send("DELETE", "/sessions/current", token, json!({}));
    assert_eq!(out.status, 204);
    refused(
        &send("DELETE", "/sessions/current", token, json!({})),
        401,
        "session_ended",
    );

    let entries = world.log(&format!("&account={}", world.ids["lead"]));
    let told: Vec<_> = entries
        .iter()
        .take(3)
        .map(|e| (&e["task"], &e["result"]))
        .collect();
    let [out, entered, failed] = told[..] else {
        panic!("{entries:#?}")
    };
    assert_eq!(out, (&json!("logout"), &json!("done")));
    assert_eq!(entered, (&json!("login"), &json!("done")));
    assert_eq!(failed, (&json!("login_failed"), &json!("refused")));
    for entry in entries.iter().take(3) {
        assert_eq!(
            entry["source"],
            json!({"address": null, "device": "Desk/4.2"})
        );
    }
    // The control: other log-ins of the same person came from elsewhere.
    assert_eq!(entries[3]["source"]["device"], "");
}

#[test]
fn guesses_at_an_old_password_keep_nobody_from_setting_a_new_one() {
    let (mut world, _) = office();
    let code = world.reset("officer");
    refused(
        &log_in(&world, "officer", &password("officer"), None),
        401,
        "credentials_refused",
    );
    // The control: a second guess is slowed, and so is a second wrong code.
    refused(
        &log_in(&world, "officer", "another guess", None),
        429,
        "throttled",
    );
    world.enrol("officer", &code);
    let other = world.reset("officer2");
    let wrong = json!("AAAAAA-AAAAAA-AAAAAA-AAAAAA");
    refused(
        &enrol(&world, "officer2", &wrong),
        401,
        "credentials_refused",
    );
    refused(&enrol(&world, "officer2", &json!(other)), 429, "throttled");
}

#[test]
fn who_asks_too_fast_waits_and_nobody_else_does() {
    let (world, clock) = office();
    clock.advance(HOUR / 6);
    world.service.limit_pace(PaceLimit::default());
    let ask = |login: &str| world.get(login, "/cases?purpose=handling");
    let before = world.log("").len();
    for _ in 0..40 {
        ask("officer").expect(200);
    }
    for _ in 0..3 {
        let slowed = ask("officer");
        refused(&slowed, 429, "too_many_requests");
        assert_eq!(slowed.headers["retry-after"], "1");
    }
    ask("officer2").expect(200);
    clock.advance(SECOND);
    for _ in 0..20 {
        ask("officer").expect(200);
    }
    refused(&ask("officer"), 429, "too_many_requests");
    // Four were turned away, one entry tells it.
    let told = world.log("&task=turned_away");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["account"], world.ids["officer"]);
    // The list that was shown before is an entry itself.
    assert_eq!(
        world.log("").len(),
        (before + 1 + 40 + 1 + 20 + 1 + 1).min(200)
    );
}
