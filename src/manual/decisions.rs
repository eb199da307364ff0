//! Why it is built this way.
//!
//! **The journal is the truth, sled an index.** sled's `flush` ends in `sync_file_range`, which does
//! not reach the disk; so nothing is acknowledged on its word ([`crate::engine::embedded`]).
//!
//! **Frames of the journal are encrypted** under a root-derived key although contents are sealed
//! already: otherwise a thief of the disk would see which rows go together, and with that which
//! cases stand under no department and must be sensitive. For the same reason unit and tier stand
//! in an envelope's associated data and not in its bytes ([`crate::crypto::envelope`]).
//!
//! **Facts and wraps of a case are one row**, sealed under a server key and padded, so that a case
//! with three holders looks like one with a department ([`crate::cases::head`]).
//!
//! **A gate per case** ([`crate::service`], `gate`): readers are inside from their look at the facts
//! until their view is out; whoever takes rights away waits for them. So no view leaves on a right
//! that was gone when its entry was written. The engine is in one process, so the gate can be too.
//!
//! **Old keys die through a queue** that is part of the same transaction as the change that makes them
//! dead; a crash between the two is taken up when the store opens. The answer says `pending` only
//! where the keyring could not be written.
//!
//! **Lists go by purpose**: `supervision` and `intake` look through the department's ordinary cases,
//! every other purpose through the asker's own. Rows come in order of registration and each is
//! decided on its own; there are no totals.
//!
//! **A search goes by one exact value**: ordinary cases through a blind index per department, under a key
//! that is replaced every month ([`crate::crypto::blind`]); sensitive ones by opening the asker's own people, at most
//! 2,000 cases, in one entry of the log. What was opened and did not match is in the entry too. A search shows
//! the rows that a list would show, in the same order. Rows of the index name the unit's postings outside of what
//! dies with the unit, so that they can be removed after a crash between puncture and removal.
//!
//! **A look at a list or at the log needs a permit of its own** that shows no case
//! ([`crate::authz::Authority::survey`]): it is allowed where the policies could allow any case.
//!
//! **What a refusal tells** depends on the asker's roles alone: where no case at all could be allowed,
//! `role_refused` or `purpose_refused`; otherwise `not_found`, for absent and forbidden alike.
//!
//! **Commands are clients of the API.** Over the control socket of a running server, or over a pipe to
//! a store opened in the same process: there is no second door.
//!
//! **Slots of the keyring are never issued twice**: each opening of a store takes fresh buckets, so that
//! neither a crash nor a restored backup can make two units share a shred half.
//!
//! **Log-ins run on threads of their own**, bounded, because argon2id would otherwise keep readers
//! waiting; more than fit are told to come back.
//!
//! **Rejected import rows are told by line, field and reason only.** The list holds no content, so it
//! needs no seal.
//!
//! **An office's policies lie in the data directory** (`policies/`), so that server and commands cannot
//! use different ones. Their hash is in every entry of the access log.
