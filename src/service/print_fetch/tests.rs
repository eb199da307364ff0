//! Prints whose document dies before anybody has fetched it: nothing of them is out.

use std::sync::Arc;
use std::time::Duration;

use crate::disclosure::output::OutputState;
use crate::domain::serial::Serial;
use crate::domain::task::Task;
use crate::service::error::ServiceError;
use crate::service::export::tests::Office;
use crate::service::output_steps::Step;

fn fetch(office: &Office, serial: Serial) -> bool {
    let session = office.session("officer");
    let fetched = office.store.print_document(&session, Some(serial));
    fetched.unwrap().wait().is_ok()
}

fn state(office: &Office, serial: Serial) -> OutputState {
    office.look("officer", serial).state
}

#[test]
fn a_print_that_nobody_fetched_in_time_is_not_out() {
    let office = Office::new();
    let case = office.register("officer");
    let (waits, fetched) = (
        office.print("officer", &[case]).unwrap(),
        office.print("officer", &[case]).unwrap(),
    );
    assert!(fetch(&office, fetched));
    office.store.expire_prints();
    assert_eq!(state(&office, waits), OutputState::Ready, "its time runs");
    office.clock.advance(Duration::from_secs(5 * 60));
    office.store.expire_prints();
    assert_eq!(state(&office, waits), OutputState::Expired);
    assert_eq!(
        state(&office, fetched),
        OutputState::Ready,
        "it is on paper"
    );
    assert!(!fetch(&office, waits));
    let said = office.told(Task::Print);
    let wanted = format!("output {waits}: its document died, fetched 0 times");
    assert_eq!(said.iter().filter(|said| **said == wanted).count(), 1);
    office.store.expire_prints();
    assert_eq!(office.told(Task::Print), said, "told once");
}

/// Nothing is kept for a session that is over: no look would drop it before its time is.
#[test]
fn a_print_whose_session_ends_while_its_record_is_closed_is_not_kept() {
    let office = Arc::new(Office::new());
    let case = office.register("officer");
    let there = Arc::clone(&office);
    let account = office.session("officer").account();
    let ends = move || there.store.sessions.revoke(account);
    *office.store.steps.meanwhile.lock().unwrap() = Some((Step::Close, Box::new(ends)));
    let printed = office.print("officer", &[case]);
    assert_eq!(printed.err(), Some(ServiceError::SessionEnded));
    let serial = office.newest().serial;
    assert_eq!(state(&office, serial), OutputState::Ready, "not yet");
    office.store.expire_prints();
    assert_eq!(state(&office, serial), OutputState::Expired);
    assert!(!fetch(&office, serial));
    let again = office.print("officer", &[case]).unwrap();
    office.store.expire_prints();
    assert_eq!(state(&office, again), OutputState::Ready, "the control");
}

/// Whoever confirms in good faith that no copy is left is not made a liar.
#[test]
fn a_print_whose_copies_are_confirmed_destroyed_is_fetched_no_more() {
    let office = Office::new();
    let case = office.register("officer");
    let [closed, open] = [(); 2].map(|()| office.print("officer", &[case]).unwrap());
    let by = office.session("officer");
    let close = |serial| {
        let method = "파쇄".to_owned();
        let done = office.store.close_output(&by, Some(serial), method, None);
        done.unwrap().wait().map(drop)
    };
    assert_eq!(close(closed), Ok(()));
    assert!(!fetch(&office, closed));
    assert_eq!(state(&office, closed), OutputState::Closed);
    assert!(fetch(&office, open), "the control");
    assert_eq!(close(open), Ok(()));
    assert!(!fetch(&office, open));
}

#[test]
fn a_look_that_finds_it_dead_does_not_make_it_forgotten() {
    let office = Office::new();
    let serial = office
        .print("officer", &[office.register("officer")])
        .unwrap();
    office.clock.advance(Duration::from_secs(5 * 60));
    // Whoever fetches comes too late, and sweeps it away before the background does.
    assert!(!fetch(&office, serial));
    office.store.expire_prints();
    assert_eq!(state(&office, serial), OutputState::Expired);
}

#[test]
fn a_newer_document_and_a_destruction_take_it_and_close_its_record() {
    let office = Office::new();
    let case = office.register("officer");
    let other = office.register("officer");
    // The session holds four at a time.
    let prints: Vec<Serial> = [case, other, other, other, other]
        .map(|case| office.print("officer", &[case]).unwrap())
        .into();
    office.store.expire_prints();
    let states = |of: OutputState| {
        let states = prints.iter().map(|serial| state(&office, *serial));
        states.filter(|state| *state == of).count()
    };
    assert_eq!(
        (states(OutputState::Expired), states(OutputState::Ready)),
        (1, 4)
    );
    office.destroy(other);
    let left = prints.iter().skip(1);
    let gone = left.filter(|serial| state(&office, **serial) == OutputState::Expired);
    assert_eq!(gone.count(), 4);
}
