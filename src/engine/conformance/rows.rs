//! Rows: what is written is read, in order, within limits, whole or not at all.

use super::{Bench, Verdict, ensure, expecting, key, put, same, told, value};
use crate::domain::limit::{KEY_BYTES_MAX, Limit, VALUE_BYTES_MAX};
use crate::engine::{Batch, Expected, Key, KeyRange, Late, Log, Mark, Space, Value};

pub(super) fn come_back(bench: &Bench<'_>) -> Verdict {
    same(&bench.get("a")?, &None, "an absent row")?;
    for size in [0, 1, 63, 64, 65, 2048, 100_000] {
        bench.commit(put("a", vec![7; size])?)?;
        same(&bench.get("a")?, &Some(vec![7; size]), "a row just written")?;
    }
    let delete = vec![(Space::Head, key("a")?), (Space::Head, key("never there")?)];
    bench.commit(Batch {
        delete,
        ..Batch::default()
    })?;
    same(&bench.get("a")?, &None, "a removed row")?;
    bench.commit(Batch::default()).map(drop)
}

pub(super) fn limits(bench: &Bench<'_>) -> Verdict {
    ensure(
        Key::new(vec![1; KEY_BYTES_MAX + 1]).is_err(),
        "a long key was accepted",
    )?;
    ensure(Key::new(Vec::new()).is_err(), "an empty key was accepted")?;
    ensure(
        Value::new(vec![1; VALUE_BYTES_MAX + 1]).is_err(),
        "a long value was accepted",
    )?;
    let longest = Key::new(vec![255; KEY_BYTES_MAX]).map_err(|e| e.to_string())?;
    let bytes: Vec<u8> = (0..=250u8).cycle().take(VALUE_BYTES_MAX).collect();
    let row = (Space::Meta, longest.clone(), value(bytes.clone())?);
    bench.commit(Batch {
        put: vec![row],
        ..Batch::default()
    })?;
    let found = bench.engine.get(Space::Meta, &longest).map_err(told)?;
    ensure(
        found.is_some_and(|v| v.as_bytes() == bytes),
        "the longest row did not come back",
    )
}

pub(super) fn spaces_apart(bench: &Bench<'_>) -> Verdict {
    for space in Space::ALL {
        let row = (space, key("same")?, value([space.byte()])?);
        bench.commit(Batch {
            put: vec![row],
            ..Batch::default()
        })?;
    }
    for space in Space::ALL {
        let all = KeyRange::default();
        let page = bench
            .engine
            .scan(space, all, Limit::rows(10))
            .map_err(told)?;
        let found: Vec<_> = page
            .rows
            .iter()
            .map(|(_, v)| v.as_bytes().to_vec())
            .collect();
        same(&found, &vec![vec![space.byte()]], "the rows of one space")?;
    }
    Ok(())
}

/// Keys in the order they are written here are not in byte order.
fn filled(bench: &Bench<'_>) -> Result<Vec<Vec<u8>>, String> {
    let mut keys: Vec<Vec<u8>> = (1..50u8).map(|n| vec![n.wrapping_mul(37), n]).collect();
    keys.extend([
        vec![0],
        vec![0, 0],
        vec![255],
        vec![255, 255],
        vec![100],
        vec![100, 0],
    ]);
    for chunk in keys.chunks(7) {
        let mut batch = Batch::default();
        for bytes in chunk {
            let key = Key::new(bytes.clone()).map_err(|e| e.to_string())?;
            let long = if bytes.len() == 1 { 300 } else { 3 };
            batch
                .put
                .push((Space::List, key, value(bytes.repeat(long))?));
        }
        bench.commit(batch)?;
    }
    keys.sort();
    Ok(keys)
}

fn scan(bench: &Bench<'_>, range: KeyRange, limit: usize) -> Result<(Vec<Vec<u8>>, bool), String> {
    let page = bench
        .engine
        .scan(Space::List, range, Limit::rows(limit))
        .map_err(told)?;
    for (key, value) in &page.rows {
        let fits = value.as_bytes().starts_with(key.as_bytes());
        ensure(fits, "a scan gave a row another row's value")?;
    }
    ensure(
        page.rows.len() <= limit,
        "a scan gave more rows than its limit",
    )?;
    Ok((
        page.rows
            .iter()
            .map(|(k, _)| k.as_bytes().to_vec())
            .collect(),
        page.more,
    ))
}

pub(super) fn scan_order(bench: &Bench<'_>) -> Verdict {
    let keys = filled(bench)?;
    let whole = scan(bench, KeyRange::default(), keys.len())?;
    same(&whole, &(keys.clone(), false), "a whole scan")?;
    for limit in [1, 7, keys.len() - 1] {
        let mut found = Vec::new();
        let mut range = KeyRange::default();
        loop {
            let (page, more) = scan(bench, range.clone(), limit)?;
            let Some(last) = page.last().cloned() else {
                break;
            };
            range = range.after(&last);
            found.extend(page);
            if !more {
                break;
            }
        }
        same(&found, &keys, "pages put together")?;
    }
    same(
        &scan(bench, KeyRange::default(), 0)?.0,
        &Vec::new(),
        "a scan of no rows",
    )
}

