use super::*;
use crate::domain::random::SystemSource;
use crate::domain::secret::SecretText;
use crate::domain::tier::{Tier, UnitKind};
use crate::domain::time::SystemClock;
use crate::engine::memory::MemoryEngine;
use crate::keyring::{UnsealCost, UnsealSecret};

const CASE: CaseId = CaseId::from_bytes([1; 16]);
const ALL: Limit = Limit::rows(1000);

struct Index {
    postings: Postings,
    engine: Arc<dyn Engine>,
    keyring: Arc<Keyring>,
    scope: ScopeKey,
    _dir: tempfile::TempDir,
}

impl Index {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let random: Arc<dyn Random> = Arc::new(SystemSource::default());
        let clock = Arc::new(SystemClock::default());
        let secret = UnsealSecret {
            passphrase: SecretText::new("봉함".to_owned()),
            key_file: None,
        };
        let cost = UnsealCost::minimal_for_tests();
        let keyring = Keyring::init(
            dir.path(),
            &secret,
            cost,
            Arc::clone(&random),
            Arc::clone(&clock) as _,
        );
        let keyring = Arc::new(keyring.unwrap());
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new(clock));
        let postings = Postings::new(
            Arc::clone(&engine),
            Arc::clone(&keyring),
            Locator::new(&keyring.server_key(ServerKey::Location)),
            RowKey::new(keyring.server_key(ServerKey::Row)),
            random,
        );
        let scope = postings.scope(DepartmentId::from_bytes([2; 16]));
        Self {
            postings,
            engine,
            keyring,
            scope,
            _dir: dir,
        }
    }
    fn unit(&self, values: &[&str]) -> UnitId {
        let unit = self.keyring.allocate(Tier::Ordinary, UnitKind::Person);
        let unit = unit.unwrap();
        let terms: Vec<Term> = values.iter().map(|v| self.scope.blind(1, v)).collect();
        let mut batch = Batch::default();
        self.postings.put(&mut batch, CASE, unit, &terms).unwrap();
        self.commit(batch);
        unit
    }
    fn commit(&self, batch: Batch) {
        self.engine.commit(batch).wait().unwrap();
    }
    fn found(&self, value: &str) -> Vec<UnitId> {
        let term = self.scope.blind(1, value);
        let (found, more) = self.postings.find(&term, ALL).unwrap();
        assert!(!more);
        found.into_iter().map(|posting| posting.unit).collect()
    }
    fn rows(&self) -> Vec<(Key, Value)> {
        let range = KeyRange::default();
        self.engine.scan(Space::Posting, range, ALL).unwrap().rows
    }
    /// One pass of the rotation in steps of `rows`; gives how many units were behind.
    fn pass(&self, rows: usize) -> usize {
        let (mut after, mut behind) = (None, 0);
        loop {
            let mut batch = Batch::default();
            let limit = Limit::rows(rows);
            let step = self.postings.renew(&mut batch, &mut after, limit).unwrap();
            self.commit(batch);
            behind += step.behind;
            if step.end {
                return behind;
            }
        }
    }
}

#[test]
fn rows_are_few_and_small() {
    let index = Index::new();
    index.unit(&["name", "telephone"]);
    index.unit(&[]);
    let mut sizes: Vec<_> = index
        .rows()
        .iter()
        .map(|(key, value)| (key.as_bytes().len(), value.as_bytes().len()))
        .collect();
    sizes.sort_unstable();
    let [(16, own), (24, one), (24, two)] = sizes[..] else {
        panic!("{sizes:?}");
    };
    // What the engine keeps in the index itself.
    assert!(one <= 64 && two <= 64, "{sizes:?}");
    assert!(own <= 200, "{sizes:?}");
}

#[test]
fn what_is_removed_is_found_no_more_also_when_its_half_went_first() {
    let index = Index::new();
    let (kept, dropped, dead) = (
        index.unit(&["kim", "010"]),
        index.unit(&["kim", "011"]),
        index.unit(&["kim", "012"]),
    );
    assert_eq!(index.found("kim"), [kept, dropped, dead]);
    index.keyring.puncture(&[dead]).unwrap();
    let mut batch = Batch::default();
    let units = [dropped, dead];
    index.postings.remove(&mut batch, &units).unwrap();
    index.commit(batch);
    assert_eq!(index.found("kim"), [kept]);
    assert_eq!(index.rows().len(), 3, "the rows of one unit");
    // Once more, as after a crash: nothing is left to be removed.
    let mut batch = Batch::default();
    index.postings.remove(&mut batch, &units).unwrap();
    assert!(batch == Batch::default());
}

#[test]
fn terms_die_with_the_unit() {
    let index = Index::new();
    let unit = index.unit(&["kim"]);
    let place = index.postings.unit_place(unit);
    let terms = || {
        let value = index.engine.get(Space::Posting, &place).unwrap().unwrap();
        let row: UnitRow = index.postings.open(&place, &value).unwrap();
        index.postings.terms(&place, &row).unwrap()
    };
    assert!(terms().is_some_and(|t| t.len() == 1), "the control");
    index.keyring.puncture(&[unit]).unwrap();
    assert!(terms().is_none());
}

#[test]
fn a_rotation_moves_the_living_and_drops_the_dead_and_can_stop_anywhere() {
    for rows in [1, 2, 1000] {
        let index = Index::new();
        let units: Vec<UnitId> = (0..7).map(|_| index.unit(&["kim", "010"])).collect();
        index.keyring.puncture(&units[..1]).unwrap();
        index.keyring.rotate_index_epoch().unwrap();
        // Half-way: whoever is registered now and whoever stands under the old key are both found.
        let mut batch = Batch::default();
        let mut after = None;
        let limit = Limit::rows(5);
        index.postings.renew(&mut batch, &mut after, limit).unwrap();
        index.commit(batch);
        let fresh = index.unit(&["kim"]);
        let living = || {
            let mut found = index.found("kim");
            found.retain(|unit| *unit != units[0]);
            found
        };
        let wanted = [&units[1..], &[fresh]].concat();
        assert_eq!(living(), wanted);
        while index.pass(rows) > 0 {}
        index.keyring.destroy_older_index_epoch().unwrap();
        assert_eq!(living(), wanted);
        assert_eq!(index.rows().len(), 6 * 3 + 2, "nothing of the dead one");
    }
}

#[test]
fn a_row_that_was_written_anew_is_not_removed_by_who_read_the_old_one() {
    let index = Index::new();
    let unit = index.unit(&["kim"]);
    let mut batch = Batch::default();
    index.postings.remove(&mut batch, &[unit]).unwrap();
    index.keyring.rotate_index_epoch().unwrap();
    index.pass(1000);
    assert!(index.engine.commit(batch).wait().is_err());
    assert_eq!(index.found("kim"), [unit]);
}

/// A store whose keyring came back from an older copy: its epoch is the older one, and rows stand
/// under a key that is lost.
#[test]
fn rows_under_a_lost_key_are_written_anew() {
    let index = Index::new();
    let unit = index.unit(&["kim"]);
    for _ in 0..2 {
        index.keyring.rotate_index_epoch().unwrap();
        index.keyring.destroy_older_index_epoch().unwrap();
    }
    assert_eq!(index.found("kim"), []);
    assert_eq!(index.pass(1000), 1);
    assert_eq!(index.found("kim"), [unit]);
}
