//! What goes at the last moment: while a file is being finished, and while its record is being
//! closed.

use super::*;
use crate::people::account::Account;
use crate::service::output_steps::Step;

/// Exports a case of `login`, and comes to its end after this was done at this step.
fn ended_with(office: &Arc<Office>, login: &str, step: Step, change: Change) -> OutputView {
    let case = office.register(login);
    let there = Arc::clone(office);
    let happens = move || change.1(&there, case);
    *office.store.steps.meanwhile.lock().unwrap() = Some((step, Box::new(happens)));
    let begun = office.begin(office.session(login), office.order(&[case]));
    let places = &office.store.exports.places;
    places.wait_idle(Duration::from_secs(60));
    assert!(office.store.steps.meanwhile.lock().unwrap().is_none());
    office.look(login, begun.serial)
}

fn demoted(office: &Office) -> (Account, Account) {
    let account = office.session("officer").account();
    let before = office.store.directory.account(account).unwrap();
    let mut now = before.clone();
    now.roles = Roles::new([Role::Intake]).unwrap();
    (before, now)
}

const ALL_GOES: [Change; 3] = [
    ("a case of it is destroyed", |o, case| {
        let _ = o.store.drop_exports_of([case].into_iter());
    }),
    ("the role goes", |o, _| {
        let (before, now) = demoted(o);
        o.store.bar_account(Some(&before), &now).unwrap();
    }),
    ("the session ends", |o, _| {
        let account = o.session("officer").account();
        o.store.sessions.revoke(account);
        o.store.expire_outputs();
    }),
];

fn office() -> Arc<Office> {
    let office = Office::new();
    office.join("officer2", Role::Officer);
    office.join("rights2", Role::HumanRightsOfficer);
    Arc::new(office)
}

#[test]
fn nothing_waits_whose_right_went_while_its_file_was_finished() {
    let office = office();
    for change in ORDINARY_GOES.into_iter().chain(ALL_GOES) {
        let ended = ended_with(&office, "officer", Step::Finish, change);
        assert_eq!(ended.state, OutputState::Interrupted, "{}", change.0);
        assert_eq!(office.files(), 0, "{}", change.0);
        let serial = ended.serial.parse().unwrap();
        assert!(!office.store.exports.has_file(serial), "{}", change.0);
    }
    let nothing: Change = ("nothing", |_, _| ());
    let control = ended_with(&office, "officer", Step::Finish, nothing);
    assert_eq!(control.state, OutputState::Ready, "the control");
}

/// Its record cannot say that its file died before it says that it is there.
#[test]
fn a_record_that_was_being_closed_says_that_its_file_died() {
    let office = office();
    let [destroyed, demoted, _] = ALL_GOES;
    for change in ORDINARY_GOES.into_iter().chain([destroyed, demoted]) {
        let ended = ended_with(&office, "officer", Step::Close, change);
        assert_eq!(ended.state, OutputState::Expired, "{}", change.0);
        assert_eq!(ended.file_until, None);
        assert_eq!(office.files(), 0, "{}", change.0);
    }
    let over: Change = ("the session ends", |o, _| {
        let account = o.session("rights").account();
        o.store.sessions.revoke(account);
        o.store.expire_outputs();
    });
    let ended = ended_with(&office, "rights", Step::Close, over);
    assert_eq!((ended.state, office.files()), (OutputState::Expired, 0));
    let nothing: Change = ("nothing", |_, _| ());
    let control = ended_with(&office, "officer", Step::Close, nothing);
    assert_eq!((control.state, office.files()), (OutputState::Ready, 1));
}

/// A crash between the two leaves no file that outlives the role.
#[test]
fn the_file_goes_before_the_role_does() {
    let office = office();
    let case = office.register("officer");
    office.finished("officer", &[case]);
    let account = office.session("officer").account();
    let (seen, there) = (Arc::new(Mutex::new(None)), Arc::clone(&office));
    let sees = Arc::clone(&seen);
    let look = move || {
        let standing = there.store.directory.account(account).unwrap();
        *sees.lock().unwrap() = Some((standing.roles.has(Role::Officer), there.files()));
    };
    *office.store.steps.meanwhile.lock().unwrap() = Some((Step::Close, Box::new(look)));
    let admin = office.session("admin");
    let changed = office
        .store
        .change_roles(&admin, account, vec![Role::Intake]);
    drop(changed.unwrap().wait().unwrap());
    assert_eq!(*seen.lock().unwrap(), Some((true, 0)));
    let standing = office.store.directory.account(account).unwrap();
    assert!(!standing.roles.has(Role::Officer), "the control");
}

/// It would wait again after a restart.
#[test]
fn nothing_is_handed_on_while_a_file_of_it_can_neither_be_removed_nor_told() {
    let office = office();
    let case = office.register("officer");
    let serial = office.finished("officer", &[case]);
    let path = office.store.export_path(serial);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let hand_on = || {
        let (by, to) = (office.session("officer"), vec!["officer2".to_owned()]);
        let done = office.store.assign(&by, case, Purpose::Handling, to, None);
        done.unwrap().wait().map(drop)
    };
    let demote = || {
        let (before, now) = demoted(&office);
        office.store.bar_account(Some(&before), &now)
    };
    office.breaks(&[Step::Close]);
    for _ in 0..2 {
        assert_eq!(hand_on(), Err(ServiceError::LogUnavailable));
        assert_eq!(demote(), Err(ServiceError::LogUnavailable));
    }
    office.breaks(&[]);
    assert_eq!(hand_on(), Ok(()));
    // Also where it can be removed no more, but is told of.
    assert_eq!(demote(), Ok(()));
    let (image, standing) = (tempfile::tempdir().unwrap(), office.look("officer", serial));
    assert_eq!(standing.state, OutputState::Expired, "though it is there");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"ciphertext").unwrap();
    let killed = settings(image.path());
    copy(&office.settings.data, &killed.data);
    copy(&office.settings.keyring, &killed.keyring);
    let random = Arc::new(SystemSource::default());
    let store = open::open(&killed, &secret(), random, office.clock.clone()).unwrap();
    assert!(!store.exports.has_file(serial));
    assert_eq!(files(&killed.data), 0);
}

/// Whoever is asked for something while the right to it goes gives it to nobody.
#[test]
fn nothing_is_given_whose_right_went_while_its_fetching_was_entered() {
    let office = office();
    let nothing: Change = ("nothing", |_, _| ());
    for (what, change) in ORDINARY_GOES.into_iter().chain([nothing]) {
        let goes = what != "nothing";
        let [filed, printed] = [(); 2].map(|()| office.register("officer"));
        let file = office.finished("officer", &[filed]);
        let print = office.print("officer", &[printed]).unwrap();
        let session = office.session("officer");
        let meanwhile = |case| {
            let there = Arc::clone(&office);
            let happens = move || change(&there, case);
            *office.store.steps.meanwhile.lock().unwrap() = Some((Step::Fetch, Box::new(happens)));
        };
        meanwhile(filed);
        assert_eq!(office.fetch(&session, file).is_err(), goes, "{what}");
        meanwhile(printed);
        let document = office.store.print_document(&session, Some(print));
        let given = document.and_then(|document| document.wait());
        assert_eq!(given.is_err(), goes, "{what}");
        assert!(office.store.steps.meanwhile.lock().unwrap().is_none());
    }
}
