//! Who opens what, and that what is forbidden cannot be told from what does not exist.

use serde_json::json;

use crate::world::{PEOPLE, Reply, World, ordinary, sensitive};

fn comparable(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (
        reply.status,
        headers,
        String::from_utf8_lossy(&reply.bytes).into_owned(),
    )
}

#[test]
fn a_sensitive_case_opens_for_its_holder_and_for_nobody_else() {
    let world = World::new();
    let case = world.register("intake", &sensitive());
    let absent = "a".repeat(26);

    let mine = world.read("rights", &case, "handling");
    assert!(mine.headers.contains_key("bongham-log"), "{mine:?}");
    let view = mine.expect(200);
    assert_eq!(view["title"], "괴롭힘 신고");
    assert_eq!(view["people"][1]["name"], "변학도");

    let others = PEOPLE
        .iter()
        .map(|(login, ..)| *login)
        .chain(["admin", "privacy"]);
    for login in others.filter(|login| *login != "rights") {
        for purpose in [
            "handling",
            "supervision",
            "intake",
            "subject_request",
            "audit",
            "legal",
        ] {
            let forbidden = world.read(login, &case, purpose);
            let missing = world.read(login, &absent, purpose);
            assert!(
                [403, 404].contains(&forbidden.status),
                "{login} {purpose}: {forbidden:?}"
            );
            assert_eq!(
                comparable(&forbidden),
                comparable(&missing),
                "{login} {purpose}"
            );
        }
        let list = world.get(login, "/cases?purpose=handling");
        assert!(
            !String::from_utf8_lossy(&list.bytes).contains(&case),
            "{login}"
        );
    }
}

/// What is an id, but of something else, is answered like an id that nobody has.
#[test]
fn an_id_of_the_wrong_kind_is_an_absent_one() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let account = world.ids["officer"].clone();
    let absent = "a".repeat(account.len());
    let assign = json!({"purpose": "handling", "assignees": ["officer"], "reason": "x"});
    for (login, method, path, body) in [
        ("officer", "GET", "/cases/{id}?purpose=handling", None),
        ("officer", "PUT", "/cases/{id}/assignees", Some(&assign)),
        ("privacy", "GET", "/deletion-requests/{id}", None),
        ("auditor", "GET", "/ledger/certificates/{id}", None),
    ] {
        let ask = |id: &str| {
            let path = format!("/api/v1{}", path.replace("{id}", id));
            comparable(&world.send(method, &path, world.token(login), body))
        };
        let (missing, wrong) = (ask(&absent), ask(&account));
        assert_eq!(wrong, missing, "{method} {path}");
        // What is no id at all is absent as well; the control is one that is there.
        if path.starts_with("/cases") {
            assert_eq!(missing.0, 404, "{path}");
            for id in ["x", "../accounts", &account[1..]] {
                assert_eq!(ask(&id.replace('/', "%2f")), missing, "{path} {id}");
            }
            assert_ne!(ask(&case), missing, "the control");
        } else {
            assert_eq!(ask(&case), missing, "{path}");
        }
    }
    let disable = |id: &str| {
        let path = format!("/api/v1/accounts/{id}/disable");
        comparable(&world.send("POST", &path, world.token("admin"), Some(&json!({}))))
    };
    let missing = disable(&absent);
    assert_eq!((disable(&case), missing.0), (missing.clone(), 404));
    assert_eq!(disable(&world.ids["lead"]).0, 200);
}

#[test]
fn denials_of_absent_and_forbidden_leave_the_same_kind_of_entry() {
    let world = World::new();
    let case = world.register("intake", &sensitive());
    world.read("rights2", &case, "handling").expect(404);
    world
        .read("rights2", "aaaaaaaaaaaaaaaaaaaaaaaaba", "handling")
        .expect(404);
    let account = &world.ids["rights2"];
    let entries = world.log(&format!("&account={account}&task=read"));
    assert_eq!(entries.len(), 2, "{entries:#?}");
    for entry in &entries {
        assert_eq!(entry["decision"], "deny");
        assert_eq!(entry["policies"], entries[0]["policies"]);
    }
}

