//! Advisory locks on files: one process at a time.

use std::fs::{File, TryLockError};
use std::time::Duration;

/// How often a lock is asked for.
const TRIES: u32 = 20;
/// The pause between.
const PAUSE: Duration = Duration::from_millis(10);

/// Takes what one process alone may have, or says that another has it.
///
/// A child that this process has just begun holds every file that was open, until its exec, also
/// one that has been closed meanwhile: so a lock that is in the way for a moment is asked for again.
///
/// # Errors
/// What the last of the tries said.
pub fn patiently<T, E>(
    mut take: impl FnMut() -> Result<T, E>,
    in_the_way: impl Fn(&E) -> bool,
) -> Result<T, E> {
    for _ in 1..TRIES {
        match take() {
            Err(error) if in_the_way(&error) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    take()
}

/// Locks a file exclusively.
///
/// # Errors
/// [`TryLockError::WouldBlock`] if another process has it, or what the operating system said.
pub fn exclusive(file: &File) -> Result<(), TryLockError> {
    patiently(
        || file.try_lock(),
        |error| matches!(error, TryLockError::WouldBlock),
    )
}
