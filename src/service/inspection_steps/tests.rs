//! What no verb does: a finding changed behind a signature, by whoever has the store and its keys.

use std::path::Path;
use std::sync::Arc;

use crate::authn::session::Session;
use crate::authz::action::Inspect;
use crate::authz::facts::Target;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::task::Task;
use crate::domain::time::{SteppedClock, Timestamp};
use crate::engine::Batch;
use crate::inspection::month::Month;
use crate::inspection::pack::{Finding, FindingId, FindingState, Pack, Signed, Verdict, Whole};
use crate::inspection::report;
use crate::inspection::rule::Rule;
use crate::inspection::view::{
    ExplanationDraft, FindingView, InspectionDraft, InspectionView, SignDraft, VerdictDraft,
    Witness,
};
use crate::service::Founder;
use crate::service::error::ServiceError;
use crate::service::seal::Service;
use crate::service::store::Store;
use crate::service::testing::{here, secret, settings};

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(work)
}

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

const MONTH: &str = "2026-10";

/// An unsealed store in November, the sessions of an auditor, an officer and a privacy officer; one
/// log-in of a stranger in October is a finding.
fn office(dir: &Path) -> (Service, Vec<Session>) {
    office_with(dir, |_| {})
}

/// The same after what else happened in October.
fn office_with(dir: &Path, before: impl FnOnce(&Service)) -> (Service, Vec<Session>) {
    let mut settings = settings(dir);
    settings.inspection.failed_logins = 1;
    let random = Arc::new(SystemSource::default());
    let october = Timestamp::parse_rfc3339("2026-10-14T12:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(october));
    let founders = [
        ("lee", Role::Auditor),
        ("choi", Role::Officer),
        ("jang", Role::PrivacyOfficer),
    ]
    .map(|(login, role)| Founder {
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
    let service = Service::new(settings, random, clock.clone()).unwrap();
    service.unseal_now(&secret(), here()).unwrap();
    let password = || text("quiet-harbour-71");
    let enter = |login: &str| {
        run(service.log_in(login.to_owned(), password(), None, here()))
            .map(|entered| service.session(&entered.token, here()).unwrap())
    };
    assert!(enter("nobody").is_err());
    for (invitation, founder) in invited.iter().zip(&founders) {
        let code = text(&invitation.enrolment_code);
        run(service.enrol(founder.account.clone(), code, password(), here())).unwrap();
    }
    before(&service);
    clock.advance(std::time::Duration::from_secs(20 * 24 * 3600));
    let sessions = ["lee", "choi", "jang"].map(|login| enter(login).unwrap());
    (service, sessions.into())
}

fn make(store: &Arc<Store>, session: &Session) -> Result<InspectionView, ServiceError> {
    let month = MONTH.to_owned();
    store
        .make_inspection(session, InspectionDraft { month })
        .unwrap()
        .wait()
}

fn number(view: &InspectionView, rule: Rule) -> Option<FindingId> {
    let found = view.sheet.findings.iter().find(|f| f.rule == rule)?;
    format!("{}-{}", view.sheet.id, found.number).parse().ok()
}

fn judge(
    store: &Store,
    session: &Session,
    finding: Option<FindingId>,
) -> Result<InspectionView, ServiceError> {
    decide(store, session, finding, Verdict::Accepted)
}

fn decide(
    store: &Store,
    session: &Session,
    finding: Option<FindingId>,
    verdict: Verdict,
) -> Result<InspectionView, ServiceError> {
    let draft = VerdictDraft {
        accepted: (verdict != Verdict::Reopened).then_some(verdict == Verdict::Accepted),
        reopen: verdict == Verdict::Reopened,
        note: "looked at".to_owned(),
    };
    let judged = store.judge_finding(session, finding, draft);
    judged.unwrap().wait()
}

fn sign(
    store: &Store,
    session: &Session,
    view: &InspectionView,
    statement: Option<&str>,
) -> Result<InspectionView, ServiceError> {
    let draft = SignDraft {
        hash: view.hash.clone(),
        statement: statement.map(str::to_owned),
    };
    let signed = store.sign_inspection(session, view.sheet.id.parse().ok(), draft);
    signed.unwrap().wait()
}

fn write(store: &Store, whole: &Whole, pack: Pack) {
    let mut batch = Batch::default();
    store.inspections.put_pack(&mut batch, whole, pack).unwrap();
    store.engine.commit(batch).wait().unwrap();
}

fn write_finding(store: &Store, whole: &Whole, finding: Finding) {
    let mut batch = Batch::default();
    let put = store.inspections.put_finding(&mut batch, whole, finding);
    put.unwrap();
    store.engine.commit(batch).wait().unwrap();
}

#[test]
fn a_finding_that_is_changed_behind_a_signature_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office(dir.path());
    let session = &sessions[0];
    let store = service.store().unwrap();
    let made = make(&store, session).unwrap();
    let id = made.sheet.id.parse().unwrap();
    let signed = sign(&store, session, &made, Some("nobody is there")).unwrap();
    assert!(signed.signed.as_ref().unwrap().intact, "the control");
    assert!(!report::html(&signed).contains("alarm\">"));

    let whole = store.whole(id).unwrap();
    let mut finding = whole.findings[0].clone();
    finding.count = 0;
    write_finding(&store, &whole, finding);
    let after = store.inspection(session, Some(id)).unwrap();
    let after = after.wait().unwrap();
    assert!(!after.signed.as_ref().unwrap().intact);
    assert!(report::html(&after).contains("alarm\">"));
}

/// Whoever can write the rows writes a hash that fits, too. The entry of the signing does not.
#[test]
fn a_signature_that_the_log_does_not_know_shows() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office(dir.path());
    let session = &sessions[0];
    let store = service.store().unwrap();
    let made = make(&store, session).unwrap();
    let id = made.sheet.id.parse().unwrap();
    let intact = || {
        let view = store.inspection(session, Some(id)).unwrap().wait().unwrap();
        let signed = view.signed.unwrap();
        (signed.intact, signed.witness, signed.entry.is_some())
    };
    let forged = |change: &dyn Fn(&mut Signed)| {
        let whole = store.whole(id).unwrap();
        let kept = whole.pack.signed.clone();
        let mut signed = kept.clone().unwrap();
        change(&mut signed);
        write(
            &store,
            &whole,
            Pack {
                signed: Some(signed),
                ..whole.pack.clone()
            },
        );
        let seen = intact();
        let whole = store.whole(id).unwrap();
        let back = Pack {
            signed: kept,
            ..whole.pack.clone()
        };
        write(&store, &whole, back);
        seen
    };
    sign(&store, session, &made, Some("said then")).unwrap();
    let proven = (true, Witness::Entry, true);
    assert_eq!(intact(), proven, "the control");
    let unknown = (false, Witness::None, false);
    assert_eq!(
        forged(&|s| s.statement = Some("said later".into())),
        unknown
    );
    assert_eq!(forged(&|s| s.statement = None), unknown);
    assert_eq!(forged(&|s| s.by = sessions[1].account()), unknown);
    assert_eq!(intact(), proven, "the control");
    // A finding, the hash and all that stands in rows changed together.
    let whole = store.whole(id).unwrap();
    let mut finding = whole.findings[0].clone();
    finding.count = 0;
    write_finding(&store, &whole, finding);
    let hash = crate::inspection::sheet::Sheet::of(&store.whole(id).unwrap()).hash();
    assert_eq!(forged(&|s| s.hash = hash.unwrap()), unknown);
}

/// Ten wrong passwords must not keep an auditor from signing.
#[test]
fn what_strangers_do_to_an_auditor_is_the_privacy_officers_to_judge_and_blocks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office_with(dir.path(), |service| {
        let wrong = run(service.log_in("lee".into(), text("a wrong one"), None, here()));
        assert!(wrong.is_err());
    });
    let [auditor, officer, privacy] = &sessions[..] else {
        panic!("three people");
    };
    let store = service.store().unwrap();
    let mut view = make(&store, auditor).unwrap();
    let me = auditor.account().to_string();
    let about = |view: &InspectionView| {
        let of = |f: &&crate::inspection::sheet::SheetFinding| f.person.as_ref() == Some(&me);
        let found = view.sheet.findings.iter().find(of).unwrap();
        format!("{}-{}", view.sheet.id, found.number).parse().ok()
    };
    let mine = about(&view);
    let judged = |session, finding| judge(&store, session, finding).map(|view| view.hash);
    assert_eq!(judged(auditor, mine), Err(ServiceError::SelfApproval));
    assert_eq!(judged(officer, mine), Err(ServiceError::RoleRefused));
    let said = ExplanationDraft {
        text: "not me".to_owned(),
    };
    store.explain(auditor, mine, said).unwrap().wait().unwrap();
    view = judge(&store, privacy, mine).unwrap();
    let others: Vec<u32> = view.sheet.findings.iter().map(|f| f.number).collect();
    for number in others {
        let finding: Option<FindingId> = format!("{}-{number}", view.sheet.id).parse().ok();
        if finding != mine {
            assert_eq!(judged(privacy, finding), Err(ServiceError::RoleRefused));
            view = judge(&store, auditor, finding).unwrap();
        }
    }
    let signed = sign(&store, auditor, &view, None).unwrap();
    assert!(signed.signed.unwrap().intact);
}

