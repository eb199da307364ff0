//! Keeps a scrub out of segments while somebody looks at them as files, and the other way round:
//! a file copied or walked half erased would look damaged.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a waiting scrub asks whether it is still wanted.
const ASK_EVERY: Duration = Duration::from_millis(50);

#[derive(Default)]
struct State {
    looking: usize,
    erasing: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

/// While this lives no frame is erased.
pub(super) struct Looking(Arc<Gate>);

/// While this lives nobody looks at segments as files.
pub(super) struct Erasing<'a>(&'a Gate);

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the erasing of one segment to end.
    pub(super) fn look(self: &Arc<Self>) -> Looking {
        let state = self
            .changed
            .wait_while(self.state(), |state| state.erasing)
            .unwrap_or_else(PoisonError::into_inner);
        let mut state = state;
        state.looking = state.looking.saturating_add(1);
        Looking(Arc::clone(self))
    }

    /// Waits for everybody who looks; `None` once `given_up` says so.
    pub(super) fn erase(&self, given_up: impl Fn() -> bool) -> Option<Erasing<'_>> {
        let mut state = self.state();
        while state.erasing || state.looking > 0 {
            if given_up() {
                return None;
            }
            state = self
                .changed
                .wait_timeout(state, ASK_EVERY)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.erasing = true;
        Some(Erasing(self))
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.looking = state.looking.saturating_sub(1);
        self.0.changed.notify_all();
    }
}

impl Drop for Erasing<'_> {
    fn drop(&mut self) {
        self.0.state().erasing = false;
        self.0.changed.notify_all();
    }
}
