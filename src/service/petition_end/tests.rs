//! What a person said in a request ends with its time, for good: no older image of the data brings
//! it back, while a copy of the keyring from before would.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::authn::session::Session;
use crate::destruction::draft::{DeliveredBy, DeliveryDraft, RefuseDraft};
use crate::destruction::ledger::{Entry, Event, Why};
use crate::domain::limit::Limit;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::time::{SteppedClock, Timestamp};
use crate::engine::Log;
use crate::service::open;
use crate::service::seal::Settings;
use crate::service::testing::{here, secret, settings};

const DAY: Duration = Duration::from_secs(86_400);

fn words() -> SecretText {
    SecretText::new("quiet-harbour-71-and-more".to_owned())
}

fn enter(store: &Store, login: &str) -> Session {
    let entered = store.log_in(login.to_owned(), words(), None, here());
    let token = entered.unwrap().wait().unwrap().token;
    store.sessions.resume(&token, here()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// An office with one request that was refused and answered.
fn answered(settings: &Settings, clock: &Arc<SteppedClock>) -> (Store, RequestId) {
    let random = Arc::new(SystemSource::default());
    let store = open::create(settings, &secret(), random, clock.clone()).unwrap();
    for (login, role) in [("intake", Role::Intake), ("privacy", Role::PrivacyOfficer)] {
        let invited = store.invite_founder(login, Roles::new([role]).unwrap());
        let code = SecretText::new(invited.unwrap().enrolment_code);
        let enrolled = store.enrol(login.to_owned(), code, words(), here());
        enrolled.unwrap().wait().unwrap();
    }
    let intake = enter(&store, "intake");
    let draft = serde_json::json!({"receipt": "AAAA-BBBB-CCCC", "asked_by": "person",
        "name": "홍길동", "contact": "서울시 중구 1", "reason": "지워 주십시오"});
    let draft = serde_json::from_value(draft).unwrap();
    let taken = store.request_deletion(&intake, draft).unwrap().wait();
    let id: RequestId = taken.unwrap().id.parse().unwrap();
    let refusal: RefuseDraft = serde_json::from_value(serde_json::json!({
        "refusal": {"law": "제36조제1항 단서", "reason": "홍길동 님의 기록", "objection": "심판"},
        "sender": {"office": "민원봉사과", "officer": "이담당", "contact": "02-000-0000"}}))
    .unwrap();
    let privacy = enter(&store, "privacy");
    let refused = store.refuse_deletion(&privacy, id, refusal);
    refused.unwrap().wait().unwrap();
    let delivered_by = DeliveredBy::Post;
    let done = store.deliver_notice(&intake, id, DeliveryDraft { delivered_by });
    done.unwrap().wait().unwrap();
    (store, id)
}

fn said(store: &Store, id: RequestId) -> Option<String> {
    let row = store.records.request(id).unwrap().unwrap().row;
    store.said_in(&row).unwrap().map(|said| said.name)
}

fn is_gone(store: &Store, id: RequestId) -> bool {
    let row = store.records.request(id).unwrap().unwrap().row;
    row.texts().unwrap().is_gone()
}

/// What the ledger tells of a petition's end.
fn told(store: &Store) -> Vec<&'static str> {
    let leaves = store.engine.leaves(Log::Ledger, 0, Limit::rows(100));
    let entry = |leaf: &crate::engine::Leaf| Entry::read(&leaf.leaf).unwrap().event;
    // A request tells of its lock as well.
    let word = |event| match event {
        Event::Intent(intent) => {
            assert_eq!(intent.reason.why, Why::PetitionEnd);
            assert_eq!(intent.totals.units, 1);
            Some("intent")
        }
        Event::Destroyed(_) => Some("destroyed"),
        Event::Scrubbed(_) => Some("scrubbed"),
        _ => None,
    };
    leaves
        .unwrap()
        .iter()
        .filter_map(|leaf| word(entry(leaf)))
        .collect()
}

#[test]
fn what_a_person_said_ends_and_no_older_image_brings_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let now = settings(dir.path());
    let morning = Timestamp::parse_rfc3339("2026-11-23T09:00:00+09:00").unwrap();
    let clock = Arc::new(SteppedClock::at(morning));
    let (store, id) = answered(&now, &clock);
    copy(&now.data, &dir.path().join("old"));
    copy(&now.keyring, &dir.path().join("keyring-then"));

    clock.advance(DAY * 180 - Duration::from_secs(1));
    assert_eq!(store.end_petitions().unwrap(), 0, "too early");
    assert_eq!(said(&store, id).as_deref(), Some("홍길동"));
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.end_petitions().unwrap(), 1);
    assert_eq!(store.end_petitions().unwrap(), 0, "it is ordered");
    let ground = Ground::Petition(id);
    let mut orders = store.orders.unfinished().unwrap().into_iter();
    let order = orders.find(|order| order.ground == ground).unwrap();
    clock.advance(Duration::from_secs(60));
    assert_eq!(store.execute(order.id).unwrap(), Stage::Destroyed);
    store.scrub().unwrap();
    assert_eq!(told(&store), ["intent", "destroyed", "scrubbed"]);

    // What is left says that a request was refused and answered, and not whose it was.
    assert_eq!(said(&store, id), None);
    let privacy = enter(&store, "privacy");
    let view = store.deletion_request(&privacy, id).unwrap().wait();
    let view = serde_json::to_string(&view.unwrap()).unwrap();
    assert!(view.contains("\"state\":\"ended\""), "{view}");
    for word in ["홍길동", "서울시", "지워", "AAAA", "제36조"] {
        assert!(!view.contains(word), "{word}: {view}");
    }
    let notice = store.notice(&privacy, id).unwrap().wait();
    assert!(matches!(notice, Err(ServiceError::Expired)));
    assert_eq!(store.end_petitions().unwrap(), 0);
    drop(store);

    let reopened = |keyring: &str| {
        let then = Settings {
            data: dir.path().join("old"),
            keyring: dir.path().join(keyring),
            ..settings(dir.path())
        };
        let random = Arc::new(SystemSource::default());
        open::open(&then, &secret(), random, clock.clone()).unwrap()
    };
    // The control: the keyring of before opens it again.
    let store = reopened("keyring-then");
    assert_eq!(said(&store, id).as_deref(), Some("홍길동"));
    drop(store);
    let store = reopened("keyring");
    assert!(!is_gone(&store, id), "the row came back with the image");
    assert_eq!(said(&store, id), None);
    assert_eq!(store.end_petitions().unwrap(), 0);
    assert!(is_gone(&store, id), "what no key opens stays in the row");
}
