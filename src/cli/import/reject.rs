//! A row that cannot become a case: where it stands and why, never what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
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

/// The rejects of an import, written down once each as they come.
pub struct Rejects {
    path: Option<PathBuf>,
    file: Option<BufWriter<File>>,
    earlier: BTreeSet<Reject>,
    counts: BTreeMap<(String, Option<String>), u64>,
}

impl Rejects {
    /// Rejects go to the file at `path` (mode 0600), where there is one. A resumed import keeps
    /// what an earlier run wrote there: the server names its rejects only once.
    pub fn open(path: Option<&Path>, resumed: bool) -> Result<Self, Failure> {
        let mut rejects = Self {
            path: path.map(Path::to_owned),
            file: None,
            earlier: BTreeSet::new(),
            counts: BTreeMap::new(),
        };
        let Some(path) = path else {
            return Ok(rejects);
        };
        let unusable = |error: io::Error| Failure::file("write the rejects to", path, &error);
        if resumed && let Ok(earlier) = File::open(path) {
            for line in BufReader::new(earlier).lines() {
                if let Ok(reject) = serde_json::from_str(&line.map_err(unusable)?) {
                    rejects.count(&reject);
                    rejects.earlier.insert(reject);
                }
            }
        }
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(!resumed)
            .append(resumed)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        rejects.file = Some(BufWriter::new(file));
        Ok(rejects)
    }

    /// Takes one in; one that was known already is not counted again.
    pub fn add(&mut self, reject: Reject) -> Result<(), Failure> {
        let Some(file) = self.file.as_mut() else {
            self.count(&reject);
            return Ok(());
        };
        if self.earlier.contains(&reject) {
            return Ok(());
        }
        let line = serde_json::to_string(&reject).unwrap_or_default();
        let written = writeln!(file, "{line}").and_then(|()| file.flush());
        self.count(&reject);
        written.map_err(|error| {
            let path = self.path.as_deref().unwrap_or(Path::new("?"));
            Failure::file("write the rejects to", path, &error)
        })
    }

    fn count(&mut self, reject: &Reject) {
        *self
            .counts
            .entry((reject.code.clone(), reject.field.clone()))
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
            .map(|((code, field), count)| match field {
                Some(field) => format!("  {count} × {code} in {field}"),
                None => format!("  {count} × {code}"),
            })
            .collect()
    }
}
