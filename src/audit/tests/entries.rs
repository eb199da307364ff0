//! What an entry holds, and that nothing is released without one.

use std::time::Duration;

use super::*;
use crate::audit::entry::{Decision, Header};
use crate::engine::{Expected, Late, Mark};

#[test]
fn every_kind_of_entry_says_who_when_where_whose_and_what() {
    let office = Office::new(1);
    let log = office.open().unwrap();
    let allowed = permit::<Read>(1, Some(case(7)));
    let _ = log
        .record(allowed, shown(&[5, 4, 5], "why"))
        .wait()
        .unwrap();
    let denied = Denied::<Read>::undecided(basis(2, Some(case(8))));
    let refused = log.refuse(denied).wait().unwrap();
    let known = login(Some(account(3)), Task::Login, Outcome::Done);
    log.event(known, Batch::default()).wait().unwrap();
    let unknown = login(None, Task::LoginFailed, Outcome::Refused);
    log.event(unknown, Batch::default()).wait().unwrap();

    let (rows, _) = all(&log, Query::default(), 50);
    let [failed, entered, no, yes] = &rows[..] else {
        panic!("{rows:?}");
    };
    for row in &rows {
        assert_eq!(row.source.as_ref().unwrap().address, origin().address);
        assert_eq!(row.source.as_ref().unwrap().device, origin().device);
        assert_eq!(
            row.time,
            crate::domain::time::Clock::now(&*office.clock),
            "{row:?}"
        );
        assert!(!row.clock_back);
    }
    assert_eq!((yes.account, yes.task), (Some(account(1)), Task::Read));
    assert_eq!(yes.purpose, Some(Purpose::Handling));
    assert_eq!((yes.decision, yes.result), (Decision::Allow, Outcome::Done));
    assert_eq!(yes.people.as_deref(), Some(&[unit(4), unit(5)][..]));
    assert_eq!(yes.cases.as_deref(), Some(&[case(7)][..]));
    assert_eq!((yes.counts.cases, yes.counts.people), (1, 2));
    assert_eq!(yes.counts.bytes, 100);
    assert_eq!(yes.reason.as_deref(), Some("why"));
    assert_eq!(yes.policies, ["read.assignee"]);
    assert_eq!(yes.policy_set.as_deref(), Some(&*"09".repeat(32)));
    assert_eq!((no.account, no.task), (Some(account(2)), Task::Read));
    assert_eq!(no.index, refused.position().index);
    assert_eq!((no.decision, no.result), (Decision::Deny, Outcome::Refused));
    assert_eq!(no.cases.as_deref(), Some(&[case(8)][..]));
    assert_eq!((no.counts.cases, no.counts.people), (0, 0));
    assert_eq!(
        (entered.account, entered.task),
        (Some(account(3)), Task::Login)
    );
    assert_eq!(entered.decision, Decision::None);
    assert_eq!(entered.reason.as_deref(), Some("fingerprint"));
    assert_eq!((failed.account, failed.task), (None, Task::LoginFailed));
    assert_eq!(failed.result, Outcome::Refused);
}

#[test]
fn rows_speak_the_words_of_the_api() {
    let office = Office::new(2);
    let log = office.open().unwrap();
    let _ = read(&log, 1, 7);
    let (rows, _) = all(&log, Query::default(), 1);
    let json = serde_json::to_value(&rows[0]).unwrap();
    assert_eq!(json["time"], "2026-03-15T12:00:00.000+09:00");
    assert_eq!(json["account"], account(1).to_string());
    assert_eq!(json["cases"][0], case(7).to_string());
    assert_eq!(json["people"], serde_json::json!(["1", "2"]));
    assert_eq!(json["roles"][0], "human_rights_officer");
    assert_eq!(json["decision"], "allow");
    assert_eq!(json["result"], "done");
    assert_eq!(json["source"]["address"], "2001:db8:cafe:1:2:3:4:5");
    assert_eq!(json["id"].as_str().unwrap().len(), 26);
}

