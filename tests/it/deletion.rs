//! A person's request from receipt to answer, over the API: no step skipped, nothing told that the
//! asker may not know.

use std::sync::Arc;
use std::time::Duration;

use bongham::domain::time::{SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::world::{Reply, World, ordinary, sensitive};

const DAY: Duration = Duration::from_secs(86_400);

pub fn office() -> (World, Arc<SteppedClock>) {
    let morning = Timestamp::parse_rfc3339("2026-11-20T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(morning));
    let world = World::with_clock(clock.clone());
    (world, clock)
}

/// Lifts the holds on this ground with the consent of a second person.
pub fn lift(world: &World, login: &str, case: &str, ground: &str, second: &str) -> Value {
    let path = format!("/cases/{case}/hold");
    let mut body = json!({"purpose": "legal", "action": "lift", "ground": ground,
        "reason": "it is over"});
    let asked = world.put(login, &path, &body).expect(202);
    let approval = format!("/approvals/{}", asked["approval"].as_str().unwrap());
    let yes = json!({"decision": "approve"});
    world.post(second, &approval, &yes).expect(200);
    body["approval"] = asked["approval"].clone();
    world.put(login, &path, &body).expect(200)
}

/// Time passes, and everybody logs in again.
pub fn pass(world: &mut World, clock: &SteppedClock, by: Duration) {
    clock.advance(by);
    for login in [
        "intake", "officer", "officer2", "rights", "privacy", "privacy2", "auditor",
    ] {
        world.log_in(login);
    }
}

pub fn asked(what: Value) -> Value {
    let mut body = json!({"asked_by": "person", "name": "홍길동", "contact": "서울시 중구 1",
        "reason": "제 민원을 모두 지워 주십시오"});
    for (key, value) in what.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

/// A person's request with this receipt.
pub fn petition(receipt: &str) -> Value {
    asked(json!({ "receipt": receipt }))
}

/// A body that a step takes, where nothing has to be fetched first.
pub fn body(step: &str) -> Value {
    match step {
        "identity" => identity(),
        "review" => all("destroy"),
        "form" => form(),
        "refuse" => refusal(),
        "notice" => delivery(),
        _ => Value::Null,
    }
}

/// Registers a case and gives its id and the receipt.
pub fn registered(world: &World, draft: &Value) -> (String, String) {
    let made = world.post("intake", "/cases", draft).expect(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("receipt"))
}

pub fn take_in(world: &World, login: &str, what: Value) -> Value {
    world
        .post(login, "/deletion-requests", &asked(what))
        .expect(201)
}

pub fn step(world: &World, login: &str, id: &str, name: &str, body: &Value) -> Reply {
    world.post(login, &format!("/deletion-requests/{id}/{name}"), body)
}

pub fn id_of(view: &Value) -> String {
    view["id"].as_str().unwrap().to_owned()
}

pub fn identity() -> Value {
    json!({"method": "resident_card"})
}

pub fn all(verdict: &str) -> Value {
    json!({"rest": {"verdict": verdict, "reason": "보존 근거가 없음"}})
}

pub fn form() -> Value {
    json!({"file": "민원 처리부", "task": "민원 처리", "reason": "정보주체의 삭제 요구",
        "place": "전산실", "method": "키 파기와 덮어쓰기", "verification": "잔존 검사",
        "backups_handled": true, "media_destroyed": false,
        "sender": {"office": "민원봉사과", "officer": "이담당", "contact": "02-000-0000"}})
}

pub fn told() -> Value {
    json!({"law": "개인정보 보호법 제36조제1항 단서", "reason": "보존기간이 남음",
        "objection": "개인정보 분쟁조정위원회에 조정 신청"})
}

pub fn refusal() -> Value {
    json!({"refusal": told(), "sender": form()["sender"]})
}

pub fn cancel() -> Value {
    json!({"reason": "철회"})
}

pub fn delivery() -> Value {
    json!({"delivered_by": "post"})
}

/// The hash of the form that the request shows.
pub fn hash(view: &Value) -> Value {
    json!({"form_hash": view["form"]["form_hash"]})
}

/// A request of a person with a receipt, taken as far as the form.
pub fn formed(world: &World, receipt: &str) -> Value {
    let id = id_of(&take_in(world, "intake", json!({"receipt": receipt})));
    step(world, "intake", &id, "identity", &identity()).expect(200);
    step(world, "privacy", &id, "review", &all("destroy")).expect(200);
    step(world, "privacy", &id, "form", &form()).expect(200)
}

pub fn approved(world: &World, receipt: &str) -> Value {
    let view = formed(world, receipt);
    step(world, "privacy2", &id_of(&view), "approve", &hash(&view)).expect(200)
}

#[test]
fn a_request_goes_its_road_and_locks_what_it_names() {
    let (world, _clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    world.read("officer", &case, "handling").expect(200);
    let view = take_in(&world, "intake", json!({"receipt": receipt}));
    assert_eq!(view["state"], "received");
    assert_eq!(view["days_left"], 10);
    assert_eq!(view["due_at"], "2026-11-30T23:59:59.999+09:00");
    assert_eq!(view["matched"][0]["case"], case);
    let id = id_of(&view);

    // 처리정지: nobody reads, assigns, adds or lists it; it can still be held.
    world.read("officer", &case, "handling").expect(404);
    let assign = json!({"purpose": "handling", "assignees": ["officer2"]});
    let path = format!("/cases/{case}");
    world
        .put("officer", &format!("{path}/assignees"), &assign)
        .expect(404);
    let amend = json!({"purpose": "handling", "statement": "추가"});
    world.patch("officer", &path, &amend).expect(404);
    let listed = world.get("officer", "/cases?purpose=handling").expect(200);
    assert_eq!(listed["rows"], json!([]));

    let view = step(&world, "intake", &id, "identity", &identity()).expect(200);
    assert_eq!(view["state"], "identified");
    assert_eq!(view["identity"]["by"], "intake");
    let view = step(&world, "privacy", &id, "review", &all("destroy")).expect(200);
    assert_eq!(view["state"], "reviewed");
    assert_eq!(view["matched"][0]["parts"][0]["verdict"], "destroy");
    let view = step(&world, "privacy", &id, "form", &form()).expect(200);
    assert_eq!(view["state"], "formed");
    assert_eq!(view["form"]["units"], 2);

    // Whoever had a hand in it does not approve it; nor does anybody approve something else.
    let own = step(&world, "privacy", &id, "approve", &hash(&view));
    assert_eq!((own.status, own.code().as_str()), (403, "self_approval"));
    let other = json!({"form_hash": "0".repeat(64)});
    let other = step(&world, "privacy2", &id, "approve", &other);
    assert_eq!((other.status, other.code().as_str()), (409, "conflict"));
    let view = step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    assert_eq!(view["state"], "approved");
    assert_eq!(view["order"]["stage"], "waiting");
    assert_eq!(view["order"]["approved_by"], "privacy2");
    assert_eq!(
        view["order"]["cancel_until"],
        "2026-11-23T09:00:00.000+09:00"
    );
    let early = world.get("privacy", &format!("/deletion-requests/{id}/notice"));
    assert_eq!((early.status, early.code().as_str()), (409, "wrong_state"));
    let early = step(&world, "privacy", &id, "notice", &delivery());
    assert_eq!((early.status, early.code().as_str()), (409, "wrong_state"));
}

#[test]
fn no_step_is_skipped_and_none_taken_twice() {
    let (world, _clock) = office();
    let (_, receipt) = registered(&world, &ordinary());
    let zero = json!({"form_hash": "0".repeat(64)});
    let steps = [
        ("identity", "privacy", identity()),
        ("review", "privacy", all("destroy")),
        ("form", "privacy", form()),
        ("approve", "privacy2", zero),
        ("notice", "privacy", delivery()),
    ];
    let refused_but = |world: &World, id: &str, allowed: &[&str]| {
        for (name, login, body) in &steps {
            if !allowed.contains(name) {
                let reply = step(world, login, id, name, body);
                let came = (reply.status, reply.code());
                assert_eq!(came, (409, "wrong_state".to_owned()), "{name} {reply:?}");
            }
        }
    };
    let id = id_of(&take_in(&world, "intake", json!({"receipt": receipt})));
    refused_but(&world, &id, &["identity"]);
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    refused_but(&world, &id, &["review"]);
    step(&world, "privacy", &id, "review", &all("destroy")).expect(200);
    refused_but(&world, &id, &["review", "form"]);
    let view = step(&world, "privacy", &id, "form", &form()).expect(200);
    refused_but(&world, &id, &["review", "approve"]);
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    // Approved once; the same approval again finds nothing to approve.
    refused_but(&world, &id, &[]);
    let refuse = step(&world, "privacy", &id, "refuse", &refusal());
    assert_eq!(
        (refuse.status, refuse.code().as_str()),
        (409, "wrong_state")
    );
    let view = step(&world, "privacy", &id, "cancel", &cancel()).expect(200);
    assert_eq!(
        (&view["state"], &view["next"]),
        (&json!("cancelled"), &json!([]))
    );
    refused_but(&world, &id, &[]);
    let again = step(&world, "privacy", &id, "cancel", &cancel());
    assert_eq!((again.status, again.code().as_str()), (409, "wrong_state"));
}

#[test]
fn a_cancel_inside_the_window_gives_the_case_back() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let id = id_of(&approved(&world, &receipt));
    pass(&mut world, &clock, DAY * 2);
    let view = step(&world, "intake", &id, "cancel", &cancel()).expect(200);
    assert_eq!(view["state"], "cancelled");
    let read = world.read("officer", &case, "handling").expect(200);
    assert_eq!(read["people"][0]["name"], "홍길동");
    pass(&mut world, &clock, DAY * 5);
    world.read("officer", &case, "handling").expect(200);
}

pub fn run(world: &World, login: &str, id: &str) -> Reply {
    step(world, login, id, "execution", &json!({}))
}

#[test]
fn after_the_window_the_case_is_gone_and_the_person_is_told() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let (other, _) = registered(&world, &ordinary());
    let id = id_of(&approved(&world, &receipt));
    pass(&mut world, &clock, DAY * 2);
    let early = run(&world, "privacy", &id);
    assert_eq!((early.status, early.code().as_str()), (409, "wrong_state"));
    pass(&mut world, &clock, DAY);
    run(&world, "intake", &id).expect(403);
    let view = run(&world, "privacy", &id).expect(200);
    assert!(["destroyed", "scrubbed"].contains(&view["order"]["stage"].as_str().unwrap()));
    let late = step(&world, "privacy", &id, "cancel", &cancel());
    assert_eq!((late.status, late.code().as_str()), (409, "wrong_state"));
    // Nothing of it is left; its neighbour stays.
    let gone = world.read("officer", &case, "handling");
    assert!([200, 404].contains(&gone.status));
    assert!(!String::from_utf8_lossy(&gone.bytes).contains("홍길동"));
    world.read("officer", &other, "handling").expect(200);
    let path = format!("/deletion-requests/{id}/notice");
    let notice = world.get("privacy", &path).expect(200);
    let text = notice["text"].as_str().unwrap();
    assert!(
        text.contains("파기하였습니다") && text.contains("홍길동"),
        "{text}"
    );
    assert!(text.contains(view["order"]["id"].as_str().unwrap()));
    let view = step(&world, "privacy", &id, "notice", &delivery()).expect(200);
    assert_eq!(view["state"], "answered");
    // The receipt leads nowhere any more.
    let again = take_in(&world, "officer", json!({"receipt": receipt}));
    assert!(again.get("matched").is_none());
}

#[test]
fn a_sensitive_case_is_destroyed_by_those_who_cannot_open_it() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &sensitive());
    let id = id_of(&take_in(&world, "intake", json!({"receipt": receipt})));
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    step(&world, "rights", &id, "review", &all("destroy")).expect(200);
    let view = step(&world, "rights", &id, "form", &form()).expect(200);
    step(&world, "privacy", &id, "approve", &hash(&view)).expect(200);
    pass(&mut world, &clock, DAY * 3);
    let view = run(&world, "privacy2", &id).expect(200);
    assert!(["destroyed", "scrubbed"].contains(&view["order"]["stage"].as_str().unwrap()));
    let gone = world.read("rights", &case, "handling");
    assert!(!String::from_utf8_lossy(&gone.bytes).contains("임꺽정"));
    let path = format!("/deletion-requests/{id}/notice");
    let clerk = world.get("intake", &path);
    assert_eq!((clerk.status, clerk.code().as_str()), (409, "wrong_state"));
    step(&world, "privacy", &id, "notice", &delivery()).expect(200);
    let clerk = world
        .get("intake", &format!("/deletion-requests/{id}"))
        .expect(200);
    assert_eq!(clerk["state"], "ended");
}

