//! The rows as of the last rebuild: one sorted file that is never changed, read under sled, which
//! holds only what came after. sled takes some eight microseconds a row; a file of sorted blocks
//! is written as fast as the sidecars are read, and costs no memory but its directory.
//!
//! ```text
//! 0    "BONGHAMI" · version u16 · suite u8 · 0
//! 12   store [16]
//! 28   blocks, each of entries in order: key length u16 · index key · length u16 · row
//! ..   directory, per block: key length u16 · first index key · offset u64 · length u32 ·
//!      digest [32]      SHA-256 of the block
//! end  offset of the directory u64 · SHA-256 of it [32]
//! ```

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::bytes::{Reader, check_preamble, io, preamble};
use super::index::{Found, Row, encode_entry, read_entry};
use super::seal::{Digest, digest};
use super::segment::StoreName;
use crate::engine::EngineError;

const MAGIC: &[u8; 8] = b"BONGHAMI";
const HEADER: usize = 28;
const TRAILER: u64 = 40;
/// A block takes no further entry beyond this many bytes.
const BLOCK: usize = 2 << 10;

fn damaged() -> EngineError {
    EngineError::Damaged("the index's base is not intact; restart to rebuild it".into())
}

struct Block {
    first: Vec<u8>,
    offset: u64,
    length: u32,
    digest: Digest,
}

/// Writes a base, given its rows in order of their keys.
pub(super) struct BaseWriter {
    file: BufWriter<File>,
    directory: Vec<u8>,
    block: Vec<u8>,
    first: Vec<u8>,
    offset: u64,
}

impl BaseWriter {
    pub(super) fn create(path: &Path, store: &StoreName) -> Result<Self, EngineError> {
        let writing = io("writing the index's base");
        let file = File::create(path).map_err(&writing)?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&preamble(MAGIC)).map_err(&writing)?;
        file.write_all(store).map_err(&writing)?;
        let (directory, block, first) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            file,
            directory,
            block,
            first,
            offset: HEADER as u64,
        })
    }

    /// Adds the next row.
    pub(super) fn push(&mut self, key: &[u8], row: &Row) -> Result<(), EngineError> {
        if self.block.is_empty() {
            self.first.clear();
            self.first.extend_from_slice(key);
        }
        let long = || EngineError::Io("a row does not fit the index's base".into());
        encode_entry(key, Some(row), &mut self.block).ok_or_else(long)?;
        if self.block.len() < BLOCK {
            Ok(())
        } else {
            self.end_block()
        }
    }

    fn end_block(&mut self) -> Result<(), EngineError> {
        let long = |_| EngineError::Io("a row does not fit the index's base".into());
        let key_length = u16::try_from(self.first.len()).map_err(long)?;
        let length = u32::try_from(self.block.len()).map_err(long)?;
        self.directory.extend_from_slice(&key_length.to_be_bytes());
        self.directory.extend_from_slice(&self.first);
        self.directory.extend_from_slice(&self.offset.to_be_bytes());
        self.directory.extend_from_slice(&length.to_be_bytes());
        self.directory.extend_from_slice(&digest(&self.block));
        self.file
            .write_all(&self.block)
            .map_err(io("writing the index's base"))?;
        self.offset += u64::from(length);
        self.block.clear();
        Ok(())
    }

    /// Writes the directory and makes the file durable.
    pub(super) fn finish(mut self) -> Result<(), EngineError> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let writing = io("writing the index's base");
        self.file.write_all(&self.directory).map_err(&writing)?;
        self.file
            .write_all(&self.offset.to_be_bytes())
            .map_err(&writing)?;
        self.file
            .write_all(&digest(&self.directory))
            .map_err(&writing)?;
        let file = self
            .file
            .into_inner()
            .map_err(|error| writing(error.into_error()))?;
        file.sync_all().map_err(&writing)
    }
}

/// A base, open for reading.
pub(super) struct Base {
    file: File,
    blocks: Vec<Block>,
}