#[test]
fn an_ordinary_case_is_shown_as_the_purpose_allows() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let full = world.read("officer", &case, "handling").expect(200);
    assert_eq!(full["people"][0]["telephone"], "010-0000-1234");
    let led = world.read("lead", &case, "supervision").expect(200);
    assert_eq!(led["narrative"], full["narrative"]);
    let coordinated = world.read("coordinator", &case, "supervision").expect(200);
    assert!(coordinated.get("people").is_none(), "{coordinated}");
    world.read("officer2", &case, "handling").expect(404);
    world.read("rights", &case, "handling").expect(404);
    world.read("intake", &case, "intake").expect(403);
    let rows = world.get("intake", "/cases?purpose=intake").expect(200);
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1);
    assert!(rows["rows"][0].get("title").is_none());
}

#[test]
fn every_reading_names_its_entry_and_the_entry_names_the_reading() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let reply = world.read("officer", &case, "handling");
    let (index, size) = reply.headers["bongham-log"].split_once('/').unwrap();
    let (index, size): (u64, u64) = (index.parse().unwrap(), size.parse().unwrap());
    assert!(index < size);
    let entries = world.log(&format!("&case={case}&task=read"));
    assert_eq!(entries.len(), 1, "{entries:#?}");
    let entry = &entries[0];
    assert_eq!(entry["index"], index);
    assert_eq!(entry["account"], world.ids["officer"]);
    assert_eq!(entry["login"], "officer");
    assert_eq!(entry["purpose"], "handling");
    assert_eq!(entry["decision"], "allow");
    assert_eq!(entry["counts"]["cases"], 1);
    assert_eq!(entry["counts"]["people"], 1);
    assert_eq!(entry["people"].as_array().unwrap().len(), 1);
}

#[test]
fn lists_hold_what_the_actor_may_see_in_pages() {
    let world = World::new();
    let cases: Vec<String> = (0..5)
        .map(|_| world.register("intake", &ordinary()))
        .collect();
    world.register("intake", &sensitive());
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world
            .get(
                "lead",
                &format!("/cases?purpose=supervision&limit=2{cursor}"),
            )
            .expect(200);
        let rows = page["rows"].as_array().unwrap();
        assert!(rows.len() <= 2);
        seen.extend(
            rows.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(
        seen, cases,
        "in order of registration, without the sensitive one"
    );
    let rows = world.get("rights", "/cases?purpose=handling").expect(200);
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1);
    assert!(rows["rows"][0]["number"].as_str().unwrap().contains("-S-"));
}

#[test]
fn a_sensitive_case_without_recipient_is_refused_and_leaves_nothing() {
    let world = World::new();
    let mut draft = sensitive();
    draft["department"] = json!("welfare");
    assert_eq!(
        world.post("intake", "/cases", &draft).code(),
        "no_recipient"
    );
    draft["assignees"] = json!(["officer"]);
    assert_eq!(world.post("intake", "/cases", &draft).code(), "invalid");
    // Both tries stand in the log; neither left a case.
    let tries = world.log("&task=register");
    assert_eq!(tries.len(), 2);
    assert!(tries.iter().all(|entry| entry["cases"] == json!([])));
    draft["assignees"] = json!(["rights2"]);
    world.post("intake", "/cases", &draft).expect(201);
    let all = world.log("&task=register");
    assert_eq!(all.len(), 3);
    assert!(all.iter().any(|entry| entry["cases"] != json!([])));
}

#[test]
fn the_number_told_at_intake_says_nothing_about_sensitive_cases() {
    let world = World::new();
    let first = world.post("intake", "/cases", &ordinary()).expect(201);
    let hidden = world.post("intake", "/cases", &sensitive()).expect(201);
    let second = world.post("intake", "/cases", &ordinary()).expect(201);
    let tail = |reply: &serde_json::Value| {
        reply["number"]
            .as_str()
            .unwrap()
            .rsplit('-')
            .next()
            .unwrap()
            .parse::<u64>()
    };
    assert_eq!(
        tail(&second).unwrap(),
        tail(&first).unwrap() + 1,
        "no gap betrays the case between"
    );
    assert!(
        !hidden["number"].as_str().unwrap().contains("-S-"),
        "{hidden}"
    );
}
