//! Nobody moves a case's units to other keys between a request and its end: the order would name
//! units that are no more, and wait for ever.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::store::Answer;
use super::apart::{enter, office};
use super::{Process, World};
use crate::authn::session::Session;
use crate::authz::action::{Assign, Reclassify};
use crate::domain::id::{CaseId, RequestId};
use crate::domain::purpose::Purpose;
use crate::engine::Batch;
use crate::service::error::ServiceError;
use crate::service::store::Store;

fn shown<T: serde::Serialize + Send + 'static>(answer: Answer<T>) -> Result<Value, ServiceError> {
    Ok(serde_json::to_value(answer?.wait()?).unwrap())
}

fn draft<T: serde::de::DeserializeOwned>(text: Value) -> T {
    serde_json::from_value(text).unwrap()
}

/// Whether the holder may re-key the case, by either verb.
fn movable(store: &Store, by: &Session, case: CaseId) -> [bool; 2] {
    let assign = store.decide_on::<Assign>(by, case, Purpose::Handling);
    let reclassify = store.decide_on::<Reclassify>(by, case, Purpose::Handling);
    [assign.unwrap().is_ok(), reclassify.unwrap().is_ok()]
}

/// A request as far as its form; `look` is called after each step.
fn formed(store: &Store, by: &Session, case: CaseId, look: &dyn Fn()) -> (RequestId, Value) {
    let asked = json!({"case": case.to_string(), "asked_by": "person", "name": "홍길동",
        "contact": "서울시 중구 1", "reason": "지워 주십시오"});
    let made = shown(store.request_deletion(by, draft(asked))).unwrap();
    look();
    let id: RequestId = made["id"].as_str().unwrap().parse().unwrap();
    let seen = draft(json!({"method": "resident_card"}));
    shown(store.check_identity(by, id, seen)).unwrap();
    look();
    let judged = draft(json!({"rest": {"verdict": "destroy", "reason": "보존 근거가 없음"}}));
    shown(store.review_deletion(by, id, judged)).unwrap();
    look();
    let form = draft(
        json!({"file": "민원 처리부", "task": "민원 처리", "place": "전산실",
        "reason": "정보주체의 삭제 요구", "method": "키 파기와 덮어쓰기",
        "verification": "잔존 검사", "backups_handled": true, "media_destroyed": false,
        "sender": {"office": "민원봉사과", "officer": "이담당", "contact": "02-000-0000"}}),
    );
    let view = shown(store.form_destruction(by, id, form)).unwrap();
    look();
    (id, json!({"form_hash": view["form"]["form_hash"]}))
}

fn begin() -> (World, Process, CaseId) {
    let (world, case, _) = office();
    let process = world.boot().unwrap();
    (world, process, case)
}

#[test]
fn nobody_moves_a_case_between_a_request_and_its_end() {
    let (_world, Process { store, .. }, case) = begin();
    let rights = enter(&store, "rights");
    assert_eq!(movable(&store, &rights, case), [true, true], "the control");
    let locked = || assert_eq!(movable(&store, &rights, case), [false, false]);
    let (id, hash) = formed(&store, &rights, case, &locked);
    let privacy = enter(&store, "privacy");
    shown(store.approve_destruction(&privacy, id, draft(hash))).unwrap();
    locked();
    let cancel = draft(json!({"reason": "철회"}));
    shown(store.cancel_deletion(&rights, id, cancel)).unwrap();
    assert_eq!(movable(&store, &rights, case), [true, true]);
}

/// An expired case is locked by the approval alone, so what is approved must be looked at once
/// more when its gate is closed.
#[test]
fn a_case_that_changes_while_an_approval_waits_at_its_gate_is_not_ordered() {
    for changes in [false, true] {
        let (_world, Process { store, .. }, case) = begin();
        let rights = enter(&store, "rights");
        let privacy = enter(&store, "privacy");
        let (id, hash) = formed(&store, &rights, case, &|| ());
        let inside = store.gates.try_enter(case).unwrap();
        let approved = std::thread::scope(|scope| {
            let approval = scope.spawn(|| {
                let answer = store.approve_destruction(&privacy, id, draft(hash.clone()));
                shown(answer).map(drop)
            });
            while store.gates.try_enter(case).is_some() && !approval.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            }
            if changes {
                let stored = store.cases.head(case).unwrap().unwrap();
                let mut head = stored.head.clone();
                head.units.pop();
                head.revision += 1;
                let mut batch = Batch::default();
                let put = store.cases.put_gone(&mut batch, &stored, &head, &[]);
                put.unwrap();
                store.engine.commit(batch).wait().unwrap();
            }
            drop(inside);
            approval.join().unwrap()
        });
        let expected = if changes {
            Err(ServiceError::Conflict)
        } else {
            Ok(())
        };
        assert_eq!(approved, expected);
    }
}
