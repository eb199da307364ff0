//! A row that cannot become a case: where it stands and why, never what it says.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::failure::Failure;

/// One rejected row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reject {
    /// Physical line of the file on which the row starts, from 1.
    pub line: u64,
    /// Why, as a stable word.
    pub code: String,
    /// The column or field concerned, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What the server finds wrong with it, in words that may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The line on which a row of several lines ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_line: Option<u64>,
}

impl Reject {
    /// A row on `line` that is wrong for the reason `code`.
    pub fn new(line: u64, code: &str) -> Self {
        Self {
            line,
            code: code.to_owned(),
            field: None,
            reason: None,
            to_line: None,
        }
    }
    /// The same, in this column or field.
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }
    /// The same, of a row that ends on `line`.
    #[must_use]
    pub fn through(mut self, line: u64) -> Self {
        self.to_line = (line > self.line).then_some(line);
        self
    }
}

/// Why reading stopped short of a row.
#[derive(Debug)]
pub enum Bad {
    /// This row is not one; the next may be.
    Row(Reject),
    /// The file cannot be read on.
    File(io::Error),
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// The rejects of an import, written down as they come.
pub struct Rejects {
    file: Option<(PathBuf, BufWriter<File>)>,
    counts: BTreeMap<Why, u64>,
}

/// Code, field and reason.
type Why = (String, Option<String>, Option<String>);

impl Rejects {
    /// Rejects go to the file at `path` (mode 0600), where there is one. It is written anew by
    /// every run: the server names the rejects of earlier ones again, and lines that are no row
    /// are found again.
    pub fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let create = |path: &Path| {
            let file = OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(true)
                .mode(0o600)
                .open(path)
                .map_err(|error| unusable(path, &error))?;
            Ok::<_, Failure>((path.to_owned(), BufWriter::new(file)))
        };
        Ok(Self {
            file: path.map(create).transpose()?,
            counts: BTreeMap::new(),
        })
    }

    /// Takes one in.
    pub fn add(&mut self, reject: Reject) -> Result<(), Failure> {
        self.count(&reject);
        let Some((path, file)) = self.file.as_mut() else {
            return Ok(());
        };
        let line = serde_json::to_string(&reject).unwrap_or_default();
        let written = writeln!(file, "{line}").and_then(|()| file.flush());
        written.map_err(|error| unusable(path, &error))
    }

    fn count(&mut self, reject: &Reject) {
        *self
            .counts
            .entry((
                reject.code.clone(),
                reject.field.clone(),
                reject.reason.clone(),
            ))
            .or_default() += 1;
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// One line for each reason, most frequent first.
    pub fn summary(&self) -> Vec<String> {
        let mut reasons: Vec<_> = self.counts.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        reasons
            .iter()
            .map(|((code, field, reason), count)| {
                let place = field.as_ref().map(|field| format!(" in {field}"));
                let reason = reason.as_ref().map(|reason| format!(": {reason}"));
                let (place, reason) = (place.unwrap_or_default(), reason.unwrap_or_default());
                format!("  {count} × {code}{place}{reason}")
            })
            .collect()
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::file("write the rejects to", path, error)
}
