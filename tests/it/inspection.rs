//! The inspection of the access log: made, answered, judged, signed, and not changed afterwards.

use std::sync::Arc;
use std::time::Duration;

use bongham::domain::time::{SteppedClock, Timestamp};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::export::{Receiver, begin, ended, order, text};
use crate::program::{Program, run};
use crate::world::{World, ordinary, sensitive};

pub const DAY: Duration = Duration::from_secs(24 * 3600);

pub fn office(at: &str) -> (World, Arc<SteppedClock>) {
    let clock = Arc::new(SteppedClock::at(Timestamp::parse_rfc3339(at).unwrap()));
    (World::with_clock(clock.clone()), clock)
}

pub fn later(world: &mut World, clock: &SteppedClock, by: Duration) {
    clock.advance(by);
    for login in ["admin", "privacy", "officer", "lead", "auditor"] {
        world.log_in(login);
    }
}

pub fn make(world: &World, month: &str) -> Value {
    let body = json!({"month": month});
    world.post("auditor", "/inspections", &body).expect(201)
}

pub fn id(view: &Value) -> String {
    view["sheet"]["id"].as_str().unwrap().to_owned()
}

/// Rule and login of each finding.
pub fn found(view: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let findings = view["sheet"]["findings"].as_array().unwrap();
    let name = |f: &Value| text(&view["people"][text(&f["person"])]);
    findings
        .iter()
        .map(|f| (text(&f["rule"]), name(f)))
        .collect()
}

pub fn hash_of(sheet: &Value) -> String {
    let bytes = serde_json_canonicalizer::to_vec(sheet).unwrap();
    data_encoding::HEXLOWER.encode(digest(&SHA256, &bytes).as_ref())
}

fn judge_all(world: &World, view: &Value) -> Value {
    let mut view = view.clone();
    let count = view["sheet"]["findings"].as_array().unwrap().len();
    for number in 1..=count {
        let path = format!("/inspections/{}/findings/{number}/verdict", id(&view));
        let body = json!({"accepted": number % 2 == 0, "note": "looked at"});
        view = world.post("auditor", &path, &body).expect(200);
    }
    view
}

/// A night on which an officer and a lead work, and the officer tries a case that is not theirs.
pub fn busy_night(world: &World) {
    let case = world.register("intake", &ordinary());
    let secret = world.register("intake", &sensitive());
    world.read("officer", &case, "handling").expect(200);
    world.read("officer", &secret, "handling").expect(404);
    for _ in 0..20 {
        world.read("lead", &case, "supervision").expect(200);
    }
}

pub fn pair(rule: &str, login: &str) -> (String, String) {
    (rule.to_owned(), login.to_owned())
}

