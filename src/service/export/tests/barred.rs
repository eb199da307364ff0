//! A file that waits does not outlive the right to it.

use super::*;
use crate::service::exports::Stop;

/// Begins an export of a case and one of another, which is the control; gives them and the session.
fn two_wait(office: &Office, login: &str) -> (CaseId, [Serial; 2], Session) {
    let [case, other] = [(); 2].map(|()| office.register(login));
    let serials = [case, other].map(|case| office.finished(login, &[case]));
    (case, serials, office.session(login))
}

fn barred(login: &str, changes: &[Change]) {
    for (what, change) in changes {
        let office = Office::new();
        office.join("officer2", Role::Officer);
        office.join("rights2", Role::HumanRightsOfficer);
        let (case, [serial, other], session) = two_wait(&office, login);
        assert!(
            office.fetch(&session, serial).is_ok(),
            "the control: {what}"
        );
        let again = office.finished(login, &[case]);
        assert_eq!(office.files(), 3);
        change(&office, case);
        let gone = Err(ServiceError::WrongState("expired"));
        assert_eq!(office.fetch(&session, again), gone, "{what}");
        // A copy of it is out: its record stays.
        let gone = Err(ServiceError::WrongState("ready"));
        assert_eq!(office.fetch(&session, serial), gone, "{what}");
        assert_eq!(office.files(), 1, "{what}");
        assert!(office.fetch(&session, other).is_ok(), "the other: {what}");
        let said = office.told(Task::Export);
        let why = "its file died with the right to it";
        assert!(said.iter().any(|said| said.contains(why)), "{said:?}");
    }
}

#[test]
fn a_file_dies_with_the_right_to_a_case_of_it() {
    barred("officer", &ORDINARY_GOES);
}

#[test]
fn a_sensitive_file_dies_with_the_right_to_a_case_of_it() {
    barred("rights", &SENSITIVE_GOES);
}

#[test]
fn who_stays_on_a_case_keeps_the_file_of_it() {
    let office = Office::new();
    office.join("officer2", Role::Officer);
    let case = office.register("officer");
    let serial = office.finished("officer", &[case]);
    office.assign("officer", case, &["officer", "officer2"]);
    let session = office.session("officer");
    assert!(office.fetch(&session, serial).is_ok());
    let second = office.finished("officer2", &[case]);
    office.assign("officer", case, &["officer2"]);
    assert!(office.fetch(&session, serial).is_err());
    let session = office.session("officer2");
    assert!(office.fetch(&session, second).is_ok(), "another's stays");
}

#[test]
fn an_export_that_has_written_what_is_handed_on_stops() {
    let office = Office::new();
    office.join("officer2", Role::Officer);
    let cases = [(); 3].map(|()| office.register("officer"));
    let shut = office.store.gates.close(cases[1]).unwrap();
    let begun = office.begin(office.session("officer"), office.order(&cases));
    office.until("officer", begun.serial, |view| view.opened == 1);
    office.assign("officer", cases[0], &["officer2"]);
    drop(shut);
    let view = office.ended("officer", begun.serial);
    assert_eq!(view.state, OutputState::Interrupted);
    assert!(view.problem.unwrap().contains("right"), "it says why");
    assert_eq!(office.files(), 0);
}

#[test]
fn a_right_that_goes_while_the_record_is_closed_ends_the_file() {
    let office = Office::new();
    let case = office.register("officer");
    let serial = office.finished("officer", &[case]);
    let running = office
        .store
        .exports
        .begin(serial, office.session("officer").account());
    running.begins(u64::MAX - 1);
    office.lock("officer", case);
    assert_eq!(
        running.stopped().map(|stop| stop.why()),
        Some("with the right to it")
    );
    assert_eq!(office.look("officer", serial).state, OutputState::Expired);
}

#[test]
fn an_export_that_was_to_stop_while_its_record_was_closed_keeps_no_file() {
    let office = Office::new();
    let case = office.register("officer");
    let serial = office.finished("officer", &[case]);
    office.store.drop_late(serial, Stop::Cancelled.why());
    assert_eq!(office.files(), 0);
    assert_eq!(office.look("officer", serial).state, OutputState::Expired);
    let said = office.told(Task::Export);
    assert!(said[0].contains("when it was called off"), "{said:?}");
}

