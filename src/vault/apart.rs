//! Tier R: copying units to where another law keeps them, and opening them there.
//!
//! A copy is made with the actor's right to the original and is sealed to retention custodians
//! alone. Content stays inside the vault until a custodian opens it.

use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, HandOver, OpenRetained, Retain};
use crate::crypto::wrap::{CaseKey, PublicKey, Recipient, Wrap};
use crate::domain::id::{AccountId, CaseId, RetainedId};
use crate::domain::secret::SecretBytes;
use crate::domain::tier::{Tier, UnitKind};
use crate::engine::Value;

use super::{Disclosed, Plain, Standing, UnitRef, Vault, VaultError};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Retain {}
    impl Sealed for super::OpenRetained {}
    impl Sealed for super::HandOver {}
}

/// Actions that copy units to the separate store. Nothing is disclosed.
pub trait Retains: Action + sealed::Sealed {}
impl Retains for Retain {}

/// Actions that open what is kept there.
pub trait OpensApart: Action + sealed::Sealed {}
impl OpensApart for OpenRetained {}
impl OpensApart for HandOver {}

/// Version of an item's key: an item is never sealed anew.
const KEY_VERSION: u32 = 1;

/// A retention custodian, by the key they have now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Custodian {
    /// Who.
    pub account: AccountId,
    /// Their public key.
    pub key: PublicKey,
}

/// Units copied for the separate store: the rows to store, and what it takes to check them.
pub struct Copied {
    /// The new units with their rows, in the order of the originals.
    pub units: Vec<(UnitRef, Value)>,
    /// The item's key, for the custodians alone.
    pub wraps: Vec<Wrap>,
    key: CaseKey,
    plain: Vec<SecretBytes>,
}

/// An item as it stands in the separate store.
pub struct KeptApart<'a> {
    /// Which.
    pub item: RetainedId,
    /// Its wraps.
    pub wraps: &'a [Wrap],
    /// Its units with their rows.
    pub units: Vec<(UnitRef, Value)>,
}

/// An item stands in formulas where a case stands: nothing else wraps to a `Retention` recipient,
/// and nothing else has tier R, so that the two are never taken for each other.
const fn stands_for(item: RetainedId) -> CaseId {
    CaseId::from_bytes(*item.as_bytes())
}

fn wrapped_to(custodian: &Custodian) -> Recipient {
    Recipient::Retention {
        account: custodian.account,
        key: custodian.key.fingerprint(),
    }
}

impl Vault {
    /// Opens units of the permit's case with the actor's right and seals each anew for `item`:
    /// fresh key, fresh units of tier R, wraps to the custodians.
    pub fn copy_apart<A: Retains>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        standing: &Standing<'_>,
        item: RetainedId,
        custodians: &[Custodian],
    ) -> Result<Copied, VaultError> {
        let case = permit.case().ok_or(VaultError::NoWrap)?;
        let old = self.unlock(permit, session, standing.wraps)?;
        let (tier, version) = (standing.tier, standing.key_version);
        let opened = self.decrypt(case, tier, &old, version, standing.units)?;
        let key = self.new_case_key()?;
        let place = stands_for(item);
        let (kind, tier) = (UnitKind::Extract, Tier::Retained);
        let units = opened
            .iter()
            .map(|(_, plain)| self.seal_unit(place, tier, kind, &key, KEY_VERSION, plain.expose()))
            .collect::<Result<_, _>>()?;
        let wrap = |custodian: &Custodian| {
            let (recipient, random) = (wrapped_to(custodian), self.random.as_ref());
            key.wrap_to(place, recipient, &custodian.key, KEY_VERSION, None, random)
        };
        let wraps = custodians.iter().map(wrap).collect::<Result<_, _>>()?;
        Ok(Copied {
            units,
            wraps,
            key,
            plain: opened.into_iter().map(|(_, plain)| plain).collect(),
        })
    }

    /// Whether rows read back from the store hold what was copied: every one opens with the key
    /// that is still in memory, to the same bytes as the original.
    pub fn verify_copy(
        &self,
        item: RetainedId,
        copied: &Copied,
        stored: &[(UnitRef, Value)],
    ) -> Result<(), VaultError> {
        let place = stands_for(item);
        let again = self.decrypt(place, Tier::Retained, &copied.key, KEY_VERSION, stored)?;
        let same = again.len() == copied.plain.len()
            && again
                .iter()
                .zip(&copied.plain)
                .all(|((_, read), copied)| read.expose() == copied.expose());
        if same {
            Ok(())
        } else {
            Err(VaultError::Damaged("a copy is not its original"))
        }
    }

    /// Opens items with the custodian's key that the session holds: their units in order.
    pub fn open_apart<A: OpensApart>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        items: &[KeptApart<'_>],
    ) -> Result<Disclosed<A, Plain>, VaultError> {
        let private = session.private_key().ok_or(VaultError::NoWrap)?;
        let mut parts = Vec::new();
        for kept in items {
            let place = stands_for(kept.item);
            let own = |wrap: &&Wrap| {
                matches!(&wrap.recipient, Recipient::Retention { account, key }
                    if *account == session.account() && session.key_fingerprint() == Some(*key))
            };
            let wrap = kept.wraps.iter().find(own).ok_or(VaultError::NoWrap)?;
            let key = CaseKey::unwrap_with(place, wrap, &private)
                .map_err(|_| VaultError::Damaged("wrap"))?;
            parts.extend(self.decrypt(place, Tier::Retained, &key, KEY_VERSION, &kept.units)?);
        }
        let bytes = parts
            .iter()
            .map(|(_, plain)| plain.expose().len() as u64)
            .sum();
        Ok(Disclosed::hold(permit, Plain { parts }, bytes))
    }
}
