//! Making a store, and what to keep where.
//!
//! 1. Two people are present: the first administrator and the first privacy officer.
//! 2. The keyring gets a volume of its own: small, no snapshots, in no backup of the data.
//! 3. `bongham init` asks for the passphrase. Write it on paper, seal the paper, keep it apart from
//!    machine and keyring. With `--key-file` a second secret on a removable medium is needed, too.
//! 4. It prints two enrolment codes. Each person takes their own and runs `bongham enrol`.
//!    The first thing both do is to appoint a second privacy officer (`bongham account add`, then
//!    `bongham approval decide`): the only one cannot be reset. If their password is lost, no right that
//!    two people give can be given any more; holders still open their cases and hand them on among
//!    themselves, and the office makes a new store for new ones. The same holds for a first officer who lets
//!    the code run out: run `init` again, there is nothing in the store yet that could be lost.
//! 5. It prints the log's public key. The auditor takes it away now, and from then on regularly a
//!    `bongham log checkpoint`: a log that is ever shorter than that is proven to be cut.
//!
//! A copy of the keyring opens everything that was not destroyed when it was made, given the passphrase
//! and, for sensitive cases, a holder's password; destroying a case later does not reach that copy.
//! So copies are few, known, and replaced.