#[test]
fn a_month_is_inspected_explained_judged_and_signed_once() {
    let (mut world, clock) = office("2026-10-14T23:00:00+09:00");
    busy_night(&world);
    let early = make(&world, "2026-10");
    assert_eq!(early["sheet"]["whole"], false);
    let path = format!("/inspections/{}/sign", id(&early));
    let body = json!({"hash": early["hash"], "statement": "in advance"});
    let signed = world.post("auditor", &path, &body);
    assert_eq!(
        (signed.status, signed.code().as_str()),
        (409, "wrong_state")
    );
    later(&mut world, &clock, 20 * DAY);
    let view = make(&world, "2026-10");
    let findings = found(&view);
    for expected in [
        pair("night_use", "officer"),
        pair("night_use", "lead"),
        pair("night_use", "admin"),
        pair("break_glass", "-"),
        pair("denied_sensitive", "officer"),
    ] {
        assert!(findings.contains(&expected), "{findings:?}");
    }
    for login in ["officer", "lead"] {
        assert!(!findings.contains(&pair("neighbour_read", login)));
        assert!(!findings.contains(&pair("supervision_read", login)));
    }
    assert!(
        !findings.contains(&pair("holiday_use", "lead")),
        "a Wednesday"
    );
    assert_eq!(view["sheet"]["whole"], true);
    let off = json!(["2026-10-05", "2026-10-09"]);
    assert_eq!(view["sheet"]["days_off"], off);
    assert_eq!(view["sheet"]["rules"]["cases_a_day"], 1000);
    let id = id(&view);
    let path = format!("/inspections/{id}");
    // Entries stand behind each finding, and are what it says.
    let denied = &view["sheet"]["findings"].as_array().unwrap().iter();
    let denied = denied.clone().find(|f| f["rule"] == "denied_sensitive");
    let index = denied.unwrap()["entries"][0].as_u64().unwrap();
    let entry = world
        .log("&task=read")
        .into_iter()
        .find(|e| e["index"] == index);
    assert_eq!(entry.unwrap()["decision"], "deny");
    // Each sees their own, and answers for themselves alone.
    let own = world.get("officer", "/findings").expect(200);
    let own = own["rows"].as_array().unwrap().clone();
    assert!(!own.is_empty());
    // That a refusal was on a sensitive case is the auditor's to know.
    assert!(own.iter().all(|f| f["rule"] != "denied_sensitive"));
    let text = json!({"text": "야간 당직이었습니다"});
    let explain = |login: &str, finding: &Value| {
        let path = format!("/findings/{}/explanation", finding["id"].as_str().unwrap());
        world.post(login, &path, &text)
    };
    explain("lead", &own[0]).expect(404);
    explain("auditor", &own[0]).expect(404);
    let said = explain("officer", &own[0]).expect(200);
    assert_eq!(said["state"], "explained");
    // The hash has moved on, what is open keeps it from being signed, and not everybody signs.
    let sign = |login: &str, body: Value| world.post(login, &format!("{path}/sign"), &body);
    let shown = world.get("auditor", &path).expect(200);
    assert_ne!(shown["hash"], view["hash"]);
    let unsettled = sign("auditor", json!({"hash": shown["hash"]}));
    assert_eq!(
        (unsettled.status, unsettled.code().as_str()),
        (409, "wrong_state")
    );
    let judged = judge_all(&world, &shown);
    for login in ["admin", "privacy", "officer"] {
        sign(login, json!({"hash": judged["hash"]})).expect(403);
    }
    let privacy = world.post(
        "privacy",
        &format!("{path}/findings/1/verdict"),
        &json!({
            "accepted": true, "note": "about no auditor",
        }),
    );
    privacy.expect(403);
    let stale = sign("auditor", json!({"hash": shown["hash"]}));
    assert_eq!(stale.code(), "conflict");
    sign("auditor", json!({"hash": "no hash"})).expect(422);
    let signed = sign("auditor", json!({"hash": judged["hash"]})).expect(200);
    assert_eq!(signed["signed"]["intact"], true);
    assert_eq!(signed["hash"], judged["hash"]);
    let entry = &world.log("&task=sign_inspection")[0];
    let hash = judged["hash"].as_str().unwrap();
    assert_eq!(signed["signed"]["entry"], entry["index"]);
    assert_eq!(signed["signed"]["witness"], "entry");
    let bound = hash_of(&json!({
        "sheet": hash,
        "statement": null,
        "by": entry["account"],
        "at": signed["signed"]["at"],
    }));
    assert_eq!(entry["reason"], format!("signed sha256 {bound}"));
    let one = world.log(&format!("&index={}", entry["index"]));
    assert_eq!((one.len(), &one[0]), (1, entry));
    // From now on nothing moves.
    explain("officer", &own[0]).expect(409);
    let verdict = format!("{path}/findings/1/verdict");
    let body = json!({"accepted": true, "note": "after all"});
    world.post("auditor", &verdict, &body).expect(409);
    sign("auditor", json!({"hash": hash})).expect(409);
    let rest = world.get("officer", "/findings").expect(200);
    assert_eq!(rest["rows"], json!([]));
    let after = world.get("privacy", &path).expect(200);
    assert_eq!(after["hash"], judged["hash"]);
    // Whoever has the sheet can check it; a changed finding shows.
    let mut sheet = after["sheet"].clone();
    assert_eq!(hash_of(&sheet), hash);
    sheet["findings"][0]["count"] = json!(0);
    assert_ne!(hash_of(&sheet), hash);
}

