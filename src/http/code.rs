//! The problems there are: code, status and words of each.

use axum::http::StatusCode;
use serde::Serialize;

/// Stable code of a problem; clients decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    Malformed,
    PurposeUnknown,
    Unauthenticated,
    SessionEnded,
    CredentialsRefused,
    PurposeRefused,
    RoleRefused,
    SelfApproval,
    NotApproved,
    NoSecondPerson,
    LastOfRole,
    NotFound,
    MethodNotAllowed,
    Conflict,
    NoRecipient,
    NotEnrolled,
    ExclusiveRoles,
    Exists,
    Expired,
    BodyTooLarge,
    UnsupportedMediaType,
    Invalid,
    Throttled,
    TooManyRequests,
    Internal,
    Damaged,
    Busy,
    Sealed,
    LogUnavailable,
    DiskFull,
    WrongState,
    Held,
    RetentionRuns,
    ClockDisagrees,
    StepUpRequired,
    BudgetExceeded,
    FontMissing,
}

impl Code {
    /// Every code.
    #[cfg(test)]
    pub(super) const ALL: &[Self] = &[
        Self::Malformed,
        Self::PurposeUnknown,
        Self::Unauthenticated,
        Self::SessionEnded,
        Self::CredentialsRefused,
        Self::PurposeRefused,
        Self::RoleRefused,
        Self::SelfApproval,
        Self::NotApproved,
        Self::NoSecondPerson,
        Self::LastOfRole,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::NoRecipient,
        Self::NotEnrolled,
        Self::ExclusiveRoles,
        Self::Exists,
        Self::Expired,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::Throttled,
        Self::TooManyRequests,
        Self::Internal,
        Self::Damaged,
        Self::Busy,
        Self::Sealed,
        Self::LogUnavailable,
        Self::DiskFull,
        Self::WrongState,
        Self::Held,
        Self::RetentionRuns,
        Self::ClockDisagrees,
        Self::StepUpRequired,
        Self::BudgetExceeded,
        Self::FontMissing,
    ];

