//! Devices that logged in to an account before: the throttle does not slow them for what
//! strangers do to the account. Nothing is stored; the device shows a MAC that only this office
//! can have made.

use data_encoding::BASE32_NOPAD;
use ring::hmac;
use zeroize::Zeroizing;

use crate::domain::random::{Random, RandomError};
use crate::domain::secret::Secret;

const PREFIX: &str = "bgd_";
/// 16 random bytes ‖ 32 bytes of MAC, in base32 without padding.
const TEXT_LEN: usize = 77;

/// Makes and knows device secrets: `bgd_ ‖ base32(r ‖ HMAC-SHA-256(k, account ‖ r))` with
/// `k = HMAC-SHA-256(pepper, "bongham known device v1")`.
pub struct Devices(hmac::Key);

impl Devices {
    /// Knows the devices of the office with this pepper.
    pub fn new(pepper: &Secret<32>) -> Self {
        let pepper = hmac::Key::new(hmac::HMAC_SHA256, pepper.expose());
        let tag = hmac::sign(&pepper, b"bongham known device v1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))
    }
    /// A secret for a device that has just logged in to `account` (the throttle's opaque tag).
    /// The device keeps it and shows it at its next log-in.
    pub fn issue(&self, account: [u8; 16], random: &dyn Random) -> Result<String, RandomError> {
        let chance: [u8; 16] = random.array()?;
        let tag = hmac::sign(&self.0, &message(account, chance));
        let secret = Zeroizing::new([chance.as_slice(), tag.as_ref()].concat());
        let text = Zeroizing::new(BASE32_NOPAD.encode(&secret));
        Ok(format!("{PREFIX}{}", text.to_ascii_lowercase()))
    }
    /// Whether `text` was issued to a device of `account`. Compared in constant time.
    pub fn knows(&self, account: [u8; 16], text: &str) -> bool {
        self.verify(account, text).is_some()
    }

    fn verify(&self, account: [u8; 16], text: &str) -> Option<()> {
        let body = text.strip_prefix(PREFIX)?;
        if body.len() != TEXT_LEN || body.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let upper = Zeroizing::new(body.to_ascii_uppercase());
        let secret = Zeroizing::new(BASE32_NOPAD.decode(upper.as_bytes()).ok()?);
        let (chance, tag) = secret.split_first_chunk::<16>()?;
        hmac::verify(&self.0, &message(account, *chance), tag).ok()
    }
}

fn message(account: [u8; 16], chance: [u8; 16]) -> Vec<u8> {
    [account, chance].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SeededSource;

    #[test]
    fn a_device_is_known_to_its_account_and_office_alone() {
        let devices = Devices::new(&Secret::new([7; 32]));
        let text = devices.issue([1; 16], &SeededSource::new(1)).unwrap();
        assert!(devices.knows([1; 16], &text));
        assert!(!devices.knows([2; 16], &text));
        assert!(!Devices::new(&Secret::new([8; 32])).knows([1; 16], &text));
    }

    #[test]
    fn any_other_text_is_unknown() {
        let devices = Devices::new(&Secret::new([7; 32]));
        let text = devices.issue([1; 16], &SeededSource::new(1)).unwrap();
        assert_eq!(text.len(), PREFIX.len() + TEXT_LEN);
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            let forged = String::from_utf8(bytes).unwrap();
            assert!(!devices.knows([1; 16], &forged), "changed at {at}");
        }
        for bad in [
            "",
            "bgd_",
            &text[..80],
            &format!("{text}a"),
            &text.to_uppercase(),
        ] {
            assert!(!devices.knows([1; 16], bad), "{bad}");
        }
    }
}
