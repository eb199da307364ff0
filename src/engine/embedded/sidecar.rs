//! A sealed segment's rows and leaves without their bodies, so that a rebuild reads sidecars.
//!
//! ```text
//! 0    "BONGHAMR" · version u16 · suite u8 · 0
//! 12   segment u32 · store [16] · salt [16]
//! 48   end u32          behind the segment's last group
//! 52   first u64        sequence of its first group
//! 60   previous [32]    MAC that its first group continues
//! 92   sequence u64 · MAC [32] · sizes 2 × u64 · times 2 × i64     after its last group
//! 164  rows u64 · leaves u64        at most so many rows: states that a later one replaced count
//! 180  chunks: length u32 · last u8 · sealed bytes
//! ```
//! Chunks are sealed by AES-256-GCM under the sidecar's key, nonce = number of the chunk,
//! AAD = SHA-256(bytes 0..180) ‖ last. Inside: every leaf in order, then every row in order of
//! its index key, the last state of each key only. Entries do not straddle chunks.
//! ```text
//! leaf  'L' · log u8 · index u64 · location [16]
//! row   'R' · key length u16 · index key · length u16 · row (see `index`); length 0 = removed
//! ```
//! A missing or damaged sidecar is written again from its segment.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use super::bytes::{Reader, check_preamble, io, patch, preamble};
use super::files::{self, Layout};
use super::group::Tip;
use super::index::{Row, encode_entry, read_entry};
use super::leaves::Location;
use super::seal::{Digest, Keys, Salt, Sealer, Tampered, digest};
use super::segment::StoreName;
use super::sum::Sum;
use super::wipe;
use crate::engine::EngineError;
use crate::engine::tally::Ends;

const MAGIC: &[u8; 8] = b"BONGHAMR";
const HEADER: usize = 180;
const CHUNK: usize = 64 << 10;
const LEAF: u8 = b'L';
const ROW: u8 = b'R';

/// Log, index and place of a leaf.
pub(super) type Leaf = (u8, u64, Location);

/// A sidecar's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) end: u32,
    pub(super) first: u64,
    pub(super) previous: Digest,
    pub(super) tip: Tip,
    pub(super) rows: u64,
    pub(super) leaves: u64,
}

impl Summary {
    fn of(sum: &Sum) -> Self {
        Self {
            end: sum.end,
            first: sum.before.sequence.saturating_add(1),
            previous: sum.before.mac,
            tip: sum.after,
            rows: sum.rows,
            leaves: sum.leaves.len() as u64,
        }
    }
}

fn refused(_: Tampered) -> EngineError {
    EngineError::Io("a sidecar could not be sealed".into())
}

/// Takes an encoded row.
pub(super) type Put<'a> = dyn FnMut(&[u8]) -> Result<(), EngineError> + 'a;