    /// HTTP status.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::PurposeUnknown => StatusCode::BAD_REQUEST,
            Self::Unauthenticated | Self::SessionEnded | Self::CredentialsRefused => {
                StatusCode::UNAUTHORIZED
            }
            Self::PurposeRefused
            | Self::RoleRefused
            | Self::SelfApproval
            | Self::StepUpRequired
            | Self::BudgetExceeded => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict
            | Self::NoRecipient
            | Self::NotEnrolled
            | Self::NotApproved
            | Self::NoSecondPerson
            | Self::LastOfRole
            | Self::ExclusiveRoles
            | Self::WrongState
            | Self::Held
            | Self::RetentionRuns
            | Self::ClockDisagrees
            | Self::Exists => StatusCode::CONFLICT,
            Self::Expired => StatusCode::GONE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Throttled | Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal | Self::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Sealed | Self::LogUnavailable | Self::FontMissing => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// The code as it stands in answers.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::PurposeUnknown => "purpose_unknown",
            Self::Unauthenticated => "unauthenticated",
            Self::SessionEnded => "session_ended",
            Self::CredentialsRefused => "credentials_refused",
            Self::PurposeRefused => "purpose_refused",
            Self::RoleRefused => "role_refused",
            Self::SelfApproval => "self_approval",
            Self::NotApproved => "not_approved",
            Self::NoSecondPerson => "no_second_person",
            Self::LastOfRole => "last_of_role",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::NoRecipient => "no_recipient",
            Self::NotEnrolled => "not_enrolled",
            Self::ExclusiveRoles => "exclusive_roles",
            Self::Exists => "exists",
            Self::Expired => "expired",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Invalid => "invalid",
            Self::Throttled => "throttled",
            Self::TooManyRequests => "too_many_requests",
            Self::Internal => "internal",
            Self::Damaged => "damaged",
            Self::Busy => "busy",
            Self::Sealed => "sealed",
            Self::LogUnavailable => "log_unavailable",
            Self::DiskFull => "disk_full",
            Self::WrongState => "wrong_state",
            Self::Held => "held",
            Self::RetentionRuns => "retention_runs",
            Self::ClockDisagrees => "clock_disagrees",
            Self::StepUpRequired => "step_up_required",
            Self::BudgetExceeded => "budget_exceeded",
            Self::FontMissing => "font_missing",
        }
    }

    /// What happened and what a person can do about it.
    pub(super) const fn english(self) -> &'static str {
        match self {
            Self::Malformed => "the request cannot be read",
            Self::PurposeUnknown => {
                "name a purpose: handling, supervision, intake, subject_request, audit, legal, recovery"
            }
            Self::Unauthenticated => "log in first and send `Authorization: Bearer TOKEN`",
            Self::SessionEnded => "the session has ended: log in again",
            Self::CredentialsRefused => "the credentials are not right",
            Self::PurposeRefused => "your roles cannot use this purpose",
            Self::RoleRefused => "your roles cannot do this",
            Self::SelfApproval => "nobody approves their own request or one about themselves",
            Self::NotApproved => {
                "a second person has not approved exactly this: ask for it, or wait for the decision"
            }
            Self::NoSecondPerson => {
                "nobody is left who could approve this: give another person that role first"
            }
            Self::LastOfRole => {
                "nobody else is a privacy officer, or an auditor: give another person that role first"
            }
            Self::NotFound => "not found",
            Self::MethodNotAllowed => "this path does not take this method: see the Allow header",
            Self::Conflict => "it changed meanwhile: read it again",
            Self::NoRecipient => {
                "a sensitive case needs an assignee or a department with a sensitive desk"
            }
            Self::NotEnrolled => "an assignee has not enrolled yet and cannot receive a case",
            Self::ExclusiveRoles => "these roles exclude each other",
            Self::Exists => "there is one with this name already",
            Self::Expired => "it has expired or was used",
            Self::BodyTooLarge => "the body is too large for this route",
            Self::UnsupportedMediaType => "send JSON with `Content-Type: application/json`",
            Self::Invalid => "a field cannot be taken in",
            Self::Throttled => "too many failures: wait before the next try",
            Self::TooManyRequests => "too many requests: wait as long as Retry-After says",
            Self::Internal => "internal error: the operator's log says more",
            Self::Damaged => "the store is damaged: ask the operator to run `bongham fsck`",
            Self::Busy => "busy: try again in a moment",
            Self::Sealed => "the store is sealed: unseal it first",
            Self::LogUnavailable => "the access log cannot be written, so nothing is shown",
            Self::DiskFull => "the disk is full: free space in the data directory",
            Self::WrongState => "this step does not follow where the request stands: see `next`",
            Self::RetentionRuns => {
                "the retention period of the record still runs: keep it apart, hold it, or refuse"
            }
            Self::Held => {
                "a hold stands on the case: nothing of it is destroyed until it is lifted"
            }
            Self::ClockDisagrees => {
                "the clock is ahead of what the store knows: two privacy officers confirm the time \
                 with `confirm_clock`"
            }
            Self::StepUpRequired => {
                "over your budget: POST /api/v1/sessions/current/step-up with your password and a reason"
            }
            Self::BudgetExceeded => {
                "over your budget: ask for more with POST /api/v1/budget, a second person decides"
            }
            Self::FontMissing => {
                "no Korean font on this server: install NanumGothic (Debian: fonts-nanum) or name one in [print] font"
            }
        }
    }

    /// The same in Korean.
    pub(super) const fn korean(self) -> &'static str {
        match self {
            Self::Malformed => "요청을 읽을 수 없습니다",
            Self::PurposeUnknown => "이용 목적(purpose)을 지정하십시오",
            Self::Unauthenticated => "먼저 로그인하십시오",
            Self::SessionEnded => "세션이 끝났습니다. 다시 로그인하십시오",
            Self::CredentialsRefused => "계정 또는 인증 정보가 올바르지 않습니다",
            Self::PurposeRefused => "맡은 역할로는 이 목적을 쓸 수 없습니다",
            Self::RoleRefused => "맡은 역할로는 할 수 없는 일입니다",
            Self::SelfApproval => "본인이 요청했거나 본인에 관한 요청은 승인할 수 없습니다",
            Self::NotApproved => {
                "이 내용 그대로 승인된 요청이 없습니다. 승인을 요청하거나 결정을 기다리십시오"
            }
            Self::NoSecondPerson => {
                "승인할 사람이 남지 않습니다. 먼저 다른 사람에게 그 역할을 부여하십시오"
            }
            Self::LastOfRole => {
                "그 역할을 맡은 사람이 더 없습니다. 먼저 다른 사람에게 그 역할을 부여하십시오"
            }
            Self::NotFound => "찾을 수 없습니다",
            Self::MethodNotAllowed => "이 경로에서 쓸 수 없는 메서드입니다",
            Self::Conflict => "그사이 변경되었습니다. 다시 조회하십시오",
            Self::NoRecipient => "보안 민원에는 담당자 또는 보안 창구가 있는 부서가 필요합니다",
            Self::NotEnrolled => "아직 등록을 마치지 않은 담당자에게는 배정할 수 없습니다",
            Self::ExclusiveRoles => "함께 가질 수 없는 역할입니다",
            Self::Exists => "같은 이름이 이미 있습니다",
            Self::Expired => "만료되었거나 이미 쓰였습니다",
            Self::BodyTooLarge => "본문이 너무 큽니다",
            Self::UnsupportedMediaType => "본문은 application/json이어야 합니다",
            Self::Invalid => "받아들일 수 없는 항목이 있습니다",
            Self::Throttled => "실패가 너무 많습니다. 잠시 후 다시 시도하십시오",
            Self::TooManyRequests => "요청이 너무 잦습니다. Retry-After만큼 기다리십시오",
            Self::Internal => "내부 오류입니다. 관리자에게 문의하십시오",
            Self::Damaged => "저장소가 손상되었습니다. 관리자에게 문의하십시오",
            Self::Busy => "처리량이 많습니다. 잠시 후 다시 시도하십시오",
            Self::Sealed => "봉함 상태입니다. 먼저 봉함을 해제하십시오",
            Self::LogUnavailable => "접속기록을 남길 수 없어 아무것도 보여 드리지 않습니다",
            Self::DiskFull => "디스크가 가득 찼습니다",
            Self::WrongState => "지금 단계에서 할 수 없는 처리입니다. next를 보십시오",
            Self::RetentionRuns => {
                "기록물 보존기간이 끝나지 않아 파기할 수 없습니다. 분리 보관, 보류 또는 거절하십시오"
            }
            Self::Held => "보존 조치가 있어 해제될 때까지 아무것도 파기하지 않습니다",
            Self::ClockDisagrees => {
                "시계가 저장소가 아는 시각보다 앞서 있습니다. 보호책임자 두 사람이 시각을 확인해야 합니다"
            }
            Self::StepUpRequired => {
                "열람 한도를 넘었습니다. 비밀번호를 다시 입력하고 사유를 적으십시오"
            }
            Self::BudgetExceeded => "열람 한도를 넘었습니다. 다른 사람의 승인이 필요합니다",
            Self::FontMissing => {
                "서버에 한글 글꼴이 없습니다. NanumGothic(fonts-nanum)을 설치하거나 [print] font에 지정하십시오"
            }
        }
    }
}