#[test]
fn whom_a_finding_is_about_neither_judges_it_nor_signs() {
    let (world, _clock) = office("2026-10-14T12:00:00+09:00");
    for _ in 0..20 {
        let path = format!("/cases/{}?purpose=handling", "a".repeat(26));
        world.get("auditor", &path).expect(403);
    }
    let view = make(&world, "2026-10");
    assert!(found(&view).contains(&pair("denied_many", "auditor")));
    let path = format!("/inspections/{}", id(&view));
    let body = json!({"accepted": true, "note": "it was me"});
    let judged = world.post("auditor", &format!("{path}/findings/1/verdict"), &body);
    assert_eq!(
        (judged.status, judged.code().as_str()),
        (403, "self_approval")
    );
    let body = json!({"hash": view["hash"], "statement": "nobody else is here"});
    let signed = world.post("auditor", &format!("{path}/sign"), &body);
    assert_eq!(
        (signed.status, signed.code().as_str()),
        (403, "self_approval")
    );
}

#[test]
fn a_month_that_is_over_is_asked_for_until_its_inspection_is_signed() {
    let (mut world, clock) = office("2026-10-14T23:00:00+09:00");
    busy_night(&world);
    make(&world, "2026-10");
    make(&world, "2026-10");
    let early = world.post("auditor", "/inspections", &json!({"month": "2026-11"}));
    assert_eq!((early.status, early.code().as_str()), (422, "invalid"));
    let overdue = |world: &World| world.get("auditor", "/inspections").expect(200);
    // 5 November, an hour before its end, and the day after.
    later(&mut world, &clock, 22 * DAY);
    assert_eq!(overdue(&world)["overdue"], json!([]));
    later(&mut world, &clock, DAY);
    assert_eq!(overdue(&world)["overdue"], json!(["2026-10"]));
    let first = make(&world, "2026-10");
    assert_eq!(first["sheet"]["whole"], true);
    let view = make(&world, "2026-10");
    assert_eq!(view["sheet"]["supersedes"], first["sheet"]["id"]);
    let list = overdue(&world);
    assert_eq!(list["overdue"], json!(["2026-10"]), "made, not signed");
    assert_eq!(list["rows"].as_array().unwrap().len(), 4);
    // Signed as it is, with a statement.
    let body = json!({"hash": view["hash"], "statement": "소명 기한 경과"});
    let path = format!("/inspections/{}/sign", id(&view));
    let signed = world.post("auditor", &path, &body).expect(200);
    assert_eq!(signed["signed"]["statement"], "소명 기한 경과");
    assert_eq!(overdue(&world)["overdue"], json!([]));
    let again = world.post("auditor", "/inspections", &json!({"month": "2026-10"}));
    assert_eq!((again.status, again.code().as_str()), (409, "exists"));
    world.restart();
    let path = format!("/inspections/{}", id(&view));
    let after = world.get("auditor", &path).expect(200);
    assert_eq!(after["signed"]["intact"], true, "it survives a restart");
}

/// An office a month and more ago, left for the program, whose clock is the machine's.
fn office_before() -> World {
    let ago = i64::try_from((40 * DAY).as_millis()).unwrap();
    let now = bongham::domain::time::Clock::now(&bongham::domain::time::SystemClock::default());
    let clock = SteppedClock::at(Timestamp::from_millis(now.as_millis() - ago));
    World::with_clock(Arc::new(clock))
}

