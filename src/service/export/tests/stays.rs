//! How files end: one that cannot be removed is not forgotten until it is gone and its record says
//! so.

use super::*;

/// What is in every file below.
pub(in crate::service) fn below(dir: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else if path.is_file() {
            found.push(fs::read(path).unwrap());
        }
    }
}

/// A directory in the place of a file cannot be wiped, whoever tries.
fn block(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

fn ready(office: &Office) -> (CaseId, Serial, std::path::PathBuf) {
    let case = office.register("officer");
    let begun = office.begin(office.session("officer"), office.order(&[case]));
    let view = office.ended("officer", begun.serial);
    assert_eq!(view.state, OutputState::Ready);
    let path = office.store.export_path(begun.serial);
    (case, begun.serial, path)
}

#[test]
fn a_file_that_cannot_be_removed_after_its_time_is_tried_again() {
    let office = Office::new();
    let (_, serial, path) = ready(&office);
    block(&path);
    office.clock.advance(Duration::from_secs(25 * 3600));
    office.store.expire_outputs();
    let state = || office.look("officer", serial).state;
    assert_eq!(state(), OutputState::Expired);
    let said = office.told(Task::Export);
    let no_more = "its file is fetched by nobody and will be removed";
    assert!(said[0].contains(no_more), "than is so: {said:?}");
    assert!(office.store.exports.has_file(serial));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"ciphertext").unwrap();
    office.store.expire_outputs();
    assert_eq!((state(), office.files()), (OutputState::Expired, 0));
    assert!(!office.store.exports.has_file(serial));
}

#[test]
fn a_destruction_does_not_pass_over_a_file_that_stays() {
    let office = Office::new();
    let (case, serial, path) = ready(&office);
    block(&path);
    let drop_all = || office.store.drop_exports_of([case].into_iter());
    for _ in 0..2 {
        assert!(matches!(drop_all(), Err(ServiceError::Internal(_))));
    }
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"ciphertext").unwrap();
    assert_eq!(drop_all(), Ok(()));
    assert_eq!(office.files(), 0);
    assert_eq!(office.look("officer", serial).state, OutputState::Expired);
}

#[test]
fn a_file_that_outlives_its_closed_record_is_told_and_tried_again() {
    let office = Office::new();
    let (_, serial, path) = ready(&office);
    block(&path);
    let session = office.session("officer");
    let ended = office.store.cancel_output(&session, Some(serial));
    let ended = ended.and_then(|ended| ended.wait());
    assert!(matches!(ended, Err(ServiceError::Internal(_))), "{ended:?}");
    assert_eq!(office.look("officer", serial).state, OutputState::Cancelled);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, b"ciphertext").unwrap();
    office.store.expire_outputs();
    assert_eq!(office.files(), 0);
}

#[test]
fn a_file_dies_after_its_time() {
    let office = Office::new();
    let case = office.register("officer");
    let begun = office.begin(office.session("officer"), office.order(&[case]));
    office.ended("officer", begun.serial);
    office.clock.advance(Duration::from_secs(23 * 3600));
    office.store.expire_outputs();
    assert_eq!(office.files(), 1);
    office.clock.advance(Duration::from_secs(2 * 3600));
    office.store.expire_outputs();
    assert_eq!(office.files(), 0);
    assert_eq!(
        office.look("officer", begun.serial).state,
        OutputState::Expired
    );
}

const HOUR: Duration = Duration::from_secs(3600);
const YEAR_MS: i64 = 365 * 24 * 3_600_000;

#[test]
fn a_clock_that_is_set_back_keeps_no_file_alive_and_one_set_forward_ends_none() {
    let office = Office::new();
    let (_, serial, _) = ready(&office);
    office.clock.jump(YEAR_MS);
    office.store.expire_outputs();
    assert_eq!(office.files(), 1);
    office.clock.jump(-2 * YEAR_MS);
    office.clock.advance(HOUR * 23);
    office.store.expire_outputs();
    assert_eq!(office.files(), 1);
    office.clock.advance(HOUR * 2);
    // Not even before the background has looked.
    let fetched = office.fetch(&office.session("officer"), serial);
    assert!(
        matches!(fetched, Err(ServiceError::WrongState(_))),
        "{fetched:?}"
    );
    office.store.expire_outputs();
    assert_eq!(office.files(), 0);
}

