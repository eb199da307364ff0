//! From a batch to frames, index rows and leaf locations.

use super::committer::Group;
use super::frame::{Kind, LEAF_PREFIX, NUMBER_PLAIN, ROW_PREFIX, frame_bytes};
use super::group::Place;
use super::index::{Far, INLINE_MAX, Row, index_key, series_key};
use super::leaves::Location;
use super::overlay::Fresh;
use super::seal::Tampered;
use crate::engine::{Append, Batch, Committed, Key, Space, Stamped, Value};

/// Bytes that the batch's frames will take, late rows included.
pub(super) fn batch_bytes(batch: &Batch) -> usize {
    let row = |key: usize, value: usize| frame_bytes(ROW_PREFIX + key + value);
    let puts = batch
        .put
        .iter()
        .map(|(_, key, value)| row(key.as_bytes().len(), value.as_bytes().len()));
    let deletes = batch
        .delete
        .iter()
        .map(|(_, key)| row(key.as_bytes().len(), 0));
    let lates = batch.late.iter().map(|late| {
        let marks = late.key_marks.len().saturating_add(late.value_marks.len());
        row(
            late.key.len(),
            late.value.len().saturating_add(marks.saturating_mul(8)),
        )
    });
    let leaves = batch.append.iter().map(|append| {
        let body = if append.body.is_empty() {
            0
        } else {
            frame_bytes(append.body.len())
        };
        frame_bytes(LEAF_PREFIX + append.leaf.len()).saturating_add(body)
    });
    let numbers = batch.number.iter().map(|_| frame_bytes(NUMBER_PLAIN));
    puts.chain(deletes)
        .chain(lates)
        .chain(leaves)
        .chain(numbers)
        .fold(0, usize::saturating_add)
}

/// Adds an assigned batch to the group: leaves, numbers, removals, then rows.
pub(super) fn encode(
    group: &mut Group,
    batch: Batch,
    committed: &Committed,
) -> Result<(), Tampered> {
    for (append, stamped) in batch.append.iter().zip(&committed.leaves) {
        leaf(group, append, stamped)?;
    }
    for (series, value) in batch.number.iter().zip(&committed.numbers) {
        let value = value.to_be_bytes();
        group.builder.push(Kind::Number, &[&series.0, &value])?;
        let fresh = Fresh {
            row: Some(Row::Inline(value.to_vec())),
            value: None,
        };
        group.rows.insert(series_key(&series.0), fresh);
    }
    for (space, key) in &batch.delete {
        let prefix = row_prefix(*space, key)?;
        group
            .builder
            .push(Kind::Delete, &[&prefix, key.as_bytes()])?;
        let key = index_key(space.byte(), key.as_bytes());
        group.rows.insert(
            key,
            Fresh {
                row: None,
                value: None,
            },
        );
    }
    for (space, key, value) in batch.put {
        put(group, space, &key, value)?;
    }
    Ok(())
}

fn row_prefix(space: Space, key: &Key) -> Result<[u8; ROW_PREFIX], Tampered> {
    let length = u16::try_from(key.as_bytes().len()).map_err(|_| Tampered)?;
    let [high, low] = length.to_be_bytes();
    Ok([space.byte(), high, low])
}

fn put(group: &mut Group, space: Space, key: &Key, value: Value) -> Result<(), Tampered> {
    let prefix = row_prefix(space, key)?;
    let parts: [&[u8]; 3] = [&prefix, key.as_bytes(), value.as_bytes()];
    let (at, length) = group.builder.push(Kind::Put, &parts)?;
    let fresh = if value.as_bytes().len() <= INLINE_MAX {
        Fresh {
            row: Some(Row::Inline(value.into_bytes())),
            value: None,
        }
    } else {
        let far = Far {
            place: place(group, at)?,
            length,
            sequence: group.builder.sequence(),
            salt: *group.builder.salt(),
        };
        Fresh {
            row: Some(Row::Far(far)),
            value: Some(value),
        }
    };
    group
        .rows
        .insert(index_key(space.byte(), key.as_bytes()), fresh);
    Ok(())
}

fn leaf(group: &mut Group, append: &Append, stamped: &Stamped) -> Result<(), Tampered> {
    let mut prefix = [0; LEAF_PREFIX];
    let has_body = !append.body.is_empty();
    super::bytes::patch(&mut prefix, 0, &[append.log as u8]);
    super::bytes::patch(&mut prefix, 1, &stamped.index.to_be_bytes());
    super::bytes::patch(&mut prefix, 9, &[u8::from(has_body)]);
    let (at, mut length) = group.builder.push(Kind::Leaf, &[&prefix, &append.leaf])?;
    if has_body {
        let (_, body) = group.builder.push(Kind::Body, &[&append.body])?;
        length = length.checked_add(body).ok_or(Tampered)?;
    }
    let location = Location {
        segment: group.place.segment,
        group: group.place.offset,
        frame: place(group, at)?.offset,
        length,
    };
    let [access, ledger] = &mut group.locations;
    location.encode(match append.log {
        crate::engine::Log::Access => access,
        crate::engine::Log::Ledger => ledger,
    });
    Ok(())
}

fn place(group: &Group, at: u32) -> Result<Place, Tampered> {
    let offset = group.place.offset.checked_add(at).ok_or(Tampered)?;
    Ok(Place {
        segment: group.place.segment,
        offset,
    })
}
