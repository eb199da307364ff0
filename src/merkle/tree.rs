//! Hashes of a growing tree.
//!
//! Stored hashes lie in one dense sequence: after the hash of leaf `n` come those of every complete
//! subtree that this leaf closes, smallest first (the order of `tlog_tiles::stored_hash_index`).

use std::fmt;

use data_encoding::BASE64;
use ring::digest::{Context, SHA256, digest};

/// A SHA-256 hash of a leaf, node or root.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Standard base64 with padding, as it stands in checkpoints (44 characters).
    pub fn base64(&self) -> String {
        BASE64.encode(&self.0)
    }
    /// Reads what [`Hash::base64`] writes; `None` for anything else.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
    fn of(digest: &ring::digest::Digest) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base64())
    }
}

/// `SHA-256(0x00 ‖ leaf)`, RFC 6962 §2.1.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(leaf);
    Hash::of(&context.finish())
}

/// `SHA-256(0x01 ‖ left ‖ right)`, RFC 6962 §2.1.
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[1]);
    context.update(&left.0);
    context.update(&right.0);
    Hash::of(&context.finish())
}

/// Why a tree cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The store of hashes failed or gave the wrong number of them.
    #[error("stored hashes cannot be read: {0}")]
    Read(String),
    /// An index or size that this tree does not have.
    #[error("outside the tree")]
    Range,
}

/// The dense sequence of stored hashes of a tree (order of `tlog_tiles::stored_hash_index`).
pub trait HashStore {
    /// The hashes at these positions, in their order.
    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, TreeError>;
}

/// More leaves than any log of this program will have. `tlog_tiles` computes positions without
/// checking for overflow; below this bound none happens.
const SIZE_MAX: u64 = 1 << 48;

/// `size` if the tree can be that large.
pub(super) const fn bounded(size: u64) -> Result<u64, TreeError> {
    if size <= SIZE_MAX {
        Ok(size)
    } else {
        Err(TreeError::Range)
    }
}

/// A [`HashStore`] in the shape of `tlog_tiles`, which panics if it is given too few hashes.
pub(super) struct Reader<'a>(pub(super) &'a dyn HashStore);

impl tlog_tiles::HashReader for Reader<'_> {
    fn read_hashes(&self, positions: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let hashes = self
            .0
            .read(positions)
            .map_err(|error| tlog_tiles::Error::InvalidInput(error.to_string()))?;
        if hashes.len() == positions.len() {
            Ok(hashes
                .into_iter()
                .map(|hash| tlog_tiles::Hash(hash.0))
                .collect())
        } else {
            let message = format!("{} hashes for {} positions", hashes.len(), positions.len());
            Err(tlog_tiles::Error::InvalidInput(message))
        }
    }
}

/// An error of `tlog_tiles` after the sizes were checked: the store's.
#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
pub(super) fn read_error(error: tlog_tiles::Error) -> TreeError {
    TreeError::Read(error.to_string())
}

pub(super) fn ours(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| Hash(hash.0)).collect()
}

/// Number of stored hashes of a tree of `size` leaves: `2·size − popcount(size)`.
pub fn stored_count(size: u64) -> u64 {
    size.saturating_mul(2)
        .saturating_sub(size.count_ones().into())
}

/// The hashes to append to the store when leaf number `index` with this hash is added. Reads the
/// roots of the subtrees that it closes.
pub fn hashes_for_leaf(
    index: u64,
    hash: Hash,
    store: &dyn HashStore,
) -> Result<Vec<Hash>, TreeError> {
    let index = bounded(index)?;
    let leaf = tlog_tiles::Hash(hash.0);
    tlog_tiles::stored_hashes_for_record_hash(index, leaf, &Reader(store))
        .map(ours)
        .map_err(read_error)
}

/// Root of the tree of `size` leaves; of no leaves, SHA-256 of nothing.
pub fn root(size: u64, store: &dyn HashStore) -> Result<Hash, TreeError> {
    tlog_tiles::tree_hash(bounded(size)?, &Reader(store))
        .map(|hash| Hash(hash.0))
        .map_err(read_error)
}

/// The root alone, in O(log n) memory, for one pass over leaves: the roots of the complete subtrees
/// that `size` is made of, largest first.
#[derive(Default, Clone)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = node_hash(left, hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }
    /// Leaves so far.
    pub const fn size(&self) -> u64 {
        self.size
    }
    /// Root of the tree of the leaves so far; of none, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        self.fold(None)
            .unwrap_or_else(|| Hash::of(&digest(&SHA256, &[])))
    }
    /// The root of a tree whose right edge, behind these subtrees, is `right`.
    pub(super) fn fold(&self, right: Option<Hash>) -> Option<Hash> {
        self.subtrees.iter().rev().fold(right, |right, left| {
            Some(right.map_or(*left, |right| node_hash(*left, right)))
        })
    }
}
