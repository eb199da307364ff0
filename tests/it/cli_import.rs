//! Imports by the real binary: broken off, rehearsed, in every encoding.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::cli::{Shut, shut};
use crate::program::{Served, call, log_in, run, wait_for};

const MAP: &str = r#"
[case]
tier = { value = "ordinary" }
department = { value = "civil" }
channel = { value = "online" }
class = { column = "번호" }
title = { column = "제목" }
narrative = { column = "내용" }
assignees = ["officer"]

[[people]]
part = "petitioner"
name = { column = "이름" }
"#;

/// A register of made-up rows; some cells span lines.
fn register(rows: usize) -> String {
    let mut csv = String::from("번호,이름,제목,내용\r\n");
    for n in 0..rows {
        let cell = if n % 50 == 7 {
            "\"첫 줄\r\n둘째 줄\""
        } else {
            "가로등이 꺼졌습니다"
        };
        csv.push_str(&format!("r{n},사람{n},제목 {n},{cell}\r\n"));
    }
    csv
}

impl Shut {
    fn import(&self, file: &Path, more: &[&str]) -> Command {
        let map = self.program.note("map.toml", MAP);
        let file = file.to_string_lossy().into_owned();
        let map = map.to_string_lossy().into_owned();
        let mut args = vec!["import", &file, "--map", &map, "--json"];
        args.extend(more);
        self.program.person("intake", &args)
    }
    /// What the officer's list holds: the `class` of every row, which is the number of the file.
    fn imported(&self) -> (usize, BTreeSet<String>) {
        // More than a day's budget of cases: the command gives the password again.
        let why = "counting what was imported";
        let args = ["case", "list", "--json", "--limit", "9000", "--reason", why];
        let listed = run(self.program.person("officer", &args)).expect(0).rows();
        let class = |row: &Value| row["class"].as_str().unwrap().to_owned();
        let rows: Vec<_> = listed
            .iter()
            .map(class)
            .filter(|c| c.starts_with('r'))
            .collect();
        (rows.len(), rows.into_iter().collect())
    }
}

impl Shut {
    /// Entries of the access log that tell of a registration.
    fn registrations(&self) -> usize {
        let args = [
            "log", "entries", "--task", "register", "--limit", "20000", "--json",
        ];
        let entries = run(self.program.person("auditor", &args)).expect(0).rows();
        let allowed = entries.iter().filter(|entry| entry["decision"] == "allow");
        allowed.count()
    }
}

const ROWS: usize = 2000;

/// Rows of an import that takes longer than a step of the search for its middle.
/// Below what a second person has to consent to: they are listed in the end.
const LONG: usize = 4500;

fn expected(rows: usize) -> (usize, BTreeSet<String>) {
    (rows, (0..rows).map(|n| format!("r{n}")).collect())
}

fn entries(served: &Served, auditor: &str) -> u64 {
    let path = "/log/entries?limit=1";
    let page = call(&served.address, "GET", path, Some(auditor), None).expect(200);
    page["rows"][0]["index"].as_u64().unwrap()
}

