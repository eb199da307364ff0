//! The sealed part of an entry: from where, which cases and people, why. It dies with its month.

use std::net::IpAddr;

use crate::authn::session::Origin;
use crate::crypto::envelope::Place;
use crate::domain::id::{CaseId, EntryId, RecordId, UnitId};
use crate::domain::limit::VALUE_BYTES_MAX;
use crate::domain::secret::SecretBytes;
use crate::domain::tier::Tier;
use crate::engine::Space;

use super::entry::BadEntry;
use super::note::{Handed, Note};

/// Format of the body, and of its place.
const VERSION: u8 = 1;
/// Format of a body with notes behind the rest; from version 0.4.0 on.
const WITH_NOTES: u8 = 2;
/// Longest reason, in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 4096;
/// Longest device text, in bytes of UTF-8.
pub const DEVICE_BYTES_MAX: usize = 64;

/// What the body of an entry says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Body {
    /// Network address (접속지); `None` for the control socket.
    pub address: Option<IpAddr>,
    /// What the device said of itself.
    pub device: String,
    /// The cases touched or, in a denial, asked for.
    pub cases: Vec<CaseId>,
    /// The units opened or written.
    pub units: Vec<UnitId>,
    /// The person units among them (처리한 정보주체).
    pub people: Vec<UnitId>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// Kind of query.
    pub query: Option<String>,
    /// What it notes of rights, second persons and holders.
    #[serde(skip)]
    pub notes: Vec<Note>,
}

/// What goes into a body, borrowed from whoever acts.
pub(super) struct Parts<'a> {
    pub(super) origin: &'a Origin,
    pub(super) cases: &'a [CaseId],
    pub(super) units: &'a [UnitId],
    pub(super) people: &'a [UnitId],
    pub(super) reason: Option<&'a str>,
    pub(super) query: Option<&'a str>,
    pub(super) notes: &'a [Note],
}

impl Parts<'_> {
    /// `version ‖ postcard(body)`, and `‖ postcard(notes)` where there are any.
    pub(super) fn encode(&self) -> Result<SecretBytes, BadEntry> {
        if self.reason.is_some_and(|r| r.len() > REASON_BYTES_MAX) {
            return Err(BadEntry("the reason is longer than an entry holds"));
        }
        if self.origin.device.len() > DEVICE_BYTES_MAX {
            return Err(BadEntry("the device text is longer than an entry holds"));
        }
        let ids = 16 * self.cases.len() + 6 * (self.units.len() + self.people.len());
        let mut out = Vec::with_capacity(128 + ids + self.reason.map_or(0, str::len));
        let noted = !self.notes.is_empty();
        out.push(if noted { WITH_NOTES } else { VERSION });
        let fields = (
            self.origin.address,
            self.origin.device.as_str(),
            self.cases,
            self.units,
            self.people,
            self.reason,
            self.query,
        );
        let bytes = postcard::to_extend(&fields, out)
            .and_then(|out| match noted {
                true => postcard::to_extend(self.notes, out),
                false => Ok(out),
            })
            .map(SecretBytes::new)
            .map_err(|_| BadEntry("the body cannot be written"))?;
        // Padding adds at most a quarter; the sealed body must stay within one engine value.
        if bytes.expose().len() > VALUE_BYTES_MAX / 2 {
            return Err(BadEntry("more cases and people than one entry holds"));
        }
        Ok(bytes)
    }
}

impl Body {
    /// Who held the case, where it was handed on; entries of 0.3.0 do not say it.
    pub fn handed(&self) -> Option<&Handed> {
        self.notes.iter().find_map(|note| match note {
            Note::Handed(handed) => Some(handed),
            _ => None,
        })
    }
    /// Reads what [`Parts::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadEntry> {
        let bad = BadEntry("a body that cannot be read");
        let (noted, rest) = match bytes.split_first() {
            Some((&VERSION, rest)) => (false, rest),
            Some((&WITH_NOTES, rest)) => (true, rest),
            _ => return Err(BadEntry("a body of an unknown version")),
        };
        let (body, rest) = postcard::take_from_bytes::<Self>(rest).map_err(|_| bad)?;
        let (notes, rest) = match noted {
            true => postcard::take_from_bytes::<Vec<Note>>(rest).map_err(|_| bad)?,
            false => (Vec::new(), rest),
        };
        if !rest.is_empty() || noted == notes.is_empty() {
            return Err(bad);
        }
        Ok(Self { notes, ..body })
    }
}

