//! What leaves the house, over the API: masked, locked, on record, closed; and no byte of it in
//! clear on any disk.

use std::io::Read;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::world::{Reply, World, in_a_year, ordinary, sensitive, walk};

/// A key that opens what is locked to it.
pub struct Receiver(age::x25519::Identity);

impl Receiver {
    pub fn new() -> Self {
        Self(age::x25519::Identity::generate())
    }
    pub fn key(&self) -> Value {
        json!(self.0.to_public().to_string())
    }
    pub fn open(&self, file: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let file = age::Decryptor::new(file).unwrap();
        let identity: &dyn age::Identity = &self.0;
        let mut reader = file.decrypt(std::iter::once(identity)).unwrap();
        reader.read_to_end(&mut plain).unwrap();
        plain
    }
}

pub fn order(selection: &Value, format: &str) -> Value {
    json!({"purpose": "handling", "reason": "자료 제출", "selection": selection,
        "format": format, "receiver": "감사실", "destroy_by": in_a_year()})
}

/// Asks for an export; waits for the place that one which has just ended still has.
pub fn begin(world: &World, login: &str, body: &Value) -> Reply {
    let began = Instant::now();
    loop {
        let reply = world.post(login, "/exports", body);
        if reply.code() != "busy" || began.elapsed() > Duration::from_secs(10) {
            return reply;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Waits for the end of an export; gives what it shows then.
pub fn ended(world: &World, login: &str, serial: &str) -> Value {
    let began = Instant::now();
    loop {
        let view = world.get(login, &format!("/exports/{serial}")).expect(200);
        if view["state"] != "running" {
            return view;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{view}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Begins, with a second person where one is needed, waits, fetches and opens.
fn taken_out(world: &World, login: &str, body: &Value, receiver: &Receiver) -> Vec<u8> {
    let mut body = body.clone();
    body["recipient"] = receiver.key();
    let mut begun = begin(world, login, &body).expect(202);
    if let Some(approval) = begun["approval"].as_str() {
        world.approve(approval).expect(200);
        body["approval"] = json!(approval);
        begun = begin(world, login, &body).expect(202);
    }
    let serial = text(&begun["serial"]);
    let view = ended(world, login, &serial);
    assert_eq!(view["state"], "ready", "{view}");
    let file = world.get(login, &format!("/exports/{serial}/content"));
    assert_eq!(file.status, 200);
    receiver.open(&file.bytes)
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    let said = (reply.status, reply.code());
    assert_eq!((said.0, said.1.as_str()), (status, code));
}

#[test]
fn an_export_is_masked_locked_and_on_record() {
    let world = World::new();
    let cases = [(); 2].map(|()| world.register("intake", &ordinary()));
    let selection = json!({ "cases": cases });
    let body = order(&selection, "csv");
    let begun = begin(&world, "officer", &body).expect(202);
    assert_eq!((&begun["cases"], &begun["people"]), (&json!(2), &json!(2)));
    assert!(begun["passphrase"].as_str().unwrap().len() > 26);
    let serial = text(&begun["serial"]);
    let view = ended(&world, "officer", &serial);
    assert_eq!(view["state"], "ready");
    assert_eq!(view["receiver"], "감사실");
    assert_eq!(view["responsible"], "officer");

    // Nobody else finds it, and the answer is that of a number that nobody has.
    let absent = world.get("officer", "/exports/00000-00000/content");
    for login in ["officer2", "rights", "lead"] {
        let other = world.get(login, &format!("/exports/{serial}/content"));
        assert_eq!(
            (other.status, &other.bytes),
            (404, &absent.bytes),
            "{login}"
        );
        let other = world.get(login, &format!("/exports/{serial}"));
        assert_eq!(other.status, 404, "{login}");
    }
    let whole = world.get("officer", &format!("/exports/{serial}/content"));
    assert_eq!(whole.headers["accept-ranges"], "bytes");
    assert_eq!(
        whole.headers["etag"],
        format!("\"{}\"", text(&view["sha256"]))
    );
    assert!(whole.bytes.starts_with(b"age-encryption.org/v1\n"));
    let request = axum::http::Request::builder()
        .uri(format!("/api/v1/exports/{serial}/content"))
        .header(
            "authorization",
            format!("Bearer {}", world.token("officer").unwrap()),
        )
        .header("range", "bytes=7-")
        .header("if-range", &whole.headers["etag"])
        .body(axum::body::Body::empty());
    let rest = world.raw(request.unwrap());
    assert_eq!(rest.status, 206);
    assert_eq!(rest.bytes, whole.bytes[7..]);
    let total = whole.bytes.len();
    assert_eq!(
        rest.headers["content-range"],
        format!("bytes 7-{}/{total}", total - 1)
    );

    let entries = world.log("&task=export");
    let list: Vec<&Value> = entries
        .iter()
        .filter(|e| e["decision"] == "allow")
        .collect();
    assert_eq!(list.len(), 1, "{entries:#?}");
    assert_eq!(list[0]["cases"].as_array().unwrap().len(), 2);
    assert_eq!(list[0]["people"].as_array().unwrap().len(), 2);
    assert_eq!(list[0]["reason"], "자료 제출");
    let done = entries.iter().find(|e| e["decision"] == "none").unwrap();
    assert!(text(&done["reason"]).contains("2 of 2 cases opened"));
    assert_eq!(
        world
            .log("&task=download")
            .iter()
            .filter(|e| e["decision"] == "allow" && e["query"] == "content")
            .count(),
        2
    );
}

/// Every file below the store and below the system's temporary directory, while exports of every
/// form are there; what was opened holds the canaries, so the search can find them.
#[test]
fn no_byte_in_clear_touches_a_disk() {
    let canaries = ["canary-narrative-7431", "카나리아동", "canary-title-7431"];
    let world = World::new();
    let mut draft = ordinary();
    draft["narrative"] = json!(canaries[0]);
    draft["people"][0]["name"] = json!(canaries[1]);
    draft["title"] = json!(canaries[2]);
    let case = world.register("intake", &draft);
    let receiver = Receiver::new();
    for format in ["csv", "jsonl", "xlsx"] {
        let mut body = order(&json!({ "cases": [case] }), format);
        body["unmasked"] = json!(true);
        let plain = taken_out(&world, "officer", &body, &receiver);
        if format != "xlsx" {
            let plain = String::from_utf8(plain).unwrap();
            for canary in canaries {
                assert!(plain.contains(canary), "the control: {canary} in {format}");
            }
        } else {
            let mut book = zip::ZipArchive::new(std::io::Cursor::new(plain)).unwrap();
            let mut sheet = String::new();
            let mut part = book.by_name("xl/worksheets/sheet1.xml").unwrap();
            part.read_to_string(&mut sheet).unwrap();
            assert!(canaries.iter().all(|canary| sheet.contains(canary)));
        }
    }
    let mut files = Vec::new();
    walk(world.dir.path(), &mut files);
    let temporary = std::env::temp_dir();
    for entry in std::fs::read_dir(&temporary).unwrap().flatten() {
        let path = entry.path();
        if path.is_file()
            && let Ok(bytes) = std::fs::read(&path)
        {
            files.push((path, bytes));
        }
    }
    let exports = world.settings.data.join("exports");
    let there = files.iter().filter(|(path, _)| path.starts_with(&exports));
    assert_eq!(there.count(), 3);
    for (path, bytes) in &files {
        for canary in canaries {
            let found = bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
            assert!(!found, "{canary} in {}", path.display());
        }
    }
    assert_eq!(
        world
            .log("&task=unmask")
            .iter()
            .filter(|e| e["decision"] == "allow")
            .count(),
        3
    );
}

#[test]
fn what_is_not_visible_is_not_there_and_nothing_is_no_export() {
    let world = World::new();
    let mine = world.register("intake", &ordinary());
    let hidden = world.register("intake", &sensitive());
    let nobodys = "a".repeat(26);
    for cases in [
        json!([]),
        json!([hidden]),
        json!([nobodys]),
        json!(["no id"]),
    ] {
        let body = order(&json!({ "cases": cases }), "csv");
        refused(&begin(&world, "officer", &body), 422, "invalid");
    }
    // A hidden case and one that nobody has answer alike.
    let with = |other: &str| {
        let body = order(&json!({"cases": [mine, other]}), "jsonl");
        let mut begun = begin(&world, "officer", &body).expect(202);
        ended(&world, "officer", &text(&begun["serial"]));
        for own in ["serial", "passphrase"] {
            begun.as_object_mut().unwrap().remove(own).unwrap();
        }
        begun
    };
    assert_eq!(with(&hidden), with(&nobodys));
    assert_eq!(with(&hidden)["absent"], 1);
    // A malformed key, before anything is on record.
    let before = world.get("officer", "/outputs").expect(200);
    let mut body = order(&json!({ "cases": [mine] }), "csv");
    body["recipient"] = json!("age1notakey");
    let reply = begin(&world, "officer", &body);
    refused(&reply, 422, "invalid");
    assert_eq!(reply.json()["field"], "recipient");
    assert_eq!(world.get("officer", "/outputs").expect(200), before);
    for login in ["intake", "admin", "auditor", "custodian", "privacy"] {
        let reply = begin(&world, login, &body);
        assert_eq!(reply.status, 403, "{login}");
    }
}

#[test]
fn a_filter_and_a_search_take_what_they_find() {
    let world = World::new();
    let mut other = ordinary();
    other["class"] = json!("상수도");
    other["people"][0]["name"] = json!("성춘향");
    world.register("intake", &ordinary());
    world.register("intake", &other);
    let receiver = Receiver::new();
    let lines = |selection: Value| {
        let body = order(&selection, "jsonl");
        let plain = taken_out(&world, "officer", &body, &receiver);
        let plain = String::from_utf8(plain).unwrap();
        plain
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>()
    };
    assert_eq!(lines(json!({"filter": {}})).len(), 2);
    let found = lines(json!({"filter": {"class": "상수도", "department": "civil"}}));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["class"], "상수도");
    let found = lines(json!({"search": {"field": "name", "value": "성춘향"}}));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["people"][0]["name"], "성*향");
    let late = json!({"filter": {"registered_from": "2999-01-01T00:00:00+09:00"}});
    let reply = begin(&world, "officer", &order(&late, "jsonl"));
    refused(&reply, 422, "invalid");
}

#[test]
fn one_case_is_unmasked_by_two_people() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let receiver = Receiver::new();
    let mut body = order(&json!({ "cases": [case] }), "jsonl");
    body["unmasked"] = json!(true);
    body["recipient"] = receiver.key();
    let asked = begin(&world, "officer", &body).expect(202);
    assert!(asked.get("serial").is_none(), "{asked}");
    assert_eq!(
        world.get("officer", "/outputs").expect(200)["rows"],
        json!([])
    );
    body["approval"] = asked["approval"].clone();
    refused(&begin(&world, "officer", &body), 409, "not_approved");
    world.approve(&text(&asked["approval"])).expect(200);
    let plain = taken_out(&world, "officer", &body, &receiver);
    assert!(String::from_utf8(plain).unwrap().contains("홍길동"));
    // Its record and the entries of its list say with whose consent.
    let newest = |world: &World| {
        let outputs = world.get("auditor", "/outputs").expect(200);
        let row = &outputs["rows"][0];
        (row["approval"].clone(), row["approved_by"].clone())
    };
    let consent = (asked["approval"].clone(), json!("privacy"));
    assert_eq!(newest(&world), consent);
    for task in ["export", "unmask"] {
        let entries = world.log(&format!("&task={task}"));
        let used = |entry: &&Value| entry["notes"][0]["note"] == "used";
        let used: Vec<_> = entries.iter().filter(used).collect();
        assert_eq!(used.len(), 1, "{task}");
        assert_eq!(used[0]["notes"][0]["approval"], asked["approval"]);
        assert_eq!(used[0]["notes"][0]["kind"], "take_out");
    }
    // The control: masked it is one person's to take.
    let masked = order(&json!({ "cases": [case] }), "jsonl");
    let begun = begin(&world, "officer", &masked).expect(202);
    ended(&world, "officer", &text(&begun["serial"]));
    assert_eq!(newest(&world), (Value::Null, Value::Null));
}

#[test]
fn what_is_approved_is_what_goes_out_and_the_approver_sees_it() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let receiver = Receiver::new();
    let mut body = order(&json!({ "cases": [case] }), "jsonl");
    body["unmasked"] = json!(true);
    body["recipient"] = receiver.key();
    body["responsible"] = json!("privacy2");
    let asked = |body: &Value| text(&begin(&world, "officer", body).expect(202)["approval"]);
    let first = asked(&body);
    // Who answers for the copies does not consent to them.
    let yes = json!({"decision": "approve"});
    let by = |login: &str| world.post(login, &format!("/approvals/{first}"), &yes);
    refused(&by("privacy2"), 403, "self_approval");
    let list = world.get("privacy", "/approvals?limit=200").expect(200);
    let mut rows = list["rows"].as_array().unwrap().iter();
    let shown = text(&rows.find(|row| row["id"] == first).unwrap()["asked"]);
    let number = text(&world.read("officer", &case, "handling").expect(200)["number"]);
    for told in [
        &format!("({number} 도로)"),
        "0 of them sensitive",
        body["destroy_by"].as_str().unwrap(),
        "privacy2 has it destroyed",
        body["recipient"].as_str().unwrap(),
    ] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    assert!(!shown.contains("홍길동"));
    by("privacy").expect(200);
    body["approval"] = json!(first);
    for (field, other) in [
        ("destroy_by", json!("2027-06-01T00:00:00+09:00")),
        ("responsible", json!("officer")),
        ("recipient", Receiver::new().key()),
    ] {
        let mut changed = body.clone();
        changed[field] = other;
        refused(&begin(&world, "officer", &changed), 409, "not_approved");
    }
    // Something is added to the case: what would go out is not what was approved.
    let more = json!({"purpose": "handling", "statement": "추가 진술"});
    let added = world.patch("officer", &format!("/cases/{case}"), &more);
    added.expect(200);
    refused(&begin(&world, "officer", &body), 409, "not_approved");
    // The control: asked for anew.
    body.as_object_mut().unwrap().remove("approval");
    let plain = taken_out(&world, "officer", &body, &receiver);
    assert!(String::from_utf8(plain).unwrap().contains("추가 진술"));
}

#[test]
fn no_copy_is_to_live_for_longer_than_ten_years() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let mut body = order(&json!({ "cases": [case] }), "jsonl");
    body["destroy_by"] = json!("2999-01-01T00:00:00+09:00");
    let reply = begin(&world, "officer", &body);
    refused(&reply, 422, "invalid");
    assert_eq!(reply.json()["field"], "destroy_by");
    let print = json!({"purpose": "handling", "reason": "회의", "cases": [case], "form": "html",
        "receiver": "감사실", "destroy_by": body["destroy_by"]});
    let reply = world.post("officer", "/prints", &print);
    refused(&reply, 422, "invalid");
    assert_eq!(reply.json()["field"], "destroy_by");
}

#[test]
fn many_cases_are_unmasked_by_two_people_and_exactly_these() {
    let world = World::new();
    let cases = [(); 3].map(|()| world.register("intake", &ordinary()));
    let receiver = Receiver::new();
    let mut body = order(&json!({ "cases": cases[..2] }), "jsonl");
    body["unmasked"] = json!(true);
    body["recipient"] = receiver.key();
    let asked = begin(&world, "officer", &body).expect(202);
    assert!(asked.get("serial").is_none(), "{asked}");
    let approval = asked["approval"].clone();
    body["approval"] = approval.clone();
    refused(&begin(&world, "officer", &body), 409, "not_approved");
    world.approve(&text(&approval)).expect(200);
    let mut more = body.clone();
    more["selection"] = json!({ "cases": cases });
    refused(&begin(&world, "officer", &more), 409, "not_approved");
    let mut elsewhere = body.clone();
    elsewhere["receiver"] = json!("somebody else");
    refused(&begin(&world, "officer", &elsewhere), 409, "not_approved");
    let plain = taken_out(&world, "officer", &body, &receiver);
    let plain = String::from_utf8(plain).unwrap();
    assert_eq!(plain.matches("홍길동").count(), 2);
    refused(&begin(&world, "officer", &body), 410, "expired");
}

#[test]
fn formulas_are_texts_and_cp949_stops_at_what_it_does_not_have() {
    let world = World::new();
    let mut hostile = ordinary();
    hostile["title"] = json!("=HYPERLINK(\"http://x\")");
    let fine = world.register("intake", &hostile);
    let mut draft = ordinary();
    draft["title"] = json!("canary-😀");
    let emoji = world.register("intake", &draft);
    let receiver = Receiver::new();
    let body = order(&json!({ "cases": [fine] }), "csv");
    let plain = taken_out(&world, "officer", &body, &receiver);
    let plain = String::from_utf8(plain).unwrap();
    assert!(plain.contains("\"'=HYPERLINK("), "{plain}");
    assert!(plain.starts_with('\u{feff}'));

    let body = order(&json!({"cases": [fine, emoji]}), "csv_cp949");
    let begun = begin(&world, "officer", &body).expect(202);
    let serial = text(&begun["serial"]);
    let view = ended(&world, "officer", &serial);
    assert_eq!(view["state"], "interrupted");
    let problem = text(&view["problem"]);
    assert!(
        problem.contains("case 2") && problem.contains("제목"),
        "{problem}"
    );
    assert!(!problem.contains("canary"));
    let content = world.get("officer", &format!("/exports/{serial}/content"));
    refused(&content, 409, "wrong_state");
    let said = world.log("&task=export");
    let done = said.iter().find(|e| e["decision"] == "none").unwrap();
    assert!(text(&done["reason"]).contains("of 2 cases"));
}

#[test]
fn copies_that_are_out_are_seen_and_closed() {
    let world = World::new();
    let case = world.register("intake", &sensitive());
    let begun = begin(
        &world,
        "rights",
        &order(&json!({ "cases": [case] }), "xlsx"),
    );
    let serial = text(&begun.expect(202)["serial"]);
    ended(&world, "rights", &serial);
    let rows = |login: &str, query: &str| {
        let page = world.get(login, &format!("/outputs{query}")).expect(200);
        page["rows"].as_array().unwrap().len()
    };
    for (login, sees) in [
        ("rights", 1),
        ("privacy", 1),
        ("auditor", 1),
        ("officer", 0),
    ] {
        assert_eq!(rows(login, ""), sees, "{login}");
        assert_eq!(rows(login, "?open=true"), sees, "{login}");
    }
    let path = format!("/outputs/{serial}/close");
    let body = json!({"method": "삭제", "reason": "보고가 끝남"});
    assert_eq!(world.post("officer", &path, &body).status, 404);
    assert_eq!(world.post("auditor", &path, &body).status, 403);
    let closed = world.post("rights", &path, &body).expect(200);
    assert_eq!(
        (&closed["state"], &closed["method"]),
        (&json!("closed"), &json!("삭제"))
    );
    assert_eq!((rows("privacy", ""), rows("privacy", "?open=true")), (1, 0));
    let content = world.get("rights", &format!("/exports/{serial}/content"));
    refused(&content, 409, "wrong_state");
    let entry = &world.log("&task=close_output")[0];
    assert!(text(&entry["reason"]).contains("보고가 끝남"));
}
