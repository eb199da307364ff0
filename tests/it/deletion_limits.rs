//! What no step of a destruction gets around: the time in which it can be cancelled, the retention
//! period of a record, the word of two who still stand by it, the day's cap, a hold.

use std::sync::Arc;
use std::time::Duration;

use bongham::destruction::term::Terms;
use bongham::domain::time::{SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::deletion::{
    all, cancel, delivery, form, hash, id_of, identity, office, pass, refusal, registered, run,
    step, take_in, told,
};
use crate::upkeep::{YEARS, amend, closed_case, rules, sweep};
use crate::world::{Reply, World, ordinary, sensitive};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3600);

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    let came = (reply.status, reply.code());
    assert_eq!(came, (status, code.to_owned()), "{reply:?}");
}

/// An office of 2030 in which these cases' periods have just run out, and the proposals for them.
fn expired(drafts: &[(Value, &str)], terms: Terms) -> (World, Arc<SteppedClock>, Vec<String>) {
    let morning = Timestamp::parse_rfc3339("2026-11-20T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(morning));
    let mut world = World::with_terms(clock.clone(), terms);
    for (draft, holder) in drafts {
        closed_case(&world, draft, holder);
    }
    rules(&world, json!([{"years": 3, "appraisal": false}])).expect(200);
    pass(&mut world, &clock, YEARS);
    let found = sweep(&world, "privacy");
    let proposed = found["proposed"].as_array().unwrap();
    let mut requests: Vec<String> = proposed
        .iter()
        .map(|row| row["request"].as_str().unwrap().to_owned())
        .collect();
    requests.dedup();
    (world, clock, requests)
}

/// A proposal, taken as far as the form.
fn proposal(world: &World, id: &str) -> Value {
    step(world, "privacy", id, "review", &all("destroy")).expect(200);
    step(world, "privacy", id, "form", &form()).expect(200)
}

#[test]
fn what_is_approved_late_can_be_cancelled_all_the_same() {
    let (mut world, clock, requests) = expired(&[(ordinary(), "officer")], Terms::default());
    let id = &requests[0];
    let view = proposal(&world, id);
    // Six days: one more than the office has for what has expired.
    pass(&mut world, &clock, DAY * 6);
    let view = step(&world, "privacy2", id, "approve", &hash(&view)).expect(200);
    assert!(view["days_left"].as_i64().unwrap() < 0, "the control: late");
    pass(&mut world, &clock, DAY * 3 - HOUR);
    refused(&run(&world, "privacy", id), 409, "wrong_state");
    pass(&mut world, &clock, HOUR);
    run(&world, "privacy", id).expect(200);
}

#[test]
fn a_receipt_that_is_dated_back_does_not_take_the_window_away() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let at = |text: &str| json!({"receipt": receipt, "received_at": text});
    let too_old = json!({"asked_by": "person", "name": "홍길동", "contact": "서울시 중구 1",
        "reason": "삭제", "receipt": receipt, "received_at": "2026-10-20T09:00:00+09:00"});
    let reply = world.post("intake", "/deletion-requests", &too_old);
    assert_eq!(reply.expect(422)["field"], "received_at");
    world.read("officer", &case, "handling").expect(200);

    let id = id_of(&take_in(&world, "intake", at("2026-11-01T09:00:00+09:00")));
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    step(&world, "privacy", &id, "review", &all("destroy")).expect(200);
    let view = step(&world, "privacy", &id, "form", &form()).expect(200);
    let view = step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    assert!(view["days_left"].as_i64().unwrap() < 0, "the control: late");
    assert_eq!(
        view["order"]["cancel_until"],
        "2026-11-21T09:00:00.000+09:00"
    );
    pass(&mut world, &clock, DAY - HOUR);
    refused(&run(&world, "privacy", &id), 409, "wrong_state");
    step(&world, "intake", &id, "cancel", &cancel()).expect(200);
    world.read("officer", &case, "handling").expect(200);
}

/// A request for this receipt, ready to be reviewed; the path of its parts.
fn identified(world: &World, receipt: &str) -> (String, Vec<Value>) {
    let id = id_of(&take_in(world, "intake", json!({"receipt": receipt})));
    let view = step(world, "intake", &id, "identity", &identity()).expect(200);
    let whole = match view["matched"].as_array() {
        Some(matched) => matched.clone(),
        None => {
            let path = format!("/deletion-requests/{id}");
            let seen = world.get("privacy", &path).expect(200);
            seen["matched"].as_array().unwrap().clone()
        }
    };
    (id, whole[0]["parts"].as_array().unwrap().clone())
}

fn part(parts: &[Value], kind: &str) -> Value {
    let found = parts.iter().find(|part| part["kind"] == kind);
    found.unwrap()["part"].clone()
}

