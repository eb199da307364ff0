//! The threads of an open engine, and what they ask each other.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::bytes::io;
use super::committer::{Committer, Message};
use super::group::{Place, Tip};
use super::keeper::{apply, keep, sized, sum_up};
use super::shared::Shared;
use crate::domain::time::Clock;
use crate::engine::EngineError;
use crate::engine::tally::Tally;

/// Batches that may wait for the committer before callers are held up.
const QUEUE: usize = 1024;
/// Groups that may wait for the index before the committer is held up.
const APPLY_QUEUE: usize = 4;

/// Those that run, and the way to the first of them.
pub(super) struct Running {
    pub(super) queue: SyncSender<Message>,
    pub(super) threads: Vec<JoinHandle<()>>,
}

/// Starts them.
pub(super) fn start(
    shared: &Arc<Shared>,
    clock: Arc<dyn Clock>,
    tally: Tally,
    tip: Tip,
    place: Place,
) -> Result<Running, EngineError> {
    let (queue, messages) = sync_channel(QUEUE);
    let (work, to_apply) = sync_channel(APPLY_QUEUE);
    let (ask, asked) = channel();
    let (prepared_by, prepared) = channel();
    let (scribe, sealed) = channel();
    let (file, room) = sized(shared.segments.get(place.segment)?)?;
    let mut committer = Committer {
        shared: Arc::clone(shared),
        clock,
        tally,
        tip,
        sealed: None,
        place,
        file,
        room,
        work,
        ask,
        prepared,
        asked: false,
        refused: None,
        wakes: Arc::default(),
        randomness: Vec::new(),
        buffer: Vec::new(),
    };
    committer.ask_for(place.segment + 1)?;
    let shared = |_: ()| Arc::clone(shared);
    let (applying, keeping, scribing) = (shared(()), shared(()), shared(()));
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name(name.into());
        thread.spawn(body).map_err(io("starting a thread"))
    };
    let threads = vec![
        spawn("journal", Box::new(move || committer.run(&messages)))?,
        spawn(
            "index",
            Box::new(move || apply(&applying, &to_apply, &scribe)),
        )?,
        spawn(
            "segments",
            Box::new(move || keep(&keeping, &asked, &prepared_by)),
        )?,
        spawn("sidecars", Box::new(move || sum_up(&scribing, &sealed)))?,
    ];
    Ok(Running { queue, threads })
}

/// Waits for their end.
pub(super) fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A thread that panicked has dropped its replies, which answers `Unknown`.
        drop(thread.join());
    }
}
