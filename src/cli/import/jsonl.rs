//! Rows of a JSONL file: one object a line.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::decode::{Decoder, Lines, trimmed};
use super::reject::{Bad, Reject};
use super::rows::Row;

/// Longest row, in bytes.
const ROW_BYTES_MAX: usize = 4 << 20;

/// A reader of rows.
pub struct JsonlRows {
    lines: Lines,
    decoder: Decoder,
    names: Arc<[String]>,
}

impl JsonlRows {
    /// The rows of `reader`.
    pub fn new(reader: Box<dyn std::io::BufRead + Send>, decoder: Decoder) -> Self {
        Self {
            lines: Lines::new(reader, ROW_BYTES_MAX),
            decoder,
            names: Arc::new([]),
        }
    }

    fn row(&mut self, line: &[u8]) -> Result<Row, Bad> {
        let number = self.lines.number();
        let reject = |code: &str| Bad::Row(Reject::new(number, code));
        if line.len() > self.lines.max() {
            return Err(reject("row_too_long"));
        }
        let text = self.decoder.text(line).map_err(|_| reject("undecodable"))?;
        let object: Map<String, Value> =
            serde_json::from_str(&text).map_err(|_| reject("malformed_json"))?;
        if !object.keys().eq(self.names.iter()) {
            self.names = object.keys().cloned().collect();
        }
        let mut values = Vec::with_capacity(object.len());
        for (name, value) in object {
            let text = plain(value);
            if text.contains('\0') {
                return Err(Bad::Row(Reject::new(number, "nul_byte").at(&name)));
            }
            values.push(text);
        }
        Ok(Row {
            line: number,
            names: Arc::clone(&self.names),
            values,
        })
    }
}

/// A value as a cell: text as it is, nothing as nothing, lists and objects as JSON.
fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

impl Iterator for JsonlRows {
    type Item = Result<Row, Bad>;
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.read() {
                Ok(None) => return None,
                Ok(Some(line)) if trimmed(&line).trim_ascii().is_empty() => {}
                Ok(Some(line)) => return Some(self.row(&line)),
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
