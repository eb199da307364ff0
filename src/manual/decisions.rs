//! Why it is built this way.
//!
//! **The journal is the truth, sled an index.** sled's `flush` ends in `sync_file_range`, which does
//! not reach the disk; so nothing is acknowledged on its word ([`crate::engine::embedded`]).
//!
//! **Whoever writes to the index waits for what sled has replaced.** It frees a page when every thread
//! that was within sled has left it; one that the system puts aside just then held back some thirty
//! megabytes of a long list's rows. Marks that go the same way are counted
//! (`engine::embedded::reclaim`), which makes `crossbeam-epoch`, sled's own dependency, one of ours.
//!
//! **A full segment is summed up window by window** (`engine::embedded::window`): its rows are read
//! again for each window of 6 MiB, which costs time of the thread that does it; all of them at once and
//! the sidecar beside them took 43 MiB, at moments that nobody could foresee.
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
//! that is replaced every month and after every destruction ([`crate::crypto::blind`]); sensitive ones by
//! opening the asker's own people, at most 2,000 cases, in one entry of the log. What was opened and did not
//! match is in the entry too. A search shows the rows that a list would show, in the same order. Rows of the
//! index name the unit's postings outside of what dies with the unit, so that they can be removed after a
//! crash between puncture and removal.
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
//! **The end of a key stands in the ledger**, in the batch that ends it ([`crate::destruction::ended`]):
//! keyring and data can be lost together and come back older, and then nothing else remembers. One kind of
//! entry for accounts, reassignments and changes of tier, with unit numbers alone; a change of rights that
//! ends no key is an entry of the access log, and of the ledger only that older rows of that account are not
//! believed. That some case got new keys at some time is what it tells more than before; which case, of which
//! tier, and who holds it, it does not. The official form lists the keys of accounts and leaves those of
//! cases out: what they opened lives on.
//!
//! **Locks and holds stand in the ledger under pseudonyms of the cases** ([`crate::destruction::standing`]),
//! because a backup from before has them not. A receipt of no case leaves the same entries as one of a
//! sensitive case.
//!
//! **An office's policies lie in the data directory** (`policies/`), so that server and commands cannot
//! use different ones. Their hash is in every entry of the access log.
//!
//! **No record dies inside its retention period**, whoever asks: while the rule of its class runs, its parts
//! are kept apart for at least as long, held, or refused (`retention_runs`, which names the rule), and
//! behind it the decision of the records appraisal is named where the rule demands one. An open case has
//! not begun its period; it counts as if it were closed today, because what is missing then cannot be
//! appraised. What strayed into a case is no part of the record: a person or an attachment may be judged
//! so (`not_record`), with a reason that the second person approves; the text of a case may not. Where no
//! rule names the class, the office knows of no law that keeps the record.
//!
//! **An approved destruction can be cancelled for a whole day at least**, however late it was approved: a
//! term that was missed is the office's fault, and the step is the person's and the colleagues' chance.
//! Where nobody waits for an answer the window is whole. A receipt is dated back by 30 days at most.
//!
//! **What a person said in a request is a unit of its own** and ends `[ending] petition_days` after the
//! answer or the withdrawal: 180 days, as long as a decision can be contested. The order for it is the one
//! that nobody approves anew; it names who decided the request. What the office wrote about the request
//! leaves its row at the same time and is overwritten on the disk, but stands in older backups, under the
//! server's key, until those go.
//!
//! **An approval is bound by a hash** to kind, content and requester ([`crate::people::approval`]), and a
//! right goes to the key that was shown: by version, because a request made before the enrolment means
//! the first key and no later one. Two keys of an account never share a version, so a reset in between
//! makes the request void. Half an hour to decide, and half an hour from the decision to spend. An
//! approval whose approver was disabled, reset or changed roles meanwhile is not spent. An approver who
//! names the hash decides that and nothing else; who leaves it out decides what the id stands for.
//!
//! **What an approver sees is what they consent to.** Counts, items, the archive's key, who set the holds that
//! end, the law that kept an item, and the reason in the asker's words are parts of the hash, so that nothing
//! that is shown can be another thing at the use. A reason that changes is another request. That makes the
//! words of a reason visible to a privacy officer and, while the request is open, in its row; a text that
//! nobody may see does not belong there.
//!
//! **What two people did is in the log, not only in a row.** Asking, deciding and using a consent each note
//! the request in the sealed body of their entry: id, kind, hash and, where it is about rights, accounts and
//! roles ([`crate::audit::note`]); so does every change of an account that one person may make, with the roles
//! in force from then on. Ids and codes alone stand there: the words are the reason of the entry that asked.
//! A note is no part of the reason, because an inspection judges that, and a body without notes has the bytes
//! it always had.
//!
//! **A request that is over is emptied.** Its row would keep what a destruction takes from everywhere else:
//! the receipt of a sensitive case, a reason, a receiver. Within a quarter of an hour after it is spent,
//! refused, carried out, void or too old its row says kind, hash, who asked, who decided and when, and is
//! over for good, whatever the clock says later; one about rights alone stays readable, since it names no
//! case. After 92 days the row goes, one about rights after three years; what of how much was asked for, in
//! ids and numbers, stands in the entries. Auditors see requests without what says which cases they are
//! about: with the entries it would say which opaque id is whose. Rows lie under a key of the server, so what
//! they said stands in the journal until it is overwritten: with the next destruction's pass over the disk,
//! or by one of its own a day later. A request that is open while such a pass runs waits for the next. In
//! backups made meanwhile it stays, under the server's key, until those go. Requests live by the time of this
//! run, which no wall clock sets back, or by the wall clock where that is ahead.
//!
//! **A role is given by two**: each of them, at the start and later, to a key that is there; an account that
//! was just made has none. A lead reads every ordinary case of a department, an administrator makes other
//! administrators, so no role is small enough to be one person's to give. Only the founders have theirs from
//! the start: nobody is there yet to ask. A role is taken by one, because what it opens must be shut at once;
//! but whoever watches over the others, a privacy officer or an auditor, is shut out by two, and the last one
//! stays (`last_of_role`). What the consent itself carries out is that of somebody who may still ask for it:
//! a request dies with its asker's right.
//!
//! **A reset by two.** Whoever has a role is not reset by an administrator alone: the code that a reset gives
//! out makes the new key, and the log would name the person. Every role ends with the old key and is given
//! anew. For the only privacy officer nobody could approve a reset, so it is refused (`no_second_person`).
//! The way back from a lost password of the only one does not lead through this program: see the key
//! ceremony, which names two from the first day. The alternatives were worse: a reset after some days
//! without objection is an administrator's if the officer is on leave, and one under the store's
//! passphrase is the operator's.
//!
//! **A key dies with the account and with the human-rights role.** Disabling an account and taking the
//! human-rights role away puncture the account's unit: what was wrapped to that key opens for nobody, with
//! whatever password, on whatever image of the disk. Who only loses the role gets a one-time code, sets a
//! new password, and goes on with a new key. A seat on a desk that ends takes no case away: what
//! was handed to the desk before stays with those who received it until a holder hands it on.
//!
//! **No refusal and no count of cases at a reset.** A case that nobody else holds dies with the key. To
//! refuse for that reason, or to say how many there are, would tell an administrator that sensitive cases
//! exist and who has them. So the act goes through, and the answer warns (`cases_may_be_lost`) for every
//! human-rights officer alike; holders are told to hand over first. The price: one administrator can
//! destroy what a single person holds by disabling them. It is logged, a second holder prevents it, and
//! registering with one recipient says so (`single_recipient`). Shutting somebody out must not
//! wait for a second person.
//!
//! **The decision comes before the look at what was written.** A draft, a code or a reason is judged once
//! the policies have permitted the task, so that a refusal tells nothing of departments or accounts, and
//! what cannot be taken in leaves an entry (`failed`). Only what is no request at all – JSON that does
//! not parse, an unknown field – is turned away at the door.
//!
//! **A pace for each account** ([`crate::authn::pace`]): refusals are answered like everything else, after
//! a durable entry, so a flood of them would keep the disk busy. 20 requests a second, 40 at once, counted
//! after the log-in and by the account alone. What is turned away gets one entry a minute with its number.
//!
//! **Budgets count what was shown, from the log itself** ([`crate::audit::usage`]). A read, an export and a
//! print count their cases and their people; a row of a list or a find shows the head of a case and no
//! person, so it counts its case alone; what was opened for a search to compare never left the vault. What is
//! kept apart counts as well: each opening of it has its second person already, and above the first threshold
//! takes the password and is told. A search of an export counts nothing, for it shows nothing; what goes out
//! counts. Over the budget of exports it looks for nothing, unless a second person has consented already. Who
//! searches and has no room for one more case is refused before anything is looked for, and a page ends where
//! the room does: otherwise the refusal would say that there was something to find. All purposes count
//! together, and the purpose of a disclosure says which threshold it is held against: who changes the purpose
//! gains nothing. Being above a threshold is told once in 24 hours for each purpose, also where it was never
//! crossed because the purposes before had a higher one. What was opened within the day is opened again; what
//! leaves the house is held against the budget every time.
//!
//! **What leaves is approved as it stands.** The hash that a consent is bound to covers the revision of each
//! case, so a statement that is added meanwhile makes it void; it covers who can open it, who answers for it
//! and until when. The approver sees numbers and kinds of a few cases, of a sensitive one its receipt alone.
//! Unmasking takes two for a single case too: a threshold would be met one case at a time. A day of destruction
//! that nobody named is 30 days after the making, and is approved as such: it moves with the clock.
//!
//! **A hold is lifted by two who did not set it**, on a case and on an item kept apart: one asks, one
//! consents. So three people have a part in a hold, and an office that has fewer cannot end one by itself.
//!
//! **An export is a list first.** What was asked for becomes exactly these cases, each decided on by
//! itself; the list with everybody in it is durable before anything is opened; each case is decided on
//! again when its turn comes and opened under the list's proof
//! ([`crate::audit::manifest::Manifest`]). What is absent and what may not be taken out count alike.
//!
//! **A running export ends with its session**, also one without sensitive cases: rights that went do not
//! finish anything (안전성 확보조치 기준 제6조제4항). Keys of sensitive cases are unwrapped in the request that
//! begins it and zeroed with it; the thread that goes on behind the answer decides as the person and
//! holds none of their keys. What is finished is a locked file, and only who began it fetches it: also in
//! a later session, but with a sensitive case in it only in the session that began it, with which it dies.
//!
//! **A file that waits does not outlive the right to what is in it.** It dies before a case of it is handed
//! on by somebody, reclassified or locked, with a role or the account of who began it, and with anything of
//! it that is destroyed; a print document likewise. So fetching need not decide on every case again. Its
//! time runs by the process's own clock: a wall clock that is set back keeps nothing alive.
//!
//! **A case that changed in any way after an export chose it is left out**, and counted: what was consented
//! to and listed is the case as it stood, and a new statement may name a person who is not on the list, and
//! whom nothing would mask.
//!
//! **After a restore a copy is out until somebody says it is not.** The backup does not know whether what
//! waited then was fetched later: such a record says `may_be_out`.
//!
//! **Every file is locked with age**, to the receiver's own key or under a passphrase drawn here and shown
//! once: the one format that tools everywhere open and that says when it is cut short. The passphrase has
//! 128 random bits, so it is stretched little (1 MiB instead of 256). Only what is locked is written to a
//! disk; there is no file in clear, not even for a moment.
//!
//! **Workbooks are written here, as inline texts over `zip`.** The crates that make them hold a sheet in
//! memory or write it to temporary files in clear. A text is never a formula; a number keeps its zeros.
//!
//! **One case that is not there stops a whole print.** An export counts what was absent; paper that leaves
//! a case out without a word would be taken for the whole. The answer is that of a case that nobody has.
//!
//! **A report against somebody is printed without who made it**: petitioner, agent and witnesses are left out
//! of the people, and what names them is masked in the texts, also when nothing else is. `identity: "keep"`
//! says otherwise and is part of what a second person consents to. The entry of the list names everybody in
//! the case: who is left out is known only when it has been opened.
//!
//! **No texts without the people.** Names in a text are masked, or left out, because the case's own people
//! are known. Where a permit opens texts and no people (a coordinator's), a masked output and a print that
//! leaves an identity out hold the head alone, and a note in place of the narrative says so; whether a case
//! is a report against somebody is not known either, so a print takes it for one. To open the people for the
//! masking alone would put persons on the list, and count them, that the policy lets nobody in that part see.
//! A person who was destroyed while the texts are kept is one whom nobody knows any more: the same holds, and
//! the notes about the others go too.
//!
//! **Masking rather takes too much.** A name is found with spaces between its letters, a number behind a
//! dash, a bullet or what telephones are called by. What is joined to other letters or to another number
//! stays: numbers of cases, receipts and things are to be read.
//!
//! **JSONL is a spreadsheet for programs**: a line holds what the template's columns hold, by their codes,
//! with the people as one list. What the API shows besides (ids, receipt number, what was destroyed) is not
//! on the list that a second person consented to, and never left in another format.
//!
//! **A print holds its gates until its document can be dropped**: a destruction looks once for documents that
//! show what it destroys, and one that is still being laid out would not be found. Gates are entered in the
//! order of registration, as in lists; before that every case was decided on, in the order that was asked.
//!
//! **What a picture shows goes before what its file says.** Anybody can write a number into a file; so of a
//! PNG or JPEG the second mark is always read, and its numbers are answered first, then those of the text, each
//! with where it was read from. A picture that cannot be read is refused, whatever is written in it.
//!
//! **The second mark is one grid of single black dots** ([`crate::disclosure::mark`]): QR codes of version 1
//! with the strongest correction, 60 points apart, each dark module a dot of 0.8 points. Grey would not
//! outlive a photocopier. The reader does not look for one code that is whole: it finds the grid that the dots
//! lie on and lays all codes of the picture over one another, since text hides other modules of each; the
//! library then reads the one that comes out, and a number counts only if the whole tile agrees with it.
//!
//! **The page for browsers has one style, and the server's rules let in exactly that** (`style-src` with its
//! SHA-256): under rules that let nothing in, a browser drops the style and with it the second mark.
//!
//! **Numbers in a file cannot hide the right one.** Whoever is traced can write any number of others into it;
//! so marks come first, then numbers of this store, and sixteen of each kind are answered and entered, with
//! how many more there were. Of a PDF from a scanner the pages that are JPEGs are looked at; others are
//! counted.
//!
//! **A print is bounded before it is opened and while it is written**: 32 MiB with all its copies, two at work,
//! one a person, eight such documents in memory in all. A document that is refused after its list was entered
//! has its record closed as interrupted; one whose record cannot be closed is tried again every minute.
//!
//! **A print document waits in memory alone**, zeroed when it goes; on disk there would be a plain file, and
//! a locked one would need a key that outlives the session. The layout itself works on copies that are not
//! zeroed.
//!
//! **One row a case**, as in the register (민원 처리부), the people of each part in a cell of their own;
//! one row a person in the template `contacts`, which letters are made from.
//!
//! **A letter is a grapheme cluster** (`icu_segmenter`, which the text shaping of paper brings anyway), so
//! that masking shows no half of one.
//!
//! **A range that cannot be had is answered with the whole file** (RFC 9110 §14.2 allows it): a client
//! that has everything already is told so by the record, not by an error.
//!
//! **No page of an ordinary view is served yet**, so there is none to blank for a browser's own print: the
//! pages there are (print view, report, evidence, ledger form, notices) are made for paper. The rule
//! `@media print` for views of cases comes with the console.
