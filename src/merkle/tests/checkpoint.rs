use super::super::checkpoint::{Checkpoint, CheckpointError, Other, Signer, Verifier};
use super::super::tree::leaf_hash;
use super::seed;

fn checkpoint() -> Checkpoint {
    let other = Other {
        origin: "bongham/store/ledger".into(),
        size: 41,
        root: leaf_hash(b"ledger"),
    };
    Checkpoint {
        origin: "bongham/store/access".into(),
        size: 20_852_163,
        root: leaf_hash(b"access"),
        extensions: vec![other.line()],
    }
}

fn pair() -> (Signer, Verifier) {
    let signer = Signer::new("bongham/store", &seed(7)).unwrap();
    let verifier = Verifier::parse(&signer.verifier_key()).unwrap();
    (signer, verifier)
}

#[test]
fn a_checkpoint_round_trips_with_the_other_log_in_it() {
    let (signer, verifier) = pair();
    let note = signer.sign(&checkpoint()).unwrap();
    let opened = verifier.open(&note).unwrap();
    assert_eq!(opened, checkpoint());
    assert_eq!(opened.other().unwrap().size, 41);
    assert_eq!(verifier.open_exact(&note), Ok(checkpoint()));
    assert!(note.starts_with("bongham/store/access\n20852163\n"));
}

/// The reference implementation (with another Ed25519) believes our note and our key.
#[test]
fn the_note_is_one_that_others_verify() {
    let (signer, _) = pair();
    let note = signer.sign(&checkpoint()).unwrap();
    let reference = signed_note::StandardVerifier::new(&signer.verifier_key()).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(reference)]);
    let parsed = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
    assert_eq!(parsed.verify(&known).unwrap().0.len(), 1);

    let stranger = Signer::new("bongham/store", &seed(8)).unwrap();
    let reference = signed_note::StandardVerifier::new(&stranger.verifier_key()).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(reference)]);
    assert!(parsed.verify(&known).is_err());
}

/// The worked example of the C2SP signed-note specification.
#[test]
fn a_note_of_others_verifies() {
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\
                \n\
                — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let verifier = Verifier::parse(vkey).unwrap();
    // The signature holds, so the complaint is about the text: it is no checkpoint.
    assert!(matches!(
        verifier.open(note),
        Err(CheckpointError::Malformed(_))
    ));
    let changed = note.replace("answer", "enswer");
    assert_eq!(verifier.open(&changed), Err(CheckpointError::Signature));
}

#[test]
fn every_changed_byte_is_refused() {
    let (signer, verifier) = pair();
    let note = signer.sign(&checkpoint()).unwrap();
    assert!(verifier.open(&note).is_ok());
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(verifier.open(&text).is_err(), "byte {at} bit {bit}");
                assert!(verifier.open_exact(&text).is_err(), "byte {at} bit {bit}");
            }
        }
    }
}

#[test]
fn another_key_or_name_is_refused() {
    let (signer, _) = pair();
    let note = signer.sign(&checkpoint()).unwrap();
    for stranger in [
        Signer::new("bongham/store", &seed(8)).unwrap(),
        Signer::new("bongham/stores", &seed(7)).unwrap(),
    ] {
        let verifier = Verifier::parse(&stranger.verifier_key()).unwrap();
        assert_eq!(verifier.open(&note), Err(CheckpointError::Signature));
    }
}

#[test]
fn a_witness_may_sign_beside_but_not_in_a_bundle() {
    let (signer, verifier) = pair();
    let note = signer.sign(&checkpoint()).unwrap();
    let witness = Signer::new("witness", &seed(9)).unwrap();
    let cosigned = witness.sign(&checkpoint()).unwrap();
    let (_, line) = cosigned.split_once("\n\n").unwrap();
    let both = format!("{note}{line}");
    assert_eq!(verifier.open(&both), Ok(checkpoint()));
    assert!(matches!(
        verifier.open_exact(&both),
        Err(CheckpointError::Malformed(_))
    ));

    let (_, own) = note.split_once("\n\n").unwrap();
    let twice = format!("{note}{own}");
    assert!(matches!(
        verifier.open_exact(&twice),
        Err(CheckpointError::Malformed(_))
    ));
}

