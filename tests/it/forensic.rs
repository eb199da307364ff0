//! F1: an adversary who holds every image of the disk that there ever was, every password, every
//! officer's key, every department's key and the keyring of today, after random histories.
//!
//! Three histories run always; `BONGHAM_FORENSIC=N` runs N others besides. Searches, reassignments and backups lie
//! among the steps; nothing is kept apart in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bongham::cases::head::Head;
use bongham::crypto::wrap::{CaseKey, PrivateKey, Recipient, Wrap};
use bongham::destruction::ledger::sha256_hex;
use bongham::domain::id::{CaseId, UnitId};
use bongham::domain::random::SystemSource;
use bongham::domain::secret::SecretBytes;
use bongham::domain::time::{SteppedClock, Timestamp};
use bongham::engine::embedded::carve::{Carved, Carver};
use bongham::engine::{Space, Value as Stored};
use bongham::keyring::{Keyring, ServerKey};
use bongham::service::repair::Findings;
use bongham::service::{Settings, forensic};
use serde_json::{Value, json};

use crate::program::{Program, run, wait_for};
use crate::search::Search;
use crate::thief::{Image, copy, keyring, opened};
use crate::world::{PASSPHRASE, PEOPLE, World, ordinary, secret, sensitive, walk};

const WINDOW: Duration = Duration::from_secs(3 * 86_400);

/// A unit, the canary in it, and the image from before its destruction.
struct Unit {
    kind: &'static str,
    canary: String,
    dead_after: Option<usize>,
}

struct Case {
    id: String,
    receipt: String,
    sensitive: bool,
    holder: &'static str,
    units: Vec<Unit>,
}

impl Case {
    fn living(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.dead_after.is_none())
    }
    /// Numbers of its living units of a kind.
    fn of_kind(&self, kind: &str) -> Vec<usize> {
        let units = self.units.iter().enumerate();
        let fits = units.filter(|(_, u)| u.dead_after.is_none() && u.kind == kind);
        fits.map(|(n, _)| n).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ordinary,
    Sensitive,
    Statement,
    Person,
    Reassign,
    Search,
    Backup,
    DestroyPerson,
    DestroyNarrative,
    DestroyWhole,
}

struct History {
    world: World,
    clock: Arc<SteppedClock>,
    seed: u64,
    cases: Vec<Case>,
    images: Vec<Image>,
    backups: Vec<tempfile::TempDir>,
    destructions: usize,
}

impl History {
    fn new(seed: u64) -> Self {
        let morning = Timestamp::parse_rfc3339("2026-01-05T09:00:00+09:00").unwrap();
        let clock = Arc::new(SteppedClock::at(morning));
        Self {
            world: World::with_clock(clock.clone()),
            clock,
            seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            cases: Vec::new(),
            images: Vec::new(),
            backups: Vec::new(),
            destructions: 0,
        }
    }

    /// A number below `n` (xorshift).
    fn below(&mut self, n: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        usize::try_from(self.seed >> 33).unwrap() % n
    }

    fn canary(&mut self, kind: &'static str) -> Unit {
        let chance = self.below(1 << 30);
        let n: usize = self.cases.iter().map(|case| case.units.len()).sum();
        Unit {
            kind,
            canary: format!("카나리{n:03}금빛{chance:08x}"),
            dead_after: None,
        }
    }

    /// Every step once, in a random order between a beginning that all need and an end that scrubs.
    fn steps(&mut self) -> Vec<Step> {
        use Step::{
            Backup, DestroyNarrative, DestroyPerson, DestroyWhole, Ordinary, Person, Reassign,
            Search, Sensitive, Statement,
        };
        let mut middle = vec![
            Ordinary,
            Sensitive,
            Statement,
            Person,
            Statement,
            Reassign,
            Reassign,
            Search,
            Backup,
            DestroyPerson,
            DestroyNarrative,
        ];
        for n in (1..middle.len()).rev() {
            let other = self.below(n + 1);
            middle.swap(n, other);
        }
        let begin = [Ordinary, Sensitive, Ordinary, Sensitive];
        begin
            .into_iter()
            .chain(middle)
            .chain([DestroyWhole])
            .collect()
    }

