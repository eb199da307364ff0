//! Log-ins: the brake on guessing, the end of sessions, and what the log says of both.

use std::time::Duration;

use axum::body::Body;
use bongham::authn::pace::PaceLimit;
use serde_json::{Value, json};

use crate::people::{HOUR, MINUTE, SECOND, enrol, log_in, office, refused};
use crate::world::{Reply, World, password};

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
