//! A receipt is spent once.
use bongham::audit::Receipt;
use bongham::authz::action::Read;
use bongham::cases::record::Case;
use bongham::vault::Disclosed;

fn leak(first: Disclosed<Read, Case>, second: Disclosed<Read, Case>, receipt: Receipt<Read>) {
    drop(first.reveal(receipt));
    drop(second.reveal(receipt));
}

fn main() {}
