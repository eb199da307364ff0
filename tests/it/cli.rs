//! The real binary as a script sees it: exit codes, imports that are broken off, read-only disks.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::program::{Program, Ran, Served, bongham, run, wait_for};
use crate::world::{World, ordinary, sensitive};

/// An office that was closed, to be worked on with commands.
pub struct Shut {
    pub office: tempfile::TempDir,
    pub program: Program,
    pub key: PathBuf,
    pub secret_case: String,
}

pub fn shut() -> Shut {
    let world = World::new();
    world.register("intake", &ordinary());
    let secret_case = world.register("intake", &sensitive());
    let key = world.log_key.clone();
    let office = world.leave();
    let program = Program::on(office.path());
    let key = program.note("log.vkey", key);
    Shut {
        office,
        program,
        key,
        secret_case,
    }
}

impl Shut {
    fn export(&self, name: &str) -> PathBuf {
        let bundle = self.program.file(name);
        let text = bundle.to_string_lossy().into_owned();
        run(self
            .program
            .person("auditor", &["log", "export", "--out", &text]))
        .expect(0);
        bundle
    }
    fn verify(&self, bundle: &Path, checkpoint: Option<&Path>) -> Ran {
        let mut command = bongham();
        command.args(["log", "verify"]).arg(bundle);
        command.arg("--key").arg(&self.key);
        if let Some(checkpoint) = checkpoint {
            command.arg("--checkpoint").arg(checkpoint);
        }
        run(command)
    }
}

fn plain(args: &[&str]) -> Ran {
    let mut command = bongham();
    command.args(args);
    run(command)
}

#[test]
fn codes_zero_to_five() {
    let shut = shut();
    let program = &shut.program;
    run(program.person("officer", &["case", "list"])).expect(0);
    run(program.store(&["fsck"])).expect(0);
    // 2: not written as it must be.
    plain(&["case", "list"]).expect(2);
    plain(&["nonsense"]).expect(2);
    plain(&["log", "verify", "x"]).expect(2);
    run(program.person("officer", &["case", "list", "--purpose", "curiosity"])).expect(2);
    let mut command = bongham();
    command.args(["fsck", "--passphrase-file", "/nonexistent", "--data"]);
    run({
        command.arg(&program.data);
        command
    })
    .expect(2);
    // 3: refused, absent and forbidden alike.
    let show = |login: &str, id: &str| run(program.person(login, &["case", "show", id]));
    show("rights", &shut.secret_case).expect(0);
    let forbidden = show("officer", &shut.secret_case).expect(3);
    let absent = show("officer", &"a".repeat(26)).expect(3);
    assert_eq!(forbidden.err, absent.err);
    assert!(forbidden.out.is_empty());
    run(program.person("nobody", &["case", "list"])).expect(3);
    // 4: the passphrase does not open it.
    program.note("passphrase", "not this one\n");
    let wrong = run(program.person("officer", &["case", "list"])).expect(4);
    assert!(wrong.err.contains("passphrase"), "{wrong:?}");
    run(program.store(&["fsck"])).expect(4);
    run(program.store(&["serve", "--listen", "127.0.0.1:0"])).expect(4);
    // 1: there is no store; none is made.
    let nowhere = Program::on(&shut.office.path().join("nowhere"));
    let failed = run(nowhere.store(&["fsck"]));
    assert!(
        failed.code == Some(1) && failed.err.contains("bongham init"),
        "{failed:?}"
    );
    run(nowhere.store(&["serve", "--listen", "127.0.0.1:0"])).expect(1);
    assert!(!nowhere.data.exists() && !nowhere.keyring.exists());
}

