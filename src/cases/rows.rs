//! The rows of cases in the engine: heads, units, lists, the register.

mod receipts;

use std::sync::Arc;

use crate::crypto::envelope::SealError;
use crate::crypto::locate::Locator;
use crate::crypto::sealed::{Padding, RowKey};
use crate::domain::id::{AccountId, CaseId, DepartmentId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::random::Random;
use crate::domain::tier::Tier;
use crate::engine::{
    Batch, CommitError, Engine, EngineError, Expected, Key, KeyRange, Late, Mark, Series, Space,
    Value,
};
use crate::vault::UnitRef;

use super::head::{self, Head, StoredHead};
use super::view::CaseState;

/// A row could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Stored bytes do not open or decode.
    #[error("damaged row: {0}")]
    Damaged(&'static str),
    /// A row could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Whose list a case stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Of a person who holds it.
    Holder(AccountId),
    /// Of a department: ordinary cases only.
    Department(DepartmentId),
}

/// Where in a batch the committer's numbers come from.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// Which leaf of the batch is the case's entry.
    pub leaf: usize,
    /// Which number of the batch is the case's.
    pub number: usize,
}

/// Reads and prepares the rows of cases.
pub struct Cases {
    engine: Arc<dyn Engine>,
    locator: Locator,
    row_key: RowKey,
    random: Arc<dyn Random>,
    /// Of a row that is read where there is none.
    decoy: Key,
}

impl Cases {
    /// Over this engine, under these server keys.
    pub fn new(
        engine: Arc<dyn Engine>,
        locator: Locator,
        row_key: RowKey,
        random: Arc<dyn Random>,
    ) -> Result<Self, RowError> {
        let cases = Self {
            decoy: Key::from(locator.place("decoy", &[])),
            engine,
            locator,
            row_key,
            random,
        };
        cases.lay_decoy()?;
        Ok(cases)
    }

    /// Stores the decoy, once: a row as large as most heads.
    fn lay_decoy(&self) -> Result<(), RowError> {
        let (key, random) = (&self.decoy, self.random.as_ref());
        if self.engine.get(Space::Meta, key)?.is_some() {
            return Ok(());
        }
        let sealed = self.row_key.seal(
            Space::Meta,
            key.as_bytes(),
            &[0; 400],
            Padding::Steps,
            random,
        )?;
        let batch = Batch {
            put: vec![(Space::Meta, key.clone(), value_of(sealed)?)],
            ..Batch::default()
        };
        match self.engine.commit(batch).wait() {
            Ok(_) => Ok(()),
            Err(CommitError::Engine(error)) => Err(error.into()),
            Err(_) => Err(EngineError::Stopped.into()),
        }
    }

    fn head_key(&self, case: CaseId) -> Key {
        Key::from(self.locator.place("case", &[case.as_bytes()]))
    }
    /// Where the row of a unit stands, or stood: what recognises it in carved bytes.
    pub fn unit_key(&self, case: CaseId, unit: UnitId) -> Key {
        Key::from(
            self.locator
                .place("unit", &[case.as_bytes(), &unit.as_u64().to_be_bytes()]),
        )
    }
    fn scope_prefix(&self, scope: Scope) -> [u8; 16] {
        match scope {
            Scope::Holder(account) => self.locator.place("holder", &[account.as_bytes()]),
            Scope::Department(department) => self
                .locator
                .place("department-list", &[department.as_bytes()]),
        }
    }

    /// The register's series of a tier and year.
    pub fn series(&self, tier: Tier, year: i16) -> Series {
        Series(
            self.locator
                .place("series", &[&[tier.byte()], &year.to_be_bytes()]),
        )
    }

