//! The official form (개인정보파일 파기 관리대장) as a page to print: one row for each destruction, its
//! units grouped by kind, and one for each private key that ended with its account.
//!
//! The keys of a case that was given new ones have no row: what they opened lives on, so nothing was
//! destroyed, and the form would count what nobody lost. They stand in the ledger alone.

use std::fmt::Write as _;

use super::certificate::Story;
use super::ended::AccountEnd;
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

const TITLE: &str = "개인정보파일 파기 관리대장";

/// The style sheet of the page.
pub const STYLE: &str = "@page{size:A4 landscape;margin:12mm}\
body{font-family:sans-serif;font-size:9pt}h1{text-align:center;font-size:16pt}\
table{border-collapse:collapse;width:100%}th,td{border:1px solid #000;padding:2pt 3pt;\
vertical-align:top;word-break:break-all}th{background:#eee}thead{display:table-header-group}\
tr{break-inside:avoid}";

/// One row.
pub enum Row {
    /// A destruction by order.
    Destruction(Box<Story>),
    /// The end of an account's private key.
    AccountKey(AccountKey),
}

/// The end of an account's private key, as the ledger tells it.
pub struct AccountKey {
    /// Index of the entry.
    pub index: u64,
    /// Its time.
    pub time: String,
    /// What it says of the account.
    pub end: AccountEnd,
    /// Whether the keyring was asked for the key and did not have it.
    pub verified: bool,
}

/// The form. `name` resolves the id of an account to what it is called today.
pub fn html(rows: &[Row], name: impl Fn(&str) -> String) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"ko\"><head><meta charset=\"utf-8\"><title>{TITLE}</title>\
         <style>{STYLE}</style></head><body><h1>{TITLE}</h1><table><thead><tr>"
    );
    for column in COLUMNS {
        let _ = write!(page, "<th>{column}</th>");
    }
    page.push_str("</tr></thead><tbody>");
    for (index, row) in rows.iter().enumerate() {
        page.push_str("<tr>");
        let cells = match row {
            Row::Destruction(story) => destruction(index + 1, story, &name),
            Row::AccountKey(key) => account_key(index + 1, key, &name),
        };
        for cell in cells {
            let _ = write!(page, "<td>{}</td>", escape(&cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table></body></html>\n");
    page
}

const NONE: &str = "-";

/// The date alone.
fn day(time: &str) -> String {
    time.chars().take(10).collect()
}

/// It dies in the batch that ends it, on the word of whoever ends it: no approval, no witness.
fn account_key(number: usize, key: &AccountKey, name: &impl Fn(&str) -> String) -> [String; 15] {
    let none = || NONE.to_owned();
    let by = key.end.by.as_deref();
    [
        number.to_string(),
        "업무 담당자 계정".to_owned(),
        format!("{} 1", material(UnitKind::Account)),
        none(),
        day(&key.time),
        format!("계정 개인키 말소 ({})", key.end.account),
        by.map_or_else(none, name),
        none(),
        "개인정보의 안전성 확보조치 기준 제5조".to_owned(),
        "암호키 파기".to_owned(),
        "단위 1건".to_owned(),
        none(),
        if key.verified {
            "키 1건 부재 확인".to_owned()
        } else {
            "진행 중".to_owned()
        },
        none(),
        format!("#{}", key.index),
    ]
}

fn destruction(number: usize, story: &Story, name: &impl Fn(&str) -> String) -> [String; 15] {
    let intent = &story.intent;
    let made = match (&intent.created_from, &intent.created_to) {
        (Some(from), Some(to)) if from == to => from.clone(),
        (Some(from), Some(to)) => format!("{from} ~ {to}"),
        _ => "-".to_owned(),
    };
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
        File::Requests => "삭제 요구 처리 기록",
    }
}

fn why(reason: &Reason) -> String {
    let text = match reason.why {
        Why::Request => "정보주체의 삭제 요구",
        Why::Expiry => "보존기간 경과",
        Why::RetentionEnd => "분리 보관 기한 도래",
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
        let key = AccountKey {
            index: 7,
            time: "2026-03-01T09:00:00+09:00".into(),
            end: AccountEnd {
                account: "acct".into(),
                revision: 2,
                key: Some("9".into()),
                by: Some("h2".into()),
            },
            verified: true,
        };
        let rows = [Row::Destruction(Box::new(story)), Row::AccountKey(key)];
        let page = html(&rows, |id| format!("<i>{id}</i>"));
        for said in [
            "<td>2026-03-01</td>",
            "(acct)",
            "&lt;i&gt;h2",
            "<td>#7</td>",
            "키 1건",
        ] {
            assert!(page.contains(said), "{said}");
        }
        assert!(page.contains("&lt;i&gt;h&lt;/i&gt;") && page.contains("&lt;b&gt;1"));
        assert!(!page.contains("<i>") && !page.contains("<b>"));
        assert!(page.contains("2026-01-01 ~ 2026-02-01") && page.contains("진행 중"));
    }
}
