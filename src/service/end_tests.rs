//! The end of a destruction: no key of the index on which its dead could be guessed, no copy of
//! the keyring that still has one.

use std::time::Duration;

use super::destroy_tests::{Disk, ID, case, order, part, place, told};
use super::store::Store;
use crate::cases::search::{self, SearchField};
use crate::crypto::blind::{EpochKey, Term};
use crate::destruction::certificate::{Body, State, verify};
use crate::destruction::ledger::HolderState::{self, Acknowledged, Pending};
use crate::destruction::ledger::{Entry, Event};
use crate::destruction::order::{Order, Stage, What};
use crate::domain::id::{AccountId, CaseId, DepartmentId, DestructionId, KeyHolderId, UnitId};
use crate::domain::limit::Limit;
use crate::domain::tier::Tier;
use crate::engine::fault::Fault;
use crate::engine::{Batch, CommitError, EngineError, KeyRange, Log, Space};
use crate::keyring::IndexEpoch;
use crate::merkle::checkpoint::Verifier;
use crate::people::holder::{self, KeyHolder};

/// Longer than an old key of the index stays.
const GRACE: Duration = Duration::from_secs(61);

fn name(store: &Store, name: &str) -> Term {
    let scope = store.postings.scope(DepartmentId::from_bytes([1; 16]));
    search::term(&scope, SearchField::Name, name).unwrap()
}

/// An ordinary case with a person of this name in the index.
fn person(store: &Store, n: u8, text: &str) -> (CaseId, Vec<UnitId>) {
    let (case, units) = case(store, n, Tier::Ordinary);
    let mut batch = Batch::default();
    let terms = [(units[1], vec![name(store, text)])];
    store.index_people(&mut batch, case, &terms).unwrap();
    store.engine.commit(batch).wait().unwrap();
    (case, units)
}

fn found(store: &Store, text: &str) -> usize {
    let term = name(store, text);
    store.postings.find(&term, Limit::rows(10)).unwrap().0.len()
}

/// Keys of postings on the disk.
fn postings(store: &Store) -> Vec<Vec<u8>> {
    let range = KeyRange::default();
    let page = store.engine.scan(Space::Posting, range, Limit::rows(100));
    let rows = page.unwrap().rows.into_iter();
    rows.map(|(key, _)| key.as_bytes().to_vec()).collect()
}

/// On how many of these keys a guess succeeds with the epochs that a keyring has.
fn guesses<'a>(
    epochs: impl Iterator<Item = &'a IndexEpoch>,
    term: &Term,
    keys: &[Vec<u8>],
) -> usize {
    let tokens: Vec<_> = epochs.map(|e| EpochKey::new(&e.key).token(term)).collect();
    let hit = |key: &&Vec<u8>| tokens.iter().any(|token| key.starts_with(token));
    keys.iter().filter(hit).count()
}

fn now(store: &Store) -> Vec<IndexEpoch> {
    let older = store.keyring.older_index_epoch();
    older
        .into_iter()
        .chain([store.keyring.index_epoch()])
        .collect()
}

fn certified(store: &Store, id: DestructionId) -> Body {
    let stored = store.order_row(id).unwrap().unwrap();
    let verifier = Verifier::parse(&store.log.verifier_key()).unwrap();
    verify(&store.issue(&stored).unwrap(), &verifier, None).unwrap()
}

/// Steps of the background until one key is left.
fn turn(disk: &Disk, store: &Store) {
    store.turn_index(1).unwrap();
    disk.clock.advance(GRACE);
    for _ in 0..10 {
        if store.keyring.older_index_epoch().is_none() {
            return;
        }
        store.turn_index(1).unwrap();
    }
    panic!("the rotation does not come to its end");
}

