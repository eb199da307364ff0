//! The real binary and a plain HTTP client: what an operator starts and what a browser sends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{PASSPHRASE, Reply, password};

/// How long anything may take before a test calls it lost. Generous: it decides nothing else.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub fn bongham() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bongham"));
    for (name, _) in std::env::vars() {
        if name.starts_with("BONGHAM_") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
    /// Each line of the result as JSON.
    pub fn rows(&self) -> Vec<Value> {
        let rows = self.out.lines().map(|l| serde_json::from_str(l).unwrap());
        rows.collect()
    }
}

pub fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The two directories of a store, and the desk of the person who types: files with secrets.
pub struct Program {
    pub data: PathBuf,
    pub keyring: PathBuf,
    pub desk: tempfile::TempDir,
    /// What the program takes for the system's temporary directory: nobody else writes there.
    pub temporary: tempfile::TempDir,
    /// The `[disk]` table of a server: what others leave free on this machine is no matter.
    pub disk: &'static str,
}

impl Program {
    /// Commands on the store in `dir/data` and `dir/keyring`.
    pub fn on(dir: &Path) -> Self {
        let desk = tempfile::tempdir().unwrap();
        std::fs::write(desk.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        Self {
            data: dir.join("data"),
            keyring: dir.join("keyring"),
            desk,
            temporary: tempfile::tempdir().unwrap(),
            disk: "[disk]\nwarn_percent = 0\noutputs_percent = 0\ndisclosure_percent = 0\n",
        }
    }
    pub fn file(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }
    /// A file on the desk with this content.
    pub fn note(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, content).unwrap();
        path
    }
    /// A command on the store that gives the passphrase by file.
    pub fn store(&self, args: &[&str]) -> Command {
        let mut command = bongham();
        command.env("TMPDIR", self.temporary.path());
        command.args(args).arg("--data").arg(&self.data);
        command.arg("--keyring").arg(&self.keyring);
        command
            .arg("--passphrase-file")
            .arg(self.file("passphrase"));
        command
    }
    /// The same as somebody.
    pub fn person(&self, login: &str, args: &[&str]) -> Command {
        let secret = self.note(&format!("password-{login}"), password(login));
        let mut command = self.store(args);
        command.args(["--account", login, "--password-file"]);
        command.arg(secret);
        command
    }
    /// Serves the store; ready when this returns.
    pub fn serve(&self) -> Served {
        self.serve_telling("json", |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line["url"].as_str()?.to_owned())
        })
    }
    /// The same with an operator's log of this format, in whose line about the start `url` finds
    /// the address.
    pub fn serve_telling(&self, format: &str, url: fn(&str) -> Option<String>) -> Served {
        let (out, err) = (self.file("serve.out"), self.file("serve.err"));
        // One test does in a second what takes people a day.
        let pace = "[limits]\nactor_requests_per_second = 1000000\nactor_burst = 1000000\n\
            [budgets]\npeople = 1000000\ncases = 1000000\ndownloads = 1000000\n";
        let config = format!("{pace}{}", self.disk);
        let mut command = self.store(&["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--config").arg(self.note("serve.toml", config));
        command.args(["--log-format", format]);
        command.env("BONGHAM_LOG", "debug,bongham=trace,sled=info");
        command.stdout(File::create(&out).unwrap());
        command.stderr(File::create(&err).unwrap());
        let mut child = command.spawn().unwrap();
        let address = wait_for("the server's address", || {
            let told = std::fs::read_to_string(&err).unwrap();
            assert_eq!(child.try_wait().unwrap(), None, "{told}");
            let mut lines = told.lines().filter(|line| line.contains("serving"));
            let url = lines.find_map(url)?;
            Some(url.strip_prefix("http://")?.to_owned())
        });
        Served { child, address }
    }
}

/// Waits until there is something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not come");
}

/// A server process. Killed when dropped.
pub struct Served {
    pub child: Child,
    pub address: String,
}

impl Served {
    /// Asks it to stop, as an operator would, and waits for the end.
    pub fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What came back on a connection, however it ended.
pub struct Heard {
    /// The answer, if at least its head arrived.
    pub reply: Option<Reply>,
    /// Whether the answer is complete.
    pub whole: bool,
}

/// One request on a connection of its own; `path` from the root.
pub fn ask(
    address: &str,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&[u8]>,
) -> Heard {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: store\r\nconnection: close\r\n");
    if let Some(token) = token {
        request.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    if let Some(body) = body {
        let length = body.len();
        request.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {length}\r\n"
        ));
    }
    request.push_str("\r\n");
    let mut bytes = Vec::new();
    let _cut_short = (|| {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&[request.as_bytes(), body.unwrap_or_default()].concat())?;
        stream.read_to_end(&mut bytes)
    })();
    heard(&bytes)
}

fn heard(bytes: &[u8]) -> Heard {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
    let Some(end) = end else {
        return Heard {
            reply: None,
            whole: false,
        };
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|l| l.split(' ').nth(1)).unwrap();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let (bytes, whole) = match headers.get("content-length") {
        Some(length) => (
            rest.to_vec(),
            rest.len() == length.parse::<usize>().unwrap(),
        ),
        None if headers.contains_key("transfer-encoding") => chunks(rest),
        None => (rest.to_vec(), true),
    };
    let reply = Reply {
        status: status.parse().unwrap(),
        headers,
        bytes,
    };
    Heard {
        reply: Some(reply),
        whole,
    }
}

/// RFC 9112 §7.1, without extensions and trailers.
fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(at) = rest.windows(2).position(|part| part == b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&rest[..at]).ok();
        let Some(size) = size.and_then(|s| usize::from_str_radix(s, 16).ok()) else {
            return (body, false);
        };
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(at + 2..at + 2 + size) else {
            return (body, false);
        };
        body.extend_from_slice(chunk);
        rest = rest.get(at + 4 + size..).unwrap_or_default();
    }
}

/// A request whose answer must be whole, below `/api/v1`.
#[track_caller]
pub fn call(
    address: &str,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Reply {
    let body = body.map(|body| body.to_string().into_bytes());
    let path = format!("/api/v1{path}");
    let heard = ask(address, method, &path, token, body.as_deref());
    assert!(heard.whole, "{method} {path} was cut short");
    heard.reply.unwrap()
}

/// Logs in and gives the token.
#[track_caller]
pub fn log_in(address: &str, login: &str) -> String {
    let body = serde_json::json!({"account": login, "password": password(login)});
    let session = call(address, "POST", "/sessions", None, Some(&body)).expect(201);
    session["token"].as_str().unwrap().to_owned()
}
