//! Opening: the only road from stored bytes to a view.

use std::marker::PhantomData;

use crate::audit::Receipt;
use crate::audit::manifest::Manifest;
use crate::authz::Permit;
use crate::authz::action::Action;
use crate::authz::facts::Fields;
use crate::crypto::content_key::ContentKey;
use crate::crypto::envelope;
use crate::crypto::wrap::CaseKey;
use crate::domain::id::CaseId;
use crate::domain::secret::SecretBytes;
use crate::domain::tier::Tier;
use crate::engine::Value;

use super::seal::{STORED_UNIT, place};
use super::{UnitRef, Vault, VaultError};

/// Decrypted units, not yet decoded.
pub struct Plain {
    pub(super) parts: Vec<(UnitRef, SecretBytes)>,
}

impl Plain {
    /// The parts, for a decoder.
    pub fn parts(&self) -> &[(UnitRef, SecretBytes)] {
        &self.parts
    }
}

/// Content that can be made from decrypted units.
pub trait Decode: Sized {
    /// What the decoder needs besides.
    type Context;
    /// Reads the parts; fails on bytes that no version of this program wrote.
    fn decode(plain: &Plain, context: Self::Context) -> Result<Self, &'static str>;
}

/// Content that can be shown in part.
pub trait Reduce {
    /// What may be serialised.
    type View;
    /// Only the permitted fields.
    fn reduce(self, fields: Fields) -> Self::View;
}

/// Plaintext that waits for its access-log entry. Has no accessor; dropping it zeroes what was
/// decrypted.
#[must_use = "decrypted content is to be revealed for a receipt or dropped"]
pub struct Disclosed<A: Action, T> {
    ticket: u64,
    case: Option<CaseId>,
    fields: Fields,
    bytes: u64,
    value: T,
    action: PhantomData<A>,
}

impl<A: Action, T> Disclosed<A, T> {
    /// Holds something already known (facts of a head) to the same rule as decrypted content.
    pub fn hold(permit: &Permit<A>, value: T, bytes: u64) -> Self {
        Self {
            ticket: permit.ticket(),
            case: permit.case(),
            fields: permit.fields(),
            bytes,
            value,
            action: PhantomData,
        }
    }
    /// Bytes of plaintext, for the entry's counts.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<A: Action> Disclosed<A, Plain> {
    /// Decoded, still locked.
    pub fn decode<T: Decode>(self, context: T::Context) -> Result<Disclosed<A, T>, VaultError> {
        let value = T::decode(&self.value, context).map_err(VaultError::Damaged)?;
        Ok(Disclosed {
            ticket: self.ticket,
            case: self.case,
            fields: self.fields,
            bytes: self.bytes,
            value,
            action: PhantomData,
        })
    }
}

impl<A: Action, T: Reduce> Disclosed<A, T> {
    /// The view, for the receipt of the entry made for this very permit.
    pub fn reveal(self, receipt: Receipt<A>) -> Result<T::View, VaultError> {
        if receipt.ticket() == self.ticket {
            Ok(self.value.reduce(self.fields))
        } else {
            Err(VaultError::WrongReceipt)
        }
    }
    /// The view of a case that is on a recorded list, and of no other.
    pub fn reveal_listed(self, manifest: &Manifest<A>) -> Result<T::View, VaultError> {
        if self.case.is_some_and(|case| manifest.holds(case)) {
            Ok(self.value.reduce(self.fields))
        } else {
            Err(VaultError::WrongReceipt)
        }
    }
}

impl Vault {
    /// Decrypts units of the permit's case.
    pub fn open<A: Action>(
        &self,
        permit: &Permit<A>,
        tier: Tier,
        key: &CaseKey,
        key_version: u32,
        units: &[(UnitRef, Value)],
    ) -> Result<Disclosed<A, Plain>, VaultError> {
        let case = permit.case().ok_or(VaultError::NoWrap)?;
        let parts = self.decrypt(case, tier, key, key_version, units)?;
        let bytes = parts
            .iter()
            .map(|(_, plain)| plain.expose().len() as u64)
            .sum();
        Ok(Disclosed::hold(permit, Plain { parts }, bytes))
    }

    pub(super) fn decrypt(
        &self,
        case: CaseId,
        tier: Tier,
        key: &CaseKey,
        key_version: u32,
        units: &[(UnitRef, Value)],
    ) -> Result<Vec<(UnitRef, SecretBytes)>, VaultError> {
        let open = |(unit, value): &(UnitRef, Value)| {
            let (boxed, sealed) = split(value.as_bytes()).ok_or(VaultError::Damaged("unit"))?;
            let half = key
                .open_half(case, unit.unit, key_version, boxed)
                .map_err(|_| VaultError::Damaged("recipient half"))?;
            let shred = self
                .keyring
                .shred_half(unit.unit)
                .map_err(|_| VaultError::Destroyed)?;
            let content_key = ContentKey::combine(&shred, &half, unit.unit, tier, key_version);
            let plain = envelope::open(&content_key, &place(tier, unit), sealed)
                .map_err(|_| VaultError::Damaged("envelope"))?;
            Ok((*unit, plain))
        };
        units.iter().map(open).collect()
    }
}

fn split(stored: &[u8]) -> Option<(&[u8], &[u8])> {
    let (format, rest) = stored.split_first()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    (*format == STORED_UNIT).then_some(())?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