/// Writes a segment's sidecar, durably, and overwrites the one before. `rows` tells whom it is given of every row, encoded, in order
/// of the keys.
///
/// # Errors
/// What `rows` says; an error of the disk.
pub(super) fn write(
    layout: &Layout,
    keys: &Keys,
    store: &StoreName,
    salt: Salt,
    segment: u32,
    sum: &Sum,
    rows: impl FnOnce(&mut Put<'_>) -> Result<(), EngineError>,
) -> Result<Summary, EngineError> {
    let summary = Summary::of(sum);
    let header = header(store, &salt, segment, &summary);
    let sealer = keys.sidecar(&salt, segment).map_err(refused)?;
    files::replace_with(&layout.sidecar(segment), |file| {
        file.write_all(&header).map_err(io("writing a sidecar"))?;
        let mut chunks = Chunks {
            sealer,
            bound: digest(&header),
            number: 0,
            plain: Vec::with_capacity(CHUNK + 1024),
            out: file,
        };
        for leaf in &sum.leaves {
            encode_leaf(leaf, &mut chunks.plain);
            chunks.flush_if_full()?;
        }
        rows(&mut |row| {
            chunks.plain.extend_from_slice(row);
            chunks.flush_if_full()
        })?;
        chunks.flush(true)?;
        // It may name what has been erased since, and may be missing: it is only a shorter way.
        wipe::file(&layout.sidecar(segment))
    })?;
    Ok(summary)
}

fn encode_leaf((log, index, location): &Leaf, out: &mut Vec<u8>) {
    out.extend_from_slice(&[LEAF, *log]);
    out.extend_from_slice(&index.to_be_bytes());
    location.encode(out);
}

/// Appends a row as a sidecar holds it.
pub(super) fn encode_row(key: &[u8], row: Option<&Row>, out: &mut Vec<u8>) -> Result<(), Tampered> {
    out.push(ROW);
    encode_entry(key, row, out).ok_or(Tampered)
}

fn header(store: &StoreName, salt: &Salt, segment: u32, summary: &Summary) -> Vec<u8> {
    let mut out = preamble(MAGIC).to_vec();
    out.extend_from_slice(&segment.to_be_bytes());
    out.extend_from_slice(store);
    out.extend_from_slice(salt);
    out.extend_from_slice(&summary.end.to_be_bytes());
    out.extend_from_slice(&summary.first.to_be_bytes());
    out.extend_from_slice(&summary.previous);
    out.extend_from_slice(&summary.tip.sequence.to_be_bytes());
    out.extend_from_slice(&summary.tip.mac);
    for size in summary.tip.ends.sizes {
        out.extend_from_slice(&size.to_be_bytes());
    }
    for time in summary.tip.ends.times {
        out.extend_from_slice(&time.to_be_bytes());
    }
    out.extend_from_slice(&summary.rows.to_be_bytes());
    out.extend_from_slice(&summary.leaves.to_be_bytes());
    out
}

fn aad(bound: &Digest, last: bool) -> [u8; 33] {
    let mut out = [0; 33];
    patch(&mut out, 0, bound);
    patch(&mut out, 32, &[u8::from(last)]);
    out
}

struct Chunks<'a> {
    sealer: Sealer,
    bound: Digest,
    number: u32,
    plain: Vec<u8>,
    out: &'a mut BufWriter<File>,
}

impl Chunks<'_> {
    fn flush_if_full(&mut self) -> Result<(), EngineError> {
        if self.plain.len() < CHUNK {
            Ok(())
        } else {
            self.flush(false)
        }
    }

    fn flush(&mut self, last: bool) -> Result<(), EngineError> {
        let aad = aad(&self.bound, last);
        let tag = self.sealer.seal(self.number, &aad, &mut self.plain);
        self.plain.extend_from_slice(&tag.map_err(refused)?);
        let next = self.number.checked_add(1).ok_or(Tampered);
        self.number = next.map_err(refused)?;
        let length = u32::try_from(self.plain.len()).map_err(|_| refused(Tampered))?;
        let written = self
            .out
            .write_all(&length.to_be_bytes())
            .and_then(|()| self.out.write_all(&[u8::from(last)]))
            .and_then(|()| self.out.write_all(&self.plain));
        self.plain.clear();
        written.map_err(io("writing a sidecar"))
    }
}

/// One entry of a sidecar.
pub(super) enum Entry {
    Leaf(u8, u64, Location),
    Row(Vec<u8>, Option<Row>),
}

/// A sidecar being read, one chunk in memory.
pub(super) struct Stream {
    file: BufReader<File>,
    sealer: Sealer,
    bound: Digest,
    number: u32,
    last: bool,
    chunk: Vec<u8>,
    at: usize,
    peeked: Option<Entry>,
    pub(super) summary: Summary,
}

