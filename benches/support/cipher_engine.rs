//! SQLCipher behind the engine's trait: the line to beat, behind the same policy, wraps and
//! envelope. One committer takes whatever is queued (≤ 512) into one durable transaction; WAL,
//! synchronous = FULL, four readers, 64 MiB of cache each.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bongham::domain::limit::Limit;
use bongham::domain::time::Clock;
use bongham::engine::{
    Batch, CommitError, Committed, Completer, Engine, EngineError, Expected, Key, KeyRange, Late,
    Leaf, Log, Mark, Page, Pending, Scrubbed, Series, Space, Stamped, Value, pending,
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

type Answer = Result<Committed, CommitError>;
type Job = (Batch, Completer<Answer>);

/// See the module.
pub(crate) struct CipherEngine {
    queue: SyncSender<Job>,
    readers: Vec<Mutex<Connection>>,
    turn: AtomicUsize,
    size: Arc<AtomicU64>,
}

fn failed(error: rusqlite::Error) -> EngineError {
    EngineError::Io(error.to_string())
}

fn connect(file: &Path) -> Result<Connection, EngineError> {
    let open = || {
        let connection = Connection::open(file)?;
        connection.execute_batch(&format!("PRAGMA key = \"x'{}'\";", "2a".repeat(32)))?;
        connection.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;
             PRAGMA cache_size=-65536;
             CREATE TABLE IF NOT EXISTS rows(k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS bodies(k BLOB PRIMARY KEY, v BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS audit(seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL,
                                              body BLOB NOT NULL);",
        )?;
        connection.set_prepared_statement_cache_capacity(16);
        Ok(connection)
    };
    open().map_err(failed)
}

/// Small rows stand in the index's own tree, large ones beside it, as each suits SQLite best.
const fn table(space: Space) -> (&'static str, &'static str) {
    match space {
        Space::Unit | Space::Head => (
            "SELECT v FROM bodies WHERE k=?1",
            "INSERT INTO bodies(k,v) VALUES(?1,?2)",
        ),
        _ => (
            "SELECT v FROM rows WHERE k=?1",
            "INSERT INTO rows(k,v) VALUES(?1,?2)",
        ),
    }
}

fn key(space: Space, key: &[u8]) -> Vec<u8> {
    [&[space.byte()], key].concat()
}

/// The one thread that writes.
struct Writer {
    connection: Connection,
    clock: Arc<dyn Clock>,
    numbers: HashMap<Series, u64>,
    size: Arc<AtomicU64>,
    lean: bool,
}

impl Writer {
    fn serve(mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let mut jobs = vec![first];
            jobs.extend(queue.try_iter().take(511));
            let (batches, replies): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
            match self.commit(batches) {
                Ok(answers) => {
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        reply.complete(answer);
                    }
                }
                Err(error) => {
                    for reply in replies {
                        reply.complete(Err(failed_text(&error)));
                    }
                    return;
                }
            }
        }
    }

    fn commit(&mut self, batches: Vec<Batch>) -> rusqlite::Result<Vec<Answer>> {
        let first = self.size.load(Ordering::Acquire);
        let mut next = first;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            answers.push(if holds(&transaction, &batch)? {
                let now = self.clock.now();
                let mut committed = Committed::default();
                for append in &batch.append {
                    let (index, size) = (next, next + 1);
                    committed.leaves.push(Stamped {
                        log: append.log,
                        index,
                        size,
                        time: now,
                    });
                    next = size;
                }
                for series in &batch.number {
                    let number = self.numbers.entry(*series).or_default();
                    *number += 1;
                    committed.numbers.push(*number);
                }
                write(&transaction, batch, &committed, self.lean)?;
                Ok(committed)
            } else {
                Err(CommitError::Conflict)
            });
        }
        transaction.commit()?;
        self.size.store(next, Ordering::Release);
        Ok(answers)
    }
}

fn failed_text(error: &rusqlite::Error) -> CommitError {
    CommitError::Engine(EngineError::Io(error.to_string()))
}

