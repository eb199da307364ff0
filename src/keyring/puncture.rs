//! The crash-safe change of a keyring. A puncture is one; so is every other write.
//!
//! 1. new blobs under fresh keys and fresh names; durable, read back, opened
//! 2. a fresh `E` into the slot of the idle side; durable, read back
//! 3. root `v + 1` into the root file of the idle side; durable, read back, opened
//! 4. **commit point**: the slot of the old side is overwritten; from here only `v + 1` opens
//! 5. the old root file is overwritten, the replaced blobs are removed
//!
//! A crash before 3 is done leaves `v` alone valid; between 3 and 4 both are, and the higher one
//! wins at the next open. That makes it durable (a killed process may not have come to that), opens
//! it again as the disk has it, and does 4 and 5. After 4 only `v + 1` is valid. At no step is there
//! none, and at no step does one name a blob that another wrote over.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use crate::domain::id::UnitId;
use crate::domain::random::Random;
use crate::domain::secret::Secret;

use super::bucket::{BadBlob, Blob, Bucket, SealedBlob, open_blob};
use super::effaceable::{Effaceable, FileSlots};
use super::ggm::Tree;
use super::root::{Body, Header, ROOT_BYTES, Root};
use super::storage::{BUCKETS, Side, Storage, failed};
use super::unseal::Unseal;
use super::{Keyring, KeyringError};

/// Where one keyring lies: its files and its slots.
pub(super) struct Holder {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) slots: Box<dyn Effaceable>,
    pub(super) random: Arc<dyn Random>,
    /// Least size of a root file.
    pub(super) root_bytes: usize,
}

/// What one flip of the root changes.
pub(super) struct Change {
    pub(super) next: Root,
    /// Buckets with a new blob.
    pub(super) fresh: Vec<(Arc<Bucket>, SealedBlob)>,
    /// Blobs that `next` no longer names.
    pub(super) stale: Vec<String>,
    /// What `next` is sealed with.
    pub(super) unseal: Arc<Unseal>,
}

impl Change {
    /// A change of the root alone.
    pub(super) const fn of_root(next: Root, unseal: Arc<Unseal>) -> Self {
        Self {
            next,
            fresh: Vec::new(),
            stale: Vec::new(),
            unseal,
        }
    }
}

impl Holder {
    /// A holder whose slots are files beside the others.
    pub(super) fn new(storage: Arc<dyn Storage>, random: Arc<dyn Random>) -> Self {
        let slots = Box::new(FileSlots {
            storage: Arc::clone(&storage),
            random: Arc::clone(&random),
        });
        Self {
            storage,
            slots,
            random,
            root_bytes: ROOT_BYTES,
        }
    }

    /// Steps 1 to 3. When it returns, `next` is what an open would find.
    pub(super) fn prepare(&self, change: &Change) -> Result<(), KeyringError> {
        self.write_blobs(&change.fresh)?;
        let (next, unseal) = (&change.next, &change.unseal);
        let side = Side::of(next.version);
        let secret = Secret::random(&*self.random)?;
        self.slots.store(side, &secret)?;
        let name = side.root();
        let file = next.seal(unseal, &secret, self.root_bytes)?;
        self.storage.write(name, &file).map_err(failed(name))?;
        self.storage.sync(&[name]).map_err(failed(name))?;

        // Opened exactly as recovery would, from what the disk and the slot now hold.
        let found = self.storage.read(name).map_err(failed(name))?;
        let found = found.filter(|found| *found == file);
        let found = found.ok_or_else(|| not_kept(name))?;
        let slot = self
            .slots
            .load(side)?
            .ok_or_else(|| not_kept(side.slot()))?;
        let header = Header::parse(&found).map_err(|_| not_kept(name))?;
        let body = Body::open(&found, &header, unseal, &slot);
        body.map(drop).ok_or_else(|| not_kept(name))
    }

    /// Makes the root of one side as durable as step 3 would have. Its slot and blobs are: they
    /// were before its first byte was written.
    pub(super) fn keep(&self, side: Side) -> Result<(), KeyringError> {
        let name = side.root();
        self.storage.sync(&[name]).map_err(failed(name))
    }

    fn write_blobs(&self, fresh: &[(Arc<Bucket>, SealedBlob)]) -> Result<(), KeyringError> {
        if fresh.is_empty() {
            return Ok(());
        }
        for (_, blob) in fresh {
            self.storage
                .write(&blob.name, &blob.bytes)
                .map_err(failed(&blob.name))?;
        }
        let names: Vec<&str> = fresh.iter().map(|(_, blob)| blob.name.as_str()).collect();
        self.storage.sync(&names).map_err(failed(BUCKETS))?;
        self.storage.sync_folder(BUCKETS).map_err(failed(BUCKETS))?;
        for (bucket, _) in fresh {
            if let Some(blob) = &bucket.blob {
                match self.load(bucket.id, &bucket.key, blob) {
                    Err(KeyringError::Damaged(name)) => return Err(not_kept(&name)),
                    other => drop(other?),
                }
            }
        }
        Ok(())
    }

