//! The steps of a restore, in their order.

/// What a restore has done when it is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The files of the backup lie beside their place.
    Copied,
    /// Those of the separate store do.
    CopiedApart,
    /// The logs are as long as they must be.
    Brought,
    /// The keyring knows of the restore.
    Marked,
    /// The data is in its place.
    Placed,
    /// The keyring knows what the ledger tells.
    Taught,
    /// No number is given again that a row names.
    Skipped,
    /// What waited in the queue is dead.
    Punctured,
    /// What no row names is dead.
    Kept,
    /// Every case was looked at.
    Swept,
    /// Somebody has a new code who can let the others in.
    LetIn,
    /// Rows of accounts that are too old are shut out.
    HeldBack,
    /// Orders and approvals that waited are void, and what nobody had fetched may be out.
    Withdrawn,
    /// The list of copies is that of the ledger.
    Relisted,
    /// It stands in both logs.
    Entered,
    /// The keyring's mark is gone.
    Finished,
}
