use super::super::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use super::super::tree::{
    Frontier, Hash, HashStore, TreeError, hashes_for_leaf, leaf_hash, node_hash, root, stored_count,
};
use super::{Stored, by_definition, leaves};

fn grow(leaves: &[Vec<u8>]) -> Stored {
    let mut stored = Stored::default();
    for (index, leaf) in leaves.iter().enumerate() {
        let hashes = hashes_for_leaf(index as u64, leaf_hash(leaf), &stored).unwrap();
        stored.0.extend(hashes);
    }
    stored
}

#[test]
fn root_frontier_and_store_agree_with_the_definition_at_every_size() {
    let leaves = leaves(130);
    let mut stored = Stored::default();
    let mut frontier = Frontier::default();
    for size in 0..=leaves.len() {
        let expected = by_definition(&leaves[..size]);
        assert_eq!(root(size as u64, &stored), Ok(expected), "store at {size}");
        assert_eq!(frontier.root(), expected, "frontier at {size}");
        assert_eq!(frontier.size(), size as u64);
        assert_eq!(stored_count(size as u64), stored.0.len() as u64);
        assert_eq!(
            stored_count(size as u64),
            tlog_tiles::stored_hash_count(size as u64)
        );
        if let Some(leaf) = leaves.get(size) {
            let hash = leaf_hash(leaf);
            stored
                .0
                .extend(hashes_for_leaf(size as u64, hash, &stored).unwrap());
            frontier.push(hash);
        }
    }
}

#[test]
fn hashes_are_those_of_tlog_tiles() {
    let (a, b) = (leaf_hash(b"a"), leaf_hash(b"b"));
    assert_eq!(a.0, tlog_tiles::record_hash(b"a").0);
    let node = tlog_tiles::node_hash(tlog_tiles::Hash(a.0), tlog_tiles::Hash(b.0));
    assert_eq!(node_hash(a, b).0, node.0);
    assert_eq!(Hash::from_base64(&a.base64()), Some(a));
    for bad in ["", "AA==", &a.base64()[1..], &format!("{a} ")] {
        assert_eq!(Hash::from_base64(bad), None, "{bad}");
    }
}

#[test]
fn every_proof_of_a_small_tree_holds_and_no_other() {
    let leaves = leaves(19);
    let stored = grow(&leaves);
    let size = leaves.len() as u64;
    let total = by_definition(&leaves);
    for index in 0..size {
        let proof = inclusion(index, size, &stored).unwrap();
        let leaf = leaf_hash(&leaves[index as usize]);
        assert_eq!(verify_inclusion(&proof, index, size, leaf, total), Ok(()));
        assert!(verify_inclusion(&proof, index ^ 1, size, leaf, total).is_err());
        assert!(verify_inclusion(&proof, index, size, total, total).is_err());
        assert!(verify_inclusion(&proof, index, size, leaf, leaf).is_err());
        assert!(verify_inclusion(&proof[1..], index, size, leaf, total).is_err());
    }
    for from in 1..=size {
        let before = by_definition(&leaves[..from as usize]);
        let proof = consistency(from, size, &stored).unwrap();
        assert_eq!(
            verify_consistency(&proof, from, before, size, total),
            Ok(())
        );
        let other = leaf_hash(b"another history");
        assert!(verify_consistency(&proof, from, other, size, total).is_err());
        assert!(verify_consistency(&proof, from, before, size, other).is_err());
    }
}

#[test]
fn what_is_outside_the_tree_is_an_error_not_a_panic() {
    let stored = grow(&leaves(5));
    assert_eq!(inclusion(5, 5, &stored), Err(TreeError::Range));
    assert_eq!(consistency(0, 5, &stored), Err(TreeError::Range));
    assert_eq!(consistency(6, 5, &stored), Err(TreeError::Range));
    assert!(matches!(root(6, &stored), Err(TreeError::Read(_))));
    let hash = leaf_hash(b"");
    for size in [(1 << 48) + 1, u64::MAX - 1, u64::MAX] {
        assert_eq!(root(size, &stored), Err(TreeError::Range));
        assert_eq!(inclusion(0, size, &stored), Err(TreeError::Range));
        assert_eq!(consistency(1, size, &stored), Err(TreeError::Range));
        assert_eq!(hashes_for_leaf(size, hash, &stored), Err(TreeError::Range));
        assert!(verify_inclusion(&[hash; 64], size - 1, size, hash, hash).is_err());
        assert!(verify_consistency(&[hash; 65], size - 1, hash, size, hash).is_err());
        assert!(verify_consistency(&vec![hash; 10_000], 1, hash, size, hash).is_err());
    }
    // 2·size − popcount(size), or as near as fits.
    assert_eq!(stored_count(u64::MAX), u64::MAX - 64);
}

#[test]
fn a_store_that_gives_too_few_hashes_is_an_error_not_a_panic() {
    struct Short;
    impl HashStore for Short {
        fn read(&self, _: &[u64]) -> Result<Vec<Hash>, TreeError> {
            Ok(Vec::new())
        }
    }
    assert!(matches!(root(3, &Short), Err(TreeError::Read(_))));
    assert!(matches!(inclusion(1, 3, &Short), Err(TreeError::Read(_))));
    assert!(matches!(consistency(2, 3, &Short), Err(TreeError::Read(_))));
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    file: String,
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Consistency {
    file: String,
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// The vectors write some hashes as labels of other lengths ("don't care 1"), which our types do
/// not hold: a label stands for the hash of itself, and an empty one for none.
fn hash(text: &str) -> Option<Hash> {
    let label = || Hash::from_base64(text).unwrap_or_else(|| leaf_hash(text.as_bytes()));
    (!text.is_empty()).then(label)
}

fn hashes(proof: Option<&Vec<String>>) -> Option<Vec<Hash>> {
    proof.into_iter().flatten().map(|text| hash(text)).collect()
}

#[test]
fn vectors_of_inclusion() {
    let text = include_str!("../../../tests/vectors/merkle/inclusion.jsonl");
    let mut held = 0;
    for line in text.lines() {
        let v: Inclusion = serde_json::from_str(line).unwrap();
        let verdict = || {
            let (leaf, root) = (hash(&v.leaf_hash)?, hash(&v.root)?);
            let proof = hashes(v.proof.as_ref())?;
            verify_inclusion(&proof, v.leaf_idx, v.tree_size, leaf, root).ok()
        };
        assert_eq!(verdict().is_none(), v.want_err, "{}", v.file);
        held += usize::from(!v.want_err);
    }
    assert_eq!((text.lines().count(), held), (98, 6));
}

#[test]
fn vectors_of_consistency() {
    let text = include_str!("../../../tests/vectors/merkle/consistency.jsonl");
    let mut held = 0;
    for line in text.lines() {
        let v: Consistency = serde_json::from_str(line).unwrap();
        let verdict = || {
            let (from, to) = (hash(&v.root1)?, hash(&v.root2)?);
            let proof = hashes(v.proof.as_ref())?;
            verify_consistency(&proof, v.size1, from, v.size2, to).ok()
        };
        assert_eq!(verdict().is_none(), v.want_err, "{}", v.file);
        held += usize::from(!v.want_err);
    }
    assert_eq!((text.lines().count(), held), (98, 6));
}
