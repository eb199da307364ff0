//! What a decision is made on: no personal data, nothing sealed.

use crate::domain::id::{AccountId, CaseId, DepartmentId};
use crate::domain::tier::Tier;

/// Facts of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFacts {
    /// The case.
    pub case: CaseId,
    /// Its tier.
    pub tier: Tier,
    /// The department that handles it.
    pub department: DepartmentId,
    /// Who handles it: assignees and, until it is handed on, the desk members who hold it.
    pub holders: Vec<AccountId>,
    /// 처리정지: locked against every use but storage.
    pub restricted: bool,
}

/// What an action is aimed at.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A case that exists.
    Case(&'a CaseFacts),
    /// A case that does not exist, or an id nobody issued: decided like a stranger's case, always denied.
    NoCase(CaseId),
    /// A case about to be registered.
    NewCase {
        /// Its tier.
        tier: Tier,
        /// The department it goes to.
        department: DepartmentId,
    },
    /// The office as a whole: accounts, departments, log, seal.
    Office,
    /// Another person's request for approval.
    Request {
        /// Who asked.
        requester: AccountId,
        /// Whom it is about.
        concerned: Option<AccountId>,
    },
}

/// One part of a case that a view may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Number, class, state, dates, channel, department, assignees.
    Head,
    /// Title, narrative and attributes.
    Narrative,
    /// Who the people are.
    People,
    /// How to reach them.
    Contact,
}

/// A set of [`Field`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields(u8);

impl Fields {
    /// Every field, in bit order.
    pub const ALL: [Field; 4] = [Field::Head, Field::Narrative, Field::People, Field::Contact];

    /// The same and `field`.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | (1 << field as u8))
    }
    /// Whether `field` is among them.
    pub const fn has(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }
    /// Both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
