//! An office in a temporary directory, driven over the API alone: what a test does, a person
//! could do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bongham::authn::pace::PaceLimit;
use bongham::authn::password::PasswordCost;
use bongham::authn::session::{Origin, SessionLimits};
use bongham::config::budgets::Budgets;
use bongham::destruction::term::Terms;
use bongham::domain::random::SystemSource;
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::SecretText;
use bongham::domain::time::{Clock, SystemClock};
use bongham::keyring::{UnsealCost, UnsealSecret};
use bongham::service::{Founder, Service, ServiceError, Settings};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

pub use crate::reply::Reply;

pub const PASSPHRASE: &str = "correct horse battery staple";

/// So fast that no test is slowed.
pub const UNHURRIED: PaceLimit = PaceLimit {
    per_second: 1_000_000,
    burst: 1_000_000,
};

/// Everybody in the test office: login, roles, department.
pub const PEOPLE: &[(&str, &[&str], Option<&str>)] = &[
    ("intake", &["intake"], Some("civil")),
    ("officer", &["officer"], Some("civil")),
    ("officer2", &["officer"], Some("civil")),
    ("rights", &["human_rights_officer"], Some("rights")),
    ("rights2", &["human_rights_officer"], Some("rights")),
    ("lead", &["lead"], Some("civil")),
    ("coordinator", &["coordinator"], Some("civil")),
    ("auditor", &["auditor"], None),
    ("custodian", &["retention_custodian"], None),
    ("privacy2", &["privacy_officer"], None),
];

pub fn password(login: &str) -> String {
    format!(
        "{}-quiet-harbour-71",
        login.chars().rev().collect::<String>()
    )
}

/// A day by which copies are to be destroyed.
pub fn in_a_year() -> String {
    let now = SystemClock::default().now();
    now.plus(Duration::from_secs(365 * 24 * 3600)).rfc3339()
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub settings: Settings,
    pub service: Arc<Service>,
    router: Router,
    runtime: tokio::runtime::Runtime,
    tokens: BTreeMap<String, String>,
    pub ids: BTreeMap<String, String>,
    pub log_key: String,
}

pub fn settings(dir: &Path) -> Settings {
    Settings {
        data: dir.join("data"),
        keyring: dir.join("keyring"),
        policies: None,
        password_cost: PasswordCost {
            memory_kib: 64,
            passes: 1,
        },
        unseal_cost: UnsealCost::minimal_for_tests(),
        sessions: SessionLimits {
            idle: Duration::from_secs(900),
            absolute: Duration::from_secs(8 * 3600),
            per_account: 3,
        },
        threads: 2,
        queue: 256,
        index_cache_bytes: 16 << 20,
        segment_bytes: 4 << 20,
        terms: Terms::default(),
        outputs: bongham::config::outputs::Outputs::default(),
        print: bongham::config::print::Print::default(),
        // One test does in a second what takes people a day.
        budgets: Budgets::unbounded(),
        inspection: Default::default(),
        disk: bongham::config::disk::Disk::UNWATCHED,
        forward: None,
        progress: None,
    }
}

pub fn secret(passphrase: &str) -> UnsealSecret {
    UnsealSecret {
        passphrase: SecretText::new(passphrase.to_owned()),
        key_file: None,
    }
}

pub fn here() -> Origin {
    Origin {
        address: None,
        device: "test".to_owned(),
    }
}

pub fn sealed_service(settings: &Settings) -> Arc<Service> {
    service_by(settings, Arc::new(SystemClock::default()))
}

fn service_by(settings: &Settings, clock: Arc<dyn Clock>) -> Arc<Service> {
    let random = Arc::new(SystemSource::default());
    let service = Service::new(settings.clone(), random, clock).unwrap();
    // One test does in a second what takes people a day.
    service.limit_pace(UNHURRIED);
    Arc::new(service)
}

