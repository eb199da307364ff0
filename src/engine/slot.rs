//! The place where one thread lays a value down and another takes it up, awaiting or blocking.
//!
//! Many values may be given at once, as when a group has become durable. Waking every taker from
//! the giving thread costs a system call and a change of threads each. So the giver wakes one,
//! and that one wakes the others from within its own runtime, where it costs a push to a queue.
//! Nobody depends on it: the values are all there, a taker that is dropped passes the wakes on,
//! and the giver wakes whoever is left soon after ([`Wakes::pass`]).

use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Takers that have their values and are to be woken.
#[derive(Default)]
pub struct Wakes(Mutex<Vec<Waker>>);

impl Wakes {
    fn list(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes one, who will wake the others.
    pub fn begin(&self) {
        let first = self.list().pop();
        if let Some(first) = first {
            first.wake();
        }
    }

    /// Wakes everybody who is left.
    pub fn pass(&self) {
        let all = std::mem::take(&mut *self.list());
        for waker in all {
            waker.wake();
        }
    }
}

enum State<T> {
    /// Nobody is there yet.
    Empty,
    /// Somebody awaits.
    Awaited(Waker),
    /// The value, and whom its taker has to wake.
    Given(T, Option<Arc<Wakes>>),
    /// The taker has gone, with the value or without.
    Gone,
}

struct Slot<T> {
    state: Mutex<State<T>>,
    given: Condvar,
}

impl<T> Slot<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays the value down and gives the waker of who awaits it.
    fn give(&self, value: T, wakes: Option<Arc<Wakes>>) -> Option<Waker> {
        let mut state = self.state();
        let (next, before) = match std::mem::replace(&mut *state, State::Gone) {
            State::Awaited(waker) => (State::Given(value, wakes), Some(waker)),
            State::Empty => (State::Given(value, wakes), None),
            // Nobody takes it: it is dropped when the lock is not held.
            gone @ (State::Given(..) | State::Gone) => {
                drop(state);
                drop((gone, value));
                return None;
            }
        };
        *state = next;
        drop(state);
        if before.is_none() {
            self.given.notify_one();
        }
        before
    }
}

/// The giving end. Dropped without having given, it gives what was to stand for a lost value.
pub struct Completer<T> {
    slot: Arc<Slot<T>>,
    lost: Option<fn() -> T>,
}

impl<T> Completer<T> {
    /// Gives the value; a taker who has gone away is not an error.
    pub fn complete(mut self, value: T) {
        self.lost = None;
        if let Some(waker) = self.slot.give(value, None) {
            waker.wake();
        }
    }

    /// Gives the value and leaves the waking to [`Wakes::begin`]. Who blocks is woken at once.
    pub fn complete_among(mut self, value: T, wakes: &Arc<Wakes>) {
        self.lost = None;
        if let Some(waker) = self.slot.give(value, Some(Arc::clone(wakes))) {
            wakes.list().push(waker);
        }
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        if let Some(lost) = self.lost
            && let Some(waker) = self.slot.give(lost(), None)
        {
            waker.wake();
        }
    }
}

/// The taking end.
pub(super) struct Taker<T>(Arc<Slot<T>>);

/// A slot; `lost` stands in when the giver is dropped.
pub(super) fn slot<T>(lost: fn() -> T) -> (Completer<T>, Taker<T>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(State::Empty),
        given: Condvar::new(),
    });
    let completer = Completer {
        slot: Arc::clone(&slot),
        lost: Some(lost),
    };
    (completer, Taker(slot))
}

