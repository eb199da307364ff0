//! The adversary: tries every key that can be had on every row that can be carved, every value
//! that can be guessed on every posting, and looks for texts and keys in all bytes as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bongham::cases::head::Head;
use bongham::cases::search::SearchField;
use bongham::crypto::wrap::{CaseKey, PrivateKey, Recipient, Wrap};
use bongham::destruction::ledger::sha256_hex;
use bongham::domain::id::{CaseId, UnitId};
use bongham::engine::embedded::carve::{Carved, Carver};
use bongham::engine::{Space, Value as Stored};
use bongham::keyring::{Keyring, ServerKey};
use ring::hmac::{self, HMAC_SHA256};

use super::{History, Unit};
use crate::search::Search;
use crate::thief::{Image, Rows, apart, keyring, opened};
use crate::world::{PEOPLE, walk};

/// Bytes of a posting's key: a token of 16, a suffix of 8.
const POSTING_KEY: usize = 24;

/// What the journals in some directories tell whoever has their key.
#[derive(Default)]
pub(super) struct Carvings {
    /// Rows of units by their places.
    pub(super) units: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    /// Keys of postings, in rows and in removals.
    postings: BTreeSet<Vec<u8>>,
    /// Those in removals.
    removed: BTreeSet<Vec<u8>>,
}

pub(super) fn carved(dirs: &[&Path], keyring: &Keyring) -> Carvings {
    let mut found = Carvings::default();
    let carver = Carver::new(&keyring.server_key(ServerKey::Journal)).unwrap();
    let mut files = Vec::new();
    dirs.iter().for_each(|dir| walk(dir, &mut files));
    let mut seen = BTreeSet::new();
    for (_, bytes) in files {
        // The same bytes in many images tell nothing new.
        if !seen.insert(sha256_hex(&bytes)) {
            continue;
        }
        let row = |row: Carved<'_>| match (row.space, row.value) {
            (Space::Unit, Some(value)) => {
                let values = found.units.entry(row.key.to_vec()).or_default();
                values.insert(value.to_vec());
            }
            (Space::Posting, value) if row.key.len() == POSTING_KEY => {
                found.postings.insert(row.key.to_vec());
                if value.is_none() {
                    found.removed.insert(row.key.to_vec());
                }
            }
            _ => {}
        };
        carver.carve(bytes.as_slice(), row, |_, _| ()).unwrap();
    }
    found
}

/// How many of these keys begin with one of these tokens.
fn hits(keys: &BTreeSet<Vec<u8>>, tokens: &[[u8; 16]]) -> usize {
    let begins = |key: &&Vec<u8>| tokens.iter().any(|token| key.starts_with(token));
    keys.iter().filter(begins).count()
}

/// Everything that all images together hold.
struct Thief<'a> {
    history: &'a History,
    /// Today's.
    now: Arc<Keyring>,
    /// The store as it is today.
    newest: Rows,
    /// Every version of every case.
    heads: Vec<Head>,
    keys: Vec<PrivateKey>,
    /// The custodian's, who has what is kept apart.
    custodian: PrivateKey,
    carvings: Carvings,
    places: BTreeMap<(CaseId, u64), Vec<u8>>,
    /// The last image in which a unit was living.
    seen: BTreeMap<(CaseId, u64), usize>,
    /// Keyrings of images, opened once.
    old: BTreeMap<usize, Arc<Keyring>>,
}

