//! A thief: disk images of any age, keyring, passphrase, and the private keys of whoever lent a
//! password, used as the program itself would use them.

use std::path::Path;
use std::sync::Arc;

use bongham::authn::password::Hasher;
use bongham::cases::head::StoredHead;
use bongham::cases::rows::Cases;
use bongham::cases::search::{SearchField, Sought};
use bongham::crypto::blind::{EpochKey, IndexKey};
use bongham::crypto::content_key::ContentKey;
use bongham::crypto::envelope::{self, Place};
use bongham::crypto::locate::Locator;
use bongham::crypto::sealed::RowKey;
use bongham::crypto::wrap::{CaseKey, PrivateKey, Recipient};
use bongham::domain::id::{CaseId, UnitId};
use bongham::domain::limit::Limit;
use bongham::domain::random::SystemSource;
use bongham::domain::secret::SecretText;
use bongham::domain::tier::Tier;
use bongham::domain::time::SystemClock;
use bongham::engine::embedded::{EmbeddedEngine, Options};
use bongham::engine::{Engine, KeyRange, Space, Value};
use bongham::keyring::{Keyring, ServerKey};
use bongham::people::account::{Account, open_key};
use bongham::people::department::Department;
use bongham::people::rows::People;
use bongham::retained::rows::Items;
use bongham::vault::UnitRef;

use crate::world::{PASSPHRASE, World, password, secret};

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every byte of the office at one moment.
pub struct Image(tempfile::TempDir);

/// A keyring that a thief opened with the passphrase.
pub fn keyring(image: &Image) -> Arc<Keyring> {
    let own = image.0.path().join("keyring-opened");
    drop(std::fs::remove_dir_all(&own));
    copy(&image.0.path().join("keyring"), &own);
    let (random, clock) = (SystemSource::default(), SystemClock::default());
    let opened = Keyring::open(&own, &secret(PASSPHRASE), Arc::new(random), Arc::new(clock));
    Arc::new(opened.unwrap())
}

/// The rows of an image, opened with the server keys of any keyring of the same office.
pub struct Rows {
    engine: Arc<dyn Engine>,
    cases: Cases,
    people: People,
    row_key: RowKey,
    _dir: tempfile::TempDir,
}

impl Image {
    pub fn of(world: &World) -> Self {
        let image = tempfile::tempdir().unwrap();
        copy(&world.settings.data, &image.path().join("data"));
        copy(&world.settings.keyring, &image.path().join("keyring"));
        Self(image)
    }

    /// Where the bytes lie.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The rows of the separate store.
    pub fn items(&self, keyring: &Keyring) -> (Items, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        copy(&self.0.path().join("data").join("retained"), dir.path());
        let engine = open(dir.path(), keyring, ServerKey::RetainedJournal);
        let items = Items::new(
            engine,
            Locator::new(&keyring.server_key(ServerKey::RetainedLocation)),
            RowKey::new(keyring.server_key(ServerKey::RetainedRow)),
            Arc::new(SystemSource::default()),
        );
        (items, dir)
    }

    /// A thief minds no floor.
    pub fn rows(&self, keyring: &Keyring) -> Rows {
        let dir = tempfile::tempdir().unwrap();
        copy(&self.0.path().join("data").join("store"), dir.path());
        let random = Arc::new(SystemSource::default());
        let engine = open(dir.path(), keyring, ServerKey::Journal);
        let locator = || Locator::new(&keyring.server_key(ServerKey::Location));
        let row_key = || RowKey::new(keyring.server_key(ServerKey::Row));
        let (cases, people) = (Arc::clone(&engine), Arc::clone(&engine));
        let chance = || Arc::clone(&random) as _;
        Rows {
            engine,
            cases: Cases::new(cases, locator(), row_key(), chance()).unwrap(),
            people: People::new(people, locator(), row_key(), chance()),
            row_key: row_key(),
            _dir: dir,
        }
    }
}

