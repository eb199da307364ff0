//! What goes wrong, as it is answered.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::cases::draft::Invalid;
use crate::domain::role::{Exclusive, Role};
use crate::service::ServiceError;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self {
            status: head.status,
            headers: head.headers,
            body,
        }
    }
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    fn code(&self) -> String {
        self.json()
            .get("code")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_problem_and_the_door_goes_on() {
    async fn broken() -> &'static str {
        std::panic::panic_any("canary-4711".to_owned())
    }
    let router = Router::new()
        .route("/broken", get(broken))
        .route("/whole", get(|| async { "whole" }))
        .layer(CatchPanicLayer::custom(trace::panicked));
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Answer::of(router.clone().oneshot(request).await.unwrap()).await
    };
    let broken = get("/broken").await;
    assert_eq!(
        (broken.status.as_u16(), broken.code().as_str()),
        (500, "internal")
    );
    assert!(!String::from_utf8(broken.body).unwrap().contains("canary"));
    assert_eq!(get("/whole").await.body, b"whole");
}

/// One of each; the match makes sure that none is forgotten.
fn every_error() -> Vec<(ServiceError, u16, &'static str)> {
    use ServiceError as E;
    let text = || "canary-4711".to_owned();
    let wait = std::time::Duration::from_millis(1500);
    let all = vec![
        (E::NotFound, 404, "not_found"),
        (E::SessionEnded, 401, "session_ended"),
        (E::CredentialsRefused, 401, "credentials_refused"),
        (E::Throttled(wait), 429, "throttled"),
        (E::TooFast(wait), 429, "too_many_requests"),
        (E::PurposeRefused, 403, "purpose_refused"),
        (E::RoleRefused, 403, "role_refused"),
        (E::SelfApproval, 403, "self_approval"),
        (E::NotApproved, 409, "not_approved"),
        (E::NoSecondPerson, 409, "no_second_person"),
        (E::LastOfRole(Role::Auditor), 409, "last_of_role"),
        (E::NoRecipient, 409, "no_recipient"),
        (E::NoCustodian, 409, "no_recipient"),
        (E::NotEnrolled, 409, "not_enrolled"),
        (
            E::ExclusiveRoles(Exclusive(Role::Admin, Role::Auditor)),
            409,
            "exclusive_roles",
        ),
        (E::Exists, 409, "exists"),
        (E::Conflict, 409, "conflict"),
        (E::WrongState("received"), 409, "wrong_state"),
        (E::Judged, 409, "wrong_state"),
        (E::Held, 409, "held"),
        (
            E::RetentionRuns("the rule: 3 years".to_owned()),
            409,
            "retention_runs",
        ),
        (E::ClockDisagrees, 409, "clock_disagrees"),
        (E::StepUpRequired, 403, "step_up_required"),
        (E::BudgetExceeded, 403, "budget_exceeded"),
        (E::FontMissing(text()), 503, "font_missing"),
        (E::ImportPosition(7), 409, "conflict"),
        (E::Expired, 410, "expired"),
        (
            E::Invalid(Invalid::new("people.0.name", "is too long")),
            422,
            "invalid",
        ),
        (E::KeyMissing, 409, "conflict"),
        (E::Busy, 503, "busy"),
        (E::Sealed, 503, "sealed"),
        (E::LogUnavailable, 503, "log_unavailable"),
        (E::DiskFull, 507, "disk_full"),
        (E::Unknown, 500, "internal"),
        (E::WrongPassphrase, 401, "credentials_refused"),
        (E::Uninitialised, 503, "sealed"),
        (E::KeyringMissing, 503, "sealed"),
        (E::RetainedMissing, 503, "sealed"),
        (E::ReadOnly(text()), 503, "log_unavailable"),
        (E::Newer(text()), 500, "damaged"),
        (E::InUse, 503, "busy"),
        (E::Restoring, 503, "sealed"),
        (E::RestoreRefused(text()), 409, "conflict"),
        (E::Damaged(text()), 500, "damaged"),
        (E::Internal(text()), 500, "internal"),
    ];
    for (error, _, _) in &all {
        match error {
            E::NotFound | E::SessionEnded | E::CredentialsRefused | E::Throttled(_) => {}
            E::PurposeRefused | E::RoleRefused | E::SelfApproval | E::NoRecipient => {}
            E::LastOfRole(_)
            | E::NotApproved
            | E::NoSecondPerson
            | E::NoCustodian
            | E::RetainedMissing => {}
            E::TooFast(_) => {}
            E::WrongState(_) | E::Judged | E::Held | E::RetentionRuns(_) | E::ClockDisagrees => {}
            E::NotEnrolled | E::ExclusiveRoles(_) | E::Exists | E::Conflict => {}
            E::ImportPosition(_) | E::Expired | E::Invalid(_) | E::KeyMissing | E::Busy => {}
            E::Sealed | E::LogUnavailable | E::DiskFull | E::Unknown => {}
            E::WrongPassphrase | E::Uninitialised | E::Newer(_) | E::InUse => {}
            E::Damaged(_) | E::Internal(_) | E::KeyringMissing | E::ReadOnly(_) => {}
            E::Restoring | E::RestoreRefused(_) => {}
            E::StepUpRequired | E::BudgetExceeded | E::FontMissing(_) => {}
        }
    }
    all
}