/// Otherwise whom it is about undoes the judgement, and moves the hash while somebody signs.
#[test]
fn what_was_judged_is_explained_again_only_after_the_judgement_was_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office_with(dir.path(), |service| {
        let wrong = run(service.log_in("choi".into(), text("a wrong one"), None, here()));
        assert!(wrong.is_err());
    });
    let (auditor, officer) = (&sessions[0], &sessions[1]);
    let store = service.store().unwrap();
    let made = make(&store, auditor).unwrap();
    let me = Some(officer.account().to_string());
    let mine = made.sheet.findings.iter().find(|f| f.person == me).unwrap();
    let mine: Option<FindingId> = format!("{}-{}", made.sheet.id, mine.number).parse().ok();
    let explain = |said: &str| {
        let text = said.to_owned();
        let said = store.explain(officer, mine, ExplanationDraft { text });
        said.unwrap().wait().map(|view| view.state)
    };
    let decide = |verdict| decide(&store, auditor, mine, verdict);
    let judged = |view: &InspectionView| {
        let found = view.sheet.findings.iter().find(|f| f.person == me);
        let found = found.unwrap();
        let verdict = found.verdict.as_ref().and_then(|said| said.outcome);
        let said = found.explanation.as_ref().map(|said| said.text.clone());
        (found.state, verdict, said)
    };
    let untouched = decide(Verdict::Reopened).map(drop);
    assert_eq!(untouched, Err(ServiceError::WrongState("not judged")));
    assert_eq!(explain("first"), Ok(FindingState::Explained));
    assert_eq!(explain("better"), Ok(FindingState::Explained));
    let better = Some("better".to_owned());
    for verdict in [Verdict::Rejected, Verdict::Accepted, Verdict::Rejected] {
        let view = decide(verdict).unwrap();
        assert_eq!(explain("after all"), Err(ServiceError::Judged));
        let shown = store.inspection(auditor, made.sheet.id.parse().ok());
        let shown = shown.unwrap().wait().unwrap();
        assert_eq!(shown.hash, view.hash, "a signature in progress holds");
        let (state, outcome, said) = judged(&shown);
        assert_eq!((outcome, &said), (Some(verdict), &better));
        assert!(state.is_settled());
    }
    let page = report::html(&decide(Verdict::Rejected).unwrap());
    assert!(page.contains("불인정 / rejected looked at"), "{page}");
    let (state, outcome, said) = judged(&decide(Verdict::Reopened).unwrap());
    assert_eq!((state, said), (FindingState::Explained, better));
    assert_eq!(outcome, Some(Verdict::Reopened));
    assert_eq!(explain("after all"), Ok(FindingState::Explained));
    // The log has each step by finding and outcome, whatever the rows say later.
    let around = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
    let acts = store.log.acts_of(auditor.account(), Task::Inspect, around);
    let steps = acts.unwrap().into_iter().filter_map(|(_, _, body)| {
        let body = body.unwrap();
        body.reason
            .filter(|_| body.query.as_deref() == Some("verdict"))
    });
    let steps: Vec<String> = steps.collect();
    let id = mine.unwrap();
    let expected = ["rejected", "accepted", "rejected", "rejected", "reopened"];
    assert_eq!(steps, expected.map(|verdict| format!("{id} {verdict}")));
}

