//! Commands about cases, imports and the two logs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Actor;
use crate::domain::id::{AccountId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::tier::Tier;

/// What cases are searched by.
pub(super) const FIELDS: [&str; 5] = ["name", "telephone", "email", "address", "number"];

/// `case …`
#[derive(Debug, Subcommand)]
pub enum CaseCommand {
    /// Register a case from JSON
    #[command(
        after_help = "Example:\n  bongham case register case.json --account park --data D\n\
        \ncase.json:\n  {\"tier\":\"ordinary\",\"department\":\"civil\",\"channel\":\"visit\",\
        \"class\":\"road\",\n   \"title\":\"Broken lamp\",\"narrative\":\"…\",\"people\":[{\
        \"part\":\"petitioner\",\"name\":\"…\"}]}"
    )]
    Register {
        /// JSON file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Who registers.
        #[command(flatten)]
        actor: Actor,
    },
    /// List the cases you may see
    #[command(after_help = "Example:\n  bongham case list --account choi --data D")]
    List {
        /// Why
        #[arg(long, default_value = "handling")]
        purpose: Purpose,
        /// Most rows to fetch
        #[arg(long, value_name = "ROWS", default_value_t = 200)]
        limit: usize,
        /// Why more than usual is needed, if your budget is used up
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Open one case; this is written to the access log
    #[command(
        after_help = "Example:\n  bongham case show ID --purpose handling --account choi \
        --data D"
    )]
    Show {
        /// Id, from `case list`
        id: CaseId,
        /// Why
        #[arg(long, default_value = "handling")]
        purpose: Purpose,
        /// Why more than usual is needed, if your budget is used up
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Find cases by one exact value; the value is asked for, or read from a file
    #[command(
        after_help = "Examples:\n  bongham case search --field telephone --account choi --data D\n  \
        bongham case search --field name --value-file F --account choi --data D\n\nThe value is \
        never an argument, because arguments stand in every process list."
    )]
    Search {
        /// By what: name, telephone, email, address or number
        #[arg(long, value_parser = FIELDS)]
        field: String,
        /// Read the value from this file (its first line); - reads standard input
        #[arg(long, value_name = "FILE")]
        value_file: Option<PathBuf>,
        /// Why
        #[arg(long, default_value = "handling")]
        purpose: Purpose,
        /// Most rows to fetch
        #[arg(long, value_name = "ROWS", default_value_t = 200)]
        limit: usize,
        /// Why more than usual is needed, if your budget is used up
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Name the assignees of a case
    #[command(
        after_help = "Example:\n  bongham case assign ID --assignee choi --account kang \
        --data D"
    )]
    Assign {
        /// Id
        id: CaseId,
        /// Login; may be given several times; together they replace the present ones
        #[arg(long = "assignee", value_name = "LOGIN", required = true)]
        assignees: Vec<String>,
        /// Why
        #[arg(long, default_value = "handling")]
        purpose: Purpose,
        /// A sentence for the access log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Add a statement or a person to a case (보정)
    #[command(
        after_help = "Example:\n  bongham case amend ID more.json --account choi --data D\n\n\
        more.json:\n  {\"statement\":\"…\",\"person\":{\"part\":\"witness\",\"name\":\"…\"}}"
    )]
    Amend {
        /// Id
        id: CaseId,
        /// JSON file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Why
        #[arg(long, default_value = "handling")]
        purpose: Purpose,
        /// A sentence for the access log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Close the work on a case (종결), or take it up again
    #[command(
        after_help = "Examples:\n  bongham case close ID --account choi --data D\n  \
        bongham case close ID --reopen --account choi --data D\n\n\
        The retention period runs from 1 January after the closing."
    )]
    Close {
        /// Id
        id: CaseId,
        /// Take it up again (재개)
        #[arg(long)]
        reopen: bool,
        /// Why
        #[arg(long, default_value = "handling")]
        purpose: Purpose,
        /// A sentence for the access log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Hold a case as it is (보존 조치): nothing of it is destroyed meanwhile
    #[command(
        after_help = "Examples:\n  bongham case hold ID --ground 'court case 2026-12' \
        --account choi --data D\n  bongham case hold ID --lift --ground 'court case 2026-12' \
        --reason 'judgment is final' --account lee --data D\n\nSomebody else lifts what you have set, and a \
        second person, who sees the reason, consents: run it again with --approval ID and the same reason."
    )]
    Hold {
        /// Id
        id: CaseId,
        /// The law or matter it rests on
        #[arg(long, value_name = "TEXT")]
        ground: String,
        /// Lift the holds on this ground
        #[arg(long)]
        lift: bool,
        /// A sentence for the access log; needed with --lift
        #[arg(long, value_name = "TEXT", required_if_eq("lift", "true"))]
        reason: Option<String>,
        /// For lifting: id of the approval that a second person gave
        #[arg(long, value_name = "ID")]
        approval: Option<String>,
        /// Why
        #[arg(long, default_value = "legal")]
        purpose: Purpose,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
    /// Move a case between ordinary and sensitive
    #[command(
        after_help = "Example:\n  bongham case reclassify ID sensitive --assignee choi \
        --reason 'names a victim' --account kang --data D"
    )]
    Reclassify {
        /// Id
        id: CaseId,
        /// The new tier: ordinary or sensitive
        #[arg(value_parser = tier)]
        tier: Tier,
        /// Login; may be given several times; none means the department's desk
        #[arg(long = "assignee", value_name = "LOGIN")]
        assignees: Vec<String>,
        /// Why
        #[arg(long, default_value = "handling")]
        purpose: Purpose,
        /// A sentence for the access log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who does it.
        #[command(flatten)]
        actor: Actor,
    },
}

