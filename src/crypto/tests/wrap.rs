//! Wraps and recipient halves.

use super::super::content_key::RecipientHalf;
use super::super::wrap::{
    CaseKey, DepartmentKey, PrivateKey, PublicKey, Recipient, Wrap, WrapError, generate,
};
use super::{ACCOUNT, CASE, DEPARTMENT, NoRandom, UNIT, for_every_bit, officer, pair};
use crate::domain::id::{CaseId, UnitId};
use crate::domain::random::{RandomError, SeededSource};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// Whether the wrap, as it would be read back from these bytes, gives `key` out. The key shows by
/// opening a half that `key` sealed.
fn opens(bytes: &[u8], case: CaseId, private: &PrivateKey, half: &[u8]) -> bool {
    let Ok((wrap, [])) = postcard::take_from_bytes::<Wrap>(bytes) else {
        return false;
    };
    CaseKey::unwrap_with(case, &wrap, private)
        .and_then(|key| key.open_half(CASE, UNIT, 1, half))
        .is_ok()
}

#[test]
fn a_wrap_opens_for_its_case_recipient_version_and_end_only() {
    let random = SeededSource::new(7);
    let (private, public) = pair(1);
    let (stranger, strange) = pair(2);
    let key = CaseKey::random(&random).unwrap();
    let half = RecipientHalf::new(Secret::new([8; 32]));
    let half = key.seal_half(CASE, UNIT, 1, &half, &random).unwrap();
    let fingerprint = public.fingerprint();
    let recipients = [
        officer(&public),
        Recipient::Desk {
            department: DEPARTMENT,
            account: ACCOUNT,
            key: fingerprint,
        },
        Recipient::Custodian {
            account: ACCOUNT,
            key: fingerprint,
            index: 1,
            needed: 2,
            total: 3,
        },
        Recipient::Retention {
            account: ACCOUNT,
            key: fingerprint,
        },
    ];
    for recipient in recipients {
        for end in [None, Some(Timestamp::from_millis(0))] {
            let wrap = key
                .wrap_to(CASE, recipient.clone(), &public, 1, end, &random)
                .unwrap();
            let bytes = postcard::to_stdvec(&wrap).unwrap();
            assert!(opens(&bytes, CASE, &private, &half));
            assert!(!opens(&bytes, CASE, &stranger, &half));
            assert!(!opens(&bytes, CaseId::from_bytes([9; 16]), &private, &half));
            let mut moved = wrap.clone();
            moved.not_after = end.map_or(Some(Timestamp::from_millis(0)), |_| None);
            let moved_bytes = postcard::to_stdvec(&moved).unwrap();
            assert!(!opens(&moved_bytes, CASE, &private, &half));
            // Recipient, version, end and message: all of it is bound.
            for_every_bit(&bytes, |changed, bit| {
                assert!(
                    !opens(changed, CASE, &private, &half),
                    "{recipient:?} bit {bit}"
                );
            });
        }
        let wrong = key.wrap_to(CASE, recipient, &strange, 1, None, &random);
        assert_eq!(wrong.err(), Some(WrapError::Mismatch));
    }
}

/// A second road through HPKE (its single-shot call), and the documented `info` written by hand.
#[test]
fn a_wrap_is_the_documented_hpke_message() {
    use hpke::{Deserializable, OpModeR};
    type Kem = super::super::wrap::Kem;
    let random = SeededSource::new(8);
    let (private, public) = pair(1);
    let key = CaseKey::random(&random).unwrap();
    let end = Some(Timestamp::from_millis(1234));
    let wrap = key
        .wrap_to(CASE, officer(&public), &public, 3, end, &random)
        .unwrap();
    let bytes = postcard::to_stdvec(&wrap).unwrap();
    let message = &bytes[bytes.len() - 80..];

    let info = [
        b"bongham/wrap/1\x01".as_slice(),
        CASE.as_bytes(),
        &[1],
        ACCOUNT.as_bytes(),
        public.fingerprint().as_bytes(),
        &3_u32.to_be_bytes(),
        &[1],
        &1234_i64.to_be_bytes(),
    ]
    .concat();
    let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(private.secret().expose()).unwrap();
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&message[..32]).unwrap();
    let open = |info: &[u8]| {
        hpke::single_shot_open::<super::super::wrap::Aead, super::super::wrap::Kdf, Kem>(
            &OpModeR::Base,
            &secret,
            &enc,
            info,
            &message[32..],
            &[],
        )
    };
    assert!(open(&info[1..]).is_err());
    let opened = CaseKey::from_bytes_for_tests(open(&info).unwrap().try_into().unwrap());
    let half = RecipientHalf::new(Secret::new([8; 32]));
    let half = key.seal_half(CASE, UNIT, 1, &half, &random).unwrap();
    assert!(opened.open_half(CASE, UNIT, 1, &half).is_ok());
}

