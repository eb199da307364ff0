//! Chunks against a real store: what is kept of them, and that a rehearsal keeps nothing.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::domain::random::SystemSource;
use crate::domain::role::{Role, Roles};
use crate::domain::secret::SecretText;
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::SystemClock;
use crate::service::open;
use crate::service::testing::{here, secret, settings};
use crate::service::types::RejectCode;

struct Office {
    store: Store,
    intake: Session,
    _dir: tempfile::TempDir,
}

impl Office {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (random, clock) = (SystemSource::default(), SystemClock::default());
        let (random, clock) = (Arc::new(random), Arc::new(clock));
        let store = open::create(&settings(dir.path()), &secret(), random, clock).unwrap();
        let employ = |login: &str, role| {
            let roles = Roles::new([role]).unwrap();
            let invited = store.invite_founder(login, roles).unwrap();
            let code = SecretText::new(invited.enrolment_code);
            let password = || SecretText::new("quiet-harbour-71".to_owned());
            let enrolled = store.enrol(login.to_owned(), code, password(), here());
            enrolled.unwrap().wait().unwrap();
            let entered = store.log_in(login.to_owned(), password(), None, here());
            let token = entered.unwrap().wait().unwrap().token;
            store.sessions.resume(&token, here()).unwrap()
        };
        let admin = employ("admin", Role::Admin);
        let intake = employ("intake", Role::Intake);
        let made = store.add_department(&admin, "civil".to_owned(), "민원실".to_owned());
        made.unwrap().wait().unwrap();
        Self {
            store,
            intake,
            _dir: dir,
        }
    }

    fn open(&self, rejects_from: u64) -> ImportState {
        let opened = self.store.open_import(&self.intake, [7; 32], rejects_from);
        opened.unwrap().wait().unwrap()
    }

    /// A chunk of rows that begins at `from_row`; `bad` says which have no title.
    fn send(
        &self,
        from_row: u64,
        rows: std::ops::Range<u64>,
        bad: impl Fn(u64) -> bool,
        dry_run: bool,
    ) -> Result<ImportProgress, ServiceError> {
        let row = |line: u64| {
            let title = if bad(line) { "" } else { "제목" };
            serde_json::from_value(json!({"line": line, "case": {
                "tier": "ordinary", "department": "civil", "channel": "online", "class": "도로",
                "title": title, "narrative": "내용", "people": [], "assignees": []}}))
            .unwrap()
        };
        let chunk = Chunk {
            from_row,
            rows: rows.map(row).collect(),
            last: false,
            dry_run,
        };
        let import = self.open(0).id.parse().unwrap();
        self.store.import_rows(&self.intake, import, chunk)?.wait()
    }

    /// The next unit that a narrative would get.
    fn next_unit(&self) -> (u32, u16) {
        let keyring = &self.store.keyring;
        let unit = keyring.allocate(Tier::Ordinary, UnitKind::Narrative);
        let unit = unit.unwrap();
        (unit.bucket(), unit.slot())
    }
}

#[test]
fn a_rehearsal_uses_up_no_place_in_the_keyring() {
    let office = Office::new();
    let (bucket, slot) = office.next_unit();
    let tried = office.send(0, 0..20, |line| line == 3, true).unwrap();
    assert_eq!((tried.accepted, tried.rejected.len()), (19, 1));
    assert_eq!(office.next_unit(), (bucket, slot + 1));
    // The control: what is stored has places.
    let taken = office.send(0, 0..20, |line| line == 3, false).unwrap();
    assert_eq!((taken.accepted, taken.rejected.len()), (19, 1));
    assert_eq!(office.next_unit(), (bucket, slot + 2 + 19));
}

#[test]
fn nothing_is_taken_in_before_the_disk_is_full() {
    let office = Office::new();
    for (percent, next) in [(4, None), (50, Some(2))] {
        let feigned = &office.store.headroom.feigned;
        feigned.store(percent, std::sync::atomic::Ordering::SeqCst);
        office.store.headroom.look();
        for dry_run in [true, false] {
            let taken = office.send(0, 0..2, |_| false, dry_run);
            match next {
                None => assert_eq!(taken.err(), Some(ServiceError::DiskFull)),
                Some(next) => assert_eq!(taken.unwrap().accepted, next, "the control"),
            }
        }
    }
}

#[test]
fn rejects_are_named_by_code_field_and_reason_and_are_kept_with_the_job() {
    let office = Office::new();
    let chunks = 2 * 20 + 3;
    let mut told = Vec::new();
    for chunk in 0..chunks {
        let from = chunk * 2;
        // The first of two rows is bad, and in every fifth chunk none is.
        let bad = |line| line == from && chunk % 5 != 4;
        let taken = office.send(from, from..from + 2, bad, false).unwrap();
        told.extend(taken.rejected);
    }
    assert_eq!(told[0].line, 0);
    assert_eq!(told[0].code, RejectCode::Invalid);
    assert_eq!(told[0].field.as_deref(), Some("title"));
    assert_eq!(told[0].reason.as_deref(), Some("must not be empty"));
    let (mut kept, mut next) = (Vec::new(), Some(0));
    while let Some(from) = next {
        let state = office.open(from);
        assert!(state.rejected_rows.len() <= 20);
        assert_eq!(state.rejected, told.len() as u64);
        kept.extend(state.rejected_rows);
        next = state.rejects_next;
    }
    assert_eq!(kept, told);
    // What a chunk whose answer was lost asks for.
    let last = office.open((chunks - 1) * 2);
    assert_eq!(last.rejected_rows, told[told.len() - 1..]);
    // A chunk that is sent again changes nothing.
    let again = office.send(0, 0..2, |_| true, false).unwrap_err();
    assert_eq!(again, ServiceError::ImportPosition(chunks * 2));
    assert_eq!(office.open(0).rejected, told.len() as u64);
}
