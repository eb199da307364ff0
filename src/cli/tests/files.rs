//! Commands that write files.

use super::*;

#[tokio::test]
async fn exports_are_new_files_and_half_ones_do_not_stay() {
    let dir = tempfile::tempdir().unwrap();
    let secrets = ["open sesame", "secret"];
    let (bundle, ledger) = (dir.path().join("b"), dir.path().join("l"));
    let words = ["log", "export", "--out", bundle.to_str().unwrap()];
    run_in(dir.path(), &words, secrets).await.done.unwrap();
    assert_eq!(std::fs::read(&bundle).unwrap(), b"a bundle");
    let again = run_in(dir.path(), &words, secrets).await;
    assert_eq!(
        again.exit(),
        Exit::Failed,
        "an existing file is not overwritten"
    );
    let words = ["ledger", "export", "--out", ledger.to_str().unwrap()];
    assert_eq!(
        run_in(dir.path(), &words, secrets).await.exit(),
        Exit::Refused
    );
    assert!(!ledger.exists());
    let key = command(&["log", "key"]).await;
    assert_eq!(key.result, "text\n");
}

#[tokio::test]
async fn the_list_of_inspections_tells_what_is_overdue_and_a_report_what_is_broken() {
    let list = command(&["inspection", "list"]).await.json();
    assert_eq!(list["overdue"], json!(["2026-10"]));
    let dir = tempfile::tempdir().unwrap();
    let report = async |id: &str| {
        let file = dir.path().join(id);
        let words = ["inspection", "report", id, "--out", file.to_str().unwrap()];
        let ran = run_in(dir.path(), &words, ["open sesame", "secret"]).await;
        assert_eq!(
            std::fs::read(&file).unwrap(),
            b"a report",
            "written in any case"
        );
        ran.done.map_err(|failure| failure.exit())
    };
    assert_eq!(report(&"e".repeat(26)).await, Err(Exit::Failed));
    assert_eq!(report(ID).await, Ok(()));
}

/// That it was given stands in the case's history: so it has to have a place first.
#[tokio::test]
async fn evidence_is_asked_for_only_where_both_its_files_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("there"), b"kept").unwrap();
    let give = async |out: &str, page: &str, password: &str| {
        let (out, page) = (at(out), at(page));
        let words = [
            &[
                "evidence",
                "give",
                "--receipt",
                "R",
                "--identity",
                "passport",
            ][..],
            &["--reason", "r", "--out", &out, "--page", &page],
        ];
        let secrets = ["open sesame", password];
        let ran = run_in(dir.path(), &words.concat(), secrets).await;
        ran.done.map_err(|failure| failure.exit())
    };
    for (out, page) in [
        ("there", "page"),
        ("document", "there"),
        ("same", "same"),
        ("no/document", "page"),
        ("document", "no/page"),
    ] {
        // With a wrong password, whoever asks the server is refused.
        let done = give(out, page, "guess").await;
        assert_eq!(done, Err(Exit::Usage), "{out} {page}");
    }
    let asked = give("document", "page", "guess").await;
    assert_eq!(asked, Err(Exit::Refused), "the control");
    assert_eq!(give("document", "page", "secret").await, Ok(()));
    assert!(dir.path().join("page").exists());
    assert_eq!(std::fs::read(at("there")).unwrap(), b"kept");
}
