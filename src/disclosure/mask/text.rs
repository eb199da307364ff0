//! Free text: what stands in it is found by its shape, or because it is a value of the case's own
//! people.

use zeroize::Zeroize;

use super::{Known, digit, email, telephone};

/// What was found at a place: how many characters, and what stands for them.
type Found = Option<(usize, String)>;

/// Masks a text in its NFC form.
pub(super) fn mask(text: &str, known: &Known) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at: usize = 0;
    while let Some((before, here)) = chars.split_at_checked(at) {
        let Some(c) = here.first() else { break };
        let found = known
            .find(before, here)
            .or_else(|| resident_number(before.last().copied(), here))
            .or_else(|| number(before, here))
            .or_else(|| mail(before.last().copied(), here));
        at += match found {
            Some((taken, instead)) => {
                masked.push_str(&instead);
                taken
            }
            None => {
                masked.push(*c);
                1
            }
        };
    }
    chars.zeroize();
    masked
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

/// `YYMMDD-SBBBBNC` and 외국인등록번호, which has the same shape; whatever stands between the halves
/// that is neither letter nor digit, a line end too.
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
    let dash = after.iter().take_while(|c| !c.is_alphanumeric()).count();
    let back = after.get(dash..)?;
    let digits = back.iter().take_while(|c| digit(**c).is_some()).count();
    if dash > GAP_MAX || digits != 7 {
        return None;
    }
    let shown: String = here.iter().take(6).collect();
    Some((6 + dash + 7, format!("{shown}-*******")))
}

/// Most separators between two groups of a number: ` - `.
const GAP_MAX: usize = 3;
/// Most groups that are looked at: a number written digit by digit has one each.
const GROUPS_MAX: usize = 13;

/// Digits without anything between them.
struct Group {
    /// Separators before it.
    gap: usize,
    /// Whether they are those of numbers only, and none that dates and lists have too.
    plain: bool,
    digits: Vec<u8>,
    /// Characters from the beginning to behind it.
    end: usize,
}

/// The groups of digits from here on, as far as nothing but separators stands between them.
fn groups(here: &[char], from: usize) -> Vec<Group> {
    let separates = |c: char| "-–—−‐－.() \u{a0}".contains(c);
    let may_separate = |c: char| separates(c) || "/·ㆍ_\t\r\n".contains(c);
    let mut groups: Vec<Group> = Vec::new();
    let (mut gap, mut plain) = (0, true);
    for (at, c) in here.iter().enumerate().skip(from) {
        let end = at + 1;
        if let Some(value) = digit(*c) {
            if let Some(group) = groups.last_mut().filter(|_| gap == 0) {
                group.digits.push(value);
                group.end = end;
            } else if groups.len() < GROUPS_MAX {
                groups.push(Group {
                    gap,
                    plain,
                    digits: vec![value],
                    end,
                });
            } else {
                break;
            }
            (gap, plain) = (0, true);
        } else if may_separate(*c) && gap < GAP_MAX && !groups.is_empty() {
            gap += 1;
            plain &= separates(*c);
        } else {
            break;
        }
    }
    groups
}

/// Whether a number begins like one of Korea: with its 0.
fn begins(digits: &[u8]) -> bool {
    matches!(digits, [0, 1..=8, ..])
}

/// Whether these groups, and no more of them, are a number as numbers are written: area, exchange
/// and four digits, or some of that in one. What stands between them may then be wide.
fn is_written(groups: &[Group], international: bool) -> bool {
    let count: usize = groups.iter().map(|group| group.digits.len()).sum();
    let is_area = |digits: &[u8]| match digits {
        [0, 2] => true,
        _ => begins(digits) && (3..=4).contains(&digits.len()),
    };
    match groups {
        // The 0 of the area is often left in, in brackets or not: 13 digits.
        [first, .., last] if international => {
            first.digits.starts_with(&[8, 2])
                && (10..=13).contains(&count)
                && groups.len() <= 5
                && matches!(last.digits.len(), 4 | 7 | 8)
        }
        [whole] if international => whole.digits.starts_with(&[8, 2]) && (10..=13).contains(&count),
        [whole] => begins(&whole.digits) && (9..=12).contains(&count),
        [area, rest] => is_area(&area.digits) && matches!(rest.digits.len(), 7 | 8),
        [area, middle, last] => {
            // No exchange of Seoul begins with 0: the second day of a month before a number.
            let is_day = area.digits == [0, 2] && middle.digits.first() == Some(&0);
            is_area(&area.digits)
                && !is_day
                && matches!(middle.digits.len(), 3 | 4)
                && last.digits.len() == 4
        }
        _ => false,
    }
}

/// Whether these groups, one separator between two, have the digits of a number, however many
/// stand in each.
fn has_digits(groups: &[Group], international: bool) -> bool {
    let digits: Vec<u8> = groups.iter().flat_map(|g| &g.digits).copied().collect();
    match digits.as_slice() {
        [8, 2, ..] if international => (10..=12).contains(&digits.len()),
        [1, 5 | 6 | 8, ..] if !international => digits.len() == 8 && groups.len() == 2,
        _ => !international && begins(&digits) && (9..=12).contains(&digits.len()),
    }
}

/// What people write before a telephone number without a space.
const LEADS: [&str; 13] = [
    "c", "call", "cell", "contact", "fax", "h", "hp", "m", "mobile", "p", "phone", "t", "tel",
];
/// Letters that are enough to tell whether they are one of these.
const LEAD_MAX: usize = 8;

/// Whether a telephone number may begin behind this: not within a longer number or a serial one.
fn may_begin(before: &[char]) -> bool {
    let joins = |c: &char| c.is_ascii_alphanumeric() || digit(*c).is_some();
    let before = match before {
        [rest @ .., '-'] => rest,
        _ => before,
    };
    let joined = before.iter().rev().take_while(|c| joins(c)).take(LEAD_MAX);
    let joined: Vec<&char> = joined.collect();
    let word: String = joined
        .iter()
        .rev()
        .map(|c| c.to_ascii_lowercase())
        .collect();
    word.is_empty() || LEADS.contains(&word.as_str())
}

/// A telephone number of Korea: 0 or +82 or 15XX, 9 to 12 digits (8 for the latter), in groups. It
/// may follow a word of Korean, a dash or what telephones are called by without a space, and another
/// number may follow it.
fn number(before: &[char], here: &[char]) -> Found {
    let begins_here = here
        .first()
        .is_some_and(|c| *c == '+' || digit(*c).is_some());
    if !begins_here || !may_begin(before) {
        return None;
    }
    let international = here.first() == Some(&'+');
    let groups = groups(here, usize::from(international));
    let mut beginnings = (1..=groups.len()).filter_map(|count| groups.get(..count));
    let written = beginnings.find(|part| is_written(part, international));
    let single = groups
        .iter()
        .skip(1)
        .take_while(|group| group.gap == 1 && group.plain);
    let evenly = || groups.get(..single.count() + 1);
    let found = written.or_else(|| evenly().filter(|part| has_digits(part, international)))?;
    let end = found.last()?.end;
    let number: String = here.get(..end)?.iter().collect();
    Some((end, telephone(&number)))
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
