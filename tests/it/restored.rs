//! Restores of older backups, by the real program: what was destroyed, revoked or reset since stays
//! so, and everything else comes back.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bongham::domain::id::{BackupId, UnitId};
use bongham::domain::random::SystemSource;
use bongham::domain::time::SystemClock;
use bongham::keyring::{Floor, Keyring};
use bongham::service::ServiceError;
use serde_json::{Value, json};

use crate::backup::{Office, logs_in};
use crate::program::run;
use crate::thief::{Image, copy, keyring};
use crate::world::{PASSPHRASE, World, ordinary, secret, sensitive};

#[test]
fn the_last_administrator_gets_a_new_code_from_the_restore() {
    let world = World::new();
    let office = Office::of(world);
    let dir = office.backup("backup");
    // Another administrator resets the first, then goes: nobody of the backup may log in as one.
    let mut world = office.world();
    logs_in(&mut world, "admin");
    logs_in(&mut world, "privacy");
    world.invite("admin2", &["admin"], None);
    let accounts = world.get("admin2", "/accounts?limit=200").expect(200);
    let mut rows = accounts["rows"].as_array().unwrap().iter();
    let admin = rows.find(|a| a["account"] == "admin").unwrap()["id"].clone();
    let path = format!("/accounts/{}/reset", admin.as_str().unwrap());
    let asked = world.post("admin2", &path, &json!({})).expect(202);
    let approval = asked["approvals"][0].as_str().unwrap();
    world.approve(approval).expect(200);
    let body = json!({ "approval": approval });
    world.post("admin2", &path, &body).expect(200);
    world.leave();

    // Nobody can fetch a bundle any more.
    let mut command = office.restore(&dir, "new", "keyring", &["--ledger-lost"]);
    command.arg("--json");
    let told = run(command).expect(0).rows();
    let code = told[0]["enrolment_codes"]["admin"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut world = office.world_in("new", "keyring");
    assert_eq!(
        logs_in(&mut world, "admin"),
        401,
        "the old password is dead"
    );
    // A failed try keeps everybody waiting a moment.
    std::thread::sleep(Duration::from_millis(2_500));
    world.enrol("admin", &code);
    world.get("admin", "/accounts").expect(200);
}

#[test]
fn a_ledger_shorter_than_what_is_known_is_refused_until_a_bundle_brings_the_rest() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let office = Office::of(world);
    let dir = office.backup("backup");
    // The ledger grows: another backup. The access log grows: a reading.
    let mut world = office.world();
    logs_in(&mut world, "officer");
    world.read("officer", &case, "handling").expect(200);
    world.leave();
    office.backup("second");
    let kept = office.text("auditor", &["log", "checkpoint"], "kept.log");
    let kept_ledger = office.text("auditor", &["ledger", "checkpoint"], "kept.ledger");
    let log = office.bundle("log", "log.bundle");
    let ledger = office.bundle("ledger", "ledger.bundle");

    let refused = |more: &[&str], named: &str| {
        let ran = run(office.restore(&dir, "new", "keyring", more)).expect(1);
        assert!(ran.err.contains(named), "{named}: {}", ran.err);
        assert!(!office.path("new").exists());
    };
    refused(&[], "--ledger");
    refused(&["--ledger-lost", "--checkpoint", &kept_ledger], "--ledger");
    refused(&["--ledger", &ledger, "--checkpoint", &kept], "--log");
    let other = office.program.note("other.vkey", "x+00000000+AA==");
    let mut command = crate::program::bongham();
    command
        .args(["backup", "verify"])
        .arg(&dir)
        .arg("--key")
        .arg(other);
    run(command).expect(2);
    // Nothing was begun: the store opens as before.
    office.world().leave();

    let all = [
        "--ledger",
        &ledger,
        "--log",
        &log,
        "--checkpoint",
        &kept,
        "--checkpoint",
        &kept_ledger,
    ];
    run(office.restore(&dir, "new", "keyring", &all)).expect(0);
    let mut world = office.world_in("new", "keyring");
    for login in ["auditor", "officer"] {
        assert_eq!(logs_in(&mut world, login), 201);
    }
    world.read("officer", &case, "handling").expect(200);
    // Both logs go on exactly as they were: what the auditor kept still holds.
    for (which, kept) in [("log", &kept), ("ledger", &kept_ledger)] {
        let bundle = world.get("auditor", &format!("/{which}/bundle")).bytes;
        let file = office.program.note("after.bundle", bundle);
        let file = file.to_str().unwrap().to_owned();
        let mut command = crate::program::bongham();
        command.args([
            which,
            "verify",
            &file,
            "--key",
            office.key(),
            "--checkpoint",
            kept,
        ]);
        run(command).expect(0);
    }
    // The readings of the lost time are there, without whom they were about.
    let reads = world.log("&task=read");
    assert_eq!(reads.len(), 2, "{reads:#?}");
    assert!(
        reads[0]["cases"].is_array() && reads[1]["cases"].is_null(),
        "{reads:#?}"
    );
    let entries = ledger_of(&world);
    let last = entries.last().unwrap();
    assert_eq!(last["kind"], "restored");
    assert_eq!(last["from"]["ledger"]["size"], entries.len() as u64 - 1);
    assert!(last["headers_only"].as_u64().unwrap() > 0);
    world.leave();

    // Without anybody's ledger: said so, and recorded.
    copy(&office.path("keyring"), &office.path("keyring2"));
    let ran = run(office.restore(&dir, "lost", "keyring2", &["--ledger-lost"])).expect(0);
    assert!(ran.out.contains("ledger: goes on from"), "{ran:?}");
    let mut world = office.world_in("lost", "keyring2");
    logs_in(&mut world, "auditor");
    let entries = ledger_of(&world);
    let last = entries.last().unwrap();
    let vouched = last["vouched"]["ledger"]["size"].as_u64().unwrap();
    assert!(vouched > last["from"]["ledger"]["size"].as_u64().unwrap());
}

