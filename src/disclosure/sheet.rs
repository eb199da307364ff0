//! The formats of a file that leaves: one case after the other, at constant memory, into whatever
//! is written to. What is written to locks it (see [`super::lock`]).
//!
//! | form | what |
//! |---|---|
//! | `csv` | RFC 4180 in UTF-8 with a byte-order mark, every cell quoted |
//! | `csv_cp949` | the same in CP949; a letter that it does not have stops the file, by its place |
//! | `xlsx` | Office Open XML, every cell a text (see [`xlsx`]) |
//! | `pdf` | pages to be read, for [`PDF_CASES_MAX`] cases at the most (see [`pages`]) |
//! | `jsonl` | one JSON object a line: the columns of the template by their codes (see [`lines`]) |
//!
//! **Formulas.** A program that opens a CSV takes a cell that begins with `=`, `+`, `-`, `@`, a tab
//! or a carriage return for a formula, in some languages also the full-width forms, and some skip
//! what cannot be seen before it. Such a cell gets an apostrophe. In XLSX a text is never a formula.

use std::borrow::Cow;
use std::io::{self, Write};

use encoding_rs::EUC_KR;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use super::output::Form;
use super::paper::{Font, Marks, case};
use super::template::{self, Template};
use crate::cases::view::CaseView;
use crate::domain::serial::Serial;

mod lines;
mod pages;
mod xlsx;

use pages::Pages;
use xlsx::Book;

/// Most cases of one PDF: it is laid out as a whole.
pub const PDF_CASES_MAX: usize = 500;

/// A case could not be written. Holds no content.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What is written to failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A letter that CP949 does not have.
    #[error("case {case} of the list, column {column}: a letter that CP949 does not have")]
    Unencodable {
        /// Which case of the list, from 1.
        case: u32,
        /// Label of the column.
        column: &'static str,
    },
    /// A form that is no file of cases.
    #[error("not a form of a file: {0}")]
    Form(&'static str),
    /// More than the form holds.
    #[error("more than a file of this form holds")]
    Full,
}

/// Writes cases to `W` in one form.
pub struct Sheet<W: Write> {
    serial: Serial,
    template: Template,
    /// Cases written so far.
    cases: u32,
    form: To<W>,
}

enum To<W: Write> {
    Csv(Box<csv::Writer<W>>, Encoding),
    Book(Box<Book<W>>),
    Lines(W),
    Pages(Box<Pages<W>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Cp949,
}

impl<W: Write> Sheet<W> {
    /// Begins a file: mark and head are written.
    ///
    /// # Errors
    /// [`WriteError::Form`] for a form on paper, and for pages: see [`Sheet::begin_pages`]; what `to` says.
    pub fn begin(
        form: Form,
        serial: Serial,
        template: Template,
        mut to: W,
    ) -> Result<Self, WriteError> {
        let form = match form {
            Form::Csv => {
                to.write_all("\u{feff}".as_bytes())?;
                To::Csv(quoted(to), Encoding::Utf8)
            }
            Form::CsvCp949 => To::Csv(quoted(to), Encoding::Cp949),
            Form::Xlsx => To::Book(Box::new(Book::begin(to)?)),
            Form::Jsonl => To::Lines(to),
            Form::Pdf | Form::PrintPdf | Form::PrintHtml => {
                return Err(WriteError::Form(form.code()));
            }
        };
        let mut sheet = Self {
            serial,
            template,
            cases: 0,
            form,
        };
        let labels: Vec<&str> = template.columns().iter().map(|c| c.label()).collect();
        sheet.row(&labels)?;
        Ok(sheet)
    }

    /// Begins a PDF under these marks.
    pub fn begin_pages(
        serial: Serial,
        template: Template,
        (marks, font): (Marks, Font),
        to: W,
    ) -> Self {
        Self {
            serial,
            template,
            cases: 0,
            form: To::Pages(Box::new(Pages::begin(to, template, marks, font))),
        }
    }

    /// Writes one case, as its template shows it.
    ///
    /// # Errors
    /// As [`WriteError`] says; the file is of no use then.
    pub fn put(&mut self, view: &CaseView) -> Result<(), WriteError> {
        self.cases += 1;
        match &mut self.form {
            To::Lines(to) => {
                let Some(mut json) = lines::line(self.template, self.serial, view)? else {
                    return Ok(());
                };
                let written = to.write_all(&json);
                json.zeroize();
                return Ok(written?);
            }
            To::Pages(pages) => {
                let mut dated = view.clone();
                case::date(&mut dated);
                for row in self.template.rows(self.serial, &dated) {
                    pages.put(&row);
                }
                template::forget(dated);
                return Ok(());
            }
            To::Csv(..) | To::Book(_) => {}
        }
        for row in self.template.rows(self.serial, view) {
            let cells: Vec<&str> = row.cells().iter().map(String::as_str).collect();
            self.row(&cells)?;
        }
        Ok(())
    }

    fn row(&mut self, cells: &[&str]) -> Result<(), WriteError> {
        match &mut self.form {
            To::Csv(csv, encoding) => {
                for (at, cell) in cells.iter().enumerate() {
                    let cell = Zeroizing::new(harmless(cell).into_owned());
                    let bytes = encoded(&cell, *encoding).ok_or_else(|| {
                        let column = self.template.columns().get(at);
                        WriteError::Unencodable {
                            case: self.cases,
                            column: column.map_or("", |column| column.label()),
                        }
                    })?;
                    csv.write_field(bytes.as_slice()).map_err(unwritten)?;
                }
                let end: [&[u8]; 0] = [];
                Ok(csv.write_record(end).map_err(unwritten)?)
            }
            To::Book(book) => book.row(cells),
            To::Lines(_) | To::Pages(_) => Ok(()),
        }
    }

    /// Ends the file and gives back what was written to.
    ///
    /// # Errors
    /// What it says.
    pub fn finish(self) -> Result<W, WriteError> {
        match self.form {
            To::Csv(csv, _) => {
                let inner = csv.into_inner();
                Ok(inner.map_err(|error| io::Error::from(error.error().kind()))?)
            }
            To::Book(book) => book.finish(),
            To::Pages(pages) => pages.finish(),
            To::Lines(mut to) => {
                to.flush()?;
                Ok(to)
            }
        }
    }
}

/// What the disk said, not that something was said: a full one is told as such.
fn unwritten(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn quoted<W: Write>(to: W) -> Box<csv::Writer<W>> {
    let csv = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(to);
    Box::new(csv)
}

/// A cell that no program takes for a formula.
fn harmless(cell: &str) -> Cow<'_, str> {
    const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    let unseen = |c: char| {
        !FORMULA.contains(&c)
            && (c.is_whitespace()
                || c.is_control()
                || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}'))
    };
    if cell.trim_start_matches(unseen).starts_with(FORMULA) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

fn encoded(cell: &str, encoding: Encoding) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = match encoding {
        Encoding::Utf8 => cell.as_bytes().to_vec(),
        Encoding::Cp949 => {
            let composed = Zeroizing::new(cell.nfc().collect::<String>());
            let (bytes, _, lost) = EUC_KR.encode(&composed);
            if lost {
                return None;
            }
            bytes.into_owned()
        }
    };
    Some(Zeroizing::new(bytes))
}

#[cfg(test)]
mod tests;
