//! Every command, from its words to the request it sends: the store answers with what it was asked.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use serde_json::{Value, json};

use super::failure::Exit;
use super::host::{Findings, Opened, Place, Task};
use super::testing::{Fake, Seen, Tape, no_host, pipe};
use super::*;

mod files;

/// Stores that were opened in this process and closed again.
static CLOSED: AtomicUsize = AtomicUsize::new(0);

fn echo(seen: Seen) -> Fake {
    let asked = json!({"asked": format!("{} {}", seen.method, seen.path), "body": seen.body});
    let path = seen.path.split('?').next().unwrap();
    match (seen.method.as_str(), path.strip_prefix("/api/v1").unwrap()) {
        ("GET", "/seal") => Fake::json(200, &json!({"state": "sealed", "initialised": true})),
        ("POST", "/seal") if seen.body["passphrase"] == "open sesame" => {
            Fake::json(200, &json!({"state": "open"}))
        }
        ("POST", "/seal") => Fake::problem(401, "credentials_refused"),
        ("POST", "/sessions") if seen.body["password"] == "secret" => {
            Fake::json(201, &json!({"token": "bgs_t"}))
        }
        ("POST", "/sessions") => Fake::problem(401, "credentials_refused"),
        ("DELETE", "/sessions/current") => Fake::raw(204, b""),
        ("POST", "/enrolments") => Fake::json(201, &asked),
        _ if seen.bearer.as_deref() != Some("bgs_t") => Fake::problem(401, "unauthenticated"),
        ("GET", "/accounts") => Fake::json(
            200,
            &json!({"rows": [{"account": "park", "id": "pid"}], "next": null}),
        ),
        ("GET", "/approvals" | "/departments" | "/cases" | "/log/entries") => {
            Fake::json(200, &json!({"rows": [asked], "next": null}))
        }
        ("GET", "/inspections") => Fake::json(200, &json!({"rows": [], "overdue": ["2026-10"]})),
        ("GET", path) if path.starts_with("/inspections/") && path.ends_with("/report") => {
            Fake::raw(200, b"a report")
        }
        ("GET", path) if path.starts_with("/inspections/") => {
            let intact = path == format!("/inspections/{ID}");
            Fake::json(200, &json!({"sheet": {}, "signed": {"intact": intact}}))
        }
        ("GET", "/log/bundle") => Fake::raw(200, b"a bundle"),
        ("GET", "/log/key" | "/log/checkpoint") => Fake::raw(200, b"text"),
        ("GET", path) if path.starts_with("/cases/") => {
            Fake::json(200, &asked).header("bongham-log", "41/42")
        }
        ("GET", _) => Fake::problem(404, "not_found"),
        _ => Fake::json(200, &asked),
    }
}

fn open(_place: Place) -> Task<Opened> {
    Box::pin(async {
        Ok(Opened {
            stream: pipe(echo),
            closed: Box::pin(async {
                CLOSED.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }),
        })
    })
}

struct Ran {
    done: Result<(), Failure>,
    result: String,
    notes: String,
}

impl Ran {
    fn json(&self) -> Value {
        self.done.as_ref().unwrap();
        serde_json::from_str(&self.result).unwrap()
    }
    fn exit(&self) -> Exit {
        self.done.as_ref().unwrap_err().exit()
    }
}

async fn run_in(dir: &Path, words: &[&str], secrets: [&str; 2]) -> Ran {
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    std::fs::write(at("passphrase"), secrets[0]).unwrap();
    std::fs::write(at("password"), secrets[1]).unwrap();
    std::fs::write(at("code"), "one-time").unwrap();
    let mut line = vec!["bongham".to_owned(), "--json".to_owned()];
    line.extend(
        words
            .iter()
            .map(|w| w.replace("DIR", dir.to_str().unwrap())),
    );
    line.extend(["--data".to_owned(), at("data")]);
    line.extend(["--passphrase-file".to_owned(), at("passphrase")]);
    if !["fsck", "rebuild-index"].contains(&words[0]) {
        line.extend(["--password-file".to_owned(), at("password")]);
    }
    if !["enrol", "fsck", "rebuild-index"].contains(&words[0]) {
        line.extend(["--account".to_owned(), "kim".to_owned()]);
    }
    let cli = Cli::try_parse_from(line).unwrap();
    let host = Host { open, ..no_host() };
    let (result, notes) = (Tape::default(), Tape::default());
    let mut out = Out::new(cli.json, Box::new(result.clone()), Box::new(notes.clone()));
    let done = dispatch(&host, cli.command, &mut out).await;
    Ran {
        done,
        result: result.text(),
        notes: notes.text(),
    }
}