/// What a server that may not start says, and that it says so at once.
#[test]
fn a_server_starts_with_tls_or_on_loopback_and_on_a_store_of_its_own() {
    let shut = shut();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let note = |name: &str, text: String| {
        let path = shut.program.note(name, text);
        path.to_string_lossy().into_owned()
    };
    let cert = note("chain.pem", made.cert.pem());
    let key = note("key.pem", made.signing_key.serialize_pem());
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let stranger = note("other.pem", other.signing_key.serialize_pem());
    let serve = |more: &[&str]| shut.program.store(&[&["serve"], more].concat());
    let open = ["--listen", "0.0.0.0:0"];
    for (more, code, word) in [
        (&[][..], 2, "TLS"),
        (&["--tls-cert", &cert], 2, "--tls-key"),
        (&["--tls-key", &key], 2, "--tls-cert"),
        (
            &["--tls-cert", &cert, "--tls-key", "/nonexistent"],
            1,
            "/nonexistent",
        ),
        (
            &["--tls-cert", &cert, "--tls-key", &stranger],
            1,
            "together",
        ),
    ] {
        let refused = run(serve(&[&open[..], more].concat())).expect(code);
        assert!(refused.err.contains(word), "{word}: {refused:?}");
    }

    let told = shut.program.file("tls.err");
    let mut command = serve(&[&open[..], &["--tls-cert", &cert, "--tls-key", &key]].concat());
    command.stderr(std::fs::File::create(&told).unwrap());
    let child = command.args(["--log-format", "json"]).spawn().unwrap();
    let mut served = Served {
        child,
        address: String::new(),
    };
    served.address = wait_for("the server's address", || {
        let told = std::fs::read_to_string(&told).unwrap();
        let line = told.lines().find(|line| line.contains("\"serving\""))?;
        let line: Value = serde_json::from_str(line).ok()?;
        let url = line["url"].as_str()?.strip_prefix("https://0.0.0.0:")?;
        Some(format!("127.0.0.1:{url}"))
    });
    let trusted = made.cert.der().to_vec();
    let answer = over_tls(&served.address, trusted).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security"), "{answer}");
    // The control: whoever trusts another certificate hears nothing.
    assert!(over_tls(&served.address, other.cert.der().to_vec()).is_err());

    // A second server, and a repair, find the data directory in use; the first goes on.
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["fsck"]] {
        let refused = run(shut.program.store(args)).expect(1);
        assert!(refused.err.contains("in use"), "{refused:?}");
    }
    assert!(over_tls(&served.address, made.cert.der().to_vec()).is_ok());
    assert_eq!(served.stop(), Some(0));
    run(shut.program.store(&["fsck"])).expect(0);
}

/// Asks whether the server is ready, trusting this certificate alone.
fn over_tls(address: &str, trusted: Vec<u8>) -> std::io::Result<String> {
    use std::io::{Read, Write};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.into()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let config = std::sync::Arc::new(config);
    let client = rustls::ClientConnection::new(config, name).unwrap();
    let stream = std::net::TcpStream::connect(address)?;
    let mut stream = rustls::StreamOwned::new(client, stream);
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // The farewell may be missing; the answer is there.
    let ended = stream.read_to_end(&mut answer);
    if answer.is_empty() {
        ended?;
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn a_damaged_store_and_a_newer_one_are_code_five() {
    let shut = shut();
    let segment = shut.program.data.join("store/journal/00000001");
    let whole = std::fs::read(&segment).unwrap();
    // Bytes that were written, not what lies between two groups.
    let written = |below: usize| whole[..below].iter().rposition(|b| *b != 0).unwrap();
    let middle = written(written(whole.len()) / 2);
    for (at, word) in [(middle, "damaged"), (8, "newer")] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        std::fs::write(&segment, bytes).unwrap();
        // A trusted index needs not look there; making it anew reads every group.
        drop(std::fs::remove_dir_all(
            shut.program.data.join("store/index"),
        ));
        let refused = run(shut.program.store(&["fsck"])).expect(5);
        assert!(refused.err.contains(word), "{refused:?}");
        run(shut.program.store(&["serve", "--listen", "127.0.0.1:0"])).expect(5);
    }
    std::fs::write(&segment, whole).unwrap();
    run(shut.program.store(&["fsck"])).expect(0);
}

#[test]
fn policies_are_checked_with_their_tests() {
    plain(&["policy", "check"]).expect(0);
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().to_string_lossy().into_owned();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    plain(&["policy", "check", &text]).expect(0);
    let log = dir.path().join("log.tests.json");
    let tests = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, tests.replacen("\"allow\"", "\"deny\"", 1)).unwrap();
    let violated = plain(&["policy", "check", &text]).expect(1);
    let told = format!("{}{}", violated.out, violated.err);
    assert!(told.contains("an auditor reads the log"), "{told}");
    std::fs::write(&log, tests).unwrap();
    std::fs::write(dir.path().join("log.cedar"), "permit(principal").unwrap();
    plain(&["policy", "check", &text]).expect(1);
    plain(&["policy", "check", "/nonexistent"]).expect(1);
}

