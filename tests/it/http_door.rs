//! The door as a whole, over a sealed service: its description, headers and refusals.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::world::{sealed_service, settings};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn door() -> Router {
    let absent = std::path::Path::new("/nonexistent");
    bongham::http::router(sealed_service(&settings(absent)))
}

async fn ask(method: &str, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !kind.is_empty() {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let request = request.body(body.into()).unwrap();
    let (head, body) = door().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}

const JSON: &str = "application/json";

/// Method, path, and whether it takes a session.
const ROUTES: &[(&str, &str, bool)] = &[
    ("get", "/healthz", false),
    ("get", "/readyz", false),
    ("get", "/metrics", false),
    ("get", "/api/v1/openapi.json", false),
    ("get", "/api/v1/seal", false),
    ("post", "/api/v1/seal", true),
    ("post", "/api/v1/sessions", false),
    ("delete", "/api/v1/sessions/current", true),
    ("post", "/api/v1/sessions/current/step-up", true),
    ("get", "/api/v1/budget", true),
    ("post", "/api/v1/budget", true),
    ("get", "/api/v1/alerts", true),
    ("post", "/api/v1/alerts/{id}/acknowledge", true),
    ("post", "/api/v1/enrolments", false),
    ("post", "/api/v1/accounts", true),
    ("get", "/api/v1/accounts", true),
    ("put", "/api/v1/accounts/{id}/roles", true),
    ("post", "/api/v1/accounts/{id}/disable", true),
    ("post", "/api/v1/accounts/{id}/reset", true),
    ("get", "/api/v1/approvals", true),
    ("post", "/api/v1/approvals/{id}", true),
    ("post", "/api/v1/departments", true),
    ("get", "/api/v1/departments", true),
    ("put", "/api/v1/departments/{code}/desk", true),
    ("post", "/api/v1/cases", true),
    ("get", "/api/v1/cases", true),
    ("get", "/api/v1/cases/{id}", true),
    ("put", "/api/v1/cases/{id}/assignees", true),
    ("put", "/api/v1/cases/{id}/classification", true),
    ("post", "/api/v1/backups", true),
    ("get", "/api/v1/backups/{id}/files/{n}", true),
    ("post", "/api/v1/backups/{id}/manifest", true),
    ("delete", "/api/v1/backups/{id}", true),
    ("post", "/api/v1/keyring/copies", true),
    ("get", "/api/v1/keyring/copies", true),
    ("post", "/api/v1/keyring/copies/{id}/acknowledge", true),
    ("post", "/api/v1/imports", true),
    ("post", "/api/v1/imports/{id}/rows", true),
    ("post", "/api/v1/searches", true),
    ("post", "/api/v1/cases/{id}/retained", true),
    ("get", "/api/v1/retained", true),
    ("post", "/api/v1/retained/hand-over", true),
    ("post", "/api/v1/retained/{id}/open", true),
    ("post", "/api/v1/retained/{id}/destruction", true),
    ("post", "/api/v1/retained/{id}/destruction/cancel", true),
    ("put", "/api/v1/retained/{id}/hold", true),
    ("post", "/api/v1/retained/{id}/term", true),
    ("get", "/api/v1/log/entries", true),
    ("get", "/api/v1/log/checkpoint", true),
    ("get", "/api/v1/log/key", true),
    ("get", "/api/v1/log/proofs/inclusion", true),
    ("get", "/api/v1/log/proofs/consistency", true),
    ("get", "/api/v1/log/bundle", true),
    ("get", "/api/v1/ledger/checkpoint", true),
    ("get", "/api/v1/ledger/key", true),
    ("get", "/api/v1/ledger/bundle", true),
    ("patch", "/api/v1/cases/{id}", true),
    ("put", "/api/v1/cases/{id}/hold", true),
    ("post", "/api/v1/retained/share", true),
    ("get", "/api/v1/ledger/entries", true),
    ("get", "/api/v1/ledger/form", true),
    ("get", "/api/v1/ledger/proofs/inclusion", true),
    ("get", "/api/v1/ledger/proofs/consistency", true),
    ("get", "/api/v1/ledger/certificates/{id}", true),
    ("get", "/api/v1/deletion-requests", true),
    ("post", "/api/v1/deletion-requests", true),
    ("get", "/api/v1/deletion-requests/{id}", true),
    ("post", "/api/v1/deletion-requests/{id}/identity", true),
    ("post", "/api/v1/deletion-requests/{id}/review", true),
    ("post", "/api/v1/deletion-requests/{id}/form", true),
    ("post", "/api/v1/deletion-requests/{id}/approve", true),
    ("post", "/api/v1/deletion-requests/{id}/refuse", true),
    ("post", "/api/v1/deletion-requests/{id}/cancel", true),
    ("post", "/api/v1/deletion-requests/{id}/execution", true),
    ("post", "/api/v1/deletion-requests/{id}/notice", true),
    ("get", "/api/v1/deletion-requests/{id}/notice", true),
    ("get", "/api/v1/retention/rules", true),
    ("put", "/api/v1/retention/rules", true),
    ("post", "/api/v1/retention/sweeps", true),
    ("post", "/api/v1/exports", true),
    ("get", "/api/v1/exports/{serial}", true),
    ("delete", "/api/v1/exports/{serial}", true),
    ("get", "/api/v1/exports/{serial}/content", true),
    ("get", "/api/v1/outputs", true),
    ("post", "/api/v1/outputs/{serial}/close", true),
    ("post", "/api/v1/prints", true),
    ("get", "/api/v1/prints/{serial}", true),
    ("get", "/api/v1/prints/{serial}/document", true),
    ("post", "/api/v1/traces", true),
    ("post", "/api/v1/inspections", true),
    ("get", "/api/v1/inspections", true),
    ("get", "/api/v1/inspections/{id}", true),
    ("get", "/api/v1/inspections/{id}/report", true),
    (
        "post",
        "/api/v1/inspections/{id}/findings/{number}/verdict",
        true,
    ),
    ("post", "/api/v1/inspections/{id}/sign", true),
    ("get", "/api/v1/findings", true),
    ("post", "/api/v1/findings/{id}/explanation", true),
    ("post", "/api/v1/evidence", true),
];

async fn document() -> Value {
    ask("GET", "/api/v1/openapi.json", "", "").await.json()
}

fn words(value: &Value) -> BTreeSet<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_description_holds_every_route_and_no_other() {
    let document = document().await;
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let securities = operation["security"].as_array().into_iter().flatten();
            let session = securities.filter_map(|one| one.get("session")).count() == 1;
            described.insert((method.clone(), path.clone(), session));
            let answers = operation["responses"].as_object().unwrap();
            let named = |status: &str| answers.keys().any(|key| key.starts_with(status));
            let plain = ["/healthz", "/metrics", "/api/v1/openapi.json"].contains(&path.as_str());
            assert!(named("2"), "{method} {path} names no answer");
            assert!(named("503") || plain, "{method} {path} names no problem");
            assert!(
                named("401") || !session,
                "{method} {path} names no lack of a session"
            );
        }
    }
    let expected: BTreeSet<_> = ROUTES
        .iter()
        .map(|(method, path, session)| ((*method).into(), (*path).into(), *session))
        .collect();
    assert_eq!(described, expected);
    // What is described is served by construction, as long as no route comes in another way.
    let source = include_str!("../../src/http/mod.rs");
    assert!(source.contains(".routes(routes!("));
    for other in [".route(", ".route_service(", ".nest_service("] {
        assert!(
            !source.contains(other),
            "{other} adds a route that is not described"
        );
    }
}

