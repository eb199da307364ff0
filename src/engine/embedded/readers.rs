//! Waiting for readers without stopping them: whoever began to read before a frame was found dead
//! may still be on the way to it; whoever begins later is not led there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often those who are waited for are counted.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Default)]
pub(super) struct Readers {
    now: Mutex<Arc<()>>,
}

/// Held while one call reads.
pub(super) struct Reading(#[expect(dead_code, reason = "held to be counted")] Arc<()>);

impl Readers {
    /// To be held from before the index or the list of forgotten bodies is asked until the last
    /// byte has been read.
    pub(super) fn enter(&self) -> Reading {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        Reading(Arc::clone(&now))
    }

    /// Returns when everybody who was reading has ended.
    pub(super) fn wait_for_earlier(&self) {
        let earlier = {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *now, Arc::new(()))
        };
        while Arc::strong_count(&earlier) > 1 {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn waits_for_those_who_read_and_for_nobody_else() {
        let readers = Arc::new(Readers::default());
        let early = readers.enter();
        let (done, told) = channel();
        let waiting = Arc::clone(&readers);
        let thread = std::thread::spawn(move || {
            waiting.wait_for_earlier();
            done.send(()).unwrap();
        });
        assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
        let late = readers.enter();
        drop(early);
        told.recv_timeout(Duration::from_secs(10)).unwrap();
        thread.join().unwrap();
        drop(late);
    }
}
