//! Stopping, crashing and coming back: everything is there, or the store says by name what is
//! wrong. Never anything in between.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bongham::service::{ServiceError, Settings};
use serde_json::{Value, json};

use crate::world::{
    PASSPHRASE, World, here, ordinary, sealed_service, secret, sensitive, settings, walk,
};

/// What each person sees: cases as opened, accounts, and the log up to a place.
type Seen = BTreeMap<String, Value>;

/// An answer that is neither what it was nor an error with a name.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when a test fails")]
struct Silent(String);

/// What a store answers that was opened again; `None` where it says that it is damaged.
fn look(world: &mut World, cases: &[(String, &str)], entries: u64) -> Result<Option<Seen>, Silent> {
    let mut seen = Seen::new();
    for login in ["admin", "auditor", "officer", "rights"] {
        let reply = world.try_log_in(login);
        match reply.status {
            201 => {}
            _ if is_named(&reply.code()) => return Ok(None),
            status => {
                return Err(Silent(format!(
                    "log-in of {login}: {status} {}",
                    reply.code()
                )));
            }
        }
    }
    let mut ask = |name: String, login: &str, path: &str| {
        let reply = world.get(login, path);
        match reply.status {
            200 => Ok(seen.insert(name, reply.json()).is_none()),
            _ if is_named(&reply.code()) => Ok(false),
            status => Err(Silent(format!("{name}: {status} {}", reply.code()))),
        }
    };
    let mut whole = ask("accounts".into(), "admin", "/accounts")?;
    for (case, login) in cases {
        whole &= ask(
            case.clone(),
            login,
            &format!("/cases/{case}?purpose=handling"),
        )?;
    }
    whole &= ask("list".into(), "officer", "/cases?purpose=handling")?;
    whole &= ask("log".into(), "auditor", "/log/entries?limit=200")?;
    if let Some(rows) = seen
        .get_mut("log")
        .and_then(|log| log["rows"].as_array_mut())
    {
        rows.retain(|row| row["index"].as_u64().unwrap() < entries);
    }
    Ok(whole.then_some(seen))
}

fn is_named(code: &str) -> bool {
    code == "damaged"
}

/// How a store came back.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// Everything is as it was.
    Whole,
    /// It did not open, and says why.
    Refused(ServiceError),
    /// It opened and names the damage where it meets it.
    Named,
}

