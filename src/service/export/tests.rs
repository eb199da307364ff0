//! An export that is disturbed: a gate that a test holds closed stops it where it is wanted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::*;
use crate::authn::session::Token;
use crate::cases::draft::Classification;
use crate::config::budgets::Budgets;
use crate::destruction::order::{Part, What};
use crate::disclosure::output::OutputState;
use crate::domain::limit::Limit;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::task::Task;
use crate::domain::time::{Clock, SteppedClock};
use crate::service::destroy_tests::{order as doom, place};
use crate::service::open;
use crate::service::outputs::{OutputView, Portion};
use crate::service::print_order::PrintOrder;
use crate::service::seal::Settings;
use crate::service::testing::{here, secret, settings};
use crate::service::types::PageRequest;

mod barred;
mod changed;
mod disturbed;
mod searched;
pub(in crate::service) mod stays;
mod unclosed;

/// What becomes of a case.
type Change = (&'static str, fn(&Office, CaseId));

/// What takes the right to an ordinary case of "officer" away.
const ORDINARY_GOES: [Change; 3] = [
    ("handed on", |o, case| {
        o.assign("officer", case, &["officer2"])
    }),
    ("made sensitive", |o, case| {
        o.reclassify("officer", case, Classification::Sensitive, &["rights2"])
    }),
    ("locked", |o, case| o.lock("officer", case)),
];

/// The same of a sensitive case of "rights".
const SENSITIVE_GOES: [Change; 3] = [
    ("handed on", |o, case| {
        o.assign("rights", case, &["rights2"])
    }),
    ("made ordinary", |o, case| {
        o.reclassify("rights", case, Classification::Ordinary, &["officer2"])
    }),
    ("locked", |o, case| o.lock("rights", case)),
];

/// Stands in every narrative; whoever looks for it in a file finds it or not.
const CANARY: &str = "export-canary";

pub(in crate::service) struct Office {
    pub(in crate::service) store: Arc<Store>,
    pub(in crate::service) clock: Arc<SteppedClock>,
    pub(in crate::service) settings: Settings,
    /// One session each: a person has three at the most, and the oldest goes.
    tokens: Mutex<BTreeMap<String, String>>,
    dir: tempfile::TempDir,
}

impl Office {
    pub(in crate::service) fn new() -> Self {
        Self::under(Budgets::default())
    }

    fn under(budgets: Budgets) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        settings.budgets = budgets;
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

    fn join(&self, login: &str, role: Role) {
        let roles = Roles::new([role]).unwrap();
        let invited = self.store.invite_founder(login, roles).unwrap();
        let code = SecretText::new(invited.enrolment_code);
        let password = SecretText::new(password(login));
        let enrolled = self.store.enrol(login.to_owned(), code, password, here());
        enrolled.unwrap().wait().unwrap();
    }

    fn token(&self, login: &str) -> Token {
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

    fn order(&self, cases: &[CaseId]) -> Order {
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

    fn begin(&self, session: Session, order: Order) -> Begun {
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
    fn until(&self, login: &str, serial: Serial, done: impl Fn(&OutputView) -> bool) -> OutputView {
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
    fn fetch(&self, session: &Session, serial: Serial) -> Result<u64, ServiceError> {
        let whole = Portion::Whole;
        let fetched = self.store.fetch_output(session, Some(serial), whole, None);
        fetched.unwrap().wait().map(|fetched| fetched.length)
    }

    /// An export of these cases that has come to its end.
    fn finished(&self, login: &str, cases: &[CaseId]) -> Serial {
        let begun = self.begin(self.session(login), self.order(cases));
        let view = self.ended(login, begun.serial);
        assert_eq!(view.state, OutputState::Ready, "{view:?}");
        // Its record is closed a moment before its place is free.
        self.store.exports.places.wait_idle(Duration::from_secs(60));
        begun.serial
    }

    fn assign(&self, by: &str, case: CaseId, to: &[&str]) {
        let to = to.iter().map(|login| (*login).to_owned()).collect();
        let by = self.session(by);
        let done = self.store.assign(&by, case, Purpose::Handling, to, None);
        done.unwrap().wait().unwrap();
    }

    fn reclassify(&self, by: &str, case: CaseId, tier: Classification, to: &[&str]) {
        let to = to.iter().map(|login| (*login).to_owned()).collect();
        let (by, why) = (self.session(by), "it names a victim".to_owned());
        let done = self
            .store
            .reclassify(&by, case, Purpose::Handling, tier, to, why);
        done.unwrap().wait().unwrap();
    }

    /// A request to delete it is taken in: 처리정지.
    fn lock(&self, by: &str, case: CaseId) {
        let draft = serde_json::json!({
            "case": case.to_string(), "asked_by": "person", "name": "임꺽정",
            "contact": "010-1234-5678", "reason": "삭제 요청"
        });
        let draft = serde_json::from_value(draft).unwrap();
        let taken = self.store.request_deletion(&self.session(by), draft);
        drop(taken.unwrap().wait().unwrap());
    }

    fn ended(&self, login: &str, serial: Serial) -> OutputView {
        self.until(login, serial, |view| view.state != OutputState::Running)
    }

    /// Files of exports that lie there.
    fn files(&self) -> usize {
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

fn told(store: &Store, auditor: &Session, task: Task) -> Vec<String> {
    let query = crate::audit::query::Query {
        task: Some(task),
        ..Default::default()
    };
    let page = PageRequest {
        limit: Limit::rows(50),
        cursor: None,
    };
    let rows = store.log_entries(auditor, query, page).unwrap().wait();
    let rows = rows.unwrap().rows;
    let json = serde_json::to_value(rows).unwrap();
    let reasons = json.as_array().unwrap().iter();
    reasons
        .filter_map(|row| row["reason"].as_str().map(str::to_owned))
        .collect()
}

pub(in crate::service) fn password(login: &str) -> String {
    format!("quiet-harbour-71-{}", login.len())
}

fn files(data: &Path) -> usize {
    fs::read_dir(data.join("exports")).map_or(0, Iterator::count)
}

pub(in crate::service) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &to),
            kind if kind.is_file() => drop(fs::copy(entry.path(), to).unwrap()),
            _ => {}
        }
    }
}

#[test]
fn an_export_comes_to_its_end_and_is_fetched_in_parts() {
    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("officer"));
    let identity = age::x25519::Identity::generate();
    let mut order = office.order(&cases);
    order.recipient = Some(identity.to_public().to_string());
    let begun = office.begin(office.session("officer"), order);
    assert_eq!((begun.cases, begun.people, begun.absent), (3, 3, 0));
    assert!(begun.passphrase.is_none());
    let view = office.ended("officer", begun.serial);
    assert_eq!((view.state, view.opened), (OutputState::Ready, 3));
    assert_eq!(view.left_out, Some(0));
    let fetch = |login: &str, portion| {
        let session = office.session(login);
        let fetched = office
            .store
            .fetch_output(&session, Some(begun.serial), portion, None);
        fetched.unwrap().wait()
    };
    let read = |mut fetched: crate::service::outputs::Fetched| {
        use std::io::Read;
        let mut bytes = Vec::new();
        let mut part = (&mut fetched.file).take(fetched.length);
        part.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let whole = read(fetch("officer", Portion::Whole).unwrap());
    let first = read(fetch("officer", Portion::From(0, Some(9))).unwrap());
    let rest = read(fetch("officer", Portion::From(10, None)).unwrap());
    assert!([first, rest].concat() == whole);
    for other in ["rights", "privacy"] {
        assert!(fetch(other, Portion::Whole).is_err(), "{other}");
    }
    let mut plain = String::new();
    let opened = age::Decryptor::new(whole.as_slice()).unwrap();
    let mut opened = opened
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .unwrap();
    std::io::Read::read_to_string(&mut opened, &mut plain).unwrap();
    assert_eq!(plain.matches(CANARY).count(), 3);
    assert_eq!(plain.lines().count(), 3);
    assert!(plain.contains("임*정") && !plain.contains("임꺽정"));
    assert_eq!(office.told(Task::Download).len(), 3);
    let said = office.told(Task::Export);
    assert!(
        said[0].contains("3 of 3 cases opened, 0 left out"),
        "{said:?}"
    );
}

#[test]
#[ignore = "needs a Korean font (Debian: fonts-nanum)"]
fn a_pdf_is_written_and_locked_like_the_others() {
    let office = Office::new();
    let case = office.register("officer");
    let identity = age::x25519::Identity::generate();
    let mut order = office.order(&[case]);
    order.form = Form::Pdf;
    order.recipient = Some(identity.to_public().to_string());
    let begun = office.begin(office.session("officer"), order);
    let view = office.ended("officer", begun.serial);
    assert_eq!(view.state, OutputState::Ready, "{view:?}");
    let file = fs::read(office.store.export_path(begun.serial)).unwrap();
    let opened = age::Decryptor::new(file.as_slice()).unwrap();
    let mut opened = opened
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .unwrap();
    let mut pdf = Vec::new();
    std::io::Read::read_to_end(&mut opened, &mut pdf).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}

#[test]
fn nothing_is_taken_out_that_is_not_the_askers_and_no_order_that_cannot_be_carried_out() {
    let office = Office::new();
    let mine = office.register("officer");
    let other = office.register("rights");
    let refused = |order: Order| {
        let begun = office.store.begin_export(office.session("officer"), order);
        match begun.unwrap().wait() {
            Err(ServiceError::Invalid(invalid)) => invalid.field,
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it was taken"),
        }
    };
    let nobody = CaseId::from_bytes([9; 16]);
    for cases in [&[][..], &[other], &[nobody], &[other, nobody]] {
        assert_eq!(refused(office.order(cases)), "selection");
    }
    let with = |change: &dyn Fn(&mut Order)| {
        let mut order = office.order(&[mine]);
        change(&mut order);
        refused(order)
    };
    assert_eq!(with(&|o| o.recipient = Some("age1".into())), "recipient");
    assert_eq!(with(&|o| o.receiver = " ".into()), "receiver");
    assert_eq!(with(&|o| o.reason = String::new()), "reason");
    assert_eq!(with(&|o| o.template = Some("all".into())), "template");
    // Nobody who could not say that it is destroyed answers for it.
    for login in ["nobody", "auditor"] {
        let named = with(&|o| o.responsible = Some(login.into()));
        assert_eq!(named, "responsible", "{login}");
    }
    let guesses = |count: u8| {
        let guess = |n| CaseId::from_bytes([n; 16]);
        let all: Vec<CaseId> = (1..=count).map(guess).chain([mine]).collect();
        office.order(&all)
    };
    assert_eq!(refused(guesses(101)), "selection");
    let begun = office.begin(office.session("officer"), guesses(100));
    assert_eq!((begun.cases, begun.absent), (1, 100));
    office.ended("officer", begun.serial);
    // Its record is closed a moment before its place is free.
    office
        .store
        .exports
        .places
        .wait_idle(Duration::from_secs(60));
    assert_eq!(with(&|o| o.destroy_by = office.clock.now()), "destroy_by");
    assert_eq!(with(&|o| o.form = Form::PrintPdf), "format");
    let begun = office.begin(
        office.session("officer"),
        office.order(&[other, mine, nobody, mine]),
    );
    assert_eq!((begun.cases, begun.absent), (1, 2));
    let (rows, _) = office
        .store
        .outputs
        .newest(u64::MAX, Limit::rows(50), |_| true)
        .unwrap();
    assert_eq!(rows.len(), 2, "only what was begun has a record");
    office.ended("officer", begun.serial);
    let auditor = office
        .store
        .begin_export(office.session("auditor"), office.order(&[mine]));
    assert!(matches!(
        auditor.unwrap().wait(),
        Err(ServiceError::RoleRefused)
    ));
}

#[test]
fn one_person_takes_one_place_and_leaves_the_other() {
    let office = Office::new();
    let [one, two, three] = [1, 2, 3].map(|n| crate::domain::id::AccountId::from_bytes([n; 16]));
    let taken = office.store.exports.places.take(one).ok().unwrap();
    assert!(matches!(
        office.store.exports.places.take(one),
        Err(ServiceError::Busy)
    ));
    let other = office.store.exports.places.take(two);
    assert!(other.is_ok());
    assert!(
        office.store.exports.places.take(three).is_err(),
        "all taken"
    );
    drop(taken);
    assert!(office.store.exports.places.take(three).is_ok());
}
