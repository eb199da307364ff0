//! Rows of a CSV file (RFC 4180), with the physical line on which each starts.
//!
//! The delimiters are ASCII and no second byte of a CP949 letter is one of them, so fields are
//! split before they are decoded: a row that cannot be decoded spoils no other.

use std::sync::Arc;

use super::decode::{Decoder, Lines, trimmed};
use super::reject::{Bad, Reject};
use super::rows::Row;
use crate::cli::failure::Failure;

/// Longest row, in bytes.
const ROW_BYTES_MAX: usize = 2 << 20;

/// A reader of rows.
pub struct CsvRows {
    lines: Lines,
    decoder: Decoder,
    delimiter: u8,
    names: Arc<[String]>,
}

/// A row's first line and its fields.
type Record = (u64, Vec<Vec<u8>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: it ended the field, or is the first of two.
    Quote,
}

/// Splits a row as its lines come in.
struct Splitter {
    delimiter: u8,
    at: At,
    fields: Vec<Vec<u8>>,
    stray: bool,
}

impl Splitter {
    fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            at: At::FieldStart,
            fields: vec![Vec::new()],
            stray: false,
        }
    }
    /// Takes a line in; whether the row is complete with it.
    fn take(&mut self, line: &[u8]) -> bool {
        for byte in trimmed(line) {
            self.step(*byte);
        }
        if self.at == At::Quoted {
            let end = line.get(trimmed(line).len()..).unwrap_or_default();
            self.put(if end.is_empty() { b"" } else { b"\n" });
            return false;
        }
        true
    }
    fn step(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (At::FieldStart, b'"') | (At::Quote, b'"') => {
                if self.at == At::Quote {
                    self.put(b"\"");
                }
                At::Quoted
            }
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) => {
                self.put(&[byte]);
                At::Quoted
            }
            (_, byte) if byte == self.delimiter => {
                self.fields.push(Vec::new());
                At::FieldStart
            }
            (At::Quote, b' ') => At::Quote,
            (At::Quote, _) => {
                self.stray = true;
                At::Plain
            }
            (At::FieldStart | At::Plain, _) => {
                self.put(&[byte]);
                At::Plain
            }
        };
    }
    fn put(&mut self, bytes: &[u8]) {
        if let Some(field) = self.fields.last_mut() {
            field.extend_from_slice(bytes);
        }
    }
}

impl CsvRows {
    /// Reads the header; names with line breaks or runs of spaces are told by single spaces.
    pub fn new(
        reader: Box<dyn std::io::BufRead + Send>,
        decoder: Decoder,
        delimiter: u8,
    ) -> Result<Self, Failure> {
        let mut rows = Self {
            lines: Lines::new(reader, ROW_BYTES_MAX),
            decoder,
            delimiter,
            names: Arc::new([]),
        };
        let header = match rows.record() {
            Ok(Some((_, header))) => header,
            Ok(None) => return Err(Failure::failed("the file is empty: not even a header")),
            Err(Bad::File(error)) => {
                return Err(Failure::failed(format!("the file cannot be read: {error}")));
            }
            Err(Bad::Row(reject)) => {
                return Err(Failure::failed(format!(
                    "the header is no CSV: {}",
                    reject.code
                )));
            }
        };
        let mut names: Vec<String> = Vec::new();
        for (index, field) in header.iter().enumerate() {
            let text = rows
                .decoder
                .text(field)
                .map_err(|_| Failure::failed("the header is in no known encoding"))?;
            let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
            names.push(match name.is_empty() {
                true => format!("column {}", index + 1),
                false => name,
            });
        }
        if let Some((index, name)) = names
            .iter()
            .enumerate()
            .find(|(index, name)| names.iter().take(*index).any(|n| n == *name))
        {
            let column = index + 1;
            return Err(Failure::failed(format!(
                "two columns are called {name:?} (see column {column})"
            )));
        }
        rows.names = names.into();
        Ok(rows)
    }

    /// The columns.
    pub fn names(&self) -> &Arc<[String]> {
        &self.names
    }

    /// The fields of the next row that is not blank, and its first line.
    fn record(&mut self) -> Result<Option<Record>, Bad> {
        loop {
            let Some(first) = self.lines.read()? else {
                return Ok(None);
            };
            let start = self.lines.number();
            if trimmed(&first).is_empty() {
                continue;
            }
            return self.rest(start, first).map(|fields| Some((start, fields)));
        }
    }

    fn rest(&mut self, start: u64, first: Vec<u8>) -> Result<Vec<Vec<u8>>, Bad> {
        let mut splitter = Splitter::new(self.delimiter);
        if first.len() > self.lines.max() {
            return Err(Bad::Row(Reject::new(start, "row_too_long")));
        }
        let mut complete = splitter.take(&first);
        let mut bytes = first.len();
        let mut more = Vec::new();
        while !complete && bytes <= ROW_BYTES_MAX {
            let Some(line) = self.lines.read()? else {
                break;
            };
            complete = splitter.take(&line);
            bytes += line.len();
            more.push(line);
        }
        let code = match (complete, splitter.stray) {
            (true, false) => return Ok(splitter.fields),
            (true, true) => "stray_quote",
            (false, _) => "unterminated_quote",
        };
        // The quote is at fault, so the lines it swallowed are rows until they show otherwise.
        self.lines.give_back(more);
        Err(Bad::Row(Reject::new(start, code)))
    }

    fn row(&mut self, start: u64, fields: Vec<Vec<u8>>) -> Result<Row, Bad> {
        let end = self.lines.number();
        let reject = |code: &str| Reject::new(start, code).through(end);
        if fields.len() != self.names.len() {
            let code = if fields.len() < self.names.len() {
                "too_few_columns"
            } else {
                "too_many_columns"
            };
            return Err(Bad::Row(reject(code)));
        }
        let mut values = Vec::with_capacity(fields.len());
        for (name, field) in self.names.iter().zip(&fields) {
            let text = self
                .decoder
                .text(field)
                .map_err(|_| Bad::Row(reject("undecodable").at(name)))?;
            if text.contains('\0') {
                return Err(Bad::Row(reject("nul_byte").at(name)));
            }
            values.push(text);
        }
        Ok(Row {
            line: start,
            names: Arc::clone(&self.names),
            values,
        })
    }
}

impl Iterator for CsvRows {
    type Item = Result<Row, Bad>;
    fn next(&mut self) -> Option<Self::Item> {
        match self.record() {
            Ok(None) => None,
            Ok(Some((start, fields))) => Some(self.row(start, fields)),
            Err(bad) => Some(Err(bad)),
        }
    }
}