    fn run(&mut self) {
        for step in self.steps() {
            match step {
                Step::Ordinary => self.register(false),
                Step::Sensitive => self.register(true),
                Step::Statement => self.amend("addition"),
                Step::Person => self.amend("person"),
                Step::Reassign => self.reassign(),
                Step::Search => self.search(),
                Step::Backup => self.backup(),
                Step::DestroyPerson => self.destroy(Some("person")),
                Step::DestroyNarrative => self.destroy(Some("narrative")),
                Step::DestroyWhole => self.destroy(None),
            }
            self.images.push(Image::of(&self.world));
            self.read_all(step);
        }
    }

    /// The store and the model tell the same.
    fn read_all(&self, step: Step) {
        for case in self.cases.iter().filter(|case| case.living().count() > 0) {
            let read = self.world.read(case.holder, &case.id, "handling");
            let text = read.expect(200).to_string();
            for unit in &case.units {
                let (there, lives) = (text.contains(&unit.canary), unit.dead_after.is_none());
                assert_eq!(there, lives, "{step:?} {} of {}", unit.kind, case.id);
            }
        }
    }

    fn register(&mut self, hidden: bool) {
        let mut draft = if hidden { sensitive() } else { ordinary() };
        let mut units = vec![self.canary("narrative")];
        draft["narrative"] = json!(units[0].canary);
        let person = draft["people"][0].clone();
        let people: Vec<Value> = (0..=1 + self.below(2))
            .map(|_| {
                let (unit, mut person) = (self.canary("person"), person.clone());
                person["name"] = json!(unit.canary);
                units.push(unit);
                person
            })
            .collect();
        draft["people"] = json!(people);
        let made = self.world.post("intake", "/cases", &draft).expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        self.cases.push(Case {
            id: text("id"),
            receipt: text("receipt"),
            sensitive: hidden,
            holder: if hidden { "rights" } else { "officer" },
            units,
        });
    }

    /// A case of which something is left.
    fn pick(&mut self, fits: impl Fn(&Case) -> bool) -> usize {
        let all = self.cases.iter().enumerate();
        let fit = all.filter(|(_, case)| case.living().count() > 0 && fits(case));
        let fit: Vec<usize> = fit.map(|(n, _)| n).collect();
        fit[self.below(fit.len())]
    }

    fn amend(&mut self, kind: &'static str) {
        let (n, unit) = (self.pick(|_| true), self.canary(kind));
        let case = &self.cases[n];
        let mut body = json!({"purpose": "handling", "reason": "보정"});
        if kind == "person" {
            body["person"] = json!({"part": "witness", "name": unit.canary});
        } else {
            body["statement"] = json!(unit.canary);
        }
        let path = format!("/cases/{}", case.id);
        self.world.patch(case.holder, &path, &body).expect(200);
        self.cases[n].units.push(unit);
    }

    fn reassign(&mut self) {
        let n = self.pick(|_| true);
        let case = &mut self.cases[n];
        let next = match case.holder {
            "rights" => "rights2",
            "rights2" => "rights",
            "officer" => "officer2",
            _ => "officer",
        };
        let body = json!({"purpose": "handling", "assignees": [next]});
        let path = format!("/cases/{}/assignees", case.id);
        self.world.put(case.holder, &path, &body).expect(200);
        case.holder = next;
    }

    fn search(&mut self) {
        let n = self.pick(|case| !case.of_kind("person").is_empty());
        let case = &self.cases[n];
        let name = &case.units[case.of_kind("person")[0]].canary;
        let body = json!({"field": "name", "value": name, "purpose": "handling"});
        let found = self.world.post(case.holder, "/searches", &body).expect(200);
        assert_eq!(found["rows"][0]["id"], case.id, "{found}");
    }

    /// What `bongham backup create` fetches.
    fn backup(&mut self) {
        let dir = tempfile::tempdir().unwrap();
        let plan = self.world.post("admin", "/backups", &json!({})).expect(201);
        let id = plan["id"].as_str().unwrap();
        for (n, file) in plan["files"].as_array().unwrap().iter().enumerate() {
            let got = self.world.get("admin", &format!("/backups/{id}/files/{n}"));
            assert_eq!(got.status, 200);
            let path = dir.path().join(file["name"].as_str().unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, got.bytes).unwrap();
        }
        self.end_backup(id);
        self.backups.push(dir);
    }

    fn end_backup(&self, id: &str) {
        let (world, path) = (&self.world, format!("/api/v1/backups/{id}"));
        let ended = world.send("DELETE", &path, world.token("admin"), None);
        assert_eq!(ended.status, 204);
    }

