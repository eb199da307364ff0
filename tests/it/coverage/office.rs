//! An office of which every route can be asked by every role.

use super::*;

/// An office with something to ask for, and names that were not used yet.
pub(super) struct Office {
    pub(super) world: World,
    pub(super) count: u32,
}

impl Office {
    pub(super) fn new() -> Self {
        let world = World::new();
        Self { world, count: 0 }
    }

    pub(super) fn fresh(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what}{}", self.count)
    }

    /// Somebody new whom nobody needs: id and enrolment code.
    pub(super) fn guest(&mut self, roles: &[&str]) -> (String, Value) {
        let login = self.fresh("guest");
        let body = json!({"account": login, "roles": roles, "department": "civil"});
        let invited = self.world.post("admin", "/accounts", &body).expect(201);
        (login, invited)
    }

    pub(super) fn admin(&self) -> String {
        let accounts = self.world.get("admin", "/accounts?limit=200").expect(200);
        let mut rows = accounts["rows"].as_array().unwrap().iter();
        let admin = rows.find(|a| a["account"] == "admin").unwrap();
        admin["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn case(&self, tier: &str) -> String {
        match tier {
            "ordinary" => self.world.register("intake", &ordinary()),
            "sensitive" => self.world.register("intake", &sensitive()),
            _ => "a".repeat(26),
        }
    }

    /// A month that nobody has inspected, long before the store.
    pub(super) fn month(&mut self) -> String {
        self.count += 1;
        format!("{:04}-{:02}", 1900 + self.count / 12, 1 + self.count % 12)
    }

    /// An inspection of such a month: its id and hash.
    pub(super) fn inspection(&mut self) -> (String, String) {
        let body = json!({"month": self.month()});
        self.world.log_in("auditor");
        let made = self
            .world
            .post("auditor", "/inspections", &body)
            .expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["sheet"]["id"]), text(&made["hash"]))
    }

    pub(super) fn backup(&self) -> String {
        let begun = self.world.post("admin", "/backups", &json!({})).expect(201);
        begun["id"].as_str().unwrap().to_owned()
    }

    pub(super) fn import(&mut self) -> String {
        self.count += 1;
        let body = json!({"fingerprint": format!("{:064x}", self.count), "dry_run": false});
        let opened = self.world.post("intake", "/imports", &body).expect(201);
        opened["id"].as_str().unwrap().to_owned()
    }

    /// What `role` sends for this line: path and body. Whatever is needed first is made here.
    pub(super) fn request(&mut self, line: &Line<'_>, role: &str) -> (String, Option<Value>) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let at = |id: &str| line.path.replace("{id}", id).replace("{code}", id);
        let tail = line.path.strip_prefix("/api/v1").unwrap_or(line.path);
        let whose = if role.is_empty() { "officer2" } else { role };
        match (line.method, tail, line.about) {
            ("POST", "/seal", "unseal") => (
                at(""),
                Some(json!({"action": "unseal", "passphrase": PASSPHRASE})),
            ),
            ("POST", "/seal", _) => (at(""), Some(json!({"action": "seal"}))),
            ("POST", "/sessions", "right") => (
                at(""),
                Some(json!({"account": whose, "password": password(whose)})),
            ),
            ("POST", "/sessions", _) => (
                at(""),
                Some(json!({"account": self.fresh("nobody"), "password": "not this one at all"})),
            ),
            ("POST", "/enrolments", about) => {
                let (login, invited) = self.guest(&["officer"]);
                let code = match about {
                    "right" => text(&invited["enrolment_code"]),
                    _ => "AAAAAA-AAAAAA-AAAAAA-AAAAAA".to_owned(),
                };
                let password = password("somebody");
                let body = json!({"account": login, "code": code, "password": password});
                (at(""), Some(body))
            }
            ("POST", "/accounts", _) => {
                let body = json!({"account": self.fresh("new"), "roles": ["officer"],
                    "department": null});
                (at(""), Some(body))
            }
            ("PUT", "/accounts/{id}/roles", about) => {
                let id = text(&self.guest(&["officer"]).1["id"]);
                let id = if about == "own" { self.admin() } else { id };
                (at(&id), Some(json!({"roles": ["lead"]})))
            }
            ("POST", "/accounts/{id}/disable" | "/accounts/{id}/reset", "own") => {
                (at(&self.admin()), None)
            }
            ("POST", "/accounts/{id}/disable" | "/accounts/{id}/reset", "watches") => {
                (at(&self.world.ids["privacy2"]), None)
            }
            ("POST", "/accounts/{id}/disable" | "/accounts/{id}/reset", _) => {
                (at(&text(&self.guest(&["officer"]).1["id"])), None)
            }
            ("POST", "/approvals/{id}", about @ ("role" | "keyless")) => {
                let (login, invited) = self.guest(&["human_rights_officer"]);
                if about == "role" {
                    let code = text(&invited["enrolment_code"]);
                    self.world.enrol(&login, &code);
                }
                let id = text(&invited["approvals"][0]);
                (at(&id), Some(json!({"decision": "approve"})))
            }
            ("POST", "/approvals/{id}", about) => {
                let second = if about == "own" { "privacy" } else { "rights2" };
                let desk = json!({"members": ["rights", second]});
                let asked = self.world.put("admin", "/departments/civil/desk", &desk);
                let id = text(&asked.expect(202)["approvals"][0]);
                if about == "spent" {
                    let refused = json!({"decision": "refuse"});
                    let path = format!("/approvals/{id}");
                    self.world.post("privacy", &path, &refused).expect(200);
                }
                (at(&id), Some(json!({"decision": "approve"})))
            }
            ("POST", "/departments", _) => {
                let body = json!({"code": self.fresh("d"), "name": "Any"});
                (at(""), Some(body))
            }
            ("PUT", "/departments/{code}/desk", _) => {
                (at("civil"), Some(json!({"members": ["rights"]})))
            }
            ("POST", "/cases", "ordinary") => (at(""), Some(ordinary())),
            ("POST", "/cases", _) => (at(""), Some(sensitive())),
            ("GET", "/cases", purpose) => (format!("{}?purpose={purpose}", line.path), None),
            ("POST", "/searches", purpose) => {
                let body = json!({"field": "name", "value": "홍길동", "purpose": purpose});
                (at(""), Some(body))
            }
            ("POST", "/prints", purpose) => {
                let cases = [(); 2].map(|()| self.case("ordinary"));
                let body = json!({"purpose": purpose, "reason": "회의 자료", "cases": cases,
                    "form": "html", "unmasked": true, "receiver": "감사실"});
                (at(""), Some(body))
            }
            ("POST", "/traces", _) => (at(""), Some(json!({"serial": "7KQ4M-2XA0D"}))),
            ("POST", "/exports", purpose) => {
                let _two = [(); 2].map(|()| self.case("ordinary"));
                let body = json!({"purpose": purpose, "reason": "자료 제출",
                    "selection": {"filter": {"class": "도로"}}, "format": "csv",
                    "unmasked": true, "receiver": "감사실",
                    "destroy_by": in_a_year()});
                (at(""), Some(body))
            }
            (method, path, _) if path.contains("{serial}") => {
                let body = (method == "POST").then(|| json!({"method": "파쇄"}));
                (line.path.replace("{serial}", "7KQ4M-2XA0D"), body)
            }
            ("GET", "/cases/{id}", about) => {
                let (tier, purpose) = about.split_once(',').unwrap();
                let path = at(&self.case(tier));
                (format!("{path}?purpose={purpose}"), None)
            }
            ("PUT", "/cases/{id}/assignees", tier) => {
                let to = if tier == "ordinary" {
                    "officer2"
                } else {
                    "rights2"
                };
                let body = json!({"purpose": "handling", "assignees": [to]});
                (at(&self.case(tier)), Some(body))
            }
            ("PUT", "/cases/{id}/classification", tier) => {
                let (tier_after, to) = match tier {
                    "ordinary" => ("sensitive", "rights"),
                    _ => ("ordinary", "officer"),
                };
                let body = json!({"purpose": "handling", "tier": tier_after, "assignees": [to],
                    "reason": "it was the other kind"});
                (at(&self.case(tier)), Some(body))
            }
            ("PATCH", "/cases/{id}", tier) => {
                let body = json!({"purpose": "handling", "statement": "추가"});
                (at(&self.case(tier)), Some(body))
            }
            ("POST", "/sessions/current/step-up", _) => (
                at(""),
                Some(json!({"password": password(whose), "reason": "yearly report"})),
            ),
            ("POST", "/budget", _) => {
                let body = json!({"people": 5, "cases": 0, "reason": "yearly report"});
                (at(""), Some(body))
            }
            ("POST", "/alerts/{id}/acknowledge", _) => {
                (at(&"a".repeat(26)), Some(json!({"note": "agreed"})))
            }
            ("PUT", "/cases/{id}/hold", "lift") => {
                let case = self.case("ordinary");
                let mut body = json!({"purpose": "legal", "action": "set", "ground": "소송"});
                let path = format!("/cases/{case}/hold");
                self.world.log_in("officer");
                self.world.put("officer", &path, &body).expect(200);
                body["action"] = json!("lift");
                body["reason"] = json!("it is over");
                (at(&case), Some(body))
            }
            ("PUT", "/cases/{id}/hold", tier) => {
                let body = json!({"purpose": "legal", "action": "set", "ground": "소송"});
                (at(&self.case(tier)), Some(body))
            }
            ("POST", "/deletion-requests", about) => (at(""), Some(self.petition(about))),
            (_, "/retention/rules", _) if line.method == "PUT" => {
                let rules = json!({"rules": [{"years": 3, "appraisal": true}]});
                (at(""), Some(rules))
            }
            ("POST", "/retention/sweeps", _) => (at(""), Some(json!({}))),
            (_, path, about) if path.starts_with("/deletion-requests/") => {
                let (id, form_hash) = self.asked(about);
                let step = path.rsplit('/').next().unwrap();
                let body = match step {
                    "approve" => json!({"form_hash": form_hash}),
                    "cancel" => json!({"reason": "철회"}),
                    step => deletion::body(step),
                };
                (at(&id), Some(body).filter(|_| line.method == "POST"))
            }
            ("POST", "/backups", _) => (at(""), Some(json!({"set": "live"}))),
            (_, "/backups/{id}" | "/backups/{id}/files/{n}" | "/backups/{id}/manifest", about) => {
                let id = match about {
                    "begun" => self.backup(),
                    _ => "a".repeat(26),
                };
                (at(&id).replace("{n}", "0"), None)
            }
            ("POST", "/keyring/copies", _) => (at(""), Some(new_copy())),
            ("POST", "/keyring/copies/{id}/acknowledge", about) => {
                let made = self.world.post("admin", "/keyring/copies", &new_copy());
                let serial = text(&made.expect(201)["serial"]);
                let serial = if about == "made" {
                    serial
                } else {
                    "a".repeat(26)
                };
                (at(&serial), None)
            }
            ("POST", "/cases/{id}/retained", about) => {
                let (tier, purpose) = about.split_once(',').unwrap();
                (at(&self.case(tier)), Some(retained::drawing(purpose)))
            }
            ("POST", "/retained/{id}/open", about) => {
                let id = match about {
                    "absent" => "a".repeat(26),
                    _ => retained::drawn(&self.world, &ordinary()),
                };
                let purpose = if about == "handling" { about } else { "legal" };
                let mut body = json!({"purpose": purpose, "reason": "a court asks"});
                if about == "approved" {
                    let path = format!("/retained/{id}/open");
                    body["approval"] = retained::approved(&self.world, &path, &body);
                }
                (at(&id), Some(body))
            }
            ("POST", "/retained/share", _) => (at(""), None),
            ("POST", "/retained/hand-over", _) => {
                let id = retained::drawn(&self.world, &ordinary());
                let body = json!({"items": [id], "public_key": retained::ARCHIVE,
                    "reason": "transfer"});
                (at(""), Some(body))
            }
            ("POST", "/retained/{id}/destruction", _) => {
                let id = retained::drawn(&self.world, &ordinary());
                (at(&id), Some(json!({"reason": "term over"})))
            }
            ("POST", "/retained/{id}/destruction/cancel", _) => {
                let id = retained::drawn(&self.world, &ordinary());
                (at(&id), Some(json!({"reason": "wrong item"})))
            }
            ("PUT", "/retained/{id}/hold", _) => {
                let id = retained::drawn(&self.world, &ordinary());
                let body = json!({"action": "set", "ground": "소송", "reason": "a court asks"});
                (at(&id), Some(body))
            }
            ("POST", "/retained/{id}/term", _) => {
                let id = retained::drawn(&self.world, &ordinary());
                let body = json!({"until": "2041-01-01T00:00:00+09:00", "reason": "renewed"});
                (at(&id), Some(body))
            }
            ("POST", "/inspections", _) => {
                let month = self.month();
                (at(""), Some(json!({"month": month})))
            }
            (_, path, about) if path.starts_with("/inspections/") => {
                let (id, hash) = match about {
                    "made" => self.inspection(),
                    _ => ("a".repeat(26), "0".repeat(64)),
                };
                let body = match path.rsplit('/').next().unwrap() {
                    "sign" => Some(json!({"hash": hash})),
                    "verdict" => Some(json!({"accepted": true, "note": "seen"})),
                    _ => None,
                };
                (at(&id).replace("{number}", "1"), body)
            }
            ("POST", "/findings/{id}/explanation", _) => {
                let id = format!("{}-1", "a".repeat(26));
                (at(&id), Some(json!({"text": "on duty"})))
            }
            ("POST", "/evidence", about) => {
                let tier = if about == "case" { "sensitive" } else { about };
                let body = json!({"case": self.case(tier), "identity": "passport",
                    "reason": "given to the petitioner"});
                (at(""), Some(body))
            }
            ("POST", "/imports", _) => {
                self.count += 1;
                let fingerprint = format!("{:064x}", self.count);
                (
                    at(""),
                    Some(json!({"fingerprint": fingerprint, "dry_run": false})),
                )
            }
            ("POST", "/imports/{id}/rows", about) => {
                let dry = if about == "dry" { "dry-" } else { "" };
                let rows = json!([{"line": 2, "case": ordinary()}]);
                let body = json!({"from_row": 0, "last": true, "rows": rows});
                (at(&format!("{dry}{}", self.import())), Some(body))
            }
            ("GET", "/ledger/certificates/{id}", _) => (at(&"a".repeat(26)), None),
            // Behind the end: what the background writes meanwhile does not matter.
            ("GET", "/ledger/proofs/inclusion", _) => {
                (format!("{}?index=0&size=1000000", line.path), None)
            }
            ("GET", "/ledger/proofs/consistency", _) => {
                (format!("{}?from=1&to=1000000", line.path), None)
            }
            ("GET", "/log/proofs/inclusion", _) => (format!("{}?index=0&size=1", line.path), None),
            ("GET", "/log/proofs/consistency", _) => (format!("{}?from=1&to=2", line.path), None),
            ("GET" | "DELETE", _, _) => (at(""), None),
            (method, path, about) => unreachable!("nothing to send for {method} {path} {about}"),
        }
    }

    /// A request of a person about a fresh case, or about none.
    pub(super) fn petition(&mut self, about: &str) -> Value {
        let draft = match about {
            "ordinary" => ordinary(),
            "sensitive" => sensitive(),
            _ => return deletion::petition("AAAA-BBBB-CCCC"),
        };
        let made = self.world.post("intake", "/cases", &draft).expect(201);
        deletion::petition(made["receipt"].as_str().unwrap())
    }

    /// A request taken in at the counter and brought so far by the case's officer; its id and the
    /// hash of its form. `own` is one that the privacy officer judged.
    pub(super) fn asked(&mut self, state: &str) -> (String, String) {
        if state == "absent" {
            return ("a".repeat(26), "0".repeat(64));
        }
        // The lines before may have ended their sessions.
        for login in ["intake", "officer", "privacy", "privacy2"] {
            self.world.log_in(login);
        }
        let body = self.petition("ordinary");
        let post = |login: &str, path: &str, body: &Value| self.world.post(login, path, body);
        let made = post("intake", "/deletion-requests", &body).expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        let by = if state == "own" { "privacy" } else { "officer" };
        let steps: &[&str] = match state {
            "received" => &[],
            "identified" => &["identity"],
            "reviewed" => &["identity", "review"],
            "early" => &["identity", "review", "form", "approve"],
            "refused" => &["refuse"],
            _ => &["identity", "review", "form"],
        };
        let mut view = made;
        for step in steps {
            let path = format!("/deletion-requests/{id}/{step}");
            let (by, body) = match *step {
                "approve" => ("privacy2", json!({"form_hash": view["form"]["form_hash"]})),
                step => (by, deletion::body(step)),
            };
            view = post(by, &path, &body).expect(200);
        }
        let hash = view["form"]["form_hash"].as_str();
        (id, hash.unwrap_or_default().to_owned())
    }

    /// Sends it and says what came in the words of the list: `status`, sign, task.
    pub(super) fn came(&mut self, line: &Line<'_>, role: &str) -> String {
        let (path, body) = self.request(line, role);
        let world = &mut self.world;
        // A query shows what was there before its own entry, which is the next.
        let before = newest(world)[0]["index"].as_u64().unwrap() + 1;
        let reply = world.send(line.method, &path, world.token(role), body.as_ref());
        let mut after = BTreeSet::new();
        if !world.service.is_open() {
            let opened = world.service.unseal_now(&secret(PASSPHRASE), here());
            opened.unwrap();
            let everybody = ROLES.iter().filter(|role| !role.is_empty());
            everybody.for_each(|role| world.log_in(role));
            after.extend(["unseal", "login"]);
        } else if line.path.ends_with("/current") && !role.is_empty() {
            world.log_in(role);
            after.insert("login");
        }
        let mut entries = newest(world);
        entries.retain(|e| e["index"].as_u64().unwrap() > before);
        entries.reverse();
        let own = entries
            .iter()
            .rposition(|e| !after.contains(e["task"].as_str().unwrap()));
        if !after.is_empty() {
            entries.truncate(own.map_or(0, |last| last + 1));
        }
        assert!(entries.len() <= 1, "{} {path}: {entries:#?}", line.method);
        let Some(entry) = entries.first() else {
            return format!("{}.", reply.status);
        };
        let sign = match entry["decision"].as_str() {
            Some("allow") => '+',
            Some("deny") => '-',
            _ => '*',
        };
        format!("{}{sign}{}", reply.status, entry["task"].as_str().unwrap())
    }
}

pub(super) fn new_copy() -> Value {
    json!({"holder": "safe", "passphrase": "a copy has its own words"})
}

/// The newest entries: more than one step of this test leaves.
pub(super) fn newest(world: &World) -> Vec<Value> {
    let page = world.get("auditor", "/log/entries?limit=20").expect(200);
    page["rows"].as_array().unwrap().clone()
}
