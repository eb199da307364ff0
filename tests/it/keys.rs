//! Who can open what: keys after a removal, a reset, a change of tier, and under contention.

use std::sync::atomic::{AtomicU32, Ordering};

use bongham::crypto::wrap::{PrivateKey, Recipient};
use bongham::domain::tier::Tier;
use serde_json::{Value, json};

use crate::thief::{Image, keyring, loot};
use crate::world::{PEOPLE, World, ordinary, sensitive};

fn assign(world: &World, login: &str, case: &str, assignees: &[&str]) -> crate::world::Reply {
    let body = json!({"purpose": "handling", "assignees": assignees});
    world.put(login, &format!("/cases/{case}/assignees"), &body)
}

fn reclassify(world: &World, login: &str, case: &str, tier: &str, to: &str) -> Value {
    let body = json!({"purpose": "handling", "tier": tier, "assignees": [to],
        "reason": "it was the other kind"});
    let path = format!("/cases/{case}/classification");
    world.put(login, &path, &body).expect(200)
}

/// Registers the sensitive case for these assignees.
fn held_by(world: &World, assignees: &[&str]) -> String {
    let mut draft = sensitive();
    draft["assignees"] = json!(assignees);
    world.register("intake", &draft)
}

#[test]
fn who_was_removed_opens_nothing_with_their_key_and_every_old_image() {
    let world = World::new();
    let case = held_by(&world, &["rights", "rights2"]);
    let first = Image::of(&world);
    world.read("rights", &case, "handling").expect(200);
    let second = Image::of(&world);
    let before = keyring(&second);
    let removed = second.rows(&before).private_key(&world, &before, "rights");
    let removed = [removed.unwrap()];

    let done = assign(&world, "rights2", &case, &["rights2"]).expect(200);
    assert_eq!(
        (&done["rekeyed"], &done["state"]),
        (&json!(true), &json!("done"))
    );
    world.read("rights", &case, "handling").expect(404);
    let last = Image::of(&world);
    let now = keyring(&last);
    assert_eq!(loot(&case, &removed, &[&first, &second, &last], &now), "");

    // The controls: the keyring from before opens it, and so does the key of who stayed.
    let with_old_keyring = loot(&case, &removed, &[&first, &second], &before);
    assert!(with_old_keyring.contains("괴롭힘 신고") && with_old_keyring.contains("변학도"));
    let stayed = [last
        .rows(&now)
        .private_key(&world, &now, "rights2")
        .unwrap()];
    assert!(loot(&case, &stayed, &[&last], &now).contains("괴롭힘 신고"));
}

#[test]
fn who_was_reset_opens_nothing_with_the_old_password_and_every_old_image() {
    let mut world = World::new();
    let case = held_by(&world, &["rights", "rights2"]);
    let old = Image::of(&world);
    let code = world.reset("rights");
    world.enrol("rights", &code);
    let now = keyring(&Image::of(&world));
    assert!(old.rows(&now).private_key(&world, &now, "rights").is_none());
    let before = keyring(&old);
    let key = old.rows(&before).private_key(&world, &before, "rights");
    assert!(loot(&case, &[key.unwrap()], &[&old], &before).contains("괴롭힘 신고"));
}

/// Whoever is shut out or loses the role keeps no key: neither the old password nor any image of
/// the disk opens what they held. The keyring from before is the control.
#[test]
fn who_is_disabled_or_loses_the_role_opens_nothing_with_every_old_image() {
    for what in ["disable", "roles"] {
        let world = World::new();
        let case = held_by(&world, &["rights", "rights2"]);
        let old = Image::of(&world);
        let path = format!("/accounts/{}/{what}", world.ids["rights"]);
        let answer = match what {
            "disable" => world.post("admin", &path, &json!({})),
            _ => world.put("admin", &path, &json!({"roles": ["officer"]})),
        };
        assert_eq!(answer.expect(200)["warnings"], json!(["cases_may_be_lost"]));
        let now = keyring(&Image::of(&world));
        let key = old.rows(&now).private_key(&world, &now, "rights");
        assert!(key.is_none(), "{what}");
        let before = keyring(&old);
        let key = old.rows(&before).private_key(&world, &before, "rights");
        let loot = loot(&case, &[key.unwrap()], &[&old], &before);
        assert!(loot.contains("괴롭힘 신고"), "{what}");
        // Who stayed goes on.
        world.read("rights2", &case, "handling").expect(200);
    }
}