fn failures(log: &AccessLog) -> Vec<Option<LogError>> {
    let denied = Denied::<Read>::undecided(basis(2, None));
    let event = login(None, Task::Login, Outcome::Done);
    let both = vec![
        (permit::<Read>(1, None), Shown::default()),
        (permit::<Read>(1, None), Shown::default()),
    ];
    let empty = Batch::default;
    vec![
        log.record(permit::<Read>(1, None), Shown::default())
            .wait()
            .err(),
        log.record_with(permit::<Read>(1, None), Shown::default(), empty())
            .wait()
            .err(),
        log.record_all(both, empty()).wait().err(),
        log.refuse(denied).wait().err(),
        log.event(event, empty()).wait().err(),
    ]
}

#[test]
fn a_commit_that_fails_gives_no_receipt() {
    let office = Office::new(3);
    let log = office.open().unwrap();
    assert!(failures(&log).iter().all(Option::is_none), "the control");
    for error in [
        CommitError::Conflict,
        CommitError::Unknown,
        CommitError::Engine(EngineError::DiskFull),
    ] {
        let faulty = Faulty {
            error: Some(error.clone()),
            ..Faulty::new(office.engine.clone())
        };
        let log = office.open_with(Arc::new(faulty)).unwrap();
        let expected = Some(LogError::Commit(error));
        assert!(failures(&log).iter().all(|found| *found == expected));
    }
    let drawn = office.engine.log_size(Log::Access);
    office.engine.close().unwrap();
    assert!(failures(&log).iter().all(Option::is_some));
    assert_eq!(office.engine.log_size(Log::Access), drawn);
}

#[test]
fn data_and_entry_are_one_batch_and_receipts_follow_their_permits() {
    let office = Office::new(4);
    let log = office.open().unwrap();
    let key = Key::from([1; 16]);
    let value = Value::new(*b"v").unwrap();
    let batch = || Batch {
        expect: vec![(Space::Head, key.clone(), Expected::Absent)],
        put: vec![(Space::Head, key.clone(), value.clone())],
        append: vec![Append {
            log: Log::Ledger,
            leaf: b"ledger".to_vec(),
            stamp_at: None,
            body: Vec::new(),
        }],
        late: vec![Late {
            space: Space::Meta,
            key: b"entry".to_vec(),
            value: Vec::new(),
            key_marks: Vec::new(),
            value_marks: vec![Mark::Leaf(1)],
        }],
        ..Batch::default()
    };
    let permits = vec![
        (permit::<Read>(1, Some(case(1))), Shown::default()),
        (permit::<Read>(1, Some(case(2))), Shown::default()),
    ];
    let tickets: Vec<u64> = permits.iter().map(|(p, _)| p.ticket()).collect();
    let (receipts, committed) = log.record_all(permits, batch()).wait().unwrap();
    let found: Vec<_> = receipts
        .iter()
        .map(|r| (r.ticket(), r.position()))
        .collect();
    let place = |index| Position {
        index,
        size: committed.leaves[usize::try_from(index).unwrap()].size,
    };
    assert_eq!(found, [(tickets[0], place(0)), (tickets[1], place(1))]);
    assert_eq!(committed.leaves[2].log, Log::Ledger);
    assert!(office.engine.get(Space::Head, &key).unwrap() == Some(value.clone()));
    let mark = Key::new(*b"entry").unwrap();
    let mark = office.engine.get(Space::Meta, &mark).unwrap().unwrap();
    assert_eq!(mark.as_bytes(), 1u64.to_be_bytes());

    // A conflict writes neither.
    let again = log.record_with(permit::<Read>(1, None), Shown::default(), batch());
    assert_eq!(
        again.wait().err(),
        Some(LogError::Commit(CommitError::Conflict))
    );
    assert_eq!(office.engine.log_size(Log::Access), 2);
    assert_eq!(office.engine.log_size(Log::Ledger), 1);
}

