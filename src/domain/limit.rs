//! Bounds that stand on every input and every answer.

/// Longest key of an engine row, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
/// Longest value of an engine row, in bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Most rows a list answers with.
pub const PAGE_ROWS_MAX: usize = 200;
/// Longest body of an ordinary request, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest narrative of one case, in bytes of UTF-8.
pub const NARRATIVE_BYTES_MAX: usize = 256 << 10;
/// Longest single-line field (title, name, address …), in bytes of UTF-8.
pub const LINE_BYTES_MAX: usize = 1024;
/// Most people in one case.
pub const PEOPLE_MAX: usize = 64;
/// Most assignees of one case.
pub const ASSIGNEES_MAX: usize = 32;

/// How many rows a caller wants at the most: 1 to [`PAGE_ROWS_MAX`] at the doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(usize);

impl Limit {
    /// A bound for a list that a person asked for; `None` outside 1 to [`PAGE_ROWS_MAX`].
    pub const fn page(rows: usize) -> Option<Self> {
        if rows >= 1 && rows <= PAGE_ROWS_MAX {
            Some(Self(rows))
        } else {
            None
        }
    }
    /// A bound for a walk inside the process.
    pub const fn rows(rows: usize) -> Self {
        Self(rows)
    }
    /// The number of rows.
    pub const fn get(self) -> usize {
        self.0
    }
}
