//! What is searched for, in one spelling: the same value in the index, in a question and in an
//! opened unit. Exact search alone: what differs after normalisation is different.
//!
//! | field | normal form |
//! |---|---|
//! | all | NFKC: full and half width, composed Hangul; lower case |
//! | name | no spaces |
//! | telephone | digits of the first number; `+82`, `0082` as `0` |
//! | e-mail | no spaces |
//! | address | a space only between two digits: `세종대로110` is `세종대로 110` |
//! | number | no spaces, no hyphens |
//!
//! What looks like a resident registration number (주민등록번호) is never indexed and never
//! searched for (개인정보 보호법 제24조의2).

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::crypto::blind::{ScopeKey, Term};
use crate::domain::limit::LINE_BYTES_MAX;
use crate::domain::tier::UnitKind;

use super::draft::Invalid;
use super::head::Head;
use super::number::register_number;
use super::record::Person;

/// Fewest digits of a telephone number: 110 is one.
const TELEPHONE_DIGITS_MIN: usize = 3;
/// After so many digits, what is no part of a number ends it: `02-700-0000 (내선 3)`.
const TELEPHONE_DIGITS_WHOLE: usize = 7;

/// By what cases are searched.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SearchField {
    /// 성명.
    Name,
    /// 전화번호.
    Telephone,
    /// 전자우편.
    Email,
    /// 주소.
    Address,
    /// 접수번호: of the register, of the receipt, or of another system.
    Number,
}

impl SearchField {
    /// The byte in the blind index; never reassigned.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Name => 1,
            Self::Telephone => 2,
            Self::Email => 3,
            Self::Address => 4,
            Self::Number => 5,
        }
    }
    /// What the access log says was looked for; never the value.
    pub const fn query(self) -> &'static str {
        match self {
            Self::Name => "search:name",
            Self::Telephone => "search:telephone",
            Self::Email => "search:email",
            Self::Address => "search:address",
            Self::Number => "search:number",
        }
    }
    /// The same, of a search that chooses what an export takes.
    pub const fn choosing(self) -> &'static str {
        match self {
            Self::Name => "choose:name",
            Self::Telephone => "choose:telephone",
            Self::Email => "choose:email",
            Self::Address => "choose:address",
            Self::Number => "choose:number",
        }
    }
}

/// A value that is searched for, in its normal form.
pub struct Sought {
    field: SearchField,
    normal: Zeroizing<String>,
}

impl Sought {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// Of the field `value`: empty, too long, or like a resident registration number.
    pub fn parse(field: SearchField, text: &str) -> Result<Self, Invalid> {
        if text.len() > LINE_BYTES_MAX {
            return Err(Invalid::new("value", "is too long"));
        }
        let folded = fold(text);
        if like_resident_number(&folded) {
            let why = "looks like a resident registration number: these are never searched for \
                       (주민등록번호로는 검색할 수 없습니다)";
            return Err(Invalid::new("value", why));
        }
        let normal = of_folded(field, &folded)
            .ok_or_else(|| Invalid::new("value", "has nothing to search for in it"))?;
        Ok(Self { field, normal })
    }
    /// By what.
    pub const fn field(&self) -> SearchField {
        self.field
    }
    /// The value as it stands in a scope's index.
    pub fn blind(&self, scope: &ScopeKey) -> Term {
        scope.blind(self.field.byte(), &self.normal)
    }
    /// The normal form, for rows whose keys are made of it.
    pub fn normal(&self) -> &str {
        &self.normal
    }
    /// Whether an opened unit holds it.
    pub fn is_in(&self, kind: UnitKind, content: &[u8]) -> bool {
        let Some(person) = person(kind, content) else {
            return false;
        };
        let same = |text: &str| self.is(text);
        person
            .texts()
            .into_iter()
            .any(|(field, text)| field == self.field && text.is_some_and(same))
    }
    /// Whether a case has this number.
    pub fn is_number_of(&self, head: &Head, number: u64) -> bool {
        let own = register_number(head.tier, head.registered_at.year(), number);
        self.field == SearchField::Number
            && (self.is(&own)
                || self.is(&head.receipt.to_string())
                || head.external_number.as_deref().is_some_and(|n| self.is(n)))
    }
    fn is(&self, text: &str) -> bool {
        normalise(self.field, text).is_some_and(|normal| *normal == *self.normal)
    }
}

/// The terms of a unit's content: what of it can be searched for.
pub fn terms(scope: &ScopeKey, kind: UnitKind, content: &[u8]) -> Vec<Term> {
    let Some(person) = person(kind, content) else {
        return Vec::new();
    };
    person
        .texts()
        .into_iter()
        .filter_map(|(field, text)| term(scope, field, text?))
        .collect()
}

