//! The files of exports are those of the age format: the program `age` opens what was fetched.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::export::{begin, ended, order, text};
use crate::world::{World, ordinary};

const CANARY: &str = "other-age-canary-6120";

fn run(program: &mut Command) -> Vec<u8> {
    let done = program.stderr(Stdio::inherit()).output().unwrap();
    assert!(done.status.success(), "{program:?}");
    done.stdout
}

/// Fetches an export of this case in this form, locked to `key`, as a receiver gets it.
fn fetched(world: &World, case: &str, format: &str, key: &str) -> Vec<u8> {
    let mut body = order(&json!({ "cases": [case] }), format);
    body["recipient"] = json!(key);
    let begun = begin(world, "officer", &body).expect(202);
    let serial = text(&begun["serial"]);
    assert_eq!(ended(world, "officer", &serial)["state"], "ready");
    let file = world.get("officer", &format!("/exports/{serial}/content"));
    assert_eq!(file.status, 200);
    file.bytes
}

fn age(identity: &Path, file: &Path) -> Command {
    let mut age = Command::new("age");
    age.arg("--decrypt")
        .arg("--identity")
        .arg(identity)
        .arg(file);
    age
}

#[test]
#[ignore = "needs Debian's age"]
fn the_program_age_opens_files_that_were_fetched_and_with_the_right_key_only() {
    let desk = tempfile::tempdir().unwrap();
    let at = |name: &str| desk.path().join(name);
    for name in ["mine", "another"] {
        run(Command::new("age-keygen").arg("--output").arg(at(name)));
    }
    let public = run(Command::new("age-keygen").arg("-y").arg(at("mine")));
    let public = String::from_utf8(public).unwrap();
    let world = World::new();
    let mut draft = ordinary();
    draft["narrative"] = json!(CANARY);
    let case = world.register("intake", &draft);
    for format in ["csv", "xlsx"] {
        let locked = fetched(&world, &case, format, public.trim());
        let file = at(&format!("cases.{format}.age"));
        std::fs::write(&file, locked).unwrap();
        let plain = run(&mut age(&at("mine"), &file));
        let shown = if format == "csv" {
            assert!(plain.starts_with("\u{feff}".as_bytes()), "its mark");
            String::from_utf8(plain).unwrap()
        } else {
            let mut book = zip::ZipArchive::new(std::io::Cursor::new(plain)).unwrap();
            let mut sheet = book.by_name("xl/worksheets/sheet1.xml").unwrap();
            let mut shown = String::new();
            sheet.read_to_string(&mut shown).unwrap();
            shown
        };
        assert!(shown.contains(CANARY), "{format}");
        let refused = age(&at("another"), &file).output().unwrap();
        assert!(!refused.status.success() && refused.stdout.is_empty());
    }
}
