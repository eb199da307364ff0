//! A case as blocks of a document, and whose identity stays out of it.

use zeroize::Zeroize;

use super::{Block, Document};
use crate::cases::draft::Part;
use crate::cases::view::CaseView;
use crate::disclosure::mask::{self, Known};
use crate::disclosure::template::{Column, Template};
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
    /// without who made it (민원 처리에 관한 법률 제7조).
    pub fn of(view: &CaseView) -> Self {
        let people = view.people.as_deref().unwrap_or_default();
        if people.iter().any(|person| person.part == Part::Subject) {
            Self::Omit
        } else {
            Self::Keep
        }
    }
}

/// Leaves the identity of petitioner, agent and witnesses out: the people themselves, and in the
/// texts whatever names them.
pub fn omit_identity(view: &mut CaseView) {
    let Some(people) = view.people.take() else {
        return;
    };
    let speaks = |part| matches!(part, Part::Petitioner | Part::Agent | Part::Witness);
    let (mut omitted, kept): (Vec<_>, Vec<_>) = people.into_iter().partition(|p| speaks(p.part));
    view.people = Some(kept);
    let known = Known::of(&omitted);
    let hide = |text: &mut String| {
        let hidden = mask::text(text, &known);
        text.zeroize();
        *text = hidden;
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
