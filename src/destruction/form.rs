//! The official form (개인정보파일 파기 관리대장) as a page to print: one row for each destruction, its
//! units grouped by kind.

use std::fmt::Write as _;

use super::certificate::Story;
use super::ledger::{File, Method, Reason, Totals, Why};
use crate::domain::tier::UnitKind;

/// Column heads, as on the form; then what this office keeps besides.
const COLUMNS: [&str; 15] = [
    "번호",
    "개인정보파일명",
    "자료의 종류",
    "생성일",
    "폐기일",
    "폐기사유",
    "처리담당자",
    "처리부서장(승인자)",
    "근거",
    "폐기방법",
    "건수",
    "입회자",
    "폐기 확인",
    "분리 보관",
    "기록 번호",
];

const HEAD: &str = "<!doctype html>\n<html lang=\"ko\"><head><meta charset=\"utf-8\">\
<title>개인정보파일 파기 관리대장</title><style>\
@page{size:A4 landscape;margin:12mm}\
body{font-family:sans-serif;font-size:9pt}h1{text-align:center;font-size:16pt}\
table{border-collapse:collapse;width:100%}th,td{border:1px solid #000;padding:2pt 3pt;\
vertical-align:top;word-break:break-all}th{background:#eee}thead{display:table-header-group}\
tr{break-inside:avoid}</style></head><body><h1>개인정보파일 파기 관리대장</h1>";

/// The form. `name` resolves the id of an account to what it is called today.
pub fn html(stories: &[Story], name: impl Fn(&str) -> String) -> String {
    let mut page = String::from(HEAD);
    page.push_str("<table><thead><tr>");
    for column in COLUMNS {
        let _ = write!(page, "<th>{column}</th>");
    }
    page.push_str("</tr></thead><tbody>");
    for (index, story) in stories.iter().enumerate() {
        page.push_str("<tr>");
        for cell in row(index + 1, story, &name) {
            let _ = write!(page, "<td>{}</td>", escape(&cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></body></html>\n");
    page
}

fn row(number: usize, story: &Story, name: &impl Fn(&str) -> String) -> [String; 15] {
    let intent = &story.intent;
    let made = match (&intent.created_from, &intent.created_to) {
        (Some(from), Some(to)) if from == to => from.clone(),
        (Some(from), Some(to)) => format!("{from} ~ {to}"),
        _ => "-".to_owned(),
    };
    let day = |time: &String| time.chars().take(10).collect::<String>();
    let (destroyed, method, checked) = match &story.destroyed {
        None => ("진행 중".to_owned(), "-".to_owned(), "-".to_owned()),
        Some((time, said)) => {
            let overwritten = match &story.scrubbed {
                Some((time, _)) => format!("덮어쓰기 완료 {}", day(time)),
                None => "덮어쓰기 진행 중".to_owned(),
            };
            let Method::KeyDestructionAndOverwriting = said.method;
            let checked = format!("키 {}건 부재 확인, {overwritten}", said.verified);
            (day(time), "암호키 파기 후 덮어쓰기".to_owned(), checked)
        }
    };
    let kept: Vec<String> = intent
        .kept
        .iter()
        .map(|k| format!("{} {} ({}까지)", k.law, k.article, day(&k.until)))
        .collect();
    [
        number.to_string(),
        file(intent.file).to_owned(),
        materials(&intent.totals),
        made,
        destroyed,
        why(&intent.reason),
        name(&intent.handler),
        name(&intent.approver),
        intent.reason.law.clone(),
        method,
        format!(
            "민원 {}건(전체 파기 {}건), 단위 {}건",
            intent.totals.cases, intent.totals.whole_cases, intent.totals.units
        ),
        intent
            .witness
            .as_deref()
            .map_or_else(|| "-".to_owned(), name),
        checked,
        if kept.is_empty() {
            "-".to_owned()
        } else {
            kept.join(", ")
        },
        intent.destruction.clone(),
    ]
}

const fn file(file: File) -> &'static str {
    match file {
        File::Complaints => "민원 처리 기록",
        File::Retained => "분리 보관 기록",
        File::Accounts => "업무 담당자 계정",
        File::AccessLog => "접속기록",
        File::Requests => "삭제 요구 처리 기록",
    }
}

fn why(reason: &Reason) -> String {
    let text = match reason.why {
        Why::Request => "정보주체의 삭제 요구",
        Why::Expiry => "보존기간 경과",
        Why::RetentionEnd => "분리 보관 기한 도래",
        Why::Account => "계정 말소",
        Why::AuditEpoch => "접속기록 보관기간 경과",
        Why::PetitionEnd => "삭제 요구 처리 종료",
    };
    match (&reason.reference, &reason.decision) {
        (Some(reference), Some(decision)) => format!("{text} ({reference}, 심의 {decision})"),
        (Some(reference), None) => format!("{text} ({reference})"),
        (None, _) => text.to_owned(),
    }
}

fn materials(totals: &Totals) -> String {
    let kinds: Vec<String> = totals
        .materials
        .iter()
        .map(|(kind, count)| format!("{} {count}", material(*kind)))
        .collect();
    if kinds.is_empty() {
        "-".to_owned()
    } else {
        kinds.join(", ")
    }
}

const fn material(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Narrative => "민원 내용",
        UnitKind::Person => "인적사항",
        UnitKind::Attachment => "첨부",
        UnitKind::Extract => "분리 보관 항목",
        UnitKind::Account => "개인키",
        UnitKind::AuditEpoch => "접속기록 본문",
        UnitKind::Addition => "보정 내용",
        UnitKind::Petition => "요구인과 요구 내용",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destruction::ledger::Intent;

    #[test]
    fn names_are_shown_as_text_and_never_as_markup() {
        let intent = Intent {
            destruction: "d".into(),
            file: File::Complaints,
            reason: Reason {
                why: Why::Expiry,
                law: "법".into(),
                reference: Some("<b>1</b>".into()),
                decision: None,
            },
            created_from: Some("2026-01-01".into()),
            created_to: Some("2026-02-01".into()),
            approved: "t".into(),
            handler: "h".into(),
            approver: "a".into(),
            witness: None,
            order: String::new(),
            items: Vec::new(),
            totals: Totals::default(),
            kept: Vec::new(),
        };
        let story = Story {
            intent,
            destroyed: None,
            scrubbed: None,
        };
        let page = html(&[story], |id| format!("<i>{id}</i>"));
        assert!(page.contains("&lt;i&gt;h&lt;/i&gt;") && page.contains("&lt;b&gt;1"));
        assert!(!page.contains("<i>") && !page.contains("<b>"));
        assert!(page.contains("2026-01-01 ~ 2026-02-01") && page.contains("진행 중"));
    }
}
