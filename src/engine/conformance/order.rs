//! Order: one line of batches, also when many come at once, and across closing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{
    Bench, Verdict, commit, ensure, expecting, get, key, leaf, put, same, series, told, value,
};
use crate::domain::limit::Limit;
use crate::engine::{Batch, CommitError, Engine, EngineError, Expected, KeyRange, Log, Space};

const THREADS: u32 = 8;
const EACH: u32 = 40;

/// Runs `work` on several threads and gives what they found.
fn together<T: Send>(work: impl Fn(u32) -> Result<T, String> + Sync) -> Result<Vec<T>, String> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..THREADS).map(|n| scope.spawn(move || work(n))).collect();
        let died = |_| String::from("a thread died");
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(died)?)
            .collect()
    })
}

pub(super) fn conflicts_in_flight(bench: &Bench<'_>) -> Verdict {
    for size in [4usize, 400] {
        let name = format!("swap {size}");
        let at = |n: u32| value(n.to_be_bytes().repeat(size / 4)).map(Expected::Equals);
        bench.commit(put(&name, 0u32.to_be_bytes().repeat(size / 4))?)?;
        // Handed over at once, unanswered: each must see the one before it.
        let mut answers = Vec::new();
        for n in 0..100u32 {
            let next = (n + 1).to_be_bytes().repeat(size / 4);
            answers.push(
                bench
                    .engine
                    .commit(expecting(put(&name, next)?, &name, at(n)?)?),
            );
            let stale = expecting(put(&name, *b"stale")?, &name, at(n)?)?;
            answers.push(bench.engine.commit(stale));
        }
        for (n, answer) in answers.into_iter().enumerate() {
            match (n % 2, answer.wait()) {
                (0, Ok(_)) | (1, Err(CommitError::Conflict)) => {}
                (_, other) => return Err(format!("swap {n} in flight: {other:?}")),
            }
        }
    }
    let won = together(|n| {
        let mut won = 0;
        for round in 0..EACH {
            let name = format!("race {round}");
            let batch = expecting(put(&name, n.to_be_bytes())?, &name, Expected::Absent)?;
            match bench.engine.commit(batch).wait() {
                Ok(_) => won += 1,
                Err(CommitError::Conflict) => {}
                Err(other) => return Err(other.to_string()),
            }
        }
        Ok(won)
    })?;
    same(&won.iter().sum::<u32>(), &EACH, "winners of as many races")
}

pub(super) fn numbers_gapless(bench: &Bench<'_>) -> Verdict {
    let taken = together(|n| {
        let mut taken = Vec::new();
        for _ in 0..EACH {
            let number = vec![series(1), series(2), series(1)];
            let append = vec![leaf(Log::Access, &n.to_be_bytes(), b"")];
            let batch = Batch {
                number,
                append,
                ..Batch::default()
            };
            let committed = commit(bench.engine.as_ref(), batch)?;
            let numbers: [u64; 3] = committed.numbers.try_into().map_err(|_| "three numbers")?;
            let index = committed
                .leaves
                .first()
                .map(|s| s.index)
                .ok_or("no place")?;
            taken.push((numbers, index));
        }
        Ok(taken)
    })?;
    let taken: Vec<_> = taken.into_iter().flatten().collect();
    let count = u64::from(THREADS * EACH);
    let first: BTreeSet<u64> = taken.iter().flat_map(|([a, _, c], _)| [*a, *c]).collect();
    let second: BTreeSet<u64> = taken.iter().map(|([_, b, _], _)| *b).collect();
    let places: BTreeSet<u64> = taken.iter().map(|(_, index)| *index).collect();
    same(&first, &(1..=2 * count).collect(), "numbers of one series")?;
    same(&second, &(1..=count).collect(), "numbers of another series")?;
    same(&places, &(0..count).collect(), "places in the log")?;
    ensure(
        taken.iter().all(|([a, _, c], _)| c - a == 1),
        "a batch's numbers are not together",
    )?;
    let by_place = taken.iter().map(|([a, ..], index)| (index, a));
    let in_order: Vec<_> = by_place
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_values()
        .collect();
    ensure(
        in_order.is_sorted(),
        "numbers and leaves are not in one order",
    )?;
    same(
        &bench.engine.last_number(series(1)).map_err(told)?,
        &(2 * count),
        "the last number",
    )
}