#[test]
fn a_bundle_is_whole_or_the_code_is_one() {
    let shut = shut();
    let old = shut.export("old.bundle");
    let checkpoint = run(shut.program.person("auditor", &["log", "checkpoint"])).expect(0);
    let kept = shut.program.note("kept", checkpoint.out);
    let new = shut.export("new.bundle");
    shut.verify(&old, None).expect(0);
    shut.verify(&new, Some(&kept)).expect(0);
    // Cut back behind what the auditor kept, though signed at the time.
    let cut = shut.verify(&old, Some(&kept)).expect(1);
    assert!(!cut.err.is_empty());
    let whole = std::fs::read(&new).unwrap();
    let bad = shut.program.file("bad.bundle");
    for part in 0..24 {
        let mut bytes = whole.clone();
        bytes[part * (whole.len() - 1) / 23] ^= 1;
        std::fs::write(&bad, bytes).unwrap();
        shut.verify(&bad, Some(&kept)).expect(1);
    }
    std::fs::write(&bad, &whole[..whole.len() - 7]).unwrap();
    shut.verify(&bad, None).expect(1);
    shut.verify(&shut.program.file("absent"), None).expect(1);
    // An export is never written over.
    let text = new.to_string_lossy().into_owned();
    run(shut
        .program
        .person("auditor", &["log", "export", "--out", &text]))
    .expect(1);
    assert_eq!(std::fs::read(&new).unwrap(), whole);
}

/// The directories belong to somebody who may not write them.
#[test]
fn a_read_only_directory_is_told_as_such() {
    let shut = shut();
    let nobody = 65_534;
    let root = shut.office.path().metadata().unwrap().uid() == 0;
    let as_nobody = |mut command: Command| {
        if root {
            command.uid(nobody).gid(nobody);
        }
        run(command)
    };
    let every = |dir: &Path, mode: fn(bool) -> u32| {
        let mut paths = vec![dir.to_owned()];
        while let Some(path) = paths.pop() {
            let is_dir = path.is_dir();
            if is_dir {
                paths.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            }
            let mode = PermissionsExt::from_mode(mode(is_dir));
            std::fs::set_permissions(&path, mode).unwrap();
            if root {
                std::os::unix::fs::chown(&path, Some(nobody), Some(nobody)).unwrap();
            }
        }
    };
    let writable = |is_dir: bool| if is_dir { 0o700 } else { 0o600 };
    let locked = |is_dir: bool| if is_dir { 0o500 } else { 0o400 };
    every(shut.program.desk.path(), writable);
    every(shut.office.path(), writable);
    as_nobody(shut.program.store(&["fsck"])).expect(0);
    for dir in [&shut.program.data, &shut.program.keyring] {
        every(dir, locked);
        let refused = as_nobody(shut.program.store(&["fsck"])).expect(1);
        assert!(
            refused.err.contains("ermission") || refused.err.contains("read-only"),
            "{refused:?}"
        );
        assert!(!refused.err.contains("internal"), "{refused:?}");
        every(dir, writable);
    }
    as_nobody(shut.program.store(&["fsck"])).expect(0);
}

#[test]
fn an_item_goes_to_the_archive_by_commands_alone() {
    let world = World::new();
    let item = crate::retained::drawn(&world, &sensitive());
    let office = world.leave();
    let program = Program::on(office.path());
    let path = |name: &str| program.file(name).to_string_lossy().into_owned();
    let (key, file) = (path("archive.key"), path("items.jsonl"));
    let made = plain(&["retained", "key-pair", "--out", &key]).expect(0);
    let public = made.out.trim().to_owned();
    assert_eq!(public.len(), 64);
    let fingerprint = made.err.trim().rsplit(' ').next().unwrap().to_owned();
    plain(&["retained", "key-pair", "--out", &key]).expect(1);

    let words = [
        "retained",
        "hand-over",
        &item,
        "--archive",
        &public,
        "--reason",
        "transfer",
    ];
    let asked = run(program.person("custodian", &[&words[..], &["--json"]].concat())).expect(0);
    let asked: Value = serde_json::from_str(&asked.out).unwrap();
    let approval = asked["approval"].as_str().unwrap();
    // The approver sees what goes where, and why.
    let shown = run(program.person("privacy", &["approval", "list", "--json"])).expect(0);
    let told = format!(
        "hand 1 items kept apart ({item}) to the archive with the key {fingerprint}; reason: transfer"
    );
    assert!(shown.out.contains(&told), "{told}: {shown:?}");
    run(program.person("privacy", &["approval", "decide", approval, "approve"])).expect(0);
    // Others do not even find it.
    run(program.person("officer", &["retained", "list"])).expect(3);
    let with = [&words[..], &["--approval", approval, "--out", &file]].concat();
    run(program.person("custodian", &with)).expect(0);

    let opened = plain(&["retained", "unseal", &file, "--key", &key]).expect(0);
    let received: Value = serde_json::from_str(&opened.out).unwrap();
    assert_eq!(received["item"], Value::from(item));
    assert_eq!(received["parts"][1]["content"]["name"], "임꺽정");
    let other = path("other.key");
    plain(&["retained", "key-pair", "--out", &other]).expect(0);
    let refused = plain(&["retained", "unseal", &file, "--key", &other]).expect(1);
    assert!(
        refused.out.is_empty() && refused.err.contains("another public key"),
        "{refused:?}"
    );
}
