//! What auditors see: entries newest first, read only against the receipt of the query itself.

use std::fmt::Display;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::authz::action::ReadLog;
use crate::crypto::envelope;
use crate::domain::id::{AccountId, CaseId, EntryId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::purpose::Purpose;
use crate::domain::role::Roles;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{Engine, Key, KeyRange, Leaf, Log, Space};
use crate::merkle::tree::leaf_hash;

use super::body::{self, Body};
use super::entry::{Counts, Decision, Header, hash_body};
use super::epoch::Keys;
use super::note::NoteRow;
use super::tree::Tree;
use super::{AccessLog, LogError, Outcome, Receipt};

/// Entries looked at in one call; then a cursor is given, found or not.
pub(super) const BUDGET: u64 = 4096;
/// Entries read from the engine at once.
const CHUNK: u64 = 128;

/// Which entries. Empty means every one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Query {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// By whom.
    pub account: Option<AccountId>,
    /// About which case.
    pub case: Option<CaseId>,
    /// What was done.
    pub task: Option<Task>,
    /// The one that stands there.
    pub index: Option<u64>,
}

/// From where an entry's act came (접속지).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Network address; `None` for the control socket.
    pub address: Option<IpAddr>,
    /// What the device said of itself.
    pub device: String,
}

/// One entry. What came from the body is `None` once its month has been destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Index in the log.
    pub index: u64,
    /// The entry.
    #[serde(serialize_with = "text")]
    pub id: EntryId,
    /// When, RFC 3339 in the office's zone.
    #[serde(serialize_with = "rfc3339")]
    pub time: Timestamp,
    /// Whether the wall clock had gone back.
    pub clock_back: bool,
    /// Who.
    #[serde(serialize_with = "text_or_null")]
    pub account: Option<AccountId>,
    /// Their roles at that moment.
    pub roles: Roles,
    /// What was done.
    pub task: Task,
    /// For what.
    pub purpose: Option<Purpose>,
    /// What the policies said.
    pub decision: Decision,
    /// Which policies decided.
    pub policies: Vec<String>,
    /// SHA-256 of the policy set, in hexadecimal; `None` where none was asked.
    pub policy_set: Option<String>,
    /// How much.
    pub counts: Counts,
    /// How it ended.
    pub result: Outcome,
    /// From where.
    pub source: Option<Source>,
    /// The cases touched or asked for: opaque ids.
    #[serde(serialize_with = "texts")]
    pub cases: Option<Vec<CaseId>>,
    /// The people whose data it was: their units.
    #[serde(serialize_with = "units")]
    pub people: Option<Vec<UnitId>>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// Kind of query.
    pub query: Option<String>,
    /// What it notes of rights, second persons and holders.
    pub notes: Option<Vec<NoteRow>>,
}

fn text<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}
#[expect(clippy::ref_option, reason = "the shape that serde calls")]
fn text_or_null<S: Serializer>(value: &Option<impl Display>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(ToString::to_string).serialize(to)
}
fn rfc3339<S: Serializer>(value: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&value.rfc3339())
}
#[expect(clippy::ref_option, reason = "the shape that serde calls")]
fn texts<S: Serializer>(values: &Option<Vec<impl Display>>, to: S) -> Result<S::Ok, S::Error> {
    let texts = values.as_ref().map(|v| v.iter().map(ToString::to_string));
    texts.map(Vec::from_iter).serialize(to)
}
#[expect(clippy::ref_option, reason = "the shape that serde calls")]
fn units<S: Serializer>(values: &Option<Vec<UnitId>>, to: S) -> Result<S::Ok, S::Error> {
    let numbers = values
        .as_ref()
        .map(|v| v.iter().map(|u| u.as_u64().to_string()));
    numbers.map(Vec::from_iter).serialize(to)
}

/// A page of entries, newest first, and the cursor of the next page if there may be one.
pub type Entries = (Vec<Row>, Option<u64>);

pub(super) fn changed(index: u64, what: impl Display) -> LogError {
    LogError::Regressed(format!("entry {index}: {what}"))
}

pub(super) fn header(index: u64, leaf: &[u8]) -> Result<Header, LogError> {
    Header::decode(leaf).map_err(|e| changed(index, e))
}

pub(super) fn leaf_at(engine: &dyn Engine, index: u64) -> Result<Leaf, LogError> {
    let leaves = engine
        .leaves(Log::Access, index, Limit::rows(1))
        .map_err(LogError::unreadable)?;
    let leaf = leaves.into_iter().next();
    leaf.ok_or_else(|| changed(index, "it cannot be read back"))
}

