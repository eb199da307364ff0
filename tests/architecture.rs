//! The layers hold: a module imports only from the rows beneath it, doors never import each
//! other, and every outside crate has the homes that are written down here and no other.

#![expect(clippy::unwrap_used, reason = "a test's helpers stop the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Row of each module; a module may import rows beneath its own.
const ROWS: &[(&str, u8)] = &[
    ("domain", 0),
    ("config", 0),
    ("engine", 0),
    ("merkle", 0),
    ("crypto", 1),
    ("keyring", 1),
    ("authn", 2),
    ("authz", 2),
    ("audit", 3),
    ("vault", 4),
    ("cases", 5),
    ("people", 5),
    ("destruction", 5),
    ("retained", 5),
    ("disclosure", 5),
    ("inspection", 5),
    ("forward", 5),
    ("service", 6),
    ("http", 7),
    ("cli", 7),
];

/// Sideways imports that are allowed, with the reason.
const SIDEWAYS: &[(&str, &str, &str)] = &[
    ("engine", "domain", "words"),
    ("merkle", "domain", "words"),
    ("config", "domain", "words"),
    ("crypto", "keyring", "shred halves"),
    (
        "keyring",
        "crypto",
        "types of the halves and of department keys",
    ),
    ("authz", "authn", "the session is who asks"),
    ("disclosure", "cases", "views are what leaves"),
    ("inspection", "disclosure", "copies still out are inspected"),
];

/// What a door may see besides its own folder.
const DOORS: &[(&str, &[&str])] = &[
    (
        "http",
        &[
            "service",
            "domain",
            "config",
            "authn",
            "cases",
            "people",
            "destruction",
            "disclosure",
            "inspection",
            "retained",
            "audit",
            "engine",
        ],
    ),
    (
        "cli",
        &["domain", "config", "merkle", "destruction", "inspection"],
    ),
];