#[test]
fn a_batch_without_an_entry_or_with_a_foreign_one_is_not_written() {
    let office = Office::new(5);
    let log = office.open().unwrap();
    let put = Batch {
        put: vec![(Space::Head, Key::from([1; 16]), Value::new(*b"v").unwrap())],
        ..Batch::default()
    };
    assert!(log.record_all::<Read>(Vec::new(), put).wait().is_err());
    let foreign = Batch {
        append: vec![Append {
            log: Log::Access,
            leaf: b"forged".to_vec(),
            stamp_at: None,
            body: Vec::new(),
        }],
        ..Batch::default()
    };
    let event = login(None, Task::Login, Outcome::Done);
    assert!(log.event(event, foreign).wait().is_err());
    assert_eq!(office.engine.log_size(Log::Access), 0);
    let long = shown(&[], &"r".repeat(crate::audit::body::REASON_BYTES_MAX + 1));
    assert!(log.record(permit::<Read>(1, None), long).wait().is_err());
    assert!(
        rows(&*office.engine)
            .iter()
            .all(|r| r.0 == Space::AuditEpoch)
    );
}

#[test]
fn a_clock_that_goes_back_is_flagged_and_time_stands() {
    let office = Office::new(6);
    let log = office.open().unwrap();
    let _ = read(&log, 1, 1);
    office.clock.jump(-3_600_000);
    let _ = read(&log, 1, 2);
    office.clock.jump(7_200_000);
    let _ = read(&log, 1, 3);
    let (rows, _) = all(&log, Query::default(), 3);
    let flags: Vec<bool> = rows.iter().map(|r| r.clock_back).collect();
    assert_eq!(flags, [false, true, false]);
    assert_eq!(rows[1].time, rows[2].time);
    assert!(rows[0].time > rows[1].time);
}

fn epoch_of(office: &Office, index: u64) -> UnitId {
    let leaves = office.engine.leaves(Log::Access, index, Limit::rows(1));
    let leaf = leaves.unwrap().remove(0);
    Header::decode(&leaf.leaf).unwrap().epoch.unwrap()
}

#[test]
fn months_change_never_go_back_and_die_alone() {
    let office = Office::new(7);
    let log = office.open().unwrap();
    let _ = read(&log, 1, 1);
    office.clock.advance(Duration::from_hours(24 * 20));
    let _ = read(&log, 1, 2);
    office.clock.jump(-1000 * 3600 * 24 * 40);
    let _ = read(&log, 1, 3);
    let log = office.open().unwrap();
    let _ = read(&log, 1, 4);
    let epochs: Vec<UnitId> = (0..4).map(|n| epoch_of(&office, n)).collect();
    assert_ne!(epochs[0], epochs[1], "April is not March");
    assert_eq!(epochs[1], epochs[2], "and does not become it again");
    assert_eq!(epochs[1], epochs[3], "nor after a restart");

    let reasons = || -> Vec<Option<String>> {
        let (rows, _) = all(&log, Query::default(), 50);
        let reads = rows.into_iter().filter(|r| r.task == Task::Read);
        reads.map(|r| r.reason).collect()
    };
    let why = Some("r".to_owned());
    assert_eq!(reasons(), vec![why.clone(); 4], "the control");
    office.keyring.puncture(&[epochs[0]]).unwrap();
    assert_eq!(reasons(), [why.clone(), why.clone(), why, None]);
    let (rows, _) = all(&log, Query::default(), 50);
    let first = rows.last().unwrap();
    assert!(first.cases.is_none() && first.people.is_none() && first.source.is_none());
    assert_eq!(first.counts.people, 2, "the header stays");
}

fn months(engine: &dyn Engine) -> usize {
    let rows = rows(engine);
    rows.iter().filter(|r| r.0 == Space::AuditEpoch).count()
}

