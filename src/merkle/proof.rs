//! Inclusion and consistency proofs (RFC 6962 §2.1.1, §2.1.2).

use super::tree::{self, Hash, HashStore, Reader, TreeError};

/// The proof does not show what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold")]
pub struct BadProof;

/// More hashes than a proof in any tree has.
const PROOF_MAX: usize = 128;

fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

fn path(proof: &[Hash]) -> Result<Vec<tlog_tiles::Hash>, BadProof> {
    if proof.len() > PROOF_MAX {
        return Err(BadProof);
    }
    Ok(proof.iter().copied().map(theirs).collect())
}

/// The proof that leaf `index` stands in the tree of `size` leaves, leaf to root.
pub fn inclusion(index: u64, size: u64, store: &dyn HashStore) -> Result<Vec<Hash>, TreeError> {
    if index >= tree::bounded(size)? {
        return Err(TreeError::Range);
    }
    tlog_tiles::prove_record(size, index, &Reader(store))
        .map(tree::ours)
        .map_err(tree::read_error)
}

/// The proof that the tree of `to` leaves begins with the tree of `from`. From no leaves there is
/// nothing to prove: [`TreeError::Range`].
pub fn consistency(from: u64, to: u64, store: &dyn HashStore) -> Result<Vec<Hash>, TreeError> {
    if from == 0 || from > tree::bounded(to)? {
        return Err(TreeError::Range);
    }
    tlog_tiles::prove_tree(to, from, &Reader(store))
        .map(tree::ours)
        .map_err(tree::read_error)
}

/// Checks that the leaf with this hash is number `index` of the `size` leaves under `root`.
pub fn verify_inclusion(
    proof: &[Hash],
    index: u64,
    size: u64,
    leaf: Hash,
    root: Hash,
) -> Result<(), BadProof> {
    tlog_tiles::check_record(&path(proof)?, size, theirs(root), index, theirs(leaf))
        .map_err(|_| BadProof)
}

/// Checks that the `to` leaves under `to_root` begin with the `from` leaves under `from_root`. From
/// no leaves it always fails: an empty tree vouches for nothing.
pub fn verify_consistency(
    proof: &[Hash],
    from: u64,
    from_root: Hash,
    to: u64,
    to_root: Hash,
) -> Result<(), BadProof> {
    tlog_tiles::check_tree(&path(proof)?, to, theirs(to_root), from, theirs(from_root))
        .map_err(|_| BadProof)
}
