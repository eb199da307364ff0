//! Log-ins that wait for argon2id: one an account, four an address. So nobody fills the queue with
//! one account, and no one address keeps everybody else out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::throttle::network;

/// Waiting for one account.
const PER_ACCOUNT: u32 = 1;
/// Waiting from one address.
const PER_ADDRESS: u32 = 4;

/// An account (opaque tag), and whether by a device that is known to it: strangers take nobody's
/// place on their own device.
pub type Whose = ([u8; 16], bool);

#[derive(Default)]
struct Counts {
    accounts: HashMap<Whose, u32>,
    addresses: HashMap<IpAddr, u32>,
}

/// Who waits, in memory; no longer than those who wait.
#[derive(Clone, Default)]
pub struct Waiting(Arc<Mutex<Counts>>);

/// A place in the queue; given back when dropped.
pub struct Place {
    waiting: Waiting,
    whose: Whose,
    address: Option<IpAddr>,
}

impl Waiting {
    /// A place, if there is one. A known device minds only its own account's.
    pub fn enter(&self, whose: Whose, address: Option<IpAddr>) -> Option<Place> {
        let (_, known) = whose;
        let address = address.filter(|_| !known).map(network);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = counts.accounts.get(&whose).copied().unwrap_or_default();
        let of_address = address.and_then(|address| counts.addresses.get(&address).copied());
        if of_account >= PER_ACCOUNT || of_address.is_some_and(|count| count >= PER_ADDRESS) {
            return None;
        }
        counts.accounts.insert(whose, of_account + 1);
        if let Some(address) = address {
            *counts.addresses.entry(address).or_default() += 1;
        }
        Some(Place {
            waiting: self.clone(),
            whose,
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let counts = &mut *self
            .waiting
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        leave(&mut counts.accounts, &self.whose);
        if let Some(address) = &self.address {
            leave(&mut counts.addresses, address);
        }
    }
}

fn leave<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(account: u8, known: bool) -> Whose {
        ([account; 16], known)
    }

    #[test]
    fn one_waits_for_an_account_and_four_from_an_address() {
        let waiting = Waiting::default();
        let here = Some(IpAddr::from([192, 0, 2, 7]));
        let there = Some(IpAddr::from([192, 0, 2, 8]));
        let first = waiting.enter(whose(1, false), here).unwrap();
        assert!(waiting.enter(whose(1, false), there).is_none());
        let more: Vec<_> = (2..=4)
            .map(|account| waiting.enter(whose(account, false), here).unwrap())
            .collect();
        assert!(waiting.enter(whose(5, false), here).is_none());
        // Another address, a known device, and the control socket have places of their own.
        assert!(waiting.enter(whose(5, false), there).is_some());
        let known = waiting.enter(whose(1, true), here).unwrap();
        assert!(waiting.enter(whose(1, true), here).is_none());
        assert!(waiting.enter(whose(6, false), None).is_some());
        drop((first, more, known));
        assert!(waiting.enter(whose(1, false), here).is_some());
        let counts = waiting.0.lock().unwrap();
        assert!(counts.accounts.is_empty() && counts.addresses.is_empty());
    }

    #[test]
    fn a_subscribers_addresses_count_as_one() {
        let waiting = Waiting::default();
        let places: Vec<_> = (0..5_u8)
            .map(|n| {
                let address: IpAddr = format!("2001:db8::{n:x}").parse().unwrap();
                waiting.enter(whose(n, false), Some(address))
            })
            .collect();
        assert_eq!(places.iter().flatten().count(), 4);
    }
}
