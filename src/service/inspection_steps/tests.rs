//! What no verb does: a finding changed behind a signature, by whoever has the store and its keys.

use std::sync::Arc;

use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::time::{Clock, SystemClock};
use crate::engine::Batch;
use crate::inspection::month::Month;
use crate::inspection::report;
use crate::inspection::view::{InspectionDraft, SignDraft, VerdictDraft};
use crate::service::Founder;
use crate::service::seal::Service;
use crate::service::testing::{here, secret, settings};

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(work)
}

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

#[test]
fn a_finding_that_is_changed_behind_a_signature_shows() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    settings.inspection.failed_logins = 1;
    let random = Arc::new(SystemSource::default());
    let clock = Arc::new(SystemClock::default());
    let founders = [Founder {
        account: "lee".to_owned(),
        roles: Roles::new([Role::Auditor]).unwrap(),
    }];
    let (invited, _) = Service::init(
        &settings,
        &secret(),
        &founders,
        random.clone(),
        clock.clone(),
    )
    .unwrap();
    let service = Service::new(settings, random, clock.clone()).unwrap();
    service.unseal_now(&secret(), here()).unwrap();
    let code = text(&invited[0].enrolment_code);
    let password = || text("quiet-harbour-71");
    run(service.enrol("lee".to_owned(), code, password(), here())).unwrap();
    let stranger = run(service.log_in("nobody".to_owned(), password(), None, here()));
    assert!(stranger.is_err());
    let entered = run(service.log_in("lee".to_owned(), password(), None, here())).unwrap();
    let session = service.session(&entered.token, here()).unwrap();
    let store = service.store().unwrap();

    let month = Month::of(clock.now()).to_string();
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
