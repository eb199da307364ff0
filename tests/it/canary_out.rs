//! Exports that are disturbed, through the real binary with a temporary directory of its own: no
//! byte of them in clear in any file that the program may have written.

use std::path::Path;

use serde_json::{Value, json};

use crate::canary::{Staff, canary, draft, made, staff};
use crate::export::{Receiver, order, text};
use crate::program::{Program, log_in, wait_for};
use crate::search::Search;

const FORMATS: [&str; 3] = ["csv", "csv_cp949", "jsonl"];
/// What a masked export shows as it is.
const SHOWN: [&str; 2] = ["title", "narrative"];

fn begin(staff: &Staff, body: &Value) -> String {
    // One that has just ended still has its place for a moment.
    let begun = wait_for("a place for an export", || {
        let reply = staff.call("officer", "POST", "/exports", Some(body));
        (reply.code() != "busy").then_some(reply)
    });
    text(&begun.expect(202)["serial"])
}

fn ended(staff: &Staff, serial: &str) -> String {
    let path = format!("/exports/{serial}");
    wait_for("the end of an export", || {
        let view = staff.call("officer", "GET", &path, None).expect(200);
        (view["state"] != "running").then(|| text(&view["state"]))
    })
}

/// Fetches an export, opens it and reads it as its form says.
fn opened(staff: &Staff, receiver: &Receiver, body: &Value, format: &str) -> String {
    let serial = begin(staff, body);
    assert_eq!(ended(staff, &serial), "ready", "{format}");
    let path = format!("/exports/{serial}/content");
    let file = staff.call("officer", "GET", &path, None);
    assert_eq!(file.status, 200);
    let plain = receiver.open(&file.bytes);
    match format {
        "csv_cp949" => encoding_rs::EUC_KR.decode(&plain).0.into_owned(),
        _ => String::from_utf8(plain).unwrap(),
    }
}

/// Looks through everything: the store, the desk, the temporary directory.
fn nothing_in_clear(search: &Search, program: &Program, office: &Path, when: &str) {
    assert_eq!(search.below(office), [], "in the store, {when}");
    assert_eq!(search.below(program.desk.path()), [], "on the desk, {when}");
    // The control stands where a program would leave something: in a directory of its own.
    let temporary = program.temporary.path();
    let deep = temporary.join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    let (words, _, _) = encoding_rs::EUC_KR.encode(canary("narrative"));
    std::fs::write(deep.join("planted"), words).unwrap();
    let hits = search.below(temporary);
    assert!(!hits.is_empty(), "the control, {when}");
    let planted = |(path, _): &(std::path::PathBuf, String)| path.ends_with("a/b/planted");
    assert!(hits.iter().all(planted), "{hits:?}, {when}");
    std::fs::remove_dir_all(temporary.join("a")).unwrap();
}

#[test]
fn an_export_that_was_called_off_or_killed_leaves_nothing_in_clear() {
    let office = tempfile::tempdir().unwrap();
    let program = Program::on(office.path());
    let made = made(&program);
    let mut staff = staff(program.serve(), &made);
    let cases: Vec<String> = (0..40)
        .map(|_| staff.register(&draft("ordinary")))
        .collect();
    let receiver = Receiver::new();
    let of = |cases: &[String], format: &str| {
        let mut body = order(&json!({ "cases": cases }), format);
        body["recipient"] = receiver.key();
        body
    };
    // The control: what goes out holds the values.
    for format in FORMATS {
        let plain = opened(&staff, &receiver, &of(&cases[..1], format), format);
        for name in SHOWN {
            assert!(plain.contains(canary(name)), "{name} in {format}");
        }
    }
    let values = SHOWN.map(|name| (name, canary(name)));
    let search = Search::new(&values);
    for format in FORMATS {
        let serial = begin(&staff, &of(&cases, format));
        let path = format!("/exports/{serial}");
        let gone = staff.call("officer", "DELETE", &path, None);
        assert_eq!(gone.status, 204, "{gone:?}");
        assert_eq!(ended(&staff, &serial), "cancelled", "{format}");
    }
    nothing_in_clear(&search, &program, office.path(), "called off");

    for format in FORMATS {
        let body = of(&cases, format);
        // It may have come to its end before it is killed; not every time.
        let interrupted = (0..20).any(|_| {
            let state = killed(&mut staff, &program, &body, &search, office.path());
            assert!(
                ["interrupted", "ready"].contains(&state.as_str()),
                "{state}"
            );
            state == "interrupted"
        });
        assert!(interrupted, "every export was over: {format}");
    }
    assert_eq!(staff.served.stop(), Some(0));
}

/// Kills the server that has just begun this export; how its record stands when it serves again.
fn killed(
    staff: &mut Staff,
    program: &Program,
    body: &Value,
    search: &Search,
    office: &Path,
) -> String {
    let serial = begin(staff, body);
    staff.served.child.kill().unwrap();
    staff.served.child.wait().unwrap();
    nothing_in_clear(search, program, office, "killed");
    staff.served = program.serve();
    for login in ["intake", "officer"] {
        let token = log_in(&staff.served.address, login);
        staff.tokens.insert(login, token);
    }
    let state = ended(staff, &serial);
    nothing_in_clear(search, program, office, "come back");
    state
}
