//! The sealed part of an entry: from where, which cases and people, why. It dies with its month.

use std::net::IpAddr;

use crate::authn::session::Origin;
use crate::crypto::envelope::Place;
use crate::domain::id::{AccountId, CaseId, EntryId, RecordId, UnitId};
use crate::domain::limit::VALUE_BYTES_MAX;
use crate::domain::secret::SecretBytes;
use crate::domain::tier::Tier;
use crate::engine::Space;

use super::entry::BadEntry;

/// Format of the body.
const VERSION: u8 = 1;
/// Format of one that says who held a case before and after: the same, and that behind it.
const HANDED_ON: u8 = 2;
/// Longest reason, in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 4096;
/// Longest device text, in bytes of UTF-8.
pub const DEVICE_BYTES_MAX: usize = 64;

/// Who held a case before a change, and who holds it from then on: assignees and desk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    /// Whether somebody has it from then on who had not, and others had.
    pub fn takes_over(&self, account: AccountId) -> bool {
        let others = !self.before.is_empty() && !self.before.contains(&account);
        others && self.after.contains(&account)
    }
}

/// What the body of an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Who held the case, where it was handed on; entries of 0.3.0 do not say it.
    pub handed: Option<Box<Handed>>,
}

/// The fields of every format, in their order.
type Fields = (
    Option<IpAddr>,
    String,
    Vec<CaseId>,
    Vec<UnitId>,
    Vec<UnitId>,
    Option<String>,
    Option<String>,
);

/// What goes into a body, borrowed from whoever acts.
pub(super) struct Parts<'a> {
    pub(super) origin: &'a Origin,
    pub(super) cases: &'a [CaseId],
    pub(super) units: &'a [UnitId],
    pub(super) people: &'a [UnitId],
    pub(super) reason: Option<&'a str>,
    pub(super) query: Option<&'a str>,
    pub(super) handed: Option<&'a Handed>,
}

impl Parts<'_> {
    /// `version ‖ postcard(body)`, and behind it who held the case, where it was handed on.
    pub(super) fn encode(&self) -> Result<SecretBytes, BadEntry> {
        if self.reason.is_some_and(|r| r.len() > REASON_BYTES_MAX) {
            return Err(BadEntry("the reason is longer than an entry holds"));
        }
        if self.origin.device.len() > DEVICE_BYTES_MAX {
            return Err(BadEntry("the device text is longer than an entry holds"));
        }
        let holders = self
            .handed
            .map_or(0, |handed| handed.before.len() + handed.after.len());
        let ids = 16 * (self.cases.len() + holders) + 6 * (self.units.len() + self.people.len());
        let mut out = Vec::with_capacity(128 + ids + self.reason.map_or(0, str::len));
        out.push(self.handed.map_or(VERSION, |_| HANDED_ON));
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
            .and_then(|out| match self.handed {
                Some(handed) => postcard::to_extend(handed, out),
                None => Ok(out),
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
    /// Reads what [`Parts::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadEntry> {
        const UNREAD: BadEntry = BadEntry("a body that cannot be read");
        let (version, rest) = match bytes.split_first() {
            Some((&version @ (VERSION | HANDED_ON), rest)) => (version, rest),
            _ => return Err(BadEntry("a body of an unknown version")),
        };
        let (fields, rest) = postcard::take_from_bytes::<Fields>(rest).map_err(|_| UNREAD)?;
        let (handed, rest) = if version == HANDED_ON {
            let (handed, rest) = postcard::take_from_bytes(rest).map_err(|_| UNREAD)?;
            (Some(Box::new(handed)), rest)
        } else {
            (None, rest)
        };
        if !rest.is_empty() {
            return Err(UNREAD);
        }
        let (address, device, cases, units, people, reason, query) = fields;
        Ok(Self {
            address,
            device,
            cases,
            units,
            people,
            reason,
            query,
            handed,
        })
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
            handed: None,
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
            handed: None,
        };
        assert_eq!(Body::decode(bytes.expose()).as_ref(), Ok(&body));
        assert!(Body::decode(&[bytes.expose(), b"x"].concat()).is_err());
        assert!(Body::decode(&[2]).is_err() && Body::decode(&[3]).is_err());

        let handed = Handed {
            before: vec![AccountId::from_bytes([8; 16])],
            after: Vec::new(),
        };
        let parts = Parts {
            handed: Some(&handed),
            ..parts
        };
        let bytes = parts.encode().unwrap();
        let behind = ["01", &"08".repeat(16), "00"].concat();
        let golden = ["02", golden.strip_prefix("01").unwrap(), &behind].concat();
        assert_eq!(data_encoding::HEXLOWER.encode(bytes.expose()), golden);
        let body = Body {
            handed: Some(Box::new(handed.clone())),
            ..body
        };
        assert_eq!(Body::decode(bytes.expose()).as_ref(), Ok(&body));
        assert!(Body::decode(&[bytes.expose(), b"x"].concat()).is_err());
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
                handed: None,
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
