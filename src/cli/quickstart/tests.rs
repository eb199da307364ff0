//! The demo against a host whose server only writes down what it was asked.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;

use tokio::net::UnixListener;

use super::super::host::{InitDone, Task};
use super::super::testing::{Fake, Seen, Tape, answer_on, no_host};
use super::*;

/// Where the server writes down requests, inside the data directory.
const DIARY: &str = "diary";

fn init(request: InitRequest) -> Task<InitDone> {
    Box::pin(async move {
        fs::create_dir_all(&request.place.data).unwrap();
        fs::create_dir_all(&request.place.keyring).unwrap();
        fs::write(request.place.keyring.join("root"), "x").unwrap();
        assert!(request.unlock.passphrase.expose().len() >= 24);
        Ok(InitDone {
            admin_code: SecretText::new("code-admin".to_owned()),
            privacy_code: SecretText::new("code-privacy".to_owned()),
            log_key: "log+0+key".to_owned(),
            ledger_key: "ledger+0+key".to_owned(),
        })
    })
}

fn serve(request: ServeRequest) -> Task<Running> {
    Box::pin(async move {
        assert!(request.unlock.is_some(), "the demo starts open");
        let data = request.place.data.clone();
        let socket = data.join(super::super::channel::SOCKET);
        let _absent = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let data = data.clone();
                tokio::spawn(async move { answer_on(stream, |seen| answer(&data, &seen)).await });
            }
        });
        Ok(Running {
            url: "http://127.0.0.1:1".to_owned(),
            finished: Box::pin(async { Ok(()) }),
        })
    })
}

fn answer(data: &Path, seen: &Seen) -> Fake {
    let mut diary = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(data.join(DIARY))
        .unwrap();
    let line = json!([seen.method, seen.path, seen.bearer, seen.body]);
    writeln!(diary, "{line}").unwrap();
    let body = match (seen.method.as_str(), seen.path.split('?').next().unwrap()) {
        ("POST", "/api/v1/sessions") => json!({"token": seen.body["account"]}),
        ("POST", "/api/v1/accounts") => {
            json!({"enrolment_code": format!("code-{}", seen.body["account"].as_str().unwrap())})
        }
        ("GET", "/api/v1/approvals") => json!({
            "rows": [{"id": "aaaa", "state": "open"}, {"id": "bbbb", "state": "approved"}],
            "next": null,
        }),
        _ => json!({}),
    };
    Fake::json(200, &body)
}

async fn demo(dir: &Path, json: bool) -> (Result<(), Failure>, String, String) {
    let host = Host {
        init,
        serve,
        ..no_host()
    };
    let args = QuickstartArgs {
        data: dir.join("demo"),
        keyring: None,
        listen: "127.0.0.1:0".to_owned(),
    };
    let (result, notes) = (Tape::default(), Tape::default());
    let mut out = Out::new(json, Box::new(result.clone()), Box::new(notes.clone()));
    let done = quickstart(&host, args, &mut out).await;
    (done, result.text(), notes.text())
}

fn diary(dir: &Path) -> Vec<(String, String, Value, Value)> {
    let text = fs::read_to_string(dir.join("demo").join(DIARY)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn json_is_one_line_and_the_same_the_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let (done, first, notes) = demo(dir.path(), true).await;
    done.unwrap();
    assert_eq!(first.lines().count(), 1);
    assert!(
        notes.contains("DEMO"),
        "the warning stands beside, not in, the result"
    );
    let shown: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(shown["url"], "http://127.0.0.1:1");
    let logins: Vec<&str> = shown["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["account"].as_str().unwrap())
        .collect();
    assert_eq!(logins, PEOPLE.map(|(login, _, _)| login));
    let asked = diary(dir.path()).len();
    let (done, second, _) = demo(dir.path(), true).await;
    done.unwrap();
    assert_eq!(first, second, "the demo is found again");
    assert_eq!(diary(dir.path()).len(), asked, "and nothing is made twice");
}

#[tokio::test]
async fn everybody_enrols_and_every_right_has_a_second_person() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path(), true).await.0.unwrap();
    let diary = diary(dir.path());
    let of = |method: &str, path: &str| {
        let hits = diary
            .iter()
            .filter(|(m, p, _, _)| m == method && p.starts_with(path));
        hits.map(|(_, _, who, body)| (who.clone(), body.clone()))
            .collect::<Vec<_>>()
    };
    let enrolled = of("POST", "/api/v1/enrolments");
    assert_eq!(enrolled.len(), PEOPLE.len());
    for (_, body) in &enrolled {
        let login = body["account"].as_str().unwrap();
        assert_eq!(body["code"], format!("code-{login}"));
    }
    let approved = of("POST", "/api/v1/approvals/aaaa");
    assert_eq!(approved.len(), 2, "once for the role, once for the desk");
    assert!(approved.iter().all(|(who, _)| who == PRIVACY));
    assert!(of("POST", "/api/v1/approvals/bbbb").is_empty());
    assert!(
        of("PUT", "/api/v1/departments")
            .iter()
            .all(|(who, _)| who == ADMIN)
    );
    let cases = of("POST", "/api/v1/cases");
    assert_eq!(cases.len(), samples::drafts().count());
    assert!(cases.iter().all(|(who, _)| who == "intake"));
    let opened = of("POST", "/api/v1/sessions").len();
    let ended = of("DELETE", "/api/v1/sessions/current").len();
    assert_eq!(opened, ended + of("POST", "/api/v1/sessions/").len());
}

#[tokio::test]
async fn the_memo_is_for_its_owner_only_and_the_table_says_what_to_try() {
    let dir = tempfile::tempdir().unwrap();
    let (done, shown, _) = demo(dir.path(), false).await;
    done.unwrap();
    let memo = dir.path().join("demo").join(MEMO);
    assert_eq!(
        fs::metadata(&memo).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for needed in [
        "human_rights_officer",
        "curl -s",
        "bongham log verify",
        "1. ",
        "2. ",
        "3. ",
    ] {
        assert!(shown.contains(needed), "{needed}\n{shown}");
    }
}

#[tokio::test]
async fn a_store_that_is_no_demo_is_left_alone() {
    for occupied in ["demo", "demo.keyring"] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(occupied)).unwrap();
        fs::write(dir.path().join(occupied).join("journal"), "real").unwrap();
        let (done, shown, _) = demo(dir.path(), true).await;
        assert!(done.unwrap_err().to_string().contains("not a demo"));
        assert_eq!(shown, "");
        let kept = fs::read_to_string(dir.path().join(occupied).join("journal")).unwrap();
        assert_eq!(kept, "real");
    }
}

#[tokio::test]
async fn a_demo_that_was_not_finished_says_so() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path(), true).await.0.unwrap();
    let memo = dir.path().join("demo").join(MEMO);
    let text = fs::read_to_string(&memo).unwrap();
    fs::write(
        &memo,
        text.replace("\"complete\": true", "\"complete\": false"),
    )
    .unwrap();
    let (done, _, _) = demo(dir.path(), true).await;
    assert!(done.unwrap_err().to_string().contains("did not finish"));
}
