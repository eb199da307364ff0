//! A map that never grows past its bound: the entry touched longest ago makes room.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// At most `bound` entries, the least recently touched leaves first.
pub(super) struct Bounded<K, V> {
    bound: usize,
    next: u64,
    entries: HashMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            next: 0,
            entries: HashMap::new(),
            order: BTreeMap::new(),
        }
    }
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }
    /// The entry of `key`, made by `fresh` if there is none, now the last to leave.
    pub(super) fn touch(&mut self, key: K, fresh: impl FnOnce() -> V) -> &mut V {
        if !self.entries.contains_key(&key) && self.entries.len() >= self.bound {
            self.evict();
        }
        let stamp = self.next;
        self.next += 1;
        let (held, value) = self.entries.entry(key).or_insert_with(|| (stamp, fresh()));
        self.order.remove(held);
        *held = stamp;
        self.order.insert(stamp, key);
        value
    }
    pub(super) fn remove(&mut self, key: &K) {
        if let Some((stamp, _)) = self.entries.remove(key) {
            self.order.remove(&stamp);
        }
    }
    fn evict(&mut self) {
        if let Some((_, oldest)) = self.order.pop_first() {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_touched_longest_ago_leaves() {
        let mut map = Bounded::new(2);
        *map.touch(1, || 0) += 1;
        *map.touch(2, || 0) += 1;
        *map.touch(1, || 0) += 1;
        *map.touch(3, || 0) += 1;
        assert_eq!(
            (map.get(&1), map.get(&2), map.get(&3)),
            (Some(&2), None, Some(&1))
        );
        assert_eq!((map.entries.len(), map.order.len()), (2, 2));
        map.remove(&1);
        assert_eq!((map.entries.len(), map.order.len()), (1, 1));
    }
}
