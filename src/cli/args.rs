//! Every command and flag of `bongham`. What stands here is what `--help` shows.

pub mod budget;
pub mod copies;
pub mod end;
pub mod inspection;
pub mod outputs;
pub mod people;
pub mod prints;
pub mod records;
pub mod retained;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use budget::{AlertCommand, BudgetCommand};
use copies::{BackupCommand, KeyringCommand};
use end::{RequestCommand, RetentionCommand};
use inspection::{EvidenceCommand, FindingCommand, InspectionCommand};
use outputs::{ExportCommand, OutputCommand};
use people::{AccountCommand, ApprovalCommand, DepartmentCommand};
use prints::{PrintCommand, TraceArgs};
use records::{CaseCommand, ImportArgs, LedgerCommand, LogCommand};
use retained::RetainedCommand;

use super::host::Place;
use super::secrets::{PasswordArgs, UnlockArgs};
use crate::config::listen::DEFAULT_ADDRESS;
use crate::config::log_format::LogFormat;

/// Privacy-audited complaint records store (봉함)
#[derive(Debug, Parser)]
#[command(name = "bongham", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// Results as JSON, one value a line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Start here:  bongham quickstart

Secrets come from a prompt, a file or a file descriptor, never from an argument.
Exit codes: 0 done, 1 failed or violation found, 2 usage, 3 refused by policy, 4 sealed,
            5 damaged store.";

const SCAN_HELP: &str = "\
Examples:
  bongham forensic-scan /srv/bongham --data /srv/bongham
  bongham forensic-scan /dev/sdb1 /mnt/backup --data /srv/bongham --needles texts.txt

Nobody may serve the store meanwhile. Rows of destroyed units are a violation below --data once
the ledger says that they are overwritten, and a note elsewhere: an old copy that no key opens.
A key that is still there and a text that is found are always one. Files are named, never texts.
Keep the list of texts itself outside the places that are scanned.
Exit codes: 0 nothing found, 1 violations found.";

/// The two directories of a store, and how its office is set up.
#[derive(Debug, Clone, Args)]
pub struct Store {
    /// Data directory
    #[arg(
        long,
        value_name = "DIR",
        env = "BONGHAM_DATA",
        default_value = "bongham-data"
    )]
    pub data: PathBuf,
    /// Keyring directory, best on another medium [default: DATA.keyring]
    #[arg(long, value_name = "DIR", env = "BONGHAM_KEYRING")]
    pub keyring: Option<PathBuf>,
    /// Configuration file (TOML) of the office; a running server has read its own
    #[arg(long, value_name = "FILE", env = "BONGHAM_CONFIG")]
    pub config: Option<PathBuf>,
}

impl Store {
    /// Both directories; a keyring that is not named stands beside the data as `DATA.keyring`.
    pub fn place(&self) -> Place {
        let keyring = self.keyring.clone().unwrap_or_else(|| {
            let mut name = self.data.as_os_str().to_owned();
            name.push(".keyring");
            PathBuf::from(name)
        });
        Place {
            data: self.data.clone(),
            keyring,
            config: self.config.clone(),
        }
    }
}

/// Who a command acts as, on which store.
#[derive(Debug, Clone, Args)]
pub struct Actor {
    /// The store.
    #[command(flatten)]
    pub store: Store,
    /// Log in as this account
    #[arg(long, value_name = "NAME", env = "BONGHAM_ACCOUNT")]
    pub account: String,
    /// Its password.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// What opens the store, where no server runs.
    #[command(flatten)]
    pub unlock: UnlockArgs,
    /// Why more than usual is needed, if the server asks; a person is asked for it.
    #[arg(skip)]
    pub reason: Option<String>,
}

