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
fn commands_take_out_what_a_search_finds_and_the_value_is_no_argument() {
    let (_dir, program, ids) = office(2);
    let served = program.serve();
    let receiver = Receiver::new();
    let key = text(&receiver.key());
    let name = ordinary()["people"][0]["name"].as_str().unwrap().to_owned();
    let take = |file: &Path, value: &str| {
        let value = program.note("value", value);
        let mut command = program.person("officer", &["export", "new", "--search", "name"]);
        command.args(["--value-file", path(&value), "--format", "jsonl"]);
        command.args(["--receiver", "감사실", "--reason", "자료 제출"]);
        command.args(["--destroy-by", &in_a_year(), "--recipient", &key]);
        command.args(["--out", path(file), "--json"]);
        run(command)
    };
    let file = program.file("found.age");
    take(&file, &name).expect(0);
    let plain = String::from_utf8(receiver.open(&std::fs::read(&file).unwrap())).unwrap();
    assert_eq!(plain.matches(CANARY).count(), ids.len());
    let none = program.file("none.age");
    take(&none, "nobody of this name").expect(1);
    assert!(!none.exists());
    drop(served);
}

/// Kills a server that has just begun to write so many cases; tells how the record stands when it
/// serves again, and leaves no file of which it does not.
fn killed(dir: &Path, program: &Program, ids: &[String]) -> String {
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
    walk(dir, &mut files);
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
    let state = text(&view["state"]);
    if state == "ready" {
        let gone = call(&served.address, "DELETE", &path, Some(&officer), None);
        assert_eq!(gone.status, 204);
    } else {
        let auditor = log_in(&served.address, "auditor");
        let path = "/log/entries?limit=50&task=export";
        let rows = call(&served.address, "GET", path, Some(&auditor), None).expect(200);
        let rows: Vec<Value> = rows["rows"].as_array().unwrap().clone();
        let wanted = format!("at most {}", ids.len());
        let said = rows
            .iter()
            .filter_map(|row| row["reason"].as_str())
            .any(|reason| reason.contains(&wanted));
        assert!(said, "{rows:#?}");
    }
    let left = std::fs::read_dir(program.data.join("exports"));
    assert_eq!(left.map_or(0, Iterator::count), 0, "{state}");
    state
}

#[test]
fn a_server_that_is_killed_while_it_writes_leaves_nothing_in_clear_and_says_so() {
    let (dir, program, ids) = office(120);
    // It may have come to its end by then; not every time.
    let interrupted = (0..20).any(|_| {
        let state = killed(dir.path(), &program, &ids);
        assert!(
            ["interrupted", "ready"].contains(&state.as_str()),
            "{state}"
        );
        state == "interrupted"
    });
    assert!(
        interrupted,
        "every export was over before its server was killed"
    );
}

/// An `lp` that keeps what it is given, and how it was called, beside itself.
fn printer(program: &Program, exit: i32) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let dir = program.file("bin");
    std::fs::create_dir_all(&dir).unwrap();
    let lp = dir.join("lp");
    let script = format!(
        "#!/bin/sh\ncd '{}'\necho \"$@\" > called\ncat > printed\nexit {exit}\n",
        dir.display()
    );
    std::fs::write(&lp, script).unwrap();
    std::fs::set_permissions(&lp, PermissionsExt::from_mode(0o755)).unwrap();
    dir
}

/// `print new` of one case.
fn new_print(case: &str) -> [&str; 8] {
    let [receiver, reason] = ["감사실", "회의"];
    [
        "print",
        "new",
        "--case",
        case,
        "--receiver",
        receiver,
        "--reason",
        reason,
    ]
}

/// Needs a font for the PDF.
#[test]
#[ignore = "needs fonts-nanum"]
fn a_print_goes_to_the_printer_without_a_file() {
    let (_dir, program, ids) = office(1);
    let _served = program.serve();
    let print = |more: &[&str]| {
        let new = new_print(&ids[0]);
        let mut command = program.person("officer", &[&new, more].concat());
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", program.file("bin").display()));
        command.arg("--json");
        command
    };
    let dir = printer(&program, 0);
    run(print(&["--print", "office-2"])).expect(0);
    let printed = std::fs::read(dir.join("printed")).unwrap();
    assert!(printed.starts_with(b"%PDF"));
    let called = std::fs::read_to_string(dir.join("called")).unwrap();
    assert_eq!(called, "-t bongham -d office-2\n");
    std::fs::remove_file(dir.join("printed")).unwrap();
    printer(&program, 1);
    run(print(&["--print"])).expect(1);
    let called = std::fs::read_to_string(dir.join("called")).unwrap();
    assert_eq!(called, "-t bongham\n");
}

#[test]
fn a_print_needs_a_place_to_go_to_and_its_file_is_the_callers_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, program, ids) = office(1);
    let _served = program.serve();
    let file = program.file("case.html");
    let print = |more: &[&str]| {
        let new = new_print(&ids[0]);
        program.person("officer", &[&new, more].concat())
    };
    run(print(&["--form", "html"])).expect(2);
    run(print(&["--form", "html", "--print"])).expect(2);
    run(print(&[
        "--form",
        "html",
        "--print",
        "p",
        "--out",
        path(&file),
    ]))
    .expect(2);
    assert!(!file.exists());
    let said = run(print(&["--form", "html", "--out", path(&file)])).expect(0);
    assert!(said.err.contains("in the clear"), "{}", said.err);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
