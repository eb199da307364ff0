//! Code that must not compile, with the compiler's words pinned, each beside a twin that does.

#[test]
fn illegal_states_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile/*_ok.rs");
    cases.compile_fail("tests/compile/*_bad.rs");
}
