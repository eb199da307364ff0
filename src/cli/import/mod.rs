//! Old registers become cases: a file of rows, a map that says which column is which field.
//!
//! `decode` gives bytes and letters, `csv` and `jsonl` give rows with the line they stand on,
//! `map` says what a column means, `draft` makes a case of a row, `run` sends them.

pub mod csv;
pub mod decode;
pub mod draft;
pub mod jsonl;
pub mod map;
pub mod progress;
pub mod reject;
pub mod rows;
pub mod run;
#[cfg(test)]
mod tests;