impl Actor {
    /// The same, for a command that was told why more than usual may be needed.
    #[must_use]
    pub fn because(&self, reason: Option<&String>) -> Self {
        Self {
            reason: reason.cloned(),
            ..self.clone()
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Demo in one go: a store with sample cases and one account per role, served
    #[command(after_help = "Examples:\n  bongham quickstart\n  \
        bongham quickstart --data /tmp/demo --listen 127.0.0.1:0 --json")]
    Quickstart(QuickstartArgs),
    /// Make a new store
    #[command(after_help = "Example:\n  bongham init --data /srv/bongham \
        --keyring /mnt/keys/bongham --admin kim --privacy-officer lee")]
    Init(InitArgs),
    /// Serve a store over HTTP, and over its control socket
    #[command(
        after_help = "Examples:\n  bongham serve --data /srv/bongham --keyring \
        /mnt/keys/bongham\n  bongham serve --data D --listen 0.0.0.0:8443 --tls-cert c.pem \
        --tls-key k.pem --log-format json"
    )]
    Serve(ServeArgs),
    /// Open the store of a running server
    #[command(after_help = "Example:\n  bongham unseal --data /srv/bongham")]
    Unseal {
        /// The store.
        #[command(flatten)]
        store: Store,
        /// What opens it.
        #[command(flatten)]
        unlock: UnlockArgs,
    },
    /// Shut the store of a running server; every session ends
    #[command(after_help = "Example:\n  bongham seal --data /srv/bongham --account kim")]
    Seal(Actor),
    /// Set your own password with the one-time code you were given
    #[command(after_help = "Example:\n  bongham enrol kim --data /srv/bongham")]
    Enrol(EnrolArgs),
    /// Accounts and their roles
    #[command(subcommand)]
    Account(AccountCommand),
    /// Requests that need a second person
    #[command(subcommand)]
    Approval(ApprovalCommand),
    /// How much you may open in a day, and asking for more
    #[command(subcommand)]
    Budget(BudgetCommand),
    /// Alerts: who opened more than usual
    #[command(subcommand)]
    Alert(AlertCommand),
    /// Departments and their desks for sensitive cases
    #[command(subcommand)]
    Department(DepartmentCommand),
    /// Cases
    #[command(subcommand)]
    Case(CaseCommand),
    /// Requests for deletion (삭제 요구), from receipt to result notice
    #[command(subcommand)]
    Request(RequestCommand),
    /// Retention rules (보존기간) and what has expired
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// What another law keeps apart from the cases
    #[command(subcommand)]
    Retained(RetainedCommand),
    /// Cases taken out in a locked file (반출)
    #[command(subcommand)]
    Export(ExportCommand),
    /// Cases on paper (출력)
    #[command(subcommand)]
    Print(PrintCommand),
    /// Find the print or export that a mark, a file or a photographed page came from
    #[command(
        after_help = "Examples:\n  bongham trace 7KQ4M-2XA0D --account lee --data D\n  \
        bongham trace photo.jpg --account lee --data D\n\nSix lines of a page are enough, also \
        from a photocopy. For privacy officers and auditors."
    )]
    Trace(TraceArgs),
    /// Exports and prints that left the house, and the end of their copies
    #[command(subcommand)]
    Output(OutputCommand),
    /// Register the rows of a CSV or JSONL file as cases
    #[command(
        after_help = "Examples:\n  bongham import old.csv.gz --map office.toml --data D \
        --account intake --rejects rejects.jsonl\n  bongham import petitions.jsonl.gz --map \
        builtin:bluehouse --data D --account intake --dry-run\n\nStopped? The same command again \
        goes on where it stopped."
    )]
    Import(ImportArgs),
    /// The access log
    #[command(subcommand)]
    Log(LogCommand),
    /// Who opened a case (열람 내역), for its petitioner
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Inspections of the access log (접속기록 점검), and their sign-off
    #[command(subcommand)]
    Inspection(InspectionCommand),
    /// What inspections found about you, and what you say to it (소명)
    #[command(subcommand)]
    Finding(FindingCommand),
    /// The destruction ledger
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Backups of the data, without keys
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Copies of the keyring, and who keeps them
    #[command(subcommand)]
    Keyring(KeyringCommand),
    /// Policies
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Rebuild the index from the journal
    #[command(after_help = "Example:\n  bongham rebuild-index --data /srv/bongham")]
    RebuildIndex(RepairArgs),
    /// Check everything that can be checked; changes nothing
    #[command(after_help = "Example:\n  bongham fsck --data /srv/bongham")]
    Fsck(RepairArgs),
    /// Look on any disk for what was destroyed: keys, sealed bytes, texts
    #[command(name = "forensic-scan", after_help = SCAN_HELP)]
    ForensicScan(ScanArgs),
}

