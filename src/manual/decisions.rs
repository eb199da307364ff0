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
//! **What another law keeps has an engine, keys and people of its own.** An item names no case and its
//! ledger entry no person; the certificate of a destruction names the item. It has no log: what is done
//! to it stands in the live store's, and a row there names its units, so that an item that was lost can
//! be told from one that was destroyed. The copy is compared with the original before the ledger tells
//! of it, and an order that relies on it waits.
//!
//! **An office's policies lie in the data directory** (`policies/`), so that server and commands cannot
//! use different ones. Their hash is in every entry of the access log.
