//! Exports by commands and over a real server: a file that is fetched in two goes, and a server
//! that is killed while it writes one.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::export::{Receiver, order, text};
use crate::program::{Program, call, log_in, run, wait_for};
use crate::world::{World, in_a_year, ordinary, walk};

const CANARY: &str = "takeout-canary-5512";

/// A closed office with so many cases of the officer's; their ids.
fn office(cases: usize) -> (tempfile::TempDir, Program, Vec<String>) {
    let world = World::new();
    let mut draft = ordinary();
    draft["narrative"] = json!(CANARY);
    let ids = (0..cases)
        .map(|_| world.register("intake", &draft))
        .collect();
    let dir = world.leave();
    let program = Program::on(dir.path());
    (dir, program, ids)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

#[test]
fn commands_take_out_fetch_the_rest_and_close() {
    let (_dir, program, ids) = office(2);
    let served = program.serve();
    let receiver = Receiver::new();
    let file = program.file("cases.jsonl.age");
    let officer = |args: &[&str]| -> Command {
        let mut command = program.person("officer", args);
        command.arg("--json");
        command
    };
    let key = text(&receiver.key());
    let new = [
        "export",
        "new",
        "--case",
        &ids[0],
        "--case",
        &ids[1],
        "--format",
        "jsonl",
        "--receiver",
        "감사실",
        "--reason",
        "자료 제출",
        "--destroy-by",
        &in_a_year(),
        "--recipient",
        &key,
        "--out",
        path(&file),
    ];
    let begun = run(officer(&new)).expect(0).rows().remove(0);
    let serial = text(&begun["serial"]);
    let whole = std::fs::read(&file).unwrap();
    let plain = String::from_utf8(receiver.open(&whole)).unwrap();
    assert_eq!(plain.matches(CANARY).count(), 2);
    assert!(!program.file("cases.jsonl.age.part").exists());
    run(officer(&new)).expect(2);

    // The connection broke after ten bytes.
    let again = program.file("again.age");
    program.note("again.age.part", &whole[..10]);
    let fetch = ["export", "fetch", &serial, "--out", path(&again)];
    run(officer(&fetch)).expect(0);
    assert!(std::fs::read(&again).unwrap() == whole);
    // What is there is of another file: it is found out, and the next time it comes whole.
    let other = program.file("other.age");
    program.note("other.age.part", b"0123456789");
    let fetch = ["export", "fetch", &serial, "--out", path(&other)];
    run(officer(&fetch)).expect(1);
    run(officer(&fetch)).expect(0);
    assert!(std::fs::read(&other).unwrap() == whole);

    let open = || {
        run(officer(&["output", "list", "--open"]))
            .expect(0)
            .rows()
            .len()
    };
    assert_eq!(open(), 1);
    let view = run(officer(&["export", "show", &serial]))
        .expect(0)
        .rows()
        .remove(0);
    assert_eq!(
        (&view["state"], &view["fetched"]),
        (&json!("ready"), &json!(4))
    );
    run(officer(&["output", "close", &serial, "--method", "삭제"])).expect(0);
    assert_eq!(open(), 0);
    run(officer(&["export", "cancel", &serial])).expect(1);
    drop(served);
}

#[test]
fn a_server_that_is_killed_while_it_writes_leaves_nothing_in_clear_and_says_so() {
    let (dir, program, ids) = office(60);
    let served = program.serve();
    let officer = log_in(&served.address, "officer");
    let body = order(&json!({ "cases": ids }), "csv");
    let begun = call(
        &served.address,
        "POST",
        "/exports",
        Some(&officer),
        Some(&body),
    );
    let serial = text(&begun.expect(202)["serial"]);
    // SIGKILL, wherever it is by now.
    drop(served);
    let mut files = Vec::new();
    walk(dir.path(), &mut files);
    for (path, bytes) in &files {
        assert!(!holds(bytes, CANARY), "{}", path.display());
    }

    let served = program.serve();
    let officer = log_in(&served.address, "officer");
    let path = format!("/exports/{serial}");
    let view = wait_for("the record", || {
        let reply = call(&served.address, "GET", &path, Some(&officer), None);
        Some(reply.expect(200))
    });
    let there = |dir: &Path| std::fs::read_dir(dir).map_or(0, Iterator::count);
    let there = there(&program.data.join("exports"));
    match view["state"].as_str() {
        Some("ready") => assert_eq!(there, 1),
        Some("interrupted") => {
            assert_eq!(there, 0);
            let auditor = log_in(&served.address, "auditor");
            let path = "/log/entries?limit=50&task=export";
            let rows = call(&served.address, "GET", path, Some(&auditor), None).expect(200);
            let rows: Vec<Value> = rows["rows"].as_array().unwrap().clone();
            let said = rows
                .iter()
                .filter_map(|row| row["reason"].as_str())
                .any(|reason| reason.contains("at most 60"));
            assert!(said, "{rows:#?}");
        }
        other => panic!("{other:?}: {view}"),
    }
}
