//! The second person over the API: bound to a key and a hash, and needed before the key of somebody
//! who opens sensitive cases, or watches over those who do, is taken from them.

use serde_json::{Value, json};

use crate::world::{Reply, World, ordinary, sensitive};

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code));
}

fn reset(world: &World, login: &str, approval: Option<&str>) -> Reply {
    let path = format!("/accounts/{}/reset", world.ids[login]);
    match approval {
        Some(id) => world.post("admin", &path, &json!({ "approval": id })),
        None => world.post("admin", &path, &json!({})),
    }
}

fn disable(world: &World, login: &str, approval: Option<&str>) -> Reply {
    let path = format!("/accounts/{}/disable", world.ids[login]);
    match approval {
        Some(id) => world.post("admin", &path, &json!({ "approval": id })),
        None => world.post("admin", &path, &json!({})),
    }
}

fn roles(world: &World, login: &str, roles: Value) -> Reply {
    let path = format!("/accounts/{}/roles", world.ids[login]);
    world.put("admin", &path, &json!({ "roles": roles }))
}

fn decide(world: &World, login: &str, approval: &str, decision: &str) -> Reply {
    let path = format!("/approvals/{approval}");
    world.post(login, &path, &json!({ "decision": decision }))
}

fn shown(world: &World, approval: &str) -> Value {
    let list = world.get("privacy2", "/approvals?limit=200").expect(200);
    let mut rows = list["rows"].as_array().unwrap().iter();
    rows.find(|row| row["id"] == approval).unwrap().clone()
}

#[test]
fn a_right_goes_to_the_key_that_was_shown_or_to_none() {
    let mut world = World::new();
    let invite = |world: &World, login: &str| {
        let body = json!({"account": login, "roles": ["human_rights_officer"], "department": null});
        world.post("admin", "/accounts", &body).expect(201)
    };
    // Shown before there was a key: the first one is meant.
    let kim = invite(&world, "kim");
    let first = text(&kim["approvals"][0]);
    assert!(shown(&world, &first).to_string().contains("no key yet"));
    world.ids.insert("kim".to_owned(), text(&kim["id"]));
    world.enrol("kim", &text(&kim["enrolment_code"]));
    assert_eq!(shown(&world, &first)["state"], "open");
    let asked_again = |world: &World| {
        let path = format!("/accounts/{}/roles", world.ids["kim"]);
        let roles = json!({"roles": ["human_rights_officer"]});
        let asked = world.put("admin", &path, &roles).expect(200);
        text(&asked["approvals"][0])
    };
    // Shown with the key that is there.
    let second = asked_again(&world);
    // The administrator makes a key of their own in between.
    let code = world.reset("kim");
    for approval in [&first, &second] {
        assert_eq!(shown(&world, approval)["state"], "void");
        refused(
            &decide(&world, "privacy", approval, "approve"),
            410,
            "expired",
        );
    }
    world.enrol("kim", &code);
    for approval in [&first, &second] {
        refused(
            &decide(&world, "privacy", approval, "approve"),
            410,
            "expired",
        );
    }
    // The control: asked for the key that is there now.
    let third = asked_again(&world);
    decide(&world, "privacy", &third, "approve").expect(200);
}

#[test]
fn a_seat_goes_to_the_key_that_was_shown_or_to_none() {
    let mut world = World::new();
    let propose = |world: &World| {
        let members = json!({"members": ["rights", "rights2"]});
        let asked = world.put("admin", "/departments/rights/desk", &members);
        text(&asked.expect(202)["approvals"][0])
    };
    let before = propose(&world);
    let code = world.reset("rights2");
    world.enrol("rights2", &code);
    let path = format!("/accounts/{}/roles", world.ids["rights2"]);
    let roles = json!({"roles": ["human_rights_officer"]});
    let again = world.put("admin", &path, &roles).expect(200);
    world.approve(&text(&again["approvals"][0])).expect(200);
    refused(
        &decide(&world, "privacy", &before, "approve"),
        410,
        "expired",
    );
    let after = propose(&world);
    decide(&world, "privacy", &after, "approve").expect(200);
}