#[test]
fn a_department_wrap_opens_with_its_key_only() {
    let random = SeededSource::new(9);
    let department = DepartmentKey::new(Secret::new([1; 32]));
    let other = DepartmentKey::new(Secret::new([2; 32]));
    let key = CaseKey::random(&random).unwrap();
    let recipient = Recipient::Department {
        department: DEPARTMENT,
        key_version: 4,
    };
    let wrap = key
        .wrap_to_department(CASE, recipient.clone(), &department, 1, &random)
        .unwrap();
    let open = |wrap: &Wrap, case, with| CaseKey::unwrap_with_department(case, wrap, with).is_ok();
    assert!(open(&wrap, CASE, &department));
    assert!(!open(&wrap, CASE, &other));
    assert!(!open(&wrap, CaseId::from_bytes([9; 16]), &department));
    for_every_bit(&postcard::to_stdvec(&wrap).unwrap(), |bytes, bit| {
        if let Ok((changed, [])) = postcard::take_from_bytes::<Wrap>(bytes) {
            assert!(!open(&changed, CASE, &department), "bit {bit}");
        }
    });

    // One kind of recipient never opens by the other kind of key.
    let (private, public) = pair(1);
    let mismatch = Some(WrapError::Mismatch);
    assert_eq!(CaseKey::unwrap_with(CASE, &wrap, &private).err(), mismatch);
    let to_officer = key
        .wrap_to(CASE, officer(&public), &public, 1, None, &random)
        .unwrap();
    let crossed = CaseKey::unwrap_with_department(CASE, &to_officer, &department);
    assert_eq!(crossed.err(), mismatch);
    assert_eq!(
        key.wrap_to(CASE, recipient, &public, 1, None, &random)
            .err(),
        mismatch
    );
    let crossed = key.wrap_to_department(CASE, officer(&public), &department, 1, &random);
    assert_eq!(crossed.err(), mismatch);
}

#[test]
fn a_half_opens_for_its_case_unit_and_version_only() {
    let random = SeededSource::new(10);
    let key = CaseKey::random(&random).unwrap();
    let half = RecipientHalf::new(Secret::new([8; 32]));
    let sealed = key.seal_half(CASE, UNIT, 1, &half, &random).unwrap();
    assert_eq!(sealed.len(), 60);
    let opened = key.open_half(CASE, UNIT, 1, &sealed).unwrap();
    assert_eq!(opened.secret().expose(), &[8; 32]);
    let refused =
        |case, unit, version, bytes: &[u8]| key.open_half(case, unit, version, bytes).is_err();
    assert!(refused(CaseId::from_bytes([9; 16]), UNIT, 1, &sealed));
    assert!(refused(CASE, UnitId::from_u64(78), 1, &sealed));
    assert!(refused(CASE, UNIT, 2, &sealed));
    for_every_bit(&sealed, |bytes, bit| {
        assert!(refused(CASE, UNIT, 1, bytes), "bit {bit}");
    });
    assert!((0..60).all(|length| refused(CASE, UNIT, 1, &sealed[..length])));
    let other = CaseKey::random(&random).unwrap();
    assert!(other.open_half(CASE, UNIT, 1, &sealed).is_err());
}

#[test]
fn bad_keys_and_missing_chance_are_typed_errors() {
    let random = SeededSource::new(11);
    let key = CaseKey::random(&random).unwrap();
    // Points of low order give a shared secret that everybody knows.
    for low in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let low = PublicKey::from_bytes(low);
        let wrap = key.wrap_to(CASE, officer(&low), &low, 1, None, &random);
        assert_eq!(wrap.err(), Some(WrapError::BadKey));
    }
    let (_, public) = pair(1);
    assert!(
        key.wrap_to(CASE, officer(&public), &public, 1, None, &random)
            .is_ok()
    );
    let wrap = key.wrap_to(CASE, officer(&public), &public, 1, None, &NoRandom);
    assert_eq!(wrap.err(), Some(WrapError::Random(RandomError)));
    assert!(generate(&NoRandom).is_err());
}
