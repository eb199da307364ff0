//! A permit comes out of a decision and nowhere else.
use bongham::authz::Permit;
use bongham::authz::action::Read;

fn leak() -> Permit<Read> {
    Permit { ticket: 1 }
}

fn main() {}
