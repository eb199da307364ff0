//! After a restart: the counts of the last window, from its entries.

use super::entry::{Decision, Header};
use super::query::{first_not_before, header, open_body};
use super::usage::{Counted, Load};
use super::{AccessLog, LogError, Outcome};
use crate::domain::limit::Limit;
use crate::engine::{Leaf, Log};

/// Entries read from the engine at once.
const CHUNK: Limit = Limit::rows(256);

impl AccessLog {
    /// Counts every entry of the window again. Only bodies of entries that disclose are opened.
    pub(super) fn recount(&self) -> Result<(), LogError> {
        let end = self.engine.log_size(Log::Access);
        let begins = first_not_before(&*self.engine, self.usage.since(), end);
        // A damaged entry in the way of the search costs a longer look, not the store.
        let mut next = begins.unwrap_or(0);
        let keys = self.sealer.epochs.keys()?;
        while next < end {
            let leaves = self
                .engine
                .leaves(Log::Access, next, CHUNK)
                .map_err(LogError::unreadable)?;
            if leaves.is_empty() {
                return Ok(());
            }
            for leaf in leaves {
                match header(next, &leaf.leaf) {
                    Ok(header) => self.recount_one(&keys, next, &header, &leaf),
                    Err(error) => tracing::error!(%error, "an entry does not count"),
                }
                next += 1;
            }
        }
        Ok(())
    }

    fn recount_one(&self, keys: &super::epoch::Keys<'_>, index: u64, header: &Header, leaf: &Leaf) {
        let (Some(account), Some(counted)) = (header.actor, Counted::of(header.task)) else {
            return;
        };
        if header.decision != Decision::Allow || header.outcome != Outcome::Done {
            return;
        }
        let body = match open_body(keys, index, header, leaf.body.as_deref()) {
            Ok(body) => body,
            // Its numbers stand in the header, which the tree proves.
            Err(error) => {
                tracing::error!(%error, "an entry counts by its numbers alone");
                None
            }
        };
        match body {
            Some(body) => {
                let query = body.query.as_deref();
                if let Some(load) = Load::of(header.task, query, &body.cases, &body.people) {
                    self.usage.recount(account, header.time, load);
                }
            }
            None => {
                let counts = header.counts;
                let people = if counted.people { counts.people } else { 0 };
                let unnamed = (people, counts.cases, u32::from(counted.output));
                self.usage.recount_unnamed(account, header.time, unnamed);
            }
        }
    }
}
