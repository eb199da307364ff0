//! A pass sees every entry of its span once, in order, and nothing that was changed; what is told of
//! a case is what names it.

use std::time::Duration;

use super::*;
use crate::audit::entry::Header;
use crate::audit::pass::Sealed;
use crate::authz::action::{GiveEvidence, Inspect};
use crate::domain::time::Clock as _;

const BATCHES: u64 = 60;
const EACH: u64 = 100;

/// Sixty batches of a hundred reads, one batch a second.
fn busy() -> (Office, AccessLog) {
    let office = Office::new(40);
    let log = office.open().unwrap();
    for _ in 0..BATCHES {
        let permits = (0..EACH).map(|n| (permit::<Read>(1, Some(case(3))), shown(&[n], "r")));
        let _ = log
            .record_all(permits.collect(), Batch::default())
            .wait()
            .unwrap();
        office.clock.advance(Duration::from_secs(1));
    }
    (office, log)
}

type Seen = Vec<(u64, Header, Sealed)>;

fn pass(
    log: &AccessLog,
    span: (Timestamp, Timestamp),
    wants: impl Fn(&Header) -> bool + Sync,
) -> Result<Seen, LogError> {
    let mut seen = Vec::new();
    let inspect = permit::<Inspect>(200, None);
    let passed = log.pass(&inspect, span, wants, |index, header, body| {
        seen.push((index, header.clone(), body.clone()));
        Ok(())
    })?;
    let indexes: Vec<u64> = seen.iter().map(|(index, ..)| *index).collect();
    assert_eq!(indexes, (passed.from..passed.to).collect::<Vec<_>>());
    Ok(seen)
}

#[test]
fn a_span_is_seen_whole_in_order_and_opened_where_it_is_wanted() {
    let (office, log) = busy();
    let end = office.clock.now();
    let at = |batch: u64| {
        let back = i64::try_from((BATCHES - batch) * 1000).unwrap();
        Timestamp::from_millis(end.as_millis() - back)
    };
    let all = pass(&log, (at(0), at(BATCHES)), |_| true).unwrap();
    assert_eq!(all.len() as u64, BATCHES * EACH);
    for (n, (_, _, body)) in (0..).zip(&all) {
        let Sealed::Open(body) = body else {
            panic!("entry {n} was not opened")
        };
        assert_eq!(body.people, [unit(n % EACH)]);
    }
    let some = pass(&log, (at(10), at(50)), |_| false).unwrap();
    assert_eq!((some[0].0, some.len() as u64), (10 * EACH, 40 * EACH));
    assert!(some.iter().all(|(.., body)| *body == Sealed::Unasked));
    assert_eq!(pass(&log, (end, end), |_| true).unwrap(), []);
    assert_eq!(log.oldest().unwrap(), Some(at(0)));
    let empty = Office::new(41).open().unwrap();
    assert_eq!(empty.oldest().unwrap(), None);
}

#[test]
fn a_changed_entry_or_body_ends_the_pass() {
    let (office, log) = busy();
    log.tick().unwrap();
    drop(log);
    let span = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
    let passed = |change: &dyn Fn(&mut Leaf)| {
        let engine = office.copy(BATCHES * EACH, |index, leaf| {
            if index == 3000 {
                change(leaf);
            }
        });
        let (_dir, log) = office.trial(engine, |_| ());
        pass(&log.unwrap(), span, |_| true).map(|seen| seen.len())
    };
    assert_eq!(passed(&|_| ()), Ok(6000), "the control");
    let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let leaf = passed(&|leaf| flip(&mut leaf.leaf));
    assert!(matches!(leaf, Err(LogError::Regressed(_))), "{leaf:?}");
    let body = passed(&|leaf| flip(leaf.body.as_mut().unwrap()));
    assert!(matches!(body, Err(LogError::Regressed(_))), "{body:?}");
}

#[test]
fn what_is_told_of_a_case_is_what_names_it_and_the_newest_of_it() {
    let office = Office::new(42);
    let log = office.open().unwrap();
    for n in 0..20 {
        let _ = read(&log, 1, 3 + n % 2);
    }
    let denied = Denied::<Read>::undecided(basis(2, Some(case(3))));
    let _ = log.refuse(denied).wait().unwrap();
    let tell = || {
        let about = Shown {
            cases: vec![case(3)],
            ..Shown::default()
        };
        let permit = permit::<GiveEvidence>(201, None);
        log.record(permit, about).wait().unwrap()
    };
    let receipt = tell();
    let told = log.about(&receipt, case(3), 100).unwrap();
    assert_eq!((told.entries.len(), told.older), (11, 0));
    assert!(told.entries.is_sorted_by(|a, b| a.index < b.index));
    assert_eq!(
        told.entries.last().unwrap().index,
        20,
        "the refusal, not the telling"
    );
    let newest = log.about(&receipt, case(3), 4).unwrap();
    assert_eq!((newest.entries.len(), newest.older), (4, 7));
    assert_eq!(newest.entries[..], told.entries[7..]);
    assert_eq!(log.about(&tell(), case(99), 10).unwrap().entries, []);
}
