//! The ordered index: which frame holds a row. sled's home.
//!
//! sled acknowledges before its bytes reach the disk and may lose rows without a word when its
//! file is damaged; so it is never the proof of anything, only a fast way into the journal, and
//! is thrown away whenever its state cannot be vouched for.
//!
//! Key: `space u8 ‖ key`; number series lie under space 0. Value:
//! ```text
//! 0 ‖ value                 at most 64 bytes, itself sealed by its owner
//! 1 ‖ segment u32 ‖ offset u32 ‖ length u32 ‖ sequence u64 ‖ salt [16]     a put frame
//! 2                         removed, though the base has it
//! ```

use std::cmp::Ordering;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::base::Base;
use super::bytes::Reader;
use super::group::Place;
use super::reclaim::Reclaim;
use super::seal::Salt;
use super::segment::StoreName;
use crate::domain::lock::patiently;
use crate::engine::{EngineError, Series};

/// Values of at most this many bytes stand in the index itself.
pub(super) const INLINE_MAX: usize = 64;
/// Stands in sled for a row of the base that has been removed.
const REMOVED: &[u8] = &[2];
/// The space of number series.
const SERIES: u8 = 0;

/// A put frame in the journal and what its key is derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Far {
    pub(super) place: Place,
    pub(super) length: u32,
    pub(super) sequence: u64,
    pub(super) salt: Salt,
}

/// Where a row's value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    Inline(Vec<u8>),
    Far(Far),
}

impl Row {
    /// Appends the row as the index and the sidecars hold it.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Inline(value) => {
                out.push(0);
                out.extend_from_slice(value);
            }
            Self::Far(far) => {
                out.push(1);
                out.extend_from_slice(&far.place.segment.to_be_bytes());
                out.extend_from_slice(&far.place.offset.to_be_bytes());
                out.extend_from_slice(&far.length.to_be_bytes());
                out.extend_from_slice(&far.sequence.to_be_bytes());
                out.extend_from_slice(&far.salt);
            }
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            0 => Some(Self::Inline(reader.rest().to_vec())),
            1 => {
                let far = Far {
                    place: Place {
                        segment: reader.u32()?,
                        offset: reader.u32()?,
                    },
                    length: reader.u32()?,
                    sequence: reader.u64()?,
                    salt: reader.array()?,
                };
                reader.is_empty().then_some(Self::Far(far))
            }
            _ => None,
        }
    }
}

/// Appends `key length u16 · index key · length u16 · row`, as the base and the sidecars hold a row;
/// the length of one that was removed is 0. `None` where one of the two is too long.
pub(super) fn encode_entry(key: &[u8], row: Option<&Row>, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&u16::try_from(key.len()).ok()?.to_be_bytes());
    out.extend_from_slice(key);
    let at = out.len();
    out.extend_from_slice(&[0; 2]);
    if let Some(row) = row {
        row.encode(out);
    }
    let length = u16::try_from(out.len() - at - 2).ok()?;
    super::bytes::patch(out, at, &length.to_be_bytes());
    Some(())
}

/// Reads what [`encode_entry`] wrote: an index key, and a row that is not decoded.
pub(super) fn read_entry<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let length = reader.u16()?;
    let key = reader.take(usize::from(length))?;
    let length = reader.u16()?;
    Some((key, reader.take(usize::from(length))?))
}

/// `space ‖ key`.
pub(super) fn index_key(space: u8, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(space);
    out.extend_from_slice(key);
    out
}

/// The index key of a series.
pub(super) fn series_key(series: &[u8; 16]) -> Vec<u8> {
    index_key(SERIES, series)
}

/// The value last taken from a series, out of its row.
pub(super) fn number(row: Option<Row>) -> Result<u64, EngineError> {
    match row {
        None => Ok(0),
        Some(Row::Inline(bytes)) => bytes
            .try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| odd_row()),
        Some(Row::Far(_)) => Err(odd_row()),
    }
}

/// Rows with their index keys, in order.
pub(super) type Found = Vec<(Vec<u8>, Row)>;

/// What sled holds for a key.
enum State {
    Present(Row),
    /// Removed since the base was written.
    Removed,
}

fn decode(bytes: &[u8]) -> Result<State, EngineError> {
    if bytes == REMOVED {
        return Ok(State::Removed);
    }
    Row::decode(bytes).map(State::Present).ok_or_else(odd_row)
}

/// The base, and sled over it.
pub(super) struct Index {
    base: Base,
    db: sled::Db,
    rows: sled::Tree,
    reclaim: Reclaim,
}