impl Stream {
    /// Opens a segment's sidecar; `None` if it is missing or not intact at its head.
    pub(super) fn open(
        layout: &Layout,
        keys: &Keys,
        store: &StoreName,
        segment: u32,
    ) -> Result<Option<Self>, EngineError> {
        let Ok(file) = File::open(layout.sidecar(segment)) else {
            return Ok(None);
        };
        let mut file = BufReader::with_capacity(CHUNK, file);
        let mut head = [0; HEADER];
        if file.read_exact(&mut head).is_err() {
            return Ok(None);
        }
        let mut reader = Reader::new(&head);
        match check_preamble(&mut reader, MAGIC, "a sidecar") {
            Err(EngineError::Damaged(_)) => return Ok(None),
            other => other?,
        }
        let Some((salt, summary)) = parse(&mut reader, store, segment) else {
            return Ok(None);
        };
        let Ok(sealer) = keys.sidecar(&salt, segment) else {
            return Ok(None);
        };
        let mut stream = Self {
            file,
            sealer,
            bound: digest(&head),
            number: 0,
            last: false,
            chunk: Vec::new(),
            at: 0,
            peeked: None,
            summary,
        };
        // The first chunk vouches for the header.
        Ok(stream.fill().is_ok().then_some(stream))
    }

    fn fill(&mut self) -> Result<(), EngineError> {
        let damaged = || EngineError::Damaged("a sidecar is not intact".into());
        let mut head = [0; 5];
        self.file.read_exact(&mut head).map_err(|_| damaged())?;
        let mut reader = Reader::new(&head);
        let length = reader.u32().ok_or_else(damaged)? as usize;
        let last = reader.u8().ok_or_else(damaged)? == 1;
        if length > 2 * CHUNK {
            return Err(damaged());
        }
        self.chunk.resize(length, 0);
        self.file
            .read_exact(&mut self.chunk)
            .map_err(|_| damaged())?;
        let plain = self
            .sealer
            .open(self.number, &aad(&self.bound, last), &mut self.chunk);
        let length = plain.map_err(|_| damaged())?.len();
        self.chunk.truncate(length);
        self.number = self.number.checked_add(1).ok_or_else(damaged)?;
        self.last = last;
        self.at = 0;
        Ok(())
    }

    /// The next entry, left in place.
    pub(super) fn peek(&mut self) -> Result<Option<&Entry>, EngineError> {
        if self.peeked.is_none() {
            self.peeked = self.read()?;
        }
        Ok(self.peeked.as_ref())
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, EngineError> {
        match self.peeked.take() {
            Some(entry) => Ok(Some(entry)),
            None => self.read(),
        }
    }

    fn read(&mut self) -> Result<Option<Entry>, EngineError> {
        while self.at >= self.chunk.len() {
            if self.last {
                return Ok(None);
            }
            self.fill()?;
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let mut reader = Reader::new(rest);
        let entry = entry(&mut reader);
        self.at += rest.len() - reader.rest().len();
        entry
            .map(Some)
            .ok_or_else(|| EngineError::Damaged("a sidecar holds an unknown entry".into()))
    }
}

fn entry(reader: &mut Reader<'_>) -> Option<Entry> {
    match reader.u8()? {
        LEAF => Some(Entry::Leaf(
            reader.u8()?,
            reader.u64()?,
            Location::decode(reader)?,
        )),
        ROW => {
            let (key, row) = read_entry(reader)?;
            let row = if row.is_empty() {
                None
            } else {
                Some(Row::decode(row)?)
            };
            Some(Entry::Row(key.to_vec(), row))
        }
        _ => None,
    }
}

fn parse(reader: &mut Reader<'_>, store: &StoreName, segment: u32) -> Option<(Salt, Summary)> {
    if reader.u32()? != segment || reader.array::<16>()? != *store {
        return None;
    }
    let salt = reader.array()?;
    let summary = Summary {
        end: reader.u32()?,
        first: reader.u64()?,
        previous: reader.array()?,
        tip: Tip {
            sequence: reader.u64()?,
            mac: reader.array()?,
            ends: Ends {
                sizes: [reader.u64()?, reader.u64()?],
                times: [reader.i64()?, reader.i64()?],
            },
        },
        rows: reader.u64()?,
        leaves: reader.u64()?,
    };
    Some((salt, summary))
}
