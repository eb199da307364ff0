//! What the ledger keeps of keys and credentials that end without a destruction: an account's key
//! at its reset, at its disabling and with the human-rights role; the keys of a case that was given
//! new ones by a reassignment or a change of tier; a password or a code that another replaced.
//!
//! Nothing is destroyed (파기) by a new key, as what it opened lives on under it. But a keyring that comes
//! back out of an older copy has the old keys again, so a restore must be told which, in a log that
//! cannot be cut short unnoticed. One entry of one form for all of them.
//!
//! What an entry tells: that so many keys ended at that time; of an account, that it was its key and
//! who ended it. An entry without an account is that of a case under new keys, sensitive before or
//! after: neither the case nor anybody who holds it is named, and a unit's number says of its kind
//! and tier no more than what the ledger tells of its neighbours in the bucket.

use std::collections::BTreeMap;

use crate::domain::id::{AccountId, UnitId};

/// Keys and credentials that ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeysEnded {
    /// Numbers of the units whose keys die with this entry.
    pub units: Vec<String>,
    /// Accounts of which no older row is believed any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountEnd>,
}

/// What ended of an account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccountEnd {
    /// Its id.
    pub account: String,
    /// The least revision of its row that is believed from now on.
    pub revision: u64,
    /// Which of the units is its private key, if that died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Who did it, by account id; nobody alone, where two people decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl KeysEnded {
    /// Of these units and accounts.
    pub fn of(units: &[UnitId], accounts: Vec<AccountEnd>) -> Self {
        Self {
            units: units.iter().map(|u| u.as_u64().to_string()).collect(),
            accounts,
        }
    }

    /// The units; `None` if one is named by what is no number.
    pub fn units(&self) -> Option<Vec<UnitId>> {
        let unit = |text: &String| text.parse().ok().map(UnitId::from_u64);
        self.units.iter().map(unit).collect()
    }

    /// Raises what is believed of accounts to what this says; `None` if one is named by what is no
    /// id.
    pub fn raise(&self, least: &mut BTreeMap<AccountId, u64>) -> Option<()> {
        for end in &self.accounts {
            let known = least.entry(end.account.parse().ok()?).or_default();
            *known = end.revision.max(*known);
        }
        Some(())
    }
}
