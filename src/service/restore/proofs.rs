//! What a restore must reach, and the bundles that bring what the copy does not have.
//!
//! The leaves of a bundle are appended as they are, so that the log goes on exactly as it was and
//! every checkpoint that was ever signed still holds. Bodies of the access log are in no bundle.

use std::fs::File;
use std::path::Path;

use crate::domain::limit::Limit;
use crate::engine::{Append, Batch, Engine, Log};
use crate::merkle::bundle;
use crate::merkle::checkpoint::{Checkpoint, Verifier};
use crate::merkle::tree::{Frontier, Hash, leaf_hash};

use super::super::error::ServiceError;
use super::super::fault;
use super::refused;

/// Leaves appended in one batch.
const LEAVES: usize = 256;

/// A state of a log that somebody vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) log: Log,
    pub(super) size: u64,
    pub(super) root: Hash,
    /// Who vouches.
    pub(super) who: &'static str,
}

const fn name(log: Log) -> &'static str {
    match log {
        Log::Access => "access log",
        Log::Ledger => "ledger",
    }
}

const fn end(log: Log) -> &'static str {
    match log {
        Log::Access => "/access",
        Log::Ledger => "/ledger",
    }
}

/// What a checkpoint that somebody kept asks of both logs.
pub(super) fn of_checkpoint(note: &str, verifier: &Verifier) -> Result<Vec<Need>, ServiceError> {
    let said = verifier.open(note);
    let said = said.map_err(|e| refused(format!("the checkpoint that was kept: {e}")))?;
    let known = |origin: &str| Log::ALL.into_iter().find(|log| origin.ends_with(end(*log)));
    let log = known(&said.origin)
        .ok_or_else(|| refused("the checkpoint that was kept is of no log".to_owned()))?;
    let who = "the checkpoint that was kept";
    let mut needs = vec![Need {
        log,
        size: said.size,
        root: said.root,
        who,
    }];
    // What a ledger's checkpoint says of the access log is told as lost, not asked for.
    if let Some(beside) = said.other().filter(|_| log == Log::Access)
        && known(&beside.origin) == Some(Log::Ledger)
    {
        needs.push(Need {
            log: Log::Ledger,
            size: beside.size,
            root: beside.root,
            who,
        });
    }
    Ok(needs)
}

/// A bundle that was verified once.
pub(super) struct Bundle<'a> {
    path: &'a Path,
    log: Log,
    pub(super) said: Checkpoint,
}

impl<'a> Bundle<'a> {
    /// Verifies a bundle of `log`, which must agree with `copy`, the checkpoint in the copy.
    pub(super) fn verify(
        path: &'a Path,
        log: Log,
        verifier: &Verifier,
        copy: Option<&str>,
    ) -> Result<Self, ServiceError> {
        let wrong = |why: String| refused(format!("the bundle of the {}: {why}", name(log)));
        let open = || File::open(path).map_err(|e| wrong(e.kind().to_string()));
        let each = |_: u64, _: &[u8]| Ok(());
        let found = match bundle::verify(open()?, verifier, copy, each) {
            // One that is older than the copy brings nothing, and is held to nothing by it.
            Err(bundle::Violation::CutBack { .. }) => bundle::verify(open()?, verifier, None, each),
            other => other,
        };
        let said = found.map_err(|e| wrong(e.to_string()))?.checkpoint;
        if !said.origin.ends_with(end(log)) {
            return Err(wrong(format!("it is one of {}", said.origin)));
        }
        Ok(Self { path, log, said })
    }

    /// Appends what the store does not have; gives how many leaves that were.
    pub(super) fn bring(
        &self,
        engine: &dyn Engine,
        verifier: &Verifier,
    ) -> Result<u64, ServiceError> {
        let have = engine.log_size(self.log);
        let mut batch = Batch::default();
        let mut failed = None;
        let mut commit = |batch: &mut Batch| {
            let full = std::mem::take(batch);
            let done = engine.commit(full).wait();
            if let Err(error) = done {
                failed = Some(fault::commit(error));
                return Err("it cannot be stored".to_owned());
            }
            Ok(())
        };
        let file = File::open(self.path).map_err(|e| {
            refused(format!(
                "the bundle of the {}: {}",
                name(self.log),
                e.kind()
            ))
        })?;
        let read = bundle::verify(file, verifier, None, |index, leaf| {
            if index < have {
                return Ok(());
            }
            batch.append.push(Append {
                log: self.log,
                leaf: leaf.to_vec(),
                stamp_at: None,
                body: Vec::new(),
            });
            if batch.append.len() >= LEAVES {
                commit(&mut batch)?;
            }
            Ok(())
        });
        if read.is_ok() && !batch.append.is_empty() {
            drop(commit(&mut batch));
        }
        match (failed, read) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(refused(error.to_string())),
            (None, Ok(_)) => Ok(self.said.size.saturating_sub(have)),
        }
    }

    /// What the bundle itself asks of the log that it was brought to.
    pub(super) fn need(&self) -> Need {
        Need {
            log: self.log,
            size: self.said.size,
            root: self.said.root,
            who: "the bundle",
        }
    }
}

/// Refuses, before anything is written, where the logs would end too early.
pub(super) fn reach(needs: &[Need], sizes: [u64; 2]) -> Result<(), ServiceError> {
    let [access, ledger] = sizes;
    for need in needs {
        let (size, option) = match need.log {
            Log::Access => (access, "--log"),
            Log::Ledger => (ledger, "--ledger"),
        };
        if size < need.size {
            return Err(refused(format!(
                "{} vouches for {} entries of the {}, and there are {size}: give a bundle that \
                 has them with {option}",
                need.who,
                need.size,
                name(need.log)
            )));
        }
    }
    Ok(())
}

/// Reads the logs and compares every state that somebody vouches for.
pub(super) fn hold(engine: &dyn Engine, needs: &[Need]) -> Result<(), ServiceError> {
    for log in Log::ALL {
        let mut wanted: Vec<&Need> = needs.iter().filter(|need| need.log == log).collect();
        wanted.sort_by_key(|need| need.size);
        let mut frontier = Frontier::default();
        for need in wanted {
            advance(engine, log, &mut frontier, need.size)?;
            if need.size > 0 && (frontier.size() != need.size || frontier.root() != need.root) {
                return Err(refused(format!(
                    "the first {} entries of the {} are not those that {} vouches for",
                    need.size,
                    name(log),
                    need.who
                )));
            }
        }
    }
    Ok(())
}

fn advance(
    engine: &dyn Engine,
    log: Log,
    frontier: &mut Frontier,
    to: u64,
) -> Result<(), ServiceError> {
    while frontier.size() < to {
        let most = usize::try_from(to - frontier.size()).unwrap_or(LEAVES);
        let leaves = engine
            .leaves(log, frontier.size(), Limit::rows(most.min(LEAVES)))
            .map_err(fault::engine)?;
        if leaves.is_empty() {
            return Ok(());
        }
        for leaf in leaves {
            frontier.push(leaf_hash(&leaf.leaf));
        }
    }
    Ok(())
}
