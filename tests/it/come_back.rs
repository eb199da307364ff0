//! Data and keyring lost together, and both brought back from copies of before: nothing that ended
//! since comes back with them. Each thing is tried as a person would and as a thief would, who has
//! the image, the passphrase and everybody's old password.

use std::path::{Path, PathBuf};

use bongham::service::restore::unpack_keyring;
use serde_json::{Value, json};

use crate::backup::{Office, logs_in};
use crate::program::run;
use crate::restored::opened;
use crate::thief::{Image, copy, keyring, loot};
use crate::world::{World, ordinary, password, sensitive};

const WORDS: &str = "the words of the copy alone";

/// People whose keys, passwords or rights end after the copies were made. Before, each logs in.
const ENDING: [&str; 5] = ["lead", "coordinator", "officer2", "rights3", "intake"];

/// An office that lost everything but copies, some from before and some from after the changes.
struct Lost {
    office: Office,
    /// The disk of before.
    image: Image,
    /// Cases: untouched, given to somebody else, made sensitive, made ordinary.
    cases: [String; 4],
    /// The used code of somebody who was invited before and enrolled after.
    code: String,
    ledger: String,
    log: String,
    /// Checkpoints that an auditor kept: before and after.
    kept: [String; 2],
}

fn put(world: &World, login: &str, path: &str, body: &Value) {
    world.put(login, path, body).expect(200);
}

fn account(world: &World, login: &str) -> String {
    let accounts = world.get("admin", "/accounts?limit=200").expect(200);
    let mut rows = accounts["rows"].as_array().unwrap().iter();
    let row = rows.find(|a| a["account"] == login).unwrap();
    row["id"].as_str().unwrap().to_owned()
}

fn invite(world: &World, login: &str, roles: &[&str], department: &str) -> Value {
    let body = json!({"account": login, "roles": roles, "department": department});
    world.post("admin", "/accounts", &body).expect(201)
}

fn enrol(world: &World, login: &str, code: &str, password: &str) -> u16 {
    let body = json!({"account": login, "code": code, "password": password});
    let reply = world.send("POST", "/api/v1/enrolments", None, Some(&body));
    reply.status
}

/// Whether a password that is not the usual one opens.
fn opens(world: &World, login: &str, password: &str) -> bool {
    let body = json!({"account": login, "password": password});
    let reply = world.send("POST", "/api/v1/sessions", None, Some(&body));
    reply.status == 201
}

const NEW_WORDS: &str = "quite-another-harbour-9";

impl Lost {
    fn new() -> Self {
        let mut world = World::new();
        world.invite("rights3", &["human_rights_officer"], Some("rights"));
        let newcomer = invite(&world, "newcomer", &["officer"], "civil");
        let code = newcomer["enrolment_code"].as_str().unwrap().to_owned();
        let mut civil = sensitive();
        civil["department"] = json!("civil");
        civil["assignees"] = json!(["rights"]);
        let cases = [sensitive(), sensitive(), ordinary(), civil];
        let cases = cases.map(|draft| world.register("intake", &draft));
        let image = Image::of(&world);
        let office = Office::of(world);
        let before = office.text("auditor", &["ledger", "checkpoint"], "kept.before");
        escrow(&office, "before.capsule");
        office.backup("before");

        let mut world = office.world();
        for login in ["admin", "privacy", "rights", "officer"] {
            world.log_in(login);
        }
        Self::change(&mut world, &cases, &code);
        world.leave();

        escrow(&office, "after.capsule");
        office.backup("after");
        let ledger = office.bundle("ledger", "ledger.bundle");
        let log = office.bundle("log", "log.bundle");
        let after = office.text("auditor", &["ledger", "checkpoint"], "kept.after");
        Self {
            office,
            image,
            cases,
            code,
            ledger,
            log,
            kept: [before, after],
        }
    }

