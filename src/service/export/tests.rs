//! An export that is disturbed: a gate that a test holds closed stops it where it is wanted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use office::{CANARY, files, told};
pub(in crate::service) use office::{Office, entries, password};

use super::*;
use crate::authn::session::Token;
use crate::cases::draft::Classification;
use crate::config::budgets::Budgets;
use crate::destruction::order::{Part, What};
use crate::disclosure::output::OutputState;
use crate::domain::limit::Limit;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::task::Task;
use crate::domain::time::{Clock, SteppedClock};
use crate::service::destroy_tests::{order as doom, place};
use crate::service::open;
use crate::service::outputs::{OutputView, Portion};
use crate::service::print_order::PrintOrder;
use crate::service::seal::Settings;
use crate::service::testing::{here, secret, settings};
use crate::service::types::PageRequest;

mod barred;
mod changed;
mod disturbed;
mod late;
mod office;
mod policies;
mod searched;
pub(in crate::service) mod stays;
mod unclosed;

/// What becomes of a case.
type Change = (&'static str, fn(&Office, CaseId));

/// What takes the right to an ordinary case of "officer" away.
const ORDINARY_GOES: [Change; 3] = [
    ("handed on", |o, case| {
        o.assign("officer", case, &["officer2"])
    }),
    ("made sensitive", |o, case| {
        o.reclassify("officer", case, Classification::Sensitive, &["rights2"])
    }),
    ("locked", |o, case| o.lock("officer", case)),
];

/// The same of a sensitive case of "rights".
const SENSITIVE_GOES: [Change; 3] = [
    ("handed on", |o, case| {
        o.assign("rights", case, &["rights2"])
    }),
    ("made ordinary", |o, case| {
        o.reclassify("rights", case, Classification::Ordinary, &["officer2"])
    }),
    ("locked", |o, case| o.lock("rights", case)),
];

pub(in crate::service) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&entry.path(), &to),
            kind if kind.is_file() => drop(fs::copy(entry.path(), to).unwrap()),
            _ => {}
        }
    }
}

#[test]
fn an_export_comes_to_its_end_and_is_fetched_in_parts() {
    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("officer"));
    let identity = age::x25519::Identity::generate();
    let mut order = office.order(&cases);
    order.recipient = Some(identity.to_public().to_string());
    let begun = office.begin(office.session("officer"), order);
    assert_eq!((begun.cases, begun.people, begun.absent), (3, 3, 0));
    assert!(begun.passphrase.is_none());
    let view = office.ended("officer", begun.serial);
    assert_eq!((view.state, view.opened), (OutputState::Ready, 3));
    assert_eq!(view.left_out, Some(0));
    let fetch = |login: &str, portion| {
        let session = office.session(login);
        let fetched = office
            .store
            .fetch_output(&session, Some(begun.serial), portion, None);
        fetched.unwrap().wait()
    };
    let read = |mut fetched: crate::service::outputs::Fetched| {
        use std::io::Read;
        let mut bytes = Vec::new();
        let mut part = (&mut fetched.file).take(fetched.length);
        part.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let whole = read(fetch("officer", Portion::Whole).unwrap());
    let first = read(fetch("officer", Portion::From(0, Some(9))).unwrap());
    let rest = read(fetch("officer", Portion::From(10, None)).unwrap());
    assert!([first, rest].concat() == whole);
    for other in ["rights", "privacy"] {
        assert!(fetch(other, Portion::Whole).is_err(), "{other}");
    }
    let mut plain = String::new();
    let opened = age::Decryptor::new(whole.as_slice()).unwrap();
    let mut opened = opened
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .unwrap();
    std::io::Read::read_to_string(&mut opened, &mut plain).unwrap();
    assert_eq!(plain.matches(CANARY).count(), 3);
    assert_eq!(plain.lines().count(), 3);
    assert!(plain.contains("임*정") && !plain.contains("임꺽정"));
    assert_eq!(office.told(Task::Download).len(), 3);
    let said = office.told(Task::Export);
    assert!(
        said[0].contains("3 of 3 cases opened, 0 left out"),
        "{said:?}"
    );
}

