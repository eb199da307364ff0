//! Serial number (일련번호) of an output: what stands on every page and in every mark, and finds
//! the access-log entry again.

use std::fmt;
use std::str::FromStr;

use super::random::{Random, RandomError};

/// Crockford's base32: no I, L, O, U, so that a number read off paper is read one way.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a serial number.
const LENGTH: usize = 10;
const BITS: u64 = (1 << 50) - 1;

/// 50 random bits, written `7KQ4M-2XAQD`. Says nothing of how many there are.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Serial(u64);

/// A text that is no serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a serial number: expected ten letters and digits, as in 7KQ4M-2XAQD")]
pub struct BadSerial;

impl Serial {
    /// A fresh one.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        Ok(Self(u64::from_be_bytes(random.array()?) & BITS))
    }
    /// As its row is found, eight bytes.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
    /// The number with these bytes, as read back from storage.
    pub const fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        let number = u64::from_be_bytes(bytes);
        if number <= BITS {
            Some(Self(number))
        } else {
            None
        }
    }
    /// The ten letters without the hyphen: what a mark holds.
    pub fn letters(self) -> String {
        (0..LENGTH)
            .rev()
            .filter_map(|place| {
                let digit = usize::try_from((self.0 >> (5 * place)) & 31).ok()?;
                LETTERS.get(digit).copied().map(char::from)
            })
            .collect()
    }
}

impl FromStr for Serial {
    type Err = BadSerial;
    /// However a person wrote it: lower case, spaces, other hyphens, O for 0, I and L for 1.
    fn from_str(text: &str) -> Result<Self, BadSerial> {
        let mut number = 0;
        let mut letters = 0;
        for letter in text.chars() {
            if matches!(letter, ' ' | '-' | '–' | '—') {
                continue;
            }
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let digit = LETTERS.iter().position(|l| char::from(*l) == letter);
            let digit = u64::try_from(digit.ok_or(BadSerial)?).map_err(|_| BadSerial)?;
            letters += 1;
            if letters > LENGTH {
                return Err(BadSerial);
            }
            number = (number << 5) | digit;
        }
        if letters == LENGTH {
            Ok(Self(number))
        } else {
            Err(BadSerial)
        }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.letters();
        let (left, right) = letters.split_at_checked(LENGTH / 2).unwrap_or_default();
        write!(f, "{left}-{right}")
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemSource;

    #[test]
    fn a_number_is_read_however_a_person_wrote_it() {
        let serial: Serial = "7KQ4M-2XA0D".parse().unwrap();
        for text in ["7kq4m2xaod", " 7KQ4M 2XAOD ", "7KQ4M–2XA0D"] {
            assert_eq!(text.parse(), Ok(serial), "{text}");
        }
        assert_eq!(serial.to_string(), "7KQ4M-2XA0D");
        for bad in [
            "",
            "7KQ4M-2XA0",
            "7KQ4M-2XA0DD",
            "7KQ4M-2XA0U",
            "일련번호일련번호가나",
        ] {
            assert_eq!(bad.parse::<Serial>(), Err(BadSerial), "{bad}");
        }
    }

    #[test]
    fn every_number_round_trips() {
        let random = SystemSource::default();
        for _ in 0..1000 {
            let serial = Serial::random(&random).unwrap();
            assert_eq!(serial.letters().parse(), Ok(serial));
            assert_eq!(Serial::from_bytes(serial.to_bytes()), Some(serial));
        }
        assert_eq!(Serial::from_bytes([0xff; 8]), None);
    }
}