#[test]
fn an_import_killed_beside_a_server_goes_on_without_duplicates() {
    let shut = shut();
    let file = shut.program.note("register.csv", register(ROWS));
    let served = shut.program.serve();
    let auditor = log_in(&served.address, "auditor");
    for _ in 0..2 {
        let before = entries(&served, &auditor);
        let mut client = shut
            .import(&file, &[])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("some rows", || {
            (entries(&served, &auditor) > before + 300).then_some(())
        });
        client.kill().unwrap();
        client.wait().unwrap();
    }
    let (rows, _) = shut.imported();
    assert!(rows > 0 && rows < ROWS, "killed in the middle: {rows}");
    let done = run(shut.import(&file, &[])).expect(0);
    assert!(done.err.contains("Going on at row"), "{done:?}");
    assert_eq!(done.rows()[0]["accepted"], ROWS);
    assert_eq!(shut.imported(), expected(ROWS));
    // Once more changes nothing.
    run(shut.import(&file, &[]));
    assert_eq!(shut.imported(), expected(ROWS));
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn an_import_killed_with_its_store_goes_on_without_duplicates() {
    let shut = shut();
    let file = shut.program.note("register.csv", register(LONG));
    let before = shut.registrations();
    let mut resumed = 0;
    let mut time = Duration::from_millis(500);
    let done = loop {
        let err = shut.program.file("import.err");
        let mut command = shut.import(&file, &[]);
        command
            .stderr(std::fs::File::create(&err).unwrap())
            .stdout(Stdio::null());
        let mut client = command.spawn().unwrap();
        std::thread::sleep(time);
        let ended = client.try_wait().unwrap();
        drop(client.kill());
        client.wait().unwrap();
        resumed += u32::from(
            std::fs::read_to_string(&err)
                .unwrap()
                .contains("Going on at row"),
        );
        if let Some(ended) = ended {
            break ended;
        }
        // Well below what the rows take, so that one of the kills comes among them.
        time += time / 10;
    };
    assert_eq!(done.code(), Some(0));
    assert!(resumed > 0, "it was never killed in the middle");
    assert_eq!(shut.imported(), expected(LONG));
    assert_eq!(
        shut.registrations(),
        before + LONG,
        "one entry each, no more"
    );
}

#[test]
fn a_rehearsal_stores_nothing() {
    let shut = shut();
    let file = shut.program.note("register.csv", register(300));
    let before = shut.registrations();
    let tried = run(shut.import(&file, &["--dry-run"])).expect(0);
    assert_eq!(tried.rows()[0]["accepted"], 300);
    assert_eq!(shut.imported().0, 0);
    assert_eq!(shut.registrations(), before);
    let done = run(shut.import(&file, &[])).expect(0);
    assert_eq!(done.rows()[0]["accepted"], 300);
    assert_eq!(shut.imported().0, 300);
    assert_eq!(shut.registrations(), before + 300, "each has its entry");
}

#[test]
fn every_encoding_is_read_and_bad_rows_are_named() {
    let shut = shut();
    let text = "번호,이름,제목,내용\r\nrX,홍길동,가로등,꺼졌습니다\r\n";
    let cp949 = encoding_rs::EUC_KR.encode(text).0.into_owned();
    let files = [
        ("plain.csv", text.replace("rX", "r1").into_bytes()),
        (
            "bom.csv",
            format!("\u{feff}{}", text.replace("rX", "r2")).into_bytes(),
        ),
        ("cp949.csv", [b"".as_slice(), &cp949].concat()),
    ];
    for (name, bytes) in files {
        let file = shut.program.note(name, bytes);
        run(shut.import(&file, &[])).expect(0);
    }
    let classes: Vec<_> = shut.imported().1.into_iter().collect();
    assert_eq!(classes, ["r1", "r2", "rX"]);
    let listed = run(shut.program.person("officer", &["case", "list", "--json"])).rows();
    for row in listed
        .iter()
        .filter(|row| row["class"].as_str().unwrap().starts_with('r'))
    {
        let id = row["id"].as_str().unwrap();
        let shown = run(shut
            .program
            .person("officer", &["case", "show", id, "--json"]))
        .expect(0);
        let case = &shown.rows()[0];
        assert_eq!(case["title"], "가로등");
        assert_eq!(case["people"][0]["name"], "홍길동");
    }
    // The third line has no title, the last too few cells: named by line, and the rest comes in.
    let bad =
        "번호,이름,제목,내용\r\nr5,갑,제목,내용\r\nr6,을,,내용\r\nr7,병,제목,내용\r\nr8,정\r\n";
    let file = shut.program.note("bad.csv", bad);
    let rejects = shut.program.file("rejects.jsonl");
    let path = rejects.to_string_lossy().into_owned();
    let done = run(shut.import(&file, &["--rejects", &path])).expect(0);
    assert_eq!(
        (&done.rows()[0]["accepted"], &done.rows()[0]["rejected"]),
        (&2.into(), &2.into())
    );
    let told = std::fs::read_to_string(&rejects).unwrap();
    let lines = told.lines().map(|l| {
        serde_json::from_str::<Value>(l).unwrap()["line"]
            .as_u64()
            .unwrap()
    });
    assert_eq!(lines.collect::<BTreeSet<_>>(), BTreeSet::from([3, 5]));
    assert_eq!(rejects.metadata().unwrap().mode() & 0o777, 0o600);
    assert!(!told.contains('을') && !told.contains('정'));
    // The same once more registers nothing and names them again, without a file as with one.
    let again = run(shut.import(&file, &[])).expect(0);
    assert_eq!(
        again.rows(),
        vec![{
            let mut same = done.rows()[0].clone();
            for pace in ["seconds", "rows_per_second"] {
                same[pace] = again.rows()[0][pace].clone();
            }
            same
        }]
    );
    std::fs::remove_file(&rejects).unwrap();
    run(shut.import(&file, &["--rejects", &path])).expect(0);
    assert_eq!(std::fs::read_to_string(&rejects).unwrap(), told);
}