impl<'a> Thief<'a> {
    fn of(history: &'a History) -> Self {
        let now = keyring(history.images.last().unwrap());
        let mut heads: BTreeMap<(Vec<u8>, u64, u32), Head> = BTreeMap::new();
        let (mut places, mut seen) = (BTreeMap::new(), BTreeMap::new());
        let mut newest = None;
        for (n, image) in history.images.iter().enumerate() {
            let rows = image.rows(&now);
            for stored in rows.heads() {
                let head = stored.head;
                for unit in &head.units {
                    let id = (head.case, unit.unit.as_u64());
                    places.insert(id, rows.place(head.case, unit.unit));
                    seen.insert(id, n);
                }
                let version = (
                    head.case.as_bytes().to_vec(),
                    head.revision,
                    head.key_version,
                );
                heads.insert(version, head);
            }
            newest = Some(rows);
        }
        let newest = newest.unwrap();
        let held = |login: &&str| newest.private_key(&history.world, &now, login);
        let keys: Vec<_> = PEOPLE
            .iter()
            .filter_map(|(login, ..)| held(login))
            .collect();
        assert_eq!(keys.len(), PEOPLE.len(), "every officer's key");
        let custodian = held(&"custodian").unwrap();
        let carvings = carved(&history.everything(), &now);
        Self {
            history,
            now,
            newest,
            heads: heads.into_values().collect(),
            keys,
            custodian,
            carvings,
            places,
            seen,
            old: BTreeMap::new(),
        }
    }

    /// The keyring of an image: the sensitivity control.
    fn before(&mut self, image: usize) -> Arc<Keyring> {
        let images = &self.history.images;
        let opened = self.old.entry(image);
        Arc::clone(opened.or_insert_with(|| keyring(&images[image])))
    }

    /// Every key that opens a wrap of this case: of officers, of departments.
    fn case_keys(&self, case: CaseId, keyring: &Keyring) -> Vec<CaseKey> {
        let mut wraps: Vec<&Wrap> = Vec::new();
        let heads = self.heads.iter().filter(|head| head.case == case);
        for wrap in heads.flat_map(|head| &head.wraps) {
            if !wraps.contains(&wrap) {
                wraps.push(wrap);
            }
        }
        let mut found = Vec::new();
        for wrap in wraps {
            if let Recipient::Department {
                department,
                key_version,
            } = &wrap.recipient
            {
                let key = keyring.department_key_version(*department, *key_version);
                let key = key.unwrap();
                found.extend(CaseKey::unwrap_with_department(case, wrap, &key));
            }
            let keys = self.keys.iter();
            found.extend(keys.filter_map(|key| CaseKey::unwrap_with(case, wrap, key).ok()));
        }
        found
    }

    /// All plaintext that can be had of a case under a keyring: every key on every row.
    fn loot(&self, case: &str, keyring: &Keyring) -> String {
        let case: CaseId = case.parse().unwrap();
        let keys = self.case_keys(case, keyring);
        assert!(!keys.is_empty(), "all recipient halves are his");
        let (mut text, mut tried) = (String::new(), BTreeSet::new());
        for head in self.heads.iter().filter(|head| head.case == case) {
            for unit in &head.units {
                if !tried.insert((unit.unit.as_u64(), head.key_version)) {
                    continue;
                }
                let place = &self.places[&(case, unit.unit.as_u64())];
                for value in self.carvings.units.get(place).into_iter().flatten() {
                    let value = Stored::new(value.clone()).unwrap();
                    for key in &keys {
                        let version = head.key_version;
                        let more = opened(case, head.tier, version, unit, &value, key, keyring);
                        text.push_str(&more);
                    }
                }
            }
        }
        text
    }

    /// Units that some image knows and the newest one does not.
    fn gone(&self) -> Vec<(CaseId, UnitId)> {
        let heads = self.newest.heads();
        let left = heads.iter().flat_map(|stored| &stored.head.units);
        let left: BTreeSet<u64> = left.map(|unit| unit.unit.as_u64()).collect();
        let all = self.places.keys().filter(|(_, unit)| !left.contains(unit));
        all.map(|(case, unit)| (*case, UnitId::from_u64(*unit)))
            .collect()
    }

