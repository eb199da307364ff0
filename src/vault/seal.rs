//! Sealing: new units, new case keys, wraps.

use crate::crypto::content_key::{ContentKey, RecipientHalf};
use crate::crypto::envelope::{self, Place};
use crate::crypto::wrap::{BOXED, CaseKey, PublicKey, Recipient, Wrap};
use crate::domain::id::{AccountId, CaseId, DepartmentId, RecordId};
use crate::domain::tier::{Tier, UnitKind};
use crate::engine::{Space, Value};

use super::{UnitRef, Vault, VaultError};

/// Format of a stored unit: this byte, the boxed recipient half (length as two bytes), the envelope.
pub(super) const STORED_UNIT: u8 = 1;

/// Bytes of a stored unit before its envelope.
pub const STORED_BEFORE: usize = 1 + 2 + BOXED;

/// Someone with a key pair who shall hold a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub account: AccountId,
    /// Their public key.
    pub key: PublicKey,
    /// The department whose desk they sit on, where they hold it as a desk member.
    pub desk: Option<DepartmentId>,
}

impl Holder {
    fn recipient(&self) -> Recipient {
        let key = self.key.fingerprint();
        match self.desk {
            Some(department) => Recipient::Desk {
                department,
                account: self.account,
                key,
            },
            None => Recipient::Officer {
                account: self.account,
                key,
            },
        }
    }
}

pub(super) fn place(tier: Tier, unit: &UnitRef) -> Place {
    Place {
        space: Space::Unit,
        unit: unit.unit,
        tier,
        record: unit.record,
        field: u16::from(unit.kind.byte()),
        schema: 1,
        version: 1,
    }
}

impl Vault {
    /// A fresh key for a case.
    pub fn new_case_key(&self) -> Result<CaseKey, VaultError> {
        Ok(CaseKey::random(self.random.as_ref())?)
    }

    /// Wraps a case key to each holder (tier S): one HPKE message each.
    pub fn wrap_to_holders(
        &self,
        case: CaseId,
        key: &CaseKey,
        key_version: u32,
        holders: &[Holder],
    ) -> Result<Vec<Wrap>, VaultError> {
        let wrap = |holder: &Holder| {
            key.wrap_to(
                case,
                holder.recipient(),
                &holder.key,
                key_version,
                None,
                self.random.as_ref(),
            )
        };
        Ok(holders.iter().map(wrap).collect::<Result<_, _>>()?)
    }

    /// Wraps a case key to the department's newest key (tier O).
    pub fn wrap_to_department(
        &self,
        case: CaseId,
        key: &CaseKey,
        key_version: u32,
        department: DepartmentId,
    ) -> Result<Wrap, VaultError> {
        let (version, department_key) = self.keyring.department_key(department)?;
        let recipient = Recipient::Department {
            department,
            key_version: version,
        };
        Ok(key.wrap_to_department(
            case,
            recipient,
            &department_key,
            key_version,
            self.random.as_ref(),
        )?)
    }

    /// Seals `content` as a new unit: own shred half, own recipient half, own content key.
    pub fn seal_unit(
        &self,
        case: CaseId,
        tier: Tier,
        kind: UnitKind,
        key: &CaseKey,
        key_version: u32,
        content: &[u8],
    ) -> Result<(UnitRef, Value), VaultError> {
        let random = self.random.as_ref();
        let record = RecordId::random(random)?;
        let unit = UnitRef {
            unit: self.keyring.allocate(tier, kind)?,
            kind,
            record,
        };
        let half = RecipientHalf::random(random)?;
        let shred = self
            .keyring
            .shred_half(unit.unit)
            .map_err(|_| VaultError::Destroyed)?;
        let content_key = ContentKey::combine(&shred, &half, unit.unit, tier, key_version);
        let boxed = key.seal_half(case, unit.unit, key_version, &half, random)?;
        let sealed = envelope::seal(&content_key, &place(tier, &unit), content, random)?;
        let length = u16::try_from(boxed.len()).map_err(|_| VaultError::Damaged("half"))?;
        let mut stored = Vec::with_capacity(3 + boxed.len() + sealed.len());
        stored.push(STORED_UNIT);
        stored.extend_from_slice(&length.to_be_bytes());
        stored.extend_from_slice(&boxed);
        stored.extend_from_slice(&sealed);
        let value = Value::new(stored).map_err(|_| VaultError::Damaged("unit too long"))?;
        Ok((unit, value))
    }
}
