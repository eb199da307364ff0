//! Prints that meet somebody who changes their cases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::cases::draft::Amendment;
use crate::disclosure::output::OutputState;
use crate::domain::limit::NARRATIVE_BYTES_MAX;
use crate::domain::purpose::Purpose;
use crate::domain::random::SystemSource;
use crate::domain::secret::SecretText;
use crate::domain::task::Task;
use crate::service::export::tests::stays::below;
use crate::service::export::tests::{Office, copy, password};
use crate::service::testing::{here, secret, settings};
use crate::service::{Service, open};

/// Long enough for a thread to come to where it waits.
const WHILE: Duration = Duration::from_millis(500);

fn page(office: &Office, serial: Serial) -> Result<String, ServiceError> {
    let session = office.session("officer");
    let document = office.store.print_document(&session, Some(serial))?;
    Ok(String::from_utf8(document.wait()?.bytes.as_ref().to_vec()).unwrap())
}

#[test]
fn a_case_is_not_destroyed_before_its_document_can_be_dropped() {
    let office = Office::new();
    let case = office.register("officer");
    let (office, destroyed) = (&office, &AtomicBool::new(false));
    let serial = std::thread::scope(|scope| {
        // The document is written, and cannot be kept yet.
        let kept = office.store.prints.kept();
        let printing = scope.spawn(move || office.print("officer", &[case]));
        let is_written = || {
            let outputs = office.store.outputs_of(case).unwrap();
            outputs.iter().any(|o| o.state == OutputState::Ready)
        };
        let began = Instant::now();
        while !is_written() {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(10));
        }
        let destroying = scope.spawn(move || {
            let shut = office.store.gates.close(case).unwrap();
            destroyed.store(true, Ordering::SeqCst);
            office.store.prints.drop_of(&[case]);
            drop(shut);
        });
        std::thread::sleep(WHILE);
        assert!(!destroyed.load(Ordering::SeqCst), "its gate was open");
        drop(kept);
        destroying.join().unwrap();
        printing.join().unwrap().unwrap()
    });
    assert_eq!(page(office, serial), Err(ServiceError::NotFound));
    let again = office.print("officer", &[case]).unwrap();
    assert!(page(office, again).is_ok(), "the control");
}

#[test]
fn gates_are_entered_in_the_order_of_registration_and_pages_come_as_asked() {
    let office = Office::new();
    let [first, second] = [(); 2].map(|()| office.register("officer"));
    let shut = office.store.gates.close(first).unwrap();
    let office = &office;
    let serial = std::thread::scope(|scope| {
        let printing = scope.spawn(move || office.print("officer", &[second, first]));
        std::thread::sleep(WHILE);
        let began = Instant::now();
        // Who waits for the first is not inside of the second.
        let closed = office.store.gates.close(second);
        let waited = began.elapsed();
        drop((closed, shut));
        assert!(waited < Duration::from_secs(5), "{waited:?}");
        printing.join().unwrap().unwrap()
    });
    let page = page(office, serial).unwrap();
    let number = |case| {
        let stored = office.store.cases.head(case).unwrap().unwrap();
        let head = &stored.head;
        crate::cases::number::register_number(head.tier, head.registered_at.year(), stored.number)
    };
    let at = |case| page.find(&number(case)).unwrap();
    assert!(at(second) < at(first));
}

#[test]
fn a_print_that_breaks_on_its_way_closes_its_record_and_stands_in_nobodys_way() {
    let office = Office::new();
    let case = office.register("officer");
    for (step, said, opened) in [
        (Step::List, "not whole", None),
        (Step::Write, "panicked; 1 of 1 cases with 1 people", Some(1)),
    ] {
        office.breaks(&[step]);
        assert!(office.print("officer", &[case]).is_err());
        let broken = office.newest();
        assert_eq!(broken.state, OutputState::Interrupted, "{step:?}");
        assert_eq!(broken.finished.map(|finished| finished.cases), opened);
        let told = office.told(Task::Print);
        let of_it = |told: &&String| told.contains(&broken.serial.to_string());
        let told: Vec<_> = told.iter().filter(of_it).collect();
        assert!(told.len() == 1 && told[0].contains(said), "{told:?}");
        office.breaks(&[]);
        assert!(
            office.print("officer", &[case]).is_ok(),
            "its place and its gates are free"
        );
    }
}

/// What it opens lies in memory, so it is counted before anything is on the list.
#[test]
fn more_text_than_a_document_holds_is_refused_before_its_list() {
    let office = Office::new();
    let case = office.register("officer");
    let add = || {
        let by = office.session("officer");
        let statement = Amendment {
            statement: Some("가".repeat(NARRATIVE_BYTES_MAX / 3)),
            ..Amendment::default()
        };
        let done = office
            .store
            .amend(&by, case, Purpose::Handling, statement, None);
        drop(done.unwrap().wait().unwrap());
    };
    let statements = DOCUMENT_BYTES_MAX / NARRATIVE_BYTES_MAX;
    for _ in 0..statements / 2 - 1 {
        add();
    }
    assert!(office.print("officer", &[case]).is_ok(), "the control");
    let printed = office.newest().serial;
    for _ in statements / 2 - 1..=statements {
        add();
    }
    let refused = office.print("officer", &[case]).err();
    assert!(matches!(refused, Some(ServiceError::Invalid(_))));
    assert_eq!(office.newest().serial, printed, "nothing is on record");
}

