//! The machine's clocks, moved on by hand past a term that nobody waits for in a benchmark.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bongham::domain::time::{Clock, SystemClock, Timestamp};

/// Runs as the machine's clocks do, some time ahead of them.
#[derive(Default)]
pub(crate) struct Ahead {
    machine: SystemClock,
    milliseconds: AtomicU64,
}

impl Ahead {
    /// Moves both clocks on.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.fetch_add(by, Ordering::SeqCst);
    }

    fn by(&self) -> Duration {
        Duration::from_millis(self.milliseconds.load(Ordering::SeqCst))
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.machine.now().plus(self.by())
    }
    fn monotonic(&self) -> Duration {
        self.machine.monotonic().saturating_add(self.by())
    }
}
