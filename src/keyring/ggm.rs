//! A puncturable key: the tree of Goldreich, Goldwasser and Micali over one bucket's slots.
//!
//! The seed of a node gives the seeds of its two children, `HMAC-SHA-256(seed, "bongham/ggm/1" ‖
//! bit)`, and never the other way. A tree is kept as the least set of seeds that covers its live
//! slots; taking a slot out replaces the seed above it by the at most ten seeds beside its path.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::domain::id::UnitId;
use crate::domain::secret::Secret;

use super::formula::mac;

/// Levels below the root: 2^10 = [`UnitId::SLOTS`] leaves.
const DEPTH: u8 = 10;
const _: () = assert!(1u16 << DEPTH == UnitId::SLOTS);
/// The level whose seeds are remembered once derived: half the way down.
const HALFWAY: u8 = 5;

/// One seed and the subtree it stands for.
struct Node {
    /// 0 is the root of the tree, [`DEPTH`] a leaf.
    level: u8,
    /// Position within its level, from the left.
    index: u16,
    seed: Secret<32>,
}

impl Node {
    /// How many leaves stand under the node.
    const fn width(&self) -> u16 {
        1 << (DEPTH - self.level)
    }
    const fn first(&self) -> u16 {
        self.index << (DEPTH - self.level)
    }
    const fn last(&self) -> u16 {
        self.first() + (self.width() - 1)
    }
    /// `HMAC-SHA-256(seed, "bongham/ggm/1" ‖ bit)`.
    fn child(&self, bit: u8) -> Self {
        Self {
            level: self.level + 1,
            index: self.index << 1 | u16::from(bit),
            seed: mac(self.seed.expose(), &[b"bongham/ggm/1", &[bit]]),
        }
    }
    /// The node of `level` above `slot`, which stands under this one.
    fn towards(&self, slot: u16, level: u8) -> Self {
        let mut node = self.duplicate();
        while node.level < level {
            let bit = slot >> (DEPTH - node.level - 1) & 1;
            node = node.child(u8::from(bit == 1));
        }
        node
    }
    fn duplicate(&self) -> Self {
        Self {
            level: self.level,
            index: self.index,
            seed: self.seed.duplicate(),
        }
    }
    /// Adds to `kept` what is left of this subtree without `gone` (sorted, all of them inside it).
    fn cut(self, gone: &[u16], kept: &mut Vec<Self>) {
        if gone.is_empty() {
            kept.push(self);
        } else if self.level < DEPTH {
            let (left, right) = (self.child(0), self.child(1));
            let (in_left, in_right) = gone.split_at(gone.partition_point(|s| *s <= left.last()));
            left.cut(in_left, kept);
            right.cut(in_right, kept);
        }
    }
}

/// The live slots of one bucket.
pub(super) struct Tree {
    /// Disjoint, from the left.
    nodes: Vec<Node>,
    /// Nodes of level [`HALFWAY`] by index, derived when first needed: they say nothing that
    /// `nodes` does not, and go with them, for a punctured tree is another tree.
    halfway: Box<[OnceLock<Node>]>,
}

/// A seed as it stands in a blob.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct SeedRow {
    level: u8,
    index: u16,
    seed: [u8; 32],
}

impl Tree {
    /// The tree of `seed` with every slot live.
    pub(super) fn whole(seed: Secret<32>) -> Self {
        Self::of(vec![Node {
            level: 0,
            index: 0,
            seed,
        }])
    }

    fn of(nodes: Vec<Node>) -> Self {
        let halfway = (0..1 << HALFWAY).map(|_| OnceLock::new()).collect();
        Self { nodes, halfway }
    }

    /// The key of `slot`; `None` if the slot is punctured.
    pub(super) fn derive(&self, slot: u16) -> Option<Secret<32>> {
        let covering = self.covering(slot)?;
        if covering.level >= HALFWAY {
            return Some(covering.towards(slot, DEPTH).seed);
        }
        let index = usize::from(slot >> (DEPTH - HALFWAY));
        let halfway = self.halfway.get(index)?;
        let halfway = halfway.get_or_init(|| covering.towards(slot, HALFWAY));
        Some(halfway.towards(slot, DEPTH).seed)
    }

    /// Whether `slot` still has its key.
    pub(super) fn holds(&self, slot: u16) -> bool {
        self.covering(slot).is_some()
    }

