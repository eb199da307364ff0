//! SQLCipher's way to the same end: the rows of a case are deleted with `secure_delete`, and a
//! `VACUUM` leaves no copy of them in pages that were moved or freed, nor in the write-ahead log.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use bongham::engine::Key;

use crate::Failure;

/// The rows of one case: its place in the table, and its bytes.
pub(crate) type Rows = Vec<(u8, Vec<u8>)>;

/// Where a case stands: in no order.
fn place(case: u64) -> Key {
    crate::place(case, 0)
}

pub(crate) struct Vacuum {
    connection: Connection,
}

impl Vacuum {
    /// A table of so many cases, each with the rows that `rows` says.
    pub(crate) fn build(
        file: &Path,
        cases: u64,
        rows: impl Fn(u64) -> Rows,
    ) -> Result<Self, Failure> {
        let mut connection = Connection::open(file)?;
        connection.execute_batch(&format!("PRAGMA key = \"x'{}'\";", "2a".repeat(32)))?;
        connection.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;
             PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;
             CREATE TABLE records(id BLOB, what INTEGER, v BLOB NOT NULL,
                 PRIMARY KEY(id, what)) WITHOUT ROWID;",
        )?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare("INSERT INTO records VALUES(?1,?2,?3)")?;
            for case in 0..cases {
                for (what, bytes) in rows(case) {
                    insert.execute(params![place(case).as_bytes(), what, bytes])?;
                }
            }
        }
        transaction.commit()?;
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(Self { connection })
    }

    /// One case, until no byte of it is left in the file.
    pub(crate) fn destroy(&self, case: u64) -> Result<Duration, Failure> {
        let started = Instant::now();
        let id = place(case);
        let deleted = self
            .connection
            .execute("DELETE FROM records WHERE id=?1", [id.as_bytes()])?;
        if deleted == 0 {
            return Err("there was no such case".into());
        }
        self.connection
            .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
        Ok(started.elapsed())
    }
}
