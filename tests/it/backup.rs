//! Backups, restores and copies of the keyring, by the real program: what was destroyed, revoked or
//! reset stays so, and everything else comes back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bongham::service::Settings;
use serde_json::json;

use crate::program::{Program, call, log_in, run};
use crate::thief::copy;
use crate::world::{World, ordinary, sensitive, settings, walk};

/// An office on disk, its program, and the log's public key in a file.
pub struct Office {
    pub dir: tempfile::TempDir,
    pub program: Program,
    key: PathBuf,
}

impl Office {
    pub fn of(world: World) -> Self {
        let key = world.log_key.clone();
        let dir = world.leave();
        let program = Program::on(dir.path());
        let key = program.note("log.vkey", key);
        Self { dir, program, key }
    }
    pub fn key(&self) -> &str {
        self.key.to_str().unwrap()
    }
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub fn backup(&self, name: &str) -> PathBuf {
        let dir = self.path(name);
        let made = self
            .program
            .person("admin", &["backup", "create", dir.to_str().unwrap()]);
        run(made).expect(0);
        dir
    }
    /// The office as it is, or as it was restored to `data` with `keyring`.
    pub fn settings(&self, data: &str, keyring: &str) -> Settings {
        let mut settings = settings(self.dir.path());
        settings.data = self.path(data);
        settings.keyring = self.path(keyring);
        settings
    }
    pub fn world(&self) -> World {
        self.world_in("data", "keyring")
    }
    pub fn world_in(&self, data: &str, keyring: &str) -> World {
        World::over(&self.settings(data, keyring)).unwrap()
    }
    /// `backup restore` into `data` with `keyring`, and more options.
    pub fn restore(
        &self,
        dir: &Path,
        data: &str,
        keyring: &str,
        more: &[&str],
    ) -> std::process::Command {
        let mut command = crate::program::bongham();
        command.args(["backup", "restore"]).arg(dir);
        command.arg("--data").arg(self.path(data));
        command.arg("--keyring").arg(self.path(keyring));
        command.args(["--key", self.key()]).args(more);
        command.arg("--retained").arg(self.path("data/retained"));
        command
            .arg("--passphrase-file")
            .arg(self.program.file("passphrase"));
        command
    }
    pub fn text(&self, login: &str, args: &[&str], name: &str) -> String {
        let ran = run(self.program.person(login, args)).expect(0);
        self.program.note(name, ran.out).display().to_string()
    }
    pub fn bundle(&self, which: &str, name: &str) -> String {
        let file = self.program.file(name);
        let export = [which, "export", "--out", file.to_str().unwrap()];
        run(self.program.person("auditor", &export)).expect(0);
        file.display().to_string()
    }
}

pub fn logs_in(world: &mut World, login: &str) -> u16 {
    world.try_log_in(login).status
}

fn verify(office: &Office, dir: &Path) -> crate::program::Ran {
    let mut command = crate::program::bongham();
    command.args(["backup", "verify"]).arg(dir);
    command.args(["--key", office.key()]);
    run(command)
}