#[test]
fn a_decision_names_by_hash_what_it_decides() {
    let world = World::new();
    let asked = |members: Value| {
        let body = json!({ "members": members });
        let asked = world.put("admin", "/departments/rights/desk", &body);
        text(&asked.expect(202)["approvals"][0])
    };
    let (one, other) = (
        asked(json!(["rights"])),
        asked(json!(["rights", "rights2"])),
    );
    let decide = |approval: &str, hash: &Value| {
        let body = json!({"decision": "approve", "hash": hash});
        world.post("privacy", &format!("/approvals/{approval}"), &body)
    };
    let hashes = [&one, &other].map(|id| shown(&world, id)["hash"].clone());
    assert_ne!(hashes[0], hashes[1]);
    refused(&decide(&one, &hashes[1]), 409, "conflict");
    refused(&decide(&one, &json!("abc")), 422, "invalid");
    decide(&one, &hashes[0]).expect(200);
    decide(&other, &Value::Null).expect(200);
}

#[test]
fn whoever_has_a_role_is_reset_by_two() {
    let mut world = World::new();
    let others = ["intake", "officer", "lead", "coordinator"];
    for login in ["rights", "auditor", "custodian", "privacy2"]
        .into_iter()
        .chain(others)
    {
        let asked = reset(&world, login, None).expect(202);
        let approval = text(&asked["approvals"][0]);
        assert!(asked.get("enrolment_code").is_none());
        // Nothing has happened yet, and nothing happens without the second person.
        world.log_in(login);
        refused(&reset(&world, login, Some(&approval)), 409, "not_approved");
        decide(&world, "privacy", &approval, "approve").expect(200);
        world.log_in(login);
        // An approval for one is none for another.
        refused(
            &reset(&world, "rights2", Some(&approval)),
            409,
            "not_approved",
        );
        let done = reset(&world, login, Some(&approval)).expect(200);
        assert!(done["enrolment_code"].is_string());
        assert_eq!(world.try_log_in(login).status, 401, "{login}");
        let lost = json!(["cases_may_be_lost"]);
        let warned = [&asked, &done].map(|reply| reply["warnings"] == lost);
        assert_eq!(warned, [login == "rights"; 2]);
    }
    // The control: whoever has no role yet is the administrator's to reset, without a word of loss.
    let body = json!({"account": "late", "roles": ["officer"], "department": "civil"});
    let late = world.post("admin", "/accounts", &body).expect(201);
    world.ids.insert("late".to_owned(), text(&late["id"]));
    let done = reset(&world, "late", None).expect(200);
    assert_eq!(done["warnings"], json!([]));
    // A refused one is no approval.
    let asked = reset(&world, "rights2", None).expect(202);
    let approval = text(&asked["approvals"][0]);
    decide(&world, "privacy", &approval, "refuse").expect(200);
    refused(
        &reset(&world, "rights2", Some(&approval)),
        409,
        "not_approved",
    );
}

#[test]
fn the_last_privacy_officer_is_not_reset_and_nobody_decides_on_their_own_reset() {
    let mut world = World::new();
    let accounts = world.get("admin", "/accounts").expect(200);
    let mut rows = accounts["rows"].as_array().unwrap().iter();
    let privacy = rows.find(|row| row["account"] == "privacy").unwrap();
    world.ids.insert("privacy".to_owned(), text(&privacy["id"]));

    let own = text(&reset(&world, "privacy2", None).expect(202)["approvals"][0]);
    refused(
        &decide(&world, "privacy2", &own, "approve"),
        403,
        "self_approval",
    );
    // With the other one gone nobody could be the second person.
    let shut = disable(&world, "privacy2", None).expect(202);
    let shut = text(&shut["approvals"][0]);
    decide(&world, "privacy", &shut, "approve").expect(200);
    disable(&world, "privacy2", Some(&shut)).expect(200);
    refused(&reset(&world, "privacy", None), 409, "no_second_person");
    refused(&reset(&world, "privacy", Some(&own)), 409, "not_approved");
    world.log_in("privacy");
    let entries = world.log("&task=manage_account");
    assert_eq!(entries[1]["query"], "failed", "{entries:#?}");
}

