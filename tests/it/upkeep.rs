//! The life of a case: amended, closed, reopened; and the end of its retention period.

use std::sync::Arc;
use std::time::Duration;

use bongham::domain::time::{SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::world::{World, ordinary, sensitive};

const DAY: Duration = Duration::from_secs(86_400);

pub fn office() -> (World, Arc<SteppedClock>) {
    let morning = Timestamp::parse_rfc3339("2026-11-20T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(morning));
    let world = World::with_clock(clock.clone());
    (world, clock)
}

fn log_in_again(world: &mut World) {
    for login in [
        "officer", "rights", "privacy", "privacy2", "auditor", "admin",
    ] {
        world.log_in(login);
    }
}

pub fn amend(world: &World, login: &str, case: &str, what: Value) -> crate::world::Reply {
    let mut body = json!({"purpose": "handling", "reason": "보정"});
    for (key, value) in what.as_object().unwrap() {
        body[key] = value.clone();
    }
    world.patch(login, &format!("/cases/{case}"), &body)
}

#[test]
fn what_is_added_is_a_part_of_its_own_for_those_who_may_read_it() {
    let (world, _clock) = office();
    for (draft, holder, others) in [
        (ordinary(), "officer", ["officer2", "rights"]),
        (sensitive(), "rights", ["rights2", "officer"]),
    ] {
        let case = world.register("intake", &draft);
        let before = world.read(holder, &case, "handling").expect(200);
        let people = before["people"].as_array().unwrap().len();
        let statement = json!({"statement": "추가로 진술합니다",
            "person": {"part": "witness", "name": "성춘향"}});
        for other in others {
            amend(&world, other, &case, statement.clone()).expect(404);
        }
        amend(&world, "lead", &case, statement.clone()).expect(403);
        let added = amend(&world, holder, &case, statement).expect(200);
        assert_eq!(added["added"].as_array().unwrap().len(), 2);
        let after = world.read(holder, &case, "handling").expect(200);
        assert_eq!(after["additions"][0]["statement"], "추가로 진술합니다");
        assert_eq!(after["people"][people]["name"], "성춘향");
        assert_eq!(after["narrative"], before["narrative"]);
    }
    let case = world.register("intake", &ordinary());
    assert_eq!(
        amend(&world, "officer", &case, json!({})).expect(422)["field"],
        "statement"
    );
    let empty = json!({"statement": "  "});
    assert_eq!(
        amend(&world, "officer", &case, empty).expect(422)["field"],
        "statement"
    );
}

#[test]
fn what_was_added_survives_a_move_to_new_keys() {
    let (world, _clock) = office();
    let case = world.register("intake", &sensitive());
    amend(&world, "rights", &case, json!({"statement": "추가"})).expect(200);
    let body = json!({"purpose": "handling", "assignees": ["rights2"]});
    world
        .put("rights", &format!("/cases/{case}/assignees"), &body)
        .expect(200);
    world.read("rights", &case, "handling").expect(404);
    let moved = world.read("rights2", &case, "handling").expect(200);
    assert_eq!(moved["additions"][0]["statement"], "추가");
}

/// Whoever handles it, a closed case is closed: its period goes on. Only work ends that.
#[test]
fn a_closed_case_that_is_handed_on_stays_closed() {
    let (world, _clock) = office();
    let case = closed_case(&world, &ordinary(), "officer");
    let path = format!("/cases/{case}");
    let to = json!({"purpose": "handling", "assignees": ["officer2"]});
    world
        .put("officer", &format!("{path}/assignees"), &to)
        .expect(200);
    let read = world.read("officer2", &case, "handling").expect(200);
    assert_eq!(read["state"], "closed");
    let tier = json!({"purpose": "handling", "tier": "sensitive", "assignees": ["rights"],
        "reason": "민감정보"});
    world
        .put("officer2", &format!("{path}/classification"), &tier)
        .expect(200);
    let read = world.read("rights", &case, "handling").expect(200);
    assert_eq!(read["state"], "closed");
    let open = amend(&world, "rights", &case, json!({"work": "reopen"})).expect(200);
    assert_eq!(open["state"], "assigned", "the control");
}

#[test]
fn a_case_is_closed_once_and_reopened() {
    let (world, _clock) = office();
    let case = world.register("intake", &ordinary());
    let closed = amend(&world, "officer", &case, json!({"work": "close"})).expect(200);
    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["closed_at"], "2026-11-20T09:00:00.000+09:00");
    let again = amend(&world, "officer", &case, json!({"work": "close"}));
    assert_eq!(again.expect(422)["field"], "work");
    let read = world.read("officer", &case, "handling").expect(200);
    assert_eq!(read["state"], "closed");
    let open = amend(&world, "officer", &case, json!({"work": "reopen"})).expect(200);
    assert_eq!(open["state"], "assigned");
    assert!(open.get("closed_at").is_none());
}

pub fn sweep(world: &World, login: &str) -> Value {
    world
        .post(login, "/retention/sweeps", &json!({}))
        .expect(200)
}

pub fn rules(world: &World, rules: Value) -> crate::world::Reply {
    world.put("privacy", "/retention/rules", &json!({ "rules": rules }))
}

pub fn closed_case(world: &World, draft: &Value, holder: &str) -> String {
    let case = world.register("intake", draft);
    amend(world, holder, &case, json!({"work": "close"})).expect(200);
    case
}

/// From November 2026 to January 2030: a period of three years has just run out.
pub const YEARS: Duration = Duration::from_secs(86_400 * (41 + 365 * 3 + 3));

#[test]
fn a_sweep_proposes_what_has_expired_and_says_why_it_passes_others_over() {
    let (mut world, clock) = office();
    let expired = closed_case(&world, &ordinary(), "officer");
    let secret = closed_case(&world, &sensitive(), "rights");
    let held = closed_case(&world, &ordinary(), "officer");
    let fresh = closed_case(&world, &ordinary(), "officer");
    let _open = world.register("intake", &ordinary());
    let hold = json!({"purpose": "legal", "action": "set", "ground": "소송"});
    world
        .put("officer", &format!("/cases/{held}/hold"), &hold)
        .expect(200);
    assert_eq!(
        rules(&world, json!([{"years": 0, "appraisal": true}])).status,
        422
    );
    let three = json!([{"years": 3, "appraisal": true}]);
    rules(&world, three.clone()).expect(200);
    assert_eq!(sweep(&world, "privacy")["proposed"], json!([]), "too early");
    clock.advance(YEARS);
    log_in_again(&mut world);
    amend(&world, "officer", &fresh, json!({"statement": "새 자료"})).expect(200);
    rules(&world, json!([])).expect(200);
    assert_eq!(
        sweep(&world, "privacy")["proposed"],
        json!([]),
        "no rule, no proposal"
    );
    rules(&world, three).expect(200);

    let found = sweep(&world, "privacy");
    let proposed = found["proposed"].as_array().unwrap();
    let by = |case: &str| proposed.iter().find(|p| p["case"] == case);
    assert_eq!(proposed.len(), 2, "{found}");
    assert_eq!(
        by(&expired).unwrap()["expired_at"],
        "2030-01-01T00:00:00.000+09:00"
    );
    assert_ne!(
        by(&expired).unwrap()["request"],
        by(&secret).unwrap()["request"]
    );
    let skipped = found["skipped"].as_array().unwrap();
    let why = |case: &str| &skipped.iter().find(|s| s["case"] == case).unwrap()["reason"];
    assert_eq!(
        (why(&held), why(&fresh)),
        (&json!("held"), &json!("changed"))
    );
    // It destroyed nothing, and proposes nothing twice.
    world.read("officer", &expired, "handling").expect(200);
    let again = sweep(&world, "privacy");
    assert_eq!(again["proposed"], json!([]));
    assert!(again["skipped"].to_string().contains("proposed"));

    // The same road: review, form with the decision, approval by somebody else.
    let id = by(&expired).unwrap()["request"]
        .as_str()
        .unwrap()
        .to_owned();
    let step = |login: &str, name: &str, body: Value| {
        world.post(login, &format!("/deletion-requests/{id}/{name}"), &body)
    };
    let all = json!({"rest": {"verdict": "destroy", "reason": "보존기간 만료"}});
    let shown = step("privacy", "review", all).expect(200);
    assert_eq!(shown["kind"], "retention");
    let mut form = json!({"file": "민원 처리부", "task": "민원 처리", "reason": "보존기간 만료",
        "place": "전산실", "method": "키 파기", "verification": "검사", "backups_handled": true,
        "media_destroyed": false,
        "sender": {"office": "민원봉사과", "officer": "이담당", "contact": "02-000-0000"}});
    assert_eq!(
        step("privacy", "form", form.clone()).expect(422)["field"],
        "decision"
    );
    form["decision"] = json!("2030-01");
    let view = step("privacy", "form", form).expect(200);
    let hash = json!({"form_hash": view["form"]["form_hash"]});
    assert_eq!(
        step("privacy", "approve", hash.clone()).code(),
        "self_approval"
    );
    // It was taken up again since it was judged: nothing that is being worked on expires.
    amend(&world, "officer", &expired, json!({"work": "reopen"})).expect(200);
    let open = step("privacy2", "approve", hash.clone());
    assert_eq!((open.status, open.code().as_str()), (409, "conflict"));
    // Something new is in the case since it was judged: it is not destroyed unseen.
    amend(&world, "officer", &expired, json!({"statement": "새 자료"})).expect(200);
    let stale = step("privacy2", "approve", hash);
    assert_eq!((stale.status, stale.code().as_str()), (409, "conflict"));
    let cancel = json!({"reason": "새 자료"});
    assert_eq!(
        step("privacy", "cancel", cancel).expect(200)["state"],
        "cancelled"
    );
    // The holder of the sensitive one sees that proposal and no other.
    let rows = world.get("rights", "/deletion-requests").expect(200);
    let rows = rows["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["id"], by(&secret).unwrap()["request"]);
}

#[test]
fn a_clock_that_leaps_lets_nothing_expire_until_two_people_confirm_it() {
    let (mut world, clock) = office();
    let case = closed_case(&world, &ordinary(), "officer");
    rules(&world, json!([{"years": 3, "appraisal": false}])).expect(200);
    let leap = i64::try_from(YEARS.as_millis()).unwrap();
    clock.jump(leap);
    log_in_again(&mut world);
    let try_to = |world: &World, login: &str, body: Value| {
        let reply = world.post(login, "/retention/sweeps", &body);
        (reply.status, reply.code())
    };
    let disagrees = (409, "clock_disagrees".to_owned());
    let confirm = json!({"confirm_clock": true});
    assert_eq!(try_to(&world, "privacy", json!({})), disagrees);
    // Neither entries written since nor a restart make it look right.
    world.restart();
    assert_eq!(try_to(&world, "privacy", json!({})), disagrees);
    assert_eq!(try_to(&world, "privacy", confirm.clone()), disagrees);
    assert_eq!(
        try_to(&world, "privacy", confirm.clone()),
        disagrees,
        "not twice the same"
    );
    assert_eq!(
        try_to(&world, "privacy2", json!({})),
        disagrees,
        "not without a word"
    );
    assert_eq!(try_to(&world, "privacy2", confirm.clone()).0, 200);
    let proposed = world.get("privacy", "/deletion-requests").expect(200);
    assert_eq!(proposed["rows"].as_array().unwrap().len(), 1);
    world.read("officer", &case, "handling").expect(200);
    assert_eq!(sweep(&world, "privacy")["proposed"], json!([]));
    // A day later everything agrees by itself.
    clock.advance(DAY);
    log_in_again(&mut world);
    sweep(&world, "privacy");
}
