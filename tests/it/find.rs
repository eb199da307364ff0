//! Search over sealed data: who finds what, in which spelling, and what a thief learns.

use bongham::cases::search::SearchField;
use bongham::engine::Pending;
use bongham::keyring::{Keyring, UnsealCost};
use serde_json::{Value, json};

use crate::thief::{Image, keyring};
use crate::world::{World, ordinary, password, secret, sensitive};

const PHONE: &str = "010-0000-1234";

fn draft() -> Value {
    json!({
        "tier": "ordinary", "department": "civil", "channel": "visit", "class": "도로",
        "title": "보도블록 파손", "narrative": "역 앞 보도블록이 깨져 있습니다.",
        "people": [
            {"part": "petitioner", "name": "홍 길동", "telephone": "+82 10-0000-1234",
             "email": "Hong@Example.org", "address": "서울 종로구 세종대로 110",
             "note": "900101-1234567"},
            {"part": "subject", "name": "900101-1234567"}
        ],
        "external_number": "1AA-2412-0152653",
        "assignees": ["officer"]
    })
}

fn ask(world: &World, login: &str, field: &str, value: &str, purpose: &str) -> crate::world::Reply {
    let body = json!({"field": field, "value": value, "purpose": purpose});
    world.post(login, "/searches", &body)
}

