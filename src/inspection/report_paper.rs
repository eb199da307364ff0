//! The report of an inspection on paper: the same as the page, with its chart as bars, since nothing
//! is shaded on paper.

use super::pack::FindingState;
use super::report::{copies, name, remark, signed_by, state, whole};
use super::view::InspectionView;
use crate::disclosure::paper::{Bars, Block, Chart, Column, Document, Table};

/// People on the chart: those with most entries.
const CHART_PEOPLE: usize = 40;
/// Indexes of entries that a row names.
const ENTRIES_SHOWN: usize = 20;

/// The document.
pub fn document(view: &InspectionView) -> Document {
    let sheet = &view.sheet;
    let mut blocks = Vec::new();
    if view.signed.as_ref().is_some_and(|signed| !signed.intact) {
        let alarm = "서명된 뒤에 내용이 바뀌었습니다. / This was changed after it was signed.";
        blocks.push(Block::Heading(alarm.to_owned()));
    }
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let settled = sheet
        .findings
        .iter()
        .filter(|f| f.state != FindingState::Open);
    blocks.push(Block::Pairs(vec![
        pair(
            "점검 월 / Month",
            format!("{} ({})", sheet.month, whole(sheet.whole)),
        ),
        pair(
            "작성 / Made",
            format!("{} {}", sheet.made_at, name(view, Some(&sheet.made_by))),
        ),
        pair("접속기록 / Entries", (sheet.to - sheet.from).to_string()),
        pair("기록의 뿌리 / Root of the log", sheet.root.clone()),
        pair(
            "회수되지 않은 출력물 (기한 경과) / Copies out (overdue)",
            copies(sheet.copies),
        ),
        pair(
            "지적 사항 / Findings",
            format!("{} / {}", settled.count(), sheet.findings.len()),
        ),
        pair("점검표 해시 / Hash of the sheet", view.hash.clone()),
        pair("서명 / Signed", signed_by(view)),
    ]));
    blocks.push(Block::Chart(by_person(view)));
    blocks.push(Block::Chart(by_hour(view)));
    blocks.push(Block::Heading("지적 사항 / Findings".to_owned()));
    blocks.push(Block::Table(findings(view)));
    Document {
        title: format!(
            "접속기록 점검 {} / Inspection of the access log",
            sheet.month
        ),
        blocks,
    }
}

fn by_person(view: &InspectionView) -> Chart {
    let usage = view.sheet.usage.iter().take(CHART_PEOPLE);
    let total = |hours: &[u32]| hours.iter().map(|n| u64::from(*n)).sum();
    Chart {
        title: "사용자별 이용 / Use by person".to_owned(),
        bars: Bars::Lying,
        values: usage
            .map(|usage| (name(view, usage.person.as_deref()), total(&usage.hours)))
            .collect(),
    }
}

fn by_hour(view: &InspectionView) -> Chart {
    let of = |hour: usize| {
        let counts = view
            .sheet
            .usage
            .iter()
            .filter_map(|usage| usage.hours.get(hour));
        (hour.to_string(), counts.map(|n| u64::from(*n)).sum())
    };
    Chart {
        title: "시간대별 이용 / Use by hour".to_owned(),
        bars: Bars::Standing,
        values: (0..24).map(of).collect(),
    }
}

fn findings(view: &InspectionView) -> Table {
    let column = |head: &str, share| Column::new(head, share);
    let rows = view.sheet.findings.iter().map(|finding| {
        let (korean, english) = finding.rule.title();
        let entries = finding.entries.iter().take(ENTRIES_SHOWN);
        let mut entries: Vec<String> = entries.map(ToString::to_string).collect();
        if finding.entries.len() > ENTRIES_SHOWN {
            entries.push("…".to_owned());
        }
        vec![
            finding.number.to_string(),
            format!("{korean} / {english}"),
            name(view, finding.person.as_deref()),
            format!("{} {}", finding.says.ko, finding.says.en),
            entries.join(", "),
            remark(finding.explanation.as_ref()),
            format!(
                "{} {}",
                state(finding.state),
                remark(finding.verdict.as_ref())
            ),
        ]
    });
    Table {
        columns: vec![
            column("번호", 2),
            column("규칙 / Rule", 5),
            column("관련자 / Person", 4),
            column("내용 / Finding", 10),
            column("기록 / Entries", 5),
            column("소명 / Explanation", 7),
            column("판단 / Verdict", 6),
        ],
        rows: rows.collect(),
    }
}