#[test]
fn a_part_is_destroyed_and_the_rest_comes_back_with_the_answer() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let view = take_in(&world, "intake", json!({"receipt": receipt}));
    let id = id_of(&view);
    let parts = view["matched"][0]["parts"].as_array().unwrap();
    let person = parts.iter().find(|p| p["kind"] == "person").unwrap();
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    let review = json!({
        "parts": [{"part": person["part"], "judgement": {"verdict": "destroy", "reason": "r"}}],
        "rest": {"verdict": "hold", "reason": "r", "ground": "감사"}, "refusal": told()});
    step(&world, "privacy", &id, "review", &review).expect(200);
    let view = step(&world, "privacy", &id, "form", &form()).expect(200);
    assert_eq!(view["form"]["units"], 1);
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    pass(&mut world, &clock, DAY * 3);
    run(&world, "privacy", &id).expect(200);
    world.read("officer", &case, "handling").expect(404);
    let notice = world.get("intake", &format!("/deletion-requests/{id}/notice"));
    let text = notice.expect(200)["text"].to_string();
    assert!(
        text.contains("일부를") && text.contains("분쟁조정위원회"),
        "{text}"
    );
    step(&world, "intake", &id, "notice", &delivery()).expect(200);
    let left = world.read("officer", &case, "handling").expect(200);
    assert_eq!(left["narrative"], ordinary()["narrative"]);
    assert_eq!(left["people"], json!([]));
}

