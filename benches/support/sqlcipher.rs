//! SQLCipher as the line to beat, given the same committer: one thread, one transaction for
//! whatever is queued.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::{ENTRY, RECORD, any, opaque};
use crate::Failure;

struct Job {
    record: Option<(u64, Vec<u8>)>,
    entry: Vec<u8>,
    done: oneshot::Sender<()>,
}

pub(crate) struct Cipher {
    queue: SyncSender<Job>,
    readers: Vec<Mutex<Connection>>,
    turn: AtomicUsize,
    next: AtomicU64,
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\";", "2a".repeat(32)))?;
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;
         PRAGMA cache_size=-65536;
         CREATE TABLE IF NOT EXISTS records(id INTEGER PRIMARY KEY, v BLOB NOT NULL);
         CREATE TABLE IF NOT EXISTS audit(seq INTEGER PRIMARY KEY, v BLOB NOT NULL);",
    )?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

fn commit(connection: &mut Connection, jobs: &[Job]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut record = transaction.prepare_cached("INSERT INTO records(id,v) VALUES(?1,?2)")?;
        let mut entry = transaction.prepare_cached("INSERT INTO audit(v) VALUES(?1)")?;
        for job in jobs {
            if let Some((id, bytes)) = &job.record {
                record.execute(params![id.cast_signed(), bytes])?;
            }
            entry.execute([&job.entry])?;
        }
    }
    transaction.commit()
}

fn serve(mut connection: Connection, queue: &Receiver<Job>) -> rusqlite::Result<()> {
    while let Ok(first) = queue.recv() {
        let mut jobs = vec![first];
        jobs.extend(queue.try_iter().take(511));
        commit(&mut connection, &jobs)?;
        for job in jobs {
            let _unheard = job.done.send(());
        }
    }
    Ok(())
}

fn record(id: u64) -> Vec<u8> {
    id.to_be_bytes().repeat(RECORD / 8)
}

impl Cipher {
    pub(crate) fn create(dir: &Path) -> Result<Self, Failure> {
        std::fs::create_dir(dir)?;
        let file = dir.join("db");
        let writer = connect(&file)?;
        let readers = (0..4)
            .map(|_| connect(&file).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        let (queue, jobs) = sync_channel(4096);
        thread::spawn(move || serve(writer, &jobs));
        Ok(Self {
            queue,
            readers,
            turn: AtomicUsize::new(0),
            next: AtomicU64::new(0),
        })
    }

    fn submit(&self, record: Option<(u64, Vec<u8>)>) -> Result<oneshot::Receiver<()>, Failure> {
        let (done, answer) = oneshot::channel();
        let entry = vec![5; ENTRY.0 + ENTRY.1];
        self.queue
            .send(Job {
                record,
                entry,
                done,
            })
            .map_err(|_| "the committer is gone")?;
        Ok(answer)
    }

    pub(crate) fn load(&self, records: u64) -> Result<(), Failure> {
        let mut last = None;
        for id in 0..records {
            last = Some(self.submit(Some((opaque(id), record(id))))?);
        }
        if let Some(last) = last {
            last.blocking_recv()?;
        }
        self.next.store(records, Ordering::SeqCst);
        Ok(())
    }

    fn read(&self, id: u64) -> Result<(), Failure> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.readers.len();
        let free = (0..count)
            .filter_map(|n| self.readers.get((turn + n) % count))
            .find_map(|reader| reader.try_lock().ok());
        let waited = || {
            let reader = self.readers.get(turn % count)?;
            Some(reader.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let connection = free.or_else(waited).ok_or("no reader")?;
        let mut select = connection.prepare_cached("SELECT v FROM records WHERE id=?1")?;
        let found: Vec<u8> = select.query_row([opaque(id).cast_signed()], |row| row.get(0))?;
        if found.starts_with(&id.to_be_bytes()) {
            Ok(())
        } else {
            Err("another record".into())
        }
    }

    pub(crate) async fn one(&self, reading: bool, n: u64, records: u64) -> Result<(), Failure> {
        let record = if reading {
            self.read(any(n, records))?;
            None
        } else {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            Some((opaque(id), record(id)))
        };
        self.submit(record)?.await?;
        Ok(())
    }
}
