use std::sync::mpsc;

use ring::aead;

use super::*;
use crate::domain::random::SeededSource;

const CHEAP: PasswordCost = PasswordCost {
    memory_kib: 16,
    passes: 1,
};
const RIGHT: &str = "velvet-anchor-73";
const PEPPER: [u8; 32] = [7; 32];

fn text(password: &str) -> SecretText {
    SecretText::new(password.to_owned())
}

fn hasher(lanes: usize, queue: usize) -> Hasher {
    Hasher::new(CHEAP, lanes, queue, Secret::new(PEPPER))
}

fn set(hasher: &Hasher, password: &str) -> Result<(PasswordRecord, KeyHalf), PasswordError> {
    hasher
        .set(text(password), &["insook"], &SeededSource::new(3))
        .wait()
}

#[test]
fn the_right_password_gives_the_same_key_half_again() {
    let hasher = hasher(2, 8);
    let (record, key) = set(&hasher, RIGHT).unwrap();
    let again = hasher
        .check(text(RIGHT), Some(record.clone()))
        .wait()
        .unwrap();
    assert_eq!(key.0.expose(), again.0.expose());
    assert_eq!((record.algorithm, record.cost), (ARGON2ID, CHEAP));
}

#[test]
fn anything_else_is_wrong() {
    let hasher = hasher(1, 8);
    let (record, _) = set(&hasher, RIGHT).unwrap();
    let mut changed = record.clone();
    changed.mac[31] ^= 1;
    let unknown_algorithm = PasswordRecord {
        algorithm: 2,
        ..record.clone()
    };
    let check = |password: &str, record| hasher.check(text(password), record).wait().err();
    let wrong = Some(PasswordError::Wrong);
    assert_eq!(check(RIGHT, Some(record.clone())), None);
    assert_eq!(check("velvet-anchor-74", Some(record.clone())), wrong);
    assert_eq!(check("", Some(record.clone())), wrong);
    assert_eq!(check(&"x".repeat(1 << 20), Some(record)), wrong);
    assert_eq!(check(RIGHT, Some(changed)), wrong);
    assert_eq!(check(RIGHT, Some(unknown_algorithm)), wrong);
    assert_eq!(check(RIGHT, None), wrong);
}

#[test]
fn nobodys_record_is_checked_but_never_right() {
    let mut hasher = hasher(1, 8);
    // Even if the stand-in record had a right password, an unknown account has none.
    let salt = hasher.nobody.salt;
    let halves = Halves::of(&text(RIGHT), &salt, CHEAP).unwrap();
    hasher.nobody.mac = halves.mac(&hasher.pepper);
    let stand_in = hasher.nobody.clone();
    assert!(hasher.check(text(RIGHT), Some(stand_in)).wait().is_ok());
    let answer = hasher.check(text(RIGHT), None).wait().err();
    assert_eq!(answer, Some(PasswordError::Wrong));
    assert_eq!(hasher.nobody.cost, hasher.cost());
}

#[test]
fn weak_passwords_are_refused_when_set() {
    let hasher = hasher(1, 8);
    for weak in ["short", "qwerty12345", "velvet-insook-73"] {
        assert_eq!(
            set(&hasher, weak).err(),
            Some(PasswordError::Weak),
            "{weak}"
        );
    }
}

#[test]
fn decomposed_korean_opens_what_composed_korean_set() {
    use unicode_normalization::UnicodeNormalization;
    let hasher = hasher(1, 8);
    let composed = "강남 벨벳 닻 일흔셋";
    let (record, _) = set(&hasher, composed).unwrap();
    let decomposed: String = composed.nfd().collect();
    assert!(hasher.check(text(&decomposed), Some(record)).wait().is_ok());
}

#[test]
fn a_damaged_cost_cannot_take_all_memory() {
    let hasher = hasher(1, 8);
    let (mut record, _) = set(&hasher, RIGHT).unwrap();
    record.cost.memory_kib = u32::MAX;
    let answer = hasher.check(text(RIGHT), Some(record)).wait().err();
    assert_eq!(answer, Some(PasswordError::Busy));
}

/// Occupies the only lane until the sender is dropped.
fn occupy(hasher: &Hasher) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    hasher.lanes.submit(move || {
        started.send(()).unwrap();
        let _ = held.recv();
    });
    running.recv().unwrap();
    release
}