/// Where each outside crate may be named. A path ends in `/` for a folder.
const HOMES: &[(&str, &[&str])] = &[
    ("sled", &["engine/embedded/index.rs"]),
    ("crossbeam_epoch", &["engine/embedded/reclaim.rs"]),
    ("serde_json_canonicalizer", &["destruction/", "inspection/"]),
    ("argon2", &["keyring/unseal.rs", "authn/password.rs"]),
    ("hpke", &["crypto/wrap.rs"]),
    ("rustix", &["keyring/storage.rs", "engine/embedded/"]),
    ("cedar_policy", &["authz/"]),
    ("tlog_tiles", &["merkle/"]),
    ("signed_note", &["merkle/"]),
    ("axum", &["http/"]),
    ("tower", &["http/"]),
    ("tower_http", &["http/"]),
    ("utoipa_axum", &["http/"]),
    (
        "utoipa",
        &[
            "http/",
            "cases/draft.rs",
            "cases/search.rs",
            "cases/extract.rs",
            "cases/view.rs",
            "people/view.rs",
            "retained/view.rs",
            "destruction/draft.rs",
            "destruction/draft/",
            "destruction/view.rs",
            "disclosure/",
            "inspection/",
            "service/",
        ],
    ),
    ("rustls", &["http/", "forward/"]),
    ("tokio_rustls", &["http/"]),
    ("syslog_fmt", &["forward/"]),
    ("clap", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("rpassword", &["cli/"]),
    ("flate2", &["cli/import/"]),
    (
        "encoding_rs",
        &["cli/import/", "cli/forensic.rs", "disclosure/sheet.rs"],
    ),
    ("csv", &["disclosure/sheet.rs"]),
    ("zip", &["disclosure/sheet/"]),
    ("age", &["disclosure/lock.rs"]),
    ("icu_segmenter", &["disclosure/mask.rs"]),
    ("toml", &["cli/import/", "config/"]),
    ("tracing_subscriber", &["cli/trace.rs"]),
    ("rusqlite", &[]),
    ("hyper", &["http/", "cli/"]),
    ("hyper_util", &["http/", "cli/"]),
    ("krilla", &["disclosure/paper/"]),
    ("parley", &["disclosure/paper/"]),
    ("image", &["disclosure/mark/"]),
    ("qrcode", &["disclosure/mark/"]),
    ("rqrr", &["disclosure/mark/"]),
    (
        "tokio",
        &["http/", "cli/", "engine/pending.rs", "main.rs", "wiring.rs"],
    ),
    (
        "ring",
        &[
            "domain/random.rs",
            "crypto/",
            "keyring/",
            "merkle/",
            "engine/embedded/",
            "authn/",
            "authz/",
            "audit/",
            "destruction/",
            "disclosure/",
            "inspection/",
            "people/approval/hash.rs",
            "service/accounts.rs",
            "cli/",
            "http/",
        ],
    ),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The text of a file without comments, and cut where its unit tests begin.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Modules of this crate that a text names by `crate::name` or `bongham::name`, also inside
/// `use crate::{a, b}`.
fn modules(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut word = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ':' | ',' if depth == 1 => {
                        if c == ':' || !word.is_empty() {
                            found.insert(std::mem::take(&mut word));
                        }
                        continue;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                if depth == 1 && c.is_alphanumeric() || c == '_' {
                    word.push(c);
                }
            }
        } else {
            found.insert(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    found
}

fn row(module: &str) -> Option<u8> {
    ROWS.iter()
        .find(|(name, _)| *name == module)
        .map(|(_, row)| *row)
}

fn allowed(from: &str, to: &str) -> bool {
    if from == to {
        return true;
    }
    let (Some(own), Some(other)) = (row(from), row(to)) else {
        return row(to).is_none();
    };
    if let Some((_, seen)) = DOORS.iter().find(|(door, _)| *door == from) {
        return seen.contains(&to);
    }
    other < own || SIDEWAYS.iter().any(|(f, t, _)| *f == from && *t == to)
}

fn violations(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    // Test modules build worlds of their own, from any row.
    let product = |path: &str| !path.ends_with("/tests.rs") && !path.contains("/tests/");
    for (path, text) in files.iter().filter(|(path, _)| product(path)) {
        let code = code(text);
        let from = path
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs");
        for to in modules(&code) {
            if row(from).is_some() && !allowed(from, &to) {
                wrong.push(format!("{path} imports {to}"));
            }
        }
        for (name, homes) in HOMES {
            let named = code.match_indices(&format!("{name}::")).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            });
            let home = homes
                .iter()
                .any(|h| path == h || h.ends_with('/') && path.starts_with(h));
            if named && !home {
                wrong.push(format!("{path} names {name}"));
            }
        }
    }
    wrong
}

fn crate_files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let relative = |p: &PathBuf| {
        p.strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    paths
        .iter()
        .map(|p| (relative(p), fs::read_to_string(p).unwrap()))
        .collect()
}

#[test]
fn layers_and_homes_hold() {
    let files = crate_files();
    assert!(
        files.len() > 60,
        "the walk found only {} files",
        files.len()
    );
    let wrong = violations(&files);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The control: each kind of violation is seen.
#[test]
fn violations_are_seen() {
    let seen = |path: &str, text: &str| {
        let files = BTreeMap::from([(path.to_owned(), text.to_owned())]);
        !violations(&files).is_empty()
    };
    assert!(seen("engine/x.rs", "use crate::vault::Vault;"));
    assert!(seen("http/x.rs", "use crate::cli::Out;"));
    assert!(seen("http/x.rs", "use crate::keyring::Keyring;"));
    assert!(seen(
        "cases/x.rs",
        "use crate::{domain::id::CaseId, service::Service};"
    ));
    assert!(seen("cases/x.rs", "let db = sled::open(path);"));
    assert!(seen("service/x.rs", "use axum::Router;"));
    assert!(!seen(
        "cases/x.rs",
        "use crate::domain::id::CaseId;\n// use crate::service::Service"
    ));
    assert!(!seen("engine/embedded/index.rs", "use sled::Db;"));
}

/// What `engine::embedded::reclaim` waits for is freed by the collector that frees sled's pages.
#[test]
fn sled_and_the_engine_share_one_collector() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    let versions = |name: &str| {
        let line = format!("name = \"{name}\"");
        lock.lines().filter(|one| *one == line).count()
    };
    assert_eq!(versions("crossbeam-epoch"), 1);
    assert!(
        versions("parking_lot") > 1,
        "the control: sled has an older one"
    );
}

/// Small rooms: about 500 lines of code and tests a file at most.
#[test]
fn files_are_small_rooms() {
    const LINES_MAX: usize = 560;
    let long: Vec<String> = crate_files()
        .into_iter()
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}
