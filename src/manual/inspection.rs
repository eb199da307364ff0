//! What the access log tells people: inspection, evidence, forwarding.
//!
//! **Inspection (접속기록 점검).** `bongham inspection make 2026-10` goes over the month's entries once,
//! checks each against the tree, and keeps what it finds: exports and prints, whose reasons are to be
//! confirmed; use and administration at night and on days off; many people, cases or outputs in a day; cases
//! of others, and of the department in supervision; cases of others that somebody assigned to themselves;
//! refusals on sensitive cases, on cases that somebody was taken off, or in number; log-ins of shut accounts,
//! failed log-ins; special steps; copies out past their date; alerts that nobody took note of.
//! A finding has a person, the entries behind it by index (the first 200, and how many more), its words in
//! Korean and English, and a state. It names no case.
//!
//! ```toml
//! [inspection]
//! night_from = 22          # hours of the office's zone
//! night_to = 6
//! holidays = ["2026-10-02"]   # besides weekends and public holidays
//! people_a_day = 100       # distinct people
//! cases_a_day = 1000       # distinct cases, opened or listed
//! outputs_a_day = 50
//! neighbour_reads = 20     # distinct cases a month
//! supervision_reads = 300  # distinct cases a month
//! denied = 20              # a month
//! failed_logins = 10       # a month
//! taken_off = 1            # refusals a month
//! self_assigned = 1        # distinct cases a month
//! reason_letters = 2
//! due_day = 5              # of the following month: made and signed
//! ```
//! A command that opens the store without a server reads them with `--config FILE` or `BONGHAM_CONFIG`. A day
//! off is a weekend, a public holiday of the program's table ([`crate::domain::day_off`]) or one of
//! `holidays`, for inspections and budgets alike; an inspection of a year that the table does not know says
//! so. Statutory terms know the table alone: an office does not lengthen them.
//!
//! The person concerned sees their own findings (`bongham finding list`) and explains them (소명); nobody
//! explains for another. The auditor judges each (`inspection judge`), a privacy officer those about
//! auditors. The auditor signs (`inspection sign`): not while one is not judged, unless a statement says why,
//! and not while a deed of their own is among them that nobody accepted. What others do to an account (failed
//! log-ins) is no deed of it. Auditors hold no other role, so whoever operates the store cannot sign.
//!
//! What was judged is explained no more: the explanation stays the one that was judged, the judgement says what
//! it comes to (accepted, rejected, reopened), and nothing but the auditor's own acts moves the hash that is
//! about to be signed. An explanation kept beside the judgement would leave both unclear, and let the person
//! concerned hold up the signature at will. Who wants to say more asks the auditor, who takes the judgement back
//! (`inspection judge --reopen`). The entries of explanations and judgements name the finding, and what a
//! judgement came to.
//!
//! The signature binds to the SHA-256 of the sheet in canonical JSON. The reason of the signing's own entry is
//! `signed sha256 H`, with H the SHA-256 of the canonical JSON of `{"at", "by", "sheet", "statement"}`: time as
//! RFC 3339, account id, the sheet's hash, the statement or null. `intact` says whether the sheet has that
//! hash and that entry is there; `witness` whether the log says so (`entry`), its body was destroyed with its
//! month (`gone`) or it knows of none (`none`). `bongham inspection report` writes it as a page with a chart of
//! use by person and hour, or with `--pdf` on paper, where the chart is a table of numbers.
//!
//! One inspection of a month that is over counts, and only such a one is signed. Until then another one may
//! take its place: its entry and its sheet name the one before, which stays as it was. Before the month's end
//! it can be inspected as often as is wanted, for information; people see the findings of the newest one. A
//! month without a signed one when `due_day` is over is a warning in the operator's log, and in the list of inspections.
//!
//! *Outputs to be confirmed*: one finding a person names every export and print of the month by serial number,
//! entry and purpose (the first 1,000). A reason of fewer than `reason_letters` letters is pointed out, no
//! more; it is accepted once the person explained it. *Copies out past their date* are
//! those of outputs whose list stands in the log before the month's end, in a finding about who answers for them
//! and in one about who took them out: the former need not have been asked. *Cases of others* are distinct cases opened by a read,
//! an export, a print or without masks, by somebody who works on cases, and permitted neither by a policy
//! for holders nor by one for the department; the latter are *supervision*, with a number of its own. An
//! office with policies of its own sees all that those permit as cases of others. *Special steps*: what
//! another law keeps was opened or handed over, the store unsealed, restored, a backup begun, a copy of the
//! keyring made, an account reset. *Refusals on sensitive cases* go by the tier at that entry, from the
//! changes of tier in the log, also where the case was destroyed since. *Taken
//! off*: a refused attempt of somebody who held the case once and from whom an assignment or a change of tier by
//! somebody else took it, whenever that was and whatever tier it has by then: the person is told of it, and it is
//! not to tell them. *Assigned to oneself*: a case that others held and whose assignment by somebody
//! made that person a holder; also in two steps, over nobody; it is found in the month of the assignment, also where it is opened only later,
//! and the finding counts which of them were opened in that month, until they were given away. What a holder opens counts as their own, so
//! the rule for cases of others does not see it. Who held a case before and after is sealed in the entry
//! (the note `handed_on` in `log entries`); entries of 0.3.0 do not say it, so for these two rules
//! nothing is known from before the update. *Shut accounts*: from
//! the entry that shut it to the one that let it in again; entries of 0.3.0 do not name the account, so
//! before them the state of today counts. *A day's
//! people and cases* count as in budgets ([`crate::audit::usage`]): rows of lists and searches by their cases
//! alone, what was opened to compare not at all, a search that chooses for an export not at all. Where bodies of
//! a month were destroyed, `unread` says how many were
//! needed, and the cases and people in them count as new ones.
//!
//! **Evidence (열람 내역).** `bongham evidence give --receipt R --identity resident_card --reason '본인에게 교부' --out
//! evidence.json --page evidence.html`: who opened a case, as roles, times, purposes and tasks, refused
//! attempts among them, for its petitioner. Each entry comes with its leaf and its proof against one signed
//! checkpoint; `bongham log verify-evidence` needs nothing but the public key. What it cannot prove is in it
//! in words: that nothing is missing, and that the entries are about this case; and openings of what is kept
//! apart name no case and are not in it ([`crate::inspection::evidence`]). Check who asks before you give it:
//! how they were identified, and to whom and why it is given, is sealed in the telling's own entry.
//! `--since CHECKPOINT` puts the proof into it that the log goes on from a checkpoint that the petitioner
//! kept; without it `verify-evidence --checkpoint` says `not compared`.
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
//! moves away is begun anew. How far it is stands in `DATA/forward/position`: where that holds something else,
//! all is sent again; where it cannot be looked at, forwarding waits and tries again, which is counted and told
//! like a collector that is gone, and the store opens all the same.
//! Bodies never leave: a collector learns account ids, roles, tasks, purposes, decisions and counts.
