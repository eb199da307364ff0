//! Scrubs and forgotten bodies: what is dead may go, and nothing else changes.

use std::sync::Arc;

use super::{Bench, Verdict, commit, ensure, get, leaf, put, same, told};
use crate::domain::limit::Limit;
use crate::engine::{Append, Batch, Engine, KeyRange, Leaf, Log, Space};

fn leaves(engine: &dyn Engine, log: Log) -> Result<Vec<Leaf>, String> {
    engine.leaves(log, 0, Limit::rows(1000)).map_err(told)
}

fn append(list: Vec<Append>) -> Batch {
    Batch {
        append: list,
        ..Batch::default()
    }
}

/// Rows of all sizes, some replaced, some removed, and what must be there then.
fn wear(engine: &dyn Engine) -> Result<Vec<Option<Vec<u8>>>, String> {
    let mut wanted = Vec::new();
    for n in 0..30u8 {
        let name = format!("row {n}");
        let old = vec![n; usize::from(n) * 20];
        commit(engine, put(&name, old.clone())?)?;
        wanted.push(match n % 3 {
            0 => {
                let delete = vec![(Space::Head, super::key(&name)?)];
                let batch = Batch {
                    delete,
                    ..Batch::default()
                };
                commit(engine, batch)?;
                None
            }
            1 => {
                let new = vec![n; usize::from(30 - n) * 20];
                commit(engine, put(&name, new.clone())?)?;
                Some(new)
            }
            _ => Some(old),
        });
    }
    Ok(wanted)
}

fn rows_are(engine: &dyn Engine, wanted: &[Option<Vec<u8>>]) -> Verdict {
    for (n, wanted) in wanted.iter().enumerate() {
        same(&get(engine, &format!("row {n}"))?, wanted, "a row")?;
    }
    let page = engine.scan(Space::Head, KeyRange::default(), Limit::rows(100));
    let there = wanted.iter().flatten().count();
    same(&page.map_err(told)?.rows.len(), &there, "rows that live")
}

pub(super) fn keeps_the_living(bench: &Bench<'_>) -> Verdict {
    let engine = bench.engine.as_ref();
    let wanted = wear(engine)?;
    for _ in 0..2 {
        let found = engine.scrub(&|done, all| debug_assert!(done <= all));
        let found = found.map_err(told)?;
        ensure(found.bytes >= found.frames, "frames without bytes")?;
        rows_are(engine, &wanted)?;
    }
    commit(engine, put("row 0", *b"again")?)?;
    same(
        &get(engine, "row 0")?,
        &Some(b"again".to_vec()),
        "a row that came back",
    )?;
    let checked = engine.check(&|_, _| ()).map_err(told)?;
    same(&checked.damage, &Vec::new(), "damage")
}

pub(super) fn forgets_bodies(bench: &Bench<'_>) -> Verdict {
    let engine = bench.engine.as_ref();
    for n in 0..20u8 {
        // Every fifth leaf has no body.
        let body = vec![n; if n % 5 == 0 { 0 } else { 100 }];
        commit(engine, append(vec![leaf(Log::Access, &[n], &body)]))?;
        commit(engine, append(vec![leaf(Log::Ledger, &[n], &body)]))?;
    }
    let forget = |log, from, to| engine.forget_bodies(log, from, to).map_err(told);
    forget(Log::Access, 3, 8)?;
    forget(Log::Access, 7, 7)?;
    forget(Log::Access, 9, 2)?;
    forget(Log::Access, 18, 1000)?;
    let wanted: Vec<Leaf> = (0..20u8)
        .map(|n| Leaf {
            leaf: vec![n],
            body: match n {
                n if n % 5 == 0 => Some(Vec::new()),
                3..8 | 18.. => None,
                _ => Some(vec![n; 100]),
            },
        })
        .collect();
    same(&leaves(engine, Log::Access)?, &wanted, "leaves at once")?;
    engine.scrub(&|_, _| ()).map_err(told)?;
    same(
        &leaves(engine, Log::Access)?,
        &wanted,
        "leaves after a scrub",
    )?;
    let other = leaves(engine, Log::Ledger)?;
    ensure(
        other.iter().all(|leaf| leaf.body.is_some()),
        "a body of the other log went",
    )?;
    commit(engine, append(vec![leaf(Log::Access, b"new", b"body")]))?;
    let last = leaves(engine, Log::Access)?.pop();
    same(
        &last.and_then(|leaf| leaf.body),
        &Some(b"body".to_vec()),
        "the body of a later leaf",
    )
}

/// What was forgotten or scrubbed is so after opening again, in whichever order.
pub(super) fn reopened(engine: Arc<dyn Engine>, reopen: Reopened<'_>) -> Verdict {
    let wanted = wear(engine.as_ref())?;
    let list = (0..9).map(|n| leaf(Log::Access, &[n], b"body")).collect();
    commit(engine.as_ref(), append(list))?;
    engine.forget_bodies(Log::Access, 2, 4).map_err(told)?;
    let engine = reopen(engine);
    let bodies = |engine: &dyn Engine| -> Result<Vec<bool>, String> {
        let leaves = leaves(engine, Log::Access)?;
        Ok(leaves.iter().map(|leaf| leaf.body.is_some()).collect())
    };
    let there: Vec<bool> = (0..9).map(|n| !(2..4).contains(&n)).collect();
    same(&bodies(engine.as_ref())?, &there, "bodies before the scrub")?;
    engine.scrub(&|_, _| ()).map_err(told)?;
    let engine = reopen(engine);
    same(&bodies(engine.as_ref())?, &there, "bodies after the scrub")?;
    rows_are(engine.as_ref(), &wanted)?;
    engine.close().map_err(told)?;
    ensure(
        engine.scrub(&|_, _| ()).is_err(),
        "a closed engine was scrubbed",
    )
}

/// Closes and opens again.
pub(super) type Reopened<'a> = &'a dyn Fn(Arc<dyn Engine>) -> Arc<dyn Engine>;
