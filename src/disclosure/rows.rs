//! The rows of outputs, and the way from an access-log entry to its output.
//!
//! ```text
//! OutputByEntry: log index u64 → serial number, 8 bytes      the first entry of a list
//!                              → serial number ‖ 0x01        every entry behind it
//! ```
//! The committer puts the index into the key in the very batch that appends the entries, so that
//! an entry and its output cannot tell different things. Neither row names a case.

use super::output::Output;
use crate::crypto::table::{Stored, Table, TableError};
use crate::domain::limit::Limit;
use crate::domain::serial::Serial;
use crate::engine::{Batch, Key, KeyRange, Late, Mark, Space};

/// How many index rows one scan fetches.
const SCAN: Limit = Limit::rows(1024);
const SERIAL_BYTES: usize = 8;
/// Behind the serial number: the entry is not the first of its list.
const LATER: u8 = 1;

/// Reads and prepares rows of outputs.
pub struct Outputs {
    table: Table,
}

/// A page of outputs, newest first, and the cursor of the next page if there may be one.
pub type Page = (Vec<Stored<Output>>, Option<u64>);

impl Outputs {
    /// Over this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// Adds a new output to the batch whose leaf 0 is the first entry of its list.
    ///
    /// # Errors
    /// [`TableError`] where the row cannot be made.
    pub fn put_new(&self, batch: &mut Batch, output: &Output) -> Result<(), TableError> {
        self.table.put_new(batch, output)?;
        batch.late.push(by_entry(output.serial.to_bytes().to_vec()));
        Ok(())
    }

    /// The way from a later entry of an output's list, which is leaf 0 of its own batch, to the
    /// output.
    pub fn more(&self, output: &Output) -> Late {
        let mut value = output.serial.to_bytes().to_vec();
        value.push(LATER);
        by_entry(value)
    }

    /// Adds a changed output to a batch, on the condition that it still stands as read.
    ///
    /// # Errors
    /// As [`Outputs::put_new`].
    pub fn put_changed(
        &self,
        batch: &mut Batch,
        before: &Stored<Output>,
        output: &Output,
    ) -> Result<(), TableError> {
        self.table.put_changed(batch, before, output)
    }

    /// One output. Its `entry` is not looked for: see [`Outputs::entry_of`].
    ///
    /// # Errors
    /// [`TableError`] where the row cannot be read.
    pub fn find(&self, serial: Serial) -> Result<Option<Stored<Output>>, TableError> {
        self.table.find(&serial.to_bytes())
    }

    /// The output whose list the entry at this place is part of.
    ///
    /// # Errors
    /// As [`Outputs::find`].
    pub fn by_entry(&self, index: u64) -> Result<Option<Stored<Output>>, TableError> {
        let key = Key::from_index(index);
        let Some(value) = self.table.engine().get(Space::OutputByEntry, &key)? else {
            return Ok(None);
        };
        let (serial, _) = place(value.as_bytes())?;
        let found = self.find(serial)?;
        Ok(found.map(|mut stored| {
            stored.row.entry = Some(index);
            stored
        }))
    }

    /// Where the first entry of an output's list stands.
    ///
    /// # Errors
    /// As [`Outputs::find`].
    pub fn entry_of(&self, wanted: Serial) -> Result<Option<u64>, TableError> {
        let mut range = KeyRange::default();
        loop {
            let engine = self.table.engine();
            let page = engine.scan(Space::OutputByEntry, range.clone(), SCAN)?;
            for (key, value) in &page.rows {
                range = range.after(key.as_bytes());
                if place(value.as_bytes())? == (wanted, true) {
                    return Ok(Some(index(key)?));
                }
            }
            if !page.more {
                return Ok(None);
            }
        }
    }

    /// Outputs whose lists begin before entry `before`, newest first, that `wanted` takes.
    ///
    /// # Errors
    /// As [`Outputs::find`].
    pub fn newest(
        &self,
        before: u64,
        limit: Limit,
        wanted: impl Fn(&Output) -> bool,
    ) -> Result<Page, TableError> {
        let mut rows: Vec<Stored<Output>> = Vec::new();
        let entries = self.entries_before(before)?;
        let mut entries = entries.into_iter().peekable();
        while let Some((index, serial)) = entries.next() {
            let Some(mut stored) = self.find(serial)? else {
                return Err(TableError::Damaged(
                    "an entry of an output that is not there",
                ));
            };
            if wanted(&stored.row) {
                stored.row.entry = Some(index);
                rows.push(stored);
            }
            if rows.len() == limit.get() {
                let more = entries.peek().is_some();
                return Ok((rows, more.then_some(index)));
            }
        }
        Ok((rows, None))
    }

    /// Every first entry of a list before this one and its output, newest first.
    fn entries_before(&self, before: u64) -> Result<Vec<(u64, Serial)>, TableError> {
        let mut found = Vec::new();
        let mut range = KeyRange {
            from: None,
            to: Some(before.to_be_bytes().to_vec()),
        };
        loop {
            let engine = self.table.engine();
            let page = engine.scan(Space::OutputByEntry, range.clone(), SCAN)?;
            for (key, value) in &page.rows {
                range = range.after(key.as_bytes());
                let (serial, is_first) = place(value.as_bytes())?;
                if is_first {
                    found.push((index(key)?, serial));
                }
            }
            if !page.more {
                found.reverse();
                return Ok(found);
            }
        }
    }
}