    fn step(&self, login: &str, id: &str, name: &str, body: &Value) -> Value {
        let path = format!("/deletion-requests/{id}/{name}");
        self.world.post(login, &path, body).expect(200)
    }

    /// The road of a request from receipt to answer: one part or everything.
    fn destroy(&mut self, kind: Option<&str>) {
        let n = self.pick(|case| {
            let others = case.living().count() > 1;
            kind.is_none_or(|kind| others && !case.of_kind(kind).is_empty())
        });
        let doomed = match kind {
            None => (0..self.cases[n].units.len()).collect(),
            Some(kind) => {
                let fit = self.cases[n].of_kind(kind);
                vec![fit[self.below(fit.len())]]
            }
        };
        let case = &self.cases[n];
        let reviewer = if case.sensitive {
            case.holder
        } else {
            "privacy"
        };
        let (approver, runner) = if case.sensitive {
            ("privacy", "privacy2")
        } else {
            ("privacy2", "privacy")
        };
        let asked = json!({"asked_by": "person", "name": "홍길동", "contact": "서울시 중구 1",
            "reason": "지워 주십시오", "receipt": case.receipt});
        let taken = self.world.post("intake", "/deletion-requests", &asked);
        let id = taken.expect(201)["id"].as_str().unwrap().to_owned();
        self.step(
            "intake",
            &id,
            "identity",
            &json!({"method": "resident_card"}),
        );
        let review = self.review(reviewer, &id, case, kind.is_some(), &doomed);
        self.step(reviewer, &id, "review", &review);
        let form = self.step(reviewer, &id, "form", &form());
        let hash = json!({"form_hash": form["form"]["form_hash"]});
        self.step(approver, &id, "approve", &hash);
        self.pass();
        // A backup at work keeps the scrub waiting, so that there is an image from between.
        let plan = self.world.post("admin", "/backups", &json!({})).expect(201);
        let before = self.images.len() - 1;
        self.step(runner, &id, "execution", &json!({}));
        self.images.push(Image::of(&self.world));
        self.end_backup(plan["id"].as_str().unwrap());
        self.destructions += 1;
        self.wait_for_scrub();
        self.step("privacy", &id, "notice", &json!({"delivered_by": "post"}));
        for unit in doomed {
            let dead = &mut self.cases[n].units[unit].dead_after;
            dead.get_or_insert(before);
        }
    }

    fn review(&self, login: &str, id: &str, case: &Case, part: bool, doomed: &[usize]) -> Value {
        let destroy = json!({"verdict": "destroy", "reason": "보존 근거가 없음"});
        if !part {
            return json!({ "rest": destroy });
        }
        let view = self.world.get(login, &format!("/deletion-requests/{id}"));
        let parts = view.expect(200)["matched"][0]["parts"].clone();
        let parts = parts.as_array().unwrap();
        // Parts stand in the order of the units that are left.
        let kinds: Vec<&str> = parts.iter().map(|p| p["kind"].as_str().unwrap()).collect();
        let known: Vec<&str> = case.living().map(|unit| unit.kind).collect();
        assert_eq!(kinds, known);
        let left = (0..case.units.len()).filter(|n| case.units[*n].dead_after.is_none());
        let place = left.into_iter().position(|n| n == doomed[0]).unwrap();
        json!({"parts": [{"part": parts[place]["part"], "judgement": destroy}],
            "rest": {"verdict": "hold", "reason": "r", "ground": "감사"},
            "refusal": {"law": "개인정보 보호법 제36조제1항 단서", "reason": "보존기간이 남음",
                "objection": "개인정보 분쟁조정위원회에 조정 신청"}})
    }

    /// The cancel window passes, and everybody logs in again.
    fn pass(&mut self) {
        self.clock.advance(WINDOW);
        for login in ["admin", "privacy"] {
            self.world.log_in(login);
        }
        for (login, ..) in PEOPLE {
            self.world.log_in(login);
        }
    }

    fn wait_for_scrub(&self) {
        let done = || {
            let page = self.world.get("auditor", "/ledger/entries?limit=200");
            let rows = page.expect(200)["rows"].clone();
            let kinds = rows.as_array().unwrap().iter();
            let scrubbed = kinds.filter(|row| row["kind"] == "scrubbed").count();
            std::thread::sleep(Duration::from_millis(100));
            (scrubbed == self.destructions).then_some(())
        };
        wait_for("the scrub", done);
    }
}

