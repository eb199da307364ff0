//! The access log (접속기록): what was done, by whom, why and from where, durable before any byte
//! of a case leaves, and provable offline.
//!
//! An entry is a leaf of an RFC 6962 tree: a plain header ([`entry`]) and the hash of a sealed
//! body ([`body`]). It is committed in the same batch as what it writes, and a [`Receipt`] comes
//! only from the commit. Trees, checkpoints and bundles follow behind, never on the way of a read.

pub mod about;
pub mod body;
pub mod bundle;
mod chance;
mod checkpoint;
pub mod entry;
mod epoch;
pub mod manifest;
pub mod note;
pub mod own;
pub mod pass;
pub mod query;
mod receipt;
mod recount;
mod sealer;
mod tree;
pub mod usage;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use ring::hmac;

use crate::authn::session::Origin;
use crate::authz::action::Action;
use crate::authz::{Denied, Permit};
use crate::domain::id::{AccountId, CaseId, UnitId};
use crate::domain::purpose::Purpose;
use crate::domain::random::Random;
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::domain::time::{Clock, Timestamp};
use crate::engine::{Batch, CommitError, Committed, Engine, EngineError, Log, Pending};
use crate::keyring::{Floor, Keyring, KeyringError, ServerKey};

use chance::Blocks;
use checkpoint::Publisher;
use epoch::Epochs;
use note::Note;
use sealer::{Act, Sealer};
use usage::{Charge, Usage};

pub use receipt::{Position, Receipt, Refused};

/// What a task touched or showed: the exact counts of the entry come from here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// The cases.
    pub cases: Vec<CaseId>,
    /// The units opened or written.
    pub units: Vec<UnitId>,
    /// The person units among them: whose data it was (처리한 정보주체).
    pub people: Vec<UnitId>,
    /// Bytes of plaintext.
    pub bytes: u64,
    /// Why, in the actor's words; sealed.
    pub reason: Option<String>,
    /// Kind of query, such as `list` or `entries`; never its values.
    pub query: Option<&'static str>,
    /// What it notes of rights and second persons; sealed.
    pub notes: Vec<Note>,
}

/// How a task ended that needs no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It happened.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// The byte in a log entry; never reassigned.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Done => 1,
            Self::Refused => 2,
        }
    }
    /// The outcome with this byte.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Done, Self::Refused]
            .into_iter()
            .find(|o| o.byte() == byte)
    }
}

/// A task without a permit: log-ins, failures, log-outs, enrolment, unsealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub task: Task,
    /// How it ended.
    pub outcome: Outcome,
    /// Who, where known; an unknown login name leaves none.
    pub actor: Option<AccountId>,
    /// Their roles.
    pub roles: Roles,
    /// From where.
    pub origin: Origin,
    /// For what.
    pub purpose: Option<Purpose>,
    /// Further opaque detail for the sealed body, such as the fingerprint of a new key.
    pub reason: Option<String>,
}

/// The entry could not be made durable, so nothing may be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The batch did not, or not certainly, happen.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The entry could not be sealed.
    #[error("the access log cannot be written: {0}")]
    Unavailable(String),
    /// The log is shorter than, or differs from, what the keyring or a checkpoint vouches for.
    #[error("a log was cut back or changed: {0}")]
    Regressed(String),
    /// Outside the log.
    #[error("no such entry or size")]
    Range,
}

impl LogError {
    /// Whatever kept an entry from being written or read.
    fn unavailable(why: impl std::fmt::Display) -> Self {
        Self::Unavailable(why.to_string())
    }
    /// There is no room, wherever it was missed.
    fn disk_full() -> Self {
        Self::Commit(EngineError::DiskFull.into())
    }
    /// The keyring gave no unit.
    fn no_unit(why: KeyringError) -> Self {
        match why {
            KeyringError::DiskFull => Self::disk_full(),
            other => Self::unavailable(other),
        }
    }
    /// Stored bytes that could not be read: damage is told as damage, by its place.
    fn unreadable(why: EngineError) -> Self {
        match why {
            EngineError::Damaged(place) => Self::Regressed(place),
            EngineError::DiskFull => Self::disk_full(),
            other => Self::unavailable(other),
        }
    }
}

/// Receipts in the order of their permits, and what became of the batch.
pub type Recorded<A> = (Vec<Receipt<A>>, Committed);

