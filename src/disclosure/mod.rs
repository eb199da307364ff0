//! What leaves the house: lists of cases, and the record of every copy.
//!
//! An [`output::Output`] is one export or print: its serial number stands in the file or on every
//! page, its row says who took what out, for whom, until when, and what became of it. Which cases
//! are in it stands in the access log alone: the entry of the list leads to the output
//! ([`rows`]), so that whoever asks what is still out of a case finds it also after the case was
//! destroyed.

pub mod alert;
pub mod budget;
pub mod lock;
pub mod manifest;
pub mod mark;
pub mod mask;
pub mod output;
pub mod paper;
pub mod rows;
pub mod sheet;
pub mod tally;
pub mod template;
