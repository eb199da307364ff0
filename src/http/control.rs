//! The control socket: a Unix socket that its owner alone may open.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// A bound control socket; its file goes when this is dropped.
pub(super) struct Control {
    pub(super) listener: UnixListener,
    _file: Remove,
}

/// Why there is no control socket.
#[derive(Debug)]
pub(super) enum Unbound {
    /// Somebody answers there.
    Answered,
    /// The path holds something else, which is left alone.
    Occupied,
    /// The operating system refused.
    Io(io::Error),
}

impl From<io::Error> for Unbound {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        // A file that stays behind is recognised as stale by the next start.
        drop(fs::remove_file(&self.0));
    }
}

/// Binds at `path`. The socket is made in a directory that nobody else can enter and gets its
/// place only when its mode is 0600: between the two, nobody can connect.
pub(super) fn bind(path: &Path) -> Result<Control, Unbound> {
    vacate(path)?;
    let parent = path.parent().unwrap_or(Path::new("."));
    // Short, because a socket's path has no more than 107 bytes.
    let nest = parent.join(".c");
    let made = nest.join("s");
    drop(fs::remove_file(&made));
    drop(fs::remove_dir(&nest));
    DirBuilder::new().mode(0o700).create(&nest)?;
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    fs::rename(&made, path)?;
    fs::remove_dir(&nest)?;
    Ok(Control {
        listener,
        _file: Remove(path.into()),
    })
}

/// Makes sure that nothing of worth stands at `path`.
fn vacate(path: &Path) -> Result<(), Unbound> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(meta) if !meta.file_type().is_socket() => return Err(Unbound::Occupied),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(Unbound::Answered),
    }
}
