//! Free text: what stands in it is found by its shape, or because it is a value of the case's own
//! people.

use super::{digit, email, telephone};

/// What was found at a place: how many characters, and what stands for them.
type Found = Option<(usize, String)>;

/// Masks a text; `known` are values and what stands for each, longest first.
pub(super) fn mask(text: &str, known: &[(String, String)]) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at: usize = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let here = chars.get(at..).unwrap_or_default();
        let found = known_value(rest, known)
            .or_else(|| resident_number(before, here))
            .or_else(|| number(before, here))
            .or_else(|| mail(before, here));
        let taken = match found {
            Some((taken, instead)) => {
                masked.push_str(&instead);
                taken
            }
            None => {
                masked.push(c);
                1
            }
        };
        at += taken;
        let bytes: usize = rest.chars().take(taken).map(char::len_utf8).sum();
        rest = rest.get(bytes..).unwrap_or_default();
    }
    masked
}

fn known_value(rest: &str, known: &[(String, String)]) -> Found {
    let (value, masked) = known
        .iter()
        .find(|(value, _)| rest.starts_with(value.as_str()))?;
    Some((value.chars().count(), masked.clone()))
}

fn is_digit(c: Option<char>) -> bool {
    c.is_some_and(|c| digit(c).is_some())
}

/// Whether these six digits are the day that a person was born on: `YYMMDD`.
fn is_birth(digits: &[u8]) -> bool {
    match digits {
        [_, _, m1, m2, d1, d2] => {
            (1..=12).contains(&(m1 * 10 + m2)) && (1..=31).contains(&(d1 * 10 + d2))
        }
        _ => false,
    }
}

/// `YYMMDD-SBBBBNC` and 외국인등록번호, which has the same shape; with any dash, spaces or none.
/// Its check digit says nothing since October 2020, so it is not looked at.
fn resident_number(before: Option<char>, here: &[char]) -> Found {
    if is_digit(before) {
        return None;
    }
    let birth: Vec<u8> = here.iter().take(6).filter_map(|c| digit(*c)).collect();
    if !is_birth(&birth) {
        return None;
    }
    let after = here.get(6..)?;
    let dash = after
        .iter()
        .take_while(|c| matches!(c, ' ' | '-' | '–' | '—' | '−' | '‐' | '－' | '\u{a0}'))
        .count();
    let back = after.get(dash..)?;
    let digits = back.iter().take_while(|c| digit(**c).is_some()).count();
    if dash > 3 || digits != 7 {
        return None;
    }
    let shown: String = here.iter().take(6).collect();
    Some((6 + dash + 7, format!("{shown}-*******")))
}

/// A telephone number of Korea: 0 or +82 or 15XX, 9 to 12 digits (8 for the latter), in groups.
fn number(before: Option<char>, here: &[char]) -> Found {
    let joined = |c: char| c.is_alphanumeric() || c == '-';
    if before.is_some_and(joined) {
        return None;
    }
    let plus = usize::from(here.first() == Some(&'+'));
    let mut digits: Vec<u8> = Vec::new();
    let mut length = plus;
    let mut end = 0;
    let mut gap = 0;
    for c in here.iter().skip(plus) {
        length += 1;
        if let Some(value) = digit(*c) {
            digits.push(value);
            (end, gap) = (length, 0);
        } else if matches!(c, '-' | '–' | '.' | ' ' | ')') && gap == 0 && !digits.is_empty() {
            gap = 1;
        } else {
            break;
        }
        if digits.len() > 12 {
            return None;
        }
    }
    let fits = match digits.as_slice() {
        [8, 2, ..] if plus == 1 => (10..=12).contains(&digits.len()),
        [0, 1..=8, ..] if plus == 0 => (9..=12).contains(&digits.len()),
        [1, 5 | 6 | 8, ..] if plus == 0 => digits.len() == 8 && end == 9,
        _ => false,
    };
    let found: String = here.get(..end)?.iter().collect();
    fits.then(|| (end, telephone(&found)))
}

fn mail(before: Option<char>, here: &[char]) -> Found {
    let local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    if before.is_some_and(local) {
        return None;
    }
    let name = here.iter().take_while(|c| local(**c)).count();
    let rest = here.get(name..)?;
    if name == 0 || rest.first() != Some(&'@') {
        return None;
    }
    let place: String = rest.iter().skip(1).take_while(|c| host(**c)).collect();
    let place = place.trim_end_matches(['.', '-']);
    if !place.contains('.') {
        return None;
    }
    let length = name + 1 + place.chars().count();
    let found: String = here.get(..length)?.iter().collect();
    Some((length, email(&found)))
}