#[test]
fn what_another_law_keeps_is_drawn_first_and_the_original_follows() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let basis = json!({"law": "전자상거래법", "article": "제6조", "items": "민원 내용",
        "until": "2031-01-01T00:00:00+09:00"});
    let with = |what: Value| {
        let mut body = basis.clone();
        for (key, value) in what.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    let view = take_in(&world, "intake", json!({"receipt": receipt}));
    let id = id_of(&view);
    let parts = view["matched"][0]["parts"].as_array().unwrap();
    let text = parts.iter().find(|p| p["kind"] == "narrative").unwrap();
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    let keep = with(json!({"verdict": "keep_apart", "reason": "r"}));
    let review = json!({"parts": [{"part": text["part"], "judgement": keep}],
        "rest": {"verdict": "destroy", "reason": "r"}, "refusal": told()});
    step(&world, "privacy", &id, "review", &review).expect(200);
    let draw = |parts: &str| {
        let body = with(json!({"purpose": "legal", "parts": [parts]}));
        let path = format!("/cases/{case}/retained");
        world.post("officer", &path, &body).expect(201)["item"].clone()
    };
    let form_with = |kept: Value| {
        let mut body = form();
        body["kept"] = kept;
        step(&world, "privacy", &id, "form", &body)
    };
    // An item of other parts, one that does not exist: neither is what the review keeps.
    let wrong = draw("people");
    for kept in [json!([wrong]), json!(["a".repeat(26)]), json!([])] {
        assert_eq!(form_with(kept).expect(422)["field"], "kept");
    }
    let item = draw("narrative");
    assert_eq!(form_with(json!([item, wrong])).expect(422)["field"], "kept");
    let view = form_with(json!([item])).expect(200);
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    pass(&mut world, &clock, DAY * 3);
    run(&world, "privacy", &id).expect(200);
    let gone = world.read("officer", &case, "handling");
    assert!(!String::from_utf8_lossy(&gone.bytes).contains("보도블록"));
    let notice = world.get("privacy", &format!("/deletion-requests/{id}/notice"));
    let text = notice.expect(200)["text"].to_string();
    assert!(
        text.contains("일부를") && text.contains("조치일 / Done: 2026-11-23"),
        "{text}"
    );
}

