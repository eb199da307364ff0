//! What comes between an export and its end.

use super::*;

#[test]
fn an_export_that_is_called_off_half_way_leaves_nothing_and_says_how_far_it_came() {
    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("officer"));
    let shut = office.store.gates.close(cases[1]).unwrap();
    let session = office.session("officer");
    let begun = office.begin(session, office.order(&cases));
    assert!(begun.passphrase.is_some());
    office.until("officer", begun.serial, |view| view.opened == 1);
    assert_eq!(office.files(), 1);
    let calls_off = |login: &str| {
        let session = office.session(login);
        office
            .store
            .cancel_output(&session, Some(begun.serial))
            .unwrap()
            .wait()
    };
    assert_eq!(calls_off("rights"), Err(ServiceError::NotFound));
    assert_eq!(calls_off("officer"), Ok(()));
    drop(shut);
    let view = office.ended("officer", begun.serial);
    assert_eq!(view.state, OutputState::Cancelled);
    assert!((1..=2).contains(&view.opened), "{view:?}");
    assert_eq!(office.files(), 0);
    let said = office.told(Task::Export);
    let wanted = format!("called off; {} of 3 cases", view.opened);
    assert!(said.iter().any(|said| said.contains(&wanted)), "{said:?}");
}

#[test]
fn a_session_that_ends_takes_its_export_with_it() {
    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("rights"));
    let shut = office.store.gates.close(cases[1]).unwrap();
    let token = office.token("rights");
    let session = office.store.sessions.resume(&token, here()).unwrap();
    let begun = office.begin(session, office.order(&cases));
    office.until("rights", begun.serial, |view| view.opened == 1);
    office.store.sessions.end(&token).unwrap();
    drop(shut);
    let view = office.ended("rights", begun.serial);
    assert_eq!(view.state, OutputState::Interrupted);
    assert!(view.sensitive);
    assert!(view.problem.unwrap().contains("session"));
    assert_eq!(office.files(), 0);
}

#[test]
fn what_is_destroyed_meanwhile_is_left_out_and_what_was_written_stops_it() {
    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("officer"));
    let shut = office.store.gates.close(cases[1]).unwrap();
    let begun = office.begin(office.session("officer"), office.order(&cases));
    office.until("officer", begun.serial, |view| view.opened == 1);
    // Not written yet: left out.
    office.destroy(cases[2]);
    drop(shut);
    let view = office.ended("officer", begun.serial);
    assert_eq!((view.state, view.opened), (OutputState::Ready, 2));
    assert_eq!(view.left_out, Some(1));

    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("officer"));
    let shut = office.store.gates.close(cases[1]).unwrap();
    let begun = office.begin(office.session("officer"), office.order(&cases));
    office.until("officer", begun.serial, |view| view.opened == 1);
    office.destroy(cases[0]);
    drop(shut);
    let view = office.ended("officer", begun.serial);
    assert_eq!(view.state, OutputState::Interrupted);
    assert!(view.problem.unwrap().contains("destroyed"));
    assert_eq!(office.files(), 0);
}

#[test]
fn a_finished_file_dies_with_what_is_destroyed_and_a_fetched_one_is_called_back() {
    let office = Office::new();
    let case = office.register("officer");
    let [kept, fetched] = [(); 2].map(|()| {
        let begun = office.begin(office.session("officer"), office.order(&[case]));
        office.ended("officer", begun.serial);
        begun.serial
    });
    let got = office.store.fetch_output(
        &office.session("officer"),
        Some(fetched),
        Portion::Whole,
        None,
    );
    drop(got.unwrap().wait().unwrap());
    assert_eq!(office.files(), 2);
    office.destroy(case);
    assert_eq!(office.files(), 0);
    let state = |serial| office.look("officer", serial).state;
    assert_eq!(state(kept), OutputState::Expired);
    assert_eq!(state(fetched), OutputState::Ready);
    let part = Part {
        case,
        what: What::Whole,
        kept: None,
    };
    let order = doom(vec![part]);
    let recalled = || {
        let found = office.store.to_recall(&order).unwrap();
        found
            .into_iter()
            .map(|recall| recall.export)
            .collect::<Vec<_>>()
    };
    assert_eq!(recalled(), [fetched.to_string()]);
    let close = |login: &str| {
        let method = "파쇄".to_owned();
        let session = office.session(login);
        let closed = office
            .store
            .close_output(&session, Some(fetched), method, None);
        closed.unwrap().wait().map(|view| view.state)
    };
    assert_eq!(close("rights"), Err(ServiceError::NotFound));
    assert_eq!(close("privacy"), Ok(OutputState::Closed));
    assert_eq!(close("officer"), Err(ServiceError::WrongState("closed")));
    assert_eq!(recalled(), [""; 0]);
}

/// The disk as it stands in the middle of an export is what a kill leaves.
#[test]
fn a_killed_server_closes_what_it_was_writing_when_it_opens_again() {
    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("officer"));
    let shut = office.store.gates.close(cases[1]).unwrap();
    let begun = office.begin(office.session("officer"), office.order(&cases));
    office.until("officer", begun.serial, |view| view.opened == 1);
    let image = tempfile::tempdir().unwrap();
    let killed = settings(image.path());
    copy(&office.settings.data, &killed.data);
    copy(&office.settings.keyring, &killed.keyring);
    drop(shut);
    fs::write(killed.data.join("exports/stray.age"), b"of nobody's").unwrap();
    assert_eq!(files(&killed.data), 2);

    let random = Arc::new(SystemSource::default());
    let store = open::open(&killed, &secret(), random, office.clock.clone()).unwrap();
    assert_eq!(files(&killed.data), 0);
    let stored = store.outputs.find(begun.serial).unwrap().unwrap();
    assert_eq!(stored.row.state, OutputState::Interrupted);
    let entered = store
        .log_in(
            "auditor".to_owned(),
            SecretText::new(password("auditor")),
            None,
            here(),
        )
        .unwrap();
    let token = entered.wait().unwrap().token;
    let auditor = store.sessions.resume(&token, here()).unwrap();
    let said = told(&store, &auditor, Task::Export);
    let found = said.iter().any(|said| said.contains("at most 3"));
    assert!(found, "{said:?}");
    // The one that was not killed comes to its end.
    let view = office.ended("officer", begun.serial);
    assert_eq!(view.state, OutputState::Ready);
}
