//! People: enrolment, the second person, sessions, resets, and the brake on guessing.

use std::sync::Arc;
use std::time::Duration;

use bongham::domain::time::{Clock, SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::world::{Reply, World, ordinary, password, sensitive};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);

pub fn office() -> (World, Arc<SteppedClock>) {
    let morning = Timestamp::parse_rfc3339("2026-11-23T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(morning));
    let world = World::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    (world, clock)
}

pub fn invite(world: &World, login: &str, roles: &[&str]) -> Value {
    let body = json!({"account": login, "roles": roles, "department": "civil"});
    world.post("admin", "/accounts", &body).expect(201)
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Sets a password with a code.
pub fn enrol(world: &World, login: &str, code: &Value) -> Reply {
    let body = json!({"account": login, "code": code, "password": password(login)});
    world.send("POST", "/api/v1/enrolments", None, Some(&body))
}

pub fn log_in(world: &World, login: &str, password: &str, device: Option<&str>) -> Reply {
    let body = json!({"account": login, "password": password, "device": device});
    world.send("POST", "/api/v1/sessions", None, Some(&body))
}

pub fn set_roles(world: &World, id: &str, roles: &[&str]) -> Reply {
    let path = format!("/accounts/{id}/roles");
    world.put("admin", &path, &json!({"roles": roles}))
}

pub fn decide(world: &World, login: &str, approval: &str, decision: &str) -> Reply {
    let path = format!("/approvals/{approval}");
    world.post(login, &path, &json!({"decision": decision}))
}

fn propose_desk(world: &World, department: &str, members: &[&str]) -> String {
    let path = format!("/departments/{department}/desk");
    let asked = world.put("admin", &path, &json!({"members": members}));
    text(&asked.expect(202)["approvals"][0])
}

#[track_caller]
pub fn refused(reply: &Reply, status: u16, code: &str) {
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