#[test]
fn a_record_outlives_a_request_inside_its_retention_period() {
    let (mut world, clock) = office();
    let five = json!([{"years": 5, "appraisal": true},
        {"class": "인권침해신고", "years": 7, "appraisal": true}]);
    rules(&world, five).expect(200);
    let review = |world: &World, id: &str, body: &Value| step(world, "privacy", id, "review", body);
    let runs = |reply: &Reply, rule: &str| {
        refused(reply, 409, "retention_runs");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(rule), "{detail}");
        assert!(!detail.contains("인권침해신고"), "{detail}");
    };

    // Open: its period has not even begun.
    let (case, receipt) = registered(&world, &ordinary());
    let (id, parts) = identified(&world, &receipt);
    runs(
        &review(&world, &id, &all("destroy")),
        "not before 2032-01-01",
    );
    // The text is the record, whatever is said of it; what strayed into it is not.
    let stray = json!({"verdict": "destroy", "reason": "다른 사람의 연락처", "not_record": true});
    let hold = json!({"verdict": "hold", "reason": "r", "ground": "보존기간"});
    let mut body = json!({"parts": [{"part": part(&parts, "narrative"), "judgement": stray}],
        "rest": hold, "refusal": told()});
    let text = review(&world, &id, &body).expect(422);
    assert_eq!(text["field"], "not_record");
    body["parts"][0]["part"] = part(&parts, "person");
    let view = review(&world, &id, &body).expect(200);
    let shown = view["matched"][0]["parts"].to_string();
    assert!(shown.contains("not_record"), "{shown}");
    let view = step(&world, "privacy", &id, "form", &form()).expect(200);
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    step(&world, "intake", &id, "cancel", &cancel()).expect(200);

    // Closed: kept apart for the whole of it, and not for less.
    amend(&world, "officer", &case, json!({"work": "close"})).expect(200);
    let (id, _) = identified(&world, &receipt);
    runs(&review(&world, &id, &all("destroy")), "until 2032-01-01");
    let apart = |until: &str| {
        json!({"rest": {"verdict": "keep_apart", "reason": "r", "law": "공공기록물법",
            "article": "제27조", "items": "성명", "until": until}, "refusal": told()})
    };
    let short = review(&world, &id, &apart("2031-12-31T00:00:00+09:00"));
    runs(&short, "until 2032-01-01");
    review(&world, &id, &apart("2032-01-01T00:00:00+09:00")).expect(200);
    step(&world, "privacy", &id, "refuse", &refusal()).expect(200);

    // A sensitive one: the rule is told, the class is not.
    let (_, secret) = registered(&world, &sensitive());
    let (secret, _) = identified(&world, &secret);
    runs(&review(&world, &secret, &all("destroy")), "7 years");

    // Behind the period the decision of the appraisal is named, and stands in the ledger.
    pass(&mut world, &clock, YEARS + DAY * 731);
    let (id, _) = identified(&world, &receipt);
    review(&world, &id, &all("destroy")).expect(200);
    let without = step(&world, "privacy", &id, "form", &form()).expect(422);
    assert_eq!(without["field"], "decision");
    let mut decided = form();
    decided["decision"] = json!("2032-7");
    let view = step(&world, "privacy", &id, "form", &decided).expect(200);
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    pass(&mut world, &clock, DAY * 3);
    run(&world, "privacy", &id).expect(200);
    let ledger = world.get("auditor", "/ledger/bundle").bytes;
    let ledger = String::from_utf8_lossy(&ledger).into_owned();
    assert!(
        ledger.contains("2032-7") && ledger.contains(&id),
        "{ledger}"
    );
}

#[test]
fn a_rule_that_came_after_the_review_is_felt_by_the_steps_after_it() {
    let (world, _clock) = office();
    let (_, receipt) = registered(&world, &ordinary());
    let (id, _) = identified(&world, &receipt);
    step(&world, "privacy", &id, "review", &all("destroy")).expect(200);
    let five = json!([{"years": 5, "appraisal": true}]);
    rules(&world, five.clone()).expect(200);
    let reply = step(&world, "privacy", &id, "form", &form());
    refused(&reply, 409, "retention_runs");
    rules(&world, json!([])).expect(200);
    let view = step(&world, "privacy", &id, "form", &form()).expect(200);
    rules(&world, five).expect(200);
    let reply = step(&world, "privacy2", &id, "approve", &hash(&view));
    refused(&reply, 409, "retention_runs");
    rules(&world, json!([])).expect(200);
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
}

fn tight() -> Terms {
    Terms {
        daily_floor: 4,
        daily_percent: 0,
        ..Terms::default()
    }
}

/// More than a day's cap in one proposal, and a third privacy officer.
fn large() -> (World, Arc<SteppedClock>, String, Value) {
    let drafts: Vec<_> = (0..3).map(|_| (ordinary(), "officer")).collect();
    let (mut world, clock, requests) = expired(&drafts, tight());
    world.log_in("admin");
    world.invite("privacy3", &["privacy_officer"], None);
    world.log_in("privacy3");
    let view = proposal(&world, &requests[0]);
    (world, clock, requests[0].clone(), hash(&view))
}

fn word(world: &World, login: &str, id: &str, hash: &Value) -> Value {
    step(world, login, id, "approve", hash).expect(200)["state"].clone()
}

