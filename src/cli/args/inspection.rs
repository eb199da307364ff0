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
    /// Make the inspection of a month from the access log (점검 작성)
    #[command(
        after_help = "Example:\n  bongham inspection make 2026-10 --account jang --data D --config \
        /etc/bongham.toml\n\nOf a month that is not over, what it has so far: for information, as often as \
        you like. One of a\nmonth that is over counts; until it is signed it may be made again, and the old \
        one stays to be read.\nWithout a server, thresholds and days off come from --config or \
        BONGHAM_CONFIG.\n\n지난달 접속기록 점검을 만듭니다. 월중에는 참고용으로 몇 번이든 만들 수 있습니다. \
        월 전체 점검은 서명하기\n전까지 다시 만들 수 있으며, 이전 점검도 그대로 남습니다. 서버가 꺼져 있으면 \
        --config로 기관 설정 파일을\n지정하십시오. 지정하지 않으면 기본 기준이 적용됩니다."
    )]
    Make {
        /// The month, as 2026-10
        month: String,
        /// Who inspects.
        #[command(flatten)]
        actor: Actor,
    },
    /// List inspections, and months whose inspection nobody made and signed in time (점검 목록)
    #[command(
        after_help = "Example:\n  bongham inspection list --account jang --data D\n\n점검 목록과, 기한까지 \
        서명되지 않은 달을 보여 줍니다. --json이면 한 줄에 rows와 overdue가 나옵니다."
    )]
    List(Actor),
    /// Show an inspection: findings, entries behind them, explanations, hash, sign-off (점검 조회)
    #[command(
        after_help = "Examples:\n  bongham inspection show ID --account jang --data D\n  bongham log entries \
        --index 65 --account jang --data D\n\nThe second shows an entry that a finding names.\n\n지적 사항마다 \
        기간, 근거 기록 번호, 소명, 판단을 보여 줍니다. 기록 한 건은 log entries --index로\n확인합니다. 마지막 \
        줄의 hash가 서명에 쓰입니다."
    )]
    Show {
        /// Id, from `inspection list`
        id: InspectionId,
        /// Who asks.
        #[command(flatten)]
        actor: Actor,
    },
    /// Write the report with its chart, as a page to print (점검 보고서)
    #[command(
        after_help = "Example:\n  bongham inspection report ID --out report.html --account jang --data D\n  \
        bongham inspection report ID --pdf --out report.pdf --account jang --data D\n\nTo be filed after \
        it is signed: before that it says so.\n\n보고서는 서명한 뒤에 만들어 보관하십시오. 먼저 만들면 '서명 전'으로 \
        표시됩니다. 있는 파일은\n덮어쓰지 않습니다."
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
    /// Judge a finding: accepted as explained, or not (판단)
    #[command(
        after_help = "Example:\n  bongham inspection judge ID 3 --accept --note 'night shift' \
        --account jang --data D\n\nFindings about auditors are judged by a privacy officer. Outputs are \
        accepted once they are explained. What was judged is explained again only after --reopen.\n\n소명을 읽고 \
        인정(--accept) 또는 불인정(--accept 없이)으로 판단합니다. 판단한 지적은 판단을 되돌려야(--reopen)\n다시 소명할 \
        수 있습니다. 감사자에 대한 지적은 개인정보\n보호책임자가 판단합니다. 다운로드·출력은 소명이 있어야 인정할 수 있습니다."
    )]
    Judge {
        /// Id
        id: InspectionId,
        /// Number of the finding
        number: u32,
        /// It is accepted; without this it is rejected
        #[arg(long)]
        accept: bool,
        /// The judgement is taken back, and the person concerned may explain again
        #[arg(long, conflicts_with = "accept")]
        reopen: bool,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: String,
        /// Who judges.
        #[command(flatten)]
        actor: Actor,
    },
    /// Sign an inspection off; from then on it does not change (점검 서명)
    #[command(
        after_help = "Example:\n  bongham inspection sign ID --hash HASH --account jang --data D\n\nThe \
        hash is the one that `inspection show` ends with. While findings are open or not judged,\n\
        --statement says why it is signed all the same. The month must be over.\n\n끝난 달의 점검에만 서명할 수 \
        있습니다. 판단하지 않은 지적이 남아 있으면 --statement에 사유를\n적어야 합니다. 서명한 뒤에는 바뀌지 않습니다."
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
    /// List findings about yourself (본인 지적 사항)
    #[command(
        after_help = "Example:\n  bongham finding list --account choi --data D\n\n본인에 대한 지적 사항을 보여 \
        줍니다. 다운로드·출력은 일련번호와 기록 번호가 함께 나옵니다."
    )]
    List(Actor),
    /// Explain a finding about yourself (소명)
    #[command(
        after_help = "Example:\n  bongham finding explain ID-3 --text 'on duty that night' --account \
        choi --data D\n\nDo not write names or anything from a case into it.\n\n사유를 소명합니다. 이름이나 민원 \
        내용은 적지 마십시오."
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