fn form() -> Value {
    json!({"file": "민원 처리부", "task": "민원 처리", "reason": "정보주체의 삭제 요구",
        "place": "전산실", "method": "키 파기와 덮어쓰기", "verification": "잔존 검사",
        "backups_handled": true, "media_destroyed": false,
        "sender": {"office": "민원봉사과", "officer": "이담당", "contact": "02-000-0000"}})
}

/// Rows of units in every file below, by their places.
fn carved(dirs: &[&Path], keyring: &Keyring) -> BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> {
    let mut found: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    let carver = Carver::new(&keyring.server_key(ServerKey::Journal)).unwrap();
    let mut files = Vec::new();
    dirs.iter().for_each(|dir| walk(dir, &mut files));
    let mut seen = BTreeSet::new();
    for (_, bytes) in files {
        // The same bytes in many images tell nothing new.
        if !seen.insert(sha256_hex(&bytes)) {
            continue;
        }
        let row = |row: Carved<'_>| {
            if row.space == Space::Unit {
                let values = found.entry(row.key.to_vec()).or_default();
                values.insert(row.value.to_vec());
            }
        };
        carver.carve(bytes.as_slice(), row, |_, _| ()).unwrap();
    }
    found
}

/// Everything that all images together hold.
struct Thief {
    heads: Vec<Head>,
    keys: Vec<PrivateKey>,
    /// Rows by places, of images and backups.
    rows: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    places: BTreeMap<(CaseId, u64), Vec<u8>>,
}

impl Thief {
    fn of(history: &History, now: &Keyring) -> Self {
        let mut heads: BTreeMap<(Vec<u8>, u64), Head> = BTreeMap::new();
        let (mut keys, mut places) = (Vec::new(), BTreeMap::new());
        for (n, image) in history.images.iter().enumerate() {
            let rows = image.rows(now);
            for stored in rows.heads() {
                let head = stored.head;
                for unit in &head.units {
                    let place = rows.place(head.case, unit.unit);
                    places.insert((head.case, unit.unit.as_u64()), place);
                }
                heads.insert((head.case.as_bytes().to_vec(), head.revision), head);
            }
            if n + 1 == history.images.len() {
                let held = |login: &&str| rows.private_key(&history.world, now, login);
                keys.extend(PEOPLE.iter().filter_map(|(login, ..)| held(login)));
                assert_eq!(keys.len(), PEOPLE.len(), "every officer's key");
            }
        }
        let images = history.images.iter().map(Image::path);
        let dirs: Vec<&Path> = images
            .chain(history.backups.iter().map(|d| d.path()))
            .collect();
        Self {
            heads: heads.into_values().collect(),
            keys,
            rows: carved(&dirs, now),
            places,
        }
    }

    /// Every key that opens a wrap of this case: of officers, of departments.
    fn case_keys(&self, case: CaseId, keyring: &Keyring) -> Vec<CaseKey> {
        let mut wraps: Vec<&Wrap> = Vec::new();
        let heads = self.heads.iter().filter(|head| head.case == case);
        for wrap in heads.flat_map(|head| &head.wraps) {
            if !wraps.contains(&wrap) {
                wraps.push(wrap);
            }
        }
        let mut found = Vec::new();
        for wrap in wraps {
            if let Recipient::Department {
                department,
                key_version,
            } = &wrap.recipient
            {
                let key = keyring.department_key_version(*department, *key_version);
                let key = key.unwrap();
                found.extend(CaseKey::unwrap_with_department(case, wrap, &key));
            }
            let keys = self.keys.iter();
            found.extend(keys.filter_map(|key| CaseKey::unwrap_with(case, wrap, key).ok()));
        }
        found
    }

    /// All plaintext that can be had of a case under a keyring: every key on every row.
    fn loot(&self, case: &str, keyring: &Keyring) -> String {
        let case: CaseId = case.parse().unwrap();
        let keys = self.case_keys(case, keyring);
        assert!(!keys.is_empty(), "all recipient halves are his");
        let (mut text, mut tried) = (String::new(), BTreeSet::new());
        for head in self.heads.iter().filter(|head| head.case == case) {
            for unit in &head.units {
                if !tried.insert((unit.unit.as_u64(), head.key_version)) {
                    continue;
                }
                let place = &self.places[&(case, unit.unit.as_u64())];
                for value in self.rows.get(place).into_iter().flatten() {
                    let value = Stored::new(value.clone()).unwrap();
                    for key in &keys {
                        let version = head.key_version;
                        let more = opened(case, head.tier, version, unit, &value, key, keyring);
                        text.push_str(&more);
                    }
                }
            }
        }
        text
    }

