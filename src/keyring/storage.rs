//! The files of the keyring. Every byte that it reads or writes passes through here, so that a
//! test can stop the world at any one of the steps.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise, syncfs};

use super::KeyringError;
use crate::domain::lock::exclusive;

/// The folder of the bucket blobs.
pub(super) const BUCKETS: &str = "buckets";
/// The folder of the keyring itself.
pub(super) const HERE: &str = ".";

/// Above this many files one sync of the whole file system is cheaper than one for each.
const SYNC_EACH_MAX: usize = 8;

/// Which of the two slots and root files: the root of version `v` stands on side `v mod 2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Even,
    Odd,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Even, Self::Odd];

    /// The side of a root of this version.
    pub(super) const fn of(version: u64) -> Self {
        if version & 1 == 0 {
            Self::Even
        } else {
            Self::Odd
        }
    }
    /// The name of its effaceable slot.
    pub(super) const fn slot(self) -> &'static str {
        match self {
            Self::Even => "e0",
            Self::Odd => "e1",
        }
    }
    /// The name of its root file.
    pub(super) const fn root(self) -> &'static str {
        match self {
            Self::Even => "r0",
            Self::Odd => "r1",
        }
    }
}

/// Named files with the few operations whose order is the whole protocol. Nothing is durable
/// before the `sync` that names it; a file's being there at all, before `sync_folder`.
pub(super) trait Storage: Send + Sync {
    /// The bytes of a file; `None` if there is none.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Overwrites a file in place from its first byte, or makes it, and cuts it to this length.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes the bytes of these files durable.
    fn sync(&self, names: &[&str]) -> io::Result<()>;
    /// Makes names given and removed in a folder ([`HERE`] or [`BUCKETS`]) durable.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// Removes a file's name; no error if it is gone.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names of the blobs, each with its folder before it.
    fn blobs(&self) -> io::Result<Vec<String>>;
}

/// What an error of the file `name` means.
pub(super) fn failed(name: &str) -> impl Fn(io::Error) -> KeyringError {
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => KeyringError::DiskFull,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            KeyringError::ReadOnly(name.to_owned())
        }
        _ => KeyringError::Io(format!("{name}: {error}")),
    }
}

/// A folder of the operating system, mode 0700, its files 0600, locked to this process.
pub(super) struct Disk {
    folder: PathBuf,
    /// Held for its lock, which the operating system lets go with the process.
    _lock: File,
}

impl Disk {
    /// Makes the folder of a new keyring, or takes an empty one.
    pub(super) fn create(folder: &Path) -> Result<Self, KeyringError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(folder)
            .map_err(failed("the keyring folder"))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(failed("the keyring folder"))?;
        let disk = Self::locked(folder)?;
        builder
            .create(folder.join(BUCKETS))
            .map_err(failed(BUCKETS))?;
        let above = folder
            .canonicalize()
            .map_err(failed("the keyring folder"))?;
        if let Some(above) = above.parent() {
            File::open(above)
                .and_then(|above| above.sync_all())
                .map_err(failed("the folder above the keyring"))?;
        }
        Ok(disk)
    }

    /// The folder of a keyring that was made before.
    pub(super) fn open(folder: &Path) -> Result<Self, KeyringError> {
        let is_keyring = Side::BOTH
            .iter()
            .any(|side| folder.join(side.root()).exists());
        if !is_keyring {
            return Err(KeyringError::Missing);
        }
        let disk = Self::locked(folder)?;
        // A copy made file by file leaves an empty folder behind; a blob that a root names is
        // missed by its name.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder.join(BUCKETS))
            .map_err(failed(BUCKETS))?;
        Ok(disk)
    }

    fn locked(folder: &Path) -> Result<Self, KeyringError> {
        let lock = writable(&folder.join("lock")).map_err(failed("lock"))?;
        match exclusive(&lock) {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(KeyringError::InUse),
            Err(TryLockError::Error(error)) => Err(failed("lock")(error)),
        }
    }

    /// Makes the next read come from the disk, not from the memory that was just written.
    /// Advice only: where a file system does not take it, the read-back proves less.
    fn forget_cached(&self, name: &str) -> io::Result<()> {
        let _ = fadvise(
            File::open(self.folder.join(name))?,
            0,
            None,
            Advice::DontNeed,
        );
        Ok(())
    }
}

fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

impl Storage for Disk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut file = match File::open(self.folder.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = writable(&self.folder.join(name))?;
        file.write_all(bytes)?;
        let length = u64::try_from(bytes.len()).map_err(io::Error::other)?;
        if file.metadata()?.len() != length {
            file.set_len(length)?;
        }
        Ok(())
    }

    fn sync(&self, names: &[&str]) -> io::Result<()> {
        if names.len() > SYNC_EACH_MAX {
            syncfs(File::open(&self.folder)?)?;
        } else {
            for name in names {
                File::open(self.folder.join(name))?.sync_all()?;
            }
        }
        names.iter().try_for_each(|name| self.forget_cached(name))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        File::open(self.folder.join(folder))?.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn blobs(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.join(BUCKETS))? {
            names.push(format!(
                "{BUCKETS}/{}",
                entry?.file_name().to_string_lossy()
            ));
        }
        names.sort();
        Ok(names)
    }
}
