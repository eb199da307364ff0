//! What a person can do, one file per verb.
//!
//! Doors call [`Service::call`] with one of the verbs of [`Store`] and await the answer: the verb
//! decides, opens and seals on the pool; the committer's answer is awaited at the door, so that
//! no pool thread sleeps while a group is being synced.

mod account_end;
mod accounts;
mod alerts;
mod allowance;
mod amend;
mod approval_end;
mod approval_words;
mod approvals;
mod assign;
mod background;
mod backup;
mod budget;
mod clock;
#[cfg(test)]
mod crash_tests;
mod deletion;
mod deletion_end;
mod deletion_lawful;
mod deletion_review;
mod deletion_steps;
mod deletion_view;
mod departments;
mod destroy;
mod destroy_end;
mod destroy_hooks;
mod destroy_plan;
#[cfg(test)]
mod destroy_tests;
#[cfg(test)]
mod end_tests;
mod entrance;
mod error;
mod escrow;
mod evidence;
mod export;
mod export_choose;
mod export_run;
mod export_settle;
mod exports;
mod fault;
pub mod forensic;
mod forensic_files;
mod forensic_known;
mod gate;
mod headroom;
mod held_back;
mod hold;
mod import;
mod import_rejects;
mod index;
mod inspection;
mod inspection_known;
mod inspection_steps;
mod ledger;
mod list;
mod log;
mod login;
mod open;
mod output_end;
mod output_owed;
mod output_steps;
mod outputs;
mod own_time;
mod petition_end;
mod places;
mod pool;
mod print;
mod print_fetch;
mod print_order;
mod print_write;
mod prints;
mod puncture_queue;
mod read;
mod recipients;
mod reclassify;
mod register;
pub mod repair;
pub mod restore;
mod retained;
mod retained_check;
mod retained_end;
mod retained_open;
mod retained_share;
mod retained_term;
mod retention;
mod scrub;
mod seal;
mod search;
mod second_person;
mod standing;
mod step_up;
mod store;
mod take_out;
#[cfg(test)]
mod testing;
mod traces;
mod types;

pub use crate::audit::query::Query as LogQuery;
pub use crate::people::view::Invitation;

pub use alerts::AlertView;
pub use allowance::BudgetView;
pub use approvals::Verdict;
pub use backup::BackupSet;
pub use error::ServiceError;
pub use evidence::{EvidenceDraft, EvidenceView};
pub use export::{Begun, Filter, Order, Selection};
pub use hold::HoldChange;
pub use import::Chunk;
pub use ledger::LedgerEntry;
pub use outputs::{Fetched, OutputView, Portion};
pub use print::Printed;
pub use print_fetch::PrintDocument;
pub use print_order::PrintOrder;
pub use prints::Bytes;
pub use retained::{Draw, Drawn};
pub use retained_end::{End, Ordered};
pub use retained_open::{ItemView, Reasons, Transfer};
pub use retained_share::Shared;
pub use retained_term::{CalledOff, Holding, NewTerm, Term};
pub use seal::{Founder, Service, Settings};
pub use second_person::Consented;
pub use step_up::StepUp;
pub use store::{Answer, Store};
pub use traces::{Evidence, ReadFrom, TraceView, Traced};
pub use types::{
    Amended, Assigned, BackupFile, BackupList, BackupPlan, ConsistencyView, HoldView, Holds,
    ImportProgress, ImportRow, ImportState, InclusionView, KeyCopyMade, KeyHolderView, LogEntry,
    LoggedIn, Opened, PageRequest, Progress, Reclassified, Registered, RejectCode, RejectedRow,
    Reset, Rows,
};
