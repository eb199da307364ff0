//! The end of a record: what is asked for, what is ordered, what the ledger keeps.
//!
//! A request of a data subject or the end of a retention period goes its road step by step
//! ([`request`]) and becomes an order ([`order`]); the service carries it out and enters it in the
//! [`ledger`].

pub mod certificate;
pub mod copies;
pub mod draft;
pub mod ended;
pub mod form;
pub mod kept;
pub mod ledger;
pub mod notice;
pub mod order;
pub mod petition;
pub mod records;
pub mod request;
pub mod retention;
pub mod rows;
pub mod standing;
pub mod term;
pub mod view;