fn holds(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<bool> {
    for (space, row, expected) in &batch.expect {
        let mut select = transaction.prepare_cached(table(*space).0)?;
        let found: Option<Vec<u8>> = select
            .query_row([key(*space, row.as_bytes())], |row| row.get(0))
            .optional()?;
        let holds = match expected {
            Expected::Absent => found.is_none(),
            Expected::Equals(value) => found.is_some_and(|found| found == value.as_bytes()),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write(
    transaction: &Transaction<'_>,
    batch: Batch,
    committed: &Committed,
    lean: bool,
) -> rusqlite::Result<()> {
    let mut entry =
        transaction.prepare_cached("INSERT INTO audit(seq,leaf,body) VALUES(?1,?2,?3)")?;
    for (append, stamped) in batch.append.into_iter().zip(&committed.leaves) {
        let leaf = stamp(append.leaf, append.stamp_at, stamped);
        entry.execute(params![stamped.index.cast_signed(), leaf, append.body])?;
    }
    for (space, row, value) in batch.put {
        let mut insert = transaction.prepare_cached(table(space).1)?;
        insert.execute(params![key(space, row.as_bytes()), value.as_bytes()])?;
    }
    let look_up = |late: &Late| matches!(late.space, Space::LogByCase | Space::LogByActor);
    for late in batch
        .late
        .into_iter()
        .filter(|late| !lean || !look_up(late))
    {
        let (space, row, value) = completed(late, committed);
        let mut insert = transaction.prepare_cached(table(space).1)?;
        insert.execute(params![key(space, &row), value])?;
    }
    Ok(())
}

fn stamp(mut leaf: Vec<u8>, at: Option<usize>, stamped: &Stamped) -> Vec<u8> {
    let time = stamped.time.as_millis().to_be_bytes();
    if let Some(place) = at.and_then(|at| leaf.get_mut(at..at + 8)) {
        place.copy_from_slice(&time);
    }
    leaf
}

fn completed(late: Late, committed: &Committed) -> (Space, Vec<u8>, Vec<u8>) {
    let number = |mark: &Mark| match mark {
        Mark::Leaf(n) => committed.leaves.get(*n).map_or(0, |leaf| leaf.index),
        Mark::Number(n) => committed.numbers.get(*n).copied().unwrap_or(0),
    };
    let complete = |mut bytes: Vec<u8>, marks: &[Mark]| {
        for mark in marks {
            bytes.extend_from_slice(&number(mark).to_be_bytes());
        }
        bytes
    };
    let key = complete(late.key, &late.key_marks);
    let value = complete(late.value, &late.value_marks);
    (late.space, key, value)
}

impl CipherEngine {
    /// A fresh database. A `lean` one spares itself the rows by which an auditor finds the entries
    /// of a case or a person, which bongham writes.
    pub(crate) fn create(
        file: &Path,
        clock: Arc<dyn Clock>,
        lean: bool,
    ) -> Result<Self, EngineError> {
        let connection = connect(file)?;
        let readers = (0..4)
            .map(|_| connect(file).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        let (queue, jobs) = sync_channel(4096);
        let size = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            connection,
            clock,
            numbers: HashMap::new(),
            size: Arc::clone(&size),
            lean,
        };
        thread::Builder::new()
            .name("sqlcipher".into())
            .spawn(move || writer.serve(&jobs))
            .map_err(|error| EngineError::Io(error.to_string()))?;
        Ok(Self {
            queue,
            readers,
            turn: AtomicUsize::new(0),
            size,
        })
    }

    fn reader(&self) -> Result<MutexGuard<'_, Connection>, EngineError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.readers.len();
        let free = (0..count)
            .filter_map(|n| self.readers.get((turn + n) % count))
            .find_map(|reader| reader.try_lock().ok());
        let waited = || {
            let reader = self.readers.get(turn % count)?;
            Some(reader.lock().unwrap_or_else(PoisonError::into_inner))
        };
        free.or_else(waited).ok_or(EngineError::Stopped)
    }
}

impl Engine for CipherEngine {
    fn get(&self, space: Space, row: &Key) -> Result<Option<Value>, EngineError> {
        let connection = self.reader()?;
        let mut select = connection.prepare_cached(table(space).0).map_err(failed)?;
        let found: Option<Vec<u8>> = select
            .query_row([key(space, row.as_bytes())], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        found
            .map(|bytes| Value::new(bytes).map_err(|_| EngineError::Damaged("long".into())))
            .transpose()
    }

    /// Nothing on this road lists.
    fn scan(&self, _: Space, _: KeyRange, _: Limit) -> Result<Page, EngineError> {
        Ok(Page::default())
    }

    fn commit(&self, batch: Batch) -> Pending<Answer> {
        let (reply, answer) = pending(|| Err(CommitError::Unknown));
        match self.queue.send((batch, reply)) {
            Ok(()) => answer,
            Err(_) => Pending::ready(Err(EngineError::Stopped.into())),
        }
    }

    fn log_size(&self, log: Log) -> u64 {
        match log {
            Log::Access => self.size.load(Ordering::Acquire),
            Log::Ledger => 0,
        }
    }

    /// Nothing on this road reads the log back.
    fn leaves(&self, _: Log, _: u64, _: Limit) -> Result<Vec<Leaf>, EngineError> {
        Ok(Vec::new())
    }

    fn last_number(&self, _: Series) -> Result<u64, EngineError> {
        Ok(0)
    }

    fn ready(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn scrub(&self, _: &dyn Fn(u64, u64)) -> Result<Scrubbed, EngineError> {
        Ok(Scrubbed::default())
    }

    fn forget_bodies(&self, log: Log, from: u64, to: u64) -> Result<(), EngineError> {
        let _ = (log, from, to);
        Ok(())
    }

    /// Nothing on this road is checked.
    fn check(&self, _: &dyn Fn(u64, u64)) -> Result<bongham::engine::Checked, EngineError> {
        Ok(bongham::engine::Checked::default())
    }

    /// Nothing on this road is copied.
    fn snapshot(&self) -> Result<bongham::engine::Snapshot, EngineError> {
        Err(EngineError::Unusable("no files to copy".to_owned()))
    }

    fn close(&self) -> Result<(), EngineError> {
        Ok(())
    }
}