fn open(dir: &Path, keyring: &Keyring, key: ServerKey) -> Arc<dyn Engine> {
    let options = Options {
        dir: dir.to_owned(),
        key: keyring.server_key(key),
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemSource::default()),
        floor: [0, 0],
        progress: Box::new(|_, _| {}),
        cache_bytes: 16 << 20,
        segment_bytes: 4 << 20,
        reserve: false,
    };
    Arc::new(EmbeddedEngine::open(options).unwrap())
}

impl Rows {
    pub fn head(&self, case: &str) -> StoredHead {
        let found = self.cases.head(case.parse().unwrap()).unwrap();
        found.unwrap()
    }

    /// Every head.
    pub fn heads(&self) -> Vec<StoredHead> {
        let (mut heads, mut after) = (Vec::new(), None);
        loop {
            let (more, next) = self.cases.heads(after.as_ref(), Limit::rows(100)).unwrap();
            heads.extend(more);
            match next {
                Some(next) => after = Some(next),
                None => return heads,
            }
        }
    }

    /// Where the row of a unit stands.
    pub fn place(&self, case: CaseId, unit: UnitId) -> Vec<u8> {
        self.cases.unit_key(case, unit).as_bytes().to_vec()
    }

    pub fn account(&self, login: &str) -> Account {
        let all: Vec<Account> = self.people.all().unwrap();
        let mut all = all.into_iter();
        all.find(|a| a.login.as_str() == login).unwrap()
    }

    /// The private key of somebody whose password the thief has; `None` where it is destroyed.
    pub fn private_key(&self, world: &World, keyring: &Keyring, login: &str) -> Option<PrivateKey> {
        let account = self.account(login);
        let credentials = account.credentials.unwrap();
        let pepper = keyring.server_key(ServerKey::Pepper);
        let hasher = Hasher::new(world.settings.password_cost, 1, 4, pepper);
        let typed = SecretText::new(password(login));
        let half = hasher.check(typed, Some(credentials.password.clone()));
        open_key(keyring, account.id, &credentials, &half.wait().ok()?).ok()
    }

    /// How many rows of the blind index a thief finds who guesses a value of a department, with
    /// the index keys of this keyring.
    pub fn guessed(
        &self,
        keyring: &Keyring,
        department: &str,
        field: SearchField,
        value: &str,
    ) -> usize {
        let tokens = self.tokens(keyring, department, field, value).into_iter();
        let rows = tokens.map(|token| {
            let range = KeyRange::prefix(&token);
            let page = self.engine.scan(Space::Posting, range, Limit::rows(100));
            page.unwrap().rows.len()
        });
        rows.sum()
    }

    /// What the keys of such rows begin with, under every epoch that this keyring has.
    pub fn tokens(
        &self,
        keyring: &Keyring,
        department: &str,
        field: SearchField,
        value: &str,
    ) -> Vec<[u8; 16]> {
        let all: Vec<Department> = self.people.all().unwrap();
        let department = all.iter().find(|d| d.code == department).unwrap().id;
        let scope = IndexKey::new(&keyring.server_key(ServerKey::Index)).scope(department);
        let term = Sought::parse(field, value).unwrap().blind(&scope);
        let epochs = keyring.older_index_epoch().into_iter();
        let epochs = epochs.chain([keyring.index_epoch()]);
        epochs
            .map(|epoch| EpochKey::new(&epoch.key).token(&term))
            .collect()
    }

