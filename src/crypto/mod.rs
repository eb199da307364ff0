//! Formulas: how content is sealed, which two halves make its key, how a key reaches people.
//!
//! | What | Formula | Home |
//! |---|---|---|
//! | content key | `HKDF(salt = SK_u, ikm = DEK_u)` | [`content_key`] |
//! | record of a unit | AES-256-GCM under a key of its own, committed to, bound to its place | [`envelope`] |
//! | row under a server key | AES-256-GCM under a key of its own, bound to its row | [`sealed`] |
//! | value that is searched for | HMAC under scope, then epoch | [`blind`] |
//! | case key to a person | HPKE base mode (RFC 9180) | [`wrap`] |
//! | what is kept apart to an archive | HPKE base mode (RFC 9180) | [`archive`] |
//! | case key to a department, recipient half to a case key | AES-256-GCM | [`wrap`] |
//!
//! Secrets of this program are zeroed on drop. The expanded key schedules inside `ring` and
//! `hpke` live on the stack for the length of one call and are outside that promise.

mod aead;
pub mod archive;
pub mod blind;
pub mod content_key;
pub mod envelope;
pub mod locate;
mod padding;
mod recipient;
pub mod sealed;
pub mod table;
#[cfg(test)]
mod tests;
pub mod wrap;

pub use aead::{OpenError, SealError};

/// Suite 1: AES-256-GCM, HKDF and HMAC with SHA-256, Ed25519, X25519-HPKE, argon2id. Stands in
/// every sealed byte string, so that a suite of another module can live beside it.
pub(crate) const SUITE: u8 = 1;