    /// Everything that ends keys, passwords or rights.
    fn change(world: &mut World, cases: &[String; 4], code: &str) {
        let [_, moved, raised, lowered] = cases;
        let to = json!({"purpose": "handling", "assignees": ["rights2"]});
        put(world, "rights", &format!("/cases/{moved}/assignees"), &to);
        let sensitive = json!({"purpose": "handling", "tier": "sensitive",
            "assignees": ["rights"], "reason": "it names a victim"});
        let path = format!("/cases/{raised}/classification");
        put(world, "officer", &path, &sensitive);
        let ordinary = json!({"purpose": "handling", "tier": "ordinary",
            "assignees": ["officer"], "reason": "it is about a road"});
        let path = format!("/cases/{lowered}/classification");
        put(world, "rights", &path, &ordinary);

        let end = |login: &str, what: &str, body: &Value| {
            let path = format!("/accounts/{}/{what}", account(world, login));
            if what == "roles" {
                world.put("admin", &path, body).expect(200)
            } else {
                world.post("admin", &path, body).expect(200)
            }
        };
        end("lead", "disable", &json!({}));
        end("rights3", "roles", &json!({"roles": []}));
        end("intake", "roles", &json!({"roles": []}));
        for login in ["coordinator", "officer2"] {
            let id = account(world, login);
            world.ids.insert(login.to_owned(), id);
        }
        world.reset("coordinator");
        let again = world.reset("officer2");
        assert_eq!(enrol(world, "officer2", &again, NEW_WORDS), 201);
        assert_eq!(enrol(world, "newcomer", code, NEW_WORDS), 201);
    }

    fn keyring_of(&self, capsule: &str, to: &str) -> PathBuf {
        let bytes = std::fs::read(self.office.program.file(capsule)).unwrap();
        let words = bongham::domain::secret::SecretText::new(WORDS.to_owned());
        let at = self.office.path(to);
        unpack_keyring(&at, &bytes, &words).unwrap();
        at
    }

    /// The backup of that time, with a keyring that was unpacked, and what the logs must reach.
    fn restore(&self, backup: &str, data: &str, keyring: &str, more: &[&str]) {
        let dir = self.office.path(backup);
        run(self.office.restore(&dir, data, keyring, more)).expect(0);
    }
}

fn escrow(office: &Office, name: &str) {
    let own = office
        .program
        .note("capsule-passphrase", format!("{WORDS}\n"));
    let file = office.program.file(name);
    let args = [
        "keyring",
        "escrow",
        "--out",
        file.to_str().unwrap(),
        "--holder",
        "금고",
        "--capsule-passphrase-file",
        own.to_str().unwrap(),
    ];
    run(office.program.person("admin", &args)).expect(0);
}

/// What a thief gets out of the image of before with this keyring: of people, whose private keys
/// open; of cases, whose words.
fn stolen(lost: &Lost, world: &World, at: &Path) -> (Vec<&'static str>, Vec<bool>) {
    // The store has it in use.
    let own = at.with_extension("stolen");
    copy(at, &own);
    let opened = opened(&own);
    let rows = lost.image.rows(&keyring(&lost.image));
    let has = |login: &str| rows.private_key(world, &opened, login);
    let people = ENDING.into_iter().filter(|login| has(login).is_some());
    let people = people.collect();
    let keys: Vec<_> = ["rights", "rights2"]
        .iter()
        .filter_map(|l| has(l))
        .collect();
    assert_eq!(keys.len(), 2, "these live on");
    let images = [&lost.image];
    let opens = |case: &String| !loot(case, &keys, &images, &opened).is_empty();
    let cases = lost.cases.iter().map(opens).collect();
    (people, cases)
}

#[test]
fn nothing_that_ended_comes_back_with_an_old_keyring_and_an_old_backup() {
    let lost = Lost::new();
    let [kept, moved, raised, lowered] = &lost.cases;
    let [_, after] = &lost.kept;

    // Without anybody's word on the ledger it is not even begun.
    let at = lost.keyring_of("before.capsule", "keyring-back");
    let dir = lost.office.path("before");
    let bare = run(lost.office.restore(&dir, "new", "keyring-back", &[])).expect(1);
    assert!(bare.err.contains("--checkpoint"), "{bare:?}");
    // Nor with a ledger that ends before it.
    let cut = ["--checkpoint", after];
    let short = run(lost.office.restore(&dir, "new", "keyring-back", &cut)).expect(1);
    assert!(short.err.contains("--ledger"), "{short:?}");
    let proofs = [
        "--ledger",
        &lost.ledger,
        "--log",
        &lost.log,
        "--checkpoint",
        after,
    ];
    lost.restore("before", "new", "keyring-back", &proofs);

    let mut world = lost.office.world_in("new", "keyring-back");
    let (people, cases) = stolen(&lost, &world, &at);
    assert_eq!(people, ["intake"], "whose key lives on under fewer rights");
    assert_eq!(cases, [true, false, false, false]);
    for login in ENDING {
        assert_eq!(logs_in(&mut world, login), 401, "{login}");
    }
    assert_eq!(enrol(&world, "newcomer", &lost.code, NEW_WORDS), 401);
    // A failed try keeps everybody waiting a moment.
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    for login in ["rights", "rights2", "officer", "admin", "auditor"] {
        assert_eq!(logs_in(&mut world, login), 201, "{login}");
    }
    world.read("rights", kept, "handling").expect(200);
    for (login, case) in [("rights", moved), ("officer", raised), ("rights", lowered)] {
        assert_eq!(world.read(login, case, "handling").status, 404, "{case}");
    }
    let accounts = world.get("admin", "/accounts?limit=200").expect(200);
    let rows = accounts["rows"].as_array().unwrap();
    for login in ENDING.iter().chain(&["newcomer"]) {
        let row = rows.iter().find(|a| a["account"] == *login).unwrap();
        assert_eq!(row["state"], "disabled", "{login}");
        assert_eq!(row["roles"], json!([]), "{login}");
    }
    world.leave();
    // And it stays so.
    let mut world = lost.office.world_in("new", "keyring-back");
    assert_eq!(logs_in(&mut world, "officer2"), 401);
}

