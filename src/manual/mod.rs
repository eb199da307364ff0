//! Decisions, threat model, key ceremony, operations: documentation as modules, compiled with the
//! code it speaks of.

pub mod compared;
pub mod decisions;
pub mod inspection;
pub mod key_ceremony;
pub mod operations;
pub mod retained;
pub mod threat_model;
