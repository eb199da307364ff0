//! Logs: places, times, flags, bodies, and rows completed with them.

use std::time::Duration;

use super::{Bench, Verdict, ensure, leaf, same, series, told};
use crate::domain::limit::{KEY_BYTES_MAX, Limit};
use crate::domain::time::Clock;
use crate::engine::{Append, Batch, CLOCK_BACK, Key, Late, Leaf, Log, Mark, Space};

fn append(list: Vec<Append>) -> Batch {
    Batch {
        append: list,
        ..Batch::default()
    }
}

pub(super) fn come_back(bench: &Bench<'_>) -> Verdict {
    let body = |n: u8| vec![n; usize::from(n) * 17];
    for n in 0..40u8 {
        let log = if n % 4 == 3 { Log::Ledger } else { Log::Access };
        let mut list = vec![leaf(log, &[n], &body(n))];
        if n % 5 == 0 {
            list.push(leaf(Log::Access, &[100 + n], b""));
        }
        let before = bench.engine.log_size(log);
        let committed = bench.commit(append(list))?;
        let first = committed.leaves.first().ok_or("no place was given")?;
        same(&(first.log, first.index), &(log, before), "a leaf's place")?;
        ensure(
            first.size > first.index,
            "a leaf's size is not above its index",
        )?;
        ensure(
            bench.engine.log_size(log) >= first.size,
            "the log is shorter than was answered",
        )?;
    }
    let read = |log, from, limit| {
        bench
            .engine
            .leaves(log, from, Limit::rows(limit))
            .map_err(told)
    };
    let ledger: Vec<u8> = (0..40).filter(|n| n % 4 == 3).collect();
    let wanted: Vec<Leaf> = ledger
        .iter()
        .map(|n| Leaf {
            leaf: vec![*n],
            body: Some(body(*n)),
        })
        .collect();
    same(&read(Log::Ledger, 0, 100)?, &wanted, "the ledger")?;
    let all = read(Log::Access, 0, 1000)?;
    same(
        &(all.len() as u64),
        &bench.engine.log_size(Log::Access),
        "the length of the log",
    )?;
    let part: Vec<Leaf> = all.iter().skip(5).take(7).cloned().collect();
    same(&read(Log::Access, 5, 7)?, &part, "a part of the log")?;
    same(
        &read(Log::Access, 5000, 7)?,
        &Vec::new(),
        "leaves behind the end",
    )
}

fn stamped(n: u8) -> Append {
    let mut leaf = vec![n; 20];
    leaf.truncate(20);
    Append {
        log: Log::Access,
        leaf,
        stamp_at: Some(5),
        body: Vec::new(),
    }
}

/// Time and flags of the last leaf, which [`stamped`] made; the rest of it must be untouched.
fn last_stamp(bench: &Bench<'_>, n: u8) -> Result<(i64, u8), String> {
    let last = bench.engine.log_size(Log::Access) - 1;
    let leaves = bench
        .engine
        .leaves(Log::Access, last, Limit::rows(1))
        .map_err(told)?;
    let leaf = &leaves.first().ok_or("the leaf is not there")?.leaf;
    let (head, rest) = leaf.split_at_checked(5).ok_or("a short leaf")?;
    let (time, rest) = rest.split_at_checked(8).ok_or("a short leaf")?;
    let (flags, rest) = rest.split_first().ok_or("a short leaf")?;
    ensure(
        head == [n; 5] && rest == [n; 6],
        "a stamp went outside its place",
    )?;
    let time = time
        .try_into()
        .map(i64::from_be_bytes)
        .map_err(|_| "a short time")?;
    Ok((time, *flags))
}

pub(super) fn stamps(bench: &Bench<'_>) -> Verdict {
    for n in 1..5u8 {
        bench
            .clock
            .advance(Duration::from_millis(u64::from(n) * 10));
        let committed = bench.commit(append(vec![stamped(n)]))?;
        let now = bench.clock.now().as_millis();
        let time = committed.leaves.first().map(|s| s.time.as_millis());
        same(&time, &Some(now), "the time answered")?;
        same(&last_stamp(bench, n)?, &(now, 0), "the stamp in the leaf")?;
    }
    Ok(())
}

