//! An import against a server that keeps the rules of `/imports`: resume, lost answers, kills.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::cli::args::{Actor, Store};
use crate::cli::channel::Channel;
use crate::cli::secrets::{PasswordArgs, UnlockArgs};
use crate::cli::testing::{Fake, Seen, fake};

const MAP: &str = r#"
[case]
tier = { value = "ordinary" }
department = { value = "civil" }
channel = { value = "online" }
class = { value = "x" }
title = { column = "t" }
narrative = { column = "n" }
"#;

/// The server's half, as far as an import sees it.
#[derive(Default)]
struct Server {
    fingerprint: Option<String>,
    titles: Vec<String>,
    /// The rejects, with the first row of their chunk.
    rejected: Vec<(u64, Value)>,
    finished: bool,
    /// After so many chunks every request breaks, as when the server is killed.
    breaks_after: Option<usize>,
    /// The answer to this chunk is taken for lost: it is refused as known already.
    repeats: Option<u64>,
}

impl Server {
    fn answer(&mut self, request: &Seen) -> Fake {
        match request.path.as_str() {
            "/api/v1/imports" => self.begin(&request.body),
            "/api/v1/imports/job/rows" => self.rows(&request.body),
            other => panic!("asked for {other}"),
        }
    }
    fn next_row(&self) -> u64 {
        (self.titles.len() + self.rejected.len()) as u64
    }
    fn begin(&mut self, body: &Value) -> Fake {
        let fingerprint = body["fingerprint"].as_str().unwrap().to_owned();
        assert_eq!(fingerprint.len(), 64);
        if *self.fingerprint.get_or_insert(fingerprint.clone()) != fingerprint {
            return Fake::problem(409, "conflict");
        }
        let next = self.next_row();
        let accepted = self.titles.len();
        // As few at once as can be, so that the rest must be asked for.
        let from = body["rejects_from"].as_u64().unwrap();
        let behind = self.rejected.iter().filter(|(chunk, _)| *chunk >= from);
        let chunks: std::collections::BTreeSet<u64> = behind.map(|(chunk, _)| *chunk).collect();
        let (first, more) = (chunks.first(), chunks.iter().nth(1));
        let of_first = self
            .rejected
            .iter()
            .filter(|(chunk, _)| Some(chunk) == first);
        let rejects: Vec<_> = of_first.map(|(_, reject)| reject).collect();
        Fake::json(
            201,
            &json!({"id": "job", "next_row": next, "accepted": accepted,
                "rejected": self.rejected.len(), "rejected_rows": rejects, "rejects_next": more}),
        )
    }
    fn rows(&mut self, body: &Value) -> Fake {
        if let Some(left) = self.breaks_after.as_mut() {
            if *left == 0 {
                return Fake::problem(500, "internal");
            }
            *left -= 1;
        }
        let from = body["from_row"].as_u64().unwrap();
        assert_eq!(from, self.next_row(), "rows come in order, none twice");
        assert!(!self.finished, "nothing comes behind the last chunk");
        let rows = body["rows"].as_array().unwrap();
        assert!((1..=200).contains(&rows.len()));
        let mut rejected = Vec::new();
        for row in rows {
            let title = row["case"]["title"].as_str().unwrap();
            if title.starts_with("bad") {
                let reject = json!({"line": row["line"], "code": "invalid", "field": "title",
                    "reason": "is bad"});
                self.rejected.push((from, reject.clone()));
                rejected.push(reject);
            } else {
                self.titles.push(title.to_owned());
            }
        }
        self.finished = body["last"].as_bool().unwrap();
        let (next, accepted) = (self.next_row(), self.titles.len());
        if self.repeats == Some(from) {
            let problem = json!({"status": 409, "code": "conflict", "next_row": next});
            return Fake::json(409, &problem);
        }
        Fake::json(
            200,
            &json!({"next_row": next, "accepted": accepted, "rejected": rejected}),
        )
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    args: ImportArgs,
    server: Arc<Mutex<Server>>,
}

impl Bench {
    /// A file of `rows` good rows; every 100th is one that the server rejects, and one more row
    /// cannot be parsed at all.
    fn new(rows: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut text = "t,n\nragged\n".to_owned();
        for i in 0..rows {
            let kind = if i % 100 == 99 { "bad" } else { "row" };
            text.push_str(&format!("{kind}{i},\"CANARY\nof two lines\"\n"));
        }
        let at = |name: &str| dir.path().join(name);
        fs::write(at("rows.csv"), text).unwrap();
        fs::write(at("map.toml"), MAP).unwrap();
        let args = ImportArgs {
            file: at("rows.csv"),
            map: at("map.toml").to_str().unwrap().to_owned(),
            dry_run: false,
            rejects: Some(at("rejects.jsonl")),
            actor: Actor {
                store: Store {
                    data: PathBuf::from("x"),
                    keyring: None,
                    config: None,
                },
                account: "intake".to_owned(),
                password: PasswordArgs::default(),
                unlock: UnlockArgs::default(),
                reason: None,
            },
        };
        Self {
            _dir: dir,
            args,
            server: Arc::default(),
        }
    }
    async fn channel(&self) -> Channel {
        let server = Arc::clone(&self.server);
        fake(move |request| server.lock().unwrap().answer(&request)).await
    }
    async fn run(&self) -> Result<Done, Failure> {
        let job = Arc::new(Job::open(
            &self.args.file,
            &self.args.map,
            self.args.dry_run,
        )?);
        let count = job.count()?;
        let mut client = Client::new(self.channel().await);
        let mut out = Out::new(true, Box::new(io::sink()), Box::new(io::sink()));
        send(&mut client, &job, &count, &self.args, &mut out).await
    }
    fn rejects(&self) -> Vec<Reject> {
        let text = fs::read_to_string(self.args.rejects.as_ref().unwrap()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn every_row_arrives_once_and_in_order() {
    let bench = Bench::new(1050);
    let done = bench.run().await.unwrap();
    let server = bench.server.lock().unwrap();
    assert_eq!(
        (done.accepted, server.titles.len(), server.rejected.len()),
        (1040, 1040, 10)
    );
    assert!(server.finished);
    assert_eq!(
        done.rejects.total(),
        11,
        "ten from the server, one that is no row"
    );
}

#[tokio::test]
async fn an_import_that_was_stopped_goes_on_without_duplicates() {
    let bench = Bench::new(1050);
    bench.server.lock().unwrap().breaks_after = Some(2);
    assert!(bench.run().await.is_err());
    assert_eq!(bench.server.lock().unwrap().next_row(), 400);
    bench.server.lock().unwrap().breaks_after = None;
    let done = bench.run().await.unwrap();
    assert_eq!(done.accepted, 1040);
    let rejects = bench.rejects();
    assert_eq!(rejects.len(), 11, "those of both runs, each once");
    let finished_again = bench.run().await.unwrap();
    assert_eq!(finished_again.accepted, 1040, "a third run changes nothing");
    assert_eq!(finished_again.rejects.total(), 11, "and names them again");
    assert_eq!(bench.rejects().len(), 11);
    let titles = bench.server.lock().unwrap().titles.clone();
    let distinct: std::collections::BTreeSet<_> = titles.iter().collect();
    assert_eq!((titles.len(), distinct.len()), (1040, 1040));
}

#[tokio::test]
async fn a_chunk_whose_answer_was_lost_is_not_sent_again() {
    let bench = Bench::new(600);
    bench.server.lock().unwrap().repeats = Some(200);
    let done = bench.run().await.unwrap();
    assert_eq!(
        (done.accepted, bench.server.lock().unwrap().titles.len()),
        (594, 594)
    );
    let mut lines: Vec<u64> = bench.rejects().iter().map(|r| r.line).collect();
    lines.sort_unstable();
    let expected: Vec<u64> = (0..6).map(|n| 3 + (n * 100 + 99) * 2).collect();
    assert_eq!(
        (lines[0], &lines[1..]),
        (2, &expected[..]),
        "its rejects as well"
    );
}

#[tokio::test]
async fn an_import_without_a_file_for_its_rejects_counts_those_of_earlier_runs() {
    let mut bench = Bench::new(1050);
    bench.args.rejects = None;
    bench.server.lock().unwrap().breaks_after = Some(2);
    assert!(bench.run().await.is_err());
    bench.server.lock().unwrap().breaks_after = None;
    let resumed = bench.run().await.unwrap();
    assert_eq!((resumed.accepted, resumed.rejects.total()), (1040, 11));
    let summary = resumed.rejects.summary().join("\n");
    assert!(
        summary.contains("10 × invalid in title: is bad"),
        "{summary}"
    );
}

#[tokio::test]
async fn rejects_name_lines_and_no_content_and_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(100);
    bench.run().await.unwrap();
    let path = bench.args.rejects.as_ref().unwrap();
    assert_eq!(
        fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(path).unwrap();
    assert!(
        fs::read_to_string(&bench.args.file)
            .unwrap()
            .contains("CANARY")
    );
    assert!(
        !text.contains("CANARY") && !text.contains("bad99"),
        "{text}"
    );
    let lines: Vec<u64> = bench.rejects().iter().map(|r| r.line).collect();
    assert_eq!(lines, [2, 3 + 99 * 2], "true lines of the file");
}

#[tokio::test]
async fn another_file_or_map_is_another_import() {
    let bench = Bench::new(10);
    let before = fingerprint(&bench.args.file, MAP, false).unwrap();
    assert_eq!(fingerprint(&bench.args.file, MAP, false).unwrap(), before);
    assert_ne!(
        fingerprint(&bench.args.file, &format!("{MAP}\n"), false).unwrap(),
        before
    );
    assert_ne!(
        fingerprint(&bench.args.file, MAP, true).unwrap(),
        before,
        "a rehearsal"
    );
    fs::write(&bench.args.file, "t,n\na,b\n").unwrap();
    assert_ne!(fingerprint(&bench.args.file, MAP, false).unwrap(), before);
}