#[test]
fn the_first_of_two_words_lapses_like_any_approval() {
    let (mut world, clock, id, hash) = large();
    assert_eq!(word(&world, "privacy2", &id, &hash), "seconded");
    let again = step(&world, "privacy2", &id, "approve", &hash);
    refused(&again, 403, "self_approval");
    pass(&mut world, &clock, Duration::from_secs(30 * 60));
    world.log_in("privacy3");
    // Too late: it is as if nobody had said anything yet.
    assert_eq!(word(&world, "privacy3", &id, &hash), "seconded");
    assert_eq!(word(&world, "privacy2", &id, &hash), "approved");
}

#[test]
fn the_first_of_two_words_goes_with_the_right_of_who_gave_it() {
    let (world, _clock, id, hash) = large();
    assert_eq!(word(&world, "privacy2", &id, &hash), "seconded");
    let path = format!("/accounts/{}/disable", world.ids["privacy2"]);
    let asked = world.post("admin", &path, &json!({})).expect(202);
    let approval = asked["approvals"][0].as_str().unwrap();
    world.approve(approval).expect(200);
    let body = json!({ "approval": approval });
    world.post("admin", &path, &body).expect(200);
    assert_eq!(word(&world, "privacy3", &id, &hash), "seconded");
}

#[test]
fn two_proposals_approved_at_once_share_the_days_cap() {
    const ROUNDS: usize = 5;
    let drafts: Vec<_> = (0..2 * ROUNDS).map(|_| (sensitive(), "rights")).collect();
    let (mut world, clock, requests) = expired(&drafts, tight());
    assert_eq!(requests.len(), drafts.len());
    let hashes: Vec<Value> = requests
        .iter()
        .map(|id| hash(&proposal(&world, id)))
        .collect();
    for round in 0..ROUNDS {
        let states: Vec<Value> = std::thread::scope(|scope| {
            let (world, requests, hashes) = (&world, &requests, &hashes);
            let said = [2 * round, 2 * round + 1]
                .map(|n| scope.spawn(move || word(world, "privacy2", &requests[n], &hashes[n])));
            said.into_iter().map(|said| said.join().unwrap()).collect()
        });
        // Each alone is below the cap, both are not.
        let alone = states.iter().filter(|state| *state == "approved").count();
        assert_eq!(alone, 1, "{round}: {states:?}");
        pass(&mut world, &clock, DAY * 2);
    }
}

#[test]
fn what_was_judged_to_be_held_is_held_when_the_lock_goes() {
    let (mut world, clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    amend(&world, "officer", &case, json!({"work": "close"})).expect(200);
    let (id, parts) = identified(&world, &receipt);
    let body = json!({"parts": [{"part": part(&parts, "person"),
            "judgement": {"verdict": "destroy", "reason": "r"}}],
        "rest": {"verdict": "hold", "reason": "r", "ground": "소송 2026-1"}, "refusal": told()});
    step(&world, "privacy", &id, "review", &body).expect(200);
    let view = step(&world, "privacy", &id, "form", &form()).expect(200);
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
    pass(&mut world, &clock, DAY * 3);
    run(&world, "privacy", &id).expect(200);
    step(&world, "intake", &id, "notice", &delivery()).expect(200);
    // Refused as a whole: held as well.
    let (other, receipt) = registered(&world, &ordinary());
    amend(&world, "officer", &other, json!({"work": "close"})).expect(200);
    let (id, _) = identified(&world, &receipt);
    let whole = json!({"rest": body["rest"], "refusal": told()});
    step(&world, "privacy", &id, "review", &whole).expect(200);
    step(&world, "privacy", &id, "refuse", &refusal()).expect(200);
    // The control: a request that was withdrawn leaves nothing behind.
    let (free, receipt) = registered(&world, &ordinary());
    amend(&world, "officer", &free, json!({"work": "close"})).expect(200);
    let (id, _) = identified(&world, &receipt);
    step(&world, "privacy", &id, "review", &whole).expect(200);
    step(&world, "privacy", &id, "cancel", &cancel()).expect(200);

    rules(&world, json!([{"years": 3, "appraisal": false}])).expect(200);
    pass(&mut world, &clock, YEARS);
    let found = sweep(&world, "privacy");
    let proposed = found["proposed"].to_string();
    assert!(proposed.contains(&free), "{found}");
    for case in [&case, &other] {
        let skipped = found["skipped"].as_array().unwrap();
        let row = skipped.iter().find(|row| row["case"] == **case).unwrap();
        assert_eq!(row["reason"], "held");
        // Who judged it does not lift it; somebody else does.
        let lift = json!({"purpose": "legal", "action": "lift", "ground": "소송 2026-1",
            "reason": "it is over"});
        let path = format!("/cases/{case}/hold");
        refused(&world.put("privacy", &path, &lift), 403, "self_approval");
        crate::deletion::lift(&world, "officer", case, "소송 2026-1", "privacy2");
    }
}
