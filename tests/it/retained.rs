//! What another law keeps: drawn, locked away from everybody but custodians with a second person,
//! handed over, ended.

use std::sync::Arc;
use std::time::Duration;

use bongham::domain::time::{Clock, SteppedClock, Timestamp};
use bongham::retained::handover;
use bongham::service::{ServiceError, repair};
use serde_json::{Value, json};

use crate::thief::{self, Image, apart};
use crate::world::{PASSPHRASE, Reply, World, ordinary, secret, sensitive, walk};

/// A public key of nobody's (RFC 7748 §6.1, Bob's).
pub const ARCHIVE: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

/// A body that draws everything of a case.
pub fn drawing(purpose: &str) -> Value {
    json!({"purpose": purpose, "parts": ["narrative", "people"], "law": "전자상거래법",
        "article": "제6조", "items": "성명, 연락처, 민원 내용", "until": "2031-01-01T00:00:00+09:00"})
}

fn draw(world: &World, login: &str, case: &str, body: &Value) -> Reply {
    world.post(login, &format!("/cases/{case}/retained"), body)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A case of this draft, drawn by who handles it; gives the item.
pub fn drawn(world: &World, draft: &Value) -> String {
    drawn_as(world, draft, &drawing("handling"))
}

/// The same, of these parts of it.
pub fn drawn_as(world: &World, draft: &Value, drawing: &Value) -> String {
    let case = world.register("intake", draft);
    let login = match draft["tier"].as_str() {
        Some("sensitive") => "rights",
        _ => "officer",
    };
    text(&draw(world, login, &case, drawing).expect(201)["item"])
}

/// Asks for a second person as the custodian, who approves; gives the approval.
pub fn approved(world: &World, path: &str, body: &Value) -> Value {
    let asked = world.post("custodian", path, body).expect(202);
    let id = text(&asked["approval"]);
    world.approve(&id).expect(200);
    asked["approval"].clone()
}

fn opening(world: &World, item: &str) -> Reply {
    let path = format!("/retained/{item}/open");
    let mut body = json!({"purpose": "legal", "reason": "a court asks for it"});
    body["approval"] = approved(world, &path, &body);
    world.post("custodian", &path, &body)
}

fn items(world: &World, query: &str) -> Vec<Value> {
    let page = world.get("custodian", &format!("/retained{query}"));
    page.expect(200)["rows"].as_array().unwrap().clone()
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (status, code));
}

