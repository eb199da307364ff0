//! Commands about paper.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Actor;
use crate::domain::id::{ApprovalId, CaseId};
use crate::domain::purpose::Purpose;
use crate::domain::serial::Serial;

/// `print …`
#[derive(Debug, Subcommand)]
pub enum PrintCommand {
    /// Make a print document of cases, and fetch it
    #[command(after_help = "Examples:\n  \
        bongham print new --case CASE --receiver '감사실' --reason '회의 자료' --out case.pdf \
        --account choi --data D\n  \
        bongham print new --case CASE --case CASE --form html --copies 3 --receiver '심의위원회' \
        --reason '심의' --out cases.html --account choi --data D\n  \
        bongham print new --case CASE --receiver '감사실' --reason '회의 자료' --print \
        --account choi --data D\n\n\
        Names, numbers and addresses are masked, and whoever made a report against somebody is left \
        out. Every page carries the serial number, your name and the time. --print gives the \
        PDF to a printer and leaves no file; with --out, print the file and delete it. The document \
        can be fetched by this command alone.")]
    New(Box<NewPrintArgs>),
    /// The record of a print
    #[command(after_help = "Example:\n  bongham print show 7KQ4M-2XA0D --account choi --data D")]
    Show {
        /// Serial number
        serial: Serial,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
}

/// `print new`
#[derive(Debug, Args)]
pub struct NewPrintArgs {
    /// Id of a case; may be given several times; one that is not there stops it all
    #[arg(long = "case", value_name = "ID", required = true)]
    pub cases: Vec<CaseId>,
    /// pdf or html
    #[arg(long, default_value = "pdf", value_parser = ["pdf", "html"])]
    pub form: String,
    /// Which fields: case_file, summary, contacts or register, as far as the purpose has it
    #[arg(long)]
    pub template: Option<String>,
    /// Mask nothing: a right of its own, with a second person
    #[arg(long)]
    pub unmasked: bool,
    /// Name petitioner, agent and witnesses (keep) or leave them out (omit)
    #[arg(long, value_parser = ["keep", "omit"])]
    pub identity: Option<String>,
    /// How many copies; each is numbered
    #[arg(long, default_value_t = 1)]
    pub copies: u16,
    /// Who gets it
    #[arg(long, value_name = "TEXT")]
    pub receiver: String,
    /// Login of who answers for its destruction; you, if absent
    #[arg(long, value_name = "LOGIN")]
    pub responsible: Option<String>,
    /// When every copy is to be destroyed, RFC 3339; in 30 days, if absent
    #[arg(long, value_name = "TIME")]
    pub destroy_by: Option<String>,
    /// Why: handling, legal, supervision or subject_request
    #[arg(long, default_value = "handling")]
    pub purpose: Purpose,
    /// A sentence for the access log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Id of the approval, once a second person has approved exactly this
    #[arg(long, value_name = "ID")]
    pub approval: Option<ApprovalId>,
    /// The file to make, in the clear and readable by you alone; an existing one is not overwritten
    #[arg(long, short, value_name = "FILE", required_unless_present = "print")]
    pub out: Option<PathBuf>,
    /// Straight to this printer, or the usual one, through lp, without a file; for a PDF
    #[arg(
        long,
        value_name = "PRINTER",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with = "out"
    )]
    pub print: Option<String>,
    /// Who prints.
    #[command(flatten)]
    pub actor: Actor,
}

/// `trace`
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// A serial number, or a file: a PDF, or a scan or photograph of a page (PNG, JPEG)
    #[arg(value_name = "SERIAL|FILE")]
    pub what: String,
    /// Who asks.
    #[command(flatten)]
    pub actor: Actor,
}
