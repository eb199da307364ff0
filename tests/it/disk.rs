//! A disk that fills up under a real server: what stops first, and what never does.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::export::{order, text};
use crate::faults::Small;
use crate::program::{PATIENCE, Program, call, log_in, run, wait_for};
use crate::world::{World, ordinary};

/// Free bytes of the disk that this path lies on, as `df` tells.
fn free(path: &Path) -> u64 {
    let mut df = Command::new("df");
    let out = df
        .args(["-B1", "--output=avail"])
        .arg(path)
        .output()
        .unwrap();
    let out = String::from_utf8(out.stdout).unwrap();
    out.lines().last().unwrap().trim().parse().unwrap()
}

/// Fills the disk with a file until so much is free.
fn leave(file: &Path, bytes: u64) {
    let mut ballast = std::fs::File::create(file).unwrap();
    let block = vec![1; 1 << 20];
    while free(file) > bytes {
        ballast.write_all(&block).unwrap();
    }
}

#[test]
#[ignore = "mounts a small file system, which needs root: run with --ignored"]
fn a_disk_that_fills_up_stops_what_leaves_then_what_is_read_and_never_the_log() {
    const MIB: u64 = 1 << 20;
    let small = Small::mounted(1000);
    let world = World::new();
    let case = world.register("intake", &ordinary());
    let office = world.leave();
    for part in ["data", "keyring"] {
        let mut copy = Command::new("cp");
        copy.arg("-a")
            .arg(office.path().join(part))
            .arg(small.path());
        assert!(copy.status().unwrap().success());
    }
    let mut program = Program::on(small.path());
    program.disk = "";
    let served = program.serve();
    let officer = log_in(&served.address, "officer");
    let body = order(&json!({"cases": [&case]}), "jsonl");
    let ask =
        |method: &str, path: &str, body| call(&served.address, method, path, Some(&officer), body);
    let export = || ask("POST", "/exports", Some(&body));
    let read = || ask("GET", &format!("/cases/{case}?purpose=handling"), None);
    let taken = |serial: &str| {
        wait_for("the end of the export", || {
            let view = ask("GET", &format!("/exports/{serial}"), None).expect(200);
            (view["state"] == "ready").then_some(())
        });
    };
    taken(&text(&export().expect(202)["serial"]));

    let ballast = small.path().join("ballast");
    leave(&ballast, 40 * MIB);
    let refused = export();
    assert_eq!(refused.expect(507)["code"], json!("disk_full"));
    read().expect(200);

    leave(&ballast, 12 * MIB);
    let began = Instant::now();
    while read().status == 200 {
        assert!(began.elapsed() < PATIENCE, "reads go on");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(read().expect(507)["code"], json!("disk_full"));
    // The log is read and verified meanwhile, and holds what was refused.
    let entries = ["log", "entries", "--task", "export", "--json"];
    let rows = run(program.person("auditor", &entries)).expect(0).rows();
    assert!(
        rows.iter().any(|row| row["result"] == "refused"),
        "{rows:?}"
    );
    let elsewhere = program.file("log.bundle");
    let bundle = ["log", "export", "--out", elsewhere.to_str().unwrap()];
    run(program.person("auditor", &bundle)).expect(0);

    std::fs::remove_file(&ballast).unwrap();
    taken(&text(&export().expect(202)["serial"]));
    wait_for("reads", || (read().status == 200).then_some(()));
    drop(served);
}