#[test]
fn a_case_that_becomes_sensitive_is_lost_to_the_department_at_once() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let open = |login: &str| world.read(login, &case, "supervision").status;
    let listed = |login: &str| {
        let list = world.get(login, "/cases?purpose=supervision").expect(200);
        list.to_string().contains(&case)
    };
    for login in ["lead", "coordinator"] {
        assert!(open(login) == 200 && listed(login), "{login}");
    }
    let before = Image::of(&world);
    let done = reclassify(&world, "coordinator", &case, "sensitive", "rights");
    assert_eq!(done["state"], "done");
    for login in ["lead", "coordinator"] {
        assert!(open(login) == 404 && !listed(login), "{login}");
    }
    world.read("officer", &case, "handling").expect(404);
    let view = world.read("rights", &case, "handling").expect(200);
    assert_eq!(view["title"], "보도블록 파손");

    let after = Image::of(&world);
    let now = keyring(&after);
    assert_eq!(loot(&case, &[], &[&before, &after], &now), "");
    let then = keyring(&before);
    assert!(loot(&case, &[], &[&before], &then).contains("보도블록"));

    // And back, by its holder.
    reclassify(&world, "rights", &case, "ordinary", "officer");
    assert!(open("lead") == 200 && listed("lead"));
    world.read("rights", &case, "handling").expect(404);
    let last = Image::of(&world);
    assert!(loot(&case, &[], &[&last], &keyring(&last)).contains("보도블록"));
}

#[test]
fn a_change_of_tier_leaves_a_void_row_and_no_gap() {
    let world = World::new();
    let cases: Vec<String> = (0..3)
        .map(|_| world.register("intake", &ordinary()))
        .collect();
    let number = |login: &str, purpose: &str, case: &str| {
        let view = world.read(login, case, purpose).expect(200);
        view["number"].as_str().unwrap().to_owned()
    };
    let year = number("officer", "handling", &cases[0])[..4].to_owned();
    reclassify(&world, "officer", &cases[1], "sensitive", "rights");
    assert_eq!(
        number("rights", "handling", &cases[1]),
        format!("{year}-S-000001")
    );
    let fourth = world.register("intake", &ordinary());
    assert_eq!(
        number("officer", "handling", &fourth),
        format!("{year}-000004")
    );
    reclassify(&world, "rights", &cases[1], "ordinary", "officer");
    assert_eq!(
        number("officer", "handling", &cases[1]),
        format!("{year}-000005")
    );

    let image = Image::of(&world);
    let rows = image.rows(&keyring(&image));
    let year = year.parse().unwrap();
    let voids = [(1, false), (2, true), (3, false), (4, false), (5, false)];
    assert_eq!(rows.register(Tier::Ordinary, year), voids);
    assert_eq!(rows.register(Tier::Sensitive, year), [(1, true)]);
}

#[test]
fn all_there_is_but_the_assignees_password_opens_no_sensitive_case() {
    let world = World::new();
    let case = held_by(&world, &["rights"]);
    let plain = world.register("intake", &ordinary());
    world.read("rights", &case, "handling").expect(200);
    let image = Image::of(&world);
    let keyring = keyring(&image);
    let rows = image.rows(&keyring);
    let logins = PEOPLE.iter().map(|(login, ..)| *login);
    let others: Vec<PrivateKey> = logins
        .chain(["admin", "privacy"])
        .filter(|login| *login != "rights")
        .map(|login| rows.private_key(&world, &keyring, login).unwrap())
        .collect();
    assert_eq!(others.len(), PEOPLE.len() + 1);
    assert_eq!(loot(&case, &others, &[&image], &keyring), "");
    // The controls: an ordinary case opens, and the assignee's password opens this one.
    assert!(loot(&plain, &[], &[&image], &keyring).contains("보도블록"));
    let own = [rows.private_key(&world, &keyring, "rights").unwrap()];
    assert!(loot(&case, &own, &[&image], &keyring).contains("괴롭힘 신고"));
}

#[test]
fn whoever_takes_a_case_in_or_hands_it_over_never_holds_a_wrap() {
    let world = World::new();
    let assigned = held_by(&world, &["rights2"]);
    let to_desk = world.register("intake", &sensitive());
    let moved = world.register("intake", &ordinary());
    reclassify(&world, "officer", &moved, "sensitive", "rights2");
    let image = Image::of(&world);
    let rows = image.rows(&keyring(&image));
    for (case, holder) in [
        (assigned, "rights2"),
        (to_desk, "rights"),
        (moved, "rights2"),
    ] {
        let head = rows.head(&case).head;
        assert_eq!(head.wraps.len(), 1);
        let (Recipient::Officer { account, key } | Recipient::Desk { account, key, .. }) =
            &head.wraps[0].recipient
        else {
            panic!("a wrap for somebody without a key pair of their own")
        };
        let holder = rows.account(holder);
        assert_eq!(*account, holder.id);
        assert_eq!(*key, holder.credentials.unwrap().public_key.fingerprint());
        world.read("intake", &case, "handling").expect(403);
    }
}

