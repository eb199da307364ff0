//! What an entry notes of rights, of second persons and of holders, in its sealed body: which request
//! was made, decided or used with it, which roles an account has from then on (안전성 확보조치 기준
//! 제5조제3항), and who held a case before it was handed on. Opaque ids alone; the words of a request
//! stand in its reason.

use data_encoding::HEXLOWER;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::id::{AccountId, ApprovalId, DepartmentId};
use crate::domain::role::Roles;

/// A request for a second person, as entries name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// Its id.
    pub approval: ApprovalId,
    /// Its kind, as the API names it.
    pub kind: String,
    /// What the approval is bound to.
    pub hash: [u8; 32],
    /// Whose rights it is about.
    pub accounts: Vec<AccountId>,
    /// Which roles are given or taken.
    #[serde(with = "bits")]
    pub roles: Roles,
    /// Whose desk.
    pub department: Option<DepartmentId>,
    /// What of how much, in ids and numbers: the row of the request does not keep it.
    pub about: String,
}

/// One thing that an entry notes. New kinds come last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A second person was asked.
    Asked(Requested),
    /// They consented.
    Approved(Requested),
    /// They did not.
    Refused(Requested),
    /// What they consented to was done.
    Used(Requested),
    /// The roles of an account from then on.
    Rights {
        /// Whose.
        account: AccountId,
        /// Which.
        #[serde(with = "bits")]
        roles: Roles,
    },
    /// A case was handed on.
    Handed(Handed),
}

/// Who held a case before a change, and who holds it from then on: assignees and desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Before.
    pub before: Vec<AccountId>,
    /// After.
    pub after: Vec<AccountId>,
}

impl Handed {
    /// Whether somebody holds the case from then on; `None` for who held it neither before nor after.
    pub fn holds(&self, account: AccountId) -> Option<bool> {
        let after = self.after.contains(&account);
        (after || self.before.contains(&account)).then_some(after)
    }
    /// Whether somebody has it from then on who had not.
    pub fn comes_to(&self, account: AccountId) -> bool {
        !self.before.contains(&account) && self.after.contains(&account)
    }
    /// Whether somebody has it no more from then on.
    pub fn goes_from(&self, account: AccountId) -> bool {
        self.before.contains(&account) && !self.after.contains(&account)
    }
    /// Whether others than this one held it, and nobody does from then on.
    pub fn clears_others(&self, account: AccountId) -> bool {
        let others = self.before.iter().any(|holder| *holder != account);
        others && self.after.is_empty()
    }
}

/// Roles by their bits, which are never reassigned.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::role::Roles;

    pub(super) fn serialize<S: Serializer>(roles: &Roles, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(roles.bits())
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Roles, D::Error> {
        u16::deserialize(from).map(Roles::from_bits)
    }
}

fn texts(accounts: &[AccountId]) -> Vec<String> {
    accounts.iter().map(ToString::to_string).collect()
}

/// A note in the words of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow(pub Note);

impl Serialize for NoteRow {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        let (what, requested) = match &self.0 {
            Note::Asked(requested) => ("asked", requested),
            Note::Approved(requested) => ("approved", requested),
            Note::Refused(requested) => ("refused", requested),
            Note::Used(requested) => ("used", requested),
            Note::Rights { account, roles } => {
                map.serialize_entry("note", "rights")?;
                map.serialize_entry("accounts", &[account.to_string()])?;
                map.serialize_entry("roles", roles)?;
                return map.end();
            }
            Note::Handed(Handed { before, after }) => {
                map.serialize_entry("note", "handed_on")?;
                map.serialize_entry("accounts", &texts(after))?;
                map.serialize_entry("accounts_before", &texts(before))?;
                return map.end();
            }
        };
        let accounts = texts(&requested.accounts);
        map.serialize_entry("note", what)?;
        map.serialize_entry("kind", &requested.kind)?;
        map.serialize_entry("approval", &requested.approval.to_string())?;
        map.serialize_entry("hash", &HEXLOWER.encode(&requested.hash))?;
        map.serialize_entry("accounts", &accounts)?;
        map.serialize_entry("roles", &requested.roles)?;
        let department = requested.department.map(|id| id.to_string());
        map.serialize_entry("department", &department)?;
        if !requested.about.is_empty() {
            map.serialize_entry("about", &requested.about)?;
        }
        map.end()
    }
}
