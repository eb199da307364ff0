//! Checking and repairing a store that nobody serves: `bongham fsck`, `bongham rebuild-index`.

use std::sync::Arc;

use super::error::ServiceError;
use super::fault;
use super::open;
use super::seal::Settings;
use super::store::Store;
use crate::authn::session::Origin;
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::domain::task::Task;
use crate::domain::time::Clock;
use crate::engine::embedded::EmbeddedEngine;
use crate::engine::{Engine, KeyRange, Log, Space};
use crate::keyring::UnsealSecret;
use crate::merkle::tree::{Frontier, leaf_hash};

/// What was looked at or done, and what is wrong. Nothing personal in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// One line each of what was looked at or done.
    pub lines: Vec<String>,
    /// One line each of what is wrong; empty when all is well.
    pub violations: Vec<String>,
}

/// Walks every group of the journal (chain, MAC, digest of each frame), reads every row and every
/// entry, and computes the roots of both logs anew from their entries. The check is an entry itself.
pub fn fsck(
    settings: &Settings,
    secret: &UnsealSecret,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Findings, ServiceError> {
    let store = open::open(settings, secret, random, clock)?;
    store.note("fsck")?;
    let mut findings = Findings::default();
    Store::check_journal(store.engine.as_ref(), "", &mut findings)?;
    Store::check_journal(store.items.engine(), " kept apart", &mut findings)?;
    for space in Space::ALL {
        store.check_space(store.engine.as_ref(), "", space, &mut findings)?;
    }
    for space in Space::ALL {
        store.check_space(store.items.engine(), " kept apart", space, &mut findings)?;
    }
    store.check_items(&mut findings)?;
    for log in Log::ALL {
        store.check_log(log, &mut findings)?;
    }
    store.close()?;
    Ok(findings)
}

/// Sets the index aside and makes it anew from the journal; that of the separate store as well.
pub fn rebuild_index(
    settings: &Settings,
    secret: &UnsealSecret,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
) -> Result<Findings, ServiceError> {
    if !open::exists(settings) {
        return Err(ServiceError::Uninitialised);
    }
    open::apart_exists(settings)?;
    for dir in [
        open::store_dir(&settings.data),
        open::retained_dir(&settings.data),
    ] {
        EmbeddedEngine::forget_index(&dir).map_err(fault::engine)?;
    }
    let store = open::open(settings, secret, random, clock)?;
    store.note("rebuild-index")?;
    let size = store.engine.log_size(Log::Access);
    store.close()?;
    let line =
        format!("the index was made anew from the journal; the access log holds {size} entries");
    Ok(Findings {
        lines: vec![line],
        violations: Vec::new(),
    })
}

impl Store {
    pub(super) fn note(&self, what: &str) -> Result<(), ServiceError> {
        let origin = Origin {
            address: None,
            device: String::new(),
        };
        self.office_event(Task::Unseal, origin, None, Some(what.to_owned()))
    }

    fn check_journal(
        engine: &dyn Engine,
        whose: &str,
        findings: &mut Findings,
    ) -> Result<(), ServiceError> {
        let checked = engine.check(&|_, _| ()).map_err(fault::engine)?;
        findings.lines.push(format!(
            "groups of the journal{whose}: {}, frames: {}, of which erased: {}",
            checked.groups, checked.frames, checked.erased
        ));
        let damage = checked.damage.into_iter();
        findings
            .violations
            .extend(damage.map(|why| format!("journal{whose}: {why}")));
        Ok(())
    }

    fn check_space(
        &self,
        engine: &dyn Engine,
        whose: &str,
        space: Space,
        findings: &mut Findings,
    ) -> Result<(), ServiceError> {
        let mut range = KeyRange::default();
        let mut rows = 0_u64;
        loop {
            let page = match engine.scan(space, range.clone(), Limit::rows(1000)) {
                Ok(page) => page,
                Err(error) => {
                    findings
                        .violations
                        .push(format!("rows of {space:?}{whose}: {error}"));
                    return Ok(());
                }
            };
            rows += page.rows.len() as u64;
            if let Some((key, _)) = page.rows.last() {
                range = range.after(key.as_bytes());
            }
            if !page.more {
                if whose.is_empty() || rows > 0 {
                    let line = format!("rows of {space:?}{whose}: {rows}");
                    findings.lines.push(line);
                }
                return Ok(());
            }
        }
    }

    fn check_log(&self, log: Log, findings: &mut Findings) -> Result<(), ServiceError> {
        let size = self.engine.log_size(log);
        let mut frontier = Frontier::default();
        while frontier.size() < size {
            match self.engine.leaves(log, frontier.size(), Limit::rows(1000)) {
                Ok(leaves) if !leaves.is_empty() => {
                    leaves
                        .iter()
                        .for_each(|leaf| frontier.push(leaf_hash(&leaf.leaf)));
                }
                Ok(_) => break,
                Err(error) => {
                    findings
                        .violations
                        .push(format!("entries of {log:?}: {error}"));
                    return Ok(());
                }
            }
        }
        let floor = self.log.floor().map_err(fault::log)?;
        let (known, root) = match log {
            Log::Access => (floor.access_size, floor.access_root),
            Log::Ledger => (floor.ledger_size, floor.ledger_root),
        };
        if frontier.size() == known && frontier.root().0 == root {
            findings
                .lines
                .push(format!("entries of {log:?}: {known}, root holds"));
        } else {
            findings.violations.push(format!(
                "entries of {log:?}: the root is not that of the entries"
            ));
        }
        Ok(())
    }
}