async fn command(words: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    run_in(dir.path(), words, ["open sesame", "secret"]).await
}

const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test]
async fn words_become_requests() {
    let of_case = format!("/cases/{ID}");
    for (words, asked, body) in [
        (
            &[
                "account",
                "add",
                "lee",
                "--role",
                "lead",
                "--department",
                "civil",
            ][..],
            "POST /accounts".to_owned(),
            json!({"account": "lee", "roles": ["lead"], "department": "civil"}),
        ),
        (
            &["account", "disable", "park"],
            "POST /accounts/pid/disable".to_owned(),
            json!({}),
        ),
        (
            &["account", "reset", "park"],
            "POST /accounts/pid/reset".to_owned(),
            json!({}),
        ),
        (
            &[
                "account", "roles", "park", "--role", "officer", "--role", "lead",
            ],
            "PUT /accounts/pid/roles".to_owned(),
            json!({"roles": ["officer", "lead"]}),
        ),
        (
            &["approval", "decide", "abc", "refuse"],
            "POST /approvals/abc".to_owned(),
            json!({"decision": "refuse"}),
        ),
        (
            &["budget", "raise", "--people", "300", "--reason", "report"],
            "POST /budget".to_owned(),
            json!({"people": 300, "cases": 0, "reason": "report"}),
        ),
        (
            &["alert", "acknowledge", ID, "--note", "agreed"],
            format!("POST /alerts/{ID}/acknowledge"),
            json!({"note": "agreed"}),
        ),
        (
            &[
                "case",
                "hold",
                ID,
                "--lift",
                "--ground",
                "g",
                "--reason",
                "r",
                "--approval",
                ID,
            ],
            format!("PUT {of_case}/hold"),
            json!({"purpose": "legal", "action": "lift", "ground": "g", "reason": "r",
                "approval": ID}),
        ),
        (
            &["department", "add", "civil", "민원과"],
            "POST /departments".to_owned(),
            json!({"code": "civil", "name": "민원과"}),
        ),
        (
            &["department", "desk", "civil", "--member", "choi"],
            "PUT /departments/civil/desk".to_owned(),
            json!({"members": ["choi"]}),
        ),
        (
            &[
                "retained",
                "open",
                ID,
                "--reason",
                "a court asks",
                "--approval",
                ID,
            ],
            format!("POST /retained/{ID}/open"),
            json!({"purpose": "legal", "reason": "a court asks", "approval": ID}),
        ),
        (
            &[
                "retained",
                "hand-over",
                ID,
                "--archive",
                "00",
                "--reason",
                "transfer",
            ],
            "POST /retained/hand-over".to_owned(),
            json!({"items": [ID], "public_key": "00", "reason": "transfer"}),
        ),
        (
            &["retained", "end", ID, "--reason", "term over"],
            format!("POST /retained/{ID}/destruction"),
            json!({"reason": "term over"}),
        ),
        (
            &["retained", "cancel-end", ID, "--reason", "wrong item"],
            format!("POST /retained/{ID}/destruction/cancel"),
            json!({"reason": "wrong item"}),
        ),
        (
            &[
                "retained", "hold", ID, "--lift", "--ground", "court", "--reason", "final",
            ],
            format!("PUT /retained/{ID}/hold"),
            json!({"action": "lift", "ground": "court", "reason": "final"}),
        ),
        (
            &[
                "retained",
                "term",
                ID,
                "--until",
                "2036-12-31T00:00:00+09:00",
                "--decision",
                "2031-5",
                "--reason",
                "renewed",
            ],
            format!("POST /retained/{ID}/term"),
            json!({"until": "2036-12-31T00:00:00+09:00", "decision": "2031-5",
                "reason": "renewed"}),
        ),
        (
            &[
                "retained",
                "draw",
                ID,
                "--part",
                "people",
                "--law",
                "법",
                "--article",
                "제1조",
                "--items",
                "성명",
                "--until",
                "2031-01-01T00:00:00Z",
            ],
            format!("POST {of_case}/retained"),
            json!({"purpose": "handling", "parts": ["people"], "units": [], "law": "법",
                "article": "제1조", "items": "성명", "until": "2031-01-01T00:00:00Z"}),
        ),
        (
            &[
                "case",
                "assign",
                ID,
                "--assignee",
                "choi",
                "--reason",
                "leave",
            ],
            format!("PUT {of_case}/assignees"),
            json!({"purpose": "handling", "assignees": ["choi"], "reason": "leave"}),
        ),
        (
            &[
                "case",
                "reclassify",
                ID,
                "sensitive",
                "--reason",
                "r",
                "--purpose",
                "supervision",
            ],
            format!("PUT {of_case}/classification"),
            json!({"purpose": "supervision", "tier": "sensitive", "reason": "r"}),
        ),
        (
            &["enrol", "kim", "--code-file", "DIR/code"],
            "POST /enrolments".to_owned(),
            json!({"account": "kim", "code": "one-time", "password": "secret"}),
        ),
    ] {
        let seen = command(words).await.json();
        let (method, path) = asked.split_once(' ').unwrap();
        assert_eq!(
            seen["asked"],
            format!("{method} /api/v1{path}"),
            "{words:?}"
        );
        assert_eq!(seen["body"], body, "{words:?}");
    }
}

