//! How many connections one address may have, so that one does not take the room of all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections by address.
#[derive(Clone)]
pub(super) struct Crowd {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection's place in the count; given back when dropped.
pub(super) struct Place {
    counted: Option<(Crowd, IpAddr)>,
}

/// Who is counted together. A host of IPv6 has a whole /64 to choose its address from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        short @ IpAddr::V4(_) => short,
    }
}

impl Crowd {
    /// At most so many connections of one address.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    /// A place for one more connection from here, or none. Loopback is not counted: a reverse
    /// proxy brings everybody's requests from there, and only the proxy can tell them apart.
    pub(super) fn enter(&self, from: IpAddr) -> Option<Place> {
        if from.to_canonical().is_loopback() {
            return Some(Place { counted: None });
        }
        let from = network(from);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(from).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            counted: Some((self.clone(), from)),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((crowd, from)) = self.counted.take() else {
            return;
        };
        let mut open = crowd.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = open.entry(from) {
            *count.get_mut() -= 1;
            // An address that has left is forgotten.
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_so_many_places_and_takes_none_of_another() {
        let crowd = Crowd::new(2);
        let held: Vec<_> = (0..2).map(|_| crowd.enter(ip("192.0.2.1"))).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(crowd.enter(ip("192.0.2.1")).is_none());
        assert!(crowd.enter(ip("::ffff:192.0.2.1")).is_none(), "the same");
        assert!(crowd.enter(ip("192.0.2.2")).is_some());
        drop(held);
        assert!(crowd.enter(ip("192.0.2.1")).is_some());
        assert_eq!(crowd.open.lock().unwrap().len(), 0, "nobody is remembered");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let crowd = Crowd::new(1);
        let _held = crowd.enter(ip("2001:db8:1:2::1")).unwrap();
        assert!(crowd.enter(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(crowd.enter(ip("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn loopback_is_not_counted() {
        let crowd = Crowd::new(1);
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let held: Vec<_> = (0..9).map(|_| crowd.enter(ip(address))).collect();
            assert!(held.iter().all(Option::is_some), "{address}");
        }
    }
}
