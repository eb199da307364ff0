//! Envelopes and rows.

use super::super::content_key::ContentKey;
use super::super::envelope::{self, OpenError, Place};
use super::super::sealed::{Padding, RowKey};
use super::{NoRandom, PLACE, UNIT, content_key, for_every_bit};
use crate::domain::id::{RecordId, UnitId};
use crate::domain::random::SeededSource;
use crate::domain::secret::Secret;
use crate::domain::tier::Tier;
use crate::engine::Space;

#[test]
fn an_envelope_opens_at_its_place_and_no_other() {
    let random = SeededSource::new(1);
    let key = content_key(1);
    let sealed = envelope::seal(&key, &PLACE, "민원".as_bytes(), &random).unwrap();
    let opened = envelope::open(&key, &PLACE, &sealed).unwrap();
    assert_eq!(opened.expose(), "민원".as_bytes());

    let elsewhere = [
        Place {
            space: Space::Head,
            ..PLACE
        },
        Place {
            unit: UnitId::from_u64(78),
            ..PLACE
        },
        Place {
            tier: Tier::Ordinary,
            ..PLACE
        },
        Place {
            record: RecordId::from_bytes([5; 16]),
            ..PLACE
        },
        Place { field: 6, ..PLACE },
        Place { schema: 5, ..PLACE },
        Place {
            version: 8,
            ..PLACE
        },
    ];
    for place in elsewhere {
        assert!(envelope::open(&key, &place, &sealed).is_err(), "{place:?}");
        // The control: there it would open if it had been sealed there.
        let there = envelope::seal(&key, &place, b"x", &random).unwrap();
        assert!(envelope::open(&key, &place, &there).is_ok());
        assert!(envelope::open(&key, &PLACE, &there).is_err());
    }
    let other = envelope::open(&content_key(2), &PLACE, &sealed);
    assert_eq!(other.err(), Some(OpenError::Refused));
}

#[test]
fn every_bit_of_an_envelope_counts() {
    let random = SeededSource::new(2);
    let key = content_key(1);
    let sealed = envelope::seal(&key, &PLACE, &[9; 200], &random).unwrap();
    assert!(envelope::open(&key, &PLACE, &sealed).is_ok());
    for_every_bit(&sealed, |bytes, bit| {
        assert!(envelope::open(&key, &PLACE, bytes).is_err(), "bit {bit}");
    });
    for length in 0..sealed.len() {
        assert!(envelope::open(&key, &PLACE, &sealed[..length]).is_err());
    }
    let longer = [&sealed, [0].as_slice()].concat();
    assert_eq!(
        envelope::open(&key, &PLACE, &longer).err(),
        Some(OpenError::Format)
    );
}

#[test]
fn an_envelope_shows_its_step_and_nothing_else() {
    let random = SeededSource::new(3);
    let key = content_key(1);
    let length = |plaintext: usize| {
        let sealed = envelope::seal(&key, &PLACE, &vec![0; plaintext], &random).unwrap();
        assert_eq!(&sealed[..6], b"BHM1\x01\x01");
        sealed.len()
    };
    for step in [0..=252, 253..=508, 4093..=5116] {
        let first = length(*step.start());
        assert!(
            [*step.end(), (step.start() + step.end()) / 2]
                .into_iter()
                .all(|n| length(n) == first)
        );
        assert_ne!(length(step.end() + 1), first);
    }
    assert_eq!(length(0), 70 + 256 + 16);

    let sealed = envelope::seal(&key, &PLACE, b"Hong Gildong", &random).unwrap();
    for hidden in [
        b"Gildong".as_slice(),
        &[4; 16],
        &UNIT.as_u64().to_be_bytes(),
    ] {
        assert!(!sealed.windows(hidden.len()).any(|part| part == hidden));
    }
}

#[test]
fn nothing_is_sealed_twice_alike_and_nothing_without_chance() {
    let random = SeededSource::new(4);
    let key = content_key(1);
    let once = envelope::seal(&key, &PLACE, b"x", &random).unwrap();
    let twice = envelope::seal(&key, &PLACE, b"x", &random).unwrap();
    // Salt, nonce, commitment and ciphertext all differ.
    for part in [14..38, 38..50, 50..66, 70..342] {
        assert_ne!(once[part.clone()], twice[part]);
    }
    assert!(envelope::seal(&key, &PLACE, b"x", &NoRandom).is_err());
}

#[test]
fn a_row_opens_at_its_key_and_no_other() {
    let random = SeededSource::new(5);
    let key = RowKey::new(Secret::new([1; 32]));
    for pad in [Padding::None, Padding::Steps] {
        let sealed = key
            .seal(Space::List, b"row", b"a fact", pad, &random)
            .unwrap();
        let opened = key.open(Space::List, b"row", &sealed).unwrap();
        assert_eq!(opened.expose(), b"a fact");
        for (space, row) in [
            (Space::Head, b"row".as_slice()),
            (Space::List, b"rov"),
            (Space::List, b"ro"),
            (Space::List, b"row\0"),
            (Space::List, b""),
        ] {
            assert!(key.open(space, row, &sealed).is_err());
            let there = key.seal(space, row, b"x", pad, &random).unwrap();
            assert!(key.open(space, row, &there).is_ok());
        }
        let other = RowKey::new(Secret::new([2; 32]));
        assert!(other.open(Space::List, b"row", &sealed).is_err());
        for_every_bit(&sealed, |bytes, bit| {
            assert!(key.open(Space::List, b"row", bytes).is_err(), "bit {bit}");
        });
        for length in 0..sealed.len() {
            assert!(key.open(Space::List, b"row", &sealed[..length]).is_err());
        }
    }
    assert!(
        key.seal(Space::List, b"row", b"x", Padding::None, &NoRandom)
            .is_err()
    );
}

