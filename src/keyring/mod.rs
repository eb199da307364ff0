//! Shred keys: the small store that really forgets, kept apart from engine and backups.
//!
//! ```text
//! e0 e1       effaceable slots: E_v, 32 bytes that are overwritten to destroy a root
//! r0 r1       the root, on alternating sides: bucket keys, server keys, floor
//! buckets/…   what is left of the punctured buckets
//! ```
//! A unit's shred half comes from its bucket's tree ([`ggm`]), the tree from the bucket's key or
//! blob ([`bucket`]), those from the root ([`root`]), and the root opens with the unseal secret
//! ([`unseal`]) *and* its slot ([`effaceable`]). Every change goes through [`puncture`], every
//! open through [`recover`].

mod allocate;
mod bucket;
mod capsule;
mod effaceable;
mod formula;
mod ggm;
mod index_epochs;
mod puncture;
mod recover;
mod restore;
mod root;
mod server_keys;
mod storage;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::{Death, SimulatedKeyring};
mod unseal;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::crypto::content_key::ShredHalf;
use crate::crypto::wrap::DepartmentKey;
use crate::domain::id::{DepartmentId, UnitId};
use crate::domain::random::Random;
use crate::domain::secret::Secret;
use crate::domain::time::Clock;

use allocate::Cursors;
use puncture::{Change, Holder, Writer};
use recover::recover;
use root::Root;
use storage::{Disk, HERE, Side, failed};
use unseal::{Terms, Unseal};

pub use capsule::{Capsule, CapsuleError};
pub use index_epochs::IndexEpoch;
pub use restore::Restoring;
pub use server_keys::ServerKey;
pub use unseal::{UnsealCost, UnsealSecret};

/// Least sizes and roots that the logs must show at the next open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Floor {
    /// Leaves of the access log.
    pub access_size: u64,
    /// RFC 6962 root of those leaves.
    pub access_root: [u8; 32],
    /// Leaves of the ledger.
    pub ledger_size: u64,
    /// RFC 6962 root of those leaves.
    pub ledger_root: [u8; 32],
}

/// Why the keyring cannot do it. Names files, never what is in them.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The folder holds no keyring.
    #[error("no keyring here: run `bongham init` first")]
    Missing,
    /// The folder holds a keyring, or what is left of one.
    #[error("there is a keyring here already; init never overwrites one")]
    Exists,
    /// Another process has it open.
    #[error("the keyring is in use: stop the other bongham first")]
    InUse,
    /// The files are whole, the secret is not theirs.
    #[error("the passphrase or key file does not open this keyring")]
    WrongSecret,
    /// No root opens although the secret may be right; names the files.
    #[error("damaged keyring: {0}; use another copy of it")]
    Damaged(String),
    /// Written by a newer program; names the file.
    #[error("keyring of a newer format ({0}): use the newer bongham")]
    Newer(String),
    /// Nothing was lost; free space and repeat.
    #[error("the disk of the keyring is full: free some space and try again")]
    DiskFull,
    /// Nothing was lost; names the file.
    #[error("the keyring cannot be written ({0}): read-only disk or wrong owner")]
    ReadOnly(String),
    /// Anything else the operating system said, with the file.
    #[error("keyring input/output error: {0}")]
    Io(String),
    /// The cost of the unseal is outside what argon2id should be asked.
    #[error("unseal cost out of range: 8 KiB to 4 GiB of memory, 1 to 64 passes")]
    Cost,
    /// More buckets than can be numbered or sealed.
    #[error("the keyring holds as many buckets as it can")]
    Full,
    /// A restore was begun with this keyring, and it is not the one that goes on.
    #[error("the keyring is in the middle of a restore: run the same restore again")]
    Restoring,
    /// A thread died while it changed the keyring.
    #[error("a change of the keyring stopped half-way: restart to recover")]
    Stopped,
    /// No randomness, no keys.
    #[error(transparent)]
    Random(#[from] crate::domain::random::RandomError),
}

