//! The values of a case's own people, as they are found again in its texts.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use super::{address, email, name, nfc, telephone};
use crate::cases::view::PersonView;
use crate::disclosure::template::part_word;

type Rule = fn(&str) -> String;
/// What may stand between two letters of a value.
type Between = fn(char) -> bool;

/// What stands for a value that is found.
enum Instead {
    /// What this rule makes of it as it is written there.
    Rule(Rule),
    /// A word.
    Word(String),
}

/// One value, without what may stand between its letters.
struct Value {
    letters: Vec<char>,
    /// Whether so short a name is written apart (김 구) that it is looked for at the beginning of a
    /// word only.
    is_short: bool,
    between: Between,
    instead: Instead,
}

/// Most characters between two letters of a value.
const BETWEEN_MAX: usize = 2;

/// The values of a case's own people, longest first, and what stands for each in a text.
#[derive(Default)]
pub struct Known(Vec<Value>);

impl Known {
    /// Those of these people, each masked by its rule.
    pub fn of(people: &[PersonView]) -> Self {
        Self::from(people, |_, rule| Instead::Rule(rule))
    }

    /// Those of these people, each left out: what they are in the case stands for it.
    pub fn omitted(people: &[PersonView]) -> Self {
        let word = |person: &PersonView, _| Instead::Word(format!("[{}]", part_word(person.part)));
        Self::from(people, word)
    }

    fn from(people: &[PersonView], instead: impl Fn(&PersonView, Rule) -> Instead) -> Self {
        let space: Between = char::is_whitespace;
        let dash: Between = |c| c.is_whitespace() || "-–—−‐－.()".contains(c);
        let mut known = Self::default();
        for person in people {
            let maybe = |value: &Option<String>| nfc(value.as_deref().unwrap_or_default());
            let rows: [(String, Between, Rule); 4] = [
                (nfc(&person.name), space, name),
                (maybe(&person.telephone), dash, telephone),
                (maybe(&person.email), space, email),
                (maybe(&person.address), space, address),
            ];
            for (mut value, between, rule) in rows {
                let letters: Vec<char> = value.chars().filter(|c| !between(*c)).collect();
                value.zeroize();
                // One letter alone is in every text.
                if letters.len() > 1 {
                    known.0.push(Value {
                        is_short: letters.len() == 2,
                        letters,
                        between,
                        instead: instead(person, rule),
                    });
                }
            }
        }
        let length = |value: &Value| std::cmp::Reverse(value.letters.len());
        known.0.sort_by_key(length);
        known
    }

    /// The value that begins here: how many characters it takes, and what stands for it.
    pub(super) fn find(&self, before: &[char], here: &[char]) -> Option<(usize, String)> {
        let mut found = self.0.iter().filter_map(|value| {
            let taken = value.length(before, here)?;
            Some((value, taken))
        });
        let (value, taken) = found.next()?;
        let instead = match &value.instead {
            Instead::Word(word) => word.clone(),
            Instead::Rule(rule) => {
                let mut written: String = here.get(..taken)?.iter().collect();
                let masked = rule(&written);
                written.zeroize();
                masked
            }
        };
        Some((taken, instead))
    }
}

impl Value {
    /// Characters from the beginning of `here` that are this value, however it is set apart; case
    /// says nothing.
    fn length(&self, before: &[char], here: &[char]) -> Option<usize> {
        let mut at = 0;
        let mut apart = false;
        for (count, letter) in self.letters.iter().enumerate() {
            if count > 0 {
                let rest = here.get(at..)?;
                let gap = rest.iter().take_while(|c| (self.between)(**c)).count();
                if gap > BETWEEN_MAX {
                    return None;
                }
                apart |= gap > 0;
                at += gap;
            }
            let c = here.get(at)?;
            if c != letter && !c.to_lowercase().eq(letter.to_lowercase()) {
                return None;
            }
            at += 1;
        }
        let in_word = before.last().is_some_and(|c| c.is_alphanumeric());
        (!(self.is_short && apart && in_word)).then_some(at)
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|value| value.letters.zeroize());
    }
}

/// A free text (제목, 내용, 비고): what identifies somebody in it is masked by its own rule.
pub fn text(text: &str, known: &Known) -> String {
    let mut text: String = text.nfc().collect();
    let masked = super::text::mask(&text, known);
    text.zeroize();
    masked
}
