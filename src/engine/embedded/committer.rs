//! The one thread that writes: takes whatever is queued, checks it, gives places and numbers,
//! writes one group with one call, syncs once, releases.
//!
//! While a group is synced the next ones queue up: a busy disk makes larger groups, without
//! timers. The sync releases all of them: their rows are found in the overlay until the index has
//! them, which happens on another thread while the next group is already being synced.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::Duration;

use super::bytes::io;
use super::encode::{batch_bytes, encode};
use super::group::{BLOCK, Builder, GROUP_HEADER, Place, Tip};
use super::index::{Row, index_key};
use super::keeper::Ask;
use super::leaves::LOCATION;
use super::overlay::{Fresh, Rows};
use super::read::read_far;
use super::seal::{Salt, Tampered};
use super::segment::FIRST;
use super::shared::Shared;
use crate::domain::time::Clock;
use crate::engine::tally::Tally;
use crate::engine::{
    Batch, CommitError, Committed, Completer, EngineError, Expected, Key, Log, Space, Wakes,
};

/// Most batches of one group.
const GROUP_BATCHES: usize = 512;
/// A group takes no further batch beyond this many bytes.
const GROUP_BYTES: usize = 4 << 20;
/// After a full disk, how long commits are refused before space is looked for again.
const FULL_PAUSE: Duration = Duration::from_secs(1);
/// How long an idle committer waits for the first one that it woke to wake the others.
const WAKE_AFTER: Duration = Duration::from_millis(1);
/// Random bytes drawn at a time: a system call each is dear.
const RANDOM_BLOCK: usize = 4096;

type Answer = Result<Committed, CommitError>;

/// What the committer is asked.
pub(super) enum Message {
    Commit(Batch, Completer<Answer>),
    /// Finish and say where the journal ends.
    Close(Completer<Option<(Place, Tip)>>),
}

/// What the applier is asked, in order.
pub(super) enum Work {
    /// Rows of a durable group, which the overlay has already.
    Rows { rows: Arc<Rows>, sequence: u64 },
    /// Every group up to `tip` has been handed over; segment `number` is full.
    Sealed { number: u32, place: Place, tip: Tip },
}

/// A group before it is written.
pub(super) struct Group {
    pub(super) builder: Builder,
    pub(super) rows: Rows,
    /// Encoded leaf locations, by log.
    pub(super) locations: [Vec<u8>; 2],
    /// Where the group will stand.
    pub(super) place: Place,
    waiting: Vec<(Completer<Answer>, Committed)>,
}

/// See the module.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tally: Tally,
    pub(super) tip: Tip,
    /// The segment just filled, until that is announced.
    pub(super) sealed: Option<u32>,
    pub(super) place: Place,
    pub(super) file: Arc<File>,
    pub(super) room: u32,
    pub(super) work: SyncSender<Work>,
    pub(super) ask: Sender<Ask>,
    pub(super) prepared: Receiver<Result<(Arc<File>, u32), EngineError>>,
    pub(super) asked: bool,
    /// When a segment could last not be prepared, and why.
    pub(super) refused: Option<(Duration, EngineError)>,
    /// Whoever was answered last and may not have been woken.
    pub(super) wakes: Arc<Wakes>,
    pub(super) randomness: Vec<u8>,
    pub(super) buffer: Vec<u8>,
}

impl Committer {
    /// Serves until everybody who could ask has gone, or until told to close.
    pub(super) fn run(mut self, queue: &Receiver<Message>) {
        let mut next = None;
        loop {
            let message = match next.take() {
                Some(message) => message,
                None => match self.next(queue) {
                    Some(message) => message,
                    None => return self.wakes.pass(),
                },
            };
            match message {
                Message::Commit(batch, reply) if self.shared.is_stopped() => {
                    drop(batch);
                    reply.complete(Err(self.shared.stopped_by().into()));
                }
                Message::Commit(batch, reply) => next = self.group(batch, reply, queue),
                Message::Close(reply) => {
                    let whole = !self.shared.is_stopped();
                    self.wakes.pass();
                    refuse_rest(queue);
                    reply.complete(whole.then_some((self.place, self.tip)));
                    return;
                }
            }
        }
    }