fn by_entry(value: Vec<u8>) -> Late {
    Late {
        space: Space::OutputByEntry,
        key: Vec::new(),
        value,
        key_marks: vec![Mark::Leaf(0)],
        value_marks: Vec::new(),
    }
}

/// The serial number, and whether its entry is the first of the list.
fn place(value: &[u8]) -> Result<(Serial, bool), TableError> {
    let (serial, is_first) = match value {
        [serial @ .., LATER] if serial.len() == SERIAL_BYTES => (serial, false),
        serial => (serial, true),
    };
    let serial = serial.try_into().ok().and_then(Serial::from_bytes);
    let serial = serial.ok_or(TableError::Damaged("serial number of an output"))?;
    Ok((serial, is_first))
}

fn index(key: &Key) -> Result<u64, TableError> {
    let bytes = key.as_bytes().try_into().ok();
    bytes
        .map(u64::from_be_bytes)
        .ok_or(TableError::Damaged("place of an output"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::crypto::locate::Locator;
    use crate::crypto::sealed::RowKey;
    use crate::disclosure::output::{Form, OutputState};
    use crate::domain::id::AccountId;
    use crate::domain::purpose::Purpose;
    use crate::domain::random::{Random, SystemSource};
    use crate::domain::secret::Secret;
    use crate::domain::time::{SystemClock, Timestamp};
    use crate::engine::memory::MemoryEngine;
    use crate::engine::{Append, Engine, Log};

    fn output(random: &dyn Random) -> Output {
        Output {
            serial: Serial::random(random).unwrap(),
            form: Form::Csv,
            by: AccountId::from_bytes([1; 16]),
            department: None,
            purpose: Purpose::Handling,
            template: "handling".into(),
            unmasked: false,
            receiver: "archive".into(),
            responsible: AccountId::from_bytes([1; 16]),
            destroy_by: Timestamp::from_millis(9),
            copies: 1,
            sensitive: false,
            manifest: [7; 32],
            cases: 2,
            people: 3,
            requested_at: Timestamp::from_millis(1),
            entry: None,
            approval: None,
            file_until: None,
            fetched: (None, 0),
            state: OutputState::Running,
            finished: None,
            closed: None,
        }
    }

    fn enter(engine: &MemoryEngine, mut batch: Batch) {
        batch.append.push(Append {
            log: Log::Access,
            leaf: vec![1],
            stamp_at: None,
            body: Vec::new(),
        });
        engine.commit(batch).wait().unwrap();
    }

    fn first(engine: &MemoryEngine, outputs: &Outputs, output: &Output) {
        let mut batch = Batch::default();
        outputs.put_new(&mut batch, output).unwrap();
        enter(engine, batch);
    }

    fn later(engine: &MemoryEngine, outputs: &Outputs, output: &Output) {
        let batch = Batch {
            late: vec![outputs.more(output)],
            ..Batch::default()
        };
        enter(engine, batch);
    }

    #[test]
    fn an_entry_leads_to_its_output_and_lists_run_backwards() {
        let random = Arc::new(SystemSource::default());
        let engine = Arc::new(MemoryEngine::new(Arc::new(SystemClock::default())));
        let table = Table::new(
            engine.clone(),
            Locator::new(&Secret::new([1; 32])),
            RowKey::new(Secret::new([2; 32])),
            random.clone(),
            "output",
        );
        let outputs = Outputs::new(table);
        let [a, b, c] = [(); 3].map(|()| output(&*random));
        first(&engine, &outputs, &a);
        first(&engine, &outputs, &b);
        later(&engine, &outputs, &b);
        // Two lists that are entered at the same time.
        first(&engine, &outputs, &c);
        later(&engine, &outputs, &b);
        for (index, wanted) in [(0, &a), (1, &b), (2, &b), (3, &c), (4, &b)] {
            let found = outputs.by_entry(index).unwrap().unwrap();
            assert_eq!(
                (found.row.serial, found.row.entry),
                (wanted.serial, Some(index))
            );
        }
        assert!(outputs.by_entry(5).unwrap().is_none());
        assert_eq!(outputs.entry_of(b.serial).unwrap(), Some(1));
        let (rows, next) = outputs.newest(u64::MAX, Limit::rows(2), |_| true).unwrap();
        let serials: Vec<Serial> = rows.iter().map(|stored| stored.row.serial).collect();
        assert_eq!((serials, next), (vec![c.serial, b.serial], Some(1)));
        let (rows, next) = outputs.newest(1, Limit::rows(2), |_| true).unwrap();
        assert_eq!((rows.len(), next), (1, None));
        assert_eq!(rows[0].row.serial, a.serial);
        let (none, _) = outputs
            .newest(u64::MAX, Limit::rows(9), |o| o.unmasked)
            .unwrap();
        assert!(none.is_empty());
    }
}