#[test]
fn a_destruction_is_over_when_no_key_is_left_to_guess_its_dead_with() {
    let disk = Disk::new();
    let (store, _) = disk.boot();
    let (dead, _) = person(&store, 1, "홍길동");
    person(&store, 2, "임꺽정");
    // What an image of this day has, and a copy of the keyring.
    let (image, then) = (postings(&store), store.keyring.index_epoch());
    let term = name(&store, "홍길동");
    place(&store, &order(vec![part(dead, What::Whole)]));
    let version = store.keyring.root_version();
    store.turn_index(1).unwrap();
    assert_eq!(store.keyring.root_version(), version, "nothing is due yet");

    assert_eq!(store.execute(ID).unwrap(), Stage::Destroyed);
    assert_eq!(
        store.order_row(ID).unwrap().unwrap().record.index,
        Some(then.id)
    );
    assert_eq!(found(&store, "홍길동"), 0);
    // The keys of the unit are gone, and still a guess succeeds on the image.
    assert_eq!(guesses(now(&store).iter(), &term, &image), 1);
    store.scrub().unwrap();
    assert_eq!(told(&store), ["intent", "destroyed"], "too early");
    assert_eq!(certified(&store, ID).state, State::Pending);

    store.turn_index(1).unwrap();
    assert!(store.index_progress().running);
    drop(store);
    let (store, _) = disk.boot();
    store.resume_destructions().unwrap();
    store.scrub().unwrap();
    assert_eq!(told(&store).len(), 2, "two keys are there still");
    turn(&disk, &store);
    assert!(!store.keyring.has_index_epoch(then.id));
    assert_eq!(guesses(now(&store).iter(), &term, &image), 0);
    assert_eq!(
        guesses([&then].into_iter(), &term, &image),
        1,
        "the control"
    );
    assert_eq!(found(&store, "임꺽정"), 1, "the living are found");

    let died_with = store.keyring.root_version();
    store.scrub().unwrap();
    assert_eq!(told(&store), ["intent", "destroyed", "scrubbed"]);
    assert_eq!(certified(&store, ID).state, State::Complete);
    let last = store.engine.leaves(Log::Ledger, 2, Limit::rows(1)).unwrap();
    match Entry::read(&last[0].leaf).unwrap().event {
        Event::Scrubbed(said) => assert_eq!(said.root_version, Some(died_with)),
        other => panic!("{other:?}"),
    }
    // One rotation for one destruction.
    for _ in 0..5 {
        disk.clock.advance(GRACE);
        store.turn_index(1).unwrap();
    }
    assert_eq!(store.keyring.root_version(), died_with);
}

#[test]
fn a_destruction_in_the_middle_of_a_rotation_waits_for_the_next() {
    let disk = Disk::new();
    let (store, _) = disk.boot();
    let cases = [person(&store, 1, "홍길동").0, person(&store, 2, "임꺽정").0];
    let orders = cases.iter().zip(1..).map(|(dead, n)| Order {
        id: DestructionId::from_bytes([n; 16]),
        ..order(vec![part(*dead, What::Whole)])
    });
    let orders: Vec<Order> = orders.collect();
    orders.iter().for_each(|order| place(&store, order));
    store.execute(orders[0].id).unwrap();
    store.turn_index(1).unwrap();
    let middle = store.keyring.index_epoch().id;
    store.execute(orders[1].id).unwrap();
    turn(&disk, &store);
    store.scrub().unwrap();
    let stages = |store: &Store| {
        let stage = |order: &Order| store.order(order.id).unwrap().unwrap().stage;
        orders.iter().map(stage).collect::<Vec<_>>()
    };
    assert!(store.keyring.has_index_epoch(middle));
    assert_eq!(stages(&store), [Stage::Scrubbed, Stage::Destroyed]);
    turn(&disk, &store);
    store.scrub().unwrap();
    assert!(!store.keyring.has_index_epoch(middle));
    assert_eq!(stages(&store), [Stage::Scrubbed, Stage::Scrubbed]);
}

