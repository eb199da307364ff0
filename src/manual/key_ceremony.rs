//! Making a store, and what to keep where.
//!
//! 1. Two people are present: the first administrator and the first privacy officer.
//! 2. The keyring gets a volume of its own: small, no snapshots, in no backup of the data.
//! 3. `bongham init` asks for the passphrase. Write it on paper, seal the paper, keep it apart from
//!    machine and keyring. With `--key-file` a second secret on a removable medium is needed, too.
//! 4. It prints two enrolment codes. Each person takes their own and runs `bongham enrol`.
//! 5. It prints the log's public key. The auditor takes it away now, and from then on regularly a
//!    `bongham log checkpoint`: a log that is ever shorter than that is proven to be cut.
//!
//! A copy of the keyring opens everything that was not destroyed when it was made, given the passphrase
//! and, for sensitive cases, a holder's password; destroying a case later does not reach that copy.
//! So copies are few, known, and replaced.