    /// Keys and lengths of all rows of the blind index.
    pub fn postings(&self) -> Vec<(Vec<u8>, usize)> {
        let page = self
            .engine
            .scan(Space::Posting, KeyRange::default(), Limit::rows(10_000));
        let rows = page.unwrap().rows.into_iter();
        rows.map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().len()))
            .collect()
    }

    /// The register of a tier: numbers in order, and which of them are void.
    pub fn register(&self, tier: Tier, year: i16) -> Vec<(u64, bool)> {
        let series = self.cases.series(tier, year);
        let range = KeyRange::prefix(&series.0);
        let page = self.engine.scan(Space::Register, range, Limit::rows(100));
        let read = |(key, value): &(bongham::engine::Key, bongham::engine::Value)| {
            let number = key.as_bytes().last_chunk::<8>().unwrap();
            let plain = self
                .row_key
                .open(Space::Register, &series.0, value.as_bytes());
            let void = plain.unwrap().expose().iter().all(|byte| *byte == 0);
            (u64::from_be_bytes(*number), void)
        };
        page.unwrap().rows.iter().map(read).collect()
    }
}

/// Everything of a case that can be had: each key with each wrap of each image, each case key so
/// found with each unit of each image, under one keyring.
pub fn loot(case: &str, keys: &[PrivateKey], images: &[&Image], keyring: &Keyring) -> String {
    let id: CaseId = case.parse().unwrap();
    let rows: Vec<Rows> = images.iter().map(|image| image.rows(keyring)).collect();
    let heads: Vec<StoredHead> = rows.iter().map(|rows| rows.head(case)).collect();
    let mut case_keys = Vec::new();
    for wrap in heads.iter().flat_map(|stored| &stored.head.wraps) {
        if let Recipient::Department {
            department,
            key_version,
        } = &wrap.recipient
        {
            let key = keyring.department_key_version(*department, *key_version);
            let key = key.unwrap();
            case_keys.extend(CaseKey::unwrap_with_department(id, wrap, &key));
        }
        case_keys.extend(
            keys.iter()
                .filter_map(|k| CaseKey::unwrap_with(id, wrap, k).ok()),
        );
    }
    let mut found = String::new();
    for (rows, StoredHead { head, .. }) in rows.iter().zip(&heads) {
        for (unit, value) in rows.cases.units(id, head.units.iter().copied()).unwrap() {
            for key in &case_keys {
                let (tier, version) = (head.tier, head.key_version);
                found.push_str(&opened(id, tier, version, &unit, &value, key, keyring));
            }
        }
    }
    found
}

/// What one key opens of one unit.
pub fn opened(
    id: CaseId,
    tier: Tier,
    version: u32,
    unit: &UnitRef,
    value: &Value,
    key: &CaseKey,
    keyring: &Keyring,
) -> String {
    let (length, rest) = value.as_bytes()[1..].split_first_chunk::<2>().unwrap();
    let (boxed, sealed) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
    let place = Place {
        space: Space::Unit,
        unit: unit.unit,
        tier,
        record: unit.record,
        field: u16::from(unit.kind.byte()),
        schema: 1,
        version: 1,
    };
    let half = key.open_half(id, unit.unit, version, boxed);
    let shred = keyring.shred_half(unit.unit);
    let (Ok(half), Ok(shred)) = (half, shred) else {
        return String::new();
    };
    let content = ContentKey::combine(&shred, &half, unit.unit, tier, version);
    let plain = envelope::open(&content, &place, sealed).unwrap();
    String::from_utf8_lossy(plain.expose()).into_owned()
}

/// Everything of an item kept apart that can be had with these keys, under one keyring.
pub fn apart(image: &Image, item: &str, keys: &[PrivateKey], keyring: &Keyring) -> String {
    let (items, _dir) = image.items(keyring);
    let stored = items.item(item.parse().unwrap()).unwrap().unwrap().item;
    let id = CaseId::from_bytes(*stored.id.as_bytes());
    let mut found = String::new();
    for wrap in &stored.wraps {
        for key in keys
            .iter()
            .filter_map(|k| CaseKey::unwrap_with(id, wrap, k).ok())
        {
            for (unit, value) in items.units(&stored).unwrap() {
                found.push_str(&opened(id, Tier::Retained, 1, &unit, &value, &key, keyring));
            }
        }
    }
    found
}
