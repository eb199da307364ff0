//! How far the index may run ahead of what is given back.
//!
//! sled replaces a page for every row, and frees the old one only when each thread that was within
//! sled at that moment has left it (epoch-based reclamation, Fraser 2004; `crossbeam-epoch`). One
//! thread that the system puts aside just then holds back all that is replaced meanwhile: thirty
//! megabytes within a tenth of a second were seen. So whoever writes rows leaves a mark now and then, which
//! goes the way of the pages, and waits where too many marks are still there.
//!
//! It rests on sled's pages and these marks going to the same collector, that of the one version of
//! `crossbeam-epoch` in the tree. Not guaranteed: a thread that stays within sled for longer than a
//! quarter of a second is waited for once and no more until it has left, and memory grows as it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Rows between two marks.
const EVERY: usize = 256;
/// Marks that may be left. Reclaiming takes two steps of the epoch, so fewer would always be waited for.
const AHEAD: usize = 3;
/// Tries in a row, before there is a pause between two.
const AT_ONCE: u32 = 64;
/// All tries: a quarter of a second, at the least.
const TRIES: u32 = AT_ONCE + 250;
const PAUSE: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Default)]
pub(super) struct Reclaim {
    rows: AtomicUsize,
    marks: Arc<AtomicUsize>,
    /// Somebody was waited for in vain, and is there still.
    in_vain: AtomicBool,
}

impl Reclaim {
    /// To be called behind every row that was written. It may free what sled has replaced.
    pub(super) fn wrote(&self) {
        let before = self.rows.fetch_add(1, Ordering::Relaxed);
        if before % EVERY == EVERY - 1 {
            self.mark();
            self.wait();
        }
    }

    fn mark(&self) {
        let marks = Arc::clone(&self.marks);
        marks.fetch_add(1, Ordering::Relaxed);
        let within = crossbeam_epoch::pin();
        within.defer(move || marks.fetch_sub(1, Ordering::Relaxed));
        within.flush();
    }

    fn wait(&self) {
        let tries = if self.in_vain.load(Ordering::Relaxed) {
            1
        } else {
            TRIES
        };
        for tried in 0..tries {
            if self.marks.load(Ordering::Relaxed) <= AHEAD {
                self.in_vain.store(false, Ordering::Relaxed);
                return;
            }
            // Each look takes the epoch one step further, if nobody holds it back.
            crossbeam_epoch::pin().flush();
            if tried < AT_ONCE {
                thread::yield_now();
            } else {
                thread::sleep(PAUSE);
            }
        }
        self.in_vain.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(60);

    fn write(reclaim: &Arc<Reclaim>, times: usize) -> thread::JoinHandle<()> {
        let reclaim = Arc::clone(reclaim);
        thread::spawn(move || (0..EVERY * times).for_each(|_| reclaim.wrote()))
    }

    fn marks(reclaim: &Reclaim) -> usize {
        reclaim.marks.load(Ordering::Relaxed)
    }

    /// In one test: both hold back what every index of the process frees.
    #[test]
    fn whoever_writes_waits_while_a_thread_holds_pages_back_but_not_for_ever() {
        let reclaim = Arc::new(Reclaim::default());
        let within = crossbeam_epoch::pin();
        let each = PAUSE * (TRIES - AT_ONCE);
        let began = Instant::now();
        write(&reclaim, AHEAD).join().unwrap();
        let before = began.elapsed();
        write(&reclaim, 1).join().unwrap();
        let waited = began.elapsed() - before;
        assert!(waited >= each, "it was waited for in vain: {waited:?}");
        assert_eq!(marks(&reclaim), AHEAD + 1, "the control: all are held back");

        // Nobody waits a second time for the same one.
        let began = Instant::now();
        write(&reclaim, 100).join().unwrap();
        assert_eq!(marks(&reclaim), AHEAD + 101);
        assert!(began.elapsed() < each * 50, "{:?}", began.elapsed());

        // Others of this process may hold it for a moment, too.
        drop(within);
        while marks(&reclaim) > AHEAD {
            assert!(began.elapsed() < LONG);
            write(&reclaim, 1).join().unwrap();
        }
        write(&reclaim, 1).join().unwrap();
        assert!(!reclaim.in_vain.load(Ordering::Relaxed), "waited for again");
    }
}