    /// The head of a case. An absent one costs the same: the decoy is read from the journal and
    /// opened in its place.
    pub fn head(&self, case: CaseId) -> Result<Option<StoredHead>, RowError> {
        let key = self.head_key(case);
        let Some(row) = self.engine.get(Space::Head, &key)? else {
            let damaged = || RowError::Damaged("decoy");
            let decoy = self.engine.get(Space::Meta, &self.decoy)?;
            self.row_key
                .open(
                    Space::Meta,
                    self.decoy.as_bytes(),
                    decoy.ok_or_else(damaged)?.as_bytes(),
                )
                .map_err(|_| damaged())?;
            return Ok(None);
        };
        self.open_head(&key, row).map(Some)
    }

    fn open_head(&self, key: &Key, row: Value) -> Result<StoredHead, RowError> {
        let (sealed, ordinal, number) =
            head::split(row.as_bytes()).ok_or(RowError::Damaged("head"))?;
        let plain = self
            .row_key
            .open(Space::Head, key.as_bytes(), sealed)
            .map_err(|_| RowError::Damaged("head"))?;
        let head = head::decode(plain.expose()).map_err(RowError::Damaged)?;
        Ok(StoredHead {
            head,
            ordinal,
            number,
            row,
        })
    }

    /// The case under a number of the register; `None` for one that was never given, or is void.
    pub fn registered(
        &self,
        tier: Tier,
        year: i16,
        number: u64,
    ) -> Result<Option<CaseId>, RowError> {
        let series = self.series(tier, year);
        let key = key_of([series.0.as_slice(), &number.to_be_bytes()].concat())?;
        let Some(value) = self.engine.get(Space::Register, &key)? else {
            return Ok(None);
        };
        let case = self.open_case(Space::Register, &series.0, &value)?;
        Ok(Some(case).filter(|case| *case.as_bytes() != [0; 16]))
    }

    /// Adds to a batch that the rows of these units go.
    pub fn drop_units(&self, batch: &mut Batch, case: CaseId, units: &[UnitId]) {
        for unit in units {
            batch.delete.push((Space::Unit, self.unit_key(case, *unit)));
        }
    }

    /// Stored bytes of these units.
    pub fn units(
        &self,
        case: CaseId,
        units: impl Iterator<Item = UnitRef>,
    ) -> Result<Vec<(UnitRef, Value)>, RowError> {
        units
            .map(|unit| {
                let value = self
                    .engine
                    .get(Space::Unit, &self.unit_key(case, unit.unit))?;
                Ok((unit, value.ok_or(RowError::Damaged("a unit is missing"))?))
            })
            .collect()
    }

    /// Cases of a scope in order of registration, after `after`.
    pub fn list(
        &self,
        scope: Scope,
        after: Option<u64>,
        limit: Limit,
    ) -> Result<(Vec<(u64, CaseId)>, bool), RowError> {
        let prefix = self.scope_prefix(scope);
        let mut range = KeyRange::prefix(&prefix);
        if let Some(ordinal) = after {
            range = range.after(&[prefix.as_slice(), &ordinal.to_be_bytes()].concat());
        }
        let page = self.engine.scan(Space::List, range, limit)?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for (key, value) in page.rows {
            let ordinal = key
                .as_bytes()
                .last_chunk::<8>()
                .ok_or(RowError::Damaged("list row"))?;
            let plain = self
                .row_key
                .open(Space::List, &prefix, value.as_bytes())
                .map_err(|_| RowError::Damaged("list row"))?;
            let case = plain
                .expose()
                .try_into()
                .map_err(|_| RowError::Damaged("list row"))?;
            rows.push((u64::from_be_bytes(*ordinal), CaseId::from_bytes(case)));
        }
        Ok((rows, page.more))
    }

    fn seal_head(&self, key: &Key, head: &Head) -> Result<Vec<u8>, RowError> {
        let plain = head::encode(head).map_err(RowError::Damaged)?;
        Ok(self.row_key.seal(
            Space::Head,
            key.as_bytes(),
            &plain,
            Padding::Steps,
            self.random.as_ref(),
        )?)
    }