#[test]
fn a_line_cannot_be_smuggled_in() {
    let (signer, _) = pair();
    for (origin, extension) in [
        ("", "x"),
        ("a\nb", "x"),
        ("a", ""),
        ("a", "x\n5"),
        ("a", "x\r"),
    ] {
        let broken = Checkpoint {
            origin: origin.into(),
            extensions: vec![extension.into()],
            ..checkpoint()
        };
        let signed = signer.sign(&broken);
        assert!(
            matches!(signed, Err(CheckpointError::Malformed(_))),
            "{origin:?} {extension:?}"
        );
    }
}

/// A signature does not make every text a checkpoint.
#[test]
fn a_signed_text_out_of_form_is_refused() {
    use ring::signature::{Ed25519KeyPair, KeyPair};
    let (_, verifier) = pair();
    let pair = Ed25519KeyPair::from_seed_unchecked(seed(7).expose()).unwrap();
    let id = signed_note::key_id(
        "bongham/store",
        &[&[1], pair.public_key().as_ref()].concat(),
    );
    let open = |origin: &str, size: &str| {
        let text = format!("{origin}\n{size}\n{}\n", leaf_hash(b""));
        let signature = pair.sign(text.as_bytes()).as_ref().to_vec();
        let signature = signed_note::Signature::new("bongham/store".into(), id, signature);
        let note = signed_note::Note::new(text.as_bytes(), &[signature.unwrap()]).unwrap();
        verifier.open(&String::from_utf8(note.to_bytes()).unwrap())
    };
    assert!(open("bongham/store/access", "5").is_ok());
    for (origin, size) in [
        ("", "5"),
        ("bongham\u{7f}", "5"),
        ("bongham\u{85}", "5"),
        ("bongham", "05"),
        ("bongham", "+5"),
        ("bongham", "-5"),
        ("bongham", "5 "),
        ("bongham", "18446744073709551616"),
    ] {
        let opened = open(origin, size);
        let malformed = matches!(opened, Err(CheckpointError::Malformed(_)));
        assert!(malformed, "{origin:?} {size:?} {opened:?}");
    }
}

#[test]
fn keys_that_are_not_are_refused() {
    let (signer, _) = pair();
    let vkey = signer.verifier_key();
    assert!(Verifier::parse(&vkey).is_ok());
    assert!(
        Verifier::parse(&format!("{vkey}\n")).is_ok(),
        "as a file ends"
    );
    for bad in [
        "",
        "a+b",
        "a+b+c",
        &vkey.replace("bongham", "bonghan"),
        &vkey[..vkey.len() - 4],
        &format!("{vkey} "),
        &vkey.to_uppercase(),
    ] {
        assert!(
            matches!(Verifier::parse(bad), Err(CheckpointError::BadKey(_))),
            "{bad}"
        );
    }
    for name in ["", "a b", "a+b", "a\u{7}"] {
        assert!(
            matches!(Signer::new(name, &seed(1)), Err(CheckpointError::BadKey(_))),
            "{name:?}"
        );
    }
}

#[derive(serde::Deserialize)]
struct Ed25519 {
    #[serde(rename = "tcId")]
    id: u64,
    pk: String,
    msg: String,
    sig: String,
    result: String,
}

#[test]
fn wycheproof_ed25519() {
    use data_encoding::HEXLOWER;
    use ring::signature::{ED25519, UnparsedPublicKey};
    let text = include_str!("../../../tests/vectors/wycheproof/ed25519.jsonl");
    for line in text.lines() {
        let v: Ed25519 = serde_json::from_str(line).unwrap();
        let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).unwrap();
        let verdict =
            UnparsedPublicKey::new(&ED25519, bytes(&v.pk)).verify(&bytes(&v.msg), &bytes(&v.sig));
        assert_eq!(verdict.is_ok(), v.result == "valid", "{}", v.id);
    }
    assert_eq!(text.lines().count(), 151);
}
