//! What the store itself looks back at: single entries, checked against the tree as an auditor's are,
//! to compare with what it keeps beside the log.

use super::body::Body;
use super::entry::{Decision, Header};
use super::note::Handed;
use super::query::{changed, first_not_before, header, leaf_at, open_body};
use super::tree::Tree;
use super::{AccessLog, LogError, Outcome};
use crate::domain::id::{AccountId, CaseId};
use crate::domain::limit::Limit;
use crate::domain::task::Task;
use crate::domain::time::Timestamp;
use crate::engine::{KeyRange, Log, Space};
use crate::merkle::tree::leaf_hash;

/// Rows of the index read at once.
const SCAN: Limit = Limit::rows(256);

/// A case was handed on.
pub struct HandedOn {
    /// Index of the entry.
    pub index: u64,
    /// By whom.
    pub actor: Option<AccountId>,
    /// From whom to whom.
    pub handed: Handed,
}

/// An entry: where it stands, its header, and what it says, if that is not destroyed.
pub type Own = (u64, Header, Option<Body>);

impl AccessLog {
    /// What somebody did of one task in a span of time, in its order.
    ///
    /// # Errors
    /// [`LogError::Regressed`] where an entry is not the one that was written.
    pub fn acts_of(
        &self,
        account: AccountId,
        task: Task,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Own>, LogError> {
        let size = self.engine.log_size(Log::Access);
        let to = first_not_before(&*self.engine, to, size)?;
        let from = first_not_before(&*self.engine, from, to)?;
        let prefix = self.sealer.index_prefix(account.as_bytes());
        let key = |index: u64| [&prefix[..], &index.to_be_bytes()].concat();
        let mut range = KeyRange {
            from: Some(key(from)),
            to: Some(key(to)),
        };
        let mut found = Vec::new();
        loop {
            let page = self
                .engine
                .scan(Space::LogByActor, range.clone(), SCAN)
                .map_err(LogError::unreadable)?;
            for (key, _) in &page.rows {
                range = range.after(key.as_bytes());
                let place = key.as_bytes().last_chunk::<8>().copied();
                let Some(index) = place.map(u64::from_be_bytes) else {
                    continue;
                };
                found.extend(self.own(index, |header| header.task == task)?);
            }
            if !page.more {
                return Ok(found);
            }
        }
    }

    /// The entry of this index, if it is wanted.
    fn own(&self, index: u64, wants: impl Fn(&Header) -> bool) -> Result<Option<Own>, LogError> {
        let leaf = leaf_at(&*self.engine, index)?;
        let header = header(index, &leaf.leaf)?;
        if !wants(&header) {
            return Ok(None);
        }
        let hash = leaf_hash(&leaf.leaf);
        let stored = |tree: &Tree| tree.leaf(index);
        let fits = |stored: &_| *stored == hash;
        self.publisher
            .fitting(Log::Access, stored, fits)?
            .ok_or_else(|| changed(index, "it is not the one that was written"))?;
        let keys = self.sealer.epochs.keys()?;
        let body = open_body(&keys, index, &header, leaf.body.as_deref())?;
        Ok(Some((index, header, body)))
    }

    /// Where the entries stand by which this case changed its tier.
    ///
    /// # Errors
    /// [`LogError`] where the index or an entry cannot be read.
    pub fn reclassified(&self, case: CaseId) -> Result<Vec<u64>, LogError> {
        let mut found = Vec::new();
        for index in self.places_about(case)? {
            let header = header(index, &leaf_at(&*self.engine, index)?.leaf)?;
            let done = header.decision == Decision::Allow && header.outcome == Outcome::Done;
            if done && header.task == Task::Reclassify {
                found.push(index);
            }
        }
        Ok(found)
    }

    /// Who held this case before and after each time that it was handed on. Entries of 0.3.0
    /// do not say it, and those whose month was destroyed no longer.
    ///
    /// # Errors
    /// [`LogError`] where the index or an entry cannot be read.
    pub fn handed_on(&self, case: CaseId) -> Result<Vec<HandedOn>, LogError> {
        let hands_on = |header: &Header| {
            let done = header.decision == Decision::Allow && header.outcome == Outcome::Done;
            done && matches!(header.task, Task::Assign | Task::Reclassify)
        };
        let mut found = Vec::new();
        for index in self.places_about(case)? {
            let Some((_, header, Some(body))) = self.own(index, hands_on)? else {
                continue;
            };
            found.extend(body.handed().map(|handed| HandedOn {
                index,
                actor: header.actor,
                handed: handed.clone(),
            }));
        }
        Ok(found)
    }
}
