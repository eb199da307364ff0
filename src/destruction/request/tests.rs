//! The road, every step in order and none skipped.

use super::super::draft::{
    AskedBy, DeliveredBy, FormDraft, IdentityMethod, Judgement, RefusalDraft, SenderDraft,
};
use super::super::order::{Ground, What};
use super::super::petition::SealedTexts;
use super::*;
use crate::domain::id::{CaseId, RequestId, UnitId};
use crate::domain::role::Roles;
use crate::domain::tier::UnitKind;

fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
fn later(seconds: u64) -> Timestamp {
    NOW.plus(std::time::Duration::from_secs(seconds))
}
const TAKER: u8 = 1;
const CHECKER: u8 = 2;
const REVIEWER: u8 = 3;
const AUTHOR: u8 = 4;
const APPROVER: u8 = 5;

fn facts(cause: Cause) -> Facts {
    Facts {
        id: RequestId::from_bytes([9; 16]),
        cause,
        cases: vec![CaseId::from_bytes([7; 16])],
        taken_by: account(TAKER),
        received_at: NOW,
        due: later(864_000),
    }
}

/// What is not looked at here.
fn sealed_texts() -> SealedTexts {
    let zeros = postcard::to_allocvec(&(UnitId::from_u64(1), [1_u8; 32], vec![1_u8])).unwrap();
    postcard::from_bytes(&zeros).unwrap()
}

fn person() -> Cause {
    Cause::Person(Petition {
        asked_by: AskedBy::Person,
        authority: None,
        parts: Vec::new(),
        texts: sealed_texts(),
    })
}

fn judged(judgements: Vec<Judgement>) -> Review {
    let unit = |(n, judgement)| Judged {
        unit: UnitId::from_u64(n),
        kind: UnitKind::Person,
        judgement,
        reason: "because".into(),
    };
    Review {
        cases: vec![JudgedCase {
            case: CaseId::from_bytes([7; 16]),
            units: (1..).zip(judgements).map(unit).collect(),
        }],
        refusal: None,
        by: account(REVIEWER),
        at: NOW,
    }
}

fn told() -> RefusalDraft {
    RefusalDraft {
        law: "law".into(),
        reason: "reason".into(),
        objection: "objection".into(),
    }
}

fn sender() -> SenderDraft {
    SenderDraft {
        office: "office".into(),
        officer: "officer".into(),
        contact: "contact".into(),
    }
}

fn fields() -> FormDraft {
    FormDraft {
        file: "민원 처리부".into(),
        task: "민원 처리".into(),
        reason: "정보주체 요구".into(),
        remarks: None,
        place: "전산실".into(),
        method: "키 파기와 덮어쓰기".into(),
        witness: None,
        verification: "검사".into(),
        backups_handled: true,
        media_destroyed: false,
        decision: None,
        kept: Vec::new(),
        sender: sender(),
    }
}

fn identified() -> Request<Identified> {
    Request::of_person(facts(person())).identify(Identity {
        method: IdentityMethod::ResidentCard,
        by: account(CHECKER),
        at: NOW,
    })
}

fn formed(review: Review) -> Request<Formed> {
    identified()
        .review(review)
        .unwrap()
        .form(fields(), false, None, Vec::new(), (account(AUTHOR), NOW))
        .unwrap()
}

fn word(by: u8, request: &Request<Formed>) -> Word {
    Word {
        by: account(by),
        roles: Roles::default(),
        at: NOW,
        form_hash: request.step.form.hash,
        needs_two: false,
        first_stands: true,
    }
}

const ORDER: DestructionId = DestructionId::from_bytes([8; 16]);

fn approved(review: Review) -> (Request<Approved>, Order) {
    let request = formed(review);
    let word = word(APPROVER, &request);
    match request.approve(word, ORDER, later(60)).ok().unwrap() {
        Sanction::Ordered(ordered) => *ordered,
        Sanction::Seconded(_) => panic!("one was enough"),
    }
}

fn cancellation(at: Timestamp) -> Cancellation {
    Cancellation {
        reason: "withdrawn".into(),
        by: account(TAKER),
        at,
    }
}

