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
//! grows in segments of 64 MiB, one is kept in reserve. A store that has just taken in 100,000 cases of 2 kB
//! rests at 0.4 GB. The index's cache, which grows with use, is part of it: its bound, 128 MiB, counts pages
//! as they are written, and in memory they take several times that. An export of all of them takes up to
//! 64 MiB more while it runs; after seven of them the store rested at 0.6 GB (`cargo bench --bench export`,
//! with `BONGHAM_BENCH_BEFORE`). Plaintext stops before the disk is full: with less
//! than `[disk] outputs_percent = 5` free no export and no import goes on, with less than
//! `disclosure_percent = 2` no case is shown (507 `disk_full`), so that the rest is there for the log, for
//! destruction and for auditors; `warn_percent = 10` warns the operator. Of a disk above 100 GiB the percents
//! are those of 100 GiB.
//!
//! **Clock.** Entries are ordered by the log, not by the clock; a clock that goes back is flagged.
//!
//! **Operator's log.** Text or JSON on standard error, filtered by `BONGHAM_LOG`. It holds routes and
//! durations, never ids, queries, names or addresses.
//!
//! **Figures.** `curl --unix-socket DATA/control.sock http://store/metrics` (Prometheus' text format):
//! requests by route and class of status, durations, commits and the groups they were synced in, how far
//! forwarding is. Nothing by person, case or tier. Over the network there is no such route.
//!
//! **Imports.** A chunk's rejects (line, code, field, reason) are kept with the job, so that an import that
//! goes on or is repeated names them all. Codes are stable: `invalid`, `no_recipient`, `not_enrolled` from the
//! server, others from reading the file.
//!
//! **Damage.** `bongham fsck` names it (exit code 5). A damaged index is made anew; a damaged journal or
//! keyring is not repaired but refused: restore it.
//!
//! **Kept apart.** `DATA/retained` holds what another law keeps ([`super::retained`]); it is no part of the
//! live store's backup set and needs a copy of its own.
//!
//! **Limits.** 1 MiB a request, 16 MiB a chunk of an import, 200 rows a page, 64 people a case. `[limits]`:
//! `connections = 1024`, `connections_per_address = 64` (of IPv6, one /64), `requests = 512`,
//! `request_seconds = 60`, `stall_seconds = 30` (a client that takes nothing of its answer is cut; a slow one
//! is served to the end), `drain_seconds = 20`. Loopback and the control socket are not counted by address.
//!
//! **Behind a reverse proxy.** On loopback nothing needs to be set, but all connections are the proxy's: it
//! must limit its own clients. A proxy on another machine needs `connections_per_address` raised.
//!
//! **Pace.** `[limits] actor_requests_per_second = 20` and `actor_burst = 40`: faster requests of one account
//! are answered 429 `too_many_requests` with `Retry-After`; the commands wait and go on. One log-in waits
//! for an account at a time, four for an address.
//!
//! **Budgets.** `[budgets] people = 99`, `cases = 999` and `downloads = 49` in 24 hours: above one of them
//! the password is asked for again, with a reason; above `second = 5` times as much a second person has to
//! consent. `[budgets.purpose.legal]` and the like set thresholds of their own. `burst_people = 50` within
//! ten minutes, and `night_people = 10` from `night_from = 22` to `night_to = 6` and on days off, raise an
//! alert, as does whatever goes over a threshold: `bongham alert list`. `bongham budget show` tells a
//! person how much is used, `bongham budget raise` asks for more, for a day and for every purpose. An alert
//! is closed by a privacy officer, one about a privacy officer by another; until then every inspection names it.
//!
//! Commands that open a store themselves, without a server, read the office's configuration with `--config`
//! or `BONGHAM_CONFIG`, as `serve` does; without it they use the defaults.
//!
//! **Exports.** A finished file lies in `DATA/exports`, locked with age, and dies after
//! `[outputs] file_hours = 24`, with anything of it that is destroyed, handed on, reclassified or locked,
//! with the account or role of who began it, with a sensitive case in it when their session ends, or when
//! somebody says that no copy is left (`bongham output close`). Two exports run at once; more are told to
//! come back. A stop of the server ends them, and what was being written is closed and removed at the next
//! open. Backups leave the directory out: after a restore what nobody had fetched when the backup was made is
//! `may_be_out` until it is closed, because it may have been fetched since. `bongham output list --open`
//! names every copy that may still be somewhere, and so do the certificates of what is destroyed.
//!
//! **Prints.** PDF needs a Korean font: Debian's `fonts-nanum`, or a file named in `[print] font`; without
//! one a print is answered 503 `font_missing`, and the HTML form still works. Never NanumSquare: its Chinese
//! characters are blank, so names vanish. `[print] minutes = 5` is how long a document waits in memory for the
//! session that made it; a stop of the server ends it, its record stays. Two prints are made at once, one a
//! person, on threads of their own; documents take 256 MiB of memory at the most, and who asks for more is told to
//! come back (503 `busy`). `print new --print` goes through `lp`: CUPS keeps the job in its spool until it is
//! printed, so set `PreserveJobFiles No`. `bongham trace` leads from a serial
//! number, a PDF (what it says about itself, and scanned pages that are JPEGs) or a picture of six lines of a
//! page back to the record and the access-log entry.
//!
//! **Backup.** `bongham backup create DIR` copies a store that is being served: the journal up to one
//! durable group, the signed checkpoints, the office's policies. Ciphertext alone, no key, no index. A
//! backup that was broken off goes on with the same command. Every backup is a ledger entry, made before
//! its first byte is sent, and stands in the backup itself. `bongham backup verify DIR --key FILE` needs
//! nothing but the log's public key: the list of files is signed, lengths and SHA-256 of every file are in
//! it. While a backup is copied scrubs wait; one that nobody goes on with for five minutes is given up.
//! Take a bundle of the ledger along (`bongham ledger export`), newer each time, and again after every day
//! on which an account was changed, a case reassigned or reclassified, locked or held: a restore asks for
//! the ledger's newest entries, and they are in no older backup. Fetched once, it needs no keyring.
//!
//! **Restore.** `bongham backup restore DIR --data NEW --keyring KEYRING --key FILE` with the present keyring
//! and `--retained`, a backup of the separate store (`backup create --retained`) or its directory. It refuses
//! a ledger that ends before what the keyring, or a log that ends before what a given `--checkpoint`, vouches
//! for; `--ledger` and `--log` bring what is missing from bundles, leaf for leaf, so that every checkpoint
//! ever signed still holds (entries of the access log come back without their sealed bodies). `--ledger-lost`
//! goes on without, which the ledger tells for ever. From then on:
//! - What was destroyed stays so: its keys are not in the keyring, its rows go, every unit that the ledger
//!   names is asked for and must refuse.
//! - What got new keys after the backup (reassigned, reclassified) does not open any more. Make a backup
//!   after such days; the report names those cases. The ledger names the units whose keys ended
//!   (`keys_ended`), so that it holds for a keyring out of an older copy as well.
//! - Accounts whose rights were reduced or whose password was set anew after the backup are shut out, without
//!   roles, until an administrator resets them and their rights are given again: the keyring knows the least
//!   revision of each account's row that is believed, and the ledger tells it to an older one. If no
//!   administrator or privacy officer is left, the restore prints new codes for them.
//! - Orders and approvals that waited are void.
//! - Locks and holds of after the backup stand again, as the ledger tells (`locked`, `unlocked`, `held`). The
//!   requests behind the locks are lost: take them in anew. The answer to one whose asker was checked lifts
//!   the lock of the lost one with its own. A hold that is lost keeps who set it and loses its ground.
//! - Until it is finished the keyring opens no store, not the old one either; the same command goes on.
//!
//! **The end of a destruction.** `destroyed` in the ledger: the keys are gone. Then the search index is
//! written anew under a new key (2,000 rows a second, told in the operator's log), the old key is destroyed
//! a minute after nothing stands under it, and the disk is overwritten: `scrubbed`. Until then a certificate
//! says `pending`. All of it goes on after a restart. Every copy of the keyring that was made before the
//! old index key was gone keeps the certificate `pending` until its holder acknowledges.
//!
//! **Checking the ledger by hand.** `bongham ledger verify` does all of it. With nothing but `jq` and
//! `sha256sum`: a leaf is one line of JSON as RFC 8785 writes it, its hash SHA-256 of a zero byte and the
//! line, and every leaf of a destruction names the hash of the one before.
//!
//! ```text
//! jq -j '.leaves[0].leaf' certificate.json > intent
//! jq -cSj . intent | cmp - intent                        the line is in its canonical form
//! { printf '\0'; cat intent; } | sha256sum               its leaf hash
//! jq -r '.leaves[1].leaf | fromjson | .intent' certificate.json      says the same
//! ```
//!
//! **Copies of the keyring.** `bongham keyring escrow --out FILE --holder NAME`: a capsule that opens with its
//! own passphrase *and* the store's. Each is in the ledger and in `bongham keyring holders`: `current`;
//! `behind`, when keys were made since, so that what was registered with them would be lost; `stale`, when
//! something was destroyed since, which the capsule still has. Replace a stale one, destroy it, and enter
//! that with `bongham keyring acknowledge SERIAL`. Reassigning a case destroys keys, too, and so makes
//! copies stale. `bongham keyring restore FILE --keyring DIR --data DATA --key FILE --checkpoint FILE`
//! destroys again what the ledger names and what no row names any more, before anything opens. It does not
//! know how long the ledger was, so it asks for a checkpoint that an auditor kept, or for a bundle.
