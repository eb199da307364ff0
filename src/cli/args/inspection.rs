//! Commands about what the access log tells people: evidence, inspections, findings.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Deserialize;
use serde::de::IntoDeserializer;

use super::Actor;
use crate::destruction::draft::IdentityMethod;
use crate::domain::id::{CaseId, InspectionId};

/// `evidence …`
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// Write who opened a case, with proofs, for its petitioner
    #[command(
        after_help = "Examples:\n  bongham evidence give --receipt 7KQ4-M2XA-QD3F --identity resident_card \
        --reason '본인에게 교부' --out evidence.json --page evidence.html --account lee --data D\n  bongham log verify-evidence evidence.json \
        --key log.vkey\n\nThe page is to be printed; the JSON document beside it is what can be checked."
    )]
    Give {
        /// Number on the petitioner's receipt
        #[arg(
            long,
            value_name = "RECEIPT",
            required_unless_present = "case",
            conflicts_with = "case"
        )]
        receipt: Option<String>,
        /// Or the id of the case
        #[arg(long, value_name = "ID")]
        case: Option<CaseId>,
        /// How it was checked who asks: resident_card, driver_licence, passport, residence_permit,
        /// shared_information, electronic_signature, mobile_identification or known_from_case
        #[arg(long, value_name = "METHOD", value_parser = identity_method)]
        identity: IdentityMethod,
        /// To whom it is given and why; a sentence for the access log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// A checkpoint that the petitioner kept: the document proves that the log goes on from it
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        /// The document to make; an existing file is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// The page to make; an existing file is not overwritten
        #[arg(long, value_name = "FILE")]
        page: Option<PathBuf>,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
}

fn identity_method(text: &str) -> Result<IdentityMethod, serde::de::value::Error> {
    IdentityMethod::deserialize(text.into_deserializer())
}

/// `inspection …`
#[derive(Debug, Subcommand)]
pub enum InspectionCommand {
    /// Make the inspection of a month from the access log
    #[command(
        after_help = "Example:\n  bongham inspection make 2026-10 --account jang --data D\n\nOf a month \
        that is not over, what it has so far: for information, as often as you like."
    )]
    Make {
        /// The month, as 2026-10
        month: String,
        /// Who inspects.
        #[command(flatten)]
        actor: Actor,
    },
    /// List inspections, and months whose inspection nobody made in time
    #[command(after_help = "Example:\n  bongham inspection list --account jang --data D")]
    List(Actor),
    /// Show an inspection: findings, hash, sign-off
    #[command(after_help = "Example:\n  bongham inspection show ID --account jang --data D")]
    Show {
        /// Id, from `inspection list`
        id: InspectionId,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Write the report with its chart, as a page to print
    #[command(
        after_help = "Example:\n  bongham inspection report ID --out report.html --account jang --data D\n  \
        bongham inspection report ID --pdf --out report.pdf --account jang --data D"
    )]
    Report {
        /// Id
        id: InspectionId,
        /// As PDF
        #[arg(long)]
        pdf: bool,
        /// The file to make; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Judge a finding: accepted as explained, or not
    #[command(
        after_help = "Example:\n  bongham inspection judge ID 3 --accept --note 'night shift' \
        --account jang --data D"
    )]
    Judge {
        /// Id
        id: InspectionId,
        /// Number of the finding
        number: u32,
        /// It is accepted; without this it is rejected
        #[arg(long)]
        accept: bool,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: String,
        /// Who judges.
        #[command(flatten)]
        actor: Actor,
    },
    /// Sign an inspection off; from then on it does not change
    #[command(
        after_help = "Example:\n  bongham inspection sign ID --hash HASH --account jang --data D\n\nThe \
        hash is the one that `inspection show` ends with. While findings are open or not judged, \
        --statement says why it is signed all the same."
    )]
    Sign {
        /// Id
        id: InspectionId,
        /// Hash of what you have read
        #[arg(long, value_name = "HASH")]
        hash: String,
        /// Why it is signed although findings are not settled
        #[arg(long, value_name = "TEXT")]
        statement: Option<String>,
        /// Who signs.
        #[command(flatten)]
        actor: Actor,
    },
}

/// `finding …`
#[derive(Debug, Subcommand)]
pub enum FindingCommand {
    /// List findings about yourself
    #[command(after_help = "Example:\n  bongham finding list --account choi --data D")]
    List(Actor),
    /// Explain a finding about yourself (소명)
    #[command(
        after_help = "Example:\n  bongham finding explain ID-3 --text 'on duty that night' --account \
        choi --data D\n\nDo not write names or anything from a case into it."
    )]
    Explain {
        /// Id, from `finding list`
        id: String,
        /// What you say
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// Who you are.
        #[command(flatten)]
        actor: Actor,
    },
}
