//! What the access log and the list tell of a second person: who asked, who decided, on what, and with
//! whose consent it was done.

use serde_json::{Value, json};

use super::*;
use crate::domain::limit::Limit;
use crate::service::LogQuery;
use crate::service::types::Reset;

/// The newest entry, as the auditor sees it: its query, and what it notes.
fn newest(office: &Office) -> (Value, Vec<Value>) {
    let page = PageRequest {
        limit: Limit::rows(2),
        cursor: None,
    };
    let auditor = office.session("auditor");
    let size = office.store.engine.log_size(crate::engine::Log::Access);
    let query = LogQuery {
        // Before the log-in of the auditor.
        index: Some(size - 2),
        ..LogQuery::default()
    };
    let rows = office.store.log_entries(&auditor, query, page);
    let rows = rows.unwrap().wait().unwrap().rows;
    let row = serde_json::to_value(&rows[0]).unwrap();
    let notes = row["notes"].as_array().unwrap();
    (row["query"].clone(), notes.clone())
}

fn view(office: &Office, by: &str, id: ApprovalId) -> ApprovalView {
    let page = PageRequest {
        limit: Limit::rows(200),
        cursor: None,
    };
    let rows = office.store.approvals(&office.session(by), page);
    let rows = rows.unwrap().wait().unwrap().rows;
    rows.into_iter()
        .find(|row| row.id == id.to_string())
        .unwrap()
}

/// A request as entries note it.
fn requested(note: &str, view: &ApprovalView, account: AccountId, roles: &[&str]) -> Value {
    json!({
        "note": note, "kind": view.kind, "approval": view.id, "hash": view.hash,
        "accounts": [account.to_string()], "roles": roles, "department": null,
    })
}

fn rights(account: AccountId, roles: &[&str]) -> Value {
    json!({"note": "rights", "accounts": [account.to_string()], "roles": roles})
}

#[test]
fn the_log_tells_who_gave_which_role_to_whom() {
    let office = Office::new();
    let admin = office.session("admin");
    let roles = vec![Role::Officer];
    let invited = office.store.add_account(&admin, "kim".into(), roles, None);
    let invited = invited.unwrap().wait().unwrap();
    let kim: AccountId = invited.id.parse().unwrap();
    let id: ApprovalId = invited.approvals[0].parse().unwrap();
    let (query, notes) = newest(&office);
    let shown = view(&office, "privacy", id);
    assert_eq!((shown.decided_by, shown.decided_at), (None, None));
    let asked = requested("asked", &view(&office, "privacy", id), kim, &["officer"]);
    assert_eq!(
        (query, notes),
        (json!("account"), vec![rights(kim, &[]), asked])
    );

    let code = SecretText::new(invited.enrolment_code);
    let password = SecretText::new(Office::password("kim"));
    let enrolled = office.store.enrol("kim".into(), code, password, here());
    enrolled.unwrap().wait().unwrap();
    office.decide("privacy", id, YES).unwrap();
    let (query, notes) = newest(&office);
    // The auditor sees who consented, and cannot.
    let shown = view(&office, "auditor", id);
    assert_eq!(shown.decided_by.as_deref(), Some("privacy"));
    assert_eq!(shown.decided_at, Some(office.clock.now().rfc3339()));
    let approved = requested("approved", &shown, kim, &["officer"]);
    assert_eq!(
        (query, notes),
        (json!("approve"), vec![approved, rights(kim, &["officer"])])
    );
    assert!(office.decide("auditor", id, YES).is_err());

    // What one person takes is told as well.
    let fewer = office.store.change_roles(&admin, kim, Vec::new());
    fewer.unwrap().wait().unwrap();
    assert_eq!(newest(&office), (json!("roles"), vec![rights(kim, &[])]));
    let shut = office.store.disable_account(&admin, kim, None);
    shut.unwrap().wait().unwrap();
    assert_eq!(newest(&office), (json!("disable"), vec![rights(kim, &[])]));
    // What is only asked for changes no right.
    let more = office.store.change_roles(
        &admin,
        office.id("rights"),
        vec![Role::HumanRightsOfficer, Role::Officer],
    );
    let more = more.unwrap().wait().unwrap();
    let id = more.approvals[0].parse().unwrap();
    let (_, notes) = newest(&office);
    let shown = view(&office, "privacy", id);
    let asked = requested("asked", &shown, office.id("rights"), &["officer"]);
    assert_eq!(notes, [asked]);
    office.decide("privacy", id, NO).unwrap();
    let (query, notes) = newest(&office);
    let refused = requested("refused", &shown, office.id("rights"), &["officer"]);
    assert_eq!((query, notes), (json!("refuse"), vec![refused]));
}

#[test]
fn what_is_done_with_a_consent_names_it() {
    let office = Office::new();
    let admin = office.session("admin");
    let rights_id = office.id("rights");
    let reset = |approval| {
        let reset = office.store.reset_account(&admin, rights_id, approval);
        reset.unwrap().wait().unwrap()
    };
    let Reset::Asked { approvals, .. } = reset(None) else {
        panic!("it takes two")
    };
    let id: ApprovalId = approvals[0].parse().unwrap();
    let (_, notes) = newest(&office);
    let shown = view(&office, "privacy", id);
    assert_eq!(notes, [requested("asked", &shown, rights_id, &[])]);
    office.decide("privacy", id, YES).unwrap();
    let (_, notes) = newest(&office);
    assert_eq!(notes, [requested("approved", &shown, rights_id, &[])]);
    reset(Some(id));
    let used = requested("used", &shown, rights_id, &[]);
    assert_eq!(
        newest(&office),
        (json!("reset"), vec![used, rights(rights_id, &[])])
    );
}

/// Receipts and register numbers would tell an auditor which opaque id is whose case.
#[test]
fn an_auditor_sees_how_much_is_asked_for_and_not_which_cases() {
    let office = Office::new();
    let asked = ended::taken(&office);
    let id = office.ask(&asked, "custodian", &[]);
    let [approver, auditor] = ["privacy", "auditor"].map(|login| view(&office, login, id));
    for words in [&approver.asked, &approver.asked_ko] {
        assert!(words.contains("canary-named"), "the control: {words}");
    }
    for words in [&auditor.asked, &auditor.asked_ko] {
        assert!(!words.contains("canary-named"), "{words}");
        assert!(words.contains("canary-reason"), "{words}");
    }
    assert_eq!(approver.hash, auditor.hash);
}
