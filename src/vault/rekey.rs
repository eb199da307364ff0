//! Moving a case to new keys: what was open to the old ones stays behind and is punctured.

use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, Assign, Reclassify};
use crate::crypto::wrap::{CaseKey, Wrap};
use crate::domain::id::UnitId;
use crate::domain::tier::Tier;
use crate::engine::Value;

use super::{UnitRef, Vault, VaultError};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Assign {}
    impl Sealed for super::Reclassify {}
}

/// Actions that move a case to new keys. Content stays inside the vault: nothing is disclosed.
pub trait Rekeys: Action + sealed::Sealed {}
impl Rekeys for Assign {}
impl Rekeys for Reclassify {}

/// A case under new keys, not yet stored.
pub struct Rekeyed {
    /// The new case key, to be wrapped to the new holders.
    pub key: CaseKey,
    /// The new units.
    pub units: Vec<(UnitRef, Value)>,
    /// The old units, to be punctured once the new ones are durable.
    pub dying: Vec<UnitId>,
}

/// A case as it stands: how its units are protected and where they are.
pub struct Standing<'a> {
    /// Its tier.
    pub tier: Tier,
    /// Version of its key.
    pub key_version: u32,
    /// Its wraps.
    pub wraps: &'a [Wrap],
    /// Its units.
    pub units: &'a [(UnitRef, Value)],
}

impl Vault {
    /// Opens every unit with the actor's right and seals it anew: new case key, new units.
    pub fn rekey<A: Rekeys>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        standing: &Standing<'_>,
        tier: Tier,
    ) -> Result<Rekeyed, VaultError> {
        let case = permit.case().ok_or(VaultError::NoWrap)?;
        let old = self.unlock(permit, session, standing.wraps)?;
        let plain = self.decrypt(
            case,
            standing.tier,
            &old,
            standing.key_version,
            standing.units,
        )?;
        let key = self.new_case_key()?;
        let key_version = standing.key_version.saturating_add(1);
        let units = plain
            .iter()
            .map(|(unit, content)| {
                self.seal_unit(case, tier, unit.kind, &key, key_version, content.expose())
            })
            .collect::<Result<_, _>>()?;
        let dying = standing.units.iter().map(|(unit, _)| unit.unit).collect();
        Ok(Rekeyed { key, units, dying })
    }
}
