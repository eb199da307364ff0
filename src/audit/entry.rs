//! The canonical bytes of an entry: what is hashed into the tree and must read the same in ten
//! years.
//!
//! A leaf is `version ‖ suite ‖ fields ‖ SHA-256(sealed body)`. Every field is there exactly once,
//! in the order of its tag, as `tag (1) ‖ length (2, big endian) ‖ value`; numbers are big endian.
//! What personal data there is (address, device, ids of cases and people, reason) lies in the
//! sealed body, so that it can be destroyed while the proofs still hold.

use std::sync::Arc;

use ring::digest::{SHA256, digest};

use crate::domain::id::{AccountId, EntryId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::CLOCK_BACK;

use super::Outcome;

/// Format of the leaf.
pub const VERSION: u8 = 1;
/// Suite: SHA-256 in the leaf, the body sealed by the envelope of the same suite.
pub const SUITE: u8 = 1;
/// Where the committer stamps time and flags: the value of field `TIME`.
pub const STAMP_AT: usize = 24;
/// Most policies that one entry names.
pub const POLICIES_MAX: usize = 32;
/// Longest policy id, in bytes.
pub const POLICY_BYTES_MAX: usize = 128;

/// Tags, in the order in which the fields stand.
mod tag {
    pub(super) const ID: u8 = 1;
    pub(super) const TIME: u8 = 2;
    pub(super) const BOOT: u8 = 3;
    pub(super) const ACTOR: u8 = 4;
    pub(super) const ROLES: u8 = 5;
    pub(super) const TASK: u8 = 6;
    pub(super) const PURPOSE: u8 = 7;
    pub(super) const DECISION: u8 = 8;
    pub(super) const POLICIES: u8 = 9;
    pub(super) const POLICY_SET: u8 = 10;
    pub(super) const COUNTS: u8 = 11;
    pub(super) const RESULT: u8 = 12;
    pub(super) const EPOCH: u8 = 13;
}

/// What the policies said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing was asked of them: log-ins and the like.
    None,
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
}

impl Decision {
    const fn byte(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Allow => 1,
            Self::Deny => 2,
        }
    }
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::None, Self::Allow, Self::Deny]
            .into_iter()
            .find(|d| d.byte() == byte)
    }
}

/// How much a task touched or showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Distinct cases.
    pub cases: u32,
    /// Distinct people (처리한 정보주체).
    pub people: u32,
    /// Bytes of plaintext.
    pub bytes: u64,
}

/// The plain part of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The entry.
    pub id: EntryId,
    /// When (접속일시); zero until the committer has stamped it.
    pub time: Timestamp,
    /// Whether the wall clock had gone back, so that `time` is that of the entry before.
    pub clock_back: bool,
    /// Which run of the process wrote it: 16 random bytes, drawn when the log is opened.
    pub boot: [u8; 16],
    /// Who (식별자); `None` where nobody is known, as for an unknown login name.
    pub actor: Option<AccountId>,
    /// Their roles at that moment.
    pub roles: Roles,
    /// What was done (수행업무).
    pub task: Task,
    /// For what.
    pub purpose: Option<Purpose>,
    /// What the policies said.
    pub decision: Decision,
    /// Ids of the policies that decided; at most [`POLICIES_MAX`] of [`POLICY_BYTES_MAX`] bytes.
    pub policies: Arc<[String]>,
    /// SHA-256 of the policy set; zeros where none was asked.
    pub policy_set: [u8; 32],
    /// How much.
    pub counts: Counts,
    /// How it ended.
    pub outcome: Outcome,
    /// The unit under which the body is sealed; `None` where there is no body.
    pub epoch: Option<UnitId>,
    /// SHA-256 of the sealed body; of nothing where there is no body.
    pub body_hash: [u8; 32],
}

