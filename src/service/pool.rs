//! The pool: as many threads as cores, a bounded queue, and a refusal before any work is done.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::error::ServiceError;

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// Workers that sleep; only then is anybody woken.
    idle: usize,
    closed: bool,
}

#[derive(Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    more: Condvar,
}

impl Queue {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` once the queue is closed and empty.
    fn next(&self) -> Option<Job> {
        let mut jobs = self.jobs();
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                return Some(job);
            }
            if jobs.closed {
                return None;
            }
            jobs.idle += 1;
            jobs = self.more.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            jobs.idle -= 1;
        }
    }
}

/// See the module.
pub(super) struct Pool {
    queue: Arc<Queue>,
    most: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// `threads` workers, at most `queue` waiting jobs.
    pub(super) fn new(threads: usize, queue: usize) -> Result<Self, ServiceError> {
        let mut pool = Self {
            queue: Arc::default(),
            most: queue,
            threads: Vec::with_capacity(threads),
        };
        for index in 0..threads {
            let queue = Arc::clone(&pool.queue);
            let thread = std::thread::Builder::new()
                .name(format!("pool-{index}"))
                .spawn(move || work(&queue))
                .map_err(|e| ServiceError::Internal(format!("no thread: {}", e.kind())))?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Queues a job, or sheds it.
    pub(super) fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), ServiceError> {
        let mut jobs = self.queue.jobs();
        if jobs.waiting.len() >= self.most {
            return Err(ServiceError::Busy);
        }
        jobs.waiting.push_back(Box::new(job));
        let wake = jobs.idle > 0;
        drop(jobs);
        if wake {
            self.queue.more.notify_one();
        }
        Ok(())
    }
}

fn work(queue: &Queue) {
    while let Some(job) = queue.next() {
        // A job that panics drops its completer: its taker is answered, the thread goes on.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a verb panicked");
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.jobs().closed = true;
        self.queue.more.notify_all();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pending;

    #[test]
    fn a_panicking_job_harms_no_other_and_a_full_queue_sheds() {
        let pool = Pool::new(1, 1).unwrap();
        pool.submit(|| panic!("on purpose")).unwrap();
        let (hold, released) = std::sync::mpsc::channel::<()>();
        let (completer, answer) = pending(|| 0);
        let mut tries = 0;
        let job = move || {
            released.recv().unwrap();
            completer.complete(7);
        };
        let mut job = Some(job);
        while let Some(next) = job.take() {
            // The queue may still hold the panicking job.
            std::thread::sleep(std::time::Duration::from_millis(20));
            tries += 1;
            assert!(tries < 100);
            assert!(pool.submit(next).is_ok());
        }
        while pool.submit(|| ()).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert_eq!(pool.submit(|| ()), Err(ServiceError::Busy));
        hold.send(()).unwrap();
        assert_eq!(answer.wait(), 7);
    }
}
