//! Commands about copies: backups of the data, copies of the keyring.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Actor, Store};
use crate::cli::secrets::UnlockArgs;

/// `backup …`
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Copy the store, also while it is being served: ciphertext only, no keys
    #[command(
        after_help = "Example:\n  bongham backup create /mnt/backup/monday --account kim --data D\n\n\
        Stopped? The same command again goes on where it stopped.\nKeep the keyring out of it: \
        bongham keyring escrow."
    )]
    Create {
        /// Directory of the backup; made if absent
        dir: PathBuf,
        /// Copy the separate store (what other laws keep), which is in no other backup
        #[arg(long)]
        retained: bool,
        /// Who makes it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Check a backup; needs no store and no keyring
    #[command(
        after_help = "Example:\n  bongham backup verify /mnt/backup/monday --key log.vkey\n\n\
        Exit code 0: whole. 1: the first bad file is named."
    )]
    Verify {
        /// Directory of the backup
        dir: PathBuf,
        /// The log's public key (vkey), kept since the store was made
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Bring a store back from a backup, with its keyring
    #[command(
        after_help = "Example:\n  bongham backup restore /mnt/backup/monday --data /srv/new \
        --keyring /mnt/keys/bongham --retained /mnt/apart/monday --key log.vkey --ledger \
        ledger.bundle --checkpoint kept.txt\n\nStopped? The same command again goes on. What was destroyed, revoked or reset after the \
        backup stays so."
    )]
    Restore {
        /// Directory of the backup
        dir: PathBuf,
        /// --data names the directory to make.
        #[command(flatten)]
        store: Store,
        /// What opens the keyring.
        #[command(flatten)]
        unlock: UnlockArgs,
        /// A backup of the separate store (backup create --retained), or its directory as it lies in
        /// the old data
        #[arg(long, value_name = "DIR")]
        retained: PathBuf,
        /// What the logs must reach.
        #[command(flatten)]
        proofs: Proofs,
        /// Nobody has the ledger's newest entries: go on without them, which is recorded for ever
        #[arg(long, conflicts_with = "ledger")]
        ledger_lost: bool,
    },
}

/// What the logs of a restored store must reach, and what brings them there.
#[derive(Debug, Clone, Args)]
pub struct Proofs {
    /// The log's public key (vkey), kept since the store was made
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// A checkpoint that an auditor kept; may be given several times
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
    /// A bundle of the ledger (bongham ledger export) that is newer than the backup
    #[arg(long, value_name = "BUNDLE")]
    pub ledger: Option<PathBuf>,
    /// A bundle of the access log that is newer than the backup
    #[arg(long, value_name = "BUNDLE")]
    pub log: Option<PathBuf>,
}

/// The passphrase of a copy of the keyring.
#[derive(Debug, Clone, Args)]
pub struct CapsuleSecret {
    /// Read the copy's own passphrase from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pub capsule_passphrase_file: Option<PathBuf>,
}

/// `keyring …`
#[derive(Debug, Subcommand)]
pub enum KeyringCommand {
    /// Make a sealed copy of the keyring for somebody to keep
    #[command(
        after_help = "Example:\n  bongham keyring escrow --out kim.capsule --holder 'Kim, safe 2' \
        --account kim --data D\n\nIt opens with its own passphrase and the store's. Whatever is \
        destroyed later stays readable for whoever has it: replace it, destroy it, acknowledge it."
    )]
    Escrow {
        /// The file to make; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Who keeps it
        #[arg(long, value_name = "NAME")]
        holder: String,
        /// Its passphrase.
        #[command(flatten)]
        secret: CapsuleSecret,
        /// Who makes it.
        #[command(flatten)]
        actor: Actor,
    },
    /// List the copies of the keyring and what they are worth
    #[command(after_help = "Example:\n  bongham keyring holders --account kim --data D")]
    Holders(Actor),
    /// Enter that a copy was destroyed by its holder
    #[command(after_help = "Example:\n  bongham keyring acknowledge SERIAL --account kim --data D")]
    Acknowledge {
        /// Serial number, from `keyring holders`
        serial: String,
        /// Who enters it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Make a keyring of a copy, and destroy again what was destroyed since
    #[command(
        after_help = "Example:\n  bongham keyring restore kim.capsule --keyring /mnt/keys/new \
        --data /srv/bongham --key log.vkey --checkpoint kept.txt\n\nWithout a store at --data the \
        keyring stays shut until bongham backup restore has run with it."
    )]
    Restore {
        /// The copy
        capsule: PathBuf,
        /// --keyring names the directory to make.
        #[command(flatten)]
        store: Store,
        /// Its passphrase.
        #[command(flatten)]
        secret: CapsuleSecret,
        /// The store's own secret.
        #[command(flatten)]
        unlock: UnlockArgs,
        /// What the logs must reach; at least one checkpoint.
        #[command(flatten)]
        proofs: Proofs,
    },
}