#[test]
fn a_sensitive_file_lives_and_dies_with_its_session() {
    for sensitive in [true, false] {
        let office = Office::new();
        let login = if sensitive { "rights" } else { "officer" };
        let case = office.register(login);
        let tokens = [(); 2].map(|()| office.token(login));
        let session = |n: usize| office.store.sessions.resume(&tokens[n], here()).unwrap();
        let begun = office.begin(session(0), office.order(&[case]));
        office.ended(login, begun.serial);
        assert!(office.fetch(&session(0), begun.serial).is_ok());
        let other = office.fetch(&session(1), begun.serial);
        assert_eq!(other.is_ok(), !sensitive);
        if sensitive {
            assert_eq!(other, Err(ServiceError::NotFound));
        }
        office.store.sessions.end(&tokens[0]).unwrap();
        office.store.expire_outputs();
        assert_eq!(office.files(), usize::from(!sensitive));
        let later = office.fetch(&session(1), begun.serial);
        assert_eq!(later.is_ok(), !sensitive);
    }
}

#[test]
fn a_sensitive_file_does_not_outlive_the_process() {
    let office = Office::new();
    let [mine, theirs] = ["rights", "officer"].map(|login| {
        let case = office.register(login);
        office.finished(login, &[case])
    });
    let image = tempfile::tempdir().unwrap();
    let killed = settings(image.path());
    copy(&office.settings.data, &killed.data);
    copy(&office.settings.keyring, &killed.keyring);
    assert_eq!(files(&killed.data), 2);
    let random = Arc::new(SystemSource::default());
    let store = open::open(&killed, &secret(), random, office.clock.clone()).unwrap();
    assert_eq!(files(&killed.data), 1);
    let state = |serial| store.outputs.find(serial).unwrap().unwrap().row.state;
    assert_eq!(state(mine), OutputState::Expired);
    assert_eq!(state(theirs), OutputState::Ready);
    assert!(store.exports.has_file(theirs));
}

#[test]
fn who_loses_account_or_role_loses_the_files_that_wait() {
    for disable in [true, false] {
        let office = Office::new();
        office.join("officer2", Role::Officer);
        let serials = ["officer", "officer2"].map(|login| {
            let case = office.register(login);
            office.finished(login, &[case])
        });
        let account = office.session("officer").account();
        let admin = office.session("admin");
        if disable {
            let done = office.store.disable_account(&admin, account, None);
            drop(done.unwrap().wait().unwrap());
        } else {
            let roles = vec![Role::Intake];
            let done = office.store.change_roles(&admin, account, roles);
            drop(done.unwrap().wait().unwrap());
        }
        assert_eq!(office.files(), 1, "disabled: {disable}");
        let stored = office.store.outputs.find(serials[0]).unwrap().unwrap();
        assert_eq!(stored.row.state, OutputState::Expired);
        let other = office.fetch(&office.session("officer2"), serials[1]);
        assert!(other.is_ok(), "the control");
    }
}

#[test]
fn a_file_that_cannot_be_removed_is_fetched_by_nobody() {
    let office = Office::new();
    let case = office.register("officer");
    let serial = office.finished("officer", &[case]);
    let path = office.store.export_path(serial);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    office.lock("officer", case);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"ciphertext").unwrap();
    let session = office.session("officer");
    let gone = Err(ServiceError::WrongState("expired"));
    assert_eq!(office.fetch(&session, serial), gone);
    assert!(office.store.exports.has_file(serial), "it is tried again");
    office.store.expire_outputs();
    assert_eq!(office.files(), 0);
    assert_eq!(office.look("officer", serial).state, OutputState::Expired);
}

#[test]
fn a_print_document_dies_with_the_right_to_a_case_of_it() {
    for (what, change) in ORDINARY_GOES {
        let office = Office::new();
        office.join("officer2", Role::Officer);
        office.join("rights2", Role::HumanRightsOfficer);
        let cases = [(); 2].map(|()| office.register("officer"));
        let [gone, stays] = cases.map(|case| office.print("officer", &[case]).unwrap());
        change(&office, cases[0]);
        let state = |serial| office.look("officer", serial).state;
        assert_eq!(state(gone), OutputState::Expired, "{what}");
        assert_eq!(state(stays), OutputState::Ready, "the control: {what}");
        let session = office.session("officer");
        let fetched = office.store.print_document(&session, Some(gone));
        assert!(fetched.unwrap().wait().is_err(), "{what}");
    }
}
