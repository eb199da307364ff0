//! Locks (처리정지) and holds (보존 조치) that were set after a backup stand after its restore.

use serde_json::{Value, json};

use crate::backup::{Office, logs_in};
use crate::deletion::{body, id_of, lift, registered, step, take_in};
use crate::program::run;
use crate::thief::copy;
use crate::world::{World, ordinary, sensitive};

/// A receipt of no case.
const NONE: &str = "AAAA-BBBB-CCCC";

fn locks(world: &World, receipt: &str) -> String {
    id_of(&take_in(world, "intake", json!({ "receipt": receipt })))
}

fn refused(world: &World, id: &str) {
    step(world, "intake", id, "identity", &body("identity")).expect(200);
    step(world, "privacy", id, "refuse", &body("refuse")).expect(200);
}

fn hold(world: &World, login: &str, case: &str, action: &str, ground: &str) -> (u16, Value) {
    let body = json!({"purpose": "legal", "action": action, "ground": ground,
        "reason": "it is over"});
    let reply = world.put(login, &format!("/cases/{case}/hold"), &body);
    (reply.status, reply.json()["holds"].clone())
}

fn everybody(world: &mut World) {
    for login in [
        "intake", "officer", "officer2", "rights", "privacy", "privacy2", "auditor",
    ] {
        assert_eq!(logs_in(world, login), 201, "{login}");
    }
}

#[test]
fn what_was_locked_or_held_after_the_backup_is_so_after_its_restore() {
    let world = World::new();
    let (locked, receipt) = registered(&world, &ordinary());
    let (answered, second) = registered(&world, &ordinary());
    let (secret, third) = registered(&world, &sensitive());
    let (held, _) = registered(&world, &ordinary());
    let (free, _) = registered(&world, &ordinary());
    assert_eq!(hold(&world, "officer", &free, "set", "감사").0, 200);
    let office = Office::of(world);
    let dir = office.backup("backup");
    copy(&office.path("keyring"), &office.path("keyring-then"));

    let mut world = office.world();
    everybody(&mut world);
    locks(&world, &receipt);
    locks(&world, &third);
    locks(&world, NONE);
    refused(&world, &locks(&world, &second));
    assert_eq!(hold(&world, "officer", &held, "set", "소송").0, 200);
    world.leave();
    let ledger = office.bundle("ledger", "ledger.bundle");

    let told = run(office.restore(&dir, "new", "keyring", &["--ledger", &ledger])).expect(0);
    assert!(told.out.contains("3 locked or held again"), "{told:?}");
    let mut world = office.world_in("new", "keyring");
    everybody(&mut world);
    world.read("officer", &locked, "handling").expect(404);
    world.read("rights", &secret, "handling").expect(404);
    for case in [&answered, &held, &free] {
        world.read("officer", case, "handling").expect(200);
    }
    // The hold stands in the name of who set it, and somebody else lifts it.
    let (_, holds) = hold(&world, "officer", &held, "set", "감사");
    let lost = &holds[0];
    assert_eq!(
        (&lost["by"], holds.as_array().unwrap().len()),
        (&json!("officer"), 2)
    );
    let ground = lost["ground"].as_str().unwrap().to_owned();
    assert_eq!(hold(&world, "officer", &held, "lift", &ground).0, 403);
    lift(&world, "privacy", &held, &ground, "privacy2");

    // The request is lost. One that nobody was asked to prove changes nothing; the answer to one
    // whose asker was checked stands for both.
    let unproved = locks(&world, &receipt);
    let cancel = json!({"reason": "철회"});
    step(&world, "intake", &unproved, "cancel", &cancel).expect(200);
    world.read("officer", &locked, "handling").expect(404);
    refused(&world, &locks(&world, &receipt));
    world.read("officer", &locked, "handling").expect(200);
    world.leave();

    // The control: without the ledger's entries all of it could be worked with again.
    run(office.restore(&dir, "then", "keyring-then", &[])).expect(0);
    let mut world = office.world_in("then", "keyring-then");
    everybody(&mut world);
    world.read("officer", &locked, "handling").expect(200);
    world.read("rights", &secret, "handling").expect(200);
    let (_, holds) = hold(&world, "officer", &held, "set", "감사");
    assert_eq!(holds.as_array().unwrap().len(), 1);
}

#[test]
fn the_ledger_does_not_tell_whether_a_request_matches_a_case_nor_who_holds_one() {
    let world = World::new();
    let (secret, receipt) = registered(&world, &sensitive());
    for receipt in [&receipt, NONE] {
        for _ in 0..2 {
            refused(&world, &locks(&world, receipt));
        }
    }
    assert_eq!(hold(&world, "rights", &secret, "set", "소송").0, 200);
    assert_eq!(hold(&world, "privacy", &secret, "lift", "소송").0, 404);
    let page = world
        .get("privacy", "/ledger/entries?limit=200")
        .expect(200);
    let rows = page["rows"].as_array().unwrap().iter();
    let standing: Vec<&Value> = rows
        .filter(|row| ["locked", "unlocked", "held"].contains(&row["kind"].as_str().unwrap()))
        .collect();
    assert!(!standing.is_empty(), "{page:#}");
    let kinds: Vec<&Value> = standing.iter().map(|row| &row["kind"]).collect();
    let twice = ["locked", "unlocked", "locked", "unlocked"];
    assert_eq!(kinds[..4], twice);
    assert_eq!(kinds[4..8], twice);
    assert_eq!(kinds[8..], ["held"]);
    // The same receipt has the same place, of a case or of none, and all places are alike.
    let place = |row: usize| standing[row]["places"][0].as_str().unwrap();
    assert_eq!((place(0), place(4)), (place(2), place(6)));
    assert_ne!(place(0), place(4));
    assert_eq!((place(0).len(), place(4).len()), (32, 32));
    let text = page.to_string();
    for named in [
        secret.as_str(),
        receipt.as_str(),
        NONE,
        &world.ids["rights"],
    ] {
        let standing = standing.iter().map(|row| row.to_string());
        assert!(!standing.collect::<String>().contains(named), "{named}");
    }
    assert!(!text.contains(&secret));
}