fn ledger_size(world: &World) -> u64 {
    let checkpoint = world.get("auditor", "/ledger/checkpoint");
    let text = String::from_utf8(checkpoint.bytes).unwrap();
    text.lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_custodian_opens_with_a_second_person_and_never_alone() {
    let world = World::new();
    let case = world.register("intake", &sensitive());
    let item = text(&draw(&world, "rights", &case, &drawing("handling")).expect(201)["item"]);
    let path = format!("/retained/{item}/open");
    let body = json!({"purpose": "legal", "reason": "court order"});
    let asked = world.post("custodian", &path, &body).expect(202);

    let with = |reason: &str, approval: &Value| {
        let body = json!({"purpose": "legal", "reason": reason, "approval": approval});
        world.post("custodian", &path, &body)
    };
    refused(
        &with("court order", &asked["approval"]),
        409,
        "not_approved",
    );
    world.approve(&text(&asked["approval"])).expect(200);
    refused(
        &with("another reason", &asked["approval"]),
        409,
        "not_approved",
    );
    let reply = with("court order", &asked["approval"]);
    assert!(reply.headers.contains_key("bongham-log"));
    let opened = reply.expect(200);
    assert_eq!(opened["law"], "전자상거래법");
    let parts = opened["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 3);
    assert_eq!(parts[0]["narrative"], sensitive()["narrative"]);
    assert_eq!(parts[1]["name"], "임꺽정");
    assert_eq!(parts[1]["telephone"], "010-0000-5678");
    // Once.
    refused(&with("court order", &asked["approval"]), 410, "expired");

    // Every step is an entry: two people among the subjects of the one that disclosed.
    let entries = world.log("&task=open_retained");
    let shown: Vec<u64> = entries
        .iter()
        .map(|e| e["people"].as_array().map_or(0, Vec::len) as u64)
        .collect();
    assert_eq!(
        entries.iter().filter(|e| e["decision"] == "allow").count(),
        5,
        "{entries:#?}"
    );
    assert_eq!(shown.iter().filter(|n| **n == 2).count(), 1, "{entries:#?}");
}

#[test]
fn the_work_knows_nothing_of_what_is_kept_apart() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let before = world.get("officer", "/cases?purpose=handling").expect(200);
    let item = text(&draw(&world, "officer", &case, &drawing("handling")).expect(201)["item"]);
    let after = world.get("officer", "/cases?purpose=handling").expect(200);
    assert_eq!(before, after);
    for login in ["officer", "privacy", "custodian", "admin"] {
        assert_ne!(world.read(login, &item, "legal").status, 200);
    }
    // The custodian has no part in the case either; a stranger learns nothing from a bad body, a
    // bad id or another method.
    refused(
        &world.read("custodian", &case, "legal"),
        403,
        "role_refused",
    );
    let absent = world.get("officer", "/no-such-route");
    let body = json!({"nonsense": true});
    for reply in [
        world.get("officer", "/retained?nonsense=1"),
        world.post("officer", &format!("/retained/{item}/open"), &body),
        world.post("officer", "/retained/x/open", &body),
        world.post("officer", "/retained/hand-over", &body),
        world.put("officer", "/retained", &body),
    ] {
        assert_eq!((reply.status, &reply.bytes), (404, &absent.bytes));
    }
    assert_eq!(items(&world, "").len(), 1);
}

#[test]
fn nothing_is_drawn_without_law_end_and_custodian() {
    let mut world = World::new();
    let case = world.register("intake", &ordinary());
    let with = |field: &str, value: Value| {
        let mut body = drawing("handling");
        body[field] = value;
        draw(&world, "officer", &case, &body)
    };
    for (field, value) in [
        ("law", json!("")),
        ("article", json!(" ")),
        ("items", json!("홍길동 010-0000-1234")),
        ("until", json!("2001-01-01T00:00:00+09:00")),
        ("until", json!("soon")),
        ("parts", json!([])),
        ("units", json!(["1"])),
    ] {
        refused(&with(field, value), 422, "invalid");
    }
    let mut without = drawing("handling");
    without.as_object_mut().unwrap().remove("until");
    refused(&draw(&world, "officer", &case, &without), 400, "malformed");
    assert_eq!(items(&world, "").len(), 0);

    // One person of the case alone.
    let shown = world.read("officer", &case, "handling").expect(200);
    let person = json!([shown["people"][0]["id"]]);
    let mut body = drawing("handling");
    (body["parts"], body["units"]) = (json!([]), person);
    draw(&world, "officer", &case, &body).expect(201);
    assert_eq!(items(&world, "")[0]["kinds"], json!(["person"]));

    let path = format!("/api/v1/accounts/{}/disable", world.ids["custodian"]);
    world
        .send("POST", &path, world.token("admin"), None)
        .expect(200);
    let reply = draw(&world, "officer", &case, &drawing("handling"));
    refused(&reply, 409, "no_recipient");
    world.log_in("officer");
}

#[test]
fn drawing_the_same_again_gives_the_same_item_and_one_entry_of_the_ledger() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let first = draw(&world, "officer", &case, &drawing("handling")).expect(201);
    let size = ledger_size(&world);
    let again = draw(&world, "officer", &case, &drawing("handling")).expect(201);
    assert_eq!(first, again);
    assert_eq!((items(&world, "").len(), ledger_size(&world)), (1, size));
    // The control: another ground is another item.
    let mut other = drawing("handling");
    other["article"] = json!("제7조");
    let other = draw(&world, "officer", &case, &other).expect(201);
    assert_ne!(first, other);
    assert_eq!(
        (items(&world, "").len(), ledger_size(&world)),
        (2, size + 1)
    );
}

