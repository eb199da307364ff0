//! What no verb does: a finding changed behind a signature, by whoever has the store and its keys.

use std::path::Path;
use std::sync::Arc;

use crate::authn::session::Session;
use crate::authz::action::Inspect;
use crate::authz::facts::Target;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::time::{Clock, SystemClock};
use crate::engine::Batch;
use crate::inspection::month::Month;
use crate::inspection::pack::FindingId;
use crate::inspection::report;
use crate::inspection::rule::Rule;
use crate::inspection::view::{ExplanationDraft, InspectionDraft, SignDraft, VerdictDraft};
use crate::service::Founder;
use crate::service::error::ServiceError;
use crate::service::seal::Service;
use crate::service::testing::{here, secret, settings};

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(work)
}

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

/// An unsealed store, the sessions of an auditor and an officer; one log-in of a stranger is a
/// finding.
fn office(dir: &Path) -> (Service, [Session; 2]) {
    let mut settings = settings(dir);
    settings.inspection.failed_logins = 1;
    let random = Arc::new(SystemSource::default());
    let clock = Arc::new(SystemClock::default());
    let founders = [("lee", Role::Auditor), ("choi", Role::Officer)].map(|(login, role)| Founder {
        account: login.to_owned(),
        roles: Roles::new([role]).unwrap(),
    });
    let (invited, _) = Service::init(
        &settings,
        &secret(),
        &founders,
        random.clone(),
        clock.clone(),
    )
    .unwrap();
    let service = Service::new(settings, random, clock).unwrap();
    service.unseal_now(&secret(), here()).unwrap();
    let password = || text("quiet-harbour-71");
    let stranger = run(service.log_in("nobody".to_owned(), password(), None, here()));
    assert!(stranger.is_err());
    let sessions = [("lee", 0), ("choi", 1)].map(|(login, at)| {
        let code = text(&invited[at].enrolment_code);
        run(service.enrol(login.to_owned(), code, password(), here())).unwrap();
        let entered = run(service.log_in(login.to_owned(), password(), None, here())).unwrap();
        service.session(&entered.token, here()).unwrap()
    });
    (service, sessions)
}

#[test]
fn a_finding_that_is_changed_behind_a_signature_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (service, [session, _]) = office(dir.path());
    let store = service.store().unwrap();
    let month = Month::of(SystemClock::default().now()).to_string();
    let made = store.make_inspection(&session, InspectionDraft { month });
    let made = made.unwrap().wait().unwrap();
    assert_eq!(made.sheet.findings.len(), 1);
    let id = made.sheet.id.parse().unwrap();
    let finding = format!("{id}-1").parse().ok();
    let verdict = VerdictDraft {
        accepted: true,
        note: "a stranger".to_owned(),
    };
    let judged = store.judge_finding(&session, finding, verdict).unwrap();
    let judged = judged.wait().unwrap();
    let sign = SignDraft {
        hash: judged.hash,
        statement: None,
    };
    let signed = store.sign_inspection(&session, Some(id), sign).unwrap();
    let signed = signed.wait().unwrap();
    assert!(signed.signed.as_ref().unwrap().intact, "the control");
    assert!(!report::html(&signed).contains("alarm\">"));

    let whole = store.whole(id).unwrap();
    let mut finding = whole.findings[0].clone();
    finding.count = 0;
    let mut batch = Batch::default();
    store
        .inspections
        .put_finding(&mut batch, &whole, finding)
        .unwrap();
    store.engine.commit(batch).wait().unwrap();
    let after = store.inspection(&session, Some(id)).unwrap();
    let after = after.wait().unwrap();
    assert!(!after.signed.as_ref().unwrap().intact);
    assert!(report::html(&after).contains("alarm\">"));
}

/// An answer here would tell that a case which they may not see is there.
#[test]
fn whom_it_concerns_is_not_told_of_refusals_on_sensitive_cases() {
    let dir = tempfile::tempdir().unwrap();
    let (service, [session, officer]) = office(dir.path());
    let store = service.store().unwrap();
    let month = Month::of(SystemClock::default().now()).to_string();
    let made = store.make_inspection(&session, InspectionDraft { month });
    let id = made.unwrap().wait().unwrap().sheet.id.parse().unwrap();
    let about_me = |rule| {
        let whole = store.whole(id).unwrap();
        let finding = crate::inspection::pack::Finding {
            rule,
            person: Some(officer.account()),
            ..whole.findings[0].clone()
        };
        let mut batch = Batch::default();
        let put = store.inspections.put_finding(&mut batch, &whole, finding);
        put.unwrap();
        store.engine.commit(batch).wait().unwrap();
    };
    let told = || {
        let own = store.own_findings(&officer).unwrap().wait().unwrap();
        own.rows.into_iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    let explain = || {
        let finding = format!("{id}-1").parse::<FindingId>().ok();
        let text = "a wrong number".to_owned();
        let said = store.explain(&officer, finding, ExplanationDraft { text });
        said.unwrap().wait().map(drop)
    };
    about_me(Rule::DeniedSensitive);
    assert_eq!(told(), []);
    assert_eq!(explain(), Err(ServiceError::NotFound));
    let sheet = store.inspection(&session, Some(id)).unwrap().wait();
    let sheet = sheet.unwrap().sheet;
    assert_eq!(sheet.findings[0].rule, Rule::DeniedSensitive, "the auditor");
    about_me(Rule::DeniedMany);
    assert_eq!(told(), [Rule::DeniedMany], "the control");
    assert_eq!(explain(), Ok(()));
}

/// Both were permitted before either was made.
#[test]
fn a_month_has_one_whole_inspection_also_when_two_ask_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (service, [session, _]) = office(dir.path());
    let store = service.store().unwrap();
    let over: Month = "2020-01".parse().unwrap();
    let make = |month| {
        let inspect = |permit| {
            let made = store.inspect_month(permit, month, session.account());
            Ok(crate::engine::Pending::ready(
                made.map(|view| view.sheet.whole),
            ))
        };
        let made = store.office::<Inspect, _>(&session, Target::Office, inspect);
        made.unwrap().wait()
    };
    assert_eq!(make(over), Ok(true));
    assert_eq!(make(over), Err(ServiceError::Exists));
    let present = Month::of(SystemClock::default().now());
    for _ in 0..2 {
        assert_eq!(make(present), Ok(false), "the control: for information");
    }
}
