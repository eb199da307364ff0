//! `kill -9` at random moments under load. A server process is killed again and again while
//! clients write down every answer they get; the next process must hold what was acknowledged,
//! and the log an entry for every plaintext that reached a client, even half of it.
//!
//! `BONGHAM_KILL_CYCLES` says how often (3 without it).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{Program, Served, ask, bongham, call, log_in, run};
use crate::world::{World, ordinary, sensitive};

/// A plaintext that reached a client.
#[derive(Debug, Clone)]
struct Shown {
    index: u64,
    case: String,
    login: &'static str,
}

/// What the clients were told.
#[derive(Default)]
struct Transcript {
    /// Acknowledged registrations: id and title.
    registered: Vec<(String, String)>,
    /// Sensitive ones among them.
    sensitive: BTreeSet<String>,
    shown: Vec<Shown>,
    /// Hand-overs from `rights` to `rights2` that were asked for, and those acknowledged.
    asked: BTreeSet<String>,
    handed: BTreeSet<String>,
    log_ins: u64,
}

struct Load {
    address: String,
    tokens: BTreeMap<&'static str, String>,
    transcript: Mutex<Transcript>,
    over: AtomicBool,
    number: AtomicU64,
}

const ACTORS: [&str; 5] = ["intake", "officer", "rights", "rights2", "auditor"];

impl Load {
    fn new(address: &str) -> Self {
        let tokens = ACTORS.map(|login| (login, log_in(address, login)));
        Self {
            address: address.to_owned(),
            tokens: tokens.into(),
            transcript: Mutex::default(),
            over: AtomicBool::new(false),
            number: AtomicU64::new(0),
        }
    }
    fn token(&self, login: &str) -> Option<&str> {
        self.tokens.get(login).map(String::as_str)
    }
    fn register(&self) {
        let n = self.number.fetch_add(1, Ordering::Relaxed);
        let mut draft = if n.is_multiple_of(3) {
            sensitive()
        } else {
            ordinary()
        };
        let title = format!("{} {n}", self.address);
        draft["title"] = json!(title);
        let body = draft.to_string();
        let path = "/api/v1/cases";
        let heard = ask(
            &self.address,
            "POST",
            path,
            self.token("intake"),
            Some(body.as_bytes()),
        );
        if let Some(reply) = heard
            .reply
            .filter(|reply| heard.whole && reply.status == 201)
        {
            let id = reply.json()["id"].as_str().unwrap().to_owned();
            let mut transcript = self.transcript.lock().unwrap();
            if n.is_multiple_of(3) {
                transcript.sensitive.insert(id.clone());
            }
            transcript.registered.push((id, title));
        }
    }
    /// Reads a case of this run; half an answer counts as shown.
    fn read(&self, login: &'static str, turn: usize) {
        let case = {
            let transcript = self.transcript.lock().unwrap();
            let secret = login != "officer";
            let mine = transcript
                .registered
                .iter()
                .filter(|(id, _)| transcript.sensitive.contains(id) == secret);
            let mine: Vec<_> = mine.collect();
            mine.get(turn % mine.len().max(1)).map(|(id, _)| id.clone())
        };
        let Some(case) = case else { return idle() };
        let path = format!("/api/v1/cases/{case}?purpose=handling");
        let heard = ask(&self.address, "GET", &path, self.token(login), None);
        if let Some(reply) = heard.reply.filter(|reply| reply.status == 200) {
            let index = reply.headers["bongham-log"].split_once('/').unwrap().0;
            let index = index.parse().unwrap();
            let shown = Shown { index, case, login };
            self.transcript.lock().unwrap().shown.push(shown);
        }
    }
    fn hand_over(&self) {
        let case = {
            let mut transcript = self.transcript.lock().unwrap();
            let Transcript {
                sensitive, asked, ..
            } = &mut *transcript;
            let case = sensitive.iter().find(|id| !asked.contains(*id)).cloned();
            asked.extend(case.clone());
            case
        };
        let Some(case) = case else { return idle() };
        let body = json!({"purpose": "handling", "assignees": ["rights2"]}).to_string();
        let path = format!("/api/v1/cases/{case}/assignees");
        let heard = ask(
            &self.address,
            "PUT",
            &path,
            self.token("rights"),
            Some(body.as_bytes()),
        );
        if heard
            .reply
            .is_some_and(|reply| heard.whole && reply.status == 200)
        {
            self.transcript.lock().unwrap().handed.insert(case);
        }
    }
    fn log_in(&self) {
        let body = json!({"account": "lead", "password": crate::world::password("lead")});
        let body = body.to_string();
        let heard = ask(
            &self.address,
            "POST",
            "/api/v1/sessions",
            None,
            Some(body.as_bytes()),
        );
        if heard
            .reply
            .is_some_and(|reply| heard.whole && reply.status == 201)
        {
            self.transcript.lock().unwrap().log_ins += 1;
        }
    }
    fn work(&self, worker: usize) {
        for turn in 0.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            match worker {
                0 | 1 => self.register(),
                2 | 3 => self.read("officer", turn * 7),
                4 => self.read("rights", turn * 5),
                5 => self.read("rights2", turn * 3),
                _ if turn % 8 == 0 => self.log_in(),
                _ => self.hand_over(),
            }
        }
    }
}

/// Runs clients against the server, kills it at a random moment, gives what they were told.
fn cycle(mut served: Served, load: Load) -> Transcript {
    let load = Arc::new(load);
    let workers: Vec<_> = (0..7)
        .map(|worker| {
            let load = Arc::clone(&load);
            std::thread::spawn(move || load.work(worker))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(30 + dice() % 1500));
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    load.over.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().unwrap();
    }
    std::mem::take(&mut *load.transcript.lock().unwrap())
}