#[test]
fn the_ledger_tells_of_it_without_a_person() {
    let world = World::new();
    let item = drawn(&world, &sensitive());
    let bundle = world.get("auditor", "/ledger/bundle").bytes;
    let text = String::from_utf8_lossy(&bundle);
    assert!(text.contains("retained") && text.contains(&item), "{text}");
    for secret in ["임꺽정", "변학도", "괴롭힘"] {
        assert!(!text.contains(secret));
    }
}

#[test]
fn a_thief_of_everything_opens_it_only_with_a_custodians_password() {
    let world = World::new();
    let item = drawn(&world, &sensitive());
    let image = Image::of(&world);
    // All bytes, the passphrase, and the passwords of everybody else.
    let keyring = thief::keyring(&image);
    let rows = image.rows(&keyring);
    let others = [
        "admin", "privacy", "privacy2", "officer", "rights", "rights2", "auditor", "intake",
    ];
    let keys: Vec<_> = others
        .iter()
        .filter_map(|login| rows.private_key(&world, &keyring, login))
        .collect();
    assert_eq!(keys.len(), others.len());
    assert_eq!(apart(&image, &item, &keys, &keyring), "");
    // The control: one custodian's password.
    let key = rows.private_key(&world, &keyring, "custodian").unwrap();
    let found = apart(&image, &item, &[key], &keyring);
    assert!(
        found.contains("임꺽정") && found.contains("폭언"),
        "{found}"
    );
    // Nothing lies there in clear, and no name of a case or person in a file's name.
    let mut files = Vec::new();
    walk(&world.settings.data.join("retained"), &mut files);
    assert!(files.len() > 1);
    for (path, bytes) in files {
        for word in ["임꺽정", "전자상거래법", item.as_str()] {
            let seen = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!seen, "{word} in {}", path.display());
        }
    }
}

#[test]
fn a_crash_after_the_copy_leaves_both_and_a_missing_separate_store_refuses() {
    let world = World::new();
    let case = world.register("intake", &sensitive());
    let item = text(&draw(&world, "rights", &case, &drawing("handling")).expect(201)["item"]);
    let settings = world.settings.clone();
    let _dir = world.vanish();
    // Another copy of the directories, as the first process still holds them.
    let copy = tempfile::tempdir().unwrap();
    thief::copy(settings.data.parent().unwrap(), copy.path());
    let settings = crate::world::settings(copy.path());
    let mut world = World::over(&settings).unwrap();
    for login in ["rights", "custodian", "privacy", "auditor"] {
        world.log_in(login);
    }
    let original = world.read("rights", &case, "handling").expect(200);
    let kept = opening(&world, &item).expect(200);
    assert_eq!(kept["parts"][0]["narrative"], original["narrative"]);
    world.service.close().unwrap();

    let found = |work: Repair| {
        let random = Arc::new(bongham::domain::random::SystemSource::default());
        let clock = Arc::new(bongham::domain::time::SystemClock::default());
        work(&settings, &secret(PASSPHRASE), random, clock)
    };
    let checked = found(repair::fsck).unwrap();
    assert_eq!(checked.violations, Vec::<String>::new());
    let one = "items kept apart: 1".to_owned();
    assert!(checked.lines.contains(&one), "{:?}", checked.lines);
    found(repair::rebuild_index).unwrap();
    assert!(found(repair::fsck).unwrap().lines.contains(&one));

    // An older state of the separate store is found out.
    let retained = settings.data.join("retained");
    let away = settings.data.join("away");
    std::fs::rename(&retained, &away).unwrap();
    assert_eq!(
        found(repair::fsck).err(),
        Some(ServiceError::RetainedMissing)
    );
    assert_eq!(
        found(repair::rebuild_index).err(),
        Some(ServiceError::RetainedMissing)
    );
    assert!(!retained.exists(), "an empty one was made");
    assert_eq!(
        World::over(&settings).err(),
        Some(ServiceError::RetainedMissing)
    );
    std::fs::rename(&away, &retained).unwrap();
    assert!(World::over(&settings).is_ok());
}

