//! What is missing is named, and never repeated.

use super::*;

fn judgement(verdict: Verdict) -> JudgementDraft {
    JudgementDraft {
        verdict,
        reason: "because".into(),
        law: None,
        article: None,
        items: None,
        until: None,
        ground: None,
        not_record: false,
    }
}

#[test]
fn a_part_is_kept_apart_only_under_a_law_with_an_end() {
    let now = Timestamp::parse_rfc3339("2026-11-24T09:00:00+09:00").unwrap();
    let whole = JudgementDraft {
        law: Some("공공기록물법".into()),
        article: Some("제27조".into()),
        items: Some("성명".into()),
        until: Some("2030-01-01T00:00:00+09:00".into()),
        ..judgement(Verdict::KeepApart)
    };
    assert!(whole.parse("rest", now).is_ok());
    let lacking = |draft: JudgementDraft| draft.parse("rest", now).unwrap_err().field;
    let without = |change: fn(&mut JudgementDraft)| {
        let mut draft = whole.clone();
        change(&mut draft);
        lacking(draft)
    };
    assert_eq!(without(|d| d.law = None), "rest.law");
    assert_eq!(without(|d| d.article = Some(" ".into())), "rest.article");
    assert_eq!(without(|d| d.items = None), "rest.items");
    assert_eq!(without(|d| d.until = None), "rest.until");
    assert_eq!(
        without(|d| d.until = Some("2026-11-23T00:00:00+09:00".into())),
        "rest.until"
    );
    assert_eq!(lacking(judgement(Verdict::Hold)), "rest.ground");
    assert_eq!(
        judgement(Verdict::Destroy).parse("rest", now),
        Ok(Judgement::Destroy)
    );
    let stray = |verdict| JudgementDraft {
        not_record: true,
        ground: Some("감사".into()).filter(|_| verdict == Verdict::Hold),
        ..judgement(verdict)
    };
    let parsed = stray(Verdict::Destroy).parse("rest", now);
    assert_eq!(parsed, Ok(Judgement::DestroyStray));
    assert_eq!(lacking(stray(Verdict::Hold)), "rest.not_record");
    let parked = JudgementDraft {
        law: Some("just in case".into()),
        ..judgement(Verdict::Destroy)
    };
    assert_eq!(lacking(parked), "rest.law");
}

#[test]
fn a_refusal_names_law_reason_and_the_way_to_object() {
    let whole = RefusalDraft {
        law: "제36조제1항 단서".into(),
        reason: "보존기간".into(),
        objection: "심판 청구".into(),
    };
    assert_eq!(whole.check("refusal."), Ok(()));
    for (draft, field) in [
        (
            RefusalDraft {
                law: String::new(),
                ..whole.clone()
            },
            "refusal.law",
        ),
        (
            RefusalDraft {
                reason: " ".into(),
                ..whole.clone()
            },
            "refusal.reason",
        ),
        (
            RefusalDraft {
                objection: String::new(),
                ..whole
            },
            "refusal.objection",
        ),
    ] {
        assert_eq!(draft.check("refusal.").unwrap_err().field, field);
    }
}
