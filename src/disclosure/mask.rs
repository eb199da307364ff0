//! Masking (비식별 표시): one rule for the whole system, because values that are masked in two
//! ways can be put together again. It happens here, on the server: what is masked never leaves.
//!
//! | what | as shown |
//! |---|---|
//! | name of 1, 2, 3, more letters | `*`, `홍*`, `홍*동`, `남**수` |
//! | name in Latin letters | the first four letters: `Alex***** *****`; of a short one, half |
//! | telephone | `010-****-1234`: area and last four digits |
//! | e-mail | `ab***@host` |
//! | address | as far as the road or the village: `서울특별시 중구 세종대로 ***` |
//! | 주민등록번호 and numbers like it, in any text | `800101-*******` |
//! | telephone, e-mail and the case's own people, in any text | as above |
//!
//! Without the people nothing in a text can be told from what may be shown, so a case whose people a
//! permit does not open, or one of whose people was destroyed while the texts are kept, has no texts
//! in a masked output: [`WITHHELD`] stands there.
//!
//! Letters are what a reader takes for one (grapheme clusters of the NFC form), never bytes. There
//! is no national table (law.md §8 gives the sources); stars tell the length of names and numbers
//! only.

use icu_segmenter::GraphemeClusterSegmenter;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use std::collections::BTreeMap;

use crate::cases::view::CaseView;

mod known;
mod text;

pub use known::{Known, text};

/// What stands for a part whose length is not told.
const HIDDEN: &str = "***";
/// What stands for the texts of a case whose people are not all known.
pub const WITHHELD: &str = "[내용 제외: 당사자를 모두 알 수 없어 가릴 수 없음 / left out: it cannot be masked \
    while not all of its people are known]";
/// Letters of a Latin name that are shown at the most.
const LATIN_SHOWN: usize = 4;
/// Fewest digits of a telephone number that has a part to show.
const DIGITS_MIN: usize = 7;
/// Digits shown at the end of a telephone number.
const DIGITS_SHOWN: usize = 4;

fn nfc(text: &str) -> String {
    text.trim().nfc().collect()
}

fn letters(text: &str) -> Vec<&str> {
    let breaks: Vec<usize> = GraphemeClusterSegmenter::new().segment_str(text).collect();
    let pairs = breaks.iter().zip(breaks.iter().skip(1));
    pairs
        .filter_map(|(from, to)| text.get(*from..*to))
        .collect()
}

fn is_latin(letter: &str) -> bool {
    let first = letter.chars().next();
    first.is_some_and(|c| c.is_alphabetic() && (c as u32) < 0x250)
}

/// A name (성명).
pub fn name(name: &str) -> String {
    let name = nfc(name);
    let letters = letters(&name);
    let is_space = |letter: &&str| letter.chars().all(char::is_whitespace);
    let count = letters.iter().filter(|letter| !is_space(letter)).count();
    let latin = letters
        .iter()
        .filter(|letter| letter.chars().any(char::is_alphabetic))
        .all(|letter| is_latin(letter))
        && letters.iter().any(|letter| is_latin(letter));
    let shown = |at: usize| {
        if latin {
            at < LATIN_SHOWN.min(count / 2)
        } else {
            count > 1 && (at == 0 || (count > 2 && at + 1 == count))
        }
    };
    let mut masked = String::with_capacity(name.len());
    let mut at = 0;
    for letter in letters {
        if is_space(&letter) {
            masked.push(' ');
            continue;
        }
        masked.push_str(if shown(at) { letter } else { "*" });
        at += 1;
    }
    masked
}

/// The value of a digit, ASCII or full-width.
pub(super) fn digit(c: char) -> Option<u8> {
    let value = match c {
        '0'..='9' => u32::from(c) - u32::from('0'),
        '０'..='９' => u32::from(c) - u32::from('０'),
        _ => return None,
    };
    u8::try_from(value).ok()
}

/// How many digits at the beginning say the area or the network.
fn area(digits: &[u8], international: bool) -> usize {
    match digits {
        [8, 2, 2, ..] if international => 3,
        [8, 2, ..] if international => 4,
        [0, 2, ..] => 2,
        [0, 5, 0, ..] if digits.len() > 11 => 4,
        _ if digits.len() <= 8 => 0,
        _ => 3,
    }
}

/// A telephone number (전화번호).
pub fn telephone(number: &str) -> String {
    let number = nfc(number);
    let digits: Vec<u8> = number.chars().filter_map(digit).collect();
    let area = area(&digits, number.starts_with('+'));
    // What is hidden between both ends is never less than three digits.
    let (head, tail) = match digits.len().checked_sub(DIGITS_SHOWN + 3) {
        Some(room) if digits.len() >= DIGITS_MIN => (area.min(room), digits.len() - DIGITS_SHOWN),
        _ => (0, digits.len()),
    };
    let mut at = 0;
    let mut masked = String::with_capacity(number.len());
    for c in number.chars() {
        if digit(c).is_some() {
            masked.push(if at < head || at >= tail { c } else { '*' });
            at += 1;
        } else if c.is_whitespace() || "-–－.+()/·ㆍ_".contains(c) {
            masked.push(c);
        } else {
            masked.push('*');
        }
    }
    masked
}

/// An e-mail address (전자우편).
pub fn email(address: &str) -> String {
    let address = nfc(address);
    let Some((local, host)) = address.rsplit_once('@') else {
        return HIDDEN.to_owned();
    };
    let letters = letters(local);
    let shown = match letters.len() {
        0 | 1 => 0,
        2 => 1,
        _ => 2,
    };
    let mut masked: String = letters.into_iter().take(shown).collect();
    masked.push_str(HIDDEN);
    masked.push('@');
    masked.push_str(host);
    masked
}