    /// The same tree without `slots`, in any order; slots that are gone already change nothing.
    pub(super) fn without(&self, slots: &[u16]) -> Self {
        let mut slots = slots.to_vec();
        slots.sort_unstable();
        slots.dedup();
        let mut kept = Vec::with_capacity(self.nodes.len() + slots.len() * usize::from(DEPTH));
        for node in &self.nodes {
            let from = slots.partition_point(|s| *s < node.first());
            let to = slots.partition_point(|s| *s <= node.last());
            node.duplicate()
                .cut(slots.get(from..to).unwrap_or_default(), &mut kept);
        }
        Self::of(kept)
    }

    /// Whether no slot is live.
    pub(super) const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The seeds as they stand in a blob.
    pub(super) fn rows(&self) -> Vec<SeedRow> {
        let row = |node: &Node| SeedRow {
            level: node.level,
            index: node.index,
            seed: *node.seed.expose(),
        };
        self.nodes.iter().map(row).collect()
    }

    /// The tree of these seeds; `None` unless they are disjoint, in order and inside the tree.
    pub(super) fn from_rows(rows: &[SeedRow]) -> Option<Self> {
        let mut nodes: Vec<Node> = Vec::with_capacity(rows.len());
        for row in rows {
            if row.level > DEPTH || row.index >> row.level != 0 {
                return None;
            }
            let node = Node {
                level: row.level,
                index: row.index,
                seed: Secret::new(row.seed),
            };
            if nodes
                .last()
                .is_some_and(|before| before.last() >= node.first())
            {
                return None;
            }
            nodes.push(node);
        }
        Some(Self::of(nodes))
    }

    fn covering(&self, slot: u16) -> Option<&Node> {
        if slot >= UnitId::SLOTS {
            return None;
        }
        let at = self.nodes.partition_point(|node| node.last() < slot);
        self.nodes.get(at).filter(|node| node.first() <= slot)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The definition itself: walk from the root by the bits of the slot.
    fn naive(seed: [u8; 32], slot: u16) -> [u8; 32] {
        (0..10).rev().fold(seed, |seed, shift| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &seed);
            let message = [&b"bongham/ggm/1"[..], &[u8::from(slot >> shift & 1 == 1)]].concat();
            ring::hmac::sign(&key, &message)
                .as_ref()
                .try_into()
                .unwrap()
        })
    }

    fn agrees(tree: &Tree, seed: [u8; 32], gone: &BTreeSet<u16>) {
        for slot in 0..UnitId::SLOTS {
            let wanted = (!gone.contains(&slot)).then(|| naive(seed, slot));
            assert_eq!(
                tree.derive(slot).map(|key| *key.expose()),
                wanted,
                "slot {slot}"
            );
            assert_eq!(tree.holds(slot), !gone.contains(&slot));
        }
    }

    #[test]
    fn the_first_puncture_leaves_ten_seeds_and_the_last_none() {
        let tree = Tree::whole(Secret::new([1; 32]));
        assert_eq!(tree.without(&[517]).nodes.len(), 10);
        assert!(tree.without(&(0..1024).collect::<Vec<_>>()).is_empty());
        assert!(tree.derive(1024).is_none());
    }

    #[test]
    fn no_seed_that_is_kept_stands_above_a_punctured_slot() {
        let tree = Tree::whole(Secret::new([1; 32])).without(&[3, 4, 900]);
        for node in &tree.nodes {
            for slot in [3, 4, 900] {
                assert!(slot < node.first() || slot > node.last());
            }
        }
    }

    #[test]
    fn rows_that_overlap_or_leave_the_tree_are_refused() {
        let row = |level, index| SeedRow {
            level,
            index,
            seed: [0; 32],
        };
        assert!(Tree::from_rows(&[row(1, 0), row(1, 1)]).is_some());
        assert!(Tree::from_rows(&[row(1, 1), row(1, 0)]).is_none());
        assert!(Tree::from_rows(&[row(0, 0), row(10, 5)]).is_none());
        assert!(Tree::from_rows(&[row(1, 2)]).is_none());
        assert!(Tree::from_rows(&[row(11, 0)]).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn punctures_agree_with_the_definition(
            seed in any::<[u8; 32]>(),
            batches in prop::collection::vec(
                prop::collection::vec(0..UnitId::SLOTS, 1..40), 1..5),
        ) {
            let mut tree = Tree::whole(Secret::new(seed));
            let mut gone = BTreeSet::new();
            for batch in batches {
                let before = tree.nodes.len();
                let fresh = batch.iter().filter(|slot| gone.insert(**slot)).count();
                tree = tree.without(&batch);
                prop_assert!(tree.nodes.len() <= before + 10 * fresh);
                prop_assert!(fresh > 0 || tree.nodes.len() == before);
                let stored = Tree::from_rows(&tree.rows());
                tree = stored.expect("what was written reads back");
                agrees(&tree, seed, &gone);
            }
        }
    }
}