    /// The next message; `None` when nobody is left to send one.
    fn next(&self, queue: &Receiver<Message>) -> Option<Message> {
        match queue.recv_timeout(WAKE_AFTER) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                self.wakes.pass();
                queue.recv().ok()
            }
        }
    }

    /// Takes a message that is there, or that comes when the other threads get a turn: they have
    /// just been released, and a group that begins without them is a sync for a few.
    fn company(queue: &Receiver<Message>) -> Option<Message> {
        queue.try_recv().ok().or_else(|| {
            std::thread::yield_now();
            queue.try_recv().ok()
        })
    }

    /// Commits one group that begins with `batch`; gives back a message that did not fit.
    fn group(
        &mut self,
        batch: Batch,
        reply: Completer<Answer>,
        queue: &Receiver<Message>,
    ) -> Option<Message> {
        let size = batch_bytes(&batch);
        let mut group = match self.make_room(size).and_then(|()| self.begin()) {
            Ok(group) => group,
            Err(error) => {
                reply.complete(Err(error.into()));
                return None;
            }
        };
        let mut left_over = None;
        let mut taken = self.take(&mut group, batch, reply);
        while taken.is_ok() && group.waiting.len() < GROUP_BATCHES {
            match Self::company(queue) {
                Some(Message::Commit(batch, reply)) => {
                    let whole = group.builder.len().saturating_add(batch_bytes(&batch));
                    if whole > GROUP_BYTES || whole > self.left() {
                        left_over = Some(Message::Commit(batch, reply));
                        break;
                    }
                    taken = self.take(&mut group, batch, reply);
                }
                Some(close @ Message::Close(_)) => {
                    left_over = Some(close);
                    break;
                }
                None => break,
            }
        }
        match taken {
            Ok(()) => self.write(group),
            Err(error) => {
                self.shared.stop(&error);
                for (reply, _) in group.waiting {
                    reply.complete(Err(CommitError::Engine(error.clone())));
                }
            }
        }
        left_over
    }

    /// Bytes left in the segment.
    fn left(&self) -> usize {
        self.room.saturating_sub(self.place.offset) as usize / BLOCK * BLOCK
    }

    fn begin(&mut self) -> Result<Group, EngineError> {
        let salt = self.salt()?;
        let sequence = self.tip.sequence + 1;
        let buffer = std::mem::take(&mut self.buffer);
        let builder = Builder::new(&self.shared.keys, salt, sequence, buffer);
        Ok(Group {
            builder: builder.map_err(refused)?,
            rows: Rows::new(),
            locations: [Vec::new(), Vec::new()],
            place: self.place,
            waiting: Vec::new(),
        })
    }

    fn salt(&mut self) -> Result<Salt, EngineError> {
        if self.randomness.is_empty() {
            self.randomness.resize(RANDOM_BLOCK, 0);
            let filled = self.shared.random.fill(&mut self.randomness);
            filled.map_err(|error| EngineError::Io(error.to_string()))?;
        }
        let at = self.randomness.len().saturating_sub(16);
        let mut salt = Salt::default();
        for (to, from) in salt.iter_mut().zip(self.randomness.drain(at..)) {
            *to = from;
        }
        Ok(salt)
    }

    /// Takes one batch into the group, or answers it. An error means the group cannot go on.
    fn take(
        &mut self,
        group: &mut Group,
        mut batch: Batch,
        reply: Completer<Answer>,
    ) -> Result<(), EngineError> {
        match self.holds(group, &batch) {
            Ok(true) => {}
            Ok(false) => {
                reply.complete(Err(CommitError::Conflict));
                return Ok(());
            }
            Err(error) => {
                reply.complete(Err(error.into()));
                return Ok(());
            }
        }
        match self.tally.assign(&mut batch, self.clock.now()) {
            Err(error) => reply.complete(Err(error.into())),
            Ok(committed) => {
                encode(group, batch, &committed).map_err(refused)?;
                group.waiting.push((reply, committed));
            }
        }
        Ok(())
    }

    /// Whether every condition of the batch holds here and now in the order.
    fn holds(&self, group: &Group, batch: &Batch) -> Result<bool, EngineError> {
        for (space, key, expected) in &batch.expect {
            let index_key = index_key(space.byte(), key.as_bytes());
            let meets = |fresh: &Fresh| fresh_meets(fresh, expected);
            let fresh = match group.rows.get(&index_key) {
                Some(fresh) => Some(meets(fresh)),
                None => self.shared.overlay.find(&index_key, meets),
            };
            let holds = match fresh {
                Some(holds) => holds,
                None => self.stored_meets(*space, key, &index_key, expected)?,
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stored_meets(
        &self,
        space: Space,
        key: &Key,
        index_key: &[u8],
        expected: &Expected,
    ) -> Result<bool, EngineError> {
        let row = self.shared.index()?.get(index_key)?;
        Ok(match (row, expected) {
            (None, Expected::Absent) => true,
            (None, Expected::Equals(_)) => false,
            (Some(Row::Inline(value)), Expected::Equals(other)) => value == other.as_bytes(),
            (Some(Row::Inline(_)), Expected::Absent) => false,
            (Some(Row::Far(far)), expected) => {
                let value = read_far(&self.shared, space, key.as_bytes(), &far)?;
                match (value, expected) {
                    (None, Expected::Absent) => true,
                    (Some(value), Expected::Equals(other)) => value == *other,
                    _ => false,
                }
            }
        })
    }

    /// Writes the group, makes it durable, and releases whom that sets free.
    fn write(&mut self, group: Group) {
        let Group {
            builder,
            rows,
            locations,
            waiting,
            ..
        } = group;
        if builder.len() == GROUP_HEADER {
            // Nothing to write: every earlier group is durable already.
            for (reply, committed) in waiting {
                reply.complete(Ok(committed));
            }
            return;
        }
        match self.store(builder, &locations) {
            Err(error) => {
                self.shared.stop(&error);
                for (reply, _) in waiting {
                    reply.complete(Err(CommitError::Unknown));
                }
            }
            Ok(sequence) => {
                let shared = &self.shared;
                shared.groups.fetch_add(1, Ordering::Relaxed);
                let commits = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
                shared.commits.fetch_add(commits, Ordering::Relaxed);
                let rows = (!rows.is_empty()).then(|| Arc::new(rows));
                if let Some(rows) = &rows {
                    self.shared.overlay.publish(sequence, Arc::clone(rows));
                }
                self.wakes.pass();
                let wakes = Arc::new(Wakes::default());
                for (reply, committed) in waiting {
                    reply.complete_among(Ok(committed), &wakes);
                }
                wakes.begin();
                self.wakes = wakes;
                if let Some(rows) = rows
                    && self.work.send(Work::Rows { rows, sequence }).is_err()
                {
                    self.shared.stop(&EngineError::Stopped);
                }
                self.announce_sealed();
            }
        }
    }

    /// The durable part: one write, one sync; then the leaves can be found.
    fn store(&mut self, builder: Builder, locations: &[Vec<u8>; 2]) -> Result<u64, EngineError> {
        let ends = self.tally.ends;
        let (bytes, tip) = builder.finish(&self.tip, ends).map_err(refused)?;
        let offset = u64::from(self.place.offset);
        self.file
            .write_all_at(&bytes, offset)
            .map_err(io("writing the journal"))?;
        self.file.sync_data().map_err(io("syncing the journal"))?;
        for (log, entries) in Log::ALL.into_iter().zip(locations) {
            if !entries.is_empty() {
                let size = ends.size(log);
                let first = size.saturating_sub((entries.len() / LOCATION) as u64);
                self.shared.leaves.write(log, first, entries)?;
                self.shared.publish(log, size);
            }
        }
        let length = u32::try_from(bytes.len()).map_err(|_| refused(Tampered))?;
        self.place.offset = self.place.offset.saturating_add(length);
        self.tip = tip;
        self.shared.note_end(self.place, tip);
        self.buffer = bytes;
        Ok(tip.sequence)
    }

    /// Goes to the next segment if `size` more bytes do not fit this one.
    fn make_room(&mut self, size: usize) -> Result<(), EngineError> {
        let needed = size.saturating_add(GROUP_HEADER);
        if needed <= self.left() {
            return Ok(());
        }
        let largest = (self.shared.segment_bytes.saturating_sub(FIRST)) as usize / BLOCK * BLOCK;
        if needed > largest {
            return Err(EngineError::Io(format!(
                "a batch of {size} bytes does not fit a journal segment of {largest}"
            )));
        }
        let now = self.clock.monotonic();
        if let Some((at, error)) = &self.refused
            && now.saturating_sub(*at) < FULL_PAUSE
        {
            return Err(error.clone());
        }
        if !self.asked {
            self.ask_for(self.place.segment + 1)?;
        }
        let prepared = self.prepared.recv().map_err(|_| EngineError::Stopped)?;
        self.asked = false;
        let (file, room) =
            prepared.inspect_err(|error| self.refused = Some((now, error.clone())))?;
        self.refused = None;
        self.file = file;
        self.room = room;
        if self.place.offset > FIRST {
            self.sealed = Some(self.place.segment);
        }
        self.place = Place {
            segment: self.place.segment + 1,
            offset: FIRST,
        };
        self.ask_for(self.place.segment + 1)
    }

    pub(super) fn ask_for(&mut self, segment: u32) -> Result<(), EngineError> {
        self.asked = true;
        self.ask
            .send(Ask::Prepare(segment))
            .map_err(|_| EngineError::Stopped)
    }

    /// Tells of a full segment once the first group behind it is durable: only then is it
    /// certain that nothing more is written to it.
    fn announce_sealed(&mut self) {
        if let Some(number) = self.sealed.take() {
            let work = Work::Sealed {
                number,
                place: self.place,
                tip: self.tip,
            };
            drop(self.work.send(work));
        }
    }
}

fn fresh_meets(fresh: &Fresh, expected: &Expected) -> bool {
    match (&fresh.row, expected) {
        (None, Expected::Absent) => true,
        (None, Expected::Equals(_)) | (Some(_), Expected::Absent) => false,
        (Some(Row::Inline(value)), Expected::Equals(other)) => value == other.as_bytes(),
        (Some(Row::Far(_)), Expected::Equals(other)) => fresh.value.as_ref() == Some(other),
    }
}

/// Whoever asked after the end was told certainly did not get in.
fn refuse_rest(queue: &Receiver<Message>) {
    while let Ok(message) = queue.try_recv() {
        match message {
            Message::Commit(_, reply) => reply.complete(Err(EngineError::Stopped.into())),
            Message::Close(reply) => reply.complete(None),
        }
    }
}

fn refused(_: Tampered) -> EngineError {
    EngineError::Io("the journal group could not be sealed".into())
}