/// The unit's key is gone, or was never issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the unit is destroyed or unknown")]
pub struct Punctured;

/// An unsealed keyring. Shared; every method takes `&self`.
///
/// Its folder is locked to this process until the value is dropped.
pub struct Keyring {
    holder: Holder,
    /// The root in use. Readers hold the lock while they derive, so that none of them is left
    /// with an old root once a puncture has returned.
    root: RwLock<Arc<Root>>,
    writer: Mutex<Writer>,
    cursors: Mutex<Cursors>,
    clock: Arc<dyn Clock>,
}

impl Keyring {
    /// Makes a keyring in `dir` (made if it is not there), which should be a small volume of its
    /// own without snapshots, outside of every backup.
    ///
    /// # Errors
    /// [`KeyringError::Exists`] if there is one already, whole or not.
    pub fn init(
        dir: &Path,
        secret: &UnsealSecret,
        cost: UnsealCost,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyringError> {
        let storage = Arc::new(Disk::create(dir)?);
        Self::init_on(Holder::new(storage, random), secret, cost, clock)
    }

    /// Opens the keyring in `dir`, finishing whatever a crash cut short. Runs argon2id once.
    ///
    /// # Errors
    /// [`KeyringError::Missing`], [`KeyringError::InUse`], [`KeyringError::WrongSecret`],
    /// [`KeyringError::Damaged`], [`KeyringError::Newer`], or what the disk said.
    pub fn open(
        dir: &Path,
        secret: &UnsealSecret,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyringError> {
        let storage = Arc::new(Disk::open(dir)?);
        Self::open_on(Holder::new(storage, random), secret, clock)
    }

    fn init_on(
        holder: Holder,
        secret: &UnsealSecret,
        cost: UnsealCost,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyringError> {
        for name in Side::BOTH
            .iter()
            .flat_map(|side| [side.slot(), side.root()])
        {
            if holder.storage.read(name).map_err(failed(name))?.is_some() {
                return Err(KeyringError::Exists);
            }
        }
        let terms = Terms::fresh(cost, &*holder.random)?;
        let unseal = Arc::new(Unseal::derive(secret, terms)?);
        let change = Change::of_root(
            Root::first(&*holder.random, clock.now())?,
            Arc::clone(&unseal),
        );
        holder.efface(Side::of(change.next.version + 1))?;
        holder.prepare(&change)?;
        holder.storage.sync_folder(HERE).map_err(failed(HERE))?;
        Ok(Self::with(holder, change.next, unseal, clock))
    }

    fn open_on(
        holder: Holder,
        secret: &UnsealSecret,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeyringError> {
        let (root, unseal) = recover(&holder, secret)?;
        Ok(Self::with(holder, root, unseal, clock))
    }

    fn with(holder: Holder, root: Root, unseal: Arc<Unseal>, clock: Arc<dyn Clock>) -> Self {
        Self {
            holder,
            root: RwLock::new(Arc::new(root)),
            writer: Mutex::new(Writer {
                unseal,
                unsettled: false,
            }),
            cursors: Mutex::new(Cursors::new()),
            clock,
        }
    }

    /// Looks at the root in use, which does not change meanwhile.
    fn look<T>(&self, at: impl FnOnce(&Root) -> T) -> T {
        // A switch replaces the whole root at once, so a poisoned lock still holds a good one.
        at(&self.root.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The root in use, for one who holds the writer's lock and so knows that it stays.
    fn current(&self) -> Arc<Root> {
        Arc::clone(&self.root.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn switch(&self, next: Root) {
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// The half of the unit's content key that dies with it.
    ///
    /// # Errors
    /// [`Punctured`] if the unit is destroyed or no such unit exists.
    pub fn shred_half(&self, unit: UnitId) -> Result<ShredHalf, Punctured> {
        let derived = self.look(|root| root.buckets.get(&unit.bucket())?.tree.derive(unit.slot()));
        derived.map(ShredHalf::new).ok_or(Punctured)
    }

    fn is_live(&self, unit: UnitId) -> bool {
        self.look(|root| {
            let bucket = root.buckets.get(&unit.bucket());
            bucket.is_some_and(|bucket| bucket.tree.holds(unit.slot()))
        })
    }

    /// A key of the server.
    pub fn server_key(&self, which: ServerKey) -> Secret<32> {
        self.look(|root| which.of(root))
    }

    /// The department's newest key, made (one root write) if there is none yet.
    ///
    /// # Errors
    /// Only when a key must be made: what the disk said. None is made then.
    pub fn department_key(
        &self,
        department: DepartmentId,
    ) -> Result<(u32, DepartmentKey), KeyringError> {
        if let Some(newest) = self.look(|root| server_keys::newest(root, department)) {
            return Ok(newest);
        }
        self.change(|next, random| {
            let made = next.departments.contains_key(&(department, 1));
            if !made {
                let key = Arc::new(Secret::random(random)?);
                next.departments.insert((department, 1), key);
            }
            Ok(!made)
        })?;
        self.look(|root| server_keys::newest(root, department))
            .ok_or(KeyringError::Stopped)
    }

    /// One version of a department's key; `None` if there is none.
    pub fn department_key_version(
        &self,
        department: DepartmentId,
        version: u32,
    ) -> Option<DepartmentKey> {
        self.look(|root| {
            let key = root.departments.get(&(department, version))?;
            Some(DepartmentKey::new(key.duplicate()))
        })
    }

    /// Ed25519 seed of the log signing key.
    pub fn log_signing_seed(&self) -> Secret<32> {
        self.look(|root| root.log_seed.duplicate())
    }

    /// What the logs must show at least.
    pub fn floor(&self) -> Floor {
        self.look(|root| root.floor)
    }

    /// Raises the floor (one root write). A log that the given floor shows shorter keeps the
    /// floor it has: two threads may come in either order.
    ///
    /// # Errors
    /// What the disk said; the floor is unchanged then.
    pub fn set_floor(&self, floor: Floor) -> Result<(), KeyringError> {
        self.change(|next, _| {
            let before = next.floor;
            if floor.access_size >= before.access_size {
                next.floor.access_size = floor.access_size;
                next.floor.access_root = floor.access_root;
            }
            if floor.ledger_size >= before.ledger_size {
                next.floor.ledger_size = floor.ledger_size;
                next.floor.ledger_root = floor.ledger_root;
            }
            Ok(next.floor != before)
        })
    }

    /// Seals the keyring with another secret and destroys what the old one opened: one root
    /// write, after one run of argon2id.
    ///
    /// # Errors
    /// What the disk said. Either the old secret or the new one opens the keyring then; if the
    /// machine stopped in the middle, possibly both until the next open.
    pub fn change_secret(
        &self,
        secret: &UnsealSecret,
        cost: UnsealCost,
    ) -> Result<(), KeyringError> {
        let terms = Terms::fresh(cost, &*self.holder.random)?;
        let unseal = Arc::new(Unseal::derive(secret, terms)?);
        let mut writer = self.writer()?;
        let next = self.current().next();
        self.flip(&mut writer, Change::of_root(next, unseal))?;
        Ok(())
    }

    /// Version of the root: it counts every change of the keyring.
    pub fn root_version(&self) -> u64 {
        self.look(|root| root.version)
    }

    /// One root write, unless `edit` says that there is nothing to write.
    fn change(
        &self,
        edit: impl FnOnce(&mut Root, &dyn Random) -> Result<bool, KeyringError>,
    ) -> Result<(), KeyringError> {
        let mut writer = self.writer()?;
        let mut next = self.current().next();
        if edit(&mut next, &*self.holder.random)? {
            let change = Change::of_root(next, Arc::clone(&writer.unseal));
            self.flip(&mut writer, change)?;
        }
        Ok(())
    }
}