#[test]
fn every_role_is_given_by_two_at_the_start_and_later() {
    let mut world = World::new();
    let case = world.register("intake", &ordinary());
    for role in ["lead", "coordinator", "officer", "intake", "admin"] {
        let login = format!("new-{role}");
        let body = json!({"account": login, "roles": [role], "department": "civil"});
        let made = world.post("admin", "/accounts", &body).expect(201);
        assert_eq!(
            (&made["roles"], &made["pending_roles"]),
            (&json!([]), &json!([role]))
        );
        world.ids.insert(login.clone(), text(&made["id"]));
        world.enrol(&login, &text(&made["enrolment_code"]));
        // What it opens is said, and to which key.
        let asked = shown(&world, &text(&made["approvals"][0]))["asked"].clone();
        let opens = format!("role {role} in civil for {login} (key ");
        assert!(text(&asked).starts_with(&opens), "{asked}");
        // Alone the administrator gets nothing out of it, nor by asking again.
        let again = roles(&world, &login, json!([role])).expect(200);
        assert_eq!(again["roles"], json!([]), "{role}");
        refused(
            &world.read(&login, &case, "supervision"),
            403,
            "role_refused",
        );
        refused(&world.get(&login, "/accounts"), 403, "role_refused");
        refused(
            &world.post(&login, "/cases", &ordinary()),
            403,
            "role_refused",
        );
        decide(&world, "privacy", &text(&made["approvals"][0]), "refuse").expect(200);
        let accounts = world.get("admin", "/accounts?limit=200").expect(200);
        let mut rows = accounts["rows"].as_array().unwrap().iter();
        let row = rows.find(|row| row["account"] == login).unwrap();
        assert_eq!(row["roles"], json!([]), "{role}");
        // The control: with another's consent it is there.
        world.consent(&login, &again);
    }
    world.read("new-lead", &case, "supervision").expect(200);
    world.get("new-admin", "/accounts").expect(200);
    world.post("new-intake", "/cases", &ordinary()).expect(201);
}

#[test]
fn who_watches_over_the_others_goes_by_two_and_the_last_one_stays() {
    let mut world = World::new();
    // Taken away, or shut out: by nobody alone.
    refused(&roles(&world, "auditor", json!([])), 409, "last_of_role");
    refused(&disable(&world, "auditor", None), 409, "last_of_role");
    world.invite("auditor2", &["auditor"], None);
    let asked = roles(&world, "auditor", json!([])).expect(200);
    assert_eq!(
        (&asked["roles"], &asked["pending_removals"]),
        (&json!(["auditor"]), &json!(["auditor"]))
    );
    let shut = disable(&world, "auditor2", None).expect(202);
    assert_eq!(shut["state"], "enrolled");
    let second = roles(&world, "auditor2", json!([])).expect(200);
    let [taken, shut, second] = [&asked, &shut, &second].map(|asked| text(&asked["approvals"][0]));
    refused(
        &disable(&world, "auditor2", Some(&shut)),
        409,
        "not_approved",
    );
    for login in ["auditor", "auditor2"] {
        world.get(login, "/log/entries").expect(200);
    }
    // Both were asked for while two were there: one goes, the other stays.
    decide(&world, "privacy", &taken, "approve").expect(200);
    decide(&world, "privacy", &shut, "approve").expect(200);
    world.log_in("auditor");
    refused(&world.get("auditor", "/log/entries"), 404, "not_found");
    refused(
        &disable(&world, "auditor2", Some(&shut)),
        409,
        "last_of_role",
    );
    let late = decide(&world, "privacy", &second, "approve");
    refused(&late, 409, "last_of_role");
    world.get("auditor2", "/log/entries").expect(200);

    // The same with two whose role is to be taken.
    let asked = roles(&world, "privacy2", json!([])).expect(200);
    let asked = text(&asked["approvals"][0]);
    refused(
        &decide(&world, "privacy2", &asked, "approve"),
        403,
        "self_approval",
    );
    world.invite("privacy3", &["privacy_officer"], None);
    let other = roles(&world, "privacy3", json!([])).expect(200);
    let other = text(&other["approvals"][0]);
    decide(&world, "privacy", &asked, "approve").expect(200);
    world.log_in("privacy2");
    refused(&world.get("privacy2", "/approvals"), 403, "role_refused");
    decide(&world, "privacy", &other, "approve").expect(200);
    // The control: another role is the administrator's to take, and so is another account.
    assert_eq!(
        roles(&world, "lead", json!([])).expect(200)["roles"],
        json!([])
    );
    disable(&world, "coordinator", None).expect(200);
}

#[test]
fn who_loses_the_human_rights_role_makes_a_new_key_and_keeps_the_rest() {
    let mut world = World::new();
    let path = format!("/accounts/{}/roles", world.ids["rights2"]);
    let both = json!({"roles": ["human_rights_officer", "officer"]});
    // The control: a role more ends no key.
    let more = world.put("admin", &path, &both).expect(200);
    world.consent("rights2", &more);
    assert_eq!(
        (&more["warnings"], more.get("enrolment_code")),
        (&json!([]), None)
    );
    let mut draft = sensitive();
    draft["assignees"] = json!(["rights2"]);
    let case = world.register("intake", &draft);
    world.read("rights2", &case, "handling").expect(200);

    let less = world
        .put("admin", &path, &json!({"roles": ["officer"]}))
        .expect(200);
    assert_eq!(less["warnings"], json!(["cases_may_be_lost"]));
    assert_eq!(world.try_log_in("rights2").status, 401);
    world.enrol("rights2", &text(&less["enrolment_code"]));
    // The other role had been given to the key that ended.
    assert_eq!(
        (&less["roles"], &less["pending_roles"]),
        (&json!([]), &json!(["officer"]))
    );
    world.consent("rights2", &less);
    let mut draft = ordinary();
    draft["assignees"] = json!(["rights2"]);
    let ordinary = world.register("intake", &draft);
    world.read("rights2", &ordinary, "handling").expect(200);
    assert_ne!(world.read("rights2", &case, "handling").status, 200);
}

