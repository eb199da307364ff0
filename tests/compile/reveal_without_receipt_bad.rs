//! Plaintext has no accessor: without a receipt there is no view.
use bongham::authz::action::Read;
use bongham::cases::record::Case;
use bongham::cases::view::CaseView;
use bongham::vault::Disclosed;

fn leak(disclosed: Disclosed<Read, Case>) -> CaseView {
    disclosed.reveal()
}

fn main() {}
