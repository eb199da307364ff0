//! The bundle that an auditor carries to another machine, and its offline verification.
//!
//! ```text
//! "BHMBNDL" ‖ version u8                                             head
//! origin:  u32 length ‖ bytes                                        as in the checkpoint
//! note:    u32 length ‖ bytes                                        the signed checkpoint
//! entry i: index u64 = i ‖ u32 length ‖ leaf hash 32 ‖ leaf           for i in 0 .. size
//!          after each 256 entries, and after the last: root of their subtree 32
//! ```
//! Nothing follows the last root, and numbers are big-endian, so a checkpoint and its leaves have
//! one bundle: [`verify`] writes every part anew from what it read and compares. The roots of whole
//! blocks are the level-1 hashes of C2SP tlog-tiles.
//!
//! # What a finding can name
//! The signature vouches for the root alone; everything between is there to say *where*. A change
//! in an entry names that entry, unless the forger also wrote the entry's hash anew: then it names
//! the 256 entries it stands among; if they wrote that subtree's root anew too, only the part
//! behind the checkpoint that the auditor kept. Every one of them is found.
//!
//! A bundle cut back to an older checkpoint that was once signed is whole in itself. Only the
//! checkpoint that the auditor kept shows that it is old: pass it.

use std::fmt::Display;
use std::io::{self, BufReader, Read, Write};

use super::checkpoint::{Checkpoint, CheckpointError, Verifier};
use super::tree::{Frontier, Hash, leaf_hash};

const MAGIC: [u8; 8] = *b"BHMBNDL\x01";
/// Longest origin and note, in bytes.
const TEXT_MAX: u32 = 64 << 10;
/// Longest leaf, in bytes: the engine's bound on values.
const LEAF_MAX: u32 = 1 << 20;
/// Entries under one subtree root.
const BLOCK: u64 = 256;
const FRAME: usize = 8 + 4 + 32;
const BUFFER: usize = 256 << 10;

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The file.
    #[error("the bundle cannot be written: {0}")]
    Io(#[from] io::Error),
    /// Where the leaves come from.
    #[error("entry {0} of the log cannot be read: {1}")]
    Leaf(u64, E),
    /// The note.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The leaves are not those that the note signs.
    #[error("these {0} entries are not those of the checkpoint")]
    OtherLeaves(u64),
    /// A note or leaf beyond what a bundle holds.
    #[error("a text or entry of {0} bytes is too long for a bundle")]
    TooLong(usize),
}

/// What [`verify`] found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The bundle's checkpoint, signed by the key and fitting the leaves.
    pub checkpoint: Checkpoint,
    /// Entries, all of them checked.
    pub leaves: u64,
}