type Repair = fn(
    &bongham::service::Settings,
    &bongham::keyring::UnsealSecret,
    Arc<dyn bongham::domain::random::Random>,
    Arc<dyn Clock>,
) -> Result<repair::Findings, ServiceError>;

#[test]
fn an_archive_opens_what_was_handed_over() {
    let world = World::new();
    let ids = [drawn(&world, &sensitive()), drawn(&world, &ordinary())];
    let random = bongham::domain::random::SystemSource::default();
    let (key_file, public) = handover::new_key_pair(&random).unwrap();
    let mut body = json!({"items": ids, "public_key": public, "reason": "transfer 2026"});
    let bad = json!({"items": ids, "public_key": "00".repeat(32), "reason": "transfer"});
    let refused_key = world.post("custodian", "/retained/hand-over", &bad);
    refused(&refused_key, 422, "invalid");

    let size = ledger_size(&world);
    body["approval"] = approved(&world, "/retained/hand-over", &body);
    let mut other = body.clone();
    other["public_key"] = json!(ARCHIVE);
    let elsewhere = world.post("custodian", "/retained/hand-over", &other);
    refused(&elsewhere, 409, "not_approved");
    let reply = world.post("custodian", "/retained/hand-over", &body);
    assert_eq!(reply.status, 200);
    assert_eq!(ledger_size(&world), size + 1);
    for word in ["임꺽정", "홍길동", "폭언"] {
        let clear = reply
            .bytes
            .windows(word.len())
            .any(|w| w == word.as_bytes());
        assert!(!clear, "{word} goes out in clear");
    }
    let received = handover::read(&reply.bytes, &key_file).unwrap();
    let received = serde_json::to_value(received).unwrap();
    assert_eq!(received[0]["law"], "전자상거래법");
    assert_eq!(received[0]["parts"][1]["content"]["name"], "임꺽정");
    assert_eq!(received[1]["parts"][1]["content"]["name"], "홍길동");
    // They stay until their end.
    assert_eq!(items(&world, "").len(), 2);
}

