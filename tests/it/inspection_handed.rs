//! Cases that were handed on, as an inspection sees them: who was taken off one, who took one over.

use serde_json::{Value, json};

use crate::inspection::{DAY, found, later, make, office, pair};
use crate::world::{World, ordinary};

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
    assert_eq!(entry["holders_before"], json!([world.ids["officer2"]]));
    assert_eq!(entry["holders_after"], json!([world.ids["officer"]]));
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