fn idle() {
    std::thread::sleep(Duration::from_millis(5));
}

/// The standard library's one source of chance.
fn dice() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// Entries of the log from `from` on, by index.
fn entries(load: &Load, task: &str, from: u64) -> BTreeMap<u64, Value> {
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/log/entries?task={task}&limit=200&cursor={cursor}");
        let path = path.trim_end_matches("&cursor=");
        let page = call(&load.address, "GET", path, load.token("auditor"), None).expect(200);
        for row in page["rows"].as_array().unwrap() {
            found.insert(row["index"].as_u64().unwrap(), row.clone());
        }
        let reached = found.keys().next().is_none_or(|first| *first < from);
        match page["next"].as_str() {
            Some(next) if !reached => cursor = next.to_owned(),
            _ => return found.split_off(&from),
        }
    }
}

/// Whatever the transcript says and the store does not.
fn broken(load: &Load, told: &Transcript, since: u64) -> Vec<String> {
    let mut broken = Vec::new();
    let reads = entries(load, "read", since);
    for shown in &told.shown {
        let kept = reads.get(&shown.index).is_some_and(|entry| {
            entry["decision"] == "allow"
                && entry["login"] == shown.login
                && entry["cases"] == json!([shown.case])
        });
        if !kept {
            broken.push(format!("shown without an entry: {shown:?}"));
        }
    }
    let log_ins = entries(load, "login", since);
    let log_ins = log_ins.values().filter(|e| e["login"] == "lead").count() as u64;
    if log_ins < told.log_ins {
        broken.push(format!("{} log-ins, {log_ins} entries", told.log_ins));
    }
    for (id, title) in &told.registered {
        let opens = |login| {
            let path = format!("/cases/{id}?purpose=handling");
            let reply = call(&load.address, "GET", &path, load.token(login), None);
            let whole = reply.status == 200
                && reply.json()["title"] == json!(title)
                && reply.json()["people"][0]["telephone"].is_string();
            (whole, reply.status)
        };
        let is_sensitive = told.sensitive.contains(id);
        let holds = match is_sensitive {
            false => opens("officer").0,
            true if told.handed.contains(id) => {
                opens("rights2").0 && opens("rights") == (false, 404)
            }
            true if told.asked.contains(id) => opens("rights").0 != opens("rights2").0,
            true => opens("rights").0 && opens("rights2") == (false, 404),
        };
        if !holds {
            broken.push(format!("lost or in two hands: {id} {title} {is_sensitive}"));
        }
    }
    broken
}

/// Exports the log and verifies it offline against the checkpoint of the time before.
fn verify(dir: &Path, load: &Load) {
    let get = |path: &str| call(&load.address, "GET", path, load.token("auditor"), None);
    let bundle = get("/log/bundle");
    assert_eq!(bundle.status, 200);
    std::fs::write(dir.join("bundle"), bundle.bytes).unwrap();
    let mut command = bongham();
    command.args(["log", "verify"]).arg(dir.join("bundle"));
    command.arg("--key").arg(dir.join("key"));
    if dir.join("kept").exists() {
        command.arg("--checkpoint").arg(dir.join("kept"));
    }
    run(command).expect(0);
    std::fs::write(dir.join("kept"), get("/log/checkpoint").bytes).unwrap();
}

fn log_size(load: &Load) -> u64 {
    let note = call(
        &load.address,
        "GET",
        "/log/checkpoint",
        load.token("auditor"),
        None,
    );
    let note = String::from_utf8(note.bytes).unwrap();
    note.lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_shown_is_unlogged() {
    let cycles = std::env::var("BONGHAM_KILL_CYCLES").map_or(3, |n| n.parse().unwrap());
    let world = World::new();
    let key = world.log_key.clone();
    let office = world.leave();
    let dir = office.path();
    std::fs::write(dir.join("key"), key).unwrap();
    let (mut registered, mut shown, mut handed, mut log_ins) = (0, 0, 0, 0);
    let (mut told, mut since) = (Transcript::default(), 0);
    let program = Program::on(dir);
    for n in 0..=cycles {
        let served = program.serve();
        let load = Load::new(&served.address);
        let broken = broken(&load, &told, since);
        assert!(broken.is_empty(), "after kill {n}: {broken:#?}");
        if n == cycles {
            control(&load, &told, since);
        }
        if n % 20 == 0 || n == cycles {
            verify(dir, &load);
        }
        if n == cycles {
            break;
        }
        since = log_size(&load);
        told = cycle(served, load);
        registered += told.registered.len();
        shown += told.shown.len();
        handed += told.handed.len();
        log_ins += told.log_ins;
    }
    tracing::info!(cycles, registered, shown, handed, log_ins, "killed");
    assert!(registered > 0 && shown > 0, "the load did nothing");
}

/// The check finds what is missing: the same transcript with one thing more in it each time.
fn control(load: &Load, told: &Transcript, since: u64) {
    let count = |told: &Transcript| broken(load, told, since).len();
    let absent = "a".repeat(26);
    let mut more = Transcript {
        registered: vec![(absent.clone(), "never".to_owned())],
        ..Transcript::default()
    };
    assert_eq!(count(&more), 1);
    more.registered.clear();
    let shown = |index, case: &str, login| Shown {
        index,
        case: case.to_owned(),
        login,
    };
    // An entry that is about something else, and one that is not there.
    more.shown = vec![
        shown(since, &absent, "officer"),
        shown(u64::MAX, &absent, "officer"),
    ];
    if let Some(real) = told.shown.first() {
        more.shown.push(shown(real.index, &real.case, "intake"));
        more.shown.push(real.clone());
        assert_eq!(count(&more), 3);
    }
    more.shown.clear();
    more.log_ins = u64::MAX;
    assert_eq!(count(&more), 1);
}
