//! Vectors of others, run through the code as it is used.

use data_encoding::HEXLOWER;
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, Serializable};
use ring::hkdf::{HKDF_SHA256, Salt};

use super::super::aead::{self, Bytes};
use super::super::wrap::{Aead, Chance, Kdf, Kem, PrivateKey, generate};
use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn hex32(text: &str) -> [u8; 32] {
    hex(text).try_into().unwrap()
}

/// Chance that comes out as the vector wants it, once.
struct Fixed([u8; 32]);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

/// RFC 9180's vector of base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, in both
/// directions. It stands in the vector file that the RFC names (cfrg/draft-irtf-cfrg-hpke,
/// test-vectors.json); the RFC's text prints this KEM with the other two AEADs only.
#[test]
fn rfc_9180_base_mode_of_our_suite() {
    let ikm_e = hex32("2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9");
    let ikm_r = hex32("dac33b0e9db1b59dbbea58d59a14e7b5896e9bdf98fad6891e99d1686492b9ee");
    let sk = hex32("497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d");
    let pk = hex32("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c");
    let enc = hex32("6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256");
    let (info, aad) = (b"Ode on a Grecian Urn", b"Count-0");
    let text = b"Beauty is truth, truth beauty";
    let ct = hex(
        "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
    );

    // Our key pairs.
    let (private, public) = generate(&Fixed(ikm_r)).unwrap();
    assert_eq!(public.as_bytes(), &pk);
    let mut clamped = sk;
    clamped[0] &= 0xf8;
    clamped[31] = clamped[31] & 0x7f | 0x40;
    assert_eq!(private.secret().expose(), &clamped, "RFC 7748 §5");
    assert_eq!(PrivateKey::new(Secret::new(sk)).public(), public);

    // The sender, with our source of chance.
    let recipient = <Kem as hpke::Kem>::PublicKey::from_bytes(&pk).unwrap();
    let source = Fixed(ikm_e);
    let (sent, mut sender) = hpke::setup_sender_with_rng::<Aead, Kdf, Kem>(
        &OpModeS::Base,
        &recipient,
        info,
        &mut Chance::new(&source),
    )
    .unwrap();
    assert_eq!(sent.to_bytes().as_slice(), enc);
    assert_eq!(sender.seal(text, aad).unwrap(), ct);

    // The recipient.
    let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(&sk).unwrap();
    assert_eq!(Kem::sk_to_pk(&secret), recipient);
    let sent = <Kem as hpke::Kem>::EncappedKey::from_bytes(&enc).unwrap();
    let mut receiver =
        hpke::setup_receiver::<Aead, Kdf, Kem>(&OpModeR::Base, &secret, &sent, info).unwrap();
    assert_eq!(receiver.open(&ct, aad).unwrap(), text);
}

fn hkdf(ikm: &[u8], salt: &[u8], info: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut okm = vec![0; size];
    let prk = Salt::new(HKDF_SHA256, salt).extract(ikm);
    prk.expand(&[info], Bytes(size)).ok()?.fill(&mut okm).ok()?;
    Some(okm)
}

/// RFC 5869 appendix A.1 to A.3.
#[test]
fn rfc_5869() {
    let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let cases = [
        (
            vec![0x0b; 22],
            range(0, 0x0c),
            range(0xf0, 0xf9),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            range(0, 0x4f),
            range(0x60, 0xaf),
            range(0xb0, 0xff),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            Vec::new(),
            Vec::new(),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (ikm, salt, info, okm) in cases {
        assert_eq!(hkdf(&ikm, &salt, &info, okm.len() / 2), Some(hex(okm)));
    }
}

#[derive(serde::Deserialize)]
struct Hkdf {
    #[serde(rename = "tcId")]
    id: u64,
    ikm: String,
    salt: String,
    info: String,
    size: usize,
    okm: String,
    result: String,
}

#[test]
fn wycheproof_hkdf() {
    let text = include_str!("../../../tests/vectors/wycheproof/hkdf_sha256.jsonl");
    for line in text.lines() {
        let v: Hkdf = serde_json::from_str(line).unwrap();
        let okm = hkdf(&hex(&v.ikm), &hex(&v.salt), &hex(&v.info), v.size);
        let expected = (v.result == "valid").then(|| hex(&v.okm));
        assert_eq!(okm, expected, "{}", v.id);
    }
    assert_eq!(text.lines().count(), 86);
}

#[derive(serde::Deserialize)]
struct Hmac {
    #[serde(rename = "tcId")]
    id: u64,
    key: String,
    msg: String,
    tag: String,
    result: String,
}

#[test]
fn wycheproof_hmac() {
    let text = include_str!("../../../tests/vectors/wycheproof/hmac_sha256.jsonl");
    for line in text.lines() {
        let v: Hmac = serde_json::from_str(line).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &hex(&v.key));
        let tag = ring::hmac::sign(&key, &hex(&v.msg));
        // Half of the vectors are of tags cut to 128 bits.
        let equal = tag.as_ref().starts_with(&hex(&v.tag));
        assert_eq!(equal, v.result == "valid", "{}", v.id);
    }
    assert_eq!(text.lines().count(), 174);
}

#[derive(serde::Deserialize)]
struct Gcm {
    #[serde(rename = "tcId")]
    id: u64,
    key: String,
    iv: String,
    aad: String,
    msg: String,
    ct: String,
    tag: String,
    result: String,
}

#[test]
fn wycheproof_aes_256_gcm() {
    let text = include_str!("../../../tests/vectors/wycheproof/aes_256_gcm.jsonl");
    for line in text.lines() {
        let v: Gcm = serde_json::from_str(line).unwrap();
        let key = Secret::new(hex32(&v.key));
        let nonce = hex(&v.iv).try_into().unwrap();
        let sealed = [hex(&v.ct), hex(&v.tag)].concat();

        let mut opened = sealed.clone();
        let verdict = aead::open(&key, nonce, &hex(&v.aad), &mut opened);
        assert_eq!(verdict.is_ok(), v.result == "valid", "{}", v.id);
        if v.result == "valid" {
            assert_eq!(opened, hex(&v.msg), "{}", v.id);
            let mut ours = hex(&v.msg);
            aead::seal(&key, nonce, &hex(&v.aad), &mut ours, 0).unwrap();
            assert_eq!(ours, sealed, "{}", v.id);
        }
    }
    assert_eq!(text.lines().count(), 66);
}