    /// Key bytes of a unit that is gone: `SK`, and every `DEK` and `CEK` that the images give.
    fn key_bytes(&mut self, case: CaseId, unit: UnitId) -> Vec<(&'static str, Vec<u8>)> {
        let image = self.seen[&(case, unit.as_u64())];
        let before = self.before(image);
        let half = before.shred_half(unit).unwrap();
        let shred = half.secret().expose().to_vec();
        let mut found = Vec::new();
        for head in self.heads.iter().filter(|head| head.case == case) {
            if !head.units.iter().any(|u| u.unit == unit) {
                continue;
            }
            let version = head.key_version;
            let place = &self.places[&(case, unit.as_u64())];
            for value in self.carvings.units.get(place).into_iter().flatten() {
                let (length, rest) = value[1..].split_first_chunk::<2>().unwrap();
                let boxed = &rest[..usize::from(u16::from_be_bytes(*length))];
                for key in self.case_keys(case, &before) {
                    let Ok(half) = key.open_half(case, unit, version, boxed) else {
                        continue;
                    };
                    let info = [
                        b"bongham/cek/1\x01".as_slice(),
                        &unit.as_u64().to_be_bytes(),
                        &[head.tier.byte()],
                        &version.to_be_bytes(),
                        &[1],
                    ]
                    .concat();
                    let half = half.secret().expose().to_vec();
                    found.push(("CEK", mac(&mac(&shred, &half), &info)));
                    found.push(("DEK", half));
                }
            }
        }
        assert!(found.len() >= 2, "all recipient halves are his");
        found.push(("SK", shred));
        found.sort();
        found.dedup();
        found
    }
}

/// HKDF of RFC 5869 is two of these.
fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, key), text);
    tag.as_ref().to_vec()
}

pub(super) fn attacks(history: &History) {
    let mut thief = Thief::of(history);
    thief.opens();
    thief.opens_apart();
    thief.looks_at_the_disk();
    thief.guesses();
    thief.searches_all_bytes();
}

