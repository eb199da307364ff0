//! A department (부서) and its sensitive desk.

use crate::domain::id::{AccountId, DepartmentId};

/// One department.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Department {
    /// Id.
    pub id: DepartmentId,
    /// Code used in requests: 1 to 32 of `a-z`, `0-9`, `-`.
    pub code: String,
    /// Name.
    pub name: String,
    /// The sensitive desk: enrolled human-rights officers who receive sensitive cases that name
    /// no assignee.
    pub desk: Vec<AccountId>,
}

/// Whether `code` can name a department.
pub fn is_code(code: &str) -> bool {
    (1..=32).contains(&code.len())
        && code
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
