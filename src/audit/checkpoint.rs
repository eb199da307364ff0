//! Signed checkpoints of both logs: what the office commits itself to, in a file that an auditor
//! can take away.
//!
//! `checkpoint.access` and `checkpoint.ledger` are C2SP signed notes. Each names, in an extension
//! line `other <origin> <size> <base64 root>`, the state of the other log at that moment. A
//! checkpoint is never signed for less than the one before it, nor for a different history.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::BASE32_NOPAD;
use ring::hmac;

use crate::domain::secret::Secret;
use crate::engine::{Engine, Log};
use crate::keyring::Floor;
use crate::merkle::checkpoint::{Checkpoint, CheckpointError, Other, Signer, Verifier};
use crate::merkle::manifest;
use crate::merkle::tree::Hash;

use super::LogError;
use super::tree::{Tree, io, name};

/// A state of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) root: Hash,
}

/// A checkpoint as published.
#[derive(Clone)]
struct Published {
    note: String,
    own: Head,
    other: Head,
}

/// The newest checkpoint of each log; `None` before the first.
#[derive(Default)]
struct Newest {
    access: Option<Published>,
    ledger: Option<Published>,
}

impl Newest {
    const fn of(&mut self, log: Log) -> &mut Option<Published> {
        match log {
            Log::Access => &mut self.access,
            Log::Ledger => &mut self.ledger,
        }
    }
}

/// Both trees, and who signs for them.
pub(super) struct Publisher {
    engine: Arc<dyn Engine>,
    dir: PathBuf,
    /// `bongham/<store id>`: name of the key and beginning of both origins.
    store: String,
    signer: Signer,
    verifier: Verifier,
    access: Mutex<Tree>,
    ledger: Mutex<Tree>,
    newest: Mutex<Newest>,
}

/// The other of the two logs.
const fn other(log: Log) -> Log {
    match log {
        Log::Access => Log::Ledger,
        Log::Ledger => Log::Access,
    }
}

/// `bongham/` and the first 16 bytes of `HMAC(signing seed, "bongham/store/1")` in base32: fixed
/// for the life of the log key, and telling nothing of it.
fn store_name(seed: &Secret<32>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, seed.expose());
    let tag = hmac::sign(&key, b"bongham/store/1");
    let id: Vec<u8> = tag.as_ref().iter().copied().take(16).collect();
    format!("bongham/{}", BASE32_NOPAD.encode(&id).to_ascii_lowercase())
}

/// The public key of the logs that this seed signs for.
pub(super) fn verifier_key_of(seed: &Secret<32>) -> Result<String, LogError> {
    let signer = Signer::new(&store_name(seed), seed).map_err(key_error)?;
    Ok(signer.verifier_key())
}

fn key_error(error: CheckpointError) -> LogError {
    LogError::unavailable(format_args!("the key of the log: {error}"))
}

impl Publisher {
    /// Opens both trees and checks them against `floor` and the published checkpoints; signs the
    /// first checkpoints of empty logs.
    pub(super) fn open(
        engine: Arc<dyn Engine>,
        dir: &Path,
        seed: &Secret<32>,
        floor: &Floor,
    ) -> Result<Self, LogError> {
        let store = store_name(seed);
        let signer = Signer::new(&store, seed).map_err(key_error)?;
        let verifier = Verifier::parse(&signer.verifier_key()).map_err(key_error)?;
        let access = Mutex::new(Tree::open(dir, Log::Access, &*engine)?);
        let ledger = Mutex::new(Tree::open(dir, Log::Ledger, &*engine)?);
        let publisher = Self {
            engine,
            dir: dir.to_owned(),
            store,
            signer,
            verifier,
            access,
            ledger,
            newest: Mutex::default(),
        };
        for log in Log::ALL {
            let found = publisher.read(log)?;
            *publisher.newest().of(log) = found;
        }
        for log in Log::ALL {
            publisher.check(log, floor)?;
        }
        for log in Log::ALL {
            publisher.tree(log)?.accept()?;
            publisher.publish(log)?;
        }
        Ok(publisher)
    }

    pub(super) fn verifier_key(&self) -> String {
        self.signer.verifier_key()
    }

    /// Signs the list of a backup with the key of the logs.
    pub(super) fn vouch_for_backup(&self, backup: &str, list: &[u8]) -> Result<String, LogError> {
        let said = manifest::statement(&self.store, backup, list);
        self.signer.sign(&said).map_err(key_error)
    }

    fn origin(&self, log: Log) -> String {
        format!("{}/{}", self.store, name(log))
    }

