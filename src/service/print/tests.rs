//! Prints that meet somebody who changes their cases.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::domain::purpose::Purpose;
use crate::service::export::tests::Office;

/// Long enough for a thread to come to where it waits.
const WHILE: Duration = Duration::from_millis(500);

fn print(office: &Office, cases: &[CaseId]) -> Result<Serial, ServiceError> {
    let order = PrintOrder {
        purpose: Purpose::Handling,
        reason: "for a test".to_owned(),
        cases: cases.iter().copied().map(Some).collect(),
        form: Form::PrintHtml,
        template: None,
        unmasked: false,
        identity: None,
        copies: 1,
        receiver: "archive".to_owned(),
        responsible: None,
        destroy_by: None,
        approval: None,
    };
    let printed = office.store.print(&office.session("officer"), order)?;
    match printed.wait()? {
        Consented::Done(printed, _) => Ok(printed.serial),
        Consented::Asked(_) => panic!("a second person was asked"),
    }
}

fn page(office: &Office, serial: Serial) -> Result<String, ServiceError> {
    let session = office.session("officer");
    let document = office.store.print_document(&session, Some(serial))?;
    Ok(String::from_utf8(document.wait()?.bytes).unwrap())
}

#[test]
fn a_case_is_not_destroyed_before_its_document_can_be_dropped() {
    let office = Office::new();
    let case = office.register("officer");
    let (office, destroyed) = (&office, &AtomicBool::new(false));
    let serial = std::thread::scope(|scope| {
        // The document is written, and cannot be kept yet.
        let kept = office.store.prints.kept();
        let printing = scope.spawn(move || print(office, &[case]));
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
    let again = print(office, &[case]).unwrap();
    assert!(page(office, again).is_ok(), "the control");
}

#[test]
fn gates_are_entered_in_the_order_of_registration_and_pages_come_as_asked() {
    let office = Office::new();
    let [first, second] = [(); 2].map(|()| office.register("officer"));
    let shut = office.store.gates.close(first).unwrap();
    let office = &office;
    let serial = std::thread::scope(|scope| {
        let printing = scope.spawn(move || print(office, &[second, first]));
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
