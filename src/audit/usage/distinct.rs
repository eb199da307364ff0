//! Numbers and distinct ids over a window of slots.

use std::collections::HashMap;

/// The window, and the slot that has begun.
const SLOTS: usize = 289;
/// Ids of one kind kept for one account: 2 MiB at the most.
pub(super) const REMEMBERED: usize = 1 << 16;
/// Slots between two looks for ids that have left the window.
const SWEEP_SLOTS: i64 = 12;

/// Numbers by slot, over the window.
pub(super) struct Ring {
    slots: Vec<u32>,
    newest: i64,
    pub(super) total: u32,
}

impl Ring {
    pub(super) fn new(now: i64) -> Self {
        Self {
            slots: vec![0; SLOTS],
            newest: now,
            total: 0,
        }
    }
    fn at(&mut self, slot: i64) -> Option<&mut u32> {
        let index = usize::try_from(slot.rem_euclid(SLOTS as i64)).unwrap_or(0);
        self.slots.get_mut(index)
    }
    fn holds(&self, slot: i64) -> bool {
        slot <= self.newest && self.newest - slot < SLOTS as i64
    }
    /// Time goes on; it never goes back.
    pub(super) fn advance(&mut self, now: i64) {
        if now - self.newest >= SLOTS as i64 {
            self.slots.fill(0);
            self.total = 0;
            self.newest = now;
        }
        while self.newest < now {
            self.newest += 1;
            let newest = self.newest;
            let gone = self.at(newest).map(std::mem::take).unwrap_or(0);
            self.total = self.total.saturating_sub(gone);
        }
    }
    pub(super) fn add(&mut self, slot: i64, number: u32) {
        if self.holds(slot) {
            self.total = self.total.saturating_add(number);
            if let Some(here) = self.at(slot) {
                *here = here.saturating_add(number);
            }
        }
    }
    fn remove(&mut self, slot: i64, number: u32) {
        if self.holds(slot) {
            self.total = self.total.saturating_sub(number);
            if let Some(here) = self.at(slot) {
                *here = here.saturating_sub(number);
            }
        }
    }
    pub(super) fn recent(&mut self) -> u32 {
        let newest = self.newest;
        let [last, before] = [newest, newest - 1].map(|slot| self.at(slot).copied().unwrap_or(0));
        last.saturating_add(before)
    }
}

/// An id that somebody is about to disclose.
#[derive(Default)]
struct Awaited {
    holders: u32,
    /// Whether it adds to the count, and to the recent one.
    adds: bool,
    recent: bool,
}

/// Distinct ids: those of durable entries, and those reserved.
pub(super) struct Distinct {
    pub(super) seen: HashMap<u64, i64>,
    pub(super) ring: Ring,
    awaited: HashMap<u64, Awaited>,
    adding: u32,
    recent: u32,
    swept: i64,
}

impl Distinct {
    pub(super) fn new(now: i64) -> Self {
        Self {
            seen: HashMap::new(),
            ring: Ring::new(now),
            awaited: HashMap::new(),
            adding: 0,
            recent: 0,
            swept: now,
        }
    }
    pub(super) fn total(&self) -> u32 {
        self.ring.total.saturating_add(self.adding)
    }
    pub(super) fn recent(&mut self) -> u32 {
        self.ring.recent().saturating_add(self.recent)
    }
    /// Whether this id would add to the count, and to the recent one.
    fn novelty(&self, id: u64) -> (bool, bool) {
        if self.awaited.contains_key(&id) {
            return (false, false);
        }
        match self.seen.get(&id) {
            Some(slot) if self.ring.holds(*slot) => (false, *slot < self.ring.newest - 1),
            _ => (true, true),
        }
    }
    pub(super) fn hold(&mut self, id: u64) {
        let (adds, recent) = self.novelty(id);
        let awaited = self.awaited.entry(id).or_default();
        awaited.holders += 1;
        if adds {
            awaited.adds = true;
            self.adding += 1;
        }
        if recent {
            awaited.recent = true;
            self.recent += 1;
        }
    }
    pub(super) fn unhold(&mut self, id: u64) {
        let Some(awaited) = self.awaited.get_mut(&id) else {
            return;
        };
        awaited.holders = awaited.holders.saturating_sub(1);
        if awaited.holders == 0 {
            let (adds, recent) = (u32::from(awaited.adds), u32::from(awaited.recent));
            self.adding = self.adding.saturating_sub(adds);
            self.recent = self.recent.saturating_sub(recent);
            self.awaited.remove(&id);
        }
    }
    /// It was disclosed: durable.
    pub(super) fn note(&mut self, id: u64, slot: i64) {
        if let Some(awaited) = self.awaited.get_mut(&id) {
            let adds = u32::from(std::mem::take(&mut awaited.adds));
            let recent = u32::from(std::mem::take(&mut awaited.recent));
            self.adding = self.adding.saturating_sub(adds);
            self.recent = self.recent.saturating_sub(recent);
        }
        if let Some(last) = self.seen.get_mut(&id) {
            let before = std::mem::replace(last, slot);
            self.ring.remove(before, 1);
        } else if self.room(slot) {
            self.seen.insert(id, slot);
        }
        self.ring.add(slot, 1);
    }
    /// Whether one more id can be kept; drops those that have left the window now and then.
    fn room(&mut self, now: i64) -> bool {
        let full = self.seen.len() >= REMEMBERED;
        let since = now - self.swept;
        if since >= SWEEP_SLOTS || full && since > 0 {
            let ring = &self.ring;
            self.seen.retain(|_, slot| ring.holds(*slot));
            self.seen.shrink_to(self.seen.len() * 2);
            self.swept = now;
        }
        self.seen.len() < REMEMBERED
    }
}