    /// Step 4 and the first half of 5: destroys the root of one side. Repeating it is harmless.
    pub(super) fn efface(&self, side: Side) -> Result<(), KeyringError> {
        self.slots.efface(side)?;
        let name = side.root();
        let there = self.storage.read(name).map_err(failed(name))?;
        let length = there.map_or(0, |file| file.len()).max(self.root_bytes);
        let mut noise = vec![0; length];
        self.random.fill(&mut noise)?;
        self.storage.write(name, &noise).map_err(failed(name))?;
        self.storage.sync(&[name]).map_err(failed(name))?;
        match self.storage.read(name).map_err(failed(name))? {
            Some(found) if found == noise => Ok(()),
            _ => Err(not_kept(name)),
        }
    }

    /// The second half of step 5.
    fn remove(&self, names: &[String]) -> Result<(), KeyringError> {
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            self.storage.remove(name).map_err(failed(name))?;
        }
        self.storage.sync_folder(BUCKETS).map_err(failed(BUCKETS))
    }

    /// Makes `root` the only one: ends or takes back whatever a crash or an error cut short.
    pub(super) fn settle(&self, root: &Root) -> Result<(), KeyringError> {
        self.efface(Side::of(root.version + 1))?;
        let mut stray = self.storage.blobs().map_err(failed(BUCKETS))?;
        let mut named: Vec<String> = root
            .buckets
            .values()
            .filter_map(|b| b.blob_name())
            .collect();
        named.sort_unstable();
        stray.retain(|name| named.binary_search(name).is_err());
        self.remove(&stray)
    }

    /// The tree in the blob of a bucket.
    pub(super) fn load(
        &self,
        id: u32,
        key: &Secret<32>,
        blob: &Blob,
    ) -> Result<Tree, KeyringError> {
        let name = super::bucket::blob_name(key);
        let bytes = self.storage.read(&name).map_err(failed(&name))?;
        let bytes = bytes.ok_or_else(|| KeyringError::Damaged(format!("{name} is missing")))?;
        open_blob(id, key, blob, &bytes).map_err(|bad| match bad {
            BadBlob::Newer => KeyringError::Newer(name),
            BadBlob::Damaged => KeyringError::Damaged(name),
        })
    }
}

pub(super) fn not_kept(name: &str) -> KeyringError {
    KeyringError::Io(format!("{name}: the disk did not keep what was written"))
}

/// Held by the one who changes the keyring.
pub(super) struct Writer {
    pub(super) unseal: Arc<Unseal>,
    /// An earlier change failed, and what it left is still to be erased.
    pub(super) unsettled: bool,
}

impl Keyring {
    /// The right to change the keyring, once nothing is left of an earlier change that failed.
    pub(super) fn writer(&self) -> Result<MutexGuard<'_, Writer>, KeyringError> {
        let mut writer = self.writer.lock().map_err(|_| KeyringError::Stopped)?;
        if writer.unsettled {
            self.holder.settle(&self.current())?;
            writer.unsettled = false;
        }
        Ok(writer)
    }

    /// Makes `change` and gives the new version. After an error of steps 1 to 3 nothing has
    /// changed in this process; after a later one it has, and the next writer finishes it.
    pub(super) fn flip(&self, writer: &mut Writer, change: Change) -> Result<u64, KeyringError> {
        writer.unsettled = true;
        if let Err(error) = self.holder.prepare(&change) {
            // If the disk does not let go now, the next writer tries again, or the next open.
            writer.unsettled = self.holder.settle(&self.current()).is_err();
            return Err(error);
        }
        let version = change.next.version;
        writer.unseal = change.unseal;
        let effaced = self.holder.efface(Side::of(version + 1));
        self.switch(change.next);
        effaced?;
        self.holder.remove(&change.stale)?;
        writer.unsettled = false;
        Ok(version)
    }

    /// Destroys the shred halves of `units`, crash-safe; when it returns `Ok` the root has
    /// flipped and the old one is erased. Already punctured units are not an error. Gives the
    /// new root version.
    ///
    /// # Errors
    /// After an error the units may be destroyed or not, none of them half; call again with the
    /// same units, also after a restart, until it is `Ok`.
    pub fn puncture(&self, units: &[UnitId]) -> Result<u64, KeyringError> {
        let mut writer = self.writer()?;
        let root = self.current();
        let mut change = Change::of_root(root.next(), Arc::clone(&writer.unseal));
        let mut touched = false;
        for (id, slots) in by_bucket(units) {
            let Some(bucket) = root.buckets.get(&id) else {
                continue;
            };
            if slots.iter().any(|slot| bucket.tree.holds(*slot)) {
                touched = true;
                self.puncture_bucket(bucket, &slots, &mut change)?;
            }
        }
        if !touched {
            return Ok(root.version);
        }
        change.next.punctured = change.next.version;
        self.flip(&mut writer, change)
    }

    fn puncture_bucket(
        &self,
        bucket: &Bucket,
        slots: &[u16],
        change: &mut Change,
    ) -> Result<(), KeyringError> {
        let version = change.next.version;
        let (after, blob) = bucket.without(slots, version, &*self.holder.random)?;
        change.stale.extend(bucket.blob_name());
        if after.tree.is_empty() {
            change.next.buckets.remove(&after.id);
        } else {
            let after = Arc::new(after);
            change.next.buckets.insert(after.id, Arc::clone(&after));
            change.fresh.push((after, blob));
        }
        Ok(())
    }
}

fn by_bucket(units: &[UnitId]) -> BTreeMap<u32, Vec<u16>> {
    let mut buckets: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
    for unit in units {
        buckets.entry(unit.bucket()).or_default().push(unit.slot());
    }
    buckets
}
