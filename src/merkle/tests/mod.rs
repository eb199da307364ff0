//! Tests of the trees against the definition of RFC 6962 and the vectors of others.

mod bundle;
mod checkpoint;
mod large;
mod tree;

use super::tree::Hash;
use super::tree::{HashStore, TreeError};
use crate::domain::secret::Secret;

/// Stored hashes in memory.
#[derive(Default)]
struct Stored(Vec<Hash>);

impl HashStore for Stored {
    fn read(&self, positions: &[u64]) -> Result<Vec<Hash>, TreeError> {
        positions
            .iter()
            .map(|at| {
                let at = usize::try_from(*at).map_err(|_| TreeError::Range)?;
                self.0.get(at).copied().ok_or(TreeError::Range)
            })
            .collect()
    }
}

/// The definition of RFC 6962 §2.1, in its own words and with nothing of the program's.
fn by_definition(leaves: &[Vec<u8>]) -> Hash {
    fn sha256(parts: &[&[u8]]) -> Hash {
        let digest = ring::digest::digest(&ring::digest::SHA256, &parts.concat());
        Hash(digest.as_ref().try_into().unwrap())
    }
    match leaves {
        [] => sha256(&[]),
        [leaf] => sha256(&[&[0], leaf]),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256(&[&[1], &by_definition(left).0, &by_definition(right).0])
        }
    }
}

/// Leaves that all differ, of 0 to 40 bytes.
fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|i| {
            let mut leaf = format!("{i}:").into_bytes();
            leaf.resize(i % 37 + leaf.len(), b'x');
            leaf
        })
        .collect()
}

fn seed(byte: u8) -> Secret<32> {
    Secret::new([byte; 32])
}
