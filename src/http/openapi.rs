//! The API's description of itself, generated from the handlers.

use std::collections::BTreeMap;

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response, ResponseBuilder,
};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::code::Code;
use super::error::Document;

/// What the document holds before any route is added.
pub(super) fn frame() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("bgs_ and 52 characters of base32")
        .description(Some("Token of POST /api/v1/sessions"))
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme("session", SecurityScheme::Http(bearer))
        .schema(Document::name(), Document::schema())
        .schema(Code::name(), Code::schema())
        .build();
    let info = InfoBuilder::new()
        .title("bongham")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Privacy-audited complaint records store (봉함). Every disclosure is in the access \
             log before it leaves. What you may not know of answers like what does not exist.",
        ))
        .license(Some(License::new("Apache-2.0")))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}

/// Problems of every route: the store is sealed, too busy, damaged, cannot log.
const ANY: [Code; 6] = [
    Code::Internal,
    Code::Damaged,
    Code::Busy,
    Code::Sealed,
    Code::LogUnavailable,
    Code::DiskFull,
];
/// Problems of a session.
const SESSION: [Code; 4] = [
    Code::Unauthenticated,
    Code::SessionEnded,
    Code::RoleRefused,
    Code::TooManyRequests,
];
/// Problems of a body.
const BODY: [Code; 4] = [
    Code::Malformed,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::Invalid,
];
/// Problems of a query.
const QUERY: [Code; 2] = [Code::Malformed, Code::Invalid];

/// One answer per status, naming the codes that it comes with.
fn problems(groups: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let mut codes: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in groups.iter().copied().flatten().copied() {
        let same = codes.entry(code.status().as_u16()).or_default();
        if !same.contains(&code) {
            same.push(code);
        }
    }
    codes
        .into_iter()
        .map(|(status, codes)| (status.to_string(), problem(&codes)))
        .collect()
}

fn problem(codes: &[Code]) -> RefOr<Response> {
    let names: Vec<&str> = codes.iter().map(|code| code.text()).collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Document::name())))
        .build();
    ResponseBuilder::new()
        .description(format!("Problem: {}", names.join(", ")))
        .content("application/problem+json", content)
        .build()
        .into()
}

/// Problems of a route that anybody may call and that takes credentials.
pub(super) struct OpenProblems;
impl IntoResponses for OpenProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            Code::CredentialsRefused,
            Code::Expired,
            Code::Throttled,
            Code::NotFound,
        ];
        problems(&[&BODY, &own, &ANY])
    }
}

/// Problems of giving the password again.
pub(super) struct AgainProblems;
impl IntoResponses for AgainProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [Code::CredentialsRefused, Code::Throttled];
        problems(&[&BODY, &SESSION, &own, &ANY])
    }
}

/// Problems of looking at a list or a thing.
pub(super) struct ReadProblems;
impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            Code::PurposeUnknown,
            Code::PurposeRefused,
            Code::NotFound,
            Code::Conflict,
            Code::WrongState,
            Code::StepUpRequired,
            Code::BudgetExceeded,
        ];
        problems(&[&QUERY, &SESSION, &own, &ANY])
    }
}

/// Problems of a search.
pub(super) struct SearchProblems;
impl IntoResponses for SearchProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            Code::PurposeUnknown,
            Code::PurposeRefused,
            Code::StepUpRequired,
            Code::BudgetExceeded,
        ];
        problems(&[&BODY, &SESSION, &own, &ANY])
    }
}

/// Problems of a change.
pub(super) struct WriteProblems;
impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let own = [
            Code::PurposeUnknown,
            Code::PurposeRefused,
            Code::SelfApproval,
            Code::NotApproved,
            Code::NoSecondPerson,
            Code::LastOfRole,
            Code::NotFound,
            Code::Conflict,
            Code::NoRecipient,
            Code::NotEnrolled,
            Code::ExclusiveRoles,
            Code::Exists,
            Code::Expired,
            Code::WrongState,
            Code::Held,
            Code::RetentionRuns,
            Code::ClockDisagrees,
            Code::StepUpRequired,
            Code::BudgetExceeded,
            Code::FontMissing,
        ];
        problems(&[&BODY, &SESSION, &own, &ANY])
    }
}

/// Problems of readiness.
pub(super) struct ReadyProblems;
impl IntoResponses for ReadyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[&ANY])
    }
}
