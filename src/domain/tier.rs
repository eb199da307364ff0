//! How a case is protected, and what kinds of unit it is made of.

/// The tier of a case.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// S, 보안 민원: opens only for its assignees; no server key opens it.
    Sensitive,
    /// O, 일반 민원: opens under the department's key, as the policies allow.
    Ordinary,
    /// R, 분리 보관: kept apart because another law says so.
    Retained,
}

impl Tier {
    /// The byte that stands in associated data; never reassigned.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Sensitive => b'S',
            Self::Ordinary => b'O',
            Self::Retained => b'R',
        }
    }
    /// The code used in the API and policies.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sensitive => "sensitive",
            Self::Ordinary => "ordinary",
            Self::Retained => "retained",
        }
    }
}

/// What a unit holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// The narrative of a case.
    Narrative,
    /// One person in a case.
    Person,
    /// One attachment.
    Attachment,
    /// One extract kept by law.
    Extract,
    /// One account's private key.
    Account,
    /// The bodies of one month of the access log.
    AuditEpoch,
    /// A statement added to a case later (보정).
    Addition,
    /// What a person said in a request about their data.
    Petition,
}

impl UnitKind {
    /// The byte that stands in associated data and bucket rows; never reassigned.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Narrative => 1,
            Self::Person => 2,
            Self::Attachment => 3,
            Self::Extract => 4,
            Self::Account => 5,
            Self::AuditEpoch => 6,
            Self::Addition => 7,
            Self::Petition => 8,
        }
    }
}
