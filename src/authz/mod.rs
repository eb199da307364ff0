//! The decision: may this person do this, to what, for which purpose, seeing which fields.

pub mod action;
mod aim;
pub mod cedar;
mod cedar_ask;
mod cedar_rules;
pub mod check;
pub mod facts;
mod permit;
mod source;

pub use cedar::Authority;
pub use permit::{Basis, Denied, Permit};
pub use source::Source;
