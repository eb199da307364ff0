//! The receipt of a listing does not reveal a reading.
use bongham::audit::Receipt;
use bongham::authz::action::{List, Read};
use bongham::cases::record::Case;
use bongham::cases::view::CaseView;
use bongham::vault::Disclosed;

fn leak(disclosed: Disclosed<Read, Case>, receipt: Receipt<List>) -> Option<CaseView> {
    disclosed.reveal(receipt).ok()
}

fn main() {}