/// The access log of an open store, and the trees and checkpoints of both logs.
pub struct AccessLog {
    engine: Arc<dyn Engine>,
    sealer: Sealer,
    publisher: Publisher,
    usage: Usage,
}

impl AccessLog {
    /// Opens the log: catches up the hash files in `dir`, checks both logs against the keyring's
    /// floor and the last published checkpoints, makes this month's epoch, and counts what was
    /// disclosed in the last window. The checkpoints of
    /// empty logs are signed here, before the first entry.
    pub fn open(
        engine: Arc<dyn Engine>,
        keyring: Arc<Keyring>,
        dir: &Path,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LogError> {
        let seed = keyring.log_signing_seed();
        let publisher = Publisher::open(engine.clone(), dir, &seed, &keyring.floor())?;
        let newest = query::newest_time(&*engine)?;
        let index = keyring.server_key(ServerKey::LogIndex);
        let index = hmac::Key::new(hmac::HMAC_SHA256, index.expose());
        let boot = random.array().map_err(LogError::unavailable)?;
        let blocks = Blocks::new(random.clone());
        let usage = Usage::new(clock.clone(), newest);
        let epochs = Epochs::open(engine.clone(), keyring, clock, random, newest)?;
        let log = Self {
            engine,
            sealer: Sealer::new(epochs, blocks, index, boot),
            publisher,
            usage,
        };
        log.recount()?;
        Ok(log)
    }

    /// Records a permitted task; the receipt releases what was opened for it. Seals on this
    /// thread; blocks on the store only for the first entry of a month.
    pub fn record<A: Action>(
        &self,
        permit: Permit<A>,
        shown: Shown,
    ) -> Pending<Result<Receipt<A>, LogError>> {
        let ticket = permit.ticket();
        let act = Act::allowed(A::TASK, permit.basis(), shown);
        self.write([act], Batch::default(), move |committed| {
            Ok(Receipt::mint(ticket, position(&committed, 0)?))
        })
    }

    /// The same, with the data that it writes, in one atomic batch. The entry is leaf 0 of the
    /// batch: marks of `batch` count from there, and ledger leaves that it appends come behind.
    pub fn record_with<A: Action>(
        &self,
        permit: Permit<A>,
        shown: Shown,
        batch: Batch,
    ) -> Pending<Result<(Receipt<A>, Committed), LogError>> {
        let ticket = permit.ticket();
        let act = Act::allowed(A::TASK, permit.basis(), shown);
        self.write([act], batch, move |committed| {
            let receipt = Receipt::mint(ticket, position(&committed, 0)?);
            Ok((receipt, committed))
        })
    }

    /// Many permits, one entry each, one batch: entry i is leaf i.
    pub fn record_all<A: Action>(
        &self,
        permits: Vec<(Permit<A>, Shown)>,
        batch: Batch,
    ) -> Pending<Result<Recorded<A>, LogError>> {
        let mut tickets = Vec::with_capacity(permits.len());
        let mut bases = Vec::with_capacity(permits.len());
        for (permit, shown) in permits {
            tickets.push(permit.ticket());
            bases.push((permit, shown));
        }
        let acts = bases
            .iter_mut()
            .map(|(permit, shown)| Act::allowed(A::TASK, permit.basis(), std::mem::take(shown)));
        self.write(acts, batch, move |committed| {
            let receipts = tickets
                .into_iter()
                .enumerate()
                .map(|(n, ticket)| Ok(Receipt::mint(ticket, position(&committed, n)?)))
                .collect::<Result<_, LogError>>()?;
            Ok((receipts, committed))
        })
    }

    /// Turns a denial into an answer.
    pub fn refuse<A: Action>(&self, denied: Denied<A>) -> Pending<Result<Refused, LogError>> {
        let act = Act::denied(A::TASK, denied.basis());
        self.write([act], Batch::default(), |committed| {
            Ok(Refused::mint(position(&committed, 0)?))
        })
    }

    /// Records a task without a permit, with what it writes. The entry is leaf 0 of the batch.
    pub fn event(
        &self,
        mut event: Event,
        batch: Batch,
    ) -> Pending<Result<(Position, Committed), LogError>> {
        let act = Act::happened(&mut event);
        self.write([act], batch, |committed| {
            Ok((position(&committed, 0)?, committed))
        })
    }

    /// The same about cases and people, which the entry names: what the store does by itself on an
    /// order that people gave.
    pub fn event_about(
        &self,
        mut event: Event,
        shown: Shown,
        batch: Batch,
    ) -> Pending<Result<(Position, Committed), LogError>> {
        let act = Act::happened_to(&mut event, shown);
        self.write([act], batch, |committed| {
            Ok((position(&committed, 0)?, committed))
        })
    }

    /// Seals every act, puts the entries before whatever `batch` appends, commits, and gives what
    /// `mint` makes of the answer: the one way into the log.
    fn write<'a, T: Send + 'static>(
        &self,
        acts: impl IntoIterator<Item = Act<'a>>,
        mut batch: Batch,
        mint: impl FnOnce(Committed) -> Result<T, LogError> + Send + 'static,
    ) -> Pending<Result<T, LogError>> {
        let behind = std::mem::take(&mut batch.append);
        let mut charges = Vec::new();
        for act in acts {
            charges.extend(self.charge(&act));
            if let Err(error) = self.sealer.enter(act, &mut batch) {
                charges.into_iter().for_each(Charge::release);
                return Pending::ready(Err(error));
            }
        }
        if batch.append.is_empty() || behind.iter().any(|a| a.log == Log::Access) {
            charges.into_iter().for_each(Charge::release);
            let why = "a batch brings no entry, or one that was not made here";
            return Pending::ready(Err(LogError::unavailable(why)));
        }
        batch.append.extend(behind);
        self.engine.commit(batch).map(move |answer| {
            // What may have happened counts; what certainly did not is given back.
            match &answer {
                Ok(_) | Err(CommitError::Unknown) => drop(charges),
                Err(_) => charges.into_iter().for_each(Charge::release),
            }
            answer.map_err(LogError::from).and_then(mint)
        })
    }

    fn charge(&self, act: &Act<'_>) -> Option<Charge> {
        let (account, load) = act.load()?;
        Some(self.usage.charge(account, load))
    }

    /// How much each person was shown in the last window.
    pub const fn usage(&self) -> &Usage {
        &self.usage
    }

    /// The state that the next open must find at the least: for `Keyring::set_floor`, at a clean
    /// stop and every few minutes.
    pub fn floor(&self) -> Result<Floor, LogError> {
        let access = self.publisher.head(Log::Access)?;
        let ledger = self.publisher.head(Log::Ledger)?;
        Ok(Floor {
            access_size: access.size,
            access_root: access.root.0,
            ledger_size: ledger.size,
            ledger_root: ledger.root.0,
        })
    }

    /// A signed checkpoint of the log as it is now, published before it is given out.
    pub fn checkpoint(&self, log: Log) -> Result<String, LogError> {
        self.publisher.publish(log).map(|(note, _)| note)
    }

    /// Signs the list of a backup, given as its bytes.
    pub fn vouch_for_backup(&self, backup: &str, list: &[u8]) -> Result<String, LogError> {
        self.publisher.vouch_for_backup(backup, list)
    }

    /// The checkpoint of `log` as it is now, with one more line that says what it is signed for.
    /// It takes back nothing and is not published. Gives the size that it vouches for.
    ///
    /// # Errors
    /// As [`AccessLog::checkpoint`].
    pub fn checkpoint_for(
        &self,
        log: Log,
        line: impl FnOnce(u64) -> Result<String, LogError>,
    ) -> Result<String, LogError> {
        self.publisher.sign_for(log, line)
    }

    /// Publishes the checkpoints of what has grown. To be called once a second.
    pub fn tick(&self) -> Result<(), LogError> {
        self.publisher.tick()
    }

    /// Time of the newest entry; `None` in an empty log.
    pub fn newest(&self) -> Result<Option<Timestamp>, LogError> {
        query::newest_time(&*self.engine)
    }

    /// The key that verifies the checkpoints of both logs, in the C2SP form: what an auditor
    /// keeps.
    pub fn verifier_key(&self) -> String {
        self.publisher.verifier_key()
    }
}

/// The public key of a keyring's logs, before any log is open.
pub fn verifier_key_of(keyring: &Keyring) -> Result<String, LogError> {
    checkpoint::verifier_key_of(&keyring.log_signing_seed())
}

/// Where entry `n` of a batch stands.
fn position(committed: &Committed, n: usize) -> Result<Position, LogError> {
    committed
        .leaves
        .get(n)
        .filter(|leaf| leaf.log == Log::Access)
        .map(|leaf| Position {
            index: leaf.index,
            size: leaf.size,
        })
        .ok_or_else(|| LogError::unavailable("the store does not say where an entry stands"))
}