#[test]
fn a_step_that_fails_waits_a_minute_and_goes_on() {
    let disk = Disk::new();
    let (store, engine) = disk.boot();
    let (dead, _) = person(&store, 1, "홍길동");
    person(&store, 2, "임꺽정");
    place(&store, &order(vec![part(dead, What::Whole)]));
    store.execute(ID).unwrap();
    engine.arm(0, Fault::Before(CommitError::Engine(EngineError::DiskFull)));
    assert!(store.turn_index(1).is_err());
    assert_eq!(store.index_progress().failures, 1);
    let commits = engine.commits();
    for ticks in 2..60 {
        store.turn_index(ticks).unwrap();
    }
    assert_eq!(engine.commits(), commits, "it was tried again at once");
    store.turn_index(60).unwrap();
    assert!(engine.commits() > commits);
    assert_eq!(store.index_progress().failures, 0);
    turn(&disk, &store);
    store.scrub().unwrap();
    assert_eq!(certified(&store, ID).state, State::Complete);
}

/// What a copy of the keyring that is made now is entered as.
fn copied(store: &Store, n: u8) -> KeyHolder {
    let row = KeyHolder {
        id: KeyHolderId::from_bytes([n; 16]),
        name: format!("금고 {n}"),
        made: store.clock.now(),
        by: AccountId::from_bytes([1; 16]),
        version: store.keyring.root_version(),
        next_bucket: store.keyring.next_bucket(),
        ended: None,
    };
    let mut batch = Batch::default();
    store.people.put_new(&mut batch, &row).unwrap();
    store.engine.commit(batch).wait().unwrap();
    row
}

fn ended(store: &Store, id: KeyHolderId) {
    let stored = store.people.key_holder(id).unwrap().unwrap();
    let row = KeyHolder {
        ended: Some(holder::Acknowledged {
            by: AccountId::from_bytes([1; 16]),
            at: store.clock.now(),
        }),
        ..stored.row.clone()
    };
    let mut batch = Batch::default();
    store.people.put_changed(&mut batch, &stored, &row).unwrap();
    store.engine.commit(batch).wait().unwrap();
}

/// A copy from before has the keys, one from before the index's key was gone has that one, and
/// one that was made after both has nothing, whatever happens to the keyring later.
#[test]
fn a_copy_of_the_keyring_is_pending_as_long_as_it_has_a_key_of_the_destruction() {
    let disk = Disk::new();
    let (store, _) = disk.boot();
    let (dead, _) = person(&store, 1, "홍길동");
    let before = copied(&store, 1);
    place(&store, &order(vec![part(dead, What::Whole)]));
    store.execute(ID).unwrap();
    let between = copied(&store, 2);
    let states = |store: &Store| {
        let body = certified(store, ID);
        let mut states: Vec<(String, HolderState)> = Vec::new();
        states.extend(body.holders.into_iter().map(|h| (h.id, h.state)));
        states.sort_by_key(|(id, _)| {
            [&before, &between]
                .iter()
                .position(|h| h.id.to_string() == *id)
                .unwrap_or(9)
        });
        (
            body.state,
            states.into_iter().map(|(_, s)| s).collect::<Vec<_>>(),
        )
    };
    assert_eq!(states(&store), (State::Pending, vec![Pending, Pending]));
    turn(&disk, &store);
    let early = copied(&store, 3);
    assert_eq!(states(&store).1, [Pending, Pending, Acknowledged]);
    store.scrub().unwrap();
    // The keyring goes on: what was made after the end stays so.
    store.rotate_index().unwrap();
    assert!(store.keyring.root_version() > early.version);
    assert_eq!(
        states(&store),
        (State::Pending, vec![Pending, Pending, Acknowledged])
    );
    ended(&store, before.id);
    assert_eq!(states(&store).0, State::Pending, "one has the index's key");
    ended(&store, between.id);
    assert_eq!(states(&store), (State::Complete, vec![Acknowledged; 3]));
    drop(store);
    let (store, _) = disk.boot();
    assert_eq!(states(&store).0, State::Complete);
}
