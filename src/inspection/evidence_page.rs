//! The evidence for a petitioner as a page to print: what the document says, without what only a
//! program reads.

use super::evidence::{Body, Line};
use super::html::Html;
use super::words;

const STYLE: &str = "@page{size:A4;margin:15mm}body{font-family:sans-serif;font-size:10pt}\
h1{font-size:15pt}table{border-collapse:collapse;width:100%}th,td{border:1px solid #000;\
padding:2pt 4pt;vertical-align:top}th{background:#eee}thead{display:table-header-group}\
tr{break-inside:avoid}.note{border:1px solid #000;padding:4pt;margin-top:8pt}";
const HEADS: [&str; 6] = [
    "기록 번호 / Entry",
    "시각 / Time",
    "역할 / Role",
    "업무 / Task",
    "목적 / Purpose",
    "결과 / Outcome",
];

/// The page.
pub fn page(body: &Body) -> String {
    let mut page = Html::page("민원 열람 내역 / Who opened this case", STYLE);
    page.raw("<h1>민원 열람 내역<br>Who opened this case</h1><table><tbody>")
        .row(["접수증 번호 / Receipt", &body.receipt])
        .row(["발급 / Issued", &body.issued])
        .row(["기록 / Entries", &body.entries.len().to_string()])
        .raw("</tbody></table><p></p><table>")
        .heads(&HEADS)
        .raw("<tbody>");
    for line in &body.entries {
        page.row(cells(line));
    }
    page.raw("</tbody></table>");
    if body.older > 0 {
        page.cell(
            "<p>이보다 오래된 기록 / Older entries not shown: ",
            body.older,
            "</p>",
        );
    }
    page.cell("<p class=\"note\">", &body.proves.ko, "<br>")
        .cell("", &body.proves.en, "</p>")
        .cell("<p class=\"note\">", &body.leaves_open.ko, "<br>")
        .cell("", &body.leaves_open.en, "</p>")
        .raw(
            "<p class=\"note\">함께 받은 JSON 문서는 기관의 공개키로 누구나 확인할 수 있습니다.<br>\
            The JSON document beside this page can be checked by anybody with the office's public \
            key:<br><code>bongham log verify-evidence FILE --key FILE</code></p>",
        );
    page.end()
}

fn cells(line: &Line) -> [String; 6] {
    let roles = line.roles.iter().map(|role| both(words::role(*role), role));
    let roles: Vec<String> = roles.collect();
    let roles = if roles.is_empty() {
        // What the store does by itself, and tries of strangers, have no role.
        "-".to_owned()
    } else {
        roles.join(", ")
    };
    let purpose = line.purpose;
    let purpose = purpose.map_or_else(|| "-".to_owned(), |p| both(words::purpose(p), p));
    let outcome = if line.attempt {
        "거부된 시도 / refused attempt"
    } else {
        "실행됨 / done"
    };
    [
        line.index.to_string(),
        line.time.clone(),
        roles,
        both(words::task(line.task), line.task),
        purpose,
        outcome.to_owned(),
    ]
}

fn both(korean: &str, code: impl std::fmt::Display) -> String {
    format!("{korean} ({code})")
}
