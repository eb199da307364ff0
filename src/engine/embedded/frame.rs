//! One frame: a row, a removal, a leaf, a leaf's body, or a number.
//!
//! ```text
//! 0   kind u8        1 put · 2 delete · 3 leaf · 4 body of the leaf before · 5 number
//! 1   state u8       0 live · 0xE5 erased: the sealed bytes are zeros
//! 2   zero u16
//! 4   ordinal u32    place in the group, from 0; also the nonce
//! 8   length u32     of the sealed bytes that follow the header, 16 bytes of tag included
//! 12  digest [32]    SHA-256 of the sealed bytes as they were written
//! 44  sealed bytes   AES-256-GCM under the group's key, AAD = sequence u64 ‖ ordinal u32 ‖ kind
//! ```
//! Plaintext by kind:
//! ```text
//! put     space u8 ‖ key length u16 ‖ key ‖ value
//! delete  space u8 ‖ key length u16 ‖ key
//! leaf    log u8 ‖ index u64 ‖ 1 if a body frame follows, else 0 ‖ leaf
//! body    the body
//! number  series [16] ‖ value u64
//! ```
//! The state is outside the group's MAC, so that a scrub can erase one frame in place; an erased
//! frame counts as such only if every sealed byte is zero.

use super::bytes::Reader;
use super::seal::{Digest, Sealer, TAG, Tampered, digest};

/// Bytes of a frame's header.
pub(super) const FRAME_HEADER: usize = 44;
/// State of a live frame.
const LIVE: u8 = 0;
/// State of an erased frame.
const ERASED: u8 = 0xE5;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Put = 1,
    Delete = 2,
    Leaf = 3,
    Body = 4,
    Number = 5,
}

impl Kind {
    const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Put,
            2 => Self::Delete,
            3 => Self::Leaf,
            4 => Self::Body,
            5 => Self::Number,
            _ => return None,
        })
    }
}

/// The header before the sealed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: Kind,
    pub(super) erased: bool,
    pub(super) ordinal: u32,
    pub(super) length: u32,
    pub(super) digest: Digest,
}

impl FrameHeader {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let kind = Kind::from_byte(reader.u8()?)?;
        let erased = match reader.u8()? {
            LIVE => false,
            ERASED => true,
            _ => return None,
        };
        if reader.u16()? != 0 {
            return None;
        }
        Some(Self {
            kind,
            erased,
            ordinal: reader.u32()?,
            length: reader.u32()?,
            digest: reader.array()?,
        })
    }

    /// The header's bytes. The group's MAC takes them with `erased` false.
    pub(super) fn bytes(&self) -> [u8; FRAME_HEADER] {
        let mut out = [0; FRAME_HEADER];
        let state = if self.erased { ERASED } else { LIVE };
        super::bytes::patch(&mut out, 0, &[self.kind as u8, state]);
        super::bytes::patch(&mut out, 4, &self.ordinal.to_be_bytes());
        super::bytes::patch(&mut out, 8, &self.length.to_be_bytes());
        super::bytes::patch(&mut out, 12, &self.digest);
        out
    }

    /// Whether the sealed bytes are what the header says: the digest, or zeros if erased.
    pub(super) fn matches(&self, sealed: &[u8]) -> bool {
        if self.erased {
            sealed.iter().all(|byte| *byte == 0)
        } else {
            digest(sealed) == self.digest
        }
    }
}

/// The associated data of a frame.
pub(super) fn aad(sequence: u64, ordinal: u32, kind: Kind) -> [u8; 13] {
    let mut out = [0; 13];
    super::bytes::patch(&mut out, 0, &sequence.to_be_bytes());
    super::bytes::patch(&mut out, 8, &ordinal.to_be_bytes());
    super::bytes::patch(&mut out, 12, &[kind as u8]);
    out
}

/// Bytes of a frame with a plaintext of this length.
pub(super) const fn frame_bytes(plain: usize) -> usize {
    FRAME_HEADER + plain + TAG
}

/// Bytes before the key in puts and deletes.
pub(super) const ROW_PREFIX: usize = 3;
/// Bytes before the leaf in leaf frames.
pub(super) const LEAF_PREFIX: usize = 10;
/// Bytes of a number frame's plaintext.
pub(super) const NUMBER_PLAIN: usize = 24;

/// Plaintext of a put or delete, read back: space, key, value.
pub(super) fn parse_row(plain: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let mut reader = Reader::new(plain);
    let space = reader.u8()?;
    let length = reader.u16()?;
    let key = reader.take(usize::from(length))?;
    Some((space, key, reader.rest()))
}

/// Plaintext of a leaf frame, read back: log, index, whether a body follows, leaf.
pub(super) fn parse_leaf(plain: &[u8]) -> Option<(u8, u64, bool, &[u8])> {
    let mut reader = Reader::new(plain);
    let log = reader.u8()?;
    let index = reader.u64()?;
    let body = match reader.u8()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some((log, index, body, reader.rest()))
}

/// Plaintext of a number frame, read back.
pub(super) fn parse_number(plain: &[u8]) -> Option<([u8; 16], u64)> {
    let mut reader = Reader::new(plain);
    let number = (reader.array()?, reader.u64()?);
    reader.is_empty().then_some(number)
}

/// What a frame read by itself turned out to hold.
pub(super) enum Opened<'a> {
    /// The plaintext.
    Live(&'a mut [u8]),
    /// It has been erased.
    Erased,
}

/// Opens one frame, header included, that stands at the front of `bytes`.
pub(super) fn open<'a>(
    sealer: &Sealer,
    sequence: u64,
    expected: Kind,
    bytes: &'a mut [u8],
) -> Result<(FrameHeader, Opened<'a>), Tampered> {
    let (head, sealed) = bytes.split_at_mut_checked(FRAME_HEADER).ok_or(Tampered)?;
    let header = FrameHeader::parse(&mut Reader::new(head)).ok_or(Tampered)?;
    let sealed = sealed.get_mut(..header.length as usize).ok_or(Tampered)?;
    if header.kind != expected {
        return Err(Tampered);
    }
    if header.erased {
        let zero = sealed.iter().all(|byte| *byte == 0);
        return if zero {
            Ok((header, Opened::Erased))
        } else {
            Err(Tampered)
        };
    }
    let aad = aad(sequence, header.ordinal, header.kind);
    let plain = sealer.open(header.ordinal, &aad, sealed)?;
    Ok((header, Opened::Live(plain)))
}