#[test]
fn a_record_that_could_not_be_closed_is_closed_at_the_next_look() {
    let office = Office::new();
    let case = office.register("officer");
    for steps in [&[Step::Close][..], &[Step::Write, Step::Close]] {
        office.breaks(steps);
        assert!(office.print("officer", &[case]).is_err());
        let serial = office.newest().serial;
        office.store.expire_outputs();
        assert_eq!(office.newest().state, OutputState::Running, "not yet");
        assert_eq!(page(&office, serial), Err(ServiceError::NotFound));
        office.breaks(&[]);
        for _ in 0..2 {
            office.store.expire_outputs();
            let closed = office.newest();
            assert_eq!(
                (closed.serial, closed.state),
                (serial, OutputState::Interrupted)
            );
        }
        let told = office.told(Task::Print);
        let told = told
            .iter()
            .filter(|told| told.contains(&serial.to_string()));
        assert_eq!(told.count(), 1);
    }
}

#[test]
fn a_person_has_one_place_among_prints_and_what_waits_has_an_end() {
    let office = Office::new();
    let prints = &office.store.prints;
    let [one, two, three] = ["officer", "rights", "privacy"].map(|l| office.session(l).account());
    let case = office.register("officer");
    let taken = prints.take_turn(one).ok().unwrap();
    assert!(prints.take_turn(one).is_err());
    assert_eq!(office.print("officer", &[case]), Err(ServiceError::Busy));
    let other = prints.take_turn(two).ok().unwrap();
    assert!(prints.take_turn(three).is_err(), "all are taken");
    drop((taken, other));
    // Documents that wait leave no room for another.
    let room = prints.fill();
    assert_eq!(office.print("officer", &[case]), Err(ServiceError::Busy));
    drop(room);
    assert!(office.print("officer", &[case]).is_ok());
}

/// The server is killed between the record and the document: what lies on the disk then.
#[test]
fn a_print_of_a_killed_server_is_closed_at_the_next_open_and_nothing_plain_is_left() {
    let office = Office::new();
    let case = office.register("officer");
    office.breaks(&[Step::Write, Step::Close]);
    assert!(office.print("officer", &[case]).is_err());
    let begun = office.newest();
    assert_eq!(begun.state, OutputState::Running);
    let image = tempfile::tempdir().unwrap();
    let killed = settings(image.path());
    copy(&office.settings.data, &killed.data);
    copy(&office.settings.keyring, &killed.keyring);

    let (random, clock) = (Arc::new(SystemSource::default()), office.clock.clone());
    let store = open::open(&killed, &secret(), random, clock).unwrap();
    let closed = store.outputs.find(begun.serial).unwrap().unwrap().row;
    assert_eq!(closed.state, OutputState::Interrupted);
    drop(store);
    let mut files = Vec::new();
    below(image.path(), &mut files);
    assert!(!files.is_empty());
    for plain in ["export-canary", "임꺽정", "%PDF", "<!doctype"] {
        let holds = |file: &Vec<u8>| file.windows(plain.len()).any(|w| w == plain.as_bytes());
        assert!(!files.iter().any(holds), "{plain}");
    }
}

/// One thread for everybody else, and a print that waits for its case.
#[test]
fn nobody_waits_for_a_print() {
    let office = Office::new();
    let cases = [(); 2].map(|()| office.register("officer"));
    let settings = office.settings.clone();
    let clock = office.clock.clone();
    let dir = office.leave();
    let random = Arc::new(SystemSource::default());
    let service = Arc::new(Service::new(settings, random, clock).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        service.unseal_now(&secret(), here()).unwrap();
        let store = service.store().unwrap();
        let password = || SecretText::new(password("officer"));
        let entered = store.log_in("officer".to_owned(), password(), None, here());
        let token = entered.unwrap().wait().unwrap().token;
        let session = || store.sessions.resume(&token, here()).unwrap();
        let shut = store.gates.close(cases[0]).unwrap();
        let (printer, order) = (session(), Office::paper(&cases[..1]));
        let printing = service.call_print(move |store| store.print(&printer, order));
        let reader = session();
        let other = cases[1];
        let reading = service.call(move |store| store.read_case(&reader, other, Purpose::Handling));
        let reading = tokio::time::timeout(Duration::from_secs(60), reading);
        let (printed, read) = tokio::join!(printing, async {
            let read = reading.await;
            drop(shut);
            read
        });
        assert!(
            read.is_ok_and(|read| read.is_ok()),
            "who reads waits for nobody"
        );
        assert!(printed.is_ok());
    });
    drop((service, dir));
}
