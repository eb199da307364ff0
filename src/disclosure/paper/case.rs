//! A case as blocks of a document, and whose identity stays out of it.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use super::{Block, Document};
use crate::cases::draft::Part;
use crate::cases::view::{CaseView, PersonView};
use crate::disclosure::mask::{self, Known};
use crate::disclosure::template::{Column, Template, part_word};
use crate::domain::serial::Serial;

/// Whether those who speak in a case are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// They are.
    Keep,
    /// Petitioner, agent and witnesses are left out, also of the texts.
    Omit,
}

impl Identity {
    /// What a case calls for where nobody says otherwise: a report against somebody is printed
    /// without who made it (민원 처리에 관한 법률 제7조). Where the permit opens no people, any case
    /// may be one.
    pub fn of(view: &CaseView) -> Self {
        let against = |person: &PersonView| person.part == Part::Subject;
        match &view.people {
            Some(people) if !people.iter().any(against) => Self::Keep,
            _ => Self::Omit,
        }
    }
}

/// Leaves the identity of petitioner, agent and witnesses out: the people themselves, and in the
/// texts whatever names them; where the permit opens no people, the texts whole. To be done before anything is masked: a masked name still says much.
pub fn omit_identity(view: &mut CaseView) {
    let Some(people) = view.people.take() else {
        return mask::withhold(view);
    };
    let speaks = |part| matches!(part, Part::Petitioner | Part::Agent | Part::Witness);
    let (mut omitted, kept): (Vec<_>, Vec<_>) = people.into_iter().partition(|p| speaks(p.part));
    view.people = Some(kept);
    let known = Known::of(&omitted);
    let mut said = said_of(&omitted);
    let hide = |text: &mut String| {
        let mut hidden: String = text.nfc().collect();
        for (value, word) in &said {
            let without = hidden.replace(value.as_str(), word);
            hidden.zeroize();
            hidden = without;
        }
        // Other spellings of the same.
        let masked = mask::text(&hidden, &known);
        hidden.zeroize();
        text.zeroize();
        *text = masked;
    };
    let notes = view.people.iter_mut().flatten().map(|p| &mut p.note);
    notes.flatten().for_each(hide);
    [&mut view.title, &mut view.narrative]
        .into_iter()
        .flatten()
        .for_each(hide);
    let values = view.attributes.iter_mut().flat_map(|all| all.values_mut());
    values.for_each(hide);
    let additions = view.additions.iter_mut();
    additions.for_each(|addition| hide(&mut addition.statement));
    said.iter_mut().for_each(|(value, _)| value.zeroize());
    for person in &mut omitted {
        person.name.zeroize();
        for text in [
            &mut person.telephone,
            &mut person.email,
            &mut person.address,
            &mut person.note,
        ] {
            text.zeroize();
        }
    }
}

/// What names these people, the longest first, and the word that stands for it.
fn said_of(people: &[PersonView]) -> Vec<(String, String)> {
    let mut said = Vec::new();
    for person in people {
        let word = format!("[{}]", part_word(person.part));
        let values = [&person.telephone, &person.email, &person.address];
        let values = values.into_iter().flatten().chain([&person.name]);
        for value in values.map(|value| value.trim()) {
            // One letter alone is in every text.
            if value.chars().count() > 1 {
                said.push((value.nfc().collect(), word.clone()));
            }
        }
    }
    said.sort_by_key(|(value, _): &(String, String)| std::cmp::Reverse(value.len()));
    said
}

/// The blocks of one case as its template shows it: short values first, then the texts. `view` is
/// masked and reduced already.
pub fn blocks(template: Template, serial: Serial, view: &CaseView) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut heading = String::new();
    for row in template.rows(serial, view) {
        let mut pairs = Vec::new();
        let mut texts = Vec::new();
        let mut head = String::new();
        for (column, cell) in template.columns().iter().zip(row.cells()) {
            match column {
                // It stands on every page.
                Column::Output => {}
                Column::Number => head.clone_from(cell),
                _ if cell.is_empty() => {}
                Column::Narrative | Column::Additions | Column::Attributes => {
                    texts.push((column.label(), cell.clone()));
                }
                _ => pairs.push((column.label().to_owned(), cell.clone())),
            }
        }
        if head != heading {
            heading.clone_from(&head);
            blocks.push(Block::Heading(head));
        }
        blocks.push(Block::Pairs(pairs));
        for (label, text) in texts {
            blocks.push(Block::Heading(label.to_owned()));
            blocks.push(Block::Paragraph(text));
        }
    }
    blocks
}

/// Zeroes what people wrote in a document that has been written.
pub fn forget(mut document: Document) {
    for block in &mut document.blocks {
        match block {
            Block::Paragraph(text) | Block::Heading(text) => text.zeroize(),
            Block::Pairs(pairs) => pairs.iter_mut().for_each(|(_, value)| value.zeroize()),
            Block::Table(table) => table.rows.iter_mut().flatten().for_each(Zeroize::zeroize),
            Block::Chart(_) | Block::NewPage => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disclosure::mask::WITHHELD;
    use crate::disclosure::template::Masking;
    use crate::disclosure::template::tests::case;

    #[test]
    fn who_made_a_report_is_left_out_whatever_the_permit_opens() {
        let mut report = case();
        report.narrative = Some("홍길동이 장길산을 신고하였다.".into());
        assert_eq!(Identity::of(&report), Identity::Omit);
        let mut with_people = report.clone();
        omit_identity(&mut with_people);
        let narrative = with_people.narrative.as_deref();
        assert_eq!(narrative, Some("[민원인]이 장길산을 신고하였다."));

        report.people = None;
        assert_eq!(Identity::of(&report), Identity::Omit);
        omit_identity(&mut report);
        for masking in [Masking::Masked, Masking::Unmasked] {
            let view = Template::Summary.show(report.clone(), masking);
            let blocks = blocks(Template::Summary, "7KQ4M-2XA0D".parse().unwrap(), &view);
            let said = |text: &str| {
                blocks.iter().any(|block| match block {
                    Block::Paragraph(paragraph) => paragraph.contains(text),
                    Block::Pairs(pairs) => pairs.iter().any(|(_, value)| value.contains(text)),
                    _ => false,
                })
            };
            assert!(said(WITHHELD));
            for value in [
                "홍길동",
                "title-canary",
                "addition-canary",
                "attribute-canary",
            ] {
                assert!(!said(value), "{value}");
            }
        }

        let mut nobody = case();
        nobody.people = Some(Vec::new());
        assert_eq!(Identity::of(&nobody), Identity::Keep);
    }
}