/// `quickstart`
#[derive(Debug, Args)]
pub struct QuickstartArgs {
    /// Data directory of the demo; made if absent
    #[arg(long, value_name = "DIR", default_value = "bongham-demo")]
    pub data: PathBuf,
    /// Keyring directory [default: DATA.keyring]
    #[arg(long, value_name = "DIR")]
    pub keyring: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ADDRESS)]
    pub listen: String,
}

/// `init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The store.
    #[command(flatten)]
    pub store: Store,
    /// Login of the first administrator
    #[arg(long, value_name = "LOGIN")]
    pub admin: String,
    /// Login of the first privacy officer, the second person for rights
    #[arg(long, value_name = "LOGIN")]
    pub privacy_officer: String,
    /// What will open the store.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// `serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The store.
    #[command(flatten)]
    pub store: Store,
    /// Address to listen on; anything but loopback needs TLS [default: 127.0.0.1:8460]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// text or json, on standard error
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Unseals at once with --passphrase-file; without it the server starts sealed.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// `enrol`
#[derive(Debug, Args)]
pub struct EnrolArgs {
    /// Your login
    #[arg(value_name = "ACCOUNT")]
    pub login: String,
    /// The store.
    #[command(flatten)]
    pub store: Store,
    /// Read the one-time code from this file instead of asking
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
    /// The new password.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// What opens the store, where no server runs.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// `policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Validate policies and run the tests beside them
    #[command(after_help = "Example:\n  bongham policy check policies/")]
    Check {
        /// Directory; without it the built-in policies
        dir: Option<PathBuf>,
    },
}

/// `rebuild-index`, `fsck`
#[derive(Debug, Args)]
pub struct RepairArgs {
    /// The store.
    #[command(flatten)]
    pub store: Store,
    /// What opens it.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

/// `forensic-scan`
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Directories, files or devices to read; backups and old images as well
    #[arg(value_name = "DIR", required = true)]
    pub places: Vec<PathBuf>,
    /// Texts that may stand nowhere, one a line, UTF-8
    #[arg(long, value_name = "FILE")]
    pub needles: Option<PathBuf>,
    /// The store.
    #[command(flatten)]
    pub store: Store,
    /// What opens it.
    #[command(flatten)]
    pub unlock: UnlockArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn the_command_tree_is_sound_and_every_leaf_shows_an_example() {
        fn walk(command: &clap::Command) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(walk);
                return;
            }
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains("Example"),
                "{} has no example",
                command.get_name()
            );
        }
        Cli::command().debug_assert();
        walk(&Cli::command());
    }

    #[test]
    fn no_flag_takes_a_secret_itself() {
        fn walk(command: &clap::Command) {
            for arg in command.get_arguments() {
                let name = arg.get_id().as_str();
                let secret = ["password", "passphrase", "code", "key", "token"]
                    .iter()
                    .any(|s| name.ends_with(s));
                let public = ["tls_key", "key", "code"].contains(&name);
                assert!(!secret || public, "{name} of {}", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn wrong_usage_is_exit_code_two() {
        for bad in [
            &["bongham"][..],
            &["bongham", "log", "verify", "b"],
            &["bongham", "case", "show", "not-an-id", "--account", "a"],
            &[
                "bongham",
                "case",
                "list",
                "--purpose",
                "curiosity",
                "--account",
                "a",
            ],
            &[
                "bongham",
                "account",
                "add",
                "x",
                "--role",
                "king",
                "--account",
                "a",
            ],
        ] {
            let error = Cli::try_parse_from(bad).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{bad:?}");
        }
        let help = Cli::try_parse_from(["bongham", "--help"]).unwrap_err();
        assert_eq!((help.kind(), help.exit_code()), (ErrorKind::DisplayHelp, 0));
    }

    #[test]
    fn the_keyring_stands_beside_the_data_unless_named() {
        let cli = Cli::parse_from(["bongham", "fsck", "--data", "a/b"]);
        let Command::Fsck(args) = cli.command else {
            panic!("another command");
        };
        assert_eq!(args.store.place().keyring, PathBuf::from("a/b.keyring"));
    }
}
