//! How fast one person may ask. Keyed by the account alone: what others do changes nothing, and
//! neither does what is asked for, so that nothing can be learnt from being slowed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bounded::Bounded;
use super::throttle::{Bucket, Rate};
use crate::domain::id::AccountId;
use crate::domain::time::Clock;

/// Accounts remembered.
const REMEMBERED: usize = 65_536;
/// One who is turned away gets an entry this often, with the number of the others.
const TOLD: Duration = Duration::from_secs(60);

/// At most `burst` requests at once, and `per_second` in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaceLimit {
    /// In the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

impl Default for PaceLimit {
    fn default() -> Self {
        Self {
            per_second: 20,
            burst: 40,
        }
    }
}

impl PaceLimit {
    fn rate(self) -> Rate {
        Rate {
            burst: self.burst.max(1),
            every: Duration::from_secs(1) / self.per_second.max(1),
        }
    }
}

/// A request that came too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast {
    /// When to come back.
    pub wait: Duration,
    /// Whether it gets an entry of its own, and how many before it got none.
    pub told: Option<u64>,
}

#[derive(Default)]
struct Asker {
    bucket: Bucket,
    told: Option<Duration>,
    untold: u64,
}

/// Requests by account, in memory, bounded, on the monotonic clock.
pub struct Pace {
    clock: Arc<dyn Clock>,
    state: Mutex<(Rate, Bounded<AccountId, Asker>)>,
}

impl Pace {
    /// At the usual limit.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let rate = PaceLimit::default().rate();
        Self {
            clock,
            state: Mutex::new((rate, Bounded::new(REMEMBERED))),
        }
    }
    /// Another limit from now on.
    pub fn limit(&self, limit: PaceLimit) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = limit.rate();
    }
    /// One more request of this account.
    pub fn take(&self, account: AccountId) -> Result<(), TooFast> {
        let now = self.clock.monotonic();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = state.0;
        let asker = state.1.touch(account, Asker::default);
        let wait = asker.bucket.wait(rate, now);
        if wait.is_zero() {
            asker.bucket.take(rate, now);
            return Ok(());
        }
        let due = asker
            .told
            .is_none_or(|last| now.saturating_sub(last) >= TOLD);
        let told = if due {
            asker.told = Some(now);
            Some(std::mem::take(&mut asker.untold))
        } else {
            asker.untold = asker.untold.saturating_add(1);
            None
        };
        Err(TooFast { wait, told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{SteppedClock, Timestamp};

    fn account(byte: u8) -> AccountId {
        AccountId::from_bytes([byte; 16])
    }

    fn pace() -> (Pace, Arc<SteppedClock>) {
        let clock = Arc::new(SteppedClock::at(Timestamp::from_millis(0)));
        (Pace::new(clock.clone()), clock)
    }

    #[test]
    fn a_burst_passes_and_then_so_many_a_second_for_this_account_alone() {
        let (pace, clock) = pace();
        let passed = |account| (0..100).filter(|_| pace.take(account).is_ok()).count();
        assert_eq!(passed(account(1)), 40);
        assert_eq!(passed(account(2)), 40);
        clock.advance(Duration::from_secs(1));
        assert_eq!(passed(account(1)), 20);
        let wait = pace.take(account(1)).unwrap_err().wait;
        assert_eq!(wait, Duration::from_millis(50));
        clock.advance(wait);
        assert_eq!(passed(account(1)), 1);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(passed(account(1)), 40);
    }

    #[test]
    fn what_is_turned_away_is_told_once_a_minute_with_the_number_of_the_rest() {
        let (pace, clock) = pace();
        pace.limit(PaceLimit {
            per_second: 1,
            burst: 1,
        });
        pace.take(account(1)).unwrap();
        let told = || pace.take(account(1)).unwrap_err().told;
        assert_eq!([told(), told(), told()], [Some(0), None, None]);
        clock.advance(Duration::from_millis(500));
        assert_eq!(told(), None);
        clock.advance(TOLD);
        pace.take(account(1)).unwrap();
        assert_eq!(told(), Some(3));
    }
}
