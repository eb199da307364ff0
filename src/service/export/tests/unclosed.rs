//! Exports whose writer or whose record fails: none of them stays "running".

use super::*;
use crate::engine::{Batch, Key, KeyRange, Space, Value};

/// 32 zero bytes: a key in form, with which no secret is agreed on.
const LOW_ORDER: &str = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";

/// The one record of an output, as it stands in the engine.
fn record(office: &Office) -> (Key, Value) {
    let range = KeyRange::default();
    let page = office
        .store
        .engine
        .scan(Space::Output, range, Limit::rows(9));
    let mut rows = page.unwrap().rows;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn put(office: &Office, (key, value): (Key, Value)) {
    let batch = Batch {
        put: vec![(Space::Output, key, value)],
        ..Batch::default()
    };
    office.store.engine.commit(batch).wait().unwrap();
}

fn damaged((key, _): &(Key, Value)) -> (Key, Value) {
    (key.clone(), Value::new(vec![7; 64]).unwrap())
}

/// Holds an export while its record cannot be read, and lets it come to its end so.
fn unclosed(office: &Office) -> Serial {
    let cases = [(); 3].map(|()| office.register("officer"));
    let shut = office.store.gates.close(cases[1]).unwrap();
    let begun = office.begin(office.session("officer"), office.order(&cases));
    office.until("officer", begun.serial, |view| view.opened == 1);
    let row = record(office);
    put(office, damaged(&row));
    drop(shut);
    office
        .store
        .exports
        .places
        .wait_idle(Duration::from_secs(60));
    assert_eq!(office.files(), 0, "its file went");
    put(office, row);
    assert_eq!(
        office.look("officer", begun.serial).state,
        OutputState::Running
    );
    begun.serial
}

#[test]
fn an_end_that_cannot_be_recorded_is_recorded_in_the_next_minute() {
    let office = Office::new();
    let serial = unclosed(&office);
    office.store.expire_outputs();
    let view = office.look("officer", serial);
    assert_eq!((view.state, view.opened), (OutputState::Interrupted, 3));
    let said = office.told(Task::Export);
    let why = "its end could not be recorded";
    assert_eq!(said.iter().filter(|said| said.contains(why)).count(), 1);
    office.store.expire_outputs();
    assert_eq!(office.told(Task::Export).len(), said.len(), "once");
}

#[test]
fn an_end_that_cannot_be_recorded_is_recorded_when_it_is_called_off() {
    let office = Office::new();
    let serial = unclosed(&office);
    let session = office.session("officer");
    let ended = office.store.cancel_output(&session, Some(serial));
    assert_eq!(ended.unwrap().wait(), Ok(()));
    let state = || office.look("officer", serial).state;
    assert_eq!(state(), OutputState::Interrupted);
    let ended = office.store.cancel_output(&session, Some(serial));
    let wrong = Err(ServiceError::WrongState("interrupted"));
    assert_eq!(ended.unwrap().wait(), wrong);
}

#[test]
fn a_list_that_broke_off_is_told_at_once_or_as_soon_as_its_record_can_be_written() {
    let office = Office::new();
    let case = office.register("officer");
    for steps in [&[Step::List][..], &[Step::List, Step::Close]] {
        office.breaks(steps);
        let order = office.order(&[case]);
        let begun = office.store.begin_export(office.session("officer"), order);
        assert_eq!(
            begun.unwrap().wait().err(),
            Some(ServiceError::LogUnavailable)
        );
        let broken = office.newest();
        assert!(office.store.exports.running(broken.serial).is_none());
        if steps.contains(&Step::Close) {
            assert_eq!(broken.state, OutputState::Running, "not yet");
            office.breaks(&[]);
            office.store.expire_outputs();
        }
        let (told, said) = (office.newest(), office.told(Task::Export));
        assert_eq!(
            (told.serial, told.state),
            (broken.serial, OutputState::Interrupted)
        );
        assert_eq!(told.finished, None);
        let why = format!("output {}:", told.serial);
        let said: Vec<_> = said.iter().filter(|said| said.starts_with(&why)).collect();
        assert!(
            said.len() == 1 && said[0].contains("its list is not whole"),
            "{said:?}"
        );
    }
}

#[test]
fn a_key_of_low_order_is_refused_before_anything_is_on_record() {
    let office = Office::new();
    let mut order = office.order(&[office.register("officer")]);
    order.recipient = Some(LOW_ORDER.to_owned());
    let begun = office.store.begin_export(office.session("officer"), order);
    match begun.unwrap().wait() {
        Err(ServiceError::Invalid(invalid)) => assert_eq!(invalid.field, "recipient"),
        _ => panic!("it was taken"),
    }
    let (rows, _) = office
        .store
        .outputs
        .newest(u64::MAX, Limit::rows(9), |_| true)
        .unwrap();
    assert!(rows.is_empty());
}

#[test]
fn a_writer_that_panics_ends_its_export() {
    let office = Office::new();
    let mut order = office.order(&[office.register("officer")]);
    order.recipient = Some(LOW_ORDER.to_owned());
    let session = office.session("officer");
    let permit = office
        .store
        .authority
        .survey::<Export>(&session, order.purpose);
    let checked = Checked {
        template: Template::choose(order.purpose, None).unwrap(),
        responsible: session.account(),
        key: ReceiverKey::unchecked(LOW_ORDER),
        font: None,
    };
    let permit = permit.ok().unwrap();
    let entered = office
        .store
        .enter_export(session, order, checked, permit, None);
    let Ok((Consented::Done(begun, _), Some(run))) = entered else {
        panic!("it was not entered");
    };
    assert_eq!(
        office.look("officer", begun.serial).state,
        OutputState::Running
    );
    office.store.run_export(run);
    let view = office.look("officer", begun.serial);
    assert_eq!(view.state, OutputState::Interrupted);
    assert!(view.problem.unwrap().contains("a defect"));
    assert_eq!(office.files(), 0);
    assert!(office.store.exports.running(begun.serial).is_none());
}