/// Ids of the cases found.
#[track_caller]
fn find(world: &World, login: &str, field: &str, value: &str, purpose: &str) -> Vec<String> {
    let page = ask(world, login, field, value, purpose).expect(200);
    assert_eq!(page["next"], Value::Null);
    let rows = page["rows"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Puts the whole index under a new key at once.
pub fn rotate(world: &World) {
    let service = std::sync::Arc::clone(&world.service);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let done = service.call(|store| store.rotate_index().map(|()| Pending::ready(Ok(()))));
    runtime.block_on(done).unwrap();
}

#[test]
fn an_ordinary_case_is_found_by_every_field_in_every_spelling() {
    let world = World::new();
    let draft = draft();
    let registered = world.post("intake", "/cases", &draft).expect(201);
    let text = |key: &str| registered[key].as_str().unwrap().to_owned();
    let (case, number, receipt) = (text("id"), text("number"), text("receipt"));
    let another = world.register("intake", &ordinary());
    let both = vec![case.clone(), another];
    let only = vec![case];
    for (field, value, found) in [
        ("name", "홍길동", &both),
        ("name", " 홍　길 동", &both),
        ("name", "홍길", &vec![]),
        ("telephone", "01000001234", &both),
        ("telephone", "0082 10 0000 1234", &both),
        ("telephone", "０１０－００００－１２３４", &both),
        ("telephone", "010-0000-1235", &vec![]),
        ("email", "hong@example.ORG", &only),
        ("email", "hong@example.com", &vec![]),
        ("address", "서울 종로구 세종대로110", &only),
        ("address", "서울 종로구 세종대로 111", &vec![]),
        ("number", "1aa 2412 0152653", &only),
        ("number", &number, &only),
        ("number", &number.replace('-', "–"), &only),
        ("number", &receipt.to_lowercase(), &only),
        ("number", "2026-999999", &vec![]),
        // A value of one field is none of another.
        ("name", PHONE, &vec![]),
    ] {
        for (login, purpose) in [
            ("officer", "handling"),
            ("lead", "supervision"),
            ("coordinator", "supervision"),
            ("intake", "intake"),
            ("privacy", "subject_request"),
        ] {
            let came = find(&world, login, field, value, purpose);
            assert_eq!(&came, found, "{login} by {field}: {value}");
        }
    }
    let row = &ask(&world, "officer", "number", &number, "handling").expect(200)["rows"][0];
    let listed = world.get("officer", "/cases?purpose=handling").expect(200);
    assert_eq!(row, &listed["rows"][0], "the row is the list's");
}

#[test]
fn pages_follow_the_order_of_registration() {
    let world = World::new();
    let cases: Vec<String> = (0..5)
        .map(|_| world.register("intake", &ordinary()))
        .collect();
    let (mut found, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let body = json!({"field": "telephone", "value": PHONE, "purpose": "handling",
            "limit": 2, "cursor": cursor});
        let page = world.post("officer", "/searches", &body).expect(200);
        let rows = page["rows"].as_array().unwrap().iter();
        found.extend(rows.map(|row| row["id"].as_str().unwrap().to_owned()));
        cursor = page["next"].clone();
        pages += 1;
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((found, pages), (cases, 3));
}

#[test]
fn nobody_finds_what_a_list_would_not_show_them() {
    let mut world = World::new();
    world.invite("stranger", &["officer"], Some("welfare"));
    let case = world.register("intake", &ordinary());
    let mine = vec![case];
    assert_eq!(
        find(&world, "officer", "telephone", PHONE, "handling"),
        mine
    );
    assert_eq!(
        find(&world, "privacy", "telephone", PHONE, "subject_request"),
        mine
    );
    // Of the same department, but not theirs; of another department.
    for login in ["officer2", "stranger", "rights"] {
        let absent = ask(&world, login, "telephone", "010-9999-9999", "handling");
        let there = ask(&world, login, "telephone", PHONE, "handling");
        assert_eq!(there.status, 200);
        assert_eq!(there.bytes, absent.bytes, "{login}");
        assert_eq!(there.json(), json!({"rows": [], "next": null}));
    }
    for (login, purpose) in [
        ("admin", "handling"),
        ("auditor", "audit"),
        ("lead", "handling"),
    ] {
        ask(&world, login, "telephone", PHONE, purpose).expect(403);
    }
}

#[test]
fn a_sensitive_case_is_found_by_its_holder_alone() {
    let world = World::new();
    let registered = world.post("intake", "/cases", &sensitive()).expect(201);
    let case = registered["id"].as_str().unwrap().to_owned();
    let receipt = registered["receipt"].as_str().unwrap();
    for (field, value) in [
        ("name", "임 꺽정"),
        ("name", "변학도"),
        ("telephone", "+82-10-0000-5678"),
        ("number", receipt),
        ("number", "2026-S-000001"),
    ] {
        let mine = vec![case.clone()];
        let year = world.read("rights", &case, "handling").expect(200);
        let number = year["number"].as_str().unwrap();
        let value = if value.contains("-S-") { number } else { value };
        assert_eq!(
            find(&world, "rights", field, value, "handling"),
            mine,
            "{field}"
        );
        for (login, purpose) in [
            ("rights2", "handling"),
            ("officer", "handling"),
            ("lead", "supervision"),
            ("coordinator", "supervision"),
            ("intake", "intake"),
            ("privacy", "subject_request"),
        ] {
            let none: Vec<String> = Vec::new();
            assert_eq!(
                find(&world, login, field, value, purpose),
                none,
                "{login} {field}"
            );
        }
    }
    assert_eq!(find(&world, "rights", "name", "임꺽", "handling").len(), 0);
}

#[test]
fn a_search_is_one_entry_that_names_whom_it_opened_and_never_the_value() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    find(&world, "officer", "telephone", PHONE, "handling");
    let entries = world.log("&task=search");
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(entry["query"], "search:telephone", "{entry}");
    assert_eq!(entry["cases"], json!([case]));
    assert_eq!(entry["people"].as_array().unwrap().len(), 1);
    assert!(!entry.to_string().contains("1234"));

    // The scan of a holder opens both people of the case, and says so although none matched.
    let own = world.register("intake", &sensitive());
    find(&world, "rights", "name", "아무개", "handling");
    let entry = &world.log("&task=search")[0];
    assert_eq!(entry["cases"], json!([own]));
    assert_eq!(entry["people"].as_array().unwrap().len(), 2);
    // Nothing was opened, so nothing is named.
    find(&world, "officer2", "telephone", PHONE, "handling");
    let entry = &world.log("&task=search")[0];
    assert_eq!(
        (&entry["cases"], &entry["people"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn resident_numbers_are_neither_searched_for_nor_indexed() {
    let world = World::new();
    world.register("intake", &draft());
    for field in ["name", "telephone", "email", "address", "number"] {
        let refused = ask(&world, "officer", field, "900101-1234567", "handling");
        let problem = refused.expect(422);
        assert_eq!(
            (&problem["code"], &problem["field"]),
            (&json!("invalid"), &json!("value"))
        );
        assert!(!problem.to_string().contains("900101"), "{problem}");
    }
    // Name, telephone, e-mail and address of the one, number of the case, nothing of the other.
    let image = Image::of(&world);
    let rows = image.rows(&keyring(&image)).postings();
    assert_eq!(rows.iter().filter(|(key, _)| key.len() == 24).count(), 5);
    assert_eq!(rows.iter().filter(|(key, _)| key.len() == 16).count(), 2);
    for empty in ["", "  ", "없음"] {
        ask(&world, "officer", "telephone", empty, "handling").expect(422);
    }
}

#[test]
fn a_change_of_tier_moves_a_case_out_of_the_index_and_back() {
    let world = World::new();
    let case = world.register("intake", &draft());
    let move_to = |login: &str, tier: &str, to: &str| {
        let body = json!({"purpose": "handling", "tier": tier, "assignees": [to],
            "reason": "it was the other kind"});
        let path = format!("/cases/{case}/classification");
        world.put(login, &path, &body).expect(200);
    };
    let postings = || {
        let image = Image::of(&world);
        image.rows(&keyring(&image)).postings().len()
    };
    let found = |login: &str, field, value| find(&world, login, field, value, "handling");
    let rows = postings();
    assert_eq!(rows, 5 + 2);
    move_to("officer", "sensitive", "rights");
    assert_eq!(postings(), 0, "nothing of it is left in the index");
    assert_eq!(found("officer", "telephone", PHONE).len(), 0);
    assert_eq!(found("rights", "telephone", PHONE).len(), 1);
    assert_eq!(found("rights", "number", "1AA-2412-0152653").len(), 1);
    move_to("rights", "ordinary", "officer");
    assert_eq!(postings(), rows);
    assert_eq!(found("officer", "telephone", PHONE).len(), 1);
    assert_eq!(found("officer", "number", "1AA-2412-0152653").len(), 1);
    assert_eq!(found("rights", "telephone", PHONE).len(), 0);
}

#[test]
fn two_departments_have_nothing_in_common_for_one_value() {
    let world = World::new();
    world.register("intake", &ordinary());
    let image = Image::of(&world);
    let root = keyring(&image);
    let rows = image.rows(&root);
    let guess = |department| rows.guessed(&root, department, SearchField::Telephone, PHONE);
    assert_eq!((guess("civil"), guess("welfare")), (1, 0));
}

#[test]
fn a_new_epoch_finds_everything_and_the_old_tokens_are_dead() {
    let mut world = World::new();
    let case = world.register("intake", &draft());
    let before = Image::of(&world);
    let old_root = keyring(&before);
    let old_rows = before.rows(&old_root).postings();
    rotate(&world);
    let mine = vec![case];
    assert_eq!(
        find(&world, "officer", "telephone", PHONE, "handling"),
        mine
    );
    let after = Image::of(&world);
    let root = keyring(&after);
    assert!(root.older_index_epoch().is_none());
    let rows = after.rows(&root);
    let now = rows.postings();
    assert_eq!(now.len(), old_rows.len());
    let tokens = |rows: &[(Vec<u8>, usize)]| -> Vec<Vec<u8>> {
        let keys = rows.iter().filter(|(key, _)| key.len() == 24);
        keys.map(|(key, _)| key[..16].to_vec()).collect()
    };
    let old = tokens(&old_rows);
    assert!(tokens(&now).iter().all(|token| !old.contains(token)));

    // The keyring of today says nothing about the rows of yesterday; that of yesterday did.
    let guess = |rows: &crate::thief::Rows, root: &Keyring| {
        rows.guessed(root, "civil", SearchField::Telephone, PHONE)
    };
    let yesterday = before.rows(&root);
    assert_eq!(guess(&yesterday, &root), 0);
    assert_eq!(guess(&yesterday, &old_root), 1, "the control");
    assert_eq!(guess(&rows, &root), 1);
    // Over and over, over a restart, and for what is registered after it.
    rotate(&world);
    world.restart();
    rotate(&world);
    world.register("intake", &ordinary());
    assert_eq!(
        find(&world, "officer", "telephone", PHONE, "handling").len(),
        2
    );
}

#[test]
fn a_thief_without_keyring_cannot_test_a_number_and_root_only_ordinary_ones() {
    let world = World::new();
    world.register("intake", &ordinary());
    let mut hidden = sensitive();
    hidden["department"] = json!("civil");
    hidden["assignees"] = json!(["rights"]);
    world.register("intake", &hidden);
    let image = Image::of(&world);
    let root = keyring(&image);
    let rows = image.rows(&root);
    let guess = |root: &Keyring, value| rows.guessed(root, "civil", SearchField::Telephone, value);

    // Every file, every row laid open, the ids of the departments: but keys of another keyring.
    let own = tempfile::tempdir().unwrap();
    let (random, clock) = (
        bongham::domain::random::SystemSource::default(),
        bongham::domain::time::SystemClock::default(),
    );
    let guessed = Keyring::init(
        own.path(),
        &secret(&password("thief")),
        UnsealCost::minimal_for_tests(),
        std::sync::Arc::new(random),
        std::sync::Arc::new(clock),
    );
    assert_eq!(guess(&guessed.unwrap(), PHONE), 0);
    // The honest limit (security.md 3.7): root of a running server can, in ordinary cases.
    assert_eq!(guess(&root, PHONE), 1);
    assert_eq!(
        guess(&root, "010-0000-5678"),
        0,
        "a sensitive case has no token"
    );
}