/// The term of one value; `None` where there is nothing to index, or nothing that may be.
pub fn term(scope: &ScopeKey, field: SearchField, text: &str) -> Option<Term> {
    let folded = fold(text);
    if like_resident_number(&folded) {
        return None;
    }
    Some(scope.blind(field.byte(), &of_folded(field, &folded)?))
}

fn person(kind: UnitKind, content: &[u8]) -> Option<Person> {
    (kind == UnitKind::Person)
        .then(|| Person::read(content).ok())
        .flatten()
}

/// The normal form; `None` where nothing is left.
fn normalise(field: SearchField, text: &str) -> Option<Zeroizing<String>> {
    of_folded(field, &fold(text))
}

fn of_folded(field: SearchField, folded: &str) -> Option<Zeroizing<String>> {
    let normal = match field {
        SearchField::Name | SearchField::Email => without(folded, is_blank),
        SearchField::Telephone => return telephone(folded),
        SearchField::Address => address(folded),
        SearchField::Number => without(folded, |c| is_blank(c) || is_hyphen(c)),
    };
    (!normal.is_empty()).then_some(normal)
}

fn fold(text: &str) -> Zeroizing<String> {
    // Room for what NFKC may make longer, so that no copy is left behind by growing.
    let mut folded = Zeroizing::new(String::with_capacity(text.len() * 4 + 16));
    // Twice, as some capitals come out of NFKC and some letters decompose when they are folded.
    folded.extend(text.nfkc().flat_map(char::to_lowercase).nfkc());
    folded
}

fn without(text: &str, unwanted: impl Fn(char) -> bool) -> Zeroizing<String> {
    let mut kept = Zeroizing::new(String::with_capacity(text.len()));
    kept.extend(text.chars().filter(|c| !unwanted(*c)));
    kept
}

/// Spaces, and what is as invisible: control characters, zero-width ones, Hangul fillers.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{115f}' | '\u{1160}'
        )
}

/// Hyphens and dashes; `~` and `ー` stand for them in what people type.
fn is_hyphen(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}' | 'ー'
    )
}

fn telephone(text: &str) -> Option<Zeroizing<String>> {
    let mut digits = Zeroizing::new(String::with_capacity(text.len() + 1));
    let mut plus = false;
    for c in text.chars() {
        let between = is_blank(c) || is_hyphen(c) || matches!(c, '(' | ')' | '.' | '+');
        if c.is_ascii_digit() {
            digits.push(c);
        } else if !between && digits.len() >= TELEPHONE_DIGITS_WHOLE {
            break;
        } else if c == '+' && digits.is_empty() {
            plus = true;
        }
    }
    let abroad = if plus {
        digits.strip_prefix("82")
    } else {
        // Without the plus sign, 82 is Korea only before a mobile number of full length.
        let mobile = digits.starts_with("8210") && digits.len() == 12;
        let mobile = mobile.then(|| digits.strip_prefix("82")).flatten();
        digits.strip_prefix("0082").or(mobile)
    };
    let normal = match abroad {
        Some(rest) => {
            let mut normal = Zeroizing::new(String::with_capacity(text.len() + 1));
            normal.push('0');
            normal.push_str(rest.strip_prefix('0').unwrap_or(rest));
            normal
        }
        None => digits,
    };
    (normal.len() >= TELEPHONE_DIGITS_MIN).then_some(normal)
}

fn address(text: &str) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    let mut gap = false;
    for c in text.chars() {
        if is_blank(c) || matches!(c, ',' | '.' | '(' | ')') {
            gap = true;
            continue;
        }
        let digits = line.ends_with(|last: char| last.is_ascii_digit()) && c.is_ascii_digit();
        if gap && digits {
            line.push(' ');
        }
        gap = false;
        line.push(if is_hyphen(c) { '-' } else { c });
    }
    line
}

/// Six digits that are a date, seven more, the last six of which may be starred out; with or
/// without what people write between them, as part of anything. Wide on purpose: a value that is
/// taken for one by mistake is only not searchable.
fn like_resident_number(folded: &str) -> bool {
    let mut run = Zeroizing::new(String::with_capacity(folded.len()));
    for c in folded.chars() {
        if c.is_ascii_digit() || c == '*' {
            run.push(c);
        } else if !is_blank(c) && !is_hyphen(c) && !matches!(c, '.' | '/' | '·') {
            if run_is_resident_number(&run) {
                return true;
            }
            run.clear();
        }
    }
    run_is_resident_number(&run)
}

