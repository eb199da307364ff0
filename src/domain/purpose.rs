//! Why somebody opens a case. Every disclosure names one (안전성 확보조치 기준 제12조: 용도를 특정).

use std::fmt;
use std::str::FromStr;

/// The purpose of a disclosure.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// 처리: an officer handles the case.
    Handling,
    /// 감독: a lead or coordinator follows a department's ordinary cases.
    Supervision,
    /// 접수: taking in and handing over.
    Intake,
    /// 정보주체 요구: a request of the person whose data it is.
    SubjectRequest,
    /// 감사: inspection of the access log.
    Audit,
    /// 법적 의무: a court, an investigation, a statute.
    Legal,
    /// 복구: opening by custodians after a loss.
    Recovery,
}

/// A purpose code that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown purpose; use one of handling, supervision, intake, subject_request, audit, legal, recovery"
)]
pub struct BadPurpose;

impl Purpose {
    /// Every purpose, in the order of their codes in the log.
    pub const ALL: [Self; 7] = [
        Self::Handling,
        Self::Supervision,
        Self::Intake,
        Self::SubjectRequest,
        Self::Audit,
        Self::Legal,
        Self::Recovery,
    ];

    /// The code used in the API, policies and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Handling => "handling",
            Self::Supervision => "supervision",
            Self::Intake => "intake",
            Self::SubjectRequest => "subject_request",
            Self::Audit => "audit",
            Self::Legal => "legal",
            Self::Recovery => "recovery",
        }
    }
    /// The byte used in log entries; never reassigned.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Handling => 1,
            Self::Supervision => 2,
            Self::Intake => 3,
            Self::SubjectRequest => 4,
            Self::Audit => 5,
            Self::Legal => 6,
            Self::Recovery => 7,
        }
    }
    /// The purpose with this log byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.byte() == byte)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Purpose {
    type Err = BadPurpose;
    fn from_str(text: &str) -> Result<Self, BadPurpose> {
        Self::ALL
            .into_iter()
            .find(|p| p.code() == text)
            .ok_or(BadPurpose)
    }
}