    fn seal_list(&self, prefix: &[u8; 16], case: CaseId) -> Result<Vec<u8>, RowError> {
        Ok(self.row_key.seal(
            Space::List,
            prefix,
            case.as_bytes(),
            Padding::None,
            self.random.as_ref(),
        )?)
    }

    /// Adds the rows of a new case to a batch.
    pub fn put_new(
        &self,
        batch: &mut Batch,
        head: &Head,
        units: Vec<(UnitRef, Value)>,
        scopes: &[Scope],
        marks: Marks,
    ) -> Result<(), RowError> {
        let key = self.head_key(head.case);
        let sealed = self.seal_head(&key, head)?;
        batch
            .expect
            .push((Space::Head, key.clone(), Expected::Absent));
        batch.late.push(Late {
            space: Space::Head,
            key: key.as_bytes().to_vec(),
            value: sealed,
            key_marks: Vec::new(),
            value_marks: vec![Mark::Leaf(marks.leaf), Mark::Number(marks.number)],
        });
        self.put_units(batch, head.case, units);
        for scope in scopes {
            let prefix = self.scope_prefix(*scope);
            batch.late.push(Late {
                space: Space::List,
                key: prefix.to_vec(),
                value: self.seal_list(&prefix, head.case)?,
                key_marks: vec![Mark::Leaf(marks.leaf)],
                value_marks: Vec::new(),
            });
        }
        self.put_receipt(batch, head)?;
        self.put_register(batch, head, marks.number)
    }

    /// Adds further units of a case to a batch; the head that names them comes with
    /// [`Cases::put_change`].
    pub fn put_added(&self, batch: &mut Batch, case: CaseId, units: Vec<(UnitRef, Value)>) {
        self.put_units(batch, case, units);
    }

    fn put_units(&self, batch: &mut Batch, case: CaseId, units: Vec<(UnitRef, Value)>) {
        for (unit, value) in units {
            batch
                .put
                .push((Space::Unit, self.unit_key(case, unit.unit), value));
        }
    }

    /// Takes the next number of the head's series and enters the case under it.
    fn put_register(&self, batch: &mut Batch, head: &Head, number: usize) -> Result<(), RowError> {
        let series = self.series(head.tier, head.registered_at.year());
        batch.number.push(series);
        batch.late.push(Late {
            space: Space::Register,
            key: series.0.to_vec(),
            value: self.seal_register(&series, Some(head.case))?,
            key_marks: vec![Mark::Number(number)],
            value_marks: Vec::new(),
        });
        Ok(())
    }

    /// A register row: the case or, for a void one (cancelled, reclassified), sixteen zeros.
    fn seal_register(&self, series: &Series, case: Option<CaseId>) -> Result<Vec<u8>, RowError> {
        let bytes = case.map_or([0; 16], |case| *case.as_bytes());
        Ok(self.row_key.seal(
            Space::Register,
            &series.0,
            &bytes,
            Padding::None,
            self.random.as_ref(),
        )?)
    }

    /// Adds a change of a case to a batch, on the condition that its head still stands as read.
    pub fn put_change(
        &self,
        batch: &mut Batch,
        before: &StoredHead,
        head: &Head,
        change: Change,
    ) -> Result<(), RowError> {
        let key = self.head_key(head.case);
        let mut value = self.seal_head(&key, head)?;
        batch.expect.push((
            Space::Head,
            key.clone(),
            Expected::Equals(before.row.clone()),
        ));
        value.extend_from_slice(&before.ordinal.to_be_bytes());
        if change.renumber {
            self.put_void(batch, before)?;
            let number = batch.number.len();
            batch.late.push(Late {
                space: Space::Head,
                key: key.as_bytes().to_vec(),
                value,
                key_marks: Vec::new(),
                value_marks: vec![Mark::Number(number)],
            });
            self.put_register(batch, head, number)?;
        } else {
            value.extend_from_slice(&before.number.to_be_bytes());
            batch.put.push((Space::Head, key, value_of(value)?));
        }
        if let Some(units) = change.units {
            for unit in &before.head.units {
                batch
                    .delete
                    .push((Space::Unit, self.unit_key(head.case, unit.unit)));
            }
            self.put_units(batch, head.case, units);
        }
        self.move_lists(batch, before.ordinal, head.case, &change.from, &change.to)
    }