#[test]
#[ignore = "needs a Korean font (Debian: fonts-nanum)"]
fn a_pdf_is_written_and_locked_like_the_others() {
    let office = Office::new();
    let case = office.register("officer");
    let identity = age::x25519::Identity::generate();
    let mut order = office.order(&[case]);
    order.form = Form::Pdf;
    order.recipient = Some(identity.to_public().to_string());
    let begun = office.begin(office.session("officer"), order);
    let view = office.ended("officer", begun.serial);
    assert_eq!(view.state, OutputState::Ready, "{view:?}");
    let file = fs::read(office.store.export_path(begun.serial)).unwrap();
    let opened = age::Decryptor::new(file.as_slice()).unwrap();
    let mut opened = opened
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .unwrap();
    let mut pdf = Vec::new();
    std::io::Read::read_to_end(&mut opened, &mut pdf).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
}

#[test]
fn nothing_is_taken_out_that_is_not_the_askers_and_no_order_that_cannot_be_carried_out() {
    let office = Office::new();
    let mine = office.register("officer");
    let other = office.register("rights");
    let refused = |order: Order| {
        let begun = office.store.begin_export(office.session("officer"), order);
        match begun.unwrap().wait() {
            Err(ServiceError::Invalid(invalid)) => invalid.field,
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it was taken"),
        }
    };
    let nobody = CaseId::from_bytes([9; 16]);
    for cases in [&[][..], &[other], &[nobody], &[other, nobody]] {
        assert_eq!(refused(office.order(cases)), "selection");
    }
    let with = |change: &dyn Fn(&mut Order)| {
        let mut order = office.order(&[mine]);
        change(&mut order);
        refused(order)
    };
    assert_eq!(with(&|o| o.recipient = Some("age1".into())), "recipient");
    assert_eq!(with(&|o| o.receiver = " ".into()), "receiver");
    assert_eq!(with(&|o| o.reason = String::new()), "reason");
    assert_eq!(with(&|o| o.template = Some("all".into())), "template");
    // Nobody who could not say that it is destroyed answers for it.
    for login in ["nobody", "auditor"] {
        let named = with(&|o| o.responsible = Some(login.into()));
        assert_eq!(named, "responsible", "{login}");
    }
    let guesses = |count: u8| {
        let guess = |n| CaseId::from_bytes([n; 16]);
        let all: Vec<CaseId> = (1..=count).map(guess).chain([mine]).collect();
        office.order(&all)
    };
    assert_eq!(refused(guesses(101)), "selection");
    let begun = office.begin(office.session("officer"), guesses(100));
    assert_eq!((begun.cases, begun.absent), (1, 100));
    office.ended("officer", begun.serial);
    // Its record is closed a moment before its place is free.
    office
        .store
        .exports
        .places
        .wait_idle(Duration::from_secs(60));
    assert_eq!(with(&|o| o.destroy_by = office.clock.now()), "destroy_by");
    assert_eq!(with(&|o| o.form = Form::PrintPdf), "format");
    let begun = office.begin(
        office.session("officer"),
        office.order(&[other, mine, nobody, mine]),
    );
    assert_eq!((begun.cases, begun.absent), (1, 2));
    let (rows, _) = office
        .store
        .outputs
        .newest(u64::MAX, Limit::rows(50), |_| true)
        .unwrap();
    assert_eq!(rows.len(), 2, "only what was begun has a record");
    office.ended("officer", begun.serial);
    let auditor = office
        .store
        .begin_export(office.session("auditor"), office.order(&[mine]));
    assert!(matches!(
        auditor.unwrap().wait(),
        Err(ServiceError::RoleRefused)
    ));
}

#[test]
fn one_person_takes_one_place_and_leaves_the_other() {
    let office = Office::new();
    let [one, two, three] = [1, 2, 3].map(|n| crate::domain::id::AccountId::from_bytes([n; 16]));
    let taken = office.store.exports.places.take(one).ok().unwrap();
    assert!(matches!(
        office.store.exports.places.take(one),
        Err(ServiceError::Busy)
    ));
    let other = office.store.exports.places.take(two);
    assert!(other.is_ok());
    assert!(
        office.store.exports.places.take(three).is_err(),
        "all taken"
    );
    drop(taken);
    assert!(office.store.exports.places.take(three).is_ok());
}
