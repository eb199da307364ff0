//! A permit is given up to be recorded: no second disclosure on it.
use bongham::audit::{AccessLog, Shown};
use bongham::authz::Permit;
use bongham::authz::action::Read;

fn leak(log: &AccessLog, permit: Permit<Read>) {
    drop(log.record(permit, Shown::default()));
    drop(log.record(permit, Shown::default()));
}

fn main() {}