impl Base {
    pub(super) fn open(path: &Path, store: &StoreName) -> Result<Self, EngineError> {
        let file = File::open(path).map_err(|_| damaged())?;
        let length = file
            .metadata()
            .map_err(io("opening the index's base"))?
            .len();
        let mut head = [0; HEADER];
        file.read_exact_at(&mut head, 0).map_err(|_| damaged())?;
        let mut reader = Reader::new(&head);
        check_preamble(&mut reader, MAGIC, "the index's base")?;
        let end = length.checked_sub(TRAILER).ok_or_else(damaged)?;
        let mut trailer = [0; TRAILER as usize];
        file.read_exact_at(&mut trailer, end)
            .map_err(|_| damaged())?;
        let mut of_trailer = Reader::new(&trailer);
        let start = of_trailer
            .u64()
            .filter(|start| *start <= end)
            .ok_or_else(damaged)?;
        let size = usize::try_from(end - start).map_err(|_| damaged())?;
        let mut directory = vec![0; size];
        file.read_exact_at(&mut directory, start)
            .map_err(|_| damaged())?;
        if reader.rest() != store || of_trailer.rest() != digest(&directory) {
            return Err(damaged());
        }
        let mut reader = Reader::new(&directory);
        let mut blocks = Vec::new();
        while !reader.is_empty() {
            blocks.push(block(&mut reader).ok_or_else(damaged)?);
        }
        Ok(Self { file, blocks })
    }

    /// The entries of one block; none behind the last.
    fn entries(&self, number: usize) -> Result<Found, EngineError> {
        let Some(block) = self.blocks.get(number) else {
            return Ok(Vec::new());
        };
        let bytes = self.read(block)?;
        let mut reader = Reader::new(&bytes);
        let mut found = Vec::new();
        while !reader.is_empty() {
            let (key, row) = read_entry(&mut reader).ok_or_else(damaged)?;
            found.push((key.to_vec(), Row::decode(row).ok_or_else(damaged)?));
        }
        Ok(found)
    }

    fn read(&self, block: &Block) -> Result<Vec<u8>, EngineError> {
        let mut bytes = vec![0; block.length as usize];
        self.file
            .read_exact_at(&mut bytes, block.offset)
            .map_err(|_| damaged())?;
        if digest(&bytes) == block.digest {
            Ok(bytes)
        } else {
            Err(damaged())
        }
    }

    /// The only block that can hold `key`.
    fn block_of(&self, key: &[u8]) -> Option<usize> {
        self.blocks
            .partition_point(|block| block.first.as_slice() <= key)
            .checked_sub(1)
    }

    /// One row.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Row>, EngineError> {
        let Some(block) = self.block_of(key).and_then(|n| self.blocks.get(n)) else {
            return Ok(None);
        };
        let bytes = self.read(block)?;
        let mut reader = Reader::new(&bytes);
        while !reader.is_empty() {
            let (found, row) = read_entry(&mut reader).ok_or_else(damaged)?;
            if found == key {
                return Row::decode(row).map(Some).ok_or_else(damaged);
            }
        }
        Ok(None)
    }

    /// Rows from `from` on, in order.
    pub(super) fn from(&self, from: &[u8]) -> Result<BaseScan<'_>, EngineError> {
        let number = self.block_of(from).unwrap_or(0);
        let mut rows = self.entries(number)?;
        rows.retain(|(key, _)| key.as_slice() >= from);
        Ok(BaseScan {
            base: self,
            next: number + 1,
            rows: rows.into_iter().peekable(),
        })
    }
}

fn block(reader: &mut Reader<'_>) -> Option<Block> {
    let length = reader.u16()?;
    Some(Block {
        first: reader.take(usize::from(length))?.to_vec(),
        offset: reader.u64()?,
        length: reader.u32()?,
        digest: reader.array()?,
    })
}

/// A walk over a base, one block in memory.
pub(super) struct BaseScan<'a> {
    base: &'a Base,
    next: usize,
    rows: std::iter::Peekable<std::vec::IntoIter<(Vec<u8>, Row)>>,
}

impl BaseScan<'_> {
    /// The key the walk stands at.
    pub(super) fn peek(&mut self) -> Result<Option<&[u8]>, EngineError> {
        while self.rows.peek().is_none() && self.next < self.base.blocks.len() {
            self.rows = self.base.entries(self.next)?.into_iter().peekable();
            self.next += 1;
        }
        Ok(self.rows.peek().map(|(key, _)| key.as_slice()))
    }

    /// The row the walk stands at, leaving it.
    pub(super) fn take(&mut self) -> Option<(Vec<u8>, Row)> {
        self.rows.next()
    }
}
