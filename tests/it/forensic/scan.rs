//! The scan that operators have, on what a history left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bongham::domain::random::SystemSource;
use bongham::domain::secret::SecretBytes;
use bongham::service::repair::Findings;
use bongham::service::{Settings, forensic};

use super::adversary::carved;
use super::{History, Unit};
use crate::program::{Program, run};
use crate::thief::{copy, keyring};
use crate::world::{PASSPHRASE, World, ordinary, secret};

/// The scan of `bongham forensic-scan`.
fn scanned(settings: &Settings, history: &History, places: &[&Path], canary: &str) -> Findings {
    let needle = forensic::Needle {
        line: 1,
        form: "UTF-8",
        bytes: SecretBytes::new(canary.as_bytes().to_vec()),
    };
    let request = forensic::Request {
        places: places.iter().map(|place| PathBuf::from(*place)).collect(),
        needles: vec![needle],
        progress: Box::new(|done, all| assert!(done <= all)),
    };
    let random = Arc::new(SystemSource::default());
    let clock = history.clock.clone();
    forensic::scan(settings, &secret(PASSPHRASE), &request, random, clock).unwrap()
}

fn line(findings: &Findings, begin: &str) -> String {
    let line = findings.lines.iter().find(|line| line.starts_with(begin));
    line.unwrap_or_else(|| panic!("{findings:#?}")).clone()
}

/// The operator's scan says the same. The world has left.
pub(super) fn scans(history: &History) {
    let settings = &history.world.settings;
    let data = settings.data.as_path();
    let units = history.cases.iter().flat_map(|case| &case.units);
    let dead: Vec<&Unit> = units.filter(|unit| unit.dead_after.is_some()).collect();
    let canary = &dead[0].canary;
    let refused = format!(
        "destructions in the ledger: {}, units: {}, of which the keyring refuses {}",
        history.destructions,
        dead.len(),
        dead.len()
    );

    let clean = scanned(settings, history, &[data], canary);
    assert_eq!(clean.violations, Vec::<String>::new());
    assert_eq!(line(&clean, "destructions"), refused);
    let none = line(&clean, "rows of living");
    assert!(none.contains("of destroyed units: 0 (units: 0)"), "{none}");

    // The images from before: all of them are found, as notes, and nothing is wrong.
    let before: BTreeSet<usize> = dead.iter().filter_map(|unit| unit.dead_after).collect();
    let images = before.iter().map(|n| history.images[*n].path());
    let images: Vec<&Path> = images
        .chain(history.backups.iter().map(|d| d.path()))
        .collect();
    let older = scanned(settings, history, &images, canary);
    assert_eq!(older.violations, Vec::<String>::new());
    let found = line(&older, "rows of living");
    let all = format!("(units: {})", dead.len());
    assert!(found.contains(&all), "{found}");
    let notes = older
        .lines
        .iter()
        .filter(|l| l.contains("this is an older copy"));
    assert!(notes.count() >= dead.len());

    // The controls: old segments and a text below the data.
    let planted = data.join("planted");
    let first = &history.images[*before.first().unwrap()];
    copy(&first.path().join("data/store/journal"), &planted);
    std::fs::write(planted.join("note.txt"), format!("..{canary}..")).unwrap();
    let rows = carved(&[first.path()], &keyring(first)).units;
    let raw: Vec<u8> = rows.values().flatten().flatten().copied().collect();
    std::fs::write(planted.join("raw"), &raw).unwrap();
    let wrong = scanned(settings, history, &[&planted], canary);
    let has = |words: &str| wrong.violations.iter().any(|v| v.contains(words));
    assert!(has("said to be overwritten"), "{:#?}", wrong.violations);
    assert!(
        has("note.txt at byte 2: text 1 as UTF-8"),
        "{:#?}",
        wrong.violations
    );
    assert!(!wrong.violations.iter().any(|v| v.contains(canary.as_str())));
    assert!(has("raw at byte") && has("sealed bytes outside a journal"));
    let strange = wrong
        .lines
        .iter()
        .filter(|l| l.ends_with("an envelope outside a journal"));
    assert!(strange.count() >= 1, "{:#?}", wrong.lines);
    std::fs::remove_dir_all(&planted).unwrap();
    // A unit has one row of its own there; a person's also one in the index, and one for each of
    // name and telephone.
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for line in wrong
        .violations
        .iter()
        .filter(|v| v.contains(": row of unit "))
    {
        let unit = line.split(" of unit ").nth(1).unwrap();
        *told.entry(unit.split(' ').next().unwrap()).or_default() += 1;
    }
    let known = dead
        .iter()
        .filter(|unit| unit.indexed && unit.dead_after == before.first().copied());
    let most = told.into_values().max().unwrap();
    assert!(known.count() == 0 || most >= 4, "{:#?}", wrong.violations);

    // The control: a keyring from before still has the keys, the index's too.
    let mut stale = settings.clone();
    let last = &history.images[*before.last().unwrap()];
    stale.keyring = history.images.last().unwrap().path().join("keyring-stale");
    copy(&last.path().join("keyring"), &stale.keyring);
    let wrong = scanned(&stale, history, &[last.path()], canary);
    let keys = wrong
        .violations
        .iter()
        .filter(|v| v.contains("the keyring still has its key"));
    assert!(keys.count() >= 1, "{:#?}", wrong.violations);
    let index = |v: &String| v.contains("the keyring still has the search index's key");
    assert!(
        wrong.violations.iter().any(index),
        "{:#?}",
        wrong.violations
    );
}

#[test]
fn the_command_tells_what_it_found_and_never_the_text() {
    let world = World::new();
    world.register("intake", &ordinary());
    let dir = world.leave();
    let program = Program::on(dir.path());
    let texts = program.note("texts", "역 앞 보도블록이\n홍길동전 원본\n");
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("a"), "nothing here").unwrap();
    let (data, other_dir) = (program.data.display().to_string(), other.path());
    let words = [
        "forensic-scan",
        &data,
        other_dir.to_str().unwrap(),
        "--needles",
        texts.to_str().unwrap(),
    ];
    let clean = run(program.store(&words)).expect(0);
    assert!(
        clean
            .out
            .contains("living units: 2, of which the keyring has 2"),
        "{clean:?}"
    );
    let wide: Vec<u8> = "홍길동전 원본"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cp949 = encoding_rs::EUC_KR
        .encode("역 앞 보도블록이")
        .0
        .into_owned();
    let dirty = [b"....".to_vec(), wide, cp949].concat();
    std::fs::write(other.path().join("b"), dirty).unwrap();
    let found = run(program.store(&words)).expect(1);
    assert!(
        found.out.contains("b at byte 4: text 2 as UTF-16LE"),
        "{found:?}"
    );
    assert!(
        found.out.contains("b at byte 18: text 1 as CP949"),
        "{found:?}"
    );
    for told in [&found.out, &found.err] {
        assert!(!told.contains("홍길동") && !told.contains("보도블록"));
    }
    let missing = run(program.store(&["forensic-scan", "/no/such/place"]));
    assert_eq!(missing.code, Some(2));
}