/// Time of the newest entry; `None` in an empty log.
pub(super) fn newest_time(engine: &dyn Engine) -> Result<Option<Timestamp>, LogError> {
    let Some(last) = engine.log_size(Log::Access).checked_sub(1) else {
        return Ok(None);
    };
    header(last, &leaf_at(engine, last)?.leaf).map(|h| Some(h.time))
}

/// First index below `end` whose entry is not before `time`; entry times never decrease.
pub(super) fn first_not_before(
    engine: &dyn Engine,
    time: Timestamp,
    end: u64,
) -> Result<u64, LogError> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if header(middle, &leaf_at(engine, middle)?.leaf)?.time < time {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

impl AccessLog {
    /// Where the entries about a case stand, oldest first: places alone, no entry is read. It
    /// needs the case's id and nothing of the case, so it answers also when that is destroyed.
    ///
    /// # Errors
    /// [`LogError`] where the index cannot be read.
    pub fn places_about(&self, case: CaseId) -> Result<Vec<u64>, LogError> {
        let prefix = self.sealer.index_prefix(case.as_bytes());
        let most = Limit::rows(usize::try_from(BUDGET).unwrap_or(usize::MAX));
        let mut range = KeyRange::prefix(&prefix);
        let mut places = Vec::new();
        loop {
            let page = self
                .engine
                .scan(Space::LogByCase, range.clone(), most)
                .map_err(LogError::unreadable)?;
            for (key, _) in &page.rows {
                range = range.after(key.as_bytes());
                let place = key.as_bytes().last_chunk::<8>().copied();
                places.extend(place.map(u64::from_be_bytes));
            }
            if !page.more {
                return Ok(places);
            }
        }
    }

    /// Entries that match `query`, newest first: at most `limit`, from those below `before` (the
    /// cursor of the page before). The query is an entry itself, and `receipt` proves it; only
    /// what the log held before that entry is shown. A page may be short, even empty, and still
    /// have a cursor: the work of one call is bounded.
    pub fn entries(
        &self,
        receipt: &Receipt<ReadLog>,
        query: &Query,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Entries, LogError> {
        self.entries_within(BUDGET, receipt, query, before, limit)
    }

    /// The same, looking at no more than `budget` entries.
    pub(super) fn entries_within(
        &self,
        budget: u64,
        receipt: &Receipt<ReadLog>,
        query: &Query,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Entries, LogError> {
        let mut end = receipt.position().index;
        end = before.map_or(end, |before| before.min(end));
        if let Some(to) = query.to {
            end = first_not_before(&*self.engine, to, end)?;
        }
        let mut start = match query.from {
            Some(from) => first_not_before(&*self.engine, from, end)?,
            None => 0,
        };
        if let Some(index) = query.index {
            start = start.max(index);
            end = end.min(index.saturating_add(1));
        }
        let search = Search {
            log: self,
            query,
            keys: self.sealer.epochs.keys()?,
            limit: limit.get(),
            budget,
            start,
        };
        let index = match (&query.case, &query.account) {
            (Some(case), _) => Some((Space::LogByCase, case.as_bytes())),
            (None, Some(account)) => Some((Space::LogByActor, account.as_bytes())),
            (None, None) => None,
        };
        match index {
            Some((space, id)) => search.by_index(space, &self.sealer.index_prefix(id), end),
            None => search.by_scan(end),
        }
    }
}

struct Search<'a> {
    log: &'a AccessLog,
    query: &'a Query,
    keys: Keys<'a>,
    limit: usize,
    budget: u64,
    start: u64,
}

impl Search<'_> {
    /// Walks backwards over all entries below `end`.
    fn by_scan(&self, end: u64) -> Result<Entries, LogError> {
        let mut rows = Vec::new();
        let mut below = end;
        let stop = self.start.max(end.saturating_sub(self.budget));
        while below > stop {
            let from = stop.max(below.saturating_sub(CHUNK));
            for (index, leaf) in self.chunk(from, below)?.into_iter().rev() {
                if rows.len() == self.limit {
                    return Ok((rows, Some(below)));
                }
                rows.extend(self.row(index, &leaf)?);
                below = index;
            }
        }
        Ok((rows, (below > self.start).then_some(below)))
    }

    /// Entries `from..to`, all of them, oldest first.
    fn chunk(&self, from: u64, to: u64) -> Result<Vec<(u64, Leaf)>, LogError> {
        let mut leaves = Vec::new();
        let mut next = from;
        while next < to {
            let limit = usize::try_from(to - next).unwrap_or(usize::MAX);
            let read = self
                .log
                .engine
                .leaves(Log::Access, next, Limit::rows(limit))
                .map_err(LogError::unreadable)?;
            if read.is_empty() {
                return Err(changed(next, "it cannot be read back"));
            }
            for leaf in read {
                leaves.push((next, leaf));
                next += 1;
            }
        }
        Ok(leaves)
    }

    /// Walks backwards over the entries that an index names. Index rows only come in ascending
    /// order, so windows are tried downwards: wider where they were empty, narrower where full.
    fn by_index(&self, space: Space, prefix: &[u8], end: u64) -> Result<Entries, LogError> {
        let mut rows = Vec::new();
        let (mut below, mut width, mut looked) = (end, self.budget, 0);
        while below > self.start {
            let from = self.start.max(below.saturating_sub(width));
            let (found, more) = self.indexed(space, prefix, from, below)?;
            if more {
                width = (width / 2).max(1);
                continue;
            }
            for index in found.into_iter().rev() {
                if rows.len() == self.limit || looked == self.budget {
                    return Ok((rows, Some(below)));
                }
                rows.extend(self.row(index, &leaf_at(&*self.log.engine, index)?)?);
                looked += 1;
                below = index;
            }
            below = from;
            width = width.saturating_mul(8);
        }
        Ok((rows, None))
    }

    /// Indexes in `from..to` that have a row under `prefix`; whether there are too many for once.
    fn indexed(
        &self,
        space: Space,
        prefix: &[u8],
        from: u64,
        to: u64,
    ) -> Result<(Vec<u64>, bool), LogError> {
        let key = |index: u64| [prefix, &index.to_be_bytes()].concat();
        let range = KeyRange {
            from: Some(key(from)),
            to: Some(key(to)),
        };
        let most = Limit::rows(usize::try_from(self.budget).unwrap_or(usize::MAX));
        let page = self
            .log
            .engine
            .scan(space, range, most)
            .map_err(LogError::unreadable)?;
        let number = |key: &Key| {
            let index = key.as_bytes().last_chunk::<8>().copied();
            index.map(u64::from_be_bytes)
        };
        let found = page.rows.iter().filter_map(|(key, _)| number(key));
        Ok((found.collect(), page.more))
    }

    /// The row of an entry, if it matches. What is shown is first checked against the tree.
    fn row(&self, index: u64, leaf: &Leaf) -> Result<Option<Row>, LogError> {
        let header = header(index, &leaf.leaf)?;
        let query = self.query;
        let other_actor = query.account.is_some() && header.actor != query.account;
        if other_actor || query.task.is_some_and(|task| task != header.task) {
            return Ok(None);
        }
        let hash = leaf_hash(&leaf.leaf);
        let stored = |tree: &Tree| tree.leaf(index);
        let publisher = &self.log.publisher;
        publisher
            .fitting(Log::Access, stored, |stored| *stored == hash)?
            .ok_or_else(|| changed(index, "it is not the one that was written"))?;
        let body = open_body(&self.keys, index, &header, leaf.body.as_deref())?;
        Ok(Some(join(index, header, body)))
    }
}

/// Opens a body. A destroyed one is `None`; one that does not fit its header is a change.
pub(super) fn open_body(
    keys: &Keys<'_>,
    index: u64,
    header: &Header,
    sealed: Option<&[u8]>,
) -> Result<Option<Body>, LogError> {
    let (Some(epoch), Some(sealed)) = (header.epoch, sealed) else {
        return Ok(None);
    };
    let Some(key) = keys.of(epoch)? else {
        return Ok(None);
    };
    if sealed.is_empty() {
        // Only a restore from a bundle brings a leaf without the body that it names.
        return Ok(None);
    }
    if hash_body(sealed) != header.body_hash {
        return Err(changed(
            index,
            "its body is not the one it was written with",
        ));
    }
    let plain = envelope::open(key, &body::place(epoch, header.id), sealed)
        .map_err(|e| changed(index, e))?;
    let body = Body::decode(plain.expose()).map_err(|e| changed(index, e))?;
    Ok(Some(body))
}

fn join(index: u64, header: Header, body: Option<Body>) -> Row {
    let mut row = Row {
        index,
        id: header.id,
        time: header.time,
        clock_back: header.clock_back,
        account: header.actor,
        roles: header.roles,
        task: header.task,
        purpose: header.purpose,
        decision: header.decision,
        policies: header.policies.to_vec(),
        policy_set: (header.policy_set != [0; 32])
            .then(|| data_encoding::HEXLOWER.encode(&header.policy_set)),
        counts: header.counts,
        result: header.outcome,
        source: None,
        cases: None,
        people: None,
        reason: None,
        query: None,
        notes: None,
    };
    if let Some(body) = body {
        row.source = Some(Source {
            address: body.address,
            device: body.device,
        });
        row.cases = Some(body.cases);
        row.people = Some(body.people);
        row.reason = body.reason;
        row.query = body.query;
        row.notes = Some(body.notes.into_iter().map(NoteRow).collect());
    }
    row
}
