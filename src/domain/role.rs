//! What people may be, and which of it one person may not be at once.

use std::fmt;
use std::str::FromStr;

/// A right that a person holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 시스템 관리자: manages accounts, never content, never the log.
    Admin,
    /// 접수담당자: takes cases in and hands them over.
    Intake,
    /// 처리담당자: handles the ordinary cases assigned to them.
    Officer,
    /// 인권업무 담당자: handles the sensitive cases assigned to them.
    HumanRightsOfficer,
    /// 팀장, 과장: follows the department's ordinary cases.
    Lead,
    /// 민원총괄자: assigns the department's ordinary cases.
    Coordinator,
    /// 개인정보 보호책임자: second person for rights; answers requests of data subjects.
    PrivacyOfficer,
    /// 개인정보 감사자: reads the log, never content.
    Auditor,
    /// 분리보관 담당자: opens what another law keeps apart, with a second person.
    RetentionCustodian,
}

/// A role code that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role; use one of admin, intake, officer, human_rights_officer, lead, coordinator, privacy_officer, auditor, retention_custodian"
)]
pub struct BadRole;

/// Roles that one person may not hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} and {1} exclude each other")]
pub struct Exclusive(pub Role, pub Role);

impl Role {
    /// Every role, in bit order.
    pub const ALL: [Self; 9] = [
        Self::Admin,
        Self::Intake,
        Self::Officer,
        Self::HumanRightsOfficer,
        Self::Lead,
        Self::Coordinator,
        Self::PrivacyOfficer,
        Self::Auditor,
        Self::RetentionCustodian,
    ];

    /// The code used in the API, policies and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Intake => "intake",
            Self::Officer => "officer",
            Self::HumanRightsOfficer => "human_rights_officer",
            Self::Lead => "lead",
            Self::Coordinator => "coordinator",
            Self::PrivacyOfficer => "privacy_officer",
            Self::Auditor => "auditor",
            Self::RetentionCustodian => "retention_custodian",
        }
    }

    const fn bit(self) -> u16 {
        1 << (self as u16)
    }

    /// Who operates, inspects or approves does nothing else; who holds sensitive cases does not
    /// also lead, assign or take in.
    fn excludes(self, other: Self) -> bool {
        const fn alone(role: Role) -> bool {
            matches!(
                role,
                Role::Admin | Role::Auditor | Role::PrivacyOfficer | Role::RetentionCustodian
            )
        }
        const fn oversees(role: Role) -> bool {
            matches!(role, Role::Intake | Role::Lead | Role::Coordinator)
        }
        self != other
            && (alone(self)
                || alone(other)
                || (matches!(self, Self::HumanRightsOfficer) && oversees(other))
                || (matches!(other, Self::HumanRightsOfficer) && oversees(self)))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Role {
    type Err = BadRole;
    fn from_str(text: &str) -> Result<Self, BadRole> {
        Self::ALL
            .into_iter()
            .find(|r| r.code() == text)
            .ok_or(BadRole)
    }
}

/// The roles of one person: a combination that the rules allow.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "Vec<Role>", into = "Vec<Role>")]
pub struct Roles(u16);

impl Roles {
    /// These roles together, unless two of them exclude each other.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, Exclusive> {
        let mut set = Self::default();
        for role in roles {
            set = set.with(role)?;
        }
        Ok(set)
    }
    /// The same and `role`.
    pub fn with(self, role: Role) -> Result<Self, Exclusive> {
        match self.iter().find(|held| held.excludes(role)) {
            Some(held) => Err(Exclusive(held, role)),
            None => Ok(Self(self.0 | role.bit())),
        }
    }
    /// Those of them that fit.
    #[must_use]
    pub fn that(self, fits: impl Fn(Role) -> bool) -> Self {
        let others = self.iter().filter(|role| !fits(*role));
        others.fold(self, Self::without)
    }
    /// The same without `role`.
    #[must_use]
    pub const fn without(self, role: Role) -> Self {
        Self(self.0 & !role.bit())
    }
    /// Whether `role` is among them.
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }
    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// One after the other, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |r| self.has(*r))
    }
    /// The bits that stand in log entries; a bit is never reassigned.
    pub const fn bits(self) -> u16 {
        self.0
    }
    /// The roles behind the bits of a log entry, whatever rules were in force then.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }
}

impl TryFrom<Vec<Role>> for Roles {
    type Error = Exclusive;
    fn try_from(roles: Vec<Role>) -> Result<Self, Exclusive> {
        Self::new(roles)
    }
}

impl From<Roles> for Vec<Role> {
    fn from(roles: Roles) -> Self {
        roles.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusive_pairs_are_refused_and_others_allowed() {
        assert!(Roles::new([Role::Admin, Role::Officer]).is_err());
        assert!(Roles::new([Role::Auditor, Role::PrivacyOfficer]).is_err());
        assert!(Roles::new([Role::HumanRightsOfficer, Role::Lead]).is_err());
        assert!(Roles::new([Role::Intake, Role::HumanRightsOfficer]).is_err());
        assert!(Roles::new([Role::HumanRightsOfficer, Role::Officer]).is_ok());
        assert!(Roles::new([Role::Lead, Role::Coordinator, Role::Officer]).is_ok());
    }
}
