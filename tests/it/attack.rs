//! What somebody tries who has an account, a right or a moment that they should not use so.

use serde_json::{Value, json};

use crate::world::{World, sensitive};

/// An administrator's second account, enrolled with the code that the administrator was shown.
fn puppet(world: &mut World, login: &str, roles: &[&str]) -> Value {
    let body = json!({"account": login, "roles": roles});
    let invited = world.post("admin", "/accounts", &body).expect(201);
    world.enrol(login, invited["enrolment_code"].as_str().unwrap());
    invited
}

#[test]
fn an_administrator_makes_nobody_a_second_person() {
    let mut world = World::new();
    let invited = puppet(&mut world, "puppet", &["privacy_officer"]);
    assert_eq!(invited["roles"], json!([]), "{invited}");
    assert_eq!(invited["pending_roles"], json!(["privacy_officer"]));
    let approval = invited["approvals"][0].as_str().unwrap().to_owned();
    let approve = json!({"decision": "approve"});
    let path = format!("/approvals/{approval}");
    world.post("puppet", &path, &approve).expect(403);

    // The control: with another's consent it is one.
    world.approve(&approval).expect(200);
    world.log_in("puppet");
    world.get("puppet", "/approvals").expect(200);
}

#[test]
fn a_reset_gives_an_administrator_no_sensitive_case() {
    let mut world = World::new();
    let before = world.register("intake", &sensitive());
    let code = world.reset("rights");
    world.enrol("rights", &code);

    // The thief of the account has neither the old cases, nor their rows, nor new ones.
    world.read("rights", &before, "handling").expect(403);
    world.get("rights", "/cases?purpose=handling").expect(403);
    let refused = world.post("intake", "/cases", &sensitive());
    assert_eq!(refused.code(), "no_recipient");

    // The second person gives the right to the new key; then new cases come to it.
    let roles = json!({"roles": ["human_rights_officer"]});
    let path = format!("/accounts/{}/roles", world.ids["rights"]);
    let asked = world.put("admin", &path, &roles).expect(200);
    world
        .approve(asked["approvals"][0].as_str().unwrap())
        .expect(200);
    world.log_in("rights");
    let after = world.register("intake", &sensitive());
    world.read("rights", &after, "handling").expect(200);
    assert_eq!(
        world.read("rights", &before, "handling").code(),
        "conflict",
        "the old case has no wrap to the new key"
    );
}

#[test]
fn a_role_is_given_to_a_key_and_not_to_a_code() {
    let world = World::new();
    let body = json!({"account": "late", "roles": ["human_rights_officer"]});
    let invited = world.post("admin", "/accounts", &body).expect(201);
    let approval = invited["approvals"][0].as_str().unwrap();
    assert_eq!(world.approve(approval).code(), "not_enrolled");
    let code = json!({
        "account": "late",
        "code": invited["enrolment_code"],
        "password": crate::world::password("late"),
    });
    let enrolled = world
        .send("POST", "/api/v1/enrolments", None, Some(&code))
        .expect(201);
    let shown = world.get("privacy", "/approvals").expect(200).to_string();
    assert!(shown.contains(enrolled["fingerprint"].as_str().unwrap()));
    world.approve(approval).expect(200);
}

#[test]
fn an_assignment_that_fails_is_an_entry_like_one_that_is_refused() {
    let world = World::new();
    let case = world.register("intake", &sensitive());
    let assign = |login: &str, to: &str| {
        let body = json!({"purpose": "handling", "assignees": [to]});
        world.put(login, &format!("/cases/{case}/assignees"), &body)
    };
    assign("rights", "officer").expect(422);
    assert_eq!(assign("rights2", "rights2").code(), "not_found");
    assign("rights", "rights2").expect(200);
    let mut entries = world.log(&format!("&case={case}&task=assign"));
    entries.sort_by_key(|entry| entry["index"].as_u64());
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry["decision"].as_str(), entry["query"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("allow"), Some("failed")),
            (Some("deny"), None),
            (Some("allow"), None)
        ]
    );
}
