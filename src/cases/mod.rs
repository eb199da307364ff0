//! The case (민원): what it is made of, how it is stored, how it is shown.

pub mod draft;
pub mod extract;
pub mod head;
pub mod number;
pub mod postings;
pub mod record;
pub mod rows;
pub mod search;
pub mod view;
