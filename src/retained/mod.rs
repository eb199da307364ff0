//! What another law keeps (분리 보관, 개인정보 보호법 제21조제3항): items of a store of its own, apart
//! from the cases they were drawn from, under keys of its own.
//!
//! ```text
//! item      law, article, what of it, until when · who drew it · its units, its wraps
//! units     tier R, one per unit of the original, from buckets of their own
//! wraps     to the public keys of retention custodians: no server key and no officer opens it
//! ```
//! An item does not name its case: whoever reads the separate store alone learns neither whose it
//! is nor where it came from. The certificate of the destruction names the item.

pub mod basis;
pub mod handover;
pub mod item;
pub mod rows;
pub mod view;