/// Where the body of `entry` is sealed: its associated data.
pub(super) const fn place(epoch: UnitId, entry: EntryId) -> Place {
    Place {
        space: Space::AuditEpoch,
        unit: epoch,
        tier: Tier::Ordinary,
        record: RecordId::from_bytes(*entry.as_bytes()),
        field: 0,
        schema: VERSION as u16,
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::AccountId;
    use crate::domain::role::Roles;

    #[test]
    fn bytes_are_those_written_down_and_round_trip() {
        let origin = Origin {
            address: Some([192, 0, 2, 1].into()),
            device: "d".into(),
        };
        let parts = Parts {
            origin: &origin,
            cases: &[CaseId::from_bytes([7; 16])],
            units: &[UnitId::from_u64(300), UnitId::from_u64(1)],
            people: &[UnitId::from_u64(1)],
            reason: Some("why"),
            query: None,
            notes: &[],
        };
        let bytes = parts.encode().unwrap();
        let golden = [
            "01",
            "0100c0000201",
            "0164",
            &["01", &"07".repeat(16)].concat(),
            "02ac0201",
            "0101",
            "0103776879",
            "00",
        ]
        .concat();
        assert_eq!(data_encoding::HEXLOWER.encode(bytes.expose()), golden);
        let body = Body {
            address: origin.address,
            device: "d".into(),
            cases: parts.cases.to_vec(),
            units: parts.units.to_vec(),
            people: parts.people.to_vec(),
            reason: Some("why".into()),
            query: None,
            notes: Vec::new(),
        };
        assert_eq!(Body::decode(bytes.expose()), Ok(body.clone()));
        assert!(Body::decode(&[bytes.expose(), b"x"].concat()).is_err());
        assert!(Body::decode(&[3]).is_err());
        // The same with a note: of another version, with the notes behind.
        let notes = [Note::Rights {
            account: AccountId::from_bytes([9; 16]),
            roles: Roles::from_bits(0x81),
        }];
        let noted = Parts {
            notes: &notes,
            ..parts
        };
        let noted = noted.encode().unwrap();
        let golden = ["02", &golden[2..], "01", "04", &"09".repeat(16), "8101"].concat();
        assert_eq!(data_encoding::HEXLOWER.encode(noted.expose()), golden);
        let with = Body {
            notes: notes.to_vec(),
            ..body
        };
        assert_eq!(Body::decode(noted.expose()), Ok(with));
        assert!(Body::decode(&[noted.expose(), b"x"].concat()).is_err());
        // One content has one form: without a note it is of the version before.
        let empty = [&[2], &bytes.expose()[1..], &[0]].concat();
        assert!(Body::decode(&empty).is_err());
    }

    #[test]
    fn reason_device_and_size_are_bounded() {
        let encode = |device: usize, reason: usize, cases: usize| {
            let origin = Origin {
                address: None,
                device: "d".repeat(device),
            };
            Parts {
                origin: &origin,
                cases: &vec![CaseId::from_bytes([7; 16]); cases],
                units: &[],
                people: &[],
                reason: Some(&"r".repeat(reason)),
                query: None,
                notes: &[],
            }
            .encode()
            .is_ok()
        };
        assert!(encode(DEVICE_BYTES_MAX, REASON_BYTES_MAX, 2_000));
        assert!(!encode(DEVICE_BYTES_MAX + 1, 0, 0));
        assert!(!encode(0, REASON_BYTES_MAX + 1, 0));
        assert!(!encode(0, 0, 40_000));
    }
}