/// Leaves of the ledger, cut out of its bundle.
fn ledger_of(world: &World) -> Vec<Value> {
    let bytes = world.get("auditor", "/ledger/bundle").bytes;
    let mut found = Vec::new();
    let mut rest = &bytes[..];
    while let Some(at) = rest.iter().position(|byte| *byte == b'{') {
        rest = &rest[at..];
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) if value["kind"].is_string() => {
                found.push(value);
                rest = &rest[stream.byte_offset()..];
            }
            _ => rest = &rest[1..],
        }
    }
    found
}

pub fn opened(dir: &Path) -> Keyring {
    let (random, clock) = (SystemSource::default(), SystemClock::default());
    Keyring::open(dir, &secret(PASSPHRASE), Arc::new(random), Arc::new(clock)).unwrap()
}

#[test]
fn a_restore_that_was_broken_off_keeps_the_store_shut_until_it_is_finished() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let office = Office::of(world);
    let dir = office.backup("backup");
    let list: Value =
        serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap();
    let id: BackupId = list["backup"].as_str().unwrap().parse().unwrap();

    // Killed at any moment, and again: the same command ends it.
    for delay in [40, 80, 120, 200, 300, 500, 800] {
        let mut command = office.restore(&dir, "new", "keyring", &[]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        drop(child.kill());
        child.wait().unwrap();
        if office.path("new").exists() && opened(&office.path("keyring")).restoring().is_none() {
            break;
        }
    }
    if opened(&office.path("keyring")).restoring().is_some() {
        let begun = World::over(&office.settings("data", "keyring")).err();
        assert_eq!(
            begun,
            Some(ServiceError::Restoring),
            "the old data is shut as well"
        );
    }
    if !office.path("new").exists() || opened(&office.path("keyring")).restoring().is_some() {
        run(office.restore(&dir, "new", "keyring", &[])).expect(0);
    }
    let mut world = office.world_in("new", "keyring");
    logs_in(&mut world, "officer");
    world.read("officer", &case, "handling").expect(200);
    world.leave();

    // The mark alone, as a crash right behind it leaves it: data laid out, nothing replayed.
    fs::rename(office.path("new"), office.path("new.restoring")).unwrap();
    let begun = opened(&office.path("keyring"));
    begun.begin_restore(id, Floor::default()).unwrap();
    drop(begun);
    fs::rename(office.path("new.restoring"), office.path("new")).unwrap();
    let shut = World::over(&office.settings("new", "keyring")).err();
    assert_eq!(shut, Some(ServiceError::Restoring));
    let second = office.path("elsewhere");
    copy(&dir, &second);
    run(office.restore(&dir, "new", "keyring", &["--ledger-lost"])).expect(0);
    office.world_in("new", "keyring").leave();
}

#[test]
fn one_of_1024_dies_and_the_older_backup_opens_1023() {
    let world = World::new();
    let body = json!({"fingerprint": "ab".repeat(32), "dry_run": false});
    let import = world.post("intake", "/imports", &body).expect(201);
    let id = import["id"].as_str().unwrap().to_owned();
    for from in (0..1024).step_by(256) {
        let row = |n: u64| json!({"line": n, "case": ordinary()});
        let rows: Vec<Value> = (from..from + 256).map(row).collect();
        let chunk = json!({"from_row": from, "last": from == 768, "rows": rows});
        world
            .post("intake", &format!("/imports/{id}/rows"), &chunk)
            .expect(200);
    }
    let cases = all_cases(&world);
    assert_eq!(cases.len(), 1024);
    let office = Office::of(world);
    let dir = office.backup("backup");
    let mut world = office.world();
    logs_in(&mut world, "officer");
    let victim = cases[511].clone();
    let body = json!({"purpose": "handling", "tier": "sensitive", "assignees": ["rights"],
        "reason": "it names a victim"});
    world
        .put("officer", &format!("/cases/{victim}/classification"), &body)
        .expect(200);
    world.leave();

    let ledger = office.bundle("ledger", "ledger.bundle");
    run(office.restore(&dir, "new", "keyring", &["--ledger", &ledger])).expect(0);
    let mut world = office.world_in("new", "keyring");
    logs_in(&mut world, "officer");
    let open = cases
        .iter()
        .filter(|case| world.read("officer", case, "handling").status == 200);
    assert_eq!(open.count(), 1023);
    assert_eq!(world.read("officer", &victim, "handling").status, 404);
}