    /// The stored bytes of a unit, if they are there.
    pub fn unit(&self, case: CaseId, unit: UnitId) -> Result<Option<Value>, RowError> {
        Ok(self.engine.get(Space::Unit, &self.unit_key(case, unit))?)
    }

    /// Lets a batch happen only while the head still stands as read.
    pub fn expect_unchanged(&self, batch: &mut Batch, before: &StoredHead) {
        let key = self.head_key(before.head.case);
        batch
            .expect
            .push((Space::Head, key, Expected::Equals(before.row.clone())));
    }

    /// Adds the end of units to a batch: their rows go. A case of which nothing is left also goes
    /// from every list, and its number in the register stays as a void one.
    pub fn put_gone(
        &self,
        batch: &mut Batch,
        before: &StoredHead,
        head: &Head,
        dead: &[UnitId],
    ) -> Result<(), RowError> {
        let change = Change {
            units: None,
            renumber: false,
            from: scopes(&before.head),
            to: if head.state == CaseState::Destroyed {
                Vec::new()
            } else {
                scopes(head)
            },
        };
        self.put_change(batch, before, head, change)?;
        for unit in dead {
            batch
                .delete
                .push((Space::Unit, self.unit_key(head.case, *unit)));
        }
        if head.state == CaseState::Destroyed {
            self.put_void(batch, before)?;
        }
        Ok(())
    }

    /// Leaves a void row in the register where the case stood.
    fn put_void(&self, batch: &mut Batch, before: &StoredHead) -> Result<(), RowError> {
        let series = self.series(before.head.tier, before.head.registered_at.year());
        let void = self.seal_register(&series, None)?;
        let row = [series.0.as_slice(), &before.number.to_be_bytes()].concat();
        batch
            .put
            .push((Space::Register, key_of(row)?, value_of(void)?));
        Ok(())
    }

    fn move_lists(
        &self,
        batch: &mut Batch,
        ordinal: u64,
        case: CaseId,
        from: &[Scope],
        to: &[Scope],
    ) -> Result<(), RowError> {
        let row = |scope: Scope| {
            let prefix = self.scope_prefix(scope);
            Ok::<_, RowError>((
                prefix,
                key_of([prefix.as_slice(), &ordinal.to_be_bytes()].concat())?,
            ))
        };
        for scope in from.iter().filter(|scope| !to.contains(scope)) {
            batch.delete.push((Space::List, row(*scope)?.1));
        }
        for scope in to.iter().filter(|scope| !from.contains(scope)) {
            let (prefix, key) = row(*scope)?;
            batch
                .put
                .push((Space::List, key, value_of(self.seal_list(&prefix, case)?)?));
        }
        Ok(())
    }
}

/// What changes besides the head.
pub struct Change {
    /// New units that take the place of all old ones.
    pub units: Option<Vec<(UnitRef, Value)>>,
    /// Whether the case moves to another series.
    pub renumber: bool,
    /// Lists it stood in.
    pub from: Vec<Scope>,
    /// Lists it shall stand in.
    pub to: Vec<Scope>,
}

/// The lists a case stands in: its holders' and, if ordinary, its department's.
pub fn scopes(head: &Head) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = Vec::new();
    for holder in head.holders() {
        let scope = Scope::Holder(holder);
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if head.tier == Tier::Ordinary {
        scopes.push(Scope::Department(head.department));
    }
    scopes
}

fn key_of(bytes: Vec<u8>) -> Result<Key, RowError> {
    Key::new(bytes).map_err(|_| RowError::Damaged("key too long"))
}

fn value_of(bytes: Vec<u8>) -> Result<Value, RowError> {
    Value::new(bytes).map_err(|_| RowError::Damaged("value too long"))
}