pub(super) fn read_your_writes(bench: &Bench<'_>) -> Verdict {
    together(|n| {
        for round in 0..EACH {
            let name = format!("mine {n} {}", round % 3);
            let bytes = round
                .to_be_bytes()
                .repeat(if round % 2 == 0 { 4 } else { 100 });
            let mut batch = put(&name, bytes.clone())?;
            batch
                .append
                .push(leaf(Log::Access, name.as_bytes(), &bytes));
            batch.number.push(super::series(n as u8));
            let committed = commit(bench.engine.as_ref(), batch)?;
            same(
                &get(bench.engine.as_ref(), &name)?,
                &Some(bytes.clone()),
                "my own row",
            )?;
            let place = committed
                .leaves
                .first()
                .map(|s| s.index)
                .ok_or("no place")?;
            let leaves = bench
                .engine
                .leaves(Log::Access, place, Limit::rows(1))
                .map_err(told)?;
            let body = leaves.into_iter().next().and_then(|leaf| leaf.body);
            same(&body, &Some(bytes), "my own leaf")?;
            let last = bench
                .engine
                .last_number(super::series(n as u8))
                .map_err(told)?;
            same(
                &Some(last),
                &committed.numbers.first().copied(),
                "my own number",
            )?;
        }
        Ok(())
    })
    .map(drop)
}

pub(super) fn whole_batches(bench: &Bench<'_>) -> Verdict {
    let names: Vec<String> = (0..20).map(|n| format!("row {n:02}")).collect();
    let whole = |n: u32| {
        let mut batch = Batch::default();
        for name in &names {
            batch
                .put
                .push((Space::Unit, key(name)?, value(n.to_be_bytes())?));
        }
        Ok::<_, String>(batch)
    };
    bench.commit(whole(0)?)?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut scans = 0u32;
            while !done.load(Ordering::Relaxed) || scans < 10 {
                let all = KeyRange::default();
                let page = bench
                    .engine
                    .scan(Space::Unit, all, Limit::rows(100))
                    .map_err(told)?;
                let seen: BTreeSet<_> = page.rows.iter().map(|(_, v)| v.as_bytes()).collect();
                ensure(
                    page.rows.len() == 20 && seen.len() == 1,
                    "a scan saw half of a batch",
                )?;
                scans += 1;
            }
            Ok(())
        });
        let wrote = (1..150).try_for_each(|n| bench.commit(whole(n)?).map(drop));
        done.store(true, Ordering::Relaxed);
        wrote?;
        reader.join().map_err(|_| String::from("a thread died"))?
    })
}

pub(super) fn closed(engine: Arc<dyn Engine>) -> Verdict {
    engine.ready().map_err(told)?;
    let answer = engine.commit(put("queued", *b"x")?);
    engine.close().map_err(told)?;
    answer
        .wait()
        .map_err(|error| format!("what was queued before closing: {error}"))?;
    let refused = Err(CommitError::Engine(EngineError::Stopped));
    same(
        &engine.commit(put("late", *b"x")?).wait(),
        &refused,
        "a commit after closing",
    )?;
    same(
        &engine.ready(),
        &Err(EngineError::Stopped),
        "readiness after closing",
    )?;
    engine
        .close()
        .map_err(|error| format!("closing twice: {error}"))
}

pub(super) fn reopened(
    engine: Arc<dyn Engine>,
    reopen: &dyn Fn(Arc<dyn Engine>) -> Arc<dyn Engine>,
) -> Verdict {
    let mut engine = engine;
    for round in 0..3u64 {
        let mut batch = put(&format!("small {round}"), *b"s")?;
        batch.put.push((
            Space::Head,
            key(&format!("big {round}"))?,
            value(vec![round as u8; 5000])?,
        ));
        batch
            .append
            .push(leaf(Log::Access, &round.to_be_bytes(), b"body"));
        batch.number.push(series(3));
        if round > 0 {
            batch
                .delete
                .push((Space::Head, key(&format!("small {}", round - 1))?));
        }
        let committed = commit(engine.as_ref(), batch)?;
        same(
            &committed.numbers,
            &vec![round + 1],
            "a number after reopening",
        )?;
        engine = reopen(engine);
        same(
            &engine.log_size(Log::Access),
            &(round + 1),
            "the log after reopening",
        )?;
        same(
            &engine.last_number(series(3)).map_err(told)?,
            &(round + 1),
            "the series",
        )?;
        let big = get(engine.as_ref(), &format!("big {round}"))?;
        same(
            &big,
            &Some(vec![round as u8; 5000]),
            "a row after reopening",
        )?;
        let small = get(engine.as_ref(), &format!("small {round}"))?;
        same(&small, &Some(b"s".to_vec()), "a small row after reopening")?;
        if round > 0 {
            let gone = get(engine.as_ref(), &format!("small {}", round - 1))?;
            same(&gone, &None, "a removed row after reopening")?;
        }
        let leaves = engine
            .leaves(Log::Access, 0, Limit::rows(10))
            .map_err(told)?;
        let wanted: Vec<_> = (0..=round).map(|n| n.to_be_bytes().to_vec()).collect();
        let found: Vec<_> = leaves.into_iter().map(|leaf| leaf.leaf).collect();
        same(&found, &wanted, "leaves after reopening")?;
    }
    engine.close().map_err(told)
}