/// Runs one call into sled; what it returns or panics with becomes an error.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) => Err(super::bytes::io("the index")(error)),
        Ok(Err(error)) => Err(EngineError::Damaged(format!("the index: {error}"))),
        Err(_) => Err(EngineError::Damaged("the index panicked".into())),
    }
}

fn odd_row() -> EngineError {
    EngineError::Damaged("the index holds a row that cannot be read; restart to rebuild it".into())
}

/// Where the base lies in the index's directory.
pub(super) fn base_in(dir: &Path) -> PathBuf {
    dir.join("base")
}

impl Index {
    /// Opens an index whose base has been written.
    pub(super) fn open(
        dir: &Path,
        store: &StoreName,
        cache_bytes: u64,
    ) -> Result<Self, EngineError> {
        let base = Base::open(&base_in(dir), store)?;
        let config = sled::Config::new()
            .path(dir.join("sled"))
            .cache_capacity(cache_bytes)
            .flush_every_ms(Some(500))
            .mode(sled::Mode::HighThroughput);
        guarded(|| {
            // sled tells of a held lock in no other way.
            let in_the_way = |error: &sled::Error| matches!(error, sled::Error::Io(e) if e.kind() == ErrorKind::Other);
            let db = patiently(|| config.open(), in_the_way)?;
            let rows = db.open_tree(b"rows")?;
            let reclaim = Reclaim::default();
            Ok(Self {
                base,
                db,
                rows,
                reclaim,
            })
        })
    }

    /// One row by its index key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Row>, EngineError> {
        match guarded(|| self.rows.get(key))? {
            None => self.base.get(key),
            Some(bytes) => Ok(match decode(&bytes)? {
                State::Present(row) => Some(row),
                State::Removed => None,
            }),
        }
    }

    /// Writes or removes one row; `buffer` is scratch.
    pub(super) fn set(
        &self,
        key: &[u8],
        row: Option<&Row>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), EngineError> {
        buffer.clear();
        let in_base = row.is_none() && self.base.get(key)?.is_some();
        guarded(|| {
            match row {
                Some(row) => {
                    row.encode(buffer);
                    self.rows.insert(key, buffer.as_slice())?;
                }
                None if in_base => drop(self.rows.insert(key, REMOVED)?),
                None => drop(self.rows.remove(key)?),
            }
            // It lets sled free pages, which is sled's code.
            self.reclaim.wrote();
            Ok(())
        })
    }

    /// Up to `limit` rows from `from`, included, to `to`, excluded, and whether more follow.
    pub(super) fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<(Found, bool), EngineError> {
        if from >= to {
            return Ok((Vec::new(), false));
        }
        let mut found = Vec::new();
        let mut rows = self.rows.range::<&[u8], _>(from..to);
        let mut next = guarded(|| rows.next().transpose())?;
        let mut base = self.base.from(from)?;
        loop {
            let below = base.peek()?.filter(|key| *key < to);
            let order = match (&next, below) {
                (None, None) => return Ok((found, false)),
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some((key, _)), Some(below)) => key.as_ref().cmp(below),
            };
            let row = match order {
                Ordering::Greater => base.take(),
                _ => match next.take() {
                    Some((key, bytes)) => {
                        if order == Ordering::Equal {
                            drop(base.take());
                        }
                        next = guarded(|| rows.next().transpose())?;
                        match decode(&bytes)? {
                            State::Present(row) => Some((key.to_vec(), row)),
                            State::Removed => None,
                        }
                    }
                    None => None,
                },
            };
            if let Some(row) = row {
                if found.len() == limit {
                    return Ok((found, true));
                }
                found.push(row);
            }
        }
    }

    /// Every series and its last value.
    pub(super) fn numbers(&self) -> Result<Vec<(Series, u64)>, EngineError> {
        let (rows, _) = self.scan(&[SERIES], &[SERIES + 1], usize::MAX)?;
        let read = |(key, row): (Vec<u8>, Row)| {
            let series: [u8; 16] = key.get(1..)?.try_into().ok()?;
            let Row::Inline(value) = row else { return None };
            Some((Series(series), u64::from_be_bytes(value.try_into().ok()?)))
        };
        rows.into_iter()
            .map(|row| read(row).ok_or_else(odd_row))
            .collect()
    }

    /// Bytes of sled's files.
    pub(super) fn sled_bytes(&self) -> Result<u64, EngineError> {
        guarded(|| self.db.size_on_disk())
    }

    /// Hands everything to the kernel. Not durable by itself.
    pub(super) fn flush(&self) -> Result<(), EngineError> {
        guarded(|| self.db.flush().map(drop))
    }
}