    fn path(&self, log: Log) -> PathBuf {
        self.dir.join(format!("checkpoint.{}", name(log)))
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree, caught up with every durable entry.
    pub(super) fn tree(&self, log: Log) -> Result<MutexGuard<'_, Tree>, LogError> {
        let mut tree = self.tree_as_it_is(log);
        tree.catch_up(&*self.engine)?;
        Ok(tree)
    }

    /// The tree as far as it goes.
    fn tree_as_it_is(&self, log: Log) -> MutexGuard<'_, Tree> {
        let tree = match log {
            Log::Access => self.access.lock(),
            Log::Ledger => self.ledger.lock(),
        };
        tree.unwrap_or_else(PoisonError::into_inner)
    }

    /// State of a log with every durable entry.
    pub(super) fn head(&self, log: Log) -> Result<Head, LogError> {
        let tree = self.tree(log)?;
        let size = tree.size();
        Ok(Head {
            size,
            root: tree.root(size)?,
        })
    }

    /// Whether `log` still begins with the `head` that `who` vouches for. A tree that says no is
    /// made again from the entries before it is believed.
    fn holds(&self, log: Log, head: Head, who: &str) -> Result<(), LogError> {
        if head.size == 0 {
            return Ok(());
        }
        let entries = self.engine.log_size(log);
        if entries < head.size {
            return Err(LogError::Regressed(format!(
                "the {} log has {entries} entries, {who} vouches for {}",
                name(log),
                head.size
            )));
        }
        let mut tree = self.tree(log)?;
        let held = tree.root(head.size).is_ok_and(|root| root == head.root);
        if held || self.remake(&mut tree, log, head)? {
            return Ok(());
        }
        Err(LogError::Regressed(format!(
            "the first {} entries of the {} log are not those that {who} vouches for",
            head.size,
            name(log)
        )))
    }

    /// Makes the tree anew from the entries; whether it then is one that `head` vouches for. If
    /// not, the old one stays.
    fn remake(&self, tree: &mut Tree, log: Log, head: Head) -> Result<bool, LogError> {
        let mut fresh = Tree::fresh(&self.dir, log)?;
        fresh.catch_up(&*self.engine)?;
        let vouched = head.size == 0 || fresh.root(head.size)? == head.root;
        if vouched {
            fresh.accept()?;
            *tree = fresh;
        }
        Ok(vouched)
    }

    /// What `read` finds in the tree, if it fits; a tree that gives nothing fitting is made anew
    /// once, and believed if the newest checkpoint vouches for it.
    pub(super) fn fitting<T>(
        &self,
        log: Log,
        read: impl Fn(&Tree) -> Result<T, LogError>,
        fits: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, LogError> {
        let vouched = self.newest().of(log).as_ref().map(|last| last.own);
        let mut tree = self.tree(log)?;
        let found = read(&tree)?;
        if fits(&found) {
            return Ok(Some(found));
        }
        let Some(vouched) = vouched else {
            return Ok(None);
        };
        if !self.remake(&mut tree, log, vouched)? {
            return Ok(None);
        }
        read(&tree).map(|found| fits(&found).then_some(found))
    }

    fn check(&self, log: Log, floor: &Floor) -> Result<(), LogError> {
        let (size, root) = match log {
            Log::Access => (floor.access_size, floor.access_root),
            Log::Ledger => (floor.ledger_size, floor.ledger_root),
        };
        let root = Hash(root);
        self.holds(log, Head { size, root }, "the keyring")?;
        let own = self.newest().of(log).clone();
        let beside = self.newest().of(other(log)).clone();
        if own.is_none() && self.engine.log_size(log) > 0 {
            return Err(LogError::Regressed(format!(
                "checkpoint.{0} is missing though the {0} log has entries: \
                 put back the newest copy of that file",
                name(log)
            )));
        }
        if let Some(own) = own {
            let who = format!("checkpoint.{}", name(log));
            self.holds(log, own.own, &who)?;
        }
        if let Some(beside) = beside {
            let who = format!("checkpoint.{}", name(other(log)));
            self.holds(log, beside.other, &who)?;
        }
        Ok(())
    }

    /// The checkpoint in the directory, if there is one.
    fn read(&self, log: Log) -> Result<Option<Published>, LogError> {
        let bytes = match std::fs::read(self.path(log)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        let foreign = |why: &str| {
            LogError::Regressed(format!(
                "checkpoint.{} is not one of this store: {why}",
                name(log)
            ))
        };
        let note = String::from_utf8(bytes).map_err(|_| foreign("not text"))?;
        let said = self
            .verifier
            .open(&note)
            .map_err(|e| foreign(&e.to_string()))?;
        if said.origin != self.origin(log) {
            return Err(foreign("another origin"));
        }
        let beside = said
            .other()
            .filter(|beside| beside.origin == self.origin(other(log)))
            .ok_or_else(|| foreign("it does not name the other log"))?;
        Ok(Some(Published {
            note,
            own: Head {
                size: said.size,
                root: said.root,
            },
            other: Head {
                size: beside.size,
                root: beside.root,
            },
        }))
    }

    /// The checkpoint of the log as it is now: signed and put in place, unless the newest one
    /// still says it all.
    pub(super) fn publish(&self, log: Log) -> Result<(String, Head), LogError> {
        let mut newest = self.newest();
        let own = self.head(log)?;
        let beside = self.head(other(log))?;
        if let Some(last) = newest.of(log) {
            if (last.own, last.other) == (own, beside) {
                return Ok((last.note.clone(), own));
            }
            self.extends(log, last.own, own)?;
        }
        let line = Other {
            origin: self.origin(other(log)),
            size: beside.size,
            root: beside.root,
        };
        let checkpoint = Checkpoint {
            origin: self.origin(log),
            size: own.size,
            root: own.root,
            extensions: vec![line.line()],
        };
        let note = self.signer.sign(&checkpoint).map_err(key_error)?;
        self.put(log, &note).map_err(io)?;
        *newest.of(log) = Some(Published {
            note: note.clone(),
            own,
            other: beside,
        });
        Ok((note, own))
    }

    /// The newest checkpoint again, signed with one more line; `line` is told its size.
    pub(super) fn sign_for(
        &self,
        log: Log,
        line: impl FnOnce(u64) -> Result<String, LogError>,
    ) -> Result<String, LogError> {
        let (note, head) = self.publish(log)?;
        let mut checkpoint = self.verifier.open(&note).map_err(key_error)?;
        checkpoint.extensions.push(line(head.size)?);
        self.signer.sign(&checkpoint).map_err(key_error)
    }

    /// Signs nothing that takes back what was signed.
    fn extends(&self, log: Log, last: Head, now: Head) -> Result<(), LogError> {
        let kept = now.size >= last.size && self.tree(log)?.root(last.size)? == last.root;
        if kept {
            return Ok(());
        }
        Err(LogError::Regressed(format!(
            "the {} log no longer begins with the {} entries of its checkpoint",
            name(log),
            last.size
        )))
    }

    /// Replaces the file whole: a reader, or a crash, finds the old one or the new one.
    fn put(&self, log: Log, note: &str) -> std::io::Result<()> {
        let path = self.path(log);
        let fresh = self.dir.join(format!("checkpoint.{}.new", name(log)));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        File::open(&self.dir)?.sync_all()
    }

    /// Publishes every log that has grown since its newest checkpoint.
    pub(super) fn tick(&self) -> Result<(), LogError> {
        for log in Log::ALL {
            let size = self.engine.log_size(log);
            let grown = self
                .newest()
                .of(log)
                .as_ref()
                .is_none_or(|last| last.own.size != size);
            if grown {
                self.publish(log)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{SteppedClock, Timestamp};
    use crate::engine::memory::MemoryEngine;
    use crate::engine::{Append, Batch};

    #[test]
    fn nothing_is_signed_that_does_not_begin_with_what_was_signed() {
        let dir = tempfile::tempdir().unwrap();
        let clock = SteppedClock::at(Timestamp::from_millis(0));
        let engine = Arc::new(MemoryEngine::new(Arc::new(clock)));
        let seed = Secret::new([5; 32]);
        let grow = || {
            let leaf = Append {
                log: Log::Ledger,
                leaf: b"leaf".to_vec(),
                stamp_at: None,
                body: Vec::new(),
            };
            let batch = Batch {
                append: vec![leaf],
                ..Batch::default()
            };
            engine.commit(batch).wait().unwrap();
        };
        let publisher =
            Publisher::open(engine.clone(), dir.path(), &seed, &Floor::default()).unwrap();
        grow();
        let (_, head) = publisher.publish(Log::Ledger).unwrap();
        grow();
        let file = || std::fs::read(dir.path().join("checkpoint.ledger")).unwrap();
        let before = file();
        let say = |own: Head| publisher.newest().of(Log::Ledger).as_mut().unwrap().own = own;
        say(Head {
            root: Hash([1; 32]),
            ..head
        });
        let refused = publisher.publish(Log::Ledger);
        assert!(matches!(refused, Err(LogError::Regressed(_))));
        assert_eq!(file(), before);
        say(head);
        assert_eq!(
            publisher.publish(Log::Ledger).unwrap().1.size,
            2,
            "the control"
        );
        assert_ne!(file(), before);
    }
}
