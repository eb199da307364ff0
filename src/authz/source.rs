//! Where policies come from: the program itself or an office's directory.

use std::path::{Path, PathBuf};

use super::cedar::PolicyError;

/// Longest policy file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Most policy files.
const FILES_MAX: usize = 256;

/// Name of the schema's file.
pub(super) const SCHEMA: &str = "schema.cedarschema";
const POLICIES: &str = ".cedar";
const TESTS: &str = ".tests.json";

const BUILT_IN: &[(&str, &str)] = &[
    (SCHEMA, include_str!("../../policies/schema.cedarschema")),
    (
        "case_read.cedar",
        include_str!("../../policies/case_read.cedar"),
    ),
    (
        "case_read.tests.json",
        include_str!("../../policies/case_read.tests.json"),
    ),
    (
        "case_write.cedar",
        include_str!("../../policies/case_write.cedar"),
    ),
    (
        "case_write.tests.json",
        include_str!("../../policies/case_write.tests.json"),
    ),
    (
        "destruction.cedar",
        include_str!("../../policies/destruction.cedar"),
    ),
    (
        "destruction.tests.json",
        include_str!("../../policies/destruction.tests.json"),
    ),
    (
        "disclosure.cedar",
        include_str!("../../policies/disclosure.cedar"),
    ),
    (
        "disclosure.tests.json",
        include_str!("../../policies/disclosure.tests.json"),
    ),
    (
        "inspection.cedar",
        include_str!("../../policies/inspection.cedar"),
    ),
    (
        "inspection.tests.json",
        include_str!("../../policies/inspection.tests.json"),
    ),
    ("log.cedar", include_str!("../../policies/log.cedar")),
    (
        "log.tests.json",
        include_str!("../../policies/log.tests.json"),
    ),
    ("people.cedar", include_str!("../../policies/people.cedar")),
    (
        "people.tests.json",
        include_str!("../../policies/people.tests.json"),
    ),
    (
        "retained.cedar",
        include_str!("../../policies/retained.cedar"),
    ),
    (
        "retained.tests.json",
        include_str!("../../policies/retained.tests.json"),
    ),
    ("store.cedar", include_str!("../../policies/store.cedar")),
    (
        "store.tests.json",
        include_str!("../../policies/store.tests.json"),
    ),
    ("wall.cedar", include_str!("../../policies/wall.cedar")),
    (
        "wall.tests.json",
        include_str!("../../policies/wall.tests.json"),
    ),
];

/// Where policies come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The set built into the program (`policies/`).
    BuiltIn,
    /// A directory of `schema.cedarschema`, `*.cedar` and `*.tests.json`.
    Directory(PathBuf),
}

/// The files of a policy set, sorted by name.
pub(super) struct Files {
    /// What to call the set in errors.
    pub(super) origin: String,
    all: Vec<(String, String)>,
}

impl Files {
    /// Reads them; files of other kinds are left alone.
    pub(super) fn read(source: &Source) -> Result<Self, PolicyError> {
        match source {
            Source::BuiltIn => Ok(Self::new(
                "the program",
                BUILT_IN
                    .iter()
                    .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
            )),
            Source::Directory(dir) => read_directory(dir),
        }
    }
    /// These files as a set.
    pub(super) fn new(origin: &str, files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut all: Vec<_> = files.into_iter().collect();
        all.sort();
        Self {
            origin: origin.to_owned(),
            all,
        }
    }
    /// The schema, if there is one.
    pub(super) fn schema(&self) -> Option<&str> {
        self.all
            .iter()
            .find(|(name, _)| name == SCHEMA)
            .map(|(_, text)| text.as_str())
    }
    /// The policy files.
    pub(super) fn policies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(POLICIES)
    }
    /// The test files.
    pub(super) fn tests(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(TESTS)
    }
    fn ending(&self, end: &'static str) -> impl Iterator<Item = (&str, &str)> {
        self.all
            .iter()
            .filter(move |(name, _)| name.ends_with(end))
            .map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

fn read_directory(dir: &Path) -> Result<Files, PolicyError> {
    let origin = dir.display().to_string();
    let unreadable = |file: &str, why: String| PolicyError::Invalid {
        file: file.to_owned(),
        why,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|e| unreadable(&origin, e.to_string()))? {
        let entry = entry.map_err(|e| unreadable(&origin, e.to_string()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != SCHEMA && !name.ends_with(POLICIES) && !name.ends_with(TESTS) {
            continue;
        }
        let path = entry.path();
        let size = std::fs::metadata(&path)
            .map_err(|e| unreadable(&name, e.to_string()))?
            .len();
        if size > FILE_BYTES_MAX {
            return Err(unreadable(
                &name,
                format!("longer than {FILE_BYTES_MAX} bytes"),
            ));
        }
        if files.len() == FILES_MAX {
            return Err(unreadable(
                &origin,
                format!("more than {FILES_MAX} policy files"),
            ));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&name, e.to_string()))?;
        files.push((name, text));
    }
    Ok(Files::new(&origin, files))
}
