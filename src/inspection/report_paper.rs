//! The report of an inspection on paper: the same as the page. Nothing is shaded on paper, so the use by
//! person and hour is a table of numbers, under bars of the hours.

use super::report::{name, remark};
use super::report_rules::{alarms, entries, head, judged, output, rules};
use super::view::InspectionView;
use crate::disclosure::paper::{Bars, Block, Chart, Column, Document, Table};

/// People on the chart: those with most entries.
const CHART_PEOPLE: usize = 40;
/// Indexes of entries that a row names.
const ENTRIES_SHOWN: usize = 20;

/// The document.
pub fn document(view: &InspectionView) -> Document {
    let sheet = &view.sheet;
    let heading = |text: &str| Block::Heading(text.to_owned());
    let mut blocks: Vec<Block> = alarms(view).into_iter().map(Block::Heading).collect();
    let notes = sheet.notes.iter();
    blocks.extend(notes.map(|note| Block::Paragraph(format!("{} / {}", note.ko, note.en))));
    blocks.push(Block::Pairs(head(view)));
    blocks.push(heading("적용된 규칙 / Rules in force"));
    blocks.push(Block::Pairs(rules(view)));
    blocks.push(heading("사용자별 시간대별 이용 / Use by person and hour"));
    blocks.push(Block::Chart(by_hour(view)));
    blocks.push(Block::Table(by_person_and_hour(view)));
    blocks.push(heading("지적 사항 / Findings"));
    blocks.push(Block::Table(findings(view)));
    for finding in sheet.findings.iter().filter(|f| !f.outputs.is_empty()) {
        let person = name(view, finding.person.as_deref());
        let number = finding.number;
        blocks.push(Block::Heading(format!(
            "사유를 확인할 출력물 / Outputs: {number} {person}"
        )));
        let lines: Vec<String> = finding.outputs.iter().map(output).collect();
        blocks.push(Block::Paragraph(lines.join("\n")));
    }
    Document {
        title: format!(
            "접속기록 점검 {} / Inspection of the access log",
            sheet.month
        ),
        blocks,
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

fn by_person_and_hour(view: &InspectionView) -> Table {
    let hours = (0..24).map(|hour| Column::new(hour.to_string(), 2));
    let rows = view.sheet.usage.iter().take(CHART_PEOPLE).map(|usage| {
        let counts = usage.hours.iter().map(|count| short(*count));
        let person = name(view, usage.person.as_deref());
        std::iter::once(person).chain(counts).collect()
    });
    Table {
        columns: std::iter::once(Column::new("시 / Hour", 8))
            .chain(hours)
            .collect(),
        rows: rows.collect(),
    }
}

/// A count in three letters at the most: a column of 24 has no room for more.
fn short(count: u32) -> String {
    match count {
        0 => String::new(),
        1..1_000 => count.to_string(),
        1_000..100_000 => format!("{}k", count / 1_000),
        _ => "≫".to_owned(),
    }
}

fn findings(view: &InspectionView) -> Table {
    let column = |head: &str, share| Column::new(head, share);
    let rows = view.sheet.findings.iter().map(|finding| {
        let (korean, english) = finding.rule.title();
        vec![
            finding.number.to_string(),
            format!("{korean} / {english}"),
            name(view, finding.person.as_deref()),
            format!("{} {}", finding.says.ko, finding.says.en),
            format!("{} ~ {}", finding.first, finding.last),
            entries(finding, ENTRIES_SHOWN),
            remark(finding.explanation.as_ref()),
            judged(finding),
        ]
    });
    Table {
        columns: vec![
            column("번호", 2),
            column("규칙 / Rule", 5),
            column("관련자 / Person", 4),
            column("내용 / Finding", 9),
            column("기간 / When", 5),
            column("기록 / Entries", 5),
            column("소명 / Explanation", 6),
            column("판단 / Verdict", 6),
        ],
        rows: rows.collect(),
    }
}
