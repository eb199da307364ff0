//! Commands about the end of records: requests, retention.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Actor;
use crate::domain::id::RequestId;

/// `request …`
#[derive(Debug, Subcommand)]
pub enum RequestCommand {
    /// Take in a request for deletion (삭제 요구); the case is locked at once
    #[command(
        after_help = "Example:\n  bongham request add request.json --account park --data D\n\
        \nrequest.json:\n  {\"receipt\":\"7KQ4-M2XA-QD3F\",\"asked_by\":\"person\",\
        \"name\":\"…\",\"contact\":\"…\",\n   \"reason\":\"…\"}\n\n\
        asked_by: person, agent (with \"authority\": legal_representative or \
        power_of_attorney), officer.\nIn place of the receipt, \"case\" names a case that you may \
        see."
    )]
    Add {
        /// JSON file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Who takes it in.
        #[command(flatten)]
        actor: Actor,
    },
    /// List requests, overdue first
    #[command(after_help = "Example:\n  bongham request list --account lee --data D")]
    List {
        /// Most rows to fetch
        #[arg(long, value_name = "ROWS", default_value_t = 200)]
        limit: usize,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Show one request, its due date and what may follow
    #[command(after_help = "Example:\n  bongham request show ID --account lee --data D")]
    Show {
        /// Id, from `request list`
        id: RequestId,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Record how it was checked who asks (본인 확인); no copy is kept
    #[command(
        after_help = "Example:\n  bongham request identify ID --method resident-card \
        --account park --data D"
    )]
    Identify {
        /// Id
        id: RequestId,
        /// How it was checked
        #[arg(long)]
        method: Method,
        /// Who checked.
        #[command(flatten)]
        actor: Actor,
    },
    /// Judge every part (법령 검토): destroy, keep_apart or hold
    #[command(
        after_help = "Example:\n  bongham request review ID review.json --account lee --data D\n\
        \nreview.json, everything:\n  {\"rest\":{\"verdict\":\"destroy\",\"reason\":\"…\"}}\n\
        One part kept under another law:\n  {\"parts\":[{\"part\":\"PART\",\"judgement\":{\
        \"verdict\":\"keep_apart\",\"reason\":\"…\",\n   \"law\":\"…\",\"article\":\"…\",\
        \"items\":\"…\",\"until\":\"2031-01-01T00:00:00+09:00\"}}],\n   \
        \"rest\":{\"verdict\":\"destroy\",\"reason\":\"…\"},\n   \
        \"refusal\":{\"law\":\"…\",\"reason\":\"…\",\"objection\":\"…\"}}"
    )]
    Review {
        /// Id
        id: RequestId,
        /// JSON file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Who judges.
        #[command(flatten)]
        actor: Actor,
    },
    /// Fill in the destruction request form (파기요청서)
    #[command(
        after_help = "Example:\n  bongham request form ID form.json --account lee --data D\n\
        \nform.json:\n  {\"file\":\"…\",\"task\":\"…\",\"reason\":\"…\",\"place\":\"…\",\
        \"method\":\"…\",\"verification\":\"…\",\n   \"backups_handled\":true,\
        \"media_destroyed\":false,\n   \
        \"sender\":{\"office\":\"…\",\"officer\":\"…\",\"contact\":\"…\"}}\n\
        Besides, where needed: remarks, witness, decision (폐기), kept."
    )]
    Form {
        /// Id
        id: RequestId,
        /// JSON file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Who fills it in.
        #[command(flatten)]
        actor: Actor,
    },
    /// Approve exactly the form you saw (승인), as somebody who had no hand in it
    #[command(
        after_help = "Example:\n  bongham request show ID --account han --data D\n  \
        bongham request approve ID --form-hash HASH --account han --data D"
    )]
    Approve {
        /// Id
        id: RequestId,
        /// form_hash of the form, from `request show`
        #[arg(long, value_name = "HASH")]
        form_hash: String,
        /// Who approves.
        #[command(flatten)]
        actor: Actor,
    },
    /// Refuse it (거절), with law, reason and the way to object
    #[command(
        after_help = "Example:\n  bongham request refuse ID refusal.json --account lee --data D\n\
        \nrefusal.json:\n  {\"refusal\":{\"law\":\"…\",\"reason\":\"…\",\"objection\":\"…\"},\n   \
        \"sender\":{\"office\":\"…\",\"officer\":\"…\",\"contact\":\"…\"}}"
    )]
    Refuse {
        /// Id
        id: RequestId,
        /// JSON file; - reads standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Who refuses.
        #[command(flatten)]
        actor: Actor,
    },
    /// Cancel it (취소); inside the window, the approved destruction with it
    #[command(
        after_help = "Example:\n  bongham request cancel ID --reason 'withdrawn' --account park \
        --data D"
    )]
    Cancel {
        /// Id
        id: RequestId,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who cancels.
        #[command(flatten)]
        actor: Actor,
    },
    /// Print the result notice (결과 통지서), or record that it reached the person
    #[command(
        after_help = "Examples:\n  bongham request notice ID --html --account lee --data D > \
        notice.html\n  bongham request notice ID --delivered-by post --account lee --data D"
    )]
    Notice {
        /// Id
        id: RequestId,
        /// A page to print in place of plain text
        #[arg(long, conflicts_with = "delivered_by")]
        html: bool,
        /// Record that it reached the person this way
        #[arg(long, value_name = "HOW")]
        delivered_by: Option<Delivered>,
        /// Who asks or records.
        #[command(flatten)]
        actor: Actor,
    },
}

/// How it was checked who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// 주민등록증
    ResidentCard,
    /// 운전면허증
    DriverLicence,
    /// 여권
    Passport,
    /// 외국인등록증
    ResidencePermit,
    /// 행정정보 공동이용
    SharedInformation,
    /// 전자서명
    ElectronicSignature,
    /// 휴대전화 본인확인
    MobileIdentification,
    /// Known from the case itself
    KnownFromCase,
}

/// How a notice reached the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Delivered {
    /// 교부
    Hand,
    /// 우편
    Post,
    /// 전자우편
    Email,
    /// 전자문서
    ElectronicDocument,
    /// Nobody asked: an expired retention period
    FiledOnly,
}

/// The code of the API.
pub fn code(value: &impl ValueEnum) -> String {
    let name = value.to_possible_value();
    name.map(|name| name.get_name().replace('-', "_"))
        .unwrap_or_default()
}

/// `retention …`
#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// Show the retention rules (보존기간), or set them
    #[command(
        after_help = "Examples:\n  bongham retention rules --account lee --data D\n  \
        bongham retention rules --set rules.json --account lee --data D\n\n\
        rules.json; the default has no class, null years keep for good:\n  \
        {\"rules\":[{\"years\":5,\"appraisal\":true},\n   \
        {\"class\":\"road\",\"years\":3,\"appraisal\":true}]}"
    )]
    Rules {
        /// JSON file with all rules; - reads standard input
        #[arg(long, value_name = "FILE")]
        set: Option<PathBuf>,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Propose what has expired; destroys nothing
    #[command(
        after_help = "Example:\n  bongham retention sweep --account lee --data D\n\n\
        After a leap of the clock two privacy officers say that the time is right, one after the \
        other:\n  bongham retention sweep --confirm-clock --account lee --data D"
    )]
    Sweep {
        /// Say that the wall clock is right, after it leapt
        #[arg(long)]
        confirm_clock: bool,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
}
