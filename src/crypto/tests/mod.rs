//! What is sealed opens at its own place, under its own key, byte for byte, and nowhere else.

mod sealing;
mod vectors;
mod wrap;

use super::content_key::{ContentKey, RecipientHalf, ShredHalf};
use super::envelope::{self, Place};
use super::wrap::{CaseKey, DepartmentKey, PrivateKey, PublicKey, Recipient, generate};
use crate::domain::id::{AccountId, CaseId, DepartmentId, RecordId, UnitId};
use crate::domain::random::{Random, RandomError, SeededSource};
use crate::domain::secret::Secret;
use crate::domain::tier::Tier;
use crate::engine::Space;

const CASE: CaseId = CaseId::from_bytes([1; 16]);
const ACCOUNT: AccountId = AccountId::from_bytes([2; 16]);
const DEPARTMENT: DepartmentId = DepartmentId::from_bytes([3; 16]);
const UNIT: UnitId = UnitId::from_u64(77);
const PLACE: Place = Place {
    space: Space::Unit,
    unit: UNIT,
    tier: Tier::Sensitive,
    record: RecordId::from_bytes([4; 16]),
    field: 5,
    schema: 6,
    version: 7,
};

fn content_key(byte: u8) -> ContentKey {
    ContentKey::combine(
        &ShredHalf::new(Secret::new([byte; 32])),
        &RecipientHalf::new(Secret::new([byte; 32])),
        UNIT,
        Tier::Sensitive,
        1,
    )
}

/// Runs `refused` on every copy of `bytes` with one bit turned.
fn for_every_bit(bytes: &[u8], mut refused: impl FnMut(&[u8], usize)) {
    let mut copy = bytes.to_vec();
    for bit in 0..bytes.len() * 8 {
        copy[bit / 8] ^= 1 << (bit % 8);
        refused(&copy, bit);
        copy[bit / 8] ^= 1 << (bit % 8);
    }
}

struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

fn pair(seed: u64) -> (PrivateKey, PublicKey) {
    generate(&SeededSource::new(seed)).unwrap()
}

fn officer(key: &PublicKey) -> Recipient {
    let key = key.fingerprint();
    Recipient::Officer {
        account: ACCOUNT,
        key,
    }
}

/// Invariant: whoever holds everything of the server, but no assignee's private key, does not open
/// a sensitive case. Closes the set of keys over everything that is stored: every key in hand is
/// tried on every sealed byte string until nothing new opens.
#[test]
fn everything_of_the_server_does_not_open_a_sensitive_case() {
    let random = SeededSource::new(12);
    let (private, public) = pair(1);
    let shred = [5; 32];
    let server_keys = [[1; 32], [2; 32], shred];

    // What is stored of the case.
    let case_key = CaseKey::random(&random).unwrap();
    let half = RecipientHalf::random(&random).unwrap();
    let content = |half: &RecipientHalf| {
        ContentKey::combine(
            &ShredHalf::new(Secret::new(shred)),
            half,
            UNIT,
            Tier::Sensitive,
            1,
        )
    };
    let record = envelope::seal(&content(&half), &PLACE, b"canary", &random).unwrap();
    let wrap = case_key
        .wrap_to(CASE, officer(&public), &public, 1, None, &random)
        .unwrap();
    let boxed = case_key.seal_half(CASE, UNIT, 1, &half, &random).unwrap();

    let closure = |private_keys: &[&[u8; 32]]| -> Option<Vec<u8>> {
        let known: Vec<[u8; 32]> = server_keys
            .into_iter()
            .chain(private_keys.iter().map(|k| **k))
            .collect();
        let mut case_keys: Vec<CaseKey> = known
            .iter()
            .map(|key| CaseKey::from_bytes_for_tests(*key))
            .collect();
        for key in &known {
            let key = || Secret::new(*key);
            case_keys.extend(CaseKey::unwrap_with(CASE, &wrap, &PrivateKey::new(key())));
            case_keys.extend(CaseKey::unwrap_with_department(
                CASE,
                &wrap,
                &DepartmentKey::new(key()),
            ));
        }
        let mut halves: Vec<RecipientHalf> = known
            .iter()
            .map(|key| RecipientHalf::new(Secret::new(*key)))
            .collect();
        for key in &case_keys {
            halves.extend(key.open_half(CASE, UNIT, 1, &boxed));
        }
        let opened = |half| envelope::open(&content(half), &PLACE, &record).ok();
        halves
            .iter()
            .find_map(opened)
            .map(|text| text.expose().to_vec())
    };
    assert_eq!(closure(&[]), None);
    assert_eq!(
        closure(&[pair(2).0.secret().expose()]),
        None,
        "another officer's key"
    );
    assert_eq!(
        closure(&[private.secret().expose()]).as_deref(),
        Some(b"canary".as_slice())
    );
}

/// The other half of the promise: with the shred half gone, the assignee's key opens nothing.
#[test]
fn an_assignee_does_not_open_a_unit_whose_shred_half_is_gone() {
    let random = SeededSource::new(13);
    let half = RecipientHalf::random(&random).unwrap();
    let content = |shred: u8| {
        ContentKey::combine(
            &ShredHalf::new(Secret::new([shred; 32])),
            &half,
            UNIT,
            Tier::Sensitive,
            1,
        )
    };
    let record = envelope::seal(&content(1), &PLACE, b"canary", &random).unwrap();
    assert!(envelope::open(&content(1), &PLACE, &record).is_ok());
    assert!((2..=255).all(|guess| envelope::open(&content(guess), &PLACE, &record).is_err()));
}
