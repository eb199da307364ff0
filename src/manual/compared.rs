//! What leaves the house, compared with what others keep of it.
//!
//! There is no figure to compare with: none of these programs records an export with its list, its
//! purpose and its end, so the comparison is one of features. Read from the public repositories,
//! documentation and issues as they stood in 2026; *none found* is no proof of absence.
//!
//! | | GlobaLeaks | Primero | OpenBao | Databunker | bongham |
//! |---|---|---|---|---|---|
//! | entry before the first byte | events of access and files being added ([#4085][g1], [#4568][g2], [#4670][g3]) | written by a job afterwards, its failure ignored (`audit_log_job.rb`) | yes, request and answer | deferred, errors ignored, can be turned off (`audit_db.go`) | yes: the list of cases and people is durable first |
//! | lists and searches | none found | every endpoint | keeps the number of a list | the bulk list is the one read without an entry | every row shown is in an entry |
//! | reason of an export | only to reveal an identity; more is asked for ([#4734][g4]) | none found | none found | none found | asked for, sealed in the entry |
//! | limit over all routes | of reports sent | a right per format | none found | bulk list off by default | people and cases of 24 hours, from the log itself |
//! | encryption of an export | optional, to one's own PGP key ([#4868][g5]) | none by default; a zip option (`zip_service.rb`) | – | – | always, age |
//! | prints | none found | none found | – | none found | record, copies, purpose, end; a mark that leads back |
//! | proof for outsiders | none found | none found | no chain | none found | inclusion proofs, verified offline |
//!
//! [g1]: https://github.com/globaleaks/globaleaks-whistleblowing-software/issues/4085
//! [g2]: https://github.com/globaleaks/globaleaks-whistleblowing-software/issues/4568
//! [g3]: https://github.com/globaleaks/globaleaks-whistleblowing-software/issues/4670
//! [g4]: https://github.com/globaleaks/globaleaks-whistleblowing-software/issues/4734
//! [g5]: https://github.com/globaleaks/globaleaks-whistleblowing-software/issues/4868