#[test]
fn without_the_ledger_of_after_it_would_and_copies_of_after_have_what_is_there_now() {
    let lost = Lost::new();
    let [kept, moved, raised, lowered] = &lost.cases;
    let [before, after] = &lost.kept;

    // The control: the same copies, and a ledger that ends with them.
    let at = lost.keyring_of("before.capsule", "keyring-then");
    lost.restore("before", "then", "keyring-then", &["--checkpoint", before]);
    let mut world = lost.office.world_in("then", "keyring-then");
    let (people, cases) = stolen(&lost, &world, &at);
    assert_eq!(people, ENDING);
    assert_eq!(cases, [true; 4]);
    for login in ENDING.iter().chain(&["rights", "officer"]) {
        assert_eq!(logs_in(&mut world, login), 201, "{login}");
    }
    assert_eq!(enrol(&world, "newcomer", &lost.code, NEW_WORDS), 201);
    for (login, case) in [("rights", moved), ("officer", raised), ("rights", lowered)] {
        world.read(login, case, "handling").expect(200);
    }
    world.leave();

    // Copies of after, and the same proofs: everything as it is now.
    lost.keyring_of("after.capsule", "keyring-now");
    let proofs = ["--ledger", &lost.ledger, "--checkpoint", after];
    lost.restore("after", "now", "keyring-now", &proofs);
    let mut world = lost.office.world_in("now", "keyring-now");
    assert!(opens(&world, "officer2", NEW_WORDS) && opens(&world, "newcomer", NEW_WORDS));
    for login in ["rights", "rights2"] {
        assert_eq!(logs_in(&mut world, login), 201, "{login}");
    }
    world.read("rights2", moved, "handling").expect(200);
    assert_eq!(logs_in(&mut world, "officer"), 201);
    for (login, case) in [("rights", kept), ("rights", raised), ("officer", lowered)] {
        world.read(login, case, "handling").expect(200);
    }
    assert_eq!(logs_in(&mut world, "officer2"), 401, "the old password");
}

#[test]
fn the_ledger_tells_of_keys_that_end_and_names_no_case_and_no_person() {
    let lost = Lost::new();
    let mut world = lost.office.world();
    for login in ["admin", "auditor"] {
        world.log_in(login);
    }
    let page = world
        .get("auditor", "/ledger/entries?limit=200")
        .expect(200);
    let rows = page["rows"].as_array().unwrap();
    let ended: Vec<&Value> = rows.iter().filter(|r| r["kind"] == "keys_ended").collect();
    let of_cases = ended.iter().filter(|row| row["accounts"].is_null());
    // Three cases, of three, three and two units.
    let counts: Vec<usize> = of_cases
        .map(|r| r["units"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [3, 2, 3]);
    let text = page.to_string();
    for named in
        lost.cases
            .iter()
            .map(String::as_str)
            .chain(["officer2", "홍길동", &password("lead")])
    {
        assert!(!text.contains(named), "{named}");
    }
    let keys: Vec<(String, bool)> = ended
        .iter()
        .flat_map(|row| row["accounts"].as_array().cloned().unwrap_or_default())
        .map(|end| {
            (
                end["account"].as_str().unwrap().to_owned(),
                end["key"].is_string(),
            )
        })
        .collect();
    for login in ["lead", "coordinator", "officer2", "rights3"] {
        assert!(keys.contains(&(account(&world, login), true)), "{login}");
    }
    assert!(keys.contains(&(account(&world, "intake"), false)));

    // The form has a row for each key of an account and none for a case under new keys.
    let form = world.get("auditor", "/ledger/form");
    let page = String::from_utf8(form.bytes).unwrap();
    assert_eq!(page.matches("계정 개인키 말소").count(), 4);
    assert_eq!(page.matches("<tr><td>").count(), 4);
    assert_eq!(page.matches("키 1건 부재 확인").count(), 4);
}