/// Bytes that are not an entry in its one canonical form, or an entry that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical access-log entry: {0}")]
pub struct BadEntry(pub &'static str);

/// `SHA-256(sealed body)`.
pub fn hash_body(sealed: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, sealed).as_ref()) {
        *to = *from;
    }
    hash
}

impl Header {
    /// The leaf: the only bytes that decode to this header.
    pub fn encode(&self) -> Result<Vec<u8>, BadEntry> {
        if self.epoch.is_none() && self.body_hash != hash_body(&[]) {
            return Err(BadEntry("a body without the unit that seals it"));
        }
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&[VERSION, SUITE]);
        field(&mut out, tag::ID, self.id.as_bytes());
        let mut time = [0; 9];
        if let Some((flags, millis)) = time.split_last_mut() {
            millis.copy_from_slice(&self.time.as_millis().to_be_bytes());
            *flags = if self.clock_back { CLOCK_BACK } else { 0 };
        }
        field(&mut out, tag::TIME, &time);
        field(&mut out, tag::BOOT, &self.boot);
        field(
            &mut out,
            tag::ACTOR,
            self.actor.as_ref().map_or(&[0; 16], |id| id.as_bytes()),
        );
        field(&mut out, tag::ROLES, &self.roles.bits().to_be_bytes());
        field(&mut out, tag::TASK, &[self.task.byte()]);
        field(
            &mut out,
            tag::PURPOSE,
            &[self.purpose.map_or(0, Purpose::byte)],
        );
        field(&mut out, tag::DECISION, &[self.decision.byte()]);
        policies(&mut out, &self.policies)?;
        field(&mut out, tag::POLICY_SET, &self.policy_set);
        counts(&mut out, self.counts);
        field(&mut out, tag::RESULT, &[self.outcome.byte()]);
        match self.epoch {
            Some(unit) => field(&mut out, tag::EPOCH, &unit.as_u64().to_be_bytes()),
            None => field(&mut out, tag::EPOCH, &[]),
        }
        out.extend_from_slice(&self.body_hash);
        Ok(out)
    }

    /// Reads a leaf. Bytes that would not be written exactly so are refused.
    pub fn decode(leaf: &[u8]) -> Result<Self, BadEntry> {
        let header = Self::read(&mut Reader(leaf))?;
        if header.encode()?.as_slice() == leaf {
            Ok(header)
        } else {
            Err(BadEntry("another form of the same content"))
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, BadEntry> {
        if from.array()? != [VERSION, SUITE] {
            return Err(BadEntry("unknown version or suite"));
        }
        let id = EntryId::from_bytes(from.fixed(tag::ID)?);
        let mut time = Reader(from.field(tag::TIME)?);
        let millis = i64::from_be_bytes(time.array()?);
        let [flags] = time.array()?;
        let boot = from.fixed(tag::BOOT)?;
        let actor: [u8; 16] = from.fixed(tag::ACTOR)?;
        let roles = Roles::from_bits(u16::from_be_bytes(from.fixed(tag::ROLES)?));
        let [task] = from.fixed(tag::TASK)?;
        let [purpose] = from.fixed(tag::PURPOSE)?;
        let [decision] = from.fixed(tag::DECISION)?;
        let policies = from.policies()?;
        let policy_set = from.fixed(tag::POLICY_SET)?;
        let mut counts = Reader(from.field(tag::COUNTS)?);
        let counts = Counts {
            cases: u32::from_be_bytes(counts.array()?),
            people: u32::from_be_bytes(counts.array()?),
            bytes: u64::from_be_bytes(counts.array()?),
        };
        let [outcome] = from.fixed(tag::RESULT)?;
        let epoch = match from.field(tag::EPOCH)? {
            [] => None,
            unit => Some(UnitId::from_u64(u64::from_be_bytes(Reader(unit).array()?))),
        };
        Ok(Self {
            id,
            time: Timestamp::from_millis(millis),
            clock_back: flags == CLOCK_BACK,
            boot,
            actor: (actor != [0; 16]).then(|| AccountId::from_bytes(actor)),
            roles,
            task: Task::from_byte(task).ok_or(BadEntry("unknown task"))?,
            purpose: match purpose {
                0 => None,
                byte => Some(Purpose::from_byte(byte).ok_or(BadEntry("unknown purpose"))?),
            },
            decision: Decision::from_byte(decision).ok_or(BadEntry("unknown decision"))?,
            policies,
            policy_set,
            counts,
            outcome: Outcome::from_byte(outcome).ok_or(BadEntry("unknown result"))?,
            epoch,
            body_hash: from.array()?,
        })
    }
}

/// Every value is far below the length that two bytes hold: fixed, or bounded by [`policies`].
fn field(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.push(tag);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
}

fn policies(out: &mut Vec<u8>, ids: &[String]) -> Result<(), BadEntry> {
    if ids.len() > POLICIES_MAX || ids.iter().any(|id| id.len() > POLICY_BYTES_MAX) {
        return Err(BadEntry("more or longer policy ids than an entry holds"));
    }
    let mut value = Vec::with_capacity(64);
    for id in ids {
        value.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        value.extend_from_slice(id.as_bytes());
    }
    field(out, tag::POLICIES, &value);
    Ok(())
}

fn counts(out: &mut Vec<u8>, counts: Counts) {
    let mut value = Vec::with_capacity(16);
    value.extend_from_slice(&counts.cases.to_be_bytes());
    value.extend_from_slice(&counts.people.to_be_bytes());
    value.extend_from_slice(&counts.bytes.to_be_bytes());
    field(out, tag::COUNTS, &value);
}

/// What is left to read. Left-over bytes inside a field show when the header is encoded again.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BadEntry> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(BadEntry("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadEntry> {
        self.take(N)?.try_into().map_err(|_| BadEntry("cut short"))
    }
    fn field(&mut self, tag: u8) -> Result<&'a [u8], BadEntry> {
        if self.array()? != [tag] {
            return Err(BadEntry("a field is missing or out of order"));
        }
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length))
    }
    fn fixed<const N: usize>(&mut self, tag: u8) -> Result<[u8; N], BadEntry> {
        self.field(tag)?
            .try_into()
            .map_err(|_| BadEntry("a field of the wrong length"))
    }
    fn policies(&mut self) -> Result<Arc<[String]>, BadEntry> {
        let mut value = Reader(self.field(tag::POLICIES)?);
        let mut ids = Vec::new();
        while !value.0.is_empty() {
            let [length] = value.array()?;
            let id = value.take(usize::from(length))?.to_vec();
            ids.push(String::from_utf8(id).map_err(|_| BadEntry("a policy id is not text"))?);
        }
        Ok(ids.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::role::Role;
    use crate::engine::memory::MemoryEngine;
    use crate::engine::{Append, Batch, Engine, Log};

    fn sample() -> Header {
        Header {
            id: EntryId::from_bytes([0x11; 16]),
            time: Timestamp::from_millis(0x0102_0304_0506),
            clock_back: true,
            boot: [0x22; 16],
            actor: Some(AccountId::from_bytes([0x33; 16])),
            roles: Roles::new([Role::HumanRightsOfficer]).unwrap(),
            task: Task::Read,
            purpose: Some(Purpose::Handling),
            decision: Decision::Allow,
            policies: vec!["read.assignee".to_owned(), "b".to_owned()].into(),
            policy_set: [0x44; 32],
            counts: Counts {
                cases: 1,
                people: 2,
                bytes: 3,
            },
            outcome: Outcome::Done,
            epoch: UnitId::new(7, 9),
            body_hash: [0x55; 32],
        }
    }

    fn golden() -> String {
        [
            "0101",
            "010010",
            &"11".repeat(16),
            "020009000001020304050601",
            "030010",
            &"22".repeat(16),
            "040010",
            &"33".repeat(16),
            "0500020008",
            "06000102",
            "07000101",
            "08000101",
            "0900100d726561642e61737369676e65650162",
            "0a0020",
            &"44".repeat(32),
            "0b001000000001000000020000000000000003",
            "0c000101",
            "0d00080000000000001c09",
            &"55".repeat(32),
        ]
        .concat()
    }

    #[test]
    fn bytes_are_those_written_down() {
        let leaf = sample().encode().unwrap();
        assert_eq!(data_encoding::HEXLOWER.encode(&leaf), golden());
        assert_eq!(Header::decode(&leaf), Ok(sample()));
    }

    #[test]
    fn nobody_and_nothing_round_trip() {
        let header = Header {
            actor: None,
            purpose: None,
            policies: Arc::default(),
            epoch: None,
            body_hash: hash_body(&[]),
            outcome: Outcome::Refused,
            ..sample()
        };
        let leaf = header.encode().unwrap();
        assert_eq!(Header::decode(&leaf), Ok(header));
    }

    /// Whatever decodes is what would be written; so no two leaves mean the same.
    #[test]
    fn every_changed_bit_is_refused_or_means_something_else() {
        let leaf = sample().encode().unwrap();
        let mut refused = 0;
        for at in 0..leaf.len() {
            for bit in 0..8 {
                let mut other = leaf.clone();
                other[at] ^= 1 << bit;
                match Header::decode(&other) {
                    Ok(header) => {
                        assert_ne!(header, sample(), "byte {at} bit {bit}");
                        assert_eq!(header.encode().unwrap(), other);
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 13 * 3 * 8 / 2, "tags and lengths must be refused");
        for cut in 0..leaf.len() {
            assert!(Header::decode(&leaf[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Header::decode(&[&leaf[..], b"x"].concat()).is_err());
    }

    #[test]
    fn non_canonical_flags_roles_and_bodies_are_refused() {
        let leaf = sample().encode().unwrap();
        let flags = STAMP_AT + 8;
        assert_eq!(leaf[flags], CLOCK_BACK);
        for (at, byte) in [(flags, 2u8), (flags, 3), (74, 0x80)] {
            let mut other = leaf.clone();
            other[at] = byte;
            assert!(Header::decode(&other).is_err(), "{at}");
        }
        let bare = Header {
            epoch: None,
            ..sample()
        };
        assert!(bare.encode().is_err());
    }

    #[test]
    fn policy_ids_are_bounded() {
        let with = |ids: Vec<String>| Header {
            policies: ids.into(),
            ..sample()
        };
        let most = with(vec!["p".repeat(POLICY_BYTES_MAX); POLICIES_MAX]);
        assert_eq!(Header::decode(&most.encode().unwrap()), Ok(most));
        assert!(with(vec!["p".into(); POLICIES_MAX + 1]).encode().is_err());
        let long = "p".repeat(POLICY_BYTES_MAX + 1);
        assert!(with(vec![long]).encode().is_err());
    }

    #[test]
    fn the_committer_stamps_where_the_header_keeps_its_time() {
        let clock = crate::domain::time::SteppedClock::at(Timestamp::from_millis(77));
        let engine = MemoryEngine::new(Arc::new(clock));
        let append = Append {
            log: Log::Access,
            leaf: sample().encode().unwrap(),
            stamp_at: Some(STAMP_AT),
            body: Vec::new(),
        };
        let batch = Batch {
            append: vec![append],
            ..Batch::default()
        };
        engine.commit(batch).wait().unwrap();
        let leaf = engine
            .leaves(Log::Access, 0, crate::domain::limit::Limit::rows(1))
            .unwrap();
        let stamped = Header {
            time: Timestamp::from_millis(77),
            clock_back: false,
            ..sample()
        };
        assert_eq!(Header::decode(&leaf[0].leaf), Ok(stamped));
    }
}