#[tokio::test]
async fn every_failure_of_the_service_has_its_problem_and_tells_no_internals() {
    for (error, status, code) in every_error() {
        let problem = Problem::from(error.clone());
        assert_eq!(problem.code().text(), code, "{error:?}");
        let answer = Answer::of(problem.into_response()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{error:?}"
        );
        let body = answer.json();
        assert!(
            body["detail_ko"]
                .as_str()
                .unwrap()
                .chars()
                .any(|c| c > '\u{ac00}'),
            "{error:?}"
        );
        assert!(!body.to_string().contains("canary"), "{error:?}");
        let waits = answer
            .headers
            .get("retry-after")
            .map(|v| v.to_str().unwrap().to_owned());
        match code {
            "throttled" | "too_many_requests" => assert_eq!(waits.as_deref(), Some("2")),
            "busy" => assert_eq!(waits.as_deref(), Some("1")),
            _ => assert_eq!(waits, None, "{error:?}"),
        }
        assert_eq!(
            answer.headers.contains_key("www-authenticate"),
            status == 401,
            "{error:?}"
        );
        match error {
            ServiceError::ImportPosition(row) => assert_eq!(body["next_row"], row),
            ServiceError::Invalid(invalid) => assert_eq!(body["field"], invalid.field),
            _ => {}
        }
    }
}

#[test]
fn codes_have_the_agreed_names_and_statuses() {
    let agreed = "malformed 400, purpose_unknown 400, unauthenticated 401, session_ended 401, \
        credentials_refused 401, purpose_refused 403, role_refused 403, self_approval 403, \
        not_approved 409, no_second_person 409, last_of_role 409, not_found 404, method_not_allowed 405, conflict 409, no_recipient 409, not_enrolled 409, \
        exclusive_roles 409, exists 409, expired 410, body_too_large 413, \
        unsupported_media_type 415, invalid 422, throttled 429, too_many_requests 429, internal 500, damaged 500, \
        busy 503, sealed 503, log_unavailable 503, disk_full 507, wrong_state 409, held 409, retention_runs 409, clock_disagrees 409, \
        step_up_required 403, budget_exceeded 403, font_missing 503";
    let ours: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("{} {}", code.text(), code.status().as_u16()))
        .collect();
    assert_eq!(ours.join(", "), agreed);
    for code in Code::ALL.iter().copied() {
        assert_eq!(serde_json::to_value(code).unwrap(), code.text());
    }
}

/// A body of which nothing ever comes.
struct Silence;

impl hyper::body::Body for Silence {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;
    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

fn sealed(dir: &std::path::Path) -> Arc<Service> {
    let settings = crate::service::Settings {
        data: dir.join("data"),
        keyring: dir.join("keyring"),
        policies: None,
        password_cost: crate::authn::password::PasswordCost::default(),
        unseal_cost: crate::keyring::UnsealCost::minimal_for_tests(),
        sessions: crate::authn::session::SessionLimits {
            idle: std::time::Duration::from_secs(900),
            absolute: std::time::Duration::from_secs(900),
            per_account: 1,
        },
        threads: 1,
        queue: 1,
        index_cache_bytes: 1 << 20,
        segment_bytes: 1 << 20,
        terms: crate::destruction::term::Terms::default(),
        budgets: crate::config::budgets::Budgets::default(),
        outputs: crate::config::outputs::Outputs::default(),
        print: crate::config::print::Print::default(),
        inspection: Default::default(),
        disk: crate::config::disk::Disk::UNWATCHED,
        forward: None,
        progress: None,
    };
    let random = Arc::new(crate::domain::random::SeededSource::new(1));
    let clock = Arc::new(crate::domain::time::SystemClock::default());
    Arc::new(Service::new(settings, random, clock).unwrap())
}

#[tokio::test]
async fn strangers_who_send_nothing_leave_room_for_everybody_else() {
    let dir = tempfile::tempdir().unwrap();
    let router = router(sealed(dir.path()));
    let silent = || {
        let request = Request::post("/api/v1/sessions");
        let request = request.header("content-type", "application/json");
        request.body(Body::new(Silence)).unwrap()
    };
    let mut held = Vec::new();
    for _ in 0..limits::STRANGERS_MAX {
        let mut request = Box::pin(router.clone().oneshot(silent()));
        assert!(is_pending(&mut request).await, "waits for its body");
        held.push(request);
    }
    let one_more = Answer::of(router.clone().oneshot(silent()).await.unwrap()).await;
    assert_eq!(one_more.code(), "busy");
    let document = Request::get("/api/v1/openapi.json");
    let document = document.body(Body::empty()).unwrap();
    let document = Answer::of(router.clone().oneshot(document).await.unwrap()).await;
    assert_eq!(document.code(), "busy", "strangers get it, too");
    let list = Request::get("/api/v1/cases?purpose=handling");
    let list = list.body(Body::empty()).unwrap();
    let officer = Answer::of(router.oneshot(list).await.unwrap()).await;
    assert_eq!(officer.code(), "sealed", "heard, and answered in substance");
}

/// Polls once; whether that gave nothing yet.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}