/// Why a bundle is not to be believed: the first thing found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The file cannot be read; says nothing about the log.
    #[error("the bundle cannot be read: {0}")]
    Read(String),
    /// Magic, version, origin or the length of a text is wrong.
    #[error("the head of the bundle is damaged: {0}")]
    Head(&'static str),
    /// The bundle's checkpoint is not signed by the key, or not in canonical form.
    #[error("the checkpoint of the bundle: {0}")]
    Checkpoint(CheckpointError),
    /// The checkpoint that the auditor kept does not open under this key.
    #[error("the checkpoint you kept: {0}")]
    Kept(CheckpointError),
    /// The kept checkpoint is of another log.
    #[error("the checkpoint you kept is of another log: {0}")]
    OtherLog(String),
    /// The log was cut back: entries that the auditor holds a checkpoint for are gone.
    #[error("the log was cut back: it has {size} entries, your checkpoint vouches for {kept}")]
    CutBack {
        /// Entries under the kept checkpoint.
        kept: u64,
        /// Entries under the bundle's.
        size: u64,
    },
    /// History was rewritten: the first `size` entries are not those of the kept checkpoint.
    #[error("history was rewritten: among the first {size} entries one is not what it was")]
    Rewritten {
        /// Entries under the kept checkpoint.
        size: u64,
    },
    /// The bytes of this entry were changed.
    #[error("entry {index} was changed")]
    Changed {
        /// Which.
        index: u64,
    },
    /// Another entry stands where this one should: removed, inserted or reordered.
    #[error("entry {index} is missing or out of place: {found} stands there")]
    OutOfPlace {
        /// Which should.
        index: u64,
        /// Which does.
        found: u64,
    },
    /// The file ends inside or before this entry.
    #[error("the bundle ends at entry {index} of {size}")]
    Truncated {
        /// Which.
        index: u64,
        /// How many the checkpoint signs.
        size: u64,
    },
    /// One of these entries was changed together with its hash, or their subtree's root was.
    #[error("one of entries {first} to {last} was changed")]
    Block {
        /// First of the block.
        first: u64,
        /// Last of the block.
        last: u64,
    },
    /// Every part fits its neighbours, but the whole is not what was signed: an entry was changed
    /// together with every hash above it.
    #[error("the entries from {from} to {last} are not those that were signed")]
    Root {
        /// First that may be wrong.
        from: u64,
        /// Last that may be wrong.
        last: u64,
    },
    /// Bytes after the end.
    #[error("there are bytes after the last entry")]
    Trailing,
    /// The caller's own check of an entry.
    #[error("entry {index}: {reason}")]
    Entry {
        /// Which.
        index: u64,
        /// In the caller's words.
        reason: String,
    },
}

/// The tree of a pass over leaves, with the root of each block on the way.
#[derive(Default, Clone)]
struct Blocks {
    complete: Frontier,
    open: Frontier,
}

impl Blocks {
    /// Adds a leaf; the root of the block that it completes.
    fn push(&mut self, leaf: Hash) -> Option<Hash> {
        self.open.push(leaf);
        if self.open.size() < BLOCK {
            return None;
        }
        let root = self.open.root();
        self.complete.push(root);
        self.open = Frontier::default();
        Some(root)
    }
    /// The root of a last block that is not complete.
    fn rest(&self) -> Option<Hash> {
        self.open.fold(None)
    }
    fn root(&self) -> Hash {
        // Of no leaves at all, the frontier's own root.
        self.complete
            .fold(self.rest())
            .unwrap_or_else(|| self.open.root())
    }
}

fn frame(index: u64, length: u32, hash: Hash) -> [u8; FRAME] {
    let (index, length) = (index.to_be_bytes(), length.to_be_bytes());
    let mut bytes = [0; FRAME];
    let parts = index.into_iter().chain(length).chain(hash.0);
    for (to, from) in bytes.iter_mut().zip(parts) {
        *to = from;
    }
    bytes
}

