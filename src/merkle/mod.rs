//! RFC 6962 trees and C2SP signed-note checkpoints: pure functions and an offline verifier.

pub mod bundle;
pub mod checkpoint;
pub mod manifest;
pub mod proof;
#[cfg(test)]
mod tests;
pub mod tree;