#[test]
fn past_the_queue_it_is_busy() {
    let hasher = hasher(1, 2);
    let release = occupy(&hasher);
    let mut answers: Vec<_> = (0..3).map(|_| hasher.check(text(RIGHT), None)).collect();
    let third = answers.pop().unwrap().wait().err();
    assert_eq!(third, Some(PasswordError::Busy));
    drop(release);
    for queued in answers {
        assert_eq!(queued.wait().err(), Some(PasswordError::Wrong));
    }
}

#[test]
fn dropping_ends_the_threads_and_answers_who_waits() {
    let hasher = hasher(1, 2);
    let release = occupy(&hasher);
    let waiting = hasher.check(text(RIGHT), None);
    let stopping = Arc::clone(&hasher.lanes.stopping);
    let dropper = std::thread::spawn(move || drop(hasher));
    while !stopping.load(std::sync::atomic::Ordering::Relaxed) {
        std::thread::yield_now();
    }
    drop(release);
    dropper.join().unwrap();
    assert_eq!(waiting.wait().err(), Some(PasswordError::Busy));
    // Each thread held one: none is left.
    assert_eq!(Arc::strong_count(&stopping), 1);
}

/// Everything an intruder can make in one step of what is stored and the pepper.
fn keys_from(stored: &[u8]) -> Vec<[u8; 32]> {
    let material = [stored, &PEPPER].concat();
    let windows: Vec<[u8; 32]> = material
        .windows(32)
        .map(|window| window.try_into().unwrap())
        .collect();
    let hmacs = windows.iter().flat_map(|key| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        windows
            .iter()
            .map(move |message| hmac::sign(&key, message).as_ref().try_into().unwrap())
    });
    let guessed = (0..=stored.len().saturating_sub(16)).filter_map(|at| {
        let salt: &[u8; 16] = stored.get(at..at + 16)?.try_into().ok()?;
        Some(*Halves::of(&text(""), salt, CHEAP)?.key.expose())
    });
    hmacs
        .chain(guessed)
        .chain(windows.iter().copied())
        .collect()
}

fn opens(key: &[u8; 32], sealed: &[u8]) -> bool {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).unwrap();
    let nonce = aead::Nonce::assume_unique_for_key([0; 12]);
    aead::LessSafeKey::new(key)
        .open_in_place(nonce, aead::Aad::empty(), &mut sealed.to_vec())
        .is_ok()
}

#[test]
fn all_that_is_stored_and_the_pepper_open_nothing_without_the_password() {
    let hasher = hasher(1, 8);
    let (record, key) = set(&hasher, RIGHT).unwrap();
    let mut sealed = b"the officer's private key".to_vec();
    let sealing = aead::UnboundKey::new(&aead::AES_256_GCM, key.0.expose()).unwrap();
    aead::LessSafeKey::new(sealing)
        .seal_in_place_append_tag(
            aead::Nonce::assume_unique_for_key([0; 12]),
            aead::Aad::empty(),
            &mut sealed,
        )
        .unwrap();

    let stored = postcard::to_stdvec(&record).unwrap();
    assert!(!keys_from(&stored).iter().any(|key| opens(key, &sealed)));

    // Positive controls: the search finds the key where a design had stored it, as a PHC string
    // would, or had stored something it is one HMAC away from; and the password gives it.
    let halves = Halves::of(&text(RIGHT), &record.salt, CHEAP).unwrap();
    let phc = [
        stored.as_slice(),
        halves.verifier.expose(),
        halves.key.expose(),
    ]
    .concat();
    assert!(keys_from(&phc).iter().any(|key| opens(key, &sealed)));
    let pepper = hmac::Key::new(hmac::HMAC_SHA256, &PEPPER);
    let derived: [u8; 32] = hmac::sign(&pepper, &record.mac)
        .as_ref()
        .try_into()
        .unwrap();
    assert!(keys_from(&stored).contains(&derived));
    let again = hasher.check(text(RIGHT), Some(record)).wait().unwrap();
    assert!(opens(again.0.expose(), &sealed));
}

#[test]
fn the_default_cost_is_what_the_documentation_says() {
    let cost = PasswordCost::default();
    assert_eq!((cost.memory_kib, cost.passes), (65_536, 3));
    assert_eq!(cost.params().unwrap().block_count(), 65_536);
}