#[test]
fn padded_rows_look_alike_and_bare_ones_cost_34_bytes() {
    let random = SeededSource::new(6);
    let key = RowKey::new(Secret::new([1; 32]));
    let length = |plaintext: usize, pad| {
        let text = vec![0; plaintext];
        key.seal(Space::List, b"row", &text, pad, &random)
            .unwrap()
            .len()
    };
    assert_eq!(length(0, Padding::Steps), length(252, Padding::Steps));
    assert_ne!(length(252, Padding::Steps), length(253, Padding::Steps));
    assert_eq!(length(20, Padding::None), 20 + 34);
}

/// `HKDF-Expand` of one block, written out with HMAC alone.
fn expand(key: &[u8; 32], info: &[&[u8]]) -> [u8; 32] {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    let block = [&info.concat(), [1].as_slice()].concat();
    ring::hmac::sign(&key, &block).as_ref().try_into().unwrap()
}

fn gcm_open(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Vec<u8> {
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let mut text = sealed.to_vec();
    key.open_in_place(nonce, Aad::from(aad), &mut text)
        .unwrap()
        .to_vec()
}

/// [`PLACE`], written out.
fn place_by_hand() -> Vec<u8> {
    let (before, after) = (
        b"\x02\0\0\0\0\0\0\0\x4dS".as_slice(),
        b"\0\x05\0\x06\0\0\0\0\0\0\0\x07",
    );
    [before, &[4; 16], after].concat()
}

/// Read by hand from the module's doc: the layout cannot change by accident.
#[test]
fn an_envelope_is_the_documented_one() {
    let cek = [1; 32];
    let key = ContentKey::from_bytes_for_tests(cek);
    let sealed = envelope::seal(&key, &PLACE, b"text", &SeededSource::new(1)).unwrap();
    let (header, body) = sealed.split_at(70);
    let (salt, nonce) = (&header[14..38], header[38..50].try_into().unwrap());
    assert_eq!(header[..14], *b"BHM1\x01\x01\0\0\0\0\0\0\0\x07");
    assert_eq!(
        header[50..66],
        expand(&cek, &[b"bongham/commit/1", salt])[..16]
    );
    assert_eq!(header[66..], 272_u32.to_be_bytes());

    let place = place_by_hand();
    let record_key = expand(&cek, &[b"bongham/rec/1", &place, salt]);
    let text = gcm_open(&record_key, nonce, &[header, &place].concat(), body);
    assert_eq!(text[..8], *b"\0\0\0\x04text");
    assert_eq!(text[8..], [0; 248]);
}

#[test]
fn a_row_is_the_documented_one() {
    let key = [1; 32];
    let row_key = RowKey::new(Secret::new(key));
    for (pad, format, text) in [
        (Padding::None, 1, b"text".to_vec()),
        (
            Padding::Steps,
            2,
            [b"\0\0\0\x04text".as_slice(), &[0; 248]].concat(),
        ),
    ] {
        let random = SeededSource::new(1);
        let sealed = row_key
            .seal(Space::List, b"row", b"text", pad, &random)
            .unwrap();
        let (header, body) = sealed.split_at(18);
        assert_eq!(header[..2], [format, 1]);
        let place = [b"bongham/row/1", &header[..2], &[3], &header[2..], b"row"].concat();
        assert_eq!(
            gcm_open(&expand(&key, &[&place]), [0; 12], &place, body),
            text
        );
    }
}

/// GCM alone lets one ciphertext open under two keys. Here the tag is right and the commitment is
/// not; nothing else stands in the way.
#[test]
fn a_tag_without_its_commitment_does_not_open() {
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let cek = [1; 32];
    let key = ContentKey::from_bytes_for_tests(cek);
    let sealed = envelope::seal(&key, &PLACE, b"text", &SeededSource::new(1)).unwrap();
    let salt = &sealed[14..38];
    let place = place_by_hand();
    let record_key = expand(&cek, &[b"bongham/rec/1", &place, salt]);
    let text = b"\0\0\0\x04text".iter().copied().chain([0; 248]);

    let forge = |commit: &[u8]| {
        let header = [&sealed[..50], commit, &sealed[66..70]].concat();
        let aad = [header.as_slice(), &place].concat();
        let gcm = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &record_key).unwrap());
        let nonce = Nonce::assume_unique_for_key(sealed[38..50].try_into().unwrap());
        let mut body: Vec<u8> = text.clone().collect();
        gcm.seal_in_place_append_tag(nonce, Aad::from(aad), &mut body)
            .unwrap();
        [header, body].concat()
    };
    assert!(
        forge(&sealed[50..66]) == sealed,
        "the control: this is how it is made"
    );
    let mut other = sealed[50..66].to_vec();
    other[15] ^= 1;
    let refused = envelope::open(&key, &PLACE, &forge(&other)).err();
    assert_eq!(refused, Some(OpenError::Refused));
}