#[test]
fn no_reading_on_a_lost_right_follows_the_entry_that_took_it() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let shown = AtomicU32::new(0);
    let read = |login: &'static str, purpose: &'static str| {
        let (mut entries, mut lost) = (Vec::new(), 0);
        while lost < 3 {
            let reply = world.read(login, &case, purpose);
            match reply.status {
                200 => {
                    let entry = reply.headers["bongham-log"].split_once('/').unwrap().0;
                    entries.push(entry.parse::<u64>().unwrap());
                    shown.fetch_add(1, Ordering::SeqCst);
                }
                404 => lost += 1,
                other => panic!("{other}: {reply:?}"),
            }
        }
        entries
    };
    let entries = std::thread::scope(|scope| {
        let readers = [
            scope.spawn(|| read("lead", "supervision")),
            scope.spawn(|| read("coordinator", "supervision")),
            scope.spawn(|| read("officer", "handling")),
        ];
        while shown.load(Ordering::SeqCst) < 30 {
            std::thread::yield_now();
        }
        reclassify(&world, "officer", &case, "sensitive", "rights");
        readers.map(|reader| reader.join().unwrap()).concat()
    });
    let taken = world.log(&format!("&case={case}&task=reclassify"));
    let taken = taken[0]["index"].as_u64().unwrap();
    assert!(entries.len() >= 30);
    assert!(
        entries.iter().all(|entry| *entry < taken),
        "{entries:?} {taken}"
    );
    // The control: readings were tried after it, and the holder's are shown after it.
    let reads = world.log(&format!("&case={case}&task=read"));
    let refused = reads.iter().filter(|e| e["decision"] == "deny");
    assert!(
        refused
            .filter(|e| e["index"].as_u64().unwrap() > taken)
            .count()
            == 9
    );
    world.read("rights", &case, "handling").expect(200);
}

#[test]
fn of_two_who_remove_each_other_one_stays() {
    const ROUNDS: u64 = 6;
    let world = World::new();
    let case = held_by(&world, &["rights", "rights2"]);
    let open = |login: &str| world.read(login, &case, "handling").status;
    for _ in 0..ROUNDS {
        assert_eq!((open("rights"), open("rights2")), (200, 200));
        let alone = |login: &'static str| assign(&world, login, &case, &[login]).status;
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(|| alone("rights2"));
            (alone("rights"), other.join().unwrap())
        });
        let (stays, lost) = match (one, two) {
            (200, 404 | 409) => ("rights", "rights2"),
            (404 | 409, 200) => ("rights2", "rights"),
            both => panic!("{both:?}"),
        };
        assert_eq!((open(stays), open(lost)), (200, 404));
        assign(&world, stays, &case, &["rights", "rights2"]).expect(200);
    }
    let done = world.log(&format!("&case={case}&task=assign"));
    let done = done.iter().filter(|e| e["decision"] == "allow").count();
    assert_eq!(done as u64, 2 * ROUNDS);
    let image = Image::of(&world);
    let head = image.rows(&keyring(&image)).head(&case).head;
    assert_eq!(head.revision, 1 + 2 * ROUNDS);
    assert_eq!(u64::from(head.key_version), 1 + ROUNDS);
    assert_eq!(head.wraps.len(), 2);
}

#[test]
fn of_two_decisions_on_one_request_one_counts() {
    let world = World::new();
    let desk = json!({"members": ["rights", "rights2"]});
    let asked = world
        .put("admin", "/departments/rights/desk", &desk)
        .expect(202);
    let path = format!("/approvals/{}", asked["approvals"][0].as_str().unwrap());
    let decide = |decision: &str| {
        let reply = world.post("privacy", &path, &json!({"decision": decision}));
        reply.status
    };
    let (approved, refused) = std::thread::scope(|scope| {
        let other = scope.spawn(|| decide("refuse"));
        (decide("approve"), other.join().unwrap())
    });
    let departments = world.get("admin", "/departments").expect(200);
    let mut rows = departments["rows"].as_array().unwrap().iter();
    let seats = &rows.find(|d| d["code"] == "rights").unwrap()["desk"];
    match (approved, refused) {
        (200, 410) => assert_eq!(*seats, json!(["rights", "rights2"])),
        (410, 200) => assert_eq!(*seats, json!(["rights"])),
        both => panic!("{both:?}"),
    }
}
