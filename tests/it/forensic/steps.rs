//! The steps of a history, each as people take it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bongham::domain::random::SystemSource;
use bongham::service::restore;
use serde_json::{Value, json};

use super::{Apart, Case, History, Unit};
use crate::program::wait_for;
use crate::retained::drawing;
use crate::thief::Image;
use crate::world::{PASSPHRASE, PEOPLE, ordinary, secret, sensitive};

const WINDOW: Duration = Duration::from_secs(3 * 86_400);

impl History {
    fn canary(&mut self, kind: &'static str) -> Unit {
        let chance = self.below(1 << 30);
        self.made += 1;
        let n = self.made;
        Unit {
            kind,
            canary: format!("카나리{n:03}금빛{chance:08x}"),
            telephone: (kind == "person").then(|| format!("010-{n:04}-{:04}", chance % 10_000)),
            dead_after: None,
            indexed: false,
        }
    }

    pub(super) fn register(&mut self, hidden: bool) {
        let mut draft = if hidden { sensitive() } else { ordinary() };
        let mut units = vec![self.canary("narrative")];
        draft["narrative"] = json!(units[0].canary);
        let person = draft["people"][0].clone();
        let people: Vec<Value> = (0..=1 + self.below(2))
            .map(|_| {
                let (unit, mut person) = (self.canary("person"), person.clone());
                person["name"] = json!(unit.canary);
                person["telephone"] = json!(unit.telephone);
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

    pub(super) fn amend(&mut self, kind: &'static str) {
        let (n, unit) = (self.pick(|_| true), self.canary(kind));
        let case = &self.cases[n];
        let mut body = json!({"purpose": "handling", "reason": "보정"});
        if kind == "person" {
            body["person"] = json!({"part": "witness", "name": unit.canary,
                "telephone": unit.telephone});
        } else {
            body["statement"] = json!(unit.canary);
        }
        let path = format!("/cases/{}", case.id);
        self.world.patch(case.holder, &path, &body).expect(200);
        self.cases[n].units.push(unit);
    }

    pub(super) fn reassign(&mut self) {
        let n = self.pick(|_| true);
        self.hand_on(n);
    }

    fn hand_on(&mut self, n: usize) {
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

    /// An ordinary case goes to people with keys: new units, none of them in the index.
    pub(super) fn reclassify(&mut self) {
        let n = self.pick(|case| !case.sensitive);
        let case = &mut self.cases[n];
        let body = json!({"purpose": "handling", "tier": "sensitive", "assignees": ["rights"],
            "reason": "민감정보"});
        let path = format!("/cases/{}/classification", case.id);
        self.world.put(case.holder, &path, &body).expect(200);
        (case.sensitive, case.holder) = (true, "rights");
    }

    /// Whoever is living is found by name and number, and the dead are not.
    pub(super) fn search(&mut self) {
        for case in &self.cases {
            for unit in case.units.iter().filter(|unit| unit.kind == "person") {
                let telephone = unit.telephone.as_deref().unwrap();
                for (field, value) in [("name", unit.canary.as_str()), ("telephone", telephone)] {
                    let body = json!({"field": field, "value": value, "purpose": "handling"});
                    let found = self.world.post(case.holder, "/searches", &body).expect(200);
                    let rows = found["rows"].as_array().unwrap().iter();
                    let ids: Vec<&Value> = rows.map(|row| &row["id"]).collect();
                    let mine = [&json!(case.id)];
                    let lives: &[&Value] = if unit.dead_after.is_none() {
                        &mine
                    } else {
                        &[]
                    };
                    assert_eq!(ids, lives, "{field} in {}", case.id);
                }
            }
        }
    }

    /// What the background does every month, and after every destruction, at once.
    pub(super) fn rotate_index(&mut self) {
        crate::find::rotate(&self.world);
        self.search();
    }

    /// Draws what another law keeps. The original may die, the copy lives until its own end.
    pub(super) fn retain_apart(&mut self) {
        let has = |case: &Case, kind: &str| !case.of_kind(kind).is_empty();
        let n = self.pick(|case| has(case, "narrative") && has(case, "person"));
        let case = &self.cases[n];
        let path = format!("/cases/{}/retained", case.id);
        let drawn = self.world.post(case.holder, &path, &drawing("handling"));
        let kept = case.living().filter(|unit| unit.kind != "addition");
        self.apart.push(Apart {
            id: drawn.expect(201)["item"].as_str().unwrap().to_owned(),
            canaries: kept.map(|unit| unit.canary.clone()).collect(),
        });
    }

    /// What `bongham backup create` fetches.
    pub(super) fn backup(&mut self) -> PathBuf {
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
        let path = format!("/backups/{id}/manifest");
        let signed = self.world.post("admin", &path, &json!({})).expect(200);
        for name in ["manifest.json", "manifest.note"] {
            let part = name
                .strip_prefix("manifest.")
                .unwrap()
                .replace("json", "manifest");
            std::fs::write(dir.path().join(name), signed[part].as_str().unwrap()).unwrap();
        }
        self.end_backup(id);
        let path = dir.path().to_owned();
        self.backups.push(dir);
        path
    }

    /// Somebody dies after a backup, the index goes under another key, the disk is lost, and the
    /// backup is brought back.
    pub(super) fn restore(&mut self) {
        self.register(false);
        // Whoever dies next may be of this one: the control needs a keyring that knew them.
        self.images.push(Image::of(&self.world));
        let backup = self.backup();
        // A sensitive one is handed on when its hold is lifted, and what got new keys after a
        // backup is lost with it.
        self.destroy_of(Some("person"), |case| !case.sensitive);
        let bundle = self.world.get("auditor", "/ledger/bundle");
        assert_eq!(bundle.status, 200);
        let ledger = self.world.dir.path().join("ledger.bundle");
        std::fs::write(&ledger, bundle.bytes).unwrap();
        let lost = tempfile::tempdir_in(self.world.dir.path()).unwrap();
        let old = lost.path().join("data");
        let (key, clock) = (self.world.log_key.clone(), self.clock.clone());
        self.world.restart_after(|settings| {
            std::fs::rename(&settings.data, &old).unwrap();
            let request = restore::Request {
                backup: Some(backup),
                retained: Some(old.join("retained")),
                key,
                ledger: Some(ledger),
                ..restore::Request::default()
            };
            let random = Arc::new(SystemSource::default());
            let opened = secret(PASSPHRASE);
            restore::restore(settings, &opened, &request, random, clock).unwrap();
        });
        // The lost disk turns up at somebody's.
        self.backups.push(lost);
        self.search();
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
    pub(super) fn destroy(&mut self, kind: Option<&str>) {
        self.destroy_of(kind, |_| true);
    }

    fn destroy_of(&mut self, kind: Option<&str>, fits: impl Fn(&Case) -> bool) {
        let n = self.pick(|case| {
            let others = case.living().count() > 1;
            fits(case) && kind.is_none_or(|kind| others && !case.of_kind(kind).is_empty())
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
        let case = &mut self.cases[n];
        for unit in doomed {
            let unit = &mut case.units[unit];
            if unit.dead_after.is_none() {
                unit.dead_after = Some(before);
                unit.indexed = !case.sensitive && unit.kind == "person";
            }
        }
        if kind.is_some() {
            self.lift(n);
        }
    }

    /// What was left was judged to be held; somebody who did not set the hold has it lifted, so
    /// that the history goes on.
    fn lift(&mut self, n: usize) {
        let second = if self.cases[n].sensitive {
            self.hand_on(n);
            "privacy"
        } else {
            "privacy2"
        };
        let case = &self.cases[n];
        crate::deletion::lift(&self.world, case.holder, &case.id, "감사", second);
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
            // An old key of the index stays for a minute.
            self.clock.advance(Duration::from_secs(5));
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