impl World {
    /// A store with its two founders, not yet enrolled.
    fn founded(clock: Arc<dyn Clock>, budgets: Budgets, terms: Terms) -> (Self, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            budgets,
            terms,
            ..settings(dir.path())
        };
        let founder = |account: &str, role| Founder {
            account: account.to_owned(),
            roles: Roles::new([role]).unwrap(),
        };
        let founders = [
            founder("admin", Role::Admin),
            founder("privacy", Role::PrivacyOfficer),
        ];
        let random = Arc::new(SystemSource::default());
        let (invitations, log_key) = Service::init(
            &settings,
            &secret(PASSPHRASE),
            &founders,
            random,
            Arc::clone(&clock),
        )
        .unwrap();
        let codes: Vec<String> = invitations
            .iter()
            .map(|i| i.enrolment_code.clone())
            .collect();
        let service = service_by(&settings, clock);
        service.unseal_now(&secret(PASSPHRASE), here()).unwrap();
        let world = Self::around(dir, settings, service, log_key);
        (world, codes[0].clone(), codes[1].clone())
    }

    fn around(
        dir: tempfile::TempDir,
        settings: Settings,
        service: Arc<Service>,
        log_key: String,
    ) -> Self {
        Self {
            router: bongham::http::router(Arc::clone(&service)),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
            dir,
            settings,
            service,
            tokens: BTreeMap::new(),
            ids: BTreeMap::new(),
            log_key,
        }
    }

    /// A store that is there already, unsealed; nobody is logged in yet.
    pub fn over(settings: &Settings) -> Result<Self, ServiceError> {
        let service = sealed_service(settings);
        service.unseal_now(&secret(PASSPHRASE), here())?;
        let elsewhere = tempfile::tempdir().unwrap();
        Ok(Self::around(
            elsewhere,
            settings.clone(),
            service,
            String::new(),
        ))
    }

    /// Goes away without a word, as a process that was killed; the directories stay.
    pub fn vanish(self) -> tempfile::TempDir {
        self.dir
    }

    /// Closes the store cleanly and leaves its directories.
    pub fn leave(self) -> tempfile::TempDir {
        self.service.close().unwrap();
        self.dir
    }

    /// A staffed office: departments, one person per role, the desk of `rights` seated.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock::default()))
    }

    /// The same, at a time that a test moves.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self::office(clock, Budgets::unbounded(), Terms::default())
    }

    /// The same, where people have no more than this.
    pub fn with_budgets(clock: Arc<dyn Clock>, budgets: Budgets) -> Self {
        Self::office(clock, budgets, Terms::default())
    }

    /// The same, in an office that has set its own windows and caps.
    pub fn with_terms(clock: Arc<dyn Clock>, terms: Terms) -> Self {
        Self::office(clock, Budgets::unbounded(), terms)
    }

    fn office(clock: Arc<dyn Clock>, budgets: Budgets, terms: Terms) -> Self {
        let (mut world, admin, privacy) = Self::founded(clock, budgets, terms);
        world.enrol("admin", &admin);
        world.enrol("privacy", &privacy);
        for (code, name) in [
            ("civil", "민원봉사과"),
            ("rights", "인권담당관"),
            ("welfare", "복지과"),
        ] {
            world
                .post(
                    "admin",
                    "/departments",
                    &json!({"code": code, "name": name}),
                )
                .expect(201);
        }
        for (login, roles, department) in PEOPLE {
            world.invite(login, roles, *department);
        }
        let desk = json!({"members": ["rights"]});
        let asked = world
            .put("admin", "/departments/rights/desk", &desk)
            .expect(202);
        let approval = asked["approvals"][0].as_str().unwrap().to_owned();
        world.approve(&approval).expect(200);
        world
    }

    /// Invites somebody, who enrols, and a second person consents to every role.
    pub fn invite(&mut self, login: &str, roles: &[&str], department: Option<&str>) {
        let body = json!({"account": login, "roles": roles, "department": department});
        let invited = self.post("admin", "/accounts", &body).expect(201);
        self.ids
            .insert(login.to_owned(), invited["id"].as_str().unwrap().to_owned());
        self.enrol(login, invited["enrolment_code"].as_str().unwrap());
        self.consent(login, &invited);
    }

    /// A second person consents to everything that was asked for about somebody, who comes back.
    pub fn consent(&mut self, login: &str, asked: &Value) {
        for approval in asked["approvals"].as_array().unwrap() {
            self.approve(approval.as_str().unwrap()).expect(200);
        }
        self.log_in(login);
    }

    /// Gives somebody who has enrolled exactly these roles, by two.
    pub fn give(&mut self, login: &str, roles: &[&str]) {
        let path = format!("/accounts/{}/roles", self.ids[login]);
        let asked = self.put("admin", &path, &json!({ "roles": roles }));
        self.consent(login, &asked.expect(200));
    }

    pub fn enrol(&mut self, login: &str, code: &str) {
        let body = json!({"account": login, "code": code, "password": password(login)});
        self.send("POST", "/api/v1/enrolments", None, Some(&body))
            .expect(201);
        self.log_in(login);
    }

    pub fn approve(&self, approval: &str) -> Reply {
        self.post(
            "privacy",
            &format!("/approvals/{approval}"),
            &json!({"decision": "approve"}),
        )
    }

    /// Resets somebody, with the second person where one is needed; gives the one-time code.
    pub fn reset(&self, login: &str) -> String {
        let path = format!("/accounts/{}/reset", self.ids[login]);
        let mut reply = self.post("admin", &path, &json!({}));
        if reply.status == 202 {
            let approval = reply.json()["approvals"][0].as_str().unwrap().to_owned();
            self.approve(&approval).expect(200);
            reply = self.post("admin", &path, &json!({ "approval": approval }));
        }
        let done = reply.expect(200);
        done["enrolment_code"].as_str().unwrap().to_owned()
    }

    pub fn log_in(&mut self, login: &str) {
        self.try_log_in(login).expect(201);
    }

    /// Logs in or says why not.
    pub fn try_log_in(&mut self, login: &str) -> Reply {
        let body = json!({"account": login, "password": password(login)});
        let reply = self.send("POST", "/api/v1/sessions", None, Some(&body));
        if let Some(token) = reply.json()["token"].as_str() {
            self.tokens.insert(login.to_owned(), token.to_owned());
        }
        reply
    }

    pub fn token(&self, login: &str) -> Option<&str> {
        self.tokens.get(login).map(String::as_str)
    }

    /// Any request; `path` from the root.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Reply {
        let mut request = axum::http::Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.raw(request.body(body).unwrap())
    }

    pub fn raw(&self, request: axum::http::Request<Body>) -> Reply {
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            let headers = answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    (
                        name.to_string(),
                        value.to_str().unwrap_or_default().to_owned(),
                    )
                })
                .collect();
            let bytes = answer
                .into_body()
                .collect()
                .await
                .map(|b| b.to_bytes().to_vec())
                .unwrap_or_default();
            Reply {
                status,
                headers,
                bytes,
            }
        })
    }

    pub fn get(&self, login: &str, path: &str) -> Reply {
        self.send("GET", &format!("/api/v1{path}"), self.token(login), None)
    }
    pub fn post(&self, login: &str, path: &str, body: &Value) -> Reply {
        self.send(
            "POST",
            &format!("/api/v1{path}"),
            self.token(login),
            Some(body),
        )
    }
    pub fn put(&self, login: &str, path: &str, body: &Value) -> Reply {
        self.send(
            "PUT",
            &format!("/api/v1{path}"),
            self.token(login),
            Some(body),
        )
    }

    pub fn patch(&self, login: &str, path: &str, body: &Value) -> Reply {
        self.send(
            "PATCH",
            &format!("/api/v1{path}"),
            self.token(login),
            Some(body),
        )
    }

    /// Registers a case and gives its id.
    pub fn register(&self, login: &str, draft: &Value) -> String {
        let registered = self.post(login, "/cases", draft).expect(201);
        registered["id"].as_str().unwrap().to_owned()
    }

    pub fn read(&self, login: &str, case: &str, purpose: &str) -> Reply {
        self.get(login, &format!("/cases/{case}?purpose={purpose}"))
    }

    /// Newest access-log entries, as the auditor sees them.
    pub fn log(&self, filter: &str) -> Vec<Value> {
        let rows = self
            .get("auditor", &format!("/log/entries?limit=200{filter}"))
            .expect(200);
        rows["rows"].as_array().unwrap().clone()
    }

    /// Seals and unseals: a clean restart. Sessions end.
    pub fn restart(&mut self) {
        self.restart_after(|_| ());
    }

    /// The same, with something done to the closed store in between.
    pub fn restart_after(&mut self, between: impl FnOnce(&Settings)) {
        self.service.close().unwrap();
        between(&self.settings);
        self.service
            .unseal_now(&secret(PASSPHRASE), here())
            .unwrap();
        let logins: Vec<String> = self.tokens.keys().cloned().collect();
        for login in logins {
            self.log_in(&login);
        }
    }
}

/// Every file below `dir`, with what is in it.
pub fn walk(dir: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
}

/// An ordinary case for the department `civil`.
pub fn ordinary() -> Value {
    json!({
        "tier": "ordinary", "department": "civil", "channel": "visit", "class": "도로",
        "title": "보도블록 파손", "narrative": "역 앞 보도블록이 깨져 있습니다.",
        "people": [{"part": "petitioner", "name": "홍길동", "telephone": "010-0000-1234"}],
        "assignees": ["officer"]
    })
}

/// A sensitive case for the desk of `rights`.
pub fn sensitive() -> Value {
    json!({
        "tier": "sensitive", "department": "rights", "channel": "letter", "class": "인권침해신고",
        "title": "괴롭힘 신고", "narrative": "상급자가 반복해서 폭언을 했습니다.",
        "people": [
            {"part": "petitioner", "name": "임꺽정", "telephone": "010-0000-5678"},
            {"part": "subject", "name": "변학도"}
        ]
    })
}
