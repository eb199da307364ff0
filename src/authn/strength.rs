//! Which passwords are refused: too short, too long, and those that a guesser tries first.
//! A list of millions would not help against three guesses a minute; the forms below would.

use unicode_normalization::UnicodeNormalization;

use crate::domain::secret::SecretText;

/// Fewest and most characters, counted after normalisation.
const CHARS: std::ops::RangeInclusive<usize> = 10..=128;
/// Fewest different characters.
const DISTINCT: usize = 5;

/// Words that guessers decorate with digits and signs, in the form that [`core`] leaves. The last
/// group is Korean words typed on a keyboard left in English.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "passw",
    "passwd",
    "pass",
    "pword",
    "letmein",
    "welcome",
    "iloveyou",
    "monkey",
    "dragon",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "master",
    "shadow",
    "trustno",
    "admin",
    "administrator",
    "root",
    "user",
    "guest",
    "test",
    "login",
    "secret",
    "changeme",
    "default",
    "temp",
    "temporary",
    "hello",
    "korea",
    "seoul",
    "samsung",
    "computer",
    "internet",
    "starwars",
    "whatever",
    "michael",
    "jordan",
    "liverpool",
    "qwerty",
    "qwertyuiop",
    "qwer",
    "asdf",
    "asdfgh",
    "asdfghjkl",
    "zxcv",
    "zxcvbn",
    "zxcvbnm",
    "abc",
    "abcd",
    "abcdef",
    "qwe",
    "asd",
    "zxc",
    "qaz",
    "wsx",
    "qazwsx",
    "qazwsxedc",
    "bongham",
    "complaint",
    "privacy",
    "humanrights",
    "rlaqhdgka",
    "dkssud",
    "dkssudgktpdy",
    "tkfkdgo",
    "tkfkdgody",
    "qlalfqjsgh",
    "rhksflwk",
    "eogksalsrnr",
    "tjdnf",
    "gksrnr",
    "gksrmf",
    "dkagh",
    "qkqh",
    "qkqhqkqh",
    "ghkswk",
    "alsdnjs",
    "dlsrnjs",
    "dkswjs",
    "비밀번호",
    "사랑해",
    "사랑해요",
    "안녕하세요",
    "관리자",
    "대한민국",
    "민원",
    "인권",
    "암호",
];

/// Common as a whole.
const WHOLE: &[&str] = &[
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "1qaz2wsx3edc",
    "zaq12wsxcde3",
    "1qazxsw23edc",
    "qwe123!@#",
    "qwer1234!@#$",
    "abcd1234!@#$",
    "asdf1234!@#$",
    "1q2w3e4r!@",
    "1q2w3e4r!@#$",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "thisisapassword",
    "mypassword",
    "nopassword",
    "ihateyou",
    "3.141592653",
    "3.1415926535",
];

const ROWS: &[&str] = &[
    "`1234567890-=",
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "zxcvbnm,./",
    ")!@#$%^&*(",
];

/// The normalised form (NFC) in which a password is hashed, so that the same password typed on
/// two systems is the same bytes. `None` if it is longer than any password that can be set.
pub(super) fn normal(password: &SecretText) -> Option<SecretText> {
    let text = password.expose();
    if text.len() > CHARS.end() * 4 * 3 {
        return None;
    }
    // NFC never more than triples UTF-8, so the text is never moved and left behind in memory.
    let mut normal = String::with_capacity(text.len() * 3);
    normal.extend(text.nfc());
    let normal = SecretText::new(normal);
    (normal.expose().chars().count() <= *CHARS.end()).then_some(normal)
}

/// Whether this normalised password may be set. `context` are words that a guesser knows: the
/// login, the office.
pub(super) fn acceptable(password: &SecretText, context: &[&str]) -> bool {
    let lower = SecretText::new(password.expose().to_lowercase());
    let text = lower.expose();
    let mut chars: Vec<char> = text.chars().collect();
    let steps = steps(&chars);
    let length = chars.len();
    chars.sort_unstable();
    chars.dedup();
    CHARS.contains(&password.expose().chars().count())
        && chars.len() >= DISTINCT
        && steps + 3 < length
        && !WHOLE.contains(&text)
        && !is_common(text)
        && !context.iter().any(|word| names(text, word))
}

