//! Against whom, and what is not promised.
//!
//! | who | what they cannot do |
//! |---|---|
//! | a colleague, lead or administrator with an account | open a sensitive case they do not hold, or learn that it exists |
//! | the intake clerk who typed it in | open it after the registration's commit |
//! | a thief of the disk or of any backup, without the keyring | learn more than sizes, counts and times |
//! | disk, keyring and passphrase together | open a sensitive case without a holder's password |
//! | the same, and a former holder's password | open a case after they were taken off it |
//! | disk, keyring and passphrase together, and every password but the custodians' | open what another law keeps apart |
//! | a retention custodian with an account | open it without a privacy officer's approval, or unlogged |
//! | somebody who edits, cuts or forges the log | pass `bongham log verify` with the key and checkpoint an auditor kept |
//! | a former officer's password with every image of the disk, after the account was disabled, reset or lost the role | open anything with it |
//! | an administrator alone | give a role, reset whoever has one, shut out who watches over the others, become the second person |
//! | somebody who guesses passwords | lock a person out on a device they used before |
//!
//! **What the blind index tells.** A thief without the keyring cannot try a guessed value: tokens are
//! under two keys of the keyring. Whoever has keyring *and* passphrase, or is root of the running server,
//! can try guessed names and telephone numbers against ordinary cases, department by department, and sees
//! how many units share a value. Sensitive cases are in no index: nothing can be tried against them. Tokens of
//! destroyed units are removed; older images and frames of removals keep them, so the key they were made
//! under is destroyed after every destruction, and every month, before a certificate says `complete`. From
//! then on nobody can try a value against the destroyed, on whatever image, without a copy of the keyring
//! from before; such a copy stands in the certificate as `pending`.
//!
//! Not promised: a root that changes the program while people work; an officer who reads their own cases;
//! remnants of an overwritten slot on flash, which help only together with the passphrase; the log's tail
//! after the newest checkpoint that an auditor holds, against somebody who controls disk and keyring; items
//! kept apart, against a former custodian who kept their key, the disk and the keyring; an administrator who
//! shuts a person out and so destroys what only they hold (logged; two holders each); somebody who edits the
//! index's files between a kill and the next start under the same boot, and puts an older version of a row in
//! its place; key schedules inside the cryptographic libraries, which are not zeroed; memory that the
//! operating system swaps out (switch swap off, and core dumps).