#[test]
fn a_clock_that_is_set_back_while_the_store_is_closed_keeps_no_file_alive() {
    for back in [YEAR_MS, 0] {
        let office = Office::new();
        let (_, serial, _) = ready(&office);
        office.clock.advance(HOUR * 20);
        office.store.keep_own_time().unwrap();
        let image = tempfile::tempdir().unwrap();
        let closed = settings(image.path());
        copy(&office.settings.data, &closed.data);
        copy(&office.settings.keyring, &closed.keyring);
        office.clock.jump(-back);
        let random = Arc::new(SystemSource::default());
        let store = open::open(&closed, &secret(), random, office.clock.clone()).unwrap();
        assert!(store.exports.has_file(serial));
        office.clock.advance(HOUR * 3);
        store.expire_outputs();
        assert_eq!(files(&closed.data), 1, "{back}");
        office.clock.advance(HOUR * 2);
        store.expire_outputs();
        assert_eq!(files(&closed.data), 0, "{back}");
    }
}

#[test]
fn a_full_disk_ends_an_export_and_says_so() {
    let office = Office::new();
    let cases = [(); 3].map(|()| office.register("officer"));
    office
        .store
        .exports
        .room
        .store(300, std::sync::atomic::Ordering::SeqCst);
    for form in [Form::Jsonl, Form::Csv, Form::CsvCp949] {
        let mut order = office.order(&cases);
        order.form = form;
        let begun = office.begin(office.session("officer"), order);
        let view = office.ended("officer", begun.serial);
        office
            .store
            .exports
            .places
            .wait_idle(Duration::from_secs(10));
        assert_eq!(view.state, OutputState::Interrupted);
        assert!(view.problem.unwrap().contains("disk is full"));
        assert_eq!(office.files(), 0);
        let said = office.told(Task::Export);
        assert!(said[0].contains("disk is full") && said[0].contains("of 3 cases"));
    }
    let holds = |dir: &Path| {
        let mut found = Vec::new();
        below(dir, &mut found);
        let mut canaries = found.iter().map(|file| file.windows(CANARY.len()));
        canaries.any(|mut parts| parts.any(|part| part == CANARY.as_bytes()))
    };
    let dir = office.dir.path();
    assert!(!holds(dir), "nothing in clear anywhere");
    fs::write(dir.join("data/planted"), CANARY).unwrap();
    assert!(holds(dir), "the control");
}

#[test]
fn what_leaves_stops_before_the_disk_is_full_and_then_whatever_shows_a_case() {
    use std::sync::atomic::Ordering;
    let office = Office::new();
    let case = office.register("officer");
    let feign = |percent| {
        let headroom = &office.store.headroom;
        headroom.feigned.store(percent, Ordering::SeqCst);
        headroom.look();
    };
    let officer = office.session("officer");
    let read = || {
        let read = office.store.read_case(&officer, case, Purpose::Handling);
        read.unwrap().wait().map(drop)
    };
    let list = || {
        let page = PageRequest {
            limit: Limit::rows(5),
            cursor: None,
        };
        let rows = office.store.list_cases(&officer, Purpose::Handling, page);
        rows.unwrap().wait().map(drop)
    };
    let export = || {
        let session = office.session("officer");
        let begun = office.store.begin_export(session, office.order(&[case]));
        let begun = begun.unwrap().wait().map(drop);
        office
            .store
            .exports
            .places
            .wait_idle(Duration::from_secs(10));
        begun
    };
    let full = Err(ServiceError::DiskFull);
    for (percent, leaves, shows) in [
        (50, Ok(()), Ok(())),
        (4, full.clone(), Ok(())),
        (1, full.clone(), full),
        (20, Ok(()), Ok(())),
    ] {
        feign(percent);
        assert_eq!(export(), leaves, "{percent}");
        assert_eq!(read(), shows, "{percent}");
        assert_eq!(list(), shows, "{percent}");
        // The log can be read and written all the time.
        assert!(!office.told(Task::Export).is_empty());
    }
}

/// Also when it is far from its end.
#[test]
fn an_export_that_is_being_written_stops_before_the_disk_is_full() {
    for (written, opened) in [(0, 4), (5, 6)] {
        let office = Office::new();
        let cases = [(); 6].map(|()| office.register("officer"));
        let shut = office.store.gates.close(cases[written]).unwrap();
        let begun = office.begin(office.session("officer"), office.order(&cases));
        office.until("officer", begun.serial, |view| {
            view.opened == written as u32
        });
        let feigned = &office.store.headroom.feigned;
        feigned.store(4, std::sync::atomic::Ordering::SeqCst);
        drop(shut);
        let view = office.ended("officer", begun.serial);
        assert_eq!(
            (view.state, view.opened),
            (OutputState::Interrupted, opened)
        );
        assert!(view.problem.unwrap().contains("disk is full"));
        let places = &office.store.exports.places;
        places.wait_idle(Duration::from_secs(10));
        assert_eq!(office.files(), 0);
    }
}