fn all_cases(world: &World) -> Vec<String> {
    let (mut cases, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/cases?purpose=handling&limit=200{cursor}");
        let page = world.get("officer", &path).expect(200);
        let rows = page["rows"].as_array().unwrap().iter();
        cases.extend(rows.map(|row| row["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return cases,
        }
    }
}

#[test]
fn a_keyring_out_of_a_copy_destroys_again_what_died_since() {
    let world = World::new();
    let kept = world.register("intake", &sensitive());
    let moved = world.register("intake", &sensitive());
    let image = Image::of(&world);
    let before = image.rows(&keyring(&image));
    let units = |case: &str| -> Vec<UnitId> {
        before
            .head(case)
            .head
            .units
            .iter()
            .map(|unit| unit.unit)
            .collect()
    };
    let (kept_units, moved_units) = (units(&kept), units(&moved));
    let office = Office::of(world);
    let own = office
        .program
        .note("capsule-passphrase", "the words of the copy alone\n");
    let own = own.to_str().unwrap();
    let capsule = office.program.file("copy.capsule");
    let capsule = capsule.to_str().unwrap();
    let made = office.program.person(
        "admin",
        &[
            "keyring",
            "escrow",
            "--out",
            capsule,
            "--holder",
            "금고 2",
            "--capsule-passphrase-file",
            own,
            "--json",
        ],
    );
    let serial = run(made).expect(0).rows()[0]["serial"]
        .as_str()
        .unwrap()
        .to_owned();
    let holders = || {
        let ran = run(office
            .program
            .person("admin", &["keyring", "holders", "--json"]));
        ran.expect(0).rows()
    };
    let row = &holders()[0];
    assert_eq!(
        (&row["holder"], &row["serial"]),
        (&json!("금고 2"), &json!(serial))
    );
    assert_ne!(row["state"], "stale");

    let mut world = office.world();
    logs_in(&mut world, "rights");
    let body = json!({"purpose": "handling", "assignees": ["rights2"]});
    world
        .put("rights", &format!("/cases/{moved}/assignees"), &body)
        .expect(200);
    world.leave();
    assert_eq!(
        holders()[0]["state"],
        "stale",
        "a key died that the copy still has"
    );
    let kept_note = office.text("auditor", &["ledger", "checkpoint"], "kept.ledger");

    let restore = |keyring: &str, own: &str| {
        let mut command = crate::program::bongham();
        command.args(["keyring", "restore", capsule, "--key", office.key()]);
        command.arg("--data").arg(office.path("data"));
        command.arg("--keyring").arg(office.path(keyring));
        command.args(["--capsule-passphrase-file", own, "--checkpoint", &kept_note]);
        command
            .arg("--passphrase-file")
            .arg(office.program.file("passphrase"));
        command
    };
    let wrong = office.program.note("wrong", "not the words of the copy\n");
    run(restore("keyring-back", wrong.to_str().unwrap())).expect(4);
    assert!(
        !office.path("keyring-back").exists(),
        "nothing is made of it"
    );

    // The control: unpacked and not yet restored, it has the dead keys; and opens no store.
    let secret = bongham::domain::secret::SecretText::new("the words of the copy alone".into());
    let bytes = fs::read(capsule).unwrap();
    let control = office.path("keyring-control");
    bongham::service::restore::unpack_keyring(&control, &bytes, &secret).unwrap();
    let old = opened(&control);
    assert!(moved_units.iter().all(|unit| old.shred_half(*unit).is_ok()));
    drop(old);
    let shut = World::over(&office.settings("data", "keyring-control")).err();
    assert_eq!(shut, Some(ServiceError::Restoring));

    fs::rename(office.path("keyring"), office.path("keyring-broken")).unwrap();
    run(restore("keyring-back", own)).expect(0);
    let back = opened(&office.path("keyring-back"));
    assert!(kept_units.iter().all(|unit| back.shred_half(*unit).is_ok()));
    assert!(
        moved_units
            .iter()
            .all(|unit| back.shred_half(*unit).is_err())
    );
    assert!(back.restoring().is_none());
    drop(back);
    let mut world = office.world_in("data", "keyring-back");
    for login in ["rights", "rights2", "admin", "auditor"] {
        assert_eq!(logs_in(&mut world, login), 201, "{login}");
    }
    world.read("rights", &kept, "handling").expect(200);
    logs_in(&mut world, "intake");
    let again = world.register("intake", &ordinary());
    assert!(!again.is_empty());
    let path = format!("/keyring/copies/{serial}/acknowledge");
    let ended = world.post("admin", &path, &json!({})).expect(200);
    assert_eq!(ended["state"], "acknowledged");
    assert_eq!(world.post("admin", &path, &json!({})).status, 410);
    let kinds: Vec<Value> = ledger_of(&world)
        .iter()
        .map(|e| e["kind"].clone())
        .skip_while(|kind| kind != "key_holder")
        .collect();
    let all = ["key_holder", "keys_ended", "restored", "key_holder"];
    assert_eq!(kinds, all);
}