#[test]
fn the_whole_road_ends_in_an_answer_and_an_order_waits_for_its_window() {
    let (request, order) = approved(judged(vec![Judgement::Destroy; 2]));
    assert_eq!(order.stage, Stage::Waiting);
    assert_eq!(order.due, later(60));
    assert_eq!(order.parts[0].what, What::Whole);
    assert_eq!(
        order.ground,
        Ground::Request(RequestId::from_bytes([9; 16]))
    );
    assert!(CarriedOut::by(&order).is_none(), "not yet carried out");
    let order = Order {
        stage: Stage::Destroyed,
        ..order
    };
    let delivery = Delivery {
        delivered_by: DeliveredBy::Post,
        by: account(TAKER),
        at: NOW,
    };
    let answered = request.answer(&CarriedOut::by(&order).unwrap(), delivery);
    let stored = Stored::Answered(answered);
    assert_eq!(stored.state(), State::Answered);
    assert!(stored.identity().is_some() && stored.review().is_some() && stored.form().is_some());
    let bytes = postcard::to_allocvec(&stored).unwrap();
    assert!(postcard::from_bytes::<Stored>(&bytes).unwrap() == stored);
    // Long after, what is left says who acted and what came of it, and no more.
    let ended = stored.ended().unwrap();
    assert_eq!(
        (ended.by, ended.decided_by),
        (account(TAKER), account(APPROVER))
    );
    assert!(!stored.texts().unwrap().is_gone(), "the control");
    let left = stored.forget();
    assert!(left.texts().unwrap().is_gone() && left.ended() == Some(ended));
    let judged = &left.review().unwrap().cases[0].units[0];
    assert_eq!(
        (&judged.judgement, judged.reason.as_str()),
        (&Judgement::Destroy, "")
    );
}

#[test]
fn nobody_approves_what_they_had_a_hand_in_nor_another_form() {
    for own in [TAKER, CHECKER, REVIEWER, AUTHOR] {
        let request = formed(judged(vec![Judgement::Destroy]));
        let word = word(own, &request);
        let refused = request.approve(word, ORDER, later(60)).err();
        assert_eq!(refused, Some(StepError::SelfApproval), "{own}");
    }
    let request = formed(judged(vec![Judgement::Destroy]));
    let other = Word {
        form_hash: [0; 32],
        ..word(APPROVER, &request)
    };
    let refused = request.approve(other, ORDER, later(60)).err();
    assert_eq!(refused, Some(StepError::OtherForm));
}

#[test]
fn above_the_cap_two_approve_and_not_the_same_one_twice() {
    let request = formed(judged(vec![Judgement::Destroy]));
    let first = Word {
        needs_two: true,
        ..word(APPROVER, &request)
    };
    let Ok(Sanction::Seconded(request)) = request.approve(first, ORDER, later(60)) else {
        panic!("one approver alone");
    };
    assert_eq!(Stored::Formed((*request).clone()).state(), State::Seconded);
    let again = request.clone().approve(first, ORDER, later(60)).err();
    assert_eq!(again, Some(StepError::SelfApproval));
    let second = Word {
        by: account(6),
        ..first
    };
    // A first word that does not count any more makes the second one the first.
    for by in [6, APPROVER] {
        let late = Word {
            by: account(by),
            first_stands: false,
            ..first
        };
        let Ok(Sanction::Seconded(anew)) = request.clone().approve(late, ORDER, later(60)) else {
            panic!("one approver alone");
        };
        assert_eq!(anew.first_word().map(|word| word.by), Some(account(by)));
    }
    let Ok(Sanction::Ordered(ordered)) = request.approve(second, ORDER, later(60)) else {
        panic!("two were not enough");
    };
    let (request, order) = *ordered;
    assert_eq!(order.approver, account(6));
    let stored = Stored::Approved(request);
    assert_eq!(stored.approval().unwrap().before, Some(account(APPROVER)));
}

#[test]
fn what_is_kept_must_be_told_and_drawn_first() {
    let kept = Judgement::KeepApart {
        law: "law".into(),
        article: "1".into(),
        items: "name".into(),
        until: later(1_000_000),
    };
    let mut review = judged(vec![Judgement::Destroy, kept]);
    let refused = identified().review(review.clone()).err();
    assert!(matches!(refused, Some(StepError::Lacking(l)) if l.field == "refusal"));
    review.refusal = Some(told());
    let reviewed = identified().review(review).unwrap();
    let form = |kept| {
        reviewed
            .clone()
            .form(fields(), false, None, kept, (account(AUTHOR), NOW))
    };
    assert!(matches!(form(Vec::new()).err(), Some(StepError::Lacking(l)) if l.field == "kept"));
    let item = RetainedId::from_bytes([4; 16]);
    let request = form(vec![item]).unwrap();
    let word = word(APPROVER, &request);
    let Ok(Sanction::Ordered(ordered)) = request.approve(word, ORDER, later(60)) else {
        panic!("approved");
    };
    let (_, order) = *ordered;
    assert_eq!(order.parts[0].what, What::Whole, "the original follows");
    assert_eq!(order.parts[0].kept, Some(item));
}