#[tokio::test]
async fn lists_and_readings_name_their_purpose() {
    let listed = command(&["case", "list", "--purpose", "audit"])
        .await
        .json();
    assert_eq!(listed["asked"], "GET /api/v1/cases?purpose=audit&limit=200");
    let shown = command(&["case", "show", ID]).await;
    assert_eq!(
        shown.json()["asked"],
        format!("GET /api/v1/cases/{ID}?purpose=handling")
    );
    assert!(shown.notes.contains("41/42"), "{}", shown.notes);
    let entries = command(&["log", "entries", "--task", "read", "--case", ID])
        .await
        .json();
    assert_eq!(
        entries["asked"],
        format!("GET /api/v1/log/entries?case={ID}&task=read&limit=200")
    );
}

#[tokio::test]
async fn a_case_is_registered_from_json_and_bad_json_is_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("case.json");
    std::fs::write(&file, "{\"title\":\"CANARY\"}").unwrap();
    let words = ["case", "register", file.to_str().unwrap()];
    let secrets = ["open sesame", "secret"];
    let made = run_in(dir.path(), &words, secrets).await;
    assert_eq!(made.json()["body"], json!({"title": "CANARY"}));
    std::fs::write(&file, "{\"title\":\"CANARY\"").unwrap();
    let refused = run_in(dir.path(), &words, secrets).await;
    assert_eq!(refused.exit(), Exit::Usage);
    assert!(!refused.done.unwrap_err().to_string().contains("CANARY"));
}

#[tokio::test]
async fn exit_codes_tell_refused_from_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let list = ["case", "list"];
    let wrong_password = run_in(dir.path(), &list, ["open sesame", "guess"]).await;
    assert_eq!(wrong_password.exit(), Exit::Refused);
    let wrong_passphrase = run_in(dir.path(), &list, ["guess", "secret"]).await;
    assert_eq!(wrong_passphrase.exit(), Exit::Sealed);
    let unknown = command(&["account", "disable", "nobody"]).await;
    assert_eq!(unknown.exit(), Exit::Failed);
    let before = CLOSED.load(Ordering::SeqCst);
    assert_eq!(
        command(&["account", "disable", "nobody"]).await.exit(),
        Exit::Failed
    );
    assert!(
        CLOSED.load(Ordering::SeqCst) > before,
        "closed after a failure, too"
    );
}

#[tokio::test]
async fn ids_in_a_path_cannot_lead_elsewhere() {
    let climbing = command(&["approval", "decide", "../accounts/x", "approve"]).await;
    assert_eq!(climbing.exit(), Exit::Usage);
    let climbing = command(&["department", "desk", "../x", "--member", "m"]).await;
    assert_eq!(climbing.exit(), Exit::Usage);
}

#[tokio::test]
async fn findings_are_told_and_counted() {
    fn check(_: Place, unlock: host::Unlock) -> Task<Findings> {
        Box::pin(async move {
            let bad = unlock.passphrase.expose() == "bad disk";
            Ok(Findings {
                lines: vec!["journal: 3 segments".to_owned()],
                violations: bad
                    .then(|| "segment 2: digest".to_owned())
                    .into_iter()
                    .collect(),
            })
        })
    }
    for (passphrase, violations) in [("fine", 0), ("bad disk", 1)] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p");
        std::fs::write(&file, passphrase).unwrap();
        let words = [
            "bongham",
            "fsck",
            "--passphrase-file",
            file.to_str().unwrap(),
        ];
        let cli = Cli::try_parse_from(words).unwrap();
        let host = Host {
            fsck: check,
            ..no_host()
        };
        let result = Tape::default();
        let mut out = Out::new(false, Box::new(result.clone()), Box::new(std::io::sink()));
        let done = dispatch(&host, cli.command, &mut out).await;
        assert_eq!(done.is_err(), violations == 1);
        assert_eq!(result.text().matches("WRONG").count(), violations);
        assert!(result.text().contains("3 segments"));
    }
}