#[tokio::test]
async fn every_described_route_is_served() {
    // What the control socket alone has is absent here.
    let here = ROUTES.iter().filter(|(_, path, _)| *path != "/metrics");
    for (method, path, _) in here {
        let path = path
            .replace("{id}", "aaaaaaaaaaaaaaaaaaaaaaaaaa")
            .replace("{code}", "d");
        let answer = ask(&method.to_uppercase(), &path, JSON, "{}").await;
        let absent = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
        assert!(!absent.contains(&answer.status), "{method} {path}");
    }
    assert_eq!(
        ask("GET", "/api/v1/nothing", "", "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_description_lists_every_problem_code() {
    let document = document().await;
    let listed = words(&document["components"]["schemas"]["Code"]["enum"]);
    let agreed = "malformed purpose_unknown unauthenticated session_ended credentials_refused \
        purpose_refused role_refused self_approval not_approved no_second_person last_of_role wrong_state held retention_runs clock_disagrees not_found method_not_allowed conflict \
        no_recipient not_enrolled exclusive_roles exists expired body_too_large \
        unsupported_media_type invalid throttled too_many_requests internal damaged busy sealed log_unavailable \
        disk_full step_up_required budget_exceeded font_missing";
    assert_eq!(listed, agreed.split(' ').map(str::to_owned).collect());
    assert!(document["components"]["schemas"]["Problem"]["properties"]["code"].is_object());
    let scheme = &document["components"]["securitySchemes"]["session"];
    assert_eq!(scheme["scheme"], "bearer");
}

#[tokio::test]
async fn every_reference_in_the_description_leads_somewhere() {
    let document = document().await;
    let text = document.to_string();
    let names: BTreeSet<_> = text
        .split("#/components/schemas/")
        .skip(1)
        .filter_map(|s| s.split('"').next())
        .collect();
    assert!(names.contains("Problem"));
    for name in names {
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let answers = [
        (200, ask("GET", "/healthz", "", "").await),
        (400, ask("POST", "/api/v1/sessions", JSON, "{").await),
        (404, ask("GET", "/nothing", "", "").await),
        (404, ask("GET", "/api/v1/log/nothing", "", "").await),
        (405, ask("DELETE", "/api/v1/cases", "", "").await),
        (
            413,
            ask("POST", "/api/v1/sessions", JSON, vec![b' '; 1 << 20]).await,
        ),
        (
            415,
            ask("POST", "/api/v1/sessions", "text/plain", "{}").await,
        ),
        (
            422,
            ask("POST", "/api/v1/seal", JSON, r#"{"action":"canary"}"#).await,
        ),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status.as_u16(), status);
        let has = |name: &str, value: &str| answer.headers.get(name).is_some_and(|v| v == value);
        assert!(has("cache-control", "no-store"), "{status}");
        assert!(has("x-content-type-options", "nosniff"), "{status}");
        assert!(has("referrer-policy", "no-referrer"), "{status}");
        assert!(has(
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'"
        ));
        assert!(has("cross-origin-opener-policy", "same-origin"), "{status}");
        assert!(
            has("cross-origin-resource-policy", "same-origin"),
            "{status}"
        );
        if status >= 400 {
            assert!(has("content-type", "application/problem+json"), "{status}");
            let kind = format!("urn:bongham:problem:{}", answer.code());
            assert_eq!(answer.json()["type"], kind);
            assert_eq!(answer.json()["status"], status);
        }
    }
}

#[tokio::test]
async fn a_wrong_method_on_a_hidden_route_is_an_absent_route() {
    let absent = ask("GET", "/api/v1/nothing/at/all", "", "").await;
    let inspection = |path: &str| path.contains("/log/") || path.contains("/ledger/");
    let hidden: Vec<_> = ROUTES.iter().filter(|route| inspection(route.1)).collect();
    assert_eq!(hidden.len(), 14);
    for (_, path, _) in hidden {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
            let hidden = ask(method, path, "", "").await;
            assert_eq!(hidden.status, absent.status, "{method} {path}");
            assert_eq!(hidden.headers, absent.headers, "{method} {path}");
            assert_eq!(hidden.body, absent.body, "{method} {path}");
        }
    }
    // The control: where a route may be known, the difference shows.
    let known = ask("DELETE", "/api/v1/cases", "", "").await;
    assert_eq!(known.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(known.headers.contains_key("allow"));
}

#[tokio::test]
async fn a_sealed_store_answers_probes_and_the_seal_and_nothing_else() {
    let id = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (method, path, session) in ROUTES {
        if !session || *path == "/api/v1/seal" {
            continue;
        }
        let path = path.replace("{id}", id).replace("{code}", "d");
        let answer = ask(&method.to_uppercase(), &path, JSON, "{}").await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (503, "sealed".into()),
            "{path}"
        );
    }
    let log_in = ask(
        "POST",
        "/api/v1/sessions",
        JSON,
        r#"{"account":"a","password":"p"}"#,
    )
    .await;
    assert_eq!(
        (log_in.status.as_u16(), log_in.code()),
        (503, "sealed".into())
    );
    assert_eq!(
        ask("GET", "/healthz", "", "").await.json()["status"],
        "alive"
    );
    assert_eq!(ask("GET", "/readyz", "", "").await.status.as_u16(), 503);
    let seal = ask("GET", "/api/v1/seal", "", "").await;
    assert_eq!(seal.json()["state"], "sealed");
    let sealing = ask("POST", "/api/v1/seal", JSON, r#"{"action":"seal"}"#).await;
    assert_eq!(
        (sealing.status.as_u16(), sealing.code()),
        (503, "sealed".into())
    );
    let unseal = r#"{"action":"unseal","passphrase":"p"}"#;
    let unseal = ask("POST", "/api/v1/seal", JSON, unseal).await;
    assert_eq!(
        (unseal.status.as_u16(), unseal.code()),
        (503, "sealed".into())
    );
    assert!(
        unseal.json()["detail"]
            .as_str()
            .unwrap()
            .contains("bongham init")
    );
}