    /// Units that some image knows and the newest one does not.
    fn gone(&self, image: &Image, now: &Keyring) -> Vec<(CaseId, UnitId)> {
        let heads = image.rows(now).heads();
        let left = heads.iter().flat_map(|stored| &stored.head.units);
        let left: BTreeSet<u64> = left.map(|unit| unit.unit.as_u64()).collect();
        let all = self.places.keys().filter(|(_, unit)| !left.contains(unit));
        all.map(|(case, unit)| (*case, UnitId::from_u64(*unit)))
            .collect()
    }
}

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

/// The adversary of F1.
fn adversary(history: &History) {
    let newest = history.images.last().unwrap();
    let now = keyring(newest);
    let thief = Thief::of(history, &now);
    let mut old: BTreeMap<usize, Arc<Keyring>> = BTreeMap::new();
    let (mut dead, mut living) = (0, 0);
    for case in &history.cases {
        let text = thief.loot(&case.id, &now);
        for unit in &case.units {
            let found = text.contains(&unit.canary);
            match unit.dead_after {
                None => {
                    living += 1;
                    assert!(found, "a living {} of {} opens", unit.kind, case.id);
                }
                Some(before) => {
                    dead += 1;
                    assert!(!found, "a dead {} of {} opened", unit.kind, case.id);
                    // The control: one keyring from before, and it is back.
                    let image = &history.images[before];
                    let before = old.entry(before).or_insert_with(|| keyring(image));
                    let again = thief.loot(&case.id, before);
                    assert!(again.contains(&unit.canary), "the control: {}", unit.kind);
                }
            }
        }
    }
    assert!(dead >= 3 && living >= 5, "{dead} dead, {living} living");

    // Bytes: nothing of the dead is left in the present, and everything in the images.
    let gone = thief.gone(newest, &now);
    assert!(gone.len() >= dead);
    let data = history.world.settings.data.as_path();
    let present = carved(&[data], &now);
    let place = |(case, unit): &(CaseId, UnitId)| &thief.places[&(*case, unit.as_u64())];
    let left = gone.iter().filter(|unit| present.contains_key(place(unit)));
    assert_eq!(left.count(), 0, "rows of dead units after the scrub");
    assert!(gone.iter().all(|unit| thief.rows.contains_key(place(unit))));
    assert!(!present.is_empty(), "the control: living rows are carved");
}

/// No text of anybody in any file of the present.
fn no_text(history: &History) {
    let units = history.cases.iter().flat_map(|case| &case.units);
    let values: Vec<(&str, &str)> = units.map(|u| (u.kind, u.canary.as_str())).collect();
    let search = Search::new(&values);
    assert_eq!(search.below(&history.world.settings.data), []);
    assert_eq!(search.below(&history.world.settings.keyring), []);
    let found = search.hits(values[0].1.as_bytes());
    assert!(!found.is_empty(), "the control");
}

/// The operator's scan says the same. The world has left.
fn scans(history: &History) {
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
    let rows = carved(&[first.path()], &keyring(first));
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

    // The control: a keyring from before still has the keys.
    let mut stale = settings.clone();
    stale.keyring = history.images.last().unwrap().path().join("keyring-stale");
    copy(&first.path().join("keyring"), &stale.keyring);
    let wrong = scanned(&stale, history, &[first.path()], canary);
    let keys = wrong
        .violations
        .iter()
        .filter(|v| v.contains("the keyring still has its key"));
    assert!(keys.count() >= 1, "{:#?}", wrong.violations);
}

fn played(seed: u64) {
    let mut history = History::new(seed);
    history.run();
    adversary(&history);
    no_text(&history);
    history.world.service.close().unwrap();
    scans(&history);
}

#[test]
fn no_image_no_password_and_no_key_brings_back_what_a_history_destroyed() {
    let more = std::env::var("BONGHAM_FORENSIC").map_or(0, |n| n.parse::<u64>().unwrap());
    for batch in (1..=3 + more).collect::<Vec<_>>().chunks(3) {
        std::thread::scope(|scope| {
            for seed in batch {
                scope.spawn(move || played(*seed));
            }
        });
    }
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
