//! The report of an inspection as a page: head, rules, chart of use by person and hour, findings. The chart
//! is drawn with attributes alone, so that it shows wherever the page is opened.

use super::html::Html;
use super::report_rules::{alarms, entries, head, judged, output, rules};
use super::sheet::{Remark, Usage};
use super::view::InspectionView;

/// The style sheet of the page.
pub const STYLE: &str = "@page{size:A4 landscape;margin:12mm}body{font-family:sans-serif;\
font-size:9pt}h1{font-size:15pt}h2{font-size:11pt}table{border-collapse:collapse;width:100%}\
th,td{border:1px solid #000;padding:2pt 3pt;vertical-align:top;word-break:break-word}\
th{background:#eee}thead{display:table-header-group}tr{break-inside:avoid}\
.alarm{border:3px solid #a00;padding:4pt;font-weight:bold}";
const HEADS: [&str; 8] = [
    "번호 / No",
    "규칙 / Rule",
    "관련자 / Person",
    "내용 / Finding",
    "기간 / When",
    "근거 기록 / Entries",
    "소명 / Explanation",
    "판단 / Verdict",
];
/// People on the chart: those with most entries.
const CHART_PEOPLE: usize = 40;
/// Indexes of entries that a row names.
const ENTRIES_SHOWN: usize = 20;
/// Left edge of the first hour, width and height of a cell, in user units.
const LEFT: usize = 170;
const CELL: (usize, usize) = (26, 16);
const TOP: usize = 20;

/// The page.
pub fn html(view: &InspectionView) -> String {
    let sheet = &view.sheet;
    let title = format!(
        "접속기록 점검 {} / Inspection of the access log",
        sheet.month
    );
    let mut page = Html::page(&title, STYLE);
    page.cell("<h1>", &title, "</h1>");
    for alarm in alarms(view) {
        page.cell("<p class=\"alarm\">", alarm, "</p>");
    }
    for note in &sheet.notes {
        page.cell(
            "<p class=\"note\">",
            format!("{} / {}", note.ko, note.en),
            "</p>",
        );
    }
    pairs(&mut page, head(view));
    page.raw("<h2>적용된 규칙 / Rules in force</h2>");
    pairs(&mut page, rules(view));
    page.raw("<h2>사용자별 시간대별 이용 / Use by person and hour</h2>");
    chart(&mut page, view);
    page.raw("<h2>지적 사항 / Findings</h2><table>")
        .heads(&HEADS)
        .raw("<tbody>");
    for finding in &sheet.findings {
        let (korean, english) = finding.rule.title();
        page.row([
            finding.number.to_string(),
            format!("{korean} / {english}"),
            name(view, finding.person.as_deref()),
            format!("{} {}", finding.says.ko, finding.says.en),
            format!("{} ~ {}", finding.first, finding.last),
            entries(finding, ENTRIES_SHOWN),
            remark(finding.explanation.as_ref()),
            judged(finding),
        ]);
    }
    page.raw("</tbody></table>");
    for finding in sheet.findings.iter().filter(|f| !f.outputs.is_empty()) {
        let person = name(view, finding.person.as_deref());
        page.cell(
            "<h2>사유를 확인할 출력물 / Outputs: ",
            format!("{} {person}", finding.number),
            "</h2><ul>",
        );
        for one in &finding.outputs {
            page.cell("<li>", output(one), "</li>");
        }
        page.raw("</ul>");
    }
    page.end()
}

fn pairs(page: &mut Html, pairs: Vec<(String, String)>) {
    page.raw("<table><tbody>");
    for (name, value) in pairs {
        page.row([name, value]);
    }
    page.raw("</tbody></table>");
}

fn chart(page: &mut Html, view: &InspectionView) {
    let rows: Vec<&Usage> = view.sheet.usage.iter().take(CHART_PEOPLE).collect();
    let most = rows.iter().flat_map(|u| &u.hours).copied().max();
    let most = most.unwrap_or(0).max(1);
    let (width, height) = (LEFT + 24 * CELL.0, TOP + rows.len() * CELL.1 + 4);
    page.cell(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"",
        width,
        "\"",
    )
    .cell(
        " height=\"",
        height,
        "\" font-family=\"sans-serif\" font-size=\"9\">",
    );
    for hour in 0..24 {
        let at = LEFT + hour * CELL.0 + CELL.0 / 2;
        page.cell("<text text-anchor=\"middle\" y=\"14\" x=\"", at, "\">")
            .text(hour)
            .raw("</text>");
    }
    for (line, usage) in rows.iter().enumerate() {
        let top = TOP + line * CELL.1;
        page.cell("<text x=\"0\" y=\"", top + CELL.1 - 4, "\">")
            .text(name(view, usage.person.as_deref()))
            .raw("</text>");
        for (hour, count) in usage.hours.iter().enumerate().filter(|(_, n)| **n > 0) {
            let share = f64::from(*count) / f64::from(most);
            page.cell("<rect x=\"", LEFT + hour * CELL.0, "\"")
                .cell(" y=\"", top, "\"")
                .cell(" width=\"", CELL.0 - 1, "\"")
                .cell(" height=\"", CELL.1 - 1, "\" fill=\"#1a5fb4\"")
                .cell(
                    " fill-opacity=\"",
                    format!("{:.2}", 0.15 + 0.85 * share),
                    "\"/>",
                )
                .cell(
                    "<text text-anchor=\"middle\" x=\"",
                    LEFT + hour * CELL.0 + CELL.0 / 2,
                    "\"",
                )
                .cell(" y=\"", top + CELL.1 - 4, "\">")
                .text(count)
                .raw("</text>");
        }
    }
    page.raw("</svg>");
}

/// What a person is called today.
pub(super) fn name(view: &InspectionView, id: Option<&str>) -> String {
    match id {
        None => "알 수 없음 / unknown".to_owned(),
        Some(id) => view
            .people
            .get(id)
            .cloned()
            .unwrap_or_else(|| id.to_owned()),
    }
}

/// What somebody said, and when.
pub(super) fn remark(said: Option<&Remark>) -> String {
    said.map_or_else(
        || "-".to_owned(),
        |said| format!("{} ({})", said.text, said.at),
    )
}
