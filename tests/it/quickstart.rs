//! The first command of the README, and every line that it prints to be tried, by a shell.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Ran, Served, bongham, run, wait_for};

/// What `quickstart` prints under a heading that begins with `number`.
fn printed(shown: &str, number: &str) -> String {
    let lines = shown.lines().skip_while(|line| !line.starts_with(number));
    let lines = lines.skip(1).take_while(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// A quickstart that runs, what it printed, and a directory to try it in.
struct Demo {
    dir: tempfile::TempDir,
    served: Served,
    shown: String,
}

impl Demo {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let mut command = bongham();
        command
            .args(["quickstart", "--listen", "127.0.0.1:0"])
            .arg("--data")
            .arg(dir.path().join("it's a demo"))
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(dir.path().join("err")).unwrap());
        let mut child = command.spawn().unwrap();
        let shown = wait_for("the end of what is printed", || {
            let told = || std::fs::read_to_string(dir.path().join("err")).unwrap();
            assert_eq!(child.try_wait().unwrap(), None, "{}", told());
            let shown = std::fs::read_to_string(&out).unwrap();
            shown.contains("Stop with Ctrl-C").then_some(shown)
        });
        let served = Served {
            child,
            address: String::new(),
        };
        Self { dir, served, shown }
    }

    /// Runs a script as somebody who pastes it, with the binary on the path.
    fn paste(&self, script: &str) -> Ran {
        let binary = Path::new(env!("CARGO_BIN_EXE_bongham")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let script = format!("set -e\n{script}");
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(script)
            .current_dir(self.dir.path())
            .env("PATH", format!("{}:{path}", binary.display()))
            .stdin(Stdio::null());
        run(shell)
    }
}

#[test]
fn what_quickstart_prints_to_be_tried_does_what_it_says() {
    let demo = Demo::start();
    assert!(
        demo.shown.contains("human_rights_officer"),
        "{}",
        demo.shown
    );
    // A colleague sees no case of the other's.
    let second = printed(&demo.shown, "2. ");
    assert_eq!(second.matches("bongham case list").count(), 1, "{second}");
    let hers = demo.paste(&second.replace("--account rights2", "--account rights2 --json"));
    let hers = hers.expect(0).rows();
    let third = printed(&demo.shown, "3. ");
    assert_eq!(third.matches("bongham log").count(), 2, "{third}");
    let proved = demo.paste(&third).expect(0);
    assert!(proved.out.contains("whole"), "{proved:?}");
    assert!(proved.out.contains("true"), "{proved:?}");
    // The control: of a bundle that was changed the same line says so.
    let bundle = demo.dir.path().join("bongham-log.bundle");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let line = third.lines().last().unwrap();
    assert!(line.contains("log verify"), "{line}");
    demo.paste(line).expect(1);

    // The first officer's list by the same command: what only one of them has is absent to the
    // other, and the rest is in common because both sit on the desk.
    let password = demo.shown.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("rights")).then(|| words.next().unwrap().to_owned())
    });
    let other = second.lines().nth(1).unwrap();
    let first = second
        .replace("--account rights2", "--account rights --json")
        .replace(other, &password.unwrap());
    let theirs = demo.paste(&first).expect(0).rows();
    let alone = |own: &[serde_json::Value], other: &[serde_json::Value]| {
        let absent = |case: &&serde_json::Value| other.iter().all(|o| o["id"] != case["id"]);
        own.iter().filter(absent).count()
    };
    assert_eq!((alone(&theirs, &hers), alone(&hers, &theirs)), (2, 1));
    assert_eq!(demo.served.stop(), Some(0));
}

#[test]
#[ignore = "the first thing to try needs curl; .ci/run runs it"]
fn what_quickstart_prints_for_curl_lists_her_cases() {
    let demo = Demo::start();
    let first = printed(&demo.shown, "1. ");
    assert_eq!(first.matches("curl").count(), 2, "{first}");
    let listed = demo.paste(&first).expect(0);
    let page: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let rows = page["rows"].as_array().unwrap();
    assert!(!rows.is_empty(), "{page}");
    assert!(rows.iter().all(|row| row["tier"] == "sensitive"), "{page}");
    assert_eq!(demo.served.stop(), Some(0));
}
