//! Answers to a request: refusals, who may take which step, and what nobody is told.

use serde_json::{Value, json};

use crate::deletion::{
    all, asked, cancel, delivery, form, formed, hash, id_of, identity, lift, office, petition,
    refusal, registered, step, take_in, told,
};
use crate::world::{Reply, ordinary, sensitive};

#[test]
fn a_refusal_says_why_and_ends_the_lock_and_its_notice_ends_the_request() {
    let (world, _clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let id = id_of(&take_in(&world, "intake", json!({"receipt": receipt})));
    for missing in ["law", "reason", "objection"] {
        let mut body = refusal();
        body["refusal"][missing] = json!("");
        let reply = step(&world, "privacy", &id, "refuse", &body);
        assert_eq!((reply.status, reply.code().as_str()), (422, "invalid"));
        assert_eq!(reply.json()["field"], format!("refusal.{missing}"));
    }
    world.read("officer", &case, "handling").expect(404);
    let view = step(&world, "privacy", &id, "refuse", &refusal()).expect(200);
    assert_eq!(view["state"], "refused");
    world.read("officer", &case, "handling").expect(200);
    let notice = world
        .get("intake", &format!("/deletion-requests/{id}/notice"))
        .expect(200);
    for needed in [
        "제36조제1항 단서",
        "분쟁조정위원회",
        "이담당",
        "홍길동",
        "2026-11-20",
    ] {
        assert!(
            notice["text"].as_str().unwrap().contains(needed),
            "{needed}"
        );
        assert!(
            notice["html"].as_str().unwrap().contains(needed),
            "{needed}"
        );
    }
    let view = step(&world, "intake", &id, "notice", &delivery()).expect(200);
    assert_eq!(view["state"], "answered");
    assert_eq!(view["delivered_by"], "post");
}

#[test]
fn what_is_kept_must_be_told_and_what_is_not_judged_is_refused() {
    let (world, _clock) = office();
    let (_, receipt) = registered(&world, &ordinary());
    let view = take_in(&world, "intake", json!({"receipt": receipt}));
    let id = id_of(&view);
    let parts = view["matched"][0]["parts"].as_array().unwrap();
    let person = parts.iter().find(|p| p["kind"] == "person").unwrap();
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    let destroy = json!({"verdict": "destroy", "reason": "r"});
    let one = json!({"parts": [{"part": person["part"], "judgement": destroy}]});
    let review = |body: &Value| step(&world, "privacy", &id, "review", body);
    assert_eq!(review(&one).expect(422)["field"], "parts");
    let keep = json!({"verdict": "keep_apart", "reason": "r", "law": "공공기록물법",
        "article": "제27조", "items": "성명", "until": "2031-01-01T00:00:00+09:00"});
    let mut kept = json!({"parts": [{"part": person["part"], "judgement": keep}],
        "rest": destroy});
    assert_eq!(review(&kept).expect(422)["field"], "refusal");
    kept["refusal"] = told();
    let mut endless = kept.clone();
    endless["parts"][0]["judgement"]["until"] = Value::Null;
    let field = review(&endless).expect(422)["field"].clone();
    assert_eq!(field, "parts.0.judgement.until");
    let view = review(&kept).expect(200);
    assert_eq!(view["refusal"]["law"], told()["law"]);
    // What is kept apart is made first.
    let early = step(&world, "privacy", &id, "form", &form()).expect(422);
    assert_eq!(early["field"], "kept");
    // Judged anew, as long as nobody approved it.
    review(&all("destroy")).expect(200);
    step(&world, "privacy", &id, "form", &form()).expect(200);
}

#[test]
fn a_hold_stops_an_approval_and_is_lifted_by_somebody_else() {
    let (world, _clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let view = formed(&world, &receipt);
    let id = id_of(&view);
    let hold = |login: &str, action: &str| {
        let body = json!({"purpose": "legal", "action": action, "ground": "감사원 감사",
            "reason": "it is over"});
        world.put(login, &format!("/cases/{case}/hold"), &body)
    };
    let held = hold("officer", "set").expect(200);
    assert_eq!(held["holds"][0]["by"], "officer");
    let refused = step(&world, "privacy2", &id, "approve", &hash(&view));
    assert_eq!((refused.status, refused.code().as_str()), (409, "held"));
    let own = hold("officer", "lift");
    assert_eq!((own.status, own.code().as_str()), (403, "self_approval"));
    let left = lift(&world, "privacy", &case, "감사원 감사", "privacy2");
    assert_eq!(left["holds"], json!([]));
    step(&world, "privacy2", &id, "approve", &hash(&view)).expect(200);
}

#[test]
fn steps_belong_to_roles_and_a_stranger_finds_nothing() {
    let (world, _clock) = office();
    let (_, receipt) = registered(&world, &ordinary());
    let id = id_of(&take_in(&world, "intake", json!({"receipt": receipt})));
    let path = format!("/deletion-requests/{id}");
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    // The clerk who took it in does not judge it.
    for (name, body) in [
        ("review", all("destroy")),
        ("form", form()),
        ("refuse", refusal()),
    ] {
        let reply = step(&world, "intake", &id, name, &body);
        assert_eq!((reply.status, reply.code().as_str()), (403, "role_refused"));
    }
    // Somebody with the same role who has nothing to do with it finds what an absent one gives.
    let absent = world.get("officer2", "/deletion-requests/aaaaaaaaaaaaaaaaaaaaaaaaaa");
    let forbidden = world.get("officer2", &path);
    assert_eq!(forbidden.status, 404);
    assert_eq!(forbidden.bytes, absent.bytes);
    for login in ["admin", "auditor", "custodian", "lead"] {
        world.get(login, &path).expect(403);
        step(&world, login, &id, "review", &all("destroy")).expect(403);
    }
    // The holder judges; approving is for the privacy officer alone.
    step(&world, "officer", &id, "review", &all("destroy")).expect(200);
    let view = step(&world, "officer", &id, "form", &form()).expect(200);
    step(&world, "officer", &id, "approve", &hash(&view)).expect(403);
    step(&world, "privacy", &id, "approve", &hash(&view)).expect(200);
    // Own ones alone in the list; all for the privacy officer; none for a stranger.
    let rows = |login: &str| {
        let page = world.get(login, "/deletion-requests").expect(200);
        page["rows"].as_array().unwrap().len()
    };
    assert_eq!(
        (rows("intake"), rows("officer"), rows("privacy2")),
        (1, 1, 1)
    );
    assert_eq!((rows("officer2"), rows("rights")), (0, 0));
}

/// An answer without what differs from request to request, and without the receipt that was given.
fn bare(reply: &Reply, receipt: &str) -> (u16, String) {
    let mut body = reply.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("id");
    }
    (reply.status, body.to_string().replace(receipt, "RECEIPT"))
}

#[test]
fn a_receipt_of_a_sensitive_case_answers_like_one_of_none() {
    let (world, _clock) = office();
    let (case, receipt) = registered(&world, &sensitive());
    let none = "AAAA-BBBB-CCCC";
    for taker in ["intake", "officer", "rights2", "coordinator", "privacy"] {
        let ask = |receipt: &str| {
            let body = asked(json!({"receipt": receipt, "parts": ["12345"]}));
            world.post(taker, "/deletion-requests", &body)
        };
        let (real, absent) = (ask(&receipt), ask(none));
        assert_eq!(bare(&real, &receipt), bare(&absent, none), "{taker}");
        assert_eq!(real.status, 201);
        let (real, absent) = (id_of(&real.json()), id_of(&absent.json()));
        let both = |get: &dyn Fn(&str) -> Reply| {
            let (real, absent) = (get(&real), get(&absent));
            assert_eq!(bare(&real, &receipt), bare(&absent, none), "{taker}");
            real
        };
        let look = |id: &str| world.get(taker, &format!("/deletion-requests/{id}"));
        both(&look);
        let rows = world
            .get(taker, "/deletion-requests")
            .expect(200)
            .to_string();
        assert!(!rows.contains(&case), "{taker}");
        if taker != "privacy" {
            both(&|id| step(&world, taker, id, "identity", &identity()));
            both(&look);
            both(&|id| step(&world, taker, id, "review", &all("destroy")));
            both(&|id| step(&world, taker, id, "identity", &identity()));
            both(&|id| world.get(taker, &format!("/deletion-requests/{id}/notice")));
            both(&|id| step(&world, taker, id, "cancel", &cancel()));
        } else {
            both(&|id| step(&world, taker, id, "refuse", &refusal()));
            both(&|id| world.get(taker, &format!("/deletion-requests/{id}/notice")));
        }
        both(&look);
    }
    // The control: a holder does see the difference.
    let real = take_in(&world, "rights", json!({"receipt": receipt}));
    let absent = take_in(&world, "rights", json!({"receipt": none}));
    assert_eq!(real["matched"][0]["case"], case);
    assert!(absent.get("matched").is_none());
    // By id nobody else can name it at all.
    for login in ["intake", "officer", "privacy"] {
        let by_id = |case: &str| {
            let reply = world.post(login, "/deletion-requests", &asked(json!({"case": case})));
            assert_eq!(reply.status, 404, "{login}");
            reply.bytes
        };
        assert_eq!(by_id(&case), by_id(&"a".repeat(26)), "{login}");
    }
}

#[test]
fn the_privacy_officer_sees_kinds_and_dates_of_a_sensitive_case_and_its_taker_nothing() {
    let (world, _clock) = office();
    let (case, receipt) = registered(&world, &sensitive());
    let id = id_of(&take_in(&world, "intake", json!({"receipt": receipt})));
    let path = format!("/deletion-requests/{id}");
    world.read("rights", &case, "handling").expect(404);
    assert!(
        world
            .get("privacy", &path)
            .expect(200)
            .get("matched")
            .is_none()
    );
    step(&world, "intake", &id, "identity", &identity()).expect(200);
    let seen = world.get("privacy", &path).expect(200);
    assert_eq!(seen["matched"][0]["tier"], "sensitive");
    let parts = seen["matched"][0]["parts"].as_array().unwrap();
    let kinds: Vec<_> = parts.iter().map(|p| p["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["narrative", "person", "person"]);
    let text = seen.to_string();
    for content in [
        "임꺽정",
        "변학도",
        "괴롭힘",
        "폭언",
        "0000-5678",
        "인권침해신고",
    ] {
        assert!(!text.contains(content), "{content}");
    }
    step(&world, "rights", &id, "review", &all("destroy")).expect(200);
    let view = step(&world, "rights", &id, "form", &form()).expect(200);
    step(&world, "rights", &id, "approve", &hash(&view)).expect(403);
    step(&world, "privacy", &id, "approve", &hash(&view)).expect(200);
    // The clerk learns that it is being worked on, and no more.
    let clerk = world.get("intake", &path).expect(200);
    assert_eq!(
        (&clerk["state"], &clerk["next"]),
        (&json!("handling"), &json!(["cancel"]))
    );
    for hidden in ["matched", "form", "order", "refusal"] {
        assert!(clerk.get(hidden).is_none(), "{hidden}");
    }
    let early = step(&world, "intake", &id, "identity", &identity());
    assert_eq!((early.status, early.code().as_str()), (409, "wrong_state"));
    assert!(!String::from_utf8_lossy(&early.bytes).contains("approved"));
}

/// What cannot be taken in is refused after it was decided who asks, and leaves an entry.
#[test]
fn a_refusal_of_what_was_sent_is_in_the_log_too() {
    let (world, _clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let path = format!("/cases/{case}");
    let amend = json!({"purpose": "handling", "statement": "  "});
    let hold = json!({"purpose": "legal", "action": "set", "ground": " "});
    let holding = format!("{path}/hold");
    let empty = |reply: Reply| assert_eq!(reply.status, 422, "{reply:?}");
    // Each look at the log is an entry itself.
    let entries = || world.log("").len();
    let mut before = entries();
    let mut entered = |what: &str| {
        let now = entries();
        assert_eq!(now, before + 2, "{what}");
        before = now;
    };
    empty(world.patch("officer", &path, &amend));
    entered("amend");
    empty(world.put("officer", &holding, &hold));
    entered("hold");
    let mut nobody = petition(&receipt);
    nobody["name"] = json!("");
    empty(world.post("intake", "/deletion-requests", &nobody));
    entered("request");
    let id = id_of(&take_in(&world, "intake", json!({"receipt": receipt})));
    entered("the control");
    let reason = json!({"reason": " "});
    empty(step(&world, "intake", &id, "cancel", &reason));
    entered("cancel");
    let short = json!({"form_hash": "00"});
    empty(step(&world, "privacy2", &id, "approve", &short));
    entered("approve");
    // Who may not do it learns nothing of what is wrong with it.
    assert_eq!(world.patch("officer2", &path, &amend).status, 404);
    assert_eq!(world.put("officer2", &holding, &hold).status, 404);
}

#[test]
fn an_agent_proves_authority_and_a_request_is_not_of_the_future() {
    let (world, _clock) = office();
    let (case, receipt) = registered(&world, &ordinary());
    let post = |what: Value| world.post("intake", "/deletion-requests", &asked(what));
    let agent = json!({"receipt": receipt, "asked_by": "agent"});
    assert_eq!(post(agent.clone()).expect(422)["field"], "authority");
    let future = json!({"receipt": receipt, "received_at": "2027-01-01T00:00:00+09:00"});
    assert_eq!(post(future).expect(422)["field"], "received_at");
    assert_eq!(post(json!({})).expect(422)["field"], "receipt");
    // None of them locked anything.
    world.read("officer", &case, "handling").expect(200);
    let mut proved = agent;
    proved["authority"] = json!("power_of_attorney");
    proved["received_at"] = json!("2026-11-06T09:00:00+09:00");
    let view = post(proved).expect(201);
    assert_eq!(
        view["days_left"], -4,
        "the term runs from when it came: {view}"
    );
    let row = &world.get("privacy", "/deletion-requests").expect(200)["rows"][0];
    assert_eq!(row["overdue"], true);
    // What people wrote is on no disk in clear.
    let mut files = Vec::new();
    crate::world::walk(world.dir.path(), &mut files);
    for text in ["홍길동", "제 민원을 모두", "서울시 중구"] {
        let found = files.iter().any(|(_, bytes)| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        });
        assert!(!found, "{text}");
    }
}