fn tier(text: &str) -> Result<Tier, &'static str> {
    match text {
        "ordinary" => Ok(Tier::Ordinary),
        "sensitive" => Ok(Tier::Sensitive),
        _ => Err("use ordinary or sensitive"),
    }
}

/// `import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// CSV or JSONL, may be gzipped; UTF-8 or CP949
    pub file: PathBuf,
    /// Map from columns to fields: a TOML file, or builtin:chicago, builtin:bluehouse,
    /// builtin:keyword
    #[arg(long, value_name = "MAP")]
    pub map: String,
    /// Check every row and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write the rejected rows here: line, reason and field, never content
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Who imports.
    #[command(flatten)]
    pub actor: Actor,
}

/// `log …`
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Who did what, and why
    #[command(after_help = "Example:\n  bongham log entries --task read --account jang --data D")]
    Entries(EntriesArgs),
    /// Verify a petitioner's evidence; needs no store and no server
    #[command(
        after_help = "Example:\n  bongham log verify-evidence evidence.json --key log.vkey\n\nThe key \
        must come from the office on another way than the document.\nExit code 0: whole. 1: changed, \
        and what was changed is named."
    )]
    VerifyEvidence {
        /// The document
        document: PathBuf,
        /// The log's public key (vkey)
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// A checkpoint that you kept: a log that does not go on from it is found out, if the
        /// document was made with `--since` it
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Export, verify, key, checkpoint.
    #[command(flatten)]
    Trail(TrailCommand),
}

/// `log entries`
#[derive(Debug, Args)]
pub struct EntriesArgs {
    /// From this time on, RFC 3339
    #[arg(long, value_name = "TIME", default_value = "")]
    pub from: String,
    /// Before this time, RFC 3339
    #[arg(long, value_name = "TIME", default_value = "")]
    pub to: String,
    /// Only this account's doings (account id)
    #[arg(long, value_name = "ID")]
    pub of: Option<AccountId>,
    /// Only this case
    #[arg(long, value_name = "ID")]
    pub case: Option<CaseId>,
    /// Only the entry of this index, as an inspection names it
    #[arg(long, value_name = "N")]
    pub index: Option<u64>,
    /// Only this task, for example read
    #[arg(long, value_name = "CODE", default_value = "")]
    pub task: String,
    /// Most rows to fetch
    #[arg(long, value_name = "ROWS", default_value_t = 200)]
    pub limit: usize,
    /// Who asks.
    #[command(flatten)]
    pub actor: Actor,
}

/// What can be done with either log.
#[derive(Debug, Subcommand)]
pub enum TrailCommand {
    /// Write a bundle that can be verified on another machine
    #[command(
        after_help = "Example:\n  bongham log export --out log.bundle --account jang --data D"
    )]
    Export {
        /// The file to make; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Verify a bundle; needs no store and no server
    #[command(
        after_help = "Example:\n  bongham log verify log.bundle --key log.vkey --checkpoint \
        kept.txt\n\nThe key must be one you kept from the start, never one that came with the \
        bundle.\nExit code 0: whole. 1: tampered with, and the first bad index is named."
    )]
    Verify {
        /// The bundle
        bundle: PathBuf,
        /// The log's public key (vkey), kept since the store was made
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// A checkpoint you kept: a log cut back behind it is found out
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Print the signed checkpoint: size and root of the log; keep it
    #[command(after_help = "Example:\n  bongham log checkpoint --account jang --data D > kept.txt")]
    Checkpoint(Actor),
    /// Print the public key
    #[command(after_help = "Example:\n  bongham log key --account jang --data D > log.vkey")]
    Key(Actor),
}

/// `ledger …`
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Show the entries of the ledger in their order
    #[command(after_help = "Example:\n  bongham ledger entries --account jang --data D")]
    Entries {
        /// Most rows to fetch
        #[arg(long, value_name = "ROWS", default_value_t = 200)]
        limit: usize,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Write the certificate of a destruction (파기 증명서)
    #[command(
        after_help = "Example:\n  bongham ledger certificate ID --out certificate.json --account \
        jang --data D\n  bongham ledger verify certificate.json --key log.vkey"
    )]
    Certificate {
        /// Id of the destruction
        id: crate::domain::id::DestructionId,
        /// The file to make; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Write the official form (개인정보파일 파기 관리대장) as a page to print
    #[command(
        after_help = "Example:\n  bongham ledger form --out form.html --account jang --data D"
    )]
    Form {
        /// The file to make; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Export, verify, key, checkpoint.
    #[command(flatten)]
    Trail(TrailCommand),
}
