//! The twin: with the receipt of its entry, it is revealed.
use bongham::audit::Receipt;
use bongham::authz::action::Read;
use bongham::cases::record::Case;
use bongham::cases::view::CaseView;
use bongham::vault::Disclosed;

fn show(disclosed: Disclosed<Read, Case>, receipt: Receipt<Read>) -> Option<CaseView> {
    disclosed.reveal(receipt).ok()
}

fn main() {}