/// A staffed office with cases of both tiers that was closed cleanly.
struct Closed {
    dir: tempfile::TempDir,
    settings: Settings,
    cases: Vec<(String, &'static str)>,
    entries: u64,
    seen: Seen,
}

fn entries(world: &World) -> u64 {
    world.log("")[0]["index"].as_u64().unwrap() + 1
}

fn cases(world: &World) -> Vec<(String, &'static str)> {
    let mut cases = Vec::new();
    for n in 0..3 {
        let mut draft = ordinary();
        draft["title"] = json!(format!("보도블록 {n}"));
        cases.push((world.register("intake", &draft), "officer"));
        draft = sensitive();
        draft["title"] = json!(format!("괴롭힘 {n}"));
        cases.push((world.register("intake", &draft), "rights"));
    }
    cases
}

impl Closed {
    fn new() -> Self {
        let mut world = World::new();
        let cases = cases(&world);
        let entries = entries(&world);
        let seen = look(&mut world, &cases, entries).unwrap().unwrap();
        let settings = world.settings.clone();
        let dir = world.leave();
        Self {
            dir,
            settings,
            cases,
            entries,
            seen,
        }
    }
    /// Opens, looks at everything, closes.
    fn come_back(&self) -> Result<Came, Silent> {
        self.come_back_at(&self.settings)
    }
    fn come_back_at(&self, settings: &Settings) -> Result<Came, Silent> {
        let mut world = match World::over(settings) {
            Ok(world) => world,
            Err(ServiceError::Internal(why)) => return Err(Silent(why)),
            Err(error) => return Ok(Came::Refused(error)),
        };
        let found = look(&mut world, &self.cases, self.entries)?;
        // A damaged store may not close either; what it says then is no news.
        drop(world.service.close());
        match found {
            None => Ok(Came::Named),
            Some(seen) if seen == self.seen => Ok(Came::Whole),
            Some(seen) => Err(Silent(format!("{seen:#?}\nwas\n{:#?}", self.seen))),
        }
    }
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = Vec::new();
        walk(self.dir.path(), &mut found);
        found.into_iter().collect()
    }
    /// Puts back what differs; directories keep their inodes, which the engine's marks name.
    fn restore(&self, files: &BTreeMap<PathBuf, Vec<u8>>) {
        for path in self
            .files()
            .keys()
            .filter(|path| !files.contains_key(*path))
        {
            std::fs::remove_file(path).unwrap();
        }
        for (path, bytes) in files {
            if std::fs::read(path).ok().as_ref() != Some(bytes) {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let mut found = Vec::new();
    walk(from, &mut found);
    for (path, bytes) in found {
        let path = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_clean_restart_keeps_everything_but_sessions() {
    let mut world = World::new();
    let cases = cases(&world);
    let entries = entries(&world);
    let before = look(&mut world, &cases, entries).unwrap().unwrap();
    let session = world.token("officer").unwrap().to_owned();
    let list = |world: &World| {
        let path = "/api/v1/cases?purpose=handling";
        world.send("GET", path, Some(&session), None)
    };
    list(&world).expect(200);
    world.service.close().unwrap();
    assert_eq!(list(&world).code(), "sealed");
    world
        .service
        .unseal_now(&secret(PASSPHRASE), here())
        .unwrap();
    let ended = list(&world);
    assert_eq!((ended.status, ended.code()), (401, "session_ended".into()));
    let after = look(&mut world, &cases, entries).unwrap().unwrap();
    assert_eq!(before, after);
    assert!(before["log"]["rows"].as_array().unwrap().len() > 20);
    // The check sees a single word that differs.
    let mut other = after;
    other.get_mut(&cases[0].0).unwrap()["narrative"] = json!("…");
    assert_ne!(before, other);
}

#[test]
fn a_crash_keeps_everything() {
    let mut world = World::new();
    let cases = cases(&world);
    let entries = entries(&world);
    let before = look(&mut world, &cases, entries).unwrap().unwrap();
    // What a power cut right after the last answer leaves: the directories as they are now.
    let image = tempfile::tempdir().unwrap();
    copy(world.dir.path(), image.path());
    let mut other = World::over(&settings(image.path())).unwrap();
    let after = look(&mut other, &cases, entries).unwrap().unwrap();
    assert_eq!(before, after);
    // And the same in place: the process goes away without a word.
    let settings = world.settings.clone();
    let _dir = world.vanish();
    let mut world = World::over(&settings).unwrap();
    assert_eq!(before, look(&mut world, &cases, entries).unwrap().unwrap());
}

#[test]
fn one_process_at_a_time() {
    let world = World::new();
    let refused = World::over(&world.settings).err();
    assert_eq!(refused, Some(ServiceError::InUse));
    // Neither directory can be shared.
    let image = tempfile::tempdir().unwrap();
    copy(world.dir.path(), image.path());
    let apart = settings(image.path());
    let mixed = [
        Settings {
            data: world.settings.data.clone(),
            ..apart.clone()
        },
        Settings {
            keyring: world.settings.keyring.clone(),
            ..apart.clone()
        },
    ];
    for settings in mixed {
        assert_eq!(World::over(&settings).err(), Some(ServiceError::InUse));
    }
    world.get("officer", "/cases?purpose=handling").expect(200);
    assert!(World::over(&apart).is_ok());
    let settings = world.settings.clone();
    let _dir = world.leave();
    assert!(World::over(&settings).is_ok());
}

#[test]
fn a_wrong_passphrase_and_a_missing_keyring_are_told_apart_from_damage() {
    let closed = Closed::new();
    let open = |settings: &Settings, passphrase: &str| {
        let service = sealed_service(settings);
        service.unseal_now(&secret(passphrase), here())
    };
    let refused = open(&closed.settings, "correct horse battery stable");
    assert_eq!(refused, Err(ServiceError::WrongPassphrase));
    let away = Settings {
        keyring: closed.dir.path().join("elsewhere"),
        ..closed.settings.clone()
    };
    assert_eq!(open(&away, PASSPHRASE), Err(ServiceError::KeyringMissing));
    assert!(!away.keyring.exists(), "a keyring was made out of nothing");
    let nowhere = Settings {
        data: closed.dir.path().join("nowhere"),
        ..closed.settings.clone()
    };
    assert_eq!(open(&nowhere, PASSPHRASE), Err(ServiceError::Uninitialised));
    assert_eq!(closed.come_back().unwrap(), Came::Whole);
}

#[test]
fn the_keyring_of_another_store_is_refused() {
    let (closed, other) = (Closed::new(), Closed::new());
    let mixed = Settings {
        keyring: other.settings.keyring.clone(),
        ..closed.settings.clone()
    };
    let came = closed.come_back_at(&mixed).unwrap();
    assert!(matches!(came, Came::Refused(_)), "{came:?}");
}

/// Ways to spoil a file.
const DAMAGE: [&str; 4] = ["flip", "truncate", "zero", "remove"];

fn spoil(path: &Path, bytes: &[u8], how: &str, at: usize) {
    let mut bytes = bytes.to_vec();
    match how {
        "flip" => bytes[at] ^= 0x20,
        "truncate" => bytes.truncate(at),
        "zero" => {
            let end = (at + 512).min(bytes.len());
            bytes[at..end].fill(0);
        }
        _ => return std::fs::remove_file(path).unwrap(),
    }
    std::fs::write(path, bytes).unwrap();
}

/// Spoils every file of a closed store in every way, each time at `rounds` places.
fn spoil_all(closed: &Closed, mut seed: u64, rounds: u32) -> BTreeMap<&'static str, u32> {
    let files = closed.files();
    let mut ends = BTreeMap::new();
    for (path, bytes) in &files {
        // The part in use; behind it lie the zeros of a prepared segment.
        let used = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        let name = path.strip_prefix(closed.dir.path()).unwrap().display();
        for (how, _) in DAMAGE
            .iter()
            .flat_map(|how| (0..rounds).map(move |n| (*how, n)))
        {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695);
            let at = (seed >> 33) as usize % used.max(1);
            if used == 0 && how == "flip" {
                continue;
            }
            spoil(path, bytes, how, at);
            let came = closed.come_back();
            let came = came.unwrap_or_else(|silent| panic!("{name} {how} at {at}: {silent:?}"));
            tracing::info!(%name, how, at, ?came, "spoiled");
            let end = match came {
                Came::Whole => "whole",
                Came::Named => "named",
                Came::Refused(_) => "refused",
            };
            *ends.entry(end).or_default() += 1;
            closed.restore(&files);
        }
    }
    ends
}

/// `BONGHAM_DAMAGE_ROUNDS` says at how many places of each file (1 without it).
#[test]
fn a_spoiled_file_is_healed_or_named_and_never_passed_over() {
    let rounds = std::env::var("BONGHAM_DAMAGE_ROUNDS").map_or(1, |n| n.parse().unwrap());
    let closed = Closed::new();
    let files = closed.files();
    assert_eq!(closed.come_back().unwrap(), Came::Whole);
    closed.restore(&files);
    let ends = spoil_all(&closed, 7, rounds);
    tracing::info!(?ends, "all spoiled");
    assert!(ends["whole"] > 0 && ends["refused"] > 0, "{ends:?}");
    assert_eq!(closed.come_back().unwrap(), Came::Whole);
    // The check sees what a store would pass over: a case less.
    let poorer = Closed {
        seen: BTreeMap::from([("log".to_owned(), json!(null))]),
        ..closed
    };
    assert!(poorer.come_back().is_err());
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let closed = Closed::new();
    let files = closed.files();
    let mut refused = BTreeSet::new();
    for (path, bytes) in &files {
        // Magic words of the program's files and the byte of the version behind them.
        let at = match bytes.get(..8) {
            Some(b"BONGHAMJ" | b"BONGHAMS") => 8,
            Some([b'B', b'H', b'K', b'R', ..]) => 4,
            _ => continue,
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // A keyring keeps two roots; the older of them must not be taken in place of a newer.
        let mut newer = bytes.clone();
        newer[at] = 0x7f;
        std::fs::write(path, newer).unwrap();
        let came = closed.come_back().unwrap();
        assert!(
            matches!(came, Came::Refused(ServiceError::Newer(_))),
            "{name}: {came:?}"
        );
        refused.insert(name);
        closed.restore(&files);
    }
    assert!(refused.len() >= 4, "{refused:?}");
    assert_eq!(closed.come_back().unwrap(), Came::Whole);
}

#[test]
fn a_log_that_was_cut_back_is_refused() {
    let mut world = World::new();
    let cases = cases(&world);
    world.restart();
    // An old image of everything, taken cleanly.
    let settings = world.settings.clone();
    let dir = world.leave();
    let old = tempfile::tempdir().unwrap();
    copy(dir.path(), old.path());
    let world = World::over(&settings).map(|mut world| {
        world.log_in("officer");
        world.read("officer", &cases[0].0, "handling").expect(200);
        world
    });
    world.unwrap().service.close().unwrap();
    // Old data with the present keyring: the keyring knows of more.
    let cut = Settings {
        data: old.path().join("data"),
        ..settings.clone()
    };
    let refused = World::over(&cut).err();
    assert!(
        matches!(refused, Some(ServiceError::Damaged(_))),
        "{refused:?}"
    );
    // Old journal and old keyring beside the present checkpoints: the checkpoints know of more.
    copy(&settings.data.join("logs"), &old.path().join("data/logs"));
    let cut = Settings {
        keyring: old.path().join("keyring"),
        ..cut
    };
    let refused = World::over(&cut).err();
    assert!(
        matches!(refused, Some(ServiceError::Damaged(_))),
        "{refused:?}"
    );
    assert!(World::over(&settings).is_ok());
}