impl<T> Taker<T> {
    /// Blocks until the value comes.
    pub(super) fn wait(self) -> T {
        let mut state = self.0.state();
        loop {
            match std::mem::replace(&mut *state, State::Empty) {
                State::Given(value, wakes) => {
                    *state = State::Gone;
                    drop(state);
                    if let Some(wakes) = wakes {
                        wakes.pass();
                    }
                    return value;
                }
                State::Empty | State::Awaited(_) | State::Gone => {
                    state = self
                        .0
                        .given
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

impl<T> Future for Taker<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.state();
        match std::mem::replace(&mut *state, State::Gone) {
            State::Given(value, wakes) => {
                drop(state);
                if let Some(wakes) = wakes {
                    wakes.pass();
                }
                Poll::Ready(value)
            }
            State::Awaited(waker) if waker.will_wake(context.waker()) => {
                *state = State::Awaited(waker);
                Poll::Pending
            }
            State::Empty | State::Awaited(_) => {
                *state = State::Awaited(context.waker().clone());
                Poll::Pending
            }
            State::Gone => Poll::Pending,
        }
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let left = std::mem::replace(&mut *self.0.state(), State::Gone);
        if let State::Given(_, Some(wakes)) = &left {
            wakes.pass();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl Count {
        fn get(&self) -> u32 {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn poll<T>(taker: &mut Taker<T>, count: &Arc<Count>) -> Poll<T> {
        let waker = Waker::from(Arc::clone(count));
        Pin::new(taker).poll(&mut Context::from_waker(&waker))
    }

    type Waiting = Vec<(Option<Completer<u32>>, Option<Taker<u32>>, Arc<Count>)>;

    /// Takers that await, and their givers.
    fn waiting(count: usize) -> Waiting {
        (0..count)
            .map(|_| {
                let (completer, mut taker) = slot(|| 0);
                let woken = Arc::new(Count::default());
                assert_eq!(poll(&mut taker, &woken), Poll::Pending);
                (Some(completer), Some(taker), woken)
            })
            .collect()
    }

    fn give(list: &mut Waiting) -> Arc<Wakes> {
        let wakes = Arc::new(Wakes::default());
        for (n, (completer, ..)) in list.iter_mut().enumerate() {
            completer
                .take()
                .unwrap()
                .complete_among(n as u32 + 1, &wakes);
        }
        wakes
    }

    fn woken(list: &Waiting) -> Vec<u32> {
        list.iter().map(|(.., count)| count.get()).collect()
    }

    #[test]
    fn the_first_wakes_the_others() {
        let mut list = waiting(4);
        let wakes = give(&mut list);
        assert_eq!(woken(&list), [0; 4]);
        wakes.begin();
        assert_eq!(woken(&list), [0, 0, 0, 1]);
        let (_, taker, count) = &mut list[3];
        assert_eq!(poll(taker.as_mut().unwrap(), count), Poll::Ready(4));
        assert_eq!(woken(&list), [1; 4]);
        for (n, (_, taker, count)) in list.iter_mut().take(3).enumerate() {
            let found = poll(taker.as_mut().unwrap(), count);
            assert_eq!(found, Poll::Ready(n as u32 + 1));
        }
        wakes.pass();
        assert_eq!(woken(&list), [1; 4], "nobody is woken twice");
    }

    #[test]
    fn who_goes_away_wakes_the_others() {
        let mut list = waiting(3);
        give(&mut list).begin();
        list[2].1 = None;
        assert_eq!(woken(&list), [1; 3]);
        let mut list = waiting(3);
        list[2].1 = None;
        give(&mut list).begin();
        assert_eq!(
            woken(&list),
            [0, 1, 0],
            "one who has gone is not counted on"
        );
    }

    #[test]
    fn who_does_not_answer_holds_nobody_up() {
        let mut list = waiting(3);
        let wakes = give(&mut list);
        wakes.begin();
        assert_eq!(woken(&list), [0, 0, 1]);
        wakes.pass();
        assert_eq!(woken(&list), [1; 3]);
    }

    #[test]
    fn blocking_takers_need_no_wake() {
        let (completer, taker) = slot(|| 0);
        let wakes = Arc::new(Wakes::default());
        let waiting = thread::spawn(move || taker.wait());
        thread::sleep(Duration::from_millis(20));
        completer.complete_among(5, &wakes);
        assert_eq!(waiting.join().unwrap(), 5);
        let (completer, taker) = slot(|| 0);
        completer.complete(6);
        assert_eq!(taker.wait(), 6);
    }

    #[test]
    fn a_lost_giver_is_told() {
        let (completer, taker) = slot(|| 7);
        drop(completer);
        assert_eq!(taker.wait(), 7);
        let mut list = waiting(1);
        list[0].0 = None;
        assert_eq!(woken(&list), [1]);
    }
}