#[test]
fn an_item_whose_end_has_come_is_proposed_and_ordered_by_two() {
    let start = Timestamp::parse_rfc3339("2026-11-23T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(start));
    let mut world = World::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let item = drawn(&world, &ordinary());
    let path = format!("/retained/{item}/destruction");
    let mut body = json!({"reason": "term over"});
    refused(&world.post("custodian", &path, &body), 422, "invalid");
    assert_eq!(items(&world, "?due=true").len(), 0);

    clock.advance(Duration::from_secs(6 * 365 * 24 * 3600));
    for login in ["custodian", "privacy"] {
        world.log_in(login);
    }
    let due = items(&world, "?due=true");
    assert_eq!((due.len(), &due[0]["due"]), (1, &json!(true)));
    body["approval"] = approved(&world, &path, &body);
    let ordered = world.post("custodian", &path, &body).expect(201);
    assert_eq!(ordered["destruction"].as_str().unwrap().len(), 26);
    // Ordered once: the ledger counts no unit twice.
    let again = json!({"reason": "term over"});
    refused(&world.post("custodian", &path, &again), 409, "conflict");
    // Nothing is destroyed before the order is carried out.
    opening(&world, &item).expect(200);
}

/// Live store and separate store of different moments, opened together.
fn mixed(live: &Image, apart: &Image) -> (tempfile::TempDir, bongham::service::Settings) {
    let dir = tempfile::tempdir().unwrap();
    thief::copy(&live.path().join("data"), &dir.path().join("data"));
    let retained = dir.path().join("data/retained");
    std::fs::remove_dir_all(&retained).unwrap();
    thief::copy(&apart.path().join("data/retained"), &retained);
    thief::copy(&apart.path().join("keyring"), &dir.path().join("keyring"));
    let settings = crate::world::settings(dir.path());
    (dir, settings)
}

fn fsck(settings: &bongham::service::Settings) -> repair::Findings {
    let random = Arc::new(bongham::domain::random::SystemSource::default());
    let clock = Arc::new(bongham::domain::time::SystemClock::default());
    repair::fsck(settings, &secret(PASSPHRASE), random, clock).unwrap()
}

#[test]
fn a_crash_between_copy_and_ledger_leaves_the_original_and_the_copy_is_made_anew() {
    let world = World::new();
    let case = world.register("intake", &sensitive());
    let before = Image::of(&world);
    let cut_short = text(&draw(&world, "rights", &case, &drawing("handling")).expect(201)["item"]);
    let after = Image::of(&world);
    // The copy is durable and the batch of the live store is not.
    let (_dir, settings) = mixed(&before, &after);
    let mut world = World::over(&settings).unwrap();
    for login in ["rights", "custodian", "privacy", "auditor"] {
        world.log_in(login);
    }
    world.read("rights", &case, "handling").expect(200);
    assert_eq!(items(&world, "")[0]["entered"], false);
    let size = ledger_size(&world);
    let anew = text(&draw(&world, "rights", &case, &drawing("handling")).expect(201)["item"]);
    assert_ne!(anew, cut_short);
    let listed = items(&world, "");
    assert_eq!((listed.len(), &listed[0]["entered"]), (1, &json!(true)));
    // The new copy, and the end of the keys of the one that was cut short.
    assert_eq!(ledger_size(&world), size + 2);
    opening(&world, &anew).expect(200);
    world.service.close().unwrap();
    assert_eq!(fsck(&settings).violations, Vec::<String>::new());
}

#[test]
fn a_separate_store_that_was_set_back_is_found_out() {
    let world = World::new();
    let before = Image::of(&world);
    let item = drawn(&world, &ordinary());
    let after = Image::of(&world);
    let (_dir, settings) = mixed(&after, &before);
    // The keys of the item are in the later keyring, which is the one in use.
    let keyring = settings.keyring.clone();
    std::fs::remove_dir_all(&keyring).unwrap();
    thief::copy(&after.path().join("keyring"), &keyring);
    let violations = fsck(&settings).violations;
    assert!(
        violations.len() == 1 && violations[0].contains(&item),
        "{violations:?}"
    );
    let (_dir, whole) = mixed(&after, &after);
    assert_eq!(fsck(&whole).violations, Vec::<String>::new());
}

#[test]
fn a_later_custodian_opens_what_an_earlier_one_shares() {
    let mut world = World::new();
    let item = drawn(&world, &ordinary());
    world.invite("keeper", &["retention_custodian"], None);
    let path = format!("/retained/{item}/open");
    let mut asked = json!({"purpose": "legal", "reason": "a court asks"});
    refused(&world.post("keeper", &path, &asked), 409, "conflict");
    let share = |login: &str| world.post(login, "/retained/share", &json!({})).expect(200);
    assert_eq!(share("keeper"), json!({"items": 0, "closed": 1}));
    assert_eq!(share("custodian"), json!({"items": 1, "closed": 0}));
    assert_eq!(share("custodian"), json!({"items": 0, "closed": 0}));

    let approval = world.post("keeper", &path, &asked).expect(202)["approval"].clone();
    world.approve(&text(&approval)).expect(200);
    asked["approval"] = approval;
    let opened = world.post("keeper", &path, &asked).expect(200);
    assert_eq!(opened["parts"][1]["name"], "홍길동");
    opening(&world, &item).expect(200);
}
