//! The rows of outputs, and the way from an access-log entry to its output.
//!
//! ```text
//! OutputByEntry: log index u64 → serial number, 8 bytes      the first entry of a list
//!                              → serial number ‖ 0x01        every entry behind it
//!                u64::MAX ‖ serial number → log index u64     back again; from version 0.4.0 on
//! ```
//! The committer puts the index into the key in the very batch that appends the entries, so that
//! an entry and its output cannot tell different things. Neither row names a case.

use super::output::Output;
use crate::crypto::table::{Stored, Table, TableError};
use crate::domain::limit::Limit;
use crate::domain::serial::Serial;
use crate::engine::{Batch, Key, KeyRange, Late, Log, Mark, Space};

/// How many index rows one scan fetches.
const SCAN: Limit = Limit::rows(1024);
/// Entries that the first look backwards goes over; where outputs are few, each goes over more.
const STRETCH: u64 = 1024;
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
        batch.late.push(Late {
            space: Space::OutputByEntry,
            key: back(output.serial),
            value: Vec::new(),
            key_marks: Vec::new(),
            value_marks: vec![Mark::Leaf(0)],
        });
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
        let key = Key::new(back(wanted)).map_err(|_| TableError::Damaged("place of an output"))?;
        if let Some(value) = self.table.engine().get(Space::OutputByEntry, &key)? {
            return index(value.as_bytes()).map(Some);
        }
        // It is older than the way back.
        let mut entries = Backwards::from(self, u64::MAX);
        while let Some((index, serial)) = entries.next()? {
            if serial == wanted {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Outputs whose lists begin before entry `before`, newest first, that `wanted` takes. Reads no
    /// further back than the page needs.
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
        let mut entries = Backwards::from(self, before);
        while let Some((index, serial)) = entries.next()? {
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
                let more = entries.next()?.is_some();
                return Ok((rows, more.then_some(index)));
            }
        }
        Ok((rows, None))
    }
}

/// First entries of lists and their outputs, newest first, a stretch of the log at a time.
struct Backwards<'a> {
    outputs: &'a Outputs,
    /// Where the next stretch ends, and how long it is.
    before: u64,
    stretch: u64,
    /// Those of the last stretch that have not been given yet, oldest first.
    found: Vec<(u64, Serial)>,
}

impl<'a> Backwards<'a> {
    fn from(outputs: &'a Outputs, before: u64) -> Self {
        let end = outputs.table.engine().log_size(Log::Access);
        Self {
            outputs,
            before: before.min(end),
            stretch: STRETCH,
            found: Vec::new(),
        }
    }

    fn next(&mut self) -> Result<Option<(u64, Serial)>, TableError> {
        while self.found.is_empty() && self.before > 0 {
            let from = self.before.saturating_sub(self.stretch);
            let rows = self.look(from)?;
            self.before = from;
            let few = rows < SCAN.get() / 4;
            self.stretch = if few {
                self.stretch.saturating_mul(4)
            } else {
                STRETCH
            };
        }
        Ok(self.found.pop())
    }

    /// Finds what lies from here to the end of the stretch; says how many rows there were.
    fn look(&mut self, from: u64) -> Result<usize, TableError> {
        let mut range = KeyRange {
            from: Some(from.to_be_bytes().to_vec()),
            to: Some(self.before.to_be_bytes().to_vec()),
        };
        let mut rows = 0;
        loop {
            let engine = self.outputs.table.engine();
            let page = engine.scan(Space::OutputByEntry, range.clone(), SCAN)?;
            rows += page.rows.len();
            for (key, value) in &page.rows {
                range = range.after(key.as_bytes());
                let (serial, is_first) = place(value.as_bytes())?;
                if is_first {
                    self.found.push((index(key.as_bytes())?, serial));
                }
            }
            if !page.more {
                return Ok(rows);
            }
        }
    }
}

/// Behind every entry that there can be.
fn back(serial: Serial) -> Vec<u8> {
    [u64::MAX.to_be_bytes(), serial.to_bytes()].concat()
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

fn index(bytes: &[u8]) -> Result<u64, TableError> {
    let bytes = bytes.try_into().ok();
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
    use crate::engine::{Append, Engine, Value};

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
            approver: None,
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

    fn empty() -> (Arc<SystemSource>, Arc<MemoryEngine>, Outputs) {
        let random = Arc::new(SystemSource::default());
        let engine = Arc::new(MemoryEngine::new(Arc::new(SystemClock::default())));
        let table = Table::new(
            engine.clone(),
            Locator::new(&Secret::new([1; 32])),
            RowKey::new(Secret::new([2; 32])),
            random.clone(),
            "output",
        );
        (random, engine, Outputs::new(table))
    }

    /// Entries of which no output knows.
    fn others(engine: &MemoryEngine, count: usize) {
        let other = || Append {
            log: Log::Access,
            leaf: vec![1],
            stamp_at: None,
            body: Vec::new(),
        };
        let batch = Batch {
            append: (0..count).map(|_| other()).collect(),
            ..Batch::default()
        };
        engine.commit(batch).wait().unwrap();
    }

    #[test]
    fn what_lies_far_back_is_found_and_not_read_before_it_is_needed() {
        let (random, engine, outputs) = empty();
        let [a, b, c, d] = [(); 4].map(|()| output(&*random));
        first(&engine, &outputs, &a);
        others(&engine, 20_000);
        first(&engine, &outputs, &b);
        others(&engine, 3_000);
        first(&engine, &outputs, &c);
        first(&engine, &outputs, &d);
        let serials = |before, rows| {
            let page = outputs.newest(before, Limit::rows(rows), |_| true);
            page.map(|(rows, next)| {
                let serials = rows.iter().map(|stored| stored.row.serial);
                (serials.collect::<Vec<_>>(), next)
            })
        };
        let all = vec![d.serial, c.serial, b.serial, a.serial];
        assert_eq!(serials(u64::MAX, 9).unwrap(), (all.clone(), None));
        assert_eq!(serials(u64::MAX, 4).unwrap(), (all, None), "none behind it");
        assert_eq!(serials(20_001, 9).unwrap(), (vec![a.serial], None));
        for (output, place) in [(&a, 0), (&b, 20_001), (&d, 23_003)] {
            assert_eq!(outputs.entry_of(output.serial).unwrap(), Some(place));
            // As 0.3.0 left it.
            let way_back = Key::new(back(output.serial)).unwrap();
            let batch = Batch {
                delete: vec![(Space::OutputByEntry, way_back)],
                ..Batch::default()
            };
            engine.commit(batch).wait().unwrap();
            assert_eq!(outputs.entry_of(output.serial).unwrap(), Some(place));
        }
        assert_eq!(
            outputs.entry_of(Serial::random(&*random).unwrap()).unwrap(),
            None
        );
        let spoiled = Value::new(vec![9; 3]).unwrap();
        let batch = Batch {
            put: vec![(Space::OutputByEntry, Key::from_index(0), spoiled)],
            ..Batch::default()
        };
        engine.commit(batch).wait().unwrap();
        let newest = serials(u64::MAX, 1).unwrap();
        assert_eq!(newest, (vec![d.serial], Some(23_003)));
        assert!(serials(u64::MAX, 4).is_err(), "the control");
    }

    #[test]
    fn an_entry_leads_to_its_output_and_lists_run_backwards() {
        let (random, engine, outputs) = empty();
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
