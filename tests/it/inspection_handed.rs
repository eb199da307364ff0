//! Cases that were handed on, as an inspection sees them: who was taken off one, who took one over.

use serde_json::{Value, json};

use crate::inspection::{DAY, found, later, make, office, pair};
use crate::world::{World, ordinary, sensitive};

fn assign(world: &World, case: &str, to: &[&str]) {
    let body = json!({"purpose": "supervision", "assignees": to, "reason": "휴가"});
    let path = format!("/cases/{case}/assignees");
    world.put("coordinator", &path, &body).expect(200);
}

/// They were taken off it in the month before.
#[test]
fn a_try_on_an_ordinary_case_that_an_officer_was_taken_off_is_a_finding() {
    let (mut world, clock) = office("2026-09-29T12:00:00+09:00");
    let case = world.register("intake", &ordinary());
    world.read("officer2", &case, "handling").expect(404);
    assign(&world, &case, &["officer2"]);
    later(&mut world, &clock, 2 * DAY);
    world.log_in("officer2");
    let findings = |world: &World| found(&make(world, "2026-10"));
    world.read("officer2", &case, "handling").expect(200);
    world
        .read("officer", &"a".repeat(26), "handling")
        .expect(404);
    let off = pair("taken_off", "officer");
    assert!(!findings(&world).contains(&off), "the control");
    world.read("officer", &case, "handling").expect(404);
    clock.advance(std::time::Duration::from_secs(1));
    let after = findings(&world);
    assert!(after.contains(&off), "{after:?}");
    assert!(!after.contains(&pair("taken_off", "officer2")), "{after:?}");
    let own = world.get("officer", "/findings").expect(200);
    let told = |row: &Value| row["rule"] == "taken_off";
    assert!(own["rows"].as_array().unwrap().iter().any(told), "{own}");
    world.log_in("coordinator");
    assign(&world, &case, &["officer"]);
    world.read("officer", &case, "handling").expect(200);
    let entry = &world.log("&task=assign")[0];
    let handed = json!({"note": "handed_on", "accounts": [world.ids["officer"]],
        "accounts_before": [world.ids["officer2"]]});
    assert_eq!(entry["notes"], json!([handed]));
}

/// A change of tier takes a case from people, too, though not from who makes it. That it is sensitive
/// by then is another finding, which they are not told of: of the first they are told whatever its tier.
#[test]
fn who_lost_a_case_by_a_change_of_its_tier_was_taken_off_it() {
    let (world, _clock) = office("2026-10-14T12:00:00+09:00");
    let [raised, lowered] = [ordinary(), sensitive()].map(|draft| world.register("intake", &draft));
    let change = |login: &str, case: &str, tier: &str, to: &str| {
        let purpose = if login == "rights" {
            "handling"
        } else {
            "supervision"
        };
        let body = json!({"purpose": purpose, "tier": tier, "assignees": [to], "reason": "r"});
        let path = format!("/cases/{case}/classification");
        world.put(login, &path, &body).expect(200);
    };
    world.read("rights2", &lowered, "handling").expect(404);
    change("coordinator", &raised, "sensitive", "rights");
    change("rights", &lowered, "ordinary", "officer2");
    let off = || {
        let mut found = found(&make(&world, "2026-10"));
        found.retain(|(rule, _)| rule == "taken_off" || rule == "denied_sensitive");
        found
    };
    assert_eq!(off(), [pair("denied_sensitive", "rights2")], "the control");
    world.read("officer", &raised, "handling").expect(404);
    world.read("rights", &lowered, "handling").expect(404);
    let mut after = off();
    after.sort();
    let expected = [
        pair("denied_sensitive", "officer"),
        pair("denied_sensitive", "rights2"),
        pair("taken_off", "officer"),
    ];
    assert_eq!(after, expected);
}

/// What somebody tried before a case was theirs is no try after it.
#[test]
fn tries_before_one_had_a_case_are_none_after_it() {
    let (world, _clock) = office("2026-10-14T12:00:00+09:00");
    let case = world.register("intake", &ordinary());
    world.read("officer2", &case, "handling").expect(404);
    assign(&world, &case, &["officer2"]);
    assign(&world, &case, &["officer"]);
    let off = || found(&make(&world, "2026-10")).contains(&pair("taken_off", "officer2"));
    assert!(!off());
    world.read("officer2", &case, "handling").expect(404);
    assert!(off(), "the control");
}

#[test]
fn a_coordinator_who_takes_a_case_reads_it_as_its_holder_and_gives_it_back_is_found() {
    let (mut world, _clock) = office("2026-10-14T12:00:00+09:00");
    world.give("coordinator", &["coordinator", "officer"]);
    let [taken, free] = [json!(["officer"]), json!([])].map(|assignees| {
        let mut draft = ordinary();
        draft["assignees"] = assignees;
        world.register("intake", &draft)
    });
    // Nobody had it: that is how work is given out.
    assign(&world, &free, &["coordinator"]);
    world.read("coordinator", &free, "handling").expect(200);
    let before = found(&make(&world, "2026-10"));
    let taken_over = pair("self_assigned", "coordinator");
    assert!(!before.contains(&taken_over), "the control: {before:?}");
    assign(&world, &taken, &["coordinator"]);
    world.read("coordinator", &taken, "handling").expect(200);
    assign(&world, &taken, &["officer"]);
    let view = make(&world, "2026-10");
    assert!(found(&view).contains(&taken_over), "{view}");
    let findings = view["sheet"]["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|f| f["rule"] == "self_assigned")
        .unwrap();
    assert_eq!(finding["count"], 1);
    assert_eq!(finding["entries"].as_array().unwrap().len(), 2);
    assert!(
        finding["says"]["en"]
            .as_str()
            .unwrap()
            .contains("1 of them opened")
    );
}