/// One's own deeds stand in the way until somebody else accepted them.
#[test]
fn a_deed_of_the_auditor_keeps_them_from_signing_until_it_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office(dir.path());
    let [auditor, _, privacy] = &sessions[..] else {
        panic!("three people");
    };
    let store = service.store().unwrap();
    let view = make(&store, auditor).unwrap();
    let id = view.sheet.id.parse().unwrap();
    let finding = number(&view, Rule::FailedLogins);
    let whole = store.whole(id).unwrap();
    let mut deed = whole.findings[usize::try_from(finding.unwrap().number).unwrap() - 1].clone();
    deed.rule = Rule::DeniedMany;
    deed.person = Some(auditor.account());
    write_finding(&store, &whole, deed);
    let shown = || store.inspection(auditor, Some(id)).unwrap().wait().unwrap();
    let signs = || sign(&store, auditor, &shown(), Some("a reason")).map(drop);
    assert_eq!(signs(), Err(ServiceError::SelfApproval));
    judge(&store, privacy, finding).unwrap();
    assert_eq!(signs(), Ok(()));
}

/// An answer here would tell that a case which they may not see is there.
#[test]
fn whom_it_concerns_is_not_told_of_refusals_on_sensitive_cases() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office(dir.path());
    let (session, officer) = (&sessions[0], &sessions[1]);
    let store = service.store().unwrap();
    let id = make(&store, session).unwrap().sheet.id.parse().unwrap();
    let about_me = |rule| {
        let whole = store.whole(id).unwrap();
        let finding = Finding {
            rule,
            person: Some(officer.account()),
            ..whole.findings[0].clone()
        };
        write_finding(&store, &whole, finding);
    };
    let told = || {
        let own = store.own_findings(officer).unwrap().wait().unwrap();
        own.rows.into_iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    let explain = || {
        let finding = format!("{id}-1").parse::<FindingId>().ok();
        let text = "a wrong number".to_owned();
        let said = store.explain(officer, finding, ExplanationDraft { text });
        said.unwrap().wait().map(drop)
    };
    about_me(Rule::DeniedSensitive);
    assert_eq!(told(), []);
    assert_eq!(explain(), Err(ServiceError::NotFound));
    let sheet = store.inspection(session, Some(id)).unwrap().wait();
    let sheet = sheet.unwrap().sheet;
    assert_eq!(sheet.findings[0].rule, Rule::DeniedSensitive, "the auditor");
    about_me(Rule::DeniedMany);
    assert_eq!(told(), [Rule::DeniedMany], "the control");
    assert_eq!(explain(), Ok(()));
}

