//! The end of a record: what is asked for, what is ordered, what the ledger keeps.
//!
//! A request of a data subject or the end of a retention period becomes an order
//! ([`order`]); the service carries it out and enters it in the [`ledger`].

pub mod copies;
pub mod ledger;
pub mod order;
