//! On what law something is kept. It goes into the ledger, which is kept for ever and read by
//! outsiders, so that it may hold no personal data.

use crate::domain::time::Timestamp;

/// Longest name of a law, in bytes of UTF-8.
const LAW_BYTES_MAX: usize = 200;
/// Longest article, in bytes of UTF-8.
const ARTICLE_BYTES_MAX: usize = 100;
/// Longest list of what is kept, in bytes of UTF-8.
const ITEMS_BYTES_MAX: usize = 400;
/// Digits in a row, hyphens and spaces aside, that no article and no date has: a telephone,
/// resident or account number.
const DIGITS_MAX: usize = 8;

/// The law that forces the office to keep something, what it keeps, and until when: all of it is
/// needed (개인정보 보호법 제21조제3항, 제30조제1항제3호의2).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LegalBasis {
    /// The law (법령명).
    pub law: String,
    /// The article (조항).
    pub article: String,
    /// What is kept, by kind: never whose (보존 항목).
    pub items: String,
    /// Until when (보존 기한).
    pub until: Timestamp,
}

/// A field of a basis that cannot be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadBasis {
    /// Which.
    pub field: &'static str,
    /// Why.
    pub why: &'static str,
}

impl LegalBasis {
    /// Whether it can be entered now: nothing empty, nothing too long, nothing that looks like a
    /// person's number or address, and an end that lies ahead.
    pub fn check(&self, now: Timestamp) -> Result<(), BadBasis> {
        let texts = [
            ("law", &self.law, LAW_BYTES_MAX),
            ("article", &self.article, ARTICLE_BYTES_MAX),
            ("items", &self.items, ITEMS_BYTES_MAX),
        ];
        for (field, text, most) in texts {
            let bad = |why| Err(BadBasis { field, why });
            if text.trim().is_empty() {
                return bad("is needed");
            }
            if text.len() > most {
                return bad("is too long");
            }
            if text.chars().any(char::is_control) {
                return bad("is one line of text");
            }
            if text.contains('@') || longest_number(text) > DIGITS_MAX {
                return bad("names a law, an article or kinds of data, never a person's number");
            }
        }
        if self.until <= now {
            return Err(BadBasis {
                field: "until",
                why: "lies in the past",
            });
        }
        Ok(())
    }
}

/// Most digits that stand together, with nothing but hyphens and spaces between them.
fn longest_number(text: &str) -> usize {
    let (mut most, mut here) = (0, 0);
    for c in text.chars() {
        if c.is_ascii_digit() {
            here += 1;
            most = most.max(here);
        } else if !matches!(c, '-' | ' ' | '.') {
            here = 0;
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis() -> LegalBasis {
        LegalBasis {
            law: "민원 처리에 관한 법률".to_owned(),
            article: "제22조제1항 (2026-08-25 시행)".to_owned(),
            items: "성명, 연락처".to_owned(),
            until: Timestamp::from_millis(2_000),
        }
    }

    #[test]
    fn nothing_is_missing_and_no_person_is_in_it() {
        let now = Timestamp::from_millis(1_000);
        let refused = |basis: LegalBasis| basis.check(now).unwrap_err().field;
        assert_eq!(basis().check(now), Ok(()));
        let law = |law: &str| LegalBasis {
            law: law.to_owned(),
            ..basis()
        };
        for bad in [
            " ",
            "a\nb",
            "x@example.org",
            "법 010-1234-5678",
            "020101 3123456",
        ] {
            assert_eq!(refused(law(bad)), "law", "{bad}");
        }
        assert_eq!(law("법률 제19234호").check(now), Ok(()));
        assert_eq!(refused(law(&"가".repeat(67))), "law");
        let article = String::new();
        assert_eq!(refused(LegalBasis { article, ..basis() }), "article");
        let items = String::new();
        assert_eq!(refused(LegalBasis { items, ..basis() }), "items");
        let until = now;
        assert_eq!(refused(LegalBasis { until, ..basis() }), "until");
    }
}
