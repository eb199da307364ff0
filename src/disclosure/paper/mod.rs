//! Paper: one small model of a document, written as PDF or as a page that a browser prints.
//!
//! Every page carries who took it out, when, under which serial number and as which copy, above
//! and below; where there is a serial number also the second mark of [`super::mark`] over the whole
//! page. Text is black on white and nothing is shaded, so that both marks outlive a photocopy.

pub mod case;
mod draw;
mod flow;
pub mod font;
mod html;
mod text;

pub use font::{Font, FontError};
pub use html::{STYLE, html};

use crate::domain::serial::Serial;
use crate::domain::time::Timestamp;

/// Most pages of a document with its copies: more is no print but a mistake.
pub const PAGES_MAX: usize = 5_000;
/// Most bytes of a document with its copies: it waits in memory.
pub const DOCUMENT_BYTES_MAX: usize = 32 << 20;
/// Most copies of one print.
pub const COPIES_MAX: u16 = 20;

/// What is to be written, from top to bottom.
#[derive(Default)]
pub struct Document {
    /// Heads the first page and stands in the file's metadata: nothing personal.
    pub title: String,
    /// The parts.
    pub blocks: Vec<Block>,
}

/// One part of a document.
pub enum Block {
    /// A heading; keeps what follows on its page.
    Heading(String),
    /// Names and values, one pair below the other.
    Pairs(Vec<(String, String)>),
    /// Running text; its line ends are kept.
    Paragraph(String),
    /// Rows and columns.
    Table(Table),
    /// Numbers as bars.
    Chart(Chart),
    /// What follows begins on a fresh page.
    NewPage,
}

/// Rows and columns; the head is repeated on every page that the rows run over.
#[derive(Default)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; a cell that is missing is empty, one too many is left out.
    pub rows: Vec<Vec<String>>,
}

/// One column of a table.
pub struct Column {
    /// Its head.
    pub head: String,
    /// Its share of the width, against the other columns' shares.
    pub share: u16,
}

impl Column {
    /// A column with this head and share.
    pub fn new(head: impl Into<String>, share: u16) -> Self {
        Self {
            head: head.into(),
            share: share.max(1),
        }
    }
}

/// How the bars of a chart lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bars {
    /// One below the other, for names of any length: use per person.
    Lying,
    /// One beside the other, for names of a few letters: use per hour.
    Standing,
}

/// Numbers as bars against the greatest of them.
pub struct Chart {
    /// What is counted.
    pub title: String,
    /// How the bars lie.
    pub bars: Bars,
    /// Name and number of each bar.
    pub values: Vec<(String, u64)>,
}

/// The visible mark.
#[derive(Debug, Clone)]
pub struct Marks {
    /// The output's serial number; without one there is no second mark either, as on a report that
    /// names no petitioner.
    pub serial: Option<Serial>,
    /// Login name of who takes it out.
    pub by: String,
    /// Their department.
    pub department: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Copies; the document is written once for each, numbered.
    pub copies: u16,
}

/// A document that cannot be written; the text holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// Longer than [`PAGES_MAX`].
    #[error("the document is longer than {PAGES_MAX} pages, its copies counted")]
    TooLong,
    /// Larger than [`DOCUMENT_BYTES_MAX`].
    #[error("the document is larger than {} MiB, its copies counted", DOCUMENT_BYTES_MAX >> 20)]
    TooLarge,
    /// The writer of PDF refused.
    #[error("the document could not be written: {0}")]
    Unwritable(&'static str),
}

/// The document as PDF on A4, once for each copy.
///
/// # Errors
/// [`PaperError`]; nothing is written in part.
pub fn pdf(document: &Document, marks: &Marks, font: &Font) -> Result<Vec<u8>, PaperError> {
    let mut shaper = text::Shaper::new(font);
    let pages = flow::pages(document, &mut shaper)?;
    if pages.len() * usize::from(marks.copies()) > PAGES_MAX {
        return Err(PaperError::TooLong);
    }
    draw::pdf(document, marks, &pages, &mut shaper)
}

impl Marks {
    /// The one line of copy `copy`, the first being 1.
    fn line(&self, copy: u16) -> String {
        let mut parts = Vec::with_capacity(4);
        if let Some(serial) = self.serial {
            parts.push(format!("일련번호 {serial}"));
        }
        parts.push(match &self.department {
            Some(department) => format!("출력자 {} ({department})", self.by),
            None => format!("출력자 {}", self.by),
        });
        parts.push(format!("출력일시 {}", self.at.official()));
        if self.serial.is_some() {
            parts.push(format!("사본 {copy}/{}", self.copies()));
        }
        parts.join("  ·  ")
    }
    fn copies(&self) -> u16 {
        self.copies.clamp(1, COPIES_MAX)
    }
}

/// Text as it may stand on paper: without control characters, and without those that turn the
/// direction of what follows and so make a reader see something else than is written.
fn printable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| *c == '\n' || !(c.is_control() || turns(*c)))
        .collect()
}

#[cfg(test)]
mod tests;