fn run_is_resident_number(run: &str) -> bool {
    let Some((first, rest)) = run.split_at_checked(7) else {
        return false;
    };
    let two = |from: usize| first.get(from..from + 2).and_then(|t| t.parse::<u8>().ok());
    let date = matches!((two(2), two(4)), (Some(1..=12), Some(1..=31)));
    let digits = first.bytes().all(|byte| byte.is_ascii_digit());
    digits && date && rest.len() == 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(field: SearchField, wanted: &str, spellings: &[&str]) {
        for spelling in spellings {
            let came = normalise(field, spelling);
            assert_eq!(
                came.as_deref().map(String::as_str),
                Some(wanted),
                "{spelling}"
            );
        }
    }

    #[test]
    fn names_are_one_in_every_spelling() {
        let nfd: String = "홍길동".nfd().collect();
        same(
            SearchField::Name,
            "홍길동",
            &["홍길동", "홍 길동", " 홍\u{3000}길 동\u{200b}", &nfd],
        );
        same(
            SearchField::Name,
            "johndoe",
            &["John Doe", "JOHN DOE", "ｊｏｈｎ　ｄｏｅ"],
        );
        assert!(normalise(SearchField::Name, " \u{3164}\t").is_none());
    }

    #[test]
    fn telephones_are_one_in_every_spelling() {
        same(
            SearchField::Telephone,
            "01012345678",
            &[
                "010-1234-5678",
                "01012345678",
                "010 1234 5678",
                "(010) 1234-5678",
                "010.1234.5678",
                "+82 10-1234-5678",
                "+82-(0)10-1234-5678",
                "+821012345678",
                "0082 10 1234 5678",
                "82-10-1234-5678",
                "０１０－１２３４－５６７８",
                "휴대전화 010‑1234‑5678",
                "010-1234-5678 (아들)",
                "010-1234-5678, 02-700-0000",
            ],
        );
        same(
            SearchField::Telephone,
            "027000000",
            &["02-700-0000", "+82 2 700 0000"],
        );
        same(SearchField::Telephone, "027000000", &["02-700-0000 내선 3"]);
        same(SearchField::Telephone, "14155550100", &["+1 415 555 0100"]);
        same(SearchField::Telephone, "110", &["110"]);
        for none in ["", "없음", "12"] {
            assert!(normalise(SearchField::Telephone, none).is_none(), "{none}");
        }
    }

    #[test]
    fn addresses_bear_spacing_and_no_more() {
        same(
            SearchField::Address,
            "서울종로구세종대로110",
            &[
                "서울 종로구 세종대로 110",
                "서울  종로구 세종대로110",
                "서울 종로구, 세종대로 １１０",
            ],
        );
        same(
            SearchField::Address,
            "세종대로110 1203호",
            &[
                "세종대로 110, 1203호",
                "세종대로110 1203호",
                "세종대로 110 1203 호",
            ],
        );
        let of = |text| normalise(SearchField::Address, text).map(|n| n.to_string());
        assert_ne!(of("새장로 48 21"), of("새장로 4821"));
        assert_ne!(of("새장로 48-21"), of("새장로 4821"));
        assert_eq!(of("새장로 48–21"), of("새장로 48-21"));
    }

    #[test]
    fn mail_and_numbers_bear_case_spaces_and_hyphens() {
        same(
            SearchField::Email,
            "kim@example.org",
            &["Kim@Example.ORG ", "ｋｉｍ@example.org"],
        );
        same(
            SearchField::Number,
            "1aa24120152653",
            &["1AA-2412-0152653", "1aa 2412 0152653"],
        );
        same(
            SearchField::Number,
            "2026000123",
            &["2026-000123", "2026–000123"],
        );
        assert_ne!(
            normalise(SearchField::Email, "kim-s@example.org"),
            normalise(SearchField::Email, "kims@example.org")
        );
    }

    #[test]
    fn resident_numbers_are_known_wherever_they_stand() {
        for like in [
            "900101-1234567",
            "9001011234567",
            "９００１０１－１２３４５６７",
            "900101 - 1234567",
            "주민번호 900101-1234567 입니다",
            "900101-1******",
            "051231-3000000",
            "900101-5234567",
        ] {
            assert!(like_resident_number(&fold(like)), "{like}");
            assert!(Sought::parse(SearchField::Name, like).is_err(), "{like}");
        }
        for other in [
            "010-1234-5678",
            "+82 10-1234-5678",
            "0082 10 1234 5678",
            "1AA-2412-0152653",
            "2026-000123",
            "123-45-67890",
            "991301-1234567",
            "990132-1234567",
            "900101-12345678",
            "세종대로 110 1203호",
            "",
        ] {
            assert!(!like_resident_number(&fold(other)), "{other}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for field in [
            SearchField::Name,
            SearchField::Telephone,
            SearchField::Email,
            SearchField::Address,
            SearchField::Number,
        ] {
            for text in [
                "ＫＩＭ 민수",
                "+82 10-1234-5678",
                "ǅ İ ﬁ Σς",
                "세종대로110 3-2",
                "ㅎㅏㄴ 글",
            ] {
                if let Some(once) = normalise(field, text) {
                    let twice = normalise(field, &once);
                    assert_eq!(twice.as_deref(), Some(&*once), "{field:?} {text}");
                }
            }
        }
    }
}
