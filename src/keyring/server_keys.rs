//! The keys that are the server's own.

use crate::crypto::wrap::DepartmentKey;
use crate::domain::id::DepartmentId;
use crate::domain::secret::Secret;

use super::formula::hkdf;
use super::root::Root;

/// Keys of the server, each derived from the root's secret by its own label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerKey {
    /// `K_loc`: where rows stand (HMAC of ids and scopes).
    Location,
    /// Seals facts, accounts, departments, list rows.
    Row,
    /// `K_logidx`: log positions by case and actor.
    LogIndex,
    /// HMAC of password verifiers.
    Pepper,
    /// Journal of the engine.
    Journal,
    /// Wraps the recipient halves of audit epochs and accounts.
    Audit,
    /// Journal of the separate store of what another law keeps.
    RetainedJournal,
    /// Where its rows stand.
    RetainedLocation,
    /// Seals its rows; never its content.
    RetainedRow,
    /// `K_index`: from which each department's blind index draws its key.
    Index,
}

impl ServerKey {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Location => b"bongham/server/location/1",
            Self::Row => b"bongham/server/row/1",
            Self::LogIndex => b"bongham/server/log-index/1",
            Self::Pepper => b"bongham/server/pepper/1",
            Self::Journal => b"bongham/server/journal/1",
            Self::Audit => b"bongham/server/audit/1",
            Self::RetainedJournal => b"bongham/server/retained-journal/1",
            Self::RetainedLocation => b"bongham/server/retained-location/1",
            Self::RetainedRow => b"bongham/server/retained-row/1",
            Self::Index => b"bongham/server/index/1",
        }
    }

    /// `HKDF(salt = "", ikm = server secret, info = label)`.
    pub(super) fn of(self, root: &Root) -> Secret<32> {
        hkdf(&[], root.server_secret.expose(), &[self.label()])
    }
}

/// The department's newest key and its version.
pub(super) fn newest(root: &Root, department: DepartmentId) -> Option<(u32, DepartmentKey)> {
    let ((_, version), key) = root
        .departments
        .range((department, 0)..=(department, u32::MAX))
        .next_back()?;
    Some((*version, DepartmentKey::new(key.duplicate())))
}
