//! The program on real complaints, where they lie beside the checkout: `BONGHAM_SHARED` names
//! their folder. `.ci/run` runs this with `--ignored`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

struct Demo {
    dir: tempfile::TempDir,
    server: Child,
    accounts: Value,
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn bongham() -> Command {
    Command::new(env!("CARGO_BIN_EXE_bongham"))
}

impl Demo {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut server = bongham()
            .args(["quickstart", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(dir.path().join("data"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self {
            dir,
            server,
            accounts: ready["accounts"].clone(),
        }
    }

    fn password_file(&self, login: &str) -> PathBuf {
        let accounts = self.accounts.as_array().unwrap();
        let account = accounts.iter().find(|a| a["account"] == login).unwrap();
        let path = self.dir.path().join(login);
        std::fs::write(&path, account["password"].as_str().unwrap()).unwrap();
        path
    }

    /// Entries of the access log that tell of a registration.
    fn registrations(&self) -> usize {
        let done = bongham()
            .args(["log", "entries", "--task", "register", "--limit", "100000"])
            .args(["--json", "--account", "auditor", "--password-file"])
            .arg(self.password_file("auditor"))
            .arg("--data")
            .arg(self.dir.path().join("data"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().lines().count()
    }

    /// Runs a command as `login` and gives its exit code and its JSON.
    fn run(&self, login: &str, args: &[&str], file: &Path) -> (i32, Value) {
        let done = bongham()
            .args(args)
            .arg(file)
            .args(["--json", "--account", login, "--password-file"])
            .arg(self.password_file(login))
            .arg("--data")
            .arg(self.dir.path().join("data"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let json = text
            .lines()
            .last()
            .and_then(|line| serde_json::from_str(line).ok());
        (
            done.status.code().unwrap_or(-1),
            json.unwrap_or(Value::Null),
        )
    }
}

#[test]
#[ignore = "needs the real data that BONGHAM_SHARED names; .ci/run runs it"]
fn real_petitions_come_in_once_and_the_log_proves_it() {
    let data = PathBuf::from(std::env::var("BONGHAM_SHARED").unwrap()).join("data");
    let demo = Demo::start();
    let before = demo.registrations();
    for (map, file, rows) in [
        ("builtin:keyword", "minwon_keyword_2019.cp949.csv", 480),
        ("builtin:bluehouse", "bluehouse_petitions.jsonl.gz", 3691),
    ] {
        let file = data.join(file);
        let (exit, dry) = demo.run("intake", &["import", "--dry-run", "--map", map], &file);
        assert_eq!((exit, &dry["accepted"]), (0, &rows.into()), "{dry}");
        for _again in 0..2 {
            let (exit, done) = demo.run("intake", &["import", "--map", map], &file);
            assert_eq!((exit, &done["accepted"]), (0, &rows.into()), "{done}");
        }
    }
    let bundle = demo.dir.path().join("log.bundle");
    let (exit, _) = demo.run("auditor", &["log", "export", "--out"], &bundle);
    assert_eq!(exit, 0);
    let key = demo.dir.path().join("log.vkey");
    let memo = std::fs::read_to_string(demo.dir.path().join("data/quickstart.json")).unwrap();
    let memo: Value = serde_json::from_str(&memo).unwrap();
    std::fs::write(&key, memo["log_key"].as_str().unwrap()).unwrap();
    let verify = |bundle: &Path| {
        let done = bongham()
            .args(["log", "verify"])
            .arg(bundle)
            .arg("--key")
            .arg(&key)
            .output();
        done.unwrap().status.code()
    };
    assert_eq!(verify(&bundle), Some(0));
    let registered = 480 + 3691;
    assert_eq!(demo.registrations(), before + registered);
    let mut bytes = std::fs::read(&bundle).unwrap();
    assert!(bytes.len() > registered * 100, "an entry for every case");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&bundle, &bytes).unwrap();
    assert_eq!(
        verify(&bundle),
        Some(1),
        "the control: one changed bit is seen"
    );
}
