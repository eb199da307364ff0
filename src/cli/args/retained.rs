//! Commands about what another law keeps apart.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Actor;
use crate::domain::id::{ApprovalId, CaseId, RetainedId};
use crate::domain::purpose::Purpose;

/// `retained …`
#[derive(Debug, Subcommand)]
pub enum RetainedCommand {
    /// Copy parts of a case to the separate store, where a law keeps them
    #[command(
        after_help = "Example:\n  bongham retained draw CASE --part people --law '민원 처리에 관한 \
        법률' --article 제22조 --items '성명, 연락처' --until 2031-12-31T00:00:00+09:00 \
        --account choi --data D"
    )]
    Draw(DrawArgs),
    /// List what is kept apart: law and dates, no content
    #[command(
        after_help = "Examples:\n  bongham retained list --account noh --data D\n  \
        bongham retained list --due --account noh --data D"
    )]
    List {
        /// Only what has come to its end
        #[arg(long)]
        due: bool,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Open an item; the first call asks for a second person, the call with --approval opens
    #[command(
        after_help = "Examples:\n  bongham retained open ID --reason 'court order 2026-11' \
        --account noh --data D\n  bongham retained open ID --reason 'court order 2026-11' \
        --approval APPROVAL --account noh --data D"
    )]
    Open {
        /// Id, from `retained list`
        id: RetainedId,
        /// Why: legal or subject_request
        #[arg(long, default_value = "legal")]
        purpose: Purpose,
        /// Whose consent, and why.
        #[command(flatten)]
        consent: Consent,
    },
    /// Give every item that you open to all custodians of now, after one came or got a new key
    #[command(after_help = "Example:\n  bongham retained share --account noh --data D")]
    Share(Actor),
    /// Hand items over to the archive, sealed to its public key
    #[command(
        after_help = "Examples:\n  bongham retained hand-over ID ID --archive PUBLIC --reason \
        'transfer 2026' --account noh --data D\n  bongham retained hand-over ID ID --archive \
        PUBLIC --reason 'transfer 2026' --approval APPROVAL --out items.jsonl --account noh \
        --data D"
    )]
    HandOver {
        /// Ids, from `retained list`
        #[arg(required = true)]
        ids: Vec<RetainedId>,
        /// The archive's public key, 64 hexadecimal digits
        #[arg(long, value_name = "HEX")]
        archive: String,
        /// The file to make, once it is approved; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Whose consent, and why.
        #[command(flatten)]
        consent: Consent,
    },
    /// Order the destruction of an item whose end has come
    #[command(
        after_help = "Examples:\n  bongham retained end ID --reason 'term over' --account noh \
        --data D\n  bongham retained end ID --decision 2031-4 --reason 'term over' --approval \
        APPROVAL --account noh --data D"
    )]
    End {
        /// Id, from `retained list --due`
        id: RetainedId,
        /// Id of the decision 폐기 of the records appraisal, where the item needs one
        #[arg(long, value_name = "ID")]
        decision: Option<String>,
        /// Whose consent, and why.
        #[command(flatten)]
        consent: Consent,
    },
    /// Call off the ordered destruction of an item, until its time or while a hold keeps it
    #[command(
        after_help = "Example:\n  bongham retained cancel-end ID --reason 'wrong item' --account \
        noh --data D"
    )]
    CancelEnd {
        /// Id, from `retained list`
        id: RetainedId,
        /// A sentence for the access log
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Hold an item as it is (보류): it is not destroyed meanwhile; lifting asks for a second person
    #[command(
        after_help = "Examples:\n  bongham retained hold ID --ground 'court case 2031-12' --reason \
        'a court asks' --account noh --data D\n  bongham retained hold ID --lift --ground 'court \
        case 2031-12' --reason 'judgment is final' --approval APPROVAL --account noh --data D"
    )]
    Hold {
        /// Id, from `retained list`
        id: RetainedId,
        /// The law or matter it rests on
        #[arg(long, value_name = "TEXT")]
        ground: String,
        /// Lift the holds on this ground
        #[arg(long)]
        lift: bool,
        /// Whose consent, and why.
        #[command(flatten)]
        consent: Consent,
    },
    /// Give an item a later end (재책정), with a second person
    #[command(
        after_help = "Examples:\n  bongham retained term ID --until 2036-12-31T00:00:00+09:00 \
        --decision 2031-5 --reason 'renewed by the appraisal' --account noh --data D\n  bongham \
        retained term ID --until 2036-12-31T00:00:00+09:00 --decision 2031-5 --reason 'renewed by \
        the appraisal' --approval APPROVAL --account noh --data D"
    )]
    Term {
        /// Id, from `retained list`
        id: RetainedId,
        /// Until when, RFC 3339; no earlier than now
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Id of the decision 재책정 of the records appraisal
        #[arg(long, value_name = "ID")]
        decision: Option<String>,
        /// Whose consent, and why.
        #[command(flatten)]
        consent: Consent,
    },
    /// For the archive: make a key pair; the private key goes into FILE, the public one is printed
    #[command(after_help = "Example:\n  bongham retained key-pair --out archive.key")]
    KeyPair {
        /// The file to make; an existing one is not overwritten
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
    },
    /// For the archive: open a hand-over with its private key; needs no store and no server
    #[command(
        after_help = "Example:\n  bongham retained unseal items.jsonl --key archive.key > \
        items-in-clear.jsonl"
    )]
    Unseal {
        /// The file that was handed over
        file: PathBuf,
        /// File with the archive's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// `retained draw`
#[derive(Debug, Args)]
pub struct DrawArgs {
    /// Id of the case
    pub case: CaseId,
    /// narrative or people; may be given several times
    #[arg(long = "part", value_name = "PART")]
    pub parts: Vec<String>,
    /// Id of a person in the case; may be given several times
    #[arg(long = "unit", value_name = "ID")]
    pub units: Vec<String>,
    /// The law; no personal data
    #[arg(long, value_name = "TEXT")]
    pub law: String,
    /// Its article; no personal data
    #[arg(long, value_name = "TEXT")]
    pub article: String,
    /// What is kept, by kind; no personal data
    #[arg(long, value_name = "TEXT")]
    pub items: String,
    /// Until when, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// Why: handling or legal
    #[arg(long, default_value = "handling")]
    pub purpose: Purpose,
    /// Who draws.
    #[command(flatten)]
    pub actor: Actor,
}

/// What needs a second person.
#[derive(Debug, Args)]
pub struct Consent {
    /// A sentence for the access log; the same in both calls
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Id of the approval, once it is given
    #[arg(long, value_name = "ID")]
    pub approval: Option<ApprovalId>,
    /// Who asks.
    #[command(flatten)]
    pub actor: Actor,
}