/// The provinces as they are called in short: the others end in one of [`DISTRICTS`].
const PROVINCES: [&str; 17] = [
    "서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원", "충북", "충남",
    "전북", "전남", "경북", "경남", "제주",
];
/// How names of districts end, from the province to the village.
const DISTRICTS: [char; 9] = ['시', '도', '군', '구', '읍', '면', '동', '리', '가'];

/// A part of an address that names no house.
enum Place<'a> {
    District(&'a str),
    Road(&'a str),
    House,
}

fn place(part: &str, on_road: bool) -> Place<'_> {
    // 세종대로110: the number of the house may follow the road without a space.
    let bare = part.trim_end_matches(|c| digit(c).is_some() || c == '-');
    let begins_with_digit = part.chars().next().is_some_and(|c| digit(c).is_some());
    let is_road = bare.ends_with(['로', '길']) && bare.chars().count() > 1;
    if is_road && (!begins_with_digit || (on_road && bare.ends_with('길'))) {
        return Place::Road(bare);
    }
    let hangul = |c: char| ('가'..='힣').contains(&c) || digit(c).is_some();
    let named = part.chars().all(hangul) && !begins_with_digit;
    let is_district =
        PROVINCES.contains(&part) || (part.chars().count() > 1 && part.ends_with(DISTRICTS));
    if named && is_district && !on_road {
        Place::District(part)
    } else {
        Place::House
    }
}

/// A postal address (주소), by road (도로명) or by lot (지번). What is written in another way is
/// hidden whole.
pub fn address(address: &str) -> String {
    let address = nfc(address);
    let mut shown: Vec<&str> = Vec::new();
    let mut on_road = false;
    let parts = address.split(|c: char| c.is_whitespace() || c == ',');
    for part in parts.filter(|part| !part.is_empty()) {
        // 우편번호: it leads to the block.
        let post_code = part
            .chars()
            .all(|c| digit(c).is_some() || "()[]-".contains(c));
        if shown.is_empty() && post_code {
            continue;
        }
        match place(part, on_road) {
            Place::District(part) => shown.push(part),
            Place::Road(part) => {
                on_road = true;
                shown.push(part);
            }
            Place::House => break,
        }
    }
    shown.push(HIDDEN);
    shown.join(" ")
}

fn replace(value: &mut String, masked: String) {
    value.zeroize();
    *value = masked;
}

fn replace_if(value: &mut Option<String>, rule: impl Fn(&str) -> String) {
    if let Some(value) = value {
        let masked = rule(value);
        replace(value, masked);
    }
}

/// Leaves title, narrative, attributes, additions and notes out, and says so where there were any:
/// for a case whose people are not all known.
pub fn withhold(view: &mut CaseView) {
    let texts = view.title.is_some() || view.narrative.is_some() || view.attributes.is_some();
    let held = texts || !view.additions.is_empty();
    view.title.zeroize();
    view.narrative.zeroize();
    for (mut name, mut value) in view.attributes.take().into_iter().flatten() {
        name.zeroize();
        value.zeroize();
    }
    let additions = view.additions.iter_mut();
    additions.for_each(|addition| addition.statement.zeroize());
    view.additions = Vec::new();
    let people = view.people.iter_mut().flatten();
    people.for_each(|person| person.note.zeroize());
    view.narrative = held.then(|| WITHHELD.to_owned());
    texts_of_head(view, |value| text(value, &Known::default()));
}

/// The head's own free texts: what somebody typed in, or an import brought.
fn texts_of_head(view: &mut CaseView, rule: impl Fn(&str) -> String) {
    let masked = rule(&view.class);
    replace(&mut view.class, masked);
    replace_if(&mut view.external_number, rule);
}

/// Every free text of a case by this rule, the names of its attributes too.
pub fn texts(view: &mut CaseView, rule: impl Fn(&str) -> String) {
    texts_of_head(view, &rule);
    replace_if(&mut view.title, &rule);
    replace_if(&mut view.narrative, &rule);
    view.attributes = view.attributes.take().map(|all| attributes(all, &rule));
    for addition in &mut view.additions {
        let masked = rule(&addition.statement);
        replace(&mut addition.statement, masked);
    }
    for person in view.people.iter_mut().flatten() {
        replace_if(&mut person.note, &rule);
    }
}

/// Two names that are one when masked keep the values of both.
fn attributes(
    all: BTreeMap<String, String>,
    rule: impl Fn(&str) -> String,
) -> BTreeMap<String, String> {
    let mut masked = BTreeMap::<String, String>::new();
    for (mut name, mut value) in all {
        let values = masked.entry(rule(&name)).or_default();
        if !values.is_empty() {
            values.push_str("; ");
        }
        values.push_str(&rule(&value));
        name.zeroize();
        value.zeroize();
    }
    masked
}

/// A whole case as it may be seen without the right to have it unmasked.
pub fn view(view: &mut CaseView) {
    match view.everybody().map(Known::of) {
        Some(known) => texts(view, |value| text(value, &known)),
        // Somebody's name would not be known.
        None => withhold(view),
    }
    for person in view.people.iter_mut().flatten() {
        let masked = name(&person.name);
        replace(&mut person.name, masked);
        replace_if(&mut person.telephone, telephone);
        replace_if(&mut person.email, email);
        replace_if(&mut person.address, address);
    }
}

#[cfg(test)]
mod tests;