#[test]
fn a_month_is_made_once_however_many_want_it() {
    let office = Office::new(9);
    let log = office.open().unwrap();
    office.clock.advance(Duration::from_hours(24 * 20));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let log = &log;
            scope.spawn(move || (0..20).for_each(|_| drop(read(log, n, n))));
        }
    });
    assert_eq!(office.engine.log_size(Log::Access), 160);
    assert_eq!(months(&*office.engine), 2);
    let (rows, _) = all(&log, Query::default(), 200);
    assert!(rows.iter().all(|r| r.source.is_some()));

    // Somebody else made it between looking and making.
    let faulty = Faulty::new(office.engine.clone());
    faulty.blind.store(1, Ordering::SeqCst);
    let faulty = Arc::new(faulty);
    let log = office.open_with(faulty.clone()).unwrap();
    assert_eq!(faulty.blind.load(Ordering::SeqCst), 0);
    let _ = read(&log, 1, 1);
    assert_eq!(months(&*office.engine), 2);
    assert_eq!(epoch_of(&office, 0), epoch_of(&office, 161));
}

#[test]
fn a_month_whose_key_is_damaged_or_destroyed_takes_no_entries() {
    let office = Office::new(10);
    drop(office.open().unwrap());
    let (space, key, value) = rows(&*office.engine).remove(0);
    let mut bytes = value.clone().into_bytes();
    bytes[20] ^= 1;
    let put = |value| Batch {
        put: vec![(space, key.clone(), value)],
        ..Batch::default()
    };
    let commit = |batch| office.engine.commit(batch).wait().unwrap();
    commit(put(Value::new(bytes).unwrap()));
    assert!(matches!(office.open(), Err(LogError::Unavailable(_))));
    commit(put(value));
    let log = office.open().unwrap();
    let _ = read(&log, 1, 1);
    office.keyring.puncture(&[epoch_of(&office, 0)]).unwrap();
    assert!(matches!(office.open(), Err(LogError::Unavailable(_))));
}

#[test]
fn each_run_of_the_process_has_its_own_mark() {
    let office = Office::new(11);
    for _ in 0..2 {
        let log = office.open().unwrap();
        let _ = (read(&log, 1, 1), read(&log, 1, 1));
    }
    let boot = |index| {
        let leaves = office.engine.leaves(Log::Access, index, Limit::rows(1));
        Header::decode(&leaves.unwrap()[0].leaf).unwrap().boot
    };
    assert_eq!(boot(0), boot(1));
    assert_eq!(boot(2), boot(3));
    assert_ne!(boot(1), boot(2));
}

#[test]
fn nothing_personal_lies_in_clear() {
    let office = Office::new(8);
    let log = office.open().unwrap();
    let canary = "reason-canary-55e0";
    let allowed = permit::<Read>(1, Some(case(7)));
    let _ = log.record(allowed, shown(&[1], canary)).wait().unwrap();
    let _ = log
        .refuse(Denied::<Read>::undecided(basis(2, Some(case(8)))))
        .wait()
        .unwrap();
    log.tick().unwrap();
    let (rows, _) = all(&log, Query::default(), 50);
    assert_eq!(rows[1].reason.as_deref(), Some(canary), "it was written");

    let Some(std::net::IpAddr::V6(address)) = origin().address else {
        panic!("an IPv6 address")
    };
    let device = origin().device;
    let cases = [case(7), case(8)];
    let needles: [&[u8]; 6] = [
        canary.as_bytes(),
        device.as_bytes(),
        &address.octets(),
        b"2001:db8:cafe",
        cases[0].as_bytes(),
        cases[1].as_bytes(),
    ];
    for needle in needles {
        assert!(!in_engine(&*office.engine, needle), "{needle:?}");
        assert!(!in_files(office.dir.path(), needle), "{needle:?}");
    }
    // The searches find what is there: the actor stands in the header, the origin in the files.
    assert!(in_engine(&*office.engine, account(1).as_bytes()));
    assert!(in_files(office.dir.path(), b"/access\n"));
}
