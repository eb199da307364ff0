//! Moving a case to new keys: what was open to the old ones stays behind and is punctured.

use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, Assign, Reclassify};
use crate::crypto::blind::Term;
use crate::crypto::wrap::{CaseKey, Wrap};
use crate::domain::id::UnitId;
use crate::domain::tier::{Tier, UnitKind};
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
    /// What each new unit is found by in the blind index; empty where it is not to be found.
    pub terms: Vec<(UnitId, Vec<Term>)>,
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
        self.rekey_blinded(permit, session, standing, tier, &|_, _| Vec::new())
    }

    /// The same, and what each unit is found by from now on. Of the content only blinded terms
    /// come out.
    pub fn rekey_blinded<A: Rekeys>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        standing: &Standing<'_>,
        tier: Tier,
        blind: &dyn Fn(UnitKind, &[u8]) -> Vec<Term>,
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
        let (mut units, mut terms) = (Vec::new(), Vec::new());
        for (unit, content) in &plain {
            let content = content.expose();
            let sealed = self.seal_unit(case, tier, unit.kind, &key, key_version, content)?;
            terms.push((sealed.0.unit, blind(unit.kind, content)));
            units.push(sealed);
        }
        let dying = standing.units.iter().map(|(unit, _)| unit.unit).collect();
        Ok(Rekeyed {
            key,
            units,
            dying,
            terms,
        })
    }
}
