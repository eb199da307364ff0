//! Looking for a value inside: what comes out is which units hold it, never what they hold.

use crate::authn::session::Session;
use crate::authz::Permit;
use crate::authz::action::{Action, Search};
use crate::domain::id::UnitId;
use crate::domain::tier::UnitKind;

use super::rekey::Standing;
use super::{Vault, VaultError};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Search {}
}

/// Actions that look for a value.
pub trait Compares: Action + sealed::Sealed {}
impl Compares for Search {}

/// What was opened, and where the value is. All of it was disclosed to the one who looked, whether
/// it matched or not: it belongs into the access-log entry.
#[derive(Debug, Default)]
pub struct Compared {
    /// The units opened.
    pub opened: Vec<UnitId>,
    /// Bytes of plaintext in them.
    pub bytes: u64,
    /// Whether one of them holds the value.
    pub hit: bool,
}

impl Vault {
    /// Opens the units of the permit's case and asks of each whether it holds the value. Units
    /// that are destroyed hold nothing.
    ///
    /// # Errors
    /// [`VaultError::NoWrap`] where no key of this person opens the case;
    /// [`VaultError::Damaged`].
    pub fn compare<A: Compares>(
        &self,
        permit: &Permit<A>,
        session: &Session,
        standing: &Standing<'_>,
        holds: &dyn Fn(UnitKind, &[u8]) -> bool,
    ) -> Result<Compared, VaultError> {
        let case = permit.case().ok_or(VaultError::NoWrap)?;
        let key = self.unlock(permit, session, standing.wraps)?;
        let (tier, version) = (standing.tier, standing.key_version);
        let mut compared = Compared::default();
        for unit in standing.units {
            let one = std::slice::from_ref(unit);
            let plain = match self.decrypt(case, tier, &key, version, one) {
                Ok(plain) => plain,
                Err(VaultError::Destroyed) => continue,
                Err(error) => return Err(error),
            };
            for (unit, content) in &plain {
                compared.opened.push(unit.unit);
                compared.bytes += content.expose().len() as u64;
                compared.hit |= holds(unit.kind, content.expose());
            }
        }
        Ok(compared)
    }
}