#[test]
fn a_store_is_backed_up_while_it_works_and_opens_as_it_was() {
    let world = World::new();
    let plain = world.register("intake", &ordinary());
    let secret_case = world.register("intake", &sensitive());
    let office = Office::of(world);
    let served = office.program.serve();
    let (address, stop) = (served.address.clone(), Arc::new(AtomicBool::new(false)));
    let load = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let token = log_in(&address, "intake");
            let mut registered = 0;
            while !stop.load(Ordering::SeqCst) {
                call(&address, "POST", "/cases", Some(&token), Some(&ordinary())).expect(201);
                registered += 1;
            }
            registered
        })
    };
    std::thread::sleep(Duration::from_millis(300));
    let dir = office.backup("backup");
    stop.store(true, Ordering::SeqCst);
    assert!(load.join().unwrap() > 0, "there was load");
    assert_eq!(served.stop(), Some(0));
    verify(&office, &dir).expect(0);

    // Not a byte of the keyring, of the index, or of anybody's words.
    let mut files = Vec::new();
    walk(&dir, &mut files);
    let names: Vec<String> = files.iter().map(|(p, _)| p.display().to_string()).collect();
    assert!(
        !names
            .iter()
            .any(|n| n.contains("index") || n.contains("keyring")),
        "{names:?}"
    );
    assert!(
        names.iter().any(|n| n.ends_with("journal/00000001")),
        "{names:?}"
    );
    let words = "보도블록".as_bytes();
    assert!(
        !files
            .iter()
            .any(|(_, b)| b.windows(words.len()).any(|w| w == words))
    );

    // The ledger has not grown since: no bundle is needed.
    let restored = run(office.restore(&dir, "new", "keyring", &[])).expect(0);
    assert!(restored.out.contains("goes on from"), "{restored:?}");
    let mut world = office.world_in("new", "keyring");
    for login in ["officer", "rights", "auditor"] {
        assert_eq!(logs_in(&mut world, login), 201);
    }
    let read = world.read("officer", &plain, "handling").expect(200);
    assert_eq!(read["title"], ordinary()["title"]);
    let read = world.read("rights", &secret_case, "handling").expect(200);
    assert_eq!(read["title"], sensitive()["title"]);
    assert_eq!(world.log("&task=restore").len(), 1);
    world.leave();
    let fsck = run(Program::on(&renamed(&office)).store(&["fsck"]));
    fsck.expect(0);
}

/// The restored data under the name that [`Program::on`] expects.
fn renamed(office: &Office) -> PathBuf {
    fs::rename(office.path("data"), office.path("old")).unwrap();
    fs::rename(office.path("new"), office.path("data")).unwrap();
    office.dir.path().to_owned()
}

