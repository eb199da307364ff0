//! A few threads and a short queue, so that log-ins can take neither all memory nor all cores.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that end when this is dropped; jobs still waiting then are dropped unrun.
pub(super) struct Lanes {
    jobs: Option<SyncSender<Job>>,
    pub(super) stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Lanes {
    /// A lane that the operating system has no thread for is left out; with none at all every
    /// job is dropped.
    pub(super) fn new(lanes: usize, queue: usize) -> Self {
        let (jobs, waiting) = sync_channel(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let stopping = Arc::new(AtomicBool::new(false));
        let threads = (0..lanes)
            .filter_map(|lane| {
                let (waiting, stopping) = (Arc::clone(&waiting), Arc::clone(&stopping));
                std::thread::Builder::new()
                    .name(format!("password-{lane}"))
                    .spawn(move || work(&waiting, &stopping))
                    .ok()
            })
            .collect();
        Self {
            jobs: Some(jobs),
            stopping,
            threads,
        }
    }
    /// Queues a job, or drops it where the queue is full.
    pub(super) fn submit(&self, job: impl FnOnce() + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            drop(jobs.try_send(Box::new(job)));
        }
    }
}

fn work(waiting: &Mutex<Receiver<Job>>, stopping: &AtomicBool) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        match next {
            Ok(job) if !stopping.load(Ordering::Relaxed) => job(),
            Ok(unrun) => drop(unrun),
            Err(_) => return,
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.jobs = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}