pub(super) fn scan_ranges(bench: &Bench<'_>) -> Verdict {
    let keys = filled(bench)?;
    let within = |from: &[u8], to: Option<&[u8]>| -> Vec<Vec<u8>> {
        let inside = |k: &&Vec<u8>| k.as_slice() >= from && to.is_none_or(|to| k.as_slice() < to);
        keys.iter().filter(inside).cloned().collect()
    };
    for (from, to) in [
        (&[100][..], &[200][..]),
        (&[0, 0], &[0, 1]),
        (&[200], &[100]),
        (&[5], &[5]),
    ] {
        let range = KeyRange {
            from: Some(from.to_vec()),
            to: Some(to.to_vec()),
        };
        same(
            &scan(bench, range, 100)?.0,
            &within(from, Some(to)),
            "a bounded range",
        )?;
    }
    let prefix = scan(bench, KeyRange::prefix(&[255]), 100)?.0;
    same(
        &prefix,
        &within(&[255], None),
        "a prefix of the highest byte",
    )?;
    let prefix = scan(bench, KeyRange::prefix(&[100]), 100)?.0;
    same(&prefix, &within(&[100], Some(&[101])), "a prefix")
}

pub(super) fn order_in_batch(bench: &Bench<'_>) -> Verdict {
    bench.commit(put("a", *b"old")?)?;
    let mut batch = put("a", *b"new")?;
    batch.delete.push((Space::Head, key("a")?));
    bench.commit(batch)?;
    same(
        &bench.get("a")?,
        &Some(b"new".to_vec()),
        "a row deleted and put in one batch",
    )?;
    let mut batch = put("a", *b"first")?;
    batch.put.push((Space::Head, key("a")?, value(*b"second")?));
    bench.commit(batch)?;
    same(
        &bench.get("a")?,
        &Some(b"second".to_vec()),
        "a row put twice in one batch",
    )?;
    let mut batch = put("a", *b"put")?;
    batch.append.push(super::leaf(Log::Access, b"x", b""));
    batch.late.push(Late {
        space: Space::Head,
        key: b"a".to_vec(),
        value: Vec::new(),
        key_marks: Vec::new(),
        value_marks: vec![Mark::Leaf(0)],
    });
    bench.commit(batch)?;
    same(
        &bench.get("a")?,
        &Some(vec![0; 8]),
        "a row put and completed late",
    )
}

pub(super) fn expectations(bench: &Bench<'_>) -> Verdict {
    for size in [5, 64, 65, 3000] {
        let (old, other) = (vec![1; size], vec![2; size]);
        let equals = |bytes: &[u8]| value(bytes).map(Expected::Equals);
        bench.conflicts(expecting(put("e", old.clone())?, "e", equals(&old)?)?)?;
        bench.commit(expecting(put("e", old.clone())?, "e", Expected::Absent)?)?;
        bench.conflicts(expecting(put("e", other.clone())?, "e", Expected::Absent)?)?;
        bench.conflicts(expecting(put("e", other.clone())?, "e", equals(&other)?)?)?;
        bench.commit(expecting(put("e", other.clone())?, "e", equals(&old)?)?)?;
        same(&bench.get("e")?, &Some(other), "a row swapped")?;
        let delete = vec![(Space::Head, key("e")?)];
        bench.commit(Batch {
            delete,
            ..Batch::default()
        })?;
    }
    Ok(())
}

pub(super) fn conflict_changes_nothing(bench: &Bench<'_>) -> Verdict {
    bench.commit(put("there", *b"1")?)?;
    let mut batch = put("new", *b"2")?;
    batch.put.push((Space::Head, key("there")?, value(*b"3")?));
    batch
        .append
        .push(super::leaf(Log::Access, b"leaf", b"body"));
    batch.number.push(super::series(1));
    batch
        .expect
        .push((Space::Head, key("new")?, Expected::Absent));
    bench.conflicts(expecting(batch.clone(), "there", Expected::Absent)?)?;
    same(&bench.get("new")?, &None, "a row of a refused batch")?;
    same(
        &bench.get("there")?,
        &Some(b"1".to_vec()),
        "a row of a refused batch",
    )?;
    same(
        &bench.engine.log_size(Log::Access),
        &0,
        "the log after a refused batch",
    )?;
    let last = bench.engine.last_number(super::series(1)).map_err(told)?;
    same(&last, &0, "the series after a refused batch")?;
    same(
        &bench.commit(batch)?.numbers,
        &vec![1],
        "the first number, though one was refused",
    )
}