pub(super) fn clock_back(bench: &Bench<'_>) -> Verdict {
    bench.commit(append(vec![stamped(1)]))?;
    let before = bench.clock.now().as_millis();
    bench.clock.jump(-60_000);
    bench.commit(append(vec![stamped(2)]))?;
    same(
        &last_stamp(bench, 2)?,
        &(before, CLOCK_BACK),
        "a leaf after the clock went back",
    )?;
    let ledger = append(vec![leaf(Log::Ledger, b"x", b"")]);
    let time = bench
        .commit(ledger)?
        .leaves
        .first()
        .map(|s| s.time.as_millis());
    same(
        &time,
        &Some(before - 60_000),
        "the other log has a time of its own",
    )?;
    bench.clock.jump(120_000);
    bench.commit(append(vec![stamped(3)]))?;
    let now = bench.clock.now().as_millis();
    same(
        &last_stamp(bench, 3)?,
        &(now, 0),
        "a leaf once the clock is ahead again",
    )
}

pub(super) fn late_marks(bench: &Bench<'_>) -> Verdict {
    bench.commit(Batch {
        number: vec![series(9); 3],
        ..Batch::default()
    })?;
    bench.commit(append(vec![leaf(Log::Access, b"before", b"")]))?;
    let batch = Batch {
        append: vec![leaf(Log::Ledger, b"l", b""), leaf(Log::Access, b"a", b"")],
        number: vec![series(9), series(9)],
        late: vec![Late {
            space: Space::Register,
            key: b"k".to_vec(),
            value: b"v".to_vec(),
            key_marks: vec![Mark::Number(1), Mark::Leaf(1)],
            value_marks: vec![Mark::Leaf(0), Mark::Number(0)],
        }],
        ..Batch::default()
    };
    let committed = bench.commit(batch)?;
    same(&committed.numbers, &vec![4, 5], "the numbers taken")?;
    let join = |head: &[u8], a: u64, b: u64| [head, &a.to_be_bytes(), &b.to_be_bytes()].concat();
    let key = Key::new(join(b"k", 5, 1)).map_err(|e| e.to_string())?;
    let found = bench.engine.get(Space::Register, &key).map_err(told)?;
    same(
        &found.map(|v| v.into_bytes()),
        &Some(join(b"v", 0, 4)),
        "a completed row",
    )
}

pub(super) fn refused_moves_nothing(bench: &Bench<'_>) -> Verdict {
    let late = |key: Vec<u8>, mark| Late {
        space: Space::Head,
        key,
        value: Vec::new(),
        key_marks: vec![mark],
        value_marks: Vec::new(),
    };
    let no_room = Append {
        stamp_at: Some(12),
        ..stamped(1)
    };
    let good = || vec![leaf(Log::Access, b"good", b"")];
    let bad = [
        append([good(), vec![no_room]].concat()),
        Batch {
            late: vec![late(b"k".to_vec(), Mark::Leaf(1))],
            ..append(good())
        },
        Batch {
            late: vec![late(b"k".to_vec(), Mark::Number(0))],
            ..append(good())
        },
        Batch {
            late: vec![late(vec![1; KEY_BYTES_MAX - 7], Mark::Leaf(0))],
            ..append(good())
        },
    ];
    for batch in bad {
        let batch = Batch {
            number: vec![],
            ..batch
        };
        ensure(
            bench.engine.commit(batch).wait().is_err(),
            "an impossible batch was accepted",
        )?;
        same(
            &bench.engine.log_size(Log::Access),
            &0,
            "the log after an impossible batch",
        )?;
    }
    let committed = bench.commit(append(good()))?;
    same(
        &committed.leaves.first().map(|s| s.index),
        &Some(0),
        "the first leaf's place",
    )?;
    bench.engine.ready().map_err(told)
}
