//! The register's numbers. Ordinary cases are numbered in order by year (민원처리법 시행령 제6조
//! 제2항: 접수 순서); sensitive cases have a series of their own, known to their holders only.

use data_encoding::BASE32_NOPAD;
use unicode_normalization::UnicodeNormalization;

use crate::domain::random::{Random, RandomError};
use crate::domain::tier::Tier;

/// The number as holders see it: `2026-000123`, or `2026-S-000012` for a sensitive case.
pub fn register_number(tier: Tier, year: i16, number: u64) -> String {
    match tier {
        Tier::Sensitive => format!("{year}-S-{number:06}"),
        Tier::Ordinary | Tier::Retained => format!("{year}-{number:06}"),
    }
}

/// Reads a number of the register, as holders see it or with other hyphens and spaces.
pub fn parse_register_number(text: &str) -> Option<(Tier, i16, u64)> {
    let digits_and_letters = text.nfkc().filter(|c| c.is_alphanumeric());
    let plain: String = digits_and_letters.flat_map(char::to_uppercase).collect();
    let (year, rest) = plain.split_at_checked(4)?;
    let (tier, number) = match rest.strip_prefix('S') {
        Some(number) => (Tier::Sensitive, number),
        None => (Tier::Ordinary, rest),
    };
    // A sign would be read as part of a number.
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(year) || !digits(number) {
        return None;
    }
    Some((tier, year.parse().ok()?, number.parse().ok()?))
}

/// A random reference, such as `7KQ4-M2XA-QD3F`: for the petitioner's receipt, and in place of a
/// sensitive case's number where the asker may not learn how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reference([u8; 8]);

impl Reference {
    /// A fresh one: 60 random bits.
    pub fn random(random: &dyn Random) -> Result<Self, RandomError> {
        Ok(Self(random.array()?))
    }
    /// As it is searched for: lower case, without hyphens.
    pub fn normal(&self) -> String {
        let mut text = self.to_string().to_ascii_lowercase();
        text.retain(|c| c != '-');
        text
    }
}

/// The letters and digits of a receipt number, however a person wrote it; `None` for what cannot be
/// one.
pub fn receipt_digits(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let valid = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
    (digits.len() == 12 && digits.chars().all(valid)).then_some(digits)
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = BASE32_NOPAD.encode(&self.0);
        for (index, letter) in text.chars().take(12).enumerate() {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_every_spelling() {
        for (text, wanted) in [
            ("2026-000123", Some((Tier::Ordinary, 2026, 123))),
            ("2026–000123 ", Some((Tier::Ordinary, 2026, 123))),
            ("２０２６-1234567", Some((Tier::Ordinary, 2026, 1_234_567))),
            ("2026-s-000012", Some((Tier::Sensitive, 2026, 12))),
            ("2026", None),
            ("2026-S-", None),
            ("7KQ4-M2XA-QD3F", None),
            ("2026-99999999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(parse_register_number(text), wanted, "{text}");
        }
    }

    #[test]
    fn numbers_look_as_officials_write_them() {
        assert_eq!(register_number(Tier::Ordinary, 2026, 123), "2026-000123");
        assert_eq!(register_number(Tier::Sensitive, 2026, 12), "2026-S-000012");
        let text = Reference([0xff; 8]).to_string();
        assert_eq!(text.len(), 14);
        assert_eq!(text.split('-').count(), 3);
        let written = text.to_lowercase().replace('-', " ");
        assert_eq!(receipt_digits(&written), Some(text.replace('-', "")));
        assert_eq!(receipt_digits("7KQ4-M2XA-QD3"), None);
    }
}
