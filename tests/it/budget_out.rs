//! Budgets where cases leave the house: the real routes of exports and prints, from the password to
//! the second person and back.

use std::sync::Arc;

use bongham::config::budgets::Budgets;
use bongham::domain::time::{Clock, SteppedClock, Timestamp};
use serde_json::{Value, json};

use crate::export::{begin, ended, order, text};
use crate::world::{Reply, World, ordinary, password};

/// Three people before the password, six before a second person.
fn office() -> (World, Vec<String>) {
    office_of(20)
}

/// The same, and so many cases.
fn office_of(limit: u32) -> (World, Vec<String>) {
    let start = Timestamp::parse_rfc3339("2026-11-24T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(start)) as Arc<dyn Clock>;
    let budgets = Budgets {
        people: 3,
        cases: limit,
        second: 2,
        ..Budgets::default()
    };
    let world = World::with_budgets(clock, budgets);
    let cases = (0..8).map(|_| world.register("intake", &ordinary()));
    let cases = cases.collect();
    (world, cases)
}

/// A way out: its route, what is asked there, and the status of what was done.
struct Way {
    path: &'static str,
    code: &'static str,
    done: u16,
    order: fn(&[String]) -> Value,
}

const WAYS: [Way; 2] = [
    Way {
        path: "/exports",
        code: "export",
        done: 202,
        order: |cases| order(&json!({ "cases": cases }), "csv"),
    },
    Way {
        path: "/prints",
        code: "print",
        done: 201,
        order: |cases| {
            json!({"purpose": "handling", "reason": "회의 자료", "cases": cases, "form": "html",
                "receiver": "심의위원회"})
        },
    },
];

impl Way {
    fn ask(&self, world: &World, body: &Value) -> Reply {
        match self.path {
            "/exports" => begin(world, "officer", body),
            path => world.post("officer", path, body),
        }
    }
    /// It goes out at once: nobody is asked for a password or a second person.
    #[track_caller]
    fn goes(&self, world: &World, body: &Value) -> Value {
        let made = self.ask(world, body).expect(self.done);
        assert!(made.get("approval").is_none(), "{made}");
        let serial = text(&made["serial"]);
        if self.path == "/exports" {
            assert_eq!(ended(world, "officer", &serial)["state"], "ready");
        }
        made
    }
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code));
}

/// Kinds of the alerts and the ways they tell of, newest first.
fn alerts(world: &World) -> Vec<(Value, Value)> {
    let page = world.get("privacy", "/alerts").expect(200);
    let rows = page["rows"].as_array().unwrap().iter();
    rows.map(|row| (row["kinds"].clone(), row["way"].clone()))
        .collect()
}

#[test]
fn what_leaves_above_the_thresholds_takes_the_password_and_then_a_second_person_once() {
    for way in WAYS {
        let (world, cases) = office();
        // The control: within the budget nothing is asked, and nobody is told.
        way.goes(&world, &(way.order)(&cases[..3]));
        assert_eq!(alerts(&world), []);

        let four = (way.order)(&cases[..4]);
        refused(&way.ask(&world, &four), 403, "step_up_required");
        let again = json!({"password": password("officer"), "reason": "yearly report"});
        let path = "/sessions/current/step-up";
        world.post("officer", path, &again).expect(200);
        way.goes(&world, &four);
        let told = |kinds: Value| (kinds, json!(way.code));
        let first = told(json!(["threshold", "output"]));
        assert_eq!(alerts(&world), std::slice::from_ref(&first));

        let mut all = (way.order)(&cases);
        let asked = way.ask(&world, &all).expect(202);
        assert!(asked.get("serial").is_none(), "{asked}");
        let refusal = told(json!(["refused"]));
        assert_eq!(alerts(&world), [refusal.clone(), first.clone()]);
        all["approval"] = asked["approval"].clone();
        refused(&way.ask(&world, &all), 409, "not_approved");
        let approval = text(&asked["approval"]);
        let yes = json!({"decision": "approve"});
        let path = format!("/approvals/{approval}");
        let own = world.post("officer", &path, &yes);
        assert_eq!(own.status, 403, "{own:?}");
        world.approve(&approval).expect(200);
        // Exactly this list: one case less is another.
        let mut other = (way.order)(&cases[..7]);
        other["approval"] = all["approval"].clone();
        refused(&way.ask(&world, &other), 409, "not_approved");
        let made = way.goes(&world, &all);
        assert_eq!((&made["cases"], &made["people"]), (&json!(8), &json!(8)));
        let second = told(json!(["second_threshold", "output"]));
        assert_eq!(alerts(&world), [second, refusal, first]);
        // It is spent.
        refused(&way.ask(&world, &all), 410, "expired");
        all.as_object_mut().unwrap().remove("approval");
        let asked = way.ask(&world, &all).expect(202);
        assert_ne!(asked["approval"], json!(approval));
    }
}

#[test]
fn an_export_of_a_search_is_held_against_the_budget_of_exports_alone() {
    let (world, _cases) = office_of(3);
    let search = |value: &str| {
        let body = json!({"field": "name", "value": value, "purpose": "handling"});
        world.post("officer", "/searches", &body)
    };
    // As many as there is room for; then nothing is said, whether there is anything or not.
    let page = search("홍길동").expect(200);
    assert_eq!(page["rows"].as_array().unwrap().len(), 3);
    assert!(page["next"].is_string(), "{page}");
    refused(&search("홍길동"), 403, "step_up_required");
    refused(&search("아무개"), 403, "step_up_required");

    let of = |name: &str| {
        let search = json!({"search": {"field": "name", "value": name}});
        order(&search, "csv")
    };
    for name in ["홍길동", "아무개"] {
        let over = begin(&world, "officer", &of(name));
        refused(&over, 403, "step_up_required");
    }
    let again = json!({"password": password("officer"), "reason": "yearly report"});
    let path = "/sessions/current/step-up";
    world.post("officer", path, &again).expect(200);
    let mut body = of("홍길동");
    let asked = begin(&world, "officer", &body).expect(202);
    assert!(asked.get("serial").is_none(), "{asked}");
    let chosen = &world.log("&task=search")[0];
    assert_eq!(chosen["query"], "choose:name");
    assert_eq!(chosen["cases"].as_array().unwrap().len(), 8);
    let used = world.get("officer", "/budget").expect(200);
    assert_eq!(used["cases"]["used"], 3, "nothing of it was shown");
    world.approve(&text(&asked["approval"])).expect(200);
    body["approval"] = asked["approval"].clone();
    let made = begin(&world, "officer", &body).expect(202);
    assert_eq!(made["cases"], 8);
    let serial = text(&made["serial"]);
    assert_eq!(ended(&world, "officer", &serial)["state"], "ready");
    let used = world.get("officer", "/budget").expect(200);
    assert_eq!(used["cases"]["used"], 8);
}