/// How often a character follows the one before on the keyboard, in the alphabet, or repeats it.
fn steps(chars: &[char]) -> usize {
    chars
        .iter()
        .zip(chars.iter().skip(1))
        .filter(|(a, b)| follows(**a, **b))
        .count()
}

fn follows(a: char, b: char) -> bool {
    let alphanumeric = a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric();
    let near = |row: &&str| {
        let at = |c| row.chars().position(|r| r == c);
        matches!((at(a), at(b)), (Some(x), Some(y)) if x.abs_diff(y) <= 1)
    };
    a == b || (alphanumeric && (a as u32).abs_diff(b as u32) == 1) || ROWS.iter().any(near)
}

/// A common word, alone or repeated, in any dress of digits and signs.
fn is_common(text: &str) -> bool {
    [core(text), core(&plain(text))].iter().any(|core| {
        core.is_empty()
            || COMMON
                .iter()
                .any(|word| core.split(word).all(str::is_empty))
    })
}

/// Without the digits and signs before, after and within: `pass-word2024!` → `password`.
fn core(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

/// With letters for the signs that stand for them: `p@ssw0rd` → `password`.
fn plain(text: &str) -> String {
    let letter = |c| match c {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    };
    let body = text.trim_end_matches(|c: char| !c.is_alphabetic());
    body.chars().map(letter).collect()
}

/// Whether `word` stands in `text`. Words too short to be told from chance do not count.
fn names(text: &str, word: &str) -> bool {
    let word: String = word.nfc().collect::<String>().to_lowercase();
    let long_enough = if word.is_ascii() { 3 } else { 2 };
    word.chars().count() >= long_enough && text.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(password: &str, context: &[&str]) -> bool {
        normal(&SecretText::new(password.to_owned())).is_some_and(|p| acceptable(&p, context))
    }

    #[test]
    fn long_uncommon_passwords_pass() {
        for good in [
            "velvet-anchor-73",
            "Kj8#mQ2!vX",
            "오늘은 비가 온다 우산",
            "forty two mules went north",
            "my password is not yours",
        ] {
            assert!(accepts(good, &["kim.insook", "Seoul City"]), "{good}");
        }
    }

    #[test]
    fn first_guesses_are_refused() {
        for bad in [
            "password123!",
            "P@ssw0rd2024",
            "Passw0rd!!!!",
            "qwerty12345",
            "1234567890",
            "0987654321",
            "aaaaaaaaaaaa",
            "abcdefghijkl",
            "ababababababab",
            "1q2w3e4r5t",
            "qwertyuiop",
            "Admin!2026!",
            "passwordpassword",
            "dkssud1234!!",
            "tkfkdgo1004!",
            "qlalfqjsgh1!",
            "rhksflwk2024!",
            "비밀번호12345!!",
            "asdf1234!@#$",
            "!@#$%^&*()",
            "19841225-01",
            "letmein!letmein!",
            "1111122222",
            "Welcome2026!",
        ] {
            assert!(!accepts(bad, &[]), "{bad}");
        }
    }

    #[test]
    fn length_counts_normalised_characters() {
        assert!(!accepts("Kj8#mQ2!v", &[]));
        assert!(accepts("Kj8#mQ2!vX", &[]));
        let long = "velvet anchor ".repeat(9);
        assert!(accepts(&format!("{long}xy"), &[]));
        assert!(!accepts(&format!("{long}xyz"), &[]));
        assert!(!accepts(&"x".repeat(100_000), &[]));
        // Five syllables, though fifteen letters when decomposed.
        let decomposed: String = "봉함민원실".nfd().collect();
        assert!(decomposed.chars().count() > 10 && !accepts(&decomposed, &[]));
    }

    #[test]
    fn words_of_the_office_and_login_are_refused() {
        let password = "velvet-insook-73";
        assert!(accepts(password, &["kim", "ok", "Busan", ""]));
        assert!(!accepts(password, &["Insook"]));
        assert!(accepts("강남 벨벳 닻 일흔셋 개", &["서울"]));
        assert!(!accepts("강남 벨벳 닻 일흔셋 개", &["강남"]));
    }

    #[test]
    fn composed_and_decomposed_are_one_password() {
        let composed = "강남 벨벳 닻 일흔셋";
        let decomposed: String = composed.nfd().collect();
        assert_ne!(composed, decomposed);
        let normal = |text: &str| normal(&SecretText::new(text.to_owned())).unwrap();
        assert_eq!(normal(composed).expose(), normal(&decomposed).expose());
    }
}