#[test]
fn an_inspection_that_nobody_signed_may_be_superseded_and_stays_to_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office(dir.path());
    let (session, officer) = (&sessions[0], &sessions[1]);
    let store = service.store().unwrap();
    let first = make(&store, session).unwrap();
    let second = make(&store, session).unwrap();
    let before = second.sheet.supersedes.as_ref();
    assert_eq!(before, Some(&first.sheet.id));
    let old = store.inspection(session, first.sheet.id.parse().ok());
    let old = old.unwrap().wait().unwrap();
    assert_eq!(old.superseded_by, Some(second.sheet.id.clone()));
    assert_eq!(old.hash, first.hash, "as it was");
    let signed = sign(&store, session, &old, Some("all the same"));
    let superseded = Err(ServiceError::WrongState("superseded"));
    assert_eq!(signed.map(drop), superseded);
    let finding = number(&old, Rule::FailedLogins);
    assert_eq!(judge(&store, session, finding).map(drop), superseded);
    sign(&store, session, &second, Some("late")).unwrap();
    assert_eq!(make(&store, session).map(drop), Err(ServiceError::Exists));
    let own = store.own_findings(officer).unwrap().wait().unwrap();
    assert_eq!(own.rows.len(), 0);
}

/// Somebody asked once is not asked again by every look at the month.
#[test]
fn a_person_sees_the_findings_of_the_newest_inspection_of_a_month_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office_with(dir.path(), |service| {
        let wrong = run(service.log_in("choi".into(), text("a wrong one"), None, here()));
        assert!(wrong.is_err());
    });
    let (session, officer) = (&sessions[0], &sessions[1]);
    let store = service.store().unwrap();
    // So many that none but the newest is found by chance: rows lie in no order.
    let made = [(); 9].map(|()| make(&store, session).unwrap());
    let own = store.own_findings(officer).unwrap().wait().unwrap();
    let inspection = |id: &str| id.split('-').next().unwrap_or_default().to_owned();
    let of = |row: &FindingView| (row.rule, inspection(&row.id));
    let own: Vec<(Rule, String)> = own.rows.iter().map(of).collect();
    let newest = made.last().unwrap().sheet.id.clone();
    assert_eq!(own, [(Rule::FailedLogins, newest)]);
}

/// Both were permitted before either was made.
#[test]
fn of_two_that_ask_at_once_the_second_supersedes_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let (service, sessions) = office(dir.path());
    let session = &sessions[0];
    let store = service.store().unwrap();
    let make = |month: &str| {
        let month: Month = month.parse().unwrap();
        let inspect = |permit| {
            let made = store.inspect_month(permit, month, session.account());
            Ok(crate::engine::Pending::ready(
                made.map(|view| (view.sheet.whole, view.sheet.supersedes)),
            ))
        };
        let made = store.office::<Inspect, _>(session, Target::Office, inspect);
        made.unwrap().wait().unwrap()
    };
    assert_eq!(make(MONTH), (true, None));
    assert!(make(MONTH).1.is_some());
    for _ in 0..2 {
        assert_eq!(
            make("2026-11"),
            (false, None),
            "the control: for information"
        );
    }
    let packs = store.inspections.packs().unwrap();
    let standing = packs.iter().filter(|pack| pack.stands());
    assert_eq!(standing.count(), 1);
}
