//! bongham (봉함, 封緘): a privacy-audited complaint records store.
//!
//! # The road of one request: `GET /api/v1/cases/{id}?purpose=handling`
//! ```text
//! authn::Session ── authz::Permit<A> ── vault::Disclosed<T> ──(audit::Receipt<A>)── View ── the door writes it out
//!   who is it        may they, on what,   plaintext, locked     durable log entry     reduced to the permit's
//!                    which fields, why    in memory             for exactly this      fields; serialisable
//! ```
//! 1. [`http`] routes it; extractors have made session, id and purpose: no raw strings below.
//! 2. [`service::Store::read_case`] runs on the pool and gives back a pending view.
//! 3. [`cases`] finds the facts. An absent id costs the same work.
//! 4. [`authz::Authority::decide`] gives a permit, or a denial that becomes an answer only through the log.
//! 5. [`vault`] unwraps the case key with the officer's key, takes the shred half from the [`keyring`],
//!    and opens the units: [`vault::Disclosed`].
//! 6. [`audit::AccessLog::record`] gives up the permit; the receipt comes when the entry is durable, one
//!    fdatasync shared by everybody who commits in that moment ([`engine`]).
//! 7. [`vault::Disclosed::reveal`] takes the receipt and gives the view.
//!
//! # Invariants
//! No byte of a case leaves before its entry is durable. A sensitive case has no server-readable key. A
//! content key needs two halves, and one of them really can be destroyed. Absent and forbidden look the
//! same. No personal data outside envelopes. Emptiness refuses: no policies, log, ledger or keyring, no
//! service.
//!
//! # Modules, from bytes to doors; each imports only from rows above it
//! | row | modules |
//! |---|---|
//! | 0 | [`domain`] words · [`config`] · [`engine`] bytes · [`merkle`] RFC 6962 |
//! | 1 | [`crypto`] formulas · [`keyring`] shred keys |
//! | 2 | [`authn`] who · [`authz`] may they |
//! | 3 | [`audit`] access log |
//! | 4 | [`vault`] the gate |
//! | 5 | [`cases`] · [`people`] · [`destruction`] requests, orders, ledger · [`retained`] kept apart · [`disclosure`] what leaves · [`inspection`] what the log tells people · [`forward`] entries to a collector |
//! | 6 | [`service`] what a person can do |
//! | 7 | [`http`] JSON door · [`cli`] command door, a client of the API |
//!
//! [`manual`] holds decisions, threat model, key ceremony and operations.

pub mod audit;
pub mod authn;
pub mod authz;
pub mod cases;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod destruction;
pub mod disclosure;
pub mod domain;
pub mod engine;
pub mod forward;
pub mod http;
pub mod inspection;
pub mod keyring;
pub mod manual;
pub mod merkle;
pub mod people;
pub mod retained;
pub mod service;
pub mod vault;
