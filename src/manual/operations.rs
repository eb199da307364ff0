//! Running it.
//!
//! **Start.** `bongham serve` starts sealed; `bongham unseal` or `--passphrase-file` opens it. `readyz`
//! answers 200 only when a read could be logged.
//!
//! **Stop.** SIGINT or SIGTERM: no new requests, those at work are finished, the keyring's floor is
//! raised, the clean marker is written. After `kill -9` the tail of the journal is replayed; after a
//! power cut the index is made anew from the journal.
//!
//! **Memory and disk.** argon2id takes 256 MiB at unseal and 64 MiB for each log-in at work. The journal
//! grows in segments of 64 MiB, one is kept in reserve. When the disk is full plaintext stops first.
//!
//! **Clock.** Entries are ordered by the log, not by the clock; a clock that goes back is flagged.
//!
//! **Operator's log.** Text or JSON on standard error, filtered by `BONGHAM_LOG`. It holds routes and
//! durations, never ids, queries, names or addresses.
//!
//! **Damage.** `bongham fsck` names it (exit code 5). A damaged index is made anew; a damaged journal or
//! keyring is not repaired but refused: restore it.
//!
//! **Kept apart.** `DATA/retained` holds what another law keeps ([`super::retained`]); it is no part of the
//! live store's backup set and needs a copy of its own.
//!
//! **Limits.** 1 MiB a request, 16 MiB a chunk of an import, 200 rows a page, 64 people a case.
//!
//! **Pace.** `[limits] actor_requests_per_second = 20` and `actor_burst = 40`: faster requests of one account
//! are answered 429 `too_many_requests` with `Retry-After`; the commands wait and go on. One log-in waits
//! for an account at a time, four for an address.
