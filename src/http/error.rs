//! The one map from what goes wrong to RFC 9457 problem documents.
//!
//! A document says what a client may know and what a person can do about it. Which place is
//! damaged or what failed inside goes to the operator's trace, never into an answer; neither ever
//! holds personal data.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::code::Code;
use crate::domain::purpose::BadPurpose;
use crate::service::ServiceError;

/// Something that went wrong, as an answer.
#[derive(Debug)]
pub(super) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    detail_ko: &'static str,
    field: Option<String>,
    next_row: Option<u64>,
    wait: Option<Duration>,
}

/// RFC 9457 problem document.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document {
    /// `urn:bongham:problem:` and the code.
    r#type: String,
    /// Words of the HTTP status.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// Stable code.
    code: Code,
    /// What to do about it.
    detail: Cow<'static, str>,
    /// The same in Korean.
    detail_ko: &'static str,
    /// Path of the field that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Where an import stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_row: Option<u64>,
}

impl Problem {
    /// The problem with this code, in its own words.
    pub(super) const fn new(code: Code) -> Self {
        Self {
            code,
            detail: Cow::Borrowed(code.english()),
            detail_ko: code.korean(),
            field: None,
            next_row: None,
            wait: None,
        }
    }
    /// The same with a detail of its own. Never holds what the client sent.
    pub(super) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }
    /// The same in Korean.
    pub(super) const fn korean(mut self, detail_ko: &'static str) -> Self {
        self.detail_ko = detail_ko;
        self
    }
    /// The same about one field.
    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
    /// Code of this problem.
    #[cfg(test)]
    pub(super) const fn code(&self) -> Code {
        self.code
    }
    /// A field that cannot be taken in, and why.
    pub(super) fn invalid(field: &'static str, why: &'static str) -> Self {
        Self::new(Code::Invalid)
            .detail(format!("{field}: {why}"))
            .field(field)
    }

    /// `Retry-After` in whole seconds: what the service asks for, else a second when busy.
    fn retry_after(&self) -> Option<u64> {
        match (self.wait, self.code) {
            (Some(wait), _) => Some(
                wait.as_millis()
                    .div_ceil(1000)
                    .max(1)
                    .try_into()
                    .unwrap_or(60),
            ),
            (None, Code::Busy) => Some(1),
            (None, _) => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let retry_after = self.retry_after();
        let document = Document {
            r#type: format!("urn:bongham:problem:{}", self.code.text()),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: self.code,
            detail: self.detail,
            detail_ko: self.detail_ko,
            field: self.field,
            next_row: self.next_row,
        };
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<BadPurpose> for Problem {
    fn from(BadPurpose: BadPurpose) -> Self {
        Self::new(Code::PurposeUnknown).field("purpose")
    }
}

/// The code of every failure of the service.
const fn code(error: &ServiceError) -> Code {
    use ServiceError as E;
    match error {
        E::NotFound => Code::NotFound,
        E::SessionEnded => Code::SessionEnded,
        E::CredentialsRefused | E::WrongPassphrase => Code::CredentialsRefused,
        E::Throttled(_) => Code::Throttled,
        E::TooFast(_) => Code::TooManyRequests,
        E::PurposeRefused => Code::PurposeRefused,
        E::RoleRefused => Code::RoleRefused,
        E::SelfApproval => Code::SelfApproval,
        E::NotApproved => Code::NotApproved,
        E::NoSecondPerson => Code::NoSecondPerson,
        E::LastOfRole(_) => Code::LastOfRole,
        E::NoRecipient | E::NoCustodian => Code::NoRecipient,
        E::NotEnrolled => Code::NotEnrolled,
        E::ExclusiveRoles(_) => Code::ExclusiveRoles,
        E::Exists => Code::Exists,
        E::Conflict | E::ImportPosition(_) | E::KeyMissing | E::RestoreRefused(_) => Code::Conflict,
        E::Expired => Code::Expired,
        E::WrongState(_) | E::Judged => Code::WrongState,
        E::Held => Code::Held,
        E::RetentionRuns(_) => Code::RetentionRuns,
        E::ClockDisagrees => Code::ClockDisagrees,
        E::StepUpRequired => Code::StepUpRequired,
        E::BudgetExceeded => Code::BudgetExceeded,
        E::FontMissing(_) => Code::FontMissing,
        E::Invalid(_) => Code::Invalid,
        E::Busy | E::InUse => Code::Busy,
        E::Sealed | E::Uninitialised | E::KeyringMissing | E::RetainedMissing | E::Restoring => {
            Code::Sealed
        }
        E::LogUnavailable | E::ReadOnly(_) => Code::LogUnavailable,
        E::DiskFull => Code::DiskFull,
        E::Damaged(_) | E::Newer(_) => Code::Damaged,
        E::Internal(_) | E::Unknown => Code::Internal,
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        use ServiceError as E;
        trace_inside(&error);
        let problem = Self::new(code(&error));
        match error {
            E::Throttled(wait) | E::TooFast(wait) => Self {
                wait: Some(wait),
                ..problem
            },
            E::ExclusiveRoles(pair) => problem.detail(pair.to_string()).field("roles"),
            E::Invalid(invalid) => problem.detail(invalid.to_string()).field(invalid.field),
            E::ImportPosition(row) => Self {
                next_row: Some(row),
                ..problem
            }
            .detail(format!("the import stands at row {row}: go on from there"))
            .korean("가져오기가 다른 행에 있습니다. next_row부터 이어서 보내십시오"),
            E::WrongState(_) | E::RetentionRuns(_) => problem.detail(error.to_string()),
            E::Judged => problem
                .detail("this finding was judged, and its explanation stays as it was judged: ask the auditor \
                     to take the judgement back (inspection judge --reopen), then explain again")
                .korean(
                    "이미 판단된 지적입니다. 소명을 다시 하려면 감사자에게 판단을 되돌려 달라고 요청하십시오\
                     (inspection judge --reopen)",
                ),
            E::KeyMissing => problem
                .detail("your key does not open this case: have another assignee assign it again")
                .korean(
                    "현재 열쇠로는 이 민원을 열 수 없습니다. 다른 담당자에게 다시 배정받으십시오",
                ),
            E::Unknown => problem
                .detail("it is not known whether this was stored: read before trying again")
                .korean("저장 여부를 알 수 없습니다. 다시 시도하기 전에 조회하십시오"),
            E::WrongPassphrase => problem
                .detail("the passphrase or key file does not open the keyring")
                .korean("암호문 또는 키 파일로 열쇠함을 열 수 없습니다"),
            E::Uninitialised => problem
                .detail("there is no store here: run `bongham init` or `bongham quickstart`")
                .korean("저장소가 없습니다. bongham init 또는 bongham quickstart를 실행하십시오"),
            E::KeyringMissing => problem
                .detail("the keyring is not there: mount it where the server expects it")
                .korean("열쇠함이 제자리에 없습니다. 서버가 아는 위치에 연결하십시오"),
            E::NoCustodian => problem
                .detail("nobody keeps what is kept apart: enrol a retention custodian first")
                .korean("분리보관 담당자가 없습니다. 먼저 담당자를 등록하십시오"),
            E::RetainedMissing => problem
                .detail("the separate store of what another law keeps is not where it was")
                .korean("다른 법령에 따라 분리 보관한 저장소가 제자리에 없습니다"),
            E::Newer(_) => problem
                .detail("the store was written by a newer version: update the program")
                .korean("더 새로운 판이 만든 저장소입니다. 프로그램을 갱신하십시오"),
            E::Restoring => problem
                .detail("a restore was begun and is not finished: run the same restore again")
                .korean("복원이 끝나지 않았습니다. 같은 복원 명령을 다시 실행하십시오"),
            E::InUse => problem
                .detail("the data directory is in use by another process")
                .korean("다른 프로세스가 데이터 디렉터리를 쓰고 있습니다"),
            _ => problem,
        }
    }
}

/// What the operator must see and the client must not.
fn trace_inside(error: &ServiceError) {
    match error {
        ServiceError::Damaged(_)
        | ServiceError::Internal(_)
        | ServiceError::Newer(_)
        | ServiceError::Unknown
        | ServiceError::LogUnavailable
        | ServiceError::ReadOnly(_)
        | ServiceError::DiskFull => tracing::error!(%error, "a request failed"),
        _ => {}
    }
}