#[test]
fn a_hold_in_the_window_keeps_everything_until_it_is_lifted() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let id = id_of(&approved(&world, &receipt));
    let body = json!({"purpose": "legal", "action": "set", "ground": "소송"});
    let holding = format!("/cases/{case}/hold");
    world.put("officer", &holding, &body).expect(200);
    pass(&mut world, &clock, DAY * 4);
    let held = run(&world, "privacy", &id);
    assert_eq!((held.status, held.code().as_str()), (409, "held"));
    lift(&world, "privacy2", &case, "소송", "privacy");
    run(&world, "privacy", &id).expect(200);
}

/// What a hold kept behind the end of its window can still be called off.
#[test]
fn an_order_that_a_hold_keeps_is_cancelled_behind_the_window() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let id = id_of(&approved(&world, &receipt));
    let body = json!({"purpose": "legal", "action": "set", "ground": "소송"});
    let holding = format!("/cases/{case}/hold");
    world.put("officer", &holding, &body).expect(200);
    pass(&mut world, &clock, DAY * 4);
    let held = run(&world, "privacy", &id);
    assert_eq!((held.status, held.code().as_str()), (409, "held"));
    let view = step(&world, "privacy", &id, "cancel", &cancel()).expect(200);
    assert_eq!(view["state"], "cancelled");
    lift(&world, "privacy2", &case, "소송", "privacy");
    pass(&mut world, &clock, DAY);
    world.read("officer", &case, "handling").expect(200);
}
