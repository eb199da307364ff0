//! An office out of which cases go, on disks and on paper.

use super::*;

/// Stands in every narrative; whoever looks for it in a file finds it or not.
pub(super) const CANARY: &str = "export-canary";

pub(in crate::service) struct Office {
    pub(in crate::service) store: Arc<Store>,
    pub(in crate::service) clock: Arc<SteppedClock>,
    pub(in crate::service) settings: Settings,
    /// One session each: a person has three at the most, and the oldest goes.
    tokens: Mutex<BTreeMap<String, String>>,
    pub(super) dir: tempfile::TempDir,
}

impl Office {
    pub(in crate::service) fn new() -> Self {
        Self::under(Budgets::default())
    }

    pub(super) fn under(budgets: Budgets) -> Self {
        Self::with(|settings| settings.budgets = budgets)
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        change(&mut settings);
        // The orders of the destruction tests are due then.
        let clock = Arc::new(SteppedClock::at(crate::service::destroy_tests::DUE));
        let random = Arc::new(SystemSource::default());
        let store = open::create(&settings, &secret(), random, clock.clone()).unwrap();
        let office = Self {
            store: Arc::new(store),
            clock,
            settings,
            tokens: Mutex::default(),
            dir,
        };
        for (login, role) in [
            ("admin", Role::Admin),
            ("privacy", Role::PrivacyOfficer),
            ("auditor", Role::Auditor),
            ("officer", Role::Officer),
            ("rights", Role::HumanRightsOfficer),
        ] {
            office.join(login, role);
        }
        let (code, name) = ("civil".to_owned(), "민원봉사과".to_owned());
        let made = office
            .store
            .add_department(&office.session("admin"), code, name);
        made.unwrap().wait().unwrap();
        office
    }

    pub(super) fn join(&self, login: &str, role: Role) {
        let roles = Roles::new([role]).unwrap();
        let invited = self.store.invite_founder(login, roles).unwrap();
        let code = SecretText::new(invited.enrolment_code);
        let password = SecretText::new(password(login));
        let enrolled = self.store.enrol(login.to_owned(), code, password, here());
        enrolled.unwrap().wait().unwrap();
    }

    pub(super) fn token(&self, login: &str) -> Token {
        let password = SecretText::new(password(login));
        let entered = self
            .store
            .log_in(login.to_owned(), password, None, here())
            .unwrap();
        entered.wait().unwrap().token
    }

    pub(in crate::service) fn session(&self, login: &str) -> Session {
        let mut tokens = self.tokens.lock().unwrap();
        let token = tokens.get(login).and_then(|text| Token::parse(text));
        if let Some(session) = token.and_then(|t| self.store.sessions.resume(&t, here()).ok()) {
            return session;
        }
        let token = self.token(login);
        tokens.insert(login.to_owned(), token.reveal());
        self.store.sessions.resume(&token, here()).unwrap()
    }

    pub(in crate::service) fn register(&self, holder: &str) -> CaseId {
        let tier = if holder == "rights" {
            "sensitive"
        } else {
            "ordinary"
        };
        let draft = serde_json::json!({
            "tier": tier, "department": "civil", "channel": "letter", "class": "도로",
            "title": "제목", "narrative": CANARY, "assignees": [holder],
            "people": [{"part": "petitioner", "name": "임꺽정", "telephone": "010-1234-5678"}]
        });
        let draft = serde_json::from_value(draft).unwrap();
        let made = self.store.register(&self.session(holder), draft);
        made.unwrap().wait().unwrap().id.parse().unwrap()
    }

    pub(super) fn order(&self, cases: &[CaseId]) -> Order {
        Order {
            purpose: Purpose::Handling,
            reason: "for a test".to_owned(),
            selection: Selection::Cases(cases.iter().copied().map(Some).collect()),
            form: Form::Jsonl,
            template: None,
            unmasked: false,
            recipient: None,
            receiver: "archive".to_owned(),
            responsible: None,
            destroy_by: self.clock.now().plus(Duration::from_secs(86_400)),
            approval: None,
        }
    }

    /// The same on paper.
    pub(in crate::service) fn paper(cases: &[CaseId]) -> PrintOrder {
        PrintOrder {
            purpose: Purpose::Handling,
            reason: "for a test".to_owned(),
            cases: cases.iter().copied().map(Some).collect(),
            form: Form::PrintHtml,
            template: None,
            unmasked: false,
            identity: None,
            copies: 1,
            receiver: "archive".to_owned(),
            responsible: None,
            destroy_by: None,
            approval: None,
        }
    }

    pub(in crate::service) fn print(
        &self,
        login: &str,
        cases: &[CaseId],
    ) -> Result<Serial, ServiceError> {
        let printed = self.store.print(&self.session(login), Self::paper(cases))?;
        match printed.wait()? {
            Consented::Done(printed, _) => Ok(printed.serial),
            Consented::Asked(_) => panic!("a second person was asked"),
        }
    }

    /// The newest output.
    pub(in crate::service) fn newest(&self) -> Output {
        let newest = self
            .store
            .outputs
            .newest(u64::MAX, Limit::rows(1), |_| true);
        newest.unwrap().0.remove(0).row
    }

