//! Whole flows through the real router, one binary for all of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helpers stop the test"
)]
#![expect(unreachable_pub, reason = "one binary: its modules see each other")]

mod program;
mod search;
mod thief;
mod world;

mod access;
mod attack;
mod backup;
mod bound_again;
mod budget;
mod budget_apart;
mod budget_out;
mod canary;
mod canary_out;
mod cli;
mod cli_import;
mod come_back;
mod coverage;
mod deletion;
mod deletion_answers;
mod deletion_limits;
mod destroy;
mod disk;
mod evidence;
mod export;
mod faults;
mod find;
mod forensic;
mod forward;
mod http_door;
mod inspection;
mod inspection_handed;
mod inspection_report;
mod keys;
mod kill;
mod limits_out;
mod log_ins;
mod metrics;
mod other_age;
mod people;
mod print;
mod quickstart;
mod reply;
mod restart;
mod restored;
mod retained;
mod retained_end;
mod second;
mod shared;
mod takeout;
mod upkeep;
