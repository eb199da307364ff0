//! Rows of inspections as they lie in the store, those of 0.3.0 among them: these are read, and
//! written in today's form when they change.

use jiff::civil::Date;

use super::evidence::Words;
use super::gather::Hours;
use super::month::Month;
use super::pack::{
    Copies, Explanation, Finding, FindingState, Judgement, Pack, SHEET_BEFORE, Signed,
};
use super::rule::Rule;
use crate::crypto::table::Row;
use crate::domain::id::{AccountId, InspectionId};
use crate::domain::time::Timestamp;
use crate::engine::Space;

/// A row of the space. The order is the format.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(super) enum Kept {
    /// Of 0.3.0.
    PackBefore(Box<PackBefore>),
    /// Of 0.3.0.
    FindingBefore(Box<FindingBefore>),
    /// Beside its pack, where number 0 would be; some of 0.3.0 have none.
    Copies(Copies),
    Pack(Box<Pack>),
    Finding(Box<Finding>),
}

pub(super) fn finding_id(inspection: InspectionId, number: u32) -> Vec<u8> {
    [&inspection.as_bytes()[..], &number.to_be_bytes()].concat()
}

impl Row for Kept {
    const SPACE: Space = Space::Inspection;
    const KIND: &'static str = "inspection";
    fn id(&self) -> Vec<u8> {
        match self {
            Self::PackBefore(pack) => pack.id.as_bytes().to_vec(),
            Self::Pack(pack) => pack.id.as_bytes().to_vec(),
            Self::FindingBefore(finding) => finding_id(finding.inspection, finding.number),
            Self::Finding(finding) => finding_id(finding.inspection, finding.number),
            Self::Copies(copies) => finding_id(copies.inspection, 0),
        }
    }
}

/// What a row is, in today's form.
pub(super) enum Told {
    Pack(Box<Pack>),
    Finding(Box<Finding>),
    Copies(Copies),
}

impl From<Kept> for Told {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::PackBefore(pack) => Self::Pack(Box::new((*pack).into())),
            Kept::FindingBefore(finding) => Self::Finding(Box::new((*finding).into())),
            Kept::Copies(copies) => Self::Copies(copies),
            Kept::Pack(pack) => Self::Pack(pack),
            Kept::Finding(finding) => Self::Finding(finding),
        }
    }
}

/// A finding of 0.3.0.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct FindingBefore {
    inspection: InspectionId,
    number: u32,
    rule: Rule,
    person: Option<AccountId>,
    count: u32,
    says: Words,
    entries: Vec<u64>,
    first: Timestamp,
    last: Timestamp,
    state: FindingState,
    explanation: Option<Explanation>,
    judgement: Option<JudgementBefore>,
}

/// A judgement of 0.3.0.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct JudgementBefore {
    by: AccountId,
    at: Timestamp,
    note: String,
}

impl From<JudgementBefore> for Judgement {
    fn from(before: JudgementBefore) -> Self {
        Self {
            by: before.by,
            at: before.at,
            note: before.note,
            verdict: None,
        }
    }
}

impl From<FindingBefore> for Finding {
    fn from(before: FindingBefore) -> Self {
        Self {
            inspection: before.inspection,
            number: before.number,
            rule: before.rule,
            person: before.person,
            count: before.count,
            says: before.says,
            entries: before.entries,
            behind: None,
            outputs: Vec::new(),
            first: before.first,
            last: before.last,
            state: before.state,
            explanation: before.explanation,
            judgement: before.judgement.map(Judgement::from),
        }
    }
}

/// The rules of 0.3.0.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct RulesBefore {
    night_from: u8,
    night_to: u8,
    holidays: Vec<Date>,
    people_a_day: u32,
    outputs_a_day: u32,
    neighbour_reads: u32,
    denied: u32,
    failed_logins: u32,
    reason_letters: u32,
    due_day: u8,
}

/// An inspection of 0.3.0.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct PackBefore {
    id: InspectionId,
    month: Month,
    whole: bool,
    made_at: Timestamp,
    by: AccountId,
    from: u64,
    to: u64,
    root: [u8; 32],
    unread: u64,
    rules: RulesBefore,
    usage: Vec<(Option<AccountId>, Hours)>,
    findings: u32,
    revision: u64,
    signed: Option<Signed>,
}