#[test]
fn a_held_part_stays_and_the_rest_is_ordered() {
    let hold = Judgement::Hold {
        ground: "감사".into(),
    };
    let mut review = judged(vec![Judgement::Destroy, hold.clone()]);
    review.refusal = Some(told());
    let (_, order) = approved(review);
    assert_eq!(order.parts[0].what, What::Units(vec![UnitId::from_u64(1)]));
    let mut nothing = judged(vec![hold]);
    nothing.refusal = Some(told());
    let reviewed = identified().review(nothing).unwrap();
    let refused = reviewed
        .form(fields(), false, None, Vec::new(), (account(AUTHOR), NOW))
        .err();
    assert!(matches!(refused, Some(StepError::Lacking(l)) if l.field == "file"));
}

#[test]
fn an_expiry_that_needs_an_appraisal_names_its_decision() {
    let cause = || Cause::Retention {
        appraisal: true,
        daily_cap: 100,
    };
    assert!(Request::of_retention(facts(person())).is_none());
    let proposed = Request::of_retention(facts(cause())).unwrap();
    let reviewed = proposed.review(judged(vec![Judgement::Destroy])).unwrap();
    let form = |decision: Option<&str>| {
        let fields = FormDraft {
            decision: decision.map(str::to_owned),
            ..fields()
        };
        reviewed
            .clone()
            .form(fields, false, None, Vec::new(), (account(AUTHOR), NOW))
    };
    assert!(matches!(form(None).err(), Some(StepError::Lacking(l)) if l.field == "decision"));
    let personal = form(Some("홍길동의 건")).err();
    assert!(matches!(personal, Some(StepError::Lacking(l)) if l.field == "decision"));
    let request = form(Some("2026-12")).unwrap();
    let word = word(APPROVER, &request);
    let Ok(Sanction::Ordered(ordered)) = request.approve(word, ORDER, later(60)) else {
        panic!("approved");
    };
    let (_, order) = *ordered;
    let decision = Some("2026-12".to_owned());
    assert_eq!(order.ground, Ground::Expiry { decision });
}

#[test]
fn a_cancel_works_inside_the_window_and_never_behind_the_intent() {
    let whole = || judged(vec![Judgement::Destroy]);
    let (request, order) = approved(whole());
    assert!(
        request
            .cancel(cancellation(later(59)), &order, false)
            .is_ok()
    );
    let (request, order) = approved(whole());
    let late = request.cancel(cancellation(later(60)), &order, false).err();
    assert_eq!(late, Some(StepError::WrongState(State::Approved)));
    let (request, order) = approved(whole());
    assert!(
        request
            .cancel(cancellation(later(60)), &order, true)
            .is_ok()
    );
    for stage in [Stage::Intent, Stage::Destroyed, Stage::Scrubbed] {
        let (request, order) = approved(whole());
        let begun = Order { stage, ..order };
        assert!(request.cancel(cancellation(NOW), &begun, true).is_err());
    }
    // A restore withdraws what waits; the request is not left behind with its lock.
    let (request, order) = approved(whole());
    let withdrawn = Order {
        stage: Stage::Cancelled,
        ..order
    };
    assert!(
        request
            .cancel(cancellation(later(60)), &withdrawn, false)
            .is_ok()
    );
}

#[test]
fn a_refusal_says_why_and_how_to_object_from_every_open_step() {
    let refusal = |told| Refusal {
        told,
        sender: sender(),
        by: account(REVIEWER),
        at: NOW,
    };
    let silent = RefusalDraft {
        objection: String::new(),
        ..told()
    };
    let refused = identified().refuse(refusal(silent)).err();
    assert!(matches!(refused, Some(StepError::Lacking(l)) if l.field == "refusal.objection"));
    assert!(
        Request::of_person(facts(person()))
            .refuse(refusal(told()))
            .is_ok()
    );
    assert!(identified().refuse(refusal(told())).is_ok());
    let request = formed(judged(vec![Judgement::Destroy]));
    let stored = Stored::Refused(request.refuse(refusal(told())).unwrap());
    assert!(stored.review().is_some() && stored.refusal().is_some());
}