#[test]
fn a_single_recipient_is_allowed_and_warned_of() {
    let world = World::new();
    let register = |tier: &str, assignees: Value| {
        let mut draft = if tier == "sensitive" {
            sensitive()
        } else {
            ordinary()
        };
        draft["assignees"] = assignees;
        world.post("intake", "/cases", &draft).expect(201)
    };
    let single = json!(["single_recipient"]);
    let alone = register("sensitive", json!(["rights"]));
    assert_eq!(alone["warnings"], single);
    // The desk of `rights` has one seat.
    assert_eq!(register("sensitive", json!([]))["warnings"], single);
    let two = register("sensitive", json!(["rights", "rights2"]));
    assert_eq!(two["warnings"], json!([]));
    let plain = register("ordinary", json!(["officer"]));
    assert_eq!(plain["warnings"], json!([]));

    let assign = |assignees: Value| {
        let path = format!("/cases/{}/assignees", text(&alone["id"]));
        let body = json!({"purpose": "handling", "assignees": assignees});
        world.put("rights", &path, &body).expect(200)
    };
    assert_eq!(assign(json!(["rights", "rights2"]))["warnings"], json!([]));
    assert_eq!(assign(json!(["rights"]))["warnings"], single);
    let path = format!("/cases/{}/classification", text(&plain["id"]));
    let body = json!({"purpose": "handling", "tier": "sensitive", "assignees": ["rights"],
        "reason": "it is one"});
    let moved = world.put("officer", &path, &body).expect(200);
    assert_eq!(moved["warnings"], single);
}

#[test]
fn who_may_not_is_told_so_before_what_they_wrote_is_looked_at_and_every_refusal_is_logged() {
    let world = World::new();
    let mut bad = ordinary();
    bad["received_at"] = json!("yesterday");
    let mut nowhere = ordinary();
    nowhere["department"] = json!("nowhere");
    let mut nobody = sensitive();
    nobody["department"] = json!("civil");
    let before = world.log("").len();
    // Who may not register learns nothing of what is wrong with it.
    for draft in [&bad, &nowhere, &nobody] {
        let reply = world.post("lead", "/cases", draft);
        refused(&reply, 403, "role_refused");
    }
    let denied = world.log("&task=register");
    assert!(
        denied
            .iter()
            .take(3)
            .all(|entry| entry["decision"] == "deny")
    );
    // The control: who may is told, and that leaves an entry as well.
    for (draft, status, code) in [
        (&bad, 422, "invalid"),
        (&nowhere, 422, "invalid"),
        (&nobody, 409, "no_recipient"),
    ] {
        refused(&world.post("intake", "/cases", draft), status, code);
        let entry = &world.log("&task=register")[0];
        assert_eq!(
            (&entry["decision"], &entry["query"]),
            (&json!("allow"), &json!("failed"))
        );
    }
    assert!(world.log("").len() >= before + 6);

    // The same with departments, accounts and reasons.
    let bad_code = json!({"code": "Not A Code", "name": "x"});
    let bad_login = json!({"account": "a/b", "roles": ["admin", "officer"], "department": null});
    for (path, body, task) in [
        ("/departments", &bad_code, "manage_department"),
        ("/accounts", &bad_login, "manage_account"),
    ] {
        refused(&world.post("officer", path, body), 403, "role_refused");
        let told = world.post("admin", path, body).status;
        assert!(told == 422 || told == 409, "{path}: {told}");
        let entry = &world.log(&format!("&task={task}"))[0];
        assert_eq!(entry["query"], "failed", "{path}");
    }
    let case = world.register("intake", &ordinary());
    let path = format!("/cases/{case}/assignees");
    let long = json!({"purpose": "handling", "assignees": ["officer"], "reason": "x".repeat(5000)});
    refused(&world.put("auditor", &path, &long), 403, "role_refused");
    refused(&world.put("officer", &path, &long), 422, "invalid");
}