#[test]
fn a_backup_that_was_killed_goes_on_and_says_no_to_every_flipped_byte() {
    let world = World::new();
    for _ in 0..40 {
        world.register("intake", &ordinary());
    }
    let office = Office::of(world);
    let served = office.program.serve();
    let dir = office.path("backup");
    let args = ["backup", "create", dir.to_str().unwrap()];
    let create = || {
        let mut command = office.program.person("admin", &args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    for delay in [150, 250, 350, 450] {
        let mut child = create().spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        drop(child.kill());
        child.wait().unwrap();
        if dir.join("manifest.json").exists() {
            fs::remove_file(dir.join("manifest.json")).unwrap();
        }
    }
    // What a kill in the middle of a file leaves, whenever it comes.
    let journal = dir.join("store/journal/00000001");
    fs::create_dir_all(journal.parent().unwrap()).unwrap();
    let whole = fs::read(office.path("data").join("store/journal/00000001")).unwrap();
    fs::write(&journal, &whole[..5_000]).unwrap();
    assert_ne!(verify(&office, &dir).code, Some(0), "it is not whole yet");
    let done = run(office.program.person("admin", &args)).expect(0);
    assert!(done.out.contains("backup"), "{done:?}");
    verify(&office, &dir).expect(0);
    // A part that is not what it was is fetched anew.
    fs::remove_file(dir.join("manifest.json")).unwrap();
    fs::write(&journal, vec![7; 5_000]).unwrap();
    run(office.program.person("admin", &args)).expect(0);
    verify(&office, &dir).expect(0);
    // A finished one is not touched.
    run(office.program.person("admin", &args)).expect(2);
    assert_eq!(served.stop(), Some(0));

    let mut files = Vec::new();
    walk(&dir, &mut files);
    assert!(files.len() >= 6, "{}", files.len());
    for (path, bytes) in files {
        let mut bad = bytes.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs::write(&path, &bad).unwrap();
        let ran = verify(&office, &dir).expect(1);
        let name = path.file_name().unwrap().to_str().unwrap();
        let named = ran.err.contains(name) || name.starts_with("manifest");
        assert!(named, "{name}: {}", ran.err);
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        verify(&office, &dir).expect(1);
        fs::write(&path, &bytes).unwrap();
    }
    verify(&office, &dir).expect(0);
    // Nor is a bad one restored.
    let mut bad = fs::read(&journal).unwrap();
    bad[4_000] ^= 1;
    fs::write(&journal, bad).unwrap();
    run(office.restore(&dir, "new", "keyring", &[])).expect(1);
    assert!(!office.path("new").exists());
}

#[test]
fn what_was_reassigned_revoked_or_reset_since_does_not_come_back() {
    let world = World::new();
    let kept = world.register("intake", &sensitive());
    let moved = world.register("intake", &sensitive());
    let office = Office::of(world);
    let dir = office.backup("backup");
    // The thief's copy, for the control.
    copy(&office.path("keyring"), &office.path("keyring-then"));

    let mut world = office.world();
    for login in ["admin", "privacy", "rights", "auditor", "officer2", "lead"] {
        assert_eq!(logs_in(&mut world, login), 201);
    }
    let body = json!({"purpose": "handling", "assignees": ["rights2"]});
    let path = format!("/cases/{moved}/assignees");
    world.put("rights", &path, &body).expect(200);
    let accounts = world.get("admin", "/accounts?limit=200").expect(200);
    let id = |login: &str| {
        let mut rows = accounts["rows"].as_array().unwrap().iter();
        let row = rows.find(|a| a["account"] == login).unwrap();
        row["id"].as_str().unwrap().to_owned()
    };
    let none = json!({"roles": []});
    world
        .put(
            "admin",
            &format!("/accounts/{}/roles", id("officer2")),
            &none,
        )
        .expect(200);
    world
        .post(
            "admin",
            &format!("/accounts/{}/disable", id("lead")),
            &json!({}),
        )
        .expect(200);
    // A reset, and a new password by its code: the old one must not come back.
    world
        .ids
        .insert("coordinator".to_owned(), id("coordinator"));
    let code = world.reset("coordinator");
    let enrol =
        json!({"account": "coordinator", "code": code, "password": "quite-another-harbour-9"});
    world
        .send("POST", "/api/v1/enrolments", None, Some(&enrol))
        .expect(201);
    world.leave();

    // What ended stands in the ledger, which is longer than the backup's.
    let short = run(office.restore(&dir, "new", "keyring", &[])).expect(1);
    assert!(short.err.contains("--ledger"), "{short:?}");
    let ledger = office.bundle("ledger", "ledger.bundle");
    run(office.restore(&dir, "new", "keyring", &["--ledger", &ledger])).expect(0);
    let mut world = office.world_in("new", "keyring");
    for (login, status) in [
        ("officer2", 401),
        ("lead", 401),
        ("coordinator", 401),
        ("rights", 201),
    ] {
        assert_eq!(logs_in(&mut world, login), status, "{login}");
    }
    assert_eq!(logs_in(&mut world, "admin"), 201);
    let shown = world.get("admin", "/accounts?limit=200").expect(200);
    let of = |login: &str| {
        let mut rows = shown["rows"].as_array().unwrap().iter();
        rows.find(|a| a["account"] == login).unwrap().clone()
    };
    for login in ["officer2", "lead", "coordinator"] {
        assert_eq!(of(login)["state"], "disabled", "{login}");
        assert_eq!(of(login)["roles"], json!([]), "{login}");
    }
    assert_eq!(of("rights")["state"], "enrolled");
    world.read("rights", &kept, "handling").expect(200);
    let dead = world.read("rights", &moved, "handling");
    assert_eq!(dead.status, 404, "reassigned since: its old keys are dead");
    world.leave();
    // And it stays so.
    let mut world = office.world_in("new", "keyring");
    assert_eq!(logs_in(&mut world, "coordinator"), 401);
    world.leave();

    // Control: with a keyring from before, all of it is there again.
    run(office.restore(&dir, "then", "keyring-then", &[])).expect(0);
    let mut world = office.world_in("then", "keyring-then");
    for login in ["officer2", "lead", "coordinator", "rights"] {
        assert_eq!(logs_in(&mut world, login), 201, "{login}");
    }
    world.read("rights", &moved, "handling").expect(200);
}