impl Thief<'_> {
    /// Every key on every row of every image: nothing of the dead, everything of the living.
    fn opens(&mut self) {
        let (mut dead, mut living) = (0, 0);
        for case in &self.history.cases {
            let text = self.loot(&case.id, &self.now);
            for unit in &case.units {
                let found = text.contains(&unit.canary);
                match unit.dead_after {
                    None => {
                        living += 1;
                        assert!(found, "a living {} of {} opens", unit.kind, case.id);
                    }
                    Some(image) => {
                        dead += 1;
                        assert!(!found, "a dead {} of {} opened", unit.kind, case.id);
                        // The control: one keyring from before, and it is back.
                        let before = self.before(image);
                        let again = self.loot(&case.id, &before);
                        assert!(again.contains(&unit.canary), "the control: {}", unit.kind);
                    }
                }
            }
        }
        assert!(dead >= 4 && living >= 5, "{dead} dead, {living} living");
    }

    /// What another law keeps lives on, for its custodian and for nobody else.
    fn opens_apart(&self) {
        let image: &Image = self.history.images.last().unwrap();
        let custodian = self.custodian.public().fingerprint();
        for item in &self.history.apart {
            for key in &self.keys {
                let his = key.public().fingerprint() == custodian;
                let text = apart(image, &item.id, std::slice::from_ref(key), &self.now);
                let opens = |canary: &String| text.contains(canary) == his;
                assert!(item.canaries.iter().all(opens));
            }
        }
        assert!(!self.history.apart.is_empty());
    }

    /// Nothing of the dead is left in the present, and everything in the images.
    fn looks_at_the_disk(&self) {
        let gone = self.gone();
        let units = self.history.cases.iter().flat_map(|case| &case.units);
        assert!(gone.len() >= units.filter(|unit| unit.dead_after.is_some()).count());
        let present = carved(&[self.history.world.settings.data.as_path()], &self.now).units;
        let place = |(case, unit): &(CaseId, UnitId)| &self.places[&(*case, unit.as_u64())];
        let left = gone.iter().filter(|unit| present.contains_key(place(unit)));
        assert_eq!(left.count(), 0, "rows of dead units after the scrub");
        let images = &self.carvings.units;
        assert!(gone.iter().all(|unit| images.contains_key(place(unit))));
        assert!(!present.is_empty(), "the control: living rows are carved");
    }

    /// Who knows name and telephone of somebody dead learns from no posting of any image, and from
    /// no removal, that the office ever had them.
    fn guesses(&mut self) {
        let data = self.history.world.settings.data.as_path();
        let present = carved(&[data], &self.now);
        let (mut living, mut controls) = (0, 0);
        for case in &self.history.cases {
            for unit in case.units.iter().filter(|unit| unit.kind == "person") {
                for (field, value) in guessed(unit) {
                    let tokens = |keyring: &Keyring| {
                        let of = |department| self.newest.tokens(keyring, department, field, value);
                        [of("civil"), of("rights")].concat()
                    };
                    let today = tokens(&self.now);
                    match unit.dead_after {
                        None if case.sensitive => {}
                        None => {
                            assert_eq!(hits(&present.postings, &today), 1, "a living {field:?}");
                            living += 1;
                            continue;
                        }
                        Some(image) if unit.indexed => {
                            let images = &self.history.images;
                            let opened = self.old.entry(image);
                            let before = opened.or_insert_with(|| keyring(&images[image]));
                            let then = tokens(before);
                            let found = hits(&self.carvings.postings, &then);
                            assert!(found > 0, "the control: {field:?} from before");
                            let left = hits(&present.removed, &then);
                            assert!(left > 0, "the control: a removal tells {field:?}");
                            controls += 1;
                        }
                        Some(_) => {}
                    }
                    for keys in [&self.carvings.postings, &present.postings] {
                        assert_eq!(hits(keys, &today), 0, "a guess of {field:?} succeeded");
                    }
                }
            }
        }
        assert!(living > 0, "{living} living, {controls} controls");
    }

    /// No text of anybody and no key of the gone in any file of the present, of any image, of any
    /// backup, as bytes or in any of the usual spellings.
    fn searches_all_bytes(&mut self) {
        let units = self.history.cases.iter().flat_map(|case| &case.units);
        let mut values: Vec<(&str, &str)> = Vec::new();
        for unit in units {
            values.push((unit.kind, &unit.canary));
            values.extend(
                unit.telephone
                    .as_deref()
                    .map(|number| ("telephone", number)),
            );
        }
        let mut search = Search::new(&values);
        let mut keys = Vec::new();
        for (case, unit) in self.gone() {
            keys.extend(self.key_bytes(case, unit));
        }
        for before in self.old.values() {
            let epochs = before.older_index_epoch().into_iter();
            let epochs = epochs.chain([before.index_epoch()]);
            keys.extend(epochs.map(|epoch| ("index", epoch.key.expose().to_vec())));
        }
        keys.sort();
        keys.dedup();
        for (name, bytes) in &keys {
            search = search.and_bytes(name, bytes);
        }
        let settings = &self.history.world.settings;
        let mut places = self.history.everything();
        places.extend([settings.data.as_path(), settings.keyring.as_path()]);
        assert_eq!(search.below_each_once(&places), []);

        // The controls: each of them is found where it stands, and bytes that are there are found.
        let planted = tempfile::tempdir().unwrap();
        let file = planted.path().join("planted");
        let all: Vec<u8> = keys.iter().flat_map(|(_, bytes)| bytes).copied().collect();
        std::fs::write(&file, [all.as_slice(), values[0].1.as_bytes()].concat()).unwrap();
        let found = search.below_each_once(&[planted.path()]);
        let count = |what: &str| found.iter().filter(|(_, hit)| hit.ends_with(what)).count();
        assert_eq!(count(" as bytes"), keys.len());
        assert_eq!(count(" as UTF-8"), 1);
        let row = self.carvings.units.values().flatten().next().unwrap();
        let there = &row[row.len() - 32..];
        let raw = planted.path().join("row");
        std::fs::write(raw, row).unwrap();
        let control = Search::new(&[]).and_bytes("sealed", there);
        assert_eq!(control.below_each_once(&[planted.path()]).len(), 1);
        let journal = self.history.images[0]
            .path()
            .join("data/store/journal/00000001");
        let journal = std::fs::read(journal).unwrap();
        let control = Search::new(&[]).and_bytes("journal", &journal[200..232]);
        assert!(!control.below_each_once(&places).is_empty());
    }
}

fn guessed(unit: &Unit) -> impl Iterator<Item = (SearchField, &str)> {
    let number = unit.telephone.as_deref();
    let number = number.map(|number| (SearchField::Telephone, number));
    [(SearchField::Name, unit.canary.as_str())]
        .into_iter()
        .chain(number)
}