impl From<PackBefore> for Pack {
    fn from(before: PackBefore) -> Self {
        Self {
            sheet: SHEET_BEFORE,
            id: before.id,
            month: before.month,
            whole: before.whole,
            made_at: before.made_at,
            by: before.by,
            from: before.from,
            to: before.to,
            root: before.root,
            unread: before.unread,
            rules: serde_json::to_string(&before.rules).unwrap_or_default(),
            days_off: Vec::new(),
            notes: Vec::new(),
            usage: before.usage,
            findings: before.findings,
            revision: before.revision,
            signed: before.signed,
            supersedes: None,
            superseded_by: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspection::pack::Whole;
    use crate::inspection::sheet::{Sheet, SheetFinding};

    fn before() -> PackBefore {
        PackBefore {
            id: InspectionId::from_bytes([1; 16]),
            month: "2026-10".parse().unwrap(),
            whole: true,
            made_at: Timestamp::from_millis(5),
            by: AccountId::from_bytes([2; 16]),
            from: 3,
            to: 9,
            root: [4; 32],
            unread: 0,
            rules: RulesBefore {
                night_from: 22,
                night_to: 6,
                holidays: vec!["2026-10-05".parse().unwrap()],
                people_a_day: 100,
                outputs_a_day: 50,
                neighbour_reads: 20,
                denied: 20,
                failed_logins: 10,
                reason_letters: 2,
                due_day: 5,
            },
            usage: Vec::new(),
            findings: 0,
            revision: 1,
            signed: None,
        }
    }

    /// The bytes and the hash of 0.3.0: a signature of then binds to nothing else.
    #[test]
    fn what_lies_there_from_before_is_read_and_has_the_same_hash() {
        let bytes = postcard::to_allocvec(&Kept::PackBefore(Box::new(before()))).unwrap();
        assert_eq!(bytes.first(), Some(&0), "the first of the forms then");
        let kept: Kept = postcard::from_bytes(&bytes).unwrap();
        let Told::Pack(pack) = kept.into() else {
            panic!("another row");
        };
        let sheet = Sheet::of(&Whole::bare(*pack));
        let text = serde_json_canonicalizer::to_string(&sheet).unwrap();
        let expected = concat!(
            r#"{"findings":[],"from":3,"id":"aeaqcaibaeaqcaibaeaqcaibae","kind":"#,
            r#""bongham inspection of the access log","made_at":"1970-01-01T09:00:00.005+09:00","#,
            r#""made_by":"aibaeaqcaibaeaqcaibaeaqcai","month":"2026-10","root":"#,
            r#""BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=","rules":{"denied":20,"due_day":5,"#,
            r#""failed_logins":10,"holidays":["2026-10-05"],"neighbour_reads":20,"night_from":22,"#,
            r#""night_to":6,"outputs_a_day":50,"people_a_day":100,"reason_letters":2},"to":9,"#,
            r#""unread":0,"usage":[],"version":1,"whole":true}"#,
        );
        assert_eq!(text, expected);
    }

    /// A judgement of then says no outcome, and its sheet neither.
    #[test]
    fn a_finding_of_before_is_read_with_its_judgement_and_says_no_more_than_then() {
        let before = FindingBefore {
            inspection: InspectionId::from_bytes([1; 16]),
            number: 1,
            rule: Rule::NightUse,
            person: None,
            count: 2,
            says: Rule::NightUse.says(crate::inspection::rule::Extent { count: 2, most: 0 }),
            entries: vec![4],
            first: Timestamp::from_millis(5),
            last: Timestamp::from_millis(6),
            state: FindingState::Rejected,
            explanation: None,
            judgement: Some(JudgementBefore {
                by: AccountId::from_bytes([2; 16]),
                at: Timestamp::from_millis(7),
                note: "no".to_owned(),
            }),
        };
        let bytes = postcard::to_allocvec(&Kept::FindingBefore(Box::new(before))).unwrap();
        let tail = [&[3, 0, 1][..], &[2; 16], &[14, 2], b"no"].concat();
        assert!(bytes.ends_with(&tail), "state, explanation, judgement");
        let Told::Finding(finding) = postcard::from_bytes::<Kept>(&bytes).unwrap().into() else {
            panic!("another row");
        };
        let verdict = serde_json::to_value(SheetFinding::of(&finding).verdict).unwrap();
        let expected = serde_json::json!({
            "by": AccountId::from_bytes([2; 16]).to_string(),
            "at": "1970-01-01T09:00:00.007+09:00",
            "text": "no",
        });
        assert_eq!(verdict, expected);
    }
}
