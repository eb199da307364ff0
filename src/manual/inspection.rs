//! What the access log tells people: inspection, evidence, forwarding.
//!
//! **Inspection (접속기록 점검).** `bongham inspection make 2026-10` goes over the month's entries once,
//! checks each against the tree, and keeps what it finds: exports and prints without a reason, use at
//! night and on days off, many people or outputs in a day, cases of others, refusals on sensitive cases
//! or in number, log-ins of shut accounts, failed log-ins, openings of what another law keeps, copies out
//! past their date, alerts that nobody took note of. A finding has a person, the entries behind it by index, its words in Korean and
//! English, and a state. It names no case.
//!
//! ```toml
//! [inspection]
//! night_from = 22          # hours of the office's zone
//! night_to = 6
//! holidays = ["2026-10-05", "2026-10-09"]   # besides Saturdays and Sundays
//! people_a_day = 100       # distinct people
//! outputs_a_day = 50
//! neighbour_reads = 20     # a month
//! denied = 20              # a month
//! failed_logins = 10       # a month
//! reason_letters = 2
//! due_day = 5              # of the following month
//! ```
//! The person concerned sees their own findings (`bongham finding list`) and explains them (소명); nobody
//! explains for another. The auditor judges each (`inspection judge`) and signs (`inspection sign`): not
//! while one is not judged, unless a statement says why, and not if one of them is about the auditor. The
//! signature binds to the SHA-256 of the sheet in canonical JSON, and the hash stands in the reason of the
//! signing's own entry; from then on nothing of it changes, and a sheet that is not the signed one is shown
//! as such (`intact: false`). `bongham inspection report` writes it as a page with a chart of use by person
//! and hour, or with `--pdf` on paper. Auditors hold no other role, so whoever operates the store cannot sign.
//!
//! There is one inspection of a month that is over. Before its end it can be inspected as often as is
//! wanted, for information. A month without one by `due_day` is a warning in the operator's log, and in
//! the list of inspections.
//!
//! *Cases of others* are reads that were not permitted by one of the policies for holders alone; an
//! office with policies of its own sees reads by those here, too. *Shut accounts* are those that are shut
//! when the inspection is made. Where bodies of a month were destroyed, `unread` says how many were needed.
//!
//! **Evidence (열람 내역).** `bongham evidence give --receipt R --identity resident_card --reason '본인에게 교부'
//! --out evidence.json --page evidence.html`: who opened a case, as roles, times, purposes and tasks, refused attempts among them, for its petitioner. Each
//! entry comes with its leaf and its proof against one signed checkpoint; `bongham log verify-evidence` needs
//! nothing but the public key. What it cannot prove is in it in words: that nothing is missing, and that the
//! entries are about this case; and openings of what is kept apart name no case and are not in it
//! ([`crate::inspection::evidence`]). Check who asks before you give it: how they were identified, and to whom
//! and why it is given, is sealed in the telling's own entry. `--since CHECKPOINT` puts the proof into it that
//! the log goes on from a checkpoint that the petitioner kept; without it `verify-evidence --checkpoint` says
//! `not compared`.
//!
//! **Forwarding.** The plain part of every entry, as it becomes durable, to a file or a syslog server:
//!
//! ```toml
//! [forward]
//! to = "syslog"            # or "file"
//! address = "siem.office.example:6514"
//! ca = "/etc/bongham/siem-ca.pem"
//! form = "cef"             # or "rfc5424"; in a file "json" or "cef"
//! host = "records1"
//! cert = "/etc/bongham/records1.pem"   # by which this side is known, if the collector asks; with its key
//! key = "/etc/bongham/records1.key"
//! resend_bytes = 67108864  # sent again after a connection broke
//! # to = "file": path, max_bytes = 104857600, keep = 10
//! ```
//! Only a server forwards; what commands write meanwhile follows when it starts. Every entry is sent at
//! least once, as far as the other side lets it be known: a file is synced; syslog confirms nothing, so after a
//! break the last `resend_bytes` go out again, more than both kernels' buffers hold by default, and what a
//! collector or relay lost beyond that is lost to it. A collector drops by the entry's id what it has (`id`, in
//! CEF `externalId`), never by the index, which after a restore is another entry's ([`crate::forward`]). One that
//! is gone holds nobody up and changes nothing about `readyz`; the operator's log and `bongham_forward_lag`,
//! `_position` and `_failures_total` in `/metrics` say how far behind it is. A file that logrotate or a person
//! moves away is begun anew.
//! Bodies never leave: a collector learns account ids, roles, tasks, purposes, decisions and counts.