fn head(origin: &str, note: &str) -> Result<Vec<u8>, usize> {
    let mut bytes = MAGIC.to_vec();
    for text in [origin, note] {
        let length = u32::try_from(text.len())
            .ok()
            .filter(|length| *length <= TEXT_MAX);
        bytes.extend_from_slice(&length.ok_or(text.len())?.to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    Ok(bytes)
}

/// Writes the bundle of a signed checkpoint and its leaves, in order, and gives their number.
/// Leaves that are not the checkpoint's are an error: what was written then is not a bundle.
pub fn write_bundle<E: Display>(
    out: &mut dyn Write,
    note: &str,
    leaves: impl Iterator<Item = Result<Vec<u8>, E>>,
) -> Result<u64, WriteError<E>> {
    let checkpoint = Checkpoint::of_note(note)?;
    out.write_all(&head(&checkpoint.origin, note).map_err(WriteError::TooLong)?)?;
    let mut blocks = Blocks::default();
    let mut count = 0;
    for leaf in leaves {
        let leaf = leaf.map_err(|error| WriteError::Leaf(count, error))?;
        let length = u32::try_from(leaf.len())
            .ok()
            .filter(|length| *length <= LEAF_MAX)
            .ok_or(WriteError::TooLong(leaf.len()))?;
        let hash = leaf_hash(&leaf);
        out.write_all(&frame(count, length, hash))?;
        out.write_all(&leaf)?;
        if let Some(root) = blocks.push(hash) {
            out.write_all(&root.0)?;
        }
        count += 1;
    }
    if let Some(root) = blocks.rest() {
        out.write_all(&root.0)?;
    }
    out.flush()?;
    if count == checkpoint.size && blocks.root() == checkpoint.root {
        Ok(count)
    } else {
        Err(WriteError::OtherLeaves(count))
    }
}

/// Verifies a bundle in one pass, with the log's public key alone.
///
/// `kept` is the newest checkpoint note that the auditor holds of this log: without it a bundle cut
/// back to an older signed checkpoint passes. `each` sees every leaf with its index as the pass
/// goes, before the whole is known to be sound: what it gathers counts only if `Ok` comes back.
pub fn verify(
    reader: impl Read,
    verifier: &Verifier,
    kept: Option<&str>,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), String>,
) -> Result<Verified, Violation> {
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    let mut pass = Pass::begin(&mut reader, verifier, kept)?;
    pass.entries(&mut reader, pass.size(), &mut each)?;
    pass.end(&mut reader)
}

fn read_head(reader: &mut impl Read, verifier: &Verifier) -> Result<Checkpoint, Violation> {
    const SHORT: &str = "it ends too early";
    let mut magic = [0; MAGIC.len()];
    if !fill(reader, &mut magic)? {
        return Err(Violation::Head(SHORT));
    }
    if magic != MAGIC {
        return Err(Violation::Head("not a bundle of a known version"));
    }
    let mut text = || -> Result<String, Violation> {
        let mut length = [0; 4];
        if !fill(reader, &mut length)? {
            return Err(Violation::Head(SHORT));
        }
        let length = u32::from_be_bytes(length);
        if length > TEXT_MAX {
            return Err(Violation::Head("a text is too long"));
        }
        let mut bytes = Vec::new();
        if !fill_vec(reader, &mut bytes, length)? {
            return Err(Violation::Head(SHORT));
        }
        String::from_utf8(bytes).map_err(|_| Violation::Head("a text is not UTF-8"))
    };
    let (origin, note) = (text()?, text()?);
    let checkpoint = verifier.open_exact(&note).map_err(Violation::Checkpoint)?;
    if checkpoint.origin == origin {
        Ok(checkpoint)
    } else {
        Err(Violation::Head("its origin is not that of its checkpoint"))
    }
}

fn check_kept(
    note: &str,
    verifier: &Verifier,
    checkpoint: &Checkpoint,
) -> Result<Checkpoint, Violation> {
    let kept = verifier.open(note).map_err(Violation::Kept)?;
    if kept.origin != checkpoint.origin {
        return Err(Violation::OtherLog(kept.origin));
    }
    if kept.size > checkpoint.size {
        return Err(Violation::CutBack {
            kept: kept.size,
            size: checkpoint.size,
        });
    }
    if kept.size == checkpoint.size && kept.root != checkpoint.root {
        return Err(Violation::Rewritten { size: kept.size });
    }
    Ok(kept)
}

/// One pass over a bundle, between two of its entries. A copy may go on elsewhere.
#[derive(Clone)]
pub(super) struct Pass {
    checkpoint: Checkpoint,
    kept: Option<Checkpoint>,
    /// The next entry.
    index: u64,
    /// The first entry for which the kept checkpoint does not vouch.
    vouched: u64,
    blocks: Blocks,
    leaf: Vec<u8>,
}

impl Pass {
    /// Reads the head and stands before the first entry.
    pub(super) fn begin(
        reader: &mut impl Read,
        verifier: &Verifier,
        kept: Option<&str>,
    ) -> Result<Self, Violation> {
        let checkpoint = read_head(reader, verifier)?;
        let kept = match kept {
            Some(note) => Some(check_kept(note, verifier, &checkpoint)?),
            None => None,
        };
        Ok(Self {
            checkpoint,
            kept,
            index: 0,
            vouched: 0,
            blocks: Blocks::default(),
            leaf: Vec::new(),
        })
    }

    /// How many entries the checkpoint signs.
    pub(super) const fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// Reads and checks the entries before `until`.
    pub(super) fn entries(
        &mut self,
        reader: &mut impl Read,
        until: u64,
        each: &mut impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<(), Violation> {
        while self.index < until {
            let index = self.index;
            self.vouch()?;
            self.entry(reader, index)?;
            each(index, &self.leaf).map_err(|reason| Violation::Entry { index, reason })?;
            self.index += 1;
        }
        Ok(())
    }

    /// Behind the last entry: whether the whole is what was signed, and nothing follows.
    pub(super) fn end(mut self, reader: &mut impl Read) -> Result<Verified, Violation> {
        self.vouch()?;
        if self.blocks.root() != self.checkpoint.root {
            return Err(Violation::Root {
                from: self.vouched,
                last: self.checkpoint.size.saturating_sub(1),
            });
        }
        if fill(reader, &mut [0])? {
            return Err(Violation::Trailing);
        }
        Ok(Verified {
            leaves: self.checkpoint.size,
            checkpoint: self.checkpoint,
        })
    }

    /// Reads entry `index` into `leaf` and compares all of it with what should stand there.
    fn entry(&mut self, reader: &mut impl Read, index: u64) -> Result<(), Violation> {
        let truncated = Violation::Truncated {
            index,
            size: self.checkpoint.size,
        };
        let mut read = [0; FRAME];
        if !fill(reader, &mut read)? {
            return Err(truncated);
        }
        let (found, length) = numbers(&read);
        if found != index {
            return Err(Violation::OutOfPlace { index, found });
        }
        if length > LEAF_MAX {
            return Err(Violation::Changed { index });
        }
        if !fill_vec(reader, &mut self.leaf, length)? {
            return Err(truncated);
        }
        let hash = leaf_hash(&self.leaf);
        if frame(index, length, hash) != read {
            return Err(Violation::Changed { index });
        }
        let last = index + 1 == self.checkpoint.size;
        let root = match self.blocks.push(hash) {
            None if last => self.blocks.rest(),
            root => root,
        };
        let Some(root) = root else {
            return Ok(());
        };
        let mut stored = Hash::default();
        if !fill(reader, &mut stored.0)? {
            return Err(truncated);
        }
        if stored != root {
            let first = index / BLOCK * BLOCK;
            return Err(Violation::Block { first, last: index });
        }
        Ok(())
    }

    /// Where the pass has come to the size of the kept checkpoint, that it has its root.
    fn vouch(&mut self) -> Result<(), Violation> {
        let size = self.index;
        match &self.kept {
            Some(kept) if kept.size == size && kept.root != self.blocks.root() => {
                return Err(Violation::Rewritten { size });
            }
            Some(kept) if kept.size == size => self.vouched = size,
            _ => {}
        }
        Ok(())
    }
}

/// Index and length of a frame.
fn numbers(frame: &[u8; FRAME]) -> (u64, u32) {
    let (index, rest) = frame.split_first_chunk().unwrap_or((&[0; 8], &[]));
    let (length, _) = rest.split_first_chunk().unwrap_or((&[0; 4], &[]));
    (u64::from_be_bytes(*index), u32::from_be_bytes(*length))
}

/// Fills all of `bytes`; `false` where the file ends first.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<bool, Violation> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(Violation::Read(error.to_string())),
    }
}

/// Reads exactly `length` bytes into `bytes`; `false` where the file ends first. The length was
/// bounded by the caller.
fn fill_vec(reader: &mut impl Read, bytes: &mut Vec<u8>, length: u32) -> Result<bool, Violation> {
    bytes.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
    fill(reader, bytes)
}
