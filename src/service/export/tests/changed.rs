//! A case that changes between its choice and its turn is left out, and counted.

use super::*;
use crate::cases::draft::{Amendment, Work};

/// Holds an export of three cases at the second, changes the third, and gives the plain text.
fn meanwhile(office: &Office, login: &str, change: fn(&Office, CaseId)) -> (OutputView, String) {
    office.join("officer2", Role::Officer);
    office.join("rights2", Role::HumanRightsOfficer);
    let cases = [(); 3].map(|()| office.register(login));
    let identity = age::x25519::Identity::generate();
    let shut = office.store.gates.close(cases[1]).unwrap();
    let mut order = office.order(&cases);
    order.recipient = Some(identity.to_public().to_string());
    let begun = office.begin(office.session(login), order);
    office.until(login, begun.serial, |view| view.opened == 1);
    change(office, cases[2]);
    drop(shut);
    let view = office.ended(login, begun.serial);
    let file = fs::read(office.store.export_path(begun.serial)).unwrap();
    let opened = age::Decryptor::new(file.as_slice()).unwrap();
    let identity: &dyn age::Identity = &identity;
    let mut opened = opened.decrypt(std::iter::once(identity)).unwrap();
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut opened, &mut plain).unwrap();
    (view, plain)
}

fn left_out(login: &str, changes: &[Change]) {
    for (what, change) in changes {
        let office = Office::new();
        let (view, plain) = meanwhile(&office, login, *change);
        // What somebody else took away is no attempt of theirs.
        let auditor = office.session("auditor");
        let entries = entries(&office.store, &auditor, Task::Export);
        assert!(!entries.is_empty(), "the control");
        assert!(
            entries.iter().all(|entry| entry["decision"] != "deny"),
            "{what}"
        );
        assert_eq!(view.state, OutputState::Ready, "{what}: {view:?}");
        let counted = (view.opened, view.left_out);
        assert_eq!(counted, (2, Some(1)), "{what}");
        assert_eq!(plain.lines().count(), 2, "{what}");
    }
    let (view, plain) = meanwhile(&Office::new(), login, |_, _| ());
    let control = (view.opened, view.left_out, plain.lines().count());
    assert_eq!(control, (3, Some(0), 3), "the control");
}

#[test]
fn an_ordinary_case_that_is_handed_on_reclassified_or_locked_meanwhile_is_left_out() {
    left_out("officer", &ORDINARY_GOES);
}

/// Who stays a holder may still take it out, and has a wrap of the new key; the key that was
/// unwrapped when the export began opens it no more.
#[test]
fn a_sensitive_case_that_is_given_new_keys_meanwhile_is_left_out() {
    left_out("rights", &SENSITIVE_GOES);
    let rekeyed: Change = ("given new keys", |o, case| {
        o.assign("rights", case, &["rights", "rights2"]);
        o.assign("rights", case, &["rights"]);
    });
    left_out("rights", &[rekeyed]);
}

fn amend(office: &Office, case: CaseId, amendment: Amendment) {
    let by = office.session("officer");
    let done = office
        .store
        .amend(&by, case, Purpose::Handling, amendment, None);
    drop(done.unwrap().wait().unwrap());
}

/// What was consented to and listed is the case as it stood.
#[test]
fn a_case_that_is_closed_meanwhile_is_left_out() {
    let closed: Change = ("closed", |o, case| {
        let closed = Amendment {
            statement: None,
            person: None,
            work: Some(Work::Close),
        };
        amend(o, case, closed);
    });
    left_out("officer", &[closed]);
}

/// Nothing would mask somebody who is not on the list.
#[test]
fn a_statement_that_is_added_meanwhile_with_a_new_person_does_not_go_out() {
    let office = Office::new();
    let add: fn(&Office, CaseId) = |o, case| {
        let person = serde_json::json!({"part": "witness", "name": "장길산"});
        let statement = Amendment {
            statement: Some("장길산이 보았다고 함".to_owned()),
            person: Some(serde_json::from_value(person).unwrap()),
            work: None,
        };
        amend(o, case, statement);
    };
    let (view, plain) = meanwhile(&office, "officer", add);
    assert!(!plain.contains("장길산"), "in clear: {plain}");
    assert_eq!((view.opened, view.left_out), (2, Some(1)));
}