#[test]
fn commands_without_a_server_inspect_under_the_offices_configuration() {
    let world = office_before();
    let secret = world.register("intake", &sensitive());
    for _ in 0..3 {
        world.read("officer", &secret, "handling").expect(404);
    }
    let day = world.log("")[0]["time"].as_str().unwrap()[..10].to_owned();
    let month = &day[..7];
    let office = world.leave();
    let program = Program::on(office.path());
    let text = format!("[inspection]\ndenied = 3\nholidays = ['{day}']\n");
    let config = program.note("office.toml", text);
    let make = |more: &[&str]| {
        let args = [&["--json", "inspection", "make", month], more].concat();
        run(program.person("auditor", &args))
            .expect(0)
            .rows()
            .remove(0)
    };
    let rules =
        |view: &Value| -> Vec<String> { found(view).into_iter().map(|(rule, _)| rule).collect() };
    let many = "denied_many".to_owned();
    let bare = make(&[]);
    assert!(!rules(&bare).contains(&many), "the control: by default 20");
    let config = config.to_str().unwrap();
    let view = make(&["--config", config]);
    assert!(rules(&view).contains(&many), "{view}");
    assert!(rules(&view).contains(&"holiday_use".to_owned()), "{view}");
    assert_eq!(view["sheet"]["rules"]["denied"], 3);
    assert_eq!(view["sheet"]["supersedes"], bare["sheet"]["id"]);
    let wrong = program.note("wrong.toml", "[inspection]\ndenid = 3\n");
    let args = ["inspection", "list", "--config", wrong.to_str().unwrap()];
    run(program.person("auditor", &args)).expect(2);
}

