//! A row, whatever file it comes from.

use std::sync::Arc;

use super::csv::CsvRows;
use super::decode::{Decoder, Source};
use super::jsonl::JsonlRows;
use super::map::{Format, SourceMap};
use super::reject::Bad;
use crate::cli::failure::Failure;

/// Cells by the names of their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Physical line on which it starts, from 1.
    pub line: u64,
    /// The columns.
    pub names: Arc<[String]>,
    /// The cells, in the same order.
    pub values: Vec<String>,
}

impl Row {
    /// The cell in this column, without space around it; empty where there is none.
    pub fn get(&self, column: &str) -> &str {
        self.cells()
            .find(|(name, _)| *name == column)
            .map(|(_, value)| value.trim())
            .unwrap_or_default()
    }
    /// Every cell with the name of its column.
    pub fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.names.iter().map(String::as_str);
        names.zip(self.values.iter().map(String::as_str))
    }
}

/// The rows of a file.
pub enum Rows {
    /// Of a CSV file.
    Csv(CsvRows),
    /// Of a JSONL file.
    Jsonl(JsonlRows),
}

impl Rows {
    /// The rows of `source`, read as the map says.
    pub fn new(source: Source, map: &SourceMap) -> Result<Self, Failure> {
        let decoder = Decoder::new(map.encoding, &source.sample);
        let first = source.sample.iter().find(|b| !b.is_ascii_whitespace());
        let format = match (map.format, first) {
            (_, None) => {
                return Err(Failure::failed("the file is empty").korean("빈 파일입니다."));
            }
            (Format::Auto, Some(b'{')) => Format::Jsonl,
            (Format::Auto, Some(b'[')) => {
                return Err(Failure::usage(
                    "this is one JSON array; write one object a line (JSONL)",
                ));
            }
            (Format::Auto, _) => Format::Csv,
            (named, _) => named,
        };
        Ok(match format {
            Format::Jsonl => Self::Jsonl(JsonlRows::new(source.reader, decoder)),
            _ => Self::Csv(CsvRows::new(source.reader, decoder, map.delimiter()?)?),
        })
    }
    /// The columns, where a header names them.
    pub fn header(&self) -> Option<&[String]> {
        match self {
            Self::Csv(rows) => Some(rows.names()),
            Self::Jsonl(_) => None,
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row, Bad>;
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Csv(rows) => rows.next(),
            Self::Jsonl(rows) => rows.next(),
        }
    }
}
