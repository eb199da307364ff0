//! The result notice (개인정보 삭제 요구에 대한 결과 통지서): what a person is told at the end, in
//! Korean and English, as text and as a page to print. Its mandatory contents are those of
//! 개인정보 보호법 시행령 제43조제3항: act or refusal, the reason with the law, the way to object.

use crate::domain::time::Timestamp;

use super::draft::{RefusalDraft, SenderDraft};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Everything was destroyed.
    Destroyed,
    /// A part was destroyed, the rest is kept.
    DestroyedInPart,
    /// Nothing was destroyed.
    Refused,
}

/// What the office does not destroy is always told with law, reason and the way to object: a
/// notice without them cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a notice of what is not destroyed needs law, reason and the way to object")]
pub struct Untold;

/// The notice.
pub struct Notice<'a> {
    act: Act,
    told: Option<&'a RefusalDraft>,
    name: &'a str,
    asked: &'a str,
    receipt: Option<&'a str>,
    received_at: Timestamp,
    acted_at: Timestamp,
    certificate: Option<String>,
    sender: &'a SenderDraft,
    date: Timestamp,
}

/// What a notice is made of.
pub struct Contents<'a> {
    /// What was done.
    pub act: Act,
    /// What is told of what is not destroyed.
    pub told: Option<&'a RefusalDraft>,
    /// Whom it is to.
    pub name: &'a str,
    /// What was asked for.
    pub asked: &'a str,
    /// Number on the petitioner's receipt.
    pub receipt: Option<&'a str>,
    /// When the request came.
    pub received_at: Timestamp,
    /// When it was acted upon or refused.
    pub acted_at: Timestamp,
    /// Id of the certificate of destruction.
    pub certificate: Option<String>,
    /// Who answers for the office.
    pub sender: &'a SenderDraft,
    /// Date of the notice.
    pub date: Timestamp,
}

/// One line of a notice: name of the field and text, in both languages.
struct Row {
    korean: &'static str,
    english: &'static str,
    text: String,
    text_english: Option<&'static str>,
}

impl Row {
    fn new(korean: &'static str, english: &'static str, text: impl Into<String>) -> Self {
        Self {
            korean,
            english,
            text: text.into(),
            text_english: None,
        }
    }
}

impl<'a> Notice<'a> {
    /// A notice with everything that it must hold.
    pub fn new(contents: Contents<'a>) -> Result<Self, Untold> {
        let Contents {
            act,
            told,
            name,
            asked,
            receipt,
            received_at,
            acted_at,
            certificate,
            sender,
            date,
        } = contents;
        let whole = told.is_some_and(|told| told.check("").is_ok());
        if (act != Act::Destroyed && !whole) || sender.check().is_err() {
            return Err(Untold);
        }
        Ok(Self {
            act,
            told,
            name,
            asked,
            receipt,
            received_at,
            acted_at,
            certificate,
            sender,
            date,
        })
    }

    fn rows(&self) -> Vec<Row> {
        let day = |at: Timestamp| at.date().to_string();
        let (act, act_english) = match self.act {
            Act::Destroyed => (
                "요구하신 개인정보를 복원할 수 없게 파기하였습니다.",
                "The personal data you named was destroyed beyond recovery.",
            ),
            Act::DestroyedInPart => (
                "요구하신 개인정보 가운데 일부를 복원할 수 없게 파기하였고, 나머지는 아래 이유로 파기하지 않았습니다.",
                "Part of the personal data you named was destroyed beyond recovery; the rest was not, for the reason below.",
            ),
            Act::Refused => (
                "요구하신 개인정보를 아래 이유로 파기하지 않았습니다.",
                "The personal data you named was not destroyed, for the reason below.",
            ),
        };
        let mut rows = vec![
            Row::new("받는 분", "To", self.name),
            Row::new("접수일", "Received", day(self.received_at)),
        ];
        if let Some(receipt) = self.receipt {
            rows.push(Row::new("접수증 번호", "Receipt", receipt));
        }
        rows.push(Row::new("요구 내용", "Request", self.asked));
        rows.push(Row {
            text_english: Some(act_english),
            ..Row::new("조치 결과", "Result", act)
        });
        let when = match self.act {
            Act::Refused => ("결정일", "Decided"),
            _ => ("조치일", "Done"),
        };
        rows.push(Row::new(when.0, when.1, day(self.acted_at)));
        if let Some(certificate) = &self.certificate {
            rows.push(Row::new("파기 확인서 번호", "Certificate", certificate));
        }
        if let Some(told) = self.told {
            rows.push(Row::new("근거 법령", "Law", &told.law));
            rows.push(Row::new("이유", "Reason", &told.reason));
            rows.push(Row::new("이의제기방법", "How to object", &told.objection));
        }
        rows.push(Row::new("처리 기관", "Office", &self.sender.office));
        rows.push(Row::new("담당자", "Officer", &self.sender.officer));
        rows.push(Row::new("연락처", "Contact", &self.sender.contact));
        rows.push(Row::new("통지일", "Date", day(self.date)));
        rows
    }

