//! Opaque identifiers: 16 random bytes each, written as 26 characters of lower-case base32
//! without padding (RFC 4648 alphabet). Nothing can be read from one.

use std::fmt;

use data_encoding::BASE32_NOPAD;

use super::random::{Random, RandomError};

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected 26 characters a-z2-7")]
pub struct BadId;

fn decode(text: &str) -> Result<[u8; 16], BadId> {
    if text.len() != 26 || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(BadId);
    }
    let bytes = BASE32_NOPAD
        .decode(text.to_ascii_uppercase().as_bytes())
        .map_err(|_| BadId)?;
    bytes.try_into().map_err(|_| BadId)
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A fresh identifier from the given source of chance.
            pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
                Ok(Self(random.array()?))
            }
            /// The identifier with these bytes, as read back from storage.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                decode(text).map(Self)
            }
        }
    };
}

opaque_id!(
    /// One case (민원).
    CaseId
);
opaque_id!(
    /// One account: one person who may log in.
    AccountId
);
opaque_id!(
    /// One department (부서).
    DepartmentId
);
opaque_id!(
    /// One stored record inside a unit.
    RecordId
);
opaque_id!(
    /// One access-log entry.
    EntryId
);
opaque_id!(
    /// One approval by a second person.
    ApprovalId
);
opaque_id!(
    /// One import job.
    ImportId
);
opaque_id!(
    /// One request of a data subject (삭제 요구).
    RequestId
);
opaque_id!(
    /// One destruction: from order to certificate.
    DestructionId
);
opaque_id!(
    /// One item kept apart.
    RetainedId
);
opaque_id!(
    /// One backup.
    BackupId
);
opaque_id!(
    /// One copy of the keyring, or whoever holds it.
    KeyHolderId
);
opaque_id!(
    /// One alert to the privacy officer.
    AlertId
);
opaque_id!(
    /// One inspection of the access log (접속기록 점검).
    InspectionId
);
opaque_id!(
    /// One raised budget.
    AllowanceId
);

/// The address of a unit, the smallest thing that can be destroyed alone: a bucket of the
/// keyring and one of its 1,024 slots.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct UnitId(u64);

impl UnitId {
    /// Slots in one bucket.
    pub const SLOTS: u16 = 1024;

    /// The unit in `slot` of `bucket`; `None` where the slot does not exist.
    pub const fn new(bucket: u32, slot: u16) -> Option<Self> {
        if slot < Self::SLOTS {
            Some(Self(((bucket as u64) << 10) | slot as u64))
        } else {
            None
        }
    }
    /// The unit with this number, as read back from storage.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }
    /// The number that stands in associated data and in logs.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
    /// The bucket.
    pub const fn bucket(self) -> u32 {
        (self.0 >> 10) as u32
    }
    /// The slot, below [`UnitId::SLOTS`].
    pub const fn slot(self) -> u16 {
        (self.0 & 1023) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_bad_text_is_refused() {
        let id = CaseId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse::<CaseId>(), Ok(id));
        for bad in [
            "",
            "x",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "../../../../etc/passwd/abcd",
            "가나다라마바사",
        ] {
            assert_eq!(bad.parse::<CaseId>(), Err(BadId), "{bad}");
        }
    }

    #[test]
    fn unit_holds_bucket_and_slot() {
        let unit = UnitId::new(70_000, 1023).unwrap();
        assert_eq!((unit.bucket(), unit.slot()), (70_000, 1023));
        assert!(UnitId::new(0, 1024).is_none());
    }
}
