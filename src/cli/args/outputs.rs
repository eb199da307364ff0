//! Commands about what leaves the house.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Actor;
use super::records::FIELDS;
use crate::domain::id::{ApprovalId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;

/// `export …`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Take cases out: writes the list into the access log, then the locked file
    #[command(after_help = "Examples:\n  \
        bongham export new --case CASE --format xlsx --receiver '감사실' --reason '자료 제출' \
        --destroy-by 2026-12-31T00:00:00+09:00 --out cases.xlsx.age --account choi --data D\n  \
        bongham export new --class 도로 --from 2026-01-01T00:00:00+09:00 --format csv \
        --template register --recipient age1… --receiver 통계담당 --reason '분기 보고' \
        --destroy-by 2026-12-31T00:00:00+09:00 --out q1.csv.age --account choi --data D\n  \
        bongham export new --search name --value-file F --purpose subject_request --format pdf \
        --receiver 본인 --reason '열람 요구' --destroy-by 2026-12-31T00:00:00+09:00 \
        --out own.pdf.age --account choi --data D\n\n\
        Without --case and --search everything of your own list that fits goes out. Names, numbers and \
        addresses are masked. The passphrase is shown once; open the file with: age -d")]
    New(Box<NewExportArgs>),
    /// How far an export has come
    #[command(after_help = "Example:\n  bongham export show 7KQ4M-2XA0D --account choi --data D")]
    Show {
        /// Serial number
        serial: Serial,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Fetch the file of an export; a broken download goes on where it stopped
    #[command(
        after_help = "Example:\n  bongham export fetch 7KQ4M-2XA0D --out cases.xlsx.age \
        --account choi --data D"
    )]
    Fetch {
        /// Serial number
        serial: Serial,
        /// The file to make; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Call a running export off, or let a file go that nobody has fetched
    #[command(after_help = "Example:\n  bongham export cancel 7KQ4M-2XA0D --account choi --data D")]
    Cancel {
        /// Serial number
        serial: Serial,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
}

/// `export new`
#[derive(Debug, Args)]
pub struct NewExportArgs {
    /// Id of a case; may be given several times
    #[arg(long = "case", value_name = "ID", conflicts_with_all = ["class", "department", "state", "from", "to"])]
    pub cases: Vec<CaseId>,
    /// What a search finds, by name, telephone, email, address or number; the value is asked for,
    /// or read from a file
    #[arg(long, value_name = "FIELD", value_parser = FIELDS, conflicts_with_all = ["cases", "class", "department", "state", "from", "to"])]
    pub search: Option<String>,
    /// Read the value to search for from this file (its first line); - reads standard input
    #[arg(long, value_name = "FILE", requires = "search")]
    pub value_file: Option<PathBuf>,
    /// Only this kind of complaint
    #[arg(long, value_name = "TEXT")]
    pub class: Option<String>,
    /// Only of this department
    #[arg(long, value_name = "CODE")]
    pub department: Option<String>,
    /// Only in this state: registered, assigned or closed
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only registered from this time on, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only registered before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// csv, csv_cp949, xlsx, jsonl or, for 500 cases at the most, pdf
    #[arg(long)]
    pub format: String,
    /// Which fields: case_file, summary, contacts or register, as far as the purpose has it
    #[arg(long)]
    pub template: Option<String>,
    /// Mask nothing: a right of its own, with a second person
    #[arg(long)]
    pub unmasked: bool,
    /// Public key of age that opens the file (age1…); without it a passphrase is made
    #[arg(long, value_name = "KEY")]
    pub recipient: Option<String>,
    /// Who gets it
    #[arg(long, value_name = "TEXT")]
    pub receiver: String,
    /// Login of who answers for its destruction; you, if absent
    #[arg(long, value_name = "LOGIN")]
    pub responsible: Option<String>,
    /// When every copy is to be destroyed, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub destroy_by: String,
    /// Why: handling, legal, supervision or subject_request
    #[arg(long, default_value = "handling")]
    pub purpose: Purpose,
    /// A sentence for the access log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Id of the approval, once a second person has approved exactly this
    #[arg(long, value_name = "ID")]
    pub approval: Option<ApprovalId>,
    /// The file to make; an existing one is not overwritten
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// Who takes it out.
    #[command(flatten)]
    pub actor: Actor,
}

/// `output …`
#[derive(Debug, Subcommand)]
pub enum OutputCommand {
    /// List exports and prints, newest first: your own; for privacy officers and auditors all
    #[command(
        after_help = "Examples:\n  bongham output list --account choi --data D\n  \
        bongham output list --open --account lee --data D"
    )]
    List {
        /// Only those of which a copy may still be somewhere
        #[arg(long)]
        open: bool,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Say that every copy of an output is destroyed (파기 확인)
    #[command(
        after_help = "Example:\n  bongham output close 7KQ4M-2XA0D --method 삭제 --account choi \
        --data D"
    )]
    Close {
        /// Serial number
        serial: Serial,
        /// How: 파쇄, 소각, 삭제
        #[arg(long, value_name = "TEXT")]
        method: String,
        /// Anything to add, for the access log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who says so.
        #[command(flatten)]
        actor: Actor,
    },
}
