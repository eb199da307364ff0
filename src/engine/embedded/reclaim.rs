//! How far the index may run ahead of what is given back.
//!
//! sled replaces a page for every row, and frees the old one only when each thread that was within
//! sled at that moment has left it (epoch-based reclamation, Fraser 2004; `crossbeam-epoch`). One
//! thread that the system puts aside just then holds back all that is replaced meanwhile: at a hundred
//! thousand rows a second, tens of megabytes. So whoever writes rows leaves a mark now and then, which
//! goes the way of the pages, and waits where too many marks are still there.
//!
//! It rests on sled's pages and these marks going to the same collector, that of the one version of
//! `crossbeam-epoch` in the tree. Not guaranteed: a thread that stays within sled for more than a
//! second is waited for no longer, and memory grows as it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Rows between two marks: half a megabyte of pages, or so.
const EVERY: usize = 256;
/// Marks that may be left. Reclaiming takes two steps of the epoch, so fewer would always be waited for.
const AHEAD: usize = 3;
/// Tries in a row, before there is a pause between two.
const AT_ONCE: u32 = 64;
/// All tries; a second, at the least.
const TRIES: u32 = AT_ONCE + 1000;
const PAUSE: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Default)]
pub(super) struct Reclaim {
    rows: AtomicUsize,
    marks: Arc<AtomicUsize>,
}

impl Reclaim {
    /// To be called behind every row that was written.
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
        for tried in 0..TRIES {
            if self.marks.load(Ordering::Relaxed) <= AHEAD {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: usize = EVERY * (AHEAD + 1);

    fn write(reclaim: &Arc<Reclaim>) -> thread::JoinHandle<()> {
        let reclaim = Arc::clone(reclaim);
        thread::spawn(move || (0..ENOUGH).for_each(|_| reclaim.wrote()))
    }

    fn marks(reclaim: &Reclaim) -> usize {
        reclaim.marks.load(Ordering::Relaxed)
    }

    #[test]
    fn whoever_writes_waits_while_a_thread_holds_pages_back() {
        let reclaim = Arc::new(Reclaim::default());
        let within = crossbeam_epoch::pin();
        let writing = write(&reclaim);
        while marks(&reclaim) <= AHEAD {
            thread::sleep(PAUSE);
        }
        thread::sleep(PAUSE * 50);
        assert!(!writing.is_finished());
        assert_eq!(marks(&reclaim), AHEAD + 1, "the control: all are held back");
        drop(within);
        writing.join().unwrap();
        assert!(marks(&reclaim) <= AHEAD);
    }

    #[test]
    fn nobody_is_waited_for_for_ever() {
        let reclaim = Arc::new(Reclaim::default());
        let within = crossbeam_epoch::pin();
        write(&reclaim).join().unwrap();
        assert_eq!(marks(&reclaim), AHEAD + 1, "the control: it had to wait");
        drop(within);
    }
}
