//! Slows guessing without giving anybody a way to lock a person out.
//!
//! Three brakes, all in memory, bounded and on the monotonic clock: a delay per account that
//! doubles with each failure from 1 s to 60 s, a token bucket per address, one for the whole
//! office. A device that logged in to the account before ([`super::device`]) feels none of them,
//! only a delay of its own, so that nobody else can slow it. There is no hard lock: "restrict
//! after N failures" (안전성 확보조치 기준 제5조 제6항) is met by the growing delay.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bounded::Bounded;
use crate::domain::time::Clock;

/// Longest delay of an account.
const DELAY_MAX: Duration = Duration::from_secs(60);
/// Failures of an account are forgotten after this long without another.
const FORGET: Duration = Duration::from_secs(3600);
/// Accounts and addresses remembered.
const REMEMBERED: usize = 65_536;
/// Failures from one address, which may be a whole office's: successes cost nothing.
const PER_ADDRESS: Rate = Rate {
    burst: 30,
    every: Duration::from_secs(2),
};
/// Near what argon2 manages on a small server.
const OFFICE: Rate = Rate {
    burst: 300,
    every: Duration::from_millis(100),
};

/// Tries turned away that are told one by one; what comes faster is counted.
const TOLD: Rate = Rate {
    burst: 60,
    every: Duration::from_secs(1),
};

/// Wait this long before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failures: wait {} s", .0.as_secs().max(1))]
pub struct RetryAfter(pub Duration);

/// At most `burst` at once, one more after each `every`.
#[derive(Clone, Copy)]
pub(super) struct Rate {
    pub(super) burst: u32,
    pub(super) every: Duration,
}

/// A token bucket, kept as the time at which it will be full again: it is empty when that lies
/// more than `burst × every` ahead.
#[derive(Clone, Copy, Default)]
pub(super) struct Bucket {
    full_at: Duration,
}

impl Bucket {
    pub(super) fn take(&mut self, rate: Rate, now: Duration) {
        self.full_at = self.full_at.max(now) + rate.every;
    }
    pub(super) fn wait(self, rate: Rate, now: Duration) -> Duration {
        let after = self.full_at.max(now) + rate.every;
        after.saturating_sub(now + rate.every * rate.burst)
    }
}

/// Failed tries at one account, by strangers or by its known devices.
#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    last: Duration,
    /// No try before this.
    next: Duration,
}

impl Failures {
    /// `1 s · 2^(count − 1)`, at most [`DELAY_MAX`].
    fn delay(self) -> Duration {
        let seconds = 1_u64 << self.count.saturating_sub(1).min(6);
        Duration::from_secs(seconds).min(DELAY_MAX)
    }
}

/// Whose failures: of the account's known devices, or of everybody else.
type Tries = ([u8; 16], bool);

struct State {
    accounts: Bounded<Tries, Failures>,
    addresses: Bounded<IpAddr, Bucket>,
    office: Bucket,
    told: Bucket,
    untold: u64,
}

/// Failures by account (opaque tag) and address, in memory, bounded.
pub struct Throttle {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Throttle {
    /// No failures yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::new(State {
                accounts: Bounded::new(REMEMBERED),
                addresses: Bounded::new(REMEMBERED),
                office: Bucket::default(),
                told: Bucket::default(),
                untold: 0,
            }),
        }
    }
    /// May a try be made now? If so the account's next try has to wait for this one's outcome
    /// or delay, so that tries in parallel are no way round it; tell the outcome by
    /// [`Throttle::failed`] or [`Throttle::succeeded`]. A device that logged in to this account
    /// before (`known`) is not slowed by others' failures.
    pub fn admit(
        &self,
        account: [u8; 16],
        address: Option<IpAddr>,
        known: bool,
    ) -> Result<(), RetryAfter> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let wait = state.wait((account, known), address.map(network), now);
        if !wait.is_zero() {
            return Err(RetryAfter(wait));
        }
        state.reserve((account, known), now);
        Ok(())
    }
    /// The admitted try failed: the account's delay doubles, address and office are charged.
    pub fn failed(&self, account: [u8; 16], address: Option<IpAddr>, known: bool) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let failures = state.accounts.touch((account, known), Failures::default);
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        failures.next = now + failures.delay();
        if known {
            return;
        }
        state.office.take(OFFICE, now);
        if let Some(address) = address.map(network) {
            let bucket = state.addresses.touch(address, Bucket::default);
            bucket.take(PER_ADDRESS, now);
        }
    }
    /// The admitted try was right: the account's failures are forgotten. The address keeps its
    /// own, or whoever has one good password could guess all others' without end.
    pub fn succeeded(&self, account: [u8; 16], _address: Option<IpAddr>) {
        let mut state = self.state();
        state.accounts.remove(&(account, false));
        state.accounts.remove(&(account, true));
    }

    /// Whether a try that was turned away gets an entry of its own, and how many before it got
    /// none: whoever needs no password must not be able to fill the disk with entries.
    pub fn tell(&self) -> Option<u64> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        if state.told.wait(TOLD, now).is_zero() {
            state.told.take(TOLD, now);
            Some(std::mem::take(&mut state.untold))
        } else {
            state.untold = state.untold.saturating_add(1);
            None
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait(&self, tries: Tries, address: Option<IpAddr>, now: Duration) -> Duration {
        let (_, known) = tries;
        let own = self
            .accounts
            .get(&tries)
            .filter(|f| now.saturating_sub(f.last) < FORGET)
            .map_or(Duration::ZERO, |f| f.next.saturating_sub(now));
        if known {
            return own;
        }
        let bucket = address
            .and_then(|address| self.addresses.get(&address).copied())
            .unwrap_or_default();
        own.max(bucket.wait(PER_ADDRESS, now))
            .max(self.office.wait(OFFICE, now))
    }
    fn reserve(&mut self, tries: Tries, now: Duration) {
        let failures = self.accounts.touch(tries, Failures::default);
        if now.saturating_sub(failures.last) >= FORGET {
            *failures = Failures::default();
        }
        failures.last = now;
        failures.next = now + failures.delay();
    }
}

/// One subscriber's addresses count as one: IPv4 whole, IPv6 by /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests;
