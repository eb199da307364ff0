//! Cases on pages, for a file that is read and not worked with: one case after the other, names and
//! values, then the texts. A document is laid out whole, so it is for a stated number of cases.

use std::io::{self, Write};

use zeroize::Zeroize;

use super::WriteError;
use crate::disclosure::paper::{self, Block, Document, Font, Marks, PaperError};
use crate::disclosure::template::{Column, Row, Template};

/// A document that is being written.
pub(super) struct Pages<W: Write> {
    to: W,
    template: Template,
    document: Document,
    marks: Marks,
    font: Font,
}

impl<W: Write> Pages<W> {
    /// Begins an empty document.
    pub(super) fn begin(to: W, template: Template, marks: Marks, font: Font) -> Self {
        Self {
            to,
            template,
            document: Document {
                title: template.title().to_owned(),
                blocks: Vec::new(),
            },
            marks,
            font,
        }
    }

    /// One row: the register number heads it, long texts stand below the short ones.
    pub(super) fn put(&mut self, row: &Row) {
        let mut pairs = Vec::new();
        let mut texts = Vec::new();
        let mut head = String::new();
        for (column, cell) in self.template.columns().iter().zip(row.cells()) {
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
        let blocks = &mut self.document.blocks;
        blocks.push(Block::Heading(head));
        blocks.push(Block::Pairs(pairs));
        for (label, text) in texts {
            blocks.push(Block::Heading(label.to_owned()));
            blocks.push(Block::Paragraph(text));
        }
    }

    /// Lays the document out and writes it.
    pub(super) fn finish(mut self) -> Result<W, WriteError> {
        let made = paper::pdf(&self.document, &self.marks, &self.font);
        for block in &mut self.document.blocks {
            match block {
                Block::Paragraph(text) | Block::Heading(text) => text.zeroize(),
                Block::Pairs(pairs) => pairs.iter_mut().for_each(|(_, value)| value.zeroize()),
                Block::Table(_) | Block::Chart(_) | Block::NewPage => {}
            }
        }
        let mut bytes = made.map_err(|error| match error {
            PaperError::TooLong | PaperError::TooLarge => WriteError::Full,
            other @ PaperError::Unwritable(_) => WriteError::Io(io::Error::other(other)),
        })?;
        let written = self.to.write_all(&bytes).and_then(|()| self.to.flush());
        bytes.zeroize();
        written?;
        Ok(self.to)
    }
}