    /// Breaks these steps of every output from now on.
    pub(in crate::service) fn breaks(&self, steps: &[Step]) {
        *self.store.steps.broken.lock().unwrap() = steps.to_vec();
    }

    pub(super) fn begin(&self, session: Session, order: Order) -> Begun {
        match self.store.begin_export(session, order).unwrap().wait() {
            Ok(Consented::Done(begun, _)) => begun,
            Ok(Consented::Asked(_)) => panic!("a second person was asked"),
            Err(error) => panic!("{error}"),
        }
    }

    pub(in crate::service) fn look(&self, login: &str, serial: Serial) -> OutputView {
        let shown = self.store.show_output(&self.session(login), Some(serial));
        shown.unwrap().wait().unwrap()
    }

    /// Waits until `done` says so of the output.
    pub(super) fn until(
        &self,
        login: &str,
        serial: Serial,
        done: impl Fn(&OutputView) -> bool,
    ) -> OutputView {
        let began = Instant::now();
        loop {
            let view = self.look(login, serial);
            if done(&view) {
                return view;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{view:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Fetches the file of an output; how many bytes came.
    pub(super) fn fetch(&self, session: &Session, serial: Serial) -> Result<u64, ServiceError> {
        let whole = Portion::Whole;
        let fetched = self.store.fetch_output(session, Some(serial), whole, None);
        let fetched = fetched.and_then(|fetched| fetched.wait());
        fetched.map(|fetched| fetched.length)
    }

    /// An export of these cases that has come to its end.
    pub(super) fn finished(&self, login: &str, cases: &[CaseId]) -> Serial {
        let begun = self.begin(self.session(login), self.order(cases));
        let view = self.ended(login, begun.serial);
        assert_eq!(view.state, OutputState::Ready, "{view:?}");
        // Its record is closed a moment before its place is free.
        self.store.exports.places.wait_idle(Duration::from_secs(60));
        begun.serial
    }

    pub(super) fn assign(&self, by: &str, case: CaseId, to: &[&str]) {
        let to = to.iter().map(|login| (*login).to_owned()).collect();
        let by = self.session(by);
        let done = self.store.assign(&by, case, Purpose::Handling, to, None);
        done.unwrap().wait().unwrap();
    }

    pub(super) fn reclassify(&self, by: &str, case: CaseId, tier: Classification, to: &[&str]) {
        let to = to.iter().map(|login| (*login).to_owned()).collect();
        let (by, why) = (self.session(by), "it names a victim".to_owned());
        let done = self
            .store
            .reclassify(&by, case, Purpose::Handling, tier, to, why);
        done.unwrap().wait().unwrap();
    }

    /// A request to delete it is taken in: 처리정지.
    pub(super) fn lock(&self, by: &str, case: CaseId) {
        let draft = serde_json::json!({
            "case": case.to_string(), "asked_by": "person", "name": "임꺽정",
            "contact": "010-1234-5678", "reason": "삭제 요청"
        });
        let draft = serde_json::from_value(draft).unwrap();
        let taken = self.store.request_deletion(&self.session(by), draft);
        drop(taken.unwrap().wait().unwrap());
    }

    pub(super) fn ended(&self, login: &str, serial: Serial) -> OutputView {
        self.until(login, serial, |view| view.state != OutputState::Running)
    }

    /// Files of exports that lie there.
    pub(super) fn files(&self) -> usize {
        files(&self.settings.data)
    }

    pub(in crate::service) fn destroy(&self, case: CaseId) {
        let part = Part {
            case,
            what: What::Whole,
            kept: None,
        };
        let order = doom(vec![part]);
        place(&self.store, &order);
        self.store.execute(order.id).unwrap();
    }

    /// Closes the store, for another to open it.
    pub(in crate::service) fn leave(self) -> tempfile::TempDir {
        self.store.close().unwrap();
        self.dir
    }

    /// Reasons of the log's newest entries of a task.
    pub(in crate::service) fn told(&self, task: Task) -> Vec<String> {
        told(&self.store, &self.session("auditor"), task)
    }
}

/// The log's newest entries of a task, as the auditor sees them.
pub(in crate::service) fn entries(
    store: &Store,
    auditor: &Session,
    task: Task,
) -> Vec<serde_json::Value> {
    let query = crate::audit::query::Query {
        task: Some(task),
        ..Default::default()
    };
    let page = PageRequest {
        limit: Limit::rows(50),
        cursor: None,
    };
    let rows = store.log_entries(auditor, query, page).unwrap().wait();
    let rows = rows.unwrap().rows.into_iter();
    rows.map(|row| serde_json::to_value(row).unwrap()).collect()
}

pub(super) fn told(store: &Store, auditor: &Session, task: Task) -> Vec<String> {
    let entries = entries(store, auditor, task).into_iter();
    entries
        .filter_map(|row| row["reason"].as_str().map(str::to_owned))
        .collect()
}

pub(in crate::service) fn password(login: &str) -> String {
    format!("quiet-harbour-71-{}", login.len())
}

pub(super) fn files(data: &Path) -> usize {
    fs::read_dir(data.join("exports")).map_or(0, Iterator::count)
}
