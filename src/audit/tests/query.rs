//! What a query finds: exactly what matches, in order, with bounded work.

use std::time::Duration;

use super::*;

/// 400 entries by 4 actors about 5 cases, one a minute; entry 3 of each 10 is a denial.
fn busy() -> (Office, AccessLog) {
    let office = Office::new(20);
    let log = office.open().unwrap();
    for n in 0..400u64 {
        let (actor, about) = (u8::try_from(n % 4).unwrap(), u8::try_from(n % 5).unwrap());
        if n % 10 == 3 {
            let denied = Denied::<Read>::undecided(basis(actor, Some(case(about))));
            let _ = log.refuse(denied).wait().unwrap();
        } else if n % 10 == 4 {
            let event = login(Some(account(actor)), Task::Login, Outcome::Done);
            log.event(event, Batch::default()).wait().unwrap();
        } else {
            let _ = read(&log, actor, about);
        }
        office.clock.advance(Duration::from_mins(1));
    }
    (office, log)
}

fn matches(row: &Row, query: &Query) -> bool {
    query.account.is_none_or(|a| row.account == Some(a))
        && query.task.is_none_or(|t| row.task == t)
        && query
            .case
            .is_none_or(|c| row.cases.as_ref().unwrap().contains(&c))
        && query.from.is_none_or(|from| row.time >= from)
        && query.to.is_none_or(|to| row.time < to)
}

#[test]
fn every_filter_finds_exactly_its_entries() {
    let (_office, log) = busy();
    let receipt = ask(&log);
    let everything = Limit::rows(1000);
    let (model, end) = log
        .entries(&receipt, &Query::default(), None, everything)
        .unwrap();
    assert_eq!((model.len(), end), (400, None));
    assert!(model.is_sorted_by(|a, b| a.index > b.index));
    let time = |index: usize| Some(model[model.len() - 1 - index].time);

    let mut tried = 0;
    for account in [None, Some(account(2)), Some(account(99))] {
        for about in [None, Some(case(3)), Some(case(99))] {
            for task in [None, Some(Task::Read), Some(Task::Login)] {
                for (from, to) in [(None, None), (time(100), time(200)), (time(399), None)] {
                    let query = Query {
                        from,
                        to,
                        account,
                        case: about,
                        task,
                        index: None,
                    };
                    let expected: Vec<&Row> = model.iter().filter(|r| matches(r, &query)).collect();
                    let found = log.entries(&receipt, &query, None, everything).unwrap();
                    assert_eq!(found.0.iter().collect::<Vec<_>>(), expected, "{query:?}");
                    tried += usize::from(!expected.is_empty());
                }
            }
        }
    }
    assert!(tried > 20, "most filters find something: {tried}");
}

#[test]
fn an_entry_is_found_by_its_index_and_no_other() {
    let (_office, log) = busy();
    let at = |index, task| Query {
        index: Some(index),
        task,
        ..Query::default()
    };
    let indexes = |query| -> Vec<u64> {
        let (rows, _) = all(&log, query, 100);
        rows.into_iter().map(|row| row.index).collect()
    };
    assert_eq!(indexes(at(65, None)), [65]);
    assert_eq!(indexes(at(0, None)), [0]);
    assert!(indexes(at(65, Some(Task::Seal))).is_empty());
    assert!(indexes(at(1 << 40, None)).is_empty());
}

#[test]
fn pages_join_without_gap_or_repeat() {
    let (_office, log) = busy();
    for query in [
        Query::default(),
        Query {
            case: Some(case(3)),
            ..Query::default()
        },
        Query {
            account: Some(account(1)),
            task: Some(Task::Read),
            ..Query::default()
        },
    ] {
        let indexes = |limit| -> Vec<u64> {
            let (rows, _) = all(&log, query, limit);
            // Each call is an entry itself, by another actor.
            let rows = rows.into_iter().filter(|r| r.task != Task::ReadLog);
            rows.map(|r| r.index).collect()
        };
        let whole = indexes(1000);
        assert!(whole.len() > 60);
        assert_eq!(indexes(7), whole);
        assert_eq!(indexes(1), whole);
    }
}

#[test]
fn a_query_is_an_entry_and_sees_what_was_before_it() {
    let office = Office::new(21);
    let log = office.open().unwrap();
    let _ = read(&log, 1, 1);
    let receipt = ask(&log);
    let _ = read(&log, 1, 2);
    let limit = Limit::rows(10);
    let see = |receipt: &Receipt<ReadLog>, before| -> Vec<(u64, Option<String>)> {
        let (rows, _) = log
            .entries(receipt, &Query::default(), before, limit)
            .unwrap();
        rows.into_iter().map(|r| (r.index, r.query)).collect()
    };
    assert_eq!(see(&receipt, None), [(0, None)]);
    assert_eq!(see(&receipt, Some(u64::MAX)), [(0, None)]);
    let later = see(&ask(&log), None);
    assert_eq!(later, [(2, None), (1, Some("entries".into())), (0, None)]);
}

#[test]
fn work_is_bounded_and_goes_on_at_the_cursor() {
    let office = Office::new(22);
    let log = office.open().unwrap();
    let event = login(Some(account(9)), Task::Login, Outcome::Done);
    log.event(event, Batch::default()).wait().unwrap();
    let many = |actor: u8| {
        let permits = (0..100).map(|_| (permit::<Read>(actor, None), Shown::default()));
        let _ = log
            .record_all(permits.collect(), Batch::default())
            .wait()
            .unwrap();
    };
    (0..3).for_each(|_| many(1));
    (0..2).for_each(|_| many(2));
    let all = |query, limit| all_within(40, &log, query, limit);

    let logins = Query {
        task: Some(Task::Login),
        ..Query::default()
    };
    let (rows, next) = log
        .entries_within(40, &ask(&log), &logins, None, Limit::rows(10))
        .unwrap();
    assert!(rows.is_empty(), "one call gives up");
    assert_eq!(next, Some(501 - 40));
    let (rows, pages) = all(logins, 10);
    assert_eq!((rows.len(), rows[0].index, pages), (1, 0, 13));

    // By index: more entries than a window holds, behind a stretch without any, and one far below.
    let of = |actor| Query {
        account: Some(account(actor)),
        ..Query::default()
    };
    let (rows, pages) = all(of(1), 1000);
    let found: Vec<u64> = rows.iter().map(|r| r.index).collect();
    assert_eq!(found, (1..=300).rev().collect::<Vec<_>>());
    assert_eq!(pages, 8, "forty a call");
    let (rows, pages) = all(of(9), 10);
    assert_eq!((rows.len(), pages), (1, 1));
    let fruitless = Query {
        task: Some(Task::Login),
        ..of(1)
    };
    let (rows, pages) = all(fruitless, 10);
    assert_eq!((rows.len(), pages), (0, 8));
}