    /// As plain text.
    pub fn text(&self) -> String {
        let mut out = format!("{TITLE}\n{TITLE_ENGLISH}\n\n");
        for row in self.rows() {
            out.push_str(&format!("{} / {}: {}\n", row.korean, row.english, row.text));
            if let Some(english) = row.text_english {
                out.push_str(&format!("    {english}\n"));
            }
        }
        out
    }

    /// As a page to print: no script, nothing from elsewhere.
    pub fn html(&self) -> String {
        let mut table = String::new();
        for row in self.rows() {
            let english = row
                .text_english
                .map(|text| format!("<br><span lang=\"en\">{}</span>", escape(text)))
                .unwrap_or_default();
            table.push_str(&format!(
                "<tr><th>{} <small lang=\"en\">{}</small></th><td>{}{english}</td></tr>\n",
                escape(row.korean),
                escape(row.english),
                escape(&row.text).replace('\n', "<br>"),
            ));
        }
        format!(
            "<!doctype html>\n<html lang=\"ko\"><head><meta charset=\"utf-8\">\
             <title>{TITLE}</title><style>{STYLE}</style></head>\n<body><h1>{TITLE}</h1>\
             <p lang=\"en\">{TITLE_ENGLISH}</p>\n<table>\n{table}</table>\n</body></html>\n"
        )
    }
}

const TITLE: &str = "개인정보 삭제 요구에 대한 결과 통지서";
const TITLE_ENGLISH: &str = "Notice of the result of a request to delete personal data";
const STYLE: &str = "body{font-family:sans-serif;max-width:42em;margin:2em auto}\
    table{border-collapse:collapse;width:100%}th,td{border:1px solid #000;padding:.5em;\
    text-align:left;vertical-align:top}th{width:11em}small{display:block;font-weight:normal}";

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> SenderDraft {
        SenderDraft {
            office: "민원봉사과".into(),
            officer: "이담당".into(),
            contact: "02-000-0000".into(),
        }
    }

    fn told() -> RefusalDraft {
        RefusalDraft {
            law: "개인정보 보호법 제36조제1항 단서".into(),
            reason: "보존기간이 남아 있습니다".into(),
            objection: "개인정보 분쟁조정위원회에 조정을 신청할 수 있습니다".into(),
        }
    }

    fn contents<'a>(
        act: Act,
        told: Option<&'a RefusalDraft>,
        sender: &'a SenderDraft,
    ) -> Contents<'a> {
        let at = Timestamp::parse_rfc3339("2026-11-24T09:00:00+09:00").unwrap();
        Contents {
            act,
            told,
            name: "홍길동",
            asked: "전부 <b>삭제</b>",
            receipt: Some("7KQ4-M2XA-QD3F"),
            received_at: at,
            acted_at: at,
            certificate: None,
            sender,
            date: at,
        }
    }

    #[test]
    fn a_notice_of_what_is_kept_tells_law_reason_objection_and_sender() {
        let (sender, told) = (sender(), told());
        for act in [Act::Refused, Act::DestroyedInPart] {
            assert!(Notice::new(contents(act, None, &sender)).is_err());
            let text = Notice::new(contents(act, Some(&told), &sender))
                .unwrap()
                .text();
            for needed in [
                &told.law,
                &told.reason,
                &told.objection,
                &sender.office,
                &sender.officer,
                &sender.contact,
            ] {
                assert!(text.contains(needed.as_str()), "{needed}: {text}");
            }
            assert!(text.contains("2026-11-24"));
        }
        let silent = RefusalDraft {
            objection: String::new(),
            ..told
        };
        assert!(Notice::new(contents(Act::Refused, Some(&silent), &sender)).is_err());
    }

    #[test]
    fn a_notice_of_destruction_says_so_in_both_languages_and_escapes_what_people_wrote() {
        let sender = sender();
        let notice = Notice::new(contents(Act::Destroyed, None, &sender)).unwrap();
        let text = notice.text();
        assert!(text.contains("파기하였습니다") && text.contains("destroyed beyond recovery"));
        assert!(!text.contains("이의제기방법"));
        let html = notice.html();
        assert!(html.contains("전부 &lt;b&gt;삭제&lt;/b&gt;"), "{html}");
        assert!(!html.contains("<b>"));
        let nobody = SenderDraft {
            officer: String::new(),
            ..sender
        };
        assert!(Notice::new(contents(Act::Destroyed, None, &nobody)).is_err());
    }
}