#[test]
fn commands_make_answer_and_sign_an_inspection() {
    let world = office_before();
    let secret = world.register("intake", &sensitive());
    // Enough of them to be told of, whatever they were on.
    for _ in 0..20 {
        world.read("officer", &secret, "handling").expect(404);
    }
    let month = world.log("")[0]["time"].as_str().unwrap()[..7].to_owned();
    let office = world.leave();
    let program = Program::on(office.path());
    let person = |login: &str, args: &[&str]| run(program.person(login, args)).expect(0);
    let made = person("auditor", &["--json", "inspection", "make", &month]).rows();
    let id = id(&made[0]);
    let own = person("officer", &["--json", "finding", "list"]).rows();
    let finding = own.iter().find(|f| f["rule"] == "denied_many").unwrap();
    let finding = finding["id"].as_str().unwrap();
    person(
        "officer",
        &[
            "finding",
            "explain",
            finding,
            "--text",
            "wrong number typed",
        ],
    );
    let (_, number) = finding.split_once('-').unwrap();
    let judge = [
        "inspection",
        "judge",
        &id,
        number,
        "--accept",
        "--note",
        "plausible",
    ];
    person("auditor", &judge);
    let more = [
        "finding",
        "explain",
        finding,
        "--text",
        "wrong number typed, twice",
    ];
    let refused = run(program.person("officer", &more)).expect(1);
    assert!(refused.err.contains("--reopen"), "{refused:?}");
    let reopen = [
        "inspection",
        "judge",
        &id,
        number,
        "--reopen",
        "--note",
        "asked to",
    ];
    let reopened = person("auditor", &reopen);
    assert!(reopened.out.contains("reopened: asked to"), "{reopened:?}");
    person("officer", &more);
    person("auditor", &judge);
    let shown = person("auditor", &["inspection", "show", &id]);
    for part in [
        "wrong number typed, twice",
        "인정 / accepted: plausible",
        "근거 기록",
        "기간",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let about = made[0]["sheet"]["findings"].as_array().unwrap();
    let about = about.iter().find(|f| f["rule"] == "denied_many").unwrap();
    let index = about["entries"][0].to_string();
    let entries = ["--json", "log", "entries", "--index", &index];
    let entry = person("auditor", &entries).rows();
    assert_eq!((entry.len(), entry[0]["index"].to_string()), (1, index));
    let shown = person("auditor", &["--json", "inspection", "show", &id]).rows();
    let hash = shown[0]["hash"].as_str().unwrap();
    let sign = [
        "inspection",
        "sign",
        &id,
        "--hash",
        hash,
        "--statement",
        "month goes on",
    ];
    run(program.person("admin", &sign)).expect(3);
    let signed = person("auditor", &sign);
    assert!(signed.out.contains("intact: true"), "{signed:?}");
    let report = program.file("report.html");
    let report = report.to_str().unwrap();
    person("auditor", &["inspection", "report", &id, "--out", report]);
    assert!(std::fs::read_to_string(report).unwrap().contains("<svg"));
    let list = person("auditor", &["inspection", "list"]);
    assert!(list.out.contains(&id), "{list:?}");
}

/// An export that has left and is to be destroyed by then.
pub fn taken_out(world: &World, cases: &[&str], destroy_by: &str) -> String {
    taken_out_for(world, "officer", cases, destroy_by)
}

/// The same, for which somebody else answers.
pub fn taken_out_for(world: &World, responsible: &str, cases: &[&str], destroy_by: &str) -> String {
    let mut body = order(&json!({ "cases": cases }), "csv");
    body["recipient"] = Receiver::new().key();
    body["destroy_by"] = json!(destroy_by);
    body["responsible"] = json!(responsible);
    let begun = begin(world, "officer", &body).expect(202);
    let serial = text(&begun["serial"]);
    ended(world, "officer", &serial);
    let path = format!("/exports/{serial}/content");
    assert_eq!(world.get("officer", &path).status, 200);
    serial
}

#[test]
fn copies_past_their_date_and_alerts_that_nobody_saw_are_findings_until_they_are_dealt_with() {
    let (mut world, clock) = office("2026-10-14T23:00:00+09:00");
    let cases = [(); 2].map(|()| world.register("intake", &ordinary()));
    // More than one case at night: an alert.
    let late = taken_out(&world, &[&cases[0], &cases[1]], "2026-10-20T00:00:00+09:00");
    taken_out(&world, &[&cases[0]], "2027-10-20T00:00:00+09:00");
    let copies = |view: &Value| view["sheet"]["copies"].clone();
    let early = make(&world, "2026-10");
    assert!(found(&early).contains(&pair("open_alert", "-")), "{early}");
    assert!(!found(&early).contains(&pair("copy_out", "officer")));
    assert_eq!(copies(&early), json!({"total": 2, "overdue": 0}));

    later(&mut world, &clock, 7 * DAY);
    let view = make(&world, "2026-10");
    let findings = view["sheet"]["findings"].as_array().unwrap();
    let copy = findings.iter().find(|f| f["rule"] == "copy_out").unwrap();
    assert!(found(&view).contains(&pair("copy_out", "officer")));
    assert_eq!(copy["count"], 1);
    assert_eq!(copies(&view), json!({"total": 2, "overdue": 1}));
    let index = copy["entries"][0].as_u64().unwrap();
    let entries = world.log("&task=export");
    let entry = entries
        .iter()
        .find(|entry| entry["index"] == index)
        .unwrap();
    assert_eq!(entry["cases"].as_array().unwrap().len(), 2);
    let page = world.get("auditor", &format!("/inspections/{}/report", id(&view)));
    let page = String::from_utf8(page.bytes).unwrap();
    assert!(page.contains("Copies out (overdue)") && page.contains("2 (1)"));

    let told = world.get("privacy", "/alerts").expect(200);
    let alert = text(&told["rows"][0]["id"]);
    let note = json!({"note": "agreed with the lead"});
    let path = format!("/alerts/{alert}/acknowledge");
    world.post("privacy", &path, &note).expect(200);
    let body = json!({"method": "삭제"});
    let path = format!("/outputs/{late}/close");
    world.post("officer", &path, &body).expect(200);
    let after = make(&world, "2026-10");
    let rules: Vec<String> = found(&after).into_iter().map(|(rule, _)| rule).collect();
    assert!(!rules.contains(&"copy_out".to_owned()), "{rules:?}");
    assert!(!rules.contains(&"open_alert".to_owned()), "{rules:?}");
    assert_eq!(copies(&after), json!({"total": 1, "overdue": 0}));
    // What was made before stays as it was.
    let path = format!("/inspections/{}", id(&view));
    let again = world.get("auditor", &path).expect(200);
    assert_eq!(
        (copies(&again), &again["hash"]),
        (copies(&view), &view["hash"])
    );
}
