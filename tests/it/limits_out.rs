//! How much leaves the house at once: one more than there may be is refused, and what is just
//! within the limit goes.

use serde_json::{Value, json};

use crate::export::{begin, ended, order, text};
use crate::world::{Reply, World, ordinary};

#[track_caller]
fn over(reply: &Reply, field: &str, words: &str) {
    let said = reply.json();
    assert_eq!(
        (reply.status, &said["field"]),
        (422, &json!(field)),
        "{said}"
    );
    assert!(said.to_string().contains(words), "{said}");
}

fn export(world: &World, cases: &Value, format: &str) -> Reply {
    let body = order(&json!({ "cases": cases }), format);
    begin(world, "officer", &body)
}

#[test]
fn no_export_has_more_than_a_hundred_thousand_cases() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    // Ids that nobody has are as short as a client likes; so many fit into a body.
    let short = |count: usize| json!(vec![""; count]);
    over(
        &export(&world, &short(100_001), "csv"),
        "selection",
        "100,000",
    );
    over(
        &export(&world, &short(100_000), "csv"),
        "selection",
        "no case",
    );
    // Whole ids meet the size of a body before: a filter or a search names more cases than that.
    let whole = |count: usize| json!(vec![case.as_str(); count]);
    let reply = export(&world, &whole(100_001), "csv");
    let said = (reply.status, reply.code());
    assert_eq!((said.0, said.1.as_str()), (413, "body_too_large"));
    let begun = export(&world, &whole(36_000), "csv").expect(202);
    assert_eq!((&begun["cases"], &begun["absent"]), (&json!(1), &json!(0)));
    ended(&world, "officer", &text(&begun["serial"]));
}

#[test]
#[ignore = "needs a Korean font (Debian: fonts-nanum)"]
fn no_pdf_has_more_than_five_hundred_cases() {
    let world = World::new();
    let cases: Vec<String> = (0..501)
        .map(|_| world.register("intake", &ordinary()))
        .collect();
    let many = export(&world, &json!(cases), "pdf");
    over(&many, "selection", "500");
    let begun = export(&world, &json!(cases), "jsonl").expect(202);
    assert_eq!(begun["cases"], 501, "the control: in another form they go");
    ended(&world, "officer", &text(&begun["serial"]));
    let begun = export(&world, &json!(cases[1..]), "pdf").expect(202);
    assert_eq!(begun["cases"], 500);
    let path = format!("/api/v1/exports/{}", text(&begun["serial"]));
    let gone = world.send("DELETE", &path, world.token("officer"), None);
    assert_eq!(gone.status, 204);
}

#[test]
fn no_print_has_more_than_two_hundred_cases_or_twenty_copies() {
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let print = |cases: usize, copies: u32| {
        let body = json!({"purpose": "handling", "reason": "회의 자료",
            "cases": vec![case.as_str(); cases], "form": "html", "copies": copies,
            "receiver": "심의위원회"});
        world.post("officer", "/prints", &body)
    };
    over(&print(201, 1), "cases", "200");
    over(&print(1, 21), "copies", "20");
    over(&print(1, 0), "copies", "20");
    assert_eq!(print(200, 1).expect(201)["cases"], 1);
    print(1, 20).expect(201);
}
